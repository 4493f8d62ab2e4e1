//! Which services are on which listener, and the limits of both.

use std::{sync::Arc, time::Duration};

use tokio::net::TcpListener;
use tonic::transport::{self, Server};
use tonic_health::server::{HealthReporter, health_reporter};
use tower::util::MapResponseLayer;
use wire::{
    bench_v1::echo_service_server::{EchoServiceServer, SERVICE_NAME as ECHO},
    served::{
        account_service_server::{AccountServiceServer, SERVICE_NAME as ACCOUNTS},
        batch_service_server::{BatchServiceServer, SERVICE_NAME as BATCHES},
        card_service_server::{CardServiceServer, SERVICE_NAME as CARDS},
        consent_service_server::{ConsentServiceServer, SERVICE_NAME as CONSENTS},
        operations_service_server::{OperationsServiceServer, SERVICE_NAME as OPERATIONS},
        payment_service_server::{PaymentServiceServer, SERVICE_NAME as PAYMENTS},
        person_service_server::{PersonServiceServer, SERVICE_NAME as PERSONS},
        quote_service_server::{QuoteServiceServer, SERVICE_NAME as QUOTES},
        rate_service_server::{RateServiceServer, SERVICE_NAME as RATES},
        receipt_service_server::{ReceiptServiceServer, SERVICE_NAME as RECEIPTS},
        sandbox_service_server::{SERVICE_NAME as SANDBOX, SandboxServiceServer},
    },
};

use crate::{
    Dealer, Dealt, GuardedListener, Routes, Switch,
    accounts::Accounts,
    batches::{BATCH_BYTES_MAX, Batches},
    cards::{Cards, Persons},
    consents::Consents,
    echo::Echo,
    operations::Operations,
    payments::{Payments, Serves},
    quotes::Quotes,
    rates::Rates,
    receipts::Receipts,
    routes::RoutesBuilder,
    sandbox::Sandbox,
    transport_errors,
};

/// Bounds of a listener. The three that the transport leaves open by default are streams, local resets and silent
/// connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at a time.
    pub connections_max: usize,
    /// A connection must begin to speak HTTP/2 within this many milliseconds.
    pub first_bytes_ms_max: u64,
    /// Streams open at a time on one connection.
    pub streams_max: u32,
    /// Streams a peer may make us reset on one connection before it is cut.
    pub local_resets_max: usize,
    /// Resets of streams not yet taken up before the connection is cut.
    pub pending_resets_max: usize,
    /// Bytes of the headers of one call.
    pub header_bytes_max: u32,
    /// Bytes of one message to us.
    pub message_bytes_max: usize,
    /// A call that has not been answered after this many milliseconds is ended by the transport. Longer than any
    /// handler takes: it is there for callers that never finish their message.
    pub call_ms_max: u64,
    /// A silent connection is asked for a sign of life after this many milliseconds.
    pub keepalive_ms: u64,
    /// It is cut when it gives none within this many milliseconds.
    pub keepalive_timeout_ms: u64,
    /// A connection is asked to end after this many milliseconds.
    pub connection_age_ms_max: u64,
    /// It is cut this many milliseconds later.
    pub connection_grace_ms: u64,
}

/// So much of what a caller sends in one call may wait to be read, in bytes, before the caller has to wait.
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;

/// The same of all calls of a connection. The transport ends a connection on which too many small messages wait: half of this is
/// what it lets them have, each costing 256 bytes less its own length. A stream of payments that waits because its answers are
/// not read fills its own window with messages of some hundred bytes, which is a fifth of that.
const CONNECTION_WINDOW_BYTES: u32 = 2 * 1024 * 1024;

/// Serves `routes` on `listener` until `shutdown` resolves, then lets what is in flight end.
///
/// # Errors
/// When the transport fails as a whole; a failing connection ends alone.
pub async fn serve(
    limits: &Limits,
    routes: Routes,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), transport::Error> {
    let (dealer, dealt) = dealer(limits, listener, 1);
    tokio::spawn(dealer.deal());
    let dealt = dealt.into_iter().next().expect("there is a runtime");
    serve_dealt(limits, routes, dealt, shutdown).await
}

