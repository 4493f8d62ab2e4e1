use super::super::tally::{Answer, Kind};
use super::*;
use crate::render::plain;

fn report() -> Report {
    let mut tally = Tally::new();
    for number in 1..=100_u8 {
        tally.record(Kind::Main, Duration::from_micros(u64::from(number) * 100), Answer::Approved([number; 16]));
    }
    tally.record(Kind::Main, Duration::from_micros(50), Answer::Declined);
    let cpu = Used { client: Duration::from_millis(1), server: None };
    Report::new(
        "closed loop, 8 in flight, 1 connections".into(),
        "lean",
        "payments",
        Duration::from_millis(50),
        &tally,
        cpu,
    )
}

#[test]
fn a_report_reads_in_eighty_columns() {
    let mut report = report();
    report.troubles.push("refused UNAVAILABLE DRAINING: the daemon is stopping".into());
    let expected = "\
closed loop, 8 in flight, 1 connections; 0.1 s measured

            per second  p50 µs  p90 µs  p99 µs  p99.9 µs  max µs
  payments       2,000   5,003   9,007   9,903    10,007  10,007

  approved  100 distinct payments, every amount worked out again
  declined  1
  refused   0
  CPU       9.9 µs a call (0.00 s) here, unknown in the daemon
  trouble   refused UNAVAILABLE DRAINING: the daemon is stopping
";
    assert_eq!(plain(text(&report)), expected);
}

#[test]
fn a_comparison_shows_its_ratio_and_spread() {
    let mut report = report();
    let ratio = Ratio::of("payments/s to echoes/s".into(), vec![0.5, 0.7, 0.6, 0.625]);
    report.beside.push(Beside::new("echo", 300, Duration::from_millis(100), report.histogram.clone(), ratio));
    let shown = plain(text(&report));
    assert!(shown.contains("echo           3,000"), "{shown}");
    assert!(shown.contains("ratio     0.613  payments/s to echoes/s (0.500 to 0.700 in 4 pairs)"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
}

#[test]
fn the_median_of_an_even_number_lies_between_the_middle_two() {
    let of =
        |ratios: &[f64]| Ratio::of(String::new(), ratios.to_vec()).map(|ratio| (ratio.min, ratio.median, ratio.max));
    assert_eq!(of(&[3.0, 1.0, 2.0]), Some((1.0, 2.0, 3.0)));
    assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]), Some((1.0, 2.5, 4.0)));
    assert_eq!(of(&[]), None);
}

#[test]
fn json_has_the_numbers_scripts_ask_for() {
    let json = serde_json::to_value(report()).unwrap();
    assert_eq!(json["paymentsPerSecond"], 2_000.0);
    assert_eq!(json["latencyUs"]["p99.9"], 10_007);
    assert_eq!(json["answers"]["approved"], 100);
    assert_eq!((&json["clientCpuSeconds"], &json["client"]), (&0.001.into(), &"lean".into()));
    assert!(json.get("histogram").is_none() && json.get("beside").is_none());
}
