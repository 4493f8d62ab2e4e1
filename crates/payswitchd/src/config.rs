//! The configuration: built in, then file, then environment, then arguments.

mod cards;

use std::{
    collections::BTreeSet,
    fs,
    net::SocketAddr,
    num::NonZeroUsize,
    path::{self, Path, PathBuf},
    thread,
};

use domain::{Mode, Name, Policy};
use figment::{
    Figment,
    error::Kind,
    providers::{Env, Format, Serialized, Toml},
};
use ingress::Limits;
use serde::{Deserialize, Serialize};

pub(crate) use self::cards::{Cards, VaultKey};
use crate::{
    arguments::Arguments,
    policy_text::{CardsText, PolicyText},
    sandbox,
    start::StartError,
};

/// Environment variables that begin so are keys; `__` stands between section and key.
const ENVIRONMENT_PREFIX: &str = "PAYSWITCHD__";

/// The largest configuration file, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// How much longer than its handler a call may take, in milliseconds: for its message to arrive.
const CALL_MS_EXTRA: u64 = 5_000;
/// More connections than any process has file descriptors for are a mistake.
const CONNECTIONS_MAX: usize = 65_536;
/// More threads than any machine has processors for are a mistake.
const MERCHANTS_MAX: usize = 256;
/// Threads for merchants on a large machine, unless more are asked for: what they let through keeps one shard busy.
const MERCHANTS_UNASKED_MAX: usize = 8;
/// The largest segment, in bytes: two are written with zeros before the first payment.
const SEGMENT_BYTES_MAX: u64 = 1 << 30;
/// Segments are made of blocks of this many bytes.
const SEGMENT_BYTES_STEP: u64 = 4_096;

