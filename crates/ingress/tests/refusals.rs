//! What callers are told when the shard does not answer, cannot, or will not: the real services on a loopback socket,
//! and a shard that is stepped only when a test says so.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use domain::{
    ApiKeyHash, Command, DigestKey, Event, InitializeSwitch, InstallPolicy, Lsn, MerchantId, Mode, Name, Policy,
    Record, RegisterMerchant, Submission, Timestamp,
};
use engine::Engine;
use ingress::{Credentials, Ids, Limits, OpenWatches, ReceiptKeys, SigningKeys, Started, Switch};
use journal::MemoryJournal;
use money::{Currency, Ratio};
use pipeline::{Directory, RateBook};
use projections::Projector;
use prost::Message;
use shard::{Answer, Clock, Handle, Inbox, Mailbox, Progress, Shard, SystemClock};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
    task::{JoinHandle, yield_now},
};
use tonic::{Code, Request, Status, codegen::http, transport::Channel};
use tonic_types::StatusExt;
use wire::{
    digest::Digester,
    quote_token::{QuoteKey, QuoteTokens},
    receipts::ReceiptKey,
    v1::{self, payment_service_client::PaymentServiceClient},
};

const KEY: &str = "key_0123456789abcdef0123456789abcdef";
const SECRET: [u8; 32] = [7; 32];

const LIMITS: Limits = Limits {
    connections_max: 16,
    first_bytes_ms_max: 5_000,
    streams_max: 100,
    local_resets_max: 1_024,
    pending_resets_max: 20,
    header_bytes_max: 8_192,
    message_bytes_max: 16_384,
    call_ms_max: 60_000,
    keepalive_ms: 20_000,
    keepalive_timeout_ms: 10_000,
    connection_age_ms_max: 600_000,
    connection_grace_ms: 30_000,
};

/// The shard's clock: the callers' one, and as far ahead of it as a test says.
struct ShardClock {
    callers: SystemClock,
    ahead_ms: Arc<AtomicI64>,
}

impl Clock for ShardClock {
    fn now(&self) -> Timestamp {
        self.callers.now().plus_millis(self.ahead_ms.load(Ordering::Relaxed))
    }
}

/// A switch with one merchant, whose shard is stepped by hand. Its ledger has not begun.
struct Stepped {
    shard: Shard<MemoryJournal, ShardClock>,
    /// How far the shard's clock runs ahead of the callers', in milliseconds.
    ahead_ms: Arc<AtomicI64>,
    inbox: Arc<Inbox>,
    status: Arc<shard::Status>,
    address: SocketAddr,
    payments: PaymentServiceClient<Channel>,
}

impl Stepped {
    /// Serves; the inbox takes so many requests.
    async fn start(requests_max: usize) -> Self {
        let clock = SystemClock::start();
        let inbox = Arc::new(Inbox::new(requests_max));
        let status = Arc::new(shard::Status::serving(Lsn::ZERO));
        let mailbox = Arc::new(Mailbox::default());
        let handle = Handle::new(Arc::clone(&inbox), Arc::clone(&status), Arc::clone(&mailbox));
        let (engine, journal) = (Engine::default(), MemoryJournal::new());
        let ahead_ms = Arc::new(AtomicI64::new(0));
        let shard_clock = ShardClock { callers: clock.clone(), ahead_ms: Arc::clone(&ahead_ms) };
        let shard = Shard::new(engine, journal, shard_clock, Arc::clone(&inbox), Arc::clone(&status), vec![]);

        tokio::spawn(async move { mailbox.deliver().await });
        let (routes, _health) =
            ingress::merchant_routes(&switch(handle, clock), &LIMITS, false).expect("the descriptors are whole");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        tokio::spawn(async move { ingress::serve(&LIMITS, routes, listener, std::future::pending()).await });
        let payments = PaymentServiceClient::connect(format!("http://{address}")).await.expect("it listens");
        Self { shard, ahead_ms, inbox, status, address, payments }
    }

    /// Asks in a task of its own, and waits until the request lies in the inbox.
    async fn ask_and_wait(&self, key: &str) -> JoinHandle<Status> {
        let waiting = self.inbox.waiting();
        let asked = tokio::spawn(refused(self.payments.clone(), authorize(key)));
        while self.inbox.waiting() == waiting {
            yield_now().await;
        }
        asked
    }

    /// Lays a command of the switch's own into the inbox.
    fn put(&self, command: Command) -> oneshot::Receiver<Answer> {
        self.handle().put(Submission { key: None, command }, None).expect("there is room")
    }

