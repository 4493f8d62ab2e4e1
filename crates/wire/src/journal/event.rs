//! What happened.

pub(super) mod payment;
mod together;

use domain::{
    AccountId, Command, Decline, Event, MerchantId, Posting, PublishRates, RatesPublished, Timestamp, WalletId,
};
use money::Money;

use super::{DecodeError, command::card, value};
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
        Event::RatesPublished(published) => Message::RatesPublished(write_rates(published, command)),
        Event::AccountOpened(account) => {
            Message::AccountOpened(journal_v1::AccountOpened { account: account.packed() })
        }
        Event::AccountClosed => Message::AccountClosed(journal_v1::AccountClosed {}),
        Event::FundsMoved { posting, posted_balance } => {
            Message::FundsMoved(write_funds_moved(posting, *posted_balance))
        }
        Event::PaymentCaptured(captured) => Message::PaymentCaptured(payment::write_captured(captured, command)),
        Event::PaymentAuthorized(authorized) => Message::PaymentAuthorized(payment::write_authorized(authorized)),
        Event::PaymentVoided(after) => Message::PaymentVoided(payment::write_voided(after)),
        Event::PaymentRefunded(refunded) => Message::PaymentRefunded(payment::write_refunded(refunded)),
        Event::RefundPending(pending) => Message::RefundPending(payment::write_pending(pending)),
        Event::AuthorizationIncreased(increased) => {
            Message::AuthorizationIncreased(payment::write_increased(increased))
        }
        Event::HoldsExpired(holds) => Message::HoldsExpired(payment::write_expired(holds)),
        Event::RefundsPriced(refunds) => Message::RefundsPriced(payment::write_priced(refunds)),
        Event::AccountFrozen => Message::AccountFrozen(journal_v1::AccountFrozen {}),
        Event::AccountUnfrozen => Message::AccountUnfrozen(journal_v1::AccountUnfrozen {}),
        Event::CodeIssued { expires_at } => {
            Message::CodeIssued(journal_v1::CodeIssued { expires_at_us: expires_at.micros() })
        }
        Event::OrderApproved => Message::OrderApproved(journal_v1::OrderApproved {}),
        Event::MandateGranted => Message::MandateGranted(journal_v1::MandateGranted {}),
        Event::MandateRevoked => Message::MandateRevoked(journal_v1::MandateRevoked {}),
        Event::PaidOut(posting) => Message::PaidOut(journal_v1::PaidOut { posting: Some(write_posting(posting)) }),
        Event::ReserveFunded(posting) => {
            Message::ReserveFunded(journal_v1::ReserveFunded { posting: Some(write_posting(posting)) })
        }
        Event::PositionSquared(postings) => {
            Message::PositionSquared(journal_v1::PositionSquared { postings: write_postings(postings) })
        }
        Event::Declined(decline) => Message::Declined(write_decline(decline)),
        Event::AuthorizedTogether(approved) => {
            Message::AuthorizedTogether(together::write_authorized(approved, command))
        }
        Event::DeclinedTogether(declined) => Message::DeclinedTogether(together::write_declined(declined)),
        Event::PaymentPending(pending) => Message::PaymentPending(payment::write_awaiting(pending)),
        Event::AttemptDeclined(declined) => Message::AttemptDeclined(payment::write_attempt(declined)),
        Event::PersonAsserted => Message::PersonAsserted(journal_v1::PersonAsserted {}),
        Event::CardBound => Message::CardBound(journal_v1::CardBound {}),
        Event::CardRenewed(renewed) => Message::CardRenewed(card::write_renewed(renewed)),
        Event::CardUnbound => Message::CardUnbound(journal_v1::CardUnbound {}),
        Event::AdviceAcknowledged => Message::AdviceAcknowledged(journal_v1::AdviceAcknowledged {}),
        Event::SchemeSettled(postings) => {
            Message::SchemeSettled(journal_v1::SchemeSettled { postings: write_postings(postings) })
        }
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
        Message::RatesPublished(message) => Event::RatesPublished(read_rates(message, command)?),
        Message::AccountOpened(journal_v1::AccountOpened { account }) => {
            Event::AccountOpened(value::account("account_opened.account", account)?)
        }
        Message::AccountClosed(journal_v1::AccountClosed {}) => Event::AccountClosed,
        Message::FundsMoved(message) => read_funds_moved(message)?,
        Message::PaymentCaptured(message) => Event::PaymentCaptured(payment::read_captured(&message, command)?),
        Message::PaymentAuthorized(message) => Event::PaymentAuthorized(payment::read_authorized(&message)?),
        Message::PaymentVoided(message) => Event::PaymentVoided(payment::read_voided(&message)?),
        Message::PaymentRefunded(message) => Event::PaymentRefunded(payment::read_refunded(&message)?),
        Message::RefundPending(message) => Event::RefundPending(payment::read_pending(&message)?),
        Message::AuthorizationIncreased(message) => Event::AuthorizationIncreased(payment::read_increased(&message)?),
        Message::HoldsExpired(message) => Event::HoldsExpired(payment::read_expired(&message)?),
        Message::RefundsPriced(message) => Event::RefundsPriced(payment::read_priced(&message)?),
        Message::AccountFrozen(journal_v1::AccountFrozen {}) => Event::AccountFrozen,
        Message::AccountUnfrozen(journal_v1::AccountUnfrozen {}) => Event::AccountUnfrozen,
        Message::CodeIssued(journal_v1::CodeIssued { expires_at_us }) => {
            Event::CodeIssued { expires_at: Timestamp::from_micros(expires_at_us) }
        }
        Message::OrderApproved(journal_v1::OrderApproved {}) => Event::OrderApproved,
        Message::MandateGranted(journal_v1::MandateGranted {}) => Event::MandateGranted,
        Message::MandateRevoked(journal_v1::MandateRevoked {}) => Event::MandateRevoked,
        Message::PaidOut(journal_v1::PaidOut { posting }) => {
            Event::PaidOut(read_posting(value::required("paid_out.posting", posting)?)?)
        }
        Message::ReserveFunded(journal_v1::ReserveFunded { posting }) => {
            Event::ReserveFunded(read_posting(value::required("reserve_funded.posting", posting)?)?)
        }
        Message::PositionSquared(journal_v1::PositionSquared { postings }) => {
            Event::PositionSquared(read_postings(&postings)?)
        }
        Message::Declined(message) => Event::Declined(read_decline(&message)?),
        Message::AuthorizedTogether(message) => Event::AuthorizedTogether(together::read_authorized(message, command)?),
        Message::DeclinedTogether(message) => Event::DeclinedTogether(together::read_declined(&message)?),
        Message::PaymentPending(message) => Event::PaymentPending(payment::read_awaiting(&message)?),
        Message::AttemptDeclined(message) => Event::AttemptDeclined(payment::read_attempt(&message)?),
        Message::PersonAsserted(journal_v1::PersonAsserted {}) => Event::PersonAsserted,
        Message::CardBound(journal_v1::CardBound {}) => Event::CardBound,
        Message::CardRenewed(message) => Event::CardRenewed(card::read_renewed(&message)?),
        Message::CardUnbound(journal_v1::CardUnbound {}) => Event::CardUnbound,
        Message::AdviceAcknowledged(journal_v1::AdviceAcknowledged {}) => Event::AdviceAcknowledged,
        Message::SchemeSettled(journal_v1::SchemeSettled { postings }) => {
            Event::SchemeSettled(read_postings(&postings)?)
        }
    })
}

