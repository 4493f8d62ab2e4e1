//! Persons, their cards, and what issuers and schemes say, a line a record.

use domain::{
    AcknowledgeAdvice, AnswerCard, ApprovalCode, AssertPerson, AttemptDeclined, BindCard, CardAnswer, CardFace,
    CardRenewed, CardToken, CountedLimit, DocumentKind, Event, Lsn, PayerFee, PaymentId, PaymentPending, SettleScheme,
    UnbindCard, Undo,
};
use serde_json::{Value, json};
use wire::v1;

use super::parts::{note_soft_limit, postings_json, postings_text, totals_json, totals_text};
use super::payment::approved_by;
use super::{DECLINED, LedgerNames, Line, moment};
use crate::commands::journal::ledger_names::face;
use crate::words;

pub(super) fn asserted(command: &AssertPerson, names: &LedgerNames) -> Line {
    let tier = command.tier.as_str();
    let mut text = format!("{}: {tier}", names.person(command.wallet, &command.person));
    let documents: Vec<v1::DocumentKind> = command.documents.iter().map(document).collect();
    if !documents.is_empty() {
        let told: Vec<&str> = documents.iter().copied().map(words::document).collect();
        text += &format!(" by {}", told.join("; "));
    }
    let label = |kind: &v1::DocumentKind| kind.as_str_name().trim_start_matches("DOCUMENT_KIND_").to_lowercase();
    let json = json!({
        "wallet": names.wallet(command.wallet),
        "person": command.person.as_str(),
        "tier": tier,
        "documents": documents.iter().map(label).collect::<Vec<_>>(),
    });
    ("asserted", text, json)
}

fn document(kind: DocumentKind) -> v1::DocumentKind {
    v1::DocumentKind::try_from(i32::from(kind.number())).unwrap_or_default()
}

pub(super) fn bound(command: &BindCard, event: &Event, names: &LedgerNames) -> Line {
    let Event::CardRenewed(CardRenewed { token, billing_currency }) = event else {
        let (text, json) = bind_asked(command, names);
        return ("bound", text, json);
    };
    // What was asked was under another token, which is nobody's.
    let kept = BindCard { token: *token, billing_currency: *billing_currency, ..command.clone() };
    let (text, json) = bind_asked(&kept, names);
    ("renewed", text, json)
}

/// `visa 424242…4242 to us-dana of demo-wallet as 0199…`.
pub(super) fn bind_asked(command: &BindCard, names: &LedgerNames) -> (String, Value) {
    let person = names.person(command.wallet, &command.person);
    let text = format!("{} to {person} as {}", face(&command.card), command.token);
    let json = json!({
        "card": face_json(command.token, &command.card),
        "wallet": names.wallet(command.wallet),
        "person": command.person.as_str(),
        "billingCurrency": command.billing_currency.map(|currency| currency.code()),
    });
    (text, json)
}

pub(super) fn unbound(command: &UnbindCard, names: &LedgerNames) -> Line {
    let text = format!("{} of {}", names.card(command.token), names.wallet(command.wallet));
    let json = json!({ "card": card_json(command.token, names), "wallet": names.wallet(command.wallet) });
    ("unbound", text, json)
}

/// A card as far as records told of it.
pub(super) fn card_json(token: CardToken, names: &LedgerNames) -> Value {
    names.bound(token).map_or_else(|| json!({ "token": token.to_string() }), |bound| face_json(token, &bound.card))
}

fn face_json(token: CardToken, card: &CardFace) -> Value {
    json!({
        "token": token.to_string(),
        "scheme": card.scheme.as_str(),
        "bin": card.bin.as_str(),
        "lastFour": card.last_four.as_str(),
    })
}

/// What is added to a payment whose issuer is asked.
pub(super) fn pending(pending: &PaymentPending, text: &mut String, json: &mut Value) {
    let answer_by = moment(pending.answer_by);
    let charged = pending.after.authorized.debit.grouped();
    *text += &format!(", issuer asked for {charged} until {}", answer_by.replace('T', " "));
    json["answerBy"] = json!(answer_by);
    json["after"] = totals_json(&pending.after);
    let CountedLimit { year, mid_rate, amount } = pending.counted;
    json["counted"] = json!({
        "year": year,
        "midRate": mid_rate.map(|rate| rate.to_string()),
        "amount": amount.to_string(),
    });
    if let Some(fee) = pending.fee {
        json["payerFee"] = json!({ "freeUpTo": fee.free_up_to.to_string(), "ratio": fee.ratio.to_string() });
    }
    note_soft_limit(&pending.above_soft_limit, text, json);
}

/// `3 % of the whole above CNY 200.00`.
pub(in crate::commands::journal) fn fee_text(fee: Option<PayerFee>) -> String {
    fee.map_or_else(
        || "none".to_owned(),
        |fee| format!("{} of the whole above {}", fee.ratio.percent(), fee.free_up_to.grouped()),
    )
}

