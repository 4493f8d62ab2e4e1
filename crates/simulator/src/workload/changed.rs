//! The same request with one field changed.

use super::together;
use crate::{
    random::Random,
    request::{Agreed, Ask, Digits, Mode, Pay, PayerCode, Price, Rest, Sum},
};

pub(super) fn changed(random: &mut Random, ask: &Ask) -> Ask {
    let mut ask = ask.clone();
    match &mut ask {
        Ask::Begin(_) | Ask::InstallPolicy(_) | Ask::RegisterWallet { .. } | Ask::Due => {}
        Ask::RegisterMerchant { discount_millionths, .. } => *discount_millionths = 7_777,
        Ask::PublishRates { ticks, override_reason } => match random.one_in(3) {
            true => *override_reason = if override_reason.is_none() { Some("a typo".to_owned()) } else { None },
            false => change_price(&mut ticks[0].price),
        },
        Ask::Open { currency, .. } => *currency = if *currency == "USD" { "HKD" } else { "USD" },
        Ask::Close { account } | Ask::Freeze { account } | Ask::Unfreeze { account } => account.push('x'),
        Ask::Deposit { account, amount } | Ask::Withdraw { account, amount } => match random.one_in(2) {
            true => account.push('x'),
            false => change_sum(amount),
        },
        Ask::IssueCode { account, merchant, most } => match random.below(3) {
            0 => account.push('x'),
            1 => merchant.push('x'),
            _ => change_sum(most),
        },
        Ask::ApproveOrder { order, most, expires_at, .. } => match random.below(3) {
            0 => order.push('x'),
            1 => change_sum(most),
            _ => *expires_at += 1,
        },
        Ask::GrantMandate { payment_most, period_most, period_days, expires_at, .. } => match random.below(4) {
            0 => change_sum(payment_most),
            1 => change_sum(period_most),
            2 => *period_days = if *period_days == 1 { 2 } else { *period_days - 1 },
            _ => *expires_at += 1,
        },
        Ask::RevokeMandate { mandate } | Ask::Void { payment: mandate } => mandate[3] ^= 1,
        Ask::Pay(pay) => change_payment(random, pay),
        Ask::Together(payments) => {
            together::changed(random, payments, |random, keyed| change_payment(random, &mut keyed.pay));
        }
        Ask::Capture { payment, amount, rest } => match random.below(3) {
            0 => payment[3] ^= 1,
            1 => change_sum(amount),
            _ => *rest = if *rest == Rest::Kept { Rest::Released } else { Rest::Kept },
        },
        Ask::Refund { payment, amount } => match random.one_in(2) {
            true => payment[3] ^= 1,
            false => change_sum(amount),
        },
        Ask::Increase { amount, code, .. } => match random.one_in(2) {
            true => change_sum(amount),
            false => *code = if code.is_none() { Some(PayerCode::Guessed(1)) } else { None },
        },
        Ask::FundReserve { merchant, amount } | Ask::PayOut { merchant, amount } => match random.one_in(2) {
            true => merchant.push('x'),
            false => change_sum(amount),
        },
        Ask::Square { sold, closed, .. } => match random.one_in(2) {
            true => change_sum(sold),
            false => *closed = if *closed == 1 { 2 } else { *closed - 1 },
        },
    }
    ask
}

fn change_payment(random: &mut Random, pay: &mut Pay) {
    match random.below(7) {
        0 => pay.order.push('x'),
        1 => match &mut pay.agreed {
            Agreed::Named { wallet, .. } | Agreed::Order { wallet, .. } => *wallet = 1 - *wallet,
            Agreed::Code(code) => *code = PayerCode::Guessed(2),
            Agreed::Mandate(mandate) => mandate[3] ^= 1,
        },
        2 => match &mut pay.agreed {
            Agreed::Named { account, .. } | Agreed::Order { account, .. } => account.push('x'),
            Agreed::Code(_) | Agreed::Mandate(_) => pay.order.push('x'),
        },
        3 => pay.mode = if pay.mode == Mode::Manual { Mode::Automatic } else { Mode::Manual },
        4 => pay.quote = if pay.quote.is_none() { Some([9; 16]) } else { None },
        5 => {
            pay.most = match pay.most {
                None => Some(Sum { units: 5, currency: "HKD" }),
                Some(_) => None,
            };
        }
        _ => change_sum(&mut pay.amount),
    }
}

fn change_sum(sum: &mut Sum) {
    sum.units = if sum.units == 1 { 2 } else { sum.units - 1 };
}

fn change_price(price: &mut Price) {
    let change = |rate: &mut Digits| rate.mantissa = if rate.mantissa == 1 { 2 } else { rate.mantissa - 1 };
    match price {
        Price::Mid(mid) => change(mid),
        Price::Spread { bid, .. } => change(bid),
    }
}
