//! The connector: one task that knows what is open, and a task for each line.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use domain::{AcknowledgeAdvice, AnswerCard, CardAnswer, CardMessage, CardMessageKind, Lsn, Timestamp, TraceNumbers};
use iso8583::{Message, Mti};
use tokio::{
    sync::{
        mpsc::{self, error::TrySendError},
        watch,
    },
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};

use super::{
    Clock, InvalidSettings, LineSettings, Numbers, Switch,
    advices::{AdviceSettings, Advices, Verdict},
    answers::{advice_answer, issuer_answer},
    line::{Events, Line, LineEvent},
    line_counts::LineCounts,
    messages::{Frame, Sending, TraceKey, build},
    requests::Requests,
    session::Outgoing,
    settings::millis,
    slots::Slots,
    telling,
};
use crate::metric_names::{METRICS, count};

/// What lines have told and the connector has not yet seen.
const EVENTS_MAX: usize = 256;
/// However far away what is due next is, the clock is looked at this often: it is not the one that timers go by.
const LOOK_MS_MAX: u32 = 1_000;

/// Speaks to one card network. See the module.
#[derive(Debug)]
pub struct Connector<S, N, C> {
    settings: Arc<LineSettings>,
    switch: Arc<S>,
    numbers: Arc<N>,
    clock: Arc<C>,
    line_counts: Arc<LineCounts>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every line is down, and the switch has heard all that was answered.
    Drained,
    /// Time was up before. What the switch has not heard, it will not hear from here: the ledger knows what it waits for.
    Cut,
}

impl<S: Switch, N: Numbers, C: Clock> Connector<S, N, C> {
    /// A connector with these settings.
    ///
    /// # Errors
    /// When no line can have them.
    pub fn new(
        settings: LineSettings,
        switch: Arc<S>,
        numbers: Arc<N>,
        clock: Arc<C>,
    ) -> Result<Self, InvalidSettings> {
        settings.check()?;
        let line_counts = Arc::new(LineCounts::of(usize::from(settings.lines)));
        Ok(Self { settings: Arc::new(settings), switch, numbers, clock, line_counts })
    }

    /// How its lines stand, also while it runs.
    #[must_use]
    pub fn line_counts(&self) -> Arc<LineCounts> {
        Arc::clone(&self.line_counts)
    }

    /// Says what the ledger still waited for when it was opened, and each durable intent after that, until it is to stop or
    /// nobody can intend anything any more; then signs off.
    ///
    /// Of what is `resumed`, a request is not sent: it may have been. Advices are, as repeats.
    pub async fn run(
        self,
        mut resumed: Vec<CardMessage>,
        intents: mpsc::UnboundedReceiver<CardMessage>,
        stop: impl Future<Output = ()> + Send,
    ) -> Ended {
        let (stop_lines, stopped) = watch::channel(false);
        let (events, mut heard) = mpsc::channel(EVENTS_MAX);
        let mut lines = JoinSet::new();
        for number in 0..usize::from(self.settings.lines) {
            let (settings, clock) = (Arc::clone(&self.settings), Arc::clone(&self.clock));
            let line = Line { number, settings, clock, events: Events(events.clone()), stop: stopped.clone() };
            lines.spawn(line.run());
        }
        drop(events);
        let mut open = Open::new(self);
        resumed.sort_unstable_by_key(|message| message.lsn);
        let now = open.parts.clock.now();
        for message in resumed {
            match message.is_advice() {
                true => open.advices.add(message, Sending::Repeat, now),
                false => open.requests.open(&message, None),
            }
        }
        open.show();
        open.serve(intents, &mut heard, stop).await;
        stop_lines.send_replace(true);
        let ended = open.drain(&mut heard).await;
        lines.shutdown().await;
        ended
    }
}

/// What is open, between lines and switch.
struct Open<S, N, C> {
    parts: Connector<S, N, C>,
    /// Requests that wait for a place in a window, by until when they do.
    waiting: BTreeMap<(Timestamp, Lsn), Box<CardMessage>>,
    requests: Requests,
    advices: Advices,
    slots: Slots,
    hand_in: Vec<Option<mpsc::Sender<Outgoing>>>,
    telling: JoinSet<()>,
}

