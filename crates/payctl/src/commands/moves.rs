//! `payctl capture`, `void`, `refund` and `increase`: what a merchant does with a payment once it is decided.

use clap::Args;
use money::Money;
use wire::v1::{
    CaptureRequest, DeclineReason, IncreaseAuthorizationRequest, IncreaseAuthorizationResponse, Payment, RefundRequest,
    VoidRequest,
};

use crate::commands::{AsMerchant, Key, amount_argument, payment, repeat_with};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{BAD, FAINT, Fields, paint};
use crate::words;

/// Capture a hold, whole or part
///
/// May be done many times, until nothing is left or the hold expires; a card is captured once. With --final, and of a card always,
/// the rest of the hold is released.
/// Exits 1 when it is declined.
#[derive(Debug, Args)]
pub(crate) struct Capture {
    #[command(flatten)]
    part: PartArguments,
    /// Release the rest of the hold
    #[arg(long = "final")]
    is_final: bool,
}

/// Release what is still held of a payment
///
/// What was captured stays captured; a payment of which nothing was captured ends.
#[derive(Debug, Args)]
pub(crate) struct Void {
    #[command(flatten)]
    of: PaymentArguments,
}

/// Give back what was captured, whole or part
///
/// At which rate is the switch's policy: the payment's own, that of now, or that of a later day; then the refund is
/// pending until there is one. Exits 1 when it is declined.
#[derive(Debug, Args)]
pub(crate) struct Refund {
    #[command(flatten)]
    part: PartArguments,
}

/// Hold more for a payment, at the rate of now
///
/// The debit must stay within what the payer agreed to, unless a further one-time code is given. Exits 1 when it is
/// declined.
#[derive(Debug, Args)]
pub(crate) struct Increase {
    #[command(flatten)]
    part: PartArguments,
    /// A further one-time code of the payer
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    payer_code: String,
}

/// Which payment, and who asks.
#[derive(Debug, Args)]
struct PaymentArguments {
    /// The id the switch gave the payment
    #[arg(value_name = "ID")]
    payment_id: String,
    #[command(flatten)]
    by: AsMerchant,
    #[command(flatten)]
    key: Key,
}

/// How much of which payment.
#[derive(Debug, Args)]
struct PartArguments {
    #[command(flatten)]
    of: PaymentArguments,
    /// How much, in the currency the merchant asked in, e.g. "CNY 1.00"
    #[arg(long, value_parser = amount_argument)]
    amount: Money,
}

impl Capture {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let PartArguments { of, amount } = self.part;
        let client = context.merchant(&of.by.merchant)?;
        let idempotency_key = of.key.or_new();
        let repeat = repeat_with(&idempotency_key);
        let payment_id = of.payment_id;
        let request = CaptureRequest {
            idempotency_key,
            payment_id: payment_id.clone(),
            amount: words::money_message(amount),
            r#final: self.is_final,
        };
        let reply = client.capture(request).await.map_err(|error| Error::Call { error, repeat })?;
        let exit = exit_of_move(reply.decline_reason(), reply.payment.as_ref())?;
        context.show(&reply, |reply| match &reply.payment {
            Some(payment) => payment::text_after("captured", payment),
            None => declined_text("capture", &payment_id, reply.decline_reason(), reply.lsn),
        });
        Ok(exit)
    }
}

impl Void {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let client = context.merchant(&self.of.by.merchant)?;
        let idempotency_key = self.of.key.or_new();
        let repeat = repeat_with(&idempotency_key);
        let request = VoidRequest { idempotency_key, payment_id: self.of.payment_id };
        let reply = client.void(request).await.map_err(|error| Error::Call { error, repeat })?;
        let exit = payment::exit_of(payment::of_reply(reply.payment.as_ref())?)?;
        context.show(&reply, |reply| {
            reply.payment.as_ref().map(|payment| payment::text_after("released", payment)).unwrap_or_default()
        });
        Ok(exit)
    }
}

