//! Payments as a load over the SDK, with every reply checked, and echoes of the same size.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use client::{Client, Code, Echo, EchoSize, Error as CallError};
use wire::v1::{AuthorizeRequest, AuthorizeResponse, Payment};

use super::checks::{Checks, Decided, Standing};
use super::lag::Lag;
use super::load::Call;
use super::plan::Plan;
use super::reply::PaymentView;
use super::tally::Answer;

/// How often a call that its connection's end left undone is asked again under its key.
const ATTEMPTS_MAX: u32 = 3;

/// Asks, and asks again what was left undone because the daemon ended the connection at its age: the transport then says
/// that it was cancelled, and there is no reason from the daemon.
pub(super) async fn answered<T>(ask: impl AsyncFn() -> Result<T, CallError>) -> Result<T, CallError> {
    let mut attempts = 0;
    loop {
        match ask().await {
            Err(CallError::Unanswered { code: Code::Cancelled, reason, .. })
                if reason.is_empty() && attempts < ATTEMPTS_MAX =>
            {
                attempts += 1;
            }
            answer => return answer,
        }
    }
}

/// Payments over one connection.
#[derive(Debug)]
pub(super) struct PaymentCall {
    client: Client,
    plan: Rc<Plan>,
    checks: Checks,
    lag: Option<Arc<Lag>>,
}

impl PaymentCall {
    pub(super) fn new(client: Client, plan: Rc<Plan>, lag: Option<Arc<Lag>>) -> Self {
        let checks = Checks::new(Rc::clone(&plan));
        Self { client, plan, checks, lag }
    }

    /// Pays once and returns what was sent and what came back, to learn their sizes.
    pub(super) async fn pay(&self, number: u64) -> Result<(AuthorizeRequest, AuthorizeResponse), CallError> {
        let request = self.plan.request(number);
        let reply = self.client.authorize(request.clone()).await?;
        Ok((request, reply))
    }

    /// The request of payment number `number`.
    pub(super) fn request(&self, number: u64) -> AuthorizeRequest {
        self.plan.request(number)
    }

    /// Checks what came back for payment number `number`.
    pub(super) fn answer(&self, number: u64, payment: Option<&Payment>) -> Answer {
        let Some(payment) = payment else { return Answer::Wrong("a reply without a payment".to_owned()) };
        match self.checks.payment(number, &PaymentView::from(payment), Standing::Captured) {
            Ok(Decided::Approved(payment_id)) => Answer::Approved(payment_id),
            Ok(Decided::Declined) => Answer::Declined,
            Err(why) => Answer::Wrong(why),
        }
    }
}

impl Call for PaymentCall {
    const NOUN: &'static str = "payments";

    async fn call(&self, number: u64) -> Answer {
        match answered(async || self.client.authorize(self.plan.request(number)).await).await {
            Ok(reply) => {
                if let (Some(lag), Some(payment)) = (&self.lag, &reply.payment) {
                    lag.answered(payment.lsn, Instant::now());
                }
                self.answer(number, reply.payment.as_ref())
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
        match answered(async || self.echo.echo(&self.size).await).await {
            Ok(reply) if u32::try_from(reply.payload.len()) == Ok(self.size.response_bytes()) => Answer::Right,
            Ok(_) => Answer::Wrong("an echo of another length".to_owned()),
            Err(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn what_the_end_of_a_connection_left_undone_is_asked_again() {
        let unanswered = |reason: &str| CallError::Unanswered {
            address: "127.0.0.1:1".parse().unwrap(),
            code: Code::Cancelled,
            reason: reason.to_owned(),
            message: "operation was canceled".to_owned(),
        };
        for (failures, reason, attempts, is_answered) in
            [(3, "", 4, true), (9, "", 4, false), (1, "DRAINING", 1, false)]
        {
            let asked = Cell::new(0);
            let answer = answered(async || {
                asked.set(asked.get() + 1);
                if asked.get() > failures { Ok(()) } else { Err(unanswered(reason)) }
            });
            assert_eq!((answer.await.is_ok(), asked.get()), (is_answered, attempts), "{failures} {reason}");
        }
    }
}
