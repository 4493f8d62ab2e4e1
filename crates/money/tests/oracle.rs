//! Every operation against exact fractions of big integers.
//!
//! The oracle reads rates and ratios from the text it made itself and minor digits from the official list, so it
//! shares neither code nor tables with the crate. 1,000 cases each; `PROPTEST_CASES` asks for more and
//! `PROPTEST_RNG_SEED` repeats a run.

#![allow(clippy::unwrap_used, reason = "a strategy or the oracle that cannot go on is a failed test")]

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use money::{
    AllocateError, Conversion, Currency, Error, ExactRate, Money, Prices, PricesError, Rate, RateError, Ratio,
};
use money::{Rounding, Weight, allocate, level_change};
use num_bigint::BigInt;
use proptest::prelude::*;
use proptest::sample::select;

/// Written out: the oracle takes no bound from the crate.
const AMOUNT_MAX: i128 = 999_999_999_999_999;
const PART_MAX: u128 = 1_000_000_000_000_000_000_000_000_000_000;

/// An exact fraction with a positive denominator.
#[derive(Clone, Debug)]
struct Exact {
    numerator: BigInt,
    denominator: BigInt,
}

impl Exact {
    fn new(numerator: impl Into<BigInt>, denominator: impl Into<BigInt>) -> Exact {
        Exact { numerator: numerator.into(), denominator: denominator.into() }
    }

    /// Reads a plain decimal.
    fn read(text: &str) -> Exact {
        let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let digits: BigInt = text.replace('.', "").parse().unwrap();
        Exact::new(digits, power_of_ten(decimals))
    }

    fn times(&self, other: &Exact) -> Exact {
        Exact::new(&self.numerator * &other.numerator, &self.denominator * &other.denominator)
    }

    /// Of positive fractions.
    fn over(&self, other: &Exact) -> Exact {
        Exact::new(&self.numerator * &other.denominator, &self.denominator * &other.numerator)
    }

    fn plus(&self, other: &Exact) -> Exact {
        let numerator = &self.numerator * &other.denominator + &other.numerator * &self.denominator;
        Exact::new(numerator, &self.denominator * &other.denominator)
    }

    fn minus(&self, other: &Exact) -> Exact {
        self.plus(&other.times(&Exact::new(-1, 1)))
    }

    fn is_negative(&self) -> bool {
        self.numerator < BigInt::ZERO
    }

    fn compare(&self, other: &Exact) -> Ordering {
        self.minus(other).numerator.cmp(&BigInt::ZERO)
    }

    /// Of a positive fraction.
    fn in_lowest_terms(&self) -> Exact {
        let (mut divisor, mut rest) = (self.numerator.clone(), self.denominator.clone());
        while rest != BigInt::ZERO {
            let next = &divisor % &rest;
            (divisor, rest) = (rest, next);
        }
        Exact::new(&self.numerator / &divisor, &self.denominator / &divisor)
    }

    /// The parts in lowest terms, as the crate should have them.
    fn parts(&self) -> (BigInt, BigInt) {
        let reduced = self.in_lowest_terms();
        (reduced.numerator, reduced.denominator)
    }

    fn floor(&self) -> BigInt {
        let quotient = &self.numerator / &self.denominator;
        let is_below = &quotient * &self.denominator > self.numerator;
        if is_below { quotient - 1 } else { quotient }
    }

    fn ceiling(&self) -> BigInt {
        -Exact::new(-&self.numerator, self.denominator.clone()).floor()
    }

    fn half_up(&self) -> BigInt {
        self.plus(&Exact::new(1, 2)).floor()
    }

    fn rounded(&self, rounding: Rounding) -> BigInt {
        match rounding {
            Rounding::Up => self.ceiling(),
            Rounding::Down => self.floor(),
            Rounding::HalfUp => self.half_up(),
        }
    }
}

fn power_of_ten(exponent: usize) -> BigInt {
    format!("1{}", "0".repeat(exponent)).parse().unwrap()
}

