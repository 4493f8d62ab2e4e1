//! Opening a journal: what is found is made durable, what is torn is cut.

use std::path::PathBuf;

use domain::{ChainMark, Lsn};
use planted::Bug;

use crate::behind::scan_from_mark;
use crate::disk::{Disk, File};
use crate::format::{CHAIN_START, JournalId, SegmentHeader};
use crate::scan::{Found, Start, Tail, scan_all};
use crate::segment::{Segment, prepare, segment_name, write_zeros};
use crate::{Damage, Error, Fold};

/// What an opening found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The id of the journal; the one from the options when it was made by this opening.
    pub journal_id: JournalId,
    /// The newest record. It and all before it are durable.
    pub last_lsn: Lsn,
    /// How many records were read, those up to a mark among them.
    pub records: u64,
    /// The length of all batches that were read, in bytes.
    pub bytes: u64,
    /// How many segments were read.
    pub segments: u64,
    /// The torn tail that was cut off.
    pub cut: Option<Cut>,
    /// The hash chain behind the newest batch, be it a note: equal chains are equal journals.
    pub chain: [u8; 32],
}

/// A torn tail: bytes of a batch that was being written when the machine or the process stopped, and that nobody was
/// told is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The segment.
    pub path: PathBuf,
    /// Where in it the tail begins.
    pub offset: u64,
    /// From there to its last byte that is not zero.
    pub bytes: u64,
    /// The first lsn it may have held.
    pub lsn: Lsn,
    /// What shows that it is torn.
    pub what: Damage,
}

impl Found {
    /// The torn tail, if there is one.
    pub(crate) fn cut(&self) -> Option<Cut> {
        self.torn.as_ref().map(|torn| Cut {
            path: self.tail.path.clone(),
            offset: self.tail.end,
            bytes: torn.end - self.tail.end,
            lsn: self.last_lsn.next(),
            what: torn.what.clone(),
        })
    }

    pub(crate) fn recovered(&self) -> Recovered {
        Recovered {
            journal_id: self.journal_id,
            last_lsn: self.last_lsn,
            records: self.records(),
            bytes: self.bytes,
            segments: self.segments,
            cut: self.cut(),
            chain: self.chain,
        }
    }
}

/// Reads the journal on this disk, or makes one, and returns with everything found durable and the tail clean.
pub(crate) fn recover<D: Disk>(
    disk: &D,
    new: (JournalId, u64),
    fold: &mut Fold<'_>,
) -> Result<(Found, Segment<D::File>), Error> {
    match scan_all(disk, Start::Beginning, fold)? {
        None => make(disk, new),
        Some(found) => {
            let segment = settle(disk, &found)?;
            Ok((found, segment))
        }
    }
}

/// As [`recover`], for a journal that must be there and hold the batch with this mark.
pub(crate) fn recover_behind<D: Disk>(
    disk: &D,
    mark: ChainMark,
    fold: &mut Fold<'_>,
) -> Result<(Found, Segment<D::File>), Error> {
    let found = scan_from_mark(disk, mark, fold)?;
    let segment = settle(disk, &found)?;
    Ok((found, segment))
}

fn make<D: Disk>(disk: &D, (journal_id, segment_bytes): (JournalId, u64)) -> Result<(Found, Segment<D::File>), Error> {
    let header = SegmentHeader {
        journal_id,
        number: 0,
        first_lsn: Lsn::new(1),
        durable_lsn: Lsn::ZERO,
        segment_bytes,
        chain: CHAIN_START,
    };
    let file = prepare(disk, segment_bytes, || false)?;
    let segment = Segment::install(disk, file, header.clone())?;
    Ok((Found::enter(None, disk.path(&segment.name), header), segment))
}

/// After this nothing found can be lost. The part not known to be durable is written again before it is synced: if an
/// earlier process died of a failed sync, the kernel may show bytes that are not on the disk and call them clean.
fn settle<D: Disk>(disk: &D, found: &Found) -> Result<Segment<D::File>, Error> {
    let Tail { path, header, end, unconfirmed } = &found.tail;
    let name = segment_name(header.first_lsn);
    let path = || path.clone();
    disk.sync_directory().map_err(Error::io("sync", disk.path("")))?;
    let file = disk.open(&name).map_err(Error::io("open", path()))?;
    if let Some(torn) = &found.torn {
        write_zeros(&file, *end..torn.end, || false).map_err(Error::io("cut the torn tail of", path()))?;
    }
    let count = usize::try_from(end - unconfirmed).expect("a batch fits in memory");
    let mut bytes = vec![0; count];
    file.read_exact_at(&mut bytes, *unconfirmed).map_err(Error::io("read", path()))?;
    if planted::is(Bug::NoRewriteOfTail) {
        bytes.clear();
    }
    file.write_all_at(&bytes, *unconfirmed).map_err(Error::io("write again the last batch of", path()))?;
    file.sync().map_err(Error::io("sync", path()))?;
    Ok(Segment { file, name, header: header.clone(), end: *end })
}
