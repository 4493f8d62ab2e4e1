//! The life of a payment: where it can stand, what can be asked of it there, and how much of it is where.

use money::Money;

/// Where a payment stands. The numbers are stored and published; they never change meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaymentState {
    /// Captured; nothing is held any more and nothing was given back.
    Captured,
    /// Decided against. Nothing ever moved.
    Declined,
    /// Held, nothing captured.
    Authorized,
    /// Captured in part; the rest is still held. Some of what was captured may have been given back.
    PartiallyCaptured,
    /// Ended by a void before anything was captured.
    Voided,
    /// Ended by time before anything was captured.
    Expired,
    /// Nothing is held any more; a part of what was captured was given back, or will be.
    PartiallyRefunded,
    /// Nothing is held any more; all that was captured was given back, or will be.
    Refunded,
    /// Asked of an outside party that was not heard yet.
    Pending,
}

/// What can be asked of a payment once it is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PaymentMove {
    /// To turn the hold into postings.
    Capture,
    /// To release what is held.
    Void,
    /// To hold more.
    Increase,
    /// To give back what was captured.
    Refund,
}

impl PaymentState {
    /// Every state, by number.
    pub const ALL: [Self; 9] = [
        Self::Captured,
        Self::Declined,
        Self::Authorized,
        Self::PartiallyCaptured,
        Self::Voided,
        Self::Expired,
        Self::PartiallyRefunded,
        Self::Refunded,
        Self::Pending,
    ];

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Captured => 1,
            Self::Declined => 2,
            Self::Authorized => 3,
            Self::PartiallyCaptured => 4,
            Self::Voided => 5,
            Self::Expired => 6,
            Self::PartiallyRefunded => 7,
            Self::Refunded => 8,
            Self::Pending => 9,
        }
    }

    /// The state with this stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    /// As errors and tools write it: `partially_captured`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Captured => "captured",
            Self::Declined => "declined",
            Self::Authorized => "authorized",
            Self::PartiallyCaptured => "partially_captured",
            Self::Voided => "voided",
            Self::Expired => "expired",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Pending => "pending",
        }
    }

    /// What can be asked of a payment that stands here.
    #[must_use]
    pub const fn allowed(self) -> &'static [PaymentMove] {
        match self {
            Self::Authorized => &[PaymentMove::Capture, PaymentMove::Void, PaymentMove::Increase],
            Self::PartiallyCaptured => {
                &[PaymentMove::Capture, PaymentMove::Void, PaymentMove::Increase, PaymentMove::Refund]
            }
            Self::Captured | Self::PartiallyRefunded => &[PaymentMove::Refund],
            Self::Declined | Self::Voided | Self::Expired | Self::Refunded | Self::Pending => &[],
        }
    }

    /// Whether something may still be captured.
    #[must_use]
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Authorized | Self::PartiallyCaptured)
    }
}

impl PaymentMove {
    /// As errors and tools write it: `capture`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Increase => "increase",
            Self::Refund => "refund",
        }
    }
}

/// One position of a payment in its three currencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentAmount {
    /// What the merchant asks, or asked, in its currency.
    pub presentment: Money,
    /// What that is to the payer.
    pub debit: Money,
    /// What that is to the merchant, its discount taken.
    pub settlement: Money,
}

/// A payment right after a record. In each currency what was authorized is at least what was captured, and that at least
/// what was refunded; what was captured less what was refunded is what moved and stayed moved, at the payment's own
/// rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentTotals {
    /// Where it stands.
    pub state: PaymentState,
    /// All that could ever be captured: released holds do not lower it.
    pub authorized: PaymentAmount,
    /// All that was captured.
    pub captured: PaymentAmount,
    /// All that was given back, or will be once a rate is there: at the payment's own rates.
    pub refunded: PaymentAmount,
    /// Held for this payment on the payer's account.
    pub held: Money,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_known_by_their_number() {
        for (index, state) in (1..).zip(PaymentState::ALL) {
            assert_eq!(state.number(), index);
            assert_eq!(PaymentState::from_number(index), Some(state));
        }
        assert_eq!(PaymentState::from_number(0), None);
    }

    #[test]
    fn whatever_holds_can_be_captured_and_voided() {
        for state in PaymentState::ALL {
            assert_eq!(state.is_held(), state.allowed().contains(&PaymentMove::Capture));
            assert_eq!(state.is_held(), state.allowed().contains(&PaymentMove::Void));
        }
    }
}
