//! Every operation against exact fractions of big integers.
//!
//! The oracle reads rates and ratios from the text it made itself and minor digits from the official list, so it
//! shares neither code nor tables with the crate. 1,000 cases each; `PROPTEST_CASES` asks for more and
//! `PROPTEST_RNG_SEED` repeats a run.

#![allow(clippy::unwrap_used, reason = "a strategy or the oracle that cannot go on is a failed test")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use money::{AllocateError, Conversion, Currency, Error, Money, Rate, Ratio, Rounding};
use money::{allocate, level_change};
use num_bigint::BigInt;
use proptest::prelude::*;
use proptest::sample::select;

/// Written out: the oracle takes no bound from the crate.
const AMOUNT_MAX: i128 = 999_999_999_999_999;

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

/// A conversion as the crate has it and as the oracle has it.
#[derive(Clone, Debug)]
struct Case {
    conversion: Conversion,
    rate: Exact,
    markup: Exact,
}

impl Case {
    /// x · rate · multiplier in minor units of the debit currency.
    fn value(&self, x: Money, multiplier: &Exact) -> Exact {
        let unit = minor_unit(self.conversion.to());
        let units_per_one = Exact::new(unit.denominator, unit.numerator);
        let presented = Exact::new(x.minor_units(), 1).times(&minor_unit(self.conversion.from()));
        presented.times(&self.rate).times(multiplier).times(&units_per_one)
    }

    fn debit_value(&self, x: Money) -> Exact {
        self.value(x, &Exact::new(1, 1).plus(&self.markup))
    }

    fn mid_value(&self, x: Money) -> Exact {
        self.value(x, &Exact::new(1, 1))
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

/// A presented amount, mostly where rounding shows and where digits run out.
fn amount() -> impl Strategy<Value = i128> {
    prop_oneof![Just(1), Just(AMOUNT_MAX), 1..=10_000_i128, (AMOUNT_MAX - 10_000)..=AMOUNT_MAX, 1..=AMOUNT_MAX]
}

fn signed_amount() -> impl Strategy<Value = i128> {
    prop_oneof![Just(0), amount(), amount().prop_map(|minor_units| -minor_units)]
}

fn rate_text() -> impl Strategy<Value = String> {
    let mantissa = prop_oneof![
        Just(1),
        Just(9_999_999_999),
        1..=100_u64,
        1..=9_999_999_999_u64,
        select(vec![1_000_000_000, 1_179_291_231, 1_503_107_930, 5_000_000_000]),
    ];
    let scale = prop_oneof![Just(0), Just(18), Just(9), Just(10), 0..=18_usize];
    (mantissa, scale).prop_map(|(mantissa, scale)| with_point(mantissa, scale))
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
    (currency(), currency(), rate_text(), ratio_text())
        .prop_filter("two currencies", |(from, to, ..)| from != to)
        .prop_map(|(from, to, rate, markup)| {
            let parsed = (Rate::parse(&rate).unwrap(), Ratio::parse(&markup).unwrap());
            let conversion = Conversion::new(from, to, parsed.0, parsed.1).unwrap();
            Case { conversion, rate: Exact::read(&rate), markup: Exact::read(&markup) }
        })
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
        prop_assert_eq!(big(case.conversion.settlement(x).unwrap()), case.mid_value(x).floor());
    }

    #[test]
    fn a_markup_is_never_negative_and_a_settlement_never_above_mid(case in case(), x in amount()) {
        let x = case.presented(x);
        let [debit, mid, markup, settlement] = LEGS.map(|(_, leg)| leg(&case.conversion, x).unwrap());
        prop_assert!(!markup.is_negative());
        prop_assert_eq!(mid.checked_add(markup), Ok(debit));
        prop_assert!(!mid.checked_sub(settlement).unwrap().is_negative());
    }

    #[test]
    fn a_leg_beyond_one_amount_is_exact_or_refused(case in case(), x in any::<i128>()) {
        let x = case.presented(x);
        match case.conversion.debit(x) {
            Ok(debit) => prop_assert_eq!(big(debit), case.debit_value(x).ceiling()),
            Err(error) => prop_assert_eq!(error, Error::Overflow),
        }
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
        let parsed = Rate::parse(rate).unwrap();
        let conversion = Conversion::new(Currency::CNY, Currency::HKD, parsed, Ratio::ZERO).unwrap();
        let case = Case { conversion, rate: Exact::read(rate), markup: Exact::new(0, 1) };
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
