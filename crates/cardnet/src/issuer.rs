//! The network and its issuers as a pure machine: a message and the time in, what is to be done out.

use std::collections::BTreeMap;

use domain::{LastFour, Timestamp};
use iso8583::field::{self, ApprovalCode, NetworkCode, ResponseCode, Rrn};
use iso8583::{Class, Function, Message};
use money::{Money, Rounding};

use crate::billing::{Billed, Billing, NotConvertible};
use crate::books::{Books, Change, ChangeKind, Refusal, Trace};
use crate::card::CardNumber;
use crate::script::Script;
use crate::scripts::Scripts;

mod answer;
mod reading;

use reading::Head;

/// The most cards without a script of their own whose refused and lost advices are counted. Advices of one more are taken: it
/// would else be refused for ever, or begin anew whenever another is counted.
const MISSED_CARDS_MAX: usize = 65_536;

/// What the shell does, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write this line to the books file, before anything that follows.
    Book(Change),
    /// Send this.
    Answer(Message),
    /// Send this after so many milliseconds, whatever comes meanwhile.
    AnswerAfter {
        /// At most [`DELAY_MS_MAX`](crate::DELAY_MS_MAX).
        delay_ms: u32,
        /// What to send.
        answer: Message,
    },
    /// Send this behind the next answer on the line.
    AnswerBehindNext(Message),
    /// Send these bytes, as a frame.
    Bytes(Vec<u8>),
    /// Send half of this, then close the line.
    HalfAndClose(Message),
    /// Close the line.
    Close,
}

/// What is known of one line: whether its other end has signed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Session {
    signed_on: bool,
}

/// All issuers behind the network: scripts, books, and the answers given, so that a repeat gets the same.
#[derive(Clone, Debug)]
pub struct Issuer {
    scripts: Scripts,
    billing: Billing,
    /// More messages than this are answered with DE 39 `96`.
    messages_max: usize,
    books: Books,
    replies: BTreeMap<Repeated, Reply>,
    /// How many advices of a card were refused or lost by its script: of those that have one of their own, and of
    /// others up to [`MISSED_CARDS_MAX`].
    advices_missed: BTreeMap<CardNumber, u32>,
    /// Approvals given so far.
    approvals: u32,
}

/// What two messages have in common of which one is a repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Repeated {
    subject: Subject,
    trace: Trace,
    rrn: Rrn,
    last_four: LastFour,
}

/// The class of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Authorization,
    Money,
    Reversal,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    Approved { amount: Money, approval_code: ApprovalCode },
    Code(ResponseCode),
}

/// What becomes of an advice by the script of its card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Taken,
    Refused,
    Lost,
}

const FORMAT_ERROR: Reply = Reply::Code(code(*b"30"));
const INVALID_AMOUNT: Reply = Reply::Code(code(*b"13"));
const INVALID_REQUEST: Reply = Reply::Code(code(*b"12"));
const NO_RECORD: Reply = Reply::Code(code(*b"25"));
const DUPLICATE: Reply = Reply::Code(code(*b"94"));
const MALFUNCTION: Reply = Reply::Code(code(*b"96"));
const DONE: Reply = Reply::Code(ResponseCode::APPROVED);

/// No digit, no letter and no half byte of a packed digit in any spec, so it is the beginning of no message.
const GARBAGE: [u8; 16] = [0xFF; 16];

const fn code(text: [u8; 2]) -> ResponseCode {
    ResponseCode::new(text).expect("digits")
}

impl Issuer {
    /// Issuers with empty books. At most `messages_max` messages are remembered, with what they changed; of a new one
    /// beyond, none is approved or taken.
    #[must_use]
    pub fn new(scripts: Scripts, billing: Billing, messages_max: usize) -> Self {
        Self {
            scripts,
            billing,
            messages_max,
            books: Books::default(),
            replies: BTreeMap::new(),
            advices_missed: BTreeMap::new(),
            approvals: 0,
        }
    }

    /// Takes up a change of an earlier run, in order. Its message is then answered as a repeat. What changed no book is
    /// forgotten with the run: a declined request is decided again, and scripts begin anew.
    ///
    /// # Errors
    /// Why the books do not take it.
    pub fn resume(&mut self, change: &Change) -> Result<(), Refusal> {
        self.books.book(change)?;
        let (subject, reply) = match change.kind {
            ChangeKind::Approved { amount, approval_code } => {
                self.approvals = self.approvals.wrapping_add(1);
                (Subject::Authorization, Reply::Approved { amount, approval_code })
            }
            ChangeKind::Captured { .. } | ChangeKind::Refunded { .. } => (Subject::Money, DONE),
            ChangeKind::Reversed { .. } => (Subject::Reversal, DONE),
        };
        let Change { trace, rrn, last_four, .. } = *change;
        self.replies.insert(Repeated { subject, trace, rrn, last_four }, reply);
        Ok(())
    }

