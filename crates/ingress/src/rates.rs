//! Rates, in force and past, for every credential.

use domain::{Policy, PriceError, PublishedTick, TickPrice, Timestamp};
use shard::Clock;
use tonic::{Request, Response, Status};
use wire::{replies, requests, served, v1};

use crate::{Switch, errors, metric_names::Method};

#[derive(Debug)]
pub(crate) struct Rates {
    pub(crate) switch: Switch,
}

#[tonic::async_trait]
impl served::rate_service_server::RateService for Rates {
    async fn list(
        &self,
        request: Request<v1::RateServiceListRequest>,
    ) -> Result<Response<v1::RateServiceListResponse>, Status> {
        Method::ListRates.begin().end(self.list_now(request).await)
    }

    async fn history(&self, request: Request<v1::HistoryRequest>) -> Result<Response<v1::HistoryResponse>, Status> {
        Method::RateHistory.begin().end(self.history_now(request).await)
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
        let rates = switch.rate_book.all();
        let rates = rates.iter().map(|published| rate(published, &policy, now)).collect::<Result<_, _>>()?;
        let markup = policy.fx_markup.to_string();
        Ok(Response::new(v1::RateServiceListResponse { rates, markup, applied_lsn }))
    }

    async fn history_now(&self, request: Request<v1::HistoryRequest>) -> Result<Response<v1::HistoryResponse>, Status> {
        let switch = &self.switch;
        let deadline = switch.deadline(request.metadata());
        switch.credentials.principal(request.metadata())?;
        let asked = requests::rate_history(request.get_ref()).map_err(errors::invalid_field)?;
        switch.caught_up(deadline).await?;
        let applied_lsn = switch.boards.applied_lsn().get();
        let now = switch.clock.now();
        let Some(policy) = switch.rate_book.policy() else { return Ok(Response::new(v1::HistoryResponse::default())) };
        // A token is never 0: there is nothing before the first rate.
        let before = Some(asked.page.from).filter(|from| *from > 0);
        let before = before.map(|from| usize::try_from(from).unwrap_or(usize::MAX));
        let limit = usize::try_from(asked.page.rows).unwrap_or(usize::MAX);
        let page = switch.boards.rates(asked.pair, before, limit).map_err(|error| errors::index_failed(&error))?;
        let rates = page.ticks.iter().map(|published| rate(published, &policy, now)).collect::<Result<_, _>>()?;
        let next_page_token = page.next.map(|next| next.to_string()).unwrap_or_default();
        Ok(Response::new(v1::HistoryResponse { rates, next_page_token, applied_lsn }))
    }
}

/// A tick as published, with the moment from which the rules of now refuse it.
fn rate(published: &PublishedTick, policy: &Policy, now: Timestamp) -> Result<v1::Rate, Status> {
    let tick = &published.tick;
    let prices = tick.price.prices().map_err(|PriceError| errors::unexpected_record())?;
    let (mid_rate, bid, ask) = match tick.price {
        TickPrice::Mid(mid) => (mid.to_string(), String::new(), String::new()),
        TickPrice::BidAsk { bid, ask } => (prices.mid().to_string(), bid.to_string(), ask.to_string()),
    };
    Ok(v1::Rate {
        presentment_currency_code: tick.pair.presentment.code().to_owned(),
        debit_currency_code: tick.pair.debit.code().to_owned(),
        mid_rate,
        source: tick.source.as_str().to_owned(),
        as_of_time: Some(replies::timestamp(tick.as_of)),
        expire_time: Some(replies::timestamp(published.expires_at(policy))),
        age_ms: u64::try_from(now.millis_since(tick.as_of)).unwrap_or(0),
        lsn: published.lsn.get(),
        bid,
        ask,
        move_ppm: published.move_ppm,
    })
}