static MINOR_DIGITS: LazyLock<BTreeMap<&str, usize>> = LazyLock::new(|| {
    let rows = include_str!("fixtures/iso4217.csv").lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|row| {
        let (code, rest) = row.split_once(',')?;
        Some((code, rest.split_once(',')?.1.parse().ok()?))
    })
    .collect()
});

fn minor_unit(currency: Currency) -> Exact {
    Exact::new(1, power_of_ten(MINOR_DIGITS[currency.code()]))
}

/// Prices as the crate has them and as the oracle has them.
#[derive(Clone, Debug)]
struct Published {
    prices: Prices,
    settlement: Exact,
    mid: Exact,
    debit: Exact,
}

impl Published {
    fn mid_only(mid: &str) -> Published {
        let exact = Exact::read(mid);
        let prices = Prices::mid_only(Rate::parse(mid).unwrap().into());
        Published { prices, settlement: exact.clone(), mid: exact.clone(), debit: exact }
    }

    fn spread(bid: &str, ask: &str) -> Published {
        let (settlement, debit) = (Exact::read(bid), Exact::read(ask));
        let (bid, ask) = (Rate::parse(bid).unwrap(), Rate::parse(ask).unwrap());
        let mid = ExactRate::midpoint(bid, ask).unwrap();
        let prices = Prices::new(bid.into(), mid, ask.into()).unwrap();
        Published { prices, mid: settlement.plus(&debit).over(&Exact::new(2, 1)), settlement, debit }
    }

    fn cross(target: &Published, source: &Published) -> Published {
        Published {
            prices: Prices::cross(target.prices, source.prices).unwrap(),
            settlement: target.settlement.over(&source.debit),
            mid: target.mid.over(&source.mid),
            debit: target.debit.over(&source.settlement),
        }
    }
}

/// A conversion as the crate has it and as the oracle has it.
#[derive(Clone, Debug)]
struct Case {
    conversion: Conversion,
    published: Published,
    markup: Exact,
}

impl Case {
    fn new(from: Currency, to: Currency, published: Published, markup: &str) -> Case {
        let conversion = Conversion::at(from, to, published.prices, Ratio::parse(markup).unwrap()).unwrap();
        Case { conversion, published, markup: Exact::read(markup) }
    }

    /// x · rate · multiplier in minor units of the debit currency.
    fn value(&self, x: Money, rate: &Exact, multiplier: &Exact) -> Exact {
        let unit = minor_unit(self.conversion.to());
        let units_per_one = Exact::new(unit.denominator, unit.numerator);
        let presented = Exact::new(x.minor_units(), 1).times(&minor_unit(self.conversion.from()));
        presented.times(rate).times(multiplier).times(&units_per_one)
    }

    fn debit_value(&self, x: Money) -> Exact {
        self.value(x, &self.published.debit, &Exact::new(1, 1).plus(&self.markup))
    }

    fn mid_value(&self, x: Money) -> Exact {
        self.value(x, &self.published.mid, &Exact::new(1, 1))
    }

    fn settlement_value(&self, x: Money) -> Exact {
        self.value(x, &self.published.settlement, &Exact::new(1, 1))
    }

    fn presented(&self, minor_units: i128) -> Money {
        Money::new(self.conversion.from(), minor_units)
    }
}

type Leg = fn(&Conversion, Money) -> Result<Money, Error>;

const LEGS: [(&str, Leg); 4] = [
    ("debit", Conversion::debit),
    ("mid", Conversion::mid),
    ("markup", Conversion::markup),
    ("settlement", Conversion::settlement),
];

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = cases.unwrap_or(1_000);
    // A pair of equal currencies is drawn again, and more cases draw more of them.
    ProptestConfig { cases, max_local_rejects: cases.saturating_add(1_000), ..ProptestConfig::default() }
}

