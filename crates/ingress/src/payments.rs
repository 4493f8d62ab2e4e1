//! Payments, for merchants; reads of them also for the operator.

mod reads;

use std::{future::ready, pin::Pin, time::Instant};

use domain::{Command, Evidence, MerchantId, PaymentId, PaymentMove, PaymentState, Refusal, Submission, Unavailable};
use pipeline::IncreaseRequest;
use projections::PaymentView;
use shard::{Answer, Clock, Committed, Refused};
use tonic::{Request, Response, Status, Streaming};
use wire::{
    replies, requests,
    served::{self, Encoded},
    v1,
};

use crate::{
    Switch, authorize, awaited::AskedIssuer, deadline::Deadline, errors, many::Many, metric_names::Method,
    payment_stream::PaymentStream, switch::answer, watch::WatchStream,
};

#[derive(Debug)]
pub(crate) struct Payments {
    pub(crate) switch: Switch,
    pub(crate) serves: Serves,
}

/// Which calls a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Serves {
    /// All.
    Everything,
    /// Those that change nothing.
    Reads,
}

/// What was asked of which payment.
#[derive(Clone, Copy)]
struct Asked {
    merchant: MerchantId,
    payment_id: PaymentId,
    of_it: PaymentMove,
}

/// The answer to a request to be paid, before it is told.
struct ToCome<F> {
    answered: F,
    /// Of whom it may have to say that there is no such account.
    payer: Option<v1::AccountReference>,
    /// Who is waited for behind it.
    issuer: Option<AskedIssuer>,
}

/// The answer to a request to be paid, on its way.
type Authorized<'answer> =
    Pin<Box<dyn Future<Output = Result<Response<Encoded<v1::AuthorizeResponse>>, Status>> + Send + 'answer>>;

#[tonic::async_trait]
impl served::payment_service_server::PaymentService for Payments {
    type PaymentStreamStream = PaymentStream;
    type WatchStream = WatchStream;

    /// An `async fn` as the others are, but written out: what is asked is taken apart before there is anything that waits, so
    /// that a call that waits keeps neither the request nor room for it.
    fn authorize<'this, 'answer>(&'this self, request: Request<v1::AuthorizeRequest>) -> Authorized<'answer>
    where
        'this: 'answer,
        Self: 'answer,
    {
        let begun = Method::Authorize.begin();
        match self.authorize_asked(request) {
            Ok(ToCome { answered, payer, issuer: None }) => {
                Box::pin(async move { begun.end(self.authorized(answered.await, payer.as_ref())) })
            }
            Ok(ToCome { answered, payer: _, issuer: Some(issuer) }) => {
                Box::pin(async move { begun.end(issuer.authorized(&self.switch, answered.await).await) })
            }
            Err(status) => Box::pin(ready(begun.end(Err(status)))),
        }
    }

    async fn payment_stream(
        &self,
        request: Request<Streaming<v1::PaymentStreamRequest>>,
    ) -> Result<Response<PaymentStream>, Status> {
        let begun = Instant::now();
        let stream = self.payment_stream_now(request);
        // One that begins is counted by its payments.
        if let Err(refused) = &stream {
            Method::PaymentStream.measured(begun.elapsed(), Some(refused.code()));
        }
        stream
    }

    async fn capture(&self, request: Request<v1::CaptureRequest>) -> Result<Response<v1::CaptureResponse>, Status> {
        Method::Capture.begin().end(self.capture_now(request).await)
    }

    async fn void(&self, request: Request<v1::VoidRequest>) -> Result<Response<v1::VoidResponse>, Status> {
        Method::Void.begin().end(self.void_now(request).await)
    }

    async fn refund(&self, request: Request<v1::RefundRequest>) -> Result<Response<v1::RefundResponse>, Status> {
        Method::Refund.begin().end(self.refund_now(request).await)
    }

    async fn increase_authorization(
        &self,
        request: Request<v1::IncreaseAuthorizationRequest>,
    ) -> Result<Response<v1::IncreaseAuthorizationResponse>, Status> {
        Method::IncreaseAuthorization.begin().end(self.increase_now(request).await)
    }

    async fn get(
        &self,
        request: Request<v1::PaymentServiceGetRequest>,
    ) -> Result<Response<v1::PaymentServiceGetResponse>, Status> {
        Method::GetPayment.begin().end(self.get_now(request).await)
    }

    async fn list(
        &self,
        request: Request<v1::PaymentServiceListRequest>,
    ) -> Result<Response<v1::PaymentServiceListResponse>, Status> {
        Method::ListPayments.begin().end(self.list_now(request).await)
    }

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Method::Watch.begin().end(self.watch_now(request).await)
    }
}

