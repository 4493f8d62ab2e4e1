//! Consents of payers, a line a record.

use domain::{
    AccountId, ApproveCardOrder, ApproveOrder, Event, Evidence, GrantMandate, IssueCode, MerchantId, RevokeMandate,
};
use money::Money;
use serde_json::{Value, json};

use super::card::card_json;
use super::parts::{account, merchant};
use super::{LedgerNames, Line, moment};

/// The word for all of them.
const CONSENT: &str = "consent";

pub(super) fn code(command: &IssueCode, event: &Event, names: &LedgerNames) -> Line {
    let (text, mut json) = given(&command.account, &command.merchant, command.debit_amount_max, names);
    if let Event::CodeIssued { expires_at } = event {
        json["expiresAt"] = json!(moment(*expires_at));
    }
    json["consent"] = json!("code");
    (CONSENT, format!("one-time code: {text}"), json)
}

pub(super) fn order(command: &ApproveOrder, names: &LedgerNames) -> Line {
    let (text, mut json) = given(&command.account, &command.merchant, command.debit_amount_max, names);
    json["consent"] = json!("order_approved");
    json["expiresAt"] = json!(moment(command.expires_at));
    (CONSENT, format!("order approved: {text}"), json)
}

pub(super) fn card_order(command: &ApproveCardOrder, names: &LedgerNames) -> Line {
    let ApproveCardOrder { token, debit_amount_max, expires_at, .. } = command;
    let (card, merchant) = (names.card(*token), merchant(&command.merchant, names));
    let text = format!("order approved: {merchant} may charge {card} by {}", debit_amount_max.grouped());
    let json = json!({
        "consent": "card_order_approved",
        "card": card_json(*token, names),
        "merchant": merchant,
        "debitMax": debit_amount_max.to_string(),
        "expiresAt": moment(*expires_at),
    });
    (CONSENT, text, json)
}

pub(super) fn mandate(command: &GrantMandate, names: &LedgerNames) -> Line {
    let (text, mut json) = given(&command.account, &command.merchant, command.payment_debit_max, names);
    json["consent"] = json!("mandate");
    json["mandateId"] = json!(command.mandate_id.to_string());
    json["periodDebitMax"] = json!(command.period_debit_max.to_string());
    json["periodMs"] = json!(command.period_ms);
    json["expiresAt"] = json!(moment(command.expires_at));
    let period = command.period_debit_max.grouped();
    (CONSENT, format!("mandate {}: {text} a payment, {period} a period", command.mandate_id), json)
}

pub(super) fn revoked(command: &RevokeMandate) -> Line {
    let mandate = command.mandate_id.to_string();
    ("revoked", format!("mandate {mandate}"), json!({ "mandateId": mandate }))
}

/// `demo-cafe may debit wallet:demo-wallet/hk-alice by HKD 120.00`.
fn given(
    of: &Evidence<AccountId>,
    to: &Evidence<MerchantId>,
    debit_max: Money,
    names: &LedgerNames,
) -> (String, Value) {
    let (account, merchant) = (account(of, names), merchant(to, names));
    let json = json!({ "account": account, "merchant": merchant, "debitMax": debit_max.to_string() });
    (format!("{merchant} may debit {account} by {}", debit_max.grouped()), json)
}
