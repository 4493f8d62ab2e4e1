//! `payctl get`.

use clap::Args;
use wire::v1::{PaymentServiceGetRequest, PaymentServiceGetResponse};

use crate::commands::{AsMerchant, payment};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;

/// Show one payment of a merchant, with its refunds
///
/// By exactly one of its three names. Another merchant's payment is not found, as one that never was.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The id the switch gave the payment
    #[arg(value_name = "ID", required_unless_present_any = ["order", "idempotency_key"],
          conflicts_with_all = ["order", "idempotency_key"])]
    payment_id: Option<String>,
    /// The merchant's own number; of several payments for it the one that holds it, else the last
    #[arg(long, value_name = "ID", conflicts_with = "idempotency_key")]
    order: Option<String>,
    /// The key of the call that asked for the payment
    #[arg(long, visible_alias = "key", value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    by: AsMerchant,
}

impl Get {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let client = context.merchant(&self.by.merchant)?;
        let request = PaymentServiceGetRequest {
            payment_id: self.payment_id.unwrap_or_default(),
            merchant_order_id: self.order.unwrap_or_default(),
            idempotency_key: self.idempotency_key.unwrap_or_default(),
        };
        let reply = client.payment(request).await?;
        let exit = payment::exit_of(payment::of_reply(reply.payment.as_ref())?)?;
        context.show(&reply, text);
        Ok(exit)
    }
}

fn text(reply: &PaymentServiceGetResponse) -> String {
    let payment = reply.payment.as_ref().map(payment::text).unwrap_or_default();
    let refunds = reply.refunds.iter().map(|refund| payment::refund_text(refund, None));
    std::iter::once(payment).chain(refunds).collect::<Vec<_>>().join("\n")
}
