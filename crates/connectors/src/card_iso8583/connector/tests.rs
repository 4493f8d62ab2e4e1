//! What the connector does with lines that a test plays: no request is written twice, none that was written is called unsent,
//! and none is forgotten before it is one or the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use domain::{CardToken, DeclineReason};
use iso8583::{Element, decode, frame::PREFIX_BYTES};
use proptest::prelude::*;
use vault::{Expiry, Pan};

use super::*;
use crate::card_iso8583::{
    Encoding, Heard, Host, Unheard,
    messages::tests::{acceptor, said},
};

const LINES: usize = 3;
const ANSWER_MS: i64 = 30_000;

#[derive(Default)]
struct House {
    answers: Mutex<Vec<AnswerCard>>,
    now_ms: AtomicI64,
}

impl Switch for House {
    async fn answer(&self, answer: AnswerCard) -> Result<Heard, Unheard> {
        self.answers.lock().unwrap().push(answer);
        Ok(Heard::Recorded)
    }

    async fn acknowledge(&self, _advice: AcknowledgeAdvice) -> Result<Heard, Unheard> {
        Ok(Heard::Recorded)
    }
}

impl Numbers for House {
    fn reveal(&self, _token: CardToken) -> Option<(Pan, Expiry)> {
        Some((Pan::parse("4242424242424242").unwrap(), Expiry::parse("09/29").unwrap()))
    }
}

impl Clock for House {
    fn now(&self) -> Timestamp {
        Timestamp::EPOCH.plus_millis(self.now_ms.load(Ordering::SeqCst))
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Intend,
    Up(usize),
    /// The line begins to write what it was handed first.
    Write(usize),
    /// The line finds what it was handed first too late.
    HandBack(usize),
    Down(usize),
    /// The network answers what it has read, of which it takes this one.
    Answer(usize),
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Intend),
        3 => (0..LINES).prop_map(Step::Up),
        4 => (0..LINES).prop_map(Step::Write),
        1 => (0..LINES).prop_map(Step::HandBack),
        2 => (0..LINES).prop_map(Step::Down),
        3 => (0..50_usize).prop_map(Step::Answer),
        2 => (1..12_000_i64).prop_map(Step::Wait),
    ]
}

/// Lines as a test plays them.
struct Played {
    house: Arc<House>,
    open: Open<House, House, House>,
    lines: [Option<mpsc::Receiver<Outgoing>>; LINES],
    /// What was asked of the network, as often as it was.
    written: BTreeMap<Lsn, usize>,
    /// As the network read it.
    asked: Vec<Message>,
    intended: u64,
}

impl Played {
    fn new() -> Self {
        let house = Arc::new(House::default());
        let host = Host { name: "network.example".to_owned(), port: 1 };
        let mut settings = LineSettings::new(vec![host], Encoding::Bcd, acceptor());
        (settings.lines, settings.window) = (u8::try_from(LINES).unwrap(), 2);
        settings.time_outs.window_wait_ms = 5_000;
        let ports = || Arc::clone(&house);
        let open = Open::new(Connector::new(settings, ports(), ports(), ports()).unwrap());
        let (written, asked) = (BTreeMap::new(), Vec::new());
        Self { house, open, lines: [const { None }; LINES], written, asked, intended: 0 }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Intend => {
                self.intended += 1;
                let answer_by = self.house.now().plus_millis(ANSWER_MS);
                let kind = CardMessageKind::Authorization { answer_by };
                self.open.intended(said(Lsn::new(self.intended), 1, kind));
            }
            Step::Up(line) if self.lines[line].is_none() => {
                let (hand_in, handed_in) = mpsc::channel(2);
                self.lines[line] = Some(handed_in);
                self.open.happened(LineEvent::Up { line, hand_in });
            }
            Step::Write(line) => {
                let Some(outgoing) = self.first(line) else { return };
                *self.written.entry(outgoing.message.lsn).or_default() += 1;
                let bytes = &outgoing.frame.rest(PREFIX_BYTES);
                self.asked.push(decode(Encoding::Bcd.spec(), bytes).unwrap());
            }
            Step::HandBack(line) => {
                let Some(outgoing) = self.first(line) else { return };
                self.open.happened(LineEvent::Unsent(outgoing.message));
            }
            Step::Down(line) => {
                let Some(mut handed_in) = self.lines[line].take() else { return };
                handed_in.close();
                // Whether the connector finds out by this or by handing in is a matter of chance.
                if self.intended.is_multiple_of(2) {
                    self.open.go_on();
                }
                self.open.happened(LineEvent::Down { line });
                while let Ok(outgoing) = handed_in.try_recv() {
                    self.open.happened(LineEvent::Unsent(outgoing.message));
                }
            }
            Step::Answer(which) if !self.asked.is_empty() => {
                let asked = &self.asked[which % self.asked.len()];
                let mut answer = Message::new(Mti::AUTHORIZATION_RESPONSE);
                for number in [4, 7, 11, 37, 49] {
                    answer.set(Element::of(number), asked.get(Element::of(number)).unwrap());
                }
                answer.set(Element::of(39), b"51");
                self.open.happened(LineEvent::Received(answer));
            }
            Step::Wait(millis) => drop(self.house.now_ms.fetch_add(millis, Ordering::SeqCst)),
            Step::Up(_) | Step::Answer(_) => {}
        }
        self.open.go_on();
    }

    fn first(&mut self, line: usize) -> Option<Outgoing> {
        self.lines[line].as_mut()?.try_recv().ok()
    }

    async fn told(&mut self) -> Vec<AnswerCard> {
        while self.open.telling.join_next().await.is_some() {}
        self.house.answers.lock().unwrap().clone()
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

proptest! {
    #[test]
    fn a_request_is_written_once_or_called_unsent(steps in prop::collection::vec(step(), 0..150)) {
        let (played, told) = run(async {
            let mut played = Played::new();
            for step in steps {
                played.step(step);
            }
            for line in 0..LINES {
                played.step(Step::Down(line));
            }
            played.step(Step::Wait(ANSWER_MS));
            let told = played.told().await;
            (played, told)
        });
        let mut heard = BTreeSet::new();
        for answer in &told {
            prop_assert!(heard.insert(answer.request), "{} was told twice", answer.request);
            let written = played.written.get(&answer.request).copied().unwrap_or_default();
            match answer.answer {
                CardAnswer::NotSent => prop_assert_eq!(written, 0, "{} was written", answer.request),
                CardAnswer::Declined { reason, .. } => {
                    prop_assert_eq!((written, reason), (1, DeclineReason::CardFunds));
                }
                CardAnswer::Approved(_) | CardAnswer::Partial { .. } => prop_assert!(false, "nobody said so"),
            }
        }
        for lsn in (1..=played.intended).map(Lsn::new) {
            let written = played.written.get(&lsn).copied().unwrap_or_default();
            prop_assert!(written <= 1, "{lsn} was written {written} times");
            prop_assert!(written == 1 || heard.contains(&lsn), "{lsn} is forgotten");
        }
    }
}

#[test]
fn what_a_line_hands_back_goes_to_another() {
    run(async {
        let mut played = Played::new();
        for step in [Step::Up(0), Step::Intend, Step::Up(1), Step::Down(0), Step::Write(1)] {
            played.step(step);
        }
        assert_eq!(played.written, BTreeMap::from([(Lsn::new(1), 1)]));
        assert_eq!(played.told().await, []);
    });
}
