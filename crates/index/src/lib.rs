//! Every record and the ways to find it, on disk, derived from the journal.
//!
//! **What it is for.** Whoever needs something older than memory holds finds it here: a record by its position, a payment's
//! records, what was asked under a key, the payment shown for an order, an account's postings, past rates. The
//! [`Index`] has one writer, which folds durable records in order and hands over what follows from them in
//! [`Batch`]es; each batch is written whole or not at all, with the position it leads to. After any crash the index
//! stands at some earlier position, and its writer goes on from there by reading the journal.
//!
//! **What it must never know.** The engine's state, records that are not durable, the time. It decides nothing and holds
//! nothing that the journal does not: one that is lost, damaged or of another version is removed and made again.
//!
//! **Where to start reading.** [`Index`], then [`Store`], what it stands on: a database in a directory, or memory for
//! tests.

mod index;

mod batch;
mod rows;

mod filter;
mod port;

mod directory;
mod memory;

mod error;

pub use batch::{Batch, ClosedBatch};
pub use directory::{DirectoryStore, OPEN_FILES_MAX};
pub use error::{Error, StoreFault};
pub use index::{FORMAT_VERSION, Index};
pub use memory::MemoryStore;
pub use port::{Direction, Row, Store, Table, Write};
pub use rows::{
    AccountRow, AccountState, Counts, DecidedPayment, OrderRow, PlaceInRecord, PostingRow, TrialLine, concerned,
};
