//! A payment and a refund as shown, and how a command ends that was told of one.

use std::time::Duration;

use wire::v1::{
    CardPayment, Conversion, Money, Payment, PaymentAmount, PaymentState, Posting, Refund, RefundRate, RefundState,
};

use crate::error::Error;
use crate::exit::Exit;
use crate::render::{Align, BAD, FAINT, Fields, GOOD, STRONG, Table, paint, wrapped};
use crate::words;

/// Where the values of a payment's fields begin at the latest.
const TEXT_COLUMN: usize = 18;

/// The payment of a reply that must have one.
pub(crate) fn of_reply(payment: Option<&Payment>) -> Result<&Payment, Error> {
    payment.ok_or_else(|| Error::Reply("it has no payment".to_owned()))
}

/// How a command ends that was told of this payment.
pub(crate) fn exit_of(payment: &Payment) -> Result<Exit, Error> {
    match payment.state() {
        PaymentState::Captured
        | PaymentState::Authorized
        | PaymentState::PartiallyCaptured
        | PaymentState::Voided
        | PaymentState::Expired
        | PaymentState::PartiallyRefunded
        | PaymentState::Refunded => Ok(Exit::Approved),
        PaymentState::Declined => Ok(Exit::Declined),
        PaymentState::Pending => Ok(Exit::Pending),
        PaymentState::Unspecified => Err(Error::Reply(format!("payment {} has no state", payment.payment_id))),
    }
}

/// How a command ends that was told of this refund.
pub(crate) fn exit_of_refund(refund: &Refund) -> Result<Exit, Error> {
    match refund.state() {
        RefundState::Refunded | RefundState::Pending => Ok(Exit::Approved),
        RefundState::Declined => Ok(Exit::Declined),
        RefundState::Unspecified => Err(Error::Reply(format!("refund {} has no state", refund.refund_id))),
    }
}

/// A payment with everything a merchant or payer asks about.
pub(crate) fn text(payment: &Payment) -> String {
    let answer = match payment.state() {
        PaymentState::Declined => paint(BAD, "declined"),
        PaymentState::Authorized | PaymentState::PartiallyCaptured | PaymentState::Captured => paint(GOOD, "approved"),
        PaymentState::PartiallyRefunded
        | PaymentState::Refunded
        | PaymentState::Voided
        | PaymentState::Expired
        | PaymentState::Pending
        | PaymentState::Unspecified => paint(STRONG, words::payment_state(payment.state())),
    };
    format!("{answer}  payment {}\n{}", payment.payment_id, details(payment))
}

/// A payment after something was done to it: what, then where the payment stands.
pub(crate) fn text_after(done: &str, payment: &Payment) -> String {
    let mut fields = Fields::default();
    standing(&mut fields, payment);
    if !payment.postings.is_empty() {
        fields.line("moved", words::counted(payment.postings.len() as u64, "posting"));
    }
    fields.line("lsn", format!("{}, durable", payment.lsn));
    format!("{}  payment {}\n{fields}{}", paint(GOOD, done), payment.payment_id, positions(payment))
}

/// Everything but the first line.
pub(crate) fn details(payment: &Payment) -> String {
    let mut fields = Fields::default();
    if payment.state() == PaymentState::Declined {
        let reason = payment.decline_reason();
        fields.line("reason", words::decline(reason, &payment.paid_by_payment_id));
        fields.line("", paint(FAINT, reason.as_str_name()));
        told(&mut fields, "to payer", &payment.payer_text);
        told(&mut fields, "to merchant", &payment.merchant_text);
    } else {
        standing(&mut fields, payment);
    }
    match &payment.card {
        None => fields.line("payer", words::account(payment.payer.as_ref())),
        Some(card) => card_fields(&mut fields, card),
    }
    if let Some(consent) = words::consent(payment.consent()) {
        fields.line("consent", consent);
    }
    fields.line("merchant", &payment.merchant_id);
    fields.line("order", &payment.merchant_order_id);
    amounts(&mut fields, payment);
    if let Some(conversion) = &payment.conversion {
        provenance(&mut fields, "rate", conversion, payment.presentment_amount.as_ref(), payment.debit_amount.as_ref());
    }
    if let Some(conversion) = &payment.settlement_conversion {
        let settlement = payment.settlement_amount.as_ref();
        provenance(&mut fields, "merchant's rate", conversion, payment.presentment_amount.as_ref(), settlement);
    }
    if !payment.quote_id.is_empty() {
        fields.line("quote", &payment.quote_id);
    }
    fields.line("decided", words::time(payment.create_time.as_ref().map(|time| time.seconds)));
    fields.line("lsn", format!("{}, durable", payment.lsn));
    format!("{fields}{}", positions(payment))
}

/// What may be said to somebody, if anything is.
fn told(fields: &mut Fields, name: &'static str, text: &str) {
    let lines = wrapped(text, TEXT_COLUMN);
    for (index, line) in lines.lines().filter(|line| !line.trim().is_empty()).enumerate() {
        fields.line(if index == 0 { name } else { "" }, line.trim());
    }
}

