//! What can go wrong, and where.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use domain::Lsn;

use crate::format::JournalId;
use crate::scan::RecordRef;

/// The error by which the caller of an opening or a scan stops it.
pub type FoldError = Box<dyn std::error::Error + Send + Sync>;

/// Takes in the records of a journal, one by one and in order, while it is opened or scanned. Each comes with the mark of
/// the batch that holds it; the record whose lsn is the mark's is the last of its batch.
pub type Fold<'a> = dyn FnMut(RecordRef<'_>) -> Result<(), FoldError> + 'a;

/// Why a journal could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk refused an operation.
    #[error("cannot {tried} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        tried: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },

    /// The disk is too full to prepare a segment on it. Nothing was written.
    #[error(
        "{} has {free_bytes} bytes free, a new segment is made only with {needed_bytes}: free some space", path.display()
    )]
    NoSpace {
        /// The directory.
        path: PathBuf,
        /// What is free, in bytes.
        free_bytes: u64,
        /// What must be free, in bytes.
        needed_bytes: u64,
    },

    /// The stored bytes are not those that were written, at a place known to have been durable. Nothing was changed.
    #[error("{} is damaged at offset {offset}, lsn {lsn}: {what}", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// The byte in it where the damaged record, batch or header begins.
        offset: u64,
        /// The first record that cannot be relied on.
        lsn: Lsn,
        /// What is wrong there.
        what: Damage,
    },

    /// The segment was written by a later version of this program.
    #[error("{} has format version {found}, this program reads versions up to {supported}", path.display())]
    NewerFormat {
        /// The segment.
        path: PathBuf,
        /// The version it says it has.
        found: u16,
        /// The newest version this program reads.
        supported: u16,
    },

    /// There is a journal already where a new one shall be.
    #[error("{} holds a journal already", path.display())]
    Exists {
        /// The directory.
        path: PathBuf,
    },

    /// There is no journal to read.
    #[error("{} holds no journal segment", path.display())]
    NoJournal {
        /// The directory.
        path: PathBuf,
    },

    /// The journal begins behind what was asked for: its earlier segments were archived. Nothing was changed.
    #[error(
        "{} begins at lsn {first_lsn}, earlier segments were archived: restore them from the archive first", path.display()
    )]
    BeginsLater {
        /// The directory.
        path: PathBuf,
        /// The first lsn of the first segment there is.
        first_lsn: Lsn,
    },

    /// The journal does not have the batch that a mark was told of: it is another one, or went another way. Nothing was
    /// changed.
    #[error("{} holds another history: the batch that ends at lsn {lsn} is not the one that was marked", path.display())]
    OtherHistory {
        /// The directory.
        path: PathBuf,
        /// The last record of the batch that was marked.
        lsn: Lsn,
        /// The digest in the mark.
        expected: [u8; 32],
        /// The digest behind the batch that ends there; `None` when none does.
        found: Option<[u8; 32]>,
    },

    /// The journal is whole and ends before the mark: what was durable is gone, or it is an older copy. Nothing was changed.
    #[error("{} ends at lsn {last_lsn}, before lsn {lsn}, which was durable", path.display())]
    EndsEarly {
        /// The directory.
        path: PathBuf,
        /// The last record of the batch that was marked.
        lsn: Lsn,
        /// The newest record there is.
        last_lsn: Lsn,
    },

    /// Neither an archive nor the journal behind it has these records, though it has earlier and later ones.
    #[error("the records from lsn {first_lsn} to {last_lsn} are missing before {}", path.display())]
    RecordsMissing {
        /// What begins behind the gap.
        path: PathBuf,
        /// The first record that is missing.
        first_lsn: Lsn,
        /// The last record that is missing.
        last_lsn: Lsn,
    },

    /// There is no archived segment to read.
    #[error("{} holds no archived segment", path.display())]
    NoArchive {
        /// The directory.
        path: PathBuf,
    },

    /// The segment size asked for is below the minimum or not a multiple of the block size.
    #[error("a segment cannot have {segment_bytes} bytes")]
    SegmentBytes {
        /// The size asked for.
        segment_bytes: u64,
    },

    /// The record is over the limit; nothing was appended.
    #[error("cannot append lsn {lsn}: {bytes} bytes are over the limit of {bytes_max}")]
    RecordTooLarge {
        /// The lsn it was to have.
        lsn: Lsn,
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },

    /// The open batch has no room for the record; nothing was appended. Flush, poll, and append it again.
    #[error("cannot append lsn {lsn}: the open batch is full with {records} records, {bytes} bytes")]
    BatchFull {
        /// The lsn it was to have.
        lsn: Lsn,
        /// Records in the open batch.
        records: usize,
        /// Bytes in the open batch.
        bytes: usize,
    },

    /// An earlier write, sync or rename failed, and the journal takes no more.
    #[error("the journal has failed and takes no more records in this process")]
    Failed {
        /// The first failure.
        #[source]
        reason: Arc<Error>,
    },

    /// The journal was closed by its owner.
    #[error("the journal is closed")]
    Closed,

    /// The caller stopped the opening or the scan at a record.
    #[error("cannot use the record at lsn {lsn} in {} at offset {offset}", path.display())]
    Fold {
        /// The segment.
        path: PathBuf,
        /// Where in it the record begins.
        offset: u64,
        /// The record.
        lsn: Lsn,
        /// What the caller said.
        source: FoldError,
    },
}

