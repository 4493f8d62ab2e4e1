//! What a network is told before it begins. Every limit has a default here and its unit in its name.

use std::net::SocketAddr;
use std::path::PathBuf;

use iso8583::Spec;

use crate::billing::Billing;
use crate::script::DELAY_MS_MAX;
use crate::scripts::Scripts;

/// The published spec of a name: `ascii`, `ebcdic` or `bcd`.
#[must_use]
pub fn spec_named(name: &str) -> Option<&'static Spec> {
    match name {
        "ascii" => Some(&Spec::ASCII),
        "ebcdic" => Some(&Spec::EBCDIC),
        "bcd" => Some(&Spec::BCD),
        _ => None,
    }
}

/// What a network is told before it begins.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it listens, one or more: a network has several hosts, and all have the same books. Port 0 is any free one.
    pub addresses: Vec<SocketAddr>,
    /// How messages are written on every line.
    pub spec: &'static Spec,
    /// What it answers.
    pub scripts: Scripts,
    /// What cards are billed.
    pub billing: Billing,
    /// The file the books are written to and taken up from, or `None` to keep them in memory only.
    pub books_path: Option<PathBuf>,
    /// How many milliseconds each answer waits, beyond what its script asks. At most [`DELAY_MS_MAX`].
    pub delay_ms: u32,
    /// How much of anything there may be.
    pub limits: Limits,
}

/// How much of anything there may be. None is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Lines at a time, over all addresses; one more is closed at once.
    pub connections_max: usize,
    /// Bytes of a message that comes in; a longer one closes the line.
    pub frame_bytes_max: u16,
    /// Answers of one line that wait to be sent; beyond, nothing more is read of it. At most [`IN_FLIGHT_MAX`].
    pub in_flight_max: usize,
    /// Milliseconds without a byte after which a line is closed.
    pub idle_ms_max: u32,
    /// Milliseconds that the other end may take to let answers be written; then the line is closed.
    pub write_ms_max: u32,
    /// Messages that are remembered, and with them how large the books get; beyond, new ones are answered with DE 39 `96`.
    /// One takes about half a kilobyte of memory.
    pub messages_max: usize,
}

/// The most addresses to listen at.
pub const ADDRESSES_MAX: usize = 16;
/// The most answers of one line that wait, and the most lines.
pub const IN_FLIGHT_MAX: usize = 65_536;

impl Limits {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        connections_max: 256,
        frame_bytes_max: 4096,
        in_flight_max: 1024,
        idle_ms_max: 3_600_000,
        write_ms_max: 10_000,
        messages_max: 1_000_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// One address of the local machine with any free port, packed digits, the scripts of the test numbers, nothing converted,
/// no file, no wait.
impl Default for Settings {
    fn default() -> Self {
        Self {
            addresses: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            spec: &Spec::BCD,
            scripts: Scripts::default(),
            billing: Billing::default(),
            books_path: None,
            delay_ms: 0,
            limits: Limits::DEFAULT,
        }
    }
}

/// Settings that no network can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// None, or too many.
    #[error("a network listens at 1 to {ADDRESSES_MAX} addresses")]
    Addresses,
    /// Too long.
    #[error("an answer is delayed by at most {DELAY_MS_MAX} ms")]
    Delay,
    /// Zero, or too much.
    #[error("{0} is at least 1, and connections_max and in_flight_max are at most {IN_FLIGHT_MAX}")]
    Limit(&'static str),
}

impl Settings {
    /// Refuses what no network can have.
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if self.addresses.is_empty() || self.addresses.len() > ADDRESSES_MAX {
            return Err(SettingsError::Addresses);
        }
        if self.delay_ms > DELAY_MS_MAX {
            return Err(SettingsError::Delay);
        }
        let Limits { connections_max, frame_bytes_max, in_flight_max, idle_ms_max, write_ms_max, messages_max } =
            self.limits;
        for (name, fits) in [
            ("connections_max", (1..=IN_FLIGHT_MAX).contains(&connections_max)),
            ("frame_bytes_max", frame_bytes_max > 0),
            ("in_flight_max", (1..=IN_FLIGHT_MAX).contains(&in_flight_max)),
            ("idle_ms_max", idle_ms_max > 0),
            ("write_ms_max", write_ms_max > 0),
            ("messages_max", messages_max > 0),
        ] {
            if !fits {
                return Err(SettingsError::Limit(name));
            }
        }
        Ok(())
    }
}
