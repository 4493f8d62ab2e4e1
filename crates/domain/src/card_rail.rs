//! The card rail: persons and the cards bound to them, what issuers answer, and the rules.

use alloc::{collections::BTreeMap, vec::Vec};
use core::fmt;

use money::{Currency, ExactRate, Money, Ratio, Rounding};

use crate::{
    CardBin, CardFingerprint, CardToken, DeclineReason, Digest, Evidence, LastFour, Lsn, MerchantId, Name, PaymentId,
    PaymentTotals, Scheme, Timestamp, WalletId,
};

/// Why a text is not a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {expected}")]
pub struct InvalidCode {
    /// What was expected.
    pub expected: &'static str,
}

/// The network's word for an answer, ISO 8583:1987 DE 39: two letters or digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResponseCode {
    // Invariant: ASCII letters and digits.
    characters: [u8; 2],
}

impl ResponseCode {
    /// This code.
    ///
    /// # Errors
    /// When it is not two letters or digits.
    pub fn new(text: &str) -> Result<Self, InvalidCode> {
        let characters: Option<[u8; 2]> = text.as_bytes().try_into().ok();
        let characters = characters.filter(|characters| characters.iter().all(u8::is_ascii_alphanumeric));
        characters.map(|characters| Self { characters }).ok_or(InvalidCode { expected: "two letters or digits" })
    }

    /// The two characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.characters).expect("letters and digits are text")
    }
}

/// The issuer's mark of an approval, ISO 8583:1987 DE 38: six letters, digits or spaces.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApprovalCode {
    // Invariant: ASCII letters, digits and spaces.
    characters: [u8; 6],
}

impl ApprovalCode {
    /// This code.
    ///
    /// # Errors
    /// When it is not six letters, digits or spaces.
    pub fn new(text: &str) -> Result<Self, InvalidCode> {
        let fits = |character: &u8| character.is_ascii_alphanumeric() || *character == b' ';
        let characters: Option<[u8; 6]> = text.as_bytes().try_into().ok();
        let characters = characters.filter(|characters| characters.iter().all(fits));
        characters.map(|characters| Self { characters }).ok_or(InvalidCode { expected: "six letters or digits" })
    }

    /// The one the switch gives where it stands in for the issuer: the last six digits of the record that decided so.
    #[must_use]
    pub fn stand_in(lsn: Lsn) -> Self {
        let mut characters = [b'0'; 6];
        let mut rest = lsn.get();
        for place in characters.iter_mut().rev() {
            *place = b'0' + u8::try_from(rest % 10).expect("one digit");
            rest /= 10;
        }
        Self { characters }
    }

    /// The six characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.characters).expect("letters and digits are text")
    }
}

/// Shown as written, in text and in debugging alike.
macro_rules! shown_as_text {
    ($($name:ident),*) => {
        $(
            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.pad(self.as_str())
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.pad(self.as_str())
                }
            }
        )*
    };
}

shown_as_text!(ResponseCode, ApprovalCode);

/// How well a wallet operator knows a person. The numbers are stored; they never change meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonTier {
    /// Not at all, or not enough.
    Unverified,
    /// By a document.
    Verified,
}

impl PersonTier {
    /// Every tier.
    pub const ALL: [Self; 2] = [Self::Unverified, Self::Verified];

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Unverified => 1,
            Self::Verified => 2,
        }
    }

    /// The tier with this stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.number() == number)
    }

    /// As tools write it: `verified`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unverified => "unverified",
            Self::Verified => "verified",
        }
    }
}

/// A kind of document by which a wallet operator knows a person. The numbers are stored; they never change meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentKind {
    /// A passport.
    Passport,
    /// A permanent resident's identity card for foreigners.
    PermanentResidenceId,
    /// A mainland travel permit of a resident of Hong Kong or Macao.
    HongKongMacaoPermit,
    /// A mainland travel permit of a resident of Taiwan.
    TaiwanPermit,
    /// A mainland residence permit of a resident of Hong Kong or Macao.
    HongKongMacaoResidencePermit,
    /// A mainland residence permit of a resident of Taiwan.
    TaiwanResidencePermit,
}

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Passport,
        Self::PermanentResidenceId,
        Self::HongKongMacaoPermit,
        Self::TaiwanPermit,
        Self::HongKongMacaoResidencePermit,
        Self::TaiwanResidencePermit,
    ];

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Passport => 1,
            Self::PermanentResidenceId => 2,
            Self::HongKongMacaoPermit => 3,
            Self::TaiwanPermit => 4,
            Self::HongKongMacaoResidencePermit => 5,
            Self::TaiwanResidencePermit => 6,
        }
    }

    /// The kind with this stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}

