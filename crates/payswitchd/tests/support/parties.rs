//! Everyone who calls a sandbox, and what they say.

use std::{collections::BTreeMap, fmt::Debug, process::ExitStatus};

use client::{Address, ApiKey, Client, Operator, Options, Refusal, sandbox};
use tempfile::TempDir;
use wire::v1;

use super::Daemon;

/// Small segments: a test should not wait for 64 MiB of zeros to reach the disk.
pub(crate) const SMALL_SEGMENTS: (&str, &str) = ("PAYSWITCHD__JOURNAL__SEGMENT_BYTES", "131072");

/// The sandbox's merchants.
pub(crate) const MERCHANTS: [&str; 3] = ["demo-cafe", "hk-books", "ph-tours"];

/// A sandbox in a directory of its own, with all its callers. They are large, and it is handed from future to future.
pub(crate) struct Sandbox {
    pub(crate) daemon: Daemon,
    /// Merchant `demo-cafe`, paid in CNY.
    pub(crate) cafe: Box<Client>,
    /// Merchant `hk-books`, paid in HKD.
    pub(crate) books: Box<Client>,
    /// Merchant `ph-tours`, paid in USD.
    pub(crate) tours: Box<Client>,
    /// Wallet operator `demo-wallet`.
    pub(crate) wallet: Box<Client>,
    pub(crate) operator: Operator,
    pub(crate) data_dir: TempDir,
    environment: Vec<(&'static str, &'static str)>,
    arguments: Vec<&'static str>,
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
        Self::started(TempDir::new().expect("a temporary directory"), environment, Vec::new())
    }

    /// A fresh one with this configuration file.
    pub(crate) fn with_file(config: &std::path::Path) -> Self {
        // Arguments of a test's own live as long as its process.
        let path = config.to_str().expect("the path is text").to_owned().leak();
        Self::started(TempDir::new().expect("a temporary directory"), vec![SMALL_SEGMENTS], vec!["--config", path])
    }

    /// Ends the daemon and starts another on the same data.
    pub(crate) async fn restart(self, end: End) -> Self {
        let Self { daemon, data_dir, environment, arguments, .. } = self;
        match end {
            End::Asked => assert!(stop(daemon).await.success(), "a daemon that is asked to stop ends well"),
            End::Killed => daemon.kill(),
        }
        Self::started(data_dir, environment, arguments)
    }

    /// The next daemon has these settings.
    pub(crate) fn under(self, environment: &[(&'static str, &'static str)]) -> Self {
        Self { environment: [&[SMALL_SEGMENTS], environment].concat(), ..self }
    }

    fn started(
        data_dir: TempDir,
        environment: Vec<(&'static str, &'static str)>,
        arguments: Vec<&'static str>,
    ) -> Self {
        let daemon = Daemon::start(data_dir.path(), &arguments, &environment);
        let [cafe, books, tours] = MERCHANTS.map(|merchant| {
            let key = sandbox::merchant_key(merchant).expect("the sandbox has this merchant");
            Box::new(caller(&daemon.merchants, key))
        });
        Self {
            cafe,
            books,
            tours,
            wallet: Box::new(caller(&daemon.merchants, sandbox::WALLET_KEY)),
            operator: operator(&daemon.operators, sandbox::OPERATOR_KEY),
            daemon,
            data_dir,
            environment,
            arguments,
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

    /// What an account holds for payments, in minor units.
    pub(crate) async fn held(&self, account: &str) -> i64 {
        let request = v1::AccountServiceGetRequest { account_id: account.to_owned() };
        let reply = self.wallet.account(request).await.expect("the account is there");
        let account = reply.account.expect("a reply has its account");
        let units = |money: &Option<v1::Money>| money.as_ref().expect("an account has balances").minor_units;
        let (posted, held) = (units(&account.posted_balance), units(&account.held_balance));
        assert_eq!(units(&account.available_balance), posted - held);
        held
    }

    /// Moves the sandbox's clock.
    pub(crate) async fn advance(&self, advance_ms: u64) {
        let moved = self.operator.advance_clock(v1::AdvanceClockRequest { advance_ms }).await;
        moved.expect("a sandbox's clock can be advanced");
    }

    /// Pins a rate of the sandbox: units of the second currency for one of the first.
    pub(crate) async fn pin(&self, [presentment, debit]: [&str; 2], mid_rate: &str) {
        let request = v1::PinRateRequest {
            presentment_currency_code: presentment.to_owned(),
            debit_currency_code: debit.to_owned(),
            mid_rate: mid_rate.to_owned(),
        };
        self.operator.pin_rate(request).await.expect("a sandbox's rate can be pinned");
    }

    /// The sum of all accounts of a kind in a currency, in minor units.
    pub(crate) async fn house(&self, kind: &str, currency: &str) -> i64 {
        let status = self.status().await;
        let balances = status.trial_balance.iter().filter(|line| line.account_kind == kind);
        let balances = balances.filter_map(|line| line.balance.as_ref());
        balances.filter(|balance| balance.currency_code == currency).map(|balance| balance.minor_units).sum()
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

/// Waits for the end of a daemon that was asked to stop.
pub(crate) async fn ended(daemon: Daemon) -> ExitStatus {
    tokio::task::spawn_blocking(|| daemon.ended()).await.expect("waiting does not panic")
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
        ..v1::AuthorizeRequest::default()
    }
}

/// A payment by its id.
pub(crate) fn by_id(payment_id: &str) -> v1::PaymentServiceGetRequest {
    v1::PaymentServiceGetRequest { payment_id: payment_id.to_owned(), ..v1::PaymentServiceGetRequest::default() }
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
