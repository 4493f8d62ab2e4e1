//! Payments as a load, with every reply checked, and echoes of the same size.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use client::{Client, Echo, EchoSize};
use money::{Conversion, Currency, Money, Rate, Ratio};
use uuid::Uuid;
use wire::v1::{AccountReference, AuthorizeRequest, AuthorizeResponse, Payment, PaymentState};

use super::lag::Lag;
use super::load::Call;
use super::tally::Answer;
use crate::words;

/// What every payment of a run has in common.
#[derive(Debug)]
pub(super) struct Plan {
    /// Part of every key and order id, so that no two runs meet.
    run: String,
    merchant_id: String,
    amount: Money,
    payers: Vec<AccountReference>,
    payers_currency: Currency,
}

impl Plan {
    /// Payments of this amount from each payer in turn.
    pub(super) fn new(
        merchant_id: String,
        amount: Money,
        payers: Vec<AccountReference>,
        payers_currency: Currency,
    ) -> Self {
        assert!(!payers.is_empty(), "somebody pays");
        Self { run: Uuid::now_v7().simple().to_string(), merchant_id, amount, payers, payers_currency }
    }

    /// The request of payment number `number`.
    pub(super) fn request(&self, number: u64) -> AuthorizeRequest {
        let name = format!("{}-{number}", self.run);
        let payer = usize::try_from(number).ok().and_then(|number| number.checked_rem(self.payers.len()));
        AuthorizeRequest {
            idempotency_key: name.clone(),
            merchant_order_id: name,
            payer: payer.and_then(|index| self.payers.get(index)).cloned(),
            presentment_amount: words::money_message(self.amount),
            ..AuthorizeRequest::default()
        }
    }

    /// What every order of this run begins with.
    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// The merchant that asks.
    pub(super) fn merchant_id(&self) -> &str {
        &self.merchant_id
    }

    /// What it asks each time.
    pub(super) fn amount(&self) -> Money {
        self.amount
    }
}

/// Payments over one connection.
#[derive(Debug)]
pub(super) struct PaymentCall {
    client: Client,
    plan: Rc<Plan>,
    /// The conversion of the last reply: a rate stays for seconds, so it is worked out once and not for each payment.
    quoted: RefCell<Option<Quoted>>,
    lag: Option<Arc<Lag>>,
}

/// What a rate and markup make of the plan's amount.
#[derive(Debug)]
struct Quoted {
    mid_rate: String,
    markup: String,
    debit: Money,
    mid: Money,
    markup_amount: Money,
}

impl PaymentCall {
    pub(super) fn new(client: Client, plan: Rc<Plan>, lag: Option<Arc<Lag>>) -> Self {
        Self { client, plan, quoted: RefCell::new(None), lag }
    }

    /// Pays once and returns what was sent and what came back, to learn their sizes.
    pub(super) async fn pay(&self, number: u64) -> Result<(AuthorizeRequest, AuthorizeResponse), client::Error> {
        let request = self.plan.request(number);
        let reply = self.client.authorize(request.clone()).await?;
        Ok((request, reply))
    }

    /// The request of payment number `number`.
    pub(super) fn request(&self, number: u64) -> AuthorizeRequest {
        self.plan.request(number)
    }

    /// Checks what came back.
    pub(super) fn answer(&self, reply: &AuthorizeResponse) -> Answer {
        let Some(payment) = &reply.payment else { return Answer::Wrong("a reply without a payment".to_owned()) };
        match payment.state() {
            PaymentState::Captured => self.captured(payment).unwrap_or_else(Answer::Wrong),
            PaymentState::Declined => Answer::Declined,
            state @ (PaymentState::Unspecified
            | PaymentState::Authorized
            | PaymentState::PartiallyCaptured
            | PaymentState::Voided
            | PaymentState::Expired
            | PaymentState::PartiallyRefunded
            | PaymentState::Refunded) => {
                Answer::Wrong(format!("payment {} is {}", payment.payment_id, state.as_str_name()))
            }
        }
    }

