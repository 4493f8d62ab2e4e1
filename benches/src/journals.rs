//! A journal on disk.

use std::path::Path;

use journal::{FileJournal, Fold, Journal, JournalId, Options, Progress, disk::DirectoryDisk};

/// The journal in this directory, as the daemon keeps it.
///
/// # Panics
/// When it cannot be opened.
#[must_use]
pub fn journal(directory: &Path, fold: &mut Fold<'_>) -> FileJournal<DirectoryDisk> {
    journal_of(directory, Options::new(JournalId::new([7; 16])), fold)
}

/// The same with other options.
pub(crate) fn journal_of(directory: &Path, options: Options, fold: &mut Fold<'_>) -> FileJournal<DirectoryDisk> {
    let disk = DirectoryDisk::create(directory.join("journal")).expect("a directory");
    FileJournal::open(disk, options, fold).expect("opened").0
}

/// Makes all that was appended durable.
///
/// # Panics
/// When the disk refuses.
pub fn make_durable(journal: &mut FileJournal<DirectoryDisk>) {
    journal.flush().expect("flushed");
    assert!(matches!(journal.poll(), Progress::Durable(lsn) if lsn == journal.last_lsn()), "the group is durable");
}
