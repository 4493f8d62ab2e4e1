//! Real daemons, killed at random moments while clients pay.
//!
//! Eight clients pay without a pause, each with its own idempotency keys and order ids, and repeat a key until they
//! have a definite answer. The daemon is killed (SIGKILL) after a random number of further answers, or while it starts,
//! and is started again on the same data. In the end every answer that was ever given must still be the truth.
//!
//! `PAYSWITCH_CRASH_KILLS=1000 cargo test --release -p payswitchd --test crash -- --nocapture` makes it 1,000 kills
//! instead of 25; `PAYSWITCH_CRASH_SEED` chooses another course. What the seed cannot fix is the operating system's
//! share: how far the daemon had got with a request when it was killed.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use client::{Address, Client, Error, Operator, Options, sandbox};
use journal::disk::DirectoryDisk;
use support::Daemon;
use tokio::{sync::watch, task::JoinSet};
use wire::v1::{
    AccountPosting, AccountReference, AccountServiceGetRequest, AuthorizeRequest, DepositRequest, ListPostingsRequest,
    Money, Movement, MovementState, Payment, PaymentServiceGetRequest, PaymentState, Posting,
};

const CLIENTS: u64 = 8;
const KILLS: u64 = 25;
/// The daemon is killed after at most this many further answers.
const ANSWERS_BEFORE_KILL_MAX: u64 = 300;
/// An early kill comes after at most this many looks at the lock file of a daemon that recovers.
const LOOKS_BEFORE_KILL_MAX: u64 = 20_000;
/// Small segments, so that a run enters several.
const SEGMENT_BYTES: &str = "131072";
const ENVIRONMENT: [(&str, &str); 1] = [("PAYSWITCHD__JOURNAL__SEGMENT_BYTES", SEGMENT_BYTES)];
/// Longer than any start on a busy machine.
const DAEMON_WAIT: Duration = Duration::from_secs(120);
/// A daemon that refuses one request this often will never take it.
const REFUSALS_MAX: u64 = 100;

/// Payer, its currency, and who can be paid in a currency it has a rate for.
const PAYERS: [(&str, &str, &[&str]); 4] = [
    ("hk-alice", "HKD", &["demo-cafe", "hk-books"]),
    ("hk-bob", "HKD", &["demo-cafe", "hk-books"]),
    ("cn-chen", "CNY", &["demo-cafe", "hk-books"]),
    ("us-dana", "USD", &["demo-cafe"]),
];
/// These are topped up while they pay; the others run dry and are declined.
const TOPPED_UP: [&str; 2] = ["hk-alice", "cn-chen"];

#[test]
fn every_answer_outlives_every_kill() {
    let setting = |name: &str, default: u64| env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let (kills, seed) = (setting("PAYSWITCH_CRASH_KILLS", KILLS), setting("PAYSWITCH_CRASH_SEED", 1));
    println!("PAYSWITCH_CRASH_SEED={seed} PAYSWITCH_CRASH_KILLS={kills}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(kills, seed));
}

async fn run(kills: u64, seed: u64) {
    let directory = tempfile::tempdir().expect("a place for the data");
    let data_dir = directory.path();
    let mut daemon = Daemon::start(data_dir, &[], &ENVIRONMENT);
    let site = watch::Sender::new(Site { generation: 0, address: daemon.merchants.clone(), closing: false });
    let tally = Arc::new(Tally::default());
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        clients.spawn(Caller::new(number, seed, site.subscribe(), Arc::clone(&tally)).call_until_closing());
    }

    let mut killer = Killer { random: Random(seed), data_dir, kills: 0, early: 0, cut_tails: 0 };
    while killer.kills < kills {
        let answers = killer.random.below(ANSWERS_BEFORE_KILL_MAX);
        let enough = tally.answers.borrow().saturating_add(answers);
        let mut answers = tally.answers.subscribe();
        tokio::select! {
            waited = answers.wait_for(|answers| *answers >= enough) => drop(waited.expect("the tally outlives the run")),
            ended = clients.join_next() => panic!("a client gave up: {ended:?}"),
        }
        daemon.kill();
        killer.killed();
        while killer.kills < kills && killer.random.one_in(4) {
            killer.kill_early();
        }
        daemon = Daemon::start(data_dir, &[], &ENVIRONMENT);
        site.send_modify(|site| site.move_to(&daemon.merchants));
    }
    site.send_modify(|site| {
        site.move_to(&daemon.merchants);
        site.closing = true;
    });
    let answered: Vec<Answered> = clients.join_all().await.into_iter().flatten().collect();

    audit(&daemon, &answered).await;
    // On another thread, so that the connections of this one can end meanwhile.
    let stopped = tokio::task::spawn_blocking(|| daemon.stop()).await.expect("stopping does not panic");
    assert!(stopped.success(), "a daemon that was asked to stop ends well");
    let records = verify_journal(data_dir);
    let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    println!(
        "kills {} ({} while starting), acknowledgements {} for {} keys, retries {}, refusals {}, cut tails {}, \
         records {records}",
        killer.kills,
        killer.early,
        *tally.answers.borrow(),
        answered.len(),
        load(&tally.retries),
        load(&tally.refusals),
        killer.cut_tails,
    );
    assert!(answered.len() as u64 >= kills, "the run did some work between the kills");
}

