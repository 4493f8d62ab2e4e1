//! What can have happened.

use alloc::vec::Vec;

use money::{AMOUNT_MINOR_UNITS_MAX, Currency, ExactRate, Money};

use crate::{
    AccountId, Approved, AttemptDeclined, CardRenewed, DeclinedTogether, Lsn, MerchantId, PaymentId, PaymentPending,
    PaymentTotals, RefundId, Timestamp, WalletId,
};

/// What a command did. An event says only what its command does not: the two stand in one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The ledger began.
    SwitchInitialized,
    /// Rules came into force.
    PolicyInstalled,
    /// A wallet operator got its number.
    WalletRegistered(WalletId),
    /// A merchant got its number.
    MerchantRegistered(MerchantId),
    /// Rates came into force.
    RatesPublished(RatesPublished),
    /// An account came into being.
    AccountOpened(AccountId),
    /// An account ended.
    AccountClosed,
    /// Funds moved between an account and Nostro.
    FundsMoved {
        /// From where to where.
        posting: Posting,
        /// The account's posted balance right after.
        posted_balance: Money,
    },
    /// A payment was captured: at once with its authorization, or later.
    PaymentCaptured(PaymentCaptured),
    /// A payment was authorized: funds are held.
    PaymentAuthorized(PaymentAuthorized),
    /// What was held of a payment was released.
    PaymentVoided(PaymentTotals),
    /// A part of a payment, or all of it, was given back.
    PaymentRefunded(PaymentRefunded),
    /// A refund was taken from the merchant and waits for a rate to be given to the payer by.
    RefundPending(RefundPending),
    /// More is held for a payment.
    AuthorizationIncreased(AuthorizationIncreased),
    /// Holds ended by time; in order of their expiry.
    HoldsExpired(Vec<HoldExpired>),
    /// Pending refunds were given to their payers.
    RefundsPriced(Vec<RefundPriced>),
    /// An account takes no new debits.
    AccountFrozen,
    /// An account takes debits again.
    AccountUnfrozen,
    /// A one-time code can be used until then.
    CodeIssued {
        /// From this moment on it cannot.
        expires_at: Timestamp,
    },
    /// A merchant order may be paid from the account.
    OrderApproved,
    /// A merchant may debit the account by the mandate.
    MandateGranted,
    /// The mandate ended.
    MandateRevoked,
    /// A merchant's reserve was funded.
    ReserveFunded(Posting),
    /// A merchant was paid out.
    PaidOut(Posting),
    /// An open position was closed, whole or part.
    PositionSquared(Vec<Posting>),
    /// The request was decided against. Nothing moved.
    Declined(Decline),
    /// Several payments were approved, in their command's order.
    AuthorizedTogether(Vec<Approved>),
    /// One of several payments was declined, and none was approved.
    DeclinedTogether(DeclinedTogether),
    /// A payment waits for its card's issuer.
    PaymentPending(PaymentPending),
    /// A payment that waited was ended by its card's issuer, or by the lack of an answer. Nothing moved.
    AttemptDeclined(AttemptDeclined),
    /// It is known how well a wallet operator knows a person.
    PersonAsserted,
    /// A card has its token.
    CardBound,
    /// The person has the card under a token already, and keeps it under that.
    CardRenewed(CardRenewed),
    /// A card's token ended.
    CardUnbound,
    /// A card network has taken an advice.
    AdviceAcknowledged,
    /// What a scheme paid was booked.
    SchemeSettled(Vec<Posting>),
}

impl Event {
    /// Whether it approves a payment: its funds are held, or were moved.
    #[must_use]
    pub const fn is_approval(&self) -> bool {
        matches!(self, Self::PaymentAuthorized(_) | Self::PaymentCaptured(_))
    }

    /// The decision against, if this is one.
    #[must_use]
    pub const fn decline(&self) -> Option<&Decline> {
        if let Self::Declined(decline) | Self::DeclinedTogether(DeclinedTogether { decline, .. }) = self {
            Some(decline)
        } else {
            None
        }
    }
}

