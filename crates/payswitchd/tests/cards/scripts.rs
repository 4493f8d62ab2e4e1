//! Whatever an issuer does, the payment ends, the books of the network agree, and nobody is charged for nothing.

use cardnet::{Authorization, Books, TEST_NUMBERS};
use money::Currency;
use tokio::join;
use wire::v1::{self, DeclineReason, PaymentState};

use crate::{
    asked::{all_told, bound, charge, metric, signed_on, until, verify, yuan},
    played::Played,
    support::parties::{End, Sandbox, decided},
};

/// Scripts that no test number has, and shorter waits for two that have them.
const SCRIPTS: &str = "4012888888881881=lose-advices:2\n5200828282828210=slow:200\n371449635398431=late:3000\n";
/// A card that is approved at once.
const APPROVED: &str = "4242424242424242";
/// How long an issuer may take in a sandbox.
const ANSWER_MS: u64 = 8_000;

const UNMATCHED: &str = "payswitch_card_answers_total{class=\"unmatched\"}";
const LATE: &str = "payswitch_card_answers_total{class=\"late\"}";
const CLOSED_BY_GARBAGE: &str = "payswitch_card_lines_closed_total{cause=\"garbage\"}";
const CLOSED: &str = "payswitch_card_lines_closed_total{cause=\"other\"}";
const REPEATS: &str = "payswitch_card_messages_sent_total{kind=\"repeat\"}";

/// What has to happen before such a payment ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// Nothing but the answer.
    Answered,
    /// Another answer on the same line.
    BehindAnother,
    /// The issuer's time passes, once what is counted was.
    InTime,
    /// The issuer's time passes, and then it answers.
    Late,
}

/// What a script comes to.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    reason: DeclineReason,
    ends: Ends,
    /// What the daemon counts meanwhile, and how often at least.
    counted: Option<(&'static str, u64)>,
    /// Whether the issuer approved, whatever came of it.
    is_in_books: bool,
}

fn outcome(script: &str) -> Outcome {
    let captured =
        Outcome { reason: DeclineReason::Unspecified, ends: Ends::Answered, counted: None, is_in_books: true };
    let no = |reason| Outcome { reason, is_in_books: false, ..captured };
    let late = Outcome { reason: DeclineReason::IssuerUnavailable, ends: Ends::InTime, ..captured };
    let counting = |counted, outcome| Outcome { counted: Some(counted), ..outcome };
    match script {
        "approve" | "slow:200" => captured,
        "decline:05" => no(DeclineReason::IssuerDeclined),
        "decline:41" | "decline:43" => no(DeclineReason::CardPickUp),
        "decline:51" => no(DeclineReason::CardFunds),
        "decline:54" => no(DeclineReason::CardExpired),
        "decline:96" => no(DeclineReason::IssuerUnavailable),
        "partial:50" => Outcome { reason: DeclineReason::PartiallyApproved, ..captured },
        "silent" => late,
        "late:3000" => counting((LATE, 1), Outcome { ends: Ends::Late, ..late }),
        "duplicate" => counting((UNMATCHED, 1), captured),
        "out-of-order" => Outcome { ends: Ends::BehindAnother, ..captured },
        "garbage" => counting((CLOSED_BY_GARBAGE, 1), late),
        "disconnect" => counting((CLOSED, 1), late),
        "wrong-amount" => counting((UNMATCHED, 1), late),
        "refuse-advices:2" | "lose-advices:2" => counting((REPEATS, 2), captured),
        other => panic!("nobody says what {other} comes to"),
    }
}

/// The script of each card that the test binds.
fn scripts() -> Vec<(&'static str, &'static str)> {
    let others = SCRIPTS.lines().filter_map(|line| line.split_once('=')).collect::<Vec<_>>();
    let printed = TEST_NUMBERS.into_iter().filter(|(pan, _)| others.iter().all(|(other, _)| other != pan));
    printed.chain(others.iter().copied()).collect()
}

#[tokio::test]
async fn every_script_comes_to_its_end_and_the_books_agree() {
    let played = Played::start(SCRIPTS, 0);
    let sandbox = Sandbox::with_file(&played.configuration(""));
    verify(&sandbox.wallet).await;
    let mut payments = Vec::new();
    for (pan, script) in scripts() {
        payments.extend(pay(&sandbox, &played, pan, script).await);
    }
    check_books(&sandbox, &payments, &played.books()).await;

    // What was said stays said.
    let sandbox = sandbox.restart(End::Killed).await;
    signed_on(&sandbox).await;
    all_told(&sandbox).await;
    check_books(&sandbox, &payments, &played.books()).await;
}