fn currency() -> impl Strategy<Value = Currency> {
    let all: Vec<Currency> = Currency::all().collect();
    // Few currencies have other than two decimals: without help they would hardly meet.
    let one_of_each_scale = vec![Currency::JPY, Currency::CNY, Currency::HKD, Currency::KWD, Currency::CLF];
    prop_oneof![select(one_of_each_scale), select(all)]
}

fn two_currencies() -> impl Strategy<Value = (Currency, Currency)> {
    (currency(), currency()).prop_filter("two currencies", |(from, to)| from != to)
}

/// A presented amount, mostly where rounding shows and where digits run out.
fn amount() -> impl Strategy<Value = i128> {
    prop_oneof![Just(1), Just(AMOUNT_MAX), 1..=10_000_i128, (AMOUNT_MAX - 10_000)..=AMOUNT_MAX, 1..=AMOUNT_MAX]
}

fn signed_amount() -> impl Strategy<Value = i128> {
    prop_oneof![Just(0), amount(), amount().prop_map(|minor_units| -minor_units)]
}

fn mantissa() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(1),
        Just(9_999_999_999),
        1..=100_u64,
        1..=9_999_999_999_u64,
        select(vec![1_000_000_000, 1_179_291_231, 1_503_107_930, 5_000_000_000]),
    ]
}

fn scale() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), Just(18), Just(9), Just(10), 0..=18_usize]
}

fn rate_text() -> impl Strategy<Value = String> {
    (mantissa(), scale()).prop_map(|(mantissa, scale)| with_point(mantissa, scale))
}

/// A mid without a spread, or a bid and an ask of one scale.
fn published(scale: impl Strategy<Value = usize>) -> impl Strategy<Value = Published> {
    (any::<bool>(), mantissa(), mantissa(), scale).prop_map(|(has_spread, one, other, scale)| {
        let (bid, ask) = (with_point(one.min(other), scale), with_point(one.max(other), scale));
        if has_spread { Published::spread(&bid, &ask) } else { Published::mid_only(&bid) }
    })
}

/// Two currencies in a third. The divisor has few decimals, so that the largest amount still converts.
fn over_pivot() -> impl Strategy<Value = (Published, Published)> {
    (published(0..=6_usize), published(0..=6_usize))
}

fn any_published() -> impl Strategy<Value = Published> {
    prop_oneof![
        rate_text().prop_map(|mid| Published::mid_only(&mid)),
        published(scale()),
        (published(scale()), published(0..=6_usize)).prop_map(|(target, source)| Published::cross(&target, &source)),
    ]
}

/// A part of a fraction, mostly where digits run out.
fn part() -> impl Strategy<Value = u128> {
    let digits = 0..=30_u32;
    let up_to_digits = digits.prop_flat_map(|digits| 1..=10_u128.pow(digits));
    prop_oneof![Just(1), Just(PART_MAX), (PART_MAX - 1_000)..=PART_MAX, up_to_digits, 1..=PART_MAX]
}

/// Any exact rate, as the crate and as the oracle has it.
fn exact_rate() -> impl Strategy<Value = (ExactRate, Exact)> {
    (part(), part()).prop_map(|(numerator, denominator)| {
        let exact = Exact::new(numerator, denominator).in_lowest_terms();
        let part = |part: &BigInt| u128::try_from(part.clone()).unwrap();
        (ExactRate::from_parts(part(&exact.numerator), part(&exact.denominator)).unwrap(), exact)
    })
}

/// Prices that nobody would publish and every reader would accept.
fn extreme_published() -> impl Strategy<Value = Published> {
    prop::collection::vec(exact_rate(), 3).prop_map(|mut rates| {
        rates.sort_by(|(_, left), (_, right)| left.compare(right));
        let [settlement, mid, debit] = <[(ExactRate, Exact); 3]>::try_from(rates).unwrap();
        let prices = Prices::new(settlement.0, mid.0, debit.0).unwrap();
        Published { prices, settlement: settlement.1, mid: mid.1, debit: debit.1 }
    })
}

