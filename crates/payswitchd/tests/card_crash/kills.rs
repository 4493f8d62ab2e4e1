//! Kills at random moments, while buyers pay with cards of every script.

use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use cardnet::TEST_NUMBERS;
use tokio::{sync::watch, task::JoinSet, time::timeout};
use wire::v1::{AdvanceClockRequest, Payment, PaymentState};

use crate::{
    buyers::{Buyer, Place, Tally},
    house::{House, Site, TIME_OUT_MS},
    relay::Way,
    support::{random::Random, setting},
};

const KILLS: u64 = 8;
const BUYERS: u64 = 16;
/// The daemon is killed after at most this many further answers, messages to the network, or messages from there.
const EVENTS_BEFORE_KILL_MAX: u64 = 40;
/// Or after so long, where no such event comes any more.
const EVENT_WAIT: Duration = Duration::from_millis(500);
/// How often progress is told.
const KILLS_BETWEEN_WORDS: u64 = 10;
/// Beside those of the test numbers: advices that are refused or lost for a while.
const SCRIPTS: &str =
    "5454545454545454=refuse-advices:30\n4242424242424242=lose-advices:30\n4012888888881881=disconnect\n";
/// Of a length that Visa no longer has, so it cannot be bound.
const NOT_BOUND: &str = "4222222222222";
/// Of the card rail: issuers are waited for shortly, and for small amounts of one scheme the switch stands in. Snapshots and
/// forgetting, so that a run is ended in the middle of them and begins from them.
const ENVIRONMENT: [(&str, &str); 9] = [
    ("PAYSWITCHD__POLICY__CARDS__CURRENCY", "CNY"),
    ("PAYSWITCHD__POLICY__CARDS__ANSWER_MS", "4000"),
    ("PAYSWITCHD__POLICY__CARDS__PERSONS_A_CARD_MAX", "3"),
    ("PAYSWITCHD__POLICY__CARDS__VERIFIED", r#"{payment="USD 5,000.00",year="USD 5,000,000.00"}"#),
    ("PAYSWITCHD__POLICY__CARDS__UNVERIFIED", r#"{payment="USD 500.00",year="USD 2,000.00"}"#),
    ("PAYSWITCHD__POLICY__CARDS__FEES", r#"[{from="2023-07-01",free_up_to="CNY 200.00",ratio="0.03"}]"#),
    ("PAYSWITCHD__POLICY__CARDS__STAND_IN", r#"[{scheme="visa",charge_max="CNY 100.00"}]"#),
    ("PAYSWITCHD__SNAPSHOTS__EVERY_RECORDS", "150"),
    ("PAYSWITCHD__PROJECTIONS__HOT_RECORDS", "100"),
];

#[test]
fn after_kills_at_any_moment_no_card_is_charged_without_a_payment_or_a_reversal() {
    let (kills, seed) = (setting("PAYSWITCH_CARD_KILLS", KILLS), setting("PAYSWITCH_CARD_SEED", 1));
    println!("PAYSWITCH_CARD_SEED={seed} PAYSWITCH_CARD_KILLS={kills}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run(kills, seed));
}

async fn run(kills: u64, seed: u64) {
    let begun = Instant::now();
    let house = House::new(SCRIPTS, &ENVIRONMENT);
    let mut site = house.start();
    let numbers = TEST_NUMBERS.into_iter().map(|(number, _)| number);
    let tokens = site.bind(numbers.filter(|number| *number != NOT_BOUND)).await;
    let tokens: Arc<[String]> = tokens.into_values().collect();
    let place = watch::Sender::new(Place { merchants: site.daemon.merchants.clone(), closing: false });
    let tally = Arc::new(Tally::default());
    let mut buyers = JoinSet::new();
    for number in 0..BUYERS {
        let buyer = Buyer::new((number, seed), place.subscribe(), Arc::clone(&tokens), Arc::clone(&tally));
        buyers.spawn(buyer.buy_until_closing());
    }
    let mut killer = Killer { random: Random(seed), house: &house, tally: &tally, killed: 0 };
    while killer.killed < kills {
        tokio::select! {
            () = killer.wait(&site) => {}
            ended = buyers.join_next() => panic!("a buyer gave up: {ended:?}"),
        }
        site = killer.kill(site);
        place.send_modify(|place| site.daemon.merchants.clone_into(&mut place.merchants));
        if killer.killed.is_multiple_of(KILLS_BETWEEN_WORDS) {
            println!("{} kills, {} answers, {:?}", killer.killed, *tally.answers.borrow(), begun.elapsed());
        }
    }
    house.relay.set(Way::Open);
    place.send_modify(|place| place.closing = true);
    let told: Vec<Payment> = buyers.join_all().await.into_iter().flatten().collect();
    house.agreed(&site).await;
    check_told(&site, &told).await;
    let compared = house.settle(site).await;
    let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "{} kills, {} answers, retries {}, refusals {}: {compared:?}, {:?}",
        killer.killed,
        *tally.answers.borrow(),
        load(&tally.retries),
        load(&tally.refusals),
        begun.elapsed()
    );
    assert!(compared.captured > 0 && compared.reversed > 0, "the run did some work between the kills: {compared:?}");
    let counts = [
        ("kills", killer.killed),
        ("answers", *tally.answers.borrow()),
        ("approved", compared.approved),
        ("captured", compared.captured),
        ("given back", compared.refunded),
        ("stood in", compared.stood_in),
        ("declined or ended", compared.ended),
        ("reversed", compared.reversed),
        ("reversed unseen", compared.reversed_unseen),
        ("charged wrongly", 0),
    ];
    simulator::proofs::leave("kills with cards", &counts, begun.elapsed()).expect("the counts are left");
}

/// Every answer is still the truth, and there is nothing that nobody was told of.
async fn check_told(site: &Site, told: &[Payment]) {
    let found = site.payments().await;
    let found: BTreeMap<&str, &Payment> = found.iter().map(|payment| (payment.payment_id.as_str(), payment)).collect();
    assert_eq!(found.len(), told.len(), "each key was repeated until it was answered, and has one payment");
    for told in told {
        let found = found.get(told.payment_id.as_str()).copied().expect("what was answered is there");
        if told.state() == PaymentState::Pending {
            continue;
        }
        assert_eq!(found.state(), told.state(), "{found:?} was {told:?}");
        let moved = |payment: &Payment| [&payment.authorized, &payment.captured, &payment.refunded].map(Clone::clone);
        assert_eq!((moved(found), &found.card), (moved(told), &told.card), "{}", told.payment_id);
    }
}

struct Killer<'a> {
    random: Random,
    house: &'a House,
    tally: &'a Tally,
    killed: u64,
}

impl Killer<'_> {
    /// Until the moment of the next kill.
    async fn wait(&mut self, site: &Site) {
        // Where messages were lost, they are for a while longer: lines are down then, and the switch stands in.
        self.events(BUYERS).await;
        self.house.relay.set(Way::Open);
        self.events(EVENTS_BEFORE_KILL_MAX).await;
        if self.random.one_in(3) {
            // Time-outs come, and the daemon is killed among them.
            let operator = site.operator.clone();
            let request = AdvanceClockRequest { advance_ms: TIME_OUT_MS };
            tokio::spawn(async move { drop(operator.advance_clock(request).await) });
        }
        if self.random.one_in(3) {
            let way = *self.random.pick(&[Way::HeldToNetwork, Way::HeldFromNetwork]);
            self.house.relay.set(way);
            self.events(BUYERS).await;
        }
    }

    /// A random number of events, of a kind by chance.
    async fn events(&mut self, max: u64) {
        let (kind, count) = (self.random.below(3), self.random.below(max));
        let heard = self.house.relay.heard();
        let answers = *self.tally.answers.borrow() + count;
        let mut told = self.tally.answers.subscribe();
        match kind {
            0 => soon(told.wait_for(|told| *told >= answers)).await,
            1 => soon(self.house.relay.until("messages", |now| now.asked >= heard.asked + count)).await,
            _ => soon(self.house.relay.until("answers", |now| now.answered >= heard.answered + count)).await,
        }
    }

    /// Kills it, perhaps another that has just begun too, and starts one that stays for a while.
    fn kill(&mut self, site: Box<Site>) -> Box<Site> {
        site.daemon.kill();
        self.house.check_journal();
        let is_lost = self.random.one_in(2);
        self.house.relay.set(if is_lost { Way::LostToNetwork } else { Way::Open });
        let again = u64::from(self.random.one_in(4));
        self.killed += 1 + again;
        self.house.start_again(again)
    }
}

/// Waits for it, but not long.
async fn soon(event: impl Future) {
    let _late = timeout(EVENT_WAIT, event).await;
}
