//! The Rust SDK: typed calls to a payswitch daemon.
//!
//! **What it is for.** A merchant or wallet operator holds a [`Client`], the switch's operator an [`Operator`]. Each
//! method is one call of the published services: it takes the request message, returns the reply message, and turns
//! every failure into one of the few kinds of [`Error`] that a caller acts on differently. A decline is a reply, not an
//! error.
//!
//! **What it must never know.** How a decision is made, stored or printed. It keeps no state between calls, never
//! repeats a call and never resumes a stream by itself: only the caller knows the idempotency key it wants to repeat, and
//! how often. No type of the transport appears in what it publishes.
//!
//! **Where to start.** [`Client`], then [`Error`].

mod address;
mod channel;
mod client;
mod echo;
mod error;
mod key;
mod operator;
pub mod sandbox;

pub use address::{Address, InvalidAddress};
pub use channel::Options;
pub use client::{Client, PaymentAnswers, PaymentSender, Watch};
pub use echo::{Echo, EchoSize};
pub use error::{Code, Error, FieldViolation, Refusal};
pub use key::{API_KEY_BYTES_MAX, ApiKey, InvalidApiKey};
pub use operator::Operator;
