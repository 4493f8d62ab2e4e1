//! One record in one line.

mod card;
mod consent;
mod parts;
mod payment;
mod rules;

use std::sync::Arc;

use domain::{Command, Decline, Event, Evidence, MerchantId, MoveFunds, Posting, Record, SquarePosition};

use jiff::Timestamp;
use money::Money;
use serde_json::{Value, json};

pub(super) use self::card::{answer_text, counted_text, fee_text};
use self::parts::{account, merchant, posting_json, postings_json, postings_text};
pub(super) use self::parts::{posting_line, totals_text};
pub(super) use self::rules::price_text;
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

    /// The record without its content: `lsn 42  captured  2026-11-21 10:02:03.123456Z`.
    pub(super) fn head(&self) -> String {
        let style = if self.what == DECLINED { BAD } else { STRONG };
        let time = paint(FAINT, self.time.replace('T', " "));
        format!("lsn {}  {}  {time}", self.lsn, paint(style, self.what))
    }

    /// For programs: one object.
    pub(super) fn json(&self) -> &Value {
        &self.json
    }
}

/// One word for what happened, then its content as text and as an object.
type Line = (&'static str, String, Value);

/// What a record says, with its numbers as names.
pub(super) fn describe(record: &Record, names: &LedgerNames) -> Described {
    let (what, text, mut json) = if let Command::AuthorizeTogether(_) = &record.command {
        together(record, names)
    } else if let Event::Declined(decline) = &record.event {
        declined(&record.command, decline, names)
    } else {
        done(record, names)
    };
    let time = moment(record.at);
    json["lsn"] = json!(record.lsn.get());
    json["time"] = json!(time);
    json["what"] = json!(what);
    if let Some(key) = &record.key {
        json["caller"] = json!(names.tenant(key.tenant));
    }
    Described { lsn: record.lsn.get(), time, what, text, json }
}

/// `2026-11-21T10:02:03.123456Z`.
pub(super) fn moment(at: domain::Timestamp) -> String {
    Timestamp::from_microsecond(at.micros())
        .map_or_else(|_| "-".to_owned(), |at| at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}

/// What kind of record it is: the command's name.
pub(super) const fn kind(record: &Record) -> &'static str {
    match &record.command {
        Command::InitializeSwitch(_) => "initialize",
        Command::InstallPolicy(_) => "install policy",
        Command::RegisterWallet(_) => "register wallet",
        Command::RegisterMerchant(_) => "register merchant",
        Command::PublishRates(_) => "publish rates",
        Command::OpenAccount(_) => "open account",
        Command::CloseAccount(_) => "close account",
        Command::FreezeAccount(_) => "freeze account",
        Command::UnfreezeAccount(_) => "unfreeze account",
        Command::Deposit(_) => "deposit",
        Command::Withdraw(_) => "withdraw",
        Command::AuthorizePayment(_) => "authorize",
        Command::AuthorizeTogether(_) => "authorize together",
        Command::CapturePayment(_) => "capture",
        Command::VoidPayment(_) => "void",
        Command::RefundPayment(_) => "refund",
        Command::IncreaseAuthorization(_) => "increase",
        Command::ExpireHolds => "expire holds",
        Command::PriceRefunds => "price refunds",
        Command::IssueCode(_) => "issue code",
        Command::ApproveOrder(_) | Command::ApproveCardOrder(_) => "approve order",
        Command::GrantMandate(_) => "grant mandate",
        Command::RevokeMandate(_) => "revoke mandate",
        Command::FundReserve(_) => "fund reserve",
        Command::PayOut(_) => "pay out",
        Command::SquarePosition(_) => "square position",
        Command::AssertPerson(_) => "assert person",
        Command::BindCard(_) => "bind card",
        Command::UnbindCard(_) => "unbind card",
        Command::AnswerCard(_) => "answer card",
        Command::TimeOutCard(_) => "time out card",
        Command::AcknowledgeAdvice(_) => "acknowledge advice",
        Command::SettleScheme(_) => "settle scheme",
    }
}

/// A command that did what it asked.
fn done(record: &Record, names: &LedgerNames) -> Line {
    let Record { lsn, command, event, .. } = record;
    match command {
        Command::InitializeSwitch(command) => {
            let (mode, key) = (command.mode.as_str(), command.digest_key.id);
            ("began", format!("{mode} ledger, digest key {key}"), json!({ "mode": mode, "digestKeyId": key }))
        }
        Command::InstallPolicy(command) => rules::policy(&command.policy),
        Command::RegisterWallet(command) => {
            ("registered", format!("wallet {}", command.name), json!({ "wallet": command.name.as_str() }))
        }
        Command::RegisterMerchant(command) => rules::merchant(command),
        Command::PublishRates(command) => rules::rates(command, event),
        Command::OpenAccount(command) => {
            let name = format!("wallet:{}/{}", names.wallet(command.wallet), command.name);
            let currency = command.currency.code();
            ("opened", format!("{name} in {currency}"), json!({ "account": name, "currency": currency }))
        }
        Command::CloseAccount(command) => on_account("closed", account(&command.account, names)),
        Command::FreezeAccount(command) => on_account("frozen", account(&command.account, names)),
        Command::UnfreezeAccount(command) => on_account("unfrozen", account(&command.account, names)),
        Command::Deposit(command) => moved("deposit", command, event, names),
        Command::Withdraw(command) => moved("withdrawal", command, event, names),
        Command::AuthorizePayment(command) => payment::authorized(command, event, names),
        Command::AuthorizeTogether(_) => unreachable!("told payment by payment"),
        Command::CapturePayment(command) => payment::captured(command, event, names),
        Command::VoidPayment(command) => payment::voided(command, event, names),
        Command::RefundPayment(command) => payment::refunded(command, event, names),
        Command::IncreaseAuthorization(command) => payment::increased(command, event, names),
        Command::ExpireHolds => payment::expired(event),
        Command::PriceRefunds => payment::priced(event, names),
        Command::IssueCode(command) => consent::code(command, event, names),
        Command::ApproveOrder(command) => consent::order(command, names),
        Command::ApproveCardOrder(command) => consent::card_order(command, names),
        Command::GrantMandate(command) => consent::mandate(command, names),
        Command::RevokeMandate(command) => consent::revoked(command),
        Command::FundReserve(command) => {
            with_posting("funded", reserve(&command.merchant, command.amount, names), event, names)
        }
        Command::PayOut(command) => {
            with_posting("paid out", pay_out(&command.merchant, command.amount, names), event, names)
        }
        Command::SquarePosition(command) => squared(command, event, names),
        Command::AssertPerson(command) => card::asserted(command, names),
        Command::BindCard(command) => card::bound(command, event, names),
        Command::UnbindCard(command) => card::unbound(command, names),
        Command::AnswerCard(command) => card::answered(command, event, *lsn, names),
        Command::TimeOutCard(payment_id) => card::timed_out(*payment_id, event),
        Command::AcknowledgeAdvice(command) => card::acknowledged(*command),
        Command::SettleScheme(command) => card::settled(command, event, names),
    }
}

/// A command that was decided against.
fn declined(command: &Command, decline: &Decline, names: &LedgerNames) -> Line {
    let of_account = |verb: &str, account: String| (format!("{verb} {account}"), json!({ "account": account }));
    let (asked, mut json) = match command {
        Command::AuthorizePayment(command) => payment::asked(command, names),
        Command::RefundPayment(command) => payment::refund_asked(command, names),
        Command::IncreaseAuthorization(command) => payment::increase_asked(command, names),
        Command::CapturePayment(command) => payment::capture_asked(command, names),
        Command::VoidPayment(command) => payment::part_asked(command.payment_id, command.merchant, names),
        Command::Deposit(command) => movement("deposit", command, names),
        Command::Withdraw(command) => movement("withdrawal", command, names),
        Command::CloseAccount(command) => of_account("close", account(&command.account, names)),
        Command::FreezeAccount(command) => of_account("freeze", account(&command.account, names)),
        Command::UnfreezeAccount(command) => of_account("unfreeze", account(&command.account, names)),
        Command::FundReserve(command) => reserve(&command.merchant, command.amount, names),
        Command::PayOut(command) => pay_out(&command.merchant, command.amount, names),
        Command::SquarePosition(command) => deal(command),
        Command::BindCard(command) => card::bind_asked(command, names),
        Command::SettleScheme(command) => card::settlement_asked(command),
        Command::AuthorizeTogether(_) => unreachable!("told payment by payment"),
        Command::InitializeSwitch(_)
        | Command::InstallPolicy(_)
        | Command::RegisterWallet(_)
        | Command::RegisterMerchant(_)
        | Command::PublishRates(_)
        | Command::OpenAccount(_)
        | Command::ExpireHolds
        | Command::PriceRefunds
        | Command::IssueCode(_)
        | Command::ApproveOrder(_)
        | Command::ApproveCardOrder(_)
        | Command::GrantMandate(_)
        | Command::RevokeMandate(_)
        | Command::AssertPerson(_)
        | Command::UnbindCard(_)
        | Command::AnswerCard(_)
        | Command::TimeOutCard(_)
        | Command::AcknowledgeAdvice(_) => (String::new(), json!({})),
    };
    json["declineReason"] = json!(decline.reason.as_str());
    let paid_by = decline.paid_by.map(|payment| format!(" by {payment}")).unwrap_or_default();
    if let Some(payment) = decline.paid_by {
        json["paidByPaymentId"] = json!(payment.to_string());
    }
    (DECLINED, format!("{}{paid_by}: {asked}", decline.reason.as_str()), json)
}

/// Payments decided together, one behind the other.
fn together(record: &Record, names: &LedgerNames) -> Line {
    let (mut texts, mut payments) = (Vec::new(), Vec::new());
    for part in Arc::new(record.clone()).parts() {
        let Described { what, text, json, .. } = describe(&part, names);
        texts.push(format!("{what} {text}"));
        payments.push(json);
    }
    let what = if record.event.decline().is_some() { DECLINED } else { "together" };
    (what, format!("{} payments, all or none: {}", payments.len(), texts.join("; ")), json!({ "payments": payments }))
}

fn on_account(what: &'static str, account: String) -> Line {
    let json = json!({ "account": account });
    (what, account, json)
}

fn moved(word: &str, command: &MoveFunds, event: &Event, names: &LedgerNames) -> Line {
    let (mut text, mut json) = movement(word, command, names);
    if let Event::FundsMoved { posting, posted_balance } = event {
        text += &format!(", balance {}", posted_balance.grouped());
        json["postings"] = json!([posting_json(posting, names)]);
        json["postedBalance"] = json!(posted_balance.to_string());
    }
    ("moved", text, json)
}

fn movement(word: &str, command: &MoveFunds, names: &LedgerNames) -> (String, Value) {
    let account = account(&command.account, names);
    let amount = command.amount;
    let json = json!({ "account": account, "amount": amount.to_string() });
    (format!("{word} {} {account}", amount.grouped()), json)
}

/// What one posting did between a merchant and the bank.
fn with_posting(what: &'static str, (text, mut json): (String, Value), event: &Event, names: &LedgerNames) -> Line {
    if let Event::ReserveFunded(posting) | Event::PaidOut(posting) = event {
        json["postings"] = postings_json(std::slice::from_ref::<Posting>(posting), names);
    }
    (what, text, json)
}

fn reserve(of: &Evidence<MerchantId>, amount: Money, names: &LedgerNames) -> (String, Value) {
    let merchant = merchant(of, names);
    let json = json!({ "merchant": merchant, "amount": amount.to_string() });
    (format!("{} into the reserve of {merchant}", amount.grouped()), json)
}

fn pay_out(to: &Evidence<MerchantId>, amount: Money, names: &LedgerNames) -> (String, Value) {
    let merchant = merchant(to, names);
    let json = json!({ "merchant": merchant, "amount": amount.to_string() });
    (format!("{} to {merchant} at its bank", amount.grouped()), json)
}

fn squared(command: &SquarePosition, event: &Event, names: &LedgerNames) -> Line {
    let (mut text, mut json) = deal(command);
    if let Event::PositionSquared(postings) = event {
        text += &format!(": {}", postings_text(postings, names));
        json["postings"] = postings_json(postings, names);
    }
    ("squared", text, json)
}

fn deal(command: &SquarePosition) -> (String, Value) {
    let SquarePosition { sold, bought, closed } = command;
    let text = format!("{} sold for {}, {} closed", sold.grouped(), bought.grouped(), closed.grouped());
    (text, json!({ "sold": sold.to_string(), "bought": bought.to_string(), "closed": closed.to_string() }))
}

#[cfg(test)]
mod tests;
