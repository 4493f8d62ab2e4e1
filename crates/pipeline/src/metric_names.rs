//! The pipeline's metrics. No label carries an id.

use std::sync::LazyLock;

use domain::{Converted, Evidence, Unavailable};
use metrics::{Counter, Unit, counter, describe_counter};

const EVIDENCE_UNAVAILABLE: &str = "payswitch_evidence_unavailable_total";

/// Handles resolved once, at the first request: the process installs its recorder before it serves.
static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    account_not_found: counter!(EVIDENCE_UNAVAILABLE, "kind" => "account_not_found"),
    rate_missing: counter!(EVIDENCE_UNAVAILABLE, "kind" => "rate_missing"),
    rate_stale: counter!(EVIDENCE_UNAVAILABLE, "kind" => "rate_stale"),
});

struct Metrics {
    account_not_found: Counter,
    rate_missing: Counter,
    rate_stale: Counter,
}

/// Tells the recorder what each metric means.
pub fn describe_metrics() {
    describe_counter!(
        EVIDENCE_UNAVAILABLE,
        Unit::Count,
        "Payment requests that went to the engine without all their evidence, repeats included, by kind."
    );
}

/// Counts a request once if evidence is missing: without a payer there is no conversion either.
pub(crate) fn count_unavailable(converted: &Evidence<Converted>) {
    let Evidence::Unavailable(reason) = converted else { return };
    let counter = match reason {
        Unavailable::AccountNotFound => &METRICS.account_not_found,
        Unavailable::RateMissing(_) => &METRICS.rate_missing,
        Unavailable::RateStale(_) => &METRICS.rate_stale,
    };
    counter.increment(1);
}
