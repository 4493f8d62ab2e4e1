//! Old segments leave the journal for the archive, and in time the archive too.

use std::path::PathBuf;

use domain::{Lsn, Timestamp};
use index::Index;
use journal::{
    ArchiveLimits, Archived, Expired, Retention, archive, archive_report, begins_at,
    disk::{DirectoryDisk, Disk},
    expire,
};
use metrics::{Unit, counter, describe_counter};

use crate::{config::Archive, start::StartError};

const ARCHIVED_SEGMENTS: &str = "payswitch_archived_segments_total";
const EXPIRED_SEGMENTS: &str = "payswitch_expired_segments_total";
const ARCHIVE_FAILURES: &str = "payswitch_archive_failures_total";

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

pub(crate) fn describe_metrics() {
    describe_counter!(ARCHIVED_SEGMENTS, Unit::Count, "Segments moved to the archive.");
    describe_counter!(EXPIRED_SEGMENTS, Unit::Count, "Segments removed from the archive for good.");
    describe_counter!(ARCHIVE_FAILURES, Unit::Count, "Times the archive could not be written or cleared.");
}

/// Moves segments that no start needs any more.
pub(crate) struct Archiving {
    journal: DirectoryDisk,
    archive: DirectoryDisk,
    index: Index,
    keep_bytes: Option<u64>,
    keep_days: Option<u32>,
}

