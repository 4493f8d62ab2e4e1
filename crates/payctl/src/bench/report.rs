//! What a run found, as a table and as JSON.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::cpu::{Used, us_per_call};
use super::cycle::CycleCall;
use super::load::Call;
use super::server::Resident;
use super::tally::Tally;
use crate::exit::Exit;
use crate::render::{Align, BAD, FAINT, Fields, GOOD, STRONG, Table, paint};
use crate::words;

/// What a run found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// How payments were asked for.
    pub(super) title: String,
    /// Which client made the calls.
    pub(super) client: &'static str,
    /// What one call was: a payment, or a cycle.
    pub(super) calls: &'static str,
    /// Time from the first call to the last answer.
    pub(super) seconds: f64,
    /// Approved payments in each second.
    pub(super) payments_per_second: f64,
    /// Calls of all kinds that were decided, in each second.
    pub(super) calls_per_second: f64,
    /// From asking, or in an open loop from the moment it should have been, to the answer.
    pub(super) latency_us: Latency,
    /// Calls of other kinds: repeats, captures, refunds, gets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) others: Vec<Beside>,
    /// What the answers were.
    pub(super) answers: Answers,
    /// CPU time of both sides while measuring.
    #[serde(flatten)]
    pub(super) cpu: Cpu,
    /// Resident memory of the daemon while measuring; unknown unless it is a process of this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server_resident_bytes: Option<Resident>,
    /// What payments were compared with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) beside: Vec<Beside>,
    /// The first trouble of each kind, in words.
    pub(super) troubles: Vec<String>,
    /// Every latency, for the chart.
    #[serde(skip)]
    pub(super) histogram: Histogram<u64>,
}

/// CPU time, in all and for each call.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Cpu {
    /// Of this process.
    client_cpu_seconds: f64,
    /// Of this process, for each call that was decided.
    pub(super) client_cpu_us_per_call: Option<f64>,
    /// Of the daemon; unknown if it is elsewhere and does not tell.
    server_cpu_seconds: Option<f64>,
    /// Of the daemon, for each call that was decided.
    pub(super) server_cpu_us_per_call: Option<f64>,
}

/// Percentiles in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Latency {
    /// Half are not slower.
    pub(super) p50: u64,
    /// 90 % are not slower.
    pub(super) p90: u64,
    /// 99 % are not slower.
    pub(super) p99: u64,
    /// 99.9 % are not slower.
    #[serde(rename = "p99.9")]
    pub(super) p999: u64,
    /// None is slower.
    pub(super) max: u64,
}

/// What the answers were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Answers {
    /// Distinct payments approved, every amount right.
    pub(super) approved: u64,
    /// Calls of other kinds with the right answer.
    pub(super) right: u64,
    /// Declined.
    pub(super) declined: u64,
    /// Refused; nothing recorded.
    pub(super) refused: u64,
    /// No decision came back.
    pub(super) unanswered: u64,
    /// Open loop: came due and could not be sent.
    pub(super) unsent: u64,
    /// Replies that are not what they must be.
    pub(super) wrong: u64,
}

impl Answers {
    /// Both together.
    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            approved: self.approved + other.approved,
            right: self.right + other.right,
            declined: self.declined + other.declined,
            refused: self.refused + other.refused,
            unanswered: self.unanswered + other.unanswered,
            unsent: self.unsent + other.unsent,
            wrong: self.wrong + other.wrong,
        }
    }

    /// How the command ends: by the worst that was answered.
    pub(super) const fn exit(&self) -> Exit {
        match self {
            Self { wrong: 1.., .. } => Exit::Damaged,
            Self { unanswered: 1.., .. } => Exit::Unreachable,
            Self { refused: 1.., .. } => Exit::Refused,
            _ => Exit::Approved,
        }
    }
}

/// Something payments were compared with.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Beside {
    /// What it is.
    pub(super) name: String,
    /// How often it was done in each second.
    pub(super) per_second: f64,
    /// How long it took.
    pub(super) latency_us: Latency,
    /// How payments compare.
    pub(super) ratio: Option<Ratio>,
    /// CPU time of both sides meanwhile, where it was measured apart.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(super) cpu: Option<Cpu>,
    /// How the daemon's CPU time of a payment compares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpu_ratio: Option<Ratio>,
    /// Every latency, for the chart.
    #[serde(skip)]
    pub(super) histogram: Histogram<u64>,
}

/// A ratio over pairs of neighbouring slices, with its spread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Ratio {
    /// Of what to what.
    pub(super) of: String,
    /// Half of the pairs are not above.
    pub(super) median: f64,
    /// The lowest pair.
    pub(super) min: f64,
    /// The highest pair.
    pub(super) max: f64,
    /// How many pairs.
    pub(super) pairs: usize,
}

impl Report {
    /// The report of a run.
    pub(super) fn new(
        title: String,
        client: &'static str,
        calls: &'static str,
        elapsed: Duration,
        tally: &Tally,
        cpu: Used,
    ) -> Self {
        let approved = tally.approved();
        let others = tally.others_us.iter();
        Self {
            title,
            client,
            calls,
            seconds: elapsed.as_secs_f64(),
            payments_per_second: rate(approved, elapsed),
            calls_per_second: rate(tally.decided(), elapsed),
            latency_us: Latency::of(&tally.latency_us),
            others: others.map(|(kind, us)| Beside::new(kind.noun(), us.len(), elapsed, us.clone(), None)).collect(),
            answers: Answers {
                approved,
                right: tally.right,
                declined: tally.declined,
                refused: tally.refused,
                unanswered: tally.unanswered,
                unsent: tally.unsent,
                wrong: tally.wrong,
            },
            cpu: Cpu::of(cpu, tally.decided()),
            server_resident_bytes: None,
            beside: Vec::new(),
            troubles: tally.troubles.clone(),
            histogram: tally.latency_us.clone(),
        }
    }
}

