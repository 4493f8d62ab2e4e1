//! The authorization engine: a pure state machine over accounts, payments, rates and idempotency keys.
//!
//! [`Engine::decide`] looks at the state and says what shall happen; [`Engine::apply`] makes it so, live and at recovery
//! alike. Both are synchronous and total: a decline is a value, a refusal is a value, a broken invariant is a panic that
//! stops the process.
//!
//! It must never know a clock, a file, a socket, a thread, randomness, metrics or logs: time and ids come in with the
//! command. No order of a hash map may reach an output.
//!
//! Start reading at [`Engine`], then `payments.rs` (the checks in order) and `rails/wallet.rs` (the postings).

#![no_std]

extern crate alloc;

mod engine;
mod payments;
mod rails {
    pub(crate) mod wallet;
}
mod accounts;
mod keys;
mod ledger;
mod parties;
mod state_digest;
mod tape;

pub use engine::{Decision, Engine};
pub use ledger::BALANCE_MINOR_UNITS_MAX;
pub use state_digest::StateDigest;
pub use tape::{RATE_AHEAD_MS_MAX, RATE_TICKS_KEPT};
