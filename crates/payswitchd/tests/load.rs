//! The load generator against a real daemon: it checks every answer, and ends badly when one is wrong.

mod support;

use std::{fs, process::Command};

use serde_json::Value;
use support::{
    Daemon,
    parties::{SMALL_SEGMENTS, Sandbox},
};

/// What `payctl bench` reports with these arguments.
#[track_caller]
fn bench(daemon: &Daemon, arguments: &[&str]) -> Value {
    let mut command = Command::new(support::payctl());
    command.args(["--json", "--server", &daemon.merchants, "--admin", &daemon.operators, "bench", "--warm-up", "0"]);
    let output = command.args(arguments).env_remove("PAYSWITCH_KEY").output().expect("payctl runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

/// The number at this path of a report.
#[track_caller]
fn number(report: &Value, pointer: &str) -> f64 {
    report.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {pointer} in {report:#}"))
}

/// The kinds of calls beside payments.
fn others(report: &Value) -> Vec<&str> {
    report["others"].as_array().into_iter().flatten().filter_map(|other| other["name"].as_str()).collect()
}

#[tokio::test]
async fn every_way_of_asking_is_answered_and_says_which_client_asked() {
    let sandbox = Sandbox::start();
    let ways: [(&[&str], &str); 6] = [
        (&["--payments", "300"], "lean"),
        (&["--payments", "300", "--client", "tonic"], "tonic"),
        (&["--payments", "300", "--watch"], "lean"),
        (&["--payments", "300", "--stream"], "tonic"),
        (&["--payments", "20", "--cycle"], "tonic"),
        (&["--batch", "50", "--seconds", "1"], "tonic"),
    ];
    for (way, client) in ways {
        let report = bench(&sandbox.daemon, &[&["--in-flight", "3"], way].concat());
        assert!(number(&report, "/answers/approved") >= 20.0, "{way:?}: {report:#}");
        assert_eq!(report["client"], client, "{way:?}");
    }
}

/// More callers than a connection takes calls at a time: the others wait for room.
#[tokio::test]
async fn more_callers_than_a_connection_takes_wait_for_room() {
    let sandbox = Sandbox::with(&[("PAYSWITCHD__CONNECTIONS__STREAMS_MAX", "5")]);
    let report = bench(&sandbox.daemon, &["--in-flight", "64", "--connections", "2", "--payments", "2000"]);
    assert!((number(&report, "/answers/approved") - 2_000.0).abs() < 0.5, "{report:#}");
}

/// A connection is asked to end every 50 milliseconds, and cut 50 milliseconds later. Nothing is left unanswered.
#[tokio::test]
async fn the_age_of_a_connection_leaves_nothing_unanswered() {
    let sandbox = Sandbox::with(&[
        ("PAYSWITCHD__CONNECTIONS__CONNECTION_AGE_MS_MAX", "50"),
        ("PAYSWITCHD__CONNECTIONS__CONNECTION_GRACE_MS", "2000"),
    ]);
    for client in ["lean", "tonic"] {
        let report = bench(&sandbox.daemon, &["--in-flight", "16", "--seconds", "1", "--client", client]);
        assert_eq!(report["troubles"], Value::Array(Vec::new()), "{client}: {report:#}");
        assert!(number(&report, "/answers/approved") > 20.0, "{client}");
    }
}

#[tokio::test]
async fn payments_are_captured_refunded_and_looked_at() {
    let sandbox = Sandbox::start();
    let mix = ["--mix", "authorize=40,capture=20,refund=20,get=20", "--repeats", "20", "--payments", "2000"];
    let who = ["--payers", "30", "--zipf", "1.1", "--payer-currency", "HKD", "--payer-currency", "USD"];
    let whom = ["--merchant", "demo-cafe", "--merchant", "hk-books", "--hot-merchant", "80"];
    let report =
        bench(&sandbox.daemon, &[&mix[..], &who, &whom, &["--amount", "CNY 1.00", "--amount", "HKD 9.90"]].concat());
    assert_eq!(others(&report), ["repeats", "captures", "refunds", "gets"], "{report:#}");
    for other in report["others"].as_array().into_iter().flatten() {
        assert!(number(other, "/perSecond") > 0.0 && number(other, "/latencyUs/p50") > 0.0, "{other:#}");
    }
    assert!(number(&report, "/answers/right") > 1_000.0 && number(&report, "/answers/declined") < 0.5, "{report:#}");
}

#[tokio::test]
async fn an_open_loop_sends_what_it_was_asked_to() {
    let sandbox = Sandbox::start();
    let report = bench(&sandbox.daemon, &["--rate", "400", "--seconds", "1", "--repeats", "0"]);
    let answers = number(&report, "/answers/approved") + number(&report, "/answers/unsent");
    assert!((answers - 400.0).abs() < 0.5, "{report:#}");
}

/// Both ratios with their spread, and what the operating system says of this very daemon.
#[test]
fn a_comparison_tells_what_the_daemon_used() {
    let directory = tempfile::tempdir().expect("a place for the data");
    let daemon = Daemon::start(directory.path(), &["--bench-echo"], &[SMALL_SEGMENTS]);
    let compare = ["--compare", "echo", "--pairs", "2", "--slice-seconds", "1", "--in-flight", "8"];
    for way in [&["--client", "lean"][..], &["--client", "tonic"]] {
        let report = bench(&daemon, &[&compare[..], way].concat());
        for ratio in ["/beside/0/ratio", "/beside/0/cpuRatio"] {
            let [min, median, max] = ["min", "median", "max"].map(|part| number(&report, &format!("{ratio}/{part}")));
            assert!(0.0 < min && min <= median && median <= max, "{report:#}");
        }
        assert!(number(&report, "/clientCpuUsPerCall") > 0.0 && number(&report, "/serverCpuUsPerCall") > 0.0);
        assert!(number(&report, "/beside/0/serverCpuUsPerCall") > 0.0);
        let resident = ["begin", "peak", "end"].map(|part| number(&report, &format!("/serverResidentBytes/{part}")));
        assert!(resident.iter().all(|bytes| *bytes > 1_000_000.0), "{report:#}");
    }
}

#[tokio::test]
async fn a_sweep_is_a_list_and_a_picture() {
    let sandbox = Sandbox::start();
    let picture = sandbox.data_dir.path().join("sweep.svg");
    let path = picture.to_str().expect("the path is text");
    let pid = sandbox.daemon.pid().to_string();
    let sweep = ["--sweep", "in-flight=1,8", "--seconds", "1", "--server-pid", &pid, "--chart", path];
    let steps = bench(&sandbox.daemon, &sweep);
    let values: Vec<f64> = steps.as_array().into_iter().flatten().map(|step| number(step, "/value")).collect();
    assert_eq!(values, [1.0, 8.0]);
    assert!(steps.as_array().into_iter().flatten().all(|step| number(step, "/answers/approved") > 0.0), "{steps:#}");
    let drawn = fs::read_to_string(picture).expect("the picture is there");
    assert!(drawn.contains("Throughput and latency") && drawn.matches("<polyline").count() == 3);
    let rates = bench(&sandbox.daemon, &["--sweep", "rate=50,100", "--seconds", "1"]);
    assert_eq!(rates.as_array().map(Vec::len), Some(2));
}

/// What the arguments contradict is said before anybody is asked.
#[test]
fn what_a_load_cannot_be_is_refused() {
    for (arguments, says) in [
        (&["--client", "tonic", "--mix", "authorize=1"][..], "lean client"),
        (&["--client", "lean", "--stream"], "SDK"),
        (&["--hot-merchant", "50"], "more than one"),
        (&["--amount", "CNY 1.00", "--amount", "CNY 2.00"], "--amount"),
        (&["--mix", "capture=1"], "largest share"),
        (&["--zipf", "0"], "above 0"),
        (&["--sweep", "in-flight=0"], "in-flight=1,4,16,64"),
    ] {
        let mut command = Command::new(support::payctl());
        command.args(["--server", "127.0.0.1:1", "bench"]).args(arguments).env_remove("PAYSWITCH_KEY");
        let output = command.output().expect("payctl runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}
