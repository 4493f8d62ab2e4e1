//! The owner loop.

use std::{
    collections::VecDeque,
    fmt, mem,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{CardMessage, ChainMark, Command, Lsn, Record, Submission, Timestamp};
use engine::{Decision, Engine};
use journal::{Error, Journal};
use planted::Bug;

use crate::{
    Answer, Clock, Committed, Inbox, Past, Refused, ServingState, Status,
    error_text::with_sources,
    inbox::Job,
    mailbox::{Outgoing, ReplyTo},
    metric_names::Metrics,
    sequencer::Sequencer,
};

/// The most jobs decided before the journal is asked to make them durable.
pub const BATCH_JOBS_MAX: usize = 8192;

/// The most commands of those due by time that are decided before the jobs of a batch. Jobs do not wait for all of a
/// backlog: the engine takes for ended what is due, decided or not.
pub const DUE_COMMANDS_MAX: usize = 64;

/// How long a shard without room for new records waits before it looks for some again, in milliseconds.
const ROOM_MS: i64 = 500;

/// The longest sleep, in milliseconds: while the machine sleeps, the timer of a waiting thread stands still and the
/// clock does not.
const IDLE_MS_MAX: u64 = 1_000;

/// The shortest sleep, in milliseconds.
const IDLE_MS_MIN: u64 = 1;

/// Sees every record once it is durable, in order, on the shard's thread and before any answer that rests on it is
/// released. It must not block for longer than it takes to hand the records on.
pub trait Observer: Send {
    /// These, at least one, have become durable as one batch, whose mark in the journal's chain is `chain`.
    fn durable(&mut self, records: &[Arc<Record>], chain: Option<ChainMark>);
}

/// Takes what is to be said to card networks, once the record that intends it is durable. It must not block.
pub trait CardLine: Send {
    /// This is to be said. Not called for what a later record has made superfluous meanwhile.
    fn say(&mut self, message: &CardMessage);
}

/// What a step left to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left to do before something arrives or [`Engine::next_due_at`] has come.
    Idle,
    /// Answers or records wait for the journal, or something is due: step again.
    Waiting,
    /// Draining is done: everything is answered and the journal is closed.
    Closed,
}

/// One shard: its engine, its journal, and those who wait for answers.
pub struct Shard<J: Journal, C: Clock> {
    engine: Engine,
    journal: J,
    clock: C,
    sequencer: Sequencer,
    inbox: Arc<Inbox>,
    status: Arc<Status>,
    observers: Vec<Box<dyn Observer>>,
    jobs: Vec<Job>,
    encoded: Vec<u8>,
    undurable: VecDeque<Arc<Record>>,
    newly_durable: Vec<Arc<Record>>,
    waiting: VecDeque<Waiting>,
    outgoing: Outgoing,
    metrics: Metrics,
    /// Since when the journal has had no room for new records, or when it was last looked for anew.
    full_since: Option<Timestamp>,
    past: Option<Past>,
    card_line: Option<Box<dyn CardLine>>,
}

/// An answer that may be told once everything up to `rests_on` is durable.
struct Waiting {
    rests_on: Lsn,
    reply_to: ReplyTo,
    answer: Answer,
}

impl<J: Journal, C: Clock> Shard<J, C> {
    /// A shard that goes on where `engine` and `journal` stand; they must stand at the same lsn.
    ///
    /// # Panics
    /// When they do not.
    pub fn new(
        engine: Engine,
        journal: J,
        clock: C,
        inbox: Arc<Inbox>,
        status: Arc<Status>,
        observers: Vec<Box<dyn Observer>>,
    ) -> Self {
        assert!(engine.applied_lsn() == journal.last_lsn(), "engine and journal stand at one lsn");
        assert!(journal.durable_lsn() == journal.last_lsn(), "everything recovered is durable");
        let sequencer = Sequencer::after(engine.applied_lsn(), engine.applied_at());
        let mut metrics = Metrics::new();
        metrics.exposures.tell(engine.exposures());
        Self {
            engine,
            journal,
            clock,
            sequencer,
            inbox,
            status,
            observers,
            jobs: Vec::new(),
            encoded: Vec::new(),
            undurable: VecDeque::new(),
            newly_durable: Vec::new(),
            waiting: VecDeque::new(),
            outgoing: Outgoing::default(),
            metrics,
            full_since: None,
            past: None,
            card_line: None,
        }
    }

