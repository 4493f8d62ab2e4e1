//! `payctl journal archive`: old segments, compressed into another directory.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ::journal::disk::DirectoryDisk;
use ::journal::{ArchiveLimits, ArchiveReport, Archived};
use clap::Args;
use domain::Lsn;
use serde_json::{Value, json};

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
/// For the journal of a stopped daemon: a running one archives by itself, below the older of its snapshots, and needs every
/// record above that to start. Each segment is checked, compressed, synced, read back and compared, and only then removed
/// from the journal. The segment that holds --up-to and the newest one stay. A journal that begins later opens only behind
/// a snapshot; `restore` makes a whole one again.
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
        let (from, to) = (disk(&self.directory), DirectoryDisk::create(&self.archive).map_err(local)?);
        let mut line = StatusLine::new(PROGRESS_EVERY);
        let mut all = Archived::default();
        loop {
            let one = ::journal::archive(&from, &to, Lsn::new(self.up_to), ArchiveLimits { segments_max: 1 })?;
            add(&mut all, &one);
            line.show(Instant::now(), || words::counted(all.segments, "segment"));
            if !one.more {
                break;
            }
        }
        drop(line);
        let has = ::journal::archive_report(&to)?;
        print(&if as_json { format!("{:#}\n", json(&all, has.as_ref())) } else { text(&all, has.as_ref()) })?;
        Ok(Exit::Approved)
    }
}

fn add(all: &mut Archived, one: &Archived) {
    all.segments += one.segments;
    all.first_lsn = all.first_lsn.or(one.first_lsn);
    all.last_lsn = one.last_lsn.or(all.last_lsn);
    all.segment_bytes += one.segment_bytes;
    all.archived_bytes += one.archived_bytes;
}

fn text(all: &Archived, has: Option<&ArchiveReport>) -> String {
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
    if let Some(has) = has {
        let segments = words::counted(has.segments, "segment");
        fields.line("archive", format!("lsn {} to {} in {segments}", has.first_lsn, has.last_lsn));
        fields.line("", words::counted(has.archived_bytes, "byte"));
    }
    format!("{}\n{fields}", paint(GOOD, "archived"))
}

fn json(all: &Archived, has: Option<&ArchiveReport>) -> Value {
    json!({
        "segments": all.segments,
        "firstLsn": all.first_lsn.map(Lsn::get),
        "lastLsn": all.last_lsn.map(Lsn::get),
        "segmentBytes": all.segment_bytes,
        "archivedBytes": all.archived_bytes,
        "archive": has.map(|has| json!({
            "journalId": has.journal_id.to_string(),
            "firstLsn": has.first_lsn.get(),
            "lastLsn": has.last_lsn.get(),
            "segments": has.segments,
            "bytes": has.archived_bytes,
        })),
    })
}
