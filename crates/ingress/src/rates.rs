//! Rates in force, for every credential.

use pipeline::TickInForce;
use shard::Clock;
use tonic::{Request, Response, Status};
use wire::{replies, v1};

use crate::{Switch, metric_names::Method};

#[derive(Debug)]
pub(crate) struct Rates {
    pub(crate) switch: Switch,
}

#[tonic::async_trait]
impl v1::rate_service_server::RateService for Rates {
    async fn list(
        &self,
        request: Request<v1::RateServiceListRequest>,
    ) -> Result<Response<v1::RateServiceListResponse>, Status> {
        Method::ListRates.measure(self.list_now(request)).await
    }
}

impl Rates {
    async fn list_now(
        &self,
        request: Request<v1::RateServiceListRequest>,
    ) -> Result<Response<v1::RateServiceListResponse>, Status> {
        let switch = &self.switch;
        let deadline = switch.deadline(request.metadata());
        switch.credentials.principal(request.metadata())?;
        switch.caught_up(deadline).await?;
        let applied_lsn = switch.boards.applied_lsn().get();
        let now = switch.clock.now();
        let Some(policy) = switch.rate_book.policy() else {
            return Ok(Response::new(v1::RateServiceListResponse::default()));
        };
        let rates = switch.rate_book.all().into_iter().map(|TickInForce { lsn, tick }| v1::Rate {
            presentment_currency_code: tick.pair.presentment.code().to_owned(),
            debit_currency_code: tick.pair.debit.code().to_owned(),
            mid_rate: tick.mid_rate.to_string(),
            source: tick.source.as_str().to_owned(),
            as_of_time: Some(replies::timestamp(tick.as_of)),
            expire_time: Some(replies::timestamp(policy.rate_expires_at(tick.as_of))),
            age_ms: u64::try_from(now.millis_since(tick.as_of)).unwrap_or(0),
            lsn: lsn.get(),
        });
        let markup = policy.fx_markup.to_string();
        Ok(Response::new(v1::RateServiceListResponse { rates: rates.collect(), markup, applied_lsn }))
    }
}
