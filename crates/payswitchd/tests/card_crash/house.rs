//! The switch under test: a real daemon on a directory that stays, with lines to the played network, and its callers.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use cardnet::Scripts;
use client::{Client, Operator, Options, sandbox};
use tempfile::TempDir;
use tokio::time::{Instant, timeout};
use wire::v1;

use crate::{
    audit::{Compared, agree, conserved},
    relay::{PATIENCE, Relay},
    support::{
        Daemon, Signal, pages,
        parties::{SMALL_SEGMENTS, address, api_key, ended, operator, stop},
        verify_journal,
    },
};

/// Longer than an issuer is waited for, in milliseconds.
pub(crate) const TIME_OUT_MS: u64 = 10_000;
/// Longer than any back-off of an advice, in milliseconds.
const BACK_OFF_MS: u64 = 1_000;
pub(crate) const PERSON: &str = "visitor";
/// The merchant that is paid.
pub(crate) const MERCHANT: &str = "demo-cafe";

pub(crate) struct House {
    directory: TempDir,
    pub(crate) relay: Relay,
    environment: Vec<(&'static str, String)>,
}

/// A daemon that runs, and who calls it.
pub(crate) struct Site {
    pub(crate) daemon: Daemon,
    pub(crate) cafe: Client,
    pub(crate) wallet: Client,
    pub(crate) operator: Operator,
}

impl House {
    /// A switch that is not started yet, with these settings beside those of its line.
    pub(crate) fn new(scripts: &str, more: &[(&'static str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a place for the data");
        let scripts = Scripts::default().read(scripts).expect("these are scripts");
        let relay = Relay::start(scripts, directory.path().join("network.books"));
        let line = [
            ("PAYSWITCHD__CARDS__NETWORK__HOSTS", format!("[\"127.0.0.1:{}\"]", relay.port)),
            ("PAYSWITCHD__CARDS__NETWORK__ENCODING", "bcd".to_owned()),
            ("PAYSWITCHD__CARDS__NETWORK__ACQUIRER", "47110815".to_owned()),
            ("PAYSWITCHD__CARDS__NETWORK__TERMINAL", "SANDBOX1".to_owned()),
            ("PAYSWITCHD__CARDS__NETWORK__PLACE", "BEIJING      CN".to_owned()),
            ("PAYSWITCHD__CARDS__NETWORK__RECONNECT_MS_MIN", "20".to_owned()),
            ("PAYSWITCHD__CARDS__NETWORK__RECONNECT_MS_MAX", "200".to_owned()),
            ("PAYSWITCHD__CARDS__NETWORK__REPEAT_MS_MIN", "50".to_owned()),
            ("PAYSWITCHD__CARDS__NETWORK__REPEAT_MS_MAX", "400".to_owned()),
            ("PAYSWITCHD__CARDS__NETWORK__ADVICE_ANSWER_MS", "500".to_owned()),
            (SMALL_SEGMENTS.0, SMALL_SEGMENTS.1.to_owned()),
        ];
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        Self { directory, relay, environment: line.into_iter().chain(more).collect() }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.directory.path().join("ledger")
    }

    pub(crate) fn start(&self) -> Box<Site> {
        let environment: Vec<(&str, &str)> =
            self.environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let daemon = Daemon::start(&self.data_dir(), &[], &environment);
        Box::new(Site {
            cafe: cafe(&daemon.merchants, Options::default().call_timeout),
            wallet: crate::support::parties::caller(&daemon.merchants, sandbox::WALLET_KEY),
            operator: operator(&daemon.operators, sandbox::OPERATOR_KEY),
            daemon,
        })
    }

    /// What a kill left is whole, but for a torn tail at most; so is what another kill leaves, right after a start.
    pub(crate) fn start_again(&self, kills: u64) -> Box<Site> {
        for _ in 0..kills {
            self.start().daemon.kill();
            self.check_journal();
        }
        self.start()
    }

    pub(crate) fn check_journal(&self) {
        let disk = journal::disk::DirectoryDisk::new(self.data_dir().join("journal"));
        journal::verify(&disk).expect("a kill damages nothing");
    }

    /// Lets time pass until payments and books agree, which they must; then they do so after a clean restart too, which
    /// changes no book. Returns what they agree about.
    pub(crate) async fn settle(&self, site: Box<Site>) -> Compared {
        let compared = self.agreed(&site).await;
        let books = self.relay.books();
        conserved(&site.operator, &books).await;
        assert!(stop(site.daemon).await.success(), "a daemon that was asked to stop ends well");
        verify_journal(&self.data_dir());
        let site = self.start();
        site.line_is_up().await;
        assert_eq!(self.compare(&site).await.as_ref(), Ok(&compared), "a restart changes nothing");
        assert_eq!(self.relay.books(), books, "a restart changes nothing");
        compared
    }

    /// Lets time pass until all advices are taken, and payments and books agree.
    pub(crate) async fn agreed(&self, site: &Site) -> Compared {
        let begun = Instant::now();
        loop {
            let waiting = site.metric("payswitch_card_advices_waiting");
            let why = match self.compare(site).await {
                Ok(compared) if waiting == Some(0) => return compared,
                Ok(_) => format!("advices wait to be taken: {waiting:?}"),
                Err(why) => why,
            };
            assert!(begun.elapsed() < PATIENCE, "payments and books do not come to agree: {why}");
            site.advance(BACK_OFF_MS).await;
        }
    }

    async fn compare(&self, site: &Site) -> Result<Compared, String> {
        let payments = site.payments().await;
        for (trace, times) in &self.relay.heard().requests {
            assert_eq!(*times, 1, "a request is written once: {trace:?}");
        }
        agree(&payments, &self.relay.books())
    }
}

/// The merchant, for whom a call may take so long.
pub(crate) fn cafe(merchants: &str, call_timeout: Duration) -> Client {
    let key = sandbox::merchant_key(MERCHANT).expect("the sandbox has this merchant");
    Client::lazy(&address(merchants), &api_key(key), Options { call_timeout, ..Options::default() })
}

impl Site {
    /// Until something can be said to the network, and what the last daemon left unsaid is taken up.
    pub(crate) async fn line_is_up(&self) {
        let up = async {
            while self.metric("payswitch_card_lines_up").is_none_or(|lines| lines == 0) {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, up).await.expect("a line comes up");
    }

    /// A number on the metrics page.
    fn metric(&self, name: &str) -> Option<u64> {
        let page = pages::get(&self.daemon, "/metrics").1;
        page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }

    /// Until so much is durable.
    pub(crate) async fn is_durable(&self, lsn: u64) {
        let seen = async {
            while self.durable_lsn().await < lsn {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, seen).await.expect("what was answered is recorded");
    }

    pub(crate) async fn durable_lsn(&self) -> u64 {
        self.operator.status().await.expect("the operator is answered").durable_lsn
    }

    /// Moves the sandbox's clock.
    pub(crate) async fn advance(&self, advance_ms: u64) {
        let moved = self.operator.advance_clock(v1::AdvanceClockRequest { advance_ms }).await;
        moved.expect("a sandbox's clock can be advanced");
    }

    /// A person who is known, with these cards: their tokens by number.
    pub(crate) async fn bind<'a>(&self, numbers: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, String> {
        let person = v1::AssertRequest {
            idempotency_key: PERSON.to_owned(),
            person_id: PERSON.to_owned(),
            tier: v1::PersonTier::Verified.into(),
            documents: vec![v1::DocumentKind::Passport.into()],
        };
        self.wallet.assert_person(person).await.expect("a person is asserted");
        let mut tokens = BTreeMap::new();
        for number in numbers {
            let request = v1::BindRequest {
                idempotency_key: format!("bind-{}", tokens.len()),
                person_id: PERSON.to_owned(),
                pan: number.to_owned(),
                expiry: "12/30".to_owned(),
                billing_currency_code: String::new(),
            };
            let reply = self.wallet.bind_card(request).await.expect("the binding is decided");
            tokens.insert(number, reply.card.expect("a test number is bound").card_token);
        }
        tokens
    }

    /// All payments there are.
    pub(crate) async fn payments(&self) -> Vec<v1::Payment> {
        let (mut payments, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = v1::PaymentServiceListRequest { page_size: 500, page_token, ..Default::default() };
            let page = self.cafe.list_payments(request).await.expect("payments can be listed");
            payments.extend(page.payments);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return payments;
            }
        }
    }

    /// Waits until the daemon was killed, by whoever was to do it.
    pub(crate) async fn was_killed(self: Box<Self>) {
        let pid = self.daemon.pid();
        let status = timeout(PATIENCE, ended(self.daemon)).await;
        let Ok(status) = status else {
            let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw).expect("it has a process id");
            let _gone = rustix::process::kill_process(pid, Signal::KILL);
            panic!("the daemon was not killed where it was to be");
        };
        assert_eq!(status.code(), None, "it was killed and did not end by itself: {status}");
    }
}
