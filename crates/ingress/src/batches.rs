//! Many payments in one message.

use std::future::poll_fn;

use domain::TOGETHER_PAYMENTS_MAX;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use wire::{
    served::{self, Encoded},
    v1,
};

use crate::{
    Switch, errors,
    many::{Many, Told},
    metric_names::Method,
    together,
};

/// The most payments of one batch.
pub(crate) const BATCH_PAYMENTS_MAX: usize = 8_190;
/// Bytes of one batch.
pub(crate) const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Batches {
    pub(crate) switch: Switch,
}

#[tonic::async_trait]
impl served::batch_service_server::BatchService for Batches {
    async fn authorize_batch(
        &self,
        request: Request<v1::AuthorizeBatchRequest>,
    ) -> Result<Response<Encoded<v1::AuthorizeBatchResponse>>, Status> {
        Method::AuthorizeBatch.begin().end(self.authorize_batch_now(request).await)
    }
}

impl Batches {
    async fn authorize_batch_now(
        &self,
        request: Request<v1::AuthorizeBatchRequest>,
    ) -> Result<Response<Encoded<v1::AuthorizeBatchResponse>>, Status> {
        let switch = &self.switch;
        let deadline = switch.deadline(request.metadata());
        let merchant = switch.credentials.merchant(request.metadata())?;
        let v1::AuthorizeBatchRequest { payments, atomic } = request.into_inner();
        let payments_max = if atomic { TOGETHER_PAYMENTS_MAX } else { BATCH_PAYMENTS_MAX };
        if payments.is_empty() || payments.len() > payments_max {
            return Err(errors::batch_size(payments.len(), payments_max, atomic));
        }
        if atomic {
            let outcomes = together::authorize(switch, merchant, &payments, deadline).await;
            return Ok(Response::new(Encoded::of_outcomes(&outcomes)));
        }
        let mut outcomes: Vec<_> = payments.iter().map(|_| Encoded::of_bytes(Vec::new())).collect();
        let mut put = |Told { tag, outcome }: Told| {
            let place = usize::try_from(tag).ok().and_then(|position| outcomes.get_mut(position));
            *place.expect("a tag is a position") = outcome;
        };
        let mut many = Many::new(switch.clone(), merchant, None);
        let mut payments = (0..).zip(payments);
        loop {
            while many.has_room()
                && let Some((tag, payment)) = payments.next()
            {
                many.begin(tag, payment, deadline).into_iter().for_each(&mut put);
            }
            if many.is_idle() {
                break;
            }
            match deadline.wait_for(poll_fn(|context| many.poll_told(context))).await {
                Ok(told) => put(told),
                Err(_passed) => {
                    while let Some(told) = many.expired(Instant::now()) {
                        put(told);
                    }
                }
            }
        }
        Ok(Response::new(Encoded::of_outcomes(&outcomes)))
    }
}