    /// The same, to be decided by this moment or not at all.
    fn put_by(&self, command: Command, deadline: Timestamp) -> oneshot::Receiver<Answer> {
        self.handle().put(Submission { key: None, command }, Some(deadline)).expect("there is room")
    }

    fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.inbox), Arc::clone(&self.status), Arc::new(Mailbox::default()))
    }

    fn step(&mut self) {
        while self.shard.step() == Progress::Waiting {}
    }

    fn begin_ledger(&mut self) {
        let digest_key = DigestKey { id: 1, check: Digester::new(SECRET).check() };
        let begin = self.put(Command::InitializeSwitch(InitializeSwitch { mode: Mode::Production, digest_key }));
        let install = self.put(install_policy());
        self.step();
        drop((begin, install));
    }
}

fn switch(handle: Handle, clock: SystemClock) -> Switch {
    let digester = Arc::new(Digester::new(SECRET));
    let directory = Arc::new(Directory::new());
    directory.observe(&merchant_registered(digester.api_key_hash(KEY)));
    let credentials =
        Credentials::new(Mode::Production, Arc::clone(&digester), Arc::clone(&directory), ApiKeyHash([0; 32]), []);
    let started = Started {
        mode: Mode::Production,
        journal_id: [0; 16],
        version: "0",
        at: clock.now(),
        recovered_records: 0,
        recovery_us: 0,
    };
    let signing_keys = SigningKeys {
        quotes: QuoteTokens::new(QuoteKey::new(1, &SECRET), []).expect("there is one key"),
        receipts: ReceiptKeys::new(ReceiptKey::from_seed(1, &SECRET), []),
    };
    Switch {
        handle,
        directory,
        rate_book: Arc::new(RateBook::new()),
        boards: Projector::new().boards(),
        digester,
        credentials: Arc::new(credentials),
        // Its sender is gone, so they stay what they are.
        signing_keys: watch::channel(Arc::new(signing_keys)).1,
        ids: Arc::new(Ids::new([0; 4])),
        clock,
        started: Arc::new(started),
        request_ms_max: 10_000,
        open_watches: Arc::new(OpenWatches::default()),
        // Its sender is gone, and with it whoever could ask for a stop.
        stopping: watch::channel(false).1,
        card_numbers: ingress::CardNumbers::NoVault,
        card_networks: None,
        awaited: Arc::default(),
        sandbox: None,
    }
}

fn merchant_registered(api_key_hash: ApiKeyHash) -> Record {
    let register = RegisterMerchant {
        name: Name::new("demo-cafe").expect("a name"),
        settlement_currency: Currency::CNY,
        discount: Ratio::parse("0.006").expect("a ratio"),
        api_key_hash,
    };
    Record {
        lsn: Lsn::new(1),
        at: Timestamp::EPOCH,
        key: None,
        command: Command::RegisterMerchant(register),
        event: Event::MerchantRegistered(MerchantId(0)),
    }
}

fn install_policy() -> Command {
    let ratio = |text| Ratio::parse(text).expect("a ratio");
    let policy = Arc::new(Policy::basic(ratio("0.01"), 60_000, ratio("0.1")));
    Command::InstallPolicy(InstallPolicy { policy })
}

fn authorize(key: &str) -> Request<v1::AuthorizeRequest> {
    let mut request = Request::new(v1::AuthorizeRequest {
        idempotency_key: key.to_owned(),
        merchant_order_id: "order".to_owned(),
        payer: Some(v1::AccountReference { wallet_id: "wallet".to_owned(), account_id: "account".to_owned() }),
        presentment_amount: Some(v1::Money { currency_code: "CNY".to_owned(), minor_units: 100 }),
        ..v1::AuthorizeRequest::default()
    });
    let header = format!("Bearer {KEY}").parse().expect("a key is visible ASCII");
    request.metadata_mut().insert("authorization", header);
    request
}

/// Sends a request that cannot be approved.
async fn refused(mut payments: PaymentServiceClient<Channel>, request: Request<v1::AuthorizeRequest>) -> Status {
    payments.authorize(request).await.expect_err("no request here can be approved")
}

/// What an error must say; `retry_ms` is when to come back, in milliseconds.
struct Expected {
    code: Code,
    reason: &'static str,
    message: &'static str,
    outcome: &'static str,
    /// What the refusal knows of, if not of all that became of the key.
    speaks_of: Option<&'static str>,
    retry_ms: Option<u64>,
}

