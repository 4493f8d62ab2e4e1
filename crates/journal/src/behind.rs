//! Reading behind a mark: what is before it is known already and need not be there.

use domain::{ChainMark, Lsn};

use crate::disk::Disk;
use crate::scan::{Found, RecordRef, Start, scan_all};
use crate::{Error, Fold};

/// The marked batch is another one; told by [`Error::OtherHistory`].
#[derive(Debug, thiserror::Error)]
#[error("the batch at the mark is another one")]
struct NotTheMarked;

/// The caller wants no more; not an error of anyone.
#[derive(Debug, thiserror::Error)]
#[error("no more records are wanted")]
struct Enough;

/// Reads the segments that hold or follow the mark, and shows the records above it once the mark was met.
pub(crate) fn scan_from_mark<D: Disk>(disk: &D, mark: ChainMark, fold: &mut Fold<'_>) -> Result<Found, Error> {
    let other = |found: Option<[u8; 32]>| Error::OtherHistory {
        path: disk.path(""),
        lsn: mark.lsn,
        expected: mark.digest,
        found,
    };
    if mark.lsn == Lsn::ZERO {
        return Err(other(None));
    }
    let mut met = None;
    let scanned = scan_all(disk, Start::Holding(mark.lsn), &mut |record| {
        if record.lsn > mark.lsn {
            return fold(record);
        }
        if record.lsn == mark.lsn {
            met = Some(record.chain);
            if record.chain != mark {
                return Err(Box::new(NotTheMarked));
            }
        }
        Ok(())
    });
    match scanned {
        Err(Error::Fold { source, .. }) if source.is::<NotTheMarked>() => {
            Err(other(met.filter(|met| met.lsn == mark.lsn).map(|met| met.digest)))
        }
        Err(error) => Err(error),
        Ok(None) => Err(Error::NoJournal { path: disk.path("") }),
        Ok(Some(found)) if met.is_none() => {
            Err(Error::EndsEarly { path: disk.path(""), lsn: mark.lsn, last_lsn: found.last_lsn })
        }
        Ok(Some(found)) => Ok(found),
    }
}

/// Shows the records behind a mark, or from the beginning without one, up to a durable lsn, and returns the mark of the last
/// batch shown; without any, that of `behind`. A batch is shown as a whole: one that ends above `up_to` is left out.
/// Everything read is checked as an opening checks it, nothing is changed, and nothing above `up_to` is looked at but the
/// batch right behind it. So this may run beside the owner, on a thread of its own, for an `up_to` that the owner
/// has called durable.
///
/// # Errors
/// As [`FileJournal::open_behind`](crate::FileJournal::open_behind) with a mark and as
/// [`FileJournal::open`](crate::FileJournal::open) without; [`Error::NoJournal`] when there is no segment.
pub fn scan_behind<D: Disk>(
    disk: &D,
    behind: Option<ChainMark>,
    up_to: Lsn,
    visit: &mut Fold<'_>,
) -> Result<Option<ChainMark>, Error> {
    let mut last = behind;
    if last.map_or(Lsn::ZERO, |last| last.lsn) >= up_to {
        return Ok(last);
    }
    let mut visit = |record: RecordRef<'_>| {
        if record.chain.lsn > up_to {
            return Err(Enough.into());
        }
        let chain = record.chain;
        visit(record)?;
        last = Some(chain);
        // What follows may be being written.
        if record.lsn == up_to { Err(Enough.into()) } else { Ok(()) }
    };
    let scanned = match behind {
        None => scan_all(disk, Start::Beginning, &mut visit).map(|found| found.is_some()),
        Some(mark) => scan_from_mark(disk, mark, &mut visit).map(|_found| true),
    };
    match scanned {
        Err(Error::Fold { source, .. }) if source.is::<Enough>() => Ok(last),
        Err(error) => Err(error),
        Ok(true) => Ok(last),
        Ok(false) => Err(Error::NoJournal { path: disk.path("") }),
    }
}
