//! What stands at a moment: the state of an engine, one thing at a time, so that it can be written down and begun from
//! again without the records that led to it.
//!
//! What the records of one payment tell alone is not here: payments of which nothing is held and nothing waits, with their
//! order ids, and idempotency keys are found in their records when they are needed.

use alloc::{sync::Arc, vec::Vec};

use money::{Conversion, Currency, Money, Ratio, Weight};

use crate::{
    AccountId, ApprovalCode, AssertPerson, CaptureMode, CardFace, CardMessage, CardToken, CountedLimit, CurrencyPair,
    Digest, InitializeSwitch, Lsn, MandateId, MerchantId, Name, OriginalMessage, PayerFee, PaymentId, Policy,
    PublishedTick, QuoteId, RefundId, RegisterMerchant, Timestamp, WalletId,
};

/// One thing that stands. They are told in the order of these variants, and those of a kind in one order: equal states
/// tell equal lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// How far the ledger has come; always first, and once.
    Ledger(StandingLedger),
    /// A wallet operator; they are numbered from 0 in the order they are told.
    Wallet(Name),
    /// A merchant; numbered as wallet operators are.
    Merchant(RegisterMerchant),
    /// A wallet account; numbered as wallet operators are.
    Account(StandingAccount),
    /// What is posted to an account, and what is held of it. Accounts with neither are left out.
    Balance(StandingBalance),
    /// A person that a wallet operator knows; numbered as wallet operators are.
    Person(StandingPerson),
    /// A card that was bound, by rising token.
    Card(StandingCard),
    /// A message to a card network that was not answered or taken yet, by rising lsn.
    CardMessage(CardMessage),
    /// A rate on the tape; those of a pair by rising lsn.
    Tick(StandingTick),
    /// The last moves of a pair from tick to tick, in millionths, oldest first.
    Moves(CurrencyPair, Vec<u32>),
    /// A payment of which something is held, or that a refund waits for.
    Payment(StandingPayment),
    /// A refund that waits for a rate, behind its payment.
    PendingRefund(StandingRefund),
    /// A one-time code.
    Code(StandingCode),
    /// The approval of a merchant order.
    Approval(StandingApproval),
    /// The approval of a merchant order, to be charged to a card.
    CardApproval(StandingCardApproval),
    /// A mandate.
    Mandate(StandingMandate),
    /// Wrong codes a merchant presented.
    Guesses(StandingGuesses),
    /// A quote that a payment used, and until when it would have held.
    UsedQuote(QuoteId, Timestamp),
    /// What open holds would add to the position of a currency, weighted.
    Reserved(Money),
}

/// How far a ledger has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingLedger {
    /// The last record that was applied.
    pub lsn: Lsn,
    /// When it was decided.
    pub at: Timestamp,
    /// How the ledger began; `None` before its first record.
    pub initialized: Option<InitializeSwitch>,
    /// The rules in force; `None` before the first.
    pub policy: Option<Arc<Policy>>,
    /// How long keys are remembered that were first used from a record on, in milliseconds, by rising lsn; `None` is for
    /// ever, as is what was used before the first of these.
    pub key_terms: Vec<(Lsn, Option<i64>)>,
}

/// A wallet account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingAccount {
    /// The wallet operator that opened it.
    pub wallet: WalletId,
    /// What the wallet operator calls it.
    pub name: Name,
    /// Which account.
    pub account: AccountId,
    /// Whether it can be used.
    pub state: StandingState,
}

/// Whether a wallet account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandingState {
    /// In use.
    Open,
    /// Takes no new debits and holds.
    Frozen,
    /// Closed for ever.
    Closed,
}

/// The balance of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingBalance {
    /// Which account.
    pub account: AccountId,
    /// Credits less debits, in minor units of its currency.
    pub posted: i128,
    /// Reserved by holds, in minor units.
    pub held: i128,
}

/// A rate on the tape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingTick {
    /// When it was published.
    pub published_at: Timestamp,
    /// The rate and its place.
    pub published: PublishedTick,
}

/// A payment, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingPayment {
    /// Which payment.
    pub payment_id: PaymentId,
    /// Whose.
    pub merchant: MerchantId,
    /// The account it debits.
    pub payer: AccountId,
    /// Keyed digest of the merchant order id.
    pub order: Digest,
    /// Its parts, each at one quote, oldest first; at least one.
    pub tranches: Vec<StandingTranche>,
    /// Whether anything may still be captured, and how that ended.
    pub phase: StandingPhase,
    /// The most that may be debited by the payer's consent; `None` where the payer was only named, or nothing is held.
    pub consented: Option<Money>,
    /// What of it counts in a period of a mandate, while something is held.
    pub mandate: Option<StandingMandateUse>,
    /// The last record that changed it.
    pub changed: Lsn,
    /// Of a payment by card: what is to be known of that.
    pub card: Option<StandingCardUse>,
}

