//! Payments that hold or wait, and refunds that wait.

use domain::{
    Lsn, MerchantId, StandingMandateUse, StandingPayment, StandingPhase, StandingRefund, StandingTranche, Timestamp,
};
use money::{Conversion, Currency, Money};

use super::card;
use crate::{
    journal::{
        DecodeError,
        command::card::{read_fee, write_fee},
        command::quote,
        value,
    },
    journal_v1,
};

pub(super) fn write(payment: &StandingPayment) -> journal_v1::StandingPayment {
    let StandingPayment { payment_id, merchant, payer, order, tranches, phase, consented, mandate, changed, card } =
        payment;
    let presentment = tranches.first().expect("a payment has a tranche").authorized.currency();
    let (phase, expires_at) = match phase {
        StandingPhase::Open(expires_at) => (1, *expires_at),
        StandingPhase::Pending(answer_by) => (5, *answer_by),
        StandingPhase::Captured => (2, Timestamp::EPOCH),
        StandingPhase::Voided => (3, Timestamp::EPOCH),
        StandingPhase::Expired => (4, Timestamp::EPOCH),
    };
    journal_v1::StandingPayment {
        payment_id: payment_id.bytes().to_vec(),
        merchant: merchant.0,
        payer: payer.packed(),
        merchant_order_digest: order.0.to_vec(),
        presentment_currency: value::number(presentment),
        tranches: tranches.iter().map(|tranche| write_tranche(tranche, presentment)).collect(),
        phase,
        expires_at_us: expires_at.micros(),
        consented_minor_units: consented.map(|amount| in_currency(amount, payer.currency)),
        mandate: mandate.as_ref().map(|used| journal_v1::StandingMandateUse {
            mandate_id: used.mandate_id.bytes().to_vec(),
            period: used.period,
            counted_minor_units: in_currency(used.counted, payer.currency),
        }),
        changed_lsn: changed.get(),
        card: card.as_ref().map(card::write_use),
    }
}

pub(super) fn read(message: &journal_v1::StandingPayment) -> Result<StandingPayment, DecodeError> {
    let payer = value::account("payment.payer", message.payer)?;
    let presentment = value::currency("payment.presentment_currency", message.presentment_currency)?;
    let in_debit = |minor_units: i64| Money::new(payer.currency, minor_units.into());
    if message.tranches.is_empty() {
        return Err(value::invalid("payment.tranches", "empty"));
    }
    let tranches = message.tranches.iter().map(|tranche| read_tranche(tranche, presentment));
    Ok(StandingPayment {
        payment_id: value::payment_id("payment.payment_id", &message.payment_id)?,
        merchant: MerchantId(message.merchant),
        payer,
        order: value::digest("payment.merchant_order_digest", &message.merchant_order_digest)?,
        tranches: tranches.collect::<Result<_, _>>()?,
        phase: match (message.phase, message.expires_at_us) {
            (1, micros) => StandingPhase::Open(Timestamp::from_micros(micros)),
            (5, micros) => StandingPhase::Pending(Timestamp::from_micros(micros)),
            (2, 0) => StandingPhase::Captured,
            (3, 0) => StandingPhase::Voided,
            (4, 0) => StandingPhase::Expired,
            (number, _) => return Err(value::invalid("payment.phase", number)),
        },
        consented: message.consented_minor_units.map(in_debit),
        mandate: message.mandate.as_ref().map(|used| read_use(used, payer.currency)).transpose()?,
        changed: Lsn::new(message.changed_lsn),
        card: message.card.as_ref().map(card::read_use).transpose()?,
    })
}

fn read_use(message: &journal_v1::StandingMandateUse, debit: Currency) -> Result<StandingMandateUse, DecodeError> {
    let journal_v1::StandingMandateUse { mandate_id, period, counted_minor_units } = message;
    Ok(StandingMandateUse {
        mandate_id: value::mandate_id("payment.mandate.mandate_id", mandate_id)?,
        period: *period,
        counted: Money::new(debit, (*counted_minor_units).into()),
    })
}

