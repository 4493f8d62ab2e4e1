//! What happened to one payment.

use domain::{
    AccountId, Command, Decline, Event, Lsn, PaymentAmount, PaymentAuthorized, PaymentCaptured, PaymentId,
    PaymentRefunded, PaymentTotals, Posting, RefundPending, Repriced, Timestamp,
};
use money::{Currency, Money};

use super::command::Asked;
use crate::{
    journal::{event::payment, value},
    protobuf::{Canonical, Fields},
};

/// What can happen to one payment.
#[derive(Clone, Copy)]
pub(super) enum Happened<'a> {
    Captured(&'a PaymentCaptured),
    Declined(&'a Decline),
    Authorized(&'a PaymentAuthorized),
    Voided(&'a PaymentTotals),
    Refunded(&'a PaymentRefunded),
    RefundPending(&'a RefundPending),
}

impl<'a> Happened<'a> {
    pub(super) const fn of(event: &'a Event) -> Option<Self> {
        Some(if let Event::PaymentCaptured(captured) = event {
            Self::Captured(captured)
        } else if let Event::Declined(decline) = event {
            Self::Declined(decline)
        } else if let Event::PaymentAuthorized(authorized) = event {
            Self::Authorized(authorized)
        } else if let Event::PaymentVoided(after) = event {
            Self::Voided(after)
        } else if let Event::PaymentRefunded(refunded) = event {
            Self::Refunded(refunded)
        } else if let Event::RefundPending(pending) = event {
            Self::RefundPending(pending)
        } else {
            return None;
        })
    }

    pub(super) fn write(self, fields: &mut Fields<'_>, asked: Asked<'_>) {
        match self {
            Self::Captured(captured) => fields.message(9, |fields| write_captured(fields, captured, asked)),
            Self::Declined(decline) => fields.message(10, |fields| write_decline(fields, decline)),
            Self::Authorized(authorized) => fields.message(11, |fields| write_authorized(fields, authorized)),
            Self::Voided(after) => fields.message(12, |fields| write_totals(fields, 1, after)),
            Self::Refunded(refunded) => fields.message(13, |fields| write_refunded(fields, refunded)),
            Self::RefundPending(pending) => fields.message(14, |fields| write_pending(fields, pending)),
        }
    }
}

/// Reads an event. An event says only what its command does not, so it cannot be read without.
pub(super) fn read(message: Canonical<'_>, command: &Command) -> Option<Event> {
    match message.one_of()? {
        (9, message) => read_captured(message, command),
        (10, message) => read_decline(message).map(Event::Declined),
        (11, message) => read_authorized(message).map(Event::PaymentAuthorized),
        (12, message) => read_voided(message).map(Event::PaymentVoided),
        (13, message) => read_refunded(message).map(Event::PaymentRefunded),
        (14, message) => read_pending(message).map(Event::RefundPending),
        _ => None,
    }
}

fn write_captured(fields: &mut Fields<'_>, captured: &PaymentCaptured, asked: Asked<'_>) {
    let PaymentCaptured { settlement_amount, postings, after, above_soft_limit } = captured;
    fields.signed(1, payment::settled(*settlement_amount, after.captured));
    write_postings(fields, 2, postings);
    if let Asked::Authorize(asked) = asked {
        payment::assert_follows(captured, asked);
    } else {
        write_totals(fields, 3, after);
    }
    write_currencies(fields, 4, above_soft_limit);
}

fn read_captured(mut message: Canonical<'_>, command: &Command) -> Option<Event> {
    let settlement_minor_units = message.signed(1)?;
    let postings = read_postings(&mut message, 2)?;
    let (settlement_amount, after) = if let Command::AuthorizePayment(asked) = command {
        payment::follows(asked, settlement_minor_units)?
    } else {
        let after = read_totals(&mut message, 3)?;
        (Money::new(after.captured.settlement.currency(), settlement_minor_units.into()), after)
    };
    let above_soft_limit = read_currencies(&mut message, 4)?;
    message.end()?;
    Some(Event::PaymentCaptured(PaymentCaptured { settlement_amount, postings, after, above_soft_limit }))
}

fn write_decline(fields: &mut Fields<'_>, decline: &Decline) {
    let Decline { reason, paid_by } = decline;
    fields.unsigned(1, reason.number().into());
    if let Some(payment) = paid_by {
        fields.bytes(2, &payment.bytes());
    }
}

fn read_decline(mut message: Canonical<'_>) -> Option<Decline> {
    let reason = value::decline_reason("declined.reason", message.small(1)?).ok()?;
    let paid_by = match message.bytes(2)? {
        [] => None,
        id => Some(PaymentId::from_bytes(id.try_into().ok()?)),
    };
    message.end()?;
    Some(Decline { reason, paid_by })
}

fn write_authorized(fields: &mut Fields<'_>, authorized: &PaymentAuthorized) {
    let PaymentAuthorized { expires_at, after, above_soft_limit } = authorized;
    fields.signed(1, expires_at.micros());
    write_totals(fields, 2, after);
    write_currencies(fields, 3, above_soft_limit);
}

fn read_authorized(mut message: Canonical<'_>) -> Option<PaymentAuthorized> {
    let expires_at = Timestamp::from_micros(message.signed(1)?);
    let after = read_totals(&mut message, 2)?;
    let above_soft_limit = read_currencies(&mut message, 3)?;
    message.end()?;
    Some(PaymentAuthorized { expires_at, after, above_soft_limit })
}

fn read_voided(mut message: Canonical<'_>) -> Option<PaymentTotals> {
    let after = read_totals(&mut message, 1)?;
    message.end()?;
    Some(after)
}

fn write_refunded(fields: &mut Fields<'_>, refunded: &PaymentRefunded) {
    let PaymentRefunded { debit_amount, settlement_amount, repriced, postings, after } = refunded;
    let back = after.refunded;
    fields.signed(1, payment::debited(*debit_amount, back));
    fields.signed(2, payment::settled(*settlement_amount, back));
    if let Some(repriced) = repriced {
        fields.message(3, |fields| write_repriced(fields, repriced, back.debit.currency()));
    }
    write_postings(fields, 4, postings);
    write_totals(fields, 5, after);
}

fn read_refunded(mut message: Canonical<'_>) -> Option<PaymentRefunded> {
    let (debit, settlement) = (message.signed(1)?, message.signed(2)?);
    let repriced = message.message(3)?;
    let postings = read_postings(&mut message, 4)?;
    let after = read_totals(&mut message, 5)?;
    message.end()?;
    let debit_currency = after.refunded.debit.currency();
    Some(PaymentRefunded {
        debit_amount: Money::new(debit_currency, debit.into()),
        settlement_amount: Money::new(after.refunded.settlement.currency(), settlement.into()),
        repriced: match repriced {
            Some(repriced) => Some(read_repriced(repriced, debit_currency)?),
            None => None,
        },
        postings,
        after,
    })
}

fn write_pending(fields: &mut Fields<'_>, pending: &RefundPending) {
    let RefundPending { settlement_amount, postings, priced_from_day, after } = pending;
    fields.signed(1, payment::settled(*settlement_amount, after.refunded));
    write_postings(fields, 2, postings);
    fields.signed(3, *priced_from_day);
    write_totals(fields, 4, after);
}

fn read_pending(mut message: Canonical<'_>) -> Option<RefundPending> {
    let settlement = message.signed(1)?;
    let postings = read_postings(&mut message, 2)?;
    let priced_from_day = message.signed(3)?;
    let after = read_totals(&mut message, 4)?;
    message.end()?;
    let settlement_amount = Money::new(after.refunded.settlement.currency(), settlement.into());
    Some(RefundPending { settlement_amount, postings, priced_from_day, after })
}

fn write_repriced(fields: &mut Fields<'_>, repriced: &Repriced, debit_currency: Currency) {
    let Repriced { mid_rate, rate_lsn, difference } = repriced;
    fields.bytes(1, value::significant(&mid_rate.numerator().to_be_bytes()));
    fields.bytes(2, value::significant(&mid_rate.denominator().to_be_bytes()));
    fields.unsigned(3, rate_lsn.get());
    fields.zigzag(4, payment::cost(*difference, debit_currency));
}

fn read_repriced(mut message: Canonical<'_>, debit_currency: Currency) -> Option<Repriced> {
    let mid_rate = value::exact_rate("repriced.mid_numerator", message.bytes(1)?, message.bytes(2)?).ok()?;
    let rate_lsn = Lsn::new(message.unsigned(3)?);
    let difference = Money::new(debit_currency, message.zigzag(4)?.into());
    message.end()?;
    Some(Repriced { mid_rate, rate_lsn, difference })
}

fn write_postings(fields: &mut Fields<'_>, number: u32, postings: &[Posting]) {
    for posting in postings {
        fields.message(number, |fields| {
            fields.unsigned(1, posting.debit().packed());
            fields.unsigned(2, posting.credit().packed());
            fields.signed(3, value::minor_units(posting.amount()));
        });
    }
}

fn read_postings(message: &mut Canonical<'_>, number: u32) -> Option<Vec<Posting>> {
    let mut postings = Vec::with_capacity(message.count(number));
    while let Some(mut posting) = message.message(number)? {
        let debit = AccountId::from_packed(posting.unsigned(1)?)?;
        let credit = AccountId::from_packed(posting.unsigned(2)?)?;
        let amount = Money::payable(debit.currency, posting.signed(3)?).ok()?;
        posting.end()?;
        postings.push(Posting::new(debit, credit, amount)?);
    }
    Some(postings)
}

fn write_totals(fields: &mut Fields<'_>, number: u32, totals: &PaymentTotals) {
    let PaymentTotals { state, authorized: PaymentAmount { presentment, debit, settlement }, .. } = totals;
    let minor_units = payment::totals_minor_units(totals);
    fields.message(number, |fields| {
        fields.unsigned(1, state.number().into());
        fields.unsigned(2, presentment.currency().numeric().into());
        fields.unsigned(3, debit.currency().numeric().into());
        fields.unsigned(4, settlement.currency().numeric().into());
        fields.packed(5, minor_units.iter().map(|minor_units| minor_units.cast_unsigned()));
    });
}

fn read_totals(message: &mut Canonical<'_>, number: u32) -> Option<PaymentTotals> {
    let mut message = message.message(number)??;
    let state = message.small(1)?;
    let currencies = [message.small(2)?, message.small(3)?, message.small(4)?];
    let mut packed = message.packed(5)?;
    message.end()?;
    let mut minor_units = [0; payment::TOTALS];
    for minor_units in &mut minor_units {
        *minor_units = packed.varint()?.cast_signed();
    }
    packed.end()?;
    payment::totals("after", state, currencies, &minor_units).ok()
}

fn write_currencies(fields: &mut Fields<'_>, number: u32, currencies: &[Currency]) {
    fields.packed(number, currencies.iter().map(|currency| currency.numeric().into()));
}

fn read_currencies(message: &mut Canonical<'_>, number: u32) -> Option<Vec<Currency>> {
    let (mut packed, mut currencies) = (message.packed(number)?, Vec::new());
    while !packed.is_empty() {
        currencies.push(value::currency("above_soft_limit", u32::try_from(packed.varint()?).ok()?).ok()?);
    }
    Some(currencies)
}
