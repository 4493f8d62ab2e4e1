//! Payments decided together, against the same payments decided one after the other.

use std::{collections::BTreeSet, sync::Arc};

use domain::{
    Approved, AuthorizePayment, AuthorizeTogether, Command, DeclinedTogether, Digest, Event, FIELDS_MAX, Fingerprint,
    IdempotencyKey, KeyedPayment, Lsn, Method, Record, Refusal, Stamped, Standing, StandingPhase, Submission, TenantId,
    Timestamp,
};
use engine::{Decision, Engine};
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::{ask, ask::digest, config, play_without_end, script};

/// More than it takes until payments have ended in every way.
const CASES_MAX: usize = 400;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ended {
    Approved,
    Declined,
    Refused,
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn payments_together_are_decided_as_one_by_one(script in script(), steps in vec(ask::step(), 60)) {
        let run = play_without_end(script);
        let payments = run.payments(&steps, 5);
        if !payments.is_empty() {
            check(run.records(), &payments, run.now());
        }
    }
}

/// Random payments must end in every way, else they prove nothing about it.
#[test]
fn payments_together_end_in_every_way() {
    let mut runner = TestRunner::deterministic();
    let cases = (script(), vec(ask::step(), 60));
    let mut ended = BTreeSet::new();
    for _ in 0..CASES_MAX {
        let (script, steps) = cases.new_tree(&mut runner).expect("a case").current();
        let run = play_without_end(script);
        let payments = run.payments(&steps, 3);
        if payments.len() > 1 {
            ended.insert(check(run.records(), &payments, run.now()));
        }
        if ended.len() == 3 {
            return;
        }
    }
    panic!("{ended:?} only");
}

/// Decides these payments together and one by one, each on what the records lead to, and compares.
fn check(records: &[Arc<Record>], payments: &[AuthorizePayment], at: i64) -> Ended {
    let mut engine = folded(records);
    let keyed: Vec<KeyedPayment> = (0..).zip(payments).map(|(number, payment)| keyed(number, payment)).collect();
    let command = AuthorizeTogether::new(keyed.clone()).expect("a few of one merchant");
    let stamped = Stamped {
        lsn: engine.applied_lsn().next(),
        at: Timestamp::from_micros(at),
        command: Submission { key: None, command: Command::AuthorizeTogether(command) },
    };
    let key = Some(IdempotencyKey { digest: Digest([0xee; 16]), ..keyed[0].key });
    let under_a_key = Stamped { command: Submission { key, ..stamped.command.clone() }, ..stamped };
    assert_eq!(engine.decide(&under_a_key), Decision::Refused(Refusal::OutOfSequence), "its payments have the keys");
    let before = engine.digest();
    let decision = engine.decide(&stamped);
    assert_eq!(engine.digest(), before, "deciding changes nothing");
    let mut alone = folded(records);
    let expected = one_by_one(&mut alone, &keyed, at);
    let event = match decision {
        Decision::RefusedTogether { position, refusal } => {
            assert_eq!(expected, Err((position, refusal)));
            return Ended::Refused;
        }
        Decision::Recorded(event) => event,
        other => panic!("{other:?}"),
    };
    assert_eq!(expected, Ok(event.clone()));
    let stood = what_stands(&engine, at);
    let record = Arc::new(stamped.into_record(event));
    engine.apply(&record);
    engine.assert_conserved();
    let ended = match record.event {
        Event::AuthorizedTogether(_) => {
            assert_eq!(what_stands(&engine, at), what_stands(&alone, at), "as if each had been decided alone");
            Ended::Approved
        }
        _ => {
            assert_eq!(what_stands(&engine, at), stood, "nothing has happened");
            Ended::Declined
        }
    };
    check_repeats(engine, &record, &keyed);
    ended
}

