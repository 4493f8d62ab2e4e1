//! The floor a payment is compared with.

use prost::Message;
use wire::bench_v1::{EchoRequest, EchoResponse, echo_service_client::EchoServiceClient};
use wire::v1::{AuthorizeRequest, AuthorizeResponse};

use crate::channel::{self, Authenticated};
use crate::{Address, ApiKey, Error, Options};

/// Calls that do nothing, served by `payswitchd --bench-echo` only. They carry the same headers as a payment.
#[derive(Clone, Debug)]
pub struct Echo {
    address: Address,
    service: EchoServiceClient<Authenticated>,
}

impl Echo {
    /// Connects now.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub async fn connect(address: &Address, key: &ApiKey, options: Options) -> Result<Self, Error> {
        let connection = channel::connect(address, key, options).await?;
        Ok(Self { address: address.clone(), service: EchoServiceClient::new(connection.for_calls()) })
    }

    /// Sends as many bytes and asks for as many back as `size` says.
    ///
    /// # Errors
    /// As every call.
    pub async fn echo(&self, size: &EchoSize) -> Result<EchoResponse, Error> {
        Error::or_reply(&self.address, self.service.clone().echo(size.request.clone()).await)
    }
}

/// The size of an echo on the wire.
#[derive(Clone, Debug)]
pub struct EchoSize {
    request: EchoRequest,
}

impl EchoSize {
    /// As long, encoded, as this payment's request and reply.
    #[must_use]
    pub fn of_payment(request: &AuthorizeRequest, reply: &AuthorizeResponse) -> Self {
        let response = |bytes| EchoResponse { payload: vec![0; bytes] }.encoded_len();
        let response_bytes = longest_within(reply.encoded_len(), response);
        let response_bytes_u32 = u32::try_from(response_bytes).unwrap_or(u32::MAX);
        let echo = |bytes| EchoRequest { payload: vec![0; bytes], response_bytes: response_bytes_u32 };
        let payload_bytes = longest_within(request.encoded_len(), |bytes| echo(bytes).encoded_len());
        Self { request: echo(payload_bytes) }
    }

    /// The request, encoded.
    #[must_use]
    pub fn request(&self) -> Vec<u8> {
        self.request.encode_to_vec()
    }

    /// Length of the encoded request, in bytes.
    #[must_use]
    pub fn request_bytes(&self) -> usize {
        self.request.encoded_len()
    }

    /// Length of the payload of the reply, in bytes.
    #[must_use]
    pub fn response_bytes(&self) -> u32 {
        self.request.response_bytes
    }
}

/// The longest payload whose message is not longer than `limit`. A length prefix grows with what it counts, so an exact
/// fit may miss by one byte.
fn longest_within(limit: usize, encoded_len: impl Fn(usize) -> usize) -> usize {
    (0..=limit).rev().find(|payload| encoded_len(*payload) <= limit).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use wire::v1::{Money, Payment};

    use super::*;

    #[test]
    fn an_echo_is_as_long_as_the_payment_it_stands_for() {
        for order in ["1", "a longer order number", &"long".repeat(60)] {
            let request = AuthorizeRequest {
                idempotency_key: "key".into(),
                merchant_order_id: order.into(),
                presentment_amount: Some(Money { currency_code: "CNY".into(), minor_units: 10_000 }),
                ..AuthorizeRequest::default()
            };
            let payment = Payment { merchant_order_id: order.repeat(3), ..Payment::default() };
            let reply = AuthorizeResponse { payment: Some(payment) };
            let size = EchoSize::of_payment(&request, &reply);
            assert!(request.encoded_len().abs_diff(size.request_bytes()) <= 1, "{order}");
            let echoed = EchoResponse { payload: vec![0; size.response_bytes() as usize] };
            assert!(reply.encoded_len().abs_diff(echoed.encoded_len()) <= 1, "{order}");
        }
    }

    #[test]
    fn a_message_shorter_than_any_echo_gives_the_shortest() {
        let size = EchoSize::of_payment(&AuthorizeRequest::default(), &AuthorizeResponse::default());
        assert_eq!((size.request_bytes(), size.response_bytes()), (0, 0));
    }
}
