//! Callers of the daemon: each asks again once it was answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use client::{ApiKey, Client, Operator, Options, sandbox};
use tokio::task::JoinSet;
use wire::v1::{
    AccountReference, AssertRequest, AuthorizeRequest, BindRequest, CaptureMode, DepositRequest, DocumentKind, Money,
    OpenRequest, PaymentState, PersonTier,
};

use crate::{
    Error,
    daemon::Daemon,
    measured::Slice,
    network::{CARDS, Speed},
};

/// Connections that callers share.
const CONNECTIONS: usize = 4;
const MERCHANT: &str = "demo-cafe";
/// CNY 1.00: no person comes near to USD 50,000.
const AMOUNT_MINOR_UNITS: i64 = 100;
const DEPOSIT_MINOR_UNITS: i64 = 10_000_000_000;

/// Who pays.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payers {
    Cards(Speed),
    Wallets,
}

/// All that is needed to pay.
pub(crate) struct Pays {
    clients: Vec<Client>,
    operator: Operator,
    capture: CaptureMode,
    fast: Arc<[AuthorizeRequest]>,
    slow: Arc<[AuthorizeRequest]>,
    wallets: Arc<[AuthorizeRequest]>,
    next: Arc<AtomicU64>,
}

impl Pays {
    /// Persons with cards, wallets in another currency than the merchant's, and connections.
    pub(crate) async fn prepare(daemon: &Daemon, capture: CaptureMode) -> Result<Self, Error> {
        let key = |key: &str| key.parse::<ApiKey>().expect("the sandbox's keys are valid");
        let merchant = key(sandbox::merchant_key(MERCHANT).expect("a sandbox has this merchant"));
        let wallet = Client::connect(&daemon.merchants, &key(sandbox::WALLET_KEY), Options::default()).await?;
        let operator = Operator::connect(&daemon.operators, &key(sandbox::OPERATOR_KEY), Options::default()).await?;
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            clients.push(Client::connect(&daemon.merchants, &merchant, Options::default()).await?);
        }
        let mut wallets = Vec::new();
        for number in 0..CARDS {
            wallets.push(open_wallet(&wallet, number, capture).await?);
        }
        let fast = bind_cards(&wallet, Speed::AtOnce, capture).await?.into();
        let slow = bind_cards(&wallet, Speed::Slow, capture).await?.into();
        Ok(Self { clients, operator, capture, fast, slow, wallets: wallets.into(), next: Arc::default() })
    }

    /// Lets so many callers pay for so long. Where payments by card are captured, the time until their network was told of the
    /// last is part of it.
    pub(crate) async fn during(
        &self,
        daemon: &Daemon,
        payers: Payers,
        callers: u32,
        during: Duration,
    ) -> Result<Slice, Error> {
        let templates = match payers {
            Payers::Cards(Speed::AtOnce) => &self.fast,
            Payers::Cards(Speed::Slow) => &self.slow,
            Payers::Wallets => &self.wallets,
        };
        let cpu = self.operator.status().await?.process_cpu_us;
        let begun = Instant::now();
        let mut tasks = JoinSet::new();
        for (_, client) in (0..callers).zip(self.clients.iter().cycle()) {
            tasks.spawn(pay(
                client.clone(),
                Arc::clone(templates),
                Arc::clone(&self.next),
                self.expected(),
                begun + during,
            ));
        }
        let mut latencies = Vec::new();
        while let Some(paid) = tasks.join_next().await {
            latencies.extend(paid.expect("a caller does not panic")?);
        }
        daemon.wait_until_all_is_told().await?;
        let took = begun.elapsed();
        let cpu = self.operator.status().await?.process_cpu_us.saturating_sub(cpu);
        Ok(Slice::new(latencies, took, Some(Duration::from_micros(cpu))))
    }

    const fn expected(&self) -> PaymentState {
        match self.capture {
            CaptureMode::Manual => PaymentState::Authorized,
            CaptureMode::Automatic | CaptureMode::Unspecified => PaymentState::Captured,
        }
    }
}

/// One caller.
async fn pay(
    client: Client,
    templates: Arc<[AuthorizeRequest]>,
    next: Arc<AtomicU64>,
    expected: PaymentState,
    until: Instant,
) -> Result<Vec<Duration>, Error> {
    let mut latencies = Vec::new();
    while Instant::now() < until {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let place = number % u64::try_from(templates.len()).expect("a small number");
        let template = templates.get(usize::try_from(place).expect("a small number")).expect("a place within");
        let name = format!("bench-{number}");
        let request = AuthorizeRequest { idempotency_key: name.clone(), merchant_order_id: name, ..template.clone() };
        let begun = Instant::now();
        let payment = Box::pin(client.authorize(request)).await?.payment.unwrap_or_default();
        latencies.push(begun.elapsed());
        if payment.state() != expected {
            let (state, reason) = (payment.state().as_str_name(), payment.decline_reason().as_str_name());
            return Err(Error::Payment(format!("{state}, {reason}")));
        }
    }
    Ok(latencies)
}

fn template(capture: CaptureMode) -> AuthorizeRequest {
    AuthorizeRequest {
        presentment_amount: Some(money("CNY", AMOUNT_MINOR_UNITS)),
        capture_mode: capture.into(),
        ..AuthorizeRequest::default()
    }
}

fn money(currency_code: &str, minor_units: i64) -> Money {
    Money { currency_code: currency_code.to_owned(), minor_units }
}

async fn open_wallet(wallet: &Client, number: u32, capture: CaptureMode) -> Result<AuthorizeRequest, Error> {
    let account_id = format!("bench-{number}");
    let open = OpenRequest {
        idempotency_key: format!("open-{number}"),
        account_id: account_id.clone(),
        currency_code: "HKD".to_owned(),
    };
    let opened = wallet.open(open).await?;
    let amount = Some(money("HKD", DEPOSIT_MINOR_UNITS));
    wallet.deposit(DepositRequest { idempotency_key: format!("deposit-{number}"), account_id, amount }).await?;
    let payer: Option<AccountReference> = opened.account.and_then(|account| account.account);
    Ok(AuthorizeRequest { payer, ..template(capture) })
}

async fn bind_cards(wallet: &Client, speed: Speed, capture: CaptureMode) -> Result<Vec<AuthorizeRequest>, Error> {
    let mut templates = Vec::new();
    for pan in speed.cards() {
        let person_id = format!("person-{}", pan.get(6..).unwrap_or_default());
        let assert = AssertRequest {
            idempotency_key: format!("assert-{person_id}"),
            person_id: person_id.clone(),
            tier: PersonTier::Verified.into(),
            documents: vec![DocumentKind::Passport.into()],
        };
        wallet.assert_person(assert).await?;
        let bind = BindRequest {
            idempotency_key: format!("bind-{person_id}"),
            person_id,
            pan,
            expiry: "12/30".to_owned(),
            billing_currency_code: String::new(),
        };
        let bound = wallet.bind_card(bind).await?;
        let card = bound.card.ok_or_else(|| Error::Payment("impossible: its card is not bound".to_owned()))?;
        templates.push(AuthorizeRequest { card_token: card.card_token, ..template(capture) });
    }
    Ok(templates)
}
