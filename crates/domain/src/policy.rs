//! The rules in force. They travel in the journal, so that a decision can be replayed under the rules it was made by.

use money::Ratio;

use crate::{Digest, Timestamp};

/// Rules for conversions and rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The switch's margin over mid.
    pub fx_markup: Ratio,
    /// A rate older than this is refused, in milliseconds.
    pub rate_age_ms_max: i64,
    /// A published rate that moves more than this against the last of its pair is refused.
    pub rate_move_max: Ratio,
}

impl Policy {
    /// From this moment on a rate that speaks of `as_of` is refused as stale.
    #[must_use]
    pub const fn rate_expires_at(&self, as_of: Timestamp) -> Timestamp {
        as_of.plus_millis(self.rate_age_ms_max)
    }

    /// Whether a rate that speaks of `as_of` is too old to convert by at `at`.
    #[must_use]
    pub fn rate_is_stale(&self, as_of: Timestamp, at: Timestamp) -> bool {
        at >= self.rate_expires_at(as_of)
    }
}

/// What a ledger is for. A sandbox's keys are public, so its ledger is refused by a production daemon, and the reverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For trying out: known keys, made-up money.
    Sandbox,
    /// For real money.
    Production,
}

impl Mode {
    /// As written in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }
}

/// Names the secret behind the ledger's digests without telling it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestKey {
    /// The operator's number for the secret.
    pub id: u32,
    /// Digest of a fixed text under the secret: another secret gives another value.
    pub check: Digest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_stale_from_the_moment_it_expires() {
        let policy = Policy { fx_markup: Ratio::ZERO, rate_age_ms_max: 1_000, rate_move_max: Ratio::ZERO };
        let as_of = Timestamp::from_micros(5_000_000);
        let expires_at = policy.rate_expires_at(as_of);
        assert_eq!(expires_at, Timestamp::from_micros(6_000_000));
        assert!(policy.rate_is_stale(as_of, expires_at));
        assert!(!policy.rate_is_stale(as_of, Timestamp::from_micros(5_999_999)));
        assert!(!policy.rate_is_stale(as_of, Timestamp::EPOCH), "a rate may speak of a moment just ahead");
    }
}