    /// The same shard, with a past: its engine forgets what the index has, and is given back what it needs.
    #[must_use]
    pub fn with_past(self, past: Past) -> Self {
        Self { past: Some(past), ..self }
    }

    /// The same shard, whose messages to card networks are said by this line. What the ledger wanted said before, the line
    /// learns from [`Engine::card_messages`].
    #[must_use]
    pub fn with_card_line(self, line: Box<dyn CardLine>) -> Self {
        Self { card_line: Some(line), ..self }
    }

    /// Runs until the inbox is closed and everything in it answered.
    ///
    /// # Errors
    /// When the journal had failed, or fails to close.
    pub fn run(mut self) -> Result<(), Error> {
        loop {
            match self.step() {
                Progress::Waiting => {}
                Progress::Closed => return self.journal.close(),
                Progress::Idle => self.inbox.wait(self.idle_time()),
            }
        }
    }

    /// One round: decides what is due, takes what has arrived, decides it in turn, asks the journal to make it durable, and
    /// releases what is.
    pub fn step(&mut self) -> Progress {
        self.look_for_room();
        self.decide_due();
        let mut jobs = mem::take(&mut self.jobs);
        self.inbox.take(&mut jobs);
        for job in jobs.drain(..) {
            if self.waiting.len() >= BATCH_JOBS_MAX {
                self.commit();
                self.look_for_room();
                self.decide_due();
            }
            self.decide(job);
        }
        self.jobs = jobs;
        self.commit();

        // A job may have made something due, such as a rate that refunds waited for.
        if !self.waiting.is_empty() || !self.undurable.is_empty() || self.due(self.clock.now()).is_some() {
            Progress::Waiting
        } else if self.inbox.is_finished() {
            Progress::Closed
        } else {
            Progress::Idle
        }
    }

    /// The engine's state, for those who compare it.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The journal, for those who break it.
    pub const fn journal_mut(&mut self) -> &mut J {
        &mut self.journal
    }

    /// Ends the shard as a crash would, leaving the journal as it stands.
    pub fn into_journal(self) -> J {
        self.journal
    }

    /// Asks the journal whether it can take new records. What it cannot take is refused before anything of it is tried, so
    /// nothing has failed, and work goes on by itself once there is room.
    fn look_for_room(&mut self) {
        let now = self.clock.now();
        let again = self.full_since.is_some_and(|since| now.millis_since(since) >= ROOM_MS);
        match self.journal.check_room(again) {
            Ok(()) if self.full_since.take().is_some() => {
                self.status.has_room();
                self.metrics.disk_full.set(0.0);
            }
            Ok(()) => {}
            Err(reason) => {
                self.status.full(&with_sources(&*reason));
                self.metrics.disk_full.set(1.0);
                if again || self.full_since.is_none() {
                    self.full_since = Some(now);
                }
            }
        }
    }

    /// Decides what time alone has made due: it is older than any job that waits, so it stands before them in the log.
    fn decide_due(&mut self) {
        let now = self.clock.now();
        for _ in 0..DUE_COMMANDS_MAX {
            let Some(command) = self.due(now) else { return };
            self.metrics.count_due(&command);
            let answer = self.decide_now(now, Submission { key: None, command });
            let failed = answer == Err(Refused::JournalFailed);
            let approved = answer.as_ref().is_ok_and(|committed| committed.record.event.decline().is_none());
            assert!(approved || failed, "the engine does what it calls due: {answer:?}");
        }
    }

    /// What a record made now would have to decide first. A shard that cannot record decides nothing, whatever is due.
    fn due(&self, now: Timestamp) -> Option<Command> {
        if self.can_record() { self.engine.due(self.sequencer.time(now)) } else { None }
    }

    /// How long nothing will be due.
    fn idle_time(&self) -> Duration {
        let due_at = if self.can_record() { self.engine.next_due_at() } else { None };
        idle_time(self.clock.now(), due_at)
    }