/// Kinds of documents; the documents themselves are nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Documents {
    // Invariant: bit n stands for the kind with number n.
    bits: u8,
}

impl Documents {
    /// These and this one.
    #[must_use]
    pub const fn with(self, kind: DocumentKind) -> Self {
        Self { bits: self.bits | 1 << kind.number() }
    }

    /// Whether this one is among them.
    #[must_use]
    pub const fn has(self, kind: DocumentKind) -> bool {
        self.bits & 1 << kind.number() != 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = DocumentKind> {
        DocumentKind::ALL.into_iter().filter(move |kind| self.has(*kind))
    }
}

/// Says how well a wallet operator knows a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssertPerson {
    /// Whose person.
    pub wallet: WalletId,
    /// What the wallet operator calls the person.
    pub person: Name,
    /// How well.
    pub tier: PersonTier,
    /// By which kinds of documents.
    pub documents: Documents,
}

/// Binds a card to a person. Its number is in the vault already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindCard {
    /// Whose person.
    pub wallet: WalletId,
    /// What the wallet operator calls the person. One that was not asserted is not verified.
    pub person: Name,
    /// The token the card will have if this is its first request.
    pub token: CardToken,
    /// Which card that is.
    pub card: CardFace,
    /// In which currency its holder is billed, where the wallet operator knows.
    pub billing_currency: Option<Currency>,
}

/// What may be known of a card outside the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardFace {
    /// Whose network.
    pub scheme: Scheme,
    /// Who issued it.
    pub bin: CardBin,
    /// The end of its number.
    pub last_four: LastFour,
    /// Tells it from other cards.
    pub fingerprint: CardFingerprint,
}

/// A card that was bound again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardRenewed {
    /// The token it has.
    pub token: CardToken,
    /// In which currency its holder is billed from now on, where that is known.
    pub billing_currency: Option<Currency>,
}

/// Ends a card's token for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnbindCard {
    /// Whose card.
    pub wallet: WalletId,
    /// Which card.
    pub token: CardToken,
}

/// Notes a payer's consent to one merchant order, to be charged to a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApproveCardOrder {
    /// Whose card.
    pub wallet: WalletId,
    /// Which card.
    pub token: CardToken,
    /// Whose order.
    pub merchant: Evidence<MerchantId>,
    /// Keyed digest of the merchant's own number for what is paid.
    pub merchant_order_digest: Digest,
    /// The most that may be charged, the payer's fee within: in the currency of the rail, or in the one its holder is billed in.
    pub debit_amount_max: Money,
    /// From this moment on it no longer holds.
    pub expires_at: Timestamp,
}

/// What an issuer answered to a request, or that it was never asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerCard {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// The record that intended the request: an answer to another request is none to this one.
    pub request: Lsn,
    /// What was answered.
    pub answer: CardAnswer,
}

/// What an issuer answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardAnswer {
    /// Yes, for all of it.
    Approved(CardApproval),
    /// No.
    Declined {
        /// In the network's word.
        response_code: ResponseCode,
        /// In ours.
        reason: DeclineReason,
    },
    /// Yes, for a part: the switch does not take it, so it is to be reversed.
    Partial {
        /// In the network's word.
        response_code: ResponseCode,
    },
    /// Nothing: the line was down, and no byte of the request has left the house.
    NotSent,
}

/// An issuer's approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardApproval {
    /// In the network's word.
    pub response_code: ResponseCode,
    /// The issuer's mark of it.
    pub approval_code: ApprovalCode,
    /// What the cardholder is billed, where the answer said.
    pub billing: Option<CardBilling>,
}

/// What a cardholder is billed in the card's currency, as the scheme converted it. The amount is what counts, the rate only
/// informs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardBilling {
    /// ISO 8583:1987 DE 6 and 51.
    pub amount: Money,
    /// DE 10 as it was sent: the first of eight digits counts decimals from the right. `None` when it was not sent.
    pub rate: Option<u32>,
}

/// Notes that the network has taken an advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcknowledgeAdvice {
    /// The record that intended it.
    pub advice: Lsn,
}

/// Books what a scheme paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettleScheme {
    /// Which scheme.
    pub scheme: Scheme,
    /// What arrived at the bank.
    pub received: Money,
    /// What it closes of what the scheme owes.
    pub settled: Money,
}

/// A payment whose issuer was not heard yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentPending {
    /// From this moment on the request is reversed.
    pub answer_by: Timestamp,
    /// The fee its payer pays; `None` for none.
    pub fee: Option<PayerFee>,
    /// What it counts against the limits of its person.
    pub counted: CountedLimit,
    /// The payment right after.
    pub after: PaymentTotals,
    /// Currencies whose open position, with all that is held, is now above its soft limit, by code.
    pub above_soft_limit: Vec<Currency>,
}

