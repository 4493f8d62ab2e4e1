//! For the switch's operator.

use domain::{Command, Event, Evidence, FundReserve, IdempotencyKey, MerchantId, Name, PayOut, Record, Submission};
use money::Money;
use projections::TrialLine;
use shard::{Committed, ServingState};
use tonic::{Request, Response, Status, metadata::MetadataMap};
use wire::{
    digest::Digester,
    replies,
    requests::{self, InvalidField},
    v1,
};

use crate::{CardNetwork, Principal, Switch, errors, metric_names::Method, process, switch::answer};

#[derive(Debug)]
pub(crate) struct Operations {
    pub(crate) switch: Switch,
}

#[tonic::async_trait]
impl wire::served::operations_service_server::OperationsService for Operations {
    async fn register_merchant(
        &self,
        request: Request<v1::RegisterMerchantRequest>,
    ) -> Result<Response<v1::RegisterMerchantResponse>, Status> {
        let work = async {
            let switch = &self.switch;
            let deadline = switch.deadline(request.metadata());
            switch.credentials.operator(request.metadata())?;
            if !switch.credentials.may_be_registered(&request.get_ref().api_key) {
                return Err(errors::sandbox_key());
            }
            if matches!(
                switch.credentials.lookup(&request.get_ref().api_key),
                Some(Principal::Operator | Principal::Wallet(_))
            ) {
                return Err(errors::api_key_of_another_party());
            }
            let (key, register) =
                requests::register_merchant(request.get_ref(), &switch.digester).map_err(errors::invalid_field)?;
            let merchant_id = register.name.to_string();
            let submission = Submission { key: Some(key), command: Command::RegisterMerchant(register) };
            let committed = switch.submit(deadline, submission, || merchant_id.clone()).await?;
            let lsn = committed.record.lsn.get();
            Ok(Response::new(v1::RegisterMerchantResponse { merchant_id, lsn }))
        };
        Method::RegisterMerchant.begin().end(work.await)
    }

    async fn publish_rates(
        &self,
        request: Request<v1::PublishRatesRequest>,
    ) -> Result<Response<v1::PublishRatesResponse>, Status> {
        let work = async {
            let switch = &self.switch;
            let deadline = switch.deadline(request.metadata());
            switch.credentials.operator(request.metadata())?;
            let (key, publish) =
                requests::publish_rates(request.get_ref(), &switch.digester).map_err(errors::invalid_field)?;
            let submission = Submission { key: Some(key), command: Command::PublishRates(publish) };
            let committed = switch.submit(deadline, submission, String::new).await?;
            Ok(Response::new(v1::PublishRatesResponse { lsn: committed.record.lsn.get() }))
        };
        Method::PublishRates.begin().end(work.await)
    }

    async fn fund_reserve(
        &self,
        request: Request<v1::FundReserveRequest>,
    ) -> Result<Response<v1::FundReserveResponse>, Status> {
        let work = async {
            let (metadata, _, message) = request.into_parts();
            let asked = |digester: &Digester| requests::fund_reserve(&message, digester);
            let command = |merchant, amount| Command::FundReserve(FundReserve { merchant, amount });
            let committed = self.move_merchant_funds(&metadata, asked, command).await?;
            let (decline_reason, lsn) = (declined(&committed.record).into(), committed.record.lsn.get());
            Ok(answer(v1::FundReserveResponse { decline_reason, lsn }, committed.repeated))
        };
        Method::FundReserve.begin().end(work.await)
    }

    async fn pay_out(&self, request: Request<v1::PayOutRequest>) -> Result<Response<v1::PayOutResponse>, Status> {
        let work = async {
            let (metadata, _, message) = request.into_parts();
            let asked = |digester: &Digester| requests::pay_out(&message, digester);
            let command = |merchant, amount| Command::PayOut(PayOut { merchant, amount });
            let committed = self.move_merchant_funds(&metadata, asked, command).await?;
            let (decline_reason, lsn) = (declined(&committed.record).into(), committed.record.lsn.get());
            Ok(answer(v1::PayOutResponse { decline_reason, lsn }, committed.repeated))
        };
        Method::PayOut.begin().end(work.await)
    }

    async fn square_position(
        &self,
        request: Request<v1::SquarePositionRequest>,
    ) -> Result<Response<v1::SquarePositionResponse>, Status> {
        let work = async {
            let switch = &self.switch;
            let deadline = switch.deadline(request.metadata());
            switch.credentials.operator(request.metadata())?;
            let (key, square) =
                requests::square_position(request.get_ref(), &switch.digester).map_err(errors::invalid_field)?;
            let submission = Submission { key: Some(key), command: Command::SquarePosition(square) };
            let committed = switch.submit(deadline, submission, String::new).await?;
            let event = &committed.record.event;
            let postings = if let Event::PositionSquared(postings) = event { postings.as_slice() } else { &[] };
            let message = v1::SquarePositionResponse {
                postings: postings.iter().map(|posting| replies::posting(posting, switch)).collect(),
                decline_reason: declined(&committed.record).into(),
                lsn: committed.record.lsn.get(),
            };
            Ok(answer(message, committed.repeated))
        };
        Method::SquarePosition.begin().end(work.await)
    }

