//! `payctl journal`: reads a journal from disk, without a daemon and, but for `archive`, without changing it.

mod archive;
mod audit;
mod copy;
mod explain;
mod ledger_directory;
mod ledger_names;
mod line;
mod new_directory;
mod reading;
mod replay;
mod restore;
mod stat;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ::journal::disk::DirectoryDisk;
use ::journal::{FoldError, Report};
use clap::{Args, Subcommand};
use domain::Lsn;
use serde_json::json;

use self::ledger_names::LedgerNames;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{FAINT, Fields, GOOD, paint};
use crate::words;

/// Directory of the journal inside a daemon's data directory.
const JOURNAL_DIRECTORY: &str = "journal";

/// Check, show, copy or archive a journal on disk
///
/// Reads the files directly: on a stopped daemon's data directory, a copy, or beside a running one. Only `archive` changes
/// the journal it is given.
#[derive(Debug, Subcommand)]
pub(crate) enum Journal {
    Verify(Verify),
    Dump(Dump),
    Stat(stat::Stat),
    Audit(audit::Audit),
    Replay(replay::Replay),
    Explain(explain::Explain),
    Copy(copy::Copy),
    Archive(archive::Archive),
    Restore(restore::Restore),
}

/// Check a journal from the first byte to the last
///
/// Checks every checksum, the hash chain, and that every record reads as one. Exits 4 when anything that was durable is
/// damaged; a torn tail, which a crash may leave, is told and is no damage.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The daemon's data directory, or the journal's own
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// Show a journal, one record a line
///
/// Accounts, merchants and wallets are shown by name, as earlier records gave them. With --json each line is one object.
#[derive(Debug, Args)]
pub(crate) struct Dump {
    /// The daemon's data directory, or the journal's own
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// First record to show
    #[arg(long, value_name = "LSN", default_value_t = 1)]
    from: u64,
    /// Most records to show [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

impl Journal {
    pub(crate) fn run(&self, as_json: bool) -> Result<Exit, Error> {
        match self {
            Self::Verify(verify) => verify.run(as_json),
            Self::Dump(dump) => dump.run(as_json),
            Self::Stat(stat) => stat.run(as_json),
            Self::Audit(audit) => audit.run(as_json),
            Self::Replay(replay) => replay.run(as_json),
            Self::Explain(explain) => explain.run(as_json),
            Self::Copy(copy) => copy.run(as_json),
            Self::Archive(archive) => archive.run(as_json),
            Self::Restore(restore) => restore.run(as_json),
        }
    }
}

impl Verify {
    fn run(&self, as_json: bool) -> Result<Exit, Error> {
        let report = reading::read(&self.directory, reading::Needs::Nothing, |_, _| Ok(reading::Then::Next))?;
        let report = report.expect("it is read to its end");
        print(&if as_json { format!("{:#}\n", report_json(&report)) } else { report_text(&report) })?;
        Ok(Exit::Approved)
    }
}

impl Dump {
    fn run(&self, as_json: bool) -> Result<Exit, Error> {
        let mut names = LedgerNames::default();
        let mut shown = 0_u64;
        let mut read_one = false;
        let mut out = io::BufWriter::new(anstream::stdout());
        // Names come from the beginning, wherever the showing begins.
        let read = reading::read_quietly(&self.directory, |record, _| {
            if self.limit.is_some_and(|limit| shown >= limit) {
                return Ok(reading::Then::Stop);
            }
            if !std::mem::replace(&mut read_one, true) && record.lsn > Lsn::new(1) && !as_json {
                let lsn = record.lsn;
                anstream::eprintln!("begins at lsn {lsn}: earlier segments were archived, and with them names");
            }
            names.learn(record);
            if record.lsn.get() < self.from {
                return Ok(reading::Then::Next);
            }
            shown = shown.saturating_add(1);
            let described = line::describe(record, &names);
            if as_json {
                writeln!(out, "{}", described.json())?
            } else {
                writeln!(out, "{}", described.text())?
            }
            Ok(reading::Then::Next)
        });
        let flushed = out.flush();
        match read {
            Err(Error::Journal(::journal::Error::Fold { source, .. })) if is_broken_pipe(&source) => Ok(Exit::Approved),
            Err(error) => Err(error),
            Ok(_) => match flushed {
                Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
                    Err(Error::Local { tried: "write to standard output".to_owned(), source })
                }
                Ok(()) | Err(_) => Ok(Exit::Approved),
            },
        }
    }
}

/// Prints a report; nobody who wants to read it on is no reason to fail.
fn print(text: &str) -> Result<(), Error> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Local { tried: "write to standard output".to_owned(), source: error })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether a dump was stopped by a reader such as `head` that had seen enough.
fn is_broken_pipe(source: &FoldError) -> bool {
    source.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// The journal in a daemon's data directory, or in this one.
pub(crate) fn disk(directory: &Path) -> DirectoryDisk {
    let inside = directory.join(JOURNAL_DIRECTORY);
    DirectoryDisk::new(if inside.is_dir() { inside } else { directory.to_owned() })
}

fn report_text(report: &Report) -> String {
    format!("{}\n{}", paint(GOOD, "whole"), report_fields(report))
}

fn report_fields(report: &Report) -> Fields {
    let mut fields = Fields::default();
    fields.line("journal", report.journal_id);
    fields.line("records", words::count(report.records));
    if let Some(begins) = begins_later(report) {
        fields.line("begins", begins);
    }
    fields.line("last lsn", format!("{}, {} confirmed durable", report.last_lsn, report.durable_lsn));
    fields.line(
        "size",
        format!("{} in {}", words::counted(report.bytes, "byte"), words::counted(report.segments, "segment")),
    );
    let per_record = report.bytes.checked_div(report.records).unwrap_or(0);
    fields.line("per record", format!("{per_record} bytes"));
    fields.line("chain", chain(report));
    match &report.torn {
        None => fields.line("tail", "clean"),
        Some(cut) => {
            fields.line("tail", format!("{} bytes torn at lsn {}: {}", cut.bytes, cut.lsn, cut.what));
            fields.line("", paint(FAINT, "a batch that a crash cut short; the next start removes it"));
        }
    }
    fields
}

/// A word about a journal whose earlier segments were archived.
fn begins_later(report: &Report) -> Option<String> {
    let first_lsn = report.first_lsn.filter(|first| *first > Lsn::new(1))?;
    Some(format!("at lsn {first_lsn}; earlier segments were archived"))
}

fn report_json(report: &Report) -> serde_json::Value {
    json!({
        "journalId": report.journal_id.to_string(),
        "records": report.records,
        "firstLsn": report.first_lsn.map(Lsn::get),
        "lastLsn": report.last_lsn.get(),
        "durableLsn": report.durable_lsn.get(),
        "segments": report.segments,
        "bytes": report.bytes,
        "unconfirmedBytes": report.unconfirmed_bytes,
        "chain": chain(report),
        "torn": report.torn.is_some(),
    })
}

fn chain(report: &Report) -> String {
    report.chain.iter().map(|byte| format!("{byte:02x}")).collect()
}
