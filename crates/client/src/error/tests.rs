use tonic_types::ErrorDetails;

use super::*;

fn address() -> Address {
    "127.0.0.1:7450".parse().unwrap()
}

fn refusal(status: Status) -> Refusal {
    match Error::from_status(&address(), status) {
        Error::Refused(refusal) => *refusal,
        other @ (Error::Unanswered { .. } | Error::Unreachable { .. } | Error::PlainText { .. }) => panic!("{other:?}"),
    }
}

#[test]
fn a_refusal_keeps_all_the_switch_said() {
    let mut details = ErrorDetails::new();
    details.set_error_info("RATE_STALE", "payswitch", [("pair".to_owned(), "HKD per CNY".to_owned())]);
    details.set_retry_info(Some(Duration::from_millis(250)));
    details.add_bad_request_violation("presentment_amount", "is zero");
    let status = Status::with_error_details(tonic::Code::FailedPrecondition, "the last rate is 7 minutes old", details);

    let refusal = refusal(status);
    assert_eq!(refusal.code, Code::FailedPrecondition);
    assert_eq!(refusal.reason, "RATE_STALE");
    assert_eq!(refusal.domain, "payswitch");
    assert_eq!(refusal.metadata.get("pair").map(String::as_str), Some("HKD per CNY"));
    assert_eq!(refusal.retry_after, Some(Duration::from_millis(250)));
    assert_eq!(refusal.field_violations[0].field, "presentment_amount");
    assert_eq!(refusal.to_string(), "refused FAILED_PRECONDITION RATE_STALE: the last rate is 7 minutes old");
}

#[test]
fn trailers_say_what_a_status_says() {
    let mut details = ErrorDetails::new();
    details.set_error_info("RATE_STALE", "payswitch", [("outcome".to_owned(), "NOT_COMMITTED".to_owned())]);
    let status = Status::with_error_details(tonic::Code::Unavailable, "100 % old", details);
    let mut sent = MetadataMap::new().into_headers();
    status.add_header(&mut sent).unwrap();
    let sent = |name: &str| sent.get(name).unwrap().to_str().unwrap();
    let told = ["grpc-status", "grpc-message", "grpc-status-details-bin"].map(sent);
    let Error::Refused(told) = Error::from_trailers(&address(), told[0], told[1], told[2]) else { panic!("{told:?}") };
    assert_eq!(*told, refusal(status));
    for nonsense in ["", "many", "\n"] {
        let error = Error::from_trailers(&address(), nonsense, "\u{1}", "=");
        assert!(error.outcome_is_unknown(), "{error:?}");
    }
}

#[test]
fn a_refusal_without_details_is_still_a_refusal() {
    let refusal = refusal(Status::unauthenticated("no credential"));
    assert_eq!(refusal.to_string(), "refused UNAUTHENTICATED: no credential");
    assert_eq!(refusal.retry_after, None);
}

/// An error in which the switch says whether anything was recorded.
fn from_switch(code: tonic::Code, reason: &str, outcome: &str) -> Status {
    let metadata = [(OUTCOME.to_owned(), outcome.to_owned())];
    Status::with_error_details(code, "in words", ErrorDetails::with_error_info(reason, "payswitch", metadata))
}

#[test]
fn the_switch_s_word_on_the_outcome_beats_the_code() {
    let before = from_switch(tonic::Code::DeadlineExceeded, "DEADLINE_PASSED", NOT_COMMITTED);
    assert_eq!(refusal(before).reason, "DEADLINE_PASSED");
    let after = Error::from_status(&address(), from_switch(tonic::Code::Aborted, "UNCONFIRMED", "UNKNOWN"));
    assert!(matches!(&after, Error::Unanswered { reason, .. } if reason == "UNCONFIRMED"), "{after:?}");
}

#[test]
fn overload_that_names_its_reason_is_a_refusal() {
    let status = from_switch(tonic::Code::Unavailable, "DRAINING", NOT_COMMITTED);
    assert_eq!(refusal(status).reason, "DRAINING");
}

#[test]
fn whatever_may_have_been_recorded_is_unanswered() {
    for status in [
        Status::deadline_exceeded("late"),
        Status::cancelled("Timeout expired"),
        Status::unknown("h2 protocol error"),
        Status::internal("panicked"),
        Status::data_loss("damaged"),
        Status::unavailable("a proxy lost its upstream"),
    ] {
        let error = Error::from_status(&address(), status);
        assert!(error.outcome_is_unknown(), "{error:?}");
    }
}

#[test]
fn every_code_is_named_as_grpc_numbers_it() {
    for number in 0..17 {
        let code = tonic::Code::from(number);
        let ours = Code::from(code).as_str().replace('_', "").to_lowercase();
        assert_eq!(ours, format!("{code:?}").to_lowercase());
    }
}
