//! What a caller is told.

use std::sync::Arc;

use domain::{Record, Refusal};

/// What a caller is told.
pub type Answer = Result<Committed, Refused>;

/// It is durable: approved or declined, now or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// What was asked and what happened.
    pub record: Arc<Record>,
    /// Whether this request only repeats an earlier one under the same key.
    pub repeated: bool,
}

/// Nothing was committed by this request, except that for [`Refused::Unconfirmed`] nobody knows yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The engine recorded nothing.
    #[error("the engine recorded nothing: {0:?}")]
    Engine(Refusal),
    /// The same, of payments that are decided together.
    #[error("the engine recorded nothing, for payment {position}: {refusal:?}")]
    Together {
        /// The payment that was refused, counted from 0.
        position: usize,
        /// Why.
        refusal: Refusal,
    },
    /// The record would be larger than the journal takes. Nothing was tried.
    #[error("the record would be larger than the journal takes")]
    RecordTooLarge,
    /// More requests wait than may.
    #[error("more requests wait than may")]
    InboxFull,
    /// The daemon is stopping.
    #[error("the daemon is stopping")]
    Draining,
    /// The journal failed earlier; nothing is written until a restart.
    #[error("the journal failed, nothing is written until the daemon is restarted")]
    JournalFailed,
    /// The disk is too full for new records. Nothing was tried; work goes on once there is space.
    #[error("there is no room for new records on the disk")]
    DiskFull,
    /// What it may repeat or change is of long ago and cannot be read now, or the index is too far behind for anything new.
    /// Nothing was tried.
    #[error("the index cannot be read, or is far behind")]
    PastUnreadable,
    /// The caller's deadline had passed before the request was decided.
    #[error("the deadline passed before the request was decided")]
    DeadlinePassed,
    /// The write was tried and not confirmed. After a restart the same key tells the truth.
    #[error("the write was tried and not confirmed, the same key tells the truth after a restart")]
    Unconfirmed,
}
