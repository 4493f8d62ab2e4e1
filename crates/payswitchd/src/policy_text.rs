//! The rules as they are configured, and how they become the engine's.

mod cards;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use domain::{
    CurrencyPair, DAY_OFFSET_MINUTES_DEFAULT, ExposureLimit, HOLD_MS_DEFAULT, KEY_MS_DEFAULT, MarkupTier,
    MerchantRules, Name, PairRules, Policy, QUOTE_MS_DEFAULT, Rail, RailRules, RefundFunding, RefundRate,
    VolatilityBand,
};
use engine::BALANCE_MINOR_UNITS_MAX;
use money::{AMOUNT_MINOR_UNITS_MAX, Currency, Money, Ratio, Weight};
use serde::{Deserialize, Serialize};

pub(crate) use cards::CardsText;

/// A day: the longest time a quote may hold, in milliseconds.
const QUOTE_MS_MAX: u64 = 24 * 60 * 60 * 1_000;
/// A year: the longest time a hold may live or a rate may be used, in milliseconds.
const MS_MAX: u64 = 366 * QUOTE_MS_MAX;
/// A day: callers were promised that a key is remembered for at least as long.
const KEY_MS_MIN: u64 = 24 * 60 * 60 * 1_000;
/// A one-time code is derived from its key: the same key would give the same code while that lives.
const _: () = assert!(KEY_MS_MIN >= engine::CODE_MS.unsigned_abs());
/// No clock on Earth is further behind or ahead of UTC.
const DAY_OFFSET_MINUTES_MIN: i32 = -12 * 60;
const DAY_OFFSET_MINUTES_MAX: i32 = 14 * 60;
/// The most entries of one table: the policy is one record, and it is looked through at every payment.
const ENTRIES_MAX: usize = 128;

/// Rules for conversions, rates, holds, refunds and exposure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyText {
    #[serde(deserialize_with = "decimal_text")]
    pub(crate) fx_markup: String,
    pub(crate) rate_age_ms_max: u64,
    #[serde(deserialize_with = "decimal_text")]
    pub(crate) rate_move_max: String,
    pub(crate) pivot: Option<String>,
    pub(crate) quote_ms: u64,
    pub(crate) day_offset_minutes: i32,
    pub(crate) key_ms: u64,
    pub(crate) hold_ms: u64,
    pub(crate) refund_rate: RefundRateName,
    pub(crate) refund_funding: RefundFundingName,
    #[serde(default)]
    pub(crate) pairs: Vec<PairText>,
    #[serde(default)]
    pub(crate) tiers: Vec<TierText>,
    #[serde(default)]
    pub(crate) volatility: Vec<BandText>,
    #[serde(default)]
    pub(crate) exposure: Vec<ExposureText>,
    #[serde(default)]
    pub(crate) rails: Vec<RailText>,
    #[serde(default)]
    pub(crate) merchants: Vec<MerchantText>,
    pub(crate) cards: Option<CardsText>,
}

/// What is different for one pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PairText {
    pair: String,
    #[serde(default, deserialize_with = "decimal_text_or_none")]
    fx_markup: Option<String>,
    rate_age_ms_max: Option<u64>,
    #[serde(default, deserialize_with = "decimal_text_or_none")]
    rate_move_max: Option<String>,
}

/// A margin for some payments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TierText {
    pair: Option<String>,
    merchant: Option<String>,
    amount_min: Option<String>,
    #[serde(deserialize_with = "decimal_text")]
    fx_markup: String,
}

/// What changes in a volatile market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BandText {
    move_ppm_min: u32,
    #[serde(deserialize_with = "decimal_text")]
    markup_extra: String,
    #[serde(deserialize_with = "decimal_text")]
    exposure_weight: String,
}

/// Bounds of one open position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExposureText {
    soft: String,
    hard: String,
}

/// What is different on one rail; what is left out is as for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RailText {
    rail: RailName,
    hold_ms: Option<u64>,
    refund_rate: Option<RefundRateName>,
    refund_funding: Option<RefundFundingName>,
}

