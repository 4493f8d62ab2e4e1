//! What can be learnt from a journal alone: `payctl journal stat`, `audit`, `replay`, `explain`.

mod support;

use std::{path::Path, process::Command, sync::Arc};

use domain::{Decline, DeclineReason, Event, Lsn, Record};
use journal::{FileJournal, Journal, JournalId, Options, Progress, disk::DirectoryDisk};
use serde_json::Value;
use support::{
    moves::{capture, captured, held, refund, refunded},
    parties::{Sandbox, decided, money, payment, stop},
};
use wire::v1;

/// What was printed, on which stream, and how it ended.
struct Told {
    exit: i32,
    out: String,
    error: String,
}

fn tool(directory: &Path, arguments: &[&str]) -> Told {
    let (subcommand, options) = arguments.split_first().expect("a subcommand");
    let mut command = Command::new(support::payctl());
    command.args(["journal", subcommand]).arg(directory).args(options);
    let output = command.output().expect("payctl runs");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    Told {
        exit: output.status.code().expect("it ends by itself"),
        out: text(output.stdout),
        error: text(output.stderr),
    }
}

#[track_caller]
fn shown(directory: &Path, arguments: &[&str]) -> String {
    let told = tool(directory, arguments);
    assert_eq!(told.exit, 0, "{arguments:?}: {}{}", told.out, told.error);
    told.out
}

fn json(directory: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&shown(directory, &[arguments, &["--json"]].concat())).expect("it prints JSON")
}

/// A stopped sandbox, one payment captured and refunded in parts, one declined.
struct Story {
    data_dir: tempfile::TempDir,
    paid: v1::Payment,
    declined: v1::Payment,
    last_lsn: u64,
}

async fn story() -> Story {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let paid = decided(cafe.authorize(held("hold", "order-1", "hk-alice", money("CNY", 10_000))).await);
    captured(cafe.capture(capture("capture", &paid.payment_id, money("CNY", 4_000))).await);
    let (_, paid) = refunded(cafe.refund(refund("refund", &paid.payment_id, money("CNY", 1_000))).await);
    let too_much = payment("declined", "order-2", "hk-bob", money("CNY", 9_000_000));
    let declined = decided(cafe.authorize(too_much).await);
    let last_lsn = sandbox.status().await.last_lsn;
    let Sandbox { daemon, data_dir, .. } = sandbox;
    assert!(stop(daemon).await.success());
    Story { data_dir, paid, declined, last_lsn }
}

#[tokio::test]
async fn a_payment_is_explained_from_the_journal_alone() {
    let story = story().await;
    let directory = story.data_dir.path();
    let explained = shown(directory, &["explain", &story.paid.payment_id]);
    for expected in [
        "CNY 100.00 for demo-cafe, order order-1, captured later",
        "1.179291231 at mid 1.179291231, markup 1 %",
        "HKD 119.11, HKD 117.93 at mid",
        "ECB 2026-10-30",
        "posted HKD 10,000.00, held HKD 0.00, available HKD 10,000.00",
        "insufficient_balance      passed",
        "authorized, HKD 119.11 held",
        "HKD 47.17 wallet:demo-wallet/hk-alice -> fx_position:HKD",
        "original, payable_only",
        "give back CNY 10.00",
    ] {
        assert!(explained.contains(expected), "{expected} is not in\n{explained}");
    }
    assert_eq!(explained.matches("decided again    the same").count(), 1, "{explained}");
    assert_eq!(explained.matches("the same").count(), 3, "{explained}");

    let explained = shown(directory, &["explain", &story.declined.payment_id]);
    for expected in
        ["insufficient_balance      failed", "balance_limit             not looked at", "frozen            passed"]
    {
        assert!(explained.contains(expected), "{expected} is not in\n{explained}");
    }
    let told = json(directory, &["explain", &story.declined.payment_id]);
    assert_eq!(told["records"][0]["checks"][9][1], "failed", "{told:#}");

    let unknown = tool(directory, &["explain", "01900000-0000-7000-8000-000000000000"]);
    assert_eq!(unknown.exit, 2, "{}", unknown.error);
    assert!(unknown.error.contains("the journal has no payment 01900000"), "{}", unknown.error);
}

