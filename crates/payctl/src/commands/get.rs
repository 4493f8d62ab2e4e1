//! `payctl get`.

use clap::Args;
use wire::v1::PaymentServiceGetRequest;

use crate::commands::{name_argument, pay};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;

/// Show one payment of a merchant
///
/// Another merchant's payment is not found, as one that never was.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The id the switch gave the payment
    #[arg(value_name = "ID")]
    payment_id: String,
    /// Merchant whose payment it is; in the sandbox its well-known key is used
    #[arg(long, value_name = "NAME", default_value = "demo-cafe", value_parser = name_argument)]
    merchant: String,
}

impl Get {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let client = context.merchant(&self.merchant)?;
        let reply = client.payment(PaymentServiceGetRequest { payment_id: self.payment_id }).await?;
        let payment = reply.payment.as_ref().ok_or_else(|| Error::Reply("it has no payment".to_owned()))?;
        let exit = pay::exit_of(payment)?;
        context.show(&reply, |reply| reply.payment.as_ref().map(pay::text).unwrap_or_default());
        Ok(exit)
    }
}
