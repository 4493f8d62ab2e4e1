//! `payctl journal`: reads a journal from disk, without a daemon and without changing it.

mod audit;
mod copy;
mod explain;
mod ledger_names;
mod line;
mod reading;
mod replay;
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

/// Check or show a journal on disk
///
/// Reads the files directly and changes nothing: on a stopped daemon's data directory, a copy, or beside a running one.
#[derive(Debug, Subcommand)]
pub(crate) enum Journal {
    Verify(Verify),
    Dump(Dump),
    Stat(stat::Stat),
    Audit(audit::Audit),
    Replay(replay::Replay),
    Explain(explain::Explain),
    Copy(copy::Copy),
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
        }
    }
}

impl Verify {
    fn run(&self, as_json: bool) -> Result<Exit, Error> {
        let report = reading::read(&self.directory, |_, _| Ok(reading::Then::Next))?;
        let report = report.expect("it is read to its end");
        print(&if as_json { format!("{:#}\n", report_json(&report)) } else { report_text(&report) })?;
        Ok(Exit::Approved)
    }
}

impl Dump {
    fn run(&self, as_json: bool) -> Result<Exit, Error> {
        let mut names = LedgerNames::default();
        let mut shown = 0_u64;
        let mut out = io::BufWriter::new(anstream::stdout());
        // Names come from the beginning, wherever the showing begins.
        let scanned = ::journal::scan(&disk(&self.directory), Lsn::new(1), &mut |record| {
            if self.limit.is_some_and(|limit| shown >= limit) {
                return Err(Box::new(Enough));
            }
            let record = wire::journal::decode(record.bytes)?;
            names.learn(&record);
            if record.lsn.get() < self.from {
                return Ok(());
            }
            shown = shown.saturating_add(1);
            let described = line::describe(&record, &names);
            if as_json {
                writeln!(out, "{}", described.json())?
            } else {
                writeln!(out, "{}", described.text())?
            }
            Ok(())
        });
        let flushed = out.flush();
        match scanned {
            Err(::journal::Error::Fold { source, .. }) if ends_quietly(&source) => Ok(Exit::Approved),
            Err(error) => Err(error.into()),
            Ok(_) => flushed
                .map(|()| Exit::Approved)
                .map_err(|source| Error::Local { tried: "write to standard output".to_owned(), source }),
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

/// The limit of a dump is reached; not an error of anyone.
#[derive(Debug, thiserror::Error)]
#[error("enough records were shown")]
struct Enough;

/// Whether a dump was stopped by its limit, or by a reader such as `head` that had seen enough.
fn ends_quietly(source: &FoldError) -> bool {
    let broken_pipe = source.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    source.is::<Enough>() || broken_pipe
}

/// The journal in a daemon's data directory, or in this one.
pub(crate) fn disk(directory: &Path) -> DirectoryDisk {
    let inside = directory.join(JOURNAL_DIRECTORY);
    DirectoryDisk::new(if inside.is_dir() { inside } else { directory.to_owned() })
}

fn report_text(report: &Report) -> String {
    let mut fields = Fields::default();
    fields.line("journal", report.journal_id);
    fields.line("records", words::count(report.records));
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
    format!("{}\n{fields}", paint(GOOD, "whole"))
}

fn report_json(report: &Report) -> serde_json::Value {
    json!({
        "journalId": report.journal_id.to_string(),
        "records": report.records,
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