#[tokio::test]
async fn a_ledger_is_shown_as_it_stood() {
    let story = story().await;
    let directory = story.data_dir.path();
    let alice = ["--account", "wallet:demo-wallet/hk-alice"];
    let whole = json(directory, &[&["replay"], &alice[..]].concat());
    assert_eq!(whole["lsn"], story.last_lsn);
    let [captured, held, declined] =
        ["paymentsCaptured", "paymentsHeld", "paymentsDeclined"].map(|field| whole[field].as_u64());
    assert_eq!((captured, held, declined), (Some(1), Some(1), Some(1)));
    let account = &whole["accounts"][0];
    assert_eq!((&account["postedBalance"], &account["heldBalance"]), (&"HKD 9964.26".into(), &"HKD 71.46".into()));

    let before = (story.paid.lsn - 2).to_string();
    let before = json(directory, &[&["replay", "--to-lsn", &before], &alice[..]].concat());
    let account = &before["accounts"][0];
    assert_eq!((&account["postedBalance"], &account["heldBalance"]), (&"HKD 10000.00".into(), &"HKD 119.11".into()));
    assert_ne!(before["stateDigest"], whole["stateDigest"]);
    let at = before["time"].as_str().expect("a moment");
    assert_eq!(json(directory, &["replay", "--to-time", at])["lsn"], before["lsn"]);

    let beyond = tool(directory, &["replay", "--to-lsn", "1000"]);
    assert_eq!(beyond.exit, 2, "{}", beyond.error);
    assert!(beyond.error.contains(&format!("the journal ends at lsn {}, before 1000", story.last_lsn)));
    let nobody = tool(directory, &["replay", "--account", "wallet:demo-wallet/nobody"]);
    assert!(nobody.exit == 2 && nobody.error.contains("there was no account"), "{}", nobody.error);
    let early = tool(directory, &["replay", "--to-time", "2020-01-01T00:00:00Z"]);
    assert!(early.exit == 2 && early.error.contains("no record was made by then"), "{}", early.error);
}

#[tokio::test]
async fn a_journal_is_counted_and_every_decision_is_made_again() {
    let story = story().await;
    let directory = story.data_dir.path();
    let counted = json(directory, &["stat"]);
    assert_eq!((&counted["records"], &counted["kinds"]["capture"]["records"]), (&story.last_lsn.into(), &1.into()));
    let bytes = |kind: &Value| kind["bytes"].as_u64().expect("bytes are a number");
    let kinds = counted["kinds"].as_object().expect("kinds have names").values();
    assert_eq!(counted["recordBytes"], kinds.map(bytes).sum::<u64>());
    assert!(shown(directory, &["stat"]).contains("records in the middle"));

    let audited = json(directory, &["audit"]);
    assert_eq!(
        (&audited["records"], &audited["broken"], &audited["differing"]),
        (&story.last_lsn.into(), &Value::Null, &0.into())
    );
    assert_eq!(audited["stateDigest"], json(directory, &["replay"])["stateDigest"]);
    assert_eq!(audited["madeBy"][0]["fromLsn"], 2, "the policy notes the engine's version");
}

/// Copies a journal into a new one, changing records on the way: checksums and chain are right again.
fn forged(from: &Path, change: impl Fn(&mut Record)) -> tempfile::TempDir {
    let to = tempfile::tempdir().expect("a temporary directory");
    let options = Options { segment_bytes: 131_072, ..Options::new(JournalId::new([7; 16])) };
    let disk = DirectoryDisk::create(to.path().to_owned()).expect("a directory");
    let (mut copy, _) = FileJournal::open(disk, options, &mut |_| Ok(())).expect("a new journal");
    let from = DirectoryDisk::new(from.join("journal"));
    journal::scan(&from, Lsn::new(1), &mut |found| {
        let mut record = wire::journal::decode(found.bytes)?;
        change(&mut record);
        let mut bytes = Vec::new();
        wire::journal::encode(&record, &mut bytes);
        copy.append(record.lsn, &bytes)?;
        copy.flush()?;
        Ok(())
    })
    .expect("the journal is whole");
    assert!(matches!(copy.poll(), Progress::Durable(_)));
    to
}

