//! The independent auditor: it hears every request and every answer, sees every durable record, and has its own opinion.
//!
//! It follows the log in its order. Before a request's answer is looked at, its own [`Books`] say what the answer must
//! be, and before that, what the switch must have done of itself because it was due; a new record must then be the one
//! expected, at the next lsn, at the expected moment. Whatever differs is a finding and ends the story.

mod boards;
mod books;
mod exact;
pub mod plain;
#[cfg(test)]
mod tests;

use std::{fmt::Debug, sync::Arc};

use domain::Record;
use shard::{Answer, DUE_COMMANDS_MAX, Refused};

use books::Decided;
pub use books::{Books, Verdict};
pub(crate) use books::{Payment, Quoted, SOURCE};
use plain::{Entry, Found};

use crate::request::{Ask, Id, QuoteAsk, Request};

/// What is wrong, in words.
pub type Finding = String;

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// What is asked.
    pub request: Request,
    /// What the stages attached.
    pub found: Found,
    /// The id of what it makes.
    pub id: Id,
    /// It is not to be decided after this, in microseconds since the epoch.
    pub deadline: Option<i64>,
    /// What was told.
    pub reply: Reply,
}

/// What a caller was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The caller is gone.
    Unheard,
    /// Nothing, though the caller waits.
    Missing,
    /// This.
    Told(Answer),
}

/// One round of the shard.
#[derive(Debug)]
pub struct Turn {
    /// What the clock showed.
    pub now: i64,
    /// What had arrived, in order.
    pub tickets: Vec<Ticket>,
    /// What became durable, in order.
    pub durable: Vec<Arc<Record>>,
    /// Whether the journal failed.
    pub failed: bool,
    /// Whether the disk was too full for new records.
    pub full: bool,
}

/// What was on its way when the journal failed.
#[derive(Debug, Default)]
struct Doubt {
    now: i64,
    /// What was due may be found too, so much of it at most.
    due_left: usize,
    tickets: Vec<Ticket>,
}

/// The auditor.
#[derive(Debug, Default)]
pub struct Auditor {
    books: Books,
    /// Everything that was ever durable.
    log: Vec<Arc<Record>>,
    /// Any prefix of its records may be found at the recovery.
    in_doubt: Option<Doubt>,
}

impl Auditor {
    /// What is so.
    #[must_use]
    pub const fn books(&self) -> &Books {
        &self.books
    }

    /// Everything durable, from lsn 1.
    #[must_use]
    pub fn log(&self) -> &[Arc<Record>] {
        &self.log
    }

    /// Looks at what the stages attached to a request that arrived at `now`, perhaps with a quote that was given out.
    ///
    /// # Errors
    /// When the books say otherwise.
    pub(crate) fn check_found(
        &self,
        request: &Request,
        found: &Found,
        quoted: Option<&Quoted>,
        now: i64,
    ) -> Result<(), Finding> {
        let checked = self.books.check_found(request, found, quoted, now);
        checked.map_err(|what| format!("{what}, for {request:?}"))
    }

    /// Looks at a quote that somebody was given at `now`, or was not.
    ///
    /// # Errors
    /// When the books say otherwise.
    pub(crate) fn check_offer(
        &self,
        ask: &QuoteAsk,
        made: &Result<Quoted, String>,
        id: Id,
        now: i64,
    ) -> Result<(), Finding> {
        self.books.check_offer_made(ask, made, id, now).map_err(|what| format!("{what}, for {ask:?}"))
    }

    /// Follows one round.
    ///
    /// # Errors
    /// When an answer or a record is not the expected one.
    pub fn turn(&mut self, turn: Turn) -> Result<(), Finding> {
        let Turn { now, tickets, durable, failed, full } = turn;
        let mut records = durable.into_iter();
        for done in 0..if full { 0 } else { DUE_COMMANDS_MAX } {
            let at = now.max(self.books.at + 1);
            let Some(decided) = self.books.due(at) else { break };
            match records.next() {
                Some(record) => self.enter_due(decided, at, record)?,
                None if failed => return self.doubt(now, DUE_COMMANDS_MAX - done, tickets),
                None => return Err(format!("nothing durable where {:?} is due", decided.deed)),
            }
        }
        for (place, ticket) in tickets.iter().enumerate() {
            if passed(ticket, now) {
                expect_refused(ticket, &Refused::DeadlinePassed)?;
                continue;
            }
            let at = now.max(self.books.at + 1);
            match self.books.decide(&ticket.request, &ticket.found, ticket.id, at) {
                Verdict::Refuse(refusal) => expect_refusal(ticket, &refusal)?,
                Verdict::Repeat(lsn) => self.expect_record(ticket, lsn, true)?,
                Verdict::Record(_) if full => expect_refused(ticket, &Refused::DiskFull)?,
                Verdict::Record(decided) => match records.next() {
                    Some(record) => {
                        self.enter(ticket, *decided, at, record)?;
                        self.expect_record(ticket, self.books.lsn, false)?;
                    }
                    None if failed => return self.doubt(now, 0, tickets[place..].to_vec()),
                    None => {
                        return Err(format!("nothing durable where {:?} is expected of {ticket:?}", decided.deed));
                    }
                },
            }
        }
        if let Some(record) = records.next() {
            return Err(format!("a record nobody asked for: {record:?}"));
        }
        self.books.check_invariants()
    }

