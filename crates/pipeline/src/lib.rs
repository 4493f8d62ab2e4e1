//! The typed stages that gather evidence for a payment, and the two tables they look it up in.
//!
//! **What it is for.** A [`PaymentRequest`](domain::PaymentRequest) becomes a [`Submission`](domain::Submission) the
//! engine can decide: [`route`] finds the payer's account, [`convert`] quotes the debit amount, [`assemble`] writes the
//! command. The order is in the types. A stage never approves or declines; what it cannot find it attaches as
//! [`Evidence::Unavailable`](domain::Evidence::Unavailable), because a repeat of a decided request is answered even when
//! its evidence cannot be had a second time.
//!
//! **What it must never know.** The time (it is an argument), sockets, threads, the ledger. [`Directory`] and
//! [`RateBook`] hold nothing of their own: every entry comes from a durable record, so a restart fills them again.
//!
//! **Where to start reading.** The three functions of `stages.rs`, in order.

mod stages;

mod directory;
mod rate_book;

mod metric_names;

#[cfg(test)]
mod script;

pub use directory::{Directory, MerchantTerms};
pub use metric_names::describe_metrics;
pub use rate_book::{RateBook, TickInForce};
pub use stages::{Priced, Routed, assemble, convert, route};