/// Deals the connections of `listener` out to so many runtimes, each of which [serves](serve_dealt) its own.
#[must_use]
pub fn dealer(limits: &Limits, listener: TcpListener, runtimes: usize) -> (Dealer, Vec<Dealt>) {
    // The transport asks a connection to end at its age, but with a grace of its own it would only cut; so we cut.
    let cut_after = Duration::from_millis(limits.connection_age_ms_max.saturating_add(limits.connection_grace_ms));
    let guarded = GuardedListener::new(listener, limits.connections_max, limits.first_bytes_ms_max);
    Dealer::new(guarded.cut_after(cut_after), runtimes)
}

/// Serves `routes` on the connections of this runtime until `shutdown` resolves, then lets what is in flight end.
///
/// # Errors
/// When the transport fails as a whole; a failing connection ends alone.
pub async fn serve_dealt(
    limits: &Limits,
    routes: Routes,
    dealt: Dealt,
    shutdown: impl Future<Output = ()>,
) -> Result<(), transport::Error> {
    Server::builder()
        .max_concurrent_streams(limits.streams_max)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_max_local_error_reset_streams(Some(limits.local_resets_max))
        .http2_max_pending_accept_reset_streams(Some(limits.pending_resets_max))
        .http2_max_header_list_size(limits.header_bytes_max)
        .http2_keepalive_interval(Some(Duration::from_millis(limits.keepalive_ms)))
        .http2_keepalive_timeout(Some(Duration::from_millis(limits.keepalive_timeout_ms)))
        .max_connection_age(Duration::from_millis(limits.connection_age_ms_max))
        .timeout(Duration::from_millis(limits.call_ms_max))
        .layer(MapResponseLayer::new(transport_errors::with_reason))
        .serve_with_incoming_shutdown(routes, dealt.incoming(), shutdown)
        .await
}

/// Tells health checkers whether a listener serves.
#[derive(Clone, Debug)]
pub struct Health {
    reporter: HealthReporter,
    services: Vec<&'static str>,
}

impl Health {
    /// Every service of the listener, and the listener as a whole, serves or does not.
    pub async fn set_serving(&self, serving: bool) {
        let status = match serving {
            true => tonic_health::ServingStatus::Serving,
            false => tonic_health::ServingStatus::NotServing,
        };
        for service in self.services.iter().chain(&[""]) {
            self.reporter.set_service_status(*service, status).await;
        }
    }

    /// Ends every watch once it has shown the last change. A watch has no end of its own, so a stop that waits for what
    /// is in flight would wait for it in vain.
    pub async fn end_watches(mut self) {
        for service in self.services.iter().chain(&[""]) {
            self.reporter.clear_service_status(service).await;
        }
    }
}

/// Whether callers may ask which methods there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reflection {
    On,
    Off,
}