impl<S: Switch, N: Numbers, C: Clock> Open<S, N, C> {
    fn new(parts: Connector<S, N, C>) -> Self {
        let LineSettings { lines, window, repeat, time_outs, advices_in_flight_max, .. } = *parts.settings;
        let lines = usize::from(lines);
        let advice_settings = AdviceSettings {
            back_off: repeat,
            answer_ms: time_outs.advice_answer_ms,
            in_flight_max: usize::from(advices_in_flight_max),
        };
        Self {
            waiting: BTreeMap::new(),
            requests: Requests::new(time_outs.forget_ms),
            advices: Advices::new(advice_settings),
            slots: Slots::new(lines, usize::from(window)),
            hand_in: vec![None; lines],
            telling: JoinSet::new(),
            parts,
        }
    }

    async fn serve(
        &mut self,
        mut intents: mpsc::UnboundedReceiver<CardMessage>,
        heard: &mut mpsc::Receiver<LineEvent>,
        stop: impl Future<Output = ()> + Send,
    ) {
        let mut stop = std::pin::pin!(stop);
        loop {
            let wait = self.wait(self.parts.clock.now());
            tokio::select! {
                // What lines tell goes first: it makes room, and says what no longer is.
                biased;
                () = &mut stop => return,
                Some(event) = heard.recv() => self.happened(event),
                intent = intents.recv() => match intent {
                    Some(message) => self.intended(message),
                    None => return,
                },
                Some(_told) = self.telling.join_next() => {}
                () = sleep(wait) => {}
            }
            self.go_on();
        }
    }

    /// Hands nothing more to lines, so that they sign off, and takes what still comes in, until all is told or time is up.
    async fn drain(&mut self, heard: &mut mpsc::Receiver<LineEvent>) -> Ended {
        let end = Instant::now() + millis(self.parts.settings.time_outs.drain_ms);
        for line in 0..self.hand_in.len() {
            self.down(line);
        }
        for message in std::mem::take(&mut self.waiting).into_values() {
            self.not_sent(&message);
        }
        self.show();
        let drained = async {
            while let Some(event) = heard.recv().await {
                // A line that comes up now is told at once that nothing is handed in.
                if !matches!(event, LineEvent::Up { .. }) {
                    self.happened(event);
                }
            }
            while self.telling.join_next().await.is_some() {}
        };
        timeout_at(end, drained).await.map_or(Ended::Cut, |()| Ended::Drained)
    }

    fn intended(&mut self, message: CardMessage) {
        let now = self.parts.clock.now();
        if message.is_advice() {
            self.advices.add(message, Sending::First, now);
        } else {
            self.ask(Box::new(message), now);
        }
    }

    fn happened(&mut self, event: LineEvent) {
        match event {
            LineEvent::Up { line, hand_in } => {
                if let Some(place) = self.hand_in.get_mut(line) {
                    *place = Some(hand_in);
                    self.slots.up(line);
                }
            }
            LineEvent::Down { line } => self.down(line),
            LineEvent::Unsent(message) => self.unsent(message),
            LineEvent::Received(message) => self.received(&message),
        }
        self.show();
    }

    fn show(&self) {
        let (lines_up, advices) = (self.slots.lines_up(), self.advices.waiting());
        METRICS.lines_up.set(count(lines_up));
        METRICS.advices_waiting.set(count(advices));
        self.parts.line_counts.shows(lines_up, advices.saturating_add(self.waiting.len()));
    }

    fn down(&mut self, line: usize) {
        self.slots.down(line);
        if let Some(place) = self.hand_in.get_mut(line) {
            *place = None;
        }
    }

    /// A request: written once, or not at all.
    fn ask(&mut self, message: Box<CardMessage>, now: Timestamp) {
        let CardMessageKind::Authorization { answer_by } = message.kind else { return };
        let not_after = self.not_after(answer_by);
        if self.slots.lines_up() == 0 || not_after <= now {
            return self.not_sent(&message);
        }
        let wait = i64::from(self.parts.settings.time_outs.window_wait_ms);
        self.waiting.insert((now.plus_millis(wait).min(not_after), message.lsn), message);
    }

