//! The program as it is run: what can be said without a daemon.

use std::process::{Command, Output};

fn payctl(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_payctl")).args(arguments).output().expect("payctl runs")
}

fn check(arguments: &[&str], code: i32, says: &str) {
    let output = payctl(arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(said.contains(says), "{arguments:?}: {said}");
}

#[test]
fn help_and_version_end_well() {
    check(&["--help"], 0, "The command line of payswitch");
    check(&["--version"], 0, "payctl");
}

#[test]
fn what_cannot_be_meant_is_refused_before_anybody_is_asked() {
    check(&["pai"], 2, "pai");
    let pay = ["pay", "--payer", "hk-alice", "--merchant", "demo-cafe", "--amount"];
    for (amount, says) in [("CNY 1.001", "CNY"), ("cny 1.00", "upper case"), ("CNH 1.00", "CNH"), ("100", "100")] {
        check(&[&pay[..], &[amount]].concat(), 2, says);
    }
}

#[test]
fn a_daemon_that_is_not_there_is_unreachable() {
    // Port 1 is reserved and nothing on a test machine listens there.
    check(&["--server", "127.0.0.1:1", "balance", "hk-alice"], 3, "127.0.0.1:1");
}
