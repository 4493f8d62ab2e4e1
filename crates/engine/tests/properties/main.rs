//! Random commands against an engine and a model of it that shares no code with it.

mod ask;
mod model;
mod run;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use domain::{Command, Event, Lsn, OpenAccount, Record, RegisterWallet, Timestamp};
use engine::Engine;
use proptest::{collection::vec, prelude::*};

use crate::{model::currency, run::Run};

/// A failure prints the shortest steps that show it. `PROPTEST_CASES` asks for more, `PROPTEST_RNG_SEED` repeats a run.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    ProptestConfig { cases: cases.unwrap_or(96), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_outcome_and_balance_is_as_the_model_says(steps in vec(ask::step(), 1..100)) {
        let mut run = Run::begin();
        for step in &steps {
            run.step(step);
        }
        run.audit();
    }
}

/// Applies a changed copy of the last record of a fresh run to the engine before it, and tells whether it panicked.
fn panics(change: impl FnOnce(&mut Record)) -> bool {
    let run = Run::begin();
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
    assert!(panics(|record| record.event = Event::RatesPublished));
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
    let mut run = Run::begin();
    let key = ask::key(domain::TenantId::Switch, 1, domain::Method::OpenAccount, &[]);
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