    /// From when on a request has too little time left.
    fn not_after(&self, answer_by: Timestamp) -> Timestamp {
        answer_by.plus_millis(-i64::from(self.parts.settings.time_outs.answer_ms_min))
    }

    fn unsent(&mut self, message: Box<CardMessage>) {
        let (key, now) = (TraceKey::of(message.lsn, message.at), self.parts.clock.now());
        self.slots.release(message.lsn);
        if message.is_advice() {
            self.advices.unsent(key, now);
        } else {
            self.requests.close(&key);
            self.ask(message, now);
        }
    }

    /// Does what time and room allow.
    fn go_on(&mut self) {
        let now = self.parts.clock.now();
        self.slots.expire(now);
        self.requests.forget(now);
        self.advices.expire(now);
        let no_line = self.slots.lines_up() == 0;
        while let Some(first) = self.waiting.first_entry() {
            let is_over = no_line || first.key().0 <= now;
            if is_over {
                let message = first.remove();
                self.not_sent(&message);
            } else if self.slots.has_room() {
                let message = first.remove();
                self.send_request(message, now);
            } else {
                break;
            }
        }
        while self.slots.has_room() {
            let Some((message, sending)) = self.advices.next(now) else { break };
            let message = Box::new(message.clone());
            self.send_advice(message, sending, now);
        }
        self.show();
    }

    fn send_request(&mut self, message: Box<CardMessage>, now: Timestamp) {
        let CardMessageKind::Authorization { answer_by } = message.kind else { return };
        let number = self.parts.numbers.reveal(message.token);
        let Some(frame) = number.and_then(|number| self.frame(&message, Sending::First, Some(&number))) else {
            return self.not_sent(&message);
        };
        // Before a byte is written, for its answer may come at once.
        self.requests.open(&message, Some(now));
        let outgoing = Outgoing { not_after: Some(self.not_after(answer_by)), message, frame };
        match self.hand_in(outgoing, answer_by) {
            Ok(()) => METRICS.requests.increment(1),
            Err(unsent) => self.unsent(unsent),
        }
    }

    fn send_advice(&mut self, message: Box<CardMessage>, sending: Sending, now: Timestamp) {
        let key = TraceKey::of(message.lsn, message.at);
        let number = self.parts.numbers.reveal(message.token);
        let Some(frame) = self.frame(&message, sending, number.as_ref()) else {
            return self.advices.unsendable(key, now);
        };
        let until = self.advices.answer_until(now);
        self.advices.sent(key, now);
        match self.hand_in(Outgoing { message, not_after: None, frame }, until) {
            Ok(()) => match sending {
                Sending::First => METRICS.advices.increment(1),
                Sending::Repeat => METRICS.repeats.increment(1),
            },
            Err(unsent) => self.unsent(unsent),
        }
    }

    /// The message in bytes, or `None` when it cannot be written.
    fn frame(
        &self,
        message: &CardMessage,
        sending: Sending,
        number: Option<&(vault::Pan, vault::Expiry)>,
    ) -> Option<Frame> {
        let settings = &self.parts.settings;
        let (rrn, payment_id) = (TraceNumbers::of(message.lsn).rrn(), message.payment_id);
        let built = build(&settings.acceptor, message, sending, number).inspect_err(|error| {
            tracing::error!(rrn, %payment_id, %error, "a card message cannot be built");
        });
        let frame = Frame::new(settings.encoding.spec(), &built.ok()?).inspect_err(|error| {
            tracing::error!(rrn, %payment_id, %error, "a card message cannot be written");
        });
        frame.ok()
    }

    /// Gives it to the line with the most room; or back, when no line has any.
    fn hand_in(&mut self, mut outgoing: Outgoing, until: Timestamp) -> Result<(), Box<CardMessage>> {
        while let Some(line) = self.slots.take(outgoing.message.lsn, until) {
            let Some(hand_in) = self.hand_in.get(line).and_then(Option::as_ref) else {
                self.down(line);
                continue;
            };
            outgoing = match hand_in.try_send(outgoing) {
                Ok(()) => return Ok(()),
                // It has ended, or writes nothing any more: then it is to end.
                Err(TrySendError::Closed(outgoing) | TrySendError::Full(outgoing)) => outgoing,
            };
            self.down(line);
        }
        Err(outgoing.message)
    }

