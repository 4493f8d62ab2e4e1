//! `payctl bench`: drives a daemon over its API and measures what a caller sees.

mod chance;
mod chart;
mod checks;
mod compare;
mod cpu;
mod cycle;
mod disk;
mod lag;
mod lean;
mod load;
mod many;
mod mix;
mod payments;
mod plan;
mod progress;
mod reply;
mod report;
mod server;
mod setup;
mod sweep;
mod tally;
mod work;

use std::fs;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use money::{Currency, Money};

use self::compare::Comparison;
use self::lag::Lag;
use self::lean::{LeanLoad, Work};
use self::load::{Call, Drive, Load, Until};
use self::mix::Mix;
use self::report::Report;
use self::server::MemoryWatch;
use self::setup::Setup;
use self::sweep::Sweep;
use crate::commands::{amount_argument, currency_argument, name_argument};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::words;

/// Beyond this nobody but the first pays.
const ZIPF_EXPONENT_MAX: f64 = 10.0;

/// Measure a running daemon
///
/// Opens accounts of its own (bench-hkd-0 and on), funds them, and pays from them. Every reply is checked: order, payer, state,
/// amounts, the conversion worked out again; approvals are counted by distinct payment id. Of every hundred payments one
/// (--repeats) is asked for once more under its key, and must be the same payment.
///
/// The load speaks HTTP/2 by itself, for a third of the CPU time that the SDK takes, so that it hides less of the daemon.
/// --cycle, --stream and --batch go through the SDK, as everything does with --client tonic.
///
/// Closed loop, without --rate: --in-flight callers, each asking again as soon as it has its answer. Open loop, with
/// --rate: payments are sent at fixed moments whatever the daemon does, and latency counts from the moment a payment
/// should have been sent, so a stall is seen by every payment it delays.
///
/// With --compare echo the same load alternates in slices with a call that does nothing (payswitchd --bench-echo) of the
/// same message sizes; ratios are payments/s over echoes/s, and the daemon's CPU time of a payment over that of an echo, in
/// neighbouring slices. With --compare disk it alternates with a bare write and fdatasync loop in --disk-dir, which belongs
/// on the daemon's disk; ratio is p99 over p99.
///
/// With --sweep all of it is done once for each value, and --chart shows throughput and latency over the value.
///
/// With --mix payments are also captured, refunded and looked at. Of a daemon on this machine CPU time and memory are those
/// the operating system tells; it is found by its port, or named with --server-pid.
///
/// With --cycle each call is the whole life of a payment: a hold, captured in three parts and given back in two, with
/// every position checked; latency is that of all six. With --watch a stream of the merchant's payments is followed
/// beside the load: watch lag runs from the answer of a call to its event on the stream.
///
/// With --stream the payments of a connection go over one stream. With --batch N each call is a batch of N payments, each with
/// the latency of its batch; --in-flight then counts batches.
///
/// Exits 4 when a reply was wrong, 3 when one did not come, 2 when one was refused.
#[derive(Clone, Debug, Args)]
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
    /// Measure once for each value: in-flight=1,4,16,64 or rate=500,1000,2000
    #[arg(long, value_name = "WHAT", conflicts_with_all = ["in_flight", "rate", "compare", "watch", "payments"])]
    sweep: Option<Sweep>,
    /// Open loop: payments under way at most; what comes due beyond it is counted as unsent
    #[arg(long, value_name = "N", default_value = "4096")]
    in_flight_max: NonZeroUsize,
    /// Seconds of load before the measurement
    #[arg(long, value_name = "S", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=3_600))]
    warm_up: u32,
    /// Which client makes the calls [default: lean, but where only the SDK can]
    #[arg(long, value_name = "CLIENT")]
    client: Option<ClientKind>,
    /// Merchant to pay; may be given again, and then each is paid as often
    #[arg(long, value_name = "NAME", default_value = "demo-cafe", value_parser = name_argument)]
    merchant: Vec<String>,
    /// Percent of payments to the first merchant; the others share the rest
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u64).range(0..=100))]
    hot_merchant: Option<u64>,
    /// Amount of each payment; may be given again, for each merchant one
    #[arg(long, default_value = "CNY 1.00", value_parser = amount_argument)]
    amount: Vec<Money>,
    /// Shares of the kinds of calls, e.g. authorize=70,capture=10,refund=10,get=10
    #[arg(long, value_name = "SHARES", conflicts_with_all = ["cycle", "stream", "batch"])]
    mix: Option<Mix>,
    /// Percent of payments asked for once more under their key [default: 1]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u64).range(0..=100), conflicts_with_all = ["cycle", "stream", "batch"])]
    repeats: Option<u64>,
    /// Accounts to pay from, in turn or by --zipf
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    payers: u32,
    /// Pay from the n-th account 1/n^EXPONENT as often as from the first
    #[arg(long, value_name = "EXPONENT", value_parser = exponent_argument)]
    zipf: Option<f64>,
    /// Currency of these accounts; may be given again, and then they have them in turn
    #[arg(long, value_name = "CODE", default_value = "HKD", value_parser = currency_argument)]
    payer_currency: Vec<Currency>,
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
    /// Process id of the daemon, to read its CPU time and memory [default: whoever listens at --server]
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
    /// Draw the latencies, or what a sweep found, into this SVG file
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
    /// File with the wallet operator's key, which opens and funds the accounts [default: the sandbox's]
    #[arg(long, value_name = "PATH")]
    wallet_key_file: Option<PathBuf>,
    /// File with the switch operator's key, which reads the CPU time of a daemon elsewhere [default: the sandbox's]
    #[arg(long, value_name = "PATH")]
    operator_key_file: Option<PathBuf>,
}

