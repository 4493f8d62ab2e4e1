//! What can be asked.

use alloc::{sync::Arc, vec::Vec};

use money::{Currency, Money, Ratio};

use crate::{
    AccountId, AcknowledgeAdvice, AnswerCard, ApiKeyHash, ApproveCardOrder, AssertPerson, AuthorizeTogether, BindCard,
    Consent, Conversions, DeclineReason, Digest, DigestKey, Evidence, Label, MandateId, MerchantId, Mode, Name, Offer,
    PaymentId, Policy, RateTick, RefundId, SettleScheme, Timestamp, UnbindCard, WalletId,
};

/// One request to the engine, with all the evidence it may be decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Begins a ledger.
    InitializeSwitch(InitializeSwitch),
    /// Puts rules in force.
    InstallPolicy(InstallPolicy),
    /// Gives a wallet operator a number.
    RegisterWallet(RegisterWallet),
    /// Gives a merchant a number, a discount and a credential.
    RegisterMerchant(RegisterMerchant),
    /// Puts rates on the tape.
    PublishRates(PublishRates),
    /// Opens a wallet account.
    OpenAccount(OpenAccount),
    /// Closes a wallet account for ever.
    CloseAccount(OnAccount),
    /// Credits a wallet account from Nostro.
    Deposit(MoveFunds),
    /// Debits a wallet account to Nostro.
    Withdraw(MoveFunds),
    /// Decides a payment, and captures it at once or places a hold.
    AuthorizePayment(AuthorizePayment),
    /// Decides several payments: all are approved, or none is.
    AuthorizeTogether(AuthorizeTogether),
    /// Turns a hold, whole or part, into postings.
    CapturePayment(CapturePayment),
    /// Releases what is held of a payment.
    VoidPayment(VoidPayment),
    /// Gives back what was captured, whole or part.
    RefundPayment(RefundPayment),
    /// Holds more for a payment.
    IncreaseAuthorization(IncreaseAuthorization),
    /// Releases the holds that are due; given by the switch itself.
    ExpireHolds,
    /// Prices refunds that waited for a rate of a later day; given by the switch itself.
    PriceRefunds,
    /// Declines new debits of a wallet account until it is unfrozen; holds in place are kept.
    FreezeAccount(OnAccount),
    /// Ends a freeze.
    UnfreezeAccount(OnAccount),
    /// Notes a payer's consent to one payment by a one-time code.
    IssueCode(IssueCode),
    /// Notes a payer's consent to one merchant order.
    ApproveOrder(ApproveOrder),
    /// Notes a payer's consent to one merchant order, to be charged to a card.
    ApproveCardOrder(ApproveCardOrder),
    /// Notes a payer's consent to payments of one merchant over time.
    GrantMandate(GrantMandate),
    /// Ends a mandate.
    RevokeMandate(RevokeMandate),
    /// Moves funds from Nostro to a merchant's reserve.
    FundReserve(FundReserve),
    /// Moves what a merchant is owed to Nostro: it was paid at its bank.
    PayOut(PayOut),
    /// Books the bank deal that closes an open position.
    SquarePosition(SquarePosition),
    /// Says how well a wallet operator knows a person.
    AssertPerson(AssertPerson),
    /// Binds a card to a person.
    BindCard(BindCard),
    /// Ends a card's token.
    UnbindCard(UnbindCard),
    /// Notes what a card's issuer answered.
    AnswerCard(AnswerCard),
    /// Ends a payment whose issuer did not answer in time; given by the switch itself.
    TimeOutCard(PaymentId),
    /// Notes that a card network has taken an advice.
    AcknowledgeAdvice(AcknowledgeAdvice),
    /// Books what a card scheme paid.
    SettleScheme(SettleScheme),
}

