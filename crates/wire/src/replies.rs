//! Answers, from the records they rest on: what a caller is told is what the journal holds.

mod card;
mod conversion;
mod decline_text;
mod encoded;
mod payment;
mod rates;
mod refund;

#[cfg(test)]
mod tests;

use std::fmt::{self, Write};

use domain::{
    AccountId, AccountKind, AccountName, CardFace, CardToken, Command, Event, Evidence, MerchantId, MoveFunds, Name,
    Posting, Record, Scheme, Timestamp,
};
use money::Money;

pub use card::{answered, card, converter, offers_text};
pub use conversion::quote;
pub use decline_text::{merchant_text, payer_text};
pub use encoded::encoded_payment;
use payment::{capture_mode, consent_kind};
pub use payment::{event_kind, payment, payment_after, payment_ids, payment_state, totals};
pub use refund::refund;

use crate::v1;

/// The names behind the numbers that records hold.
///
/// Contract: every number in a durable record has a name, given by an earlier or the same record; for one that has none all
/// the same, nothing is shown. Names never change.
pub trait Names {
    /// The merchant's name.
    fn merchant(&self, merchant: MerchantId) -> Option<Name>;
    /// What may be known of a card that was bound.
    fn card(&self, token: CardToken) -> Option<CardFace>;
    /// Wallet and name of a wallet account. Never asked for accounts of another kind.
    fn account(&self, account: AccountId) -> Option<AccountName>;
}

/// The deposit or withdrawal of this record, or `None` when the record is of something else.
#[must_use]
pub fn movement(record: &Record, names: &dyn Names) -> Option<v1::Movement> {
    let (Command::Deposit(command) | Command::Withdraw(command)) = &record.command else { return None };
    let MoveFunds { account: Evidence::Present(account), amount } = command else { return None };
    let asked = v1::Movement {
        account: Some(account_reference(names, *account)),
        amount: Some(money(*amount)),
        create_time: Some(timestamp(record.at)),
        lsn: record.lsn.get(),
        ..v1::Movement::default()
    };
    if let Some(decline) = record.event.decline() {
        return Some(v1::Movement {
            state: v1::MovementState::Declined.into(),
            decline_reason: decline_reason(decline.reason).into(),
            ..asked
        });
    }
    let Event::FundsMoved { posting: _, posted_balance } = &record.event else { return None };
    Some(v1::Movement {
        state: v1::MovementState::Posted.into(),
        posted_balance: Some(money(*posted_balance)),
        ..asked
    })
}

/// A posting, with both accounts by label.
#[must_use]
pub fn posting(posting: &Posting, names: &dyn Names) -> v1::Posting {
    v1::Posting {
        debit_account: account_label(names, posting.debit()),
        credit_account: account_label(names, posting.credit()),
        amount: Some(money(posting.amount())),
    }
}

/// An account as people read it: `wallet:demo-wallet/hk-alice`, `merchant_payable:demo-cafe`, `fx_position:HKD`.
#[must_use]
pub fn account_label(names: &dyn Names, account: AccountId) -> String {
    let mut text = String::new();
    Label { account, names }.write_to(&mut text).expect("a string takes what is written to it");
    text
}

struct Label<'a> {
    account: AccountId,
    names: &'a dyn Names,
}

impl Label<'_> {
    fn write_to(&self, out: &mut impl Write) -> fmt::Result {
        let Self { account, names } = self;
        out.write_str(account.kind.as_str())?;
        out.write_str(":")?;
        match account.kind {
            AccountKind::Wallet => {
                let name = names.account(*account);
                let (wallet, account) =
                    name.as_ref().map_or(("", ""), |name| (name.wallet.as_str(), name.account.as_str()));
                out.write_str(wallet)?;
                out.write_str("/")?;
                out.write_str(account)
            }
            AccountKind::MerchantPayable | AccountKind::MerchantReserve => {
                out.write_str(names.merchant(MerchantId(account.index)).as_ref().map_or("", Name::as_str))
            }
            AccountKind::SchemeReceivable => {
                out.write_str(account.scheme().map_or("", Scheme::as_str))?;
                out.write_str("/")?;
                out.write_str(account.currency.code())
            }
            AccountKind::FxPosition
            | AccountKind::PayerFee
            | AccountKind::FxMarkup
            | AccountKind::FeeIncome
            | AccountKind::Nostro
            | AccountKind::FxResult => out.write_str(account.currency.code()),
        }
    }
}

fn merchant_name(names: &dyn Names, merchant: MerchantId) -> String {
    names.merchant(merchant).map(|name| name.as_str().to_owned()).unwrap_or_default()
}