    /// The journal failed: whoever rests on what may be lost is told that nobody knows.
    fn doubt(&mut self, now: i64, due_left: usize, tickets: Vec<Ticket>) -> Result<(), Finding> {
        for doubtful in &tickets {
            let refused = if passed(doubtful, now) { Refused::DeadlinePassed } else { Refused::Unconfirmed };
            expect_refused(doubtful, &refused)?;
        }
        self.in_doubt = Some(Doubt { now, due_left, tickets });
        Ok(())
    }

    /// Looks at what a recovery found: everything that was durable as it was, then at most what was in doubt, in order.
    ///
    /// # Errors
    /// When something durable is lost or changed, or something is there that nobody asked for.
    pub fn recovered(&mut self, records: &[Arc<Record>]) -> Result<(), Finding> {
        if records.len() < self.log.len() {
            return Err(format!(
                "lsn {} was durable, after the crash the log ends at {}",
                self.log.len(),
                records.len()
            ));
        }
        let (known, new) = records.split_at(self.log.len());
        if let Some((was, is)) = self.log.iter().zip(known).find(|(was, is)| was != is) {
            return Err(format!("a durable record has changed from {was:?} to {is:?}"));
        }
        let Doubt { now, due_left, tickets } = self.in_doubt.take().unwrap_or_default();
        let mut new = new.iter();
        for _ in 0..due_left {
            let at = now.max(self.books.at + 1);
            let Some(decided) = self.books.due(at) else { break };
            let Some(record) = new.next() else { return self.books.check_invariants() };
            self.enter_due(decided, at, Arc::clone(record))?;
        }
        for ticket in tickets.iter().filter(|ticket| !passed(ticket, now)) {
            let at = now.max(self.books.at + 1);
            if let Verdict::Record(decided) = self.books.decide(&ticket.request, &ticket.found, ticket.id, at) {
                let Some(record) = new.next() else { break };
                self.enter(ticket, *decided, at, Arc::clone(record))?;
            }
        }
        if let Some(record) = new.next() {
            return Err(format!("recovered a record nobody asked for: {record:?}"));
        }
        self.books.check_invariants()
    }

    fn enter(&mut self, ticket: &Ticket, decided: Decided, at: i64, record: Arc<Record>) -> Result<(), Finding> {
        let makes = matches!(ticket.request.ask, Ask::Pay(_) | Ask::Refund { .. } | Ask::GrantMandate { .. });
        let evidence = ticket.found.clone();
        self.expect_entry(&decided, at, evidence, makes.then_some(ticket.id), &record)?;
        self.log.push(record);
        self.books.enter(&ticket.request, decided, at)
    }

    /// What the switch did of itself.
    fn enter_due(&mut self, decided: Decided, at: i64, record: Arc<Record>) -> Result<(), Finding> {
        self.expect_entry(&decided, at, Found::default(), None, &record)?;
        self.log.push(record);
        self.books.enter(&Books::due_request(), decided, at)
    }

    fn expect_entry(
        &self,
        decided: &Decided,
        at: i64,
        evidence: Found,
        id: Option<Id>,
        record: &Record,
    ) -> Result<(), Finding> {
        let expected = Entry { lsn: self.books.lsn + 1, at, deed: decided.deed.clone(), evidence, id };
        agree("record", &expected, &plain::entry(record))
    }

    /// What a record says of what is asked: of each payment, where it decided several.
    fn said_of(&self, record: &Arc<Record>, request: &Request) -> Vec<Arc<Record>> {
        let parts: Vec<Arc<Record>> = record.parts().collect();
        if parts.len() == 1 {
            return parts;
        }
        let place = |(key, _): (&str, Ask)| self.books.place_of(request.caller, key);
        request.keyed().into_iter().filter_map(|keyed| parts.get(place(keyed)?).cloned()).collect()
    }

    /// The caller was told of the record at this lsn, which is durable.
    fn expect_record(&self, ticket: &Ticket, lsn: u64, repeated: bool) -> Result<(), Finding> {
        let record = usize::try_from(lsn - 1).ok().and_then(|index| self.log.get(index));
        let record = record.ok_or_else(|| format!("an answer rests on lsn {lsn}, which is not durable: {ticket:?}"))?;
        match &ticket.reply {
            Reply::Unheard => Ok(()),
            Reply::Told(Ok(committed)) => {
                agree("repeated", &repeated, &committed.repeated)?;
                let told: Vec<Arc<Record>> = committed.record.parts().collect();
                agree("answer", &self.said_of(record, &ticket.request), &told)
            }
            other => Err(format!("told {other:?}, the record is {record:?}")),
        }
    }
}

fn passed(ticket: &Ticket, now: i64) -> bool {
    ticket.deadline.is_some_and(|deadline| now > deadline)
}

fn expect_refused(ticket: &Ticket, refused: &Refused) -> Result<(), Finding> {
    match &ticket.reply {
        Reply::Unheard => Ok(()),
        Reply::Told(Err(told)) if told == refused => Ok(()),
        other => Err(format!("told {other:?}, expected {refused:?}, for {:?}", ticket.request)),
    }
}

fn expect_refusal(ticket: &Ticket, expected: &str) -> Result<(), Finding> {
    match &ticket.reply {
        Reply::Unheard => Ok(()),
        Reply::Told(Err(Refused::Engine(refusal))) if plain::refusal(refusal) == expected => Ok(()),
        Reply::Told(Err(Refused::Together { position, refusal }))
            if format!("payment {position}: {}", plain::refusal(refusal)) == expected =>
        {
            Ok(())
        }
        other => Err(format!("told {other:?}, expected a refusal: {expected}, for {:?}", ticket.request)),
    }
}

fn agree<T: PartialEq + Debug>(what: &str, expected: &T, found: &T) -> Result<(), Finding> {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}
