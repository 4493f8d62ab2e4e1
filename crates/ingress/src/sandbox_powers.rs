//! What only a sandbox can do: rates that never go stale, and calls that fail when told to.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use domain::{Command, CurrencyPair, Label, Method, PublishRates, RateTick, Submission, TickPrice, Timestamp};
use money::Rate;
use pipeline::RateBook;
use wire::requests::Failure;

/// The powers of one sandbox, shared by its listeners and its timer.
#[derive(Debug)]
pub struct SandboxPowers {
    rates: SandboxRates,
    /// At most one for each method that can fail.
    failures: Mutex<BTreeMap<Method, Failure>>,
}

impl SandboxPowers {
    /// With these rates, and nothing that fails.
    #[must_use]
    pub const fn new(rates: SandboxRates) -> Self {
        Self { rates, failures: Mutex::new(BTreeMap::new()) }
    }

    /// Where the sandbox's rates come from.
    #[must_use]
    pub const fn rates(&self) -> &SandboxRates {
        &self.rates
    }

    /// Orders a failure; it takes the place of one that was ordered before.
    pub(crate) fn fail_next(&self, method: Method, failure: Failure) {
        self.failures().insert(method, failure);
    }

    /// The failure that was ordered, once.
    pub(crate) fn take_failure(&self, method: Method) -> Option<Failure> {
        self.failures().remove(&method)
    }

    fn failures(&self) -> MutexGuard<'_, BTreeMap<Method, Failure>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rates a sandbox has of its own, and those that were pinned. A rate is known by its source, so a restart goes on
/// keeping fresh what it finds.
#[derive(Clone, Debug)]
pub struct SandboxRates {
    own: Vec<(CurrencyPair, Rate)>,
    source: Label,
    source_pinned: Label,
}

impl SandboxRates {
    /// These rates by `source`; what is pinned later is published by `source_pinned`.
    #[must_use]
    pub fn new(own: impl IntoIterator<Item = (CurrencyPair, Rate)>, source: Label, source_pinned: Label) -> Self {
        Self { own: own.into_iter().collect(), source, source_pinned }
    }

    /// The sandbox's own and the pinned rates as of now; a pair for which the operator has published a rate is left
    /// alone. `None` when there is none.
    #[must_use]
    pub fn restamped(&self, book: &RateBook, now: Timestamp) -> Option<Submission> {
        let own = self.own.iter().filter_map(|(pair, mid)| {
            let ours = book.last(*pair).is_none_or(|last| last.tick.source == self.source);
            ours.then(|| tick(book, *pair, TickPrice::Mid(*mid), &self.source, now))
        });
        let pinned = book.all().into_iter().filter(|last| last.tick.source == self.source_pinned);
        let pinned = pinned.map(|last| tick(book, last.tick.pair, last.tick.price, &self.source_pinned, now));
        let ticks: Vec<_> = own.chain(pinned).collect();
        (!ticks.is_empty()).then(|| publish(ticks, None))
    }

    /// Publishes this rate whatever the band says, and keeps it fresh from now on.
    pub(crate) fn pinned(&self, book: &RateBook, pair: CurrencyPair, mid: Rate, now: Timestamp) -> Submission {
        let tick = tick(book, pair, TickPrice::Mid(mid), &self.source_pinned, now);
        publish(vec![tick], Some(self.source_pinned.clone()))
    }

    /// Publishes the sandbox's own rate of a pair in the place of a pinned one; `None` when it has none.
    pub(crate) fn unpinned(&self, book: &RateBook, pair: CurrencyPair, now: Timestamp) -> Option<Submission> {
        let (_, mid) = self.own.iter().find(|(own, _)| *own == pair)?;
        let tick = tick(book, pair, TickPrice::Mid(*mid), &self.source, now);
        Some(publish(vec![tick], Some(self.source.clone())))
    }
}

fn tick(book: &RateBook, pair: CurrencyPair, price: TickPrice, source: &Label, now: Timestamp) -> RateTick {
    // A wall clock that was set back between two starts must not make a rate older than the last.
    let last = book.last(pair).map_or(now, |last| last.tick.as_of);
    RateTick { pair, price, source: source.clone(), as_of: now.max(last), valid_until: None }
}

fn publish(ticks: Vec<RateTick>, override_reason: Option<Label>) -> Submission {
    Submission { key: None, command: Command::PublishRates(PublishRates { ticks, override_reason }) }
}
