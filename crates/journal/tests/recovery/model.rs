//! Any history of a journal against a vector of records.

use domain::{ChainMark, Lsn};
use journal::disk::{Loss, MemoryDisk};
use journal::{Error, FileJournal, Journal, Progress, Reader, SEGMENT_BYTES_MIN, verify};
use proptest::prelude::*;

use super::open;

#[derive(Clone, Debug)]
enum Step {
    Append { length: usize },
    Flush,
    Poll,
    Read { from: u64 },
    Close,
    Reopen(Loss),
}

fn step() -> impl Strategy<Value = Step> {
    let length = prop_oneof![8 => 0_usize..300, 1 => 20_000_usize..65_536];
    prop_oneof![
        12 => length.prop_map(|length| Step::Append { length }),
        4 => Just(Step::Flush),
        4 => Just(Step::Poll),
        2 => (0_u64..60).prop_map(|from| Step::Read { from }),
        1 => Just(Step::Close),
        1 => Just(Step::Reopen(Loss::Nothing)),
        1 => Just(Step::Reopen(Loss::Unsynced)),
        2 => any::<u64>().prop_map(|seed| Step::Reopen(Loss::Torn { seed })),
    ]
}

/// All records ever appended and not lost, and how many of them are durable.
#[derive(Default)]
struct Model {
    records: Vec<Vec<u8>>,
    durable: usize,
    /// What was told of the durable batches.
    marks: Vec<ChainMark>,
    closed: bool,
}

struct Run {
    disk: MemoryDisk,
    journal: FileJournal<MemoryDisk>,
    model: Model,
}

impl Run {
    fn take(self, step: Step) -> Self {
        match step {
            Step::Append { length } => self.append(length),
            Step::Flush => self.flush(),
            Step::Poll => self.poll(),
            Step::Read { from } => self.read(from),
            Step::Close => self.close(),
            Step::Reopen(loss) => self.reopen(loss),
        }
    }

    fn append(mut self, length: usize) -> Self {
        let number = self.model.records.len();
        let record = vec![u8::try_from(number % 256).unwrap(); length];
        match self.journal.append(Lsn::new(number as u64 + 1), &record) {
            Ok(()) => self.model.records.push(record),
            Err(Error::Closed) => assert!(self.model.closed),
            Err(Error::BatchFull { bytes, .. }) => {
                // The header of the segment, and room for a note.
                assert!(bytes + 8 + length > usize::try_from(SEGMENT_BYTES_MIN).unwrap() - 4096 - 88);
            }
            Err(error) => panic!("{error}"),
        }
        self
    }

    fn flush(mut self) -> Self {
        assert_eq!(self.journal.flush().is_err(), self.model.closed);
        self
    }

    fn poll(mut self) -> Self {
        let Progress::Durable(lsn) = self.journal.poll() else { panic!("the disk works") };
        let durable = usize::try_from(lsn.get()).unwrap();
        assert!((self.model.durable..=self.model.records.len()).contains(&durable));
        self.model.durable = durable;
        self.learn_mark();
        self
    }

    fn learn_mark(&mut self) {
        let mark = self.journal.chain();
        assert_eq!(mark.map_or(0, |mark| mark.lsn.get()), self.model.durable as u64);
        if mark.as_ref() != self.model.marks.last() {
            self.model.marks.extend(mark);
        }
    }

    fn read(self, from: u64) -> Self {
        let mut reader = self.journal.reader(Lsn::new(from)).unwrap();
        let start = usize::try_from(from.saturating_sub(1)).unwrap().min(self.model.durable);
        for expected in &self.model.records[start..self.model.durable] {
            assert!(reader.read().unwrap().is_some_and(|record| record.bytes == expected));
        }
        assert_eq!(reader.read().unwrap(), None);
        self
    }

    fn close(mut self) -> Self {
        self.journal.close().unwrap();
        self.model.durable = self.model.records.len();
        self.model.closed = true;
        self.learn_mark();
        self
    }

    fn reopen(self, loss: Loss) -> Self {
        let Self { disk, journal, mut model } = self;
        drop(journal);
        disk.restart(loss);
        let report = (!disk.image().is_empty()).then(|| verify(&disk).unwrap());
        let opened = open(&disk).unwrap();
        assert_eq!(report.map(|report| report.last_lsn), Some(opened.recovered.last_lsn));
        assert!(opened.records.len() >= model.durable && model.records.starts_with(&opened.records));
        assert!(opened.marks.starts_with(&model.marks), "a mark that was told is told again");
        let durable = opened.records.len();
        model = Model { records: opened.records, durable, marks: opened.marks, closed: false };
        Self { disk, journal: opened.journal, model }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_journal_is_a_vector_that_keeps_what_it_confirmed(steps in prop::collection::vec(step(), 1..60)) {
        let disk = MemoryDisk::new();
        let journal = open(&disk).unwrap().journal;
        let run = Run { disk, journal, model: Model::default() };
        steps.into_iter().fold(run, Run::take).reopen(Loss::Unsynced);
    }
}
