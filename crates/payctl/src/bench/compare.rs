//! Payments beside something simpler, in alternating slices of one run.

use std::path::Path;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::disk::{DiskFloor, WriteSize};
use super::load::{Call, Load, Until};
use super::payments::EchoCall;
use super::report::{Beside, Ratio, rate};
use super::tally::{Tally, latencies};
use crate::error::Error;

/// A finished comparison.
#[derive(Debug)]
pub(super) struct Comparison {
    payments: Slices,
    beside: Vec<Beside>,
}

/// All slices of payments.
#[derive(Debug)]
struct Slices {
    elapsed: Duration,
    tally: Tally,
}

impl Slices {
    fn new() -> Self {
        Self { elapsed: Duration::ZERO, tally: Tally::new() }
    }

    fn add(&mut self, elapsed: Duration, tally: Tally) {
        self.elapsed += elapsed;
        self.tally.add(tally);
    }
}

impl Comparison {
    /// Payments/s over echoes/s, slice by slice.
    pub(super) async fn with_echo<C: Call>(
        payments: &Load<C>,
        echoes: &Load<EchoCall>,
        pairs: u32,
        slice: Duration,
    ) -> Result<Self, Error> {
        echoes.warm_up(slice).await?;
        let (mut paid, mut echoed, mut ratios) = (Slices::new(), Slices::new(), Vec::new());
        for _ in 0..pairs {
            let (elapsed, tally) = payments.closed_loop(Until::Elapsed(slice)).await?;
            let payments_per_second = rate(tally.done(), elapsed);
            paid.add(elapsed, tally);
            let (elapsed, tally) = echoes.closed_loop(Until::Elapsed(slice)).await?;
            let echoes_per_second = rate(tally.done(), elapsed);
            echoed.add(elapsed, tally);
            if echoes_per_second > 0.0 {
                ratios.push(payments_per_second / echoes_per_second);
            }
        }
        // A wrong echo spoils the comparison as much as a wrong payment does.
        paid.tally.wrong += echoed.tally.wrong;
        paid.tally.troubles.append(&mut echoed.tally.troubles);
        let ratio = Ratio::of("payments/s to echoes/s".to_owned(), ratios);
        let beside = Beside::new("echo", echoed.tally.done(), echoed.elapsed, echoed.tally.latency_us, ratio);
        Ok(Self { payments: paid, beside: vec![beside] })
    }

    /// p99 of a payment over p99 of a bare write and fdatasync, slice by slice.
    pub(super) async fn with_disk<C: Call>(
        payments: &Load<C>,
        directory: &Path,
        pairs: u32,
        slice: Duration,
    ) -> Result<Self, Error> {
        let local = |source| Error::Local { tried: format!("write in {}", directory.display()), source };
        let floor = DiskFloor::create(directory).map_err(local)?;
        let mut paid = Slices::new();
        let (mut records, mut pages) = (DiskSlices::new("256 B + fdatasync"), DiskSlices::new("4 KiB + fdatasync"));
        for _ in 0..pairs {
            let (elapsed, tally) = payments.closed_loop(Until::Elapsed(slice)).await?;
            let p99 = tally.latency_us.value_at_quantile(0.99);
            paid.add(elapsed, tally);
            for (slices, size) in [(&mut records, WriteSize::Record), (&mut pages, WriteSize::Page)] {
                let begun = Instant::now();
                let latencies = floor.measure(size, slice).map_err(local)?;
                slices.add(p99, begun.elapsed(), &latencies);
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
