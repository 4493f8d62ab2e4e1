//! The language of the switch: ids, commands, events, postings, evidence, and the four answers.
//!
//! These types know no encoding, no clock and no storage; `wire` turns them into bytes and back by exhaustive match, so
//! a new field fails to build exactly where it needs a thought. Text from outside becomes a [`Name`], a [`Label`] or a
//! [`KeyText`] once, at the door; after that no bare string or integer stands for a thing that has a type.
//!
//! Start with [`Command`] and [`Event`]: what can be asked, and what can have happened.

#![no_std]

extern crate alloc;

mod card;
mod card_message;
mod card_rail;
mod command;
mod consent;
mod event;
mod evidence;
mod ids;
mod key;
mod names;
mod numbered;
mod payment;
mod policy;
mod position;
mod quoting;
mod rail;
mod record;
mod refusal;
mod request;
mod standing;
mod text;
mod together;

pub use card::{CardBin, CardFingerprint, InvalidDigits, LastFour, Scheme};
pub use card_message::{CardMessage, CardMessageKind, OriginalMessage, TraceNumbers};
pub use card_rail::{
    AcknowledgeAdvice, AnswerCard, ApprovalCode, ApproveCardOrder, AssertPerson, AttemptDeclined, BindCard, CardAnswer,
    CardApproval, CardBilling, CardFace, CardLimits, CardRenewed, CardRules, CountedLimit, DocumentKind, Documents,
    FeeStep, InvalidCode, PayerFee, PaymentPending, PersonTier, ResponseCode, SettleScheme, UnbindCard, Undo,
};
pub use command::{
    ApproveOrder, AuthorizePayment, CaptureMode, CapturePayment, CaptureRest, Command, FundReserve, GrantMandate,
    IncreaseAuthorization, InitializeSwitch, InstallPolicy, IssueCode, MoveFunds, OnAccount, OpenAccount, PayOut,
    PublishRates, RefundPayment, RegisterMerchant, RegisterWallet, RevokeMandate, SquarePosition, VoidPayment,
};
pub use consent::Consent;
pub use event::{
    AuthorizationIncreased, Decline, DeclineReason, Event, HoldExpired, PaymentAuthorized, PaymentCaptured,
    PaymentRefunded, Posting, RatesPublished, RefundPending, RefundPriced, Repriced,
};
pub use evidence::{
    Conversions, Converted, Evidence, Offer, PriceError, Pricing, Quote, QuotedAmounts, RateTick, SettlementQuote,
    TickPrice, Unavailable,
};
pub use ids::{
    AccountId, AccountKind, CardToken, CurrencyPair, MandateId, MerchantId, PaymentId, QuoteId, RefundId, TenantId,
    UUID_CHARS, WalletId,
};
pub use key::{ApiKeyHash, DIGEST_BYTES, Difference, Digest, FIELDS_MAX, Fingerprint, IdempotencyKey, Method};
pub use names::{BLOCK_NAMES, NameBlock};
pub use numbered::Numbered;
pub use payment::{PaymentAmount, PaymentMove, PaymentState, PaymentTotals};
pub use policy::{
    DAY_OFFSET_MINUTES_DEFAULT, DigestKey, ExposureLimit, HOLD_MS_DEFAULT, KEY_MS_DEFAULT, MarkupTier, MerchantRules,
    Mode, PairRules, Policy, QUOTE_MS_DEFAULT, RailRules, RefundFunding, RefundRate, VolatilityBand,
};
pub use position::{ChainMark, Lsn, Timestamp, date_of_day};
pub use quoting::{PriceInForce, PublishedTick, crossed, debit_quote, price_in_force, settlement_quote};
pub use rail::Rail;
pub use record::{Record, Stamped, Submission};
pub use refusal::{CardRefusal, Refusal};
pub use request::{AccountName, OfferedQuote, PaymentRequest, PresentedConsent};
pub use standing::{
    Standing, StandingAccount, StandingApproval, StandingBalance, StandingCard, StandingCardApproval, StandingCardUse,
    StandingCode, StandingGuesses, StandingLedger, StandingMandate, StandingMandateUse, StandingPayment,
    StandingPerson, StandingPhase, StandingRefund, StandingState, StandingTick, StandingTranche,
};
pub use text::{InvalidText, KEY_CHARS_MAX, KeyText, LABEL_CHARS_MAX, Label, NAME_CHARS_MAX, Name};
pub use together::{Approved, AuthorizeTogether, DeclinedTogether, KeyedPayment, TOGETHER_PAYMENTS_MAX};
