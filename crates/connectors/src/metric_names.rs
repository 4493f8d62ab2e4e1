//! The connectors' metrics. No label carries an id.

use std::{sync::LazyLock, time::Duration};

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

const LINES_UP: &str = "payswitch_card_lines_up";
const LINES_CLOSED: &str = "payswitch_card_lines_closed_total";
const SENT: &str = "payswitch_card_messages_sent_total";
const ANSWERS: &str = "payswitch_card_answers_total";
const ADVICES_WAITING: &str = "payswitch_card_advices_waiting";
const ADVICES_REFUSED: &str = "payswitch_card_advices_refused_total";
const ANSWER_SECONDS: &str = "payswitch_card_answer_duration_seconds";

/// Handles resolved once, at the first use: the process installs its recorder before it opens lines.
pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let answer = |class: &'static str| counter!(ANSWERS, "class" => class);
    Metrics {
        lines_up: gauge!(LINES_UP),
        closed_by_garbage: counter!(LINES_CLOSED, "cause" => "garbage"),
        closed_otherwise: counter!(LINES_CLOSED, "cause" => "other"),
        requests: counter!(SENT, "kind" => "request"),
        advices: counter!(SENT, "kind" => "advice"),
        repeats: counter!(SENT, "kind" => "repeat"),
        approved: answer("approved"),
        declined: answer("declined"),
        partial: answer("partial"),
        not_sent: answer("not_sent"),
        taken: answer("taken"),
        late: answer("late"),
        unmatched: answer("unmatched"),
        garbage: answer("garbage"),
        advices_waiting: gauge!(ADVICES_WAITING),
        advices_refused: counter!(ADVICES_REFUSED),
        answer_seconds: histogram!(ANSWER_SECONDS),
    }
});

pub(crate) struct Metrics {
    pub(crate) lines_up: Gauge,
    pub(crate) closed_by_garbage: Counter,
    pub(crate) closed_otherwise: Counter,
    pub(crate) requests: Counter,
    pub(crate) advices: Counter,
    pub(crate) repeats: Counter,
    pub(crate) approved: Counter,
    pub(crate) declined: Counter,
    pub(crate) partial: Counter,
    pub(crate) not_sent: Counter,
    pub(crate) taken: Counter,
    pub(crate) late: Counter,
    pub(crate) unmatched: Counter,
    pub(crate) garbage: Counter,
    pub(crate) advices_waiting: Gauge,
    pub(crate) advices_refused: Counter,
    answer_seconds: Histogram,
}

impl Metrics {
    /// Notes how long an issuer took; a clock that was set back meanwhile shows nothing.
    pub(crate) fn answered_after(&self, millis: i64) {
        if let Ok(millis) = u64::try_from(millis) {
            self.answer_seconds.record(Duration::from_millis(millis));
        }
    }
}

/// A gauge of things that are counted; above four thousand million it says no more.
pub(crate) fn count(of: usize) -> f64 {
    f64::from(u32::try_from(of).unwrap_or(u32::MAX))
}

/// Tells the recorder what each metric means.
pub fn describe_metrics() {
    describe_gauge!(LINES_UP, Unit::Count, "Lines to card networks that are signed on.");
    describe_counter!(
        LINES_CLOSED,
        Unit::Count,
        "Lines to card networks that ended, by cause; sign-offs are not counted."
    );
    describe_counter!(SENT, Unit::Count, "Messages given to lines: requests, advices, repeated advices.");
    describe_counter!(
        ANSWERS,
        Unit::Count,
        "What card networks answered, by class. Late: nothing waited for it any more, counted by what it says too; unmatched: \
         to nothing that was asked; garbage: without what makes it an answer; not_sent: given by the switch itself."
    );
    describe_gauge!(ADVICES_WAITING, Unit::Count, "Advices that card networks have not taken yet.");
    describe_counter!(ADVICES_REFUSED, Unit::Count, "Answers by which a card network does not take an advice.");
    describe_histogram!(ANSWER_SECONDS, Unit::Seconds, "Time from a request to its issuer's answer.");
}
