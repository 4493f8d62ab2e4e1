//! Wall clocks that jump and stand still under a daemon, and before its next start: nothing is approved, expired or revived
//! by them, and the times of records rise strictly.

use std::{fs, path::Path, process::Command};

use client::{Code, Watch};
use domain::{Lsn, Timestamp};
use journal::disk::DirectoryDisk;
use wire::v1::{self, DeclineReason, PaymentEventKind, PaymentState};

use crate::support::{
    Daemon,
    moves::{capture, captured, held, read},
    parties::{SMALL_SEGMENTS, caller, decided, deposit, money, operator, refused, stop},
    production::{Production, Ready},
    skip,
};

/// Set where the clock of a process can be faked: a test that needs it then fails instead of being skipped.
const MAY_FAKE_TIME: &str = "PAYSWITCH_TESTS_MAY_FAKE_TIME";
/// Where distributions put the library, below the folder of the machine's own libraries.
const LIBRARY: &str = "faketime/libfaketime.so.1";

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
/// A clock that stands still, long ago.
const FROZEN: &str = "2020-01-01 00:00:00";

/// A wall clock of a daemon's own. The clock since boot is left alone.
struct WallClock {
    library: String,
    file: tempfile::NamedTempFile,
}

impl WallClock {
    /// One that is right. `None`, loudly, where a clock cannot be faked.
    fn right() -> Option<Self> {
        let libraries = ["/usr/lib", "/usr/lib64"].into_iter().flat_map(|folder| {
            let below = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
            below.chain([Path::new(folder).to_owned()])
        });
        let Some(library) = libraries.map(|folder| folder.join(LIBRARY)).find(|library| library.exists()) else {
            skip(MAY_FAKE_TIME, "a clock cannot be faked", &format!("there is no {LIBRARY}"));
            return None;
        };
        let library = library.to_str().expect("the path is text").to_owned();
        let clock = Self { library, file: tempfile::NamedTempFile::new().expect("a temporary file") };
        clock.jump(0);
        Some(clock)
    }

    /// It stands so many seconds beside the right time from now on.
    fn jump(&self, seconds: i64) {
        self.show(&format!("{seconds:+}"));
    }

    /// It stands still.
    fn freeze(&self) {
        self.show(FROZEN);
    }

    fn show(&self, text: &str) {
        fs::write(self.file.path(), format!("{text}\n")).expect("the clock is set");
        // Not only the daemon believes it: whoever reads the clock through the library sees it at once.
        let output = Command::new("date").arg("+%Y").envs(self.environment()).output().expect("date runs");
        let year = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert_eq!(year == "2020", text == FROZEN, "the clock shows {year}");
    }

