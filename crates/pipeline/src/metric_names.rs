//! The pipeline's metrics. No label carries an id.

use std::sync::LazyLock;

use domain::{Conversions, CurrencyPair, Evidence, Unavailable};
use metrics::{Counter, Unit, counter, describe_counter, describe_gauge, gauge};

const EVIDENCE_UNAVAILABLE: &str = "payswitch_evidence_unavailable_total";
const RATE_MOVE_PPM: &str = "payswitch_rate_move_ppm";

/// Handles resolved once, at the first request: the process installs its recorder before it serves.
static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    account_not_found: counter!(EVIDENCE_UNAVAILABLE, "kind" => "account_not_found"),
    rate_missing: counter!(EVIDENCE_UNAVAILABLE, "kind" => "rate_missing"),
    rate_stale: counter!(EVIDENCE_UNAVAILABLE, "kind" => "rate_stale"),
    consent_not_found: counter!(EVIDENCE_UNAVAILABLE, "kind" => "consent_not_found"),
    card_not_found: counter!(EVIDENCE_UNAVAILABLE, "kind" => "card_not_found"),
    payment_not_found: counter!(EVIDENCE_UNAVAILABLE, "kind" => "payment_not_found"),
    quote_token_invalid: counter!(EVIDENCE_UNAVAILABLE, "kind" => "quote_token_invalid"),
});

struct Metrics {
    account_not_found: Counter,
    rate_missing: Counter,
    rate_stale: Counter,
    consent_not_found: Counter,
    card_not_found: Counter,
    payment_not_found: Counter,
    quote_token_invalid: Counter,
}

/// Tells the recorder what each metric means.
pub fn describe_metrics() {
    describe_counter!(
        EVIDENCE_UNAVAILABLE,
        Unit::Count,
        "Payment requests that went to the engine without all their evidence, repeats included, by kind."
    );
    describe_gauge!(
        RATE_MOVE_PPM,
        "How volatile a pair is: mean move of its last published rates, in millionths. By currencies."
    );
}

/// Counts a request once if evidence is missing: without a payer there is no conversion either.
pub(crate) fn count_unavailable(converted: &Evidence<Conversions>) {
    let Evidence::Unavailable(reason) = converted else { return };
    let counter = match reason {
        Unavailable::AccountNotFound => &METRICS.account_not_found,
        Unavailable::RateMissing(_) => &METRICS.rate_missing,
        Unavailable::RateStale(_) => &METRICS.rate_stale,
        Unavailable::ConsentNotFound => &METRICS.consent_not_found,
        Unavailable::CardNotFound => &METRICS.card_not_found,
        Unavailable::PaymentNotFound => &METRICS.payment_not_found,
        Unavailable::QuoteTokenInvalid => &METRICS.quote_token_invalid,
    };
    counter.increment(1);
}

/// Tells how volatile a pair has become.
pub(crate) fn set_rate_move(pair: CurrencyPair, move_ppm: u32) {
    let (presentment, debit) = (pair.presentment.code(), pair.debit.code());
    gauge!(RATE_MOVE_PPM, "presentment" => presentment, "debit" => debit).set(f64::from(move_ppm));
}