impl Command {
    /// The payment a command speaks of, if it speaks of one alone.
    #[must_use]
    pub const fn payment_id(&self) -> Option<PaymentId> {
        match self {
            Self::AuthorizePayment(command) => Some(command.payment_id),
            Self::CapturePayment(command) => Some(command.payment_id),
            Self::VoidPayment(command) => Some(command.payment_id),
            Self::RefundPayment(command) => Some(command.payment_id),
            Self::IncreaseAuthorization(command) => Some(command.payment_id),
            Self::AnswerCard(command) => Some(command.payment_id),
            Self::TimeOutCard(payment_id) => Some(*payment_id),
            Self::InitializeSwitch(_)
            | Self::InstallPolicy(_)
            | Self::RegisterWallet(_)
            | Self::RegisterMerchant(_)
            | Self::PublishRates(_)
            | Self::OpenAccount(_)
            | Self::CloseAccount(_)
            | Self::Deposit(_)
            | Self::Withdraw(_)
            | Self::AuthorizeTogether(_)
            | Self::ExpireHolds
            | Self::PriceRefunds
            | Self::FreezeAccount(_)
            | Self::UnfreezeAccount(_)
            | Self::IssueCode(_)
            | Self::ApproveOrder(_)
            | Self::ApproveCardOrder(_)
            | Self::GrantMandate(_)
            | Self::RevokeMandate(_)
            | Self::FundReserve(_)
            | Self::PayOut(_)
            | Self::SquarePosition(_)
            | Self::AssertPerson(_)
            | Self::BindCard(_)
            | Self::UnbindCard(_)
            | Self::AcknowledgeAdvice(_)
            | Self::SettleScheme(_) => None,
        }
    }
}

/// Begins a ledger; always its first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitializeSwitch {
    /// What the ledger is for.
    pub mode: Mode,
    /// The secret behind all digests in it.
    pub digest_key: DigestKey,
}

/// Puts rules in force from this record on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallPolicy {
    /// The rules.
    pub policy: Arc<Policy>,
}

/// Gives a wallet operator a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterWallet {
    /// Its name.
    pub name: Name,
}

/// Gives a merchant a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterMerchant {
    /// Its name.
    pub name: Name,
    /// What it asks in and is paid in.
    pub settlement_currency: Currency,
    /// The fee taken from each of its payments.
    pub discount: Ratio,
    /// What its credential hashes to.
    pub api_key_hash: ApiKeyHash,
}

/// Puts rates on the tape, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishRates {
    /// Each pair at most once.
    pub ticks: Vec<RateTick>,
    /// Why the operator lets these rates move further than the policy allows in one step; `None` to keep to it.
    pub override_reason: Option<Label>,
}

/// Opens a wallet account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAccount {
    /// Who keeps it.
    pub wallet: WalletId,
    /// Its name within the wallet.
    pub name: Name,
    /// The one currency it holds.
    pub currency: Currency,
}

/// Closes, freezes or unfreezes a wallet account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnAccount {
    /// Which account.
    pub account: Evidence<AccountId>,
}

/// Moves funds between a wallet account and Nostro.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveFunds {
    /// Which account.
    pub account: Evidence<AccountId>,
    /// How much.
    pub amount: Money,
}

/// A merchant's request to be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizePayment {
    /// The id the payment will have if this is its first request.
    pub payment_id: PaymentId,
    /// Who asks, by its credential.
    pub merchant: MerchantId,
    /// The merchant's own number for what is paid.
    pub merchant_order_id: Label,
    /// Keyed digest of that number.
    pub merchant_order_digest: Digest,
    /// What the merchant asks.
    pub presentment_amount: Money,
    /// The account to debit. It is missing in a record only beside a decline that found no consent.
    pub payer: Evidence<AccountId>,
    /// How debit and settlement currency follow.
    pub converted: Evidence<Conversions>,
    /// What the quote's token promised, if the payment is made by one.
    pub offer: Option<Offer>,
    /// Whether it is captured at once.
    pub capture_mode: CaptureMode,
    /// How the payer agreed.
    pub consent: Consent,
    /// The most that may be debited, if the caller sets a bound of its own.
    pub debit_amount_max: Option<Money>,
    /// In a sandbox: declined by this reason, as its owner ordered.
    pub sandbox_decline: Option<DeclineReason>,
}

