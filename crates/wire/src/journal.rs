//! Records to bytes and back.
//!
//! A record's meaning never changes: a new field gets a new number, new behaviour a new variant. Whatever
//! [`encode`] writes, [`decode`] reads as the same record; what [`encode`] would not write, [`decode`] refuses.

mod command;
mod direct;
mod event;
mod key;
pub mod standing;
mod value;

#[cfg(test)]
pub(crate) mod tests;

use domain::{
    Approved, AuthorizePayment, CaptureMode, Command, DeclinedTogether, Event, Evidence, IdempotencyKey, KeyedPayment,
    Lsn, Record, Timestamp, Unavailable,
};
use prost::Message;

pub(crate) use command::quote;
use direct::Direct;

use crate::journal_v1;

/// Why bytes are not a record. Whoever reads the journal stops at it: guessing would be worse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not the bytes of the message.
    #[error("cannot read the bytes of a record")]
    Malformed(#[from] prost::DecodeError),
    /// A field is not there, or holds a variant this version does not know.
    #[error("{field} is missing or of a later version")]
    Missing {
        /// Which field.
        field: &'static str,
    },
    /// A field holds what it never held when it was written.
    #[error("{field} cannot be {found}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What it holds.
        found: String,
    },
    /// Command and event belong to different things.
    #[error("the event does not answer the command")]
    EventOfAnotherCommand,
}

/// Appends the bytes of a record to `out`.
///
/// # Panics
/// When the record could not have been decided: it holds evidence that was unavailable, an amount that is out of bounds
/// or in a currency other than its account's, or an event that does not answer its command. The engine makes no such
/// record.
pub fn encode(record: &Record, out: &mut Vec<u8>) {
    assert!(answers(&record.event, &record.command), "an event answers the command it is recorded with");
    assert!(is_keyed_rightly(record.key.as_ref(), &record.command), "payments decided together have keys of their own");
    match Direct::of(record) {
        Some(direct) => direct.write(out),
        None => message(record).encode(out).expect("a vector grows as it needs to"),
    }
}

/// The message of a record that could have been decided.
fn message(record: &Record) -> journal_v1::Record {
    journal_v1::Record {
        lsn: record.lsn.get(),
        at_us: record.at.micros(),
        key: record.key.as_ref().map(key::write),
        command: Some(command::write(&record.command)),
        event: Some(event::write(&record.event, &record.command)),
    }
}

/// Reads the bytes of one record.
///
/// # Errors
/// When they are not what [`encode`] writes. Never panics.
pub fn decode(bytes: &[u8]) -> Result<Record, DecodeError> {
    match direct::decode(bytes) {
        Some(record) => Ok(record),
        None => decode_message(bytes),
    }
}

/// Reads the bytes of any record, whatever order they stand in, and says what is wrong with those of none.
fn decode_message(bytes: &[u8]) -> Result<Record, DecodeError> {
    let message = journal_v1::Record::decode(bytes)?;
    let command = command::read(value::required("command", message.command)?)?;
    let event = event::read(value::required("event", message.event)?, &command)?;
    if !answers(&event, &command) {
        return Err(DecodeError::EventOfAnotherCommand);
    }
    let key = message.key.map(key::read).transpose()?;
    let (lsn, at) = (Lsn::new(message.lsn), Timestamp::from_micros(message.at_us));
    if !is_keyed_rightly(key.as_ref(), &command) {
        return Err(value::invalid("key", "of several payments"));
    }
    Ok(Record { lsn, at, key, command, event })
}

const fn is_keyed_rightly(key: Option<&IdempotencyKey>, command: &Command) -> bool {
    key.is_none() || !matches!(command, Command::AuthorizeTogether(_))
}

