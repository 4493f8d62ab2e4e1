//! The parts of a payment, each at a quote of its own.

use alloc::{sync::Arc, vec::Vec};
use core::iter;

use money::{Money, Weight};

use super::TRANCHES_MAX;
use crate::rails::wallet::{Legs, Levels, minus, plus};

/// At least one tranche, oldest first. Nearly every payment has one, which stands in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tranches {
    first: Tranche,
    later: Vec<Tranche>,
}

/// A part of a payment at one quote. In presentment currency: captured ≤ authorized, refunded ≤ captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tranche {
    pub(crate) legs: Arc<Legs>,
    pub(crate) weight: Weight,
    pub(crate) authorized: Money,
    pub(crate) captured: Money,
    /// Given back at the rate of the tranche.
    pub(crate) refunded: Money,
    /// Given back at another rate: the payer's legs stay as they were.
    pub(crate) refunded_repriced: Money,
}

impl Tranche {
    pub(crate) fn new(legs: Arc<Legs>, weight: Weight, authorized: Money) -> Self {
        let zero = Money::zero(authorized.currency());
        Self { legs, weight, authorized, captured: zero, refunded: zero, refunded_repriced: zero }
    }

    pub(super) fn refunded_in_all(&self) -> Money {
        plus(self.refunded, self.refunded_repriced)
    }

    /// Where payer and merchant stand.
    pub(super) fn levels(&self) -> Levels {
        let debited = minus(self.captured, self.refunded);
        self.legs.levels(debited, minus(debited, self.refunded_repriced), self.captured)
    }

    /// Where they would stand if all were captured.
    pub(super) fn levels_at_most(&self) -> Levels {
        let debited = minus(self.authorized, self.refunded);
        self.legs.levels(debited, minus(debited, self.refunded_repriced), self.authorized)
    }
}

impl Tranches {
    pub(crate) const fn new(first: Tranche) -> Self {
        Self { first, later: Vec::new() }
    }

    /// These, if there is at least one and no more than there may be.
    pub(crate) fn from(tranches: impl IntoIterator<Item = Tranche>) -> Option<Self> {
        let mut tranches = tranches.into_iter();
        let first = tranches.next()?;
        let later: Vec<Tranche> = tranches.collect();
        (later.len() < TRANCHES_MAX).then_some(Self { first, later })
    }

    pub(crate) const fn first(&self) -> &Tranche {
        &self.first
    }

    /// The first, if there is no other.
    pub(super) fn only(&self) -> Option<&Tranche> {
        self.later.is_empty().then_some(&self.first)
    }

    pub(super) fn last_mut(&mut self) -> &mut Tranche {
        self.later.last_mut().unwrap_or(&mut self.first)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Tranche> {
        iter::once(&self.first).chain(&self.later)
    }

    /// Adds one behind the others; false when there are as many as there may be.
    pub(super) fn push(&mut self, tranche: Tranche) -> bool {
        let has_room = self.later.len() + 1 < TRANCHES_MAX;
        if has_room {
            self.later.push(tranche);
        }
        has_room
    }

    /// Adds `amount` to one counter of each tranche in turn, as far as there is room.
    pub(super) fn spread(&mut self, amount: Money, place: impl Fn(&mut Tranche) -> (Money, &mut Money)) {
        let mut rest = amount;
        for tranche in iter::once(&mut self.first).chain(&mut self.later) {
            let (room, counter) = place(tranche);
            let part = rest.min(room).expect("one currency");
            *counter = plus(*counter, part);
            rest = minus(rest, part);
        }
        assert!(rest.is_zero(), "no more is asked than there is room for");
    }
}
