//! The rules in force. They travel in the journal, so that a decision can be replayed under the rules it was made by.

use alloc::{collections::BTreeMap, vec::Vec};

use money::{Currency, Money, Ratio, Weight};

use crate::{CardRules, CurrencyPair, Digest, Name, Rail, Timestamp};

/// Seven days: how long a hold lives unless the policy says otherwise, in milliseconds.
pub const HOLD_MS_DEFAULT: i64 = 7 * 24 * 60 * 60 * 1_000;
/// Ten minutes: how long a quote holds unless the policy says otherwise, in milliseconds.
pub const QUOTE_MS_DEFAULT: i64 = 10 * 60 * 1_000;
/// Seven days: how long an idempotency key is remembered unless the policy says otherwise, in milliseconds.
pub const KEY_MS_DEFAULT: i64 = 7 * 24 * 60 * 60 * 1_000;
/// Hong Kong and Shanghai: a day of theirs begins this many minutes before one of UTC.
pub const DAY_OFFSET_MINUTES_DEFAULT: i32 = 8 * 60;

/// Rules for conversions, rates, holds, refunds and exposure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The switch's margin over mid, where no pair and no tier says otherwise.
    pub fx_markup: Ratio,
    /// A rate older than this is refused, in milliseconds, where the pair does not say otherwise.
    pub rate_age_ms_max: i64,
    /// A published rate that moves more than this against the last of its pair is refused, where the pair does not say
    /// otherwise.
    pub rate_move_max: Ratio,
    /// What is different for some pairs.
    pub pairs: BTreeMap<CurrencyPair, PairRules>,
    /// Margins for some merchants and amounts; the first that fits counts.
    pub tiers: Vec<MarkupTier>,
    /// A pair without a rate of its own is crossed through this currency.
    pub pivot: Option<Currency>,
    /// What a volatile market changes, by rising volatility; the last band reached counts.
    pub volatility: Vec<VolatilityBand>,
    /// Bounds of the open position by currency; none means no bound.
    pub exposure: BTreeMap<Currency, ExposureLimit>,
    /// How long a quote holds, in milliseconds.
    pub quote_ms: i64,
    /// A day begins this many minutes before one of UTC: for refunds at the rate of the next day.
    pub day_offset_minutes: i32,
    /// For every merchant without rules of its own.
    pub merchant_default: MerchantRules,
    /// Rules of single merchants, by name.
    pub merchants: BTreeMap<Name, MerchantRules>,
    /// What counts instead on some rails.
    pub rails: BTreeMap<Rail, RailRules>,
    /// Of the card rail; `None` where no cards are taken.
    pub cards: Option<CardRules>,
    /// How long an idempotency key that is first used under these rules is remembered, in milliseconds of stamped time: then
    /// it no longer exists. `None` is for ever.
    pub key_ms: Option<i64>,
    /// Version of the engine that decides by these rules; 0 when it was not noted.
    pub engine_version: u32,
}

/// What is different for one pair; `None` means as for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairRules {
    /// The switch's margin over mid.
    pub fx_markup: Option<Ratio>,
    /// A rate older than this is refused, in milliseconds.
    pub rate_age_ms_max: Option<i64>,
    /// A rate that moves more than this against the last is refused.
    pub rate_move_max: Option<Ratio>,
}

/// A margin for some payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkupTier {
    /// Of this pair only.
    pub pair: Option<CurrencyPair>,
    /// Of this merchant only.
    pub merchant: Option<Name>,
    /// Of this presentment amount or more, in its currency only.
    pub amount_min: Option<Money>,
    /// The switch's margin over mid.
    pub fx_markup: Ratio,
}

/// What changes while a pair is as volatile as this or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolatilityBand {
    /// Mean move of the pair's last ticks, in millionths.
    pub move_ppm_min: u32,
    /// Added to the margin.
    pub markup_extra: Ratio,
    /// How much more an open position counts against its limit.
    pub exposure_weight: Weight,
}

/// Bounds of the open position in one currency, in either direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExposureLimit {
    /// Above this the record says so.
    pub soft: Money,
    /// Above this a payment that would add to it is declined.
    pub hard: Money,
}

/// The rules of merchants on one rail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RailRules {
    /// For every merchant without rules of its own.
    pub merchant_default: MerchantRules,
    /// Rules of single merchants, by name.
    pub merchants: BTreeMap<Name, MerchantRules>,
}

/// Rules that may differ by merchant and rail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MerchantRules {
    /// How long a hold lives, in milliseconds.
    pub hold_ms: i64,
    /// At which rate a refund is given back.
    pub refund_rate: RefundRate,
    /// Where a refund comes from that is larger than what the merchant is owed.
    pub refund_funding: RefundFunding,
}

impl Default for MerchantRules {
    fn default() -> Self {
        Self { hold_ms: HOLD_MS_DEFAULT, refund_rate: RefundRate::Original, refund_funding: RefundFunding::PayableOnly }
    }
}

