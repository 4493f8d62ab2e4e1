//! The typed stages that gather evidence for a payment, and the two tables they look it up in.
//!
//! **What it is for.** A [`PaymentRequest`](domain::PaymentRequest) becomes a [`Submission`](domain::Submission) the
//! engine can decide: [`route`] finds the payer's account, [`convert`] quotes what the payer pays and the merchant is
//! paid, [`assemble`] writes the command. [`increase`] does the same for more of a payment that stands, and [`offer`]
//! quotes what nobody has asked to pay yet. The order is in the types. A stage never approves or declines; what it cannot find it attaches as
//! [`Evidence::Unavailable`](domain::Evidence::Unavailable), because a repeat of a decided request is answered even when
//! its evidence cannot be had a second time.
//!
//! **What it must never know.** The time (it is an argument), sockets, threads, the ledger. [`Directory`] and
//! [`RateBook`] hold nothing of their own: every entry comes from a durable record, so a restart fills them again.
//!
//! **Where to start reading.** The functions of `stages.rs`, in order, then `quotes.rs`.

mod stages;

mod quotes;

mod directory;
mod rate_book;

mod metric_names;

#[cfg(test)]
mod script;

pub use directory::{CardEntry, Directory, MerchantTerms, PersonEntry};
pub use metric_names::describe_metrics;
pub use quotes::offer;
pub use rate_book::RateBook;
pub use stages::{IncreaseRequest, Priced, Routed, assemble, convert, increase, route};