/// Why segments stay where they are.
#[derive(Debug, thiserror::Error)]
enum NotArchived {
    #[error(transparent)]
    Journal(#[from] journal::Error),
    #[error("cannot tell how old they are")]
    Index(#[from] index::Error),
}

impl Archiving {
    /// With an archive in the directory that is configured, if one is. It is made if it is not there.
    pub(crate) fn new(config: &Archive, journal: PathBuf, index: Index) -> Result<Option<Self>, StartError> {
        let Archive { directory, keep_bytes, keep_days } = config;
        let Some(path) = directory.clone() else { return Ok(None) };
        let made = DirectoryDisk::create(path.clone());
        let archive =
            made.map_err(|source| StartError::Directory { tried: "make the archive's directory", path, source })?;
        for name in [ARCHIVED_SEGMENTS, EXPIRED_SEGMENTS, ARCHIVE_FAILURES] {
            counter!(name).increment(0);
        }
        let (keep_bytes, keep_days) = (*keep_bytes, *keep_days);
        let archiving = Self { journal: DirectoryDisk::new(journal), archive, index, keep_bytes, keep_days };
        archiving.look();
        Ok(Some(archiving))
    }

    /// Tells of an archive that does not reach the journal: it may be lost, or not be mounted.
    fn look(&self) {
        let path = self.archive.path("");
        match (archive_report(&self.archive), begins_at(&self.journal)) {
            (Ok(report), Ok(Some(begins_at))) => {
                let archived = report.map_or(Lsn::ZERO, |report| report.last_lsn);
                if archived.next() < begins_at {
                    let (archived, begins_at) = (archived.get(), begins_at.get());
                    let path = path.display();
                    tracing::error!(%path, archived, begins_at, "the archive does not reach the journal: is it the right one?");
                }
            }
            (Ok(_), Ok(None)) => {}
            (Err(why), _) | (_, Err(why)) => {
                let why = shard::with_sources(&why);
                tracing::error!(why, path = %path.display(), "cannot read the archive");
            }
        }
    }

    /// Archives the segments whose records all stand at or below `up_to`, and removes what need not be kept, as far as
    /// `goes_on` lets it. `now` is the moment of the newest record.
    pub(crate) fn run(&self, up_to: Lsn, now: Timestamp, goes_on: &dyn Fn() -> bool) {
        if let Err(why) = self.archive(up_to, goes_on).and_then(|()| self.expire(now)) {
            counter!(ARCHIVE_FAILURES).increment(1);
            let (why, path) = (shard::with_sources(&why), self.archive.path(""));
            tracing::warn!(why, path = %path.display(), "cannot archive: segments stay where they are");
        }
    }

    fn archive(&self, up_to: Lsn, goes_on: &dyn Fn() -> bool) -> Result<(), NotArchived> {
        while goes_on() {
            // One at a time, so that each that was moved is counted, whatever becomes of the next.
            let archived = archive(&self.journal, &self.archive, up_to, ArchiveLimits { segments_max: 1 })?;
            counter!(ARCHIVED_SEGMENTS).increment(archived.segments);
            if let (Some(first), Some(last)) = (archived.first_lsn, archived.last_lsn) {
                let (first_lsn, last_lsn) = (first.get(), last.get());
                let Archived { segments, segment_bytes, archived_bytes, .. } = archived;
                tracing::info!(segments, first_lsn, last_lsn, segment_bytes, archived_bytes, "archived segments");
            }
            if !archived.more {
                break;
            }
        }
        Ok(())
    }

    fn expire(&self, now: Timestamp) -> Result<(), NotArchived> {
        if self.keep_bytes.is_none() && self.keep_days.is_none() {
            return Ok(());
        }
        let oldest_kept = self.keep_days.map(|days| now.plus_millis(-i64::from(days).saturating_mul(DAY_MS)));
        let older_than = oldest_kept.map(|moment| self.first_from(moment)).transpose()?;
        let retention = Retention { bytes_max: self.keep_bytes, older_than, segments_min: 1 };
        let expired = expire(&self.archive, retention, &mut || counter!(EXPIRED_SEGMENTS).increment(1))?;
        if let (Some(first), Some(last)) = (expired.first_lsn, expired.last_lsn) {
            let (first_lsn, last_lsn) = (first.get(), last.get());
            let Expired { segments, archived_bytes, segments_kept, archived_bytes_kept, .. } = expired;
            tracing::info!(
                segments,
                first_lsn,
                last_lsn,
                archived_bytes,
                segments_kept,
                archived_bytes_kept,
                "removed archived segments for good"
            );
        }
        Ok(())
    }

    /// The position of the first record of this moment or later: time rises with position.
    fn first_from(&self, moment: Timestamp) -> Result<Lsn, index::Error> {
        let last = self.index.applied()?.map_or(0, |applied| applied.lsn.get());
        let (mut low, mut high) = (1, last.saturating_add(1));
        while low < high {
            let middle = low.midpoint(high);
            let is_before = self.index.record_led_to(Lsn::new(middle))?.at < moment;
            (low, high) = if is_before { (middle.saturating_add(1), high) } else { (low, middle) };
        }
        Ok(Lsn::new(low))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use index::MemoryStore;
    use journal::{FileJournal, Journal, JournalId, Options, Preparation, SEGMENT_BYTES_MIN};
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    /// The segment before it was moved, and that is counted.
    #[test]
    fn what_was_archived_before_a_damaged_segment_is_counted() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let path = place.path().join("journal");
        let (disk, id) = (DirectoryDisk::create(path.clone()).expect("a directory"), JournalId::new([7; 16]));
        let options =
            Options { segment_bytes: SEGMENT_BYTES_MIN, preparation: Preparation::Inline, ..Options::new(id) };
        let (mut journal, _) = FileJournal::open(disk.clone(), options, &mut |_| Ok(())).expect("an empty journal");
        let segments = || {
            let mut names = disk.list().expect("a directory");
            names.retain(|name| name.ends_with(".segment") && !name.starts_with("next"));
            names.sort();
            names
        };
        while segments().len() < 4 {
            journal.append(journal.last_lsn().next(), &[1; 50_000]).expect("it is taken");
            journal.flush().expect("it is written");
            journal.poll();
        }
        let second = path.join(&segments()[1]);
        let mut bytes = fs::read(&second).expect("it is read");
        bytes[30_000] ^= 1;
        fs::write(&second, bytes).expect("it is written");

        let recorder = PrometheusBuilder::new().build_recorder();
        let index = Index::open(Arc::<MemoryStore>::default(), id.bytes()).expect("an index");
        metrics::with_local_recorder(&recorder, || {
            let config = Archive { directory: Some(place.path().join("archive")), ..Archive::default() };
            let archiving = Archiving::new(&config, path.clone(), index).expect("it is made").expect("it is asked for");
            archiving.run(journal.last_lsn(), Timestamp::from_micros(1), &|| true);
        });
        let told = recorder.handle().render();
        for line in [format!("{ARCHIVED_SEGMENTS} 1\n"), format!("{ARCHIVE_FAILURES} 1\n")] {
            assert!(told.contains(&line), "{told}");
        }
        assert_eq!(segments().len(), 3);
    }
}
