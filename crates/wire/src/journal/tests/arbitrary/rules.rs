//! Rules and rates.

use std::collections::BTreeMap;

use domain::{
    Command, Event, ExposureLimit, InstallPolicy, MarkupTier, MerchantRules, PairRules, Policy, PublishRates, Rail,
    RailRules, RateTick, RatesPublished, RefundFunding, RefundRate, TickPrice, VolatilityBand,
};
use money::Currency;
use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
    sample::select,
};

use super::{Decided, cards, values::*};

pub(super) fn installed() -> Decided {
    let always = (ratio(), any::<i64>(), ratio());
    let of_pairs = (btree_map(pair(), pair_rules(), 0..4), vec(tier(), 0..4), option::of(currency()));
    let of_markets = (vec(band(), 0..3), exposure());
    let of_time = (any::<i64>(), any::<i32>(), option::of(1..i64::MAX), any::<u32>());
    let of_merchants = (of_merchants(), option::of(of_merchants()), option::of(cards::rules()));
    (always, of_pairs, of_markets, of_time, of_merchants)
        .prop_map(|(always, (pairs, tiers, pivot), (volatility, exposure), of_time, of_merchants)| {
            let (fx_markup, rate_age_ms_max, rate_move_max) = always;
            let (quote_ms, day_offset_minutes, key_ms, engine_version) = of_time;
            let (everywhere, wallet, cards) = of_merchants;
            let RailRules { merchant_default, merchants } = everywhere;
            let policy = Policy {
                fx_markup,
                rate_age_ms_max,
                rate_move_max,
                pairs,
                tiers,
                pivot,
                volatility,
                exposure,
                quote_ms,
                day_offset_minutes,
                merchant_default,
                merchants,
                rails: wallet.map(|rules| (Rail::Wallet, rules)).into_iter().collect(),
                cards,
                key_ms,
                engine_version,
            };
            (Command::InstallPolicy(InstallPolicy { policy: policy.into() }), Event::PolicyInstalled)
        })
        .boxed()
}

pub(super) fn rates_published() -> Decided {
    let published = (tick(), prop_oneof![Just(0), any::<u32>()]);
    (vec(published, 0..4), option::of(label()))
        .prop_map(|(published, override_reason)| {
            let (ticks, move_ppm) = published.into_iter().unzip();
            let command = PublishRates { ticks, override_reason };
            (Command::PublishRates(command), Event::RatesPublished(RatesPublished { move_ppm }))
        })
        .boxed()
}

pub(super) fn tick() -> impl Strategy<Value = RateTick> {
    let two_sided =
        (rate(), rate()).prop_map(|(one, other)| TickPrice::BidAsk { bid: one.min(other), ask: one.max(other) });
    let price = prop_oneof![rate().prop_map(TickPrice::Mid), two_sided];
    (pair(), price, label(), timestamp(), option::of(timestamp()))
        .prop_map(|(pair, price, source, as_of, valid_until)| RateTick { pair, price, source, as_of, valid_until })
}

fn pair_rules() -> impl Strategy<Value = PairRules> {
    (option::of(ratio()), option::of(any::<i64>()), option::of(ratio()))
        .prop_map(|(fx_markup, rate_age_ms_max, rate_move_max)| PairRules { fx_markup, rate_age_ms_max, rate_move_max })
}

fn tier() -> impl Strategy<Value = MarkupTier> {
    (option::of(pair()), option::of(name()), option::of(amount()), ratio())
        .prop_map(|(pair, merchant, amount_min, fx_markup)| MarkupTier { pair, merchant, amount_min, fx_markup })
}

fn band() -> impl Strategy<Value = VolatilityBand> {
    (any::<u32>(), ratio(), weight()).prop_map(|(move_ppm_min, markup_extra, exposure_weight)| VolatilityBand {
        move_ppm_min,
        markup_extra,
        exposure_weight,
    })
}

fn exposure() -> impl Strategy<Value = BTreeMap<Currency, ExposureLimit>> {
    let limit = currency().prop_flat_map(|currency| {
        (sum(currency), sum(currency)).prop_map(move |(soft, hard)| (currency, ExposureLimit { soft, hard }))
    });
    vec(limit, 0..4).prop_map(|limits| limits.into_iter().collect())
}

fn of_merchants() -> impl Strategy<Value = RailRules> {
    (merchant_rules(), btree_map(name(), merchant_rules(), 0..3))
        .prop_map(|(merchant_default, merchants)| RailRules { merchant_default, merchants })
}

fn merchant_rules() -> impl Strategy<Value = MerchantRules> {
    (any::<i64>(), select(RefundRate::ALL.to_vec()), select(RefundFunding::ALL.to_vec()))
        .prop_map(|(hold_ms, refund_rate, refund_funding)| MerchantRules { hold_ms, refund_rate, refund_funding })
}
