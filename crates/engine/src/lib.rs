//! The authorization engine: a pure state machine over accounts, payments, rates and idempotency keys.
//!
//! [`Engine::decide`] looks at the state and says what shall happen; [`Engine::apply`] makes it so, live and at recovery
//! alike. Both are synchronous and total: a decline is a value, a refusal is a value, a broken invariant is a panic that
//! stops the process.
//!
//! It must never know a clock, a file, a socket, a thread, randomness, metrics or logs: time and ids come in with the
//! command. No order of a hash map may reach an output.
//!
//! Start reading at [`Engine`], then `authorize.rs` (the checks in order), `payments.rs` (what a payment is once it is
//! approved) and `rails/wallet.rs` (the legs and their postings).

#![no_std]

extern crate alloc;

mod engine;

mod authorize;
mod conversions;
mod lifecycle;
mod refunds;
mod together;
mod rails {
    pub(crate) mod card;
    pub(crate) mod wallet;
}
mod payments;

mod accounts;
mod cards;
mod consents;
mod exposure;
mod keys;
mod ledger;
mod offers;
mod operations;
mod parties;
mod recall;
mod standing;
mod state_digest;
mod tape;

/// Version of the rules in this code. It is raised whenever some command on some state would be decided, or some event
/// applied, otherwise than before; the journal notes it, so that an audit knows which records it may hold to it.
pub const VERSION: u32 = 2;

pub use cards::CARD_MESSAGES_MAX;
pub use consents::{APPROVAL_MS_MAX, CODE_MS, GUESS_WINDOW_MS, GUESSES_MAX};
pub use engine::{Decision, Engine};
pub use ledger::BALANCE_MINOR_UNITS_MAX;
pub use lifecycle::HOLDS_EXPIRED_A_RECORD_MAX;
pub use payments::{PENDING_REFUNDS_MAX, TRANCHES_MAX};
pub use recall::{FORGOTTEN_AT_ONCE_MAX, NotRecalled};
pub use standing::DoesNotStand;
pub use state_digest::StateDigest;
pub use tape::{RATE_AHEAD_MS_MAX, RATE_TICK_MS_KEPT, RATE_TICKS_KEPT_MAX, RATE_TICKS_KEPT_MIN, VOLATILITY_MOVES};
