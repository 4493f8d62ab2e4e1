//! The program as it is run: what can be said without a daemon.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

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
fn a_receipt_is_checked_without_a_daemon() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("receipt.json");
    let file = file.to_str().expect("the path is text");
    let key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let verify = |server: &str, code, says: &str| {
        check(&["--server", server, "receipt", "verify", file, "--public-key", key], code, says);
    };
    verify("127.0.0.1:1", 2, "cannot read the receipt");
    std::fs::write(file, "{}").expect("the file is written");
    verify("127.0.0.1:1", 4, "INVALID");
}

#[test]
fn a_file_of_rates_is_read_before_anybody_is_asked() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("eurofxref-hist.csv");
    let file = file.to_str().expect("the path is text");
    let import = ["--admin", "127.0.0.1:1", "rates", "import", file, "--format", "ecb", "--currencies", "HKD"];
    check(&import, 2, "cannot read");
    std::fs::write(file, "Date,USD,HKD,\n2026-10-30,1.1172,much,\n").expect("the file is written");
    check(&import, 2, "line 2");
    std::fs::write(file, "Date,USD,HKD,\n2026-10-30,1.1172,8.7652,\n").expect("the file is written");
    check(&import, 3, "127.0.0.1:1");
}

#[test]
fn what_the_arguments_contradict_is_refused_before_anybody_is_asked() {
    let deal = ["square-position", "--sold", "HKD 1.00", "--bought", "HKD 1.00", "--closed", "CNY 1.00"];
    check(&deal, 2, "in one currency");
    check(&["sandbox", "fail-next", "capture", "--how", "declined", "--reason", "not-enough"], 2, "only authorize");
}

#[test]
fn a_card_s_number_is_not_sent_away_and_is_never_told() {
    let number = "4242424242424242";
    let bind = |server: &str, number: &str, code, says: &str| {
        let line = ["--server", server, "card", "bind", "--pan", number, "--expiry", "12/30", "--payer", "us-dana"];
        check(&line, code, says);
        let said = payctl(&line);
        let said = [said.stdout, said.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        assert!(!said.contains(number), "{said}");
    };
    // An address for documentation: nothing is sent there.
    bind("192.0.2.1:7450", number, 2, "does not leave this machine");
    bind("192.0.2.1:7450", number, 2, "with --server on a loopback address");
    bind("127.0.0.1:1", "4242 4242 4242 4242", 2, "without spaces");
    bind("127.0.0.1:1", number, 3, "127.0.0.1:1");
    let line = ["card", "bind", "--expiry", "12/30", "--payer", "us-dana", number];
    check(&line, 2, "unexpected argument '****************' found");
    // Those in the help are examples.
    let help = payctl(&["card", "bind", "--help"]);
    assert_eq!((help.status.code(), help.stderr.len()), (Some(0), 0));
    assert!(String::from_utf8_lossy(&help.stdout).contains("echo 4242424242424242 |"));
}

#[test]
fn a_wallet_without_a_key_is_asked_for_one() {
    check(&["card", "list", "--payer", "elsewhere/us-dana"], 2, "no API key for wallet elsewhere");
}

#[test]
fn a_card_network_is_played_until_it_is_told_to_stop() {
    let directory = tempfile::tempdir().expect("a directory");
    let books = directory.path().join("books");
    let mut network = Command::new(env!("CARGO_BIN_EXE_payctl"))
        .args(["cardnet", "--listen", "127.0.0.1:0", "--books", books.to_str().expect("the path is text")])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("payctl runs");
    let mut line = String::new();
    BufReader::new(network.stdout.take().expect("it is piped")).read_line(&mut line).expect("it says something");
    assert!(line.starts_with("listening  card network at 127.0.0.1:"), "{line}");
    let id = i32::try_from(network.id()).ok().and_then(Pid::from_raw).expect("it has an id");
    kill_process(id, Signal::TERM).expect("it is there");
    assert_eq!(network.wait().expect("it ends").code(), Some(0));
    assert!(books.is_file(), "its books are there");
}

#[test]
fn a_daemon_that_is_not_there_is_unreachable() {
    // Port 1 is reserved and nothing on a test machine listens there.
    for arguments in [
        &["balance", "hk-alice"][..],
        &["get", "--order", "o1"],
        &["list"],
        &["watch", "--after", "0", "--attempts", "1"],
        &["capture", "0199", "--amount", "CNY 1.00"],
        &["receipt", "keys"],
        &["person", "show", "us-dana"],
        &["card", "show", "0199"],
        &["pay", "--card", "0199", "--merchant", "demo-cafe", "--amount", "CNY 250.00"],
        &["settle-scheme", "--scheme", "visa", "--received", "USD 23.22", "--settled", "CNY 154.50"],
    ] {
        let nowhere = ["--server", "127.0.0.1:1", "--admin", "127.0.0.1:1"];
        check(&[&nowhere[..], arguments].concat(), 3, "127.0.0.1:1");
    }
}