    /// The books as they are.
    #[must_use]
    pub const fn books(&self) -> &Books {
        &self.books
    }

    /// Takes a message and says what is to be done, in order. What is a [`Action::Book`] comes first: none, one, or an
    /// approval and its capture.
    pub fn take(&mut self, session: &mut Session, message: &Message, now: Timestamp) -> Vec<Action> {
        let kind = (message.mti().class(), message.mti().function());
        if message.mti().response().is_none() {
            return vec![Action::Close];
        }
        if kind == (Class::NetworkManagement, Function::Request) {
            return plain(message, session.take(message));
        }
        if !session.signed_on {
            return vec![Action::Close];
        }
        match kind {
            (Class::Authorization, Function::Request) => self.request(message, now),
            (Class::Authorization, Function::Advice) => self.advice(message, Subject::Authorization, now),
            (Class::Financial, Function::Advice) => self.advice(message, Subject::Money, now),
            (Class::Reversal, Function::Request | Function::Advice) => self.advice(message, Subject::Reversal, now),
            _ => plain(message, INVALID_REQUEST),
        }
    }

    fn request(&mut self, message: &Message, now: Timestamp) -> Vec<Action> {
        let read = Head::of(message).and_then(|head| Ok((head, reading::amount(message)?)));
        let Ok((head, asked)) = read else { return plain(message, FORMAT_ERROR) };
        let repeated = head.repeated(Subject::Authorization);
        if let Some(reply) = self.replies.get(&repeated) {
            return vec![Action::Answer(self.answer(message, &head, *reply))];
        }
        if self.replies.len() >= self.messages_max {
            return plain(message, MALFUNCTION);
        }
        let script = head.card.map_or(Script::Approve, |card| self.scripts.of(card));
        let (booked, reply) = self.decide(script, &head, asked, now);
        self.replies.entry(repeated).or_insert(reply);
        let answer = self.answer(message, &head, reply);
        let Some(change) = booked else { return vec![Action::Answer(answer)] };
        let mut actions = vec![Action::Book(change)];
        actions.extend(play(script, answer));
        actions
    }

    fn decide(&mut self, script: Script, head: &Head, asked: Money, now: Timestamp) -> (Option<Change>, Reply) {
        let amount = match script {
            Script::Decline(code) => return (None, Reply::Code(code)),
            Script::Partial(percent) => percent.ratio().of(asked, Rounding::Up),
            Script::Approve
            | Script::Slow { .. }
            | Script::Silent
            | Script::Duplicate
            | Script::OutOfOrder
            | Script::Garbage
            | Script::Disconnect
            | Script::WrongAmount
            | Script::RefuseAdvices { .. }
            | Script::LoseAdvices { .. } => Ok(asked),
        };
        let billable = amount.ok().filter(|amount| self.billed(head, *amount).is_ok());
        let Some(amount) = billable else { return (None, INVALID_AMOUNT) };
        let approval_code = self.approval_code();
        let change = head.change(now, ChangeKind::Approved { amount, approval_code });
        match self.resume(&change) {
            Ok(()) => (Some(change), Reply::Approved { amount, approval_code }),
            // It came after its reversal, so its sender has given it up.
            Err(Refusal::AlreadyReversed) => (None, DUPLICATE),
            Err(refusal) => (None, declined(refusal)),
        }
    }

    /// Six digits that count up and begin again, never all zeros.
    fn approval_code(&self) -> ApprovalCode {
        ApprovalCode::new(&format!("{:06}", (self.approvals % 999_999).saturating_add(1))).expect("six digits")
    }

    /// What the card is billed; nothing where no number tells which.
    fn billed(&self, head: &Head, amount: Money) -> Result<Option<Billed>, NotConvertible> {
        head.card.map_or(Ok(None), |card| self.billing.of(card, amount))
    }

    /// The answer to a request, with what the card is billed.
    fn answer(&self, message: &Message, head: &Head, reply: Reply) -> Message {
        let mut answer = answer::to(message, reply);
        if let Reply::Approved { amount, .. } = reply
            && let Ok(Some(billed)) = self.billed(head, amount)
        {
            answer::bill(&mut answer, billed);
        }
        answer
    }

