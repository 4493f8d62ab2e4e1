//! Read models folded from durable records.
//!
//! **What it is for.** Every read of payments, accounts, balances and past rates. One [`Projector`] folds durable records in lsn
//! order into the [`Boards`], which any number of readers share. A reader takes the journal's durable position when its
//! call arrives and [waits](Boards::wait_for) until the boards have come that far, so whoever got an answer sees its
//! effect. [`feed`] hands records from the shard's thread to the projector's.
//!
//! **What is in memory.** Without an index everything, for ever. [With one](Projector::with_index) the last records and what
//! they touched, and accounts and pairs as they stand; the rest is read from the index, to which the projector writes what
//! follows from each batch of the journal. Before it folds a record it brings back what the record touches, and a record that
//! leaves the hot window takes with it what it touched last. Memory is then bounded by the window, the watches' ring,
//! accounts, merchants and pairs, whatever the age of the ledger. Readers look into memory first: what is not there was
//! written before it was dropped.
//!
//! **What it must never know.** The engine's state, records that are not durable, the time of day, sockets. It decides
//! nothing: throw the boards away, fold the journal again, and they are the same.
//!
//! **Where to start reading.** [`Projector::apply`], then what it writes: payments, accounts, the trial balance. Then
//! `index_writer.rs`, for what leaves memory.

mod projector;

mod boards;

mod payments;
mod watch;

mod accounts;
mod trial_balance;

mod chain;
mod rate_history;

mod index_writer;
mod tail;

mod feed;

mod metric_names;

#[cfg(test)]
mod script;

pub use accounts::{AccountSummary, Page, PostingRow};
pub use boards::Boards;
pub use feed::{FeedClosed, FeedReceiver, FeedSender, feed};
pub use index::{AccountState, Error as IndexError, TrialLine};
pub use metric_names::describe_metrics;
pub use payments::{LIST_SCAN_MAX, ListPlace, PaymentFilter, PaymentPage, PaymentView, RefundView};
pub use projector::Projector;
pub use rate_history::RatePage;
pub use trial_balance::first_imbalance;
pub use watch::{BelowRetained, WATCH_RETAINED_RECORDS, WatchBatch, WatchError, WatchedRecord};
