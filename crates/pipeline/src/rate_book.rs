//! Rates and rules in force.

use std::sync::RwLock;

use dashmap::DashMap;
use domain::{Command, CurrencyPair, Event, Lsn, Policy, PublishRates, RateTick, Record};

/// The last durable rate of each pair and the last durable policy.
///
/// Shared: one thread observes records in lsn order, each before its answer is released; any number of threads look up.
/// A lookup may be some records behind the engine, which checks each quote against the rate tape.
#[derive(Debug, Default)]
pub struct RateBook {
    ticks: DashMap<CurrencyPair, TickInForce>,
    policy: RwLock<Option<Policy>>,
}

/// A published rate and where on the tape it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TickInForce {
    /// The record that published it.
    pub lsn: Lsn,
    /// The rate, its source and the moment it speaks of.
    pub tick: RateTick,
}

impl RateBook {
    /// A book without rates and without a policy.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Folds one durable record; a record about neither rates nor policy changes nothing.
    pub fn observe(&self, record: &Record) {
        match (&record.command, &record.event) {
            (Command::PublishRates(command), Event::RatesPublished) => self.publish(command, record.lsn),
            (Command::InstallPolicy(command), Event::PolicyInstalled) => self.install(command.policy),
            _ => {}
        }
    }

    /// The last rate of this pair, however old it is.
    #[must_use]
    pub fn in_force(&self, pair: CurrencyPair) -> Option<TickInForce> {
        self.ticks.get(&pair).map(|entry| entry.clone())
    }

    /// The last rate of every pair, by presentment and then debit currency.
    #[must_use]
    pub fn all(&self) -> Vec<TickInForce> {
        let mut ticks: Vec<_> = self.ticks.iter().map(|entry| entry.clone()).collect();
        ticks.sort_unstable_by_key(|in_force| in_force.tick.pair);
        ticks
    }

    /// The policy in force, or `None` before the first.
    #[must_use]
    pub fn policy(&self) -> Option<Policy> {
        *self.policy.read().expect("no holder of the policy's lock panics")
    }

    fn publish(&self, command: &PublishRates, lsn: Lsn) {
        for tick in &command.ticks {
            self.ticks.insert(tick.pair, TickInForce { lsn, tick: tick.clone() });
        }
    }

    fn install(&self, policy: Policy) {
        *self.policy.write().expect("no holder of the policy's lock panics") = Some(policy);
    }
}

#[cfg(test)]
mod tests;
