//! Latency by percentile as an SVG picture, drawn here: axes, ticks, a line for each series.

use hdrhistogram::Histogram;

use super::report::{Report, whole_number};
use crate::svg::{BOTTOM, HEIGHT, LEFT, RIGHT, Svg, TOP, WIDTH};
use crate::words;

/// Percentiles marked on the axis. It is stretched towards the end: each step leaves a tenth of the step before.
const PERCENTILES: [(f64, &str); 6] =
    [(0.0, "0"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (0.9999, "99.99"), (0.99999, "99.999")];

/// Points drawn in each tenfold step of the axis.
const POINTS_PER_STEP: u32 = 40;

/// The picture.
pub(super) fn svg(report: &Report) -> String {
    let mut series = vec![(report.calls, &report.histogram)];
    series.extend(report.beside.iter().map(|beside| (beside.name.as_str(), &beside.histogram)));
    let scale = Scale::of(&series);
    let subtitle =
        format!("{}; {} {}/s", report.title, words::count(whole_number(report.payments_per_second)), report.calls);
    let mut svg = Svg::titled("Latency by percentile", &subtitle);
    axes(&mut svg, &scale);
    for (index, (name, histogram)) in series.iter().enumerate() {
        line(&mut svg, &scale, histogram, index);
        svg.legend(index, name);
    }
    svg.finish()
}

/// From values to places.
#[derive(Debug, PartialEq)]
struct Scale {
    /// Tenfold steps on the percentile axis.
    steps: f64,
    /// Powers of ten at both ends of the latency axis, microseconds.
    low: i32,
    high: i32,
}

impl Scale {
    /// As many steps as the samples support, and the powers of ten around all latencies.
    fn of(series: &[(&str, &Histogram<u64>)]) -> Self {
        let samples = series.iter().map(|(_, histogram)| histogram.len()).max().unwrap_or(1);
        let min = series.iter().map(|(_, histogram)| histogram.min()).min().unwrap_or(1).max(1);
        let max = series.iter().map(|(_, histogram)| histogram.max()).max().unwrap_or(1).max(1);
        let low = floor_log10(min);
        let steps = f64::from(floor_log10(samples).clamp(2, 5));
        Self { steps, low, high: (floor_log10(max) + 1).max(low + 1) }
    }

    fn x(&self, quantile: f64) -> f64 {
        let step = if quantile >= 1.0 { self.steps } else { -(1.0 - quantile).log10() };
        LEFT + (WIDTH - LEFT - RIGHT) * (step / self.steps).clamp(0.0, 1.0)
    }

    fn y(&self, latency_us: f64) -> f64 {
        let share = (latency_us.max(1.0).log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share.clamp(0.0, 1.0)
    }
}

fn floor_log10(value: u64) -> i32 {
    value.checked_ilog10().and_then(|log| i32::try_from(log).ok()).unwrap_or(0)
}

fn axes(svg: &mut Svg, scale: &Scale) {
    for power in scale.low..=scale.high {
        svg.tick_at_height(scale.y(10_f64.powi(power)), &latency_label(power.into()));
    }
    for (quantile, label) in PERCENTILES.into_iter().chain([(0.5, "50")]) {
        if quantile < 1.0 && -(1.0 - quantile).log10() <= scale.steps + 0.001 {
            svg.tick_at_place(scale.x(quantile), label);
        }
    }
    svg.axis_titles("percentile of calls, %", "latency, logarithmic");
}

/// `100 µs`, `1 ms`, `10 s`.
pub(super) fn latency_label(power: f64) -> String {
    let (unit, base) = match power {
        ..3.0 => ("µs", 0.0),
        3.0..6.0 => ("ms", 3.0),
        _ => ("s", 6.0),
    };
    format!("{:.0} {unit}", 10_f64.powf(power - base))
}

fn line(svg: &mut Svg, scale: &Scale, histogram: &Histogram<u64>, index: usize) {
    let step = |n: u32| f64::from(n) / f64::from(POINTS_PER_STEP);
    let points = (0..).map(step).take_while(|step| *step <= scale.steps + 0.001).map(|step| {
        let quantile = 1.0 - 10_f64.powf(-step);
        (scale.x(quantile), scale.y(histogram.value_at_quantile(quantile) as f64))
    });
    svg.line(index, points);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::cpu::Used;
    use super::super::tally::{Answer, Kind, Tally};
    use super::*;

    fn report() -> Report {
        let mut tally = Tally::new();
        for latency in 1..=20_000_u64 {
            tally.record(Kind::Main, Duration::from_micros(200 + latency / 10), Answer::Right);
        }
        Report::new(
            "closed loop, 64 in flight".into(),
            "lean",
            "payments",
            Duration::from_secs(1),
            &tally,
            Used::default(),
        )
    }

    #[test]
    fn a_chart_has_a_title_axes_with_units_and_a_line() {
        let svg = svg(&report());
        for part in ["Latency by percentile", "percentile of calls, %", ">99.99<", ">1 ms<", ">10 ms<", "<polyline"] {
            assert!(svg.contains(part), "{part}");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }

    #[test]
    fn the_axes_hold_all_samples() {
        let report = report();
        let scale = Scale::of(&[("payments", &report.histogram)]);
        assert_eq!(scale, Scale { steps: 4.0, low: 2, high: 4 });
        assert_eq!((scale.x(0.0), scale.x(1.0)), (LEFT, WIDTH - RIGHT));
        assert!(scale.y(200.0) > scale.y(2_200.0), "slower is higher");
    }

    #[test]
    fn an_empty_run_still_draws() {
        let tally = Tally::new();
        let report = Report::new(String::new(), "lean", "payments", Duration::ZERO, &tally, Used::default());
        assert!(!svg(&report).contains("NaN"));
    }
}
