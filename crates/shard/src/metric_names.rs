//! The shard's metrics. No label carries an id.

use domain::Command;
use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use money::{Currency, Money};

const DECISIONS: &str = "payswitch_decisions_total";
const DUE_COMMANDS: &str = "payswitch_due_commands_total";
const EXPOSURE: &str = "payswitch_exposure_minor_units";
const BATCH_RECORDS: &str = "payswitch_journal_batch_records";
const COMMIT_SECONDS: &str = "payswitch_journal_commit_duration_seconds";
const RECORD_BYTES: &str = "payswitch_journal_record_bytes_total";
const DURABLE_LSN: &str = "payswitch_durable_lsn";
const DISK_FULL: &str = "payswitch_disk_full";
const JOURNAL_FAILED: &str = "payswitch_journal_failed";
const PAST_UNREADABLE: &str = "payswitch_past_unreadable_total";

/// Tells the recorder what each metric means.
pub fn describe_metrics() {
    describe_counter!(DECISIONS, Unit::Count, "Commands answered by the engine, by answer.");
    describe_counter!(DUE_COMMANDS, Unit::Count, "Commands the switch gave itself because they were due, by kind.");
    describe_gauge!(
        EXPOSURE,
        "Open position of a currency in its minor units, of the house and reserved by holds, weighted as limits count it."
    );
    describe_histogram!(BATCH_RECORDS, Unit::Count, "Records in one group commit.");
    describe_histogram!(COMMIT_SECONDS, Unit::Seconds, "Time of one group commit: write and sync.");
    describe_counter!(RECORD_BYTES, Unit::Bytes, "Bytes of records handed to the journal, without framing.");
    describe_gauge!(DURABLE_LSN, Unit::Count, "Last position known durable.");
    describe_gauge!(DISK_FULL, Unit::Count, "1 while the disk is too full for new records: writes are refused.");
    describe_counter!(
        PAST_UNREADABLE,
        Unit::Count,
        "Requests refused because the index could not be read, or was far behind."
    );
    describe_gauge!(JOURNAL_FAILED, Unit::Count, "1 after the journal failed: writes are refused until a restart.");
}

/// Handles resolved once, so that the hot path does not look names up.
pub(crate) struct Metrics {
    pub(crate) approved: Counter,
    pub(crate) declined: Counter,
    pub(crate) repeated: Counter,
    pub(crate) refused: Counter,
    expiries: Counter,
    pricings: Counter,
    card_time_outs: Counter,
    pub(crate) exposures: Exposures,
    pub(crate) batch_records: Histogram,
    pub(crate) commit_seconds: Histogram,
    pub(crate) record_bytes: Counter,
    pub(crate) durable_lsn: Gauge,
    pub(crate) journal_failed: Gauge,
    pub(crate) disk_full: Gauge,
    pub(crate) past_unreadable: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            approved: counter!(DECISIONS, "answer" => "approved"),
            declined: counter!(DECISIONS, "answer" => "declined"),
            repeated: counter!(DECISIONS, "answer" => "repeated"),
            refused: counter!(DECISIONS, "answer" => "refused"),
            expiries: counter!(DUE_COMMANDS, "kind" => "expire_holds"),
            pricings: counter!(DUE_COMMANDS, "kind" => "price_refunds"),
            card_time_outs: counter!(DUE_COMMANDS, "kind" => "time_out_card"),
            exposures: Exposures::default(),
            batch_records: histogram!(BATCH_RECORDS),
            commit_seconds: histogram!(COMMIT_SECONDS),
            record_bytes: counter!(RECORD_BYTES),
            durable_lsn: gauge!(DURABLE_LSN),
            journal_failed: gauge!(JOURNAL_FAILED),
            disk_full: gauge!(DISK_FULL),
            past_unreadable: counter!(PAST_UNREADABLE),
        }
    }

    /// Counts a command that time made due.
    ///
    /// # Panics
    /// When time makes no such command due.
    pub(crate) fn count_due(&self, command: &Command) {
        let counters = [
            (matches!(command, Command::ExpireHolds), &self.expiries),
            (matches!(command, Command::PriceRefunds), &self.pricings),
            (matches!(command, Command::TimeOutCard(_)), &self.card_time_outs),
        ];
        let counter = counters.into_iter().find(|(is_it, _)| *is_it);
        counter.unwrap_or_else(|| panic!("due by time alone: {command:?}")).1.increment(1);
    }
}

