//! Metrics and health over HTTP, for machines that watch the daemon.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, http::StatusCode, routing::get, serve::Listener};
use ingress::{GuardedListener, GuardedStream};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use shard::Handle;
use tokio::net::TcpListener;

use crate::{archiving, housekeeping, reload, start::StartError};

/// Seconds: from a fast sync to a slow one.
const SECONDS_BUCKETS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Records in a batch.
const RECORDS_BUCKETS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0];
/// How often histograms are folded, so that they do not grow while nobody asks.
pub(crate) const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Installs the recorder that every crate's metrics go to.
pub(crate) fn install_recorder() -> Result<PrometheusHandle, StartError> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS_BUCKETS)
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Suffix("_batch_records".to_owned()), RECORDS_BUCKETS)
        })
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| StartError::Config(format!("cannot install the metrics recorder: {error}")))?;
    shard::describe_metrics();
    pipeline::describe_metrics();
    projections::describe_metrics();
    ingress::describe_metrics();
    connectors::describe_metrics();
    archiving::describe_metrics();
    housekeeping::describe_metrics();
    reload::describe_metrics();
    Ok(recorder)
}

/// Connections open at a time: a few scrapers, and a person who looks.
const CONNECTIONS_MAX: usize = 16;

/// A scrape takes milliseconds; a connection that is older and silent only holds a place.
const CONNECTION_AGE_MAX: Duration = Duration::from_secs(15);

/// A listener that cannot use up the daemon's file descriptors.
pub(crate) fn listener(listener: TcpListener, first_bytes_ms_max: u64) -> impl Listener<Addr = SocketAddr> {
    Capped(GuardedListener::new(listener, CONNECTIONS_MAX, first_bytes_ms_max).cut_after(CONNECTION_AGE_MAX))
}

struct Capped(GuardedListener);

impl Listener for Capped {
    type Io = GuardedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (GuardedStream, SocketAddr) {
        let stream = self.0.accept().await;
        let peer = stream.peer();
        (stream, peer)
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// `/metrics`, `/livez` (the process runs) and `/readyz` (all writes are taken).
pub(crate) fn router(metrics: PrometheusHandle, handle: Handle) -> Router {
    Router::new()
        .route("/metrics", get(move || async move { metrics.render() }))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(move || async move { ready(&handle) }))
}

fn ready(handle: &Handle) -> (StatusCode, String) {
    match handle.status().reason() {
        reason if reason.is_empty() => (StatusCode::OK, "ok\n".to_owned()),
        reason => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}