/// At which rate a refund is given back. The numbers are stored; they never change meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundRate {
    /// The payment's own, margin included: the payer gets back what that part cost.
    Original,
    /// Mid of the rate in force, without margin.
    Current,
    /// Mid of the first rate of a later day, without margin: the refund is pending until there is one.
    NextDay,
}

/// Where a refund comes from that is larger than what the merchant is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundFunding {
    /// From nowhere: it is declined.
    PayableOnly,
    /// From the merchant's reserve.
    Reserve,
}

impl RefundRate {
    /// Every rule.
    pub const ALL: [Self; 3] = [Self::Original, Self::Current, Self::NextDay];

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Original => 1,
            Self::Current => 2,
            Self::NextDay => 3,
        }
    }

    /// As configured: `original`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Current => "current",
            Self::NextDay => "next_day",
        }
    }
}

impl RefundFunding {
    /// Every rule.
    pub const ALL: [Self; 2] = [Self::PayableOnly, Self::Reserve];

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::PayableOnly => 1,
            Self::Reserve => 2,
        }
    }

    /// As configured: `payable_only`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PayableOnly => "payable_only",
            Self::Reserve => "reserve",
        }
    }
}

impl Policy {
    /// These three rules, and for everything else the defaults: no tiers, no pivot, no bands, no limits.
    #[must_use]
    pub fn basic(fx_markup: Ratio, rate_age_ms_max: i64, rate_move_max: Ratio) -> Self {
        Self {
            fx_markup,
            rate_age_ms_max,
            rate_move_max,
            pairs: BTreeMap::new(),
            tiers: Vec::new(),
            pivot: None,
            volatility: Vec::new(),
            exposure: BTreeMap::new(),
            quote_ms: QUOTE_MS_DEFAULT,
            day_offset_minutes: DAY_OFFSET_MINUTES_DEFAULT,
            merchant_default: MerchantRules::default(),
            merchants: BTreeMap::new(),
            rails: BTreeMap::new(),
            cards: None,
            key_ms: None,
            engine_version: 0,
        }
    }

    /// From this moment on a rate of this pair that speaks of `as_of` is refused as stale.
    #[must_use]
    pub fn rate_expires_at(&self, pair: CurrencyPair, as_of: Timestamp) -> Timestamp {
        as_of.plus_millis(self.pair(pair).rate_age_ms_max.unwrap_or(self.rate_age_ms_max))
    }

    /// How far a rate of this pair may move in one step.
    #[must_use]
    pub fn rate_move_max(&self, pair: CurrencyPair) -> Ratio {
        self.pair(pair).rate_move_max.unwrap_or(self.rate_move_max)
    }

    /// The margin over mid for a payment: of the first tier that fits, else of the pair, else of all; and what the
    /// pair's volatility adds, in all at most one.
    #[must_use]
    pub fn markup(&self, pair: CurrencyPair, merchant: &Name, presentment: Money, move_ppm: u32) -> Ratio {
        let fits = |tier: &&MarkupTier| {
            tier.pair.is_none_or(|of| of == pair)
                && tier.merchant.as_ref().is_none_or(|of| of == merchant)
                && tier.amount_min.is_none_or(|min| {
                    min.currency() == presentment.currency() && presentment.minor_units() >= min.minor_units()
                })
        };
        let of_tier = self.tiers.iter().find(fits).map(|tier| tier.fx_markup);
        let calm = of_tier.or(self.pair(pair).fx_markup).unwrap_or(self.fx_markup);
        self.band(move_ppm).map_or(calm, |band| calm.saturating_add(band.markup_extra))
    }

    /// How much an open position of a pair this volatile counts against its limit.
    #[must_use]
    pub fn exposure_weight(&self, move_ppm: u32) -> Weight {
        self.band(move_ppm).map_or(Weight::ONE, |band| band.exposure_weight)
    }

    /// The rules of this merchant on this rail.
    #[must_use]
    pub fn merchant(&self, merchant: &Name, rail: Rail) -> &MerchantRules {
        let everywhere = (&self.merchants, &self.merchant_default);
        let (merchants, default) =
            self.rails.get(&rail).map_or(everywhere, |rules| (&rules.merchants, &rules.merchant_default));
        merchants.get(merchant).unwrap_or(default)
    }

    /// The day a moment belongs to, in days since 1970-01-01, as the policy counts days.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> i64 {
        const MILLIS_PER_MINUTE: i64 = 60_000;
        const MICROS_PER_DAY: i64 = 24 * 60 * MILLIS_PER_MINUTE * 1_000;
        at.plus_millis(i64::from(self.day_offset_minutes).saturating_mul(MILLIS_PER_MINUTE))
            .micros()
            .div_euclid(MICROS_PER_DAY)
    }

    fn pair(&self, pair: CurrencyPair) -> PairRules {
        self.pairs.get(&pair).copied().unwrap_or_default()
    }

    fn band(&self, move_ppm: u32) -> Option<&VolatilityBand> {
        self.volatility.iter().rev().find(|band| band.move_ppm_min <= move_ppm)
    }
}

