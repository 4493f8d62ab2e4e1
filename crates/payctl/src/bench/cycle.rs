//! Whole lives of payments as a load: a hold, captured in three parts and given back in two, every position checked.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use client::Client;
use money::{Money, allocate};
use uuid::Uuid;
use wire::v1::{CaptureMode, CaptureRequest, Payment, PaymentAmount, PaymentState, RefundRequest};

use super::lag::Lag;
use super::load::Call;
use super::payments::answered;
use super::plan::Plan;
use super::tally::Answer;
use crate::words;

/// Parts that a hold is captured in.
const CAPTURES: [u64; 3] = [1, 1, 1];
/// Parts that what was captured is given back in.
const REFUNDS: [u64; 2] = [1, 1];

/// Cycles over one connection.
#[derive(Debug)]
pub(super) struct CycleCall {
    client: Client,
    plan: Rc<Plan>,
    captures: Vec<Money>,
    refunds: Vec<Money>,
    lag: Option<Arc<Lag>>,
}

/// Why a cycle did not come to its end.
#[derive(Debug)]
enum Stopped {
    Failed(client::Error),
    Declined,
    Wrong(String),
}

impl From<client::Error> for Stopped {
    fn from(error: client::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Stopped> for Answer {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Failed(error) => error.into(),
            Stopped::Declined => Self::Declined,
            Stopped::Wrong(why) => Self::Wrong(why),
        }
    }
}

impl CycleCall {
    /// Cycles of the plan's payments; `None` when its amount is too small for so many parts.
    pub(super) fn new(client: Client, plan: Rc<Plan>, lag: Option<Arc<Lag>>) -> Option<Self> {
        let parts = |weights: &[u64]| {
            let parts = allocate(plan.merchant().amount, weights).ok()?;
            parts.iter().all(|part| part.is_positive()).then_some(parts)
        };
        let (captures, refunds) = (parts(&CAPTURES)?, parts(&REFUNDS)?);
        Some(Self { client, plan, captures, refunds, lag })
    }

    async fn cycle(&self, number: u64) -> Result<[u8; 16], Stopped> {
        let mut request = self.plan.request(number);
        request.capture_mode = CaptureMode::Manual.into();
        let name = request.idempotency_key.clone();
        let reply = answered(async || self.client.authorize(request.clone()).await).await?;
        let payment = self.in_state(reply.payment, PaymentState::Authorized)?;
        let id = Uuid::parse_str(&payment.payment_id).map_err(|_| wrong(&payment, "its id is no UUID"))?;
        let payment_id = payment.payment_id;

        let mut payment = Payment::default();
        for (amount, part) in self.captures.iter().zip(1..) {
            let request = CaptureRequest {
                idempotency_key: format!("{name}-c{part}"),
                payment_id: payment_id.clone(),
                amount: words::money_message(*amount),
                r#final: false,
            };
            let last = part == self.captures.len();
            let expected = if last { PaymentState::Captured } else { PaymentState::PartiallyCaptured };
            let reply = answered(async || self.client.capture(request.clone()).await).await?;
            payment = self.in_state(reply.payment, expected)?;
        }
        check_captured(&payment)?;
        for (amount, part) in self.refunds.iter().zip(1..) {
            let request = RefundRequest {
                idempotency_key: format!("{name}-r{part}"),
                payment_id: payment_id.clone(),
                amount: words::money_message(*amount),
            };
            let last = part == self.refunds.len();
            let expected = if last { PaymentState::Refunded } else { PaymentState::PartiallyRefunded };
            let reply = answered(async || self.client.refund(request.clone()).await).await?;
            payment = self.in_state(reply.payment, expected)?;
        }
        check_refunded(&payment)?;
        Ok(id.into_bytes())
    }

