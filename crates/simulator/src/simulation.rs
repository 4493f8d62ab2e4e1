//! One story: what happens to the switch, in which order.

use std::{collections::BTreeMap, fmt, io::ErrorKind};

use domain::{DeclineReason, Lsn, Stamped, Submission};
use engine::{Decision, Engine};
use index::MemoryStore;
use journal::{
    Error, JournalId, Options, Preparation, SEGMENT_BYTES_MIN,
    disk::{Disk, Fault, Loss, MemoryDisk},
};
use shard::{Made, Refused, Snapshots};
use wire::{
    digest::Digester,
    quote_token::{QuoteKey, QuoteTokens},
};

use crate::{
    auditor::{Auditor, Finding, Quoted, Reply, Ticket, Turn, plain},
    clock::ManualClock,
    door::{Aside, Keys},
    random::Random,
    request::{Ask, Id, Purpose, Request, id_of},
    switch::{FileOnMemory, Kept, NO_FAULT, OpenJournal, Pending, Switch},
    workload::Workload,
};

/// Rounds of a story unless set otherwise.
pub const STEPS_DEFAULT: u64 = 200;

/// 2026-11-01T00:00:00Z.
const STORY_BEGINS_AT: i64 = 1_793_491_200_000_000;
const JOURNAL_ID: [u8; 16] = *b"simulated ledger";
const SECRET: [u8; 32] = [7; 32];
/// The file that becomes the next segment; what it holds means nothing.
const PREPARED: &str = "next.segment";
/// About what a snapshot asks of its disk.
const SNAPSHOT_OPERATIONS: u64 = 14;
const REQUESTS_A_ROUND_MAX: u64 = 8;
const INBOX_REQUESTS_MAX: usize = 7;
/// The live state is compared with the folded one after one crash in so many.
const DIGEST_ONE_IN: u64 = 4;
const INDEX_LOST_ONE_IN: u64 = 8;
/// A story that keeps an index remembers fewer records than this.
const REMEMBERED_MAX: u64 = 24;
/// An opening that fails this often has met more faults than were put in its way.
const OPENINGS_MAX: u64 = 20;

/// How a story went. Two runs of one seed are equal in every field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// Digest of the engine's state at the end.
    pub digest: String,
    /// Records in the log at the end.
    pub records: u64,
    /// Requests that reached the inbox.
    pub requests: u64,
    /// Answers with a record, declines and repeats included.
    pub answered: u64,
    /// Of these, repeats.
    pub repeated: u64,
    /// Payments captured.
    pub captured: u64,
    /// Payments declined.
    pub declined: u64,
    /// Refusals.
    pub refused: u64,
    /// Answers that said that nobody knows.
    pub unconfirmed: u64,
    /// Times the switch ended without being asked to.
    pub crashes: u64,
    /// Times it was stopped in order.
    pub stops: u64,
    /// Faults put on the disk's way.
    pub faults: u64,
    /// Times the journal failed while it ran.
    pub journal_failures: u64,
    /// Recoveries that failed or were cut short.
    pub openings_failed: u64,
    /// Torn tails cut.
    pub tails_cut: u64,
    /// Records found at a recovery that nobody had been told of.
    pub records_in_doubt_found: u64,
    /// Quotes given out.
    pub quotes: u64,
    /// Bits that rotted in what was confirmed, and were seen.
    pub rotten: u64,
    /// Snapshots made.
    pub snapshots: u64,
    /// Snapshots that failed, for a fault in their way.
    pub snapshots_failed: u64,
    /// Starts from a snapshot.
    pub starts_behind: u64,
    /// Snapshots that a start passed over because they were damaged.
    pub snapshots_damaged: u64,
    /// Indexes that were lost, and made again.
    pub indexes_lost: u64,
    /// Rounds in which the disk was too full for new records.
    pub turns_full: u64,
    /// How often what was asked led to what: records, and refusals of the engine.
    pub outcomes: BTreeMap<String, u64>,
}

