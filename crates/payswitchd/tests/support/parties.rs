//! Everyone who calls a sandbox, and what they say.

use std::{collections::BTreeMap, fmt::Debug, process::ExitStatus};

use client::{Address, ApiKey, Client, Operator, Options, Refusal, sandbox};
use tempfile::TempDir;
use wire::v1;

use super::Daemon;

/// Small segments: a test should not wait for 64 MiB of zeros to reach the disk.
pub(crate) const SMALL_SEGMENTS: (&str, &str) = ("PAYSWITCHD__JOURNAL__SEGMENT_BYTES", "131072");

/// A sandbox in a directory of its own, with all its callers.
pub(crate) struct Sandbox {
    pub(crate) daemon: Daemon,
    /// Merchant `demo-cafe`, paid in CNY.
    pub(crate) cafe: Client,
    /// Merchant `hk-books`, paid in HKD.
    pub(crate) books: Client,
    /// Wallet operator `demo-wallet`.
    pub(crate) wallet: Client,
    pub(crate) operator: Operator,
    pub(crate) data_dir: TempDir,
    environment: Vec<(&'static str, &'static str)>,
}

/// How a daemon ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// SIGTERM: it drains and says that all went well.
    Asked,
    /// SIGKILL: as if the power went.
    Killed,
}

impl Sandbox {
    /// A fresh one.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// A fresh one with other settings.
    pub(crate) fn with(environment: &[(&'static str, &'static str)]) -> Self {
        let environment = [&[SMALL_SEGMENTS], environment].concat();
        Self::on(TempDir::new().expect("a temporary directory"), environment)
    }

    /// Ends the daemon and starts another on the same data.
    pub(crate) async fn restart(self, end: End) -> Self {
        let Self { daemon, data_dir, environment, .. } = self;
        match end {
            End::Asked => assert!(stop(daemon).await.success(), "a daemon that is asked to stop ends well"),
            End::Killed => daemon.kill(),
        }
        Self::on(data_dir, environment)
    }

    fn on(data_dir: TempDir, environment: Vec<(&'static str, &'static str)>) -> Self {
        let daemon = Daemon::start(data_dir.path(), &[], &environment);
        let [cafe, books] = sandbox::MERCHANT_KEYS.map(|(_, key)| caller(&daemon.merchants, key));
        Self {
            cafe,
            books,
            wallet: caller(&daemon.merchants, sandbox::WALLET_KEY),
            operator: operator(&daemon.operators, sandbox::OPERATOR_KEY),
            daemon,
            data_dir,
            environment,
        }
    }

    /// How the switch stands.
    pub(crate) async fn status(&self) -> v1::StatusResponse {
        self.operator.status().await.expect("the operator may ask how the switch stands")
    }

    /// What an account holds, in minor units.
    pub(crate) async fn balance(&self, account: &str) -> i64 {
        let request = v1::AccountServiceGetRequest { account_id: account.to_owned() };
        let reply = self.wallet.account(request).await.expect("the account is there");
        let balance = reply.account.and_then(|account| account.posted_balance);
        balance.expect("an account has a balance").minor_units
    }

    /// All postings of an account, oldest first.
    pub(crate) async fn postings(&self, account: &str) -> Vec<v1::AccountPosting> {
        let request =
            v1::ListPostingsRequest { account_id: account.to_owned(), page_size: 500, page_token: String::new() };
        self.wallet.list_postings(request).await.expect("the account is there").postings
    }

    /// Puts money on an account.
    pub(crate) async fn deposit(&self, key: &str, account: &str, amount: v1::Money) -> v1::Movement {
        let request = deposit(key, account, amount);
        let reply = self.wallet.deposit(request).await.expect("a deposit is decided");
        reply.movement.expect("a reply has its movement")
    }

    /// Closes an account.
    pub(crate) async fn close(&self, key: &str, account: &str) -> v1::CloseResponse {
        let request = v1::CloseRequest { idempotency_key: key.to_owned(), account_id: account.to_owned() };
        self.wallet.close(request).await.expect("closing is decided")
    }
}

/// Asks a daemon to stop and waits for its end, while connections to it go on being served on this side.
pub(crate) async fn stop(daemon: Daemon) -> ExitStatus {
    tokio::task::spawn_blocking(|| daemon.stop()).await.expect("waiting does not panic")
}

/// Calls on the main listener with this key.
pub(crate) fn caller(address: &str, key: &str) -> Client {
    Client::lazy(&self::address(address), &api_key(key), Options::default())
}

/// Calls on the operators' listener with this key.
pub(crate) fn operator(address: &str, key: &str) -> Operator {
    Operator::lazy(&self::address(address), &api_key(key), Options::default())
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().expect("the banner tells addresses")
}

pub(crate) fn api_key(text: &str) -> ApiKey {
    text.parse().expect("a key is visible ASCII")
}

pub(crate) fn money(currency_code: &str, minor_units: i64) -> v1::Money {
    v1::Money { currency_code: currency_code.to_owned(), minor_units }
}

/// An account of the sandbox's wallet.
pub(crate) fn account(account: &str) -> v1::AccountReference {
    v1::AccountReference { wallet_id: sandbox::WALLET_ID.to_owned(), account_id: account.to_owned() }
}

/// A request to be paid.
pub(crate) fn payment(key: &str, order: &str, payer: &str, amount: v1::Money) -> v1::AuthorizeRequest {
    v1::AuthorizeRequest {
        idempotency_key: key.to_owned(),
        merchant_order_id: order.to_owned(),
        payer: Some(account(payer)),
        presentment_amount: Some(amount),
    }
}

pub(crate) fn deposit(key: &str, account: &str, amount: v1::Money) -> v1::DepositRequest {
    v1::DepositRequest { idempotency_key: key.to_owned(), account_id: account.to_owned(), amount: Some(amount) }
}

/// The decided payment.
#[track_caller]
pub(crate) fn decided(reply: Result<v1::AuthorizeResponse, client::Error>) -> v1::Payment {
    reply.expect("the payment is decided").payment.expect("a reply has its payment")
}

/// Why the switch refused.
#[track_caller]
pub(crate) fn refused<T: Debug>(answer: Result<T, client::Error>) -> Refusal {
    match answer {
        Err(client::Error::Refused(refusal)) => *refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// Sum of all balances of each currency.
pub(crate) fn sums(status: &v1::StatusResponse) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for balance in status.trial_balance.iter().filter_map(|line| line.balance.as_ref()) {
        *sums.entry(balance.currency_code.clone()).or_default() += balance.minor_units;
    }
    sums
}
