//! Each message to the network, and a kill at each step of its way there and back.

use std::time::{Duration, Instant};

use client::Error;
use tokio::task::JoinHandle;
use wire::v1::{self, PaymentState};

use crate::{
    call::Call,
    house::{House, MERCHANT, Site, TIME_OUT_MS, cafe},
    relay::Way,
    support::{
        moves::{capture, read, refund, void},
        parties::money,
        strace::Strace,
    },
};

/// What is said to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// A request, 0100.
    Request,
    /// An advice of a capture, 0220.
    Capture,
    /// An advice of a refund, 0220.
    Refund,
    /// An advice of a reversal, 0420.
    Reversal,
}

/// Where the daemon is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// Before the record with the intent is written.
    IntentUnwritten,
    /// Once it is written, and before it is synced.
    IntentUnsynced,
    /// The intent is durable, and the message is not written.
    Unsent,
    /// The message is written, and arrives after its sender is dead.
    OnTheWay,
    /// The message is written, and never arrives.
    LostOnTheWay,
    /// The network has done it, and its answer is on the way.
    Unanswered,
    /// The network does it and does not answer, twice.
    Lost,
    /// The network does not do it, twice; the first answer that says so is on the way.
    Refused,
    /// The answer is there, and its record is not written.
    AnswerUnwritten,
    /// The record of the answer is written, and not synced.
    AnswerUnsynced,
    /// All is recorded, and the caller has hung up.
    Unheard,
}

const CUTS: [Cut; 11] = [
    Cut::IntentUnwritten,
    Cut::IntentUnsynced,
    Cut::Unsent,
    Cut::OnTheWay,
    Cut::LostOnTheWay,
    Cut::Unanswered,
    Cut::Lost,
    Cut::Refused,
    Cut::AnswerUnwritten,
    Cut::AnswerUnsynced,
    Cut::Unheard,
];
const SAID: [Said; 4] = [Said::Request, Said::Capture, Said::Refund, Said::Reversal];

/// One kill.
#[derive(Clone, Copy, Debug)]
struct Step {
    number: u64,
    said: Said,
    cut: Cut,
}

/// Kills in a row, the first of them where it is chosen.
const KILLS: u64 = 2;
/// So long a caller waits for an issuer that was asked by a daemon that is dead.
const HASTY: Duration = Duration::from_millis(300);

#[test]
fn wherever_the_switch_is_killed_no_card_is_charged_without_a_payment_or_a_reversal() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(each_step());
}

async fn each_step() {
    let begun = Instant::now();
    let pairs = SAID.into_iter().flat_map(|said| CUTS.into_iter().map(move |cut| (said, cut)));
    // A script loses or refuses the first advices of a card, so never a refund, which follows a capture that was taken.
    let follows_approval = |said| matches!(said, Said::Capture | Said::Reversal);
    let pairs = pairs.filter(|(said, cut)| follows_approval(*said) || !matches!(cut, Cut::Lost | Cut::Refused));
    let steps: Vec<Step> = (1..).zip(pairs).map(|(number, (said, cut))| Step { number, said, cut }).collect();
    let scripts: String = steps.iter().map(|step| format!("{}={}\n", step.card(), step.cut.script())).collect();
    let house = House::new(&scripts, &[("PAYSWITCHD__CARDS__NETWORK__LINES", "1")]);
    let cards: Vec<String> = steps.iter().map(Step::card).collect();
    let mut site = house.start();
    let tokens = site.bind(cards.iter().map(String::as_str)).await;
    let (mut killed, mut skipped) = (0, 0);
    for step in &steps {
        let token = &tokens[step.card().as_str()];
        let reached = step.run(&house, site, token).await;
        site = house.start_again(KILLS - 1);
        match reached {
            Some(asked) => {
                step.go_on(&house, &site, asked).await;
                killed += 1;
                println!("{}/{}: {:?}, {:?}: {:?}", step.number, steps.len(), step.said, step.cut, begun.elapsed());
            }
            None => skipped += 1,
        }
    }
    let compared = house.settle(site).await;
    println!("{killed} steps, {skipped} skipped, {} kills: {compared:?}, {:?}", killed * KILLS, begun.elapsed());
}

/// What was asked under one key when the daemon was killed.
struct Asked {
    call: Call,
    /// The payment that it is about, if there was one.
    payment_id: Option<String>,
    state: PaymentState,
}