/// What is different for one merchant, on one rail or on all; what is left out is as for all merchants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MerchantText {
    name: String,
    rail: Option<RailName>,
    hold_ms: Option<u64>,
    refund_rate: Option<RefundRateName>,
    refund_funding: Option<RefundFundingName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RailName {
    Wallet,
    ForeignCard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundRateName {
    Original,
    Current,
    NextDay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundFundingName {
    PayableOnly,
    Reserve,
}

impl From<RailName> for Rail {
    fn from(name: RailName) -> Self {
        match name {
            RailName::Wallet => Self::Wallet,
            RailName::ForeignCard => Self::ForeignCard,
        }
    }
}

impl From<RefundRateName> for RefundRate {
    fn from(name: RefundRateName) -> Self {
        match name {
            RefundRateName::Original => Self::Original,
            RefundRateName::Current => Self::Current,
            RefundRateName::NextDay => Self::NextDay,
        }
    }
}

impl From<RefundFundingName> for RefundFunding {
    fn from(name: RefundFundingName) -> Self {
        match name {
            RefundFundingName::PayableOnly => Self::PayableOnly,
            RefundFundingName::Reserve => Self::Reserve,
        }
    }
}

/// What a daemon runs on without a file.
impl Default for PolicyText {
    fn default() -> Self {
        Self {
            fx_markup: "0.01".to_owned(),
            rate_age_ms_max: 3_600_000,
            rate_move_max: "0.1".to_owned(),
            pivot: None,
            quote_ms: QUOTE_MS_DEFAULT.unsigned_abs(),
            day_offset_minutes: DAY_OFFSET_MINUTES_DEFAULT,
            key_ms: KEY_MS_DEFAULT.unsigned_abs(),
            hold_ms: HOLD_MS_DEFAULT.unsigned_abs(),
            refund_rate: RefundRateName::Original,
            refund_funding: RefundFundingName::PayableOnly,
            pairs: Vec::new(),
            tiers: Vec::new(),
            volatility: Vec::new(),
            exposure: Vec::new(),
            rails: Vec::new(),
            merchants: Vec::new(),
            cards: None,
        }
    }
}

impl PolicyText {
    /// The rules to put in force. Without a pivot, or rules for cards, of its own the policy has these.
    pub(crate) fn policy(
        &self,
        pivot_default: Option<Currency>,
        cards_default: Option<&CardsText>,
    ) -> Result<Policy, String> {
        let pivot = self.pivot.as_deref().map(|code| at("pivot", code, Currency::from_code(code))).transpose()?;
        let day_offset_in_bounds = (DAY_OFFSET_MINUTES_MIN..=DAY_OFFSET_MINUTES_MAX).contains(&self.day_offset_minutes);
        if !day_offset_in_bounds {
            return Err(format!(
                "day_offset_minutes = {}: {DAY_OFFSET_MINUTES_MIN} to {DAY_OFFSET_MINUTES_MAX}",
                self.day_offset_minutes
            ));
        }
        if self.key_ms < KEY_MS_MIN {
            return Err(format!("key_ms = {}: at least {KEY_MS_MIN}", self.key_ms));
        }
        self.check_lengths()?;
        let cards = self.cards.as_ref().or(cards_default);
        let differences = Differences::read(&self.rails, &self.merchants)?;
        let merchant_default = MerchantRules {
            hold_ms: millis("hold_ms", self.hold_ms, MS_MAX)?,
            refund_rate: self.refund_rate.into(),
            refund_funding: self.refund_funding.into(),
        };
        Ok(Policy {
            fx_markup: at("fx_markup", &self.fx_markup, Ratio::parse(&self.fx_markup))?,
            rate_age_ms_max: millis("rate_age_ms_max", self.rate_age_ms_max, MS_MAX)?,
            rate_move_max: at("rate_move_max", &self.rate_move_max, Ratio::parse(&self.rate_move_max))?,
            pairs: self.pairs()?,
            tiers: indexed(&self.tiers).map(|(index, tier)| tier.tier(index)).collect::<Result<_, _>>()?,
            pivot: pivot.or(pivot_default),
            volatility: self.volatility()?,
            exposure: self.exposure()?,
            quote_ms: millis("quote_ms", self.quote_ms, QUOTE_MS_MAX)?,
            day_offset_minutes: self.day_offset_minutes,
            merchant_default,
            merchants: differences.merchants(merchant_default),
            rails: differences.rails(merchant_default),
            cards: cards.map(|cards| cards.rules(self.day_offset_minutes)).transpose()?,
            key_ms: Some(millis("key_ms", self.key_ms, MS_MAX)?),
            engine_version: engine::VERSION,
        })
    }

    fn check_lengths(&self) -> Result<(), String> {
        let tables = [
            ("pairs", self.pairs.len()),
            ("tiers", self.tiers.len()),
            ("volatility", self.volatility.len()),
            ("exposure", self.exposure.len()),
            ("rails", self.rails.len()),
            ("merchants", self.merchants.len()),
        ];
        match tables.into_iter().find(|(_, entries)| *entries > ENTRIES_MAX) {
            Some((table, entries)) => Err(format!("{table} has {entries} entries: at most {ENTRIES_MAX}")),
            None => Ok(()),
        }
    }

    fn pairs(&self) -> Result<BTreeMap<CurrencyPair, PairRules>, String> {
        let mut pairs = BTreeMap::new();
        for (index, text) in indexed(&self.pairs) {
            let key = |key: &str| format!("pairs[{index}].{key}");
            let pair = pair(&key("pair"), &text.pair)?;
            let age = text.rate_age_ms_max.map(|age| millis(&key("rate_age_ms_max"), age, MS_MAX)).transpose()?;
            let rules = PairRules {
                fx_markup: ratio_or_none(&key("fx_markup"), text.fx_markup.as_deref())?,
                rate_age_ms_max: age,
                rate_move_max: ratio_or_none(&key("rate_move_max"), text.rate_move_max.as_deref())?,
            };
            if pairs.insert(pair, rules).is_some() {
                return Err(format!("{} = {:?} is there twice", key("pair"), text.pair));
            }
        }
        Ok(pairs)
    }

    /// Bands stand by rising volatility, so that the last one reached is the one that counts.
    fn volatility(&self) -> Result<Vec<VolatilityBand>, String> {
        let mut bands: Vec<VolatilityBand> = Vec::new();
        for (index, text) in indexed(&self.volatility) {
            let key = |key: &str| format!("volatility[{index}].{key}");
            if let Some(before) = bands.last()
                && before.move_ppm_min >= text.move_ppm_min
            {
                return Err(format!(
                    "{} = {}: bands rise, and the one before begins at {}",
                    key("move_ppm_min"),
                    text.move_ppm_min,
                    before.move_ppm_min
                ));
            }
            bands.push(VolatilityBand {
                move_ppm_min: text.move_ppm_min,
                markup_extra: at(&key("markup_extra"), &text.markup_extra, Ratio::parse(&text.markup_extra))?,
                exposure_weight: at(
                    &key("exposure_weight"),
                    &text.exposure_weight,
                    Weight::parse(&text.exposure_weight),
                )?,
            });
        }
        Ok(bands)
    }

    fn exposure(&self) -> Result<BTreeMap<Currency, ExposureLimit>, String> {
        let mut limits = BTreeMap::new();
        for (index, text) in indexed(&self.exposure) {
            let key = |key: &str| format!("exposure[{index}].{key}");
            let soft = amount(&key("soft"), &text.soft, BALANCE_MINOR_UNITS_MAX)?;
            let hard = amount(&key("hard"), &text.hard, BALANCE_MINOR_UNITS_MAX)?;
            if soft.currency() != hard.currency() {
                return Err(format!("{} = {:?}: soft is in {}", key("hard"), text.hard, soft.currency().code()));
            }
            if soft.minor_units() > hard.minor_units() {
                return Err(format!("{} = {:?}: below soft, which is {soft}", key("hard"), text.hard));
            }
            if limits.insert(soft.currency(), ExposureLimit { soft, hard }).is_some() {
                return Err(format!("{}: there is a limit in {} already", key("soft"), soft.currency().code()));
            }
        }
        Ok(limits)
    }
}

/// What one entry says of a payment's rules.
#[derive(Clone, Copy, Debug, Default)]
struct Difference {
    hold_ms: Option<i64>,
    refund_rate: Option<RefundRate>,
    refund_funding: Option<RefundFunding>,
}

impl Difference {
    fn read(
        entry: &str,
        hold_ms: Option<u64>,
        refund_rate: Option<RefundRateName>,
        refund_funding: Option<RefundFundingName>,
    ) -> Result<Self, String> {
        Ok(Self {
            hold_ms: hold_ms.map(|hold| millis(&format!("{entry}.hold_ms"), hold, MS_MAX)).transpose()?,
            refund_rate: refund_rate.map(Into::into),
            refund_funding: refund_funding.map(Into::into),
        })
    }

    fn over(self, rules: MerchantRules) -> MerchantRules {
        MerchantRules {
            hold_ms: self.hold_ms.unwrap_or(rules.hold_ms),
            refund_rate: self.refund_rate.unwrap_or(rules.refund_rate),
            refund_funding: self.refund_funding.unwrap_or(rules.refund_funding),
        }
    }
}

/// Everything that differs from the rules for all. Key by key the narrowest entry counts: the merchant's on the rail,
/// the merchant's, the rail's.
#[derive(Debug, Default)]
struct Differences {
    rails: BTreeMap<Rail, Difference>,
    merchants: BTreeMap<Name, Difference>,
    /// Of a merchant on one rail.
    narrow: BTreeMap<(Name, Rail), Difference>,
}

impl Differences {
    fn read(rails: &[RailText], merchants: &[MerchantText]) -> Result<Self, String> {
        let mut differences = Self::default();
        for (index, RailText { rail, hold_ms, refund_rate, refund_funding }) in indexed(rails) {
            let (entry, rail) = (format!("rails[{index}]"), Rail::from(*rail));
            let difference = Difference::read(&entry, *hold_ms, *refund_rate, *refund_funding)?;
            if differences.rails.insert(rail, difference).is_some() {
                return Err(format!("{entry}.rail = {:?} is there twice", rail.as_str()));
            }
        }
        for (index, MerchantText { name: text, rail, hold_ms, refund_rate, refund_funding }) in indexed(merchants) {
            let entry = format!("merchants[{index}]");
            let merchant = name(&format!("{entry}.name"), text)?;
            let difference = Difference::read(&entry, *hold_ms, *refund_rate, *refund_funding)?;
            let (before, on_rail) = match rail.map(Rail::from) {
                Some(rail) => (
                    differences.narrow.insert((merchant, rail), difference),
                    format!(" with rail = {:?}", rail.as_str()),
                ),
                None => (differences.merchants.insert(merchant, difference), String::new()),
            };
            if before.is_some() {
                return Err(format!("{entry}.name = {text:?}{on_rail} is there twice"));
            }
        }
        Ok(differences)
    }

    fn merchants(&self, for_all: MerchantRules) -> BTreeMap<Name, MerchantRules> {
        self.merchants.iter().map(|(name, difference)| (name.clone(), difference.over(for_all))).collect()
    }

    /// The rails that anything is said of, each with all there is to know on it.
    fn rails(&self, for_all: MerchantRules) -> BTreeMap<Rail, RailRules> {
        let named = Rail::ALL
            .into_iter()
            .filter(|rail| self.rails.contains_key(rail) || self.narrow.keys().any(|(_, narrow)| narrow == rail));
        named.map(|rail| (rail, self.rail(rail, for_all))).collect()
    }

    fn rail(&self, rail: Rail, for_all: MerchantRules) -> RailRules {
        let said = |difference: Option<&Difference>| difference.copied().unwrap_or_default();
        let merchant_default = said(self.rails.get(&rail)).over(for_all);
        let on_rail = self.narrow.keys().filter(|(_, narrow)| *narrow == rail).map(|(name, _)| name);
        let rules = |name: &Name| {
            let everywhere = said(self.merchants.get(name)).over(merchant_default);
            said(self.narrow.get(&(name.clone(), rail))).over(everywhere)
        };
        let merchants = self.merchants.keys().chain(on_rail).map(|name| (name.clone(), rules(name))).collect();
        RailRules { merchant_default, merchants }
    }
}

impl TierText {
    fn tier(&self, index: usize) -> Result<MarkupTier, String> {
        let key = |key: &str| format!("tiers[{index}].{key}");
        let of_pair = self.pair.as_deref().map(|text| pair(&key("pair"), text)).transpose()?;
        let max = AMOUNT_MINOR_UNITS_MAX.into();
        let amount_min = self.amount_min.as_deref().map(|text| amount(&key("amount_min"), text, max)).transpose()?;
        if let (Some(pair), Some(min)) = (of_pair, amount_min)
            && pair.presentment != min.currency()
        {
            let presentment = pair.presentment.code();
            return Err(format!("{}: {min} is never asked in the pair {pair}, {presentment} is", key("amount_min")));
        }
        Ok(MarkupTier {
            pair: of_pair,
            merchant: self.merchant.as_deref().map(|text| name(&key("merchant"), text)).transpose()?,
            amount_min,
            fx_markup: at(&key("fx_markup"), &self.fx_markup, Ratio::parse(&self.fx_markup))?,
        })
    }
}

fn indexed<T>(entries: &[T]) -> impl Iterator<Item = (usize, &T)> {
    entries.iter().enumerate()
}

/// Says which key holds what cannot be read.
fn at<T, E: std::fmt::Display>(key: &str, text: &str, read: Result<T, E>) -> Result<T, String> {
    read.map_err(|error| format!("{key} = {text:?}: {error}"))
}

fn ratio_or_none(key: &str, text: Option<&str>) -> Result<Option<Ratio>, String> {
    text.map(|text| at(key, text, Ratio::parse(text))).transpose()
}

fn name(key: &str, text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|invalid| format!("{key} = {text:?} {invalid}"))
}

/// As people read rates aloud: `HKD per CNY`, from CNY to HKD.
fn pair(key: &str, text: &str) -> Result<CurrencyPair, String> {
    let (debit, presentment) =
        text.split_once(" per ").ok_or_else(|| format!("{key} = {text:?}: not of the form \"HKD per CNY\""))?;
    let pair = CurrencyPair {
        presentment: at(key, text, Currency::from_code(presentment))?,
        debit: at(key, text, Currency::from_code(debit))?,
    };
    if pair.presentment == pair.debit {
        return Err(format!("{key} = {text:?}: a pair has two currencies"));
    }
    Ok(pair)
}

/// `HKD 10,000.00`. What is above `minor_units_max` is never reached, and no record holds it.
fn amount(key: &str, text: &str, minor_units_max: i128) -> Result<Money, String> {
    let money = at(key, text, Money::parse(text))?;
    if !money.is_positive() {
        return Err(format!("{key} = {text:?}: not above zero"));
    }
    if money.minor_units() > minor_units_max {
        return Err(format!("{key} = {text:?}: at most {}", Money::new(money.currency(), minor_units_max).grouped()));
    }
    Ok(money)
}

fn millis(key: &str, millis: u64, max: u64) -> Result<i64, String> {
    match i64::try_from(millis) {
        Ok(signed) if millis > 0 && millis <= max => Ok(signed),
        Ok(_) | Err(_) => Err(format!("{key} = {millis}: 1 to {max} milliseconds")),
    }
}

/// A decimal as text. In the environment everything looks like what it could be, so `0.01` arrives as a number; its
/// shortest form is the text that was written.
fn decimal_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    TextOrNumber::deserialize(deserializer).map(TextOrNumber::into_text)
}

fn decimal_text_or_none<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<TextOrNumber>::deserialize(deserializer)?.map(TextOrNumber::into_text))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrNumber {
    Text(String),
    Whole(u64),
    Fraction(f64),
}

impl TextOrNumber {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Whole(number) => number.to_string(),
            Self::Fraction(number) => number.to_string(),
        }
    }
}
