//! `payctl demo`.

use clap::Args;
use client::{ApiKey, Client, Operator, Options, sandbox};
use money::Money;
use serde::Serialize;
use wire::v1::{
    AccountReference, AccountServiceGetRequest, AuthorizeRequest, AuthorizeResponse, DepositRequest, Payment,
    PaymentState, Posting, RateServiceListResponse, StatusResponse,
};

use crate::commands::{new_id, pay, rates, status};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{BAD, FAINT, GOOD, HEADING, STRONG, paint};
use crate::words;

const MERCHANT: &str = "demo-cafe";
const PAYER: &str = "hk-alice";
const PAYER_WITHOUT_FUNDS: &str = "hk-bob";

/// What the payer pays in the tour, and what the other one cannot pay.
const AMOUNT: &str = "CNY 100.00";
const AMOUNT_TOO_LARGE: &str = "CNY 1000000.00";
/// A payer with less than this is given [`TOP_UP`], so that the tour can be taken again and again.
const FUNDS_MIN: &str = "HKD 200.00";
const TOP_UP: &str = "HKD 1000.00";

/// Take a tour of a running sandbox
///
/// Shows the rates, a payment in two currencies with every posting explained, a decline, a repeat with the same
/// idempotency key, and the trial balance. Pays real sandbox money with fresh keys, so it can be taken again. It calls
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
    status: StatusResponse,
}

impl Demo {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let tour = Tour::take(context).await?;
        context.show(&tour, text);
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
        expect(&approved, PaymentState::Captured)?;
        let declined = merchant.authorize(self::request(PAYER_WITHOUT_FUNDS, AMOUNT_TOO_LARGE)).await?;
        expect(&declined, PaymentState::Declined)?;
        let balance_before_repeat = balance(&wallet).await?;
        let repeated = merchant.authorize(request).await?;
        let balance_after_repeat = balance(&wallet).await?;
        let status = operator.status().await?;
        Ok(Self { rates, approved, declined, balance_before_repeat, repeated, balance_after_repeat, status })
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
    }
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

fn expect(reply: &AuthorizeResponse, state: PaymentState) -> Result<(), Error> {
    let found = reply.payment.as_ref().map(Payment::state).unwrap_or_default();
    if found == state {
        return Ok(());
    }
    Err(Error::Reply(format!("the tour expected {}, found {}", state.as_str_name(), found.as_str_name())))
}

fn text(tour: &Tour) -> String {
    let approved = tour.approved.payment.clone().unwrap_or_default();
    let declined = tour.declined.payment.clone().unwrap_or_default();
    let repeated = tour.repeated.payment.clone().unwrap_or_default();
    let sections = [
        section(
            "1. Rates",
            "What one unit of the merchant's currency costs in the payer's, at mid.",
            &rates::text(&tour.rates),
        ),
        section(
            "2. A payment in two currencies",
            &format!("{PAYER} has an HKD wallet; {MERCHANT} asks for {AMOUNT}."),
            &pay::text(&approved),
        ),
        section(
            "3. Its postings",
            "Each moves one amount from one account to another in one currency, so\n  books that do not balance cannot be written.",
            &postings(&approved.postings),
        ),
        section(
            "4. A decline",
            &format!("{PAYER_WITHOUT_FUNDS} is asked for more than there is: recorded, and nothing moves."),
            &pay::text(&declined),
        ),
        section(
            "5. A repeat",
            "The request of step 2 once more with the same idempotency key, as after a\n  lost connection: the recorded answer comes back and nothing moves twice.",
            &repeat(tour, &approved, &repeated),
        ),
        section(
            "6. The trial balance",
            "All accounts of the switch: every currency sums to zero.",
            &status::trial_balance(&tour.status.trial_balance),
        ),
    ];
    sections.join("\n")
}

fn section(title: &str, introduction: &str, body: &str) -> String {
    format!("{}\n  {introduction}\n\n{body}", paint(HEADING, title))
}

fn postings(postings: &[Posting]) -> String {
    let amounts: Vec<String> = postings.iter().map(|posting| words::amount(posting.amount.as_ref())).collect();
    let width = amounts.iter().map(String::len).max().unwrap_or(0);
    let mut text = String::new();
    for ((posting, amount), number) in postings.iter().zip(&amounts).zip(1..) {
        let amount = paint(STRONG, format!("{amount:>width$}"));
        let gap = " ".repeat(width);
        let purpose = paint(FAINT, words::posting_purpose(posting));
        text += &format!("  {number}  {amount}  {} -> {}\n", posting.debit_account, posting.credit_account);
        text += &format!("     {gap}  {purpose}\n");
    }
    text
}

fn repeat(tour: &Tour, approved: &Payment, repeated: &Payment) -> String {
    let same_answer = tour.approved == tour.repeated;
    let same_balance = tour.balance_before_repeat == tour.balance_after_repeat;
    let verdict = |holds: bool| if holds { paint(GOOD, "the same") } else { paint(BAD, "NOT THE SAME") };
    let before = words::amount(Some(&tour.balance_before_repeat));
    let after = words::amount(Some(&tour.balance_after_repeat));
    format!(
        "  first   payment {}, lsn {}\n  repeat  payment {}, lsn {}  {}\n  balance of {PAYER}: {before} before, {after} after  {}\n",
        approved.payment_id,
        approved.lsn,
        repeated.payment_id,
        repeated.lsn,
        verdict(same_answer),
        verdict(same_balance),
    )
}

#[cfg(test)]
mod tests;
