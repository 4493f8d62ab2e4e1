//! Steps in an order that chance seldom finds, compared with the model all the same.

use domain::{CaptureMode, CaptureRest, Mode};

use crate::{
    ask::{Ask, Consented, Part, Pay, Step, Subject, Twist},
    run::Run,
    tape::PAIRS,
};

const SECOND: i64 = 1_000_000;
const DAY: i64 = 24 * 3_600 * SECOND;

/// A run in which each step says what is expected of it.
struct Directed(Run);

impl Directed {
    fn begin() -> Self {
        Self(Run::funded(Mode::Sandbox))
    }

    fn ask(&mut self, wait_us: i64, ask: Ask, expected: &str) {
        self.0.step(&Step { wait_us, sweeps: true, key: None, ask: ask.clone() });
        assert_eq!(self.0.last_said(), expected, "{ask:?}");
    }

    /// Ends as every run does.
    fn end(mut self) {
        self.0.end_all_holds();
        self.0.audit();
    }
}

/// A hold of CNY 10.00 on the first account, which is in HKD, for the first merchant, which is paid in CNY.
fn hold(order: u8, consent: Consented) -> Pay {
    Pay {
        subject: Subject { merchant: 0, account: 0, presentment: "CNY", units: 1_000 },
        order,
        mode: CaptureMode::Manual,
        consent,
        offer: None,
        max_percent: None,
        ordered: false,
        twist: Twist::Nothing,
    }
}

fn rates(percent: u64) -> Ask {
    let (spread, offset_s, valid_s) = (0, 0, None);
    Ask::Rates { pair: 0, percent, spread, offset_s, valid_s, pairs: PAIRS.len(), overridden: true }
}

fn increase(units: i64) -> Ask {
    Ask::Increase { payment: 0, units, further: None, twist: Twist::Nothing }
}

fn capture(part: Part) -> Ask {
    Ask::Capture { payment: 0, part, rest: CaptureRest::Kept, stranger: false }
}

fn refund(part: Part) -> Ask {
    Ask::Refund { payment: 0, part, stranger: false }
}

const VOID: Ask = Ask::Void { payment: 0, stranger: false };

#[test]
fn the_eleventh_guess_within_a_minute_is_refused() {
    let mut run = Directed::begin();
    let guess = || Ask::Pay(hold(1, Consented::Code(2)));
    for _ in 0..10 {
        run.ask(SECOND, guess(), "Authorize: declined consent_not_found");
    }
    run.ask(0, guess(), "Authorize: refused too_many_guesses");
    let code = Ask::Code { code: 2, account: 0, merchant: 0, units: 5_000 };
    run.ask(0, code.clone(), "IssueCode: CodeIssued");
    run.ask(0, guess(), "Authorize: refused too_many_guesses");
    run.ask(60 * SECOND, code, "IssueCode: CodeIssued");
    run.ask(0, guess(), "Authorize: Authorized");
    run.end();
}

#[test]
fn a_code_that_exists_is_no_guess_where_the_mandate_is_revoked() {
    let mut run = Directed::begin();
    let (units, period_units) = (100_000, 100_000);
    let mandate = Ask::Mandate { account: 0, merchant: 0, units, period_units, period_ms: 1_000, holds_s: 9_999 };
    run.ask(0, mandate, "GrantMandate: MandateGranted");
    run.ask(0, Ask::Pay(hold(1, Consented::Mandate(0))), "Authorize: Authorized");
    run.ask(0, Ask::Revoke { mandate: 0, wallet: 0 }, "RevokeMandate: MandateRevoked");
    run.ask(0, Ask::Code { code: 0, account: 0, merchant: 0, units: 100 }, "IssueCode: CodeIssued");
    let further = Ask::Increase { payment: 0, units: 1, further: Some(0), twist: Twist::Nothing };
    for _ in 0..12 {
        run.ask(0, further.clone(), "IncreaseAuthorization: declined consent_not_found");
    }
    run.end();
}

