//! The house around the connector: a switch that notes what it hears, a vault with one card, a clock that can jump.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use connectors::card_iso8583::{
    Acceptor, BackOff, Clock, Connector, Encoding, Ended, Heard, Host, LineCounts, LineSettings, Numbers, Switch,
    TimeOuts, Unheard,
};
use domain::{
    AcknowledgeAdvice, AnswerCard, ApprovalCode, CardMessage, CardMessageKind, CardToken, Lsn, MerchantId, Name,
    OriginalMessage, PaymentId, Scheme, Timestamp,
};
use iso8583::{
    Mti,
    field::{InstitutionId, TerminalId},
};
use money::{Currency, Money};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};
use vault::{Expiry, Pan};

use crate::network::{Network, Peer};

/// Nothing that a test waits for takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const START: Timestamp = Timestamp::from_micros(1_795_716_123_000_000);
pub(crate) const PAN: &str = "4242424242424242";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Answer(AnswerCard),
    Acknowledged(Lsn),
}

struct Ears {
    told: mpsc::UnboundedSender<Told>,
    /// What is said to what is told, in order; after that, that it is recorded.
    says: Mutex<VecDeque<Result<Heard, Unheard>>>,
}

impl Ears {
    fn hear(&self, told: Told) -> Result<Heard, Unheard> {
        self.told.send(told).expect("the test listens");
        self.says.lock().expect("no test panicked").pop_front().unwrap_or(Ok(Heard::Recorded))
    }
}

impl Switch for Ears {
    async fn answer(&self, answer: AnswerCard) -> Result<Heard, Unheard> {
        self.hear(Told::Answer(answer))
    }

    async fn acknowledge(&self, advice: AcknowledgeAdvice) -> Result<Heard, Unheard> {
        self.hear(Told::Acknowledged(advice.advice))
    }
}

#[derive(Default)]
struct OneCard {
    is_unbound: AtomicBool,
}

impl Numbers for OneCard {
    fn reveal(&self, _token: CardToken) -> Option<(Pan, Expiry)> {
        let is_bound = !self.is_unbound.load(Ordering::SeqCst);
        is_bound.then(|| (Pan::parse(PAN).expect("a number"), Expiry::parse("09/29").expect("a month")))
    }
}

struct Time {
    started: Instant,
    jumped_ms: AtomicI64,
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        let elapsed_ms = i64::try_from(self.started.elapsed().as_millis()).expect("as it should be");
        START.plus_millis(elapsed_ms + self.jumped_ms.load(Ordering::SeqCst))
    }
}

pub(crate) struct House {
    pub(crate) intents: mpsc::UnboundedSender<CardMessage>,
    told: mpsc::UnboundedReceiver<Told>,
    ears: Arc<Ears>,
    numbers: Arc<OneCard>,
    time: Arc<Time>,
    pub(crate) line_counts: Arc<LineCounts>,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<Ended>,
    advices_said: u64,
}

/// One line whose time-outs are far away, and whose back-offs are short.
pub(crate) fn settings(ports: &[u16]) -> LineSettings {
    let acceptor = Acceptor {
        acquirer: InstitutionId::new(47_110_815).expect("as it should be"),
        terminal: TerminalId::new("SWITCH01").expect("as it should be"),
        category: LineSettings::CATEGORY.to_owned(),
        place: "SHANGHAI     CN".to_owned(),
    };
    let hosts = ports.iter().map(|port| Host { name: "127.0.0.1".to_owned(), port: *port }).collect();
    let mut settings = LineSettings::new(hosts, Encoding::Bcd, acceptor);
    settings.lines = 1;
    let short = BackOff { min_ms: 1, max_ms: 20 };
    (settings.reconnect, settings.repeat, settings.tell) = (short, short, short);
    settings.time_outs = TimeOuts {
        connect_ms: 60_000,
        sign_on_ms: 60_000,
        idle_ms: 600_000,
        echo_ms: 60_000,
        write_ms: 1_000,
        window_wait_ms: 600_000,
        answer_ms_min: 1_000,
        forget_ms: 600_000,
        advice_answer_ms: 600_000,
        drain_ms: 60_000,
    };
    settings
}