    fn can_record(&self) -> bool {
        let has_room = self.past.as_ref().is_none_or(|past| past.has_room(&self.engine));
        self.status.state() != ServingState::Failed && self.full_since.is_none() && has_room
    }

    fn decide(&mut self, job: Job) {
        let Job { submission, deadline, reply_to } = job;
        let now = self.clock.now();
        let answer = if self.status.state() == ServingState::Failed {
            Err(Refused::JournalFailed)
        } else if deadline.is_some_and(|deadline| now > deadline) {
            Err(Refused::DeadlinePassed)
        } else {
            self.decide_now(now, submission)
        };
        // The answer may rest on anything applied so far, also when it is a refusal or a repeat.
        let rests_on = self.engine.applied_lsn();
        self.waiting.push_back(Waiting { rests_on, reply_to, answer });
    }

    fn decide_now(&mut self, now: Timestamp, submission: Submission) -> Answer {
        if let Some(past) = &self.past
            && let Err(why) = past.recall(&mut self.engine, &submission)
        {
            return Err(self.past_unreadable(with_sources(&why)));
        }
        let stamped = self.sequencer.stamp(now, submission);
        match self.engine.decide(&stamped) {
            Decision::Refused(refusal) => {
                self.metrics.refused.increment(1);
                Err(Refused::Engine(refusal))
            }
            Decision::RefusedTogether { position, refusal } => {
                self.metrics.refused.increment(1);
                Err(Refused::Together { position, refusal })
            }
            Decision::Repeated(record) => {
                self.metrics.repeated.increment(1);
                Ok(Committed { record, repeated: true })
            }
            // The key came first: what is recorded already is told, and a refusal needs no record.
            Decision::Recorded(_) if self.full_since.is_some() => Err(Refused::DiskFull),
            Decision::Recorded(_) if !self.can_record() => {
                Err(self.past_unreadable("the index is too far behind what is to be remembered".to_owned()))
            }
            Decision::Recorded(event) => {
                let counter = if event.decline().is_some() { &self.metrics.declined } else { &self.metrics.approved };
                counter.increment(1);
                let record = Arc::new(stamped.into_record(event));
                self.record(&record)?;
                Ok(Committed { record, repeated: false })
            }
        }
    }

    fn past_unreadable(&self, why: String) -> Refused {
        self.metrics.past_unreadable.increment(1);
        self.status.refuse_past(why);
        Refused::PastUnreadable
    }

    /// Appends before it applies: a record that the journal did not take must not be in the state.
    fn record(&mut self, record: &Arc<Record>) -> Result<(), Refused> {
        self.encoded.clear();
        wire::journal::encode(record, &mut self.encoded);
        if self.encoded.len() > self.journal.record_bytes_max() {
            return Err(Refused::RecordTooLarge);
        }
        let mut appended = self.journal.append(record.lsn, &self.encoded);
        if let Err(Error::BatchFull { .. }) = appended {
            self.commit();
            appended = self.journal.append(record.lsn, &self.encoded);
        }
        if let Err(error) = appended {
            self.fail(&error);
            return Err(Refused::JournalFailed);
        }
        self.metrics.record_bytes.increment(self.encoded.len() as u64);
        self.sequencer.recorded(record.lsn, record.at);
        if !planted::is(Bug::AppliesAfterBatch) {
            self.engine.apply(record);
        }
        self.status.decided(record.lsn);
        self.undurable.push_back(Arc::clone(record));
        Ok(())
    }

    /// Asks the journal for durability and releases what became durable.
    fn commit(&mut self) {
        if planted::is(Bug::AppliesAfterBatch) {
            self.undurable.iter().for_each(|record| self.engine.apply(record));
        }
        if self.status.state() != ServingState::Failed && !self.undurable.is_empty() {
            let records = self.undurable.len();
            let started = Instant::now();
            let progress = self.journal.flush().map(|()| self.journal.poll());
            match progress {
                Ok(journal::Progress::Durable(lsn)) => {
                    self.metrics.batch_records.record(records as f64);
                    self.metrics.commit_seconds.record(started.elapsed());
                    self.observe(lsn);
                }
                Ok(journal::Progress::Failed(reason)) => self.fail(&reason),
                Err(error) => self.fail(&error),
            }
            self.release();
            // Nobody waits for this any more.
            self.metrics.exposures.tell(self.engine.exposures());
        } else {
            self.release();
        }
        if let Some(past) = &self.past {
            past.forget(&mut self.engine);
        }
    }

