//! New keys for quotes and receipts while the daemon runs: on SIGHUP the configuration is read again, and `[quotes]` and
//! `[receipts]` are taken from it. All of it, or none: what cannot be used is told, and the keys of before go on signing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::Mode;
use ingress::SigningKeys;
use metrics::{Unit, counter, describe_counter, describe_gauge, gauge};
use tokio::sync::watch;

use crate::{
    arguments::Arguments,
    config::Config,
    keys::{self, Keys},
    start::StartError,
};

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
    /// All there were since the start: a number never means another key.
    seen: Mutex<Vec<Arc<SigningKeys>>>,
}

impl Reload {
    /// Begins with the keys the daemon started with.
    pub(crate) fn new(arguments: Arguments, config: Config, signing: Arc<SigningKeys>) -> Self {
        show(&signing);
        for outcome in ["taken", "refused"] {
            counter!(RELOADS, "outcome" => outcome).increment(0);
        }
        let seen = Mutex::new(vec![Arc::clone(&signing)]);
        Self { arguments, config, signing: watch::Sender::new(signing), seen }
    }

    /// The keys of every moment.
    pub(crate) fn signing_keys(&self) -> watch::Receiver<Arc<SigningKeys>> {
        self.signing.subscribe()
    }

    /// Keys that are the same as before are kept once: rotations are rare, SIGHUPs need not be.
    fn remember(&self, keys: &Arc<SigningKeys>) {
        let mut seen = self.seen();
        let has_all = |known: &Arc<SigningKeys>| {
            let (quotes, receipts): (Vec<u32>, Vec<u32>) =
                (known.quotes.ids().collect(), known.receipts.ids().collect());
            keys.quotes.ids().all(|id| quotes.contains(&id)) && keys.receipts.ids().all(|id| receipts.contains(&id))
        };
        if !seen.iter().any(has_all) {
            seen.push(Arc::clone(keys));
        }
    }

    /// Reads the configuration once more.
    pub(crate) fn run(&self) {
        let outcome = match self.read() {
            Ok((config, keys)) => {
                self.take(&config, keys);
                "taken"
            }
            Err(error) => {
                // What figment says has lines of its own.
                let text = shard::with_sources(&error);
                let error = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
                tracing::error!(error, "the configuration was not taken, the keys of before go on signing");
                "refused"
            }
        };
        counter!(RELOADS, "outcome" => outcome).increment(1);
    }

    fn read(&self) -> Result<(Config, Arc<SigningKeys>), StartError> {
        let config = Config::load(&self.arguments)?;
        if config.mode != self.config.mode {
            let [there, here] = [config.mode, self.config.mode].map(|mode| Mode::from(mode).as_str());
            return Err(StartError::Config(format!("mode is \"{there}\" there, and this is a {here} daemon")));
        }
        // All that a start would refuse is refused now, and not when the daemon is down.
        let keys = Keys::load(&config)?;
        keys.parties()?;
        for before in &*self.seen() {
            keys::refuse_clash(&keys.signing, before)?;
        }
        Ok((config, keys.signing))
    }

    fn seen(&self) -> MutexGuard<'_, Vec<Arc<SigningKeys>>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, config: &Config, keys: Arc<SigningKeys>) {
        show(&keys);
        self.remember(&keys);
        let before = self.signing.send_replace(Arc::clone(&keys));
        tell("quotes", before.quotes.ids(), keys.quotes.ids());
        let gone = tell("receipts", before.receipts.ids(), keys.receipts.ids());
        if !gone.is_empty() {
            tracing::warn!(?gone, "receipts of these keys can no longer be checked with what ListKeys tells");
        }
        let waiting = self.config.differing_sections(config);
        if !waiting.is_empty() {
            tracing::warn!(
                sections = waiting.join(" "),
                "these differ from what the daemon runs on: they wait for a restart"
            );
        }
    }
}

/// Returns the numbers that are gone.
fn tell(signs: &'static str, before: impl Iterator<Item = u32>, now: impl Iterator<Item = u32>) -> Vec<u32> {
    let (before, now): (Vec<u32>, Vec<u32>) = (before.collect(), now.collect());
    let gone: Vec<u32> = before.into_iter().filter(|id| !now.contains(id)).collect();
    tracing::info!(signs, keys = ?now, ?gone, "keys taken: the first signs, the others are known");
    gone
}

fn show(keys: &SigningKeys) {
    let number = |id: Option<u32>| id.map_or(0.0, f64::from);
    gauge!(SIGNING_KEY, "signs" => "quotes").set(number(keys.quotes.ids().next()));
    gauge!(SIGNING_KEY, "signs" => "receipts").set(number(keys.receipts.ids().next()));
}
