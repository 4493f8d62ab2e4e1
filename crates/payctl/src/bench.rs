//! `payctl bench`: drives a daemon over its API and measures what a caller sees.

mod chart;
mod compare;
mod cpu;
mod cycle;
mod disk;
mod lag;
mod load;
mod many;
mod payments;
mod progress;
mod report;
mod setup;
mod tally;

use std::fs;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use money::{Currency, Money};

use self::compare::Comparison;
use self::lag::Lag;
use self::load::{Call, Load, Until};
use self::report::Report;
use self::setup::Setup;
use crate::commands::{amount_argument, currency_argument, name_argument};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::words;

/// Measure a running daemon
///
/// Opens accounts of its own (bench-hkd-0 and on), funds them, and pays from them. Every reply is checked: state, amounts,
/// the conversion worked out again; approvals are counted by distinct payment id.
///
/// Closed loop, without --rate: --in-flight callers, each asking again as soon as it has its answer. Open loop, with
/// --rate: payments are sent at fixed moments whatever the daemon does, and latency counts from the moment a payment
/// should have been sent, so a stall is seen by every payment it delays.
///
/// With --compare echo the same load alternates in slices with a call that does nothing (payswitchd --bench-echo) of the
/// same message sizes; ratio is payments/s over echoes/s in neighbouring slices. With --compare disk it alternates with a
/// bare write and fdatasync loop in --disk-dir, which belongs on the daemon's disk; ratio is p99 over p99.
///
/// With --cycle each call is the whole life of a payment: a hold, captured in three parts and given back in two, with
/// every position checked; latency is that of all six. With --watch a stream of the merchant's payments is followed
/// beside the load: watch lag runs from the answer of a call to its event on the stream.
///
/// With --stream the payments of a connection go over one stream. With --batch N each call is a batch of N payments, each with
/// the latency of its batch; --in-flight then counts batches.
///
/// Exits 4 when a reply was wrong, 3 when one did not come, 2 when one was refused.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Closed loop: callers at once; with --compare disk 1 tells the most
    #[arg(long, value_name = "N", default_value = "64")]
    in_flight: NonZeroUsize,
    /// Connections they share
    #[arg(long, value_name = "N", default_value = "2")]
    connections: NonZeroUsize,
    /// How long to measure, in seconds
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// How many payments to measure, instead of --seconds
    #[arg(long, value_name = "N", conflicts_with = "seconds")]
    payments: Option<NonZeroU32>,
    /// Open loop: payments to send in each second
    #[arg(long, value_name = "N", conflicts_with = "in_flight")]
    rate: Option<NonZeroU32>,
    /// Open loop: payments under way at most; what comes due beyond it is counted as unsent
    #[arg(long, value_name = "N", default_value = "4096")]
    in_flight_max: NonZeroUsize,
    /// Seconds of load before the measurement
    #[arg(long, value_name = "S", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=3_600))]
    warm_up: u32,
    /// Merchant to pay
    #[arg(long, value_name = "NAME", default_value = "demo-cafe", value_parser = name_argument)]
    merchant: String,
    /// Amount of each payment, in the merchant's currency
    #[arg(long, default_value = "CNY 1.00", value_parser = amount_argument)]
    amount: Money,
    /// Accounts to pay from, in turn
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    payers: u32,
    /// Currency of these accounts
    #[arg(long, value_name = "CODE", default_value = "HKD", value_parser = currency_argument)]
    payer_currency: Currency,
    /// Pay from accounts in the merchant's currency, without a conversion
    #[arg(long, conflicts_with = "payer_currency")]
    same_currency: bool,
    /// Whole lives of payments: a hold, three captures, two refunds
    #[arg(long, conflicts_with = "compare")]
    cycle: bool,
    /// Payments over one stream for each connection
    #[arg(long, conflicts_with_all = ["cycle", "watch"])]
    stream: bool,
    /// Batches of so many payments
    #[arg(long, value_name = "N", conflicts_with_all = ["cycle", "watch", "stream", "rate", "payments"], value_parser = clap::value_parser!(u32).range(1..=8_190))]
    batch: Option<u32>,
    /// Follow the payments on a stream, and report how long after its answer each arrives there
    #[arg(long, conflicts_with = "compare")]
    watch: bool,
    /// Alternate with something simpler and report the ratio
    #[arg(long, value_name = "WITH", conflicts_with_all = ["rate", "payments", "seconds"])]
    compare: Option<CompareWith>,
    /// Pairs of slices to compare
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pairs: u32,
    /// Seconds of each slice to compare
    #[arg(long, value_name = "S", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    slice_seconds: u32,
    /// Directory on the daemon's disk, for --compare disk
    #[arg(long, value_name = "DIR", required_if_eq("compare", "disk"))]
    disk_dir: Option<PathBuf>,
    /// Draw the latencies into this SVG file
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
    /// File with the wallet operator's key, which opens and funds the accounts [default: the sandbox's]
    #[arg(long, value_name = "PATH")]
    wallet_key_file: Option<PathBuf>,
    /// File with the switch operator's key, which reads the daemon's CPU time [default: the sandbox's]
    #[arg(long, value_name = "PATH")]
    operator_key_file: Option<PathBuf>,
}

