//! Payments, for merchants; the switch's operator may read.

use wire::v1::{
    AuthorizeBatchRequest, AuthorizeBatchResponse, AuthorizeRequest, AuthorizeResponse, CaptureRequest,
    CaptureResponse, IncreaseAuthorizationRequest, IncreaseAuthorizationResponse, PaymentServiceGetRequest,
    PaymentServiceGetResponse, PaymentServiceListRequest, PaymentServiceListResponse, RefundRequest, RefundResponse,
    VoidRequest, VoidResponse, WatchRequest,
};

use super::{Client, PaymentAnswers, PaymentSender, Watch, payment_stream};
use crate::Error;

impl Client {
    /// Asks to be paid: decided, and captured at once or held. For merchants.
    ///
    /// # Errors
    /// As every call. A decline is a reply.
    pub async fn authorize(&self, request: AuthorizeRequest) -> Result<AuthorizeResponse, Error> {
        Error::or_reply(&self.address, self.payments.clone().authorize(request).await)
    }

    /// Asks to be paid many times over one stream. What is refused is an answer like any other.
    ///
    /// # Errors
    /// As every call, when the stream cannot begin.
    pub async fn payment_stream(&self) -> Result<(PaymentSender, PaymentAnswers), Error> {
        let (sender, requests) = payment_stream::requests();
        let stream = Error::or_reply(&self.address, self.streams.clone().payment_stream(requests).await)?;
        Ok((sender, PaymentAnswers::new(self.address.clone(), stream)))
    }

    /// Asks to be paid for up to 8,190 payments at once, each decided alone.
    ///
    /// # Errors
    /// As every call. What is declined or refused of them is told in the reply.
    pub async fn authorize_batch(&self, request: AuthorizeBatchRequest) -> Result<AuthorizeBatchResponse, Error> {
        Error::or_reply(&self.address, self.batches.clone().authorize_batch(request).await)
    }

    /// Turns a hold, whole or part, into postings.
    ///
    /// # Errors
    /// As every call.
    pub async fn capture(&self, request: CaptureRequest) -> Result<CaptureResponse, Error> {
        Error::or_reply(&self.address, self.payments.clone().capture(request).await)
    }

    /// Releases what is still held.
    ///
    /// # Errors
    /// As every call.
    pub async fn void(&self, request: VoidRequest) -> Result<VoidResponse, Error> {
        Error::or_reply(&self.address, self.payments.clone().void(request).await)
    }

    /// Gives back what was captured, whole or part.
    ///
    /// # Errors
    /// As every call. A decline is a reply.
    pub async fn refund(&self, request: RefundRequest) -> Result<RefundResponse, Error> {
        Error::or_reply(&self.address, self.payments.clone().refund(request).await)
    }

    /// Holds more for a payment.
    ///
    /// # Errors
    /// As every call. A decline is a reply.
    pub async fn increase_authorization(
        &self,
        request: IncreaseAuthorizationRequest,
    ) -> Result<IncreaseAuthorizationResponse, Error> {
        Error::or_reply(&self.address, self.payments.clone().increase_authorization(request).await)
    }

    /// One payment of the calling merchant, or for the operator of any, by exactly one of its three names.
    ///
    /// # Errors
    /// As every call.
    pub async fn payment(&self, request: PaymentServiceGetRequest) -> Result<PaymentServiceGetResponse, Error> {
        Error::or_reply(&self.address, self.payments.clone().get(request).await)
    }

    /// A page of payments, oldest first.
    ///
    /// # Errors
    /// As every call.
    pub async fn list_payments(&self, request: PaymentServiceListRequest) -> Result<PaymentServiceListResponse, Error> {
        Error::or_reply(&self.address, self.payments.clone().list(request).await)
    }

    /// What happens to payments from a position in the log on, as it happens.
    ///
    /// # Errors
    /// As every call.
    pub async fn watch(&self, request: WatchRequest) -> Result<Watch, Error> {
        let after_lsn = request.after_lsn;
        let stream = Error::or_reply(&self.address, self.streams.clone().watch(request).await)?;
        Ok(Watch::new(self.address.clone(), stream, after_lsn))
    }
}
