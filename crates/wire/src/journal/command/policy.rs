//! The rules in force. A policy of the first version says three things; what it does not say has the meaning it had
//! then, whatever later versions take for granted.

use std::collections::BTreeMap;

use domain::{
    CurrencyPair, ExposureLimit, InstallPolicy, MarkupTier, MerchantRules, Name, PairRules, Policy, Rail, RailRules,
    RefundFunding, RefundRate, VolatilityBand,
};
use money::{Currency, Money};

use crate::{
    journal::{DecodeError, command::card, value},
    journal_v1,
};

/// Ten minutes, in milliseconds.
const QUOTE_MS_UNWRITTEN: i64 = 600_000;
/// A key is remembered for ever.
const KEY_MS_FOR_EVER: i64 = 0;
/// Hong Kong and Shanghai.
const DAY_OFFSET_MINUTES_UNWRITTEN: i32 = 480;
/// Seven days, in milliseconds; at the payment's own rate; from what the merchant is owed.
const MERCHANT_UNWRITTEN: MerchantRules = MerchantRules {
    hold_ms: 604_800_000,
    refund_rate: RefundRate::Original,
    refund_funding: RefundFunding::PayableOnly,
};

pub(in crate::journal) fn write(command: &InstallPolicy) -> journal_v1::InstallPolicy {
    let Policy {
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
        rails,
        cards,
        key_ms,
        engine_version,
    } = &*command.policy;
    let mut pairs: Vec<_> = pairs.iter().map(write_pair).collect();
    pairs.sort_by_key(pair_numbers);
    let mut exposure: Vec<_> = exposure.iter().map(write_limit).collect();
    exposure.sort_by_key(|limit| limit.currency);
    journal_v1::InstallPolicy {
        markup_millionths: fx_markup.millionths(),
        rate_age_ms_max: *rate_age_ms_max,
        rate_move_max_millionths: rate_move_max.millionths(),
        pairs,
        tiers: tiers.iter().map(write_tier).collect(),
        pivot_currency: pivot.map_or(0, value::number),
        volatility: volatility.iter().map(write_band).collect(),
        exposure,
        quote_ms: Some(*quote_ms),
        day_offset_minutes: Some(*day_offset_minutes),
        merchant_default: Some(write_rules(merchant_default)),
        merchants: write_merchants(merchants),
        rails: rails
            .iter()
            .map(|(rail, RailRules { merchant_default, merchants })| journal_v1::RailRules {
                rail: rail.number().into(),
                merchant_default: Some(write_rules(merchant_default)),
                merchants: write_merchants(merchants),
            })
            .collect(),
        engine_version: *engine_version,
        key_ms: write_key_ms(*key_ms),
        cards: cards.as_ref().map(card::write_rules),
    }
}

pub(in crate::journal) fn read(message: &journal_v1::InstallPolicy) -> Result<InstallPolicy, DecodeError> {
    let journal_v1::InstallPolicy {
        markup_millionths,
        rate_age_ms_max,
        rate_move_max_millionths,
        pairs,
        tiers,
        pivot_currency,
        volatility,
        exposure,
        quote_ms,
        day_offset_minutes,
        merchant_default,
        merchants,
        rails,
        engine_version,
        key_ms,
        cards,
    } = message;
    value::rising("install_policy.pairs", pairs, pair_numbers)?;
    value::rising("install_policy.exposure", exposure, |limit| limit.currency)?;
    value::rising("install_policy.rails", rails, |rules| rules.rail)?;
    let policy = Policy {
        fx_markup: value::ratio("install_policy.markup_millionths", *markup_millionths)?,
        rate_age_ms_max: *rate_age_ms_max,
        rate_move_max: value::ratio("install_policy.rate_move_max_millionths", *rate_move_max_millionths)?,
        pairs: pairs.iter().map(read_pair).collect::<Result<_, _>>()?,
        tiers: tiers.iter().map(read_tier).collect::<Result<_, _>>()?,
        pivot: match pivot_currency {
            0 => None,
            number => Some(value::currency("install_policy.pivot_currency", *number)?),
        },
        volatility: volatility.iter().map(read_band).collect::<Result<_, _>>()?,
        exposure: exposure.iter().map(read_limit).collect::<Result<_, _>>()?,
        quote_ms: quote_ms.unwrap_or(QUOTE_MS_UNWRITTEN),
        day_offset_minutes: day_offset_minutes.unwrap_or(DAY_OFFSET_MINUTES_UNWRITTEN),
        merchant_default: merchant_default.as_ref().map(read_rules).transpose()?.unwrap_or(MERCHANT_UNWRITTEN),
        merchants: read_merchants("install_policy.merchants", merchants)?,
        rails: rails.iter().map(read_rail).collect::<Result<_, _>>()?,
        cards: cards.as_ref().map(card::read_rules).transpose()?,
        key_ms: read_key_ms("install_policy.key_ms", *key_ms)?,
        engine_version: *engine_version,
    };
    Ok(InstallPolicy { policy: policy.into() })
}