/// Whether anything may still be captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandingPhase {
    /// Yes, before this moment.
    Open(Timestamp),
    /// No more: all was captured, or the rest given up.
    Captured,
    /// No more: it was voided.
    Voided,
    /// No more: its time was over.
    Expired,
    /// Not yet: its card's issuer was not heard.
    Pending(Timestamp),
}

/// A part of a payment at one quote. Amounts are of the presentment currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingTranche {
    /// From presentment to debit currency; `None` when they are the same.
    pub debit: Option<Conversion>,
    /// From presentment to settlement currency; `None` when they are the same.
    pub settlement: Option<Conversion>,
    /// The merchant discount.
    pub discount: Ratio,
    /// The payer's fee; `None` for none.
    pub fee: Option<PayerFee>,
    /// How much its exposure counts.
    pub weight: Weight,
    /// How much was authorized.
    pub authorized: Money,
    /// How much of that was captured.
    pub captured: Money,
    /// How much of that was given back at the rate of the tranche.
    pub refunded: Money,
    /// How much of it was given back at another rate.
    pub refunded_repriced: Money,
}

/// A person that a wallet operator knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingPerson {
    /// How well, as last told; of one that was never asserted, not at all.
    pub asserted: AssertPerson,
    /// The last year anything was paid by card in, and how much that was.
    pub used: Option<(i64, Money)>,
}

/// A card that was bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingCard {
    /// As this.
    pub token: CardToken,
    /// To the person of this number.
    pub person: u32,
    /// Which card.
    pub face: CardFace,
    /// In which currency its holder is billed, where that is known.
    pub billing_currency: Option<Currency>,
    /// Whether it still is.
    pub bound: bool,
    /// The record that bound it, or bound it again, last.
    pub renewed: Lsn,
}

/// What is to be known of a payment's card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingCardUse {
    /// Which card.
    pub token: CardToken,
    /// Whether it is captured once it is approved.
    pub capture_mode: CaptureMode,
    /// What counts against the limits of its person, while it may still change.
    pub limit: Option<CountedLimit>,
    /// The message that asked for, or told of, its approval.
    pub original: OriginalMessage,
    /// The mark of its approval.
    pub approval_code: Option<ApprovalCode>,
}

/// What of a payment counts in a period of its mandate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingMandateUse {
    /// Which mandate.
    pub mandate_id: MandateId,
    /// Which of its periods, counted from 0.
    pub period: i64,
    /// How much.
    pub counted: Money,
}

/// A refund that waits for a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingRefund {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// Which refund.
    pub refund_id: RefundId,
    /// From this day on there may be a rate for it.
    pub priced_from_day: i64,
    /// How much is given back, in presentment currency.
    pub amount: Money,
    /// What that is worth at the payment's own mid rate, in debit currency.
    pub original_mid: Money,
}

/// A one-time code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingCode {
    /// Keyed digest of the code.
    pub code: Digest,
    /// The account it debits.
    pub account: AccountId,
    /// The merchant it is for.
    pub merchant: MerchantId,
    /// The most it may debit.
    pub debit_amount_max: Money,
    /// From this moment on it no longer holds.
    pub expires_at: Timestamp,
}

/// The approval of one merchant order, to be charged to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingCardApproval {
    /// Whose order.
    pub merchant: MerchantId,
    /// Keyed digest of the merchant order id.
    pub order: Digest,
    /// The card it charges.
    pub token: CardToken,
    /// The most it may charge.
    pub debit_amount_max: Money,
    /// From this moment on it no longer holds.
    pub expires_at: Timestamp,
}

/// The approval of one merchant order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingApproval {
    /// Whose order.
    pub merchant: MerchantId,
    /// Keyed digest of the merchant order id.
    pub order: Digest,
    /// The account it debits.
    pub account: AccountId,
    /// The most it may debit.
    pub debit_amount_max: Money,
    /// From this moment on it no longer holds.
    pub expires_at: Timestamp,
}

/// A mandate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingMandate {
    /// Which mandate.
    pub mandate_id: MandateId,
    /// The account it debits.
    pub account: AccountId,
    /// The wallet operator of that account.
    pub wallet: WalletId,
    /// The merchant it is for.
    pub merchant: MerchantId,
    /// The most one payment may debit.
    pub payment_debit_max: Money,
    /// The most all payments of a period may debit.
    pub period_debit_max: Money,
    /// How long a period is, in milliseconds.
    pub period_ms: i64,
    /// When the first period began.
    pub granted_at: Timestamp,
    /// From this moment on it no longer holds.
    pub expires_at: Timestamp,
    /// Whether it was revoked.
    pub revoked: bool,
    /// The last period anything was debited in.
    pub period: i64,
    /// How much was debited in that period.
    pub used: Money,
}

/// Wrong codes a merchant presented within a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingGuesses {
    /// Which merchant.
    pub merchant: MerchantId,
    /// When the window ends.
    pub window_ends_at: Timestamp,
    /// How many.
    pub wrong: u32,
}