/// Wallet and name of a wallet account; empty where it has none.
#[must_use]
pub fn account_reference(names: &dyn Names, account: AccountId) -> v1::AccountReference {
    let name = names.account(account);
    name.map_or_else(v1::AccountReference::default, |AccountName { wallet, account }| v1::AccountReference {
        wallet_id: wallet.as_str().to_owned(),
        account_id: account.as_str().to_owned(),
    })
}

/// A sum of money.
#[must_use]
pub fn money(money: Money) -> v1::Money {
    v1::Money { currency_code: money.currency().code().to_owned(), minor_units: minor_units(money) }
}

/// No account holds 10^18 minor units, so every sum the switch shows fits; a sum that did not would be shown as the nearest
/// that does rather than stop an answer.
fn minor_units(money: Money) -> i64 {
    let nearest = if money.is_negative() { i64::MIN } else { i64::MAX };
    i64::try_from(money.minor_units()).unwrap_or(nearest)
}

/// A moment.
#[must_use]
pub fn timestamp(at: Timestamp) -> pbjson_types::Timestamp {
    const MICROS_PER_SECOND: i64 = 1_000_000;
    const NANOS_PER_MICRO: i64 = 1_000;
    let nanos = at.micros().rem_euclid(MICROS_PER_SECOND) * NANOS_PER_MICRO;
    pbjson_types::Timestamp {
        seconds: at.micros().div_euclid(MICROS_PER_SECOND),
        nanos: i32::try_from(nanos).expect("a remainder of one million, times one thousand, is below 2^31"),
    }
}

/// The published reason; its number is the stored one.
#[must_use]
pub const fn decline_reason(reason: domain::DeclineReason) -> v1::DeclineReason {
    match reason {
        domain::DeclineReason::OrderAlreadyPaid => v1::DeclineReason::OrderAlreadyPaid,
        domain::DeclineReason::ConsentNotFound => v1::DeclineReason::ConsentNotFound,
        domain::DeclineReason::ConsentMismatch => v1::DeclineReason::ConsentMismatch,
        domain::DeclineReason::QuoteExpired => v1::DeclineReason::QuoteExpired,
        domain::DeclineReason::QuoteUsed => v1::DeclineReason::QuoteUsed,
        domain::DeclineReason::QuoteMismatch => v1::DeclineReason::QuoteMismatch,
        domain::DeclineReason::QuoteNotReproduced => v1::DeclineReason::QuoteNotReproduced,
        domain::DeclineReason::DebitAmountTooLarge => v1::DeclineReason::DebitAmountTooLarge,
        domain::DeclineReason::DebitAboveMax => v1::DeclineReason::DebitAboveMax,
        domain::DeclineReason::ConsentExceeded => v1::DeclineReason::ConsentExceeded,
        domain::DeclineReason::AccountClosed => v1::DeclineReason::AccountClosed,
        domain::DeclineReason::AccountFrozen => v1::DeclineReason::AccountFrozen,
        domain::DeclineReason::AccountNotEmpty => v1::DeclineReason::AccountNotEmpty,
        domain::DeclineReason::ExposureLimit => v1::DeclineReason::ExposureLimit,
        domain::DeclineReason::NotEnough => v1::DeclineReason::NotEnough,
        domain::DeclineReason::InsufficientBalance => v1::DeclineReason::InsufficientBalance,
        domain::DeclineReason::BalanceLimit => v1::DeclineReason::BalanceLimit,
        domain::DeclineReason::BatchDeclined => v1::DeclineReason::BatchDeclined,
        domain::DeclineReason::CardPersonsLimit => v1::DeclineReason::CardPersonsLimit,
        domain::DeclineReason::CardPaymentLimit => v1::DeclineReason::CardPaymentLimit,
        domain::DeclineReason::CardYearLimit => v1::DeclineReason::CardYearLimit,
        domain::DeclineReason::CardPickUp => v1::DeclineReason::CardPickUp,
        domain::DeclineReason::CardSuspected => v1::DeclineReason::CardSuspected,
        domain::DeclineReason::CardInvalid => v1::DeclineReason::CardInvalid,
        domain::DeclineReason::CardExpired => v1::DeclineReason::CardExpired,
        domain::DeclineReason::CardNotPermitted => v1::DeclineReason::CardNotPermitted,
        domain::DeclineReason::CardLimit => v1::DeclineReason::CardLimit,
        domain::DeclineReason::CardFunds => v1::DeclineReason::CardFunds,
        domain::DeclineReason::PartiallyApproved => v1::DeclineReason::PartiallyApproved,
        domain::DeclineReason::ContactIssuer => v1::DeclineReason::ContactIssuer,
        domain::DeclineReason::IssuerDeclined => v1::DeclineReason::IssuerDeclined,
        domain::DeclineReason::NetworkRejected => v1::DeclineReason::NetworkRejected,
        domain::DeclineReason::IssuerUnavailable => v1::DeclineReason::IssuerUnavailable,
    }
}
