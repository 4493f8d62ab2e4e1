//! Rules as the switch takes them.

use std::collections::BTreeMap;

use domain::{
    CurrencyPair, ExposureLimit, MarkupTier, MerchantRules, Name, PairRules, Policy, Rail, RailRules, RefundFunding,
    RefundRate, VolatilityBand,
};
use money::{Currency, Money, Ratio, Weight};

use super::checked_name;
use crate::request::{self, Code, Funding, MerchantRule, PairRule, Rules, Sum, Tier};

pub(super) fn policy(rules: &Rules) -> Result<Policy, String> {
    let pairs = rules.pairs.iter().map(|rule| Ok((pair(rule.presentment, rule.debit)?, pair_rules(rule)?)));
    let bands = rules.volatility.iter().map(|band| {
        Ok(VolatilityBand {
            move_ppm_min: band.move_ppm_min,
            markup_extra: ratio(band.extra_millionths)?,
            exposure_weight: Weight::from_millionths(band.weight_millionths).map_err(|why| why.to_string())?,
        })
    });
    let exposure = rules.exposure.iter().map(|(code, soft, hard)| {
        let limit = |units: i64| Ok::<_, String>(Money::new(currency(code)?, i128::from(units)));
        Ok((currency(code)?, ExposureLimit { soft: limit(*soft)?, hard: limit(*hard)? }))
    });
    let rails = rules.wallet_rail.iter().map(|(default, own)| {
        let rules = RailRules { merchant_default: merchant_rules(*default), merchants: merchants(own)? };
        Ok::<_, String>((Rail::Wallet, rules))
    });
    Ok(Policy {
        fx_markup: ratio(rules.markup_millionths)?,
        rate_age_ms_max: rules.rate_age_ms_max,
        rate_move_max: ratio(rules.rate_move_millionths)?,
        pairs: pairs.collect::<Result<_, String>>()?,
        tiers: rules.tiers.iter().map(tier).collect::<Result<_, _>>()?,
        pivot: rules.pivot.map(currency).transpose()?,
        volatility: bands.collect::<Result<_, String>>()?,
        exposure: exposure.collect::<Result<_, String>>()?,
        quote_ms: rules.quote_ms,
        day_offset_minutes: rules.day_offset_minutes,
        key_ms: rules.key_ms,
        merchant_default: merchant_rules(rules.merchant_default),
        merchants: merchants(&rules.merchants)?,
        rails: rails.collect::<Result<_, String>>()?,
        cards: None,
        engine_version: engine::VERSION,
    })
}

fn merchants(named: &[(String, MerchantRule)]) -> Result<BTreeMap<Name, MerchantRules>, String> {
    named.iter().map(|(name, rule)| Ok((checked_name(name)?, merchant_rules(*rule)))).collect()
}

fn pair_rules(rule: &PairRule) -> Result<PairRules, String> {
    Ok(PairRules {
        fx_markup: rule.markup_millionths.map(ratio).transpose()?,
        rate_age_ms_max: rule.rate_age_ms_max,
        rate_move_max: rule.rate_move_millionths.map(ratio).transpose()?,
    })
}

fn tier(tier: &Tier) -> Result<MarkupTier, String> {
    let money = |sum: Sum| Ok::<_, String>(Money::new(currency(sum.currency)?, i128::from(sum.units)));
    Ok(MarkupTier {
        pair: tier.pair.map(|(presentment, debit)| pair(presentment, debit)).transpose()?,
        merchant: tier.merchant.as_deref().map(checked_name).transpose()?,
        amount_min: tier.amount_min.map(money).transpose()?,
        fx_markup: ratio(tier.markup_millionths)?,
    })
}

const fn merchant_rules(rule: MerchantRule) -> MerchantRules {
    MerchantRules {
        hold_ms: rule.hold_ms,
        refund_rate: match rule.refund_rate {
            request::RefundRate::Original => RefundRate::Original,
            request::RefundRate::Current => RefundRate::Current,
            request::RefundRate::NextDay => RefundRate::NextDay,
        },
        refund_funding: match rule.funding {
            Funding::PayableOnly => RefundFunding::PayableOnly,
            Funding::Reserve => RefundFunding::Reserve,
        },
    }
}

fn pair(presentment: Code, debit: Code) -> Result<CurrencyPair, String> {
    Ok(CurrencyPair { presentment: currency(presentment)?, debit: currency(debit)? })
}

fn currency(code: Code) -> Result<Currency, String> {
    Currency::from_code(code).map_err(|why| why.to_string())
}

fn ratio(millionths: u32) -> Result<Ratio, String> {
    Ratio::from_millionths(millionths).map_err(|why| why.to_string())
}