    /// The payment of a reply, if it stands where it should.
    fn in_state(&self, payment: Option<Payment>, expected: PaymentState) -> Result<Payment, Stopped> {
        // A declined capture or refund has no payment with it, a declined authorization one that says so.
        let Some(payment) = payment else { return Err(Stopped::Declined) };
        if let Some(lag) = &self.lag {
            lag.answered(payment.lsn, Instant::now());
        }
        let state = payment.state();
        if state == expected {
            return Ok(payment);
        }
        if state == PaymentState::Declined {
            return Err(Stopped::Declined);
        }
        let what = format!("{} where {} was expected", state.as_str_name(), expected.as_str_name());
        Err(wrong(&payment, &what))
    }
}

fn wrong(payment: &Payment, what: &str) -> Stopped {
    Stopped::Wrong(format!("payment {}: {what}", payment.payment_id))
}

/// All parts together are the whole, in every currency, and nothing is held.
fn check_captured(payment: &Payment) -> Result<(), Stopped> {
    if !is_same(&payment.authorized, &payment.captured) {
        return Err(wrong(payment, "the captured parts do not sum to what was authorized"));
    }
    match &payment.held_amount {
        Some(held) if held.minor_units != 0 => Err(wrong(payment, "something is held of a captured payment")),
        Some(_) | None => Ok(()),
    }
}

/// All that was captured was given back, in every currency.
fn check_refunded(payment: &Payment) -> Result<(), Stopped> {
    if is_same(&payment.captured, &payment.refunded) {
        return Ok(());
    }
    Err(wrong(payment, "the refunded parts do not sum to what was captured"))
}

fn is_same(one: &Option<PaymentAmount>, other: &Option<PaymentAmount>) -> bool {
    one.is_some() && one == other
}

impl Call for CycleCall {
    const NOUN: &'static str = "cycles";

    async fn call(&self, number: u64) -> Answer {
        self.cycle(number).await.map_or_else(Answer::from, Answer::Approved)
    }
}

#[cfg(test)]
mod tests {
    use client::Options;
    use money::Currency;

    use super::super::plan::tests::plan;
    use super::*;

    fn call(amount: &str) -> Option<CycleCall> {
        let (address, key) = ("127.0.0.1:1".parse().unwrap(), "key".parse().unwrap());
        let plan = plan(amount, &[Currency::CNY]);
        CycleCall::new(Client::lazy(&address, &key, Options::default()), Rc::new(plan), None)
    }

    #[tokio::test(flavor = "current_thread")]
    async fn the_parts_of_a_cycle_sum_to_the_whole() {
        let cycle = call("CNY 1.00").unwrap();
        let minor_units = |parts: &[Money]| parts.iter().map(|part| part.minor_units()).collect::<Vec<_>>();
        assert_eq!(minor_units(&cycle.captures).iter().sum::<i128>(), 100);
        assert_eq!(minor_units(&cycle.refunds), [50, 50]);
        assert!(call("CNY 0.03").is_some() && call("CNY 0.02").is_none());
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_residue_of_a_cent_is_found() {
        let amount = |debit| {
            let money = wire::v1::Money { currency_code: "HKD".into(), minor_units: debit };
            Some(PaymentAmount { debit: Some(money), ..PaymentAmount::default() })
        };
        let payment = |captured, refunded| Payment {
            authorized: amount(11_911),
            captured: amount(captured),
            refunded: amount(refunded),
            ..Payment::default()
        };
        assert!(check_captured(&payment(11_911, 0)).is_ok() && check_captured(&payment(11_910, 0)).is_err());
        assert!(check_refunded(&payment(11_911, 11_911)).is_ok() && check_refunded(&payment(11_911, 11_910)).is_err());
        assert!(check_refunded(&Payment::default()).is_err());
        let cycle = call("CNY 1.00").unwrap();
        let declined = Payment { state: PaymentState::Declined.into(), ..Payment::default() };
        let stopped = cycle.in_state(Some(declined), PaymentState::Authorized).unwrap_err();
        assert!(matches!(stopped, Stopped::Declined));
    }
}
