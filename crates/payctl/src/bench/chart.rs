//! Latency by percentile as an SVG picture, drawn here: axes, ticks, a line for each series.

use std::fmt::Write;

use hdrhistogram::Histogram;

use super::report::Report;
use crate::words;

/// Size of the picture, in pixels.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 440.0;
/// Where the axes stand.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 60.0;

/// One colour for each line, distinct also for the colour-blind (Okabe and Ito).
const COLORS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// Percentiles marked on the axis. It is stretched towards the end: each step leaves a tenth of the step before.
const PERCENTILES: [(f64, &str); 6] =
    [(0.0, "0"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (0.9999, "99.99"), (0.99999, "99.999")];

/// Points drawn in each tenfold step of the axis.
const POINTS_PER_STEP: u32 = 40;

/// The picture.
pub(super) fn svg(report: &Report) -> String {
    let mut series = vec![("payments", &report.histogram)];
    series.extend(report.beside.iter().map(|beside| (beside.name.as_str(), &beside.histogram)));
    let scale = Scale::of(&series);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"13\" fill=\"#222\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    text(&mut svg, LEFT, 26.0, "start", "font-size=\"17\" font-weight=\"bold\"", "Latency by percentile");
    let subtitle = format!("{}; {} payments/s", report.title, words::count(rounded(report.payments_per_second)));
    text(&mut svg, LEFT, 46.0, "start", "fill=\"#555\"", &subtitle);
    axes(&mut svg, &scale);
    for (index, ((name, histogram), color)) in series.iter().zip(COLORS).enumerate() {
        line(&mut svg, &scale, histogram, color);
        legend(&mut svg, index, name, color);
    }
    svg + "</svg>\n"
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

fn axes(svg: &mut String, scale: &Scale) {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    for power in scale.low..=scale.high {
        let y = scale.y(10_f64.powi(power));
        rule(svg, [LEFT, y, right, y]);
        text(svg, LEFT - 8.0, y + 4.0, "end", "", &latency_label(power));
    }
    for (quantile, label) in PERCENTILES.into_iter().chain([(0.5, "50")]) {
        if quantile < 1.0 && -(1.0 - quantile).log10() <= scale.steps + 0.001 {
            let x = scale.x(quantile);
            rule(svg, [x, TOP, x, bottom]);
            text(svg, x, bottom + 20.0, "middle", "", label);
        }
    }
    text(svg, (LEFT + right) / 2.0, HEIGHT - 14.0, "middle", "fill=\"#555\"", "percentile of calls, %");
    let (x, y) = (22.0, (TOP + bottom) / 2.0);
    let turned = format!("fill=\"#555\" transform=\"rotate(-90 {x} {y})\"");
    text(svg, x, y, "middle", &turned, "latency, logarithmic");
}

/// `100 µs`, `1 ms`, `10 s`.
fn latency_label(power: i32) -> String {
    let (unit, base) = match power {
        ..3 => ("µs", 0),
        3..6 => ("ms", 3),
        _ => ("s", 6),
    };
    format!("{:.0} {unit}", 10_f64.powi(power - base))
}

fn line(svg: &mut String, scale: &Scale, histogram: &Histogram<u64>, color: &str) {
    let mut points = String::new();
    let mut step = 0.0;
    while step <= scale.steps {
        let quantile = 1.0 - 10_f64.powf(-step);
        let latency = histogram.value_at_quantile(quantile) as f64;
        // Writing to a string cannot fail.
        let _ = write!(points, "{:.1},{:.1} ", scale.x(quantile), scale.y(latency));
        step += 1.0 / f64::from(POINTS_PER_STEP);
    }
    let points = points.trim_end();
    let _ = writeln!(
        svg,
        "<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" stroke-linejoin=\"round\" points=\"{points}\"/>"
    );
}

fn legend(svg: &mut String, index: usize, name: &str, color: &str) {
    let y = TOP + 18.0 + 20.0 * index as f64;
    let (from, to) = (LEFT + 14.0, LEFT + 38.0);
    let _ =
        writeln!(svg, "<line x1=\"{from}\" y1=\"{y}\" x2=\"{to}\" y2=\"{y}\" stroke=\"{color}\" stroke-width=\"3\"/>");
    text(svg, to + 8.0, y + 4.0, "start", "", name);
}

fn rule(svg: &mut String, [x1, y1, x2, y2]: [f64; 4]) {
    let _ = writeln!(
        svg,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#ddd\" stroke-width=\"1\"/>"
    );
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, attributes: &str, content: &str) {
    let content = content.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" {attributes}>{content}</text>");
}

fn rounded(rate: f64) -> u64 {
    format!("{rate:.0}").parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::cpu::Used;
    use super::super::tally::{Answer, Tally};
    use super::*;

    fn report() -> Report {
        let mut tally = Tally::new();
        for latency in 1..=20_000_u64 {
            tally.record(Duration::from_micros(200 + latency / 10), Answer::Echoed);
        }
        Report::new("closed loop, 64 in flight".into(), Duration::from_secs(1), &tally, Used::default())
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
        let report = Report::new(String::new(), Duration::ZERO, &tally, Used::default());
        assert!(!svg(&report).contains("NaN"));
    }
}
