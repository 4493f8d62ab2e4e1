//! A merchant's request as it enters the pipeline: checked, but with no evidence yet.

use money::Money;

use crate::{Digest, IdempotencyKey, Label, MerchantId, Name, PaymentId};

/// A request to be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRequest {
    /// The caller's key.
    pub key: IdempotencyKey,
    /// The id the payment will have if this is its first request.
    pub payment_id: PaymentId,
    /// Who asks, by its credential.
    pub merchant: MerchantId,
    /// The merchant's own number for what is paid.
    pub merchant_order_id: Label,
    /// Keyed digest of that number.
    pub merchant_order_digest: Digest,
    /// The account to debit.
    pub payer: AccountName,
    /// What the merchant asks.
    pub presentment_amount: Money,
}

/// A wallet account as callers name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountName {
    /// The wallet operator that keeps it.
    pub wallet: Name,
    /// The account within that wallet.
    pub account: Name,
}
