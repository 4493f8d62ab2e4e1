//! Bytes that are not a request: too many of them, or not what the method takes.

mod support;

use client::{Code, sandbox};
use support::parties::{Sandbox, money, payment, refused};
use tonic::{
    Request, Status, client::Grpc, codegen::http::uri::PathAndQuery, metadata::MetadataValue, transport::Endpoint,
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_prost::{ProstCodec, prost::Message};
use tonic_types::StatusExt;
use wire::{bench_v1::EchoRequest, v1};

#[tokio::test]
async fn a_message_over_the_limit_is_refused() {
    let sandbox = Sandbox::start();
    let before = sandbox.status().await.last_lsn;
    let too_long = "x".repeat(17_000);
    let paid = payment("key", &too_long, "hk-alice", money("CNY", 100));
    let refusals = [
        refused(sandbox.cafe.authorize(paid).await),
        refused(sandbox.wallet.account(v1::AccountServiceGetRequest { account_id: too_long.clone() }).await),
        refused(
            sandbox
                .operator
                .register_merchant(v1::RegisterMerchantRequest { merchant_id: too_long, ..Default::default() })
                .await,
        ),
    ];
    for refusal in refusals {
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
        let message = &refusal.message;
        assert!(message.starts_with("Error, decoded message length too large: found 17"), "{message}");
        assert!(message.ends_with(" bytes, the limit is: 16384 bytes"), "{message}");
        assert_eq!(refusal.metadata.get("outcome").map(String::as_str), Some("NOT_COMMITTED"));
    }
    assert_eq!(sandbox.status().await.last_lsn, before);
}

fn check_too_large(status: &Status) {
    assert_eq!(status.code(), tonic::Code::ResourceExhausted, "{status:?}");
    let info = status.get_details_error_info().expect("every error has its reason");
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("MESSAGE_TOO_LARGE", "payswitch"));
    assert_eq!(info.metadata.get("outcome").map(String::as_str), Some("NOT_COMMITTED"));
}

/// Health and reflection need no key, so their bounds are everybody's.
#[tokio::test]
async fn a_message_over_the_limit_is_refused_by_the_services_without_a_key() {
    use tonic_reflection::pb::v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest,
    };
    let sandbox = Sandbox::start();
    let too_long = "x".repeat(17_000);
    for address in [&sandbox.daemon.merchants, &sandbox.daemon.operators] {
        let endpoint = Endpoint::new(address.clone()).expect("an address");
        let connection = endpoint.connect().await.expect("the daemon listens");
        let mut health = HealthClient::new(connection.clone());
        let request = HealthCheckRequest { service: too_long.clone() };
        check_too_large(&health.check(request.clone()).await.expect_err("the message is too large"));
        check_too_large(&health.watch(request).await.expect_err("the message is too large"));

        let ask = MessageRequest::FileByFilename(too_long.clone());
        let request = ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
        let mut reflection = ServerReflectionClient::new(connection);
        let replies = reflection.server_reflection_info(tokio_stream::once(request)).await;
        let mut replies = replies.expect("a stream begins before its first message").into_inner();
        // Looked up, it would be told that there is no such file.
        assert_eq!(replies.message().await.expect("the stream ends"), None, "the message is not looked at");
    }
}

/// Sends a message to a method that takes another.
async fn sent<T: Message + Send + Sync + 'static>(sandbox: &Sandbox, message: T) -> Status {
    let endpoint = Endpoint::new(sandbox.daemon.merchants.clone()).expect("an address");
    let mut grpc = Grpc::new(endpoint.connect().await.expect("the daemon listens"));
    grpc.ready().await.expect("the connection is free");
    let mut request = Request::new(message);
    let credential = format!("Bearer {}", sandbox::MERCHANT_KEYS[0].1);
    let credential = MetadataValue::try_from(credential).expect("a key is visible ASCII");
    request.metadata_mut().insert("authorization", credential);
    let path = PathAndQuery::from_static("/payswitch.v1.PaymentService/Authorize");
    let answer = grpc.unary(request, path, ProstCodec::<T, v1::AuthorizeResponse>::default()).await;
    answer.expect_err("no payment can be made of it")
}

fn check_malformed(status: &Status) {
    assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status:?}");
    assert_eq!(status.message(), "the message is not what the method takes");
    let info = status.get_details_error_info().expect("every error has its reason");
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("MESSAGE_MALFORMED", "payswitch"));
    assert_eq!(info.metadata.get("outcome").map(String::as_str), Some("NOT_COMMITTED"));
}

#[tokio::test]
async fn bytes_that_do_not_decode_are_refused() {
    let sandbox = Sandbox::start();
    let before = sandbox.status().await.last_lsn;
    // A number where the method takes a text.
    check_malformed(&sent(&sandbox, money("CNY", 1)).await);
    // A text that is not UTF-8.
    check_malformed(&sent(&sandbox, EchoRequest { payload: vec![0xff, 0xfe], response_bytes: 0 }).await);
    assert_eq!(sandbox.status().await.last_lsn, before);
}

/// Fields of a later version are passed over: what the method knows is decided as ever.
#[tokio::test]
async fn fields_nobody_knows_are_passed_over() {
    let sandbox = Sandbox::start();
    let later = v1::Payment { lsn: 7, ..v1::Payment::default() };
    let status = sent(&sandbox, later).await;
    let info = status.get_details_error_info().expect("every error has its reason");
    assert_eq!((info.reason.as_str(), status.message()), ("FIELD_MISSING", "idempotency_key: is missing"));
}
