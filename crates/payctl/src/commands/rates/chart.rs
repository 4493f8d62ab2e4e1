//! The rates of one pair over time as an SVG picture, drawn here.

use wire::v1::Rate;

use crate::svg::{BOTTOM, HEIGHT, LEFT, RIGHT, Svg, TOP, WIDTH};
use crate::words;

/// How many rules there are on each axis, about.
const TICKS: f64 = 6.0;
/// The most rules along the time.
const TIME_TICKS_MAX: i64 = 6;
const DAY: i64 = 86_400;
/// Distances between rules along the time, in seconds.
const TIME_STEPS: [i64; 29] = [
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    2 * 60,
    5 * 60,
    10 * 60,
    15 * 60,
    30 * 60,
    60 * 60,
    2 * 60 * 60,
    3 * 60 * 60,
    6 * 60 * 60,
    12 * 60 * 60,
    DAY,
    2 * DAY,
    5 * DAY,
    10 * DAY,
    20 * DAY,
    50 * DAY,
    100 * DAY,
    200 * DAY,
    500 * DAY,
    1_000 * DAY,
    2_000 * DAY,
    5_000 * DAY,
];
/// The narrowest band of rates that is drawn, as a share of the rate: a rate that stands still stays a line.
const BAND_MIN: f64 = 0.000_1;

/// What is drawn of one rate. A picture may round; nothing else is made of these numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    seconds: i64,
    lsn: u64,
    mid: f64,
    bid: Option<f64>,
    ask: Option<f64>,
}

impl Point {
    fn of(rate: &Rate) -> Option<Self> {
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
        let seconds = rate.as_of_time.as_ref()?.seconds;
        Some(Self {
            seconds,
            lsn: rate.lsn,
            mid: number(&rate.mid_rate)?,
            bid: number(&rate.bid),
            ask: number(&rate.ask),
        })
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        [Some(self.mid), self.bid, self.ask].into_iter().flatten()
    }
}

/// The picture, from rates in any order.
pub(super) fn svg(pair: &str, rates: &[Rate]) -> String {
    let mut points: Vec<Point> = rates.iter().filter_map(Point::of).collect();
    points.sort_by_key(|point| (point.seconds, point.lsn));
    let count = words::counted(points.len() as u64, "published rate");
    let day = |point: Option<&Point>| point.map(|point| words::day(point.seconds)).unwrap_or_default();
    let subtitle = match points.is_empty() {
        true => count,
        false => format!("{count}, {} to {}", day(points.first()), day(points.last())),
    };
    let mut svg = Svg::titled(pair, &subtitle);
    if let Some(scale) = Scale::of(&points) {
        draw(&mut svg, &scale, pair, &points);
    }
    svg.finish()
}

fn draw(svg: &mut Svg, scale: &Scale, pair: &str, points: &[Point]) {
    for (value, label) in scale.value_ticks() {
        svg.tick_at_height(scale.y(value), &label);
    }
    for (seconds, label) in scale.time_ticks() {
        svg.tick_at_place(scale.x(seconds), &label);
    }
    svg.axis_titles("moment the rate speaks of, UTC", pair);
    let spread = points.iter().any(|point| point.bid.is_some() && point.ask.is_some());
    svg.line(0, points.iter().map(|point| (scale.x(point.seconds), scale.y(point.mid))));
    if spread {
        let place = |point: &Point, value: Option<f64>| value.map(|value| (scale.x(point.seconds), scale.y(value)));
        svg.line(1, points.iter().filter_map(|point| place(point, point.ask)));
        svg.line(2, points.iter().filter_map(|point| place(point, point.bid)));
        svg.legend_in_head(&["mid", "ask", "bid"]);
    }
}

/// From values to places.
#[derive(Debug, PartialEq)]
struct Scale {
    first: i64,
    last: i64,
    low: f64,
    high: f64,
    /// Between two rules across; a power of ten, or two or five of them.
    step: f64,
}

impl Scale {
    /// Around all points; `None` without one.
    fn of(points: &[Point]) -> Option<Self> {
        let (first, last) = (points.first()?.seconds, points.last()?.seconds);
        let values = || points.iter().flat_map(Point::values);
        let (min, max) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
        let room = (max - min).max(max * BAND_MIN);
        let step = round_step(room / TICKS);
        let (low, high) = ((min / step).floor() * step, (max / step).ceil() * step);
        let high = if high > low { high } else { low + step };
        Some(Self { first, last: last.max(first + 1), low, high, step })
    }

    fn x(&self, seconds: i64) -> f64 {
        let share = (seconds - self.first) as f64 / (self.last - self.first) as f64;
        LEFT + (WIDTH - LEFT - RIGHT) * share.clamp(0.0, 1.0)
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share.clamp(0.0, 1.0)
    }

    /// Each step from the lowest to the highest, with as many decimals as the step has.
    fn value_ticks(&self) -> impl Iterator<Item = (f64, String)> {
        let decimals = (0..18).find(|decimals| self.step * 10_f64.powi(*decimals) >= 0.999).unwrap_or(18);
        let decimals = usize::try_from(decimals).unwrap_or_default();
        let count = ((self.high - self.low) / self.step).round().clamp(1.0, 2.0 * TICKS);
        let values = (0_u32..).map_while(move |n| (f64::from(n) <= count).then(|| self.low + f64::from(n) * self.step));
        values.map(move |value| (value, format!("{value:.decimals$}")))
    }

