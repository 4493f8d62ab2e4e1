//! The payments switch daemon. It reads the configuration, names the concrete adapters, starts the threads and waits for
//! a signal; it decides nothing. A library so that what it reads can be tried without a process; nobody else uses it.
//!
//! Start reading at `start.rs` (what is put together) and `serve.rs` (what runs where, and how it ends).

mod archiving;
mod arguments;
mod banner;
mod card_line;
mod cards;
mod config;
mod core_dumps;
mod descriptors;
mod housekeeping;
mod keys;
mod locked_directory;
mod logs;
mod metrics_endpoint;
mod opening;
mod policy_text;
mod progress;
mod reload;
mod sandbox;
mod serve;
mod setup;
mod start;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::Parser;
use domain::Policy;

use crate::{
    arguments::{Arguments, Task},
    config::{Config, ModeName, VaultKey},
};

/// The daemon, from its arguments to its end.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match &arguments.task {
        None => run(&arguments),
        Some(Task::NewKey { digest_key_file }) => keys::print_new(digest_key_file),
        Some(Task::NewQuoteKey { out }) => keys::print_new_quote_key(out.as_deref()),
        Some(Task::RotateVaultKey { vault, id, key_file, new_id, new_key_file }) => {
            let key = |id: &u32, file: &PathBuf| VaultKey { id: *id, file: file.clone() };
            let hidden = core_dumps::forbid(ModeName::Production);
            hidden.and_then(|()| cards::rotate(vault, &key(id, key_file), &key(new_id, new_key_file)))
        }
        Some(Task::NewReceiptKey { out }) => keys::print_new_receipt_key(out.as_deref()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("payswitchd: {}", shard::with_sources(&error));
            ExitCode::from(error.exit_code())
        }
    }
}

/// The rules that a daemon with this configuration file alone would put in force: neither environment nor arguments count,
/// and no secret is read.
///
/// # Errors
/// Why it would not start on it.
pub fn rules_of(file: &str) -> Result<Policy, String> {
    let config = Config::of_file(file).map_err(|error| error.to_string())?;
    config.policy().map_err(|error| error.to_string())
}

fn run(arguments: &Arguments) -> Result<(), start::StartError> {
    let mut config = Config::load(arguments)?;
    logs::start(config.log.format);
    logs::stop_the_process_on_panic();
    core_dumps::forbid(config.mode)?;
    let metrics = metrics_endpoint::install_recorder()?;
    let main = serve::Main::new(config.mode)?;
    let configured = config.clone();
    config.connections.connections_max = descriptors::connections_max(config.connections.connections_max)?;
    let switch = start::start(&config)?;
    let reload = reload::Reload::new(arguments.clone(), configured, Arc::clone(&switch.keys.signing));
    serve::serve(&config, switch, main, reload, metrics)
}
