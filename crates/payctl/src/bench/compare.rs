//! Payments beside something simpler, in alternating slices of one run.

use std::path::Path;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::cpu::{Used, us_per_call};
use super::disk::{DiskFloor, WriteSize};
use super::load::{Drive, Until};
use super::report::{Beside, Cpu, Ratio, rate};
use super::setup::Setup;
use super::tally::{Tally, latencies};
use crate::error::Error;

/// A finished comparison.
#[derive(Debug)]
pub(super) struct Comparison {
    payments: Slices,
    beside: Vec<Beside>,
}

/// All slices of one kind.
#[derive(Debug)]
struct Slices {
    elapsed: Duration,
    tally: Tally,
    /// `None` before the first.
    cpu: Option<Used>,
}

/// What one slice found.
#[derive(Clone, Copy, Debug)]
struct Slice {
    per_second: f64,
    p99: u64,
    /// Microseconds of the daemon's CPU time for each call, where that is known.
    server_us: Option<f64>,
}

impl Slices {
    fn new() -> Self {
        Self { elapsed: Duration::ZERO, tally: Tally::new(), cpu: None }
    }

    /// Runs one more.
    async fn add(&mut self, load: &impl Drive, setup: &Setup, slice: Duration) -> Result<Slice, Error> {
        let before = setup.cpu().await;
        let (elapsed, tally) = load.closed_loop(Until::Elapsed(slice)).await?;
        let used = setup.cpu().await.since(before);
        let found = Slice {
            per_second: rate(tally.done(), elapsed),
            p99: tally.latency_us.value_at_quantile(0.99),
            server_us: used.server.and_then(|used| us_per_call(used, tally.decided())),
        };
        self.elapsed += elapsed;
        self.cpu = Some(self.cpu.map_or(used, |before| before.plus(used)));
        self.tally.add(tally);
        Ok(found)
    }

    fn used(&self) -> Used {
        self.cpu.unwrap_or_default()
    }
}

impl Comparison {
    /// Payments/s over echoes/s, and the daemon's CPU time of a payment over that of an echo, slice by slice.
    pub(super) async fn with_echo(
        payments: &impl Drive,
        echoes: &impl Drive,
        setup: &Setup,
        pairs: u32,
        slice: Duration,
    ) -> Result<Self, Error> {
        echoes.warm_up(slice).await?;
        let (mut paid, mut echoed) = (Slices::new(), Slices::new());
        let (mut ratios, mut cpu_ratios) = (Vec::new(), Vec::new());
        for _ in 0..pairs {
            let of_payments = paid.add(payments, setup, slice).await?;
            let of_echoes = echoed.add(echoes, setup, slice).await?;
            if of_echoes.per_second > 0.0 {
                ratios.push(of_payments.per_second / of_echoes.per_second);
            }
            if let (Some(payment_us), Some(echo_us)) = (of_payments.server_us, of_echoes.server_us)
                && echo_us > 0.0
            {
                cpu_ratios.push(payment_us / echo_us);
            }
        }
        // A wrong echo spoils the comparison as much as a wrong payment does.
        paid.tally.wrong += echoed.tally.wrong;
        paid.tally.troubles.append(&mut echoed.tally.troubles);
        let ratio = Ratio::of("payments/s to echoes/s".to_owned(), ratios);
        let cpu = Some(Cpu::of(echoed.used(), echoed.tally.decided()));
        let beside = Beside::new("echo", echoed.tally.done(), echoed.elapsed, echoed.tally.latency_us, ratio);
        let cpu_ratio = Ratio::of("daemon CPU of a payment to an echo".to_owned(), cpu_ratios);
        Ok(Self { payments: paid, beside: vec![Beside { cpu, cpu_ratio, ..beside }] })
    }

    /// p99 of a payment over p99 of a bare write and fdatasync, slice by slice.
    pub(super) async fn with_disk(
        payments: &impl Drive,
        setup: &Setup,
        directory: &Path,
        pairs: u32,
        slice: Duration,
    ) -> Result<Self, Error> {
        let local = |source| Error::Local { tried: format!("write in {}", directory.display()), source };
        let floor = DiskFloor::create(directory).map_err(local)?;
        let mut paid = Slices::new();
        let (mut records, mut pages) = (DiskSlices::new("256 B + fdatasync"), DiskSlices::new("4 KiB + fdatasync"));
        for _ in 0..pairs {
            let of_payments = paid.add(payments, setup, slice).await?;
            for (slices, size) in [(&mut records, WriteSize::Record), (&mut pages, WriteSize::Page)] {
                let begun = Instant::now();
                let latencies = floor.measure(size, slice).map_err(local)?;
                slices.add(of_payments.p99, begun.elapsed(), &latencies);
            }
        }
        Ok(Self { payments: paid, beside: vec![records.into_beside(), pages.into_beside()] })
    }

    /// Time of the slices of payments.
    pub(super) fn elapsed(&self) -> Duration {
        self.payments.elapsed
    }

    /// All payments of all slices.
    pub(super) fn tally(&self) -> &Tally {
        &self.payments.tally
    }

    /// CPU time of the slices of payments.
    pub(super) fn cpu(&self) -> Used {
        self.payments.used()
    }

    /// What stood beside them.
    pub(super) fn into_beside(self) -> Vec<Beside> {
        self.beside
    }
}

/// All slices of one size of write.
#[derive(Debug)]
struct DiskSlices {
    name: &'static str,
    elapsed: Duration,
    latency_us: Histogram<u64>,
    ratios: Vec<f64>,
}

impl DiskSlices {
    fn new(name: &'static str) -> Self {
        Self { name, elapsed: Duration::ZERO, latency_us: latencies(), ratios: Vec::new() }
    }

    fn add(&mut self, payment_p99: u64, elapsed: Duration, slice: &Histogram<u64>) {
        self.elapsed += elapsed;
        let disk_p99 = slice.value_at_quantile(0.99);
        if disk_p99 > 0 {
            self.ratios.push(payment_p99 as f64 / disk_p99 as f64);
        }
        self.latency_us.add(slice).expect("all latencies have the same bounds");
    }

    fn into_beside(self) -> Beside {
        let ratio = Ratio::of(format!("p99 to p99 of {}", self.name), self.ratios);
        Beside::new(self.name, self.latency_us.len(), self.elapsed, self.latency_us, ratio)
    }
}
