//! `payctl journal copy`: a backup, or the ledger as it was.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::new_directory::NewDirectory;
use super::reading::decoded;
use super::{disk, print, report_json, report_text};
use crate::error::Error;
use crate::exit::Exit;
use crate::words;

/// Copy a journal, whole or up to a record or moment, into a new data directory
///
/// Also beside a running daemon: a backup. The copy is read again to its last byte, and a daemon with the same digest key can
/// be started on it: the ledger as it was. What was written as one batch stays one, so the copy may end a little before the
/// place asked for, never behind it.
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// The daemon's data directory, or the journal's own
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The new data directory; it must not be there yet
    #[arg(value_name = "TO")]
    to: PathBuf,
    /// The last record to copy
    #[arg(long, value_name = "LSN", conflicts_with = "to_time")]
    to_lsn: Option<u64>,
    /// Copy all records that were stamped up to this moment, e.g. 2026-11-26T10:00:00Z
    #[arg(long, value_name = "TIME")]
    to_time: Option<Timestamp>,
}

impl Copy {
    pub(super) fn run(&self, as_json: bool) -> Result<Exit, Error> {
        let to = NewDirectory::make(&self.to)?;

        let until = self.to_time.map(words::moment_of);
        let copied = ::journal::copy(&disk(&self.directory), to.journal(), &mut |found| {
            let record = decoded(found)?;
            Ok(self.to_lsn.is_none_or(|last| record.lsn.get() <= last) && until.is_none_or(|until| record.at <= until))
        });
        let Some(report) = copied? else {
            return Err(Error::Usage("no batch ends there or before: nothing was copied".to_owned()));
        };
        print(&if as_json { format!("{:#}\n", report_json(&report)) } else { report_text(&report) })?;
        Ok(Exit::Approved)
    }
}
