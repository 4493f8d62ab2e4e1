//! What the operator of a sandbox can do to it. No other daemon has this service.

use std::sync::Arc;

use domain::{Command, MandateId, Refusal, RevokeMandate, Submission, Unavailable, WalletId};
use shard::{Clock, Refused};
use tonic::{Request, Response, Status};
use wire::{replies, requests, served, v1};

use crate::{Switch, deadline::Deadline, errors, metric_names::Method, sandbox_powers::SandboxPowers};

#[derive(Debug)]
pub(crate) struct Sandbox {
    pub(crate) switch: Switch,
    pub(crate) powers: Arc<SandboxPowers>,
}

#[tonic::async_trait]
impl served::sandbox_service_server::SandboxService for Sandbox {
    async fn advance_clock(
        &self,
        request: Request<v1::AdvanceClockRequest>,
    ) -> Result<Response<v1::AdvanceClockResponse>, Status> {
        Method::AdvanceClock.begin().end(self.advance_clock_now(request).await)
    }

    async fn pin_rate(&self, request: Request<v1::PinRateRequest>) -> Result<Response<v1::PinRateResponse>, Status> {
        Method::PinRate.begin().end(self.pin_rate_now(request).await)
    }

    async fn fail_next(&self, request: Request<v1::FailNextRequest>) -> Result<Response<v1::FailNextResponse>, Status> {
        let work = async {
            self.switch.credentials.operator(request.metadata())?;
            let (method, failure) = requests::fail_next(request.get_ref()).map_err(errors::invalid_field)?;
            self.powers.fail_next(method, failure);
            Ok(Response::new(v1::FailNextResponse {}))
        };
        Method::FailNext.begin().end(work.await)
    }
}

impl Sandbox {
    async fn advance_clock_now(
        &self,
        request: Request<v1::AdvanceClockRequest>,
    ) -> Result<Response<v1::AdvanceClockResponse>, Status> {
        let switch = &self.switch;
        switch.credentials.operator(request.metadata())?;
        let advance_ms = requests::advance_clock(request.get_ref()).map_err(errors::invalid_field)?;
        switch.clock.advance(advance_ms.unsigned_abs());
        switch.handle.wake();
        // By the new time: everybody's deadline has moved with the clock.
        let deadline = switch.deadline(request.metadata());
        let now = switch.clock.now();
        if let Some(submission) = self.powers.rates().restamped(&switch.rate_book, now) {
            switch.submit(deadline, submission, String::new).await?;
        }
        self.settle(deadline).await?;
        Ok(Response::new(v1::AdvanceClockResponse { now_time: Some(replies::timestamp(now)) }))
    }

    async fn pin_rate_now(
        &self,
        request: Request<v1::PinRateRequest>,
    ) -> Result<Response<v1::PinRateResponse>, Status> {
        let switch = &self.switch;
        let deadline = switch.deadline(request.metadata());
        switch.credentials.operator(request.metadata())?;
        let pin = requests::pin_rate(request.get_ref()).map_err(errors::invalid_field)?;
        let now = switch.clock.now();
        let rates = self.powers.rates();
        let submission = match pin.mid_rate {
            Some(mid) => Some(rates.pinned(&switch.rate_book, pin.pair, mid, now)),
            None => rates.unpinned(&switch.rate_book, pin.pair, now),
        };
        let submission =
            submission.ok_or_else(|| errors::unavailable(Unavailable::RateMissing(pin.pair), &pin.pair.to_string()))?;
        let committed = switch.submit(deadline, submission, String::new).await?;
        self.settle(deadline).await?;
        Ok(Response::new(v1::PinRateResponse { lsn: committed.record.lsn.get() }))
    }

    /// Waits until what time or a rate has made due is decided, durable and on the boards: who moved the clock sees what
    /// came of it. The shard decides what is due before any request, and answers even a refusal only after that.
    async fn settle(&self, deadline: Deadline) -> Result<(), Status> {
        let nothing = RevokeMandate { wallet: WalletId(u32::MAX), mandate_id: MandateId::from_bytes([0; 16]) };
        let submission = Submission { key: None, command: Command::RevokeMandate(nothing) };
        let answer = deadline.wait_for(self.switch.handle.submit(submission, Some(deadline.at()))).await;
        match answer.map_err(|_passed| errors::deadline_passed_while_waiting())? {
            Ok(_) | Err(Refused::Engine(Refusal::MandateNotFound)) => self.switch.caught_up(deadline).await,
            Err(refused) => Err(errors::refused(&refused, "", self.switch.clock.now())),
        }
    }
}
