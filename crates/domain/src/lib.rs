//! The language of the switch: ids, commands, events, postings, evidence, and the four answers.
//!
//! These types know no encoding, no clock and no storage; `wire` turns them into bytes and back by exhaustive match, so
//! a new field fails to build exactly where it needs a thought. Text from outside becomes a [`Name`], a [`Label`] or a
//! [`KeyText`] once, at the door; after that no bare string or integer stands for a thing that has a type.
//!
//! Start with [`Command`] and [`Event`]: what can be asked, and what can have happened.

#![no_std]

extern crate alloc;

mod command;
mod event;
mod evidence;
mod ids;
mod key;
mod policy;
mod position;
mod record;
mod refusal;
mod request;
mod text;

pub use command::{
    AuthorizePayment, CloseAccount, Command, InitializeSwitch, InstallPolicy, MoveFunds, OpenAccount, PublishRates,
    RegisterMerchant, RegisterWallet,
};
pub use event::{Decline, DeclineReason, Event, PaymentCaptured, Posting};
pub use evidence::{Converted, Evidence, Quote, QuotedAmounts, RateTick, Unavailable};
pub use ids::{AccountId, AccountKind, CurrencyPair, MerchantId, PaymentId, TenantId, WalletId};
pub use key::{ApiKeyHash, DIGEST_BYTES, Difference, Digest, FIELDS_MAX, Fingerprint, IdempotencyKey, Method};
pub use policy::{DigestKey, Mode, Policy};
pub use position::{Lsn, Timestamp};
pub use record::{Record, Stamped, Submission};
pub use refusal::Refusal;
pub use request::{AccountName, PaymentRequest};
pub use text::{InvalidText, KEY_CHARS_MAX, KeyText, LABEL_CHARS_MAX, Label, NAME_CHARS_MAX, Name};
