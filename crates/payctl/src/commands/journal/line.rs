//! One record in one line.

use domain::{
    AccountId, AuthorizePayment, Command, Converted, Decline, Event, Evidence, MoveFunds, Policy, Posting, RateTick,
    Record, RegisterMerchant,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::ledger_names::LedgerNames;
use crate::render::{BAD, FAINT, STRONG, paint};

/// Columns of the word that says what happened.
const WHAT_WIDTH: usize = 10;
/// That word for a decision against.
const DECLINED: &str = "declined";

/// A record as shown.
#[derive(Debug)]
pub(super) struct Described {
    lsn: u64,
    time: String,
    what: &'static str,
    text: String,
    json: Value,
}

impl Described {
    /// For people: `42  2026-11-21 10:02:03.123456Z  captured    …`.
    pub(super) fn text(&self) -> String {
        let style = if self.what == DECLINED { BAD } else { STRONG };
        let what = paint(style, format!("{:WHAT_WIDTH$}", self.what));
        format!("{:>8}  {}  {what}  {}", self.lsn, paint(FAINT, self.time.replace('T', " ")), self.text)
    }

    /// For programs: one object.
    pub(super) fn json(&self) -> &Value {
        &self.json
    }
}

/// What a record says, with its numbers as names.
pub(super) fn describe(record: &Record, names: &LedgerNames) -> Described {
    let (what, text, mut json) = if let Event::Declined(decline) = &record.event {
        declined(&record.command, decline, names)
    } else {
        done(&record.command, &record.event, names)
    };
    let time = Timestamp::from_microsecond(record.at.micros())
        .map_or_else(|_| "-".to_owned(), |at| at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string());
    json["lsn"] = json!(record.lsn.get());
    json["time"] = json!(time);
    json["what"] = json!(what);
    if let Some(key) = &record.key {
        json["caller"] = json!(names.tenant(key.tenant));
    }
    Described { lsn: record.lsn.get(), time, what, text, json }
}

/// A command that did what it asked: one word for it, then its content as text and as an object.
fn done(command: &Command, event: &Event, names: &LedgerNames) -> (&'static str, String, Value) {
    match command {
        Command::InitializeSwitch(command) => {
            let (mode, key) = (command.mode.as_str(), command.digest_key.id);
            ("began", format!("{mode} ledger, digest key {key}"), json!({ "mode": mode, "digestKeyId": key }))
        }
        Command::InstallPolicy(command) => policy(&command.policy),
        Command::RegisterWallet(command) => {
            ("registered", format!("wallet {}", command.name), json!({ "wallet": command.name.as_str() }))
        }
        Command::RegisterMerchant(command) => merchant(command),
        Command::PublishRates(command) => rates(&command.ticks),
        Command::OpenAccount(command) => {
            let name = format!("wallet:{}/{}", names.wallet(command.wallet), command.name);
            let currency = command.currency.code();
            ("opened", format!("{name} in {currency}"), json!({ "account": name, "currency": currency }))
        }
        Command::CloseAccount(command) => {
            let account = account(&command.account, names);
            ("closed", account.clone(), json!({ "account": account }))
        }
        Command::Deposit(command) => moved("deposit", command, event, names),
        Command::Withdraw(command) => moved("withdrawal", command, event, names),
        Command::AuthorizePayment(command) => captured(command, event, names),
    }
}

/// A command that was decided against.
fn declined(command: &Command, decline: &Decline, names: &LedgerNames) -> (&'static str, String, Value) {
    let (asked, mut json) = match command {
        Command::AuthorizePayment(command) => payment(command, names),
        Command::Deposit(command) => movement("deposit", command, names),
        Command::Withdraw(command) => movement("withdrawal", command, names),
        Command::CloseAccount(command) => {
            let account = account(&command.account, names);
            (format!("close {account}"), json!({ "account": account }))
        }
        Command::InitializeSwitch(_)
        | Command::InstallPolicy(_)
        | Command::RegisterWallet(_)
        | Command::RegisterMerchant(_)
        | Command::PublishRates(_)
        | Command::OpenAccount(_) => (String::new(), json!({})),
    };
    json["declineReason"] = json!(decline.reason.as_str());
    let paid_by = decline.paid_by.map(|payment| format!(" by {payment}")).unwrap_or_default();
    if let Some(payment) = decline.paid_by {
        json["paidByPaymentId"] = json!(payment.to_string());
    }
    (DECLINED, format!("{}{paid_by}: {asked}", decline.reason.as_str()), json)
}

fn policy(policy: &Policy) -> (&'static str, String, Value) {
    let (markup, age, step) = (policy.fx_markup, policy.rate_age_ms_max, policy.rate_move_max);
    let text = format!("markup {}, rates up to {age} ms old, steps up to {}", markup.percent(), step.percent());
    let json = json!({ "fxMarkup": markup.to_string(), "rateAgeMsMax": age, "rateMoveMax": step.to_string() });
    ("policy", text, json)
}

fn merchant(command: &RegisterMerchant) -> (&'static str, String, Value) {
    let (name, currency, discount) = (&command.name, command.settlement_currency.code(), command.discount);
    let text = format!("merchant {name}, paid in {currency}, discount {}", discount.percent());
    let json =
        json!({ "merchant": name.as_str(), "settlementCurrency": currency, "merchantDiscount": discount.to_string() });
    ("registered", text, json)
}

fn rates(ticks: &[RateTick]) -> (&'static str, String, Value) {
    let texts: Vec<String> = ticks.iter().map(|tick| format!("{} {}", tick.pair, tick.mid_rate)).collect();
    let tick_json = |tick: &RateTick| {
        json!({
            "pair": tick.pair.to_string(),
            "midRate": tick.mid_rate.to_string(),
            "source": tick.source.as_str(),
        })
    };
    ("rates", texts.join(", "), json!({ "rates": ticks.iter().map(tick_json).collect::<Vec<_>>() }))
}

fn moved(word: &str, command: &MoveFunds, event: &Event, names: &LedgerNames) -> (&'static str, String, Value) {
    let (mut text, mut json) = movement(word, command, names);
    if let Event::FundsMoved { posting, posted_balance } = event {
        text += &format!(", balance {}", posted_balance.grouped());
        json["postings"] = json!([posting_json(posting, names)]);
        json["postedBalance"] = json!(posted_balance.to_string());
    }
    ("moved", text, json)
}

fn captured(command: &AuthorizePayment, event: &Event, names: &LedgerNames) -> (&'static str, String, Value) {
    let (mut text, mut json) = payment(command, names);
    if let Event::PaymentCaptured(captured) = event {
        let postings: Vec<String> = captured.postings.iter().map(|posting| posting_text(posting, names)).collect();
        text += &format!(", merchant gets {}: {}", captured.settlement_amount.grouped(), postings.join("; "));
        json["settlementAmount"] = json!(captured.settlement_amount.to_string());
        json["postings"] = captured.postings.iter().map(|posting| posting_json(posting, names)).collect();
    }
    ("captured", text, json)
}

/// What a merchant asked: `payment … CNY 100.00 for demo-cafe from wallet:demo-wallet/hk-alice at HKD 119.11`.
fn payment(command: &AuthorizePayment, names: &LedgerNames) -> (String, Value) {
    let merchant = names.merchant(command.merchant);
    let payer = account(&command.payer, names);
    let amount = command.presentment_amount;
    let mut text = format!("{} {} for {merchant} from {payer}", command.payment_id, amount.grouped());
    let mut json = json!({
        "paymentId": command.payment_id.to_string(),
        "merchant": merchant,
        "merchantOrderId": command.merchant_order_id.as_str(),
        "payer": payer,
        "presentmentAmount": amount.to_string(),
    });
    if let Some(Converted::Quoted(quote)) = evidence(&command.converted) {
        json["midRate"] = json!(quote.mid_rate.to_string());
        json["markup"] = json!(quote.markup.to_string());
        json["rateLsn"] = json!(quote.rate_lsn.get());
        json["rateSource"] = json!(quote.source.as_str());
        if let Some(amounts) = &quote.amounts {
            text += &format!(", debit {} at {}", amounts.debit.grouped(), quote.mid_rate);
            json["debitAmount"] = json!(amounts.debit.to_string());
        }
    }
    (text, json)
}

fn movement(word: &str, command: &MoveFunds, names: &LedgerNames) -> (String, Value) {
    let account = account(&command.account, names);
    let amount = command.amount;
    let json = json!({ "account": account, "amount": amount.to_string() });
    (format!("{word} {} {account}", amount.grouped()), json)
}

/// The account that was found; a record exists only for one that was.
fn account(found: &Evidence<AccountId>, names: &LedgerNames) -> String {
    evidence(found).map_or_else(|| "-".to_owned(), |account| names.account(*account))
}

fn evidence<T>(evidence: &Evidence<T>) -> Option<&T> {
    match evidence {
        Evidence::Present(found) => Some(found),
        Evidence::Unavailable(_) => None,
    }
}

fn posting_text(posting: &Posting, names: &LedgerNames) -> String {
    let (debit, credit) = (names.account(posting.debit()), names.account(posting.credit()));
    format!("{} {debit} -> {credit}", posting.amount().grouped())
}

fn posting_json(posting: &Posting, names: &LedgerNames) -> Value {
    json!({
        "debitAccount": names.account(posting.debit()),
        "creditAccount": names.account(posting.credit()),
        "amount": posting.amount().to_string(),
    })
}

#[cfg(test)]
mod tests;