/// The services of merchants and wallet operators. Reflection is there in a sandbox only; `bench_echo` adds the floor
/// that payments are compared with.
///
/// # Errors
/// When the embedded descriptors cannot be read, which a test would have shown.
pub fn merchant_routes(
    switch: &Switch,
    limits: &Limits,
    bench_echo: bool,
) -> Result<(Routes, Health), tonic_reflection::server::Error> {
    let bytes_max = limits.message_bytes_max;
    let payments = PaymentServiceServer::new(Payments { switch: switch.clone(), serves: Serves::Everything });
    let batches = BatchServiceServer::new(Batches { switch: switch.clone() });
    let quotes = QuoteServiceServer::new(Quotes { switch: switch.clone() });
    let consents = ConsentServiceServer::new(Consents { switch: switch.clone() });
    let accounts = AccountServiceServer::new(Accounts { switch: switch.clone() });
    let cards = CardServiceServer::new(Cards { switch: switch.clone() });
    let persons = PersonServiceServer::new(Persons { switch: switch.clone() });
    let rates = RateServiceServer::new(Rates { switch: switch.clone() });
    let receipts = ReceiptServiceServer::new(Receipts { switch: switch.clone() });
    let mut routes = RoutesBuilder::default();
    routes
        .add_service(payments.max_decoding_message_size(bytes_max))
        .add_service(batches.max_decoding_message_size(BATCH_BYTES_MAX))
        .add_service(quotes.max_decoding_message_size(bytes_max))
        .add_service(consents.max_decoding_message_size(bytes_max))
        .add_service(accounts.max_decoding_message_size(bytes_max))
        .add_service(cards.max_decoding_message_size(bytes_max))
        .add_service(persons.max_decoding_message_size(bytes_max))
        .add_service(rates.max_decoding_message_size(bytes_max))
        .add_service(receipts.max_decoding_message_size(bytes_max));
    let mut services = vec![PAYMENTS, BATCHES, QUOTES, CONSENTS, ACCOUNTS, CARDS, PERSONS, RATES, RECEIPTS];
    if bench_echo {
        routes.add_service(EchoServiceServer::new(Echo).max_decoding_message_size(bytes_max));
        services.push(ECHO);
    }
    let reflection = match switch.started.mode {
        domain::Mode::Sandbox => Reflection::On,
        domain::Mode::Production => Reflection::Off,
    };
    with_standard_services(routes, services, reflection, bytes_max)
}

/// The services of the switch's operator: besides its own, reads of what others ask. A sandbox's powers are there in a
/// sandbox only.
///
/// # Errors
/// When the embedded descriptors cannot be read, which a test would have shown.
pub fn operator_routes(switch: &Switch, limits: &Limits) -> Result<(Routes, Health), tonic_reflection::server::Error> {
    let bytes_max = limits.message_bytes_max;
    let operations = OperationsServiceServer::new(Operations { switch: switch.clone() });
    let payments = PaymentServiceServer::new(Payments { switch: switch.clone(), serves: Serves::Reads });
    let rates = RateServiceServer::new(Rates { switch: switch.clone() });
    let receipts = ReceiptServiceServer::new(Receipts { switch: switch.clone() });
    let mut routes = RoutesBuilder::default();
    routes
        .add_service(operations.max_decoding_message_size(bytes_max))
        .add_service(payments.max_decoding_message_size(bytes_max))
        .add_service(rates.max_decoding_message_size(bytes_max))
        .add_service(receipts.max_decoding_message_size(bytes_max));
    let mut services = vec![OPERATIONS, PAYMENTS, RATES, RECEIPTS];
    if let Some(powers) = &switch.sandbox {
        let sandbox = SandboxServiceServer::new(Sandbox { switch: switch.clone(), powers: Arc::clone(powers) });
        routes.add_service(sandbox.max_decoding_message_size(bytes_max));
        services.push(SANDBOX);
    }
    with_standard_services(routes, services, Reflection::On, bytes_max)
}

/// Adds health and, if on, both versions of reflection.
fn with_standard_services(
    mut routes: RoutesBuilder,
    services: Vec<&'static str>,
    reflection: Reflection,
    bytes_max: usize,
) -> Result<(Routes, Health), tonic_reflection::server::Error> {
    let (reporter, health) = health_reporter();
    routes.add_service(health.max_decoding_message_size(bytes_max));
    if reflection == Reflection::On {
        let builder = || {
            let builder = tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(wire::DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                .with_service_name("grpc.health.v1.Health");
            services.iter().fold(builder, |builder, service| builder.with_service_name(*service))
        };
        routes
            .add_service(builder().build_v1()?.max_decoding_message_size(bytes_max))
            .add_service(builder().build_v1alpha()?.max_decoding_message_size(bytes_max));
    }
    Ok((routes.routes(), Health { reporter, services }))
}
