//! A journal with bytes changed or cut: it is read as it was, or cut to whole batches, or called damaged. It never panics,
//! and never shows a record that was not appended.

use std::{collections::BTreeMap, sync::OnceLock};

use domain::Lsn;
use journal::{
    Error, FileJournal, Journal, JournalId, Options, Preparation, Progress, SEGMENT_BYTES_MIN, disk::MemoryDisk,
};

/// Where batches are: behind this not much is worth changing.
const INTERESTING_BYTES: usize = 4_096 + 4_096;

fn options() -> Options {
    let options = Options::new(JournalId::new(*b"fuzzed, 16 bytes"));
    Options { segment_bytes: SEGMENT_BYTES_MIN, preparation: Preparation::Inline, ..options }
}

fn record(lsn: u64) -> Vec<u8> {
    format!("record {lsn} ").repeat(usize::try_from(lsn % 5).expect("small")).into_bytes()
}

/// Batches of one to three records.
fn whole() -> &'static BTreeMap<String, Vec<u8>> {
    static WHOLE: OnceLock<BTreeMap<String, Vec<u8>>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let disk = MemoryDisk::new();
        let (mut journal, _) = FileJournal::open(disk.clone(), options(), &mut |_| Ok(())).expect("an empty disk");
        for batch in 0..20 {
            for _ in 0..=batch % 3 {
                let lsn = journal.last_lsn().next();
                journal.append(lsn, &record(lsn.get())).expect("there is room");
            }
            journal.flush().expect("it is open");
            assert!(matches!(journal.poll(), Progress::Durable(_)));
        }
        disk.image()
    })
}

/// Opens a journal with these bytes changed.
///
/// # Panics
/// When something does not hold that must.
pub fn run(edits: &[u8]) {
    let mut image = whole().clone();
    let segment = image.get_mut("00000000000000000001.segment").expect("there is one segment");
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % INTERESTING_BYTES;
        segment[at] ^= edit[2];
    }
    if edits.len() % 3 == 1 {
        segment.truncate(usize::from(edits[edits.len() - 1]) * 600);
    }
    let disk = MemoryDisk::from_image(image.clone());
    let mut last = 0;
    let opened = FileJournal::open(disk.clone(), options(), &mut |found| {
        assert_eq!((found.lsn, found.bytes), (Lsn::new(last + 1), &*record(last + 1)), "nobody appended this");
        last += 1;
        Ok(())
    });
    match opened {
        Ok((mut journal, recovered)) => {
            assert_eq!(recovered.last_lsn.get(), last);
            let lsn = journal.last_lsn().next();
            journal.append(lsn, b"more").expect("it goes on");
            journal.close().expect("it can be closed");
            assert!(journal::verify(&disk).expect("what was opened is whole").torn.is_none());
        }
        Err(Error::Damaged { .. } | Error::NewerFormat { .. }) => {
            assert_eq!(disk.image(), image, "nothing was changed")
        }
        Err(other) => panic!("{other}"),
    }
}
