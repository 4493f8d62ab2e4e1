//! How payers agree.

use domain::{
    ApproveCardOrder, ApproveOrder, Consent, Evidence, GrantMandate, IssueCode, MerchantId, RevokeMandate, Timestamp,
    WalletId,
};
use money::{Currency, Money};

use crate::{
    journal::{DecodeError, command::card, value},
    journal_v1::{self, consent::Consent as Message},
};

pub(super) fn write(consent: Consent) -> Option<journal_v1::Consent> {
    let message = match consent {
        Consent::PayerNamed => return None,
        Consent::Code(code) => Message::Code(code.0.to_vec()),
        Consent::OrderApproved => Message::OrderApproved(journal_v1::OrderApproved {}),
        Consent::Mandate(mandate) => Message::Mandate(mandate.bytes().to_vec()),
        Consent::Card(token) => Message::Card(token.bytes().to_vec()),
        Consent::CardOrderApproved(token) => Message::CardOrderApproved(token.bytes().to_vec()),
    };
    Some(journal_v1::Consent { consent: Some(message) })
}

/// `None` where the payer was named, or no consent was needed.
pub(super) fn read(message: Option<&journal_v1::Consent>) -> Result<Option<Consent>, DecodeError> {
    let Some(journal_v1::Consent { consent }) = message else { return Ok(None) };
    Ok(Some(match value::required("consent.consent", consent.as_ref())? {
        Message::Code(code) => Consent::Code(value::digest("consent.code", code)?),
        Message::OrderApproved(journal_v1::OrderApproved {}) => Consent::OrderApproved,
        Message::Card(token) => Consent::Card(card::token("consent.card", token)?),
        Message::CardOrderApproved(token) => {
            Consent::CardOrderApproved(card::token("consent.card_order_approved", token)?)
        }
        Message::Mandate(mandate) => Consent::Mandate(value::mandate_id("consent.mandate", mandate)?),
    }))
}

pub(super) fn write_code(command: &IssueCode) -> journal_v1::IssueCode {
    let IssueCode { account, merchant, debit_amount_max, code } = command;
    let account = value::present(account);
    journal_v1::IssueCode {
        account: account.packed(),
        merchant: value::present(merchant).0,
        debit_max_minor_units: debit_max(*debit_amount_max, account.currency),
        code: code.0.to_vec(),
    }
}

pub(super) fn read_code(message: &journal_v1::IssueCode) -> Result<IssueCode, DecodeError> {
    let journal_v1::IssueCode { account, merchant, debit_max_minor_units, code } = message;
    let account = value::account("issue_code.account", *account)?;
    Ok(IssueCode {
        account: Evidence::Present(account),
        merchant: Evidence::Present(MerchantId(*merchant)),
        debit_amount_max: value::payable("issue_code.debit_max_minor_units", account.currency, *debit_max_minor_units)?,
        code: value::digest("issue_code.code", code)?,
    })
}

pub(super) fn write_approval(command: &ApproveOrder) -> journal_v1::ApproveOrder {
    let ApproveOrder { account, merchant, merchant_order_digest, debit_amount_max, expires_at } = command;
    let account = value::present(account);
    journal_v1::ApproveOrder {
        account: account.packed(),
        merchant: value::present(merchant).0,
        merchant_order_digest: merchant_order_digest.0.to_vec(),
        debit_max_minor_units: debit_max(*debit_amount_max, account.currency),
        expires_at_us: expires_at.micros(),
    }
}

pub(super) fn read_approval(message: &journal_v1::ApproveOrder) -> Result<ApproveOrder, DecodeError> {
    let journal_v1::ApproveOrder { account, merchant, merchant_order_digest, debit_max_minor_units, expires_at_us } =
        message;
    let account = value::account("approve_order.account", *account)?;
    Ok(ApproveOrder {
        account: Evidence::Present(account),
        merchant: Evidence::Present(MerchantId(*merchant)),
        merchant_order_digest: value::digest("approve_order.merchant_order_digest", merchant_order_digest)?,
        debit_amount_max: value::payable(
            "approve_order.debit_max_minor_units",
            account.currency,
            *debit_max_minor_units,
        )?,
        expires_at: Timestamp::from_micros(*expires_at_us),
    })
}

