//! What happened to payments.

use domain::{
    AttemptDeclined, AuthorizationIncreased, AuthorizePayment, Command, Converted, Evidence, HoldExpired, Lsn,
    PaymentAmount, PaymentAuthorized, PaymentCaptured, PaymentPending, PaymentRefunded, PaymentState, PaymentTotals,
    RefundPending, RefundPriced, Repriced, Timestamp, Undo,
};
use money::{Currency, Money};

use super::{read_postings, write_postings};
use crate::{
    journal::{DecodeError, command::card, value},
    journal_v1,
};

/// How many sums [`PaymentTotals`] are.
pub(in crate::journal) const TOTALS: usize = 10;

pub(super) fn write_captured(captured: &PaymentCaptured, command: &Command) -> journal_v1::PaymentCaptured {
    if let Command::AuthorizePayment(payment) = command {
        return write_captured_at_once(captured, payment);
    }
    journal_v1::PaymentCaptured {
        after: Some(write_totals(&captured.after)),
        ..write_captured_without_totals(captured)
    }
}

pub(super) fn write_captured_at_once(
    captured: &PaymentCaptured,
    payment: &AuthorizePayment,
) -> journal_v1::PaymentCaptured {
    assert_follows(captured, payment);
    write_captured_without_totals(captured)
}

/// Checks that what was captured at once says no more than its authorization: the payment right after need not be written.
///
/// # Panics
/// When the two do not speak of the same.
pub(in crate::journal) fn assert_follows(captured: &PaymentCaptured, payment: &AuthorizePayment) {
    let PaymentCaptured { settlement_amount, after, .. } = captured;
    let follows = settlement_currency(payment)
        .and_then(|currency| captured_at_once(payment, Money::new(currency, settlement_amount.minor_units())));
    assert!(follows == Some(*after), "what is captured at once follows from its authorization");
}

/// The minor units of what a payer is credited; `all` is what it was in sum.
pub(in crate::journal) fn debited(debit: Money, all: PaymentAmount) -> i64 {
    assert!(debit.currency() == all.debit.currency(), "a payer is credited in what it was debited in");
    value::minor_units(debit)
}

/// The minor units of what a merchant is paid or gives back; `all` is what it was in sum.
pub(in crate::journal) fn settled(settlement: Money, all: PaymentAmount) -> i64 {
    assert!(settlement.currency() == all.settlement.currency(), "a merchant is paid in one currency");
    value::minor_units(settlement)
}

/// The minor units of what a rate cost.
pub(in crate::journal) fn cost(difference: Money, debit_currency: Currency) -> i64 {
    assert!(difference.currency() == debit_currency, "a rate costs in what the payer is credited in");
    value::minor_units(difference)
}

fn write_captured_without_totals(captured: &PaymentCaptured) -> journal_v1::PaymentCaptured {
    let PaymentCaptured { settlement_amount, postings, after, above_soft_limit } = captured;
    journal_v1::PaymentCaptured {
        settlement_minor_units: settled(*settlement_amount, after.captured),
        postings: write_postings(postings),
        after: None,
        above_soft_limit: write_currencies(above_soft_limit),
    }
}

pub(super) fn read_captured(
    message: &journal_v1::PaymentCaptured,
    command: &Command,
) -> Result<PaymentCaptured, DecodeError> {
    if let Command::AuthorizePayment(payment) = command {
        return read_captured_at_once(message, payment);
    }
    let after = read_totals("payment_captured.after", message.after.as_ref())?;
    let settlement_amount = Money::new(after.captured.settlement.currency(), message.settlement_minor_units.into());
    read_captured_with(message, settlement_amount, after)
}

pub(super) fn read_captured_at_once(
    message: &journal_v1::PaymentCaptured,
    payment: &AuthorizePayment,
) -> Result<PaymentCaptured, DecodeError> {
    if message.after.is_some() {
        return Err(value::invalid("payment_captured.after", "told beside an authorization"));
    }
    let (settlement_amount, after) = follows(payment, message.settlement_minor_units)
        .ok_or(DecodeError::Missing { field: "payment_captured.after" })?;
    read_captured_with(message, settlement_amount, after)
}