/// Where the daemon of the moment is.
#[derive(Clone, Debug)]
struct Site {
    generation: u64,
    address: String,
    closing: bool,
}

impl Site {
    fn move_to(&mut self, address: &str) {
        self.generation += 1;
        address.clone_into(&mut self.address);
    }
}

#[derive(Debug)]
struct Tally {
    /// Definite answers, repeats included.
    answers: watch::Sender<u64>,
    retries: AtomicU64,
    refusals: AtomicU64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { answers: watch::Sender::new(0), retries: AtomicU64::new(0), refusals: AtomicU64::new(0) }
    }
}

struct Killer<'a> {
    random: Random,
    data_dir: &'a Path,
    kills: u64,
    early: u64,
    cut_tails: u64,
}

impl Killer<'_> {
    /// What is left is whole, but for a torn tail at most.
    fn killed(&mut self) {
        self.kills += 1;
        let report = journal::verify(&DirectoryDisk::new(self.data_dir.join("journal")));
        let report = report.expect("a kill damages nothing");
        self.cut_tails += u64::from(report.torn.is_some());
    }

    /// Starts a daemon and kills it before anybody can reach it: at once, or somewhere in its recovery.
    fn kill_early(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_payswitchd"));
        for flag in ["--listen", "--admin-listen", "--metrics-listen"] {
            command.args([flag, "127.0.0.1:0"]);
        }
        command.arg("--data-dir").arg(self.data_dir).envs(ENVIRONMENT);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("cannot start payswitchd");
        if !self.random.one_in(4) {
            let owner = format!("process {}", child.id());
            let locked = || fs::read_to_string(self.data_dir.join("LOCK")).is_ok_and(|text| text.trim() == owner);
            while !locked() && child.try_wait().expect("cannot look after payswitchd").is_none() {
                thread::yield_now();
            }
            let looks = self.random.below(LOOKS_BEFORE_KILL_MAX);
            assert!((0..looks).all(|_| locked()), "a daemon that has the directory keeps it");
        }
        child.kill().expect("cannot kill payswitchd");
        let status = child.wait().expect("cannot wait for payswitchd");
        assert_eq!(status.code(), None, "it was killed and did not end by itself");
        self.early += 1;
        self.killed();
    }
}

/// What a client wants done, always under one key.
#[derive(Clone, Debug)]
enum Call {
    Pay { merchant: &'static str, request: AuthorizeRequest },
    TopUp(DepositRequest),
}

/// What it was told. Two answers to one key must be equal in every field.
#[derive(Clone, Debug, PartialEq)]
enum Answer {
    Payment(Box<Payment>),
    Movement(Box<Movement>),
}

#[derive(Debug)]
struct Answered {
    call: Call,
    answer: Answer,
}

/// One client.
struct Caller {
    name: String,
    random: Random,
    site: watch::Receiver<Site>,
    lines: Lines,
    tally: Arc<Tally>,
    answered: Vec<Answered>,
}

impl Caller {
    fn new(number: u64, seed: u64, site: watch::Receiver<Site>, tally: Arc<Tally>) -> Self {
        let lines = Lines::to(&site.borrow());
        let random = Random(seed.wrapping_mul(1_000).wrapping_add(number));
        Self { name: format!("client-{number}"), random, site, lines, tally, answered: Vec::new() }
    }

    async fn call_until_closing(mut self) -> Vec<Answered> {
        while !self.site.borrow().closing {
            let call = self.next_call();
            let answer = self.ask(&call).await;
            self.answered.push(Answered { call, answer });
            if self.random.one_in(3) {
                self.ask_again().await;
            }
        }
        self.answered
    }

