//! The life of a payment, a line a record.

use domain::{
    AuthorizePayment, CaptureMode, CapturePayment, CaptureRest, Consent, Conversions, Converted, Event, Evidence,
    IncreaseAuthorization, MerchantId, PaymentId, PaymentTotals, RefundPayment, Repriced, VoidPayment,
};
use serde_json::{Value, json};

use super::parts::{account, evidence, note_soft_limit, postings_json, postings_text, totals_json, totals_text};
use super::{LedgerNames, Line, card, moment};

pub(super) fn authorized(command: &AuthorizePayment, event: &Event, names: &LedgerNames) -> Line {
    let (mut text, mut json) = asked(command, names);
    if let Event::PaymentPending(pending) = event {
        card::pending(pending, &mut text, &mut json);
        return ("pending", text, json);
    }
    (approved_by(event, names, &mut text, &mut json), text, json)
}

/// What an approval held, or captured at once.
pub(super) fn approved_by(event: &Event, names: &LedgerNames, text: &mut String, json: &mut Value) -> &'static str {
    if let Event::PaymentAuthorized(held) = event {
        *text += &format!(", held until {}", moment(held.expires_at).replace('T', " "));
        json["expiresAt"] = json!(moment(held.expires_at));
        json["after"] = totals_json(&held.after);
        note_soft_limit(&held.above_soft_limit, text, json);
        return "authorized";
    }
    captured_by(event, names, Standing::Implied, text, json);
    "captured"
}

pub(super) fn captured(command: &CapturePayment, event: &Event, names: &LedgerNames) -> Line {
    let (mut text, mut json) = capture_asked(command, names);
    captured_by(event, names, Standing::Told, &mut text, &mut json);
    ("captured", text, json)
}

/// Whether a line says where the payment stands: one that was captured with its authorization stands as captured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Implied,
    Told,
}

/// What a capture moved.
fn captured_by(event: &Event, names: &LedgerNames, standing: Standing, text: &mut String, json: &mut Value) {
    let Event::PaymentCaptured(captured) = event else { return };
    if standing == Standing::Told {
        after(&captured.after, text, json);
    }
    note_soft_limit(&captured.above_soft_limit, text, json);
    let postings = postings_text(&captured.postings, names);
    *text += &format!(", merchant gets {}: {postings}", captured.settlement_amount.grouped());
    json["settlementAmount"] = json!(captured.settlement_amount.to_string());
    json["postings"] = postings_json(&captured.postings, names);
    json["after"] = totals_json(&captured.after);
}

pub(super) fn voided(command: &VoidPayment, event: &Event, names: &LedgerNames) -> Line {
    let (mut text, mut json) = part_asked(command.payment_id, command.merchant, names);
    if let Event::PaymentVoided(totals) = event {
        after(totals, &mut text, &mut json);
    }
    ("voided", text, json)
}

pub(super) fn refunded(command: &RefundPayment, event: &Event, names: &LedgerNames) -> Line {
    let (mut text, mut json) = refund_asked(command, names);
    if let Event::RefundPending(pending) = event {
        after(&pending.after, &mut text, &mut json);
        let (gives, postings) = (pending.settlement_amount, postings_text(&pending.postings, names));
        text += &format!(", merchant gives {}: {postings}", gives.grouped());
        json["settlementAmount"] = json!(gives.to_string());
        json["pricedFromDay"] = json!(pending.priced_from_day);
        json["postings"] = postings_json(&pending.postings, names);
        return ("pending", text, json);
    }
    if let Event::PaymentRefunded(refunded) = event {
        after(&refunded.after, &mut text, &mut json);
        let (gets, gives) = (refunded.debit_amount, refunded.settlement_amount);
        text += &format!(", payer gets {}, merchant gives {}", gets.grouped(), gives.grouped());
        json["debitAmount"] = json!(gets.to_string());
        json["settlementAmount"] = json!(gives.to_string());
        if let Some(repriced) = &refunded.repriced {
            text += &format!(" at {}", repriced.mid_rate);
            json["repriced"] = repriced_json(repriced);
        }
        text += &format!(": {}", postings_text(&refunded.postings, names));
        json["postings"] = postings_json(&refunded.postings, names);
    }
    ("refunded", text, json)
}

pub(super) fn increased(command: &IncreaseAuthorization, event: &Event, names: &LedgerNames) -> Line {
    let (mut text, mut json) = increase_asked(command, names);
    if let Event::AuthorizationIncreased(increased) = event {
        after(&increased.after, &mut text, &mut json);
        note_soft_limit(&increased.above_soft_limit, &mut text, &mut json);
    }
    ("increased", text, json)
}

pub(super) fn expired(event: &Event) -> Line {
    let Event::HoldsExpired(holds) = event else { return ("expired", String::new(), json!({})) };
    let texts: Vec<String> =
        holds.iter().map(|hold| format!("{} {}", hold.payment_id, totals_text(&hold.after))).collect();
    let json: Vec<Value> = holds
        .iter()
        .map(|hold| json!({ "paymentId": hold.payment_id.to_string(), "after": totals_json(&hold.after) }))
        .collect();
    ("expired", texts.join("; "), json!({ "holds": json }))
}

pub(super) fn priced(event: &Event, names: &LedgerNames) -> Line {
    let Event::RefundsPriced(refunds) = event else { return ("priced", String::new(), json!({})) };
    let (mut texts, mut json) = (Vec::new(), Vec::new());
    for refund in refunds {
        let (gets, rate) = (refund.debit_amount.grouped(), refund.repriced.mid_rate);
        let postings = postings_text(&refund.postings, names);
        texts.push(format!(
            "refund {} of {}, payer gets {gets} at {rate}: {postings}",
            refund.refund_id, refund.payment_id
        ));
        json.push(json!({
            "paymentId": refund.payment_id.to_string(),
            "refundId": refund.refund_id.to_string(),
            "debitAmount": refund.debit_amount.to_string(),
            "repriced": repriced_json(&refund.repriced),
            "postings": postings_json(&refund.postings, names),
        }));
    }
    ("priced", texts.join("; "), json!({ "refunds": json }))
}