/// Whether a payment is captured at once. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureMode {
    /// At once and whole.
    Automatic,
    /// By captures of the merchant, until the hold expires.
    Manual,
}

/// Turns a hold, whole or part, into postings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapturePayment {
    /// Who asks, by its credential.
    pub merchant: MerchantId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// How much, in presentment currency.
    pub amount: Money,
    /// What becomes of the rest of the hold.
    pub rest: CaptureRest,
}

/// What becomes of what a capture leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptureRest {
    /// It stays held.
    Kept,
    /// It is released.
    Released,
}

/// Releases what is held of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoidPayment {
    /// Who asks, by its credential.
    pub merchant: MerchantId,
    /// Of which payment.
    pub payment_id: PaymentId,
}

/// Gives back what was captured, whole or part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundPayment {
    /// Who asks, by its credential.
    pub merchant: MerchantId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// The id the refund will have if this is its first request.
    pub refund_id: RefundId,
    /// How much, in presentment currency.
    pub amount: Money,
}

/// Holds more for a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncreaseAuthorization {
    /// Who asks, by its credential.
    pub merchant: MerchantId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// By how much, in presentment currency.
    pub amount: Money,
    /// How debit and settlement currency follow, at the rate of now.
    pub converted: Evidence<Conversions>,
    /// A further consent; without one, what the payer agreed to before must be enough.
    pub consent: Option<Consent>,
}

/// Notes a payer's consent to one payment by a one-time code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueCode {
    /// Whom it debits.
    pub account: Evidence<AccountId>,
    /// Which merchant may use it.
    pub merchant: Evidence<MerchantId>,
    /// The most that may be debited.
    pub debit_amount_max: Money,
    /// Keyed digest of the code; the code itself is kept nowhere.
    pub code: Digest,
}

/// Notes a payer's consent to one merchant order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApproveOrder {
    /// Whom it debits.
    pub account: Evidence<AccountId>,
    /// Whose order.
    pub merchant: Evidence<MerchantId>,
    /// Keyed digest of the merchant's own number for what is paid.
    pub merchant_order_digest: Digest,
    /// The most that may be debited.
    pub debit_amount_max: Money,
    /// From this moment on it no longer holds.
    pub expires_at: Timestamp,
}

/// Notes a payer's consent to payments of one merchant over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantMandate {
    /// The id the mandate will have if this is its first request.
    pub mandate_id: MandateId,
    /// Whom it debits.
    pub account: Evidence<AccountId>,
    /// Which merchant may use it.
    pub merchant: Evidence<MerchantId>,
    /// The most that one payment may debit.
    pub payment_debit_max: Money,
    /// The most that all payments of one period may debit.
    pub period_debit_max: Money,
    /// How long a period is, in milliseconds; the first begins with the record.
    pub period_ms: i64,
    /// From this moment on it no longer holds.
    pub expires_at: Timestamp,
}

/// Ends a mandate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokeMandate {
    /// Whose payer gave it.
    pub wallet: WalletId,
    /// Which mandate.
    pub mandate_id: MandateId,
}

/// Moves funds from Nostro to a merchant's reserve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FundReserve {
    /// Whose reserve.
    pub merchant: Evidence<MerchantId>,
    /// How much, in the merchant's settlement currency.
    pub amount: Money,
}

/// Moves what a merchant is owed to Nostro.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayOut {
    /// Which merchant.
    pub merchant: Evidence<MerchantId>,
    /// How much, in the merchant's settlement currency.
    pub amount: Money,
}

/// Books the bank deal that closes an open position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SquarePosition {
    /// What the bank was given, out of the position in that currency.
    pub sold: Money,
    /// What the bank gave.
    pub bought: Money,
    /// By how much the position in the currency bought is closed; the difference is the result of the deal.
    pub closed: Money,
}
