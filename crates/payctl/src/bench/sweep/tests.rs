use std::time::Duration;

use super::super::cpu::Used;
use super::super::tally::{Answer, Kind, Tally};
use super::*;
use crate::render::plain;

/// Three steps, each twice as much and twice as slow as the one before.
fn swept() -> Swept {
    let step = |value: u64| {
        let mut tally = Tally::new();
        for number in 0..value * 10 {
            let id = u128::from(number).to_be_bytes();
            tally.record(Kind::Main, Duration::from_micros(100 * value + number), Answer::Approved(id));
        }
        let cpu = Used { client: Duration::from_micros(30 * value), server: Some(Duration::from_micros(100 * value)) };
        let title = format!("closed loop, {value} in flight, 2 connections, lean client");
        let report = Report::new(title, "lean", "payments", Duration::from_millis(10), &tally, cpu);
        Step { value, report }
    };
    Swept { what: "in flight", steps: [1, 4, 16].map(step).into() }
}

#[test]
fn a_sweep_reads_as_a_list() {
    let sizes = [1, 4, 16].map(|size| NonZeroUsize::new(size).unwrap());
    assert_eq!("in-flight=1,4, 16".parse(), Ok(Sweep::InFlight(sizes.to_vec())));
    assert_eq!("rate=500".parse(), Ok(Sweep::Rate(vec![NonZeroU32::new(500).unwrap()])));
    let many = format!("rate={}", vec!["1"; STEPS_MAX + 1].join(","));
    for wrong in ["", "in-flight", "in-flight=", "in-flight=0", "rate=1,,2", "rate=-1", "speed=1", &many] {
        assert!(wrong.parse::<Sweep>().is_err(), "{wrong}");
    }
}

#[test]
fn each_step_is_a_row() {
    let swept = swept();
    let shown = plain(text(&swept));
    let expected = "  \
  in flight  per second  p50 µs  p99 µs  p99.9 µs  CPU here  daemon  MiB
          1       1,000     104     109       109       3.0    10.0    -
          4       4,000     419     439       439       3.0    10.0    -
         16      16,000   1,679   1,758     1,759       3.0    10.0    -
";
    assert_eq!(shown.split_once("\n\n").unwrap().0.trim(), expected.trim(), "{shown}");
    assert!(shown.contains("approved  210") && shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
    assert_eq!(swept.exit(), Exit::Approved);
}

#[test]
fn the_worst_step_says_how_it_ends() {
    let mut swept = swept();
    swept.steps[0].report.answers.wrong = 1;
    swept.steps[2].report.troubles.push("it hurts".into());
    assert_eq!(swept.exit(), Exit::Damaged);
    assert!(plain(text(&swept)).contains("at 16: it hurts"));
}

#[test]
fn as_json_it_is_its_steps() {
    let json = serde_json::to_value(swept()).unwrap();
    assert_eq!((&json[1]["value"], &json[1]["paymentsPerSecond"]), (&4.into(), &4_000.0.into()));
    assert_eq!(json.as_array().map(Vec::len), Some(3));
}

#[test]
fn the_picture_has_both_panels() {
    let picture = svg(&swept());
    for part in [
        "Throughput and latency",
        ">payments/s<",
        ">latency<",
        ">p99<",
        ">16<",
        ">20,000<",
        ">1 ms<",
        "callers at once",
    ] {
        assert!(picture.contains(part), "{part}: {picture}");
    }
    assert_eq!(picture.matches("<polyline").count(), 3);
    assert!(!picture.contains("NaN") && !picture.contains("inf\""));
    for steps in [0, 1] {
        let mut few = swept();
        few.steps.truncate(steps);
        assert!(!svg(&few).contains("NaN"), "{steps}");
    }
}
