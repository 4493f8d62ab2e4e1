//! Random commands against an engine and a model of it that shares no code with it.

#![allow(clippy::wildcard_enum_match_arm, reason = "a model tells of a few kinds at a time and fails for the others")]

mod ask;
mod command;
mod consents;
mod directed;
mod exact;
mod forgetful;
mod life;
mod model;
#[path = "../../../../fuzz/src/operations.rs"]
#[allow(unreachable_pub, reason = "it is public where a fuzz target calls it")]
mod operations;
mod outcome;
mod payment;
mod quotes;
mod rules;
mod run;
mod saved;
mod splits;
mod tape;
mod together;

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use domain::{Command, Event, Lsn, Mode, OpenAccount, RatesPublished, Record, RegisterWallet, Timestamp};
use engine::Engine;
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::{
    ask::{Ask, Step},
    model::currency,
    rules::Rules,
    run::Run,
};

/// A failure prints the shortest steps that show it. `PROPTEST_CASES` asks for more, `PROPTEST_RNG_SEED` repeats a run.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: cases.unwrap_or(96), failure_persistence: None, ..ProptestConfig::default() }
}

/// What one run is about: a mode, rules of its own or the usual ones, and what is asked.
fn script() -> impl Strategy<Value = (Mode, Option<Rules>, Vec<Step>)> {
    let mode = prop_oneof![4 => Just(Mode::Sandbox), 1 => Just(Mode::Production)];
    (mode, proptest::option::weighted(0.7, rules::rules().boxed()), vec(ask::step(), 1..100))
}

fn play(script: (Mode, Option<Rules>, Vec<Step>)) -> Run {
    let mut run = play_without_end(script);
    run.end_all_holds();
    run.audit();
    run
}

fn play_without_end((mode, rules, steps): (Mode, Option<Rules>, Vec<Step>)) -> Run {
    let mut run = Run::funded(mode);
    let policy = rules.map(|rules| Ask::Policy(Box::new(rules)));
    if let Some(ask) = policy {
        run.step(&Step { wait_us: 0, sweeps: true, key: None, ask });
    }
    for step in &steps {
        run.step(step);
    }
    run
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_outcome_and_balance_is_as_the_model_says(script in script()) {
        play(script);
    }
}

/// What random steps must come across, else they prove nothing about it.
const COME_ACROSS: [&str; 44] = [
    "ApproveOrder: OrderApproved",
    "Authorize: Authorized",
    "Authorize: Authorized above a soft limit",
    "Authorize: Captured",
    "Authorize: Captured exchanged",
    "Authorize: declined account_frozen",
    "Authorize: declined consent_exceeded",
    "Authorize: declined consent_mismatch",
    "Authorize: declined consent_not_found",
    "Authorize: declined debit_above_max",
    "Authorize: declined debit_amount_too_large",
    "Authorize: declined exposure_limit",
    "Authorize: declined insufficient_balance",
    "Authorize: declined order_already_paid",
    "Authorize: declined quote_expired",
    "Authorize: declined quote_mismatch",
    "Authorize: declined quote_not_reproduced",
    "Authorize: declined quote_used",
    "Authorize: refused consent_missing",
    "Authorize: refused rate_missing",
    "Authorize: refused rate_stale",
    "Capture: Captured",
    "Capture: Captured exchanged",
    "Capture: refused amount_above_remaining capture",
    "Capture: refused move_not_allowed expired capture",
    "IncreaseAuthorization: Increased",
    "IncreaseAuthorization: declined consent_not_found",
    "IncreaseAuthorization: declined exposure_limit",
    "IncreaseAuthorization: declined insufficient_balance",
    "PayOut: PaidOut",
    "PublishRates: refused price_invalid",
    "PublishRates: refused rate_moved_too_far",
    "PublishRates: refused rate_out_of_order",
    "Refund: RefundPending exchanged",
    "Refund: Refunded",
    "Refund: Refunded exchanged",
    "Refund: Refunded exchanged from a reserve",
    "Refund: Refunded exchanged with a result",
    "Refund: declined not_enough",
    "RevokeMandate: MandateRevoked",
    "SquarePosition: Squared exchanged with a result",
    "Void: Voided",
    "due: Expired",
    "due: Priced exchanged with a result",
];