#[test]
fn an_increase_beyond_what_was_agreed_to_takes_a_further_code_each_time() {
    let mut run = Directed::begin();
    let code = |code, units| Ask::Code { code, account: 0, merchant: 0, units };
    let further = Ask::Increase { payment: 0, units: 100, further: Some(1), twist: Twist::Nothing };
    // The hold debits HKD 11.93, and each increase HKD 1.19 or 1.20 more.
    run.ask(0, code(0, 1_193), "IssueCode: CodeIssued");
    run.ask(0, Ask::Pay(hold(1, Consented::Code(0))), "Authorize: Authorized");
    run.ask(0, increase(100), "IncreaseAuthorization: declined consent_exceeded");
    run.ask(0, further.clone(), "IncreaseAuthorization: declined consent_not_found");
    run.ask(0, code(1, 120), "IssueCode: CodeIssued");
    run.ask(0, further.clone(), "IncreaseAuthorization: Increased");
    run.ask(0, further.clone(), "IncreaseAuthorization: declined consent_not_found");
    run.ask(0, code(1, 1), "IssueCode: CodeIssued");
    run.ask(0, further, "IncreaseAuthorization: declined consent_exceeded");
    run.ask(0, capture(Part::All), "Capture: Captured exchanged");
    run.end();
}

#[test]
fn a_hold_ends_at_the_moment_it_expires() {
    // Ten minutes from its record on.
    for (wait_us, expected) in [
        (600 * SECOND - 2, "Capture: Captured exchanged"),
        (600 * SECOND - 1, "Capture: refused move_not_allowed expired capture"),
    ] {
        for sweeps in [true, false] {
            let mut run = Directed::begin();
            run.ask(0, Ask::Pay(hold(1, Consented::Named)), "Authorize: Authorized");
            run.0.step(&Step { wait_us, sweeps, key: None, ask: capture(Part::All) });
            assert_eq!(run.0.last_said(), expected, "{wait_us} {sweeps}");
            run.end();
        }
    }
}

#[test]
fn a_payment_has_eight_tranches_at_most() {
    let mut run = Directed::begin();
    run.ask(0, Ask::Pay(hold(1, Consented::Named)), "Authorize: Authorized");
    for percent in 101..108 {
        run.ask(SECOND, rates(percent), "PublishRates: RatesPublished");
        run.ask(0, increase(100), "IncreaseAuthorization: Increased");
    }
    run.ask(0, increase(100), "IncreaseAuthorization: Increased");
    run.ask(SECOND, rates(100), "PublishRates: RatesPublished");
    run.ask(0, increase(100), "IncreaseAuthorization: refused too_many_tranches");
    run.ask(0, capture(Part::Percent(77)), "Capture: Captured exchanged");
    for _ in 0..3 {
        run.ask(0, refund(Part::Percent(33)), "Refund: Refunded exchanged");
    }
    run.ask(0, capture(Part::All), "Capture: Captured exchanged");
    run.ask(0, refund(Part::All), "Refund: Refunded exchanged");
    run.ask(0, refund(Part::All), "Refund: refused move_not_allowed refunded refund");
    run.end();
}

#[test]
fn a_frozen_account_holds_no_more_and_keeps_what_it_holds() {
    let mut run = Directed::begin();
    run.ask(0, Ask::Pay(hold(1, Consented::Named)), "Authorize: Authorized");
    run.ask(0, Ask::Freeze { account: 0 }, "FreezeAccount: Frozen");
    run.ask(0, increase(1), "IncreaseAuthorization: declined account_frozen");
    run.ask(0, Ask::Pay(hold(2, Consented::Named)), "Authorize: declined account_frozen");
    run.ask(0, capture(Part::Percent(50)), "Capture: Captured exchanged");
    run.ask(0, refund(Part::Percent(50)), "Refund: Refunded exchanged");
    run.ask(0, VOID, "Void: Voided");
    run.ask(0, Ask::Unfreeze { account: 0 }, "UnfreezeAccount: Unfrozen");
    run.ask(0, Ask::Withdraw { account: 0, units: 1 }, "Withdraw: Moved");
    run.end();
}

#[test]
fn a_quote_holds_until_the_moment_it_expires() {
    let paid = |order| Pay { offer: Some((0, false)), ..hold(order, Consented::Named) };
    for (wait_us, expected) in
        [(SECOND - 2, "Authorize: Authorized"), (SECOND - 1, "Authorize: declined quote_expired")]
    {
        let mut run = Directed::begin();
        let offer = Ask::Offer { subject: paid(0).subject, holds_s: 1 };
        run.0.step(&Step { wait_us: 0, sweeps: true, key: None, ask: offer });
        run.ask(wait_us, Ask::Pay(paid(1)), expected);
        run.end();
    }
    let mut run = Directed::begin();
    let offer = Ask::Offer { subject: paid(0).subject, holds_s: 600 };
    run.0.step(&Step { wait_us: 0, sweeps: true, key: None, ask: offer });
    // Neither another rate, nor its age, nor other rules spoil it; a declined payment does not use it up.
    run.ask(SECOND, rates(90), "PublishRates: RatesPublished");
    let mut rules = crate::rules::Rules::first();
    (rules.markup, rules.age_ms) = (33_333, 1);
    run.ask(0, Ask::Policy(Box::new(rules)), "due: PolicyInstalled");
    run.ask(SECOND, Ask::Pay(hold(1, Consented::Named)), "Authorize: refused rate_stale");
    run.ask(0, Ask::Freeze { account: 0 }, "FreezeAccount: Frozen");
    run.ask(0, Ask::Pay(paid(1)), "Authorize: declined account_frozen");
    run.ask(0, Ask::Unfreeze { account: 0 }, "UnfreezeAccount: Unfrozen");
    run.ask(0, Ask::Pay(paid(1)), "Authorize: Authorized");
    run.ask(0, Ask::Pay(paid(2)), "Authorize: declined quote_used");
    run.ask(0, VOID, "Void: Voided");
    run.ask(0, Ask::Pay(paid(3)), "Authorize: declined quote_used");
    run.end();
}

