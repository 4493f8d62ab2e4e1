//! Every implementation keeps the contract.

use std::cell::Cell;

use journal::conformance::{FailingSubject, Subject, contract, contract_on_failure};
use journal::disk::{DirectoryDisk, Disk, Fault, Loss, MemoryDisk};
use journal::{FileJournal, Journal, JournalId, MemoryJournal, Options, Preparation, SEGMENT_BYTES_MIN};

fn open<D: Disk>(disk: D, preparation: Preparation) -> FileJournal<D> {
    let options =
        Options { segment_bytes: SEGMENT_BYTES_MIN, preparation, ..Options::new(JournalId::new(*b"conformance test")) };
    let (journal, recovered) = FileJournal::open(disk, options, &mut |_| Ok(())).expect("the journal opens");
    assert_eq!(recovered.last_lsn, journal.last_lsn());
    journal
}

struct Memory;

impl Subject for Memory {
    type Journal = MemoryJournal;

    fn make(&self) -> MemoryJournal {
        MemoryJournal::new()
    }

    fn reopen(&self, journal: MemoryJournal) -> MemoryJournal {
        journal.reopen()
    }
}

impl FailingSubject for Memory {
    fn fail_next_write(&self, journal: &mut MemoryJournal) {
        journal.fail_next_write();
    }
}

#[derive(Default)]
struct FilesInMemory {
    disk: std::cell::RefCell<MemoryDisk>,
}

impl Subject for FilesInMemory {
    type Journal = FileJournal<MemoryDisk>;

    fn make(&self) -> Self::Journal {
        self.disk.replace(MemoryDisk::new());
        open(self.disk.borrow().clone(), Preparation::Inline)
    }

    fn reopen(&self, journal: Self::Journal) -> Self::Journal {
        drop(journal);
        self.disk.borrow().restart(Loss::Unsynced);
        open(self.disk.borrow().clone(), Preparation::Inline)
    }
}

impl FailingSubject for FilesInMemory {
    fn fail_next_write(&self, _: &mut Self::Journal) {
        let disk = self.disk.borrow();
        disk.inject(disk.operations(), Fault::Error(std::io::ErrorKind::StorageFull));
    }
}

struct FilesOnDisk {
    directory: tempfile::TempDir,
    made: Cell<u32>,
}

impl FilesOnDisk {
    fn open_newest(&self) -> FileJournal<DirectoryDisk> {
        let path = self.directory.path().join(self.made.get().to_string());
        open(DirectoryDisk::create(path).expect("the directory can be made"), Preparation::Background)
    }
}

impl Subject for FilesOnDisk {
    type Journal = FileJournal<DirectoryDisk>;

    fn make(&self) -> Self::Journal {
        self.made.set(self.made.get() + 1);
        self.open_newest()
    }

    fn reopen(&self, journal: Self::Journal) -> Self::Journal {
        drop(journal);
        self.open_newest()
    }
}

#[test]
fn the_journal_in_memory_keeps_the_contract() {
    contract(&Memory);
    contract_on_failure(&Memory);
}

#[test]
fn the_journal_in_files_keeps_the_contract_on_a_disk_in_memory() {
    contract(&FilesInMemory::default());
    contract_on_failure(&FilesInMemory::default());
}

#[test]
fn the_journal_in_files_keeps_the_contract_on_a_directory() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    contract(&FilesOnDisk { directory, made: Cell::new(0) });
}
