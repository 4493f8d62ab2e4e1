//! What can be asked on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use client::Address;
use tokio::runtime::Runtime;

use crate::bench::Bench;
use crate::commands::{
    Authorize, Balance, Capture, Card, Cardnet, Close, Completions, Consent, Demo, Deposit, Freeze, FundReserve, Get,
    Increase, Journal, List, Open, Pay, PayOut, Person, Postings, PublishRate, Quote, Rates, Receipt, Refund,
    RegisterMerchant, Sandbox, SettleScheme, SquarePosition, Status, Unfreeze, Void, Watch, Withdraw,
};
use crate::context::Context;
use crate::error::Error;
use crate::exit::{EXIT_CODES, Exit};

const LONG_ABOUT: &str = "\
The command line of payswitch, a payments switch.

Commands that ask a running daemon go to --server, those for the switch's operator to --admin. Who calls is known from \
the API key alone: --key-file, else the environment variable PAYSWITCH_KEY, else the well-known key of the sandbox for \
the role a command needs.

With --json a command prints the reply message as proto3 JSON, and a failure as JSON on standard error.";

/// The command line of payswitch.
#[derive(Debug, Parser)]
#[command(name = "payctl", version, about, long_about = LONG_ABOUT, after_long_help = EXIT_CODES, max_term_width = 80)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Where the daemon listens for merchants and wallets, as host:port
    #[arg(long, global = true, value_name = "ADDRESS", default_value = "127.0.0.1:7450")]
    pub(crate) server: Address,
    /// Where the daemon listens for its operator, as host:port
    #[arg(long, global = true, value_name = "ADDRESS", default_value = "127.0.0.1:7451")]
    pub(crate) admin: Address,
    /// File with the API key to call with; without it PAYSWITCH_KEY, else the sandbox's key
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) key_file: Option<PathBuf>,
    /// Print the reply as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Whether to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Decides for the whole process.
    pub(crate) fn write_global(self) {
        let choice = match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Online(Online),
    #[command(subcommand)]
    Journal(Journal),
    Cardnet(Cardnet),
    Completions(Completions),
}

/// What asks a running daemon, in the order a newcomer meets it.
#[derive(Debug, Subcommand)]
enum Online {
    Demo(Demo),
    Pay(Box<Pay>),
    Authorize(Box<Authorize>),
    Capture(Capture),
    Void(Void),
    Refund(Refund),
    Increase(Increase),
    Get(Get),
    List(List),
    Watch(Watch),
    Quote(Quote),
    #[command(subcommand)]
    Receipt(Receipt),
    #[command(subcommand)]
    Consent(Consent),
    #[command(subcommand)]
    Person(Person),
    #[command(subcommand)]
    Card(Card),
    Balance(Balance),
    Postings(Postings),
    Open(Open),
    Deposit(Deposit),
    Withdraw(Withdraw),
    Freeze(Freeze),
    Unfreeze(Unfreeze),
    Close(Close),
    Rates(Rates),
    PublishRate(PublishRate),
    RegisterMerchant(RegisterMerchant),
    FundReserve(FundReserve),
    PayOut(PayOut),
    SquarePosition(SquarePosition),
    SettleScheme(SettleScheme),
    Status(Status),
    #[command(subcommand)]
    Sandbox(Sandbox),
    Bench(Box<Bench>),
}

impl Cli {
    /// Does what was asked. `key_from_environment` is the value of PAYSWITCH_KEY.
    ///
    /// # Errors
    /// When it was not done; [`Error::exit`] says how the process should end.
    pub(crate) fn run(self, key_from_environment: Option<String>) -> Result<Exit, Error> {
        match self.command {
            // A receipt is checked wherever it lies: with no daemon and no key.
            Command::Online(Online::Receipt(Receipt::Verify(verify))) => verify.run(self.global.json),
            Command::Online(online) => online.run(&Context::new(self.global, key_from_environment)?),
            Command::Journal(journal) => journal.run(self.global.json),
            Command::Cardnet(cardnet) => runtime()?.block_on(cardnet.run(self.global.json)),
            Command::Completions(completions) => completions.run(),
        }
    }
}

/// One thread: the load generator must not take more than one processor from the daemon it measures.
fn runtime() -> Result<Runtime, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|source| Error::Local { tried: "start the runtime".to_owned(), source })
}

impl Online {
    fn run(self, context: &Context) -> Result<Exit, Error> {
        runtime()?.block_on(async {
            match self {
                Self::Demo(demo) => demo.run(context).await,
                Self::Pay(pay) => pay.run(context).await,
                Self::Authorize(authorize) => authorize.run(context).await,
                Self::Capture(capture) => capture.run(context).await,
                Self::Void(void) => void.run(context).await,
                Self::Refund(refund) => refund.run(context).await,
                Self::Increase(increase) => increase.run(context).await,
                Self::Get(get) => get.run(context).await,
                Self::List(list) => list.run(context).await,
                Self::Watch(watch) => watch.run(context).await,
                Self::Quote(quote) => quote.run(context).await,
                Self::Receipt(receipt) => receipt.run(context).await,
                Self::Consent(consent) => consent.run(context).await,
                Self::Person(person) => person.run(context).await,
                Self::Card(card) => card.run(context).await,
                Self::Balance(balance) => balance.run(context).await,
                Self::Postings(postings) => postings.run(context).await,
                Self::Open(open) => open.run(context).await,
                Self::Deposit(deposit) => deposit.run(context).await,
                Self::Withdraw(withdraw) => withdraw.run(context).await,
                Self::Freeze(freeze) => freeze.run(context).await,
                Self::Unfreeze(unfreeze) => unfreeze.run(context).await,
                Self::Close(close) => close.run(context).await,
                Self::Rates(rates) => rates.run(context).await,
                Self::PublishRate(publish_rate) => publish_rate.run(context).await,
                Self::RegisterMerchant(register_merchant) => register_merchant.run(context).await,
                Self::FundReserve(fund_reserve) => fund_reserve.run(context).await,
                Self::PayOut(pay_out) => pay_out.run(context).await,
                Self::SquarePosition(square_position) => square_position.run(context).await,
                Self::SettleScheme(settle_scheme) => settle_scheme.run(context).await,
                Self::Status(status) => status.run(context).await,
                Self::Sandbox(sandbox) => sandbox.run(context).await,
                Self::Bench(bench) => bench.run(context).await,
            }
        })
    }
}

#[cfg(test)]
mod tests;
