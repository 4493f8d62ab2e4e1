//! The independent auditor: it hears every request and every answer, sees every durable record, and has its own opinion.
//!
//! It follows the log in its order. Before a request's answer is looked at, its own [`Books`] say what the answer must
//! be; a new record must then be the one expected, at the next lsn, at the expected moment. Whatever differs is a
//! finding and ends the story.

mod books;
mod exact;
pub mod plain;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use domain::{AccountId, AccountKind, PaymentId, Record};
use money::Currency;
use projections::{AccountState, Boards};
use shard::{Answer, Refused};

pub use books::{Books, Verdict};
use plain::{Entry, Found, Place};

use crate::request::{Code, Request};

/// What is wrong, in words.
pub type Finding = String;

/// A request on its way.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// What is asked.
    pub request: Request,
    /// What the stages attached.
    pub found: Found,
    /// The id its payment has if it is new.
    pub payment_id: [u8; 16],
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
}

/// The auditor.
#[derive(Debug, Default)]
pub struct Auditor {
    books: Books,
    /// Everything that was ever durable.
    log: Vec<Arc<Record>>,
    /// What was on its way when the journal failed: any prefix of its records may be found at the recovery.
    in_doubt: Option<(i64, Vec<Ticket>)>,
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

    /// Looks at what the stages attached to a request that arrived at `now`.
    ///
    /// # Errors
    /// When the books say otherwise.
    pub fn check_found(&self, request: &Request, found: &Found, now: i64) -> Result<(), Finding> {
        self.books.check_found(request, found, now).map_err(|what| format!("{what}, for {request:?}"))
    }

    /// Follows one round.
    ///
    /// # Errors
    /// When an answer or a record is not the expected one.
    pub fn turn(&mut self, turn: Turn) -> Result<(), Finding> {
        let Turn { now, tickets, durable, failed } = turn;
        let mut records = durable.into_iter();
        for (place, ticket) in tickets.iter().enumerate() {
            if passed(ticket, now) {
                expect_refused(ticket, &Refused::DeadlinePassed)?;
                continue;
            }
            let at = now.max(self.books.at + 1);
            match self.books.decide(&ticket.request, &ticket.found, at) {
                Verdict::Refuse(refusal) => expect_refusal(ticket, &refusal)?,
                Verdict::Repeat(lsn) => self.expect_record(ticket, lsn, true)?,
                Verdict::Record(deed) => match records.next() {
                    Some(record) => {
                        self.enter(ticket, &deed, at, record)?;
                        self.expect_record(ticket, self.books.lsn, false)?;
                    }
                    None if failed => {
                        let rest = tickets[place..].to_vec();
                        for doubtful in &rest {
                            let passed = passed(doubtful, now);
                            let refused = if passed { Refused::DeadlinePassed } else { Refused::Unconfirmed };
                            expect_refused(doubtful, &refused)?;
                        }
                        self.in_doubt = Some((now, rest));
                        return Ok(());
                    }
                    None => return Err(format!("nothing durable where {deed:?} is expected of {ticket:?}")),
                },
            }
        }
        records.next().map_or(Ok(()), |record| Err(format!("a record nobody asked for: {record:?}")))
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
        let (now, tickets) = self.in_doubt.take().unwrap_or_default();
        let mut new = new.iter();
        for ticket in tickets.iter().filter(|ticket| !passed(ticket, now)) {
            let at = now.max(self.books.at + 1);
            if let Verdict::Record(deed) = self.books.decide(&ticket.request, &ticket.found, at) {
                let Some(record) = new.next() else { break };
                self.enter(ticket, &deed, at, Arc::clone(record))?;
            }
        }
        new.next().map_or(Ok(()), |record| Err(format!("recovered a record nobody asked for: {record:?}")))
    }

    /// Compares the read models with the books.
    ///
    /// # Errors
    /// When they differ.
    pub fn check_boards(&self, boards: &Boards) -> Result<(), Finding> {
        let books = &self.books;
        agree("applied lsn", &books.lsn, &boards.applied_lsn().get())?;
        let accounts = books.accounts().iter().map(|account| (account.place, account.closed));
        for (place, closed) in accounts.chain(books.merchant_places().map(|place| (place, false))) {
            let summary = boards.account(account_id(place)?).ok_or_else(|| format!("{place:?} is on no board"))?;
            agree("posted balance", &books.balance(place), &summary.posted_balance.minor_units())?;
            agree("closed", &closed, &(summary.state == AccountState::Closed))?;
        }
        let mut expected: BTreeMap<(&str, Code), (u64, i128)> = BTreeMap::new();
        for (kind, currency, _) in books.accounts().iter().map(|row| row.place).chain(books.merchant_places()) {
            expected.entry((kind, currency)).or_default().0 += 1;
        }
        for ((kind, currency, _), balance) in books.balances() {
            let line = expected.entry((kind, currency)).or_default();
            *line = (line.0.max(1), line.1 + balance);
        }
        let lines = boards
            .trial_balance()
            .into_iter()
            .map(|line| ((line.kind.as_str(), line.currency.code()), (line.accounts, line.balance.minor_units())));
        agree("trial balance", &expected, &lines.collect())?;
        agree("payments", &books.payments(), &(boards.payments_captured(), boards.payments_declined()))?;
        for record in &self.log {
            if let Some(id) = plain::entry(record).payment_id {
                let found = boards.payment(PaymentId::from_bytes(id));
                agree("payment", &Some(record), &found.as_ref())?;
            }
        }
        Ok(())
    }

    fn enter(&mut self, ticket: &Ticket, deed: &plain::Deed, at: i64, record: Arc<Record>) -> Result<(), Finding> {
        let is_payment = matches!(ticket.request.ask, crate::Ask::Pay { .. });
        let expected = Entry {
            lsn: self.books.lsn + 1,
            at,
            deed: deed.clone(),
            evidence: ticket.found.clone(),
            payment_id: is_payment.then_some(ticket.payment_id),
        };
        agree("record", &expected, &plain::entry(&record))?;
        self.log.push(record);
        self.books.enter(&ticket.request, deed, at, ticket.payment_id)
    }

    /// The caller was told of the record at this lsn, which is durable.
    fn expect_record(&self, ticket: &Ticket, lsn: u64, repeated: bool) -> Result<(), Finding> {
        let record = usize::try_from(lsn - 1).ok().and_then(|index| self.log.get(index));
        let record = record.ok_or_else(|| format!("an answer rests on lsn {lsn}, which is not durable: {ticket:?}"))?;
        match &ticket.reply {
            Reply::Unheard => Ok(()),
            Reply::Told(Ok(committed)) => {
                agree("repeated", &repeated, &committed.repeated)?;
                agree("answer", record, &committed.record)
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
        other => Err(format!("told {other:?}, expected a refusal: {expected}, for {:?}", ticket.request)),
    }
}

fn agree<T: PartialEq + Debug>(what: &str, expected: &T, found: &T) -> Result<(), Finding> {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}

fn account_id((kind, currency, index): Place) -> Result<AccountId, Finding> {
    let known = AccountKind::ALL.into_iter().find(|known| known.as_str() == kind);
    let kind = known.ok_or_else(|| format!("no kind {kind}"))?;
    let currency = Currency::from_code(currency).map_err(|why| why.to_string())?;
    Ok(AccountId { kind, currency, index })
}