/// What a merchant asked: `… CNY 100.00 for demo-cafe from wallet:demo-wallet/hk-alice, debit HKD 119.11 at …`.
pub(super) fn asked(command: &AuthorizePayment, names: &LedgerNames) -> (String, Value) {
    let merchant = names.merchant(command.merchant);
    let payer = account(&command.payer, names);
    let amount = command.presentment_amount;
    let from = command.consent.card().map_or_else(|| payer.clone(), |token| names.card(token));
    let mut text = format!("{} {} for {merchant} from {from}", command.payment_id, amount.grouped());
    let mut json = json!({
        "paymentId": command.payment_id.to_string(),
        "merchant": merchant,
        "merchantOrderId": command.merchant_order_id.as_str(),
        "payer": payer,
        "presentmentAmount": amount.to_string(),
        "captureMode": match command.capture_mode {
            CaptureMode::Automatic => "automatic",
            CaptureMode::Manual => "manual",
        },
        "consent": consent(&command.consent),
    });
    if let Some(token) = command.consent.card() {
        json["card"] = card::card_json(token, names);
    }
    converted(&command.converted, &mut text, &mut json);
    if let Some(offer) = &command.offer {
        text += &format!(" by quote {}", offer.quote_id);
        json["quoteId"] = json!(offer.quote_id.to_string());
    }
    if let Some(max) = command.debit_amount_max {
        json["maxDebitAmount"] = json!(max.to_string());
    }
    (text, json)
}

pub(super) fn part_asked(payment_id: PaymentId, merchant: MerchantId, names: &LedgerNames) -> (String, Value) {
    let merchant = names.merchant(merchant);
    let json = json!({ "paymentId": payment_id.to_string(), "merchant": merchant });
    (format!("{payment_id} of {merchant}"), json)
}

pub(super) fn capture_asked(command: &CapturePayment, names: &LedgerNames) -> (String, Value) {
    let (mut text, mut json) = part_asked(command.payment_id, command.merchant, names);
    text += &format!(" {}", command.amount.grouped());
    json["amount"] = json!(command.amount.to_string());
    if command.rest == CaptureRest::Released {
        text += ", rest released";
        json["final"] = json!(true);
    }
    (text, json)
}

pub(super) fn refund_asked(command: &RefundPayment, names: &LedgerNames) -> (String, Value) {
    let (text, mut json) = part_asked(command.payment_id, command.merchant, names);
    json["refundId"] = json!(command.refund_id.to_string());
    json["amount"] = json!(command.amount.to_string());
    (format!("{text} {}, refund {}", command.amount.grouped(), command.refund_id), json)
}

pub(super) fn increase_asked(command: &IncreaseAuthorization, names: &LedgerNames) -> (String, Value) {
    let (mut text, mut json) = part_asked(command.payment_id, command.merchant, names);
    text += &format!(" by {}", command.amount.grouped());
    json["amount"] = json!(command.amount.to_string());
    if let Some(given) = &command.consent {
        json["consent"] = json!(consent(given));
    }
    converted(&command.converted, &mut text, &mut json);
    (text, json)
}

/// At which rates the amounts follow.
fn converted(conversions: &Evidence<Conversions>, text: &mut String, json: &mut Value) {
    let Some(conversions) = evidence(conversions) else { return };
    if let Converted::Quoted(quote) = &conversions.debit {
        let pricing = &quote.pricing;
        json["midRate"] = json!(pricing.prices.mid().to_string());
        json["markup"] = json!(quote.markup.to_string());
        json["rateLsn"] = json!(pricing.rate_lsn.get());
        json["rateSource"] = json!(pricing.source.as_str());
        if let Some(lsn) = pricing.cross_lsn {
            json["crossRateLsn"] = json!(lsn.get());
        }
        if let Some(amounts) = &quote.amounts {
            *text += &format!(", debit {} at {}", amounts.debit.grouped(), pricing.prices.mid());
            json["debitAmount"] = json!(amounts.debit.to_string());
        }
    }
    if let Converted::Quoted(quote) = &conversions.settlement {
        let rate = quote.pricing.prices.settlement();
        json["settlementRate"] = json!(rate.to_string());
        json["settlementRateLsn"] = json!(quote.pricing.rate_lsn.get());
        if let Some(gross) = quote.gross {
            *text += &format!(", gross {} at {rate}", gross.grouped());
        }
    }
}

fn after(totals: &PaymentTotals, text: &mut String, json: &mut Value) {
    *text += &format!(", {}", totals_text(totals));
    json["after"] = totals_json(totals);
}

fn consent(consent: &Consent) -> String {
    match consent {
        Consent::PayerNamed => "payer_named".to_owned(),
        Consent::Code(_) => "code".to_owned(),
        Consent::OrderApproved => "order_approved".to_owned(),
        Consent::Mandate(mandate) => format!("mandate {mandate}"),
        Consent::Card(_) => "card".to_owned(),
        Consent::CardOrderApproved(_) => "card_order_approved".to_owned(),
    }
}

fn repriced_json(repriced: &Repriced) -> Value {
    json!({
        "midRate": repriced.mid_rate.to_string(),
        "rateLsn": repriced.rate_lsn.get(),
        "difference": repriced.difference.to_string(),
    })
}