fn with_point(mantissa: u64, scale: usize) -> String {
    let digits = format!("{mantissa:0width$}", width = scale + 1);
    let (integer, fraction) = digits.split_at(digits.len() - scale);
    if fraction.is_empty() { integer.to_owned() } else { format!("{integer}.{fraction}") }
}

fn ratio_text() -> impl Strategy<Value = String> {
    let millionths = prop_oneof![select(vec![0, 1, 6_000, 10_000, 500_000, 999_999, 1_000_000]), 0..=1_000_000_u64];
    millionths.prop_map(|millionths| with_point(millionths, 6))
}

fn rounding() -> impl Strategy<Value = Rounding> {
    select(vec![Rounding::Up, Rounding::Down, Rounding::HalfUp])
}

fn case() -> impl Strategy<Value = Case> {
    case_of(any_published())
}

fn case_of(published: impl Strategy<Value = Published>) -> impl Strategy<Value = Case> {
    (two_currencies(), published, ratio_text())
        .prop_map(|((from, to), published, markup)| Case::new(from, to, published, &markup))
}

/// What the crate answers when the exact result is this many minor units.
fn answer(minor_units: BigInt) -> Result<i128, Error> {
    i128::try_from(minor_units).map_err(|_| Error::Overflow)
}

fn moved_within(new: &str, old: &str, band: &str) -> bool {
    Rate::parse(new).unwrap().moved_within(Rate::parse(old).unwrap(), Ratio::parse(band).unwrap())
}

/// Presented positions a payment visits: up by captures, down by refunds, at most the largest amount.
fn path() -> impl Strategy<Value = Vec<i128>> {
    prop::collection::vec(amount(), 1..20)
}

/// Sums what a leg posts while the presented position visits each of `path`, starting at zero.
fn posted(case: &Case, leg: Leg, path: &[i128]) -> Money {
    let mut total = Money::zero(case.conversion.to());
    let mut before = case.presented(0);
    for position in path {
        let after = case.presented(*position);
        let change = level_change(|x| leg(&case.conversion, x), before, after).unwrap();
        total = total.checked_add(change).unwrap();
        before = after;
    }
    total
}

