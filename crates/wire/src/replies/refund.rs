//! Refunds.

use domain::{Command, Event, Record, RefundId, RefundPriced, Repriced};

use super::{Names, conversion, decline_reason, money, posting, timestamp};
use crate::v1;

/// The refund that `decided` decided, or `None` when that is of something else. `priced` is the record that gave it to
/// the payer later, if it had to wait for a rate and one has come.
#[must_use]
pub fn refund(decided: &Record, priced: Option<&Record>, names: &dyn Names) -> Option<v1::Refund> {
    let Command::RefundPayment(command) = &decided.command else { return None };
    let asked = v1::Refund {
        refund_id: command.refund_id.to_string(),
        payment_id: command.payment_id.to_string(),
        presentment_amount: Some(money(command.amount)),
        create_time: Some(timestamp(decided.at)),
        lsn: decided.lsn.get(),
        ..v1::Refund::default()
    };
    if let Event::PaymentRefunded(refunded) = &decided.event {
        return Some(v1::Refund {
            state: v1::RefundState::Refunded.into(),
            debit_amount: Some(money(refunded.debit_amount)),
            settlement_amount: Some(money(refunded.settlement_amount)),
            postings: refunded.postings.iter().map(|one| posting(one, names)).collect(),
            ..match &refunded.repriced {
                None => v1::Refund { rate_rule: v1::RefundRate::Original.into(), ..asked },
                Some(repriced) => at_rate(asked, repriced, v1::RefundRate::Current),
            }
        });
    }
    if let Event::RefundPending(pending) = &decided.event {
        let waiting = v1::Refund {
            state: v1::RefundState::Pending.into(),
            settlement_amount: Some(money(pending.settlement_amount)),
            rate_rule: v1::RefundRate::NextDay.into(),
            postings: pending.postings.iter().map(|one| posting(one, names)).collect(),
            ..asked
        };
        return match priced.and_then(|record| of_refund(record, command.refund_id)) {
            None => Some(waiting),
            Some(priced) => Some(given(waiting, priced, names)),
        };
    }
    let decline = decided.event.decline()?;
    Some(v1::Refund {
        state: v1::RefundState::Declined.into(),
        decline_reason: decline_reason(decline.reason).into(),
        ..asked
    })
}

fn of_refund(record: &Record, refund_id: RefundId) -> Option<&RefundPriced> {
    let Event::RefundsPriced(refunds) = &record.event else { return None };
    refunds.iter().find(|refund| refund.refund_id == refund_id)
}

fn given(mut waiting: v1::Refund, priced: &RefundPriced, names: &dyn Names) -> v1::Refund {
    waiting.postings.extend(priced.postings.iter().map(|one| posting(one, names)));
    v1::Refund {
        state: v1::RefundState::Refunded.into(),
        debit_amount: Some(money(priced.debit_amount)),
        ..at_rate(waiting, &priced.repriced, v1::RefundRate::NextDay)
    }
}

fn at_rate(refund: v1::Refund, repriced: &Repriced, rule: v1::RefundRate) -> v1::Refund {
    let Repriced { mid_rate, rate_lsn, difference } = repriced;
    v1::Refund {
        rate_rule: rule.into(),
        mid_rate: mid_rate.to_string(),
        rate_exact: conversion::exact(*mid_rate),
        rate_lsn: rate_lsn.get(),
        rate_difference: Some(money(*difference)),
        ..refund
    }
}