#[track_caller]
fn check(status: &Status, expected: &Expected) {
    let Expected { code, reason, message, outcome, speaks_of, retry_ms } = expected;
    assert_eq!((status.code(), status.message()), (*code, *message));
    let details = status.get_error_details();
    let info = details.error_info().expect("every error has its reason");
    assert_eq!((info.reason.as_str(), info.domain.as_str()), (*reason, "payswitch"));
    assert_eq!(info.metadata.get("outcome").map(String::as_str), Some(*outcome));
    assert_eq!(info.metadata.get("speaks_of").map(String::as_str), *speaks_of);
    let delay = details.retry_info().and_then(|retry| retry.retry_delay);
    assert_eq!(delay, retry_ms.map(Duration::from_millis));
    let pushback = status.metadata().get("grpc-retry-pushback-ms").map(|value| value.to_str().expect("digits"));
    assert_eq!(pushback, retry_ms.map(|delay| delay.to_string()).as_deref());
}

const LEDGER_NOT_BEGUN: Expected = Expected {
    code: Code::Internal,
    reason: "OUT_OF_SEQUENCE",
    message: "the ledger has not begun",
    outcome: "NOT_COMMITTED",
    speaks_of: None,
    retry_ms: None,
};

#[tokio::test]
async fn a_request_beyond_a_full_inbox_is_refused_at_once() {
    let mut switch = Stepped::start(2).await;
    let first = switch.ask_and_wait("1").await;
    let second = switch.ask_and_wait("2").await;
    let inbox_full = Expected {
        code: Code::ResourceExhausted,
        reason: "INBOX_FULL",
        message: "more requests wait than may: this attempt was not looked at",
        outcome: "NOT_COMMITTED",
        speaks_of: Some("ATTEMPT"),
        retry_ms: Some(100),
    };
    check(&refused(switch.payments.clone(), authorize("3")).await, &inbox_full);

    switch.step();
    for waited in [first, second] {
        check(&waited.await.expect("asking does not panic"), &LEDGER_NOT_BEGUN);
    }
    let again = switch.ask_and_wait("3").await;
    switch.step();
    check(&again.await.expect("asking does not panic"), &LEDGER_NOT_BEGUN);
}

/// The head of the answer to a message of the gRPC protocol, by a client that watches and reads nothing else.
async fn head_of_answer(address: SocketAddr, request: http::Request<()>, message: &[u8]) -> http::Response<()> {
    let socket = TcpStream::connect(address).await.expect("it listens");
    let (mut sender, connection) = h2::client::handshake(socket).await.expect("it speaks HTTP/2");
    tokio::spawn(connection);
    let (answer, mut body) = sender.send_request(request, false).expect("a stream is free");
    let length = u32::try_from(message.len()).expect("a short message");
    // Of the gRPC frame: not compressed, then the length (gRPC over HTTP/2, "Length-Prefixed-Message").
    let framed = [&[0], &length.to_be_bytes()[..], message].concat();
    body.send_data(framed.into(), true).expect("the stream is open");
    answer.await.expect("it answers").map(drop)
}

fn call(method: http::Method, path: &str) -> http::request::Builder {
    let request = http::Request::builder().method(method).uri(format!("http://localhost{path}"));
    request.header("content-type", "application/grpc").header("te", "trailers")
}

/// Sends a request with a deadline by a client that does not watch the deadline itself, and reads the daemon's word.
async fn refused_by_deadline(address: SocketAddr, key: &str, timeout: &str) -> Status {
    let request = call(http::Method::POST, "/payswitch.v1.PaymentService/Authorize")
        .header("authorization", format!("Bearer {KEY}"))
        .header("grpc-timeout", timeout)
        .body(())
        .expect("the request is well formed");
    let answer = head_of_answer(address, request, &authorize(key).into_inner().encode_to_vec()).await;
    Status::from_header_map(answer.headers()).expect("an error comes in the headers")
}

