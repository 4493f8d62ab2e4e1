//! How a payer agrees. A merchant's credential alone never moves a payer's money.

use crate::{CardToken, Digest, MandateId};

/// How a payer agreed to a payment, as the merchant presents it. What was agreed to is in the engine: the wallet
/// operator noted it there beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// The payer's wallet and account are named, and that is all. Only a sandbox takes it.
    PayerNamed,
    /// A one-time code, by its keyed digest: payer-presented.
    Code(Digest),
    /// The wallet approved this merchant order: merchant-presented.
    OrderApproved,
    /// A standing mandate.
    Mandate(MandateId),
    /// The token of a bound card, which is charged, and that is all. Only a sandbox takes it.
    Card(CardToken),
    /// The wallet approved this merchant order for a bound card, which is charged.
    CardOrderApproved(CardToken),
}

impl Consent {
    /// The card that is charged, if one is.
    #[must_use]
    pub const fn card(&self) -> Option<CardToken> {
        match self {
            Self::Card(token) | Self::CardOrderApproved(token) => Some(*token),
            Self::PayerNamed | Self::Code(_) | Self::OrderApproved | Self::Mandate(_) => None,
        }
    }
}