fn big(money: Money) -> BigInt {
    money.minor_units().into()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn each_leg_is_the_exact_value_rounded_once(case in case(), x in signed_amount()) {
        let x = case.presented(x);
        let (debit, mid) = (case.debit_value(x).ceiling(), case.mid_value(x).half_up());
        prop_assert_eq!(big(case.conversion.markup(x).unwrap()), &debit - &mid);
        prop_assert_eq!(big(case.conversion.debit(x).unwrap()), debit);
        prop_assert_eq!(big(case.conversion.mid(x).unwrap()), mid);
        prop_assert_eq!(big(case.conversion.settlement(x).unwrap()), case.settlement_value(x).floor());
    }

    #[test]
    fn each_leg_at_extreme_prices_is_exact_or_does_not_fit(
        case in case_of(extreme_published()), x in prop_oneof![signed_amount(), any::<i128>()],
    ) {
        let x = case.presented(x);
        let leg = |leg: Leg| leg(&case.conversion, x).map(Money::minor_units);
        let (debit, mid) = (answer(case.debit_value(x).ceiling()), answer(case.mid_value(x).half_up()));
        prop_assert_eq!(leg(Conversion::markup), debit.and_then(|debit| answer(BigInt::from(debit) - mid?)));
        prop_assert_eq!(leg(Conversion::debit), debit);
        prop_assert_eq!(leg(Conversion::mid), mid);
        prop_assert_eq!(leg(Conversion::settlement), answer(case.settlement_value(x).floor()));
    }

    #[test]
    fn a_mid_rate_alone_converts_as_three_equal_prices(case in case(), mid in rate_text(), x in signed_amount()) {
        let (from, to, markup) = (case.conversion.from(), case.conversion.to(), case.conversion.markup_ratio());
        let rate = Rate::parse(&mid).unwrap();
        let alone = Conversion::new(from, to, rate, markup).unwrap();
        let equal = Prices::new(rate.into(), rate.into(), rate.into()).unwrap();
        prop_assert_eq!(Conversion::at(from, to, equal, markup), Ok(alone));
        let case = Case { conversion: alone, published: Published::mid_only(&mid), markup: case.markup };
        let x = case.presented(x);
        prop_assert_eq!(big(alone.debit(x).unwrap()), case.debit_value(x).ceiling());
    }

    #[test]
    fn exact_rates_are_the_exact_fractions((target, source) in over_pivot(), mid in rate_text()) {
        let cross = Published::cross(&target, &source);
        let converted = ExactRate::from(Rate::parse(&mid).unwrap());
        for (rate, exact) in [
            (converted, &Exact::read(&mid)),
            (target.prices.mid(), &target.mid),
            (cross.prices.settlement(), &cross.settlement),
            (cross.prices.mid(), &cross.mid),
            (cross.prices.debit(), &cross.debit),
        ] {
            prop_assert_eq!((rate.numerator().into(), rate.denominator().into()), exact.parts());
            prop_assert_eq!(ExactRate::from_parts(rate.numerator(), rate.denominator()), Ok(rate));
        }
        prop_assert!(cross.prices.settlement() <= cross.prices.mid() && cross.prices.mid() <= cross.prices.debit());
    }

    #[test]
    fn a_cross_is_exact_or_out_of_bounds(target in exact_rate(), source in exact_rate()) {
        let (numerator, denominator) = target.1.over(&source.1).parts();
        let is_within = numerator <= PART_MAX.into() && denominator <= PART_MAX.into();
        match ExactRate::cross(target.0, source.0) {
            Ok(cross) => {
                prop_assert!(is_within);
                prop_assert_eq!((cross.numerator().into(), cross.denominator().into()), (numerator, denominator));
            }
            Err(error) => prop_assert_eq!((error, is_within), (RateError::OutOfBounds, false)),
        }
    }

    #[test]
    fn a_midpoint_is_exact_or_upside_down(one in rate_text(), other in rate_text()) {
        let (bid, ask) = (Exact::read(&one), Exact::read(&other));
        match ExactRate::midpoint(Rate::parse(&one).unwrap(), Rate::parse(&other).unwrap()) {
            Ok(midpoint) => {
                let parts = (midpoint.numerator().into(), midpoint.denominator().into());
                prop_assert_eq!(parts, bid.plus(&ask).over(&Exact::new(2, 1)).parts());
                prop_assert_ne!(bid.compare(&ask), Ordering::Greater);
            }
            Err(error) => prop_assert_eq!((error, bid.compare(&ask)), (RateError::BidAboveAsk, Ordering::Greater)),
        }
    }

    #[test]
    fn prices_in_any_other_order_are_refused(settlement in exact_rate(), mid in exact_rate(), debit in exact_rate()) {
        let is_above = |left: &(_, Exact), right: &(_, Exact)| left.1.compare(&right.1) == Ordering::Greater;
        let refusal = match (is_above(&settlement, &mid), is_above(&mid, &debit)) {
            (true, _) => Some(PricesError::SettlementAboveMid),
            (false, true) => Some(PricesError::MidAboveDebit),
            (false, false) => None,
        };
        prop_assert_eq!(Prices::new(settlement.0, mid.0, debit.0).err(), refusal);
    }

    #[test]
    fn exact_rates_are_compared_exactly(new in exact_rate(), old in exact_rate(), band in ratio_text()) {
        prop_assert_eq!(new.0.cmp(&old.0), new.1.compare(&old.1));
        prop_assert_eq!(new.0 == old.0, new.1.compare(&old.1) == Ordering::Equal);
        let moved = new.1.over(&old.1).minus(&Exact::new(1, 1));
        let moved = if moved.is_negative() { moved.times(&Exact::new(-1, 1)) } else { moved };
        let is_within = moved.compare(&Exact::read(&band)) != Ordering::Greater;
        prop_assert_eq!(new.0.moved_within(old.0, Ratio::parse(&band).unwrap()), is_within);
        let ppm = moved.times(&Exact::new(1_000_000, 1)).floor();
        prop_assert_eq!(new.0.moved_ppm(old.0), u32::try_from(ppm).unwrap_or(u32::MAX));
    }

    #[test]
    fn an_exact_rate_moves_as_its_rate_does(new in rate_text(), old in rate_text(), band in ratio_text()) {
        let exact = |text: &str| ExactRate::from(Rate::parse(text).unwrap());
        let within = exact(&new).moved_within(exact(&old), Ratio::parse(&band).unwrap());
        prop_assert_eq!(within, moved_within(&new, &old, &band));
    }

    #[test]
    fn an_exact_rate_is_written_in_full_or_to_ten_digits((rate, exact) in exact_rate()) {
        let text = rate.to_string();
        let error = exact.minus(&Exact::read(&text));
        if rate.is_decimal() {
            prop_assert_eq!(error.numerator, BigInt::ZERO);
            return Ok(());
        }
        let digits = text.replace('.', "");
        let significant = digits.trim_start_matches('0').len();
        prop_assert!(significant >= 10, "{}", text);
        // The last of the ten digits stands for this much; the value lies from half of it below to less than half above.
        let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let unit = Exact::new(power_of_ten(significant - 10), power_of_ten(decimals));
        let half = unit.over(&Exact::new(2, 1));
        prop_assert!(!error.plus(&half).is_negative() && error.minus(&half).is_negative(), "{}", text);
    }

    #[test]
    fn a_markup_is_never_negative_and_a_settlement_never_above_mid(case in case(), x in amount()) {
        // So what is bought at debit and sold at settlement never gains.
        let x = case.presented(x);
        let [debit, mid, markup, settlement] = LEGS.map(|(_, leg)| leg(&case.conversion, x).unwrap());
        prop_assert!(!markup.is_negative());
        prop_assert_eq!(mid.checked_add(markup), Ok(debit));
        prop_assert!(!mid.checked_sub(settlement).unwrap().is_negative());
    }

    #[test]
    fn a_leg_beyond_one_amount_is_exact_or_refused(case in case(), x in any::<i128>()) {
        let x = case.presented(x);
        prop_assert_eq!(case.conversion.debit(x).map(Money::minor_units), answer(case.debit_value(x).ceiling()));
    }

    #[test]
    fn there_and_back_over_a_pivot_never_gains(
        (target, source) in over_pivot(), pair in two_currencies(), markup in ratio_text(), x in amount(),
    ) {
        let there = Case::new(pair.0, pair.1, Published::cross(&target, &source), &markup).conversion;
        let back = Case::new(pair.1, pair.0, Published::cross(&source, &target), &markup).conversion;
        let x = Money::new(pair.0, x);
        let received = there.settlement(x).and_then(|sum| back.settlement(sum));
        prop_assert!(!x.checked_sub(received.unwrap()).unwrap().is_negative());
        let paid = there.debit(x).and_then(|sum| back.debit(sum));
        prop_assert!(!paid.unwrap().checked_sub(x).unwrap().is_negative());
    }

    #[test]
    fn a_leg_never_falls_while_the_amount_grows(case in case(), x in signed_amount(), step in 0..=1_000_i128) {
        for leg in [Conversion::debit, Conversion::mid, Conversion::settlement] {
            let change = level_change(|x| leg(&case.conversion, x), case.presented(x), case.presented(x + step));
            prop_assert!(!change.unwrap().is_negative());
        }
    }

    #[test]
    fn what_is_posted_depends_on_the_last_position_only(case in case(), path in path()) {
        let last = case.presented(*path.last().unwrap());
        for (name, leg) in LEGS {
            prop_assert_eq!(posted(&case, leg, &path), leg(&case.conversion, last).unwrap(), "{}", name);
        }
    }

    #[test]
    fn captures_in_any_order_post_the_same(
        case in case(),
        captures in prop::collection::vec(1..=10_000_i128, 1..20).prop_flat_map(|parts| {
            (Just(parts.clone()), Just(parts).prop_shuffle())
        }),
    ) {
        let positions = |parts: &[i128]| -> Vec<i128> {
            parts.iter().scan(0, |sum, part| { *sum += part; Some(*sum) }).collect()
        };
        for (name, leg) in LEGS {
            let in_order = posted(&case, leg, &positions(&captures.0));
            prop_assert_eq!(in_order, posted(&case, leg, &positions(&captures.1)), "{}", name);
        }
    }

    #[test]
    fn a_round_trip_leaves_nothing_and_never_owes_the_payer(case in case(), path in path()) {
        for (name, leg) in LEGS {
            let there_and_back: Vec<i128> = path.iter().copied().chain([0]).collect();
            prop_assert!(posted(&case, leg, &there_and_back).is_zero(), "{}", name);
        }
        let paid = posted(&case, Conversion::debit, &path);
        let worth = case.debit_value(case.presented(*path.last().unwrap()));
        prop_assert!(!Exact::new(big(paid), 1).minus(&worth).is_negative());
    }

    #[test]
    fn a_ratio_of_a_sum_is_the_exact_share_rounded_once(
        currency in currency(), ratio in ratio_text(), minor_units in signed_amount(), rounding in rounding(),
    ) {
        let share = Ratio::parse(&ratio).unwrap().of(Money::new(currency, minor_units), rounding).unwrap();
        let exact = Exact::new(minor_units, 1).times(&Exact::read(&ratio));
        prop_assert_eq!((share.currency(), big(share)), (currency, exact.rounded(rounding)));
    }

    #[test]
    fn a_weighed_exposure_is_the_exact_multiple_rounded_once(
        currency in currency(),
        millionths in prop_oneof![Just(1_000_000), Just(1_000_000_000), 1_000_000..=1_000_000_000_u32],
        minor_units in signed_amount(),
        rounding in rounding(),
    ) {
        let text = with_point(millionths.into(), 6);
        let weight = Weight::parse(&text).unwrap();
        prop_assert_eq!(Weight::from_millionths(weight.millionths()), Ok(weight));
        prop_assert_eq!(Weight::parse(&weight.to_string()), Ok(weight));
        let weighed = weight.of(Money::new(currency, minor_units), rounding).unwrap();
        let exact = Exact::new(minor_units, 1).times(&Exact::read(&text));
        prop_assert_eq!((weighed.currency(), big(weighed)), (currency, exact.rounded(rounding)));
    }

    #[test]
    fn ratios_add_up_to_one_at_most(left in ratio_text(), right in ratio_text()) {
        let sum = Ratio::parse(&left).unwrap().saturating_add(Ratio::parse(&right).unwrap());
        let exact = Exact::read(&left).plus(&Exact::read(&right));
        let expected = if exact.compare(&Exact::new(1, 1)) == Ordering::Greater { Exact::new(1, 1) } else { exact };
        prop_assert_eq!(Exact::new(sum.millionths(), 1_000_000).compare(&expected), Ordering::Equal);
    }

    #[test]
    fn a_rate_moved_within_a_band_is_decided_exactly(new in rate_text(), old in rate_text(), band in ratio_text()) {
        let (exact_new, exact_old) = (Exact::read(&new), Exact::read(&old));
        let moved = exact_new.minus(&exact_old);
        let edge = Exact::read(&band).times(&exact_old);
        let expected = !edge.minus(&moved).is_negative() && !edge.plus(&moved).is_negative();
        prop_assert_eq!(moved_within(&new, &old, &band), expected);
    }

    #[test]
    fn rates_near_each_other_are_told_apart(
        mantissa in 1_000_000_000..=9_999_999_000_u64,
        step in 0..=9_999_u64,
        band in 0..=2_u64,
    ) {
        let (old, new) = (with_point(mantissa, 9), with_point((mantissa + step).min(9_999_999_999), 9));
        let moved = Exact::read(&new).minus(&Exact::read(&old));
        let edge = Exact::new(band, 1_000_000).times(&Exact::read(&old));
        let expected = !edge.minus(&moved).is_negative();
        prop_assert_eq!(moved_within(&new, &old, &with_point(band, 6)), expected);
    }

    #[test]
    fn parts_of_a_sum_are_near_their_exact_shares_and_sum_to_it(
        currency in currency(),
        total in signed_amount(),
        weights in prop::collection::vec(prop_oneof![Just(0), Just(u64::MAX), 0..=1_000_u64, any::<u64>()], 1..20),
    ) {
        let weight_total: BigInt = weights.iter().copied().map(BigInt::from).sum();
        let parts = allocate(Money::new(currency, total), &weights);
        if weight_total == BigInt::ZERO {
            prop_assert_eq!(parts, Err(AllocateError::NoWeight));
            return Ok(());
        }
        let parts = parts.unwrap();
        prop_assert_eq!(parts.len(), weights.len());
        for (part, weight) in parts.iter().zip(&weights) {
            let share = Exact::new(BigInt::from(total) * *weight, weight_total.clone());
            let (one, part) = (Exact::new(1, 1), Exact::new(big(*part), 1));
            prop_assert!(share.minus(&part).minus(&one).is_negative() && part.minus(&share).minus(&one).is_negative());
        }
        let sum = parts.into_iter().try_fold(Money::zero(currency), Money::checked_add);
        prop_assert_eq!(sum, Ok(Money::new(currency, total)));
    }

    #[test]
    fn money_reads_back_as_it_was_printed(
        currency in currency(),
        minor_units in prop_oneof![any::<i128>(), signed_amount()],
    ) {
        let money = Money::new(currency, minor_units);
        prop_assert_eq!(Money::parse(&money.to_string()), Ok(money));
        prop_assert_eq!(Money::parse(&money.grouped().to_string()), Ok(money));
    }

    #[test]
    fn rates_and_ratios_read_back_as_they_were_printed(rate in rate_text(), ratio in ratio_text()) {
        let parsed = Rate::parse(&rate).unwrap();
        prop_assert_eq!(parsed.to_string(), rate);
        prop_assert_eq!(Rate::from_parts(parsed.mantissa(), parsed.scale()), Ok(parsed));
        let parsed = Ratio::parse(&ratio).unwrap();
        prop_assert_eq!(Ratio::parse(&parsed.to_string()), Ok(parsed));
        prop_assert_eq!(Ratio::from_millionths(parsed.millionths()), Ok(parsed));
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in any::<String>(), number in "[-+0-9.,eE_]{0,40}") {
        let _ = (Money::parse(&text), Rate::parse(&text), Ratio::parse(&text), Currency::from_code(&text));
        let _ = (Money::parse(&format!("KWD {number}")), Ratio::parse(&number));
        let _ = (Weight::parse(&text), Weight::parse(&number));
        if let Ok(rate) = Rate::parse(&number) {
            prop_assert_eq!(Rate::parse(&rate.to_string()), Ok(rate));
        }
    }
}

/// Rounded to nearest and back, 0.06 at 0.92 is 0.06 and then 0.07: a sixth gained. A refund that posts
/// changes of levels has nothing to round back.
#[test]
fn a_small_amount_refunded_in_parts_leaves_no_residue() {
    for rate in ["0.92", "1.179291231", "0.5", "0.01", "7.77"] {
        let case = Case::new(Currency::CNY, Currency::HKD, Published::mid_only(rate), "0");
        for minor_units in 1..=100_i128 {
            for step in 1..=minor_units {
                let refunds = (0..=minor_units).rev().step_by(usize::try_from(step).unwrap());
                let path: Vec<i128> = refunds.chain([0]).collect();
                for (name, leg) in LEGS {
                    assert!(posted(&case, leg, &path).is_zero(), "{name} of {minor_units} by {step} at {rate}");
                }
            }
        }
    }
}