fn write_tranche(tranche: &StandingTranche, presentment: Currency) -> journal_v1::StandingTranche {
    let StandingTranche { debit, settlement, discount, fee, weight, authorized, captured, refunded, refunded_repriced } =
        tranche;
    journal_v1::StandingTranche {
        debit: debit.as_ref().map(write_conversion),
        settlement: settlement.as_ref().map(write_conversion),
        discount_millionths: discount.millionths(),
        fee: fee.as_ref().map(write_fee),
        weight_millionths: weight.millionths(),
        authorized_minor_units: in_currency(*authorized, presentment),
        captured_minor_units: in_currency(*captured, presentment),
        refunded_minor_units: in_currency(*refunded, presentment),
        refunded_repriced_minor_units: in_currency(*refunded_repriced, presentment),
    }
}

fn read_tranche(message: &journal_v1::StandingTranche, presentment: Currency) -> Result<StandingTranche, DecodeError> {
    let conversion = |message: Option<&journal_v1::StandingConversion>| {
        message.map(|message| read_conversion(message, presentment)).transpose()
    };
    let amount = |minor_units: i64| Money::new(presentment, minor_units.into());
    Ok(StandingTranche {
        debit: conversion(message.debit.as_ref())?,
        settlement: conversion(message.settlement.as_ref())?,
        discount: value::ratio("tranche.discount_millionths", message.discount_millionths)?,
        fee: message.fee.as_ref().map(read_fee).transpose()?,
        weight: value::weight("tranche.weight_millionths", message.weight_millionths)?,
        authorized: amount(message.authorized_minor_units),
        captured: amount(message.captured_minor_units),
        refunded: amount(message.refunded_minor_units),
        refunded_repriced: amount(message.refunded_repriced_minor_units),
    })
}

fn write_conversion(conversion: &Conversion) -> journal_v1::StandingConversion {
    journal_v1::StandingConversion {
        currency: value::number(conversion.to()),
        prices: Some(quote::write_exact(conversion.prices())),
        markup_millionths: conversion.markup_ratio().millionths(),
    }
}

fn read_conversion(message: &journal_v1::StandingConversion, presentment: Currency) -> Result<Conversion, DecodeError> {
    let journal_v1::StandingConversion { currency, prices, markup_millionths } = message;
    let to = value::currency("conversion.currency", *currency)?;
    let prices = quote::read_exact(prices.as_ref().ok_or(DecodeError::Missing { field: "conversion.prices" })?)?;
    let markup = value::ratio("conversion.markup_millionths", *markup_millionths)?;
    Conversion::at(presentment, to, prices, markup).map_err(|same| value::invalid("conversion.currency", same))
}

pub(super) fn write_refund(refund: &StandingRefund) -> journal_v1::StandingRefund {
    let StandingRefund { payment_id, refund_id, priced_from_day, amount, original_mid } = refund;
    journal_v1::StandingRefund {
        payment_id: payment_id.bytes().to_vec(),
        refund_id: refund_id.bytes().to_vec(),
        priced_from_day: *priced_from_day,
        presentment_currency: value::number(amount.currency()),
        minor_units: value::minor_units(*amount),
        debit_currency: value::number(original_mid.currency()),
        original_mid_minor_units: value::minor_units(*original_mid),
    }
}

pub(super) fn read_refund(message: &journal_v1::StandingRefund) -> Result<StandingRefund, DecodeError> {
    let presentment = value::currency("pending_refund.presentment_currency", message.presentment_currency)?;
    let debit = value::currency("pending_refund.debit_currency", message.debit_currency)?;
    Ok(StandingRefund {
        payment_id: value::payment_id("pending_refund.payment_id", &message.payment_id)?,
        refund_id: value::refund_id("pending_refund.refund_id", &message.refund_id)?,
        priced_from_day: message.priced_from_day,
        amount: Money::new(presentment, message.minor_units.into()),
        original_mid: Money::new(debit, message.original_mid_minor_units.into()),
    })
}

fn in_currency(amount: Money, currency: Currency) -> i64 {
    assert!(amount.currency() == currency, "the amounts of one side of a payment are in one currency");
    value::minor_units(amount)
}
