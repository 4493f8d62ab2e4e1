//! What is said of a field that is not what it should be.

use std::{borrow::Cow, fmt};

use crate::excerpt::excerpt;

/// A field that is not what it should be. Nothing was recorded; the same request can never succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {description}")]
pub struct InvalidField {
    /// Its path in the message: `presentment_amount.minor_units`, `rates[3].mid_rate`.
    pub field: Cow<'static, str>,
    /// What kind of wrong it is, for programs.
    pub reason: InvalidReason,
    /// What is wrong, for people. Repeats at most an excerpt of what was given, with control characters written out,
    /// and nothing of a secret.
    pub description: String,
}

/// What kind of wrong a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvalidReason {
    /// Nothing was given.
    FieldMissing,
    /// A text is too long or has a character it may not have.
    TextInvalid,
    /// The idempotency key is too long or has a control character.
    KeyInvalid,
    /// Not an ISO 4217 code of a currency with minor units.
    CurrencyUnknown,
    /// Not an amount somebody can pay.
    AmountOutOfBounds,
    /// Not a rate.
    RateInvalid,
    /// Not a ratio.
    RatioInvalid,
    /// Not a moment between the years 1 and 9999.
    TimestampInvalid,
    /// More entries than one request may carry.
    TooMany,
    /// A rate from a currency to itself.
    PairOfOneCurrency,
    /// A pair given twice.
    PairRepeated,
    /// Not an API key.
    ApiKeyInvalid,
    /// Not a payment id.
    PaymentIdInvalid,
    /// Not a mandate id.
    MandateIdInvalid,
    /// Not a payer's one-time code.
    PayerCodeInvalid,
    /// Not the token of a card.
    CardTokenInvalid,
    /// Not the number of a card that is taken, or not when it expires.
    CardInvalid,
    /// Two fields of which one may be given, or that contradict each other.
    FieldsConflict,
    /// A value of an enum that this version does not know.
    ValueUnknown,
    /// A number that is too small or too large.
    NumberOutOfBounds,
    /// Not a token of an earlier page.
    PageTokenInvalid,
    /// More rows than a page may have.
    PageSizeTooLarge,
}

impl InvalidReason {
    /// As told to callers, who may branch on it: these words never change.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FieldMissing => "FIELD_MISSING",
            Self::TextInvalid => "TEXT_INVALID",
            Self::KeyInvalid => "KEY_INVALID",
            Self::CurrencyUnknown => "CURRENCY_UNKNOWN",
            Self::AmountOutOfBounds => "AMOUNT_OUT_OF_BOUNDS",
            Self::RateInvalid => "RATE_INVALID",
            Self::RatioInvalid => "RATIO_INVALID",
            Self::TimestampInvalid => "TIMESTAMP_INVALID",
            Self::TooMany => "TOO_MANY",
            Self::PairOfOneCurrency => "PAIR_OF_ONE_CURRENCY",
            Self::PairRepeated => "PAIR_REPEATED",
            Self::ApiKeyInvalid => "API_KEY_INVALID",
            Self::PaymentIdInvalid => "PAYMENT_ID_INVALID",
            Self::MandateIdInvalid => "MANDATE_ID_INVALID",
            Self::PayerCodeInvalid => "PAYER_CODE_INVALID",
            Self::CardTokenInvalid => "CARD_TOKEN_INVALID",
            Self::CardInvalid => "CARD_INVALID",
            Self::FieldsConflict => "FIELDS_CONFLICT",
            Self::ValueUnknown => "VALUE_UNKNOWN",
            Self::NumberOutOfBounds => "NUMBER_OUT_OF_BOUNDS",
            Self::PageTokenInvalid => "PAGE_TOKEN_INVALID",
            Self::PageSizeTooLarge => "PAGE_SIZE_TOO_LARGE",
        }
    }
}

impl InvalidField {
    /// Nothing was given in this field.
    pub(super) fn missing(field: &'static str) -> Self {
        Self::new(field, InvalidReason::FieldMissing, "is missing".to_owned())
    }

    /// What was given in this field is described; `found` is quoted.
    pub(super) fn found(field: &'static str, reason: InvalidReason, rule: impl fmt::Display, found: &str) -> Self {
        Self::new(field, reason, format!("{rule}; found {}", excerpt(found)))
    }

    /// A number of an enum that this version does not know.
    pub(super) fn unknown(field: &'static str, number: i32) -> Self {
        Self::new(field, InvalidReason::ValueUnknown, format!("must be a value this version knows; found {number}"))
    }

    pub(super) fn new(field: &'static str, reason: InvalidReason, description: String) -> Self {
        Self { field: field.into(), reason, description }
    }

    /// The same, seen from the message that holds the one it was found in.
    pub(super) fn within(self, parent: impl fmt::Display) -> Self {
        Self { field: format!("{parent}.{}", self.field).into(), ..self }
    }
}
