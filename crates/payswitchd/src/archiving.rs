//! Old segments leave the journal for the archive, and in time the archive too.

use std::path::PathBuf;

use domain::{Lsn, Timestamp};
use index::Index;
use journal::{
    ArchiveLimits, Retention, archive,
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
        Ok(Some(Self { journal: DirectoryDisk::new(journal), archive, index, keep_bytes, keep_days }))
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
            let archived = archive(&self.journal, &self.archive, up_to, ArchiveLimits::default())?;
            counter!(ARCHIVED_SEGMENTS).increment(archived.segments);
            if archived.segments > 0 {
                tracing::info!(?archived, "archived segments");
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
        let expired = expire(&self.archive, Retention { bytes_max: self.keep_bytes, older_than, segments_min: 1 })?;
        counter!(EXPIRED_SEGMENTS).increment(expired.segments);
        if expired.segments > 0 {
            tracing::info!(?expired, "removed archived segments for good");
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