/// What a payment counts against the limits of its person: what is asked, at mid, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountedLimit {
    /// In which calendar year, as the policy counts days.
    pub year: i64,
    /// Mid of the rate used, from presentment currency to that of the limits; `None` when they are the same.
    pub mid_rate: Option<ExactRate>,
    /// How much.
    pub amount: Money,
}

/// A payment that its issuer, or the lack of one, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptDeclined {
    /// Why.
    pub reason: DeclineReason,
    /// What is said to the network.
    pub undo: Undo,
    /// The payment right after.
    pub after: PaymentTotals,
}

/// Whether a request must be undone that was, or may have been, sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    /// No: it was declined, or never sent.
    Nothing,
    /// Yes, by a reversal, until the network has taken it.
    Reversal,
}

/// What a payer pays beside the price: nothing up to an amount, and above it a part of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayerFee {
    /// What is captured up to this amount is free.
    pub free_up_to: Money,
    /// The part of the whole, rounded half up.
    pub ratio: Ratio,
}

impl PayerFee {
    /// The fee on what is paid as `price`, in the currency the payer pays in, when `captured` was or would be captured in all;
    /// `None` when it is too much for one amount.
    #[must_use]
    pub fn on(&self, price: Money, captured: Money) -> Option<Money> {
        match captured.minor_units() > self.free_up_to.minor_units() {
            true => self.ratio.of(price, Rounding::HalfUp).ok(),
            false => Some(Money::zero(price.currency())),
        }
    }
}

/// A fee, and when it begins to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeStep {
    /// From this moment on.
    pub from: Timestamp,
    /// This fee.
    pub fee: PayerFee,
}

/// The rules of the card rail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardRules {
    /// What payments by card are asked in.
    pub currency: Currency,
    /// The payer's fee, by rising moment: the last that has begun counts.
    pub fees: Vec<FeeStep>,
    /// What verified persons may pay.
    pub verified: CardLimits,
    /// What others may.
    pub unverified: CardLimits,
    /// To so many persons one card may be bound.
    pub persons_a_card_max: u32,
    /// So long an answer of an issuer is awaited, in milliseconds.
    pub answer_ms: i64,
    /// Schemes for whose issuers the switch stands in when the line is down, with the largest charge.
    pub stand_in: BTreeMap<Scheme, Money>,
}

/// Limits of a person, over all cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardLimits {
    /// Of one payment.
    pub payment: Money,
    /// Of a calendar year.
    pub year: Money,
}

impl CardRules {
    /// The fee that counts at this moment, if one has begun.
    #[must_use]
    pub fn fee_at(&self, at: Timestamp) -> Option<PayerFee> {
        self.fees.iter().rev().find(|step| step.from <= at).map(|step| step.fee)
    }

    /// From when another fee counts, if one is to.
    #[must_use]
    pub fn next_fee_after(&self, at: Timestamp) -> Option<Timestamp> {
        self.fees.iter().map(|step| step.from).find(|from| *from > at)
    }

    /// The limits of a person of this tier.
    #[must_use]
    pub const fn limits(&self, tier: PersonTier) -> CardLimits {
        match tier {
            PersonTier::Verified => self.verified,
            PersonTier::Unverified => self.unverified,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_and_documents_are_known_by_their_number() {
        for tier in PersonTier::ALL {
            assert_eq!(PersonTier::from_number(tier.number()), Some(tier));
        }
        for kind in DocumentKind::ALL {
            assert_eq!(DocumentKind::from_number(kind.number()), Some(kind));
            assert!(Documents::default().with(kind).iter().eq([kind]));
        }
    }

    #[test]
    fn codes_are_checked() {
        for (text, is_bin) in [("424242", true), ("42424242", true), ("4242424", false), ("42424x", false), ("", false)]
        {
            assert_eq!(CardBin::new(text).is_ok_and(|bin| bin.as_str() == text), is_bin, "{text}");
        }
        for (text, is_last_four) in [("4242", true), ("424", false), ("42 2", false)] {
            assert_eq!(LastFour::new(text).is_ok(), is_last_four, "{text}");
        }
        for (text, is_code) in [("00", true), ("N7", true), ("0", false), ("é", false)] {
            assert_eq!(ResponseCode::new(text).is_ok(), is_code, "{text}");
        }
        for (text, is_code) in [("12 A4z", true), ("12345", false), ("12\n456", false)] {
            assert_eq!(ApprovalCode::new(text).is_ok(), is_code, "{text}");
        }
        assert_eq!(ApprovalCode::stand_in(Lsn::new(41_234_567)).as_str(), "234567");
    }
}