impl Payments {
    fn authorize_asked(
        &self,
        request: Request<v1::AuthorizeRequest>,
    ) -> Result<ToCome<impl Future<Output = Result<Answer, Status>> + use<>>, Status> {
        self.changes_are_served()?;
        let switch = &self.switch;
        let deadline = switch.deadline(request.metadata());
        let merchant = switch.credentials.merchant(request.metadata())?;
        let message = request.into_inner();
        let (submission, failure) = authorize::prepare(switch, merchant, &message)?;
        let issuer = AskedIssuer::of(switch, deadline, &submission);
        Ok(ToCome { answered: switch.ask(deadline, submission, failure), payer: message.payer, issuer })
    }

    fn authorized(
        &self,
        answered: Result<Answer, Status>,
        payer: Option<&v1::AccountReference>,
    ) -> Result<Response<Encoded<v1::AuthorizeResponse>>, Status> {
        let (payment, repeated) = authorize::told(&self.switch, answered?, payer)?;
        Ok(answer(Encoded::<v1::AuthorizeResponse>::of_payment(payment), repeated))
    }

    fn payment_stream_now(
        &self,
        request: Request<Streaming<v1::PaymentStreamRequest>>,
    ) -> Result<Response<PaymentStream>, Status> {
        self.changes_are_served()?;
        let switch = &self.switch;
        let merchant = switch.credentials.merchant(request.metadata())?;
        let many = Many::new(switch.clone(), merchant, Some(Method::PaymentStream));
        Ok(Response::new(PaymentStream::new(switch.clone(), many, request.into_inner())))
    }

    async fn capture_now(&self, request: Request<v1::CaptureRequest>) -> Result<Response<v1::CaptureResponse>, Status> {
        self.changes_are_served()?;
        let switch = &self.switch;
        let deadline = switch.deadline(request.metadata());
        let merchant = switch.credentials.merchant(request.metadata())?;
        let (key, capture) =
            requests::capture(request.get_ref(), merchant, &switch.digester).map_err(errors::invalid_field)?;
        let failure = switch.ordered_failure(domain::Method::Capture)?;
        let payment_id = capture.payment_id;
        let submission = Submission { key: Some(key), command: Command::CapturePayment(capture) };
        let answered = switch.ask(deadline, submission, failure).await?;
        let asked = Asked { merchant, payment_id, of_it: PaymentMove::Capture };
        let committed = self.committed(deadline, answered, asked).await?;
        let (decline_reason, payment, lsn) = self.outcome(deadline, payment_id, &committed).await?;
        Ok(answer(v1::CaptureResponse { payment, decline_reason, lsn }, committed.repeated))
    }

    async fn void_now(&self, request: Request<v1::VoidRequest>) -> Result<Response<v1::VoidResponse>, Status> {
        self.changes_are_served()?;
        let switch = &self.switch;
        let deadline = switch.deadline(request.metadata());
        let merchant = switch.credentials.merchant(request.metadata())?;
        let (key, void) =
            requests::void(request.get_ref(), merchant, &switch.digester).map_err(errors::invalid_field)?;
        let failure = switch.ordered_failure(domain::Method::Void)?;
        let payment_id = void.payment_id;
        let submission = Submission { key: Some(key), command: Command::VoidPayment(void) };
        let answered = switch.ask(deadline, submission, failure).await?;
        let asked = Asked { merchant, payment_id, of_it: PaymentMove::Void };
        let committed = self.committed(deadline, answered, asked).await?;
        let payment = Some(self.right_after(deadline, payment_id, &committed).await?);
        Ok(answer(v1::VoidResponse { payment }, committed.repeated))
    }

    async fn refund_now(&self, request: Request<v1::RefundRequest>) -> Result<Response<v1::RefundResponse>, Status> {
        self.changes_are_served()?;
        let switch = &self.switch;
        let deadline = switch.deadline(request.metadata());
        let merchant = switch.credentials.merchant(request.metadata())?;
        let refund_id = switch.ids.refund(switch.clock.now());
        let (key, refund) = requests::refund(request.get_ref(), merchant, refund_id, &switch.digester)
            .map_err(errors::invalid_field)?;
        let failure = switch.ordered_failure(domain::Method::Refund)?;
        let payment_id = refund.payment_id;
        let submission = Submission { key: Some(key), command: Command::RefundPayment(refund) };
        let answered = switch.ask(deadline, submission, failure).await?;
        let asked = Asked { merchant, payment_id, of_it: PaymentMove::Refund };
        let committed = self.committed(deadline, answered, asked).await?;
        let refund = Some(replies::refund(&committed.record, None, switch).ok_or_else(errors::unexpected_record)?);
        let payment = match committed.record.event.decline() {
            Some(_) => None,
            None => Some(self.right_after(deadline, payment_id, &committed).await?),
        };
        Ok(answer(v1::RefundResponse { refund, payment }, committed.repeated))
    }

