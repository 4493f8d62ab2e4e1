//! The checks of a payment: who, whom, how much, and every conversion worked out again.

use std::cell::RefCell;
use std::rc::Rc;
use std::str;

use money::{Conversion, Currency, ExactRate, Money, Prices, Rate, Ratio};
use uuid::Uuid;
use wire::v1::PaymentState;

use super::plan::{Pairing, Plan};
use super::reply::{ConversionView, MoneyView, PaymentView};

/// Conversions remembered at a time: one for each pair of currencies of a run, and then some.
const QUOTED_MAX: usize = 64;

/// Checks the payments of a plan.
#[derive(Debug)]
pub(super) struct Checks {
    plan: Rc<Plan>,
    /// Conversions that were worked out: a rate stays for seconds, so it is done once and not for each payment.
    quoted: RefCell<Vec<Quoted>>,
    /// Where names are written to be compared.
    name: RefCell<Vec<u8>>,
}

/// What a rate and markup make of an amount.
#[derive(Debug)]
struct Quoted {
    asked: Money,
    currency: Currency,
    mid_rate: Vec<u8>,
    rate_exact: Vec<u8>,
    applied_rate: Vec<u8>,
    markup: Vec<u8>,
    debit: Money,
    mid: Money,
    markup_amount: Money,
    /// Towards a merchant: what it is paid before its discount.
    gross: Money,
}

impl Quoted {
    fn is_of(&self, asked: Money, currency: Currency, told: &ConversionView<'_>) -> bool {
        self.asked == asked
            && self.currency == currency
            && self.mid_rate == told.mid_rate
            && self.rate_exact == told.rate_exact
            && self.applied_rate == told.applied_rate
            && self.markup == told.markup
    }

    /// Works it out, exactly.
    fn new(asked: Money, currency: Currency, told: &ConversionView<'_>) -> Option<Self> {
        let mid = exact(if told.rate_exact.is_empty() { told.mid_rate } else { told.rate_exact })?;
        let applied = if told.applied_rate.is_empty() { mid } else { exact(told.applied_rate)? };
        let markup = Ratio::parse(str::from_utf8(told.markup).ok()?).ok()?;
        let at = |rate, markup| Conversion::at(asked.currency(), currency, Prices::mid_only(rate), markup).ok();
        let debit = at(applied, markup)?.debit(asked).ok()?;
        let mid = at(mid, Ratio::ZERO)?.mid(asked).ok()?;
        Some(Self {
            asked,
            currency,
            mid_rate: told.mid_rate.to_vec(),
            rate_exact: told.rate_exact.to_vec(),
            applied_rate: told.applied_rate.to_vec(),
            markup: told.markup.to_vec(),
            debit,
            mid,
            markup_amount: debit.checked_sub(mid).ok()?,
            gross: at(applied, Ratio::ZERO)?.settlement(asked).ok()?,
        })
    }
}

/// A rate as replies write it: a decimal, or a fraction where no decimal holds it.
fn exact(text: &[u8]) -> Option<ExactRate> {
    let text = str::from_utf8(text).ok()?;
    match text.split_once('/') {
        Some((above, below)) => ExactRate::from_parts(above.parse().ok()?, below.parse().ok()?).ok(),
        None => Rate::parse(text).ok().map(ExactRate::from),
    }
}

/// What is expected of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Captured at once.
    Captured,
    /// Held.
    Held,
    /// Whatever has become of it since it was approved.
    Approved,
}

/// How a payment was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decided {
    Approved([u8; 16]),
    Declined,
}

impl Checks {
    pub(super) fn new(plan: Rc<Plan>) -> Self {
        Self { plan, quoted: RefCell::default(), name: RefCell::default() }
    }

