//! Payments of an atomic batch: all of them are approved, or none is.

use std::sync::Arc;

use domain::{AuthorizeTogether, Command, KeyedPayment, MerchantId, Submission};
use shard::{Answer, Committed, Refused};
use tonic::Status;
use wire::{requests::Failure, served::Encoded, v1};

use crate::{
    Switch, authorize,
    deadline::Deadline,
    errors,
    many::{Outcome, outcome},
};

/// What has become of each, in the order they were asked for. There are no more than may be.
pub(crate) async fn authorize(
    switch: &Switch,
    merchant: MerchantId,
    payments: &[v1::AuthorizeRequest],
    deadline: Deadline,
) -> Vec<Encoded<v1::PaymentOutcome>> {
    let told = match prepare(switch, merchant, payments) {
        Err((position, status)) => refused_by(payments.len(), position, &status),
        Ok((submission, failure)) => match switch.ask(deadline, submission, failure).await {
            Err(status) => payments.iter().map(|_| Err(status.clone())).collect(),
            Ok(answer) => answered(switch, payments, answer),
        },
    };
    told.into_iter().map(outcome).collect()
}

/// What is to be decided, and the failure that the sandbox was told to make of it; or the first payment that is refused
/// before anything of it was tried.
fn prepare(
    switch: &Switch,
    merchant: MerchantId,
    payments: &[v1::AuthorizeRequest],
) -> Result<(Submission, Option<Failure>), (usize, Status)> {
    let mut failure = None;
    let keyed = payments.iter().enumerate().map(|(position, message)| {
        let (submission, ordered) =
            authorize::prepare(switch, merchant, message).map_err(|status| (position, status))?;
        failure = failure.or(ordered.filter(|ordered| *ordered == Failure::Unconfirmed));
        let (Some(key), Command::AuthorizePayment(authorize)) = (submission.key, submission.command) else {
            unreachable!("a payment that was prepared is to be authorized under its key")
        };
        Ok(KeyedPayment { key, authorize })
    });
    let together =
        AuthorizeTogether::new(keyed.collect::<Result<_, _>>()?).expect("they were counted, and are of one merchant");
    Ok((Submission { key: None, command: Command::AuthorizeTogether(together) }, failure))
}

fn answered(switch: &Switch, payments: &[v1::AuthorizeRequest], answer: Answer) -> Vec<Outcome> {
    let payer = |position: usize| payments.get(position).and_then(|payment| payment.payer.as_ref());
    match answer {
        Ok(Committed { record, repeated }) => {
            let told = |(position, record): (usize, Arc<_>)| {
                authorize::told(switch, Ok(Committed { record, repeated }), payer(position))
            };
            record.parts().enumerate().map(told).collect()
        }
        Err(refused @ Refused::Together { position, .. }) => {
            let status = authorize::told(switch, Err(refused), payer(position)).map(drop);
            refused_by(payments.len(), position, &status.expect_err("it was refused"))
        }
        Err(refused) => payments.iter().map(|_| authorize::told(switch, Err(refused), None)).collect(),
    }
}

/// One was refused, and by that all.
fn refused_by(payments: usize, refused: usize, status: &Status) -> Vec<Outcome> {
    let told = |position| Err(if position == refused { status.clone() } else { errors::batch_refused(refused) });
    (0..payments).map(told).collect()
}
