//! What a merchant asks of payments by card, always under one key.

use client::{Client, Error};
use wire::v1;

#[derive(Clone, Debug)]
pub(crate) enum Call {
    Pay(v1::AuthorizeRequest),
    Capture(v1::CaptureRequest),
    Refund(v1::RefundRequest),
    Void(v1::VoidRequest),
}

impl Call {
    /// Pays by card.
    pub(crate) fn pay(key: String, order: String, token: &str, amount: v1::Money, mode: v1::CaptureMode) -> Self {
        Self::Pay(v1::AuthorizeRequest {
            idempotency_key: key,
            merchant_order_id: order,
            card_token: token.to_owned(),
            presentment_amount: Some(amount),
            capture_mode: mode.into(),
            ..v1::AuthorizeRequest::default()
        })
    }

    /// The payment right after.
    pub(crate) async fn ask(&self, cafe: &Client) -> Result<v1::Payment, Error> {
        let payment = match self.clone() {
            Self::Pay(request) => cafe.authorize(request).await?.payment,
            Self::Capture(request) => cafe.capture(request).await?.payment,
            Self::Refund(request) => cafe.refund(request).await?.payment,
            Self::Void(request) => cafe.void(request).await?.payment,
        };
        Ok(payment.expect("what an approved payment allows is not declined"))
    }
}
