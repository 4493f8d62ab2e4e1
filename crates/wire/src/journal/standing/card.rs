//! Persons, cards, and what is to be said to card networks.

use domain::{
    CardMessage, CardMessageKind, CountedLimit, Lsn, MerchantId, OriginalMessage, StandingCard, StandingCardUse,
    StandingPerson, Timestamp,
};
use money::Money;

use crate::{
    journal::{
        DecodeError,
        command::{card, payment},
        value,
    },
    journal_v1,
};

pub(super) fn write_person(person: &StandingPerson) -> journal_v1::StandingPerson {
    let StandingPerson { asserted, used } = person;
    journal_v1::StandingPerson {
        asserted: Some(card::write_person(asserted)),
        year: used.map(|(year, _)| year),
        used_currency: used.map_or(0, |(_, used)| value::number(used.currency())),
        used_minor_units: used.map_or(0, |(_, used)| value::minor_units(used)),
    }
}

pub(super) fn read_person(message: &journal_v1::StandingPerson) -> Result<StandingPerson, DecodeError> {
    let journal_v1::StandingPerson { asserted, year, used_currency, used_minor_units } = message;
    let asserted = value::required("person.asserted", asserted.as_ref())?;
    let used = match (year, card::some_currency("person.used_currency", *used_currency)?) {
        (Some(year), Some(currency)) => Some((*year, Money::new(currency, (*used_minor_units).into()))),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return Err(value::invalid("person.used_currency", used_currency)),
    };
    Ok(StandingPerson { asserted: card::read_person(asserted)?, used })
}

pub(super) fn write_card(standing: &StandingCard) -> journal_v1::StandingCard {
    let StandingCard { token, person, face, billing_currency, bound, renewed } = standing;
    journal_v1::StandingCard {
        token: token.bytes().to_vec(),
        person: *person,
        card: Some(card::write_face(face)),
        billing_currency: billing_currency.map_or(0, value::number),
        bound: *bound,
        renewed_lsn: renewed.get(),
    }
}

pub(super) fn read_card(message: &journal_v1::StandingCard) -> Result<StandingCard, DecodeError> {
    let journal_v1::StandingCard { token, person, card, billing_currency, bound, renewed_lsn } = message;
    Ok(StandingCard {
        token: card::token("card.token", token)?,
        person: *person,
        face: card::read_face("card.card", card.as_ref())?,
        billing_currency: card::some_currency("card.billing_currency", *billing_currency)?,
        bound: *bound,
        renewed: Lsn::new(*renewed_lsn),
    })
}

pub(super) fn write_use(used: &StandingCardUse) -> journal_v1::StandingCardUse {
    let StandingCardUse { token, capture_mode, limit, original, approval_code } = used;
    journal_v1::StandingCardUse {
        token: token.bytes().to_vec(),
        capture_mode: payment::capture_mode_number(*capture_mode),
        limit: limit.as_ref().map(card::write_counted),
        original: Some(card::write_original(original)),
        approval_code: approval_code.map(|code| code.as_str().to_owned()).unwrap_or_default(),
    }
}

pub(super) fn read_use(message: &journal_v1::StandingCardUse) -> Result<StandingCardUse, DecodeError> {
    let journal_v1::StandingCardUse { token, capture_mode, limit, original, approval_code } = message;
    let limit: Option<CountedLimit> = limit.as_ref().map(card::read_counted).transpose()?;
    Ok(StandingCardUse {
        token: card::token("payment.card.token", token)?,
        capture_mode: payment::capture_mode(*capture_mode)?,
        limit,
        original: card::read_original("payment.card.original", original.as_ref())?,
        approval_code: match approval_code.as_str() {
            "" => None,
            code => Some(card::approval_code("payment.card.approval_code", code)?),
        },
    })
}

pub(super) fn write_message(message: &CardMessage) -> journal_v1::StandingCardMessage {
    let CardMessage { lsn, at, payment_id, token, scheme, merchant, merchant_name, kind, amount } = message;
    let written = journal_v1::StandingCardMessage {
        lsn: lsn.get(),
        at_us: at.micros(),
        payment_id: payment_id.bytes().to_vec(),
        token: token.bytes().to_vec(),
        scheme: scheme.number().into(),
        merchant: merchant.0,
        merchant_name: merchant_name.as_str().to_owned(),
        currency: value::number(amount.currency()),
        minor_units: value::minor_units(*amount),
        ..journal_v1::StandingCardMessage::default()
    };
    let original = |original: &OriginalMessage| Some(card::write_original(original));
    match kind {
        CardMessageKind::Authorization { answer_by } => {
            journal_v1::StandingCardMessage { kind: 1, answer_by_us: answer_by.micros(), ..written }
        }
        CardMessageKind::StandIn { approval_code } => {
            journal_v1::StandingCardMessage { kind: 2, approval_code: approval_code.as_str().to_owned(), ..written }
        }
        CardMessageKind::Capture { approval_code, original: named } => journal_v1::StandingCardMessage {
            kind: 3,
            approval_code: approval_code.as_str().to_owned(),
            original: original(named),
            ..written
        },
        CardMessageKind::Refund { refund_id, approval_code, original: named } => journal_v1::StandingCardMessage {
            kind: 4,
            refund_id: refund_id.bytes().to_vec(),
            approval_code: approval_code.as_str().to_owned(),
            original: original(named),
            ..written
        },
        CardMessageKind::Reversal { original: named } => {
            journal_v1::StandingCardMessage { kind: 5, original: original(named), ..written }
        }
    }
}

pub(super) fn read_message(message: &journal_v1::StandingCardMessage) -> Result<CardMessage, DecodeError> {
    let approval_code = || card::approval_code("card_message.approval_code", &message.approval_code);
    let original = || card::read_original("card_message.original", message.original.as_ref());
    let kind = match message.kind {
        1 => CardMessageKind::Authorization { answer_by: Timestamp::from_micros(message.answer_by_us) },
        2 => CardMessageKind::StandIn { approval_code: approval_code()? },
        3 => CardMessageKind::Capture { approval_code: approval_code()?, original: original()? },
        4 => CardMessageKind::Refund {
            refund_id: value::refund_id("card_message.refund_id", &message.refund_id)?,
            approval_code: approval_code()?,
            original: original()?,
        },
        5 => CardMessageKind::Reversal { original: original()? },
        number => return Err(value::invalid("card_message.kind", number)),
    };
    let currency = value::currency("card_message.currency", message.currency)?;
    Ok(CardMessage {
        lsn: Lsn::new(message.lsn),
        at: Timestamp::from_micros(message.at_us),
        payment_id: value::payment_id("card_message.payment_id", &message.payment_id)?,
        token: card::token("card_message.token", &message.token)?,
        scheme: card::scheme("card_message.scheme", message.scheme)?,
        merchant: MerchantId(message.merchant),
        merchant_name: value::name("card_message.merchant_name", &message.merchant_name)?,
        kind,
        amount: Money::new(currency, message.minor_units.into()),
    })
}