pub(in crate::journal) fn write_key_ms(key_ms: Option<i64>) -> i64 {
    key_ms.unwrap_or(KEY_MS_FOR_EVER)
}

pub(in crate::journal) fn read_key_ms(field: &'static str, key_ms: i64) -> Result<Option<i64>, DecodeError> {
    match key_ms {
        KEY_MS_FOR_EVER => Ok(None),
        key_ms if key_ms > 0 => Ok(Some(key_ms)),
        key_ms => Err(value::invalid(field, key_ms)),
    }
}

fn pair_numbers(pair: &journal_v1::PairRules) -> (u32, u32) {
    (pair.presentment_currency, pair.debit_currency)
}

fn write_pair((pair, rules): (&CurrencyPair, &PairRules)) -> journal_v1::PairRules {
    let PairRules { fx_markup, rate_age_ms_max, rate_move_max } = rules;
    journal_v1::PairRules {
        presentment_currency: value::number(pair.presentment),
        debit_currency: value::number(pair.debit),
        markup_millionths: fx_markup.map(money::Ratio::millionths),
        rate_age_ms_max: *rate_age_ms_max,
        rate_move_max_millionths: rate_move_max.map(money::Ratio::millionths),
    }
}

fn read_pair(message: &journal_v1::PairRules) -> Result<(CurrencyPair, PairRules), DecodeError> {
    let journal_v1::PairRules {
        presentment_currency,
        debit_currency,
        markup_millionths,
        rate_age_ms_max,
        rate_move_max_millionths,
    } = message;
    let ratio = |field, millionths: &Option<u32>| millionths.map(|number| value::ratio(field, number)).transpose();
    let rules = PairRules {
        fx_markup: ratio("install_policy.pairs.markup_millionths", markup_millionths)?,
        rate_age_ms_max: *rate_age_ms_max,
        rate_move_max: ratio("install_policy.pairs.rate_move_max_millionths", rate_move_max_millionths)?,
    };
    Ok((pair("install_policy.pairs", *presentment_currency, *debit_currency)?, rules))
}

fn write_tier(tier: &MarkupTier) -> journal_v1::MarkupTier {
    let MarkupTier { pair, merchant, amount_min, fx_markup } = tier;
    journal_v1::MarkupTier {
        presentment_currency: pair.map_or(0, |pair| value::number(pair.presentment)),
        debit_currency: pair.map_or(0, |pair| value::number(pair.debit)),
        merchant: merchant.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        amount_min_currency: amount_min.map_or(0, |amount| value::number(amount.currency())),
        amount_min_minor_units: amount_min.map_or(0, value::minor_units),
        markup_millionths: fx_markup.millionths(),
    }
}

fn read_tier(message: &journal_v1::MarkupTier) -> Result<MarkupTier, DecodeError> {
    let journal_v1::MarkupTier {
        presentment_currency,
        debit_currency,
        merchant,
        amount_min_currency,
        amount_min_minor_units,
        markup_millionths,
    } = message;
    Ok(MarkupTier {
        pair: match (*presentment_currency, *debit_currency) {
            (0, 0) => None,
            (presentment, debit) => Some(pair("install_policy.tiers", presentment, debit)?),
        },
        merchant: match merchant.as_str() {
            "" => None,
            name => Some(value::name("install_policy.tiers.merchant", name)?),
        },
        amount_min: match (*amount_min_currency, *amount_min_minor_units) {
            (0, 0) => None,
            (number, minor_units) => Some(sum("install_policy.tiers.amount_min_currency", number, minor_units)?),
        },
        fx_markup: value::ratio("install_policy.tiers.markup_millionths", *markup_millionths)?,
    })
}

fn write_band(band: &VolatilityBand) -> journal_v1::VolatilityBand {
    let VolatilityBand { move_ppm_min, markup_extra, exposure_weight } = band;
    journal_v1::VolatilityBand {
        move_ppm_min: *move_ppm_min,
        markup_extra_millionths: markup_extra.millionths(),
        exposure_weight_millionths: exposure_weight.millionths(),
    }
}