/// Rates that came into force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RatesPublished {
    /// How volatile each pair now is, in the order of the command's ticks: the mean move of its last ticks, in
    /// millionths.
    pub move_ppm: Vec<u32>,
}

/// A payment that moved funds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentCaptured {
    /// What the merchant is credited by this record, its discount taken.
    pub settlement_amount: Money,
    /// In order: payer to position or merchant, markup, position to merchant, discount; zero amounts are left out. A
    /// change that goes the other way has its accounts exchanged.
    pub postings: Vec<Posting>,
    /// The payment right after.
    pub after: PaymentTotals,
    /// Currencies whose open position is now above its soft limit, by code.
    pub above_soft_limit: Vec<Currency>,
}

/// A payment whose funds are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentAuthorized {
    /// From this moment on nothing more can be captured.
    pub expires_at: Timestamp,
    /// The payment right after.
    pub after: PaymentTotals,
    /// Currencies whose open position, with all that is held, is now above its soft limit, by code.
    pub above_soft_limit: Vec<Currency>,
}

/// A payment for which more is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationIncreased {
    /// The payment right after.
    pub after: PaymentTotals,
    /// Currencies whose open position, with all that is held, is now above its soft limit, by code.
    pub above_soft_limit: Vec<Currency>,
}

/// What a refund did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRefunded {
    /// What the payer is credited.
    pub debit_amount: Money,
    /// What the merchant is debited: the refund less the discount given back.
    pub settlement_amount: Money,
    /// At another rate than the payment's own: how it was priced.
    pub repriced: Option<Repriced>,
    /// In order: merchant's reserve to merchant, merchant to position or payer, discount back, position to payer, markup
    /// back, result of the rate; zero amounts are left out.
    pub postings: Vec<Posting>,
    /// The payment right after.
    pub after: PaymentTotals,
}

/// A rate other than the payment's own, by which a refund was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repriced {
    /// Mid of the rate used, debit units for one presentment unit.
    pub mid_rate: ExactRate,
    /// The record that published it; of a crossed rate, the one from the pivot to the debit currency.
    pub rate_lsn: Lsn,
    /// What the payer is credited less what the part was worth at the payment's own mid rate: what the rate cost the
    /// switch. Negative when it won.
    pub difference: Money,
}

/// A refund that waits for a rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundPending {
    /// What the merchant is debited: the refund less the discount given back.
    pub settlement_amount: Money,
    /// In order: merchant's reserve to merchant, merchant to position, discount back.
    pub postings: Vec<Posting>,
    /// It is priced by the first rate that speaks of this day or a later one, in days since 1970-01-01 as the policy
    /// counts days.
    pub priced_from_day: i64,
    /// The payment right after.
    pub after: PaymentTotals,
}

/// A pending refund that was given to its payer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundPriced {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// Which refund.
    pub refund_id: RefundId,
    /// What the payer is credited.
    pub debit_amount: Money,
    /// How it was priced.
    pub repriced: Repriced,
    /// Position to payer, result of the rate.
    pub postings: Vec<Posting>,
}

/// A hold that ended by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldExpired {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// The payment right after.
    pub after: PaymentTotals,
}

/// One amount from one account to another. Unbalanced books cannot be written with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    // Invariant: both accounts hold the currency of the amount, they differ, and the amount is 1 to 10^15 − 1.
    debit: AccountId,
    credit: AccountId,
    amount: Money,
}

impl Posting {
    /// A posting, or `None` when a currency differs, the accounts are the same, or the amount is out of bounds.
    #[must_use]
    pub fn new(debit: AccountId, credit: AccountId, amount: Money) -> Option<Self> {
        let one_currency = debit.currency == amount.currency() && credit.currency == amount.currency();
        let in_bounds = amount.is_positive() && amount.minor_units() <= i128::from(AMOUNT_MINOR_UNITS_MAX);
        (one_currency && in_bounds && debit != credit).then_some(Self { debit, credit, amount })
    }

    /// The account whose balance falls.
    #[must_use]
    pub const fn debit(&self) -> AccountId {
        self.debit
    }

    /// The account whose balance rises.
    #[must_use]
    pub const fn credit(&self) -> AccountId {
        self.credit
    }

