//! Advices: what is due when, until the network has taken it.

use std::collections::{BTreeSet, HashMap, VecDeque};

use domain::{CardMessage, CardMessageKind, PaymentId, Timestamp};
use iso8583::{Mti, field::ResponseCode};

use super::{
    BackOff,
    answers::AdviceAnswer,
    messages::{Sending, TraceKey, mti},
};

/// A reversal of what is not there, or was reversed before, has nothing left to do.
const NOT_FOUND: &str = "25";
const DUPLICATE: &str = "94";

/// Every advice that the network has not taken, in order within each payment: the next is due once the one before was taken.
#[derive(Debug)]
pub(crate) struct Advices {
    settings: AdviceSettings,
    /// Of each payment, the first is the one that is said.
    payments: HashMap<PaymentId, VecDeque<Advice>>,
    firsts: HashMap<TraceKey, PaymentId>,
    due: BTreeSet<(Timestamp, TraceKey)>,
    /// By when their answers are due.
    in_flight: BTreeSet<(Timestamp, TraceKey)>,
    waiting: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct AdviceSettings {
    pub(crate) back_off: BackOff,
    pub(crate) answer_ms: u32,
    pub(crate) in_flight_max: usize,
}

#[derive(Debug)]
struct Advice {
    message: CardMessage,
    /// Of the next sending.
    sending: Sending,
    /// Sendings in a row that were not taken.
    failed: u32,
    refused: bool,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Behind another one.
    Behind,
    Due(Timestamp),
    InFlight {
        until: Timestamp,
        /// Of this sending.
        sending: Sending,
    },
}

/// What an answer did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The network has it.
    Taken(CardMessage),
    /// The network does not take it. It is said again all the same, rarely.
    Refused {
        message: CardMessage,
        /// Whether that is new.
        is_first: bool,
    },
    /// It is an answer to nothing that is said.
    Unmatched,
}

impl Advices {
    pub(crate) fn new(settings: AdviceSettings) -> Self {
        let (payments, firsts) = (HashMap::new(), HashMap::new());
        Self { settings, payments, firsts, due: BTreeSet::new(), in_flight: BTreeSet::new(), waiting: 0 }
    }

    /// One more to be said, after those of the same payment.
    pub(crate) fn add(&mut self, message: CardMessage, sending: Sending, now: Timestamp) {
        let payment_id = message.payment_id;
        let advice = Advice { message, sending, failed: 0, refused: false, stage: Stage::Behind };
        self.payments.entry(payment_id).or_default().push_back(advice);
        self.waiting = self.waiting.saturating_add(1);
        self.begin(payment_id, now);
    }

    /// The one that is due longest, if another may be in flight.
    pub(crate) fn next(&self, now: Timestamp) -> Option<(&CardMessage, Sending)> {
        let (_, key) = self.due.first().filter(|(at, _)| self.may_send() && *at <= now)?;
        let advice = self.first(key)?;
        Some((&advice.message, advice.sending))
    }

    /// Until when an answer to what is sent now is waited for.
    pub(crate) fn answer_until(&self, now: Timestamp) -> Timestamp {
        now.plus_millis(i64::from(self.settings.answer_ms))
    }

    /// It is being sent.
    pub(crate) fn sent(&mut self, key: TraceKey, now: Timestamp) {
        let until = self.answer_until(now);
        self.change(key, |advice| {
            let sending = advice.sending;
            advice.sending = Sending::Repeat;
            advice.stage = Stage::InFlight { until, sending };
        });
    }

    /// It was not sent after all, not a byte of it, so it is due as before.
    pub(crate) fn unsent(&mut self, key: TraceKey, now: Timestamp) {
        self.change(key, |advice| {
            if let Stage::InFlight { sending, .. } = advice.stage {
                advice.sending = sending;
                advice.stage = Stage::Due(now);
            }
        });
    }

    /// It cannot be sent as it is: another attempt is made as rarely as can be.
    pub(crate) fn unsendable(&mut self, key: TraceKey, now: Timestamp) {
        let back_off = self.settings.back_off;
        self.change(key, |advice| {
            advice.failed = advice.failed.saturating_add(1);
            advice.wait(now, back_off.longest_ms(advice.failed, advice.message.lsn.get()));
        });
    }

