//! Rates and rules in force.

use std::sync::{Arc, RwLock};

use dashmap::DashMap;
use domain::{
    Command, CurrencyPair, Event, Lsn, Policy, PriceInForce, PublishRates, PublishedTick, RatesPublished, Record,
    Standing, StandingLedger, Timestamp, Unavailable, price_in_force,
};

use crate::metric_names;

/// The last durable rate of each pair and the last durable policy.
///
/// Shared: one thread observes records in lsn order, each before its answer is released; any number of threads look up.
/// A lookup may be some records behind the engine, which checks each quote against the rate tape.
#[derive(Debug, Default)]
pub struct RateBook {
    ticks: DashMap<CurrencyPair, PublishedTick>,
    policy: RwLock<Option<Arc<Policy>>>,
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
            (Command::PublishRates(command), Event::RatesPublished(published)) => {
                self.publish(command, published, record.lsn);
            }
            (Command::InstallPolicy(command), Event::PolicyInstalled) => self.install(Arc::clone(&command.policy)),
            _ => {}
        }
    }

    /// Takes in one thing that stands, in the order an engine tells it.
    pub fn stand(&self, standing: &Standing) {
        if let Standing::Ledger(StandingLedger { policy: Some(policy), .. }) = standing {
            self.install(Arc::clone(policy));
        } else if let Standing::Tick(tick) = standing {
            let published = tick.published.clone();
            metric_names::set_rate_move(published.tick.pair, published.move_ppm);
            self.ticks.insert(published.tick.pair, published);
        }
    }

    /// What this pair is quoted by at `at`: its own last rate, or rates crossed through the policy's pivot.
    ///
    /// # Errors
    /// [`Unavailable::RateMissing`] or [`Unavailable::RateStale`], of this pair. Without a policy nothing is quoted,
    /// which only a ledger that has not begun can show.
    pub fn price(&self, pair: CurrencyPair, at: Timestamp) -> Result<PriceInForce, Unavailable> {
        let policy = self.policy().ok_or(Unavailable::RateMissing(pair))?;
        price_in_force(&policy, pair, at, |pair| self.last(pair))
    }

    /// The last rate of this very pair, however old it is.
    #[must_use]
    pub fn last(&self, pair: CurrencyPair) -> Option<PublishedTick> {
        self.ticks.get(&pair).map(|entry| entry.clone())
    }

    /// The last rate of every pair, by presentment and then debit currency.
    #[must_use]
    pub fn all(&self) -> Vec<PublishedTick> {
        let mut ticks: Vec<_> = self.ticks.iter().map(|entry| entry.clone()).collect();
        ticks.sort_unstable_by_key(|published| published.tick.pair);
        ticks
    }

    /// The policy in force, or `None` before the first.
    #[must_use]
    pub fn policy(&self) -> Option<Arc<Policy>> {
        self.policy.read().expect("no holder of the policy's lock panics").clone()
    }

    fn publish(&self, command: &PublishRates, published: &RatesPublished, lsn: Lsn) {
        for (index, tick) in command.ticks.iter().enumerate() {
            // Records from before volatility was told have none.
            let move_ppm = published.move_ppm.get(index).copied().unwrap_or(0);
            self.ticks.insert(tick.pair, PublishedTick { lsn, tick: tick.clone(), move_ppm });
            metric_names::set_rate_move(tick.pair, move_ppm);
        }
    }

    fn install(&self, policy: Arc<Policy>) {
        *self.policy.write().expect("no holder of the policy's lock panics") = Some(policy);
    }
}

#[cfg(test)]
mod tests;