    /// How much; always positive.
    #[must_use]
    pub const fn amount(&self) -> Money {
        self.amount
    }
}

/// A decision against, final for its idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decline {
    /// The first failing check in order of precedence.
    pub reason: DeclineReason,
    /// With [`DeclineReason::OrderAlreadyPaid`]: the payment that holds the merchant order id.
    pub paid_by: Option<PaymentId>,
}

/// Why a request was declined, in order of precedence: of several failing checks the first is told. The numbers are
/// stored and published; they never change meaning, so a later reason has a later number wherever it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeclineReason {
    /// The merchant order id was paid already, or is held for.
    OrderAlreadyPaid,
    /// The payer did not agree: no such consent, or it was used up, revoked or has expired.
    ConsentNotFound,
    /// The payer agreed to something else: another merchant, or another account.
    ConsentMismatch,
    /// The quote no longer holds.
    QuoteExpired,
    /// Another payment has used the quote.
    QuoteUsed,
    /// The quote was made for another merchant, payer or amount.
    QuoteMismatch,
    /// The quoted amounts do not follow from the rate tape and the markup in force.
    QuoteNotReproduced,
    /// The debit or settlement amount is above the largest one amount may be.
    DebitAmountTooLarge,
    /// The debit amount is above the bound the caller set.
    DebitAboveMax,
    /// The debit amount is above what the payer agreed to.
    ConsentExceeded,
    /// The account is closed.
    AccountClosed,
    /// The account is frozen.
    AccountFrozen,
    /// An account with a balance cannot be closed.
    AccountNotEmpty,
    /// The card is bound to as many persons as one may be.
    CardPersonsLimit,
    /// The payment is above the largest one the payer's tier may pay by card.
    CardPaymentLimit,
    /// The payer would pay more by card within a year than the payer's tier may.
    CardYearLimit,
    /// The switch would hold more of a currency open than it may.
    ExposureLimit,
    /// The merchant is owed less than the refund or pay-out, and its reserve may not or cannot make up for it.
    NotEnough,
    /// The available balance is smaller than the amount to debit or hold.
    InsufficientBalance,
    /// An account would hold more than one account may.
    BalanceLimit,
    /// The issuer says no, and not why.
    IssuerDeclined,
    /// The issuer: too little on the card.
    CardFunds,
    /// The issuer: the card has expired.
    CardExpired,
    /// The issuer: no such card, or its account is closed.
    CardInvalid,
    /// The issuer: not with this card, or not at this merchant.
    CardNotPermitted,
    /// The issuer: above what the card may pay, in amount or number.
    CardLimit,
    /// The issuer, or its network: suspected fraud, or a check of law or security failed.
    CardSuspected,
    /// The issuer: the card is lost, stolen or to be kept.
    CardPickUp,
    /// The issuer wants to hear from its cardholder first.
    ContactIssuer,
    /// The issuer did not answer in time, or could not be reached.
    IssuerUnavailable,
    /// The issuer approved a part only, which was given back.
    PartiallyApproved,
    /// The network did not take the message as one.
    NetworkRejected,
    /// Another payment of the same atomic batch was declined. No check of its own: it stands in the log once, beside the
    /// payment that was.
    BatchDeclined,
}