/// Which card, and what its issuer said.
fn card_fields(fields: &mut Fields, card: &CardPayment) {
    let token = paint(FAINT, &card.card_token);
    if card.scheme.is_empty() {
        fields.line("card", token);
    } else {
        fields.line("card", format!("{}  {token}", words::card(&card.scheme, &card.bin, &card.last_four)));
    }
    let in_stead = if card.stood_in { ", by the switch in the issuer's stead" } else { "" };
    if !card.approval_code.is_empty() {
        fields.line("approval", format!("{}{in_stead}", card.approval_code));
    }
    if !card.response_code.is_empty() {
        fields.line("response", &card.response_code);
    }
    if let Some(billing) = &card.billing_amount {
        let rate = if card.billing_rate.is_empty() { String::new() } else { format!(" at {}", card.billing_rate) };
        fields.line("card is billed", format!("{}{rate}", paint(STRONG, words::amount(Some(billing)))));
    }
    if let Some(converter) = words::converter(card.converter()) {
        fields.line("converted by", format!("{converter}, as its holder chose"));
    }
    if !card.trace_number.is_empty() {
        let numbers = format!("trace {}, retrieval {}", card.trace_number, card.retrieval_reference_number);
        fields.line("network", paint(FAINT, numbers));
    }
}

fn amounts(fields: &mut Fields, payment: &Payment) {
    fields.line("amount", words::amount(payment.presentment_amount.as_ref()));
    if payment.debit_amount.is_some() {
        fields.line("debit", debit(payment.debit_amount.as_ref(), payment.conversion.as_ref()));
    }
    let fee = payment.card.as_ref().and_then(|card| card.payer_fee.as_ref());
    if let Some(fee) = fee.filter(|fee| fee.minor_units > 0) {
        fields.line("payer's fee", format!("{}, part of the debit", words::amount(Some(fee))));
    }
    if payment.settlement_amount.is_some() {
        let settlement = paint(STRONG, words::amount(payment.settlement_amount.as_ref()));
        fields.line("merchant gets", settlement);
        fields.line("discount", words::amount(payment.merchant_discount.as_ref()));
    }
}

/// Where it stands, and what is held for how long.
fn standing(fields: &mut Fields, payment: &Payment) {
    let answer_by = payment.card.as_ref().and_then(|card| card.answer_by_time.as_ref());
    let state = words::payment_state(payment.state());
    match answer_by.filter(|_| payment.state() == PaymentState::Pending) {
        Some(time) => {
            let until = words::time(Some(time.seconds));
            fields.line("state", format!("{} until {until}, then reversed", paint(STRONG, state)));
        }
        None => fields.line("state", paint(STRONG, state)),
    }
    // What a card's issuer was asked for is promised by nobody yet.
    let held = payment.held_amount.as_ref().filter(|_| payment.state() != PaymentState::Pending);
    if let Some(held) = held.filter(|held| held.minor_units > 0) {
        let until = words::time(payment.expire_time.as_ref().map(|time| time.seconds));
        fields.line("held", format!("{} until {until}", words::amount(Some(held))));
    }
}

/// What is authorized, captured and refunded, in the three currencies. Nothing for a payment that has no positions.
fn positions(payment: &Payment) -> String {
    let Some(authorized) = &payment.authorized else { return String::new() };
    let mut table = Table::new([
        ("", Align::Left),
        ("asked", Align::Right),
        ("payer pays", Align::Right),
        ("merchant gets", Align::Right),
    ]);
    let mut row = |name: &str, amount: &PaymentAmount| {
        let [asked, debit, settlement] =
            [&amount.presentment, &amount.debit, &amount.settlement].map(|money| words::amount(money.as_ref()));
        table.row([name.to_owned(), asked, debit, settlement]);
    };
    row("authorized", authorized);
    for (name, amount) in [("captured", &payment.captured), ("refunded", &payment.refunded)] {
        if let Some(amount) = amount {
            row(name, amount);
        }
    }
    table.to_string()
}

/// `HKD 119.11 (117.93 at mid + 1.18 markup of 1 %)`.
pub(crate) fn debit(debit: Option<&Money>, conversion: Option<&Conversion>) -> String {
    let amount = paint(STRONG, words::amount(debit));
    match conversion {
        None => amount,
        Some(conversion) => format!(
            "{amount} ({} at mid + {} markup of {})",
            words::bare_amount(conversion.mid_amount.as_ref()),
            words::bare_amount(conversion.markup_amount.as_ref()),
            words::percent(&conversion.markup)
        ),
    }
}

/// The rate of a conversion, who published it, and how old it was.
fn provenance(
    fields: &mut Fields,
    name: &'static str,
    conversion: &Conversion,
    from: Option<&Money>,
    to: Option<&Money>,
) {
    fields.line(name, rate(&conversion.mid_rate, conversion, from, to));
    if has_spread(conversion) {
        fields.line("", rate(&conversion.applied_rate, conversion, from, to) + " applied");
    }
    fields.line("", paint(FAINT, format!("from {}", conversion.rate_source)));
    fields.line("", paint(FAINT, rate_age(conversion)));
}