    /// Mostly payments; every eighth is for an order that was asked for before.
    fn next_call(&mut self) -> Call {
        let number = self.answered.len();
        let idempotency_key = format!("{}-{number}", self.name);
        if self.random.one_in(8) {
            let account = self.random.pick(&TOPPED_UP);
            let currency = PAYERS.iter().find(|(payer, ..)| payer == account).expect("it is a payer").1;
            let amount = Some(self.amount(currency, 2_000_000));
            return Call::TopUp(DepositRequest { idempotency_key, account_id: (*account).to_owned(), amount });
        }
        let (payer, _, merchants) = *self.random.pick(&PAYERS);
        let merchant = *self.random.pick(merchants);
        let order = if self.random.one_in(8) { self.random.below(number as u64 + 1) } else { number as u64 };
        let amount = self.amount(if merchant == "demo-cafe" { "CNY" } else { "HKD" }, 20_000);
        let request = AuthorizeRequest {
            idempotency_key,
            merchant_order_id: format!("{}-{order}", self.name),
            payer: Some(AccountReference { wallet_id: sandbox::WALLET_ID.to_owned(), account_id: payer.to_owned() }),
            presentment_amount: Some(amount),
            ..AuthorizeRequest::default()
        };
        Call::Pay { merchant, request }
    }

    fn amount(&mut self, currency: &str, max: u64) -> Money {
        let minor_units = i64::try_from(1 + self.random.below(max)).expect("a small amount");
        Money { currency_code: currency.to_owned(), minor_units }
    }

    /// An answered key is answered the same for ever.
    async fn ask_again(&mut self) {
        let index = self.random.below(self.answered.len() as u64);
        let index = usize::try_from(index).expect("an index in memory fits usize");
        let Answered { call, answer } = &self.answered[index];
        let (call, first) = (call.clone(), answer.clone());
        assert_eq!(self.ask(&call).await, first, "a key has one outcome");
    }

    /// Repeats the same call until there is a definite answer.
    async fn ask(&mut self, call: &Call) -> Answer {
        let mut refusals = 0;
        loop {
            let site = self.site.borrow_and_update().clone();
            if site.generation != self.lines.generation {
                self.lines = Lines::to(&site);
            }
            match self.lines.ask(call).await {
                Ok(answer) => {
                    self.tally.answers.send_modify(|answers| *answers += 1);
                    return answer;
                }
                Err(Error::Refused(refusal)) => {
                    refusals += 1;
                    self.tally.refusals.fetch_add(1, Ordering::Relaxed);
                    assert!(refusals < REFUSALS_MAX, "{call:?} is always refused: {refusal}");
                    tokio::task::yield_now().await;
                }
                Err(Error::Unanswered { .. } | Error::Unreachable { .. }) => {
                    self.tally.retries.fetch_add(1, Ordering::Relaxed);
                    let moved = self.site.wait_for(|now| now.generation != site.generation);
                    let moved = tokio::time::timeout(DAEMON_WAIT, moved).await.expect("the daemon comes back").is_ok();
                    assert!(moved, "the site outlives its clients");
                }
            }
        }
    }
}

/// Connections to one daemon, one for each key a caller has.
struct Lines {
    generation: u64,
    merchants: BTreeMap<&'static str, Client>,
    wallet: Client,
}

impl Lines {
    fn to(site: &Site) -> Self {
        let address: Address = site.address.parse().expect("the banner tells an address");
        let line =
            |key: &str| Client::lazy(&address, &key.parse().expect("the sandbox's keys are keys"), Options::default());
        let merchants = sandbox::MERCHANT_KEYS.map(|(merchant, key)| (merchant, line(key))).into();
        Self { generation: site.generation, merchants, wallet: line(sandbox::WALLET_KEY) }
    }

