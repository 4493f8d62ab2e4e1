//! What can have happened.

use alloc::vec::Vec;

use money::{AMOUNT_MINOR_UNITS_MAX, Money};

use crate::{AccountId, MerchantId, PaymentId, WalletId};

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
    RatesPublished,
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
    /// A payment was captured.
    PaymentCaptured(PaymentCaptured),
    /// The request was decided against. Nothing moved.
    Declined(Decline),
}

impl Event {
    /// The decision against, if this is one.
    #[must_use]
    pub const fn decline(&self) -> Option<&Decline> {
        if let Self::Declined(decline) = self { Some(decline) } else { None }
    }
}

/// A payment that moved funds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentCaptured {
    /// What the merchant is credited: presentment amount less merchant discount.
    pub settlement_amount: Money,
    /// In order: payer to position or merchant, markup, position to merchant, discount; zero amounts are left out.
    pub postings: Vec<Posting>,
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

/// Why a request was declined, in order of precedence. The numbers are stored and published; they never change meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeclineReason {
    /// The merchant order id was paid already.
    OrderAlreadyPaid = 1,
    /// The quoted amounts do not follow from the rate tape and the markup in force.
    QuoteNotReproduced = 2,
    /// The debit amount is above the largest one amount may be.
    DebitAmountTooLarge = 3,
    /// The account is closed.
    AccountClosed = 4,
    /// An account with a balance cannot be closed.
    AccountNotEmpty = 5,
    /// The available balance is smaller than the amount to debit.
    InsufficientBalance = 6,
    /// An account would hold more than one account may.
    BalanceLimit = 7,
}

impl DeclineReason {
    /// Every reason, in order of precedence.
    pub const ALL: [Self; 7] = [
        Self::OrderAlreadyPaid,
        Self::QuoteNotReproduced,
        Self::DebitAmountTooLarge,
        Self::AccountClosed,
        Self::AccountNotEmpty,
        Self::InsufficientBalance,
        Self::BalanceLimit,
    ];

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::OrderAlreadyPaid => 1,
            Self::QuoteNotReproduced => 2,
            Self::DebitAmountTooLarge => 3,
            Self::AccountClosed => 4,
            Self::AccountNotEmpty => 5,
            Self::InsufficientBalance => 6,
            Self::BalanceLimit => 7,
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
            Self::QuoteNotReproduced => "quote_not_reproduced",
            Self::DebitAmountTooLarge => "debit_amount_too_large",
            Self::AccountClosed => "account_closed",
            Self::AccountNotEmpty => "account_not_empty",
            Self::InsufficientBalance => "insufficient_balance",
            Self::BalanceLimit => "balance_limit",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_numbered_in_order_of_precedence() {
        for (index, reason) in (1..).zip(DeclineReason::ALL) {
            assert_eq!(reason.number(), index);
            assert_eq!(DeclineReason::from_number(index), Some(reason));
        }
        assert_eq!(DeclineReason::from_number(0), None);
    }
}