    /// Checks payment number `number`, and says what is wrong with it.
    pub(super) fn payment(&self, number: u64, payment: &PaymentView<'_>, stands: Standing) -> Result<Decided, String> {
        let wrong = |what: &str| format!("payment {}: {what}", String::from_utf8_lossy(payment.payment_id));
        let state = PaymentState::try_from(payment.state).unwrap_or(PaymentState::Unspecified);
        if state == PaymentState::Declined {
            return Ok(Decided::Declined);
        }
        let is_expected = match stands {
            Standing::Captured => state == PaymentState::Captured,
            Standing::Held => state == PaymentState::Authorized,
            Standing::Approved => state != PaymentState::Unspecified,
        };
        if !is_expected {
            return Err(wrong(&format!("it is {}", state.as_str_name())));
        }
        let id = Uuid::try_parse_ascii(payment.payment_id).map_err(|_| wrong("its id is no UUID"))?;
        self.amounts(number, payment).map_err(wrong)?;
        Ok(Decided::Approved(id.into_bytes()))
    }

    fn amounts(&self, number: u64, payment: &PaymentView<'_>) -> Result<(), &'static str> {
        let pairing = self.plan.pairing(number);
        let merchant = self.plan.merchant_of(pairing);
        if payment.merchant_id != merchant.merchant_id.as_bytes() {
            return Err("another merchant was paid");
        }
        let mut name = self.name.borrow_mut();
        name.clear();
        self.plan.write_name(number, &mut name);
        if payment.merchant_order_id != *name {
            return Err("it is of another order");
        }
        if payment.payer_account_id != self.plan.payer_of(pairing).account.account_id.as_bytes() {
            return Err("another account pays");
        }
        let asked = merchant.amount;
        if !is(payment.presentment_amount, asked) {
            return Err("another amount than asked");
        }
        self.towards_payer(pairing, asked, payment)?;
        self.towards_merchant(asked, payment)
    }

    fn towards_payer(&self, pairing: Pairing, asked: Money, payment: &PaymentView<'_>) -> Result<(), &'static str> {
        let currency = self.plan.payer_of(pairing).currency;
        match &payment.conversion {
            None if currency == asked.currency() && is(payment.debit_amount, asked) => Ok(()),
            None => Err("a debit that follows from nothing"),
            Some(told) => self.quoted(asked, currency, told, |quoted| {
                is(payment.debit_amount, quoted.debit)
                    && is(told.mid_amount, quoted.mid)
                    && is(told.markup_amount, quoted.markup_amount)
            }),
        }
    }

    fn towards_merchant(&self, asked: Money, payment: &PaymentView<'_>) -> Result<(), &'static str> {
        let settlement = payment.settlement_amount.and_then(money).ok_or("no settlement amount")?;
        let discount = payment.merchant_discount.and_then(money).ok_or("no discount")?;
        let gross = settlement.checked_add(discount).map_err(|_| "settlement and discount in two currencies")?;
        match &payment.settlement_conversion {
            None if gross == asked => Ok(()),
            None => Err("settlement and discount are not the amount asked"),
            Some(told) => self.quoted(asked, gross.currency(), told, |quoted| quoted.gross == gross),
        }
    }

    /// Compares amounts with those that follow from a conversion.
    fn quoted(
        &self,
        asked: Money,
        currency: Currency,
        told: &ConversionView<'_>,
        compare: impl FnOnce(&Quoted) -> bool,
    ) -> Result<(), &'static str> {
        let mut quoted = self.quoted.borrow_mut();
        let known = quoted.iter().rposition(|quoted| quoted.is_of(asked, currency, told));
        let at = match known {
            Some(at) => at,
            None => {
                let fresh = Quoted::new(asked, currency, told).ok_or("a conversion that cannot be worked out")?;
                if quoted.len() == QUOTED_MAX {
                    quoted.remove(0);
                }
                quoted.push(fresh);
                quoted.len() - 1
            }
        };
        let follows = quoted.get(at).is_some_and(compare);
        if follows { Ok(()) } else { Err("the amounts do not follow from rate and markup") }
    }
}

fn is(told: Option<MoneyView<'_>>, expected: Money) -> bool {
    told.is_some_and(|told| {
        told.currency_code == expected.currency().code().as_bytes()
            && i128::from(told.minor_units) == expected.minor_units()
    })
}

fn money(told: MoneyView<'_>) -> Option<Money> {
    let currency = Currency::from_code(str::from_utf8(told.currency_code).ok()?).ok()?;
    Some(Money::new(currency, told.minor_units.into()))
}

#[cfg(test)]
mod tests;
