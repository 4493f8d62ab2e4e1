//! `payctl journal archive`: old segments, compressed into another directory.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ::journal::disk::DirectoryDisk;
use ::journal::{ArchiveLimits, ArchiveReport, Archived};
use clap::Args;
use domain::Lsn;
use serde_json::{Value, json};

use super::ledger_directory::{LedgerDirectory, lock};
use super::{disk, print};
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{Fields, GOOD, paint};
use crate::terminal::StatusLine;
use crate::words;

/// How often the line is written that says how far it has come.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// Move old segments of a journal, compressed, into an archive
///
/// For the journal of a stopped daemon: a running one archives by itself, and its data directory is refused. Each segment is
/// checked, compressed, synced, read back and compared, and only then removed from the journal. The segment that holds
/// --up-to and the newest one stay, and so does what the daemon needs to start from the older of its snapshots. A journal that
/// begins later opens only behind a snapshot; `restore` makes a whole one again.
#[derive(Debug, Args)]
pub(crate) struct Archive {
    /// The daemon's data directory, or the journal's own
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The archive; made if it is not there
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    /// Archive segments whose records all lie below this one
    #[arg(long, value_name = "LSN")]
    up_to: u64,
}

impl Archive {
    pub(super) fn run(&self, as_json: bool) -> Result<Exit, Error> {
        let local = |source| Error::Local { tried: format!("make {}", self.archive.display()), source };
        let ledger = LedgerDirectory::of(&self.directory)?;
        let _locks = lock(&self.directory, ledger.as_ref())?;
        let asked = Lsn::new(self.up_to);
        let kept = match &ledger {
            Some(ledger) => ledger.start_needs_from()?.map_or(Kept::NoSnapshot, Kept::Behind),
            None => Kept::Unknown,
        };
        let up_to = kept.limit(asked);
        let (from, to) = (disk(&self.directory), DirectoryDisk::create(&self.archive).map_err(local)?);
        let mut line = StatusLine::new(PROGRESS_EVERY);
        let mut all = Archived::default();
        loop {
            let one = ::journal::archive(&from, &to, up_to, ArchiveLimits { segments_max: 1 })?;
            add(&mut all, &one);
            line.show(Instant::now(), || words::counted(all.segments, "segment"));
            if !one.more {
                break;
            }
        }
        drop(line);
        let has = ::journal::archive_report(&to)?;
        let done = Done { all, has, kept, asked };
        print(&if as_json { format!("{:#}\n", done.json()) } else { done.text() })?;
        Ok(Exit::Approved)
    }
}

/// What is kept for a start of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    /// The journal lies alone: nobody knows.
    Unknown,
    /// The ledger has no snapshot that is of use: it starts from the first record, or not at all.
    NoSnapshot,
    /// What is behind the oldest snapshot that a start may begin from.
    Behind(Lsn),
}

impl Kept {
    fn limit(self, asked: Lsn) -> Lsn {
        match self {
            Self::Behind(snapshot) => asked.min(snapshot),
            Self::Unknown | Self::NoSnapshot => asked,
        }
    }
}

/// All that was done, for the teller.
#[derive(Debug)]
struct Done {
    all: Archived,
    has: Option<ArchiveReport>,
    kept: Kept,
    asked: Lsn,
}

fn add(all: &mut Archived, one: &Archived) {
    all.segments += one.segments;
    all.first_lsn = all.first_lsn.or(one.first_lsn);
    all.last_lsn = one.last_lsn.or(all.last_lsn);
    all.segment_bytes += one.segment_bytes;
    all.archived_bytes += one.archived_bytes;
}

impl Done {
    fn text(&self) -> String {
        let Self { all, has, .. } = self;
        let mut fields = Fields::default();
        let segments = words::counted(all.segments, "segment");
        match (all.first_lsn, all.last_lsn) {
            (Some(first), Some(last)) => {
                fields.line("moved", format!("{segments}, lsn {first} to {last}"));
                let (from, to) = (words::counted(all.segment_bytes, "byte"), words::count(all.archived_bytes));
                fields.line("size", format!("{to} of {from}"));
            }
            _ => fields.line("moved", "no segment: none lies wholly below"),
        }
        match self.kept {
            Kept::Behind(snapshot) if snapshot < self.asked => {
                fields.line("kept", format!("from lsn {snapshot}: a start may begin from the snapshot there"));
            }
            Kept::NoSnapshot if all.segments > 0 => {
                fields.line("snapshots", "none of use: a daemon starts on what is left only once it is restored");
            }
            Kept::Unknown if all.segments > 0 => {
                fields.line("snapshots", "unknown: the journal lies in no data directory");
            }
            Kept::Behind(_) | Kept::NoSnapshot | Kept::Unknown => {}
        }
        if let Some(has) = has {
            let segments = words::counted(has.segments, "segment");
            fields.line("archive", format!("lsn {} to {} in {segments}", has.first_lsn, has.last_lsn));
            fields.line("", words::counted(has.archived_bytes, "byte"));
        }
        format!("{}\n{fields}", paint(GOOD, "archived"))
    }

    fn json(&self) -> Value {
        let Self { all, has, kept, asked } = self;
        let snapshot = match kept {
            Kept::Behind(snapshot) => Some(snapshot.get()),
            Kept::Unknown | Kept::NoSnapshot => None,
        };
        json!({
            "segments": all.segments,
            "firstLsn": all.first_lsn.map(Lsn::get),
            "lastLsn": all.last_lsn.map(Lsn::get),
            "segmentBytes": all.segment_bytes,
            "archivedBytes": all.archived_bytes,
            "upTo": kept.limit(*asked).get(),
            "snapshotLsn": snapshot,
            "archive": has.as_ref().map(|has| json!({
                "journalId": has.journal_id.to_string(),
                "firstLsn": has.first_lsn.get(),
                "lastLsn": has.last_lsn.get(),
                "segments": has.segments,
                "bytes": has.archived_bytes,
            })),
        })
    }
}