/// Whether another rate than mid was applied.
pub(crate) fn has_spread(conversion: &Conversion) -> bool {
    !conversion.applied_rate.is_empty()
        && conversion.applied_rate != conversion.mid_rate
        && conversion.applied_rate != conversion.rate_exact
}

/// `HKD 1.179291231 per CNY`.
pub(crate) fn rate(rate: &str, conversion: &Conversion, from: Option<&Money>, to: Option<&Money>) -> String {
    let code = |money: Option<&Money>| money.map(|money| money.currency_code.clone()).unwrap_or_default();
    // A debit too large for an amount has no currency to show; the account has.
    let to = match conversion.mid_amount.as_ref().or(to) {
        None => "debit units".to_owned(),
        money => code(money),
    };
    format!("{to} {rate} per {}", code(from))
}

/// `3.2 s old when decided, lsn 12`.
fn rate_age(conversion: &Conversion) -> String {
    let age = words::duration(Duration::from_millis(conversion.rate_age_ms));
    let crossed = match conversion.cross_rate_lsn {
        0 => String::new(),
        lsn => format!(" crossed with lsn {lsn}"),
    };
    format!("{age} old when decided, lsn {}{crossed}", conversion.rate_lsn)
}

/// A refund, and below it where its payment stands.
pub(crate) fn refund_text(refund: &Refund, payment: Option<&Payment>) -> String {
    let (style, answer) = match refund.state() {
        RefundState::Refunded => (GOOD, "refunded"),
        RefundState::Pending => (GOOD, "pending"),
        RefundState::Declined => (BAD, "declined"),
        RefundState::Unspecified => (BAD, "-"),
    };
    let mut fields = Fields::default();
    if refund.state() == RefundState::Declined {
        let reason = refund.decline_reason();
        fields.line("reason", words::decline(reason, ""));
        fields.line("", paint(FAINT, reason.as_str_name()));
    }
    fields.line("payment", &refund.payment_id);
    fields.line("amount", words::amount(refund.presentment_amount.as_ref()));
    match (&refund.debit_amount, refund.state()) {
        (Some(debit), _) => fields.line("payer gets", paint(STRONG, words::amount(Some(debit)))),
        (None, RefundState::Pending) => fields.line("payer gets", "once there is a rate of a later day"),
        (None, RefundState::Refunded | RefundState::Declined | RefundState::Unspecified) => {}
    }
    if refund.settlement_amount.is_some() {
        fields.line("merchant gives", words::amount(refund.settlement_amount.as_ref()));
    }
    fields.line("at", rate_rule(refund));
    if let Some(difference) = &refund.rate_difference {
        fields.line("difference", format!("{} against the payment's own rate", words::amount(Some(difference))));
    }
    fields.line("decided", words::time(refund.create_time.as_ref().map(|time| time.seconds)));
    fields.line("lsn", format!("{}, durable", refund.lsn));
    if let Some(payment) = payment {
        standing(&mut fields, payment);
    }
    let positions = payment.map(positions).unwrap_or_default();
    format!("{}  refund {}\n{fields}{positions}", paint(style, answer), refund.refund_id)
}

/// At which rate a refund is given back.
fn rate_rule(refund: &Refund) -> String {
    let rule = match refund.rate_rule() {
        RefundRate::Original => "the payment's own rate, margin included",
        RefundRate::Current => "mid of the rate in force, without margin",
        RefundRate::NextDay => "mid of the first rate of a later day, without margin",
        RefundRate::Unspecified => "-",
    };
    if refund.mid_rate.is_empty() { rule.to_owned() } else { format!("{rule}: {}", refund.mid_rate) }
}

/// Postings, numbered, each with what it is for.
pub(crate) fn postings_text(postings: &[Posting]) -> String {
    postings_for(postings, words::posting_purpose)
}

/// Postings, numbered, each with what `purpose` says that it is for.
pub(crate) fn postings_for(postings: &[Posting], purpose: impl Fn(&Posting) -> &'static str) -> String {
    let amounts: Vec<String> = postings.iter().map(|posting| words::amount(posting.amount.as_ref())).collect();
    let width = amounts.iter().map(String::len).max().unwrap_or(0);
    let mut text = String::new();
    for ((posting, amount), number) in postings.iter().zip(&amounts).zip(1..) {
        let amount = paint(STRONG, format!("{amount:>width$}"));
        let gap = " ".repeat(width);
        let purpose = paint(FAINT, purpose(posting));
        text += &format!("  {number}  {amount}  {} -> {}\n", posting.debit_account, posting.credit_account);
        text += &format!("     {gap}  {purpose}\n");
    }
    text
}

#[cfg(test)]
mod tests;
