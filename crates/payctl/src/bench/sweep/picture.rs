//! A sweep as an SVG picture: above how much was done, below how long it took, over the value that changed.

use super::{Step, Swept};
use crate::svg::{BOTTOM, HEIGHT, LEFT, RIGHT, Svg, TOP, WIDTH};
use crate::words;

/// Between the two panels.
const GAP: f64 = 26.0;
const PANEL: f64 = (HEIGHT - TOP - BOTTOM - GAP) / 2.0;
const UPPER_BOTTOM: f64 = TOP + PANEL;
const LOWER_TOP: f64 = UPPER_BOTTOM + GAP;
/// Ticks of the upper panel, about.
const TICKS: f64 = 4.0;
/// Points stand a little off the frame.
const INSET: f64 = 18.0;
/// Colours of the lines; those with a legend come first.
const P50: usize = 0;
const P99: usize = 1;
const PER_SECOND: usize = 2;
/// Labels closer than this, in pixels, would touch.
const LABEL_WIDTH: f64 = 44.0;

/// The picture.
pub(in crate::bench) fn svg(swept: &Swept) -> String {
    let mut steps: Vec<&Step> = swept.steps.iter().collect();
    steps.sort_by_key(|step| step.value);
    let title = steps.last().map_or("", |step| step.report.title.as_str());
    let across = if swept.what == "in flight" { "callers at once" } else { "payments asked for in each second" };
    let mut svg = Svg::titled("Throughput and latency", &subtitle(title));
    let places = Places::of(&steps);
    svg.axis_title_across(&format!("{across}, logarithmic"));
    let mut last = f64::NEG_INFINITY;
    for step in &steps {
        let x = places.x(step.value);
        let label = if x - last >= LABEL_WIDTH { words::count(step.value) } else { String::new() };
        last = if label.is_empty() { last } else { x };
        svg.tick_at_place(x, &label);
    }
    throughput(&mut svg, &places, &steps);
    latencies(&mut svg, &places, &steps);
    svg.legend_in_head(&["p50", "p99"]);
    svg.finish()
}

/// Without what changes: the title of a step begins with the kind of its loop.
fn subtitle(title: &str) -> String {
    let parts: Vec<&str> = title.split(", ").collect();
    match parts.as_slice() {
        [kind, _changes, rest @ ..] => format!("{kind}; {}", rest.join(", ")),
        _ => title.to_owned(),
    }
}

/// From swept values to places across, logarithmic.
struct Places {
    low: f64,
    high: f64,
}

impl Places {
    fn of(steps: &[&Step]) -> Self {
        let log = |step: Option<&&Step>| step.map_or(0.0, |step| (step.value as f64).ln());
        Self { low: log(steps.first()), high: log(steps.last()) }
    }

    fn x(&self, value: u64) -> f64 {
        let span = self.high - self.low;
        let share = if span > 0.0 { ((value as f64).ln() - self.low) / span } else { 0.5 };
        LEFT + INSET + (WIDTH - LEFT - RIGHT - 2.0 * INSET) * share
    }
}

fn throughput(svg: &mut Svg, places: &Places, steps: &[&Step]) {
    let rates = steps.iter().map(|step| step.report.payments_per_second);
    let most = rates.fold(1.0, f64::max);
    let step = round_step(most / TICKS);
    let top = (most / step).ceil() * step;
    let y = |rate: f64| UPPER_BOTTOM - PANEL * (rate / top);
    let mut tick = 0.0;
    while tick <= top * 1.001 {
        svg.tick_at_height(y(tick), &words::count(crate::bench::report::whole_number(tick)));
        tick += step;
    }
    svg.axis_title_upwards("payments/s", (TOP + UPPER_BOTTOM) / 2.0);
    svg.marked_line(PER_SECOND, steps.iter().map(|step| (places.x(step.value), y(step.report.payments_per_second))));
}

/// 1, 2 or 5 times a power of ten, not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    steps.into_iter().map(|step| step * power).find(|step| *step >= least).unwrap_or(least)
}

fn latencies(svg: &mut Svg, places: &Places, steps: &[&Step]) {
    let log = |us: u64| (us.max(1) as f64).log10();
    let low = steps.iter().map(|step| log(step.report.latency_us.p50)).fold(f64::INFINITY, f64::min);
    let high = steps.iter().map(|step| log(step.report.latency_us.p99)).fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if low <= high { (low.floor(), high.ceil().max(low.floor() + 1.0)) } else { (0.0, 1.0) };
    let y = |log: f64| HEIGHT - BOTTOM - PANEL * ((log - low) / (high - low));
    let mut power = low;
    while power <= high {
        svg.tick_at_height(y(power), &crate::bench::chart::latency_label(power));
        power += 1.0;
    }
    svg.axis_title_upwards("latency", (LOWER_TOP + HEIGHT - BOTTOM) / 2.0);
    svg.marked_line(P50, steps.iter().map(|step| (places.x(step.value), y(log(step.report.latency_us.p50)))));
    svg.marked_line(P99, steps.iter().map(|step| (places.x(step.value), y(log(step.report.latency_us.p99)))));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_between_ticks_are_round() {
        for (least, step) in [(0.9, 1.0), (1.0, 1.0), (1.1, 2.0), (2_500.0, 5_000.0), (6_001.0, 10_000.0)] {
            assert!((round_step(least) - step).abs() < 1e-9 * step, "{least}: {}", round_step(least));
        }
    }

    #[test]
    fn the_subtitle_leaves_out_what_changes() {
        let title = "closed loop, 64 in flight, 4 connections, lean client";
        assert_eq!(subtitle(title), "closed loop; 4 connections, lean client");
        assert_eq!(subtitle("odd"), "odd");
    }
}