/// Whether the event can be what the command did.
fn answers(event: &Event, command: &Command) -> bool {
    match command {
        Command::InitializeSwitch(_) => matches!(event, Event::SwitchInitialized),
        Command::InstallPolicy(_) => matches!(event, Event::PolicyInstalled),
        Command::RegisterWallet(_) => matches!(event, Event::WalletRegistered(_)),
        Command::RegisterMerchant(_) => matches!(event, Event::MerchantRegistered(_)),
        Command::PublishRates(_) => matches!(event, Event::RatesPublished(_)),
        Command::OpenAccount(_) => matches!(event, Event::AccountOpened(_)),
        Command::CloseAccount(_) => matches!(event, Event::AccountClosed | Event::Declined(_)),
        Command::Deposit(_) | Command::Withdraw(_) => matches!(event, Event::FundsMoved { .. } | Event::Declined(_)),
        Command::AuthorizePayment(payment) => answers_payment(event, payment),
        Command::AuthorizeTogether(together) => answers_together(event, together.payments()),
        Command::CapturePayment(_) => matches!(event, Event::PaymentCaptured(_) | Event::Declined(_)),
        Command::VoidPayment(_) => matches!(event, Event::PaymentVoided(_)),
        Command::RefundPayment(_) => {
            matches!(event, Event::PaymentRefunded(_) | Event::RefundPending(_) | Event::Declined(_))
        }
        Command::IncreaseAuthorization(_) => {
            matches!(event, Event::AuthorizationIncreased(_) | Event::Declined(_))
        }
        Command::ExpireHolds => matches!(event, Event::HoldsExpired(_)),
        Command::PriceRefunds => matches!(event, Event::RefundsPriced(_)),
        Command::FreezeAccount(_) => matches!(event, Event::AccountFrozen),
        Command::UnfreezeAccount(_) => matches!(event, Event::AccountUnfrozen),
        Command::IssueCode(_) => matches!(event, Event::CodeIssued { .. }),
        Command::ApproveOrder(_) | Command::ApproveCardOrder(_) => matches!(event, Event::OrderApproved),
        Command::GrantMandate(_) => matches!(event, Event::MandateGranted),
        Command::RevokeMandate(_) => matches!(event, Event::MandateRevoked),
        Command::PayOut(_) => matches!(event, Event::PaidOut(_) | Event::Declined(_)),
        Command::FundReserve(_) => matches!(event, Event::ReserveFunded(_) | Event::Declined(_)),
        Command::SquarePosition(_) => matches!(event, Event::PositionSquared(_) | Event::Declined(_)),
        Command::AssertPerson(_) => matches!(event, Event::PersonAsserted),
        Command::BindCard(_) => matches!(event, Event::CardBound | Event::CardRenewed(_) | Event::Declined(_)),
        Command::UnbindCard(_) => matches!(event, Event::CardUnbound),
        Command::AnswerCard(_) => event.is_approval() || matches!(event, Event::AttemptDeclined(_)),
        Command::TimeOutCard(_) => matches!(event, Event::AttemptDeclined(_)),
        Command::AcknowledgeAdvice(_) => matches!(event, Event::AdviceAcknowledged),
        Command::SettleScheme(_) => matches!(event, Event::SchemeSettled(_) | Event::Declined(_)),
    }
}

/// What is behind a payment that was declined was not looked at, so it may lack anything.
fn answers_together(event: &Event, payments: &[KeyedPayment]) -> bool {
    let is_found = |KeyedPayment { authorize, .. }: &KeyedPayment| {
        authorize.payer.present().is_some() && authorize.converted.present().is_some()
    };
    if let Event::AuthorizedTogether(approved) = event {
        let answers = |(payment, approved): (&KeyedPayment, &Approved)| {
            let mode = match approved {
                Approved::Held(_) => CaptureMode::Manual,
                Approved::Captured(_) => CaptureMode::Automatic,
            };
            is_found(payment) && payment.authorize.capture_mode == mode
        };
        return approved.len() == payments.len() && payments.iter().zip(approved).all(answers);
    }
    let Event::DeclinedTogether(DeclinedTogether { position, .. }) = event else { return false };
    let no_consent = Evidence::Unavailable(Unavailable::ConsentNotFound);
    let declined = payments.get(*position);
    declined.is_some_and(|declined| is_found(declined) || declined.authorize.payer == no_consent)
        && payments.iter().take(*position).all(is_found)
}

/// A payer whom no consent told may be missing beside a decline only.
fn answers_payment(event: &Event, payment: &AuthorizePayment) -> bool {
    let paid = payment.payer != Evidence::Unavailable(Unavailable::ConsentNotFound);
    match payment.capture_mode {
        _ if matches!(event, Event::Declined(_)) => true,
        // The issuer of a card is asked first, and nobody else.
        _ if payment.consent.card().is_some() => paid && matches!(event, Event::PaymentPending(_)),
        CaptureMode::Automatic => paid && matches!(event, Event::PaymentCaptured(_)),
        CaptureMode::Manual => paid && matches!(event, Event::PaymentAuthorized(_)),
    }
}
