//! `payctl rates`.

mod chart;
mod history;
mod import;
mod list;

use clap::{Args, Subcommand};

use self::history::History;
use self::import::Import;
use self::list::List;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;

pub(crate) use self::list::text;

/// List the exchange rates in force, show their history, or import them
///
/// Without a command it lists them. A rate is units of the payer's currency for one unit of the merchant's, at mid; the
/// switch's markup comes on top.
#[derive(Debug, Args)]
pub(crate) struct Rates {
    #[command(subcommand)]
    command: Option<Command>,
}

/// What to do with rates.
#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    History(History),
    Import(Import),
}

impl Rates {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        match self.command {
            None => List {}.run(context).await,
            Some(Command::List(list)) => list.run(context).await,
            Some(Command::History(history)) => history.run(context).await,
            Some(Command::Import(import)) => import.run(context).await,
        }
    }
}