    async fn increase_now(
        &self,
        request: Request<v1::IncreaseAuthorizationRequest>,
    ) -> Result<Response<v1::IncreaseAuthorizationResponse>, Status> {
        self.changes_are_served()?;
        let switch = &self.switch;
        let deadline = switch.deadline(request.metadata());
        let merchant = switch.credentials.merchant(request.metadata())?;
        let (key, asked) =
            requests::increase(request.get_ref(), merchant, &switch.digester).map_err(errors::invalid_field)?;
        // The payment may have been authorized a moment ago; the boards tell whom it debits.
        switch.caught_up(deadline).await?;
        let payment = switch.payment(asked.payment_id)?.filter(|payment| payment.merchant() == merchant);
        let payer = match payment {
            Some(payment) => payment.authorize().payer.clone(),
            None => Evidence::Unavailable(Unavailable::PaymentNotFound),
        };
        let payment_id = asked.payment_id;
        let increase =
            IncreaseRequest { key, merchant, payment_id, amount: asked.amount, consent: asked.consent, payer };
        let submission = pipeline::increase(&switch.directory, &switch.rate_book, switch.clock.now(), increase);
        let answered = switch.ask(deadline, submission, None).await?;
        let asked = Asked { merchant, payment_id, of_it: PaymentMove::Increase };
        let committed = self.committed(deadline, answered, asked).await?;

        let (decline_reason, payment, lsn) = self.outcome(deadline, payment_id, &committed).await?;
        Ok(answer(v1::IncreaseAuthorizationResponse { decline_reason, payment, lsn }, committed.repeated))
    }

    /// Why it was declined, or the payment right after; and where that stands.
    async fn outcome(
        &self,
        deadline: Deadline,
        payment_id: PaymentId,
        committed: &Committed,
    ) -> Result<(i32, Option<v1::Payment>, u64), Status> {
        let lsn = committed.record.lsn.get();
        Ok(match committed.record.event.decline() {
            Some(decline) => (replies::decline_reason(decline.reason).into(), None, lsn),
            None => {
                let payment = self.right_after(deadline, payment_id, committed).await?;
                (v1::DeclineReason::Unspecified.into(), Some(payment), lsn)
            }
        })
    }

    /// What was recorded, or why nothing was. A declined payment is none to the engine; who asks something of it is told
    /// so all the same, since it can be read.
    async fn committed(&self, deadline: Deadline, answer: Answer, asked: Asked) -> Result<Committed, Status> {
        let Asked { merchant, payment_id, of_it } = asked;
        let refused = match answer {
            Ok(committed) => return Ok(committed),
            Err(Refused::Engine(Refusal::PaymentNotFound)) => {
                self.switch.caught_up(deadline).await?;
                let known = self.switch.payment(payment_id)?.filter(|payment| payment.merchant() == merchant);
                Refused::Engine(known.filter(|payment| payment.state() == PaymentState::Declined).map_or(
                    Refusal::PaymentNotFound,
                    |declined| Refusal::MoveNotAllowed { state: declined.state(), asked: of_it },
                ))
            }
            Err(refused) => refused,
        };
        Err(errors::refused(&refused, &payment_id.to_string(), self.switch.clock.now()))
    }

    /// The payment as the record left it, whatever has become of it since.
    async fn right_after(
        &self,
        deadline: Deadline,
        payment_id: PaymentId,
        committed: &Committed,
    ) -> Result<v1::Payment, Status> {
        let Committed { record, .. } = committed;
        let known = match self.known(payment_id)? {
            Some(known) => known,
            None => {
                let applied = deadline.wait_for(self.switch.boards.wait_for(record.lsn)).await;
                applied.map_err(|_passed| errors::deadline_passed_while_waiting())?;
                self.known(payment_id)?.ok_or_else(errors::unexpected_record)?
            }
        };
        let payment = replies::payment(known.decided(), record, &self.switch);
        let mut payment = payment.ok_or_else(errors::unexpected_record)?;
        if let Some(answered) = known.answered() {
            replies::answered(&mut payment, answered);
        }
        Ok(payment)
    }

    /// The payment, where the boards have all that its own changes rest on: its decision, and its issuer's answer.
    fn known(&self, payment_id: PaymentId) -> Result<Option<PaymentView>, Status> {
        let payment = self.switch.boards.payment(payment_id);
        let payment = payment.map_err(|error| errors::index_failed_after_commit(&error))?;
        Ok(payment.filter(|known| known.state() != PaymentState::Pending))
    }

    fn changes_are_served(&self) -> Result<(), Status> {
        match self.serves {
            Serves::Everything => Ok(()),
            Serves::Reads => Err(errors::only_reads_here()),
        }
    }
}
