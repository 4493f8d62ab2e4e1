//! Bugs planted on purpose: a proof that finds nothing must be one that could.
//!
//! **What it is for.** The code under proof asks [`is`] at the places where such bugs are made. A proof plants one
//! for its thread at run time, and fails unless it is found.
//!
//! **What it must never be.** Armed in a program that somebody runs: without the feature `armed`, which is a development
//! dependency of the simulator, [`is`] is a constant and every bug is compiled away.
//!
//! **Where to start.** [`Bug`] is the list.

#![cfg_attr(not(feature = "armed"), no_std)]

/// A bug that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The journal calls a batch durable that it has written and not synced.
    NoSync,
    /// The journal syncs once more after a failed sync, and believes that.
    RetriesFailedSync,
    /// The journal takes a failed write or sync for a success.
    GoesOnAfterFailure,
    /// The journal syncs a batch when it writes the next one.
    SyncsTooLate,
    /// A new segment's name is not made durable.
    NoDirectorySync,
    /// A new segment gets its name before its header is durable.
    NoHeaderSync,
    /// Checksums, end marks and chain of a batch are not looked at.
    NoChecksums,
    /// Whatever cannot be read is cut as if it were a torn tail.
    CutsWhatIsDamaged,
    /// An opening trusts what the kernel shows of the last batch.
    NoRewriteOfTail,
    /// The journal finds no room for a new segment and writes on.
    NoSpaceCheck,
    /// Answers leave before what they rest on is durable.
    AnswersTooEarly,
    /// A batch is decided on the state before it.
    AppliesAfterBatch,
    /// The shard's time is the clock's, even when that goes back.
    ClockGoesBack,
    /// The key of a decline is forgotten.
    ForgetsKeysOfDeclines,
    /// Consents end by this machine's clock.
    ConsentsByWallClock,
    /// A void leaves its hold in place.
    VoidKeepsHold,
    /// A refund is not taken off what can still be refunded.
    RefundsForgotten,
    /// Keys end by this machine's clock.
    KeysByWallClock,
    /// The engine forgets what the index does not have yet.
    ForgetsUnindexed,
    /// A payment is recalled with records that come only later in the journal.
    RecallsFromTheFuture,
    /// A record that an opening finds goes to the index before it is known to be durable.
    IndexesUnconfirmed,
    /// A snapshot is used although the index does not have all that it leaves out.
    SnapshotAheadOfIndex,
    /// The filter before the index is not told of what is written.
    FilterMissesWrites,
}

impl Bug {
    /// Every bug.
    pub const ALL: [Self; 23] = [
        Self::NoSync,
        Self::RetriesFailedSync,
        Self::GoesOnAfterFailure,
        Self::SyncsTooLate,
        Self::NoDirectorySync,
        Self::NoHeaderSync,
        Self::NoChecksums,
        Self::CutsWhatIsDamaged,
        Self::NoRewriteOfTail,
        Self::NoSpaceCheck,
        Self::AnswersTooEarly,
        Self::AppliesAfterBatch,
        Self::ClockGoesBack,
        Self::ForgetsKeysOfDeclines,
        Self::ConsentsByWallClock,
        Self::VoidKeepsHold,
        Self::RefundsForgotten,
        Self::KeysByWallClock,
        Self::ForgetsUnindexed,
        Self::RecallsFromTheFuture,
        Self::IndexesUnconfirmed,
        Self::SnapshotAheadOfIndex,
        Self::FilterMissesWrites,
    ];
}

#[cfg(feature = "armed")]
mod armed {
    use std::{
        cell::Cell,
        time::{SystemTime, UNIX_EPOCH},
    };

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Plants a bug for what this thread does from now on, or takes it out again.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    /// Whether this bug is planted here.
    #[must_use]
    pub fn is(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }

    /// What this machine's clock shows, in microseconds since 1970, if this bug is planted here.
    #[must_use]
    pub fn wall_clock(bug: Bug) -> Option<i64> {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        is(bug).then(|| i64::try_from(since_1970.as_micros()).unwrap_or(i64::MAX))
    }
}

#[cfg(feature = "armed")]
pub use armed::{is, plant, wall_clock};

/// Never: nothing can be planted.
#[cfg(not(feature = "armed"))]
#[must_use]
pub const fn is(_bug: Bug) -> bool {
    false
}

/// Never: nothing can be planted.
#[cfg(not(feature = "armed"))]
#[must_use]
pub const fn wall_clock(_bug: Bug) -> Option<i64> {
    None
}