/// Everything that can be configured. `config/payswitchd.toml` shows every key with its unit and default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) mode: ModeName,
    pub(crate) data_dir: PathBuf,
    /// A switch for measurements; only an argument sets it.
    #[serde(skip)]
    pub(crate) bench_echo: bool,
    /// A confirmation; only an argument gives it.
    #[serde(skip)]
    pub(crate) accept_clock: bool,
    /// Another; only an argument gives it.
    #[serde(skip)]
    pub(crate) destroy_unknown_cards: bool,
    pub(crate) listen: Listen,
    pub(crate) connections: Connections,
    pub(crate) requests: Requests,
    pub(crate) threads: Threads,
    pub(crate) journal: Journal,
    pub(crate) projections: Projections,
    pub(crate) snapshots: Snapshots,
    pub(crate) archive: Archive,
    pub(crate) policy: PolicyText,
    pub(crate) drain: Drain,
    pub(crate) log: Log,
    pub(crate) digest_key: Option<DigestKeyFile>,
    pub(crate) quotes: Option<QuoteKeys>,
    pub(crate) receipts: Option<ReceiptKeys>,
    pub(crate) operator: Option<Operator>,
    pub(crate) cards: Option<Cards>,
    #[serde(default)]
    pub(crate) wallets: Vec<Wallet>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ModeName {
    Sandbox,
    Production,
}

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Self {
        match name {
            ModeName::Sandbox => Self::Sandbox,
            ModeName::Production => Self::Production,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listen {
    pub(crate) merchants: SocketAddr,
    pub(crate) operators: SocketAddr,
    pub(crate) metrics: SocketAddr,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connections {
    pub(crate) connections_max: usize,
    pub(crate) first_bytes_ms_max: u64,
    pub(crate) streams_max: u32,
    pub(crate) local_resets_max: usize,
    pub(crate) pending_resets_max: usize,
    pub(crate) header_bytes_max: u32,
    pub(crate) message_bytes_max: usize,
    pub(crate) keepalive_ms: u64,
    pub(crate) keepalive_timeout_ms: u64,
    pub(crate) connection_age_ms_max: u64,
    pub(crate) connection_grace_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Requests {
    pub(crate) inbox_requests_max: usize,
    pub(crate) request_ms_max: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Journal {
    pub(crate) segment_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Threads {
    /// Zero for as many as fit the machine.
    merchants: usize,
}

impl Threads {
    /// How many threads serve merchants. Where nothing is said, half of the processors: what payments need beside them, the
    /// shard, the projector and what merges the index, takes the other half.
    pub(crate) fn merchants(&self) -> usize {
        match self.merchants {
            0 => thread::available_parallelism()
                .map_or(1, NonZeroUsize::get)
                .div_euclid(2)
                .clamp(1, MERCHANTS_UNASKED_MAX),
            asked => asked,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Projections {
    pub(crate) feed_records_max: usize,
    pub(crate) watch_records_max: usize,
    pub(crate) hot_records: usize,
    pub(crate) filter_bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Snapshots {
    pub(crate) every_records: u64,
}

/// Where old segments go; nowhere unless there is a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    pub(crate) directory: Option<PathBuf>,
    pub(crate) keep_bytes: Option<u64>,
    pub(crate) keep_days: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Drain {
    pub(crate) drain_ms_max: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DigestKeyFile {
    pub(crate) id: u32,
    pub(crate) file: PathBuf,
}

/// The secrets that quotes are signed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuoteKeys {
    pub(crate) id: u32,
    pub(crate) file: PathBuf,
    #[serde(default)]
    pub(crate) older: Vec<OlderQuoteKey>,
}

/// A secret that quotes were signed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OlderQuoteKey {
    pub(crate) id: u32,
    pub(crate) file: PathBuf,
}

/// The keys that receipts are signed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceiptKeys {
    pub(crate) id: u32,
    pub(crate) file: PathBuf,
    #[serde(default)]
    pub(crate) older: Vec<OlderReceiptKey>,
}

/// The public half of a key that receipts were signed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OlderReceiptKey {
    pub(crate) id: u32,
    pub(crate) public_key: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operator {
    pub(crate) api_key_hash: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wallet {
    pub(crate) name: String,
    pub(crate) api_key_hash: String,
}

/// What a sandbox runs on.
impl Default for Config {
    fn default() -> Self {
        let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            mode: ModeName::Sandbox,
            data_dir: PathBuf::from("./payswitch-data"),
            bench_echo: false,
            accept_clock: false,
            destroy_unknown_cards: false,
            listen: Listen { merchants: loopback(7450), operators: loopback(7451), metrics: loopback(7452) },
            connections: Connections {
                connections_max: 256,
                first_bytes_ms_max: 5_000,
                streams_max: 100,
                local_resets_max: 1_024,
                pending_resets_max: 20,
                header_bytes_max: 8_192,
                message_bytes_max: 16_384,
                keepalive_ms: 20_000,
                keepalive_timeout_ms: 10_000,
                connection_age_ms_max: 600_000,
                connection_grace_ms: 30_000,
            },
            requests: Requests { inbox_requests_max: 16_384, request_ms_max: 10_000 },
            threads: Threads { merchants: 0 },
            journal: Journal { segment_bytes: journal::SEGMENT_BYTES_DEFAULT },
            projections: Projections {
                feed_records_max: 65_536,
                watch_records_max: 65_536,
                hot_records: 65_536,
                filter_bytes: 33_554_432,
            },
            snapshots: Snapshots { every_records: 200_000 },
            archive: Archive::default(),
            policy: PolicyText::default(),
            drain: Drain { drain_ms_max: 10_000 },
            log: Log { format: LogFormat::Text },
            digest_key: None,
            quotes: None,
            receipts: None,
            operator: None,
            cards: None,
            wallets: Vec::new(),
        }
    }
}

impl Config {
    /// Reads the configuration and checks what can be checked without touching anything.
    pub(crate) fn load(arguments: &Arguments) -> Result<Self, StartError> {
        let mut figment = built_in();
        if let Some(path) = &arguments.config {
            check_file(path)?;
            figment = figment.merge(Toml::file_exact(path));
        }
        figment = figment.merge(Env::prefixed(ENVIRONMENT_PREFIX).split("__"));
        let mut config: Self = figment.extract().map_err(|error| explain(&error))?;

        config.bench_echo = arguments.bench_echo;
        config.accept_clock = arguments.accept_clock;
        config.destroy_unknown_cards = arguments.destroy_unknown_cards;
        for (argument, value) in [
            (arguments.listen, &mut config.listen.merchants),
            (arguments.admin_listen, &mut config.listen.operators),
            (arguments.metrics_listen, &mut config.listen.metrics),
        ] {
            *value = argument.unwrap_or(*value);
        }
        config.data_dir = arguments.data_dir.clone().unwrap_or(config.data_dir);
        config.check()?;
        Ok(config)
    }

    /// The same of the text of a file alone, without arguments and environment.
    pub(crate) fn of_file(text: &str) -> Result<Self, StartError> {
        let config: Self = built_in().merge(Toml::string(text)).extract().map_err(|error| explain(&error))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), StartError> {
        for address in [self.listen.merchants, self.listen.operators, self.listen.metrics] {
            if !address.ip().is_loopback() {
                return Err(StartError::Config(format!(
                    "cannot listen on {address}: this version serves plain text on loopback addresses only; put a proxy \
                     that ends TLS in front of it"
                )));
            }
        }
        let has_own_keys = self.digest_key.is_some()
            || self.quotes.is_some()
            || self.receipts.is_some()
            || self.operator.is_some()
            || !self.wallets.is_empty();
        match self.mode {
            ModeName::Sandbox if has_own_keys => Err(StartError::Config(
                "a sandbox has its own known keys: leave out digest_key, quotes, receipts, operator and wallets, or \
                 set mode = \"production\""
                    .to_owned(),
            )),
            ModeName::Production if self.digest_key.is_none() => Err(missing("digest_key")),
            ModeName::Production if self.operator.is_none() => Err(missing("operator")),
            ModeName::Production if self.quotes.is_none() => Err(missing("quotes")),
            ModeName::Production if self.receipts.is_none() => Err(missing("receipts")),
            ModeName::Sandbox | ModeName::Production => Ok(()),
        }?;
        self.check_bounds()?;
        self.policy()?;
        self.check_cards()?;
        self.wallet_names()?;
        self.check_key_ids()
    }

    /// A bound of zero would let nothing through.
    fn check_bounds(&self) -> Result<(), StartError> {
        let Self { connections, requests, projections, snapshots, policy, drain, .. } = self;
        let bounds = [
            ("connections.connections_max", connections.connections_max == 0),
            ("connections.first_bytes_ms_max", connections.first_bytes_ms_max == 0),
            ("connections.streams_max", connections.streams_max == 0),
            ("connections.local_resets_max", connections.local_resets_max == 0),
            ("connections.pending_resets_max", connections.pending_resets_max == 0),
            ("connections.header_bytes_max", connections.header_bytes_max == 0),
            ("connections.message_bytes_max", connections.message_bytes_max == 0),
            ("connections.keepalive_ms", connections.keepalive_ms == 0),
            ("connections.keepalive_timeout_ms", connections.keepalive_timeout_ms == 0),
            ("connections.connection_age_ms_max", connections.connection_age_ms_max == 0),
            ("requests.inbox_requests_max", requests.inbox_requests_max == 0),
            ("requests.request_ms_max", requests.request_ms_max == 0),
            ("projections.feed_records_max", projections.feed_records_max == 0),
            ("projections.watch_records_max", projections.watch_records_max == 0),
            ("projections.hot_records", projections.hot_records == 0),
            ("projections.filter_bytes", projections.filter_bytes == 0),
            ("snapshots.every_records", snapshots.every_records == 0),
            ("policy.rate_age_ms_max", policy.rate_age_ms_max == 0),
            ("policy.quote_ms", policy.quote_ms == 0),
            ("policy.hold_ms", policy.hold_ms == 0),
            ("drain.drain_ms_max", drain.drain_ms_max == 0),
        ];
        if let Some((key, _)) = bounds.into_iter().find(|(_, is_zero)| *is_zero) {
            return Err(StartError::Config(format!("{key} is 0: it would let nothing through")));
        }
        let Archive { directory, keep_bytes, keep_days } = &self.archive;
        if directory.is_none() && (keep_bytes.is_some() || keep_days.is_some()) {
            return Err(StartError::Config("archive.keep_bytes and keep_days need archive.directory".to_owned()));
        }
        if *keep_bytes == Some(0) || *keep_days == Some(0) {
            return Err(StartError::Config("archive.keep_bytes or keep_days is 0: it would keep nothing".to_owned()));
        }
        if let Some(directory) = directory {
            self.check_archive(directory)?;
        }
        if connections.connections_max > CONNECTIONS_MAX {
            return Err(StartError::Config(format!("connections.connections_max: at most {CONNECTIONS_MAX}")));
        }
        if self.threads.merchants > MERCHANTS_MAX {
            return Err(StartError::Config(format!("threads.merchants: at most {MERCHANTS_MAX}")));
        }
        let segment_bytes = self.journal.segment_bytes;
        let bounds = journal::SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX;
        if !bounds.contains(&segment_bytes) || !segment_bytes.is_multiple_of(SEGMENT_BYTES_STEP) {
            return Err(StartError::Config(format!(
                "journal.segment_bytes = {segment_bytes}: a multiple of {SEGMENT_BYTES_STEP}, {} to {SEGMENT_BYTES_MAX}",
                journal::SEGMENT_BYTES_MIN
            )));
        }
        Ok(())
    }

    /// An archive is another directory than those of the ledger, which are made again or removed.
    fn check_archive(&self, directory: &Path) -> Result<(), StartError> {
        let refused = |why| Err(StartError::Config(format!("archive.directory = {directory:?}: {why}")));
        if directory.as_os_str().is_empty() {
            return refused("leave it out for no archive");
        }
        let (Ok(archive), Ok(data_dir)) = (path::absolute(directory), path::absolute(&self.data_dir)) else {
            return refused("it has no absolute path");
        };
        let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_missing| path.to_path_buf());
        if real(&archive).starts_with(real(&data_dir)) || archive.starts_with(&data_dir) {
            return refused("it lies in the data directory");
        }
        if archive.exists() && !archive.is_dir() {
            return refused("it is no directory");
        }
        Ok(())
    }

    /// Rules, a vault and a network come together: without any of them no card is taken.
    fn check_cards(&self) -> Result<(), StartError> {
        let network = self.cards.as_ref().and_then(|cards| cards.network.as_ref());
        if let Some(network) = network {
            let least_ms = i64::from(network.settings()?.time_outs.answer_ms_min);
            let answer_ms = self.policy()?.cards.map(|rules| rules.answer_ms);
            if let Some(answer_ms) = answer_ms.filter(|answer_ms| *answer_ms <= least_ms) {
                return Err(StartError::Config(format!(
                    "policy.cards.answer_ms = {answer_ms}: not above cards.network.answer_ms_min, {least_ms}, so no issuer would \
                     be asked"
                )));
            }
        }
        let has_keys = self.cards.as_ref().is_some_and(|cards| !cards.vault_keys.is_empty());
        let missing = match self.mode {
            ModeName::Sandbox => None,
            ModeName::Production => [
                ("policy.cards", self.policy.cards.is_some()),
                ("cards.vault_keys", has_keys),
                ("cards.network", network.is_some()),
            ]
            .into_iter()
            .filter(|_| self.policy.cards.is_some() || self.cards.is_some())
            .find(|(_, is_there)| !is_there),
        };
        match missing {
            Some((section, _)) => Err(StartError::Config(format!("cards are not taken without [{section}]"))),
            None => Ok(()),
        }
    }

    /// A key is known by its number, so no two have one.
    fn check_key_ids(&self) -> Result<(), StartError> {
        let quotes = self.quotes.iter().map(|keys| (keys.id, keys.older.iter().map(|older| older.id).collect()));
        let receipts = self.receipts.iter().map(|keys| (keys.id, keys.older.iter().map(|older| older.id).collect()));
        let sections = quotes.map(|ids| ("quotes", ids)).chain(receipts.map(|ids| ("receipts", ids)));
        for (section, (current, older)) in sections {
            let older: Vec<u32> = older;
            let mut ids = BTreeSet::from([current]);
            if let Some(again) = older.into_iter().find(|id| !ids.insert(*id)) {
                return Err(StartError::Config(format!("{section}: two keys have the id {again}")));
            }
        }
        Ok(())
    }

    /// The sections that say something else there, but for the mode and those that hold the keys that sign.
    pub(crate) fn differing_sections(&self, other: &Self) -> Vec<&'static str> {
        let section = |name, same: bool| (!same).then_some(name);
        [
            section("data_dir", self.data_dir == other.data_dir),
            section("listen", self.listen == other.listen),
            section("connections", self.connections == other.connections),
            section("requests", self.requests == other.requests),
            section("threads", self.threads == other.threads),
            section("journal", self.journal == other.journal),
            section("projections", self.projections == other.projections),
            section("snapshots", self.snapshots == other.snapshots),
            section("archive", self.archive == other.archive),
            section("policy", self.policy == other.policy),
            section("drain", self.drain == other.drain),
            section("log", self.log == other.log),
            section("digest_key", self.digest_key == other.digest_key),
            section("operator", self.operator == other.operator),
            section("cards", self.cards == other.cards),
            section("wallets", self.wallets == other.wallets),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The rules to put in force. A sandbox whose policy names no pivot crosses through the currency whose rates it has.
    pub(crate) fn policy(&self) -> Result<Policy, StartError> {
        let (pivot, cards) = match self.mode {
            ModeName::Sandbox => (Some(sandbox::currency(sandbox::PIVOT)), Some(CardsText::of_sandbox())),
            ModeName::Production => (None, None),
        };
        self.policy.policy(pivot, cards.as_ref()).map_err(|wrong| StartError::Config(format!("policy.{wrong}")))
    }

    /// The wallet operators with the text of their key hash.
    pub(crate) fn wallet_names(&self) -> Result<Vec<(Name, &str)>, StartError> {
        let named = self.wallets.iter().enumerate().map(|(index, wallet)| {
            let name = Name::new(&wallet.name)
                .map_err(|invalid| StartError::Config(format!("wallets[{index}].name {invalid}")))?;
            Ok((name, wallet.api_key_hash.as_str()))
        });
        named.collect()
    }

    /// Bounds of both listeners.
    pub(crate) const fn limits(&self) -> Limits {
        let connections = &self.connections;
        Limits {
            connections_max: connections.connections_max,
            first_bytes_ms_max: connections.first_bytes_ms_max,
            streams_max: connections.streams_max,
            local_resets_max: connections.local_resets_max,
            pending_resets_max: connections.pending_resets_max,
            header_bytes_max: connections.header_bytes_max,
            message_bytes_max: connections.message_bytes_max,
            call_ms_max: self.requests.request_ms_max.saturating_add(CALL_MS_EXTRA),
            keepalive_ms: connections.keepalive_ms,
            keepalive_timeout_ms: connections.keepalive_timeout_ms,
            connection_age_ms_max: connections.connection_age_ms_max,
            connection_grace_ms: connections.connection_grace_ms,
        }
    }
}

fn built_in() -> Figment {
    Figment::from(Serialized::defaults(Config::default()))
}

/// What is no plain file of a sensible size is not read.
fn check_file(path: &Path) -> Result<(), StartError> {
    let refused = |why: String| StartError::Config(format!("{}: {why}", path.display()));
    let found = fs::metadata(path).map_err(|error| refused(error.to_string()))?;
    if !found.is_file() {
        return Err(refused("no plain file".to_owned()));
    }
    if found.len() > FILE_BYTES_MAX {
        return Err(refused(format!("{} bytes, a configuration has at most {FILE_BYTES_MAX}", found.len())));
    }
    Ok(())
}

fn missing(section: &str) -> StartError {
    StartError::Config(format!("mode = \"production\" needs [{section}]: see config/README.md"))
}

/// Says where an error is and, for an unknown key, which key was probably meant.
fn explain(error: &figment::Error) -> StartError {
    let place = error.metadata.as_ref().map_or_else(String::new, |metadata| {
        let source = metadata.source.as_ref().map_or_else(|| metadata.name.to_string(), ToString::to_string);
        format!(" in {source}")
    });
    let Kind::UnknownField(unknown, known) = &error.kind else {
        let key = error.path.join(".");
        let key = if key.is_empty() { String::new() } else { format!("{key}: ") };
        return StartError::Config(format!("{key}{}{place}", error.kind));
    };
    // figment's path ends with the unknown key itself.
    let section = error.path.split_last().map_or(&[][..], |(_, section)| section);
    let full = |key: &str| section.iter().map(String::as_str).chain([key]).collect::<Vec<_>>().join(".");
    let nearest = known
        .iter()
        .max_by(|left, right| strsim::jaro_winkler(left, unknown).total_cmp(&strsim::jaro_winkler(right, unknown)));
    let hint = nearest.map_or_else(String::new, |key| format!("; the nearest known key is {}", full(key)));
    StartError::Config(format!("unknown key {}{place}{hint}", full(unknown)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_file_says_what_is_built_in() {
        let published = include_str!("../../../config/payswitchd.toml");
        let file: Config = Figment::new().merge(Toml::string(published)).extract().expect("every key is known");
        assert_eq!(format!("{file:?}"), format!("{:?}", Config::default()));
    }

    /// Lines like `# [section]` and `# key = value` are what could be configured.
    #[test]
    fn what_the_published_file_shows_in_comments_can_be_configured() {
        let published = include_str!("../../../config/payswitchd.toml");
        let is_key = |line: &str| {
            let name = line.split_once(" = ").map_or("", |(name, _)| name);
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        let shown: String = published
            .lines()
            .map(|line| match line.strip_prefix("# ") {
                Some(shown) if shown.starts_with('[') || is_key(shown) => format!("{shown}\n"),
                Some(_) | None if line.starts_with('#') => "\n".to_owned(),
                Some(_) | None => format!("{line}\n"),
            })
            .collect();
        let file: Config = Figment::new().merge(Toml::string(&shown)).extract().expect("every key shown is known");
        file.policy().expect("the rules shown are sound");
        let policy = &file.policy;
        let tables = [
            ("pivot", policy.pivot.is_some()),
            ("pairs", !policy.pairs.is_empty()),
            ("tiers", !policy.tiers.is_empty()),
            ("volatility", !policy.volatility.is_empty()),
            ("exposure", !policy.exposure.is_empty()),
            ("rails", !policy.rails.is_empty()),
            ("merchants", !policy.merchants.is_empty()),
            ("digest_key", file.digest_key.is_some()),
            ("quotes.older", file.quotes.is_some_and(|keys| !keys.older.is_empty())),
            ("receipts.older", file.receipts.is_some_and(|keys| !keys.older.is_empty())),
            ("operator", file.operator.is_some()),
            ("wallets", !file.wallets.is_empty()),
            ("policy.cards", policy.cards.is_some()),
            ("cards.vault_keys", file.cards.as_ref().is_some_and(|cards| !cards.vault_keys.is_empty())),
            ("cards.network", file.cards.as_ref().is_some_and(|cards| cards.network.is_some())),
        ];
        for (table, shown) in tables {
            assert!(shown, "{table} is shown");
        }
    }

    #[test]
    fn a_ratio_may_be_written_as_text_or_number() {
        for text in ["[policy]\nfx_markup = \"0.02\"", "[policy]\nfx_markup = 0.02"] {
            let figment = built_in().merge(Toml::string(text));
            let config: Config = figment.extract().expect("both are ratios");
            assert_eq!(config.policy().expect("a policy").fx_markup.millionths(), 20_000, "{text}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_known_one() {
        for (text, expected) in [
            ("data_dri = \"x\"", "unknown key data_dri in TOML source string; the nearest known key is data_dir"),
            (
                "[requests]\ninbox_request_max = 1",
                "unknown key requests.inbox_request_max in TOML source string; the nearest known key is \
                 requests.inbox_requests_max",
            ),
        ] {
            let figment = built_in().merge(Toml::string(text));
            let error = figment.extract::<Config>().expect_err("the key is unknown");
            assert_eq!(explain(&error).to_string(), expected);
        }
    }
}