    fn captured(&self, payment: &Payment) -> Result<Answer, String> {
        let wrong = |what: &str| format!("payment {}: {what}", payment.payment_id);
        let id = Uuid::parse_str(&payment.payment_id).map_err(|_| wrong("its id is no UUID"))?;
        let read = |money: &Option<wire::v1::Money>, name: &str| {
            money.as_ref().and_then(words::read_money).ok_or_else(|| wrong(&format!("no {name}")))
        };
        let asked = self.plan.amount;
        if payment.merchant_id != self.plan.merchant_id {
            return Err(wrong("another merchant was paid"));
        }
        if read(&payment.presentment_amount, "presentment amount")? != asked {
            return Err(wrong("another amount than asked"));
        }
        let settlement = read(&payment.settlement_amount, "settlement amount")?;
        let paid_out = settlement.checked_add(read(&payment.merchant_discount, "discount")?);
        if paid_out != Ok(asked) {
            return Err(wrong("settlement and discount are not the amount asked"));
        }
        let debit = read(&payment.debit_amount, "debit amount")?;
        match &payment.conversion {
            None if debit == asked && self.plan.payers_currency == asked.currency() => {}
            None => return Err(wrong("a debit that follows from nothing")),
            Some(conversion) => {
                let mid = read(&conversion.mid_amount, "mid amount")?;
                let markup = read(&conversion.markup_amount, "markup amount")?;
                self.check_quote(&conversion.mid_rate, &conversion.markup, [debit, mid, markup]).map_err(wrong)?;
            }
        }
        Ok(Answer::Approved(id.into_bytes()))
    }

    /// Works the conversion out again, exactly.
    fn check_quote(&self, mid_rate: &str, markup: &str, amounts: [Money; 3]) -> Result<(), &'static str> {
        let mut quoted = self.quoted.borrow_mut();
        let known = quoted.take_if(|quoted| quoted.mid_rate == mid_rate && quoted.markup == markup);
        let expected = match known {
            Some(known) => known,
            None => self.quote(mid_rate, markup).ok_or("a conversion that cannot be worked out")?,
        };
        let right = [expected.debit, expected.mid, expected.markup_amount] == amounts;
        *quoted = Some(expected);
        if right { Ok(()) } else { Err("the amounts do not follow from rate and markup") }
    }

    fn quote(&self, mid_rate: &str, markup: &str) -> Option<Quoted> {
        let (rate, ratio) = (Rate::parse(mid_rate).ok()?, Ratio::parse(markup).ok()?);
        let asked = self.plan.amount;
        let conversion = Conversion::new(asked.currency(), self.plan.payers_currency, rate, ratio).ok()?;
        Some(Quoted {
            mid_rate: mid_rate.to_owned(),
            markup: markup.to_owned(),
            debit: conversion.debit(asked).ok()?,
            mid: conversion.mid(asked).ok()?,
            markup_amount: conversion.markup(asked).ok()?,
        })
    }
}

impl Call for PaymentCall {
    const NOUN: &'static str = "payments";

    async fn call(&self, number: u64) -> Answer {
        match self.client.authorize(self.plan.request(number)).await {
            Ok(reply) => {
                if let (Some(lag), Some(payment)) = (&self.lag, &reply.payment) {
                    lag.answered(payment.lsn, Instant::now());
                }
                self.answer(&reply)
            }
            Err(error) => error.into(),
        }
    }
}

/// Echoes over one connection.
#[derive(Debug)]
pub(super) struct EchoCall {
    echo: Echo,
    size: Rc<EchoSize>,
}

impl EchoCall {
    pub(super) fn new(echo: Echo, size: Rc<EchoSize>) -> Self {
        Self { echo, size }
    }
}

impl Call for EchoCall {
    const NOUN: &'static str = "echoes";

    async fn call(&self, _: u64) -> Answer {
        match self.echo.echo(&self.size).await {
            Ok(reply) if u32::try_from(reply.payload.len()) == Ok(self.size.response_bytes()) => Answer::Echoed,
            Ok(_) => Answer::Wrong("an echo of another length".to_owned()),
            Err(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests;