impl House {
    pub(crate) fn open(settings: LineSettings, resumed: Vec<CardMessage>) -> Self {
        let (told_to, told) = mpsc::unbounded_channel();
        let (intents, intended) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let ears = Arc::new(Ears { told: told_to, says: Mutex::default() });
        let numbers = Arc::new(OneCard::default());
        let time = Arc::new(Time { started: Instant::now(), jumped_ms: AtomicI64::new(0) });
        let connector = Connector::new(settings, Arc::clone(&ears), Arc::clone(&numbers), Arc::clone(&time));
        let stop_on = async { drop(stopped.await) };
        let connector = connector.expect("settings");
        let line_counts = connector.line_counts();
        let running = tokio::spawn(connector.run(resumed, intended, stop_on));
        Self { intents, told, ears, numbers, time, line_counts, stop: Some(stop), running, advices_said: 0 }
    }

    pub(crate) fn intend(&self, message: CardMessage) {
        self.intents.send(message).expect("the connector runs");
    }

    /// The next connection, signed on, once the house knows that it is: an advice goes out as soon as it does.
    pub(crate) async fn up(&mut self, network: &Network) -> Peer {
        let mut peer = network.signed_on().await;
        self.advices_said += 1;
        self.intend(capture(100_000 + self.advices_said, 255));
        let advice = peer.expect(Mti::FINANCIAL_ADVICE).await;
        peer.answer(&advice, "00", &[]).await;
        assert_eq!(self.told().await, Told::Acknowledged(Lsn::new(100_000 + self.advices_said)));
        peer
    }

    /// What the switch hears next.
    pub(crate) async fn told(&mut self) -> Told {
        timeout(PATIENCE, self.told.recv()).await.expect("the switch is told").expect("the connector runs")
    }

    /// What the switch is told next is an answer.
    pub(crate) async fn answer(&mut self) -> AnswerCard {
        match self.told().await {
            Told::Answer(answer) => answer,
            Told::Acknowledged(lsn) => panic!("an answer was expected, and {lsn} was acknowledged"),
        }
    }

    /// What the switch says next to what it is told.
    pub(crate) fn will_say(&self, said: impl IntoIterator<Item = Result<Heard, Unheard>>) {
        self.ears.says.lock().expect("no test panicked").extend(said);
    }

    pub(crate) fn unbind(&self) {
        self.numbers.is_unbound.store(true, Ordering::SeqCst);
    }

    pub(crate) fn jump_ms(&self, millis: i64) {
        self.time.jumped_ms.fetch_add(millis, Ordering::SeqCst);
    }

    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// How it ended, and what else the switch was told.
    pub(crate) async fn ended(mut self) -> (Ended, Vec<Told>) {
        self.stop();
        let ended = timeout(PATIENCE, &mut self.running).await.expect("it ends").expect("it does not panic");
        let mut rest = Vec::new();
        while let Ok(told) = self.told.try_recv() {
            rest.push(told);
        }
        (ended, rest)
    }
}

pub(crate) fn code() -> ApprovalCode {
    ApprovalCode::new("123456").expect("as it should be")
}

/// What this record intends for that payment; a request has half a minute.
pub(crate) fn said(lsn: u64, payment: u8, kind: CardMessageKind) -> CardMessage {
    CardMessage {
        lsn: Lsn::new(lsn),
        at: START,
        payment_id: PaymentId::from_bytes([payment; 16]),
        token: CardToken::from_bytes([7; 16]),
        scheme: Scheme::Visa,
        merchant: MerchantId(12),
        merchant_name: Name::new("cafe").expect("as it should be"),
        kind,
        amount: Money::new(Currency::CNY, 25_750),
    }
}

/// A request of this record. There is time enough for its answer.
pub(crate) fn request(lsn: u64) -> CardMessage {
    let answer_by = START.plus_millis(ANSWER_MS);
    said(lsn, u8::try_from(lsn).expect("as it should be"), CardMessageKind::Authorization { answer_by })
}

/// So long an answer is waited for.
pub(crate) const ANSWER_MS: i64 = 300_000;

pub(crate) fn original(lsn: u64) -> OriginalMessage {
    OriginalMessage { lsn: Lsn::new(lsn), at: START, stood_in: false }
}

pub(crate) fn capture(lsn: u64, payment: u8) -> CardMessage {
    said(lsn, payment, CardMessageKind::Capture { approval_code: code(), original: original(1) })
}

pub(crate) fn reversal(lsn: u64, payment: u8) -> CardMessage {
    said(lsn, payment, CardMessageKind::Reversal { original: original(u64::from(payment)) })
}
