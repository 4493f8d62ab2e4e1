//! Faults planted on purpose: an auditor that finds nothing must be one that could.

use domain::{Event, Lsn};
use journal::{Error, FileJournal, Fold, Journal, Options, Progress, Recovered, disk::MemoryDisk};
use simulator::{Failure, OpenJournal, run};

const SEEDS: u64 = 20;
const STEPS: u64 = 120;

/// The first finding among some seeds.
fn found(opener: &impl OpenJournal) -> Failure {
    let finding = (1..=SEEDS).find_map(|seed| run(seed, STEPS, opener).err());
    finding.expect("a planted fault is found within a few seeds")
}

/// A journal that calls durable what it has only taken.
#[derive(Debug)]
struct Liar(FileJournal<MemoryDisk>);

struct OpensLiar;

impl OpenJournal for OpensLiar {
    type Journal = Liar;

    fn open(&self, disk: MemoryDisk, options: Options, fold: &mut Fold<'_>) -> Result<(Liar, Recovered), Error> {
        let (journal, recovered) = FileJournal::open(disk, options, fold)?;
        Ok((Liar(journal), recovered))
    }
}

impl Journal for Liar {
    type Reader = journal::FileReader<MemoryDisk>;

    fn append(&mut self, lsn: Lsn, record: &[u8]) -> Result<(), Error> {
        self.0.append(lsn, record)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.0.flush()
    }

    fn poll(&mut self) -> Progress {
        Progress::Durable(self.0.last_lsn())
    }

    fn last_lsn(&self) -> Lsn {
        self.0.last_lsn()
    }

    fn durable_lsn(&self) -> Lsn {
        self.0.last_lsn()
    }

    fn reader(&self, from: Lsn) -> Result<Self::Reader, Error> {
        self.0.reader(from)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.0.close()
    }
}

#[test]
fn a_journal_that_says_durable_before_it_syncs_is_found() {
    let failure = found(&OpensLiar);
    assert!(failure.what.contains("was durable, after the crash the log ends at"), "{failure}");
}

/// A recovery that shows other records than were written.
struct Rewrites<F>(F);

impl<F: Fn(&mut domain::Record) -> bool> OpenJournal for Rewrites<F> {
    type Journal = FileJournal<MemoryDisk>;

    fn open(
        &self,
        disk: MemoryDisk,
        options: Options,
        fold: &mut Fold<'_>,
    ) -> Result<(Self::Journal, Recovered), Error> {
        let mut rewritten = |lsn: Lsn, bytes: &[u8]| {
            let mut record = wire::journal::decode(bytes)?;
            if !(self.0)(&mut record) {
                return fold(lsn, bytes);
            }
            let mut bytes = Vec::new();
            wire::journal::encode(&record, &mut bytes);
            fold(lsn, &bytes)
        };
        FileJournal::open(disk, options, &mut rewritten)
    }
}

#[test]
fn a_recovery_that_forgets_keys_is_found() {
    let failure = found(&Rewrites(|record: &mut domain::Record| record.key.take().is_some()));
    assert!(failure.what.contains("has changed"), "{failure}");
}

/// Balanced, decodable and harmless to every balance: nothing but a second opinion can see it.
#[test]
fn a_recovery_that_changes_the_reason_of_a_decline_is_found() {
    let failure = found(&Rewrites(|record: &mut domain::Record| {
        let Event::Declined(decline) = &mut record.event else { return false };
        decline.reason = domain::DeclineReason::QuoteNotReproduced;
        true
    }));
    assert!(failure.what.contains("has changed"), "{failure}");
}

/// A journal that takes a failed write or sync for a success, and goes on.
#[derive(Debug)]
struct Stubborn {
    journal: FileJournal<MemoryDisk>,
    last_lsn: Lsn,
    confirmed: Lsn,
}

struct OpensStubborn;

impl OpenJournal for OpensStubborn {
    type Journal = Stubborn;

    fn open(&self, disk: MemoryDisk, options: Options, fold: &mut Fold<'_>) -> Result<(Stubborn, Recovered), Error> {
        let (journal, recovered) = FileJournal::open(disk, options, fold)?;
        let last_lsn = journal.last_lsn();
        Ok((Stubborn { journal, last_lsn, confirmed: last_lsn }, recovered))
    }
}

impl Journal for Stubborn {
    type Reader = journal::FileReader<MemoryDisk>;

    fn append(&mut self, lsn: Lsn, record: &[u8]) -> Result<(), Error> {
        let _failed_before = self.journal.append(lsn, record);
        self.last_lsn = lsn;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        let _failed_before = self.journal.flush();
        Ok(())
    }

    fn poll(&mut self) -> Progress {
        // What a second sync would say: the kernel has forgotten what it could not write.
        let _failed = self.journal.poll();
        self.confirmed = self.last_lsn;
        Progress::Durable(self.confirmed)
    }

    fn last_lsn(&self) -> Lsn {
        self.last_lsn
    }

    fn durable_lsn(&self) -> Lsn {
        self.confirmed
    }

    fn reader(&self, from: Lsn) -> Result<Self::Reader, Error> {
        self.journal.reader(from)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.journal.close()
    }
}

#[test]
fn a_journal_that_goes_on_after_a_failed_sync_is_found() {
    let failure = found(&OpensStubborn);
    assert!(failure.what.contains("was durable, after the crash the log ends at"), "{failure}");
}