fn one_by_one(engine: &mut Engine, payments: &[KeyedPayment], at: i64) -> Result<Event, (usize, Refusal)> {
    let mut all = Vec::new();
    for (position, KeyedPayment { key, authorize }) in payments.iter().enumerate() {
        let later = i64::try_from(position).expect("a few");
        let command = Command::AuthorizePayment(authorize.clone());
        let stamped = Stamped {
            lsn: engine.applied_lsn().next(),
            at: Timestamp::from_micros(at + later),
            command: Submission { key: Some(*key), command },
        };
        let event = match engine.decide(&stamped) {
            Decision::Recorded(event) => event,
            Decision::Refused(refusal) => return Err((position, refusal)),
            other => panic!("a key is new: {other:?}"),
        };
        if let Some(decline) = event.decline() {
            return Ok(Event::DeclinedTogether(DeclinedTogether { position, decline: *decline }));
        }
        engine.apply(&Arc::new(stamped.into_record(event.clone())));
        let mut approved = Approved::of(event).expect("it is approved");
        if let Approved::Held(held) = &mut approved {
            held.expires_at = Timestamp::from_micros(held.expires_at.micros() - later);
        }
        all.push(approved);
    }
    Ok(Event::AuthorizedTogether(all))
}

/// The same again, a part of it, one alone: all are answered by the record, also after everything was forgotten.
fn check_repeats(mut engine: Engine, record: &Arc<Record>, payments: &[KeyedPayment]) {
    let lsn = record.lsn;
    for forgotten in [false, true] {
        if forgotten {
            engine.forget(lsn, 0);
            record.parts().for_each(|part| engine.recall_key(&part));
        }
        let ask = |command, key| {
            let command = Submission { key, command };
            engine.decide(&Stamped { lsn: lsn.next(), at: Timestamp::from_micros(record.at.micros() + 1), command })
        };
        let together = |payments: &[KeyedPayment]| {
            ask(Command::AuthorizeTogether(AuthorizeTogether::new(payments.to_vec()).expect("a few")), None)
        };
        assert_eq!(together(payments), Decision::Repeated(Arc::clone(record)));
        let Decision::Repeated(last) = together(&payments[payments.len() - 1..]) else { panic!("a part is a repeat") };
        assert!(last.parts().eq(record.parts().skip(payments.len() - 1)));
        for (part, KeyedPayment { key, authorize }) in record.parts().zip(payments) {
            assert_eq!(ask(Command::AuthorizePayment(authorize.clone()), Some(*key)), Decision::Repeated(part));
        }
    }
}

/// What must be the same whichever way payments came about, however their records lie.
fn what_stands(engine: &Engine, at: i64) -> Vec<Standing> {
    let now = Timestamp::from_micros(at + 100);
    let standing = engine.standing().filter(|standing| match standing {
        Standing::Ledger(_) | Standing::Guesses(_) => false,
        // What has ended is forgotten record by record.
        Standing::Code(code) => code.expires_at > now,
        Standing::Approval(approval) => approval.expires_at > now,
        Standing::UsedQuote(_, expires_at) => *expires_at > now,
        _ => true,
    });
    let unplaced = standing.map(|standing| match standing {
        Standing::Payment(payment) => {
            let phase = match payment.phase {
                StandingPhase::Open(_) => StandingPhase::Open(Timestamp::EPOCH),
                ended => ended,
            };
            Standing::Payment(domain::StandingPayment { changed: Lsn::ZERO, phase, ..payment })
        }
        other => other,
    });
    unplaced.collect()
}

fn folded(records: &[Arc<Record>]) -> Engine {
    let mut engine = Engine::default();
    records.iter().for_each(|record| engine.apply(record));
    engine
}

fn keyed(number: u32, authorize: &AuthorizePayment) -> KeyedPayment {
    let text = format!("together-{number}");
    let fingerprint = Fingerprint { method: Method::Authorize, request: digest(&text), fields: [number; FIELDS_MAX] };
    let key: Digest = digest(&text);
    let key = IdempotencyKey { tenant: TenantId::Merchant(authorize.merchant), digest: key, fingerprint };
    KeyedPayment { key, authorize: authorize.clone() }
}
