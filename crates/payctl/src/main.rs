//! The operator's command line: asks a running switch over its API, reads a journal from disk, and measures.
//!
//! **What it must never know.** How the switch decides. It sees what every other caller sees: the published services,
//! through the `client` crate (the load of `bench` through HTTP/2 of its own), and the journal's format, through `journal` and `wire`.
//!
//! **Where to start reading.** `args.rs` has what can be asked, `commands/` one file for each command, `exit.rs` what
//! the exit codes mean.

mod args;
mod bench;
mod commands;
mod context;
mod error;
mod exit;
mod render;
mod svg;
mod terminal;
mod words;

use std::process::ExitCode;

use clap::Parser;
use wire::without_card_numbers;

use crate::args::Cli;

fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| refuse(&error));
    cli.global.color.write_global();
    let json = cli.global.json;
    let exit = cli.run(std::env::var("PAYSWITCH_KEY").ok()).unwrap_or_else(|error| {
        error.print(json);
        error.exit()
    });
    exit.into()
}

/// Says the help that was asked for, or what is wrong with the arguments, but for a card's number that stands among them.
fn refuse(error: &clap::Error) -> ! {
    let said = error.to_string();
    let shown = without_card_numbers(&said);
    if shown == said || !error.use_stderr() {
        error.exit();
    }
    eprint!("{shown}");
    std::process::exit(error.exit_code())
}
