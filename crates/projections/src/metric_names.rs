//! The read models' metrics. No label carries an id.

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use money::Currency;

const APPLIED_LSN: &str = "payswitch_applied_lsn";
const FEED_WAITS: &str = "payswitch_feed_waits_total";
const HOT_RECORDS: &str = "payswitch_hot_records";
const INDEX_APPLIED_LSN: &str = "payswitch_index_applied_lsn";
const INDEX_WRITE_SECONDS: &str = "payswitch_index_write_duration_seconds";
const INDEX_WRITE_FAILURES: &str = "payswitch_index_write_failures_total";
const EXPOSURE_SOFT_LIMIT: &str = "payswitch_exposure_soft_limit_total";

/// Tells the recorder what each metric means.
pub fn describe_metrics() {
    describe_gauge!(APPLIED_LSN, Unit::Count, "Last position the read models have seen.");
    describe_counter!(FEED_WAITS, Unit::Count, "Times the shard waited because the read models had fallen behind.");
    describe_gauge!(HOT_RECORDS, Unit::Count, "Records the read models keep in memory beside the index.");
    describe_gauge!(INDEX_APPLIED_LSN, Unit::Count, "Last position that was written to the index.");
    describe_histogram!(INDEX_WRITE_SECONDS, Unit::Seconds, "Time to write one batch to the index.");
    describe_counter!(
        INDEX_WRITE_FAILURES,
        Unit::Count,
        "Batches the index did not take; until it takes them, what follows from them stays in memory."
    );
    describe_counter!(
        EXPOSURE_SOFT_LIMIT,
        Unit::Count,
        "Payments since the ledger began that left the open position above its soft limit, by currency."
    );
}

pub(crate) fn applied_lsn() -> Gauge {
    gauge!(APPLIED_LSN)
}

pub(crate) fn hot_records() -> Gauge {
    gauge!(HOT_RECORDS)
}

pub(crate) fn index_applied_lsn() -> Gauge {
    gauge!(INDEX_APPLIED_LSN)
}

pub(crate) fn index_write_seconds() -> Histogram {
    histogram!(INDEX_WRITE_SECONDS)
}

pub(crate) fn index_write_failures() -> Counter {
    counter!(INDEX_WRITE_FAILURES)
}

pub(crate) fn feed_waits() -> Counter {
    counter!(FEED_WAITS)
}

/// Counts payments that left the open position in this currency above its soft limit.
pub(crate) fn count_above_soft_limit(currency: Currency, payments: u64) {
    counter!(EXPOSURE_SOFT_LIMIT, "currency" => currency.code()).increment(payments);
}
