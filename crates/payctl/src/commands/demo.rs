//! `payctl demo`.

mod story;

use clap::Args;
use client::{ApiKey, Client, Operator, Options, sandbox};
use money::Money;
use serde::Serialize;
use wire::v1::{
    AccountReference, AccountServiceGetRequest, AuthorizeRequest, AuthorizeResponse, CaptureMode, CaptureRequest,
    CaptureResponse, DepositRequest, Payment, PaymentState, RateServiceListResponse, RefundRequest, RefundResponse,
    StatusResponse,
};

use crate::commands::{new_id, payment};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::words;

const MERCHANT: &str = "demo-cafe";
const PAYER: &str = "hk-alice";
const PAYER_WITHOUT_FUNDS: &str = "hk-bob";

/// What the payer pays in the tour, and what the other one cannot pay.
const AMOUNT: &str = "CNY 100.00";
const AMOUNT_TOO_LARGE: &str = "CNY 1000000.00";
/// A payer with less than this is given [`TOP_UP`], so that the tour can be taken again and again.
const FUNDS_MIN: &str = "HKD 500.00";
const TOP_UP: &str = "HKD 1000.00";
/// In which parts a hold of [`AMOUNT`] is captured, and how much of it is given back.
const CAPTURES: [&str; 2] = ["CNY 60.00", "CNY 40.00"];
const REFUND: &str = "CNY 40.00";

/// Take a tour of a running sandbox
///
/// Shows the rates, a payment in two currencies with every posting explained, a decline, a repeat with the same
/// idempotency key, a hold captured in two parts, a refund, and the trial balance. Pays real sandbox money with fresh keys, so it can be taken again. It calls
/// as several parties and therefore uses the sandbox's well-known keys whatever key is given.
#[derive(Debug, Args)]
pub(crate) struct Demo {}

/// Everything the tour saw, in order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tour {
    rates: RateServiceListResponse,
    approved: AuthorizeResponse,
    declined: AuthorizeResponse,
    balance_before_repeat: wire::v1::Money,
    repeated: AuthorizeResponse,
    balance_after_repeat: wire::v1::Money,
    authorized: AuthorizeResponse,
    balance_while_held: wire::v1::Money,
    captured: [CaptureResponse; 2],
    refunded: RefundResponse,
    status: StatusResponse,
}

impl Demo {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let tour = Box::pin(Tour::take(context)).await?;
        context.show(&tour, story::text);
        Ok(Exit::Approved)
    }
}

impl Tour {
    async fn take(context: &Context) -> Result<Self, Error> {
        let merchant_key = sandbox::merchant_key(MERCHANT).expect("the sandbox has this merchant");
        let wallet = Client::lazy(context.server(), &key(sandbox::WALLET_KEY), Options::default());
        let merchant = Client::lazy(context.server(), &key(merchant_key), Options::default());
        let operator = Operator::lazy(context.admin(), &key(sandbox::OPERATOR_KEY), Options::default());

        let rates = wallet.list_rates().await?;
        fund(&wallet).await?;
        let request = request(PAYER, AMOUNT);
        let approved = merchant.authorize(request.clone()).await?;
        expect(approved.payment.as_ref(), PaymentState::Captured)?;
        let declined = merchant.authorize(self::request(PAYER_WITHOUT_FUNDS, AMOUNT_TOO_LARGE)).await?;
        expect(declined.payment.as_ref(), PaymentState::Declined)?;
        let balance_before_repeat = balance(&wallet).await?;
        let repeated = merchant.authorize(request).await?;
        let balance_after_repeat = balance(&wallet).await?;

        let mut held = self::request(PAYER, AMOUNT);
        held.capture_mode = CaptureMode::Manual.into();
        let authorized = merchant.authorize(held).await?;
        let payment_id = expect(authorized.payment.as_ref(), PaymentState::Authorized)?.payment_id.clone();
        let balance_while_held = balance(&wallet).await?;
        let [first, second] = CAPTURES.map(|amount| capture(&payment_id, amount));
        let first = merchant.capture(first).await?;
        expect(first.payment.as_ref(), PaymentState::PartiallyCaptured)?;
        let second = merchant.capture(second).await?;
        expect(second.payment.as_ref(), PaymentState::Captured)?;
        let refunded = merchant.refund(refund(payment_id)).await?;
        expect(refunded.payment.as_ref(), PaymentState::PartiallyRefunded)?;

        let status = operator.status().await?;
        Ok(Self {
            rates,
            approved,
            declined,
            balance_before_repeat,
            repeated,
            balance_after_repeat,
            authorized,
            balance_while_held,
            captured: [first, second],
            refunded,
            status,
        })
    }
}

fn key(text: &str) -> ApiKey {
    text.parse().expect("the sandbox's keys are valid")
}

fn parsed(text: &str) -> Money {
    Money::parse(text).expect("the tour's amounts are amounts")
}

fn request(account_id: &str, amount: &str) -> AuthorizeRequest {
    AuthorizeRequest {
        idempotency_key: new_id(),
        merchant_order_id: new_id(),
        payer: Some(AccountReference { wallet_id: sandbox::WALLET_ID.to_owned(), account_id: account_id.to_owned() }),
        presentment_amount: words::money_message(parsed(amount)),
        ..AuthorizeRequest::default()
    }
}

fn capture(payment_id: &str, amount: &str) -> CaptureRequest {
    CaptureRequest {
        idempotency_key: new_id(),
        payment_id: payment_id.to_owned(),
        amount: words::money_message(parsed(amount)),
        r#final: false,
    }
}

fn refund(payment_id: String) -> RefundRequest {
    RefundRequest { idempotency_key: new_id(), payment_id, amount: words::money_message(parsed(REFUND)) }
}

async fn balance(wallet: &Client) -> Result<wire::v1::Money, Error> {
    let reply = wallet.account(AccountServiceGetRequest { account_id: PAYER.to_owned() }).await?;
    let balance = reply.account.and_then(|account| account.available_balance);
    balance.ok_or_else(|| Error::Reply(format!("{PAYER} has no balance")))
}

/// Gives the payer funds when earlier tours have used them up.
async fn fund(wallet: &Client) -> Result<(), Error> {
    let balance = balance(wallet).await?;
    let spare = words::read_money(&balance).and_then(|money| money.checked_sub(parsed(FUNDS_MIN)).ok());
    if spare.is_some_and(Money::is_negative) {
        let amount = words::money_message(parsed(TOP_UP));
        wallet.deposit(DepositRequest { idempotency_key: new_id(), account_id: PAYER.to_owned(), amount }).await?;
    }
    Ok(())
}

fn expect(payment: Option<&Payment>, state: PaymentState) -> Result<&Payment, Error> {
    let payment = payment::of_reply(payment)?;
    let found = payment.state();
    if found == state {
        return Ok(payment);
    }
    Err(Error::Reply(format!("the tour expected {}, found {}", state.as_str_name(), found.as_str_name())))
}

#[cfg(test)]
mod tests;
