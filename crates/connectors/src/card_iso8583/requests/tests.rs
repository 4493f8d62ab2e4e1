use domain::{CardApproval, DeclineReason, ResponseCode};
use money::Currency;
use proptest::prelude::*;

use super::*;
use crate::card_iso8583::messages::tests::said;

const FORGET_MS: u32 = 60_000;

const fn at(millis: i64) -> Timestamp {
    Timestamp::EPOCH.plus_millis(millis)
}

fn request(lsn: u64, answer_by: Timestamp) -> CardMessage {
    said(Lsn::new(lsn), 1, CardMessageKind::Authorization { answer_by })
}

fn approved() -> CardAnswer {
    let response_code = ResponseCode::new("00").unwrap();
    let approval_code = domain::ApprovalCode::new("123456").unwrap();
    CardAnswer::Approved(CardApproval { response_code, approval_code, billing: None })
}

fn declined() -> CardAnswer {
    CardAnswer::Declined { response_code: ResponseCode::new("51").unwrap(), reason: DeclineReason::CardFunds }
}

fn partial() -> CardAnswer {
    CardAnswer::Partial { response_code: ResponseCode::new("10").unwrap() }
}

#[test]
fn an_answer_is_to_what_was_asked_and_no_other() {
    let asked = request(5, at(30_000));
    let key = TraceKey::of(asked.lsn, asked.at);
    let other = TraceKey::of(Lsn::new(6), asked.at);
    let second = TraceKey::of(asked.lsn, asked.at.plus_millis(1_000));
    let cny = |units| Money::new(Currency::CNY, units);
    let table = [
        (key, cny(25_750), approved(), true),
        (key, cny(25_750), declined(), true),
        (key, cny(25_750), partial(), true),
        (key, cny(1), partial(), true),
        (key, cny(0), partial(), false),
        (key, cny(25_751), partial(), false),
        (key, cny(25_749), approved(), false),
        (key, cny(25_751), approved(), false),
        (key, cny(25_749), declined(), false),
        (key, Money::new(Currency::USD, 25_750), approved(), false),
        (key, Money::new(Currency::USD, 25_750), partial(), false),
        (other, cny(25_750), approved(), false),
        (second, cny(25_750), approved(), false),
        (TraceKey { rrn: other.rrn, ..key }, cny(25_750), approved(), false),
        (TraceKey { stan: other.stan, ..key }, cny(25_750), approved(), false),
    ];
    for (key, amount, answer, fits) in table {
        let mut requests = Requests::new(FORGET_MS);
        requests.open(&asked, Some(at(0)));
        let found = requests.answered(&IssuerAnswer { key, amount, answer });
        assert_eq!(found.map(|request| request.lsn), fits.then_some(asked.lsn), "{amount:?} {answer:?}");
        // What was answered waits no longer, what was not goes on waiting.
        assert_eq!(requests.len(), usize::from(!fits));
    }
}

#[test]
fn a_request_is_remembered_a_while_after_its_time() {
    let mut requests = Requests::new(FORGET_MS);
    requests.open(&request(5, at(30_000)), None);
    assert_eq!(requests.next_due(), Some(at(90_000)));
    requests.forget(at(89_999));
    assert_eq!(requests.len(), 1);
    requests.forget(at(90_000));
    assert_eq!((requests.len(), requests.next_due()), (0, None));
}

#[test]
fn advices_are_no_requests() {
    let mut requests = Requests::new(FORGET_MS);
    let approval_code = domain::ApprovalCode::new("123456").unwrap();
    requests.open(&said(Lsn::new(1), 1, CardMessageKind::StandIn { approval_code }), None);
    assert_eq!(requests.len(), 0);
}

proptest! {
    #[test]
    fn each_request_is_answered_once_at_most(
        opened in prop::collection::vec(1_u64..40, 0..40),
        answers in prop::collection::vec(1_u64..40, 0..120),
    ) {
        let mut requests = Requests::new(FORGET_MS);
        let mut open = std::collections::BTreeSet::new();
        for lsn in opened {
            requests.open(&request(lsn, at(1_000)), Some(at(0)));
            open.insert(lsn);
        }
        prop_assert_eq!(requests.len(), open.len());
        for lsn in answers {
            let asked = request(lsn, at(1_000));
            let key = TraceKey::of(asked.lsn, asked.at);
            let answer = IssuerAnswer { key, amount: asked.amount, answer: approved() };
            let found = requests.answered(&answer).map(|request| request.lsn.get());
            prop_assert_eq!(found, open.take(&lsn));
        }
        prop_assert_eq!(requests.len(), open.len());
    }
}
