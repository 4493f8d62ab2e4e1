//! Answers, from the records they rest on: what a caller is told is what the journal holds.

#[cfg(test)]
mod tests;

use domain::{
    AccountId, AccountKind, AuthorizePayment, Command, Converted, Decline, Event, Evidence, MerchantId, MoveFunds,
    PaymentCaptured, Posting, Quote, Record, Timestamp,
};
use money::Money;

use crate::v1;

/// The names behind the numbers that records hold.
///
/// Contract: every number in a durable record has a name, given by an earlier or the same record; an implementation
/// that does not know one answers with a text that says so rather than panic. Names never change.
pub trait Names {
    /// The merchant's name.
    fn merchant(&self, merchant: MerchantId) -> String;
    /// Wallet and name of a wallet account. Never asked for accounts of another kind.
    fn account(&self, account: AccountId) -> v1::AccountReference;
}

/// The payment of this record, or `None` when the record is of something else.
#[must_use]
pub fn payment(record: &Record, names: &dyn Names) -> Option<v1::Payment> {
    let Command::AuthorizePayment(command) = &record.command else { return None };
    let asked = asked(record, command, names)?;
    match &record.event {
        Event::PaymentCaptured(captured) => Some(with_capture(asked, command, captured, names)),
        Event::Declined(decline) => Some(with_decline(asked, decline)),
        Event::SwitchInitialized
        | Event::PolicyInstalled
        | Event::WalletRegistered(_)
        | Event::MerchantRegistered(_)
        | Event::RatesPublished
        | Event::AccountOpened(_)
        | Event::AccountClosed
        | Event::FundsMoved { .. } => None,
    }
}

/// The deposit or withdrawal of this record, or `None` when the record is of something else.
#[must_use]
pub fn movement(record: &Record, names: &dyn Names) -> Option<v1::Movement> {
    let (Command::Deposit(command) | Command::Withdraw(command)) = &record.command else { return None };
    let MoveFunds { account: Evidence::Present(account), amount } = command else { return None };
    let asked = v1::Movement {
        account: Some(names.account(*account)),
        amount: Some(money(*amount)),
        create_time: Some(timestamp(record.at)),
        lsn: record.lsn.get(),
        ..v1::Movement::default()
    };
    match &record.event {
        Event::FundsMoved { posting: _, posted_balance } => Some(v1::Movement {
            state: v1::MovementState::Posted.into(),
            posted_balance: Some(money(*posted_balance)),
            ..asked
        }),
        Event::Declined(decline) => Some(v1::Movement {
            state: v1::MovementState::Declined.into(),
            decline_reason: decline_reason(decline.reason).into(),
            ..asked
        }),
        Event::SwitchInitialized
        | Event::PolicyInstalled
        | Event::WalletRegistered(_)
        | Event::MerchantRegistered(_)
        | Event::RatesPublished
        | Event::AccountOpened(_)
        | Event::AccountClosed
        | Event::PaymentCaptured(_) => None,
    }
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
    let kind = account.kind.as_str();
    match account.kind {
        AccountKind::Wallet => {
            let v1::AccountReference { wallet_id, account_id } = names.account(account);
            format!("{kind}:{wallet_id}/{account_id}")
        }
        AccountKind::MerchantPayable => format!("{kind}:{}", names.merchant(MerchantId(account.index))),
        AccountKind::FxPosition | AccountKind::FxMarkup | AccountKind::FeeIncome | AccountKind::Nostro => {
            format!("{kind}:{}", account.currency.code())
        }
    }
}

/// A sum of money.
#[must_use]
pub fn money(money: Money) -> v1::Money {
    // No account holds 10^18 minor units, so every sum the switch shows fits; a sum that did not would be shown as the
    // nearest that does rather than stop an answer.
    let nearest = if money.is_negative() { i64::MIN } else { i64::MAX };
    v1::Money {
        currency_code: money.currency().code().to_owned(),
        minor_units: i64::try_from(money.minor_units()).unwrap_or(nearest),
    }
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
        domain::DeclineReason::QuoteNotReproduced => v1::DeclineReason::QuoteNotReproduced,
        domain::DeclineReason::DebitAmountTooLarge => v1::DeclineReason::DebitAmountTooLarge,
        domain::DeclineReason::AccountClosed => v1::DeclineReason::AccountClosed,
        domain::DeclineReason::AccountNotEmpty => v1::DeclineReason::AccountNotEmpty,
        domain::DeclineReason::InsufficientBalance => v1::DeclineReason::InsufficientBalance,
        domain::DeclineReason::BalanceLimit => v1::DeclineReason::BalanceLimit,
    }
}

/// What is the same for every decision: who asked what of whom, and how it converts.
fn asked(record: &Record, command: &AuthorizePayment, names: &dyn Names) -> Option<v1::Payment> {
    let (Evidence::Present(payer), Evidence::Present(converted)) = (&command.payer, &command.converted) else {
        return None;
    };
    let (debit_amount, conversion) = match converted {
        Converted::SameCurrency => (Some(command.presentment_amount), None),
        Converted::Quoted(quote) => (quote.amounts.map(|amounts| amounts.debit), Some(conversion(quote, record.at))),
    };
    Some(v1::Payment {
        payment_id: command.payment_id.to_string(),
        merchant_id: names.merchant(command.merchant),
        merchant_order_id: command.merchant_order_id.to_string(),
        payer: Some(names.account(*payer)),
        presentment_amount: Some(money(command.presentment_amount)),
        debit_amount: debit_amount.map(money),
        conversion,
        create_time: Some(timestamp(record.at)),
        lsn: record.lsn.get(),
        ..v1::Payment::default()
    })
}

fn with_capture(
    asked: v1::Payment,
    command: &AuthorizePayment,
    captured: &PaymentCaptured,
    names: &dyn Names,
) -> v1::Payment {
    let discount = command.presentment_amount.checked_sub(captured.settlement_amount);
    v1::Payment {
        state: v1::PaymentState::Captured.into(),
        settlement_amount: Some(money(captured.settlement_amount)),
        // A discount of nothing is shown as well: it was taken and came to nothing.
        merchant_discount: discount.ok().map(money),
        postings: captured.postings.iter().map(|one| posting(one, names)).collect(),
        ..asked
    }
}

fn with_decline(asked: v1::Payment, decline: &Decline) -> v1::Payment {
    v1::Payment {
        state: v1::PaymentState::Declined.into(),
        decline_reason: decline_reason(decline.reason).into(),
        paid_by_payment_id: decline.paid_by.map(|payment| payment.to_string()).unwrap_or_default(),
        ..asked
    }
}

fn conversion(quote: &Quote, decided_at: Timestamp) -> v1::Conversion {
    let markup_amount = quote.amounts.and_then(|amounts| amounts.debit.checked_sub(amounts.mid).ok());
    v1::Conversion {
        mid_rate: quote.mid_rate.to_string(),
        markup: quote.markup.to_string(),
        mid_amount: quote.amounts.map(|amounts| money(amounts.mid)),
        markup_amount: markup_amount.map(money),
        rate_source: quote.source.to_string(),
        rate_as_of_time: Some(timestamp(quote.as_of)),
        // A rate may speak of a moment just ahead of the switch's clock; its age is then nothing.
        rate_age_ms: u64::try_from(decided_at.millis_since(quote.as_of)).unwrap_or(0),
        rate_lsn: quote.rate_lsn.get(),
    }
}
