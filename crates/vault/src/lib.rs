//! Card numbers at rest: bound to a token, sealed in one file, opened on demand, destroyed when they are unbound.
//!
//! **What it is for.** A card number exists between the message that brings it and [`Vault::bind`], and between
//! [`Vault::reveal`] and the card connector. Everywhere else a [`CardToken`](domain::CardToken) stands for it.
//!
//! **What it must never know.** A payment, a payer, a clock, a socket. The card verification value (CVV2, CVC2, CID): there
//! is no field for it (PCI DSS 4 requirement 3.3.1).
//!
//! **Where to start.** [`Vault`], then `format.rs`. `README.md` has the file byte by byte, and what it protects from what.

mod error;
mod expiry;
mod format;
mod index;
mod key_encryption_key;
mod opening;
mod pan;
mod place;
mod scheme;
mod sealing;
mod secret;
mod vault;

pub use error::{BindError, Error};
pub use expiry::{Expiry, InvalidExpiry};
pub use key_encryption_key::KeyEncryptionKey;
pub use pan::{InvalidPan, Pan};
pub use secret::wipe;
pub use vault::{Bound, Opened, Vault};
