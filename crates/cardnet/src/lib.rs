//! A card network and the issuers behind it, played: what a switch talks to where there is no contract with a scheme.
//!
//! **What it is for.** A sandbox daemon runs it in its process, and a test beside the process it tests. It speaks ISO
//! 8583:1987 over TCP, answers by the *script* of the card, and keeps books of what it approved, so that what a switch
//! believes can be compared with what its network believes.
//!
//! **What it must never know.** The switch: its ids, its journal, its ledger. It learns of a payment what the messages
//! say. It is no part of a switch that takes real cards, and its books hold no card number.
//!
//! **Where to start reading.** [`Script`], then [`Books`], then [`Issuer`], which is pure; [`Network`] is the thin shell of
//! sockets and one file around it. `README.md` has the test numbers and the grammar of scripts and books.

#![deny(clippy::arithmetic_side_effects, clippy::as_conversions, clippy::indexing_slicing)]

mod card;

mod billing;
mod script;
mod scripts;

mod books;
mod issuer;

mod books_file;
mod line;
mod network;
mod settings;

pub use billing::{Billing, BillingError};
pub use books::{Authorization, Books, Change, ChangeKind, LineError, ReadError, Refusal, Total, Trace};
pub use books_file::BooksFileError;
pub use card::{CardNumber, InvalidCardNumber};
pub use issuer::{Action, Issuer, Session};
pub use network::{Error, Network};
pub use script::{DELAY_MS_MAX, Percent, Script, ScriptError};
pub use scripts::{SCRIPTS_MAX, Scripts, ScriptsError, TEST_NUMBERS};
pub use settings::{ADDRESSES_MAX, IN_FLIGHT_MAX, Limits, Settings, SettingsError, spec_named};
