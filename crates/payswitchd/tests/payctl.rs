//! The command line against a real daemon: what it prints, within 80 columns, and its exit codes.

mod support;

use std::process::Command;

use serde_json::Value;
use support::parties::{Sandbox, stop};

/// What a command printed and how it ended.
struct Printed {
    exit: i32,
    out: String,
    error: String,
}

impl Printed {
    /// Asserts the exit code and that what was asked for fits the page.
    #[track_caller]
    fn check(&self, exit: i32) -> &str {
        assert_eq!(self.exit, exit, "{}{}", self.out, self.error);
        for line in self.out.lines() {
            assert!(line.chars().count() <= 80, "longer than 80 columns: {line}");
        }
        &self.out
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).expect("it prints JSON")
    }
}

/// `payctl` without what this machine's environment may say to it.
fn payctl(arguments: &[&str]) -> Printed {
    let mut command = Command::new(support::payctl());
    let output = command.args(arguments).env_remove("PAYSWITCH_KEY").output().expect("payctl runs");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    let exit = output.status.code().expect("it exits by itself");
    Printed { exit, out: text(output.stdout), error: text(output.stderr) }
}

/// `payctl` against this sandbox.
fn ask(sandbox: &Sandbox, arguments: &[&str]) -> Printed {
    let [server, admin] = [&sandbox.daemon.merchants, &sandbox.daemon.operators].map(String::as_str);
    payctl(&[&["--server", server, "--admin", admin], arguments].concat())
}

/// A payment of the cafe by command line; key and order have one name.
fn pay<'a>(payer: &'a str, amount: &'a str, name: &'a str) -> Vec<&'a str> {
    vec![
        "pay",
        "--payer",
        payer,
        "--merchant",
        "demo-cafe",
        "--amount",
        amount,
        "--idempotency-key",
        name,
        "--order",
        name,
    ]
}

/// Every one of these is a line, but for what stands before and after it.
#[track_caller]
fn check_lines(out: &str, expected: &[&str]) {
    let mut lines = out.lines();
    for line in expected {
        assert!(lines.any(|found| found.trim() == *line), "no line {line:?}, or not in its place, in\n{out}");
    }
}

#[tokio::test]
async fn the_first_payment_shows_every_amount() {
    let sandbox = Sandbox::start();
    let paid = ask(&sandbox, &pay("hk-alice", "CNY 100.00", "first"));
    let out = paid.check(0);
    assert!(out.starts_with("approved  payment 0"), "{out}");
    let expected = [
        "payer          demo-wallet/hk-alice",
        "merchant       demo-cafe",
        "order          first",
        "amount         CNY 100.00",
        "debit          HKD 119.11 (117.93 at mid + 1.18 markup of 1 %)",
        "merchant gets  CNY 99.40",
        "discount       CNY 0.60",
        "rate           HKD 1.179291231 per CNY",
        "lsn            16, durable",
    ];
    check_lines(out, &expected);
    assert!(out.contains("ECB 2026-10-30, re-stamped by the sandbox") && out.contains(" old when decided"), "{out}");

    let again = ask(&sandbox, &pay("hk-alice", "CNY 100.00", "first"));
    assert_eq!(again.check(0), out, "the repeat of a key shows the recorded answer");
    check_lines(ask(&sandbox, &["balance", "hk-alice"]).check(0), &["available  HKD 9,880.89"]);
    let postings = ask(&sandbox, &["postings", "hk-alice"]);
    let out = postings.check(0);
    for row in ["-117.93   9,882.07  fx_position:HKD", "-1.18   9,880.89  fx_markup:HKD"] {
        assert!(out.contains(row), "{out}");
    }
    check_lines(ask(&sandbox, &["get", &payment_id(&paid), "--merchant", "demo-cafe"]).check(0), &expected);
}

