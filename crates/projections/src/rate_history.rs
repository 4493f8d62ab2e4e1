//! Every rate that was published.

use std::sync::Arc;

use dashmap::DashMap;
use domain::{Command, CurrencyPair, Event, PublishRates, PublishedTick, RatesPublished, Record};

/// Consecutive rates of one pair, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RatePage {
    /// The rates.
    pub ticks: Vec<PublishedTick>,
    /// Where the next page ends; `None` when this one reaches the first rate.
    pub next: Option<usize>,
}

/// The tape by pair.
#[derive(Debug, Default)]
pub(crate) struct RateHistory {
    ticks: DashMap<CurrencyPair, Vec<TickView>>,
}

/// A tick by reference: the record is shared with all who show it.
#[derive(Debug)]
struct TickView {
    record: Arc<Record>,
    // Invariant: the record publishes rates, and there is a tick of this index.
    index: usize,
}

impl RateHistory {
    pub(crate) fn publish(&self, record: &Arc<Record>, command: &PublishRates) {
        for (index, tick) in command.ticks.iter().enumerate() {
            self.ticks.entry(tick.pair).or_default().push(TickView { record: Arc::clone(record), index });
        }
    }

    pub(crate) fn page(&self, pair: CurrencyPair, before: Option<usize>, limit: usize) -> RatePage {
        self.ticks.get(&pair).map(|ticks| page(&ticks, before, limit)).unwrap_or_default()
    }
}

fn page(ticks: &[TickView], before: Option<usize>, limit: usize) -> RatePage {
    let end = before.unwrap_or(ticks.len()).min(ticks.len());
    let start = end.saturating_sub(limit);
    let ticks = ticks.get(start..end).unwrap_or_default().iter().rev().map(TickView::published).collect();
    RatePage { ticks, next: (start > 0).then_some(start) }
}

impl TickView {
    fn published(&self) -> PublishedTick {
        let (Command::PublishRates(PublishRates { ticks, .. }), Event::RatesPublished(RatesPublished { move_ppm })) =
            (&self.record.command, &self.record.event)
        else {
            panic!("a tick view is of a record that published rates");
        };
        PublishedTick {
            lsn: self.record.lsn,
            tick: ticks[self.index].clone(),
            // Records from before volatility was told have none.
            move_ppm: move_ppm.get(self.index).copied().unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests;
