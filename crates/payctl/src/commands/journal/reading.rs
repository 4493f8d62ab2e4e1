//! Reading a journal record by record, with all that follows from it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{panic, process};

use ::journal::disk::Disk;
use ::journal::{FoldError, RecordRef, Report};
use domain::{Command, Event, Lsn, RateTick, Record, Stamped, Submission};
use engine::{Decision, Engine};
use projections::{Boards, Projector};

use super::ledger_names::LedgerNames;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{BAD, paint};
use crate::terminal::StatusLine;
use crate::words;

/// How often the line is written that says how far a long reading has come.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// The record that is being read, for the word about one that cannot have happened.
static AT: AtomicU64 = AtomicU64::new(0);

/// Ends the process with a word where the engine stops at a record: checksums and chain are right, and yet it is none that
/// the switch has made.
fn end_at_impossible_records() {
    panic::set_hook(Box::new(|info| {
        let lsn = AT.load(Ordering::Relaxed);
        anstream::eprintln!("{}  the record at lsn {lsn} cannot have happened: {info}", paint(BAD, "damaged"));
        process::exit(Exit::Damaged as i32);
    }));
}

/// What a visitor wants after a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The next record.
    Next,
    /// No more.
    Stop,
}

/// Which journals a reading makes sense of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Any, also one whose earlier segments were archived.
    Nothing,
    /// One that begins with lsn 1: a ledger is made from its first record on.
    Beginning,
}

/// A visitor had enough; not an error of anyone.
#[derive(Debug, thiserror::Error)]
#[error("enough records were read")]
struct Enough;

/// Shows every record to `visit`, in order, until it has had enough. `None` when it had before the end.
pub(super) fn read(
    directory: &Path,
    needs: Needs,
    visit: impl FnMut(&Arc<Record>, &RecordRef<'_>) -> Result<Then, FoldError>,
) -> Result<Option<Report>, Error> {
    read_beside(StatusLine::new(PROGRESS_EVERY), directory, needs, visit)
}

/// As [`read`] of any journal, for a visitor that writes to the terminal itself.
pub(super) fn read_quietly(
    directory: &Path,
    visit: impl FnMut(&Arc<Record>, &RecordRef<'_>) -> Result<Then, FoldError>,
) -> Result<Option<Report>, Error> {
    read_beside(StatusLine::none(), directory, Needs::Nothing, visit)
}

fn read_beside(
    mut line: StatusLine,
    directory: &Path,
    needs: Needs,
    mut visit: impl FnMut(&Arc<Record>, &RecordRef<'_>) -> Result<Then, FoldError>,
) -> Result<Option<Report>, Error> {
    end_at_impossible_records();
    let disk = super::disk(directory);
    let mut first_lsn = None;
    let scanned = ::journal::scan(&disk, Lsn::new(1), &mut |found| {
        if *first_lsn.get_or_insert(found.lsn) > Lsn::new(1) && needs == Needs::Beginning {
            return Err(Box::new(Enough));
        }
        let record = decoded(&found)?;
        AT.store(found.lsn.get(), Ordering::Relaxed);
        line.show(Instant::now(), || format!("{} records", words::count(record.lsn.get())));
        match visit(&record, &found)? {
            Then::Next => Ok(()),
            Then::Stop => Err(Box::new(Enough)),
        }
    });
    drop(panic::take_hook());
    if let Some(first_lsn) = first_lsn.filter(|first| *first > Lsn::new(1) && needs == Needs::Beginning) {
        return Err(::journal::Error::BeginsLater { path: disk.path(""), first_lsn }.into());
    }
    match scanned {
        Ok(report) => Ok(Some(report)),
        Err(::journal::Error::Fold { source, .. }) if source.is::<Enough>() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The record that these bytes are, at the place where it says that it stands.
pub(super) fn decoded(found: &RecordRef<'_>) -> Result<Arc<Record>, FoldError> {
    let record = wire::journal::decode(found.bytes)?;
    if record.lsn == found.lsn {
        return Ok(Arc::new(record));
    }
    Err(format!("it says that it stands at lsn {}", record.lsn).into())
}

/// What the engine says to a record's command, on the state that the records before it made.
pub(super) fn decide_again(engine: &Engine, record: &Record) -> Decision {
    let command = Submission { key: record.key, command: record.command.clone() };
    engine.decide(&Stamped { lsn: record.lsn, at: record.at, command })
}

/// A ledger as it stood after some record: the engine's state, what readers saw, and who is who.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) engine: Engine,
    pub(super) names: LedgerNames,
    /// The last rate of each pair, by the pair's text.
    pub(super) rates: BTreeMap<String, (Lsn, RateTick)>,
    projector: Projector,
}

/// Why a read of the boards cannot fail.
pub(super) const NO_INDEX: &str = "boards that are all in memory read no index";

impl Ledger {
    pub(super) fn new() -> Self {
        Self {
            engine: Engine::default(),
            names: LedgerNames::default(),
            rates: BTreeMap::new(),
            projector: Projector::new(),
        }
    }

    /// Makes the next record so.
    ///
    /// # Panics
    /// When it cannot have happened: the books would not balance, or it speaks of what is not there.
    pub(super) fn apply(&mut self, record: &Arc<Record>) {
        self.engine.apply(record);
        self.projector.apply(record).expect(NO_INDEX);
        self.names.learn(record);
        if let (Command::PublishRates(publish), Event::RatesPublished(_)) = (&record.command, &record.event) {
            let ticks = publish.ticks.iter().map(|tick| (tick.pair.to_string(), (record.lsn, tick.clone())));
            self.rates.extend(ticks);
        }
    }

    /// What readers saw.
    pub(super) fn boards(&self) -> Arc<Boards> {
        self.projector.boards()
    }
}