impl Cut {
    fn script(self) -> &'static str {
        match self {
            Self::Lost => "lose-advices:2",
            Self::Refused => "refuse-advices:2",
            Self::IntentUnwritten
            | Self::IntentUnsynced
            | Self::Unsent
            | Self::OnTheWay
            | Self::LostOnTheWay
            | Self::Unanswered
            | Self::AnswerUnwritten
            | Self::AnswerUnsynced
            | Self::Unheard => "approve",
        }
    }

    /// Whether the ledger that is opened next knows what was intended. What a dead process has written is there, synced or not.
    fn is_intended(self) -> bool {
        self != Self::IntentUnwritten
    }

    /// Whether the network has done it when the daemon is dead and the line is empty.
    fn is_done(self) -> bool {
        match self {
            Self::IntentUnwritten | Self::IntentUnsynced | Self::Unsent | Self::LostOnTheWay | Self::Refused => false,
            Self::OnTheWay
            | Self::Unanswered
            | Self::Lost
            | Self::AnswerUnwritten
            | Self::AnswerUnsynced
            | Self::Unheard => true,
        }
    }

    /// Whether the answer to a request is known to the ledger that is opened next.
    fn is_answered(self) -> bool {
        matches!(self, Self::AnswerUnsynced | Self::Unheard)
    }
}

impl Step {
    /// A card of its own: a test number of Visa's length, with its check digit (ISO/IEC 7812-1, Luhn).
    fn card(&self) -> String {
        let digits = format!("42424242{:07}", self.number);
        let doubled = |(index, digit): (usize, char)| {
            let digit = digit.to_digit(10).expect("a digit") * if index % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        };
        let sum: u32 = digits.chars().enumerate().map(doubled).sum();
        format!("{digits}{}", (10 - sum % 10) % 10)
    }

    /// Asks, and has the daemon killed. `None` where that cannot be done on this machine.
    async fn run(&self, house: &House, site: Box<Site>, token: &str) -> Option<Asked> {
        site.line_is_up().await;
        let asked = self.prepared(house, &site, token).await;
        let (books, heard, lsn) = (house.relay.books(), house.relay.heard(), site.durable_lsn().await);
        let on_the_way = || house.relay.until("a message", |now| now.asked > heard.asked);
        let answered = || house.relay.until("an answer", |now| now.answered > heard.answered);
        match self.cut {
            Cut::IntentUnwritten => killed_by_call(site, &asked, ("shard", "pwrite64")).await?,
            Cut::IntentUnsynced => killed_by_call(site, &asked, ("shard", "fdatasync")).await?,
            Cut::Unsent => killed_by_call(site, &asked, ("cards", "sendto")).await?,
            Cut::OnTheWay | Cut::LostOnTheWay => {
                house.relay.set(Way::HeldToNetwork);
                let caller = begin(&site, &asked);
                on_the_way().await;
                kill(site, caller).await;
                house.relay.set(if self.cut == Cut::OnTheWay { Way::Open } else { Way::LostToNetwork });
            }
            Cut::Lost => {
                let caller = begin(&site, &asked);
                on_the_way().await;
                kill(site, caller).await;
            }
            Cut::Unanswered | Cut::Refused => {
                house.relay.set(Way::HeldFromNetwork);
                let caller = begin(&site, &asked);
                answered().await;
                kill(site, caller).await;
            }
            Cut::AnswerUnwritten | Cut::AnswerUnsynced => {
                house.relay.set(Way::HeldFromNetwork);
                let caller = begin(&site, &asked);
                answered().await;
                let calls = if self.cut == Cut::AnswerUnwritten { "pwrite64" } else { "fdatasync" };
                let strace = Strace::attach(&site.daemon, "shard", calls, "signal=KILL:when=1");
                house.relay.set(Way::Open);
                let strace = strace?;
                site.was_killed().await;
                drop(strace);
                caller.abort();
            }
            Cut::Unheard => {
                house.relay.set(Way::HeldFromNetwork);
                let caller = begin(&site, &asked);
                answered().await;
                caller.abort();
                house.relay.set(Way::Open);
                site.is_durable(lsn + 2).await;
                site.daemon.kill();
            }
        }
        if self.cut != Cut::LostOnTheWay {
            house.relay.set(Way::Open);
        }
        house.relay.emptied().await;
        house.relay.set(Way::Open);
        house.check_journal();
        assert_eq!(house.relay.books() != books, self.cut.is_done(), "whether the network has done it: {self:?}");
        Some(asked)
    }

