//! Many payments of one caller, under way together.

use std::{
    collections::VecDeque,
    task::{Context, Poll, ready},
};

use domain::MerchantId;
use shard::{Answer, Clock};
use tokio::{sync::mpsc, time::Instant};
use tonic::Status;
use tonic_types::StatusExt;
use wire::{requests::Failure, served::Encoded, v1};

use crate::{Switch, authorize, deadline::Deadline, errors, metric_names::Method};

/// So many payments of one stream or batch are under way at a time.
pub(crate) const UNDER_WAY_MAX: usize = 1024;

/// Payments under way, numbered as they began. Their deadlines never get sooner.
pub(crate) struct Many {
    switch: Switch,
    merchant: MerchantId,
    /// What each payment is measured as; `None` where only all together are.
    measured: Option<Method>,
    /// Nothing is left of one that was told.
    begun: VecDeque<Option<Begun>>,
    /// The number of the first of them.
    first: u64,
    under_way: usize,
    to_us: mpsc::UnboundedSender<(u64, Answer)>,
    answers: mpsc::UnboundedReceiver<(u64, Answer)>,
}

struct Begun {
    tag: u64,
    payer: Option<v1::AccountReference>,
    failure: Option<Failure>,
    deadline: Deadline,
    at: Instant,
}

/// What has become of one, by the caller's own tag.
pub(crate) struct Told {
    pub(crate) tag: u64,
    pub(crate) outcome: Encoded<v1::PaymentOutcome>,
}

impl Many {
    pub(crate) fn new(switch: Switch, merchant: MerchantId, measured: Option<Method>) -> Self {
        let (to_us, answers) = mpsc::unbounded_channel();
        let begun = VecDeque::new();
        Self { switch, merchant, measured, begun, first: 0, under_way: 0, to_us, answers }
    }

    pub(crate) const fn has_room(&self) -> bool {
        self.under_way < UNDER_WAY_MAX
    }

    pub(crate) const fn is_idle(&self) -> bool {
        self.under_way == 0
    }

    /// Begins one. What is refused at once is told at once.
    pub(crate) fn begin(&mut self, tag: u64, message: v1::AuthorizeRequest, deadline: Deadline) -> Option<Told> {
        debug_assert!(self.has_room(), "no more are under way than may be");
        let at = Instant::now();
        let number = self.first.wrapping_add(self.begun.len() as u64);
        let put = authorize::prepare(&self.switch, self.merchant, &message).and_then(|(submission, failure)| {
            let put = self.switch.handle.put_numbered(submission, Some(deadline.at()), number, &self.to_us);
            put.map_err(|refused| errors::refused(&refused, "", self.switch.clock.now()))?;
            Ok(failure)
        });
        match put {
            Ok(failure) => {
                self.begun.push_back(Some(Begun { tag, payer: message.payer, failure, deadline, at }));
                self.under_way += 1;
                None
            }
            Err(status) => Some(self.tell(tag, at, Err(status))),
        }
    }

    /// The next that was decided. Pending, and without anyone to wake, while none is under way.
    pub(crate) fn poll_told(&mut self, context: &mut Context<'_>) -> Poll<Told> {
        loop {
            let (number, answer) = ready!(self.answers.poll_recv(context)).expect("we hold a sender ourselves");
            // One whose deadline has passed was told already.
            if let Some(Begun { tag, payer, failure, at, .. }) = self.take(number) {
                let answer = authorize::unless_failed(answer, failure);
                let told = authorize::told(&self.switch, answer, payer.as_ref());
                return Poll::Ready(self.tell(tag, at, told));
            }
        }
    }

    /// When the next deadline passes.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        Some(self.begun.front()?.as_ref()?.deadline.wait_until())
    }

    /// The next whose deadline has passed: nobody knows what has become of it.
    pub(crate) fn expired(&mut self, now: Instant) -> Option<Told> {
        self.next_deadline().filter(|deadline| *deadline <= now)?;
        let Begun { tag, at, .. } = self.take(self.first)?;
        Some(self.tell(tag, at, Err(errors::deadline_passed_while_waiting())))
    }

    fn take(&mut self, number: u64) -> Option<Begun> {
        let position = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let begun = self.begun.get_mut(position)?.take()?;
        self.under_way -= 1;
        while self.begun.front().is_some_and(Option::is_none) {
            self.begun.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        Some(begun)
    }

    fn tell(&self, tag: u64, at: Instant, told: Outcome) -> Told {
        let code = told.as_ref().err().map(Status::code);
        if let Some(method) = self.measured {
            method.measured(at.elapsed(), code);
        }
        Told { tag, outcome: outcome(told) }
    }
}

/// What became of a payment: as recorded, and whether that was earlier; or what the caller is told instead.
pub(crate) type Outcome = Result<(Encoded<v1::Payment>, bool), Status>;

/// The same as a message.
pub(crate) fn outcome(told: Outcome) -> Encoded<v1::PaymentOutcome> {
    match told {
        Ok((payment, repeat)) => Encoded::<v1::PaymentOutcome>::of_payment(payment, repeat),
        Err(status) => {
            let refusal = v1::payment_outcome::Outcome::Refusal(refusal(&status));
            Encoded::from(&v1::PaymentOutcome { outcome: Some(refusal), repeat: false })
        }
    }
}

/// The same as a message.
fn refusal(status: &Status) -> v1::PaymentRefusal {
    let details = status.get_error_details();
    let info = details.error_info().cloned();
    let (reason, metadata) = info.map(|info| (info.reason, info.metadata)).unwrap_or_default();
    let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
    let retry = details.retry_info().and_then(|retry| retry.retry_delay);
    v1::PaymentRefusal {
        code: status.code() as i32,
        reason,
        message: status.message().to_owned(),
        metadata,
        field: violations.first().map(|violation| violation.field.clone()).unwrap_or_default(),
        retry_ms: retry.map(|retry| i64::try_from(retry.as_millis()).unwrap_or(i64::MAX)),
    }
}