#[test]
fn a_mandates_period_gets_back_what_was_held_in_it_and_never_taken() {
    let mut run = Directed::begin();
    // A hold debits HKD 11.93; the period has room for two and a little.
    let (units, period_units) = (50_000, 2_500);
    let mandate = Ask::Mandate { account: 0, merchant: 0, units, period_units, period_ms: 60_000, holds_s: 9_999 };
    run.ask(0, mandate, "GrantMandate: MandateGranted");
    let pay = |order| Ask::Pay(hold(order, Consented::Mandate(0)));
    run.ask(0, pay(1), "Authorize: Authorized");
    run.ask(0, increase(1_000), "IncreaseAuthorization: Increased");
    run.ask(0, increase(1_000), "IncreaseAuthorization: declined consent_exceeded");
    run.ask(0, pay(2), "Authorize: declined consent_exceeded");
    // In the next period only what it grows by there counts, and only that comes back.
    run.ask(60 * SECOND, increase(1_000), "IncreaseAuthorization: Increased");
    run.ask(0, capture(Part::Percent(30)), "Capture: Captured exchanged");
    run.ask(0, VOID, "Void: Voided");
    run.ask(0, pay(3), "Authorize: Authorized");
    run.ask(0, pay(4), "Authorize: Authorized");
    run.ask(0, pay(5), "Authorize: declined consent_exceeded");
    run.ask(0, VOID, "Void: Voided");
    run.ask(0, pay(5), "Authorize: Authorized");
    run.end();
}

#[test]
fn fifty_refunds_of_a_payment_wait_for_the_next_day_and_their_account_stays() {
    let mut run = Directed::begin();
    // The third merchant gives back at the rate of the next day; the second account is in CNY.
    let subject = Subject { merchant: 2, account: 1, presentment: "HKD", units: 10_000 };
    let pay = Pay { subject, mode: CaptureMode::Automatic, ..hold(1, Consented::Named) };
    run.ask(0, Ask::Pay(pay), "Authorize: Captured exchanged");
    for _ in 0..50 {
        run.ask(0, refund(Part::Percent(1)), "Refund: RefundPending exchanged");
    }
    run.ask(0, refund(Part::Percent(1)), "Refund: refused too_many_pending_refunds");
    let all = i64::try_from(run.0.available(1)).expect("a small balance");
    run.ask(0, Ask::Withdraw { account: 1, units: all }, "Withdraw: Moved");
    run.ask(0, Ask::Close { account: 1 }, "CloseAccount: declined account_not_empty");
    run.ask(DAY, rates(97), "PublishRates: RatesPublished");
    run.ask(0, refund(Part::All), "Refund: RefundPending exchanged");
    run.ask(2 * DAY, rates(104), "PublishRates: RatesPublished");
    run.ask(0, refund(Part::All), "Refund: refused move_not_allowed refunded refund");
    let given = i64::try_from(run.0.available(1)).expect("a small balance");
    assert!(given > 0);
    run.ask(0, Ask::Withdraw { account: 1, units: given }, "Withdraw: Moved");
    run.ask(0, Ask::Close { account: 1 }, "CloseAccount: Closed");
    run.end();
}

#[test]
fn many_holds_end_in_several_records() {
    let mut run = Directed::begin();
    for order in 0..130 {
        run.ask(0, Ask::Pay(hold(order, Consented::Named)), "Authorize: Authorized");
    }
    let before = run.0.records().len();
    run.0.end_all_holds();
    assert_eq!(run.0.records().len() - before, 3, "64, 64 and 2");
    run.0.audit();
}
