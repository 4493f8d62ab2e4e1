//! What messages say, as far as the network asks.

use domain::{LastFour, Timestamp};
use iso8583::field::{self, Amount, OriginalElements, Rrn};
use iso8583::{Class, Element, Message};
use money::Money;

use super::{Repeated, Subject};
use crate::books::{Books, Change, ChangeKind, Trace};
use crate::card::CardNumber;

const CARD_NUMBER: Element = Element::of(2);

/// Why a message is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Error {
    /// An element is missing or has another shape.
    Malformed,
    /// It asks for what is not played here.
    NotPlayed,
}

impl From<field::Error> for Error {
    fn from(_element: field::Error) -> Self {
        Self::Malformed
    }
}

/// What is in every message about a card.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// `None` where an advice names its original only.
    pub(super) card: Option<CardNumber>,
    last_four: LastFour,
    trace: Trace,
    rrn: Rrn,
}

impl Head {
    pub(super) fn of(message: &Message) -> Result<Self, Error> {
        let digits = message.get(CARD_NUMBER).ok_or(Error::Malformed)?;
        let card = CardNumber::parse(digits).map_err(|_| Error::Malformed)?;
        Self::about(message, Some(card), card.last_four())
    }

    /// Of an advice: without DE 2 it is about the card of the original that DE 90 names.
    pub(super) fn of_advice(message: &Message, books: &Books) -> Result<Self, Error> {
        if message.get(CARD_NUMBER).is_some() {
            return Self::of(message);
        }
        let original = books.authorization(&original(message)?).ok_or(Error::Malformed)?;
        Self::about(message, None, original.last_four)
    }

    fn about(message: &Message, card: Option<CardNumber>, last_four: LastFour) -> Result<Self, Error> {
        let acquirer = message.read(field::ACQUIRER)?.filter(|acquirer| acquirer.get() != 0);
        let (stan, sent_at) = (message.require(field::STAN)?, message.require(field::TRANSMISSION_TIME)?);
        let rrn = message.require(field::RRN)?;
        Ok(Self {
            card,
            last_four,
            trace: Trace { stan, sent_at, acquirer },
            rrn: is_word(rrn.as_str()).then_some(rrn).ok_or(Error::Malformed)?,
        })
    }

    pub(super) fn repeated(&self, subject: Subject) -> Repeated {
        Repeated { subject, trace: self.trace, rrn: self.rrn, last_four: self.last_four }
    }

    pub(super) fn change(&self, at: Timestamp, kind: ChangeKind) -> Change {
        Change { at, trace: self.trace, rrn: self.rrn, last_four: self.last_four, kind }
    }
}

/// Whether a text can stand between blanks in the books file.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(' ')
}

/// DE 4 in the currency of DE 49.
pub(super) fn amount(message: &Message) -> Result<Money, Error> {
    message.money(field::PRESENTMENT_AMOUNT)?.ok_or(Error::Malformed)
}

/// Of an authorization advice: an approval that was given in the issuer's stead.
pub(super) fn stood_in(message: &Message) -> Result<ChangeKind, Error> {
    let approval_code = message.require(field::APPROVAL_CODE)?;
    let approval_code = is_word(approval_code.as_str()).then_some(approval_code).ok_or(Error::Malformed)?;
    Ok(ChangeKind::Approved { amount: amount(message)?, approval_code })
}

/// Of a financial advice: a capture or a refund, by DE 3. A capture that names no original tells of an approval in the issuer's
/// stead too, and is its own original.
pub(super) fn moved(message: &Message, head: &Head) -> Result<Vec<ChangeKind>, Error> {
    let (service, amount) = (message.require(field::PROCESSING_CODE)?.service.get(), amount(message)?);
    let names_none = message.get(field::ORIGINAL_ELEMENTS.element()).is_none();
    match service {
        0 if names_none => Ok(vec![stood_in(message)?, ChangeKind::Captured { original: head.trace, amount }]),
        0 => Ok(vec![ChangeKind::Captured { original: original(message)?, amount }]),
        20 => Ok(vec![ChangeKind::Refunded { original: original(message)?, amount }]),
        _ => Err(Error::NotPlayed),
    }
}

/// Of a reversal of the whole: DE 95 has no amount that stays.
pub(super) fn reversed(message: &Message) -> Result<ChangeKind, Error> {
    let stays = message.read(field::REPLACEMENT_AMOUNTS)?.map_or(Amount::ZERO, |amounts| amounts.actual);
    if stays != Amount::ZERO {
        return Err(Error::NotPlayed);
    }
    Ok(ChangeKind::Reversed { original: original(message)? })
}

/// The authorization that DE 90 names.
fn original(message: &Message) -> Result<Trace, Error> {
    let OriginalElements { mti, stan, transmitted_at, acquirer, .. } = message.require(field::ORIGINAL_ELEMENTS)?;
    if mti.class() != Class::Authorization {
        return Err(Error::NotPlayed);
    }
    Ok(Trace { stan, sent_at: transmitted_at.ok_or(Error::Malformed)?, acquirer })
}
