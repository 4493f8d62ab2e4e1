use std::collections::BTreeMap;
use std::time::Duration;

use client::{Code, FieldViolation};
use domain::Lsn;

use super::*;
use crate::render::plain;

fn refused(retry_after: Option<Duration>) -> Error {
    let refusal = Refusal {
        code: Code::AlreadyExists,
        reason: "IDEMPOTENCY_KEY_REUSED".into(),
        domain: "payswitch".into(),
        message: "the key was used for another request: presentment_amount differs".into(),
        metadata: BTreeMap::from([
            ("field".into(), "presentment_amount".into()),
            ("outcome".into(), "NOT_COMMITTED".into()),
        ]),
        field_violations: vec![FieldViolation { field: "order".into(), description: "is missing".into() }],
        retry_after,
    };
    client::Error::Refused(Box::new(refusal)).into()
}

fn unanswered(repeat: Option<&str>) -> Error {
    let error = client::Error::Unanswered {
        address: "127.0.0.1:7450".parse().unwrap(),
        code: Code::Unknown,
        reason: String::new(),
        message: "broken pipe".into(),
    };
    Error::Call { error, repeat: repeat.map(str::to_owned) }
}

fn unreachable() -> Error {
    let address = "127.0.0.1:7450".parse().unwrap();
    client::Error::Unreachable { address, source: "connection refused".into() }.into()
}

#[test]
fn a_refusal_shows_reason_message_and_whether_a_repeat_is_safe() {
    let expected = "\
refused  ALREADY_EXISTS IDEMPOTENCY_KEY_REUSED
  the key was used for another request: presentment_amount differs
  order: is missing
  field = presentment_amount
  Nothing was recorded.
";
    assert_eq!(plain(refused(None).text()), expected);
    let waits = plain(refused(Some(Duration::from_millis(250))).text());
    assert!(waits.ends_with("Nothing was recorded. It may succeed when repeated after 250 ms.\n"), "{waits}");
}

#[test]
fn no_answer_says_how_to_learn_the_outcome() {
    let shown = plain(unanswered(Some("--idempotency-key k1")).text());
    assert!(shown.contains("repeat it with\n    --idempotency-key k1\n"), "{shown}");
    assert!(!plain(unanswered(None).text()).contains("repeat"));
}

#[test]
fn each_kind_of_failure_has_its_exit_code() {
    let damaged = journal::Error::Damaged {
        path: "journal/000001".into(),
        offset: 4096,
        lsn: Lsn::new(7),
        what: journal::Damage::RecordChecksum,
    };
    let missing = journal::Error::RecordsMissing { path: "x".into(), first_lsn: Lsn::new(7), last_lsn: Lsn::new(9) };
    for (error, exit) in [
        (refused(None), Exit::Refused),
        (Error::Usage("no".into()), Exit::Refused),
        (Error::Local { tried: "read".into(), source: io::Error::other("no") }, Exit::Refused),
        (journal::Error::NoJournal { path: "x".into() }.into(), Exit::Refused),
        (journal::Error::BeginsLater { path: "x".into(), first_lsn: Lsn::new(7) }.into(), Exit::Refused),
        (missing.into(), Exit::Damaged),
        (unanswered(None), Exit::Unreachable),
        (unreachable(), Exit::Unreachable),
        (Error::Reply("no".into()), Exit::Damaged),
        (damaged.into(), Exit::Damaged),
    ] {
        assert_eq!(error.exit(), exit, "{error:?}");
    }
}

#[test]
fn causes_are_told_once() {
    let shown = plain(unreachable().text());
    assert!(shown.starts_with("unreachable  cannot reach http://127.0.0.1:7450: connection refused\n"), "{shown}");
}

#[test]
fn json_tells_the_kinds_apart() {
    let kind = |error: &Error| error.json()["error"]["kind"].as_str().unwrap().to_owned();
    let kinds = [refused(None), unanswered(None), unreachable(), Error::Usage("no".into())].map(|error| kind(&error));
    assert_eq!(kinds, ["refused", "unanswered", "unreachable", "error"]);
    assert_eq!(refused(None).json()["error"]["reason"], "IDEMPOTENCY_KEY_REUSED");
}