    /// A payment from which the message follows, and the call that leads to it.
    async fn prepared(&self, house: &House, site: &Site, token: &str) -> Asked {
        let order = format!("step-{}", self.number);
        let amount = money("CNY", 25_000);
        let key = format!("{order}-last");
        let pay = |key: &str| Call::pay(key.to_owned(), order.clone(), token, amount.clone(), v1::CaptureMode::Manual);
        if self.said == Said::Request {
            return Asked { call: pay(&key), payment_id: None, state: PaymentState::Unspecified };
        }
        let payment = pay(&order).ask(&site.cafe).await.expect("a card is charged");
        assert_eq!(payment.state(), PaymentState::Authorized);
        let payment_id = payment.payment_id.as_str();
        let whole = capture(&format!("{order}-capture"), payment_id, amount.clone());
        let (call, state) = match self.said {
            Said::Request => unreachable!("it needs no payment before it"),
            Said::Capture => (Call::Capture(whole), PaymentState::Authorized),
            Said::Reversal => (Call::Void(void(&key, payment_id)), PaymentState::Authorized),
            Said::Refund => {
                Call::Capture(whole).ask(&site.cafe).await.expect("it is captured");
                house.agreed(site).await;
                // That the network has taken the capture is on record too.
                site.is_durable(payment.lsn + 2).await;
                (Call::Refund(refund(&key, payment_id, money("CNY", 10_000))), PaymentState::Captured)
            }
        };
        Asked { call, payment_id: Some(payment.payment_id), state }
    }

    /// The next daemon knows what the last one had recorded; the key is repeated, and all comes to the end it must have.
    async fn go_on(&self, house: &House, site: &Site, asked: Asked) {
        if let Some(payment_id) = &asked.payment_id {
            let found = read(&site.cafe, payment_id).await.state();
            assert_eq!(found == asked.state, !self.cut.is_intended(), "whether it was recorded: {self:?}, {found:?}");
        } else {
            let order = format!("step-{}", self.number);
            let is_there = site.payments().await.iter().any(|payment| payment.merchant_order_id == order);
            assert_eq!(is_there, self.cut.is_intended(), "whether it was recorded: {self:?}");
        }
        site.line_is_up().await;
        if self.end() == PaymentState::Declined {
            site.advance(TIME_OUT_MS).await;
        }
        let hasty = cafe(&site.daemon.merchants, HASTY);
        let payment_id = loop {
            match asked.call.ask(&hasty).await {
                Ok(payment) => break payment.payment_id,
                Err(Error::Unanswered { .. }) => {}
                Err(error @ (Error::Refused(_) | Error::Unreachable { .. } | Error::PlainText { .. })) => {
                    panic!("a key is answered: {error}")
                }
            }
        };
        house.agreed(site).await;
        // The next step counts system calls: what this one left to record goes before what is asked of the shard now.
        site.advance(1).await;
        let payment = read(&site.cafe, &payment_id).await;
        assert_eq!((payment.state(), payment.merchant_id.as_str()), (self.end(), MERCHANT), "{self:?}: {payment:?}");
    }

    /// What the payment comes to. A request whose answer is lost is reversed; an advice is said until it is taken.
    fn end(&self) -> PaymentState {
        match self.said {
            Said::Request if self.cut.is_answered() || !self.cut.is_intended() => PaymentState::Authorized,
            Said::Request => PaymentState::Declined,
            Said::Capture => PaymentState::Captured,
            Said::Refund => PaymentState::PartiallyRefunded,
            Said::Reversal => PaymentState::Voided,
        }
    }
}

type Caller = JoinHandle<Result<v1::Payment, Error>>;

/// Asks, and does not wait for the answer.
fn begin(site: &Site, asked: &Asked) -> Caller {
    let (call, cafe) = (asked.call.clone(), site.cafe.clone());
    tokio::spawn(async move { call.ask(&cafe).await })
}

async fn kill(site: Box<Site>, caller: Caller) {
    site.daemon.kill();
    caller.abort();
}

/// Asks, and has the daemon killed when a thread makes its next such system call.
async fn killed_by_call(site: Box<Site>, asked: &Asked, (thread, calls): (&str, &str)) -> Option<()> {
    let _strace = Strace::attach(&site.daemon, thread, calls, "signal=KILL:when=1")?;
    let caller = begin(&site, asked);
    site.was_killed().await;
    caller.abort();
    Some(())
}