impl Story {
    /// Adds up what happened in another story.
    pub fn add(&mut self, story: &Self) {
        let sums = [
            (&mut self.records, story.records),
            (&mut self.requests, story.requests),
            (&mut self.answered, story.answered),
            (&mut self.repeated, story.repeated),
            (&mut self.captured, story.captured),
            (&mut self.declined, story.declined),
            (&mut self.refused, story.refused),
            (&mut self.unconfirmed, story.unconfirmed),
            (&mut self.crashes, story.crashes),
            (&mut self.stops, story.stops),
            (&mut self.faults, story.faults),
            (&mut self.journal_failures, story.journal_failures),
            (&mut self.openings_failed, story.openings_failed),
            (&mut self.tails_cut, story.tails_cut),
            (&mut self.records_in_doubt_found, story.records_in_doubt_found),
            (&mut self.quotes, story.quotes),
            (&mut self.turns_full, story.turns_full),
            (&mut self.rotten, story.rotten),
            (&mut self.snapshots, story.snapshots),
            (&mut self.snapshots_failed, story.snapshots_failed),
            (&mut self.starts_behind, story.starts_behind),
            (&mut self.snapshots_damaged, story.snapshots_damaged),
            (&mut self.indexes_lost, story.indexes_lost),
        ];
        for (sum, number) in sums {
            *sum += number;
        }
        for (outcome, number) in &story.outcomes {
            *self.outcomes.entry(outcome.clone()).or_insert(0) += number;
        }
    }

    fn count(&mut self, asked: &str, outcome: &str) {
        *self.outcomes.entry(format!("{asked}: {outcome}")).or_insert(0) += 1;
    }
}

/// A story that went wrong.
#[derive(Clone, Debug, thiserror::Error)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// How many rounds it was to have.
    pub steps: u64,
    /// The round in which it went wrong.
    pub step: u64,
    /// What went wrong.
    pub what: Finding,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, steps, step, what } = self;
        writeln!(f, "seed {seed}, round {step}: {what}")?;
        write!(f, "repeat it: cargo run --release -p simulator -- seed {seed} --steps {steps}")
    }
}

/// Tells a story twice and returns how it went.
///
/// # Errors
/// When the auditor has a finding, or the two tellings differ.
pub fn run<O: OpenJournal>(seed: u64, steps: u64, opener: &O) -> Result<Story, Failure> {
    let mut silent = |_: &dyn fmt::Display| {};
    let first = Simulation::new(seed, opener, &mut silent).run(steps)?;
    let mut silent = |_: &dyn fmt::Display| {};
    let second = Simulation::new(seed, opener, &mut silent).run(steps)?;
    if first == second {
        return Ok(first);
    }
    Err(Failure { seed, steps, step: steps, what: format!("told twice it is two stories: {first:?}, {second:?}") })
}

/// Tells a story once and shows each thing that happens.
///
/// # Errors
/// When the auditor has a finding.
pub fn run_traced(seed: u64, steps: u64, trace: &mut dyn FnMut(&dyn fmt::Display)) -> Result<Story, Failure> {
    Simulation::new(seed, &FileOnMemory, trace).run(steps)
}

struct Simulation<'a, O: OpenJournal> {
    seed: u64,
    random: Random,
    opener: &'a O,
    trace: &'a mut dyn FnMut(&dyn fmt::Display),
    disk: MemoryDisk,
    /// Index and snapshots, in stories that keep them.
    kept: Option<Kept>,
    clock: ManualClock,
    keys: Keys,
    workload: Workload,
    auditor: Auditor,
    /// What each quote that somebody has promises.
    quoted: BTreeMap<Id, Quoted>,
    switch: Option<Switch<O::Journal>>,
    waiting: Vec<(Ticket, Option<Pending>)>,
    /// Lsn and digest of the engine when the switch ended last, if they were taken.
    ended_at: Option<(u64, String)>,
    /// Faults that the disk had met when the switch started.
    faults_met_before: u64,
    story: Story,
}