/// What a merchant is paid at once, and where that leaves the payment.
pub(in crate::journal) fn follows(
    payment: &AuthorizePayment,
    settlement_minor_units: i64,
) -> Option<(Money, PaymentTotals)> {
    let settlement_amount = Money::new(settlement_currency(payment)?, settlement_minor_units.into());
    Some((settlement_amount, captured_at_once(payment, settlement_amount)?))
}

fn read_captured_with(
    message: &journal_v1::PaymentCaptured,
    settlement_amount: Money,
    after: PaymentTotals,
) -> Result<PaymentCaptured, DecodeError> {
    let journal_v1::PaymentCaptured { settlement_minor_units: _, postings, after: _, above_soft_limit } = message;
    Ok(PaymentCaptured {
        settlement_amount,
        postings: read_postings(postings)?,
        after,
        above_soft_limit: read_currencies("payment_captured.above_soft_limit", above_soft_limit)?,
    })
}

/// What a payment settles in; `None` when nothing says so, since it could not be converted.
fn settlement_currency(payment: &AuthorizePayment) -> Option<Currency> {
    let Evidence::Present(conversions) = &payment.converted else { return None };
    match &conversions.settlement {
        Converted::SameCurrency => Some(payment.presentment_amount.currency()),
        Converted::Quoted(quote) => quote.gross.map(Money::currency),
    }
}

/// Where a payment stands right after it was captured with its authorization: all of it moved, and nothing else.
fn captured_at_once(payment: &AuthorizePayment, settlement: Money) -> Option<PaymentTotals> {
    let Evidence::Present(conversions) = &payment.converted else { return None };
    let presentment = payment.presentment_amount;
    let debit = match &conversions.debit {
        Converted::SameCurrency => presentment,
        Converted::Quoted(quote) => quote.amounts?.debit,
    };
    let all = PaymentAmount { presentment, debit, settlement };
    Some(PaymentTotals {
        state: PaymentState::Captured,
        authorized: all,
        captured: all,
        refunded: PaymentAmount {
            presentment: Money::zero(presentment.currency()),
            debit: Money::zero(debit.currency()),
            settlement: Money::zero(settlement.currency()),
        },
        held: Money::zero(debit.currency()),
    })
}

pub(super) fn write_authorized(authorized: &PaymentAuthorized) -> journal_v1::PaymentAuthorized {
    let PaymentAuthorized { expires_at, after, above_soft_limit } = authorized;
    journal_v1::PaymentAuthorized {
        expires_at_us: expires_at.micros(),
        after: Some(write_totals(after)),
        above_soft_limit: write_currencies(above_soft_limit),
    }
}

pub(super) fn read_authorized(message: &journal_v1::PaymentAuthorized) -> Result<PaymentAuthorized, DecodeError> {
    let journal_v1::PaymentAuthorized { expires_at_us, after, above_soft_limit } = message;
    Ok(PaymentAuthorized {
        expires_at: Timestamp::from_micros(*expires_at_us),
        after: read_totals("payment_authorized.after", after.as_ref())?,
        above_soft_limit: read_currencies("payment_authorized.above_soft_limit", above_soft_limit)?,
    })
}

pub(super) fn write_voided(after: &PaymentTotals) -> journal_v1::PaymentVoided {
    journal_v1::PaymentVoided { after: Some(write_totals(after)) }
}

pub(super) fn read_voided(message: &journal_v1::PaymentVoided) -> Result<PaymentTotals, DecodeError> {
    let journal_v1::PaymentVoided { after } = message;
    read_totals("payment_voided.after", after.as_ref())
}

pub(super) fn write_refunded(refunded: &PaymentRefunded) -> journal_v1::PaymentRefunded {
    let PaymentRefunded { debit_amount, settlement_amount, repriced, postings, after } = refunded;
    journal_v1::PaymentRefunded {
        debit_minor_units: debited(*debit_amount, after.refunded),
        settlement_minor_units: settled(*settlement_amount, after.refunded),
        repriced: repriced.as_ref().map(|repriced| write_repriced(repriced, after.refunded.debit.currency())),
        postings: write_postings(postings),
        after: Some(write_totals(after)),
    }
}

