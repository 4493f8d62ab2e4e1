//! Parts of a line that many records have.

use domain::{AccountId, Evidence, MerchantId, PaymentAmount, PaymentTotals, Posting};
use money::Currency;
use serde_json::{Value, json};

use super::LedgerNames;

/// The account that was found; a record without one has a decision against.
pub(super) fn account(found: &Evidence<AccountId>, names: &LedgerNames) -> String {
    evidence(found).map_or_else(|| "-".to_owned(), |account| names.account(*account))
}

/// The merchant that was found.
pub(super) fn merchant(found: &Evidence<MerchantId>, names: &LedgerNames) -> String {
    evidence(found).map_or_else(|| "-".to_owned(), |merchant| names.merchant(*merchant))
}

pub(super) fn evidence<T>(evidence: &Evidence<T>) -> Option<&T> {
    match evidence {
        Evidence::Present(found) => Some(found),
        Evidence::Unavailable(_) => None,
    }
}

/// `HKD 117.93 wallet:demo-wallet/hk-alice -> fx_position:HKD; …`.
pub(super) fn postings_text(postings: &[Posting], names: &LedgerNames) -> String {
    postings.iter().map(|posting| posting_line(posting, names)).collect::<Vec<_>>().join("; ")
}

/// `HKD 117.93 wallet:demo-wallet/hk-alice -> fx_position:HKD`.
pub(in crate::commands::journal) fn posting_line(posting: &Posting, names: &LedgerNames) -> String {
    let (debit, credit) = (names.account(posting.debit()), names.account(posting.credit()));
    format!("{} {debit} -> {credit}", posting.amount().grouped())
}

pub(super) fn postings_json(postings: &[Posting], names: &LedgerNames) -> Value {
    postings.iter().map(|posting| posting_json(posting, names)).collect()
}

pub(super) fn posting_json(posting: &Posting, names: &LedgerNames) -> Value {
    json!({
        "debitAccount": names.account(posting.debit()),
        "creditAccount": names.account(posting.credit()),
        "amount": posting.amount().to_string(),
    })
}

/// Where a payment stands right after a record: `partially_captured, HKD 47.64 held`.
pub(in crate::commands::journal) fn totals_text(after: &PaymentTotals) -> String {
    if after.held.is_zero() {
        return after.state.as_str().to_owned();
    }
    format!("{}, {} held", after.state.as_str(), after.held.grouped())
}

pub(super) fn totals_json(after: &PaymentTotals) -> Value {
    let amount = |amount: &PaymentAmount| {
        json!({
            "presentment": amount.presentment.to_string(),
            "debit": amount.debit.to_string(),
            "settlement": amount.settlement.to_string(),
        })
    };
    json!({
        "state": after.state.as_str(),
        "authorized": amount(&after.authorized),
        "captured": amount(&after.captured),
        "refunded": amount(&after.refunded),
        "held": after.held.to_string(),
    })
}

/// Notes currencies whose open position is above its soft limit.
pub(super) fn note_soft_limit(above: &[Currency], text: &mut String, json: &mut Value) {
    if !above.is_empty() {
        let codes: Vec<&str> = above.iter().map(|currency| currency.code()).collect();
        *text += &format!(", above soft limit in {}", codes.join(" "));
        json["aboveSoftLimit"] = json!(codes);
    }
}