/// What a ledger is for. A sandbox's keys are public, so its ledger is refused by a production daemon, and the reverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For trying out: known keys, made-up money.
    Sandbox,
    /// For real money.
    Production,
}

impl Mode {
    /// As written in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        }
    }
}

/// Names the secret behind the ledger's digests without telling it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestKey {
    /// The operator's number for the secret.
    pub id: u32,
    /// Digest of a fixed text under the secret: another secret gives another value.
    pub check: Digest,
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const PAIR: CurrencyPair = CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD };

    fn ratio(text: &str) -> Ratio {
        Ratio::parse(text).unwrap()
    }

    fn policy() -> Policy {
        Policy::basic(ratio("0.01"), 1_000, Ratio::ZERO)
    }

    #[test]
    fn a_pair_has_an_age_of_its_own_or_that_of_all() {
        let as_of = Timestamp::from_micros(5_000_000);
        assert_eq!(policy().rate_expires_at(PAIR, as_of), Timestamp::from_micros(6_000_000));
        let rules = PairRules { rate_age_ms_max: Some(2_000), ..PairRules::default() };
        let own = Policy { pairs: BTreeMap::from([(PAIR, rules)]), ..policy() };
        assert_eq!(own.rate_expires_at(PAIR, as_of), Timestamp::from_micros(7_000_000));
    }

    #[test]
    fn the_margin_is_of_the_first_tier_that_fits_then_of_the_pair_then_of_all() {
        let cafe = Name::new("cafe").unwrap();
        let other = Name::new("other").unwrap();
        let tier = |merchant: Option<&Name>, min: Option<i128>, markup| MarkupTier {
            pair: None,
            merchant: merchant.cloned(),
            amount_min: min.map(|min| Money::new(Currency::CNY, min)),
            fx_markup: ratio(markup),
        };
        let pair_rules = PairRules { fx_markup: Some(ratio("0.02")), ..PairRules::default() };
        let policy = Policy {
            tiers: vec![tier(Some(&cafe), Some(10_000), "0.003"), tier(Some(&cafe), None, "0.005")],
            pairs: BTreeMap::from([(PAIR, pair_rules)]),
            ..policy()
        };
        let reverse = CurrencyPair { presentment: Currency::HKD, debit: Currency::CNY };
        let check = |pair, merchant, currency, units, expected| {
            assert_eq!(policy.markup(pair, merchant, Money::new(currency, units), 0), ratio(expected), "{units}");
        };
        check(PAIR, &cafe, Currency::CNY, 10_000, "0.003");
        check(PAIR, &cafe, Currency::CNY, 9_999, "0.005");
        check(PAIR, &cafe, Currency::HKD, 10_000, "0.005");
        check(PAIR, &other, Currency::CNY, 10_000, "0.02");
        check(reverse, &other, Currency::HKD, 10_000, "0.01");
    }

    #[test]
    fn the_last_band_reached_counts() {
        let band = |move_ppm_min, extra, weight| VolatilityBand {
            move_ppm_min,
            markup_extra: ratio(extra),
            exposure_weight: Weight::parse(weight).unwrap(),
        };
        let policy = Policy { volatility: vec![band(1_000, "0.001", "1.5"), band(5_000, "0.01", "3")], ..policy() };
        let merchant = Name::new("cafe").unwrap();
        let check = |ppm, markup, weight: &str| {
            let amount = Money::new(Currency::CNY, 1);
            assert_eq!(policy.markup(PAIR, &merchant, amount, ppm), ratio(markup));
            assert_eq!(policy.exposure_weight(ppm), Weight::parse(weight).unwrap());
        };
        check(999, "0.01", "1");
        check(1_000, "0.011", "1.5");
        check(5_000, "0.02", "3");
    }

    #[test]
    fn a_rail_has_rules_of_its_own_or_those_of_all() {
        let (cafe, other) = (Name::new("cafe").unwrap(), Name::new("other").unwrap());
        let hold_ms = |hold_ms| MerchantRules { hold_ms, ..MerchantRules::default() };
        let check = |policy: &Policy, merchant, expected| {
            assert_eq!(policy.merchant(merchant, Rail::Wallet), &hold_ms(expected));
        };
        let mut policy = Policy { merchants: BTreeMap::from([(cafe.clone(), hold_ms(2))]), ..policy() };
        policy.merchant_default = hold_ms(1);
        check(&policy, &cafe, 2);
        check(&policy, &other, 1);
        let wallet =
            RailRules { merchant_default: hold_ms(3), merchants: BTreeMap::from([(cafe.clone(), hold_ms(4))]) };
        policy.rails = BTreeMap::from([(Rail::Wallet, wallet)]);
        check(&policy, &cafe, 4);
        check(&policy, &other, 3);
    }

    #[test]
    fn a_day_begins_by_the_policys_offset() {
        const HOUR_MICROS: i64 = 3_600_000_000;
        assert_eq!(policy().day(Timestamp::from_micros(16 * HOUR_MICROS - 1)), 0);
        assert_eq!(policy().day(Timestamp::from_micros(16 * HOUR_MICROS)), 1);
    }
}
