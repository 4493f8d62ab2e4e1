//! Many payments over one stream.

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use wire::v1::{AuthorizeRequest, PaymentStreamRequest, PaymentStreamResponse};

use crate::{Address, Error};

/// Requests that wait for the transport.
const WAITING_MAX: usize = 256;

/// The way in of a stream of payments, from [`Client::payment_stream`](crate::Client::payment_stream). Dropping it says that no
/// more come.
#[derive(Clone, Debug)]
pub struct PaymentSender {
    requests: mpsc::Sender<PaymentStreamRequest>,
}

impl PaymentSender {
    /// Sends one more, once there is room. `false` when the stream has ended: it was not sent then.
    pub async fn send(&self, correlation_id: u64, authorize: AuthorizeRequest) -> bool {
        let request = PaymentStreamRequest { correlation_id, authorize: Some(authorize) };
        self.requests.send(request).await.is_ok()
    }
}

/// The answers of a stream of payments. It has no deadline; each payment has as long as a call would.
#[derive(Debug)]
pub struct PaymentAnswers {
    address: Address,
    stream: Streaming<PaymentStreamResponse>,
}

impl PaymentAnswers {
    pub(crate) fn new(address: Address, stream: Streaming<PaymentStreamResponse>) -> Self {
        Self { address, stream }
    }

    /// The next answer, in the order in which they are decided; `None` after the last.
    ///
    /// # Errors
    /// As every call; the stream has then ended, and what was not answered is asked again under the same key.
    pub async fn next(&mut self) -> Result<Option<PaymentStreamResponse>, Error> {
        self.stream.message().await.map_err(|status| Error::from_status(&self.address, status))
    }
}

/// Both ends of what a stream takes.
pub(crate) fn requests() -> (PaymentSender, ReceiverStream<PaymentStreamRequest>) {
    let (requests, waiting) = mpsc::channel(WAITING_MAX);
    (PaymentSender { requests }, ReceiverStream::new(waiting))
}
