//! Merchants that ask without a pause, and keep what they were told.

use client::{Client, Code, Error, Refusal};
use tokio::task::JoinSet;
use wire::v1;

use crate::support::{
    Daemon,
    parties::{SMALL_SEGMENTS, caller, decided, money, payment},
};

/// They ask at the same time, so that a batch holds more than one of them.
const PAYERS: usize = 8;
/// So many of the last payments are asked for again after each start; in the end all are.
const LOOKED_BACK: usize = 40;

/// Everything that was ever told, by name of what was asked.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) payments: Vec<(String, v1::Payment)>,
    /// Asked for and not answered: recorded or not.
    in_doubt: Vec<String>,
    rounds: usize,
}

/// How a round ended for those who asked.
#[derive(Default)]
pub(crate) struct Ended {
    /// Told that nobody knows.
    pub(crate) unconfirmed: usize,
    pub(crate) refusals: Vec<Refusal>,
    /// Lost the connection while they waited.
    pub(crate) cut_off: usize,
}

pub(crate) fn asked(name: &str) -> v1::AuthorizeRequest {
    payment(name, name, "hk-alice", money("CNY", 1))
}

pub(crate) fn start(data_dir: &std::path::Path) -> (Daemon, Client) {
    let daemon = Daemon::start(data_dir, &[], &[SMALL_SEGMENTS]);
    let cafe = cafe(&daemon);
    (daemon, cafe)
}

pub(crate) fn cafe(daemon: &Daemon) -> Client {
    caller(&daemon.merchants, client::sandbox::merchant_key("demo-cafe").expect("the sandbox has this merchant"))
}

impl Told {
    /// All ask until each has been refused or left without an answer, or has asked so often.
    pub(crate) async fn ask(&mut self, daemon: &Daemon, times: usize) -> Ended {
        self.rounds += 1;
        let mut payers = JoinSet::new();
        for payer in 0..PAYERS {
            payers.spawn(ask_until_refused(cafe(daemon), format!("{}-{payer}", self.rounds), times));
        }
        let mut ended = Ended::default();
        for (payments, left, error) in payers.join_all().await {
            self.payments.extend(payments);
            match error {
                None => {}
                Some(Error::Refused(refusal)) => ended.refusals.push(*refusal),
                Some(Error::Unanswered { reason, code, .. }) if reason == "UNCONFIRMED" => {
                    assert_eq!(code, Code::Unknown);
                    ended.unconfirmed += 1;
                    self.in_doubt.extend(left);
                }
                Some(error @ Error::PlainText { .. }) => panic!("a payment has no card's number: {error}"),
                Some(Error::Unanswered { .. } | Error::Unreachable { .. }) => {
                    ended.cut_off += 1;
                    self.in_doubt.extend(left);
                }
            }
        }
        self.payments.sort_by_key(|(_, payment)| payment.lsn);
        ended
    }

    /// The last position that anybody was told of.
    pub(crate) fn last_lsn(&self) -> u64 {
        self.payments.last().map_or(0, |(_, payment)| payment.lsn)
    }

    /// What was answered last is answered again; what was in doubt is decided, the same at each repeat; and it goes on.
    pub(crate) async fn check_last(&mut self, cafe: &Client) {
        self.check(cafe, LOOKED_BACK).await;
    }

    /// Everything that was answered is answered again.
    pub(crate) async fn check_all(&mut self, cafe: &Client) {
        self.check(cafe, usize::MAX).await;
    }

    async fn check(&mut self, cafe: &Client, looked_back: usize) {
        for (name, payment) in self.payments.iter().rev().take(looked_back) {
            assert_eq!(&decided(cafe.authorize(asked(name)).await), payment, "{name}");
        }
        for name in self.in_doubt.drain(..) {
            let payment = decided(cafe.authorize(asked(&name)).await);
            assert_eq!(decided(cafe.authorize(asked(&name)).await), payment, "{name}");
            self.payments.push((name, payment));
        }
        let name = format!("after {}", self.rounds);
        let payment = decided(cafe.authorize(asked(&name)).await);
        self.payments.push((name, payment));
        self.payments.sort_by_key(|(_, payment)| payment.lsn);
    }
}

/// A segment that cannot be made ahead of need is no failure: it is made a little later.
async fn ask_until_refused(
    cafe: Client,
    name: String,
    times: usize,
) -> (Vec<(String, v1::Payment)>, Option<String>, Option<Error>) {
    let mut payments = Vec::new();
    while payments.len() < times {
        let name = format!("{name}-{}", payments.len());
        match cafe.authorize(asked(&name)).await {
            Err(Error::Refused(refusal)) if refusal.reason == "DISK_FULL" => tokio::task::yield_now().await,
            Err(error) => return (payments, Some(name), Some(error)),
            reply => payments.push((name, decided(reply))),
        }
    }
    (payments, None, None)
}
