//! New keys for quotes and receipts while the daemon runs: on SIGHUP the configuration is read again, and `[quotes]` and
//! `[receipts]` are taken from it. All of it, or none: what cannot be used is told, and the keys of before go on signing.

use std::sync::Arc;

use ingress::SigningKeys;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::sync::watch;

use crate::{arguments::Arguments, config::Config, keys, start::StartError};

const RELOADS: &str = "payswitch_reloads_total";
const SIGNING_KEY: &str = "payswitch_signing_key";

pub(crate) fn describe_metrics() {
    describe_counter!(RELOADS, Unit::Count, "Times the configuration was read again on SIGHUP, by outcome.");
    describe_gauge!(SIGNING_KEY, Unit::Count, "Number of the key that signs now, by what it signs.");
}

/// Reads the keys again, and gives them to whoever signs.
pub(crate) struct Reload {
    arguments: Arguments,
    /// As the daemon runs, whatever the file says by now.
    config: Config,
    signing: watch::Sender<Arc<SigningKeys>>,
}

impl Reload {
    /// Begins with the keys the daemon started with.
    pub(crate) fn new(arguments: Arguments, config: Config, signing: Arc<SigningKeys>) -> Self {
        show(&signing);
        Self { arguments, config, signing: watch::Sender::new(signing) }
    }

    /// The keys of every moment.
    pub(crate) fn signing_keys(&self) -> watch::Receiver<Arc<SigningKeys>> {
        self.signing.subscribe()
    }

    /// Reads the configuration once more.
    pub(crate) fn run(&self) {
        let outcome = match self.read() {
            Ok((config, keys)) => {
                self.take(&config, keys);
                "taken"
            }
            Err(error) => {
                tracing::error!(
                    error = shard::with_sources(&error),
                    "the configuration was not taken, the keys of before go on signing"
                );
                "refused"
            }
        };
        counter!(RELOADS, "outcome" => outcome).increment(1);
    }

    fn read(&self) -> Result<(Config, SigningKeys), StartError> {
        let config = Config::load(&self.arguments)?;
        if config.mode != self.config.mode {
            return Err(StartError::Config("mode: a ledger keeps the one it was begun in".to_owned()));
        }
        let keys = keys::signing_keys(&config)?;
        let before = self.signing.borrow();
        let quotes = keys.quotes.differing(&before.quotes).map(|id| ("quotes", id));
        let receipts = keys.receipts.differing(&before.receipts).map(|id| ("receipts", id));
        match quotes.or(receipts) {
            Some((section, id)) => Err(StartError::Config(format!(
                "{section}: key {id} is another than the one of that number until now; give the new one a number of \
                 its own"
            ))),
            None => Ok((config, keys)),
        }
    }

    fn take(&self, config: &Config, keys: SigningKeys) {
        show(&keys);
        let keys = Arc::new(keys);
        let before = self.signing.send_replace(Arc::clone(&keys));
        tell("quotes", before.quotes.ids(), keys.quotes.ids());
        tell("receipts", before.receipts.ids(), keys.receipts.ids());
        let waiting = self.config.differing_sections(config);
        if !waiting.is_empty() {
            tracing::warn!(
                sections = waiting.join(" "),
                "these differ from what the daemon runs on: they wait for a restart"
            );
        }
    }
}

fn tell(signs: &'static str, before: impl Iterator<Item = u32>, now: impl Iterator<Item = u32>) {
    let (before, now): (Vec<u32>, Vec<u32>) = (before.collect(), now.collect());
    let gone: Vec<u32> = before.into_iter().filter(|id| !now.contains(id)).collect();
    tracing::info!(signs, keys = ?now, ?gone, "keys taken: the first signs, the others are known");
}

fn show(keys: &SigningKeys) {
    let number = |id: Option<u32>| id.map_or(0.0, f64::from);
    gauge!(SIGNING_KEY, "signs" => "quotes").set(number(keys.quotes.ids().next()));
    gauge!(SIGNING_KEY, "signs" => "receipts").set(number(keys.receipts.ids().next()));
}