impl Refund {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let PartArguments { of, amount } = self.part;
        let client = context.merchant(&of.by.merchant)?;
        let idempotency_key = of.key.or_new();
        let repeat = repeat_with(&idempotency_key);
        let request =
            RefundRequest { idempotency_key, payment_id: of.payment_id, amount: words::money_message(amount) };
        let reply = client.refund(request).await.map_err(|error| Error::Call { error, repeat })?;
        let refund = reply.refund.as_ref().ok_or_else(|| Error::Reply("it has no refund".to_owned()))?;
        let exit = payment::exit_of_refund(refund)?;
        context.show(&reply, |reply| {
            let refund = reply.refund.as_ref();
            refund.map(|refund| payment::refund_text(refund, reply.payment.as_ref())).unwrap_or_default()
        });
        Ok(exit)
    }
}

impl Increase {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let PartArguments { of, amount } = self.part;
        let client = context.merchant(&of.by.merchant)?;
        let idempotency_key = of.key.or_new();
        let repeat = repeat_with(&idempotency_key);
        let request = IncreaseAuthorizationRequest {
            idempotency_key,
            payment_id: of.payment_id.clone(),
            amount: words::money_message(amount),
            payer_code: self.payer_code,
        };
        let reply = client.increase_authorization(request).await.map_err(|error| Error::Call { error, repeat })?;
        let exit = exit_of_move(reply.decline_reason(), reply.payment.as_ref())?;
        context.show(&reply, |reply| increase_text(&of.payment_id, reply));
        Ok(exit)
    }
}

fn exit_of_move(reason: DeclineReason, after: Option<&Payment>) -> Result<Exit, Error> {
    if reason == DeclineReason::Unspecified {
        return payment::exit_of(payment::of_reply(after)?);
    }
    Ok(Exit::Declined)
}

fn increase_text(payment_id: &str, reply: &IncreaseAuthorizationResponse) -> String {
    if let Some(payment) = &reply.payment {
        return payment::text_after("increased", payment);
    }
    declined_text("increase", payment_id, reply.decline_reason(), reply.lsn)
}

fn declined_text(what: &str, payment_id: &str, reason: DeclineReason, lsn: u64) -> String {
    let mut fields = Fields::default();
    fields.line("reason", words::decline(reason, ""));
    fields.line("", paint(FAINT, reason.as_str_name()));
    fields.line("lsn", format!("{lsn}, durable"));
    format!("{}  {what} of payment {payment_id}\n{fields}", paint(BAD, "declined"))
}

#[cfg(test)]
mod tests {
    use wire::v1::PaymentState;

    use super::*;
    use crate::render::plain;

    #[test]
    fn a_declined_increase_says_why() {
        let reply = IncreaseAuthorizationResponse {
            decline_reason: DeclineReason::ConsentExceeded.into(),
            payment: None,
            lsn: 9,
        };
        let expected = "\
declined  increase of payment p1
  reason  the debit would be larger than what the payer agreed to
          DECLINE_REASON_CONSENT_EXCEEDED
  lsn     9, durable
";
        assert_eq!(plain(increase_text("p1", &reply)), expected);
        assert_eq!(exit_of_move(reply.decline_reason(), None).unwrap(), Exit::Declined);
    }

    #[test]
    fn an_increase_that_says_nothing_is_not_an_answer() {
        let nothing = IncreaseAuthorizationResponse::default();
        assert_eq!(exit_of_move(nothing.decline_reason(), nothing.payment.as_ref()).unwrap_err().exit(), Exit::Damaged);
        let payment = Payment { state: PaymentState::Authorized.into(), ..Payment::default() };
        let held = IncreaseAuthorizationResponse { payment: Some(payment), ..nothing };
        assert_eq!(exit_of_move(held.decline_reason(), held.payment.as_ref()).unwrap(), Exit::Approved);
    }
}
