//! An engine that forgets whatever it may after each record, and now and then is begun anew from what stands.

use std::sync::Arc;

use domain::{Command, Event, PaymentId, Record, Stamped, Submission};
use engine::{Decision, Engine};

/// What stands is told and taken in again with every so many records.
const RECORDS_A_RESTART: u64 = 3;

#[derive(Debug, Default)]
pub(crate) struct Forgetful {
    engine: Engine,
}

impl Forgetful {
    /// Takes back what the command needs, as a shard does, and decides.
    pub(crate) fn decide(&mut self, records: &[Arc<Record>], stamped: &Stamped<Submission>) -> Decision {
        let Submission { key, command } = &stamped.command;
        if let Some(key) = key.filter(|key| self.engine.lacks_key(key)) {
            let of_key = |record: &&Arc<Record>| {
                record.key.is_some_and(|own| (own.tenant, own.digest) == (key.tenant, key.digest))
            };
            records.iter().rfind(of_key).into_iter().for_each(|record| self.engine.recall_key(record));
        }
        if let Command::AuthorizePayment(asked) = command
            && self.engine.lacks_order(asked.merchant, asked.merchant_order_digest)
        {
            let order = (asked.merchant, asked.merchant_order_digest);
            for record in records {
                if let Command::AuthorizePayment(earlier) = &record.command
                    && (earlier.merchant, earlier.merchant_order_digest) == order
                {
                    self.recall(records, earlier.payment_id);
                }
            }
        } else if let Some(payment) = command.payment_id() {
            self.recall(records, payment);
        }
        self.engine.decide(stamped)
    }

    pub(crate) fn apply(&mut self, records: &[Arc<Record>], record: &Arc<Record>) {
        if !matches!(record.command, Command::AuthorizePayment(_))
            && let Some(payment) = record.command.payment_id()
        {
            self.recall(records, payment);
        }
        self.engine.apply(record);
        self.engine.forget(record.lsn, 0);
        if record.lsn.get().is_multiple_of(RECORDS_A_RESTART) {
            let mut restarted = Engine::default();
            for standing in self.engine.standing() {
                restarted.stand(standing.clone()).unwrap_or_else(|why| panic!("{why:?}: {standing:?}"));
            }
            restarted.check_standing().expect("what stood stands");
            assert!(restarted.standing().eq(self.engine.standing()), "equal states tell equal lists");
            assert_eq!(restarted.digest(), self.engine.digest());
            self.engine = restarted;
        }
    }

    /// Takes back everything: this is the state of an engine that never forgot.
    pub(crate) fn remembering(mut self, records: &[Arc<Record>]) -> Engine {
        for record in records {
            if let (Command::AuthorizePayment(asked), None) = (&record.command, record.event.decline()) {
                self.recall(records, asked.payment_id);
            }
        }
        // Of a key that ended and was used again, the last record is told first.
        records.iter().rev().for_each(|record| self.engine.recall_key(record));
        self.engine
    }

    fn recall(&mut self, records: &[Arc<Record>], payment: PaymentId) {
        if self.engine.lacks_payment(payment) {
            let concerned: Vec<_> = records.iter().filter(|record| concerns(record, payment)).cloned().collect();
            self.engine.recall_payment(payment, &concerned).expect("the records of a payment that was forgotten");
        }
    }
}

fn concerns(record: &Record, payment: PaymentId) -> bool {
    match &record.event {
        Event::HoldsExpired(holds) => holds.iter().any(|hold| hold.payment_id == payment),
        Event::RefundsPriced(refunds) => refunds.iter().any(|refund| refund.payment_id == payment),
        _ => record.command.payment_id() == Some(payment),
    }
}
