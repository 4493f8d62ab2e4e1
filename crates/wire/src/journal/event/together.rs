//! What became of several payments that were decided together.

use domain::{Approved, AuthorizeTogether, Command, DeclinedTogether, KeyedPayment};

use super::{payment, read_decline, write_decline};
use crate::{
    journal::{DecodeError, value},
    journal_v1::{self, approved_payment::Approved as Message},
};

pub(super) fn write_authorized(approved: &[Approved], command: &Command) -> journal_v1::AuthorizedTogether {
    let payments = payments(command).unwrap_or_default();
    assert!(payments.len() == approved.len(), "each payment is approved");
    let write = |(KeyedPayment { authorize, .. }, approved): (&KeyedPayment, &Approved)| {
        let message = match approved {
            Approved::Held(held) => Message::Held(payment::write_authorized(held)),
            Approved::Captured(captured) => Message::Captured(payment::write_captured_at_once(captured, authorize)),
        };
        journal_v1::ApprovedPayment { approved: Some(message) }
    };
    journal_v1::AuthorizedTogether { payments: payments.iter().zip(approved).map(write).collect() }
}

pub(super) fn read_authorized(
    message: journal_v1::AuthorizedTogether,
    command: &Command,
) -> Result<Vec<Approved>, DecodeError> {
    let payments = payments(command).ok_or(DecodeError::EventOfAnotherCommand)?;
    if message.payments.len() != payments.len() {
        let found = format_args!("{} of {}", message.payments.len(), payments.len());
        return Err(value::invalid("authorized_together.payments", found));
    }
    let read = |(KeyedPayment { authorize, .. }, message): (&KeyedPayment, journal_v1::ApprovedPayment)| {
        Ok(match value::required("approved_payment.approved", message.approved)? {
            Message::Held(message) => Approved::Held(payment::read_authorized(&message)?),
            Message::Captured(message) => Approved::Captured(payment::read_captured_at_once(&message, authorize)?),
        })
    };
    payments.iter().zip(message.payments).map(read).collect()
}

pub(super) fn write_declined(declined: &DeclinedTogether) -> journal_v1::DeclinedTogether {
    let DeclinedTogether { position, decline } = declined;
    journal_v1::DeclinedTogether {
        position: u32::try_from(*position).expect("fewer are decided together"),
        declined: Some(write_decline(decline)),
    }
}

pub(super) fn read_declined(message: &journal_v1::DeclinedTogether) -> Result<DeclinedTogether, DecodeError> {
    let journal_v1::DeclinedTogether { position, declined } = message;
    let declined = value::required("declined_together.declined", declined.as_ref())?;
    let position = usize::try_from(*position).map_err(|_| value::invalid("declined_together.position", position))?;
    Ok(DeclinedTogether { position, decline: read_decline(declined)? })
}

fn payments(command: &Command) -> Option<&[KeyedPayment]> {
    if let Command::AuthorizeTogether(together) = command { Some(AuthorizeTogether::payments(together)) } else { None }
}