/// `USD 37.58 in 2026, at mid 0.1503108`.
pub(in crate::commands::journal) fn counted_text(counted: &CountedLimit) -> String {
    let rate = counted.mid_rate.map(|rate| format!(", at mid {rate}")).unwrap_or_default();
    format!("{} in {}{rate}", counted.amount.grouped(), counted.year)
}

pub(super) fn answered(command: &AnswerCard, event: &Event, lsn: Lsn, names: &LedgerNames) -> Line {
    let mut json = answer_json(command, event, lsn);
    let text = format!("{} {}", command.payment_id, answer_text(command, event, lsn));
    if let Event::AttemptDeclined(ended) = event {
        return attempt_declined(ended, text, json);
    }
    let mut text = text;
    (approved_by(event, names, &mut text, &mut json), text, json)
}

pub(super) fn timed_out(payment_id: PaymentId, event: &Event) -> Line {
    let text = format!("{payment_id} the issuer did not answer in time");
    let json = json!({ "paymentId": payment_id.to_string() });
    let Event::AttemptDeclined(ended) = event else { return (DECLINED, text, json) };
    attempt_declined(ended, text, json)
}

fn attempt_declined(ended: &AttemptDeclined, text: String, mut json: Value) -> Line {
    let reason = ended.reason.as_str();
    json["declineReason"] = json!(reason);
    json["reversed"] = json!(ended.undo == Undo::Reversal);
    json["after"] = totals_json(&ended.after);
    let undone = match ended.undo {
        Undo::Nothing => "",
        Undo::Reversal => ", to be reversed",
    };
    (DECLINED, format!("{reason}: {text}{undone}, {}", totals_text(&ended.after)), json)
}

/// What the issuer said, or the switch in its stead: `issuer approved, response 00, approval 123456, bills USD 38.71`.
pub(in crate::commands::journal) fn answer_text(command: &AnswerCard, event: &Event, lsn: Lsn) -> String {
    match &command.answer {
        CardAnswer::Approved(approval) => {
            let billing = approval.billing.map(|billing| format!(", bills {}", billing.amount.grouped()));
            let (response, code, billing) =
                (approval.response_code, approval.approval_code, billing.unwrap_or_default());
            format!("issuer approved, response {response}, approval {code}{billing}")
        }
        CardAnswer::Declined { response_code, .. } => format!("issuer declined, response {response_code}"),
        CardAnswer::Partial { response_code } => format!("issuer approved a part only, response {response_code}"),
        CardAnswer::NotSent if event.is_approval() => {
            format!("line down, the switch stood in, approval {}", ApprovalCode::stand_in(lsn))
        }
        CardAnswer::NotSent => "line down, the issuer was not asked".to_owned(),
    }
}

fn answer_json(command: &AnswerCard, event: &Event, lsn: Lsn) -> Value {
    let mut json =
        json!({ "paymentId": command.payment_id.to_string(), "requestLsn": command.request.get(), "stoodIn": false });
    match &command.answer {
        CardAnswer::Approved(approval) => {
            json["responseCode"] = json!(approval.response_code.as_str());
            json["approvalCode"] = json!(approval.approval_code.as_str());
            json["billingAmount"] = json!(approval.billing.map(|billing| billing.amount.to_string()));
        }
        CardAnswer::Declined { response_code, .. } | CardAnswer::Partial { response_code } => {
            json["responseCode"] = json!(response_code.as_str());
        }
        CardAnswer::NotSent if event.is_approval() => {
            json["stoodIn"] = json!(true);
            json["approvalCode"] = json!(ApprovalCode::stand_in(lsn).as_str());
        }
        CardAnswer::NotSent => {}
    }
    json
}

pub(super) fn acknowledged(command: AcknowledgeAdvice) -> Line {
    let lsn = command.advice;
    ("taken", format!("by the card network: the advice of lsn {lsn}"), json!({ "adviceLsn": lsn.get() }))
}

pub(super) fn settled(command: &SettleScheme, event: &Event, names: &LedgerNames) -> Line {
    let (mut text, mut json) = settlement_asked(command);
    if let Event::SchemeSettled(postings) = event {
        text += &format!(": {}", postings_text(postings, names));
        json["postings"] = postings_json(postings, names);
    }
    ("settled", text, json)
}

pub(super) fn settlement_asked(command: &SettleScheme) -> (String, Value) {
    let SettleScheme { scheme, received, settled } = command;
    let text = format!("{} from {} for {}", received.grouped(), scheme.as_str(), settled.grouped());
    let (received, settled) = (received.to_string(), settled.to_string());
    (text, json!({ "scheme": scheme.as_str(), "received": received, "settled": settled }))
}
