//! Read models folded from durable records.
//!
//! **What it is for.** Every read of payments, accounts, balances and past rates. One [`Projector`] folds durable records in lsn
//! order into the [`Boards`], which any number of readers share. A reader takes the journal's durable position when its
//! call arrives and [waits](Boards::wait_for) until the boards have come that far, so whoever got an answer sees its
//! effect. [`feed`] hands records from the shard's thread to the projector's.
//!
//! **What it must never know.** The engine's state, records that are not durable, the time, sockets. It decides nothing:
//! throw the boards away, fold the journal again, and they are the same.
//!
//! **Where to start reading.** [`Projector::apply`], then what it writes: payments, accounts, the trial balance.

mod projector;

mod boards;

mod payments;
mod watch;

mod accounts;
mod trial_balance;

mod chain;
mod rate_history;

mod feed;

mod metric_names;

#[cfg(test)]
mod script;

pub use accounts::{AccountState, AccountSummary, Page, PostingRow};
pub use boards::Boards;
pub use feed::{FeedClosed, FeedReceiver, FeedSender, feed};
pub use metric_names::describe_metrics;
pub use payments::{LIST_SCAN_MAX, PaymentFilter, PaymentPage, PaymentView, RefundView};
pub use projector::Projector;
pub use rate_history::RatePage;
pub use trial_balance::{TrialLine, first_imbalance};
pub use watch::{BelowRetained, WATCH_RETAINED_RECORDS, WatchBatch, WatchedRecord};
