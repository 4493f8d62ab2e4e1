//! What happened.

use domain::{AccountId, Command, Decline, DeclineReason, Event, MerchantId, PaymentCaptured, Posting, WalletId};
use money::Money;

use super::{DecodeError, value};
use crate::journal_v1::{self, event::Event as Message};

pub(super) fn write(event: &Event, command: &Command) -> journal_v1::Event {
    let message = match event {
        Event::SwitchInitialized => Message::SwitchInitialized(journal_v1::SwitchInitialized {}),
        Event::PolicyInstalled => Message::PolicyInstalled(journal_v1::PolicyInstalled {}),
        Event::WalletRegistered(WalletId(wallet)) => {
            Message::WalletRegistered(journal_v1::WalletRegistered { wallet: *wallet })
        }
        Event::MerchantRegistered(MerchantId(merchant)) => {
            Message::MerchantRegistered(journal_v1::MerchantRegistered { merchant: *merchant })
        }
        Event::RatesPublished => Message::RatesPublished(journal_v1::RatesPublished {}),
        Event::AccountOpened(account) => {
            Message::AccountOpened(journal_v1::AccountOpened { account: account.packed() })
        }
        Event::AccountClosed => Message::AccountClosed(journal_v1::AccountClosed {}),
        Event::FundsMoved { posting, posted_balance } => {
            Message::FundsMoved(write_funds_moved(posting, *posted_balance))
        }
        Event::PaymentCaptured(captured) => Message::PaymentCaptured(write_captured(captured, command)),
        Event::Declined(decline) => Message::Declined(write_decline(decline)),
    };
    journal_v1::Event { event: Some(message) }
}

/// Reads an event. An event says only what its command does not, so it cannot be read without.
pub(super) fn read(message: journal_v1::Event, command: &Command) -> Result<Event, DecodeError> {
    Ok(match value::required("event.event", message.event)? {
        Message::SwitchInitialized(journal_v1::SwitchInitialized {}) => Event::SwitchInitialized,
        Message::PolicyInstalled(journal_v1::PolicyInstalled {}) => Event::PolicyInstalled,
        Message::WalletRegistered(journal_v1::WalletRegistered { wallet }) => Event::WalletRegistered(WalletId(wallet)),
        Message::MerchantRegistered(journal_v1::MerchantRegistered { merchant }) => {
            Event::MerchantRegistered(MerchantId(merchant))
        }
        Message::RatesPublished(journal_v1::RatesPublished {}) => Event::RatesPublished,
        Message::AccountOpened(journal_v1::AccountOpened { account }) => {
            Event::AccountOpened(value::account("account_opened.account", account)?)
        }
        Message::AccountClosed(journal_v1::AccountClosed {}) => Event::AccountClosed,
        Message::FundsMoved(message) => read_funds_moved(message)?,
        Message::PaymentCaptured(message) => Event::PaymentCaptured(read_captured(&message, command)?),
        Message::Declined(message) => Event::Declined(read_decline(&message)?),
    })
}

fn write_funds_moved(posting: &Posting, posted_balance: Money) -> journal_v1::FundsMoved {
    assert!(posted_balance.currency() == posting.amount().currency(), "an account holds one currency");
    journal_v1::FundsMoved {
        posting: Some(write_posting(posting)),
        posted_minor_units: value::minor_units(posted_balance),
    }
}

fn read_funds_moved(message: journal_v1::FundsMoved) -> Result<Event, DecodeError> {
    let journal_v1::FundsMoved { posting, posted_minor_units } = message;
    let posting = read_posting(value::required("funds_moved.posting", posting)?)?;
    let posted_balance = Money::new(posting.amount().currency(), posted_minor_units.into());
    Ok(Event::FundsMoved { posting, posted_balance })
}

fn write_captured(captured: &PaymentCaptured, command: &Command) -> journal_v1::PaymentCaptured {
    let PaymentCaptured { settlement_amount, postings } = captured;
    let presented = presentment_amount(command).expect("only a payment is captured");
    assert!(settlement_amount.currency() == presented.currency(), "a merchant is paid in what it asked in");
    journal_v1::PaymentCaptured {
        settlement_minor_units: value::minor_units(*settlement_amount),
        postings: postings.iter().map(write_posting).collect(),
    }
}

fn read_captured(message: &journal_v1::PaymentCaptured, command: &Command) -> Result<PaymentCaptured, DecodeError> {
    let journal_v1::PaymentCaptured { settlement_minor_units, postings } = message;
    let presented = presentment_amount(command).ok_or(DecodeError::EventOfAnotherCommand)?;
    Ok(PaymentCaptured {
        settlement_amount: Money::new(presented.currency(), (*settlement_minor_units).into()),
        postings: postings.iter().copied().map(read_posting).collect::<Result<_, _>>()?,
    })
}

fn presentment_amount(command: &Command) -> Option<Money> {
    if let Command::AuthorizePayment(payment) = command { Some(payment.presentment_amount) } else { None }
}

fn write_decline(decline: &Decline) -> journal_v1::Declined {
    let Decline { reason, paid_by } = decline;
    journal_v1::Declined {
        reason: reason.number().into(),
        paid_by: paid_by.map(|payment| payment.bytes().to_vec()).unwrap_or_default(),
    }
}

fn read_decline(message: &journal_v1::Declined) -> Result<Decline, DecodeError> {
    let journal_v1::Declined { reason, paid_by } = message;
    let known = u8::try_from(*reason).ok().and_then(DeclineReason::from_number);
    Ok(Decline {
        reason: known.ok_or_else(|| value::invalid("declined.reason", reason))?,
        paid_by: match paid_by.as_slice() {
            [] => None,
            id => Some(value::payment_id("declined.paid_by", id)?),
        },
    })
}

fn write_posting(posting: &Posting) -> journal_v1::Posting {
    journal_v1::Posting {
        debit: posting.debit().packed(),
        credit: posting.credit().packed(),
        minor_units: value::minor_units(posting.amount()),
    }
}

fn read_posting(message: journal_v1::Posting) -> Result<Posting, DecodeError> {
    let journal_v1::Posting { debit, credit, minor_units } = message;
    let debit: AccountId = value::account("posting.debit", debit)?;
    let credit = value::account("posting.credit", credit)?;
    let amount = value::payable("posting.minor_units", debit.currency, minor_units)?;
    Posting::new(debit, credit, amount)
        .ok_or_else(|| value::invalid("posting.credit", format_args!("{credit:?} for {debit:?}")))
}