    /// What this answer does.
    pub(crate) fn answered(&mut self, answer_mti: Mti, answer: AdviceAnswer, now: Timestamp) -> Verdict {
        let of_type = |advice: &&Advice| mti(&advice.message.kind, Sending::First).response() == Some(answer_mti);
        let first = self.first(&answer.key).filter(of_type);
        // What was never sent cannot be answered.
        let said = first.filter(|advice| advice.sending == Sending::Repeat);
        let Some(message) = said.map(|advice| advice.message.clone()) else { return Verdict::Unmatched };
        if is_taken(&message.kind, answer.code) {
            self.take(answer.key, now);
            return Verdict::Taken(message);
        }
        let is_first = self.first(&answer.key).is_some_and(|advice| !advice.refused);
        self.unsendable(answer.key, now);
        self.change(answer.key, |advice| advice.refused = true);
        Verdict::Refused { message, is_first }
    }

    /// Whose answer is overdue is due again, later each time.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        let back_off = self.settings.back_off;
        while let Some((_, key)) = self.in_flight.first().copied().filter(|(until, _)| *until <= now) {
            self.change(key, |advice| {
                advice.failed = advice.failed.saturating_add(1);
                let (failed, seed) = (advice.failed, advice.message.lsn.get());
                let wait =
                    if advice.refused { back_off.longest_ms(failed, seed) } else { back_off.wait_ms(failed, seed) };
                advice.wait(now, wait);
            });
        }
    }

    /// When there is something to do next; with nowhere to send to, only answers can be overdue.
    pub(crate) fn next_due(&self, has_room: bool) -> Option<Timestamp> {
        let due = self.due.first().filter(|_| has_room && self.may_send());
        [due, self.in_flight.first()].into_iter().flatten().map(|(at, _)| *at).min()
    }

    /// Advices that were not taken yet.
    pub(crate) const fn waiting(&self) -> usize {
        self.waiting
    }

    fn may_send(&self) -> bool {
        self.in_flight.len() < self.settings.in_flight_max
    }

    fn first(&self, key: &TraceKey) -> Option<&Advice> {
        self.payments.get(self.firsts.get(key)?)?.front()
    }

    /// Makes the first of a payment due, if it is not yet said.
    fn begin(&mut self, payment_id: PaymentId, now: Timestamp) {
        let first = self.payments.get_mut(&payment_id).and_then(VecDeque::front_mut);
        let Some(advice) = first.filter(|advice| advice.stage == Stage::Behind) else { return };
        let key = TraceKey::of(advice.message.lsn, advice.message.at);
        advice.stage = Stage::Due(now);
        self.firsts.insert(key, payment_id);
        self.due.insert((now, key));
    }

    /// Takes the first out, and begins with the next.
    fn take(&mut self, key: TraceKey, now: Timestamp) {
        // Out of the sets, whatever stage it is in.
        self.change(key, |advice| advice.stage = Stage::Behind);
        let Some(payment_id) = self.firsts.remove(&key) else { return };
        let Some(advices) = self.payments.get_mut(&payment_id) else { return };
        if advices.pop_front().is_some() {
            self.waiting = self.waiting.saturating_sub(1);
        }
        if advices.is_empty() {
            self.payments.remove(&payment_id);
        }
        self.begin(payment_id, now);
    }

    /// Changes the first with this key, and keeps the sets true.
    fn change(&mut self, key: TraceKey, change: impl FnOnce(&mut Advice)) {
        let payment_id = self.firsts.get(&key);
        let Some(advice) = payment_id.and_then(|id| self.payments.get_mut(id)).and_then(VecDeque::front_mut) else {
            return;
        };
        match advice.stage {
            Stage::Behind => {}
            Stage::Due(at) => drop(self.due.remove(&(at, key))),
            Stage::InFlight { until, .. } => drop(self.in_flight.remove(&(until, key))),
        }
        change(advice);
        match advice.stage {
            Stage::Behind => {}
            Stage::Due(at) => drop(self.due.insert((at, key))),
            Stage::InFlight { until, .. } => drop(self.in_flight.insert((until, key))),
        }
    }
}

impl Advice {
    fn wait(&mut self, now: Timestamp, millis: u32) {
        self.stage = Stage::Due(now.plus_millis(i64::from(millis)));
    }
}

fn is_taken(kind: &CardMessageKind, code: ResponseCode) -> bool {
    let is_gone = || matches!(code.as_str(), NOT_FOUND | DUPLICATE);
    code == ResponseCode::APPROVED || (matches!(kind, CardMessageKind::Reversal { .. }) && is_gone())
}

#[cfg(test)]
mod tests;