/// The id in the first line.
fn payment_id(paid: &Printed) -> String {
    let first = paid.out.lines().next().unwrap_or_default();
    first.split_whitespace().last().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_exit_code_says_which_of_the_answers_it_was() {
    let sandbox = Sandbox::start();
    let declined = ask(&sandbox, &pay("hk-bob", "CNY 9000.00", "1"));
    assert!(declined.check(1).contains("DECLINE_REASON_INSUFFICIENT_BALANCE"));
    for (arguments, said) in [
        (pay("nobody", "CNY 1.00", "2"), "NOT_FOUND ACCOUNT_NOT_FOUND"),
        (pay("hk-bob", "JPY 100", "3"), "FAILED_PRECONDITION RATE_MISSING"),
        (pay("hk-bob", "CNY 8000.00", "1"), "ALREADY_EXISTS IDEMPOTENCY_KEY_REUSED"),
        (pay("hk-bob", "CNY 1.001", "4"), "CNY has 2 decimals, not more"),
        (pay("hk-bob", "JPY 1.5", "5"), "JPY has 0 decimals"),
        (pay("hk-bob", "CNY 0", "6"), "--amount"),
        (pay("hk-bob", "CNH 1.00", "7"), "CNH is not an ISO 4217 code: offshore renminbi is CNY"),
        (pay("hk-bob", "cny 1.00", "8"), "currency codes are upper case: CNY"),
        (vec!["balance", "nobody"], "NOT_FOUND ACCOUNT_NOT_FOUND"),
    ] {
        let refused = ask(&sandbox, &arguments);
        assert_eq!((refused.exit, refused.out.as_str()), (2, ""), "{arguments:?}: {}", refused.error);
        assert!(refused.error.contains(said), "{arguments:?}: {}", refused.error);
    }
    let gone = sandbox.daemon.merchants.clone();
    assert!(stop(sandbox.daemon).await.success());
    let unreachable = payctl(&["--server", &gone, "balance", "hk-alice"]);
    unreachable.check(3);
    assert!(unreachable.error.starts_with("unreachable"), "{}", unreachable.error);
}

#[tokio::test]
async fn replies_and_errors_are_there_as_json_too() {
    let sandbox = Sandbox::start();
    let paid = ask(&sandbox, &[&["--json"][..], &pay("hk-alice", "CNY 100.00", "first")].concat());
    assert_eq!(paid.exit, 0, "{}", paid.error);
    let payment = &paid.json()["payment"];
    assert_eq!(payment["state"], "PAYMENT_STATE_CAPTURED");
    assert_eq!(payment["debitAmount"]["minorUnits"], "11911");
    assert_eq!(payment["postings"].as_array().map(Vec::len), Some(4));
    let account = &ask(&sandbox, &["--json", "balance", "hk-alice"]).json()["account"];
    assert_eq!(account["availableBalance"]["minorUnits"], "988089");
    assert_eq!(ask(&sandbox, &["--json", "status"]).json()["state"], "serving");
    assert_eq!(ask(&sandbox, &["--json", "rates"]).json()["rates"].as_array().map(Vec::len), Some(9));

    let refused = ask(&sandbox, &["--json", "balance", "nobody"]);
    let error: Value = serde_json::from_str(&refused.error).expect("errors are JSON too");
    assert_eq!((refused.exit, &error["error"]["reason"]), (2, &Value::from("ACCOUNT_NOT_FOUND")));
}

#[tokio::test]
async fn the_demo_and_all_reports_fit_the_page() {
    let sandbox = Sandbox::start();
    let demo = ask(&sandbox, &["demo"]);
    let out = demo.check(0);
    for expected in ["HKD 1.179291231 per CNY", "CNY 99.40", "declined", "the same", "balanced", "fx_position:CNY"] {
        assert!(out.contains(expected), "{expected} is not in\n{out}");
    }
    assert!(!out.contains("unbalanced"), "{out}");
    for report in [&["status"][..], &["rates"], &["postings", "hk-alice"], &["balance", "us-dana"]] {
        ask(&sandbox, report).check(0);
    }
    let deposited = ask(&sandbox, &["deposit", "hk-bob", "--amount", "HKD 1.00"]);
    deposited.check(0);
    assert_eq!(sandbox.balance("hk-bob").await, 50_100);
}

#[tokio::test]
async fn a_journal_is_verified_and_dumped_once_the_daemon_has_stopped() {
    let sandbox = Sandbox::start();
    ask(&sandbox, &pay("hk-alice", "CNY 100.00", "first")).check(0);
    let last_lsn = sandbox.status().await.last_lsn;
    let Sandbox { daemon, data_dir, .. } = sandbox;
    assert!(stop(daemon).await.success());
    let data_dir = data_dir.path().to_str().expect("the path is text");

    let verified = payctl(&["journal", "verify", data_dir]);
    let out = verified.check(0);
    assert!(out.starts_with("whole\n") && out.contains(&format!("records     {last_lsn}\n")), "{out}");
    let dumped = payctl(&["journal", "dump", data_dir]);
    assert_eq!((dumped.exit, dumped.out.lines().count()), (0, usize::try_from(last_lsn).expect("few records")));
    let dumped = payctl(&["journal", "dump", "--json", data_dir]);
    let last: Value = serde_json::from_str(dumped.out.lines().last().unwrap_or_default()).expect("a record is JSON");
    assert_eq!(last["lsn"].as_u64(), Some(last_lsn), "{last}");

    let journal = std::path::Path::new(data_dir).join("journal");
    let mut segments: Vec<_> =
        std::fs::read_dir(journal).expect("a directory").map(|entry| entry.expect("an entry").path()).collect();
    segments.sort();
    let mut bytes = std::fs::read(&segments[0]).expect("the segment is read");
    bytes[4_096 + 48 + 8] ^= 1;
    std::fs::write(&segments[0], bytes).expect("the segment is written");
    let damaged = payctl(&["journal", "verify", data_dir]);
    assert_eq!(damaged.exit, 4, "{}{}", damaged.out, damaged.error);
    assert!(damaged.error.contains("is damaged at offset 4144, lsn 1"), "{}", damaged.error);
}

#[test]
fn completions_are_there_for_every_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let printed = payctl(&["completions", shell]);
        assert!(printed.exit == 0 && printed.out.contains("payctl"), "{shell}: {}", printed.error);
    }
}
