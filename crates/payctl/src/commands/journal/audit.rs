//! `payctl journal audit`: was every record decided as the engine decides?

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use domain::{Command, Record};
use engine::{Decision, Engine};
use serde_json::json;

use super::print;
use super::reading::{Needs, Then, decide_again, read};
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{BAD, FAINT, Fields, GOOD, paint};
use crate::words;

/// How many differences are shown; all are counted.
const SHOWN_MAX: usize = 20;

/// Decide every command again and compare with what was recorded
///
/// Each command is given to the engine on the state that the records before it made, and its event and bytes are
/// compared with the record, bit for bit. Exits 4 at the first record that this engine decides otherwise although it is
/// of the version that made it: what follows rests on it. Records of another version are compared too, and told.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// The daemon's data directory, or the journal's own
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// What an audit finds.
#[derive(Debug, Default)]
struct Findings {
    records: u64,
    last_lsn: u64,
    /// Of a record that this version made and decides otherwise.
    broken: Option<Difference>,
    /// Of records that another version made.
    differing: u64,
    shown: Vec<Difference>,
    /// From which record on which version decided.
    versions: Vec<(u64, u32)>,
    chain: String,
    digest: String,
}

#[derive(Debug)]
struct Difference {
    lsn: u64,
    what: String,
}

impl Audit {
    pub(super) fn run(&self, as_json: bool) -> Result<Exit, Error> {
        let mut engine = Engine::default();
        let mut findings = Findings::default();
        let report = read(&self.directory, Needs::Beginning, |record, found| {
            let difference = compare(&engine, record, found.bytes);
            engine_of(&engine, record, &mut findings.versions);
            let ours = findings.versions.last().is_none_or(|(_, version)| *version == engine::VERSION);
            findings.records += 1;
            findings.last_lsn = record.lsn.get();
            if let Some(what) = difference {
                let difference = Difference { lsn: record.lsn.get(), what };
                if ours {
                    findings.broken = Some(difference);
                    return Ok(Then::Stop);
                }
                findings.differing += 1;
                if findings.shown.len() < SHOWN_MAX {
                    findings.shown.push(difference);
                }
            }
            engine.apply(record);
            Ok(Then::Next)
        })?;
        findings.chain = report.map(|report| super::chain(&report)).unwrap_or_default();
        if findings.broken.is_none() {
            engine.assert_conserved();
        }
        findings.digest = engine.digest().to_string();
        print(&if as_json { format!("{:#}\n", findings.json()) } else { findings.text() })?;
        Ok(if findings.broken.is_some() { Exit::Damaged } else { Exit::Approved })
    }
}

/// What is other than recorded when the command is decided again; `None` when nothing is.
fn compare(engine: &Engine, record: &Arc<Record>, bytes: &[u8]) -> Option<String> {
    match decide_again(engine, record) {
        Decision::Recorded(event) if event != record.event => {
            Some(format!("recorded {:?}, decided again {event:?}", record.event))
        }
        Decision::Recorded(_) if encoded(record) != bytes => {
            Some("decided the same, but its bytes are not those that are written for it".to_owned())
        }
        Decision::Recorded(_) => None,
        Decision::Repeated(first) => Some(format!("its key was used by the record at lsn {}", first.lsn)),
        Decision::RefusedTogether { position, refusal } => {
            Some(format!("recorded, but payment {position} refused when decided again: {refusal:?}"))
        }
        Decision::Refused(refusal) => Some(format!("recorded, but refused when decided again: {refusal:?}")),
    }
}

fn encoded(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::journal::encode(record, &mut bytes);
    bytes
}

/// Notes the version that decides from this record on, when it is another.
fn engine_of(engine: &Engine, record: &Record, versions: &mut Vec<(u64, u32)>) {
    // The policy of the record before counts, but for the records that begin a ledger, which have none yet.
    let installed =
        if let Command::InstallPolicy(install) = &record.command { Some(&install.policy) } else { engine.policy() };
    if let Some(version) = installed.map(|policy| policy.engine_version)
        && versions.last().is_none_or(|(_, last)| *last != version)
    {
        versions.push((record.lsn.get(), version));
    }
}

impl Findings {
    fn text(&self) -> String {
        let mut fields = Fields::default();
        let again = if self.broken.is_some() { self.records.saturating_sub(1) } else { self.records };
        fields.line("decided again", format!("{} by engine {}", words::counted(again, "record"), engine::VERSION));
        for (lsn, version) in &self.versions {
            let noted = if *version == 0 { "before it was noted".to_owned() } else { version.to_string() };
            fields.line("made by engine", format!("{noted}, from lsn {lsn}"));
        }
        if self.differing > 0 {
            let differing = words::counted(self.differing, "record");
            fields.line("decided otherwise", format!("{differing} of other versions of the engine"));
        }
        for difference in &self.shown {
            fields.line("", paint(FAINT, format!("lsn {}: {}", difference.lsn, difference.what)));
        }
        if let Some(broken) = &self.broken {
            fields.line("broken", format!("lsn {}: {}", broken.lsn, broken.what));
            return format!("{}\n{fields}", paint(BAD, "NOT AS DECIDED"));
        }
        fields.line("books", "every currency sums to zero");
        fields.line("chain", &self.chain);
        fields.line("state", &self.digest);
        format!("{}\n{fields}", paint(GOOD, "as decided"))
    }

    fn json(&self) -> serde_json::Value {
        let shown = |difference: &Difference| json!({ "lsn": difference.lsn, "what": difference.what });
        let versions = self.versions.iter().map(|(lsn, version)| json!({ "fromLsn": lsn, "engine": version }));
        json!({
            "records": self.records,
            "lastLsn": self.last_lsn,
            "engine": engine::VERSION,
            "madeBy": versions.collect::<Vec<_>>(),
            "broken": self.broken.as_ref().map(shown),
            "differing": self.differing,
            "differences": self.shown.iter().map(shown).collect::<Vec<_>>(),
            "chain": self.chain,
            "stateDigest": self.digest,
        })
    }
}
