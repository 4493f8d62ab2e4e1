//! What payers agreed to, and wrong codes.

use domain::{
    AccountId, MerchantId, StandingApproval, StandingCardApproval, StandingCode, StandingGuesses, StandingMandate,
    Timestamp, WalletId,
};
use money::Money;

use crate::{
    journal::{DecodeError, command::card, value},
    journal_v1,
};

pub(super) fn write_code(code: &StandingCode) -> journal_v1::StandingCode {
    let StandingCode { code, account, merchant, debit_amount_max, expires_at } = code;
    journal_v1::StandingCode {
        code: code.0.to_vec(),
        account: account.packed(),
        merchant: merchant.0,
        debit_max_minor_units: of_account(*debit_amount_max, *account),
        expires_at_us: expires_at.micros(),
    }
}

pub(super) fn read_code(message: &journal_v1::StandingCode) -> Result<StandingCode, DecodeError> {
    let account = value::account("code.account", message.account)?;
    Ok(StandingCode {
        code: value::digest("code.code", &message.code)?,
        account,
        merchant: MerchantId(message.merchant),
        debit_amount_max: Money::new(account.currency, message.debit_max_minor_units.into()),
        expires_at: Timestamp::from_micros(message.expires_at_us),
    })
}

pub(super) fn write_approval(approval: &StandingApproval) -> journal_v1::StandingApproval {
    let StandingApproval { merchant, order, account, debit_amount_max, expires_at } = approval;
    journal_v1::StandingApproval {
        merchant: merchant.0,
        merchant_order_digest: order.0.to_vec(),
        account: account.packed(),
        debit_max_minor_units: of_account(*debit_amount_max, *account),
        expires_at_us: expires_at.micros(),
    }
}

pub(super) fn read_approval(message: &journal_v1::StandingApproval) -> Result<StandingApproval, DecodeError> {
    let account = value::account("approval.account", message.account)?;
    Ok(StandingApproval {
        merchant: MerchantId(message.merchant),
        order: value::digest("approval.merchant_order_digest", &message.merchant_order_digest)?,
        account,
        debit_amount_max: Money::new(account.currency, message.debit_max_minor_units.into()),
        expires_at: Timestamp::from_micros(message.expires_at_us),
    })
}

pub(super) fn write_card_approval(approval: &StandingCardApproval) -> journal_v1::StandingCardApproval {
    let StandingCardApproval { merchant, order, token, debit_amount_max, expires_at } = approval;
    journal_v1::StandingCardApproval {
        merchant: merchant.0,
        merchant_order_digest: order.0.to_vec(),
        token: token.bytes().to_vec(),
        debit_max_currency: value::number(debit_amount_max.currency()),
        debit_max_minor_units: value::minor_units(*debit_amount_max),
        expires_at_us: expires_at.micros(),
    }
}

pub(super) fn read_card_approval(
    message: &journal_v1::StandingCardApproval,
) -> Result<StandingCardApproval, DecodeError> {
    let currency = value::currency("card_approval.debit_max_currency", message.debit_max_currency)?;
    Ok(StandingCardApproval {
        merchant: MerchantId(message.merchant),
        order: value::digest("card_approval.merchant_order_digest", &message.merchant_order_digest)?,
        token: card::token("card_approval.token", &message.token)?,
        debit_amount_max: Money::new(currency, message.debit_max_minor_units.into()),
        expires_at: Timestamp::from_micros(message.expires_at_us),
    })
}

pub(super) fn write_mandate(mandate: &StandingMandate) -> journal_v1::StandingMandate {
    let StandingMandate { mandate_id, account, wallet, merchant, payment_debit_max, period_debit_max, .. } = mandate;
    let StandingMandate { period_ms, granted_at, expires_at, revoked, period, used, .. } = mandate;
    journal_v1::StandingMandate {
        mandate_id: mandate_id.bytes().to_vec(),
        account: account.packed(),
        wallet: wallet.0,
        merchant: merchant.0,
        payment_debit_max_minor_units: of_account(*payment_debit_max, *account),
        period_debit_max_minor_units: of_account(*period_debit_max, *account),
        period_ms: *period_ms,
        granted_at_us: granted_at.micros(),
        expires_at_us: expires_at.micros(),
        revoked: *revoked,
        period: *period,
        used_minor_units: of_account(*used, *account),
    }
}

pub(super) fn read_mandate(message: &journal_v1::StandingMandate) -> Result<StandingMandate, DecodeError> {
    let account = value::account("mandate.account", message.account)?;
    let amount = |minor_units: i64| Money::new(account.currency, minor_units.into());
    Ok(StandingMandate {
        mandate_id: value::mandate_id("mandate.mandate_id", &message.mandate_id)?,
        account,
        wallet: WalletId(message.wallet),
        merchant: MerchantId(message.merchant),
        payment_debit_max: amount(message.payment_debit_max_minor_units),
        period_debit_max: amount(message.period_debit_max_minor_units),
        period_ms: message.period_ms,
        granted_at: Timestamp::from_micros(message.granted_at_us),
        expires_at: Timestamp::from_micros(message.expires_at_us),
        revoked: message.revoked,
        period: message.period,
        used: amount(message.used_minor_units),
    })
}

pub(super) fn write_guesses(guesses: &StandingGuesses) -> journal_v1::StandingGuesses {
    let StandingGuesses { merchant, window_ends_at, wrong } = guesses;
    journal_v1::StandingGuesses { merchant: merchant.0, window_ends_at_us: window_ends_at.micros(), wrong: *wrong }
}

pub(super) fn read_guesses(message: &journal_v1::StandingGuesses) -> StandingGuesses {
    let journal_v1::StandingGuesses { merchant, window_ends_at_us, wrong } = message;
    StandingGuesses {
        merchant: MerchantId(*merchant),
        window_ends_at: Timestamp::from_micros(*window_ends_at_us),
        wrong: *wrong,
    }
}

fn of_account(amount: Money, account: AccountId) -> i64 {
    assert!(amount.currency() == account.currency, "what is agreed to is in the currency of the account");
    value::minor_units(amount)
}
