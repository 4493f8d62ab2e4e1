//! How a daemon starts, refuses to start, shows that it serves, and stops.

mod support;

use std::{
    fs,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

use support::{
    Daemon,
    frames::{HEADERS, Peer, SETTINGS, call, silent},
    pages::{answer, ask, get, metrics_address},
    parties::{SMALL_SEGMENTS, Sandbox, by_id, caller, decided, money, operator, payment, stop},
    production::Production,
};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use wire::v1;

fn directory() -> TempDir {
    TempDir::new().expect("a temporary directory")
}

/// The daemon refuses to start on this configuration, for this reason.
fn check_config(text: &str, environment: &[(&str, &str)], expected: &str) {
    let directory = directory();
    let file = directory.path().join("payswitchd.toml");
    fs::write(&file, text).expect("the configuration is written");
    let data_dir = directory.path().join("ledger");
    let arguments = ["--config", file.to_str().expect("the path is text")];
    let (exit, said) = support::refusal(&data_dir, &arguments, environment);
    assert_eq!(exit, 2, "{text}{environment:?}: {said}");
    assert!(said.contains(expected), "{text}{environment:?}: {said}");
    assert!(!data_dir.exists(), "nothing was touched");
}

#[test]
fn a_key_nobody_knows_is_refused_with_the_nearest_that_is_known() {
    check_config(
        "[policy]\nrate_age_max = 1000\n",
        &[],
        "payswitchd.toml; the nearest known key is policy.rate_age_ms_max",
    );
    check_config("[policy]\nrate_age_max = 1000\n", &[], "unknown key policy.rate_age_max in ");
    check_config("datadir = \"x\"\n", &[], "the nearest known key is data_dir");
    check_config("[conections]\nstreams_max = 1\n", &[], "unknown key conections");
    check_config("[conections]\nstreams_max = 1\n", &[], "the nearest known key is connections");
    check_config("", &[("PAYSWITCHD__DRAIN__DRAIN_MS", "1")], "unknown key drain.drain_ms");
    check_config("", &[("PAYSWITCHD__DRAIN__DRAIN_MS", "1")], "the nearest known key is drain.drain_ms_max");
    check_config("", &[("PAYSWITCHD__MODES", "sandbox")], "the nearest known key is mode");
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_with_its_key() {
    check_config("[policy]\nrate_age_ms_max = \"soon\"\n", &[], "policy.rate_age_ms_max: ");
    check_config("[policy]\nfx_markup = \"1.5\"\n", &[], "policy.fx_markup = \"1.5\": a ratio lies between 0 and 1");
    check_config("mode = \"test\"\n", &[], "mode: ");
    check_config("mode = \"production\"\n", &[], "mode = \"production\" needs [digest_key]");
    check_config("[policy]\nquote_ms = 86400001\n", &[], "policy.quote_ms = 86400001: 1 to 86400000 milliseconds");
    check_config("[policy]\nrefund_rate = \"best\"\n", &[], "policy.refund_rate: ");
    let bands = "[[policy.volatility]]\nmove_ppm_min = 2\nmarkup_extra = \"0\"\nexposure_weight = \"1\"\n";
    check_config(&bands.repeat(2), &[], "policy.volatility[1].move_ppm_min = 2: bands rise");
    let exposure = "[[policy.exposure]]\nsoft = \"HKD 2.00\"\nhard = \"HKD 1.00\"\n";
    check_config(exposure, &[], "policy.exposure[0].hard = \"HKD 1.00\": below soft, which is HKD 2.00");
    check_config("[operator]\napi_key_hash = \"00\"\n", &[], "a sandbox has its own known keys");
    check_config("[archive]\nkeep_days = 1\n", &[], "archive.keep_bytes and keep_days need archive.directory");
    check_config("[archive]\ndirectory = \"\"\n", &[], "leave it out for no archive");
    check_config("[archive]\ndirectory = \"x\"\nkeep_days = 0\n", &[], "it would keep nothing");
    check_config("[archive]\ndirectory = \"/dev/null\"\n", &[], "it is no directory");
    check_config("not toml", &[], "payswitchd.toml");
}

#[test]
fn a_bound_of_zero_is_refused_with_its_key() {
    for (section, keys) in [
        (
            "connections",
            &[
                "connections_max",
                "first_bytes_ms_max",
                "streams_max",
                "local_resets_max",
                "pending_resets_max",
                "header_bytes_max",
                "message_bytes_max",
                "keepalive_ms",
                "keepalive_timeout_ms",
                "connection_age_ms_max",
            ][..],
        ),
        ("requests", &["inbox_requests_max", "request_ms_max"]),
        ("projections", &["feed_records_max", "watch_records_max", "hot_records", "filter_bytes"]),
        ("snapshots", &["every_records"]),
        ("policy", &["rate_age_ms_max", "quote_ms", "hold_ms"]),
        ("drain", &["drain_ms_max"]),
    ] {
        for key in keys {
            let expected = format!("{section}.{key} is 0: it would let nothing through");
            check_config(&format!("[{section}]\n{key} = 0\n"), &[], &expected);
        }
    }
    check_config("", &[("PAYSWITCHD__DRAIN__DRAIN_MS_MAX", "0")], "drain.drain_ms_max is 0");
}

#[test]
fn a_bound_beyond_all_sense_is_refused_with_its_key() {
    for connections in ["65537", "18446744073709551615"] {
        let environment = [("PAYSWITCHD__CONNECTIONS__CONNECTIONS_MAX", connections)];
        check_config("", &environment, "connections.connections_max: at most 65536");
    }
    check_config("", &[("PAYSWITCHD__THREADS__MERCHANTS", "257")], "threads.merchants: at most 256");
    for bytes in ["0", "1", "4096", "131071", "131073", "133120"] {
        let expected = format!("journal.segment_bytes = {bytes}: a multiple of 4096, 131072 to 1073741824");
        check_config("", &[("PAYSWITCHD__JOURNAL__SEGMENT_BYTES", bytes)], &expected);
    }
}

/// In the environment a ratio looks like a number.
#[tokio::test]
async fn a_ratio_is_taken_from_the_environment() {
    for markup in ["0.02", "0.000001", "0"] {
        let sandbox = Sandbox::with(&[("PAYSWITCHD__POLICY__FX_MARKUP", markup)]);
        assert_eq!(sandbox.cafe.list_rates().await.expect("rates are for every credential").markup, markup);
    }
}

/// It hung: the shard waited for room in the feed, and nobody read it yet.
#[tokio::test]
async fn a_feed_of_one_record_is_enough_to_begin_a_ledger() {
    let sandbox = Sandbox::with(&[("PAYSWITCHD__PROJECTIONS__FEED_RECORDS_MAX", "1")]);
    decided(sandbox.cafe.authorize(payment("key", "order", "hk-alice", money("CNY", 10_000))).await);
    assert_eq!(sandbox.balance("hk-alice").await, 988_089);
    let sandbox = sandbox.restart(support::parties::End::Asked).await;
    assert_eq!(sandbox.balance("hk-alice").await, 988_089);
}

#[test]
fn a_configuration_that_is_not_there_is_refused() {
    let directory = directory();
    let missing = directory.path().join("missing.toml");
    let arguments = ["--config", missing.to_str().expect("the path is text")];
    let (exit, said) = support::refusal(&directory.path().join("ledger"), &arguments, &[]);
    assert_eq!(exit, 2, "{said}");
    assert!(said.contains("missing.toml"), "{said}");
}

#[test]
fn plain_text_is_served_on_loopback_only() {
    for flag in ["--listen", "--admin-listen", "--metrics-listen"] {
        let directory = directory();
        let (exit, said) = support::refusal(&directory.path().join("ledger"), &[flag, "0.0.0.0:0"], &[]);
        assert_eq!(exit, 2, "{said}");
        assert!(said.contains("cannot listen on 0.0.0.0:0: this version serves plain text on loopback"), "{said}");
    }
}

#[test]
fn an_address_in_use_is_refused() {
    let directory = directory();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    let (exit, said) = support::refusal(directory.path(), &["--listen", &address], &[SMALL_SEGMENTS]);
    assert_eq!(exit, 3, "{said}");
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
}

#[test]
fn a_data_directory_is_used_by_one_daemon_at_a_time() {
    let directory = directory();
    let first = Daemon::start(directory.path(), &[], &[SMALL_SEGMENTS]);
    let (exit, said) = support::refusal(directory.path(), &[], &[SMALL_SEGMENTS]);
    assert_eq!(exit, 3, "{said}");
    let expected = format!("{} is in use by another daemon (process {})", directory.path().display(), first.pid());
    assert!(said.contains(&expected), "{said}");
    first.kill();
    Daemon::start(directory.path(), &[], &[SMALL_SEGMENTS]);
}

#[test]
fn a_data_directory_that_cannot_be_made_is_refused() {
    let directory = directory();
    let file = directory.path().join("file");
    fs::write(&file, "not a directory").expect("the file is written");
    let (exit, said) = support::refusal(&file.join("ledger"), &[], &[]);
    assert_eq!(exit, 3, "{said}");
    let expected = format!("cannot make the data directory {}: ", file.join("ledger").display());
    assert!(said.contains(&expected), "{said}");
}

/// The journal's last segment.
fn last_segment(data_dir: &Path) -> PathBuf {
    let entries = fs::read_dir(data_dir.join("journal")).expect("the journal is a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let numbered =
        paths.filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with('0')));
    numbered.max().expect("a journal has a segment")
}

/// Changes the bytes of the last segment of a fresh sandbox with one payment.
async fn sandbox_with_bytes_changed(change: impl FnOnce(&mut Vec<u8>)) -> (TempDir, PathBuf, v1::Payment) {
    let sandbox = Sandbox::start();
    let paid = decided(sandbox.cafe.authorize(payment("key", "order", "hk-alice", money("CNY", 10_000))).await);
    let Sandbox { daemon, data_dir, .. } = sandbox;
    daemon.kill();
    let segment = last_segment(data_dir.path());
    let mut bytes = fs::read(&segment).expect("the segment is read");
    change(&mut bytes);
    fs::write(&segment, bytes).expect("the segment is written");
    (data_dir, segment, paid)
}

/// Of the journal's format: where the header's version and checksum stand, and where the first batch begins.
const VERSION_AT: usize = 8;
const CHECKSUM_AT: usize = 4_092;
const FIRST_BATCH_AT: usize = 4_096;

#[tokio::test]
async fn data_of_a_newer_format_is_refused() {
    let (data_dir, segment, _) = sandbox_with_bytes_changed(|bytes| {
        bytes[VERSION_AT] = 2;
        let checksum = crc32c::crc32c(&bytes[..CHECKSUM_AT]);
        bytes[CHECKSUM_AT..FIRST_BATCH_AT].copy_from_slice(&checksum.to_le_bytes());
    })
    .await;
    let (exit, said) = support::refusal(data_dir.path(), &[], &[SMALL_SEGMENTS]);
    assert_eq!(exit, 4, "{said}");
    let expected = format!("{} has format version 2, this program reads versions up to 1", segment.display());
    assert!(said.contains(&expected), "{said}");
}

#[tokio::test]
async fn damage_below_what_was_durable_stops_the_start_and_is_located() {
    let (data_dir, segment, _) = sandbox_with_bytes_changed(|bytes| bytes[FIRST_BATCH_AT + 48 + 8] ^= 1).await;
    let before = fs::read(&segment).expect("the segment is read");
    let (exit, said) = support::refusal(data_dir.path(), &[], &[SMALL_SEGMENTS]);
    assert_eq!(exit, 4, "{said}");
    let expected =
        format!("{} is damaged at offset {}, lsn 1: the record fails", segment.display(), FIRST_BATCH_AT + 48);
    assert!(said.contains(&expected), "{said}");
    assert_eq!(fs::read(&segment).expect("the segment is read"), before, "nothing was changed");
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_what_was_acknowledged_is_there() {
    let (data_dir, _, paid) = sandbox_with_bytes_changed(|bytes| {
        let end = bytes.iter().rposition(|byte| *byte != 0).expect("a segment is not empty");
        bytes[end + 64..end + 164].fill(0xA5);
    })
    .await;
    let daemon = Daemon::start(data_dir.path(), &[], &[SMALL_SEGMENTS]);
    let cafe = caller(&daemon.merchants, client::sandbox::MERCHANT_KEYS[0].1);
    let again = decided(cafe.authorize(payment("key", "order", "hk-alice", money("CNY", 10_000))).await);
    assert_eq!(again, paid);
}

/// Pays one order after another until there is no answer; returns what was answered, and the first failure.
async fn pay_until_refused(cafe: client::Client, payer: usize) -> (Vec<v1::Payment>, client::Error) {
    let mut paid = Vec::new();
    loop {
        let name = format!("{payer}-{}", paid.len());
        match cafe.authorize(payment(&name, &name, "hk-alice", money("CNY", 1))).await {
            Ok(reply) => paid.push(reply.payment.expect("a reply has its payment")),
            Err(error) => return (paid, error),
        }
    }
}

#[tokio::test]
async fn a_stop_answers_what_is_in_flight() {
    let sandbox = Sandbox::start();
    let mut payers = JoinSet::new();
    for payer in 0..8 {
        let cafe = caller(&sandbox.daemon.merchants, client::sandbox::MERCHANT_KEYS[0].1);
        payers.spawn(pay_until_refused(cafe, payer));
    }
    while sandbox.status().await.payments_captured < 40 {}

    let Sandbox { daemon, data_dir, .. } = sandbox;
    assert_eq!(stop(daemon).await.code(), Some(0), "everything in flight was answered");
    let mut answered = Vec::new();
    for (paid, error) in payers.join_all().await {
        // The last call of each payer met a closing connection or none. Whether it went out is not known on this side.
        if let client::Error::Refused(refusal) = &error {
            assert_eq!(refusal.reason, "DRAINING", "{refusal}");
            assert!(refusal.speaks_of_this_attempt_only(), "{refusal}");
        }
        answered.extend(paid);
    }
    assert!(answered.len() >= 40);

    let daemon = Daemon::start(data_dir.path(), &[], &[SMALL_SEGMENTS]);
    let cafe = caller(&daemon.merchants, client::sandbox::MERCHANT_KEYS[0].1);
    let operator = operator(&daemon.operators, client::sandbox::OPERATOR_KEY);
    let captured = operator.status().await.expect("the operator may ask").payments_captured;
    assert_eq!(captured, answered.len() as u64, "all that was recorded was answered");
    for payment in answered {
        let found = cafe.payment(by_id(&payment.payment_id)).await.expect("what was answered is there");
        assert_eq!(found.payment, Some(payment));
    }
}

/// A call whose message never ends is no work undone.
#[test]
fn a_stop_does_not_wait_for_a_call_that_never_ends() {
    // Nothing but the stop itself may end these calls.
    let environment = [
        SMALL_SEGMENTS,
        ("PAYSWITCHD__DRAIN__DRAIN_MS_MAX", "300"),
        ("PAYSWITCHD__REQUESTS__REQUEST_MS_MAX", "600000"),
        ("PAYSWITCHD__CONNECTIONS__KEEPALIVE_MS", "600000"),
    ];
    let listeners: [fn(&Daemon) -> &str; 2] = [|daemon| &daemon.merchants, |daemon| &daemon.operators];
    for address in listeners {
        let directory = directory();
        let daemon = Daemon::start(directory.path(), &[], &environment);
        let mut peer = Peer::connect(address(&daemon));
        peer.next_of(SETTINGS);
        peer.send(&call(1));
        let frames = peer.round_trip();
        assert!(frames.iter().all(|frame| frame.kind != HEADERS), "the call is not answered");
        daemon.ask_to_stop();
        // The peer says nothing more, not even that it has heard; its patience is bounded.
        while peer.next().is_some() {}
        assert_eq!(daemon.ended().code(), Some(0));
    }
}

async fn connect(address: &str) -> Channel {
    let endpoint = Endpoint::new(address.to_owned()).expect("an address");
    endpoint.connect().await.expect("the daemon listens")
}

fn health(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn health_is_shown_on_both_listeners_until_the_stop() {
    let sandbox = Sandbox::start();
    let services = [
        (&sandbox.daemon.merchants, "payswitch.v1.PaymentService"),
        (&sandbox.daemon.merchants, "payswitch.v1.AccountService"),
        (&sandbox.daemon.merchants, "payswitch.v1.ConsentService"),
        (&sandbox.daemon.merchants, "payswitch.v1.QuoteService"),
        (&sandbox.daemon.merchants, "payswitch.v1.ReceiptService"),
        (&sandbox.daemon.merchants, ""),
        (&sandbox.daemon.operators, "payswitch.v1.OperationsService"),
        (&sandbox.daemon.operators, "payswitch.v1.RateService"),
        (&sandbox.daemon.operators, "payswitch.v1.PaymentService"),
        (&sandbox.daemon.operators, "payswitch.v1.SandboxService"),
        (&sandbox.daemon.operators, ""),
    ];
    let mut watches = Vec::new();
    for (address, service) in services {
        let mut client = HealthClient::new(connect(address).await);
        let checked = client.check(health(service)).await.expect("health needs no key").into_inner();
        assert_eq!(checked.status(), ServingStatus::Serving, "{service}");
        let watch = client.watch(health(service)).await.expect("health can be watched").into_inner();
        watches.push((service, watch));
    }
    for (service, watch) in &mut watches {
        let first = watch.message().await.expect("a watch goes on").expect("a watch begins with how it is");
        assert_eq!(first.status(), ServingStatus::Serving, "{service}");
    }

    let stopped = tokio::spawn(stop(sandbox.daemon));
    for (service, watch) in &mut watches {
        let next = watch.message().await.expect("a watch goes on").expect("the stop is shown");
        assert_eq!(next.status(), ServingStatus::NotServing, "{service}");
        assert_eq!(watch.message().await.expect("a watch ends well"), None, "{service}");
    }
    let status = stopped.await.expect("waiting does not panic");
    assert_eq!(status.code(), Some(0), "who only watches holds nobody up");
}

/// Names of the services by reflection, in both of its versions; the code when there is none.
async fn reflected(address: &str) -> [Result<Vec<String>, tonic::Code>; 2] {
    use tonic_reflection::pb::{v1, v1alpha};
    let connection = connect(address).await;

    let ask = v1::server_reflection_request::MessageRequest::ListServices(String::new());
    let request = v1::ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
    let mut current = v1::server_reflection_client::ServerReflectionClient::new(connection.clone());
    let current = async {
        let replies = current.server_reflection_info(tokio_stream::once(request)).await;
        let reply = replies.map_err(|status| status.code())?.into_inner().message().await.expect("a reply");
        match reply.and_then(|reply| reply.message_response) {
            Some(v1::server_reflection_response::MessageResponse::ListServicesResponse(list)) => {
                Ok(list.service.into_iter().map(|service| service.name).collect())
            }
            other => panic!("expected a list of services, got {other:?}"),
        }
    };

    let ask = v1alpha::server_reflection_request::MessageRequest::ListServices(String::new());
    let request = v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
    let mut former = v1alpha::server_reflection_client::ServerReflectionClient::new(connection);
    let former = async {
        let replies = former.server_reflection_info(tokio_stream::once(request)).await;
        let reply = replies.map_err(|status| status.code())?.into_inner().message().await.expect("a reply");
        match reply.and_then(|reply| reply.message_response) {
            Some(v1alpha::server_reflection_response::MessageResponse::ListServicesResponse(list)) => {
                Ok(list.service.into_iter().map(|service| service.name).collect())
            }
            other => panic!("expected a list of services, got {other:?}"),
        }
    };
    [current.await, former.await]
}

/// Both versions of reflection name these services of ours.
async fn check_reflection(address: &str, expected: &[&str]) {
    for names in reflected(address).await {
        let mut names = names.expect("reflection is on");
        names.sort();
        let ours: Vec<_> = names.iter().filter_map(|name| name.strip_prefix("payswitch.v1.")).collect();
        assert_eq!(ours, expected, "{address}");
        assert!(names.iter().any(|name| name == "grpc.health.v1.Health"), "{names:?}");
    }
}

const MERCHANTS_SERVICES: [&str; 9] = [
    "AccountService",
    "BatchService",
    "CardService",
    "ConsentService",
    "PaymentService",
    "PersonService",
    "QuoteService",
    "RateService",
    "ReceiptService",
];

#[tokio::test]
async fn a_sandbox_reflects_on_both_listeners() {
    let sandbox = Sandbox::start();
    check_reflection(&sandbox.daemon.merchants, &MERCHANTS_SERVICES).await;
    let operators = ["OperationsService", "PaymentService", "RateService", "ReceiptService", "SandboxService"];
    check_reflection(&sandbox.daemon.operators, &operators).await;
}

#[tokio::test]
async fn a_production_daemon_reflects_for_its_operator_only() {
    let production = Production::prepare(&[]);
    let daemon = production.start();
    let operators = ["OperationsService", "PaymentService", "RateService", "ReceiptService"];
    check_reflection(&daemon.operators, &operators).await;
    for names in reflected(&daemon.merchants).await {
        assert_eq!(names, Err(tonic::Code::Unimplemented));
    }
    let mut health_client = HealthClient::new(connect(&daemon.merchants).await);
    let checked = health_client.check(health("")).await.expect("health is there").into_inner();
    assert_eq!(checked.status(), ServingStatus::Serving);
}

#[tokio::test]
async fn metrics_and_probes_are_served_over_http() {
    let sandbox = Sandbox::start();
    decided(sandbox.cafe.authorize(payment("key-1", "order-1", "hk-alice", money("CNY", 10_000))).await);
    decided(sandbox.cafe.authorize(payment("key-2", "order-2", "hk-bob", money("CNY", 999_900))).await);
    for probe in ["/livez", "/readyz"] {
        let (status, body) = get(&sandbox.daemon, probe);
        assert_eq!((status.as_str(), body.as_str()), ("HTTP/1.1 200 OK", "ok\n"), "{probe}");
    }
    assert!(get(&sandbox.daemon, "/nothing").0.contains("404"));
    let (status, metrics) = get(&sandbox.daemon, "/metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let last_lsn = sandbox.status().await.last_lsn;
    for expected in [
        "rpc_server_call_duration_seconds_count{rpc_method=\"payswitch.v1.PaymentService/Authorize\"} 2\n",
        &format!("payswitch_durable_lsn {last_lsn}\n"),
        "payswitch_journal_failed 0\n",
    ] {
        assert!(metrics.contains(expected), "{expected} is not in\n{metrics}");
    }
    for id in ["hk-alice", "order-1", "key-1", "sandbox_merchant"] {
        assert!(!metrics.contains(id), "no label carries an id, {id} is in\n{metrics}");
    }
}

#[tokio::test]
async fn who_takes_up_the_metrics_listener_holds_nobody_else_up() {
    let sandbox = Sandbox::with(&[("PAYSWITCHD__CONNECTIONS__FIRST_BYTES_MS_MAX", "600000")]);
    let idle: Vec<_> = (0..16).map(|_| silent(metrics_address(&sandbox.daemon))).collect();
    let mut asked = ask(&sandbox.daemon, "/metrics");
    for number in 0..20 {
        let name = format!("while they idle {number}");
        decided(sandbox.cafe.authorize(payment(&name, &name, "hk-alice", money("CNY", 100))).await);
    }
    asked.set_nonblocking(true).expect("a socket can be polled");
    let polled = asked.read(&mut [0; 1]);
    assert_eq!(polled.expect_err("it waits for a place").kind(), ErrorKind::WouldBlock);
    asked.set_nonblocking(false).expect("a socket can be waited for");

    drop(idle);
    assert_eq!(answer(asked).0, "HTTP/1.1 200 OK");
}

/// Silence on the metrics listener is cut as on the others, so it does not keep the places for ever.
#[tokio::test]
async fn silent_connections_do_not_use_up_the_metrics_listener() {
    let sandbox = Sandbox::with(&[("PAYSWITCHD__CONNECTIONS__FIRST_BYTES_MS_MAX", "100")]);
    let idle: Vec<_> = (0..40).map(|_| silent(metrics_address(&sandbox.daemon))).collect();
    decided(sandbox.cafe.authorize(payment("key", "order", "hk-alice", money("CNY", 10_000))).await);
    let (status, metrics) = get(&sandbox.daemon, "/metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let cut = metrics.lines().find_map(|line| line.strip_prefix("payswitch_connections_cut_total "));
    let cut: u32 = cut.expect("it is counted").parse().expect("a count");
    assert!((25..=40).contains(&cut), "{cut} of 40 had to go before one of 16 places was free");
    drop(idle);
}

/// A journal cannot miss its own last segments: without a mark beside it a shorter ledger would be served as the whole.
#[test]
fn a_ledger_whose_newest_segments_are_gone_is_refused() {
    let data_dir = directory();
    assert!(Daemon::start(data_dir.path(), &[], &[SMALL_SEGMENTS]).stop().success());
    let mark = data_dir.path().join("HIGH_WATER");
    let had = fs::read_to_string(&mark).expect("the ledger is marked");
    for entry in fs::read_dir(data_dir.path().join("journal")).expect("there is a journal") {
        fs::remove_file(entry.expect("an entry").path()).expect("the segment is removed");
    }
    let (exit, said) = support::refusal(data_dir.path(), &[], &[SMALL_SEGMENTS]);
    let expected = format!("ends at lsn 0, but this ledger had reached lsn {}", had.trim());
    assert_eq!(exit, 4, "{said}");
    assert!(said.contains(&expected), "{said}");

    fs::write(&mark, "garbled").expect("the mark is written");
    let (exit, said) = support::refusal(data_dir.path(), &[], &[SMALL_SEGMENTS]);
    assert_eq!(exit, 4, "{said}");
    assert!(said.contains("HIGH_WATER holds no position"), "{said}");
}

#[tokio::test]
async fn rules_for_a_merchant_that_is_not_there_are_told() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let rules = "[[policy.merchants]]\nname = \"demo-cafe\"\n\n[[policy.tiers]]\nmerchant = \"demo-caffe\"\nfx_markup = \"0\"\n";
    std::fs::write(file.path(), rules).expect("the rules are written");
    let sandbox = Sandbox::with_file(file.path());
    let line = sandbox.daemon.logged("has rules for a merchant").await;
    assert!(line.contains("merchant=demo-caffe"), "{line}");
}
