//! A client: what it wants done, what it was told, and how it insists.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use client::{Address, Client, Error, Options, sandbox};
use tokio::sync::watch;
use wire::v1::{
    AccountReference, AuthorizeRequest, CaptureMode, CaptureRequest, CaptureResponse, DepositRequest,
    IncreaseAuthorizationRequest, IncreaseAuthorizationResponse, Money, Movement, Payment, PaymentState, Refund,
    RefundRequest, RefundResponse, VoidRequest, VoidResponse,
};

use super::{DAEMON_WAIT, PAYERS, REFUSALS_MAX, Site, TOPPED_UP, Tally, support::random::Random};

/// What a client wants done, always under one key.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    Pay { merchant: &'static str, request: AuthorizeRequest },
    Capture { merchant: &'static str, request: CaptureRequest },
    Void { merchant: &'static str, request: VoidRequest },
    Increase { merchant: &'static str, request: IncreaseAuthorizationRequest },
    Refund { merchant: &'static str, request: RefundRequest },
    TopUp(DepositRequest),
}

/// How many kinds of calls there are.
pub(crate) const CALL_KINDS: usize = 6;

impl Call {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Pay { .. } => "pay",
            Self::Capture { .. } => "capture",
            Self::Void { .. } => "void",
            Self::Increase { .. } => "increase",
            Self::Refund { .. } => "refund",
            Self::TopUp(_) => "top up",
        }
    }

    pub(crate) fn merchant(&self) -> Option<&'static str> {
        match self {
            Self::Pay { merchant, .. }
            | Self::Capture { merchant, .. }
            | Self::Void { merchant, .. }
            | Self::Increase { merchant, .. }
            | Self::Refund { merchant, .. } => Some(merchant),
            Self::TopUp(_) => None,
        }
    }
}

/// What it was told. Two answers to one key must be equal in every field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Paid(Box<Payment>),
    Captured(Box<CaptureResponse>),
    Voided(Box<VoidResponse>),
    Increased(Box<IncreaseAuthorizationResponse>),
    Refunded(Box<RefundResponse>),
    Movement(Box<Movement>),
}

impl Answer {
    /// The payment right after; none when it is as it was.
    pub(crate) fn payment(&self) -> Option<&Payment> {
        match self {
            Self::Paid(payment) => Some(payment),
            Self::Captured(reply) => reply.payment.as_ref(),
            Self::Voided(reply) => reply.payment.as_ref(),
            Self::Increased(reply) => reply.payment.as_ref(),
            Self::Refunded(reply) => reply.payment.as_ref(),
            Self::Movement(_) => None,
        }
    }

    /// The refund, when one was asked for.
    pub(crate) fn refund(&self) -> Option<&Refund> {
        match self {
            Self::Refunded(reply) => reply.refund.as_ref(),
            Self::Paid(_) | Self::Captured(_) | Self::Voided(_) | Self::Increased(_) | Self::Movement(_) => None,
        }
    }

    /// Where in the journal it stands.
    pub(crate) fn lsn(&self) -> u64 {
        match self {
            Self::Paid(payment) => payment.lsn,
            Self::Captured(reply) => reply.lsn,
            Self::Voided(reply) => reply.payment.as_ref().expect("a void is never declined").lsn,
            Self::Increased(reply) => reply.lsn,
            Self::Refunded(reply) => reply.refund.as_ref().expect("a reply has its refund").lsn,
            Self::Movement(movement) => movement.lsn,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) call: Call,
    pub(crate) answer: Answer,
}

/// One client.
pub(crate) struct Caller {
    name: String,
    random: Random,
    site: watch::Receiver<Site>,
    lines: Lines,
    tally: Arc<Tally>,
    answered: Vec<Answered>,
    /// Its payments that something can still be asked of, as they stand.
    living: BTreeMap<String, (&'static str, Payment)>,
}

impl Caller {
    pub(crate) fn new(number: u64, seed: u64, site: watch::Receiver<Site>, tally: Arc<Tally>) -> Self {
        let lines = Lines::to(&site.borrow());
        let random = Random(seed.wrapping_mul(1_000).wrapping_add(number));
        Self {
            name: format!("client-{number}"),
            random,
            site,
            lines,
            tally,
            answered: Vec::new(),
            living: BTreeMap::new(),
        }
    }