/// The open position by currency, as the recorder was last told. Currencies are few, so each batch looks at all and
/// tells only what has changed.
#[derive(Default)]
pub(crate) struct Exposures(Vec<Exposure>);

struct Exposure {
    currency: Currency,
    position: Amount,
    reserved: Amount,
}

struct Amount {
    gauge: Gauge,
    minor_units: i128,
    told: Option<i128>,
}

impl Exposures {
    /// Tells the recorder; a currency that is not among these any more is told as zero.
    pub(crate) fn tell(&mut self, exposures: impl Iterator<Item = (Currency, Money, Money)>) {
        for known in &mut self.0 {
            (known.position.minor_units, known.reserved.minor_units) = (0, 0);
        }
        for (currency, position, reserved) in exposures {
            let place = self.0.iter().position(|known| known.currency == currency).unwrap_or_else(|| {
                self.0.push(Exposure::new(currency));
                self.0.len() - 1
            });
            let known = &mut self.0[place];
            known.position.minor_units = position.minor_units();
            known.reserved.minor_units = reserved.minor_units();
        }
        for known in &mut self.0 {
            known.position.tell();
            known.reserved.tell();
        }
    }
}

impl Exposure {
    fn new(currency: Currency) -> Self {
        let amount = |part: &'static str| Amount {
            gauge: gauge!(EXPOSURE, "currency" => currency.code(), "part" => part),
            minor_units: 0,
            told: None,
        };
        Self { currency, position: amount("position"), reserved: amount("reserved") }
    }
}

impl Amount {
    fn tell(&mut self) {
        if self.told != Some(self.minor_units) {
            self.gauge.set(self.minor_units as f64);
            self.told = Some(self.minor_units);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use metrics::{GaugeFn, Key, KeyName, Metadata, Recorder, SharedString, with_local_recorder};

    use super::*;

    /// Every gauge set, as `currency part value`.
    #[derive(Clone, Default)]
    struct Told(Arc<Mutex<Vec<String>>>);

    struct ToldGauge(Told, String);

    impl GaugeFn for ToldGauge {
        fn increment(&self, _: f64) {
            unreachable!("exposures are set");
        }

        fn decrement(&self, _: f64) {
            unreachable!("exposures are set");
        }

        fn set(&self, value: f64) {
            self.0.0.lock().expect("one thread").push(format!("{} {value}", self.1));
        }
    }

    impl Recorder for Told {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            Counter::noop()
        }

        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            assert_eq!(key.name(), EXPOSURE);
            let labels: Vec<_> = key.labels().map(metrics::Label::value).collect();
            Gauge::from_arc(Arc::new(ToldGauge(self.clone(), labels.join(" "))))
        }

        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn only_exposures_that_changed_are_told() {
        let told = Told::default();
        let mut exposures = Exposures::default();
        let mut tell = |amounts: &[(Currency, i128, i128)], expected: &[&str]| {
            let money = |(currency, position, reserved): &(Currency, i128, i128)| {
                (*currency, Money::new(*currency, *position), Money::new(*currency, *reserved))
            };
            with_local_recorder(&told, || exposures.tell(amounts.iter().map(money)));
            assert_eq!(std::mem::take(&mut *told.0.lock().expect("one thread")), expected);
        };
        tell(&[], &[]);
        tell(&[(Currency::HKD, -5, 0)], &["HKD position -5", "HKD reserved 0"]);
        tell(&[(Currency::HKD, -5, 0)], &[]);
        tell(&[(Currency::CNY, 1, 2), (Currency::HKD, -5, 7)], &["HKD reserved 7", "CNY position 1", "CNY reserved 2"]);
        tell(&[(Currency::CNY, 1, 0)], &["HKD position 0", "HKD reserved 0", "CNY reserved 0"]);
        tell(&[], &["CNY position 0"]);
    }
}