impl<'a, O: OpenJournal> Simulation<'a, O> {
    fn new(seed: u64, opener: &'a O, trace: &'a mut dyn FnMut(&dyn fmt::Display)) -> Self {
        let mut random = Random::new(seed);
        let workload = Workload::new(&mut random);
        let keeps = opener.keeps() && !random.one_in(3);
        let remembered = usize::try_from(random.below(REMEMBERED_MAX)).expect("a few");
        let kept = keeps.then(|| Kept { store: MemoryStore::new(), snapshots: MemoryDisk::new(), remembered });
        let quote_tokens = QuoteTokens::new(QuoteKey::new(1, &SECRET), []).expect("one key is not repeated");
        Self {
            seed,
            random,
            opener,
            trace,
            disk: MemoryDisk::new(),
            kept,
            clock: ManualClock::at(STORY_BEGINS_AT),
            keys: Keys { digester: Digester::new(SECRET), quote_tokens, tokens: Vec::new() },
            workload,
            auditor: Auditor::default(),
            quoted: BTreeMap::new(),
            switch: None,
            waiting: Vec::new(),
            ended_at: None,
            faults_met_before: 0,
            story: Story::default(),
        }
    }

    fn run(mut self, steps: u64) -> Result<Story, Failure> {
        let seed = self.seed;
        let failure = |step: u64, what| Failure { seed, steps, step, what };
        self.start().map_err(|what| failure(0, what))?;
        for step in 1..=steps {
            self.round().map_err(|what| failure(step, what))?;
        }
        self.end().map_err(|what| failure(steps, what))?;
        Ok(self.story)
    }

    /// Some requests, then whatever the dice say.
    fn round(&mut self) -> Result<(), Finding> {
        self.pass_time();
        if self.random.one_in(3) {
            self.offer()?;
        }
        for _ in 0..self.random.below(REQUESTS_A_ROUND_MAX + 1) {
            self.arrive()?;
        }
        let names = self.disk.list().map_or(0, |names| names.len());
        if self.random.one_in(30) {
            // Somebody fills the disk, and looks after it later.
            let bytes = self.random.below(4 * SEGMENT_BYTES_MIN);
            (self.trace)(&format_args!("{} {bytes} bytes are free on the disk", self.clock.micros()));
            self.disk.set_free(Some(bytes));
        } else if self.random.one_in(12) {
            self.disk.set_free(None);
        }
        match self.random.below(100) {
            // What is in the inbox was never decided: it never happened.
            0..=3 => self.crash()?,
            4..=13 => {
                self.inject(4);
                self.turn()?;
            }
            14 => {
                self.turn()?;
                self.stop()?;
            }
            15..=29 => {
                self.turn()?;
                self.snapshot()?;
            }
            _ => self.turn()?,
        }
        match self.disk.list() {
            // The power is off, and nothing was written since that would have told.
            Err(_off) => self.crash()?,
            // A segment was entered: its name may not be durable yet.
            Ok(now) if now.len() > names && self.random.one_in(2) => self.crash()?,
            Ok(_) => {}
        }
        if self.switch().has_failed() {
            if self.disk.faults_met() == self.faults_met_before {
                return Err("the journal failed, and nothing was in its way".to_owned());
            }
            self.story.journal_failures += 1;
            // New work is refused, reads go on.
            self.arrive()?;
            self.check_boards()?;
            self.crash()?;
        }
        if self.random.one_in(8) { self.check_boards() } else { Ok(()) }
    }

    fn pass_time(&mut self) {
        let micros = match self.random.below(100) {
            // Some of these pass a midnight.
            0 | 1 => self.random.between(1_000_000_000, 110_000_000_000),
            2..=3 => self.random.between(20_000_000, 90_000_000),
            4..=33 => 0,
            _ => self.random.between(1, 50_000),
        };
        self.clock.advance(micros);
    }

    fn switch(&self) -> &Switch<O::Journal> {
        self.switch.as_ref().expect("a switch runs between a start and a crash")
    }