    pub(crate) async fn call_until_closing(mut self) -> Vec<Answered> {
        while !self.site.borrow().closing {
            let call = self.next_call();
            let answer = self.ask(&call).await;
            self.learn(&call, &answer);
            self.answered.push(Answered { call, answer });
            if self.random.one_in(3) {
                self.ask_again().await;
            }
        }
        self.answered
    }

    /// Keeps the payments of which more can be asked.
    fn learn(&mut self, call: &Call, answer: &Answer) {
        let (Some(merchant), Some(payment)) = (call.merchant(), answer.payment()) else { return };
        match payment.state() {
            PaymentState::Authorized
            | PaymentState::PartiallyCaptured
            | PaymentState::Captured
            | PaymentState::PartiallyRefunded => {
                self.living.insert(payment.payment_id.clone(), (merchant, payment.clone()));
            }
            PaymentState::Refunded | PaymentState::Voided | PaymentState::Expired => {
                self.living.remove(&payment.payment_id);
            }
            PaymentState::Declined | PaymentState::Pending | PaymentState::Unspecified => {}
        }
    }

    /// Payments, top-ups, and what can be asked of payments that were approved.
    fn next_call(&mut self) -> Call {
        let key = format!("{}-{}", self.name, self.answered.len());
        if self.random.one_in(8) {
            return self.top_up(key);
        }
        let asks_more = !self.living.is_empty() && !self.random.one_in(3);
        if asks_more { self.next_move(key) } else { self.pay(key) }
    }

    fn top_up(&mut self, idempotency_key: String) -> Call {
        let account = self.random.pick(&TOPPED_UP);
        let currency = PAYERS.iter().find(|(payer, ..)| payer == account).expect("it is a payer").1;
        let amount = Some(self.amount(currency, 2_000_000));
        Call::TopUp(DepositRequest { idempotency_key, account_id: (*account).to_owned(), amount })
    }

    /// Every eighth is for an order that was asked for before.
    fn pay(&mut self, idempotency_key: String) -> Call {
        let number = self.answered.len() as u64;
        let (payer, _, merchants) = *self.random.pick(&PAYERS);
        let merchant = *self.random.pick(merchants);
        let order = if self.random.one_in(8) { self.random.below(number + 1) } else { number };
        let amount = self.amount(if merchant == "demo-cafe" { "CNY" } else { "HKD" }, 20_000);
        let capture_mode = if self.random.one_in(2) { CaptureMode::Automatic } else { CaptureMode::Manual };
        let request = AuthorizeRequest {
            idempotency_key,
            merchant_order_id: format!("{}-{order}", self.name),
            payer: Some(AccountReference { wallet_id: sandbox::WALLET_ID.to_owned(), account_id: payer.to_owned() }),
            presentment_amount: Some(amount),
            capture_mode: capture_mode.into(),
            ..AuthorizeRequest::default()
        };
        Call::Pay { merchant, request }
    }