    fn advice(&mut self, message: &Message, subject: Subject, now: Timestamp) -> Vec<Action> {
        let Ok(head) = Head::of_advice(message, &self.books) else { return plain(message, FORMAT_ERROR) };
        let fate = head.card.map_or(Fate::Taken, |card| self.fate(card));
        if fate == Fate::Refused {
            return plain(message, MALFUNCTION);
        }
        let repeated = head.repeated(subject);
        let (booked, reply) = match self.replies.get(&repeated) {
            Some(reply) => (Vec::new(), *reply),
            None if self.replies.len() >= self.messages_max => (Vec::new(), MALFUNCTION),
            None => {
                let (booked, reply) = self.book(message, &head, subject, now);
                self.replies.entry(repeated).or_insert(reply);
                (booked, reply)
            }
        };
        let mut actions: Vec<_> = booked.into_iter().map(Action::Book).collect();
        if fate == Fate::Taken {
            actions.extend(plain(message, reply));
        }
        actions
    }

    fn book(&mut self, message: &Message, head: &Head, subject: Subject, now: Timestamp) -> (Vec<Change>, Reply) {
        let kinds = match subject {
            Subject::Authorization => reading::stood_in(message).map(|kind| vec![kind]),
            Subject::Money => reading::moved(message, head),
            Subject::Reversal => reading::reversed(message).map(|kind| vec![kind]),
        };
        let mut booked = Vec::new();
        let changes = match kinds {
            Ok(kinds) => kinds.into_iter().map(|kind| head.change(now, kind)),
            Err(reading::Error::Malformed) => return (booked, FORMAT_ERROR),
            Err(reading::Error::NotPlayed) => return (booked, INVALID_REQUEST),
        };
        for change in changes {
            match self.resume(&change) {
                Ok(()) => booked.push(change),
                // The sender wants it undone, and it is; or tells of an approval that it has undone before.
                Err(Refusal::AlreadyReversed) if subject != Subject::Money => {}
                // The run before ended between the two lines of one message.
                Err(Refusal::AlreadyApproved) if subject == Subject::Money => {}
                Err(refusal) => return (booked, declined(refusal)),
            }
        }
        (booked, DONE)
    }

    fn fate(&mut self, card: CardNumber) -> Fate {
        let (advices, fate) = match self.scripts.of(card) {
            Script::RefuseAdvices { advices } => (advices, Fate::Refused),
            Script::LoseAdvices { advices } => (advices, Fate::Lost),
            Script::Approve
            | Script::Decline(_)
            | Script::Partial(_)
            | Script::Slow { .. }
            | Script::Silent
            | Script::Duplicate
            | Script::OutOfOrder
            | Script::Garbage
            | Script::Disconnect
            | Script::WrongAmount => return Fate::Taken,
        };
        let has_room = self.scripts.names(card) || self.advices_missed.len() < MISSED_CARDS_MAX;
        if !has_room && !self.advices_missed.contains_key(&card) {
            return Fate::Taken;
        }
        let missed = self.advices_missed.entry(card).or_default();
        if *missed >= advices {
            return Fate::Taken;
        }
        *missed = missed.saturating_add(1);
        fate
    }
}

impl Session {
    fn take(&mut self, message: &Message) -> Reply {
        match message.require(field::NETWORK_CODE) {
            Ok(NetworkCode::SIGN_ON) => self.signed_on = true,
            Ok(NetworkCode::SIGN_OFF) => self.signed_on = false,
            Ok(NetworkCode::ECHO) => {}
            Ok(_) => return INVALID_REQUEST,
            Err(_) => return FORMAT_ERROR,
        }
        DONE
    }
}

fn plain(message: &Message, reply: Reply) -> Vec<Action> {
    vec![Action::Answer(answer::to(message, reply))]
}

fn declined(refusal: Refusal) -> Reply {
    match refusal {
        Refusal::AlreadyApproved => DUPLICATE,
        Refusal::AlreadyReversed | Refusal::AlreadyCaptured | Refusal::NoApproval | Refusal::AnotherCard => NO_RECORD,
        Refusal::AnotherCurrency | Refusal::Amount => INVALID_AMOUNT,
    }
}

/// What is sent where a request was approved.
fn play(script: Script, mut answer: Message) -> Vec<Action> {
    match script {
        Script::Approve
        | Script::Decline(_)
        | Script::Partial(_)
        | Script::RefuseAdvices { .. }
        | Script::LoseAdvices { .. } => vec![Action::Answer(answer)],
        Script::Slow { delay_ms } => vec![Action::AnswerAfter { delay_ms, answer }],
        Script::Silent => Vec::new(),
        Script::Duplicate => vec![Action::Answer(answer.clone()), Action::Answer(answer)],
        Script::OutOfOrder => vec![Action::AnswerBehindNext(answer)],
        Script::Garbage => vec![Action::Bytes(GARBAGE.to_vec())],
        Script::Disconnect => vec![Action::HalfAndClose(answer)],
        Script::WrongAmount => {
            answer::falsify_amount(&mut answer);
            vec![Action::Answer(answer)]
        }
    }
}

#[cfg(test)]
mod tests;