    /// Somebody asks for a quote. Nothing is recorded of it.
    fn offer(&mut self) -> Result<(), Finding> {
        let now = self.clock.micros();
        let Some(ask) = self.workload.quote(&mut self.random, self.auditor.books()) else { return Ok(()) };
        let id = self.any_id();
        let switch = self.switch.as_ref().expect("a switch runs between a start and a crash");
        let Some(offer) = switch.door(&self.keys, now).offer(&ask, id)? else { return Ok(()) };
        let made = offer.as_ref().map(plain::offered).map_err(|why| plain::lack(*why));
        (self.trace)(&format_args!("{now} quote {ask:?} -> {made:?}"));
        self.auditor.check_offer(&ask, &made, id, now)?;
        if let (Ok(offer), Ok(quoted)) = (offer, made) {
            self.story.quotes += 1;
            self.keys.tokens.push((id, self.keys.quote_tokens.sign(&offer)));
            self.quoted.insert(id, quoted);
            self.workload.quoted(ask, id);
        }
        Ok(())
    }

    fn any_id(&mut self) -> Id {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.random.number().to_be_bytes());
        id[8..].copy_from_slice(&self.random.number().to_be_bytes());
        id
    }

    /// A sandbox's owner may order a payment to be declined.
    fn ordered(&mut self) -> Option<DeclineReason> {
        let sandbox = self.auditor.books().purpose() == Some(Purpose::Sandbox);
        let reasons = [DeclineReason::InsufficientBalance, DeclineReason::AccountFrozen];
        (sandbox && self.random.one_in(60)).then(|| *self.random.pick(&reasons))
    }

    /// One request at the door.
    fn arrive(&mut self) -> Result<(), Finding> {
        let now = self.clock.micros();
        let request = self.workload.next(&mut self.random, self.auditor.books(), now);
        let (id, ordered) = (self.any_id(), self.ordered());
        let switch = self.switch.as_ref().expect("a switch runs between a start and a crash");
        if matches!(request.ask, Ask::Increase { .. }) {
            // Whose payment it is, is read.
            switch.catch_up();
        }
        let mut submission = switch.door(&self.keys, now).submission(&request, Aside { id, ordered })?;
        let found = plain::found(&submission);
        let quoted = |ask: &Ask| match ask {
            Ask::Pay(pay) => pay.quote.and_then(|id| self.quoted.get(&id)),
            _ => None,
        };
        self.auditor.check_found(&request, &found, quoted(&request.ask), now)?;
        for (position, (of, found)) in found.parts.iter().enumerate() {
            let (key, ask) = request.keyed().swap_remove(position);
            let alone = Request { caller: request.caller, key: Some(key.to_owned()), ask };
            self.auditor.check_found(&alone, found, quoted(&alone.ask), now)?;
            if *of != id_of(id, position) {
                return Err(format!("payment {position} has another id than it was given: {of:?}"));
            }
        }
        self.opener.tamper(&mut submission.command);
        let deadline = match self.random.below(40) {
            0 => Some(now - 1),
            1..=9 => Some(now + 1_000_000),
            _ => None,
        };
        let (full, failed) = (self.waiting.len() >= INBOX_REQUESTS_MAX, switch.has_failed());
        match switch.put(submission, deadline) {
            Ok(pending) if !full && !failed => {
                self.story.requests += 1;
                let stays = !self.random.one_in(10);
                let ticket = Ticket { request, found, id, deadline, reply: Reply::Unheard };
                self.waiting.push((ticket, stays.then_some(pending)));
                Ok(())
            }
            Err(Refused::JournalFailed) if failed => Ok(()),
            Err(Refused::InboxFull) if full => Ok(()),
            Ok(_) => Err("the inbox took what it must not take".to_owned()),
            Err(refused) => Err(format!("the inbox refused: {refused}")),
        }
    }

    /// One round of the shard, and the auditor's look at it.
    fn turn(&mut self) -> Result<(), Finding> {
        let now = self.clock.micros();
        let switch = self.switch.as_mut().expect("a switch runs between a start and a crash");
        let durable = switch.turn();
        // The read models lag behind, on a busy machine more than others.
        match self.random.below(4) {
            0 => {}
            1 => switch.catch_up(),
            _ => switch.settle(),
        }
        let (failed, full) = (switch.has_failed(), switch.is_full());
        let mut tickets = Vec::new();
        for (mut ticket, pending) in self.waiting.drain(..) {
            if let Some(mut pending) = pending {
                ticket.reply = pending().map_or(Reply::Missing, Reply::Told);
            }
            (self.trace)(&format_args!("{now} {:?} -> {:?}", ticket.request, ticket.reply));
            match &ticket.reply {
                Reply::Told(Ok(committed)) => {
                    self.story.answered += 1;
                    self.story.repeated += u64::from(committed.repeated);
                }
                Reply::Told(Err(Refused::Unconfirmed)) => self.story.unconfirmed += 1,
                Reply::Told(Err(refused)) => {
                    self.story.refused += 1;
                    self.story.count(ticket.request.ask.word(), &refused_by(refused));
                }
                Reply::Unheard | Reply::Missing => {}
            }
            tickets.push(ticket);
        }
        if failed {
            (self.trace)(&format_args!("{now} the journal failed"));
        }
        self.story.turns_full += u64::from(full);
        self.auditor.turn(Turn { now, tickets, durable, failed, full })
    }

    /// A snapshot beside payments, perhaps with a fault of its disk in its way. Payments go on whatever comes of it.
    fn snapshot(&mut self) -> Result<(), Finding> {
        let Some(kept) = self.kept.clone() else { return Ok(()) };
        let faulty = self.random.one_in(3);
        if faulty {
            let operation = kept.snapshots.operations() + self.random.below(SNAPSHOT_OPERATIONS);
            let fault = if self.random.one_in(2) { Fault::PowerCut } else { Fault::Error(ErrorKind::Other) };
            kept.snapshots.inject(operation, fault);
        }
        let met = kept.snapshots.faults_met();
        let made = self.switch().make_snapshot().expect("a story that keeps snapshots");
        (self.trace)(&format_args!("{} snapshot: {made:?}", self.clock.micros()));
        let met = kept.snapshots.faults_met() > met;
        kept.snapshots.heal();
        match made {
            Ok(Some(made)) => {
                self.story.snapshots += 1;
                self.story.snapshots_damaged += count(made.unusable.len());
                self.check_kept(&made)?;
            }
            Ok(None) => {}
            // The journal's own disk may have failed meanwhile, or lost its power.
            Err(_) if met || self.disk.faults_met() > self.faults_met_before || self.disk.list().is_err() => {
                self.story.snapshots_failed += 1;
            }
            Err(why) => return Err(format!("no snapshot, and nothing was in its way: {}", shard::with_sources(&why))),
        }
        // The power is off for the snapshots too: their disk does not answer before a restart.
        if kept.snapshots.list().is_err() { self.crash() } else { Ok(()) }
    }

    /// What an archive would now take can be done without: a start from the snapshot before, or from the first record.
    fn check_kept(&self, made: &Made) -> Result<(), Finding> {
        let (Some(kept), Some(from)) = (&self.kept, made.kept_from) else { return Ok(()) };
        let journal_id = JournalId::new(JOURNAL_ID);
        let snapshots = Snapshots::new(kept.snapshots.clone(), journal_id.bytes());
        let indexed = kept.index(journal_id).applied().expect(NO_FAULT).map_or(Lsn::ZERO, |mark| mark.lsn);
        let listed = snapshots.list();
        // Their disk may be gone in the very moment.
        if listed.is_ok_and(|listed| listed != [made.mark.lsn, from]) {
            return Err(format!("snapshots other than those at {} and {from} are kept", made.mark.lsn));
        }
        if indexed < from || (kept.snapshots.list().is_ok() && snapshots.read(from).is_err()) {
            return Err(format!("the snapshot at {from} is kept for a start, and is of no use"));
        }
        Ok(())
    }

    /// Puts a fault at one of the next `operations` of the disk.
    fn inject(&mut self, operations: u64) {
        let fault = match self.random.below(4) {
            0 => Fault::PowerCut,
            1 => Fault::Error(ErrorKind::StorageFull),
            _ => Fault::Error(ErrorKind::Other),
        };
        let operation = self.disk.operations() + self.random.below(operations);
        (self.trace)(&format_args!("{} {fault:?} at operation {operation} of the disk", self.clock.micros()));
        self.disk.inject(operation, fault);
        self.story.faults += 1;
    }

    fn any_loss(&mut self) -> Loss {
        match self.random.below(3) {
            0 => Loss::Nothing,
            1 => Loss::Unsynced,
            _ => Loss::Torn { seed: self.random.number() },
        }
    }

    fn crash(&mut self) -> Result<(), Finding> {
        let loss = self.any_loss();
        self.crash_losing(loss)
    }

    fn crash_losing(&mut self, loss: Loss) -> Result<(), Finding> {
        (self.trace)(&format_args!("{} crash, {loss:?}", self.clock.micros()));
        self.story.crashes += 1;
        self.end_switch();
        self.disk.restart(loss);
        if let Some(kept) = &mut self.kept {
            kept.snapshots.restart(loss);
            if !matches!(loss, Loss::Nothing) {
                kept.store.crash();
            }
            // Now and then the index is lost, and made again beside snapshots that are ahead of it.
            if self.story.crashes.is_multiple_of(INDEX_LOST_ONE_IN) {
                kept.store = MemoryStore::new();
                self.story.indexes_lost += 1;
            }
        }
        if self.random.one_in(4) {
            // Somebody sets the machine's clock while it is down.
            let micros = self.random.between(-600_000_000, 600_000_000);
            self.clock.advance(micros);
        }
        self.start()
    }

    /// As the daemon stops when it is asked to.
    fn stop(&mut self) -> Result<(), Finding> {
        let failed = self.switch().has_failed();
        // What has become due since is done before the end.
        self.switch().drain();
        self.turn()?;
        let Some(switch) = self.end_switch() else { return Ok(()) };
        switch.persist();
        if switch.close().is_ok() && !failed {
            (self.trace)(&format_args!("{} stop", self.clock.micros()));
            self.story.stops += 1;
        }
        self.disk.restart(Loss::Unsynced);
        if let Some(kept) = &self.kept {
            kept.snapshots.restart(Loss::Unsynced);
            kept.store.crash();
        }
        self.start()
    }

    fn end_switch(&mut self) -> Option<Switch<O::Journal>> {
        self.waiting.clear();
        let switch = self.switch.take();
        // The digest walks the whole state, so not every end takes it.
        let taken = self.random.one_in(DIGEST_ONE_IN);
        let ended = switch.as_ref().filter(|_| taken);
        self.ended_at = ended.and_then(|switch| Some((switch.shard.engine().applied_lsn().get(), switch.digest()?)));
        switch
    }

    /// Recovers, perhaps at several attempts, and has the auditor look at what was found.
    fn start(&mut self) -> Result<(), Finding> {
        let journal_id = JournalId::new(JOURNAL_ID);
        let options = Options { journal_id, segment_bytes: SEGMENT_BYTES_MIN, preparation: Preparation::Inline };
        if self.random.one_in(4) {
            self.rot(&options)?;
        }
        if self.random.one_in(8) {
            self.rot_snapshot();
        }
        for _ in 0..OPENINGS_MAX {
            if self.random.one_in(5) {
                self.inject(12);
            }
            let (disk, clock) = (self.disk.clone(), self.clock.clone());
            let kept = self.kept.as_ref();
            match Switch::open(self.opener, disk, options.clone(), clock, INBOX_REQUESTS_MAX, kept) {
                Ok(opened) => {
                    (self.trace)(&format_args!("{} recovered {:?}", self.clock.micros(), opened.recovered));
                    self.story.tails_cut += u64::from(opened.recovered.cut.is_some());
                    self.story.starts_behind += u64::from(opened.from_snapshot);
                    self.story.snapshots_damaged += count(opened.unusable_snapshots);
                    let known = self.auditor.log().len();
                    self.auditor.recovered(&opened.records)?;
                    self.story.records_in_doubt_found += count(self.auditor.log().len() - known);
                    self.check_folded(&opened.switch, opened.records.len())?;
                    self.switch = Some(opened.switch);
                    self.faults_met_before = self.disk.faults_met();
                    return Ok(());
                }
                Err(Error::Io { tried, path, source }) => {
                    (self.trace)(&format_args!("cannot {tried} {}: {source}", path.display()));
                    self.story.openings_failed += 1;
                    let loss = self.any_loss();
                    self.disk.restart(loss);
                }
                Err(error) => return Err(format!("cannot recover: {}", shard::with_sources(&error))),
            }
        }
        Err(format!("{OPENINGS_MAX} openings failed"))
    }

    /// A bit rots in what was long confirmed. No start may go on from there, and nothing may be changed: with the bit as it
    /// was, all is there.
    fn rot(&mut self, options: &Options) -> Result<(), Finding> {
        let image = self.disk.image();
        let segments: Vec<_> = image.iter().filter(|(name, _)| *name != PREPARED).collect();
        let Some((_, before_last)) = segments.split_last().filter(|(_, others)| !others.is_empty()) else {
            return Ok(());
        };
        let (name, bytes) = *self.random.pick(before_last);
        let bit = usize::try_from(self.random.below(count(bytes.len()) * 8)).expect("a segment fits in memory");
        (self.trace)(&format_args!("bit {bit} of {name} rots"));
        self.disk.flip(name, bit);
        let opened = self.opener.open(self.disk.clone(), options.clone(), &mut |_| Ok(()));
        if !matches!(opened, Err(Error::Damaged { .. })) {
            return Err(format!("bit {bit} of {name} has rotted, and was not seen"));
        }
        self.disk.flip(name, bit);
        self.story.rotten += 1;
        let unchanged = self.disk.image() == image;
        if unchanged { Ok(()) } else { Err("an opening that found damage has changed the disk".to_owned()) }
    }

    /// A bit of the newest snapshot rots: a start passes it over.
    fn rot_snapshot(&mut self) {
        let Some(kept) = &self.kept else { return };
        let image = kept.snapshots.image();
        let Some((name, bytes)) = image.iter().rfind(|(name, _)| *name != "next.snapshot") else { return };
        let bit = usize::try_from(self.random.below(count(bytes.len()) * 8)).expect("a snapshot fits in memory");
        (self.trace)(&format_args!("bit {bit} of {name} rots"));
        kept.snapshots.flip(name, bit);
    }

    /// The state folded is the state that was live, if nothing was lost since.
    fn check_folded(&self, switch: &Switch<O::Journal>, records: usize) -> Result<(), Finding> {
        let Some((lsn, live)) = self.ended_at.as_ref().filter(|(lsn, _)| *lsn == count(records)) else { return Ok(()) };
        match switch.digest() {
            Some(folded) if folded != *live => {
                Err(format!("folded to lsn {lsn} the state is {folded}, live it was {live}"))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn check_boards(&self) -> Result<(), Finding> {
        self.switch().catch_up();
        self.auditor.check_boards(&self.switch().boards)?;
        if self.switch().has_failed() { Ok(()) } else { self.auditor.check_exposures(self.switch().shard.engine()) }
    }

    /// The last look: what is left after losing everything that was not synced is what the auditor knows.
    fn end(&mut self) -> Result<(), Finding> {
        self.turn()?;
        self.check_boards()?;
        self.crash_losing(Loss::Unsynced)?;
        self.check_boards()?;
        let mut again = Engine::default();
        for record in self.auditor.log() {
            let command = Submission { key: record.key, command: record.command.clone() };
            let decision = again.decide(&Stamped { lsn: record.lsn, at: record.at, command });
            if decision != Decision::Recorded(record.event.clone()) {
                return Err(format!("decided again: {decision:?}, recorded: {record:?}"));
            }
            again.apply(record);
        }
        let decided = again.digest().to_string();
        let folded = self.switch().digest().ok_or("the index does not have what was recovered")?;
        if folded != decided {
            return Err(format!("folded the state is {folded}, decided again it is {decided}"));
        }
        (self.story.captured, self.story.declined) = self.auditor.books().outcome();
        for record in self.auditor.log() {
            let (asked, happened) = plain::words(record);
            self.story.count(asked, &happened);
        }
        self.story.records = count(self.auditor.log().len());
        self.story.digest = folded;
        Ok(())
    }
}

/// Why, without what it speaks of.
fn refused_by(refused: &Refused) -> String {
    match refused {
        Refused::Engine(refusal) | Refused::Together { refusal, .. } => {
            format!("refused, {}", plain::refusal_word(refusal))
        }
        other => format!("refused, {other:?}"),
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).expect("memory is smaller than 2^64")
}