/// Calls go to their services by another way than what is no call of any, and both are answered as they always were.
#[tokio::test]
async fn what_is_no_call_of_a_service_is_answered_as_a_call_without_such_a_method() {
    let switch = Stepped::start(2).await;
    let (post, get) = (http::Method::POST, http::Method::GET);
    for (method, path, code, length) in [
        (&post, "/payswitch.v1.PaymentService/Authorize", Code::Unauthenticated, None),
        (&get, "/payswitch.v1.PaymentService/Authorize", Code::Unauthenticated, None),
        (&post, "/payswitch.v1.PaymentService/Nothing", Code::Unimplemented, None),
        (&post, "/payswitch.v1.PaymentService/Authorize/more", Code::Unimplemented, None),
        (&post, "/payswitch.v1.PaymentService/", Code::Unimplemented, Some("0")),
        (&post, "/payswitch.v1.PaymentService", Code::Unimplemented, Some("0")),
        (&post, "/payswitch.v1.Nothing/Authorize", Code::Unimplemented, Some("0")),
        (&post, "/", Code::Unimplemented, Some("0")),
    ] {
        let request = call(method.clone(), path).body(()).expect("the request is well formed");
        let answer = head_of_answer(switch.address, request, &authorize("1").into_inner().encode_to_vec()).await;
        let status = Status::from_header_map(answer.headers()).map(|status| status.code());
        assert_eq!((answer.status(), status), (http::StatusCode::OK, Some(code)), "{method} {path}");
        let told = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!(told("content-length"), length, "{method} {path}");
        assert_eq!(told("content-type"), Some("application/grpc"), "{method} {path}");
    }
}

#[tokio::test]
async fn a_deadline_that_passes_while_the_shard_has_the_request_leaves_the_outcome_open() {
    let switch = Stepped::start(2).await;
    let deadline_passed = Expected {
        code: Code::DeadlineExceeded,
        reason: "DEADLINE_PASSED",
        message: "the deadline passed while the request was with the engine: ask again with the same idempotency_key",
        outcome: "UNKNOWN",
        speaks_of: None,
        retry_ms: None,
    };
    check(&refused_by_deadline(switch.address, "1", "60m").await, &deadline_passed);
    assert_eq!(switch.inbox.waiting(), 1, "the shard still has it");
}

#[tokio::test]
async fn a_request_that_the_shard_finds_too_late_is_refused() {
    let mut switch = Stepped::start(2).await;
    switch.begin_ledger();
    let asked = switch.ask_and_wait("1").await;
    switch.ahead_ms.store(60_000, Ordering::Relaxed);
    switch.step();
    let too_late = Expected {
        code: Code::DeadlineExceeded,
        reason: "DEADLINE_PASSED",
        message: "the deadline passed before the request was decided",
        outcome: "NOT_COMMITTED",
        speaks_of: Some("ATTEMPT"),
        retry_ms: None,
    };
    check(&asked.await.expect("asking does not panic"), &too_late);
}

/// Nothing is begun that nobody waits for.
#[tokio::test]
async fn a_request_whose_deadline_has_passed_is_not_decided() {
    let mut switch = Stepped::start(2).await;
    switch.begin_ledger();
    let before = switch.shard.engine().applied_lsn();
    let late = switch.put_by(install_policy(), Timestamp::EPOCH);
    switch.step();
    drop(late);
    assert_eq!(switch.shard.engine().applied_lsn(), before);
}

#[tokio::test]
async fn a_stopping_switch_takes_no_more_and_answers_what_it_took() {
    let mut switch = Stepped::start(2).await;
    let before = switch.ask_and_wait("1").await;
    switch.inbox.close();
    let draining = Expected {
        code: Code::Unavailable,
        reason: "DRAINING",
        message: "the daemon is stopping: this attempt was not looked at",
        outcome: "NOT_COMMITTED",
        speaks_of: Some("ATTEMPT"),
        retry_ms: Some(1_000),
    };
    check(&refused(switch.payments.clone(), authorize("2")).await, &draining);
    switch.step();
    check(&before.await.expect("asking does not panic"), &LEDGER_NOT_BEGUN);
}

/// A write that failed may have reached the disk all the same. Who waited for it cannot be told what happened; who comes
/// later can.
#[tokio::test]
async fn after_a_failed_write_nothing_is_taken_and_what_was_tried_is_left_open() {
    let mut switch = Stepped::start(8).await;
    switch.begin_ledger();
    switch.shard.journal_mut().fail_next_write();
    let written = switch.put(install_policy());
    let tried = switch.ask_and_wait("1").await;
    switch.step();
    drop(written);
    let unconfirmed = Expected {
        code: Code::Unknown,
        reason: "UNCONFIRMED",
        message: "the write was tried and not confirmed: ask again with the same idempotency_key",
        outcome: "UNKNOWN",
        speaks_of: None,
        retry_ms: Some(1_000),
    };
    check(&tried.await.expect("asking does not panic"), &unconfirmed);

    let journal_failed = Expected {
        code: Code::Unavailable,
        reason: "JOURNAL_FAILED",
        message: "the journal failed: nothing is written until the daemon is restarted",
        outcome: "NOT_COMMITTED",
        speaks_of: Some("ATTEMPT"),
        retry_ms: Some(1_000),
    };
    check(&refused(switch.payments.clone(), authorize("2")).await, &journal_failed);
}