pub(super) fn read_refunded(message: &journal_v1::PaymentRefunded) -> Result<PaymentRefunded, DecodeError> {
    let journal_v1::PaymentRefunded { debit_minor_units, settlement_minor_units, repriced, postings, after } = message;
    let after = read_totals("payment_refunded.after", after.as_ref())?;
    let debit_currency = after.refunded.debit.currency();
    Ok(PaymentRefunded {
        debit_amount: Money::new(debit_currency, (*debit_minor_units).into()),
        settlement_amount: Money::new(after.refunded.settlement.currency(), (*settlement_minor_units).into()),
        repriced: repriced.as_ref().map(|repriced| read_repriced(repriced, debit_currency)).transpose()?,
        postings: read_postings(postings)?,
        after,
    })
}

pub(super) fn write_pending(pending: &RefundPending) -> journal_v1::RefundPending {
    let RefundPending { settlement_amount, postings, priced_from_day, after } = pending;
    journal_v1::RefundPending {
        settlement_minor_units: settled(*settlement_amount, after.refunded),
        postings: write_postings(postings),
        priced_from_day: *priced_from_day,
        after: Some(write_totals(after)),
    }
}

pub(super) fn read_pending(message: &journal_v1::RefundPending) -> Result<RefundPending, DecodeError> {
    let journal_v1::RefundPending { settlement_minor_units, postings, priced_from_day, after } = message;
    let after = read_totals("refund_pending.after", after.as_ref())?;
    Ok(RefundPending {
        settlement_amount: Money::new(after.refunded.settlement.currency(), (*settlement_minor_units).into()),
        postings: read_postings(postings)?,
        priced_from_day: *priced_from_day,
        after,
    })
}

pub(super) fn write_increased(increased: &AuthorizationIncreased) -> journal_v1::AuthorizationIncreased {
    let AuthorizationIncreased { after, above_soft_limit } = increased;
    journal_v1::AuthorizationIncreased {
        after: Some(write_totals(after)),
        above_soft_limit: write_currencies(above_soft_limit),
    }
}

pub(super) fn read_increased(
    message: &journal_v1::AuthorizationIncreased,
) -> Result<AuthorizationIncreased, DecodeError> {
    let journal_v1::AuthorizationIncreased { after, above_soft_limit } = message;
    Ok(AuthorizationIncreased {
        after: read_totals("authorization_increased.after", after.as_ref())?,
        above_soft_limit: read_currencies("authorization_increased.above_soft_limit", above_soft_limit)?,
    })
}

pub(super) fn write_expired(holds: &[HoldExpired]) -> journal_v1::HoldsExpired {
    let write = |HoldExpired { payment_id, after }: &HoldExpired| journal_v1::HoldExpired {
        payment_id: payment_id.bytes().to_vec(),
        after: Some(write_totals(after)),
    };
    journal_v1::HoldsExpired { holds: holds.iter().map(write).collect() }
}

pub(super) fn read_expired(message: &journal_v1::HoldsExpired) -> Result<Vec<HoldExpired>, DecodeError> {
    let read = |journal_v1::HoldExpired { payment_id, after }: &journal_v1::HoldExpired| {
        Ok(HoldExpired {
            payment_id: value::payment_id("holds_expired.holds.payment_id", payment_id)?,
            after: read_totals("holds_expired.holds.after", after.as_ref())?,
        })
    };
    message.holds.iter().map(read).collect()
}

pub(super) fn write_priced(refunds: &[RefundPriced]) -> journal_v1::RefundsPriced {
    let write = |refund: &RefundPriced| {
        let RefundPriced { payment_id, refund_id, debit_amount, repriced, postings } = refund;
        journal_v1::RefundPriced {
            payment_id: payment_id.bytes().to_vec(),
            refund_id: refund_id.bytes().to_vec(),
            debit_currency: value::number(debit_amount.currency()),
            debit_minor_units: value::minor_units(*debit_amount),
            repriced: Some(write_repriced(repriced, debit_amount.currency())),
            postings: write_postings(postings),
        }
    };
    journal_v1::RefundsPriced { refunds: refunds.iter().map(write).collect() }
}