/// Whoever can write the disk can make a journal that is whole. What it says was never decided.
#[tokio::test]
async fn a_forged_decision_is_found_where_it_stands() {
    let story = story().await;
    let lsn = story.declined.lsn;
    let forgery = forged(story.data_dir.path(), |record| {
        if record.lsn.get() == lsn {
            record.event = Event::Declined(Decline { reason: DeclineReason::AccountFrozen, paid_by: None });
        }
    });
    assert_eq!(tool(forgery.path(), &["verify"]).exit, 0, "bytes and chain are right");
    let audited = tool(forgery.path(), &["audit"]);
    assert_eq!(audited.exit, 4, "{}", audited.error);
    assert!(
        audited.out.contains("NOT AS DECIDED") && audited.out.contains(&format!("lsn {lsn}: recorded")),
        "{}",
        audited.out
    );
    let explained = tool(forgery.path(), &["explain", &story.declined.payment_id]);
    assert_eq!(explained.exit, 4, "{}", explained.out);
}

/// Of another version of the engine it is told, and no verdict.
#[tokio::test]
async fn what_another_engine_decided_is_told_and_not_judged() {
    let story = story().await;
    let lsn = story.declined.lsn;
    let older = forged(story.data_dir.path(), |record| {
        if let domain::Command::InstallPolicy(install) = &mut record.command {
            Arc::make_mut(&mut install.policy).engine_version = 0;
        }
        if record.lsn.get() == lsn {
            record.event = Event::Declined(Decline { reason: DeclineReason::AccountFrozen, paid_by: None });
        }
    });
    let audited = json(older.path(), &["audit"]);
    assert_eq!((&audited["broken"], &audited["differing"]), (&Value::Null, &1.into()), "{audited:#}");
    assert_eq!(audited["differences"][0]["lsn"], lsn);
}

/// A refund of a payment that there is not: no reading goes on behind it.
#[tokio::test]
async fn a_record_that_cannot_have_happened_ends_a_reading() {
    let story = story().await;
    let lsn = story.paid.lsn;
    let impossible = forged(story.data_dir.path(), |record| {
        if let domain::Command::RefundPayment(refund) = &mut record.command {
            refund.payment_id = domain::PaymentId::from_bytes([1; 16]);
        }
    });
    let replayed = tool(impossible.path(), &["replay"]);
    assert_eq!(replayed.exit, 4, "{}{}", replayed.out, replayed.error);
    assert!(replayed.error.contains(&format!("the record at lsn {lsn} cannot have happened")), "{}", replayed.error);
}

/// A backup is taken while payments go on, and the ledger of before is one that a daemon serves.
#[tokio::test]
async fn a_running_ledger_is_copied_and_an_earlier_one_brought_back() {
    let sandbox = Sandbox::start();
    let pay =
        |number: u64| payment(&format!("key-{number}"), &format!("order-{number}"), "hk-alice", money("CNY", 100));
    let mut paid = Vec::new();
    for number in 0..10 {
        paid.push(decided(sandbox.cafe.authorize(pay(number)).await));
    }
    let place = tempfile::tempdir().expect("a temporary directory");
    let (whole, earlier) = (place.path().join("whole"), place.path().join("earlier"));
    let text = |path: &Path| path.to_str().expect("the path is text").to_owned();
    let live = sandbox.data_dir.path();
    let copied = shown(live, &[&["copy"], &[&*text(&whole)][..]].concat());
    assert!(copied.contains(&format!("{}, {} confirmed durable", paid[9].lsn, paid[8].lsn)), "{copied}");
    shown(live, &["copy", &text(&earlier), "--to-lsn", &paid[4].lsn.to_string()]);
    let again = tool(live, &["copy", &text(&whole)]);
    assert!(again.exit == 2 && again.error.contains("File exists"), "{}", again.error);
    let before_all = tool(live, &["copy", &text(&place.path().join("none")), "--to-time", "2020-01-01T00:00:00Z"]);
    assert!(before_all.exit == 2 && before_all.error.contains("nothing was copied"), "{}", before_all.error);

    for (directory, known) in [(&whole, 10), (&earlier, 5)] {
        let daemon = support::Daemon::sandbox(directory);
        let key = client::sandbox::merchant_key("demo-cafe").expect("the sandbox has this merchant");
        let cafe = support::parties::caller(&daemon.merchants, key);
        for (number, payment) in (0..).zip(&paid).take(known) {
            assert_eq!(&decided(cafe.authorize(pay(number)).await), payment, "what was recorded by then is told");
        }
        let next = decided(cafe.authorize(pay(20)).await);
        assert!(next.lsn > paid[known - 1].lsn, "it goes on from there");
    }
    decided(sandbox.cafe.authorize(pay(11)).await);
}
