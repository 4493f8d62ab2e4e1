//! A merchant's request as it enters the pipeline: checked, but with no evidence yet.

use money::Money;

use crate::{
    CaptureMode, CardToken, Conversions, DeclineReason, Digest, Evidence, IdempotencyKey, Label, MandateId, MerchantId,
    Name, Offer, PaymentId,
};

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
    /// How the payer agreed, and by that who pays.
    pub consent: PresentedConsent,
    /// What the merchant asks.
    pub presentment_amount: Money,
    /// Whether it is captured at once.
    pub capture_mode: CaptureMode,
    /// The quote it is to be made by; without one it is made at the rate in force.
    pub quote: Option<Evidence<OfferedQuote>>,
    /// The most that may be debited, if the caller sets a bound of its own.
    pub debit_amount_max: Option<Money>,
    /// In a sandbox: declined by this reason, as its owner ordered.
    pub sandbox_decline: Option<DeclineReason>,
}

/// A quote as its token tells it; the token's signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedQuote {
    /// What it is bound to.
    pub offer: Offer,
    /// What it converts by.
    pub conversions: Conversions,
}

/// How the payer agreed, as the caller presents it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresentedConsent {
    /// The payer's account is named, and that is all.
    PayerNamed(AccountName),
    /// A one-time code, by its keyed digest. It tells the account.
    Code(Digest),
    /// The wallet approved the order for this account.
    OrderApproved(AccountName),
    /// A standing mandate. It tells the account.
    Mandate(MandateId),
    /// The token of a bound card. It tells the scheme that owes for it.
    Card(CardToken),
    /// The wallet approved the order for this card.
    CardOrderApproved(CardToken),
}

/// A wallet account as callers name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountName {
    /// The wallet operator that keeps it.
    pub wallet: Name,
    /// The account within that wallet.
    pub account: Name,
}