    /// Shows the observers what has become durable, before anybody is told.
    fn observe(&mut self, durable: Lsn) {
        let count = self.undurable.iter().take_while(|record| record.lsn <= durable).count();
        if count == 0 {
            return;
        }
        let chain = self.journal.chain();
        assert!(chain.is_none_or(|chain| chain.lsn == durable), "what one poll makes durable is one batch");
        self.newly_durable.extend(self.undurable.drain(..count));
        for observer in &mut self.observers {
            observer.durable(&self.newly_durable, chain);
        }
        if let Some(line) = &mut self.card_line {
            let messages = self.newly_durable.iter().filter_map(|record| self.engine.card_message(record.lsn));
            messages.for_each(|message| line.say(message));
        }
        self.newly_durable.clear();
        self.status.durable(durable);
        self.metrics.durable_lsn.set(durable.get() as f64);
    }

    /// Releases every answer whose ground is durable. After a failure the others are told that nobody knows.
    fn release(&mut self) {
        let durable = self.journal.durable_lsn();
        let failed = self.status.state() == ServingState::Failed;
        let early = planted::is(Bug::AnswersTooEarly);
        let may_be_told = |waiting: &&Waiting| failed || early || waiting.rests_on <= durable;
        let count = self.waiting.iter().take_while(may_be_told).count();
        for Waiting { rests_on, reply_to, answer } in self.waiting.drain(..count) {
            let answer = if rests_on > durable && !early { in_doubt(answer) } else { answer };
            self.outgoing.add(reply_to, answer);
        }
        self.outgoing.send();
    }

    fn fail(&mut self, reason: &Error) {
        self.status.fail(with_sources(reason));
        self.metrics.journal_failed.set(1.0);
        self.undurable.clear();
    }
}

/// From `now` until something is due, within bounds.
fn idle_time(now: Timestamp, due_at: Option<Timestamp>) -> Duration {
    let until = |due_at: Timestamp| u64::try_from(due_at.micros().saturating_sub(now.micros())).unwrap_or(0);
    let longest = Duration::from_millis(IDLE_MS_MAX);
    let wanted = due_at.map_or(longest, |due_at| Duration::from_micros(until(due_at)));
    wanted.clamp(Duration::from_millis(IDLE_MS_MIN), longest)
}

/// What rests on records that may be lost is in doubt; what was refused without looking at the state stays refused.
fn in_doubt(answer: Answer) -> Answer {
    match answer {
        Ok(_) | Err(Refused::Engine(_) | Refused::Together { .. } | Refused::Unconfirmed) => Err(Refused::Unconfirmed),
        Err(
            Refused::RecordTooLarge
            | Refused::InboxFull
            | Refused::Draining
            | Refused::JournalFailed
            | Refused::DiskFull
            | Refused::PastUnreadable
            | Refused::DeadlinePassed,
        ) => answer,
    }
}

impl<J: Journal, C: Clock> fmt::Debug for Shard<J, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shard")
            .field("applied", &self.engine.applied_lsn())
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_ends_when_something_is_due_and_soon_anyway() {
        let now = Timestamp::from_micros(5_000_000);
        for (due_at, micros) in [
            (None, 1_000_000),
            (Some(7_000_000), 1_000_000),
            (Some(5_400_000), 400_000),
            (Some(5_000_001), 1_000),
            (Some(5_000_000), 1_000),
            (Some(i64::MIN), 1_000),
            (Some(i64::MAX), 1_000_000),
        ] {
            let slept = idle_time(now, due_at.map(Timestamp::from_micros));
            assert_eq!(slept, Duration::from_micros(micros), "{due_at:?}");
        }
    }
}