pub(super) fn read_priced(message: &journal_v1::RefundsPriced) -> Result<Vec<RefundPriced>, DecodeError> {
    let read = |refund: &journal_v1::RefundPriced| {
        let journal_v1::RefundPriced { payment_id, refund_id, debit_currency, debit_minor_units, repriced, postings } =
            refund;
        let currency = value::currency("refunds_priced.refunds.debit_currency", *debit_currency)?;
        let repriced = value::required("refunds_priced.refunds.repriced", repriced.as_ref())?;
        Ok(RefundPriced {
            payment_id: value::payment_id("refunds_priced.refunds.payment_id", payment_id)?,
            refund_id: value::refund_id("refunds_priced.refunds.refund_id", refund_id)?,
            debit_amount: Money::new(currency, (*debit_minor_units).into()),
            repriced: read_repriced(repriced, currency)?,
            postings: read_postings(postings)?,
        })
    };
    message.refunds.iter().map(read).collect()
}

/// A payment that waits for its card's issuer.
pub(super) fn write_awaiting(pending: &PaymentPending) -> journal_v1::PaymentPending {
    let PaymentPending { answer_by, fee, counted, after, above_soft_limit } = pending;
    journal_v1::PaymentPending {
        answer_by_us: answer_by.micros(),
        fee: fee.as_ref().map(card::write_fee),
        counted: Some(card::write_counted(counted)),
        after: Some(write_totals(after)),
        above_soft_limit: write_currencies(above_soft_limit),
    }
}

pub(super) fn read_awaiting(message: &journal_v1::PaymentPending) -> Result<PaymentPending, DecodeError> {
    let journal_v1::PaymentPending { answer_by_us, fee, counted, after, above_soft_limit } = message;
    Ok(PaymentPending {
        answer_by: Timestamp::from_micros(*answer_by_us),
        fee: fee.as_ref().map(card::read_fee).transpose()?,
        counted: card::read_counted(value::required("payment_pending.counted", counted.as_ref())?)?,
        after: read_totals("payment_pending.after", after.as_ref())?,
        above_soft_limit: read_currencies("payment_pending.above_soft_limit", above_soft_limit)?,
    })
}

pub(super) fn write_attempt(declined: &AttemptDeclined) -> journal_v1::AttemptDeclined {
    let AttemptDeclined { reason, undo, after } = declined;
    journal_v1::AttemptDeclined {
        reason: reason.number().into(),
        reversed: *undo == Undo::Reversal,
        after: Some(write_totals(after)),
    }
}

pub(super) fn read_attempt(message: &journal_v1::AttemptDeclined) -> Result<AttemptDeclined, DecodeError> {
    let journal_v1::AttemptDeclined { reason, reversed, after } = message;
    Ok(AttemptDeclined {
        reason: value::decline_reason("attempt_declined.reason", *reason)?,
        undo: if *reversed { Undo::Reversal } else { Undo::Nothing },
        after: read_totals("attempt_declined.after", after.as_ref())?,
    })
}

fn write_repriced(repriced: &Repriced, debit_currency: Currency) -> journal_v1::Repriced {
    let Repriced { mid_rate, rate_lsn, difference } = repriced;
    let (mid_numerator, mid_denominator) = value::fraction(*mid_rate);
    journal_v1::Repriced {
        mid_numerator,
        mid_denominator,
        rate_lsn: rate_lsn.get(),
        difference_minor_units: cost(*difference, debit_currency),
    }
}

