//! What was measured, and how it is told: medians of rounds with their extremes.

use std::{fmt, time::Duration};

/// What one measure gave in one round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    per_second: f64,
    half: Duration,
    p99: Duration,
    /// The daemon's CPU time for one; `None` without a daemon.
    cpu: Option<Duration>,
}

impl Slice {
    /// Of so many answers in so long, with the CPU time that the daemon took for all.
    pub(crate) fn new(mut latencies: Vec<Duration>, took: Duration, cpu: Option<Duration>) -> Self {
        latencies.sort_unstable();
        let count = u32::try_from(latencies.len()).expect("a slice is short");
        let at = |percent: usize| latencies.get(latencies.len() * percent / 100).copied().unwrap_or_default();
        Self {
            per_second: f64::from(count) / took.as_secs_f64(),
            half: at(50),
            p99: at(99),
            cpu: cpu.and_then(|cpu| cpu.checked_div(count)),
        }
    }
}

/// The measure that cards are compared with.
pub(crate) const WALLETS: &str = "from wallets";

/// Measures by name, in the order they were first made.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<(String, Vec<Slice>)>);

impl Table {
    pub(crate) fn add(&mut self, name: String, slice: Slice) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, slices)) => slices.push(slice),
            None => self.0.push((name, vec![slice])),
        }
    }

    /// Each measure; then what the daemon adds to the network, and cards beside wallets, by rounds.
    pub(crate) fn print(&self) {
        for (name, slices) in &self.0 {
            let cpu: Vec<f64> = slices.iter().filter_map(|slice| slice.cpu).map(micros).collect();
            let cpu = if cpu.is_empty() {
                String::new()
            } else {
                format!(", {} µs of the daemon's CPU each", Spread::of(cpu))
            };
            let (half, p99) = (of(slices, |slice| micros(slice.half)), of(slices, |slice| micros(slice.p99)));
            let per_second = of(slices, |slice| slice.per_second);
            println!("  {name}: {per_second}/s, p50 {half} µs, p99 {p99} µs{cpu}");
        }
        let wallets = self.0.iter().find(|(name, _)| name == WALLETS).map(|(_, slices)| slices.as_slice());
        let wallets = wallets.unwrap_or_default();
        // What is alone and what is by card stand one after the other.
        for pair in self.0.chunks_exact(2) {
            let [(_, alone), (name, card)] = pair else { continue };
            let added = |latency: fn(&Slice) -> Duration| {
                Spread::of(by_round(card, alone, |card, alone| micros(latency(card)) - micros(latency(alone))))
            };
            let (half, p99) = (added(|slice| slice.half), added(|slice| slice.p99));
            println!("  {name}, beyond the network alone: p50 {half} µs, p99 {p99} µs");
            let both: Vec<Duration> =
                alone.iter().zip(wallets).map(|(alone, wallet)| alone.half + wallet.half).collect();
            let beyond = card.iter().zip(both).map(|(card, both)| micros(card.half) - micros(both)).collect();
            println!("  {name}, beyond the network alone and a payment from a wallet: p50 {} µs", Spread::of(beyond));
            let ratio = by_round(card, wallets, |card, wallet| 100.0 * card.per_second / wallet.per_second);
            println!("  {name} ÷ {WALLETS}: {} %", Spread::of(ratio));
        }
    }
}

fn of(slices: &[Slice], figure: impl Fn(&Slice) -> f64) -> Spread {
    Spread::of(slices.iter().map(figure).collect())
}

fn by_round(some: &[Slice], others: &[Slice], figure: impl Fn(&Slice, &Slice) -> f64) -> Vec<f64> {
    some.iter().zip(others).map(|(one, other)| figure(one, other)).collect()
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// A median with its extremes.
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_unstable_by(f64::total_cmp);
        let at = |place: usize| figures.get(place).copied().unwrap_or(f64::NAN);
        Self { median: at(figures.len() / 2), least: at(0), most: at(figures.len().saturating_sub(1)) }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} ({:.0}–{:.0})", self.median, self.least, self.most)
    }
}