/// How the calls are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ClientKind {
    /// The load's own HTTP/2.
    Lean,
    /// The SDK, on tonic.
    Tonic,
}

impl ClientKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Lean => "lean",
            Self::Tonic => "tonic",
        }
    }
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
        self.check()?;
        let setup = Setup::prepare(&self, context).await?;
        if let Some(sweep) = &self.sweep {
            let swept = sweep.run(&self, &setup).await?;
            self.draw(|| sweep::svg(&swept))?;
            context.show(&swept, sweep::text);
            return Ok(swept.exit());
        }
        let lag = if self.watch { Some(setup.follow().await?) } else { None };
        let report = self.report(&setup, lag.as_ref()).await?;
        self.draw(|| chart::svg(&report))?;
        context.show(&report, report::text);
        Ok(report.answers.exit())
    }

    /// Draws the picture, if one is wanted.
    fn draw(&self, picture: impl FnOnce() -> String) -> Result<(), Error> {
        let Some(path) = &self.chart else { return Ok(()) };
        let tried = || format!("write the chart {}", path.display());
        fs::write(path, picture()).map_err(|source| Error::Local { tried: tried(), source })
    }

    /// What the arguments contradict and the parser does not see.
    fn check(&self) -> Result<(), Error> {
        let needs_lean = self.mix.is_some() || self.repeats.is_some() || self.merchant.len() > 1;
        if self.client() == ClientKind::Tonic && needs_lean {
            let which = "--mix, --repeats and more than one --merchant are for the lean client, without --cycle, --stream, --batch";
            return Err(Error::Usage(which.to_owned()));
        }
        if self.client == Some(ClientKind::Lean) && self.needs_sdk() {
            return Err(Error::Usage("--cycle, --stream and --batch go through the SDK".to_owned()));
        }
        if self.hot_merchant.is_some() && self.merchant.len() == 1 {
            return Err(Error::Usage("--hot-merchant is for more than one --merchant".to_owned()));
        }
        Ok(())
    }

    fn needs_sdk(&self) -> bool {
        self.cycle || self.stream || self.batch.is_some()
    }

    /// Which client makes the calls.
    fn client(&self) -> ClientKind {
        let default = if self.needs_sdk() { ClientKind::Tonic } else { ClientKind::Lean };
        self.client.unwrap_or(default)
    }

    async fn report(&self, setup: &Setup, lag: Option<&Arc<Lag>>) -> Result<Report, Error> {
        if self.cycle {
            return self.measure(setup, self.over_sdk(setup, setup.cycle_calls(lag)?), lag).await;
        }
        if self.stream {
            return self.measure(setup, self.over_sdk(setup, setup.stream_calls().await?), lag).await;
        }
        if let Some(size) = self.batch {
            return self.measure(setup, self.over_sdk(setup, setup.batch_calls(size)), lag).await;
        }
        match self.client() {
            ClientKind::Tonic => self.measure(setup, self.over_sdk(setup, setup.payment_calls(lag)), lag).await,
            ClientKind::Lean => {
                let work = setup.payment_work(self.mix.unwrap_or(Mix::PAYMENTS), self.repeats.unwrap_or(1), lag);
                self.measure(setup, self.lean(setup, work).await?, lag).await
            }
        }
    }

    fn over_sdk<C: Call>(&self, setup: &Setup, calls: Vec<C>) -> Load<C> {
        Load::new(calls, self.in_flight.get(), setup.numbers())
    }

    async fn lean<W: Work>(&self, setup: &Setup, work: W) -> Result<LeanLoad<W>, Error> {
        let in_flight = if self.rate.is_some() { self.in_flight_max } else { self.in_flight };
        LeanLoad::connect(work, setup.server(), self.connections.get(), in_flight.get(), setup.numbers()).await
    }

    async fn measure<D: Drive>(&self, setup: &Setup, load: D, lag: Option<&Arc<Lag>>) -> Result<Report, Error> {
        load.warm_up(Duration::from_secs(self.warm_up.into())).await?;
        let memory = setup.process().and_then(MemoryWatch::start);
        let mut report = match self.compare {
            Some(with) => self.measure_beside(with, setup, &load).await?,
            None => self.measure_alone(setup, &load, lag).await?,
        };
        report.server_resident_bytes = memory.map(MemoryWatch::finish);
        Ok(report)
    }

    async fn measure_alone<D: Drive>(&self, setup: &Setup, load: &D, lag: Option<&Arc<Lag>>) -> Result<Report, Error> {
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
        let mut report = Report::new(self.title(), self.client().name(), D::NOUN, elapsed, &tally, cpu);
        if let Some(lag) = lag {
            let found = lag.finish().await;
            report.beside.push(found.beside(elapsed));
            report.troubles.extend(found.trouble());
        }
        Ok(report)
    }

    async fn measure_beside<D: Drive>(&self, with: CompareWith, setup: &Setup, load: &D) -> Result<Report, Error> {
        let slice = Duration::from_secs(self.slice_seconds.into());
        let pairs = self.pairs;
        let comparison = match (with, &self.disk_dir, self.client()) {
            (CompareWith::Disk, Some(directory), _) => {
                Comparison::with_disk(load, setup, directory, pairs, slice).await?
            }
            (CompareWith::Disk, None, _) => return Err(Error::Usage("--compare disk needs --disk-dir".to_owned())),
            (CompareWith::Echo, _, ClientKind::Lean) => {
                let echoes = self.lean(setup, setup.echo_work().await?).await?;
                Comparison::with_echo(load, &echoes, setup, pairs, slice).await?
            }
            (CompareWith::Echo, _, ClientKind::Tonic) => {
                let echoes = self.over_sdk(setup, setup.echo_calls().await?);
                Comparison::with_echo(load, &echoes, setup, pairs, slice).await?
            }
        };
        let (elapsed, cpu) = (comparison.elapsed(), comparison.cpu());
        let mut report = Report::new(self.title(), self.client().name(), D::NOUN, elapsed, comparison.tally(), cpu);
        report.beside = comparison.into_beside();
        Ok(report)
    }

    fn title(&self) -> String {
        let connections = u64::try_from(self.connections.get()).unwrap_or(u64::MAX);
        let connections = format!("{}, {} client", words::counted(connections, "connection"), self.client().name());
        match self.rate {
            Some(rate) => {
                let noun = if self.cycle { "cycles" } else { "payments" };
                format!("open loop, {rate} {noun}/s asked for, {connections}")
            }
            None => format!("closed loop, {} in flight, {connections}", self.in_flight),
        }
    }

    /// The currencies of the payers' accounts.
    fn payers_currencies(&self) -> Vec<Currency> {
        if self.same_currency {
            self.amount.iter().map(|amount| amount.currency()).collect()
        } else {
            self.payer_currency.clone()
        }
    }
}

/// Reads the exponent of a law of popularity.
fn exponent_argument(text: &str) -> Result<f64, String> {
    let exponent = text.parse().ok().filter(|exponent: &f64| *exponent > 0.0 && *exponent <= ZIPF_EXPONENT_MAX);
    exponent.ok_or_else(|| format!("an exponent is a number above 0, at most {ZIPF_EXPONENT_MAX}"))
}

fn due(payments: NonZeroU32) -> u64 {
    payments.get().into()
}

fn until_seconds(seconds: u32) -> Until {
    Until::Elapsed(Duration::from_secs(seconds.into()))
}