    fn received(&mut self, message: &Message) {
        match message.mti() {
            Mti::AUTHORIZATION_RESPONSE => self.issuer_answered(message),
            Mti::AUTHORIZATION_ADVICE_RESPONSE | Mti::FINANCIAL_ADVICE_RESPONSE | Mti::REVERSAL_ADVICE_RESPONSE => {
                self.advice_answered(message);
            }
            _ => METRICS.unmatched.increment(1),
        }
    }

    fn issuer_answered(&mut self, message: &Message) {
        let Ok(answer) = issuer_answer(message) else {
            tracing::warn!(rrn = message.text(iso8583::field::RRN.element()), "an issuer's answer is none");
            return METRICS.garbage.increment(1);
        };
        let Some(request) = self.requests.answered(&answer) else {
            tracing::warn!(rrn = answer.key.rrn.as_str(), "an issuer's answer is to nothing that is open");
            return METRICS.unmatched.increment(1);
        };
        self.slots.release(request.lsn);
        match answer.answer {
            CardAnswer::Approved(_) => METRICS.approved.increment(1),
            CardAnswer::Declined { .. } => METRICS.declined.increment(1),
            CardAnswer::Partial { .. } => METRICS.partial.increment(1),
            CardAnswer::NotSent => {}
        }
        if let Some(sent_at) = request.sent_at {
            METRICS.answered_after(self.parts.clock.now().millis_since(sent_at));
        }
        let told = AnswerCard { payment_id: request.payment_id, request: request.lsn, answer: answer.answer };
        self.tell(told, request.answer_by);
    }

    fn advice_answered(&mut self, message: &Message) {
        let now = self.parts.clock.now();
        let Ok(answer) = advice_answer(message) else { return METRICS.garbage.increment(1) };
        match self.advices.answered(message.mti(), answer, now) {
            Verdict::Taken(taken) => {
                METRICS.taken.increment(1);
                self.slots.release(taken.lsn);
                let (switch, back_off) = (Arc::clone(&self.parts.switch), self.parts.settings.tell);
                let advice = AcknowledgeAdvice { advice: taken.lsn };
                self.telling.spawn(telling::acknowledge(switch, back_off, advice));
            }
            Verdict::Refused { message, is_first } => {
                METRICS.advices_refused.increment(1);
                self.slots.release(message.lsn);
                if is_first {
                    let (rrn, payment_id) = (answer.key.rrn, message.payment_id);
                    tracing::error!(rrn = rrn.as_str(), %payment_id, code = %answer.code, "an advice is not taken");
                }
            }
            Verdict::Unmatched => METRICS.unmatched.increment(1),
        }
    }

    fn not_sent(&mut self, message: &CardMessage) {
        let CardMessageKind::Authorization { answer_by } = message.kind else { return };
        METRICS.not_sent.increment(1);
        let (payment_id, request) = (message.payment_id, message.lsn);
        self.tell(AnswerCard { payment_id, request, answer: CardAnswer::NotSent }, answer_by);
    }

    fn tell(&mut self, answer: AnswerCard, answer_by: Timestamp) {
        let (switch, clock) = (Arc::clone(&self.parts.switch), Arc::clone(&self.parts.clock));
        self.telling.spawn(telling::answer(switch, clock, self.parts.settings.tell, answer, answer_by));
    }

    /// How long there is nothing to do unless something happens.
    fn wait(&self, now: Timestamp) -> Duration {
        let due = [
            self.slots.next_due(),
            self.requests.next_due(),
            self.advices.next_due(self.slots.has_room()),
            self.waiting.first_key_value().map(|((until, _), _)| *until),
        ];
        let due = due.into_iter().flatten().min();
        // Rounded up, or it would be looked at just before.
        let wait_ms = due.map(|due| due.millis_since(now).saturating_add(1).max(0));
        let wait_ms = wait_ms.and_then(|wait_ms| u32::try_from(wait_ms).ok());
        millis(wait_ms.unwrap_or(LOOK_MS_MAX).min(LOOK_MS_MAX))
    }
}

#[cfg(test)]
mod tests;