pub(super) fn write_card_approval(command: &ApproveCardOrder) -> journal_v1::ApproveCardOrder {
    let ApproveCardOrder { wallet, token, merchant, merchant_order_digest, debit_amount_max, expires_at } = command;
    journal_v1::ApproveCardOrder {
        wallet: wallet.0,
        token: token.bytes().to_vec(),
        merchant: value::present(merchant).0,
        merchant_order_digest: merchant_order_digest.0.to_vec(),
        debit_max_currency: value::number(debit_amount_max.currency()),
        debit_max_minor_units: value::payable_minor_units(*debit_amount_max),
        expires_at_us: expires_at.micros(),
    }
}

pub(super) fn read_card_approval(message: &journal_v1::ApproveCardOrder) -> Result<ApproveCardOrder, DecodeError> {
    let journal_v1::ApproveCardOrder { wallet, token, merchant, merchant_order_digest, .. } = message;
    let currency = value::currency("approve_card_order.debit_max_currency", message.debit_max_currency)?;
    let units = message.debit_max_minor_units;
    Ok(ApproveCardOrder {
        wallet: WalletId(*wallet),
        token: card::token("approve_card_order.token", token)?,
        merchant: Evidence::Present(MerchantId(*merchant)),
        merchant_order_digest: value::digest("approve_card_order.merchant_order_digest", merchant_order_digest)?,
        debit_amount_max: value::payable("approve_card_order.debit_max_minor_units", currency, units)?,
        expires_at: Timestamp::from_micros(message.expires_at_us),
    })
}

pub(super) fn write_mandate(command: &GrantMandate) -> journal_v1::GrantMandate {
    let GrantMandate { mandate_id, account, merchant, payment_debit_max, period_debit_max, period_ms, expires_at } =
        command;
    let account = value::present(account);
    journal_v1::GrantMandate {
        mandate_id: mandate_id.bytes().to_vec(),
        account: account.packed(),
        merchant: value::present(merchant).0,
        payment_debit_max_minor_units: debit_max(*payment_debit_max, account.currency),
        period_debit_max_minor_units: debit_max(*period_debit_max, account.currency),
        period_ms: *period_ms,
        expires_at_us: expires_at.micros(),
    }
}

pub(super) fn read_mandate(message: &journal_v1::GrantMandate) -> Result<GrantMandate, DecodeError> {
    let journal_v1::GrantMandate {
        mandate_id,
        account,
        merchant,
        payment_debit_max_minor_units,
        period_debit_max_minor_units,
        period_ms,
        expires_at_us,
    } = message;
    let account = value::account("grant_mandate.account", *account)?;
    let max = |field, minor_units: &i64| value::payable(field, account.currency, *minor_units);
    Ok(GrantMandate {
        mandate_id: value::mandate_id("grant_mandate.mandate_id", mandate_id)?,
        account: Evidence::Present(account),
        merchant: Evidence::Present(MerchantId(*merchant)),
        payment_debit_max: max("grant_mandate.payment_debit_max_minor_units", payment_debit_max_minor_units)?,
        period_debit_max: max("grant_mandate.period_debit_max_minor_units", period_debit_max_minor_units)?,
        period_ms: *period_ms,
        expires_at: Timestamp::from_micros(*expires_at_us),
    })
}

pub(super) fn write_revocation(command: &RevokeMandate) -> journal_v1::RevokeMandate {
    let RevokeMandate { wallet, mandate_id } = command;
    journal_v1::RevokeMandate { wallet: wallet.0, mandate_id: mandate_id.bytes().to_vec() }
}

pub(super) fn read_revocation(message: &journal_v1::RevokeMandate) -> Result<RevokeMandate, DecodeError> {
    let journal_v1::RevokeMandate { wallet, mandate_id } = message;
    let mandate_id = value::mandate_id("revoke_mandate.mandate_id", mandate_id)?;
    Ok(RevokeMandate { wallet: WalletId(*wallet), mandate_id })
}

fn debit_max(amount: Money, currency: Currency) -> i64 {
    assert!(amount.currency() == currency, "a payer agrees to a debit in the currency of its account");
    value::payable_minor_units(amount)
}
