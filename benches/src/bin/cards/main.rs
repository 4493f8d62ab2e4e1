//! Approvals by card through a daemon over four lines, beside the network alone and beside payments from wallets.
//!
//! One run starts a daemon on a ledger of its own (`TMPDIR` says on which disk), plays its card network in this process, and
//! measures in turn, round after round: the bare network, the same network behind the daemon, and wallets through the same
//! daemon. What the daemon adds is a difference within a round, what a card costs beside a wallet a ratio within it. How fast
//! the network answers is a matter of the card.

mod bare;
mod daemon;
mod load;
mod measured;
mod network;

use std::{env, fs, process::ExitCode, time::Duration};

use daemon::Daemon;
use load::{Payers, Pays};
use measured::{Table, WALLETS};
use network::Speed;
use wire::v1::CaptureMode;

const USAGE: &str = "cards manual|automatic [ROUNDS [SECONDS [CALLERS...]]]

manual      approvals: each payment is held, and no more
automatic   each payment is captured too, and its network is told";

const ROUNDS: u32 = 5;
const SECONDS: u32 = 2;
const CALLERS: [u32; 3] = [1, 64, 256];

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{USAGE}")]
    Usage,
    #[error("cannot {tried}")]
    Local { tried: &'static str, source: std::io::Error },
    #[error("the daemon ended before it was ready")]
    NotReady,
    #[error("the daemon's metrics have no {0}")]
    NoMetric(&'static str),
    #[error("{0} is not what it should become within a minute")]
    Late(&'static str),
    #[error(transparent)]
    Network(#[from] cardnet::Error),
    #[error("what the network answers is no approval: {0}")]
    Answer(String),
    #[error(transparent)]
    Call(#[from] client::Error),
    #[error("a payment is {0}")]
    Payment(String),
}

/// What is to be measured.
#[derive(Clone, Debug)]
struct Plan {
    capture: CaptureMode,
    rounds: u32,
    slice: Duration,
    callers: Vec<u32>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let measured = Plan::parse(&arguments).and_then(|plan| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| Error::Local { tried: "start a runtime", source })?;
        runtime.block_on(Box::pin(run(&plan)))
    });
    measured.map_or_else(
        |error| {
            eprintln!("{error}");
            let source = std::error::Error::source(&error);
            source.into_iter().for_each(|source| eprintln!("  because: {source}"));
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

impl Plan {
    fn parse(arguments: &[String]) -> Result<Self, Error> {
        let (capture, numbers) = arguments.split_first().ok_or(Error::Usage)?;
        let capture = match capture.as_str() {
            "manual" => CaptureMode::Manual,
            "automatic" => CaptureMode::Automatic,
            _ => return Err(Error::Usage),
        };
        let numbers: Vec<u32> = numbers
            .iter()
            .map(|number| number.parse().ok().filter(|number| *number > 0))
            .collect::<Option<_>>()
            .ok_or(Error::Usage)?;
        let mut numbers = numbers.into_iter();
        let (rounds, seconds) = (numbers.next().unwrap_or(ROUNDS), numbers.next().unwrap_or(SECONDS));
        let callers: Vec<u32> = numbers.collect();
        let callers = if callers.is_empty() { CALLERS.to_vec() } else { callers };
        Ok(Self { capture, rounds, slice: Duration::from_secs(seconds.into()), callers })
    }
}

async fn run(plan: &Plan) -> Result<(), Error> {
    let address = network::play()?;
    let daemon = Daemon::start(address).await?;
    let pays = Pays::prepare(&daemon, plan.capture).await?;
    println!("load before: {}", load_average());
    for callers in plan.callers.iter().copied() {
        let mut table = Table::default();
        // What is measured first warms up everything, and is not told.
        for round in 0..=plan.rounds {
            for speed in Speed::ALL {
                let bare = bare::ask(address, speed, callers, plan.slice).await?;
                let card = pays.during(&daemon, Payers::Cards(speed), callers, plan.slice).await?;
                let slices = [(format!("network alone, {speed}"), bare), (format!("by card, {speed}"), card)];
                slices.into_iter().filter(|_| round > 0).for_each(|(name, slice)| table.add(name, slice));
            }
            let wallet = pays.during(&daemon, Payers::Wallets, callers, plan.slice).await?;
            if round > 0 {
                table.add(WALLETS.to_owned(), wallet);
            }
        }
        println!("{callers} callers, {} rounds of {:?}", plan.rounds, plan.slice);
        table.print();
    }
    println!("load after: {}", load_average());
    Ok(())
}

fn load_average() -> String {
    fs::read_to_string("/proc/loadavg").map_or_else(|_| "not known".to_owned(), |text| text.trim().to_owned())
}