impl Error {
    /// For `map_err`: what was tried, and with what.
    pub(crate) fn io(tried: &'static str, path: PathBuf) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { tried, path, source }
    }
}

/// What is wrong with the bytes at a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file does not begin as a segment does.
    #[error("it does not begin with the magic of a segment")]
    SegmentMagic,
    /// The segment header was altered.
    #[error("the segment header fails its checksum")]
    SegmentChecksum,
    /// The file has another length than when it was made.
    #[error("the file has {found} bytes instead of {expected}")]
    SegmentLength {
        /// Its length.
        found: u64,
        /// The length in its header.
        expected: u64,
    },
    /// The segment belongs to another journal.
    #[error("the segment belongs to journal {found}, not to {expected}")]
    ForeignSegment {
        /// The journal it belongs to.
        found: JournalId,
        /// The journal being read.
        expected: JournalId,
    },
    /// The file is not named after the first lsn in its header: it was renamed, copied or swapped.
    #[error("the segment begins at lsn {found}, not at the lsn in its name")]
    SegmentName {
        /// The first lsn in its header.
        found: Lsn,
    },
    /// Records that should stand before this segment are missing: a segment was removed or replaced by an older copy.
    #[error("records are missing before segment number {number}, which begins at lsn {first_lsn}")]
    RecordsMissing {
        /// The number of this segment.
        number: u64,
        /// The first lsn of this segment.
        first_lsn: Lsn,
    },
    /// The segment does not continue the hash chain of the one before it.
    #[error("the segment does not continue the hash chain of the one before it")]
    SegmentChain,
    /// A segment header states a durable lsn that cannot be.
    #[error("the segment header calls lsn {found} durable, which it does not precede")]
    SegmentDurable {
        /// The durable lsn it states.
        found: Lsn,
    },
    /// No valid batch header where a batch should begin.
    #[error("no batch begins here: the magic is missing or the header fails its checksum")]
    BatchHeader,
    /// A batch of another journal.
    #[error("the batch belongs to another journal")]
    ForeignBatch,
    /// The batch is a valid one, in the wrong place.
    #[error("batch number {sequence} with first lsn {first_lsn} does not belong here")]
    BatchOrder {
        /// Its sequence number.
        sequence: u64,
        /// Its first lsn.
        first_lsn: Lsn,
    },
    /// The numbers in a batch header contradict each other or the segment.
    #[error("the batch header contradicts itself or the size of the segment")]
    BatchShape,
    /// A record does not fit into its batch.
    #[error("the record does not fit into its batch")]
    RecordLength,
    /// A record was altered.
    #[error("the record fails its checksum")]
    RecordChecksum,
    /// The mark that ends the batch is missing or altered.
    #[error("the end mark of the batch is missing or fails its checksum")]
    BatchEnd,
    /// The batch does not continue the hash chain.
    #[error("the batch does not continue the hash chain")]
    BatchChain,
    /// The seal behind an archived segment is missing or altered, as when the file was cut short.
    #[error("the seal of the archived segment is missing or fails its checksum")]
    ArchiveSeal,
    /// The compressed bytes of an archived segment were altered.
    #[error("the compressed bytes of the archived segment fail the digest in its seal")]
    ArchiveDigest,
    /// What an archived segment decompresses to is not the segment that was sealed.
    #[error("what the archived segment decompresses to is not what was sealed: {reason}")]
    ArchiveContent {
        /// What is other.
        reason: String,
    },
    /// Something stands behind the last batch, where only zeros may be.
    #[error("bytes other than zero behind the last batch")]
    NotZero,
}
