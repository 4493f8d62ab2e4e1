//! `payctl journal restore`: a whole journal again, of an archive and what followed it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use ::journal::Report;
use ::journal::disk::DirectoryDisk;
use clap::Args;
use domain::Lsn;

use super::new_directory::NewDirectory;
use super::{disk, print, report_fields, report_json};
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{GOOD, paint};
use crate::terminal::StatusLine;
use crate::words;

/// How often the line is written that says how far it has come.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// Make a whole journal of an archive, in a new data directory
///
/// With --journal the segments that follow the archive come from there: all of them, up to the last whole batch. Everything is
/// checked before and after it is written. Nothing given is changed. A ledger as it was at some record or moment is then made
/// with `copy --to-lsn` or `--to-time`. Exits 4 when a file is damaged or records between others are missing; an archive
/// whose oldest files were removed gives a journal that begins later.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The archive
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    /// The new data directory; it must not be there yet
    #[arg(value_name = "TO")]
    to: PathBuf,
    /// The data directory, or the journal's own, that goes on behind the archive
    #[arg(long, value_name = "DIR")]
    journal: Option<PathBuf>,
}

impl Restore {
    pub(super) fn run(&self, as_json: bool) -> Result<Exit, Error> {
        let to = NewDirectory::make(&self.to)?;

        let journal = self.journal.as_deref().map(disk);
        let mut line = StatusLine::new(PROGRESS_EVERY);
        let archive = DirectoryDisk::new(&*self.archive);
        let restored = ::journal::restore(&archive, journal.as_ref(), to.journal(), &mut |written| {
            line.show(Instant::now(), || format!("{} of {} segments", written.segments, written.of));
        })?;
        drop(line);
        let (archived, behind) = (restored.archived_segments, restored.journal_segments);
        print(&if as_json {
            let mut json = report_json(&restored.report);
            json["archivedSegments"] = archived.into();
            json["journalSegments"] = behind.into();
            format!("{json:#}\n")
        } else {
            let mut fields = report_fields(&restored.report);
            fields.line("from archive", words::counted(archived, "segment"));
            fields.line("from journal", words::counted(behind, "segment"));
            format!("{}\n{fields}", paint(GOOD, heading(&restored.report)))
        })?;
        Ok(Exit::Approved)
    }
}

/// A journal that begins later is not whole, however well it was restored.
fn heading(report: &Report) -> String {
    match report.first_lsn.filter(|first| *first > Lsn::new(1)) {
        Some(first) => format!("restored from lsn {first} on: what was before is not in the archive"),
        None => "whole".to_owned(),
    }
}
