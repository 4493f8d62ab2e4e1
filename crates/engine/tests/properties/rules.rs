//! The rules in force, as the model knows them.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    CurrencyPair, ExposureLimit, InstallPolicy, MarkupTier, MerchantRules, PairRules, Policy, Rail, RailRules,
    RefundFunding, RefundRate, VolatilityBand,
};
use money::{Money, Weight};
use proptest::prelude::*;

use crate::{
    ask::{merchant_name, ratio},
    model::{MERCHANTS, currency},
    tape::{PAIRS, pair_of},
};

#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) markup: u32,
    pub(crate) age_ms: i64,
    pub(crate) band: u32,
    /// What is different for one pair.
    pub(crate) pair: Option<OfPair>,
    pub(crate) tiers: Vec<Tier>,
    pub(crate) pivot: Option<&'static str>,
    /// From so many millionths on: added to the markup, and how much an exposure weighs, both in millionths.
    pub(crate) bands: Vec<(u32, u32, u32)>,
    /// Soft and hard, in minor units.
    pub(crate) limits: BTreeMap<&'static str, (i128, i128)>,
    pub(crate) day_offset_minutes: i32,
    pub(crate) key_ms: Option<i64>,
    merchants: [Merchant; MERCHANTS.len()],
    /// What counts instead on the wallet's rail, the only one.
    wallet: Option<[Merchant; MERCHANTS.len()]>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct OfPair {
    pair: usize,
    markup: Option<u32>,
    age_ms: Option<i64>,
    band: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Tier {
    pair: Option<usize>,
    merchant: Option<usize>,
    amount_min: Option<(&'static str, i64)>,
    markup: u32,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Merchant {
    pub(crate) hold_ms: i64,
    pub(crate) refund_rate: RefundRate,
    pub(crate) refund_funding: RefundFunding,
}

impl Rules {
    /// What a run begins with.
    pub(crate) fn first() -> Self {
        let merchant = |refund_rate| Merchant { hold_ms: 600_000, refund_rate, refund_funding: RefundFunding::Reserve };
        Self {
            markup: 10_000,
            age_ms: 600_000,
            band: 200_000,
            pair: None,
            tiers: Vec::new(),
            pivot: Some("USD"),
            bands: Vec::new(),
            limits: BTreeMap::new(),
            day_offset_minutes: 480,
            key_ms: None,
            merchants: RefundRate::ALL.map(merchant),
            wallet: None,
        }
    }

    pub(crate) fn merchant(&self, number: usize) -> Merchant {
        self.wallet.unwrap_or(self.merchants)[number]
    }

    pub(crate) fn age_ms(&self, pair: usize) -> i64 {
        self.of_pair(pair).and_then(|rules| rules.age_ms).unwrap_or(self.age_ms)
    }

    pub(crate) fn band(&self, pair: usize) -> u32 {
        self.of_pair(pair).and_then(|rules| rules.band).unwrap_or(self.band)
    }

    /// In millionths. A pair that is crossed may have no number.
    pub(crate) fn markup(
        &self,
        pair: Option<usize>,
        merchant: usize,
        (presentment, units): (&str, i128),
        move_ppm: u32,
    ) -> u32 {
        let fits = |tier: &&Tier| {
            tier.pair.is_none_or(|of| pair == Some(of))
                && tier.merchant.is_none_or(|of| of == merchant)
                && tier.amount_min.is_none_or(|(currency, min)| currency == presentment && units >= i128::from(min))
        };
        let of_pair = pair.and_then(|pair| self.of_pair(pair)).and_then(|rules| rules.markup);
        let calm = self.tiers.iter().find(fits).map(|tier| tier.markup).or(of_pair).unwrap_or(self.markup);
        1_000_000.min(calm + self.volatile(move_ppm).map_or(0, |(_, extra, _)| extra))
    }

    /// In millionths.
    pub(crate) fn weight(&self, move_ppm: u32) -> u32 {
        self.volatile(move_ppm).map_or(1_000_000, |(_, _, weight)| weight)
    }

    /// Days since 1970-01-01.
    pub(crate) fn day(&self, at: i64) -> i64 {
        (at + i64::from(self.day_offset_minutes) * 60_000_000).div_euclid(86_400_000_000)
    }

    fn of_pair(&self, pair: usize) -> Option<OfPair> {
        self.pair.filter(|rules| rules.pair == pair)
    }

    fn volatile(&self, move_ppm: u32) -> Option<(u32, u32, u32)> {
        self.bands.iter().copied().rfind(|(from, ..)| *from <= move_ppm)
    }

    pub(crate) fn command(&self) -> InstallPolicy {
        let limits = self.limits.iter().map(|(currency, (soft, hard))| {
            let currency = self::currency(currency);
            (currency, ExposureLimit { soft: Money::new(currency, *soft), hard: Money::new(currency, *hard) })
        });
        let pairs: BTreeMap<CurrencyPair, PairRules> = self.pair.iter().map(pair_rules).collect();
        let merchant = |rules: Merchant| MerchantRules {
            hold_ms: rules.hold_ms,
            refund_rate: rules.refund_rate,
            refund_funding: rules.refund_funding,
        };
        let of_merchants = |[default, named @ ..]: [Merchant; MERCHANTS.len()]| RailRules {
            merchant_default: merchant(default),
            merchants: (1..).zip(named).map(|(number, rules)| (merchant_name(number), merchant(rules))).collect(),
        };
        let RailRules { merchant_default, merchants } = of_merchants(self.merchants);
        let policy = Policy {
            pairs,
            tiers: self.tiers.iter().map(tier).collect(),
            pivot: self.pivot.map(currency),
            volatility: self.bands.iter().map(band).collect(),
            exposure: limits.collect(),
            day_offset_minutes: self.day_offset_minutes,
            key_ms: self.key_ms,
            merchant_default,
            merchants,
            rails: self.wallet.map(|wallet| (Rail::Wallet, of_merchants(wallet))).into_iter().collect(),
            ..Policy::basic(ratio(self.markup), self.age_ms, ratio(self.band))
        };
        InstallPolicy { policy: Arc::new(policy) }
    }
}

fn pair_rules(rules: &OfPair) -> (CurrencyPair, PairRules) {
    let rate_move_max = rules.band.map(ratio);
    let (fx_markup, rate_age_ms_max) = (rules.markup.map(ratio), rules.age_ms);
    (pair_of(rules.pair), PairRules { fx_markup, rate_age_ms_max, rate_move_max })
}

fn tier(tier: &Tier) -> MarkupTier {
    MarkupTier {
        pair: tier.pair.map(pair_of),
        merchant: tier.merchant.map(merchant_name),
        amount_min: tier.amount_min.map(|(currency, units)| Money::new(self::currency(currency), units.into())),
        fx_markup: ratio(tier.markup),
    }
}

fn band((move_ppm_min, extra, weight): &(u32, u32, u32)) -> VolatilityBand {
    let exposure_weight = Weight::from_millionths(*weight).expect("a weight");
    VolatilityBand { move_ppm_min: *move_ppm_min, markup_extra: ratio(*extra), exposure_weight }
}

pub(crate) fn rules() -> impl Strategy<Value = Rules> {
    let markup = || prop::sample::select(vec![0, 1, 10_000, 33_333, 999_999]);
    let age_ms = || prop_oneof![1 => 5_000..90_000_i64, 2 => 90_000..10_000_000_i64];
    let band = || 50_000..=1_000_000_u32;
    let of_pair =
        (0..PAIRS.len(), proptest::option::of(markup()), proptest::option::of(age_ms()), proptest::option::of(band()));
    let of_pair = of_pair.prop_map(|(pair, markup, age_ms, band)| OfPair { pair, markup, age_ms, band });
    let amount_min = (prop::sample::select(vec!["CNY", "JPY", "HKD"]), 1..10_000_i64);
    let tier = (
        proptest::option::of(0..PAIRS.len()),
        proptest::option::of(0..MERCHANTS.len()),
        proptest::option::of(amount_min),
        markup(),
    );
    let tier = tier.prop_map(|(pair, merchant, amount_min, markup)| Tier { pair, merchant, amount_min, markup });
    let pivot = prop::sample::select(vec![None, Some("USD"), Some("USD"), Some("EUR")]);
    let bands = prop::sample::select(vec![
        vec![],
        vec![(0, 777, 1_000_001)],
        vec![(1, 5_000, 1_500_000), (90_000, 20_000, 3_000_000)],
    ]);
    let merchant = (
        prop::sample::select(vec![0, 2_000, 40_000, 40_000, 600_000, 600_000, 90_000_000]),
        prop::sample::select(RefundRate::ALL.to_vec()),
        prop::sample::select(RefundFunding::ALL.to_vec()),
    );
    let merchant = || {
        merchant.clone().prop_map(|(hold_ms, refund_rate, refund_funding)| Merchant {
            hold_ms,
            refund_rate,
            refund_funding,
        })
    };
    let first = (markup(), age_ms(), band(), proptest::option::of(of_pair));
    let second =
        (proptest::collection::vec(tier, 0..3), pivot, bands, limits(), prop::sample::select(vec![0, 480, -90]));
    let merchants = || [merchant(), merchant(), merchant()];
    let key_ms = prop::sample::select(vec![None, Some(1), Some(30_000), Some(900_000), Some(900_000_000)]);
    let third = (merchants(), proptest::option::of(merchants()), key_ms);
    (first, second, third).prop_map(|(first, second, (merchants, wallet, key_ms))| {
        let (markup, age_ms, band, pair) = first;
        let (tiers, pivot, bands, limits, day_offset_minutes) = second;
        Rules { markup, age_ms, band, pair, tiers, pivot, bands, limits, day_offset_minutes, key_ms, merchants, wallet }
    })
}

fn limits() -> impl Strategy<Value = BTreeMap<&'static str, (i128, i128)>> {
    let currency = prop::sample::select(vec!["HKD", "CNY", "JPY", "KWD"]);
    let limit = prop_oneof![2 => 0..300_000_i128, 1 => 0..1_000_000_000_000_i128];
    let limits = proptest::collection::btree_map(currency, (limit, 0..200_000_i128), 0..4);
    let limits = limits.prop_map(|limits| {
        limits.into_iter().map(|(currency, (soft, more))| (currency, (soft, soft + more))).collect()
    });
    prop_oneof![1 => Just(BTreeMap::new()), 2 => limits]
}