    /// Something that the payment allows, so that it is refused only while the daemon cannot answer.
    fn next_move(&mut self, idempotency_key: String) -> Call {
        let index = usize::try_from(self.random.below(self.living.len() as u64)).expect("an index fits usize");
        let (merchant, payment) = self.living.values().nth(index).expect("there are more than that").clone();
        let [authorized, captured, refunded] = [&payment.authorized, &payment.captured, &payment.refunded]
            .map(|amount| amount.as_ref().and_then(|amount| amount.presentment.clone()).expect("it was approved"));
        let payment_id = payment.payment_id.clone();
        let held = matches!(payment.state(), PaymentState::Authorized | PaymentState::PartiallyCaptured);
        let refundable = captured.minor_units - refunded.minor_units;
        if !held || refundable > 0 && self.random.one_in(3) {
            let amount = Some(self.part(&captured.currency_code, refundable));
            return Call::Refund { merchant, request: RefundRequest { idempotency_key, payment_id, amount } };
        }
        match self.random.below(6) {
            0 => Call::Void { merchant, request: VoidRequest { idempotency_key, payment_id } },
            1 => {
                let amount = Some(self.amount(&authorized.currency_code, 5_000));
                let payer_code = String::new();
                let request = IncreaseAuthorizationRequest { idempotency_key, payment_id, amount, payer_code };
                Call::Increase { merchant, request }
            }
            _ => {
                let amount = Some(self.part(&authorized.currency_code, authorized.minor_units - captured.minor_units));
                let r#final = self.random.one_in(4);
                Call::Capture { merchant, request: CaptureRequest { idempotency_key, payment_id, amount, r#final } }
            }
        }
    }

    /// All that is left, or a part of it.
    fn part(&mut self, currency: &str, left: i64) -> Money {
        let whole = Money { currency_code: currency.to_owned(), minor_units: left };
        if self.random.one_in(3) { whole } else { self.amount(currency, left.unsigned_abs()) }
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
                // Its disk lost power before it did.
                Err(Error::Refused(refusal)) if refusal.reason == "JOURNAL_FAILED" => {
                    self.tally.retries.fetch_add(1, Ordering::Relaxed);
                    self.wait_for_another(site.generation).await;
                }
                Err(Error::Refused(refusal)) => {
                    refusals += 1;
                    self.tally.refusals.fetch_add(1, Ordering::Relaxed);
                    assert!(refusals < REFUSALS_MAX, "{call:?} is always refused: {refusal}");
                    tokio::task::yield_now().await;
                }
                Err(error @ Error::PlainText { .. }) => panic!("a payment has no card's number: {error}"),
                Err(Error::Unanswered { .. } | Error::Unreachable { .. }) => {
                    self.tally.retries.fetch_add(1, Ordering::Relaxed);
                    self.wait_for_another(site.generation).await;
                }
            }
        }
    }

    /// Until there is another daemon than this.
    async fn wait_for_another(&mut self, generation: u64) {
        let moved = self.site.wait_for(|now| now.generation != generation);
        let moved = tokio::time::timeout(DAEMON_WAIT, moved).await.expect("the daemon comes back").is_ok();
        assert!(moved, "the site outlives its clients");
    }
}

/// Connections to one daemon, one for each key a caller has.
pub(crate) struct Lines {
    generation: u64,
    pub(crate) merchants: BTreeMap<&'static str, Client>,
    pub(crate) wallet: Client,
}

impl Lines {
    pub(crate) fn to(site: &Site) -> Self {
        let address: Address = site.address.parse().expect("the banner tells an address");
        let line =
            |key: &str| Client::lazy(&address, &key.parse().expect("the sandbox's keys are keys"), Options::default());
        let merchants = sandbox::MERCHANT_KEYS.map(|(merchant, key)| (merchant, line(key))).into();
        Self { generation: site.generation, merchants, wallet: line(sandbox::WALLET_KEY) }
    }

    pub(crate) async fn ask(&self, call: &Call) -> Result<Answer, Error> {
        match call {
            Call::Pay { merchant, request } => {
                let reply = self.merchants[merchant].authorize(request.clone()).await?;
                Ok(Answer::Paid(reply.payment.map(Box::new).expect("a reply has its payment")))
            }
            Call::Capture { merchant, request } => {
                let reply = self.merchants[merchant].capture(request.clone()).await?;
                Ok(Answer::Captured(Box::new(reply)))
            }
            Call::Void { merchant, request } => {
                let reply = self.merchants[merchant].void(request.clone()).await?;
                Ok(Answer::Voided(Box::new(reply)))
            }
            Call::Increase { merchant, request } => {
                let reply = self.merchants[merchant].increase_authorization(request.clone()).await?;
                Ok(Answer::Increased(Box::new(reply)))
            }
            Call::Refund { merchant, request } => {
                let reply = self.merchants[merchant].refund(request.clone()).await?;
                Ok(Answer::Refunded(Box::new(reply)))
            }
            Call::TopUp(request) => {
                let reply = self.wallet.deposit(request.clone()).await?;
                Ok(Answer::Movement(reply.movement.map(Box::new).expect("a reply has its movement")))
            }
        }
    }
}
