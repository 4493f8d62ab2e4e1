//! The port: what every journal promises.

use std::sync::Arc;

use domain::{ChainMark, Lsn};

use crate::Error;

/// The largest record that every journal takes, in bytes.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;

/// The largest record of all, in bytes: a journal of small segments takes [less](Journal::record_bytes_max).
pub const LARGE_RECORD_BYTES_MAX: usize = 1024 * 1024;

/// The most records in one batch.
pub const BATCH_RECORDS_MAX: usize = 64 * 1024;

/// The largest batch, in bytes, with everything the format puts around the records. A journal of small segments holds
/// smaller batches, but always at least one record of [`RECORD_BYTES_MAX`].
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

/// An append-only log of opaque records with one owner.
///
/// The owner repeats three steps: [`append`](Self::append) each record, [`flush`](Self::flush) once, then
/// [`poll`](Self::poll) until the journal says that they are durable.
///
/// # Contract
/// - Records have the lsns 1, 2, 3 … without gaps. The caller gives the lsn; it is always `last_lsn` + 1.
/// - A record is durable when `poll` said so, or when it was there after the journal was opened. It is then found,
///   byte for byte, after any crash.
/// - What was appended and not durable may or may not be found after a crash. What is found is always a prefix of
///   what was appended, in whole batches.
/// - The durable lsn never goes back.
/// - Batches are chained: the digest behind each covers every record up to there, and how they were batched. What was
///   told of a batch that is durable is told of it again by any later opening.
/// - The first failed write, sync or rename fails the journal for the rest of this process. It never writes or syncs
///   again: the kernel may have dropped the pages, so a later success would prove nothing. Readers go on.
///
/// A journal must not write a record that was not appended, must not answer `Durable` for anything it has not synced,
/// must not try a failed write again, and must not change a byte below the durable lsn.
pub trait Journal {
    /// Reads durable records while the journal goes on.
    type Reader: Reader;

    /// Adds a record to the open batch. This is a copy in memory: the record is not durable before `poll` says so.
    ///
    /// # Errors
    /// [`Error::RecordTooLarge`] over [`record_bytes_max`](Self::record_bytes_max). [`Error::BatchFull`] when the open batch has no room: flush,
    /// poll, and append it again. [`Error::Failed`] and [`Error::Closed`] for a journal that has ended. After any error
    /// `last_lsn` is what it was.
    ///
    /// # Panics
    /// When `lsn` is not `last_lsn` + 1.
    fn append(&mut self, lsn: Lsn, record: &[u8]) -> Result<(), Error>;

    /// Hands over everything appended so far; returns before it is durable. Records appended between this and the
    /// `poll` that writes may ride along. With nothing appended it does nothing.
    ///
    /// # Errors
    /// [`Error::Failed`] or [`Error::Closed`] for a journal that has ended.
    fn flush(&mut self) -> Result<(), Error>;

    /// Does the next step towards durability of what was handed over, and says how far it got. May block for one
    /// write and one sync. Callable at any time, also after the end of the journal.
    fn poll(&mut self) -> Progress;

    /// Whether what an owner appends before it asks again can be made durable with the space the journal has of its medium
    /// already, whatever else fills that up. Without room nothing new should be appended: what is refused then was never
    /// tried, so that work goes on by itself once there is room. With `again` it looks anew for what was not to be had
    /// when it looked last; it never waits for that.
    ///
    /// The owner asks before each batch at the latest. A journal that takes no space ahead always has room.
    ///
    /// # Errors
    /// Why there is no room: nothing has failed yet.
    fn check_room(&mut self, again: bool) -> Result<(), Arc<Error>> {
        let _nothing_to_look_for = again;
        Ok(())
    }

    /// The largest record it takes now, in bytes: [`RECORD_BYTES_MAX`] to [`LARGE_RECORD_BYTES_MAX`].
    fn record_bytes_max(&self) -> usize;

    /// The lsn of the newest record appended; [`Lsn::ZERO`] when there is none.
    fn last_lsn(&self) -> Lsn;

    /// The lsn up to which everything is durable; never above `last_lsn`.
    fn durable_lsn(&self) -> Lsn;

    /// The mark of the newest durable batch that holds records: the position of its last record, which is the durable
    /// lsn, and the digest of the chain right behind it. `None` while nothing is durable.
    ///
    /// One `poll` makes at most one batch durable, so that an owner that asks after each `poll` is told the mark of
    /// every batch. A note that the journal writes for itself holds no records and changes no mark.
    fn chain(&self) -> Option<ChainMark>;

    /// Reads the durable records from `from` on, and follows the journal: what becomes durable later can be read
    /// later. Keeps working after this journal has failed, closed or been dropped, up to its last durable lsn.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Damaged`] when the place where `from` lies cannot be read, [`Error::BeginsLater`] when it
    /// was archived.
    fn reader(&self, from: Lsn) -> Result<Self::Reader, Error>;

    /// Ends the journal cleanly: makes everything appended durable and leaves a note of it, so that the next opening
    /// can tell any later loss from a torn tail. Afterwards `append` and `flush` return [`Error::Closed`]; closing
    /// again does nothing.
    ///
    /// # Errors
    /// [`Error::Failed`] when it had failed, or fails now.
    fn close(&mut self) -> Result<(), Error>;
}

/// A place in a journal from which durable records are read in order.
pub trait Reader: Send {
    /// Returns the next record, or `None` while no further record is durable.
    ///
    /// # Errors
    /// [`Error::Io`] when the disk cannot be read and [`Error::Damaged`] when what it returns is not what was written.
    fn read(&mut self) -> Result<Option<Record<'_>>, Error>;
}

/// One record as a [`Reader`] returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its position.
    pub lsn: Lsn,
    /// The bytes that were appended.
    pub bytes: &'a [u8],
}

/// How far a journal has got. A journal that is replicated will add answers of its own (deposed by another writer; not
/// known whether written); this one knows two.
#[derive(Clone, Debug)]
pub enum Progress {
    /// Every record up to this lsn is durable.
    Durable(Lsn),
    /// The journal failed, for the reason given, and will not write again in this process. What lies above
    /// [`Journal::durable_lsn`] is in doubt until the journal is opened anew.
    Failed(Arc<Error>),
}