/// Pays by a card of this script; returns the payment, behind it the other one that its end needed.
async fn pay(sandbox: &Sandbox, played: &Played, pan: &str, script: &str) -> Vec<v1::Payment> {
    let expected = outcome(script);
    let card = bound(&sandbox.wallet, pan).await;
    signed_on(sandbox).await;
    let before =
        (played.books().authorizations().count(), expected.counted.map(|(name, _)| metric(&sandbox.daemon, name)));
    let has_counted = || match (expected.counted, before.1) {
        (Some((name, times)), Some(before)) => metric(&sandbox.daemon, name) >= before + times,
        _ => true,
    };
    let is_booked = || played.books().authorizations().count() > before.0;
    let meanwhile = async {
        match expected.ends {
            Ends::Answered => None,
            Ends::BehindAnother => {
                until(sandbox, script, is_booked).await;
                let other = bound(&sandbox.wallet, APPROVED).await;
                let request = charge(&format!("behind {pan}"), &other.card_token, yuan(10_000));
                Some(decided(sandbox.cafe.authorize(request).await))
            }
            Ends::InTime => {
                until(sandbox, script, || is_booked() && has_counted()).await;
                sandbox.advance(ANSWER_MS).await;
                None
            }
            Ends::Late => {
                until(sandbox, script, is_booked).await;
                sandbox.advance(ANSWER_MS).await;
                None
            }
        }
    };
    let asked = sandbox.cafe.authorize(charge(pan, &card.card_token, yuan(25_000)));
    let (answered, other) = join!(asked, meanwhile);
    let payment = decided(answered);
    check_end(&payment, expected, script);
    all_told(sandbox).await;
    until(sandbox, script, has_counted).await;
    assert_eq!(booked(&played.books(), &payment).is_some(), expected.is_in_books, "{script}");
    [Some(payment), other].into_iter().flatten().collect()
}

fn check_end(payment: &v1::Payment, expected: Outcome, script: &str) {
    assert_eq!(payment.decline_reason(), expected.reason, "{script}");
    let card = payment.card.as_ref().expect("it was paid by card");
    if payment.state() == PaymentState::Captured {
        assert_eq!(expected.reason, DeclineReason::Unspecified, "{script}");
        assert_eq!((card.response_code.as_str(), card.approval_code.len()), ("00", 6), "{script}");
        assert_eq!(card.billing_amount, Some(v1::Money { currency_code: "USD".to_owned(), minor_units: 3_871 }));
        assert_eq!(card.billing_rate, "0.1503108", "{script}");
        assert_eq!((payment.payer_text.as_str(), payment.merchant_text.as_str()), ("", ""), "{script}");
    } else {
        assert_eq!(payment.state(), PaymentState::Declined, "{script}");
        assert!(!payment.payer_text.is_empty() && !payment.merchant_text.is_empty(), "{script}");
        assert_ne!(payment.payer_text, payment.merchant_text, "{script}");
        let code = script.strip_prefix("decline:").or(script.starts_with("partial").then_some("10"));
        assert_eq!(card.response_code, code.unwrap_or_default(), "{script}");
        assert_eq!(card.approval_code, "", "{script}");
    }
}

/// The books have each payment once and nothing else: captured as we have it, or undone.
async fn check_books(sandbox: &Sandbox, payments: &[v1::Payment], books: &Books) {
    assert_eq!(books.open().count(), 0, "nothing is charged without an open payment");
    assert_eq!(books.reversed_unseen().count(), 0);
    let mut found = 0;
    for payment in payments {
        let (booked, is_captured) = (booked(books, payment), payment.state() == PaymentState::Captured);
        let units = |money: &Option<v1::Money>| money.as_ref().map_or(0, |money| i128::from(money.minor_units));
        match booked {
            Some(booked) => {
                found += 1;
                assert_eq!(booked.reversed, !is_captured, "{payment:?}");
                let captured = if is_captured { units(&payment.debit_amount) } else { 0 };
                assert_eq!(
                    (booked.captured.minor_units(), booked.refunded.minor_units()),
                    (captured, 0),
                    "{payment:?}"
                );
            }
            None => assert!(!is_captured, "{payment:?}"),
        }
    }
    assert_eq!(books.authorizations().count(), found, "the books have nothing that was not asked");
    let owed = books.totals().get(&Currency::CNY).expect("something was captured").owed.minor_units();
    assert_eq!(i128::from(sandbox.house("scheme_receivable", "CNY").await), -owed, "they owe what we say they owe");
    assert_eq!(books.totals().len(), 1, "in one currency");
}

/// What the books have of a payment: there is at most one.
fn booked<'a>(books: &'a Books, payment: &v1::Payment) -> Option<&'a Authorization> {
    let card = payment.card.as_ref().expect("it was paid by card");
    let mut all = books.authorizations().map(|(_, found)| found);
    let is_of_payment = |found: &&Authorization| {
        (found.last_four.as_str(), found.rrn.as_str()) == (&card.last_four, &card.retrieval_reference_number)
    };
    let booked = all.by_ref().find(is_of_payment);
    assert_eq!(all.filter(is_of_payment).count(), 0, "it is in the books twice: {payment:?}");
    booked
}
