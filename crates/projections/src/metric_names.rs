//! The read models' metrics. No label carries an id.

use metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, gauge};

const APPLIED_LSN: &str = "payswitch_applied_lsn";
const FEED_WAITS: &str = "payswitch_feed_waits_total";

/// Tells the recorder what each metric means.
pub fn describe_metrics() {
    describe_gauge!(APPLIED_LSN, Unit::Count, "Last position the read models have seen.");
    describe_counter!(FEED_WAITS, Unit::Count, "Times the shard waited because the read models had fallen behind.");
}

pub(crate) fn applied_lsn() -> Gauge {
    gauge!(APPLIED_LSN)
}

pub(crate) fn feed_waits() -> Counter {
    counter!(FEED_WAITS)
}
