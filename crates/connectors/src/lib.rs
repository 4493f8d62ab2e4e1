//! Lines to outside parties.
//!
//! **What it is for.** Each module speaks to one kind of party: [`card_iso8583`] to card networks. What is to be said was
//! decided by the engine and is durable before it comes here; what is answered goes back as a command.
//!
//! **What it must never know.** Balances, rules, the journal. It decides nothing about money and keeps nothing that the
//! ledger does not have. No log line, metric or error shows a card number.
//!
//! **Where to start reading.** `card_iso8583.rs`, then `card_iso8583/connector.rs`. `README.md` has the messages and the
//! states of a line and of an advice.

#![deny(clippy::indexing_slicing)]

pub mod card_iso8583;
mod metric_names;

pub use metric_names::describe_metrics;
