//! From a request to be paid to its answer; the waiting is left to the caller.

use domain::{Event, MerchantId, Submission};
use shard::{Answer, Clock, Committed, Refused};
use tonic::Status;
use wire::{
    replies,
    requests::{self, Failure},
    served::Encoded,
    v1,
};

use crate::{Switch, errors, payment_messages};

/// What is to be decided, and the failure that the sandbox was told to make of it.
///
/// # Errors
/// What the caller is told when it is refused before anything of it was tried.
pub(crate) fn prepare(
    switch: &Switch,
    merchant: MerchantId,
    message: &v1::AuthorizeRequest,
) -> Result<(Submission, Option<Failure>), Status> {
    let now = switch.clock.now();
    let payment_id = switch.ids.payment(now);
    let mut payment =
        requests::payment_request(message, merchant, payment_id, &switch.signing_keys().quotes, &switch.digester)
            .map_err(errors::invalid_field)?;
    let failure = switch.ordered_failure(domain::Method::Authorize)?;
    if let Some(Failure::Declined(reason)) = failure {
        payment.sandbox_decline = Some(reason);
    }
    let routed = pipeline::route(&switch.directory, payment);
    let priced = pipeline::convert(&switch.directory, &switch.rate_book, now, routed);
    Ok((pipeline::assemble(priced), failure))
}

/// As if nobody knew the answer, when the sandbox was told so.
pub(crate) fn unless_failed(answer: Answer, failure: Option<Failure>) -> Answer {
    match failure {
        Some(Failure::Unconfirmed) => answer.and(Err(Refused::Unconfirmed)),
        Some(Failure::Refused | Failure::Declined(_)) | None => answer,
    }
}

/// The payment as recorded, and whether that was earlier, under the same key. `payer` is what a "not found" speaks of.
///
/// # Errors
/// What the caller is told instead.
pub(crate) fn told(
    switch: &Switch,
    answer: Answer,
    payer: Option<&v1::AccountReference>,
) -> Result<(Encoded<v1::Payment>, bool), Status> {
    let committed = answer.map_err(|refused| errors::refused(&refused, &payer_text(payer), switch.clock.now()))?;
    let Committed { record, repeated } = committed;
    let ended = match (&record.event, record.command.payment_id()) {
        (Event::PaymentPending(_), Some(payment)) if repeated => payment_messages::ended(switch, payment)?,
        _ => None,
    };
    let payment = match ended {
        Some(ended) => Some(Encoded::from(&ended)),
        None => replies::encoded_payment(&record, switch),
    };
    Ok((payment.ok_or_else(errors::unexpected_record)?, repeated))
}

/// The payer as the caller wrote it; it was checked, so it is safe to repeat.
fn payer_text(payer: Option<&v1::AccountReference>) -> String {
    payer.map_or_else(|| "/".to_owned(), |payer| format!("{}/{}", payer.wallet_id, payer.account_id))
}