fn read_band(message: &journal_v1::VolatilityBand) -> Result<VolatilityBand, DecodeError> {
    let journal_v1::VolatilityBand { move_ppm_min, markup_extra_millionths, exposure_weight_millionths } = message;
    Ok(VolatilityBand {
        move_ppm_min: *move_ppm_min,
        markup_extra: value::ratio("install_policy.volatility.markup_extra_millionths", *markup_extra_millionths)?,
        exposure_weight: value::weight(
            "install_policy.volatility.exposure_weight_millionths",
            *exposure_weight_millionths,
        )?,
    })
}

fn write_limit((currency, limit): (&Currency, &ExposureLimit)) -> journal_v1::ExposureLimit {
    let ExposureLimit { soft, hard } = limit;
    assert!(soft.currency() == *currency, "a soft limit is in the currency it limits");
    assert!(hard.currency() == *currency, "a hard limit is in the currency it limits");
    journal_v1::ExposureLimit {
        currency: value::number(*currency),
        soft_minor_units: value::minor_units(*soft),
        hard_minor_units: value::minor_units(*hard),
    }
}

fn read_limit(message: &journal_v1::ExposureLimit) -> Result<(Currency, ExposureLimit), DecodeError> {
    let journal_v1::ExposureLimit { currency, soft_minor_units, hard_minor_units } = message;
    let currency = value::currency("install_policy.exposure.currency", *currency)?;
    let soft = Money::new(currency, (*soft_minor_units).into());
    let hard = Money::new(currency, (*hard_minor_units).into());
    Ok((currency, ExposureLimit { soft, hard }))
}

fn write_rules(rules: &MerchantRules) -> journal_v1::MerchantRules {
    let MerchantRules { hold_ms, refund_rate, refund_funding } = rules;
    journal_v1::MerchantRules {
        hold_ms: *hold_ms,
        refund_rate: refund_rate.number().into(),
        refund_funding: refund_funding.number().into(),
    }
}

fn read_rules(message: &journal_v1::MerchantRules) -> Result<MerchantRules, DecodeError> {
    let journal_v1::MerchantRules { hold_ms, refund_rate, refund_funding } = message;
    let rate = RefundRate::ALL.into_iter().find(|rule| u32::from(rule.number()) == *refund_rate);
    let funding = RefundFunding::ALL.into_iter().find(|rule| u32::from(rule.number()) == *refund_funding);
    Ok(MerchantRules {
        hold_ms: *hold_ms,
        refund_rate: rate.ok_or_else(|| value::invalid("install_policy.merchants.refund_rate", refund_rate))?,
        refund_funding: funding
            .ok_or_else(|| value::invalid("install_policy.merchants.refund_funding", refund_funding))?,
    })
}

fn write_merchants(merchants: &BTreeMap<Name, MerchantRules>) -> Vec<journal_v1::NamedMerchantRules> {
    let write = |(name, rules): (&Name, &MerchantRules)| journal_v1::NamedMerchantRules {
        merchant: name.as_str().to_owned(),
        rules: Some(write_rules(rules)),
    };
    merchants.iter().map(write).collect()
}

fn read_merchants(
    field: &'static str,
    named: &[journal_v1::NamedMerchantRules],
) -> Result<BTreeMap<Name, MerchantRules>, DecodeError> {
    value::rising(field, named, |named| named.merchant.clone())?;
    let read = |journal_v1::NamedMerchantRules { merchant, rules }: &journal_v1::NamedMerchantRules| {
        let rules = value::required("install_policy.merchants.rules", rules.as_ref())?;
        Ok((value::name("install_policy.merchants.merchant", merchant)?, read_rules(rules)?))
    };
    named.iter().map(read).collect()
}

fn read_rail(message: &journal_v1::RailRules) -> Result<(Rail, RailRules), DecodeError> {
    let journal_v1::RailRules { rail, merchant_default, merchants } = message;
    let known = Rail::ALL.into_iter().find(|known| u32::from(known.number()) == *rail);
    let default = value::required("install_policy.rails.merchant_default", merchant_default.as_ref())?;
    let rules = RailRules {
        merchant_default: read_rules(default)?,
        merchants: read_merchants("install_policy.rails.merchants", merchants)?,
    };
    Ok((known.ok_or_else(|| value::invalid("install_policy.rails.rail", rail))?, rules))
}

fn pair(field: &'static str, presentment: u32, debit: u32) -> Result<CurrencyPair, DecodeError> {
    Ok(CurrencyPair { presentment: value::currency(field, presentment)?, debit: value::currency(field, debit)? })
}

fn sum(field: &'static str, currency: u32, minor_units: i64) -> Result<Money, DecodeError> {
    Ok(Money::new(value::currency(field, currency)?, minor_units.into()))
}
