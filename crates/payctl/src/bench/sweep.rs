//! The same load again and again, with one setting that changes.

mod picture;

use std::num::{NonZeroU32, NonZeroUsize};
use std::str::FromStr;

use serde::Serialize;

use super::Bench;
use super::report::{Answers, Report};
use super::setup::Setup;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{Align, BAD, Fields, GOOD, Table, paint};
use crate::words;

pub(super) use self::picture::svg;

/// Steps of one sweep.
const STEPS_MAX: usize = 32;

/// What changes, and its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sweep {
    /// Callers at once, in closed loops.
    InFlight(Vec<NonZeroUsize>),
    /// Payments to send in each second, in open loops.
    Rate(Vec<NonZeroU32>),
}

/// Reads `in-flight=1,4,16` or `rate=500,1000`.
impl FromStr for Sweep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a sweep reads in-flight=1,4,16,64 or rate=500,1000,2000".to_owned();
        let (what, values) = text.split_once('=').ok_or_else(wrong)?;
        if values.split(',').count() > STEPS_MAX {
            return Err(format!("a sweep has at most {STEPS_MAX} steps"));
        }
        match what {
            "in-flight" => numbers(values).map(Self::InFlight).ok_or_else(wrong),
            "rate" => numbers(values).map(Self::Rate).ok_or_else(wrong),
            _ => Err(wrong()),
        }
    }
}

fn numbers<T: FromStr>(values: &str) -> Option<Vec<T>> {
    values.split(',').map(|value| value.trim().parse().ok()).collect()
}

/// What a sweep found.
#[derive(Debug)]
pub(super) struct Swept {
    /// What changed, as its axis is called.
    what: &'static str,
    steps: Vec<Step>,
}

/// One step of it. As JSON a sweep is its steps.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    /// Callers at once, or payments asked for in each second.
    value: u64,
    #[serde(flatten)]
    report: Report,
}

impl Serialize for Swept {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.steps.serialize(serializer)
    }
}

impl Sweep {
    /// Runs the load of `bench` for each value, warm-up included.
    pub(super) async fn run(&self, bench: &Bench, setup: &Setup) -> Result<Swept, Error> {
        let (what, benches) = self.benches(bench);
        let mut steps = Vec::new();
        for (value, bench) in benches {
            steps.push(Step { value, report: bench.report(setup, None).await? });
        }
        Ok(Swept { what, steps })
    }

    /// The load with each value.
    fn benches(&self, bench: &Bench) -> (&'static str, Vec<(u64, Bench)>) {
        match self {
            Self::InFlight(values) => {
                let with = |value: &NonZeroUsize| (value.get() as u64, Bench { in_flight: *value, ..bench.clone() });
                ("in flight", values.iter().map(with).collect())
            }
            Self::Rate(values) => {
                let with = |value: &NonZeroU32| (value.get().into(), Bench { rate: Some(*value), ..bench.clone() });
                ("asked/s", values.iter().map(with).collect())
            }
        }
    }
}

impl Swept {
    fn answers(&self) -> Answers {
        self.steps.iter().map(|step| step.report.answers).fold(Answers::default(), Answers::plus)
    }

    /// How the command ends: by the worst that was answered in any step.
    pub(super) fn exit(&self) -> Exit {
        self.answers().exit()
    }
}

/// The sweep for people.
pub(super) fn text(swept: &Swept) -> String {
    let numbers = ["per second", "p50 µs", "p99 µs", "p99.9 µs", "CPU here", "daemon", "MiB"];
    let mut columns = vec![(swept.what, Align::Right)];
    columns.extend(numbers.map(|number| (number, Align::Right)));
    let mut table = Table::new(<[_; 8]>::try_from(columns).expect("a column for each number"));
    for Step { value, report } in &swept.steps {
        let [p50, p99, p999] = [report.latency_us.p50, report.latency_us.p99, report.latency_us.p999].map(words::count);
        let cpu = |us: Option<f64>| us.map_or_else(|| "-".to_owned(), |us| format!("{us:.1}"));
        let mib = report.server_resident_bytes.map(|bytes| bytes.peak.div_ceil(1024 * 1024));
        table.row([
            words::count(*value),
            words::count(super::report::whole_number(report.payments_per_second)),
            p50,
            p99,
            p999,
            cpu(report.cpu.client_cpu_us_per_call),
            cpu(report.cpu.server_cpu_us_per_call),
            mib.map_or_else(|| "-".to_owned(), words::count),
        ]);
    }
    let answers = swept.answers();
    let mut fields = Fields::default();
    fields.line("CPU", "in µs a call");
    fields.line("approved", paint(GOOD, words::count(answers.approved)));
    let others = [("declined", answers.declined), ("refused", answers.refused)];
    let bad = [("unanswered", answers.unanswered), ("unsent", answers.unsent), ("wrong", answers.wrong)];
    for (name, count) in others.into_iter().chain(bad).filter(|(_, count)| *count > 0) {
        fields.line(name, paint(BAD, words::count(count)));
    }
    for (value, trouble) in swept.steps.iter().flat_map(|step| step.report.troubles.iter().map(|why| (step.value, why)))
    {
        fields.line("trouble", format!("at {}: {trouble}", words::count(value)));
    }
    format!("{table}\n{fields}")
}

#[cfg(test)]
mod tests;