    async fn ask(&self, call: &Call) -> Result<Answer, Error> {
        match call {
            Call::Pay { merchant, request } => {
                let reply = self.merchants[merchant].authorize(request.clone()).await?;
                Ok(Answer::Payment(reply.payment.map(Box::new).expect("a reply has its payment")))
            }
            Call::TopUp(request) => {
                let reply = self.wallet.deposit(request.clone()).await?;
                Ok(Answer::Movement(reply.movement.map(Box::new).expect("a reply has its movement")))
            }
        }
    }
}

/// Every answer is still the truth, and there is nothing but what was answered.
async fn audit(daemon: &Daemon, answered: &[Answered]) {
    let lines = Lines::to(&Site { generation: 0, address: daemon.merchants.clone(), closing: true });
    let (mut lsns, mut ids, mut orders_paid) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let (mut captured, mut declined) = (Vec::new(), 0);
    for Answered { call, answer } in answered {
        let again = lines.ask(call).await.expect("an answered key is answered again");
        assert_eq!(again, *answer, "a key has one outcome");
        match (call, answer) {
            (Call::Pay { merchant, .. }, Answer::Payment(payment)) => {
                assert!(lsns.insert(payment.lsn), "each payment has its own lsn: {payment:?}");
                assert!(ids.insert(payment.payment_id.clone()), "each payment has its own id: {payment:?}");
                let request = PaymentServiceGetRequest { payment_id: payment.payment_id.clone(), ..Default::default() };
                let found = lines.merchants[merchant].payment(request).await.expect("an answered payment is there");
                assert_eq!(found.payment.as_ref(), Some(&**payment), "reads agree with answers");
                if payment.state() == PaymentState::Captured {
                    let order = (*merchant, payment.merchant_order_id.clone());
                    assert!(orders_paid.insert(order), "an order is paid once: {payment:?}");
                    captured.push(&**payment);
                } else {
                    declined += 1;
                }
            }
            (Call::TopUp(_), Answer::Movement(movement)) => {
                assert!(lsns.insert(movement.lsn), "each movement has its own lsn: {movement:?}");
                assert_eq!(movement.state(), MovementState::Posted);
            }
            _ => panic!("an answer of another kind: {call:?}, {answer:?}"),
        }
    }
    for (payer, ..) in PAYERS {
        audit_postings(&lines.wallet, payer, &captured).await;
    }
    let captured = u64::try_from(captured.len()).expect("memory is smaller than 2^64 payments");
    audit_status(daemon, captured, declined).await;
}

/// Each captured payment of this payer stands in its postings once and whole, and none stands there that is not known.
async fn audit_postings(wallet: &Client, payer: &str, captured: &[&Payment]) {
    let rows = postings_of(wallet, payer).await;
    let mut found: BTreeMap<&str, (BTreeSet<u64>, Vec<&Posting>)> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.payment_id.is_empty()) {
        let (lsns, postings) = found.entry(&row.payment_id).or_default();
        lsns.insert(row.lsn);
        postings.extend(&row.posting);
    }
    let label = format!("wallet:{}/{payer}", sandbox::WALLET_ID);
    for payment in captured.iter().filter(|payment| payment.payer.as_ref().is_some_and(|by| by.account_id == payer)) {
        let (lsns, postings) = found.remove(payment.payment_id.as_str()).expect("an answered payment was posted");
        let expected: Vec<&Posting> =
            payment.postings.iter().filter(|posting| posting.debit_account == label).collect();
        assert!(!expected.is_empty(), "a captured payment debits its payer: {payment:?}");
        assert_eq!(lsns, BTreeSet::from([payment.lsn]), "a payment is posted once, where its answer says");
        assert_eq!(postings, expected, "a payment is posted as its answer says");
    }
    assert!(found.is_empty(), "payments nobody was told of, though every key was repeated until answered: {found:?}");
    let request = AccountServiceGetRequest { account_id: payer.to_owned() };
    let account = wallet.account(request).await.expect("a payer's account is there").account.expect("as asked");
    assert_eq!(account.posted_balance, rows.last().and_then(|row| row.posted_balance.clone()));
}

async fn postings_of(wallet: &Client, payer: &str) -> Vec<AccountPosting> {
    let mut rows = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = ListPostingsRequest { account_id: payer.to_owned(), page_size: 500, page_token };
        let page = wallet.list_postings(request).await.expect("postings can be read");
        rows.extend(page.postings);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return rows;
        }
    }
}

async fn audit_status(daemon: &Daemon, captured: u64, declined: u64) {
    let address: Address = daemon.operators.parse().expect("the banner tells an address");
    let key = sandbox::OPERATOR_KEY.parse().expect("the sandbox's keys are keys");
    let status = Operator::lazy(&address, &key, Options::default()).status().await.expect("the operator is answered");
    assert_eq!((status.payments_captured, status.payments_declined), (captured, declined), "captured and declined");
    let mut sums: BTreeMap<String, i128> = BTreeMap::new();
    for balance in status.trial_balance.into_iter().filter_map(|line| line.balance) {
        *sums.entry(balance.currency_code).or_default() += i128::from(balance.minor_units);
    }
    assert!(sums.len() >= 3 && sums.values().all(|sum| *sum == 0), "each currency sums to zero: {sums:?}");
}

/// After a clean stop nothing may be torn. Returns how many records there are.
fn verify_journal(data_dir: &Path) -> u64 {
    let report = journal::verify(&DirectoryDisk::new(data_dir.join("journal"))).expect("the journal is whole");
    assert_eq!((&report.torn, report.durable_lsn), (&None, report.last_lsn), "a clean stop leaves nothing in doubt");
    // Built by a test of the whole workspace, not by one of this package alone.
    let payctl = Path::new(env!("CARGO_BIN_EXE_payswitchd")).with_file_name("payctl");
    if payctl.exists() {
        let verified = Command::new(support::payctl()).args(["journal", "verify"]).arg(data_dir).output();
        let verified = verified.expect("cannot start payctl");
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    }
    report.records
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to less than `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[usize::try_from(self.below(choices.len() as u64)).expect("an index in memory fits usize")]
    }
}