    fn environment(&self) -> [(&str, &str); 4] {
        [
            ("LD_PRELOAD", &self.library),
            ("FAKETIME_TIMESTAMP_FILE", self.file.path().to_str().expect("the path is text")),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    }
}

fn yuan(minor_units: i64) -> v1::Money {
    money("CNY", minor_units)
}

/// A production daemon with rules of its own, a payer who pays in another currency, and a fresh rate.
/// Each start repeats what made it ready, also one after a week.
const KEYS_KEPT: (&str, &str) = ("PAYSWITCHD__POLICY__KEY_MS", "31536000000");

async fn start(production: &Production, clock: &WallClock, rules: &[(&str, &str)]) -> Ready {
    Ready::start_with(production, &[&clock.environment()[..], &[KEYS_KEPT], rules].concat()).await
}

/// A payer whose payments need a rate, and the rate.
async fn prepare_conversions(production: &Production, ready: &Ready, name: &str) {
    let open = v1::OpenRequest {
        idempotency_key: "open alice".to_owned(),
        account_id: "alice".to_owned(),
        currency_code: "HKD".to_owned(),
    };
    ready.wallet.open(open).await.expect("opened");
    ready.wallet.deposit(deposit("deposit alice", "alice", money("HKD", 1_000_000))).await.expect("deposited");
    let books = operator(&ready.daemon.operators, &production.operator_key);
    let now = books.status().await.expect("the operator may ask").start_time.expect("it was started");
    let rate = v1::RatePublication {
        presentment_currency_code: "CNY".to_owned(),
        debit_currency_code: "HKD".to_owned(),
        mid_rate: "1.18".to_owned(),
        source: "desk".to_owned(),
        as_of_time: Some(now),
        ..v1::RatePublication::default()
    };
    let rates = v1::PublishRatesRequest {
        idempotency_key: format!("rate {name}"),
        rates: vec![rate],
        ..v1::PublishRatesRequest::default()
    };
    books.publish_rates(rates).await.expect("published");
}

async fn code(ready: &Ready, name: &str, account: &str, max: v1::Money) -> String {
    let issue = v1::IssueCodeRequest {
        idempotency_key: format!("code {name}"),
        account_id: account.to_owned(),
        merchant_id: "cafe".to_owned(),
        max_debit_amount: Some(max),
    };
    ready.wallet.issue_code(issue).await.expect("issued").payer_code
}

fn by_code(name: &str, payer_code: &str) -> v1::AuthorizeRequest {
    v1::AuthorizeRequest { payer: None, payer_code: payer_code.to_owned(), ..held(name, name, "", yuan(1_000)) }
}

/// What happens to the merchant's payments from here on.
async fn watch(ready: &Ready) -> Watch {
    let listed = ready.cafe.list_payments(v1::PaymentServiceListRequest::default()).await.expect("it may list");
    let after_lsn = listed.payments.iter().map(|payment| payment.lsn).max().unwrap_or(0);
    let request = v1::WatchRequest { merchant_id: String::new(), after_lsn };
    ready.cafe.watch(request).await.expect("a merchant may watch")
}

/// The times of all records rise strictly. Returns the last.
fn times_rise(production: &Production) -> Timestamp {
    let mut last = Timestamp::EPOCH;
    let disk = DirectoryDisk::new(production.data_dir().join("journal"));
    let scanned = journal::scan(&disk, Lsn::ZERO, &mut |stored| {
        let record = wire::journal::decode(stored.bytes).expect("a record of this journal");
        assert!(record.at > last, "lsn {}: {:?} after {last:?}", record.lsn, record.at);
        last = record.at;
        Ok(())
    });
    scanned.expect("the journal is whole");
    last
}

/// What has not ended by the time that has really passed, has not ended.
#[tokio::test]
async fn a_clock_that_jumps_while_the_daemon_runs_ends_nothing() {
    let Some(clock) = WallClock::right() else { return };
    let production = Production::prepare(&["harbour"]);
    let ready = start(&production, &clock, &[]).await;
    prepare_conversions(&production, &ready, "first").await;
    let jumps: [(&str, &dyn Fn()); 4] = [
        ("a day ahead", &|| clock.jump(DAY_S)),
        ("an hour back", &|| clock.jump(-HOUR_S)),
        ("frozen", &|| clock.freeze()),
        ("right again", &|| clock.jump(0)),
    ];
    for (name, jump) in jumps {
        let told = |what: &str| format!("{what}, {name}");
        let first = code(&ready, &told("first"), "chen", yuan(1_000)).await;
        let second = code(&ready, &told("second"), "alice", money("HKD", 2_000)).await;
        let hold = decided(ready.cafe.authorize(by_code(&told("hold"), &first)).await);
        assert_eq!(hold.state(), PaymentState::Authorized, "{name}");
        jump();
        // The code of a minute, the rate of an hour, the hold of a week.
        let converted = decided(ready.cafe.authorize(by_code(&told("converted"), &second)).await);
        assert_eq!(converted.state(), PaymentState::Authorized, "{name}");
        assert_eq!(read(&ready.cafe, &hold.payment_id).await, hold, "{name}");
        let reply = ready.cafe.capture(capture(&told("capture"), &hold.payment_id, yuan(1_000))).await;
        assert_eq!(captured(reply).state(), PaymentState::Captured, "{name}");
        // A code that was used stays used.
        let again = decided(ready.cafe.authorize(by_code(&told("again"), &first)).await);
        assert_eq!(again.decline_reason(), DeclineReason::ConsentNotFound, "{name}");
    }
    assert!(stop(ready.daemon).await.success());
    times_rise(&production);
}

/// What has ended by the time that has really passed, has ended, and stays so.
#[tokio::test]
async fn a_clock_that_stands_still_or_goes_back_keeps_nothing_alive() {
    let Some(clock) = WallClock::right() else { return };
    let production = Production::prepare(&["harbour"]);
    // Rates are stale before holds end.
    let short = [("PAYSWITCHD__POLICY__HOLD_MS", "700"), ("PAYSWITCHD__POLICY__RATE_AGE_MS_MAX", "400")];
    let jumps: [(&str, &dyn Fn()); 2] = [("frozen", &|| clock.freeze()), ("a minute back", &|| clock.jump(-50))];
    let mut over = Vec::new();
    for (name, jump) in jumps {
        clock.jump(0);
        let ready = start(&production, &clock, &short).await;
        prepare_conversions(&production, &ready, name).await;
        let told = |what: &str| format!("{what}, {name}");
        let payer_code = code(&ready, &told("code"), "chen", yuan(1_000)).await;
        let mut watch = watch(&ready).await;
        jump();
        let hold = decided(ready.cafe.authorize(by_code(&told("hold"), &payer_code)).await);
        assert_eq!(hold.state(), PaymentState::Authorized, "{name}");
        let expired = loop {
            let told = watch.next().await.expect("the watch goes on").expect("the watch goes on");
            let mut events = told.events.into_iter();
            if let Some(event) = events.find(|event| event.kind() == PaymentEventKind::Expired) {
                break event;
            }
        };
        assert_eq!(expired.payment.map(|payment| payment.payment_id), Some(hold.payment_id.clone()), "{name}");
        let late = refused(ready.cafe.capture(capture(&told("late"), &hold.payment_id, yuan(1))).await);
        assert_eq!((late.code, late.reason.as_str()), (Code::FailedPrecondition, "MOVE_NOT_ALLOWED"), "{name}");
        let second = code(&ready, &told("second"), "alice", money("HKD", 2_000)).await;
        let stale = refused(ready.cafe.authorize(by_code(&told("stale"), &second)).await);
        assert_eq!((stale.code, stale.reason.as_str()), (Code::FailedPrecondition, "RATE_STALE"), "{name}");
        over.push(hold.payment_id);
        // The next start may have a clock that is behind a little: what is over stays over.
        clock.jump(-50);
        assert!(stop(ready.daemon).await.success());
        let ready = start(&production, &clock, &short).await;
        for payment_id in &over {
            assert_eq!(read(&ready.cafe, payment_id).await.state(), PaymentState::Expired, "{name}");
        }
        assert!(stop(ready.daemon).await.success());
        times_rise(&production);
    }
}

/// A clock far behind the last record would keep every rate fresh: it is set right, or taken as it is by order.
#[tokio::test]
async fn a_start_with_the_clock_far_back_is_refused_unless_it_is_accepted() {
    let Some(clock) = WallClock::right() else { return };
    let production = Production::prepare(&["harbour"]);
    let ready = start(&production, &clock, &[]).await;
    let payer_code = code(&ready, "code", "chen", yuan(1_000)).await;
    let hold = decided(ready.cafe.authorize(by_code("hold", &payer_code)).await);
    assert!(stop(ready.daemon).await.success());
    let last = times_rise(&production);

    let refuse = |jump: &dyn Fn()| {
        jump();
        let (exit, said) = production.refusal(&[&clock.environment()[..], &[SMALL_SEGMENTS]].concat());
        assert_eq!(exit, 3, "{said}");
        assert!(said.contains("ms before the last record: set it right, or start once with --accept-clock"), "{said}");
    };
    refuse(&|| clock.jump(-HOUR_S));
    refuse(&|| clock.freeze());
    assert_eq!(times_rise(&production), last, "a refused start records nothing");

    // Time goes on from the last record, and nothing ends before its time or twice.
    let config = production.config();
    let arguments = ["--config", config.to_str().expect("the path is text"), "--accept-clock"];
    clock.jump(-HOUR_S);
    let environment = [&clock.environment()[..], &[SMALL_SEGMENTS]].concat();
    let daemon = Daemon::start(&production.data_dir(), &arguments, &environment);
    let cafe = caller(&daemon.merchants, crate::support::production::CAFE_KEY);
    let reply = cafe.capture(capture("capture", &hold.payment_id, yuan(1_000))).await;
    assert_eq!(captured(reply).state(), PaymentState::Captured);
    assert!(stop(daemon).await.success());
    assert!(times_rise(&production) > last);

    // A week and a day later the hold of another payment is over at the start.
    clock.jump(0);
    let ready = start(&production, &clock, &[]).await;
    let payer_code = code(&ready, "second", "chen", yuan(1_000)).await;
    let second = decided(ready.cafe.authorize(by_code("second", &payer_code)).await);
    assert!(stop(ready.daemon).await.success());
    clock.jump(8 * DAY_S);
    let ready = start(&production, &clock, &[]).await;
    assert_eq!(read(&ready.cafe, &second.payment_id).await.state(), PaymentState::Expired);
    assert!(stop(ready.daemon).await.success());
    times_rise(&production);
}