fn read_repriced(message: &journal_v1::Repriced, debit_currency: Currency) -> Result<Repriced, DecodeError> {
    let journal_v1::Repriced { mid_numerator, mid_denominator, rate_lsn, difference_minor_units } = message;
    Ok(Repriced {
        mid_rate: value::exact_rate("repriced.mid_numerator", mid_numerator, mid_denominator)?,
        rate_lsn: Lsn::new(*rate_lsn),
        difference: Money::new(debit_currency, (*difference_minor_units).into()),
    })
}

fn write_totals(totals: &PaymentTotals) -> journal_v1::PaymentTotals {
    let PaymentTotals { state, authorized: PaymentAmount { presentment, debit, settlement }, .. } = totals;
    journal_v1::PaymentTotals {
        state: state.number().into(),
        presentment_currency: value::number(presentment.currency()),
        debit_currency: value::number(debit.currency()),
        settlement_currency: value::number(settlement.currency()),
        minor_units: totals_minor_units(totals).to_vec(),
    }
}

/// Authorized, captured and refunded, each in presentment, debit and settlement currency; then held.
pub(in crate::journal) fn totals_minor_units(totals: &PaymentTotals) -> [i64; TOTALS] {
    let PaymentTotals { state: _, authorized, captured, refunded, held } = totals;
    let amounts = [authorized, captured, refunded];
    let one_currency = |of: fn(&PaymentAmount) -> Money| {
        amounts.iter().all(|amount| of(amount).currency() == of(authorized).currency())
    };
    assert!(one_currency(|amount| amount.presentment), "a payment is presented in one currency");
    assert!(one_currency(|amount| amount.debit), "a payment is debited in one currency");
    assert!(one_currency(|amount| amount.settlement), "a payment is settled in one currency");
    assert!(held.currency() == authorized.debit.currency(), "a payment is held in the currency it is debited in");
    let [[a, b, c], [d, e, f], [g, h, i]] =
        amounts.map(|amount| [amount.presentment, amount.debit, amount.settlement].map(value::minor_units));
    [a, b, c, d, e, f, g, h, i, value::minor_units(*held)]
}

fn read_totals(field: &'static str, message: Option<&journal_v1::PaymentTotals>) -> Result<PaymentTotals, DecodeError> {
    let journal_v1::PaymentTotals { state, presentment_currency, debit_currency, settlement_currency, minor_units } =
        value::required(field, message)?;
    totals(field, *state, [*presentment_currency, *debit_currency, *settlement_currency], minor_units)
}

/// Totals of their numbers: currencies and minor units in the order they are written.
pub(in crate::journal) fn totals(
    field: &'static str,
    state: u32,
    currencies: [u32; 3],
    minor_units: &[i64],
) -> Result<PaymentTotals, DecodeError> {
    let [presentment, debit, settlement] = currencies;
    let known = u8::try_from(state).ok().and_then(PaymentState::from_number);
    let presentment_currency = value::currency(field, presentment)?;
    let debit_currency = value::currency(field, debit)?;
    let settlement_currency = value::currency(field, settlement)?;
    let [amounts @ .., held] = minor_units else {
        return Err(value::invalid(field, "without amounts"));
    };
    let ([authorized, captured, refunded], []) = amounts.as_chunks::<3>() else {
        return Err(value::invalid(field, format_args!("{} amounts", minor_units.len())));
    };
    let amount = |[presentment, debit, settlement]: &[i64; 3]| PaymentAmount {
        presentment: Money::new(presentment_currency, (*presentment).into()),
        debit: Money::new(debit_currency, (*debit).into()),
        settlement: Money::new(settlement_currency, (*settlement).into()),
    };
    Ok(PaymentTotals {
        state: known.ok_or_else(|| value::invalid(field, format_args!("in state {state}")))?,
        authorized: amount(authorized),
        captured: amount(captured),
        refunded: amount(refunded),
        held: Money::new(debit_currency, (*held).into()),
    })
}

fn write_currencies(currencies: &[Currency]) -> Vec<u32> {
    currencies.iter().copied().map(value::number).collect()
}

fn read_currencies(field: &'static str, numbers: &[u32]) -> Result<Vec<Currency>, DecodeError> {
    numbers.iter().map(|number| value::currency(field, *number)).collect()
}
