//! Requests, parsed: after this door no raw string or bare integer stands for a thing that has a type.
//!
//! One function a request. Fields are checked in the order of the message, and the first that is not what it should be
//! is told. Whether a request is a good idea (whether the account exists, whether the rate is fresh) is not asked here.

mod accounts;
mod cards;
mod consents;
mod field;
mod invalid;
mod operations;
mod payments;
mod rates;
mod reads;
mod sandbox;
#[cfg(test)]
mod tests;

use domain::{AccountName, Fingerprint, IdempotencyKey, KeyText, TenantId};

pub use accounts::{account_name, close_account, deposit, freeze_account, open_account, unfreeze_account, withdraw};
pub use cards::{CardRequest, assert_person, bind_card, card_token, invalid_card, person_name, unbind_card};
pub use consents::{
    ApprovedPayer, CodeRequest, MandateRequest, OrderApproval, approve_order, grant_mandate, issue_code, revoke_mandate,
};
pub use invalid::{InvalidField, InvalidReason};
pub use operations::{fund_reserve, pay_out, publish_rates, register_merchant, settle_scheme, square_position};
pub use payments::{Increase, capture, increase, payment_id, payment_request, refund, void};
pub use rates::RATES_MAX;
pub use reads::{
    PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX, Page, PaymentFilter, PaymentList, PaymentName, QuoteRequest, QuotedPayer,
    RateHistory, Receipt, Watch, page, payment_list, payment_name, quote, rate_history, receipt, watch,
};
pub use sandbox::{ADVANCE_MS_MAX, Failure, RatePin, advance_clock, fail_next, pin_rate};

use crate::{
    digest::{Digester, Purpose},
    v1,
};

fn payer(reference: &v1::AccountReference) -> Result<AccountName, InvalidField> {
    Ok(AccountName {
        wallet: field::name("payer.wallet_id", &reference.wallet_id)?,
        account: field::name("payer.account_id", &reference.account_id)?,
    })
}

fn idempotency_key(
    tenant: TenantId,
    text: KeyText<'_>,
    fingerprint: Fingerprint,
    digester: &Digester,
) -> IdempotencyKey {
    IdempotencyKey { tenant, digest: digester.digest(Purpose::IdempotencyKey, text.as_str()), fingerprint }
}
