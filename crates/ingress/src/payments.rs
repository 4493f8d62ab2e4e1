//! Payments, for merchants.

use domain::Command;
use shard::Clock;
use tonic::{Request, Response, Status};
use wire::{replies, requests, v1};

use crate::{Switch, errors, metric_names::Method};

/// Tells whoever looks at the metadata that the answer was recorded earlier, under the same key.
pub(crate) const REPEAT_HEADER: &str = "payswitch-repeat";

#[derive(Debug)]
pub(crate) struct Payments {
    pub(crate) switch: Switch,
}

#[tonic::async_trait]
impl v1::payment_service_server::PaymentService for Payments {
    async fn authorize(
        &self,
        request: Request<v1::AuthorizeRequest>,
    ) -> Result<Response<v1::AuthorizeResponse>, Status> {
        Method::Authorize.measure(self.authorize_now(request)).await
    }

    async fn get(
        &self,
        request: Request<v1::PaymentServiceGetRequest>,
    ) -> Result<Response<v1::PaymentServiceGetResponse>, Status> {
        Method::GetPayment.measure(self.get_now(request)).await
    }
}

impl Payments {
    async fn authorize_now(
        &self,
        request: Request<v1::AuthorizeRequest>,
    ) -> Result<Response<v1::AuthorizeResponse>, Status> {
        let switch = &self.switch;
        let deadline = switch.deadline(request.metadata());
        let merchant = switch.credentials.merchant(request.metadata())?;
        let message = request.into_inner();
        let now = switch.clock.now();
        let payment_id = switch.payment_ids.next(now);
        let payment = requests::payment_request(&message, merchant, payment_id, &switch.digester)
            .map_err(errors::invalid_field)?;

        let routed = pipeline::route(&switch.directory, payment);
        let priced = pipeline::convert(&switch.rate_book, now, routed);
        let submission = pipeline::assemble(priced);

        let committed = switch.submit(deadline, submission, || payer_text(&message)).await?;
        let payment = replies::payment(&committed.record, switch).ok_or_else(errors::unexpected_record)?;
        let mut response = Response::new(v1::AuthorizeResponse { payment: Some(payment) });
        if committed.repeated {
            response.metadata_mut().insert(REPEAT_HEADER, tonic::metadata::MetadataValue::from_static("true"));
        }
        Ok(response)
    }

    async fn get_now(
        &self,
        request: Request<v1::PaymentServiceGetRequest>,
    ) -> Result<Response<v1::PaymentServiceGetResponse>, Status> {
        let switch = &self.switch;
        let deadline = switch.deadline(request.metadata());
        let merchant = switch.credentials.merchant(request.metadata())?;
        let message = request.into_inner();
        let payment_id = requests::payment_id(&message.payment_id).map_err(errors::invalid_field)?;

        switch.caught_up(deadline).await?;
        let applied_lsn = switch.boards.applied_lsn().get();
        let record = switch.boards.payment(payment_id).filter(
            |record| matches!(&record.command, Command::AuthorizePayment(authorize) if authorize.merchant == merchant),
        );
        let payment = record.and_then(|record| replies::payment(&record, switch));
        let payment = payment.ok_or_else(|| errors::payment_not_found(&message.payment_id))?;
        Ok(Response::new(v1::PaymentServiceGetResponse { payment: Some(payment), applied_lsn }))
    }
}

/// The payer as the caller wrote it; it was checked, so it is safe to repeat.
fn payer_text(message: &v1::AuthorizeRequest) -> String {
    let payer = message.payer.clone().unwrap_or_default();
    format!("{}/{}", payer.wallet_id, payer.account_id)
}
