//! The read models' metrics. No label carries an id.

use metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, gauge};
use money::Currency;

const APPLIED_LSN: &str = "payswitch_applied_lsn";
const FEED_WAITS: &str = "payswitch_feed_waits_total";
const EXPOSURE_SOFT_LIMIT: &str = "payswitch_exposure_soft_limit_total";

/// Tells the recorder what each metric means.
pub fn describe_metrics() {
    describe_gauge!(APPLIED_LSN, Unit::Count, "Last position the read models have seen.");
    describe_counter!(FEED_WAITS, Unit::Count, "Times the shard waited because the read models had fallen behind.");
    describe_counter!(
        EXPOSURE_SOFT_LIMIT,
        Unit::Count,
        "Payments since the ledger began that left the open position above its soft limit, by currency."
    );
}

pub(crate) fn applied_lsn() -> Gauge {
    gauge!(APPLIED_LSN)
}

pub(crate) fn feed_waits() -> Counter {
    counter!(FEED_WAITS)
}

/// Counts a payment that left the open position in this currency above its soft limit.
pub(crate) fn count_above_soft_limit(currency: Currency) {
    counter!(EXPOSURE_SOFT_LIMIT, "currency" => currency.code()).increment(1);
}
