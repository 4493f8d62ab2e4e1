//! Every rate that was published.

use std::sync::Arc;

use dashmap::DashMap;
use domain::{Command, CurrencyPair, Event, Lsn, PublishRates, PublishedTick, RatesPublished, Record};
use index::{Batch, Index, PlaceInRecord, Table};

use crate::tail::{Part, Tail};

use crate::IndexError;

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
    index: Option<Index>,
    ticks: DashMap<CurrencyPair, Tail<TickView>>,
}

/// A tick by reference: the record is shared with all who show it.
#[derive(Clone, Debug)]
struct TickView {
    record: Arc<Record>,
    // Invariant: the record publishes rates, and there is a tick of this index.
    index: usize,
}

impl RateHistory {
    /// The pairs that are in the index.
    pub(crate) fn load(index: Index) -> Result<Self, IndexError> {
        let tail = |count| Tail::behind(usize::try_from(count).expect("a list fits the address space"));
        let ticks = index.rate_counts()?.into_iter().map(|(pair, count)| (pair, tail(count))).collect();
        Ok(Self { index: Some(index), ticks })
    }

    pub(crate) fn publish(&self, record: &Arc<Record>, command: &PublishRates, mut batch: Option<&mut Batch>) {
        for (index, tick) in command.ticks.iter().enumerate() {
            let view = TickView { record: Arc::clone(record), index };
            let number = self.ticks.entry(tick.pair).or_default().push(view);
            if let Some(batch) = batch.as_deref_mut() {
                let index = u32::try_from(index).expect("a record has fewer than 2^32 rates");
                batch.rate(tick.pair, number, PlaceInRecord { lsn: record.lsn, index });
            }
        }
    }

    /// Drops the rates of these pairs up to this position; they are in the index.
    pub(crate) fn forget(&self, command: &PublishRates, up_to: Lsn) {
        for tick in &command.ticks {
            if let Some(mut ticks) = self.ticks.get_mut(&tick.pair) {
                ticks.forget(|tick| tick.record.lsn <= up_to);
            }
        }
    }

    pub(crate) fn page(&self, pair: CurrencyPair, before: Option<usize>, limit: usize) -> Result<RatePage, IndexError> {
        let Some((part, next)) = self.ticks.get(&pair).map(|ticks| part(&ticks, before, limit)) else {
            return Ok(RatePage::default());
        };
        let mut ticks: Vec<_> = part.kept.iter().rev().map(TickView::published).collect();
        if let Some(index) = &self.index {
            for place in index.rates(pair, part.in_index.start, part.in_index.end)?.into_iter().rev() {
                ticks.push(shown(pair, place, &*index.record_led_to(place.lsn)?)?);
            }
        }
        Ok(RatePage { ticks, next })
    }
}

/// The rates of a page, oldest first, and where the next one ends.
fn part(ticks: &Tail<TickView>, before: Option<usize>, limit: usize) -> (Part<TickView>, Option<usize>) {
    let end = before.unwrap_or(ticks.len()).min(ticks.len());
    let start = end.saturating_sub(limit);
    (ticks.part(start..end), (start > 0).then_some(start))
}

impl TickView {
    fn published(&self) -> PublishedTick {
        published(&self.record, self.index).expect("a tick view is of a record that published rates")
    }
}

/// A rate as the index has it.
fn shown(pair: CurrencyPair, place: PlaceInRecord, record: &Record) -> Result<PublishedTick, IndexError> {
    let tick = usize::try_from(place.index).ok().and_then(|index| published(record, index));
    let problem = "it leads to no rate of the pair";
    let damaged = || IndexError::damaged(Table::Rates, pair.to_string().as_bytes(), problem);
    tick.filter(|published| published.tick.pair == pair).ok_or_else(damaged)
}

fn published(record: &Record, index: usize) -> Option<PublishedTick> {
    let (Command::PublishRates(PublishRates { ticks, .. }), Event::RatesPublished(RatesPublished { move_ppm })) =
        (&record.command, &record.event)
    else {
        return None;
    };
    // Records from before volatility was told have none.
    let move_ppm = move_ppm.get(index).copied().unwrap_or(0);
    Some(PublishedTick { lsn: record.lsn, tick: ticks.get(index)?.clone(), move_ppm })
}

#[cfg(test)]
mod tests;