    /// Round moments at equal distances: days, or times of the day when they are closer.
    fn time_ticks(&self) -> impl Iterator<Item = (i64, String)> {
        let span = self.last - self.first;
        let fits = |step: &i64| span / step <= TIME_TICKS_MAX;
        let step = TIME_STEPS.into_iter().find(fits).unwrap_or(span / TIME_TICKS_MAX);
        let label = move |seconds| if step < DAY { words::short_time(Some(seconds)) } else { words::day(seconds) };
        let first = (self.first + step - 1).div_euclid(step);
        (first..=self.last.div_euclid(step)).map(move |n| n * step).map(move |seconds| (seconds, label(seconds)))
    }
}

/// The next larger of 1, 2 and 5 times a power of ten.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    factors.into_iter().map(|factor| factor * power).find(|round| *round >= step * 0.999_999).unwrap_or(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(mids: &[&str]) -> Vec<Rate> {
        let rate = |(day, mid): (i64, &&str)| {
            let mut rate = Rate { mid_rate: (*mid).into(), as_of_time: Some(Default::default()), ..Rate::default() };
            rate.as_of_time.as_mut().unwrap().seconds = day * 86_400;
            rate
        };
        let mut rates: Vec<Rate> = (0..).zip(mids).map(rate).collect();
        rates.reverse();
        rates
    }

    #[test]
    fn a_chart_has_a_title_axes_with_labels_and_a_line() {
        let svg = svg("HKD per CNY", &rates(&["1.17", "1.18", "1.19", "1.175", "1.18"]));
        for part in ["HKD per CNY", "5 published rates, 1970-01-01 to 1970-01-05", ">1.175<", ">1.190<", "<polyline"] {
            assert!(svg.contains(part), "{part} is not in\n{svg}");
        }
        assert_eq!(svg.matches("<polyline").count(), 1);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn a_spread_is_three_lines_with_their_names() {
        let mut spread = rates(&["1.17", "1.18"]);
        for rate in &mut spread {
            (rate.bid, rate.ask) = ("1.16".into(), "1.19".into());
        }
        let svg = svg("HKD per CNY", &spread);
        assert_eq!(svg.matches("<polyline").count(), 3);
        assert!(svg.contains(">ask</text>"), "{svg}");
    }

    #[test]
    fn time_runs_to_the_right_and_rates_upwards() {
        let points: Vec<Point> = rates(&["1", "2"]).iter().rev().filter_map(Point::of).collect();
        let scale = Scale::of(&points).unwrap();
        assert_eq!((scale.x(0), scale.x(86_400)), (LEFT, WIDTH - RIGHT));
        assert!(scale.y(2.0) < scale.y(1.0));
        assert_eq!((scale.low, scale.high), (1.0, 2.0));
    }

    #[test]
    fn of_one_second_the_later_record_is_drawn_later() {
        let mut both = rates(&["1.5", "1.7", "1.6"]);
        for (rate, (seconds, lsn)) in both.iter_mut().zip([(9, 8), (9, 7), (0, 6)]) {
            rate.lsn = lsn;
            rate.as_of_time.as_mut().unwrap().seconds = seconds;
        }
        let svg = svg("HKD per CNY", &both);
        let (_, drawn) = svg.split_once("points=\"").unwrap();
        let heights: Vec<f64> =
            drawn.split('"').next().unwrap().split(' ').filter_map(|at| at.split_once(',')?.1.parse().ok()).collect();
        let [first, second, third] = heights[..] else { panic!("{drawn}") };
        // 1.5, then 1.7, then 1.6; pictures count downwards.
        assert!(second < third && third < first, "{heights:?}");
    }

    #[test]
    fn one_rate_and_none_still_draw() {
        for mids in [&[][..], &["7.8"], &["7.8", "7.8"], &["0.000000000000000001"], &["9999999999"]] {
            let svg = svg("HKD per USD", &rates(mids));
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{mids:?}\n{svg}");
        }
    }

    #[test]
    fn times_are_at_round_and_equal_distances() {
        let labels = |first: i64, last: i64| {
            let scale = Scale { first, last, low: 0.0, high: 1.0, step: 1.0 };
            scale.time_ticks().map(|(_, label)| label).collect::<Vec<_>>()
        };
        let four_days = ["1970-01-02", "1970-01-03", "1970-01-04", "1970-01-05"];
        assert_eq!(labels(1, 4 * DAY + 1), four_days);
        assert_eq!(labels(0, 8_000 * DAY).len(), 5);
        assert_eq!(labels(0, i64::from(u32::MAX) * 100).len(), 7, "longer than any step");
        for span in 4..20 * DAY {
            if span < 200 || span % 977 == 0 {
                let count = labels(7, 7 + span).len();
                assert!((2..=7).contains(&count), "{count} in {span} s");
            }
        }
    }

    #[test]
    fn steps_are_round() {
        for (step, round) in [(0.3, 0.5), (1.0, 1.0), (0.021, 0.05), (7.0, 10.0), (0.15, 0.2)] {
            assert!((round_step(step) - round).abs() < 1e-9, "{step}");
        }
    }
}