impl Cpu {
    /// What so many calls used.
    pub(super) fn of(used: Used, calls: u64) -> Self {
        Self {
            client_cpu_seconds: used.client.as_secs_f64(),
            client_cpu_us_per_call: us_per_call(used.client, calls),
            server_cpu_seconds: used.server.map(|used| used.as_secs_f64()),
            server_cpu_us_per_call: used.server.and_then(|used| us_per_call(used, calls)),
        }
    }

    fn text(&self) -> String {
        let side = |seconds: Option<f64>, per_call: Option<f64>| match (seconds, per_call) {
            (Some(seconds), Some(per_call)) => format!("{per_call:.1} µs a call ({seconds:.2} s)"),
            (Some(seconds), None) => format!("{seconds:.2} s"),
            (None, _) => "unknown".to_owned(),
        };
        let client = side(Some(self.client_cpu_seconds), self.client_cpu_us_per_call);
        format!("{client} here, {} in the daemon", side(self.server_cpu_seconds, self.server_cpu_us_per_call))
    }
}

impl Beside {
    /// Something done `times` times in this time.
    pub(super) fn new(
        name: &str,
        times: u64,
        elapsed: Duration,
        histogram: Histogram<u64>,
        ratio: Option<Ratio>,
    ) -> Self {
        let per_second = rate(times, elapsed);
        let latency_us = Latency::of(&histogram);
        Self { name: name.to_owned(), per_second, latency_us, ratio, cpu: None, cpu_ratio: None, histogram }
    }
}

impl Latency {
    /// The percentiles of these latencies.
    pub(super) fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile);
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: histogram.max() }
    }
}

impl Ratio {
    /// Median and spread; `None` without a pair.
    pub(super) fn of(of: String, mut ratios: Vec<f64>) -> Option<Self> {
        ratios.sort_by(f64::total_cmp);
        let (min, max) = (*ratios.first()?, *ratios.last()?);
        let middle = ratios.len() / 2;
        let upper = *ratios.get(middle)?;
        let lower = if ratios.len().is_multiple_of(2) { *ratios.get(middle.checked_sub(1)?)? } else { upper };
        Some(Self { of, median: f64::midpoint(lower, upper), min, max, pairs: ratios.len() })
    }
}

/// Events in each second.
pub(super) fn rate(events: u64, elapsed: Duration) -> f64 {
    if elapsed.is_zero() { 0.0 } else { events as f64 / elapsed.as_secs_f64() }
}

/// The report for people.
pub(super) fn text(report: &Report) -> String {
    let mut table = Table::new([
        ("", Align::Left),
        ("per second", Align::Right),
        ("p50 µs", Align::Right),
        ("p90 µs", Align::Right),
        ("p99 µs", Align::Right),
        ("p99.9 µs", Align::Right),
        ("max µs", Align::Right),
    ]);
    table.row(row(paint(STRONG, report.calls), report.payments_per_second, report.latency_us));
    for beside in report.others.iter().chain(&report.beside) {
        table.row(row(beside.name.clone(), beside.per_second, beside.latency_us));
    }
    let seconds = format!("{:.1} s measured", report.seconds);
    format!("{}; {}\n\n{table}\n{}", report.title, paint(FAINT, seconds), details(report))
}

fn row(name: String, per_second: f64, latency: Latency) -> [String; 7] {
    let [p50, p90, p99, p999, max] =
        [latency.p50, latency.p90, latency.p99, latency.p999, latency.max].map(words::count);
    [name, words::count(whole_number(per_second)), p50, p90, p99, p999, max]
}

fn details(report: &Report) -> Fields {
    let answers = &report.answers;
    let mut fields = Fields::default();
    for ratio in report.beside.iter().flat_map(|beside| [&beside.ratio, &beside.cpu_ratio]).flatten() {
        let median = paint(STRONG, format!("{:.3}", ratio.median));
        let spread = format!("{:.3} to {:.3} in {} pairs", ratio.min, ratio.max, ratio.pairs);
        fields.line("ratio", format!("{median}  {} ({spread})", ratio.of));
    }
    let approved = paint(GOOD, words::count(answers.approved));
    let checked = if report.calls == CycleCall::NOUN { "position checked" } else { "amount worked out again" };
    fields.line("approved", format!("{approved} distinct payments, every {checked}"));
    if answers.right > 0 {
        fields.line("right", format!("{} further answers, each checked", words::count(answers.right)));
    }
    fields.line("declined", words::count(answers.declined));
    fields.line("refused", words::count(answers.refused));
    for (name, count) in [("unanswered", answers.unanswered), ("unsent", answers.unsent), ("wrong", answers.wrong)] {
        if count > 0 {
            fields.line(name, paint(BAD, words::count(count)));
        }
    }
    fields.line("CPU", report.cpu.text());
    for cpu in report.beside.iter().filter_map(|beside| beside.cpu.as_ref()) {
        fields.line("CPU beside", cpu.text());
    }
    if let Some(Resident { begin, peak, end }) = report.server_resident_bytes {
        let [begin, peak, end] = [begin, peak, end].map(|bytes| words::count(bytes.div_ceil(1024 * 1024)));
        fields.line("memory", format!("{begin} MiB in the daemon, at most {peak}, {end} at the end"));
    }
    for trouble in &report.troubles {
        fields.line("trouble", trouble);
    }
    fields
}

/// A rate to be shown.
pub(super) fn whole_number(per_second: f64) -> u64 {
    format!("{per_second:.0}").parse().unwrap_or(0)
}

#[cfg(test)]
mod tests;
