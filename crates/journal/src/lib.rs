//! The write-ahead log: an append-only file of opaque records, durable before it says so.
//!
//! **What it is for.** One owner appends records, hands them over as a batch, and is told the position up to which
//! they will survive a power cut. After a restart it gets exactly these records back, in order: perhaps a few more that
//! were written but never confirmed, never fewer, never others.
//!
//! **What it must never know.** What a record means. It knows no payments, no clock, no randomness and no network, and
//! it writes neither logs nor metrics: whatever an operator should hear of is in a return value.
//!
//! **Where to start.** [`Journal`] is the contract and [`conformance`] its proof. [`FileJournal`] keeps it on a
//! [`disk::Disk`]; `FORMAT.md` describes its bytes, and the rule by which a torn tail is told from damage; that
//! rule is `Found::judge` in `scan.rs`. [`archive()`] moves old segments elsewhere and [`restore`] brings them back.
//! [`MemoryJournal`] keeps the same contract without a disk; [`disk::MemoryDisk`] is a disk that can lose power.
//!
//! ```
//! use domain::Lsn;
//! use journal::disk::{Loss, MemoryDisk};
//! use journal::{FileJournal, Journal, JournalId, Options, Progress};
//!
//! let disk = MemoryDisk::new();
//! let options = Options::new(JournalId::new(*b"16 random bytes."));
//! let (mut journal, _) = FileJournal::open(disk.clone(), options.clone(), &mut |_| Ok(()))?;
//! journal.append(Lsn::new(1), b"opaque")?;
//! journal.flush()?;
//! assert!(matches!(journal.poll(), Progress::Durable(lsn) if lsn == Lsn::new(1)));
//! drop(journal);
//!
//! disk.restart(Loss::Unsynced);
//! let mut found = Vec::new();
//! let (_, recovered) = FileJournal::open(disk, options, &mut |record| Ok(found.push(record.bytes.to_vec())))?;
//! assert_eq!((recovered.last_lsn, found), (Lsn::new(1), vec![b"opaque".to_vec()]));
//! # Ok::<(), journal::Error>(())
//! ```

mod error;
mod port;

mod batch;
mod preparation;
mod segment;
mod writer;

mod archive;
mod behind;
mod copy;
mod reader;
mod recovery;
mod scan;
mod survey;
mod verify;
mod window;

mod format;

pub mod conformance;
pub mod disk;
mod memory;

pub use archive::{
    ARCHIVE_SEGMENTS_MAX, ArchiveLimits, ArchiveReport, Archived, Expired, Restored, Retention, Written, archive,
    archive_report, expire, restore,
};
pub use behind::scan_behind;
pub use copy::copy;
pub use error::{Damage, Error, Fold, FoldError};
pub use format::{FORMAT_VERSION, JournalId, SEGMENT_BYTES_MIN};
pub use memory::{MemoryJournal, MemoryReader};
pub use port::{
    BATCH_BYTES_MAX, BATCH_RECORDS_MAX, Journal, LARGE_RECORD_BYTES_MAX, Progress, RECORD_BYTES_MAX, Reader, Record,
};
pub use preparation::Preparation;
pub use reader::FileReader;
pub use recovery::{Cut, Recovered};
pub use scan::RecordRef;
pub use verify::{Report, StoredRecord, begins_at, identify, reaches, record_at, scan, verify};
pub use writer::{FileJournal, Options, SEGMENT_BYTES_DEFAULT};