/// What to compare payments with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CompareWith {
    /// A gRPC call that does nothing.
    Echo,
    /// A write and fdatasync loop.
    Disk,
}

impl Bench {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let setup = Setup::prepare(&self, context).await?;
        let lag = if self.watch { Some(setup.follow().await?) } else { None };
        let lag = lag.as_ref();
        let report = if self.cycle {
            self.measure(&setup, setup.cycle_calls(lag)?, lag).await?
        } else if self.stream {
            self.measure(&setup, setup.stream_calls().await?, lag).await?
        } else if let Some(size) = self.batch {
            self.measure(&setup, setup.batch_calls(size), lag).await?
        } else {
            self.measure(&setup, setup.payment_calls(lag), lag).await?
        };
        if let Some(path) = &self.chart {
            let tried = || format!("write the chart {}", path.display());
            fs::write(path, chart::svg(&report)).map_err(|source| Error::Local { tried: tried(), source })?;
        }
        context.show(&report, report::text);
        Ok(report.answers.exit())
    }

    /// A load whose warm-up is over.
    async fn warmed<C: Call>(&self, calls: Vec<C>) -> Result<Load<C>, Error> {
        let load = Load::new(calls, self.in_flight.get());
        load.warm_up(Duration::from_secs(self.warm_up.into())).await?;
        Ok(load)
    }

    async fn measure<C: Call>(&self, setup: &Setup, calls: Vec<C>, lag: Option<&Arc<Lag>>) -> Result<Report, Error> {
        let load = self.warmed(calls).await?;
        if let Some(with) = self.compare {
            return self.measure_beside(with, setup, &load).await;
        }
        if let Some(lag) = lag {
            lag.begin();
        }
        let before = setup.cpu().await;
        let (elapsed, tally) = match self.rate {
            Some(rate) => {
                let due = self.payments.map_or_else(|| u64::from(rate.get()) * u64::from(self.seconds), due);
                load.open_loop(rate, self.in_flight_max.get(), due).await?
            }
            None => {
                let until = self.payments.map_or_else(|| until_seconds(self.seconds), |n| Until::Sent(due(n)));
                load.closed_loop(until).await?
            }
        };
        let cpu = setup.cpu().await.since(before);
        let mut report = Report::new(self.title(), C::NOUN, elapsed, &tally, cpu);
        if let Some(lag) = lag {
            let found = lag.finish().await;
            report.beside.push(found.beside(elapsed));
            report.troubles.extend(found.trouble());
        }
        Ok(report)
    }

    async fn measure_beside<C: Call>(&self, with: CompareWith, setup: &Setup, load: &Load<C>) -> Result<Report, Error> {
        let slice = Duration::from_secs(self.slice_seconds.into());
        let comparison = match (with, &self.disk_dir) {
            (CompareWith::Disk, Some(directory)) => Comparison::with_disk(load, directory, self.pairs, slice).await?,
            (CompareWith::Disk, None) => return Err(Error::Usage("--compare disk needs --disk-dir".to_owned())),
            (CompareWith::Echo, _) => {
                let echo = Load::new(setup.echo_calls().await?, self.in_flight.get());
                Comparison::with_echo(load, &echo, self.pairs, slice).await?
            }
        };
        // The CPU of the daemon would be that of both halves, so it is told of neither.
        let mut report =
            Report::new(self.title(), C::NOUN, comparison.elapsed(), comparison.tally(), cpu::Used::default());
        report.beside = comparison.into_beside();
        Ok(report)
    }

    fn title(&self) -> String {
        let connections = u64::try_from(self.connections.get()).unwrap_or(u64::MAX);
        let connections = words::counted(connections, "connection");
        match self.rate {
            Some(rate) => {
                let noun = if self.cycle { "cycles" } else { "payments" };
                format!("open loop, {rate} {noun}/s asked for, {connections}")
            }
            None => format!("closed loop, {} in flight, {connections}", self.in_flight),
        }
    }

    /// The currency of the payers' accounts.
    fn payers_currency(&self) -> Currency {
        if self.same_currency { self.amount.currency() } else { self.payer_currency }
    }
}

fn due(payments: NonZeroU32) -> u64 {
    payments.get().into()
}

fn until_seconds(seconds: u32) -> Until {
    Until::Elapsed(Duration::from_secs(seconds.into()))
}
