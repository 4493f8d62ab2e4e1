use std::sync::{Arc, Mutex};

use tonic::codegen::{BoxStream, tokio_stream};
use tonic::metadata::MetadataMap;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};
use wire::served::Encoded;
use wire::served::payment_service_server::{PaymentService, PaymentServiceServer};
use wire::v1::{self, PaymentEvent, WatchRequest};

use super::*;
use crate::{Client, Code, Options};

/// Tells what it was made to tell, whoever asks.
struct Told {
    items: Vec<Result<WatchResponse, Status>>,
    /// What came with the last request.
    metadata: Arc<Mutex<MetadataMap>>,
}

type Reply<T> = Result<Response<T>, Status>;

fn not_asked<T>() -> Reply<T> {
    Err(Status::unimplemented("only streams are told here"))
}

#[tonic::async_trait]
impl PaymentService for Told {
    type PaymentStreamStream = BoxStream<Encoded<v1::PaymentStreamResponse>>;
    type WatchStream = BoxStream<WatchResponse>;

    async fn authorize(&self, _: Request<v1::AuthorizeRequest>) -> Reply<Encoded<v1::AuthorizeResponse>> {
        not_asked()
    }

    async fn payment_stream(
        &self,
        _: Request<Streaming<v1::PaymentStreamRequest>>,
    ) -> Reply<Self::PaymentStreamStream> {
        not_asked()
    }

    async fn capture(&self, _: Request<v1::CaptureRequest>) -> Reply<v1::CaptureResponse> {
        not_asked()
    }

    async fn void(&self, _: Request<v1::VoidRequest>) -> Reply<v1::VoidResponse> {
        not_asked()
    }

    async fn refund(&self, _: Request<v1::RefundRequest>) -> Reply<v1::RefundResponse> {
        not_asked()
    }

    async fn increase_authorization(
        &self,
        _: Request<v1::IncreaseAuthorizationRequest>,
    ) -> Reply<v1::IncreaseAuthorizationResponse> {
        not_asked()
    }

    async fn get(&self, _: Request<v1::PaymentServiceGetRequest>) -> Reply<v1::PaymentServiceGetResponse> {
        not_asked()
    }

    async fn list(&self, _: Request<v1::PaymentServiceListRequest>) -> Reply<v1::PaymentServiceListResponse> {
        not_asked()
    }

    async fn watch(&self, request: Request<WatchRequest>) -> Reply<Self::WatchStream> {
        *self.metadata.lock().unwrap() = request.metadata().clone();
        Ok(Response::new(Box::pin(tokio_stream::iter(self.items.clone()))))
    }
}

/// A watch after lsn 7 of a daemon that tells this, and what the daemon was sent along.
async fn watch(items: Vec<Result<WatchResponse, Status>>) -> (Watch, Arc<Mutex<MetadataMap>>) {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = incoming.local_addr().unwrap().to_string().parse().unwrap();
    let metadata = Arc::default();
    let service = PaymentServiceServer::new(Told { items, metadata: Arc::clone(&metadata) });
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
    let client = Client::lazy(&address, &"key".parse().unwrap(), Options::default());
    (client.watch(WatchRequest { after_lsn: 7, ..WatchRequest::default() }).await.unwrap(), metadata)
}

fn record(lsn: u64) -> WatchResponse {
    WatchResponse { lsn, events: vec![PaymentEvent::default()] }
}

#[tokio::test(flavor = "current_thread")]
async fn a_stream_is_told_in_order_and_has_no_deadline() {
    let (mut watch, metadata) = watch(vec![Ok(record(8)), Ok(WatchResponse { lsn: 11, events: Vec::new() })]).await;
    assert_eq!(watch.last_lsn(), 7);
    assert_eq!(watch.next().await.unwrap(), Some(record(8)));
    assert_eq!(watch.last_lsn(), 8);
    assert_eq!(watch.next().await.unwrap().map(|told| told.lsn), Some(11));
    assert_eq!(watch.next().await.unwrap(), None);
    assert_eq!(watch.last_lsn(), 11, "a heartbeat moves the place to resume from");
    let metadata = metadata.lock().unwrap();
    assert!(metadata.contains_key("authorization") && !metadata.contains_key("grpc-timeout"), "{metadata:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_stream_that_breaks_fails_as_calls_do() {
    let (mut watch, _) = watch(vec![Ok(record(8)), Err(Status::out_of_range("no longer kept"))]).await;
    watch.next().await.unwrap();
    let Err(Error::Refused(refusal)) = watch.next().await else { panic!("it is refused") };
    assert_eq!(refusal.code, Code::OutOfRange);
    assert_eq!(watch.last_lsn(), 8);
}