    async fn settle_scheme(
        &self,
        request: Request<v1::SettleSchemeRequest>,
    ) -> Result<Response<v1::SettleSchemeResponse>, Status> {
        let work = async {
            let switch = &self.switch;
            let deadline = switch.deadline(request.metadata());
            switch.credentials.operator(request.metadata())?;
            let (key, settle) =
                requests::settle_scheme(request.get_ref(), &switch.digester).map_err(errors::invalid_field)?;
            let submission = Submission { key: Some(key), command: Command::SettleScheme(settle) };
            let committed = switch.submit(deadline, submission, String::new).await?;
            let event = &committed.record.event;
            let postings = if let Event::SchemeSettled(postings) = event { postings.as_slice() } else { &[] };
            let message = v1::SettleSchemeResponse {
                postings: postings.iter().map(|posting| replies::posting(posting, switch)).collect(),
                decline_reason: declined(&committed.record).into(),
                lsn: committed.record.lsn.get(),
            };
            Ok(answer(message, committed.repeated))
        };
        Method::SettleScheme.begin().end(work.await)
    }

    async fn status(&self, request: Request<v1::StatusRequest>) -> Result<Response<v1::StatusResponse>, Status> {
        Method::Status.begin().end(self.status_now(request).await)
    }
}

impl Operations {
    /// Moves funds between the switch's bank account and a merchant's.
    async fn move_merchant_funds(
        &self,
        metadata: &MetadataMap,
        asked: impl FnOnce(&Digester) -> Result<(IdempotencyKey, Name, Money), InvalidField>,
        command: impl FnOnce(Evidence<MerchantId>, Money) -> Command,
    ) -> Result<Committed, Status> {
        let switch = &self.switch;
        let deadline = switch.deadline(metadata);
        switch.credentials.operator(metadata)?;
        let (key, name, amount) = asked(&switch.digester).map_err(errors::invalid_field)?;
        let command = command(switch.merchant_named(&name), amount);
        switch.submit(deadline, Submission { key: Some(key), command }, || name.to_string()).await
    }

    async fn status_now(&self, request: Request<v1::StatusRequest>) -> Result<Response<v1::StatusResponse>, Status> {
        let switch = &self.switch;
        let deadline = switch.deadline(request.metadata());
        switch.credentials.operator(request.metadata())?;
        switch.caught_up(deadline).await?;
        let status = switch.handle.status();
        let usage = process::usage();
        Ok(Response::new(v1::StatusResponse {
            mode: switch.started.mode.as_str().to_owned(),
            version: switch.started.version.to_owned(),
            last_lsn: status.last_lsn().get(),
            durable_lsn: status.durable_lsn().get(),
            applied_lsn: switch.boards.applied_lsn().get(),
            state: state_text(status.state()).to_owned(),
            state_reason: status.reason(),
            start_time: Some(replies::timestamp(switch.started.at)),
            recovered_records: switch.started.recovered_records,
            recovery_us: switch.started.recovery_us,
            process_cpu_us: usage.cpu_us,
            process_resident_bytes: usage.resident_bytes,
            trial_balance: switch.boards.trial_balance().iter().map(trial_line).collect(),
            payments_captured: switch.boards.payments_captured(),
            payments_declined: switch.boards.payments_declined(),
            payments_held: switch.boards.payments_held(),
            card_networks: switch
                .card_networks
                .iter()
                .flat_map(|networks| networks.standing())
                .map(CardNetwork::into_message)
                .collect(),
        }))
    }
}

fn declined(record: &Record) -> v1::DeclineReason {
    let decline = record.event.decline();
    decline.map_or(v1::DeclineReason::Unspecified, |decline| replies::decline_reason(decline.reason))
}

const fn state_text(state: ServingState) -> &'static str {
    match state {
        ServingState::Serving => "serving",
        ServingState::Draining => "draining",
        ServingState::Failed => "failed",
        ServingState::Full => "full",
    }
}

fn trial_line(line: &TrialLine) -> v1::TrialBalanceLine {
    v1::TrialBalanceLine {
        account_kind: line.kind.as_str().to_owned(),
        accounts: line.accounts,
        balance: Some(replies::money(line.balance)),
    }
}