impl DeclineReason {
    /// Every reason, in order of precedence.
    pub const ALL: [Self; 33] = [
        Self::OrderAlreadyPaid,
        Self::ConsentNotFound,
        Self::ConsentMismatch,
        Self::QuoteExpired,
        Self::QuoteUsed,
        Self::QuoteMismatch,
        Self::QuoteNotReproduced,
        Self::DebitAmountTooLarge,
        Self::DebitAboveMax,
        Self::ConsentExceeded,
        Self::AccountClosed,
        Self::AccountFrozen,
        Self::AccountNotEmpty,
        Self::CardPersonsLimit,
        Self::CardPaymentLimit,
        Self::CardYearLimit,
        Self::ExposureLimit,
        Self::NotEnough,
        Self::InsufficientBalance,
        Self::BalanceLimit,
        Self::CardPickUp,
        Self::CardSuspected,
        Self::CardInvalid,
        Self::CardExpired,
        Self::CardNotPermitted,
        Self::CardLimit,
        Self::CardFunds,
        Self::PartiallyApproved,
        Self::ContactIssuer,
        Self::IssuerDeclined,
        Self::NetworkRejected,
        Self::IssuerUnavailable,
        Self::BatchDeclined,
    ];

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::OrderAlreadyPaid => 1,
            Self::ConsentNotFound => 8,
            Self::ConsentMismatch => 9,
            Self::QuoteExpired => 11,
            Self::QuoteUsed => 12,
            Self::QuoteMismatch => 13,
            Self::QuoteNotReproduced => 2,
            Self::DebitAmountTooLarge => 3,
            Self::DebitAboveMax => 14,
            Self::ConsentExceeded => 10,
            Self::AccountClosed => 4,
            Self::AccountFrozen => 15,
            Self::AccountNotEmpty => 5,
            Self::ExposureLimit => 16,
            Self::NotEnough => 17,
            Self::InsufficientBalance => 6,
            Self::BalanceLimit => 7,
            Self::BatchDeclined => 18,
            Self::CardPaymentLimit => 19,
            Self::CardYearLimit => 20,
            Self::CardPersonsLimit => 21,
            Self::IssuerDeclined => 22,
            Self::CardFunds => 23,
            Self::CardExpired => 24,
            Self::CardInvalid => 25,
            Self::CardNotPermitted => 26,
            Self::CardLimit => 27,
            Self::CardSuspected => 28,
            Self::CardPickUp => 29,
            Self::ContactIssuer => 30,
            Self::IssuerUnavailable => 31,
            Self::PartiallyApproved => 32,
            Self::NetworkRejected => 33,
        }
    }

    /// The reason with this stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.number() == number)
    }

    /// As metrics and tools write it: `insufficient_balance`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrderAlreadyPaid => "order_already_paid",
            Self::ConsentNotFound => "consent_not_found",
            Self::ConsentMismatch => "consent_mismatch",
            Self::QuoteExpired => "quote_expired",
            Self::QuoteUsed => "quote_used",
            Self::QuoteMismatch => "quote_mismatch",
            Self::QuoteNotReproduced => "quote_not_reproduced",
            Self::DebitAmountTooLarge => "debit_amount_too_large",
            Self::DebitAboveMax => "debit_above_max",
            Self::ConsentExceeded => "consent_exceeded",
            Self::AccountClosed => "account_closed",
            Self::AccountFrozen => "account_frozen",
            Self::AccountNotEmpty => "account_not_empty",
            Self::ExposureLimit => "exposure_limit",
            Self::NotEnough => "not_enough",
            Self::InsufficientBalance => "insufficient_balance",
            Self::BalanceLimit => "balance_limit",
            Self::BatchDeclined => "batch_declined",
            Self::CardPaymentLimit => "card_payment_limit",
            Self::CardYearLimit => "card_year_limit",
            Self::CardPersonsLimit => "card_persons_limit",
            Self::IssuerDeclined => "issuer_declined",
            Self::CardFunds => "card_funds",
            Self::CardExpired => "card_expired",
            Self::CardInvalid => "card_invalid",
            Self::CardNotPermitted => "card_not_permitted",
            Self::CardLimit => "card_limit",
            Self::CardSuspected => "card_suspected",
            Self::CardPickUp => "card_pick_up",
            Self::ContactIssuer => "contact_issuer",
            Self::IssuerUnavailable => "issuer_unavailable",
            Self::PartiallyApproved => "partially_approved",
            Self::NetworkRejected => "network_rejected",
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_reason_has_a_number_of_its_own() {
        let numbers: BTreeSet<u8> = DeclineReason::ALL.iter().map(|reason| reason.number()).collect();
        assert_eq!(numbers, (1..=33).collect());
        for reason in DeclineReason::ALL {
            assert_eq!(DeclineReason::from_number(reason.number()), Some(reason));
        }
        assert_eq!(DeclineReason::from_number(0), None);
    }
}