#[test]
fn random_steps_come_across_what_matters() {
    let mut runner = TestRunner::deterministic();
    let mut said = BTreeSet::new();
    for _ in 0..400 {
        let script = script().new_tree(&mut runner).expect("a script").current();
        said.extend(play(script).said);
        if COME_ACROSS.iter().all(|answer| said.contains(*answer)) {
            return;
        }
    }
    for answer in COME_ACROSS {
        assert!(said.contains(answer), "{answer:?} is not among {said:#?}");
    }
}

/// Applies a changed copy of the last record of a fresh run to the engine before it, and tells whether it panicked.
fn panics(change: impl FnOnce(&mut Record)) -> bool {
    let run = Run::begin(Mode::Sandbox);
    let (last, before) = run.records().split_last().expect("a run begins with records");
    let mut engine = Engine::default();
    for record in before {
        engine.apply(record);
    }
    let mut record = Record::clone(last);
    change(&mut record);
    catch_unwind(AssertUnwindSafe(|| engine.apply(&Arc::new(record)))).is_err()
}

fn at_lsn(number: impl FnOnce(u64) -> u64) -> impl FnOnce(&mut Record) {
    |record| record.lsn = Lsn::new(number(record.lsn.get()))
}

#[test]
fn a_record_in_its_place_is_applied() {
    assert!(!panics(|_| {}));
}

#[test]
fn a_record_out_of_order_is_not_applied() {
    assert!(panics(at_lsn(|lsn| lsn + 1)), "a gap");
    assert!(panics(at_lsn(|lsn| lsn - 1)), "a record twice");
    assert!(panics(at_lsn(|_| 0)), "the position before the first record");
}

#[test]
fn a_record_of_an_earlier_moment_is_not_applied() {
    assert!(panics(|record| record.at = Timestamp::from_micros(record.at.micros() - 1)));
    assert!(panics(|record| record.at = Timestamp::EPOCH));
}

#[test]
fn an_event_beside_the_command_of_another_is_not_applied() {
    assert!(panics(|record| record.event = Event::AccountClosed));
    assert!(panics(|record| record.event = Event::RatesPublished(RatesPublished::default())));
    assert!(panics(|record| {
        let name = domain::Name::new("other").unwrap();
        record.command = Command::RegisterWallet(RegisterWallet { name });
    }));
}

#[test]
fn a_number_given_twice_or_left_out_is_not_applied() {
    // The last record of a fresh run opens an account.
    for shift in [-1, 1] {
        assert!(panics(|record| {
            let Event::AccountOpened(account) = &mut record.event else { panic!("{record:?}") };
            account.index = account.index.checked_add_signed(shift).unwrap();
        }));
    }
}

#[test]
fn a_key_has_one_record() {
    let mut run = Run::begin(Mode::Sandbox);
    let key = command::key(domain::TenantId::Switch, 1, domain::Method::OpenAccount, &[]);
    let mut open = |name: &str, times: u32| {
        let mut record = Record::clone(run.records().last().unwrap());
        record.lsn = record.lsn.next();
        record.at = Timestamp::from_micros(record.at.micros() + 1);
        record.key = Some(key);
        let Event::AccountOpened(account) = &mut record.event else { panic!("{record:?}") };
        account.index += times;
        let wallet = domain::WalletId(0);
        let name = domain::Name::new(name).unwrap();
        record.command = Command::OpenAccount(OpenAccount { wallet, name, currency: currency("HKD") });
        account.currency = currency("HKD");
        catch_unwind(AssertUnwindSafe(|| run.apply(&Arc::new(record)))).is_err()
    };
    assert!(!open("first", 1));
    assert!(open("second", 1));
}
