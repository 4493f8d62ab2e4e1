//! The shard's metrics. No label carries an id.

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

const DECISIONS: &str = "payswitch_decisions_total";
const BATCH_RECORDS: &str = "payswitch_journal_batch_records";
const COMMIT_SECONDS: &str = "payswitch_journal_commit_duration_seconds";
const RECORD_BYTES: &str = "payswitch_journal_record_bytes_total";
const DURABLE_LSN: &str = "payswitch_durable_lsn";
const JOURNAL_FAILED: &str = "payswitch_journal_failed";

/// Tells the recorder what each metric means.
pub fn describe_metrics() {
    describe_counter!(DECISIONS, Unit::Count, "Commands answered by the engine, by answer.");
    describe_histogram!(BATCH_RECORDS, Unit::Count, "Records in one group commit.");
    describe_histogram!(COMMIT_SECONDS, Unit::Seconds, "Time of one group commit: write and sync.");
    describe_counter!(RECORD_BYTES, Unit::Bytes, "Bytes of records handed to the journal, without framing.");
    describe_gauge!(DURABLE_LSN, Unit::Count, "Last position known durable.");
    describe_gauge!(JOURNAL_FAILED, Unit::Count, "1 after the journal failed: writes are refused until a restart.");
}

/// Handles resolved once, so that the hot path does not look names up.
pub(crate) struct Metrics {
    pub(crate) approved: Counter,
    pub(crate) declined: Counter,
    pub(crate) repeated: Counter,
    pub(crate) refused: Counter,
    pub(crate) batch_records: Histogram,
    pub(crate) commit_seconds: Histogram,
    pub(crate) record_bytes: Counter,
    pub(crate) durable_lsn: Gauge,
    pub(crate) journal_failed: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            approved: counter!(DECISIONS, "answer" => "approved"),
            declined: counter!(DECISIONS, "answer" => "declined"),
            repeated: counter!(DECISIONS, "answer" => "repeated"),
            refused: counter!(DECISIONS, "answer" => "refused"),
            batch_records: histogram!(BATCH_RECORDS),
            commit_seconds: histogram!(COMMIT_SECONDS),
            record_bytes: counter!(RECORD_BYTES),
            durable_lsn: gauge!(DURABLE_LSN),
            journal_failed: gauge!(JOURNAL_FAILED),
        }
    }
}
