//! Texts of rates, ratios and weights. One stands for a while and is told in every answer meanwhile, so its text is kept.

use std::{
    cell::RefCell,
    fmt::Display,
    hash::{Hash, Hasher},
};

use money::{ExactRate, Ratio, Weight};

use super::conversion;
use crate::protobuf::Fields;

/// How many texts of a kind a thread keeps. More rates in force at once are written anew more often, and that is all.
const TEXTS_KEPT: usize = 64;
const _: () = assert!(TEXTS_KEPT.is_power_of_two());

thread_local! {
    static RATES: RefCell<Kept<ExactRate, RateText>> = const { RefCell::new(Kept::new()) };
    static RATIOS: RefCell<Kept<Ratio, Box<str>>> = const { RefCell::new(Kept::new()) };
    static WEIGHTS: RefCell<Kept<Weight, Box<str>>> = const { RefCell::new(Kept::new()) };
}

struct RateText {
    /// As it is displayed.
    shown: Box<str>,
    /// As a fraction; empty where what is shown tells all of it.
    exact: Box<str>,
}

/// The rate as people read it.
pub(super) fn mid(fields: &mut Fields<'_>, number: u32, rate: ExactRate) {
    with_text(rate, |text| fields.text(number, &text.shown));
}

/// The rate as a fraction where its decimals do not tell all of it.
pub(super) fn exact(fields: &mut Fields<'_>, number: u32, rate: ExactRate) {
    with_text(rate, |text| fields.text(number, &text.exact));
}

/// All of the rate: as a decimal where it is one, as a fraction elsewhere.
pub(super) fn whole(fields: &mut Fields<'_>, number: u32, rate: ExactRate) {
    with_text(rate, |text| fields.text(number, if text.exact.is_empty() { &text.shown } else { &text.exact }));
}

pub(super) fn ratio(fields: &mut Fields<'_>, number: u32, ratio: Ratio) {
    RATIOS.with_borrow_mut(|kept| fields.text(number, kept.text(ratio, written)));
}

pub(super) fn weight(fields: &mut Fields<'_>, number: u32, weight: Weight) {
    WEIGHTS.with_borrow_mut(|kept| fields.text(number, kept.text(weight, written)));
}

fn with_text(rate: ExactRate, told: impl FnOnce(&RateText)) {
    let write = |rate: ExactRate| RateText { shown: written(rate), exact: conversion::exact(rate).into() };
    RATES.with_borrow_mut(|kept| told(kept.text(rate, write)));
}

fn written(value: impl Display) -> Box<str> {
    value.to_string().into()
}

/// The text of each value that was asked for last among those with the same place. It goes by the value itself, so it is
/// the text of no other value and never of an earlier one.
struct Kept<V, T> {
    places: [Option<(V, T)>; TEXTS_KEPT],
}

impl<V: Copy + Eq + Hash, T> Kept<V, T> {
    const fn new() -> Self {
        Self { places: [const { None }; TEXTS_KEPT] }
    }

    fn text(&mut self, value: V, write: impl FnOnce(V) -> T) -> &T {
        let place = &mut self.places[place(&value)];
        if place.as_ref().is_some_and(|(of, _)| *of != value) {
            *place = None;
        }
        let (_, text) = place.get_or_insert_with(|| (value, write(value)));
        text
    }
}

fn place(value: &impl Hash) -> usize {
    let mut mixed = Mixed(0);
    value.hash(&mut mixed);
    let [.., high] = mixed.finish().to_le_bytes();
    usize::from(high) % TEXTS_KEPT
}

/// Spreads numbers over places. No caller chooses a rate, so nothing more is asked of it.
struct Mixed(u64);

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64((*byte).into()));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        // The fraction of the golden ratio: it carries every bit to the top ones.
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_u128(&mut self, number: u128) {
        let [low, high] = [number & u128::from(u64::MAX), number >> 64].map(|half| u64::try_from(half).unwrap_or(0));
        self.write_u64(low);
        self.write_u64(high);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use money::Rate;
    use prost::Message;

    use super::*;
    use crate::v1;

    fn encoded(write: impl FnOnce(&mut Fields<'_>)) -> v1::Conversion {
        let mut bytes = Vec::new();
        write(&mut Fields::of(&mut bytes));
        v1::Conversion::decode(&*bytes).unwrap()
    }

    /// Many more values than places, and each again once others have taken its place.
    #[test]
    fn no_value_is_told_by_the_text_of_another() {
        let decimal = |number: u32| ExactRate::from(Rate::parse(&format!("1.{number:05}")).unwrap());
        let rates: Vec<_> =
            (0..1_000).map(decimal).flat_map(|rate| [rate, ExactRate::cross(ExactRate::ONE, rate).unwrap()]).collect();
        let collide = rates.iter().filter(|rate| place(*rate) == place(&rates[0])).count();
        assert!(1 < collide && collide < rates.len() / 8, "{collide} of {} in one place", rates.len());
        for rate in rates.iter().chain(rates.iter().rev()).flat_map(|rate| [*rate; 2]) {
            let told = encoded(|fields| {
                mid(fields, 1, rate);
                exact(fields, 10, rate);
                whole(fields, 11, rate);
            });
            let fraction = format!("{}/{}", rate.numerator(), rate.denominator());
            assert_eq!(told.mid_rate, rate.to_string());
            assert_eq!(told.rate_exact, if rate.is_decimal() { String::new() } else { fraction.clone() });
            assert_eq!(told.applied_rate, if rate.is_decimal() { rate.to_string() } else { fraction });
        }
        for text in (0..1_000).map(|number| format!("0.{number:04}1")) {
            let (share, multiple) = (Ratio::parse(&text).unwrap(), Weight::parse(&format!("1{}", &text[1..])).unwrap());
            let told = encoded(|fields| {
                ratio(fields, 2, share);
                weight(fields, 13, multiple);
            });
            assert_eq!((told.markup, told.exposure_weight), (share.to_string(), multiple.to_string()));
        }
    }
}