fn write_rates(published: &RatesPublished, command: &Command) -> journal_v1::RatesPublished {
    let RatesPublished { move_ppm } = published;
    assert!(Some(move_ppm.len()) == ticks(command), "each rate has a volatility");
    // Records of the first version say nothing: nothing had moved as far as they know.
    let calm = move_ppm.iter().all(|ppm| *ppm == 0);
    journal_v1::RatesPublished { move_ppm: if calm { Vec::new() } else { move_ppm.clone() } }
}

fn read_rates(message: journal_v1::RatesPublished, command: &Command) -> Result<RatesPublished, DecodeError> {
    let journal_v1::RatesPublished { mut move_ppm } = message;
    let ticks = ticks(command).ok_or(DecodeError::EventOfAnotherCommand)?;
    if move_ppm.is_empty() {
        move_ppm.resize(ticks, 0);
    }
    if move_ppm.len() == ticks {
        Ok(RatesPublished { move_ppm })
    } else {
        let found = format_args!("of {} rates where {ticks} were published", move_ppm.len());
        Err(value::invalid("rates_published.move_ppm", found))
    }
}

fn ticks(command: &Command) -> Option<usize> {
    if let Command::PublishRates(PublishRates { ticks, .. }) = command { Some(ticks.len()) } else { None }
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

fn write_decline(decline: &Decline) -> journal_v1::Declined {
    let Decline { reason, paid_by } = decline;
    journal_v1::Declined {
        reason: reason.number().into(),
        paid_by: paid_by.map(|payment| payment.bytes().to_vec()).unwrap_or_default(),
    }
}

fn read_decline(message: &journal_v1::Declined) -> Result<Decline, DecodeError> {
    let journal_v1::Declined { reason, paid_by } = message;
    Ok(Decline {
        reason: value::decline_reason("declined.reason", *reason)?,
        paid_by: match paid_by.as_slice() {
            [] => None,
            id => Some(value::payment_id("declined.paid_by", id)?),
        },
    })
}

fn write_postings(postings: &[Posting]) -> Vec<journal_v1::Posting> {
    postings.iter().map(write_posting).collect()
}

fn read_postings(messages: &[journal_v1::Posting]) -> Result<Vec<Posting>, DecodeError> {
    messages.iter().copied().map(read_posting).collect()
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
