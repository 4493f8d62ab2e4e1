use alloc::string::ToString;

use super::*;

fn rate(text: &str) -> Rate {
    Rate::parse(text).unwrap()
}

fn exact(text: &str) -> ExactRate {
    ExactRate::from(rate(text))
}

fn fraction(numerator: u128, denominator: u128) -> ExactRate {
    ExactRate::from_parts(numerator, denominator).unwrap()
}

fn parts(rate: ExactRate) -> (u128, u128) {
    (rate.numerator(), rate.denominator())
}

const MOST: u128 = 1_000_000_000_000_000_000_000_000_000_000;

#[test]
fn parts_are_kept_as_given() {
    for (numerator, denominator) in [(1, 1), (1, MOST), (MOST, 1), (MOST, MOST - 1), (43_826, 37_163)] {
        assert_eq!(parts(fraction(numerator, denominator)), (numerator, denominator));
    }
    assert_eq!(fraction(1, 1), ExactRate::ONE);
    assert_eq!(EXACT_RATE_PART_MAX, MOST);
}

#[test]
fn parts_are_refused_for_the_first_reason_that_applies() {
    let check = |numerator, denominator, error| {
        assert_eq!(ExactRate::from_parts(numerator, denominator), Err(error), "{numerator}/{denominator}");
    };
    check(0, 0, RateError::NotPositive);
    check(0, 1, RateError::NotPositive);
    check(0, u128::MAX, RateError::NotPositive);
    check(1, 0, RateError::OutOfBounds);
    check(2, MOST + 2, RateError::OutOfBounds);
    check(MOST + 1, 1, RateError::OutOfBounds);
    check(u128::MAX, u128::MAX, RateError::OutOfBounds);
    check(2, 2, RateError::NotLowestTerms);
    check(10, 4, RateError::NotLowestTerms);
    check(MOST, MOST, RateError::NotLowestTerms);
    check(3 * 43_826, 3 * 37_163, RateError::NotLowestTerms);
}

#[test]
fn an_error_says_the_rule() {
    let text = RateError::OutOfBounds.to_string();
    assert_eq!(text, "numerator and denominator of a rate lie between 1 and 10^30");
    assert_eq!(RateError::NotLowestTerms.to_string(), "numerator and denominator of a rate have no common factor");
    assert_eq!(RateError::BidAboveAsk.to_string(), "the bid is above the ask");
}

#[test]
fn a_rate_is_a_fraction_in_lowest_terms() {
    let check = |text, numerator, denominator| assert_eq!(exact(text), fraction(numerator, denominator), "{text}");
    check("1", 1, 1);
    check("1.000000000", 1, 1);
    check("1.10", 11, 10);
    check("1.1", 11, 10);
    check("0.5", 1, 2);
    check("0.2", 1, 5);
    check("0.0625", 1, 16);
    check("1.179291231", 1_179_291_231, 1_000_000_000);
    check("9000000000", 9_000_000_000, 1);
    check("0.000000001000000000", 1, 1_000_000_000);
    check("0.000000000000000001", 1, 1_000_000_000_000_000_000);
}

#[test]
fn a_midpoint_is_exact() {
    let check = |bid, ask, numerator, denominator| {
        assert_eq!(ExactRate::midpoint(rate(bid), rate(ask)), Ok(fraction(numerator, denominator)), "{bid} {ask}");
    };
    check("1", "1", 1, 1);
    check("1", "2", 3, 2);
    check("1.1", "1.20", 23, 20);
    check("1.179", "1.1796", 11_793, 10_000);
    check("1.179291231", "1.179291232", 2_358_582_463, 2_000_000_000);
    check("9999999999", "9999999999", 9_999_999_999, 1);
    check("0.000000000000000001", "0.000000000000000002", 3, 2_000_000_000_000_000_000);
    check("0.000000000000000001", "9999999999", 9_999_999_999_000_000_000_000_000_001, 2_000_000_000_000_000_000);
}

#[test]
fn a_bid_above_the_ask_has_no_midpoint() {
    for (bid, ask) in [("1.000000001", "1"), ("2", "1"), ("9999999999", "0.000000000000000001")] {
        assert_eq!(ExactRate::midpoint(rate(bid), rate(ask)), Err(RateError::BidAboveAsk));
    }
}

#[test]
fn a_cross_is_the_quotient_in_lowest_terms() {
    let check = |target, source, numerator, denominator| {
        let cross = ExactRate::cross(target, source);
        assert_eq!(cross, Ok(fraction(numerator, denominator)), "{target} over {source}");
    };
    check(exact("8.7652"), exact("7.4326"), 43_826, 37_163);
    check(exact("7.4326"), exact("8.7652"), 37_163, 43_826);
    check(exact("7.4326"), exact("7.43260"), 1, 1);
    check(exact("1"), exact("3"), 1, 3);
    check(exact("6"), exact("4"), 3, 2);
    check(exact("0.1"), exact("0.02"), 5, 1);
    check(exact("0.000000000000000001"), exact("9999999999"), 1, 9_999_999_999_000_000_000_000_000_000);
    check(exact("9999999999"), exact("0.000000000000000001"), 9_999_999_999_000_000_000_000_000_000, 1);
    check(fraction(MOST, MOST - 1), fraction(1, MOST - 1), MOST, 1);
    check(fraction(1, MOST), fraction(MOST - 1, MOST), 1, MOST - 1);
}

#[test]
fn a_cross_beyond_the_bounds_is_refused() {
    let check = |target, source| {
        assert_eq!(ExactRate::cross(target, source), Err(RateError::OutOfBounds), "{target} over {source}");
    };
    check(fraction(MOST, 1), fraction(1, 3));
    check(fraction(1, MOST), fraction(3, 1));
    check(fraction(MOST - 1, MOST), fraction(MOST, MOST - 1));
    check(fraction(MOST / 2 + 1, 1), fraction(1, 2));
    assert_eq!(ExactRate::cross(fraction(MOST / 2, 1), fraction(1, 2)), Ok(fraction(MOST, 1)));
}

#[test]
fn rates_are_ordered_by_value() {
    let ascending = [
        fraction(1, MOST),
        fraction(1, MOST - 1),
        fraction(1, 3),
        fraction(MOST - 1, MOST),
        ExactRate::ONE,
        fraction(MOST, MOST - 1),
        fraction(3, 2),
        fraction(MOST - 1, 1),
        fraction(MOST, 1),
    ];
    assert!(ascending.is_sorted_by(|left, right| left < right));
}

#[test]
fn a_move_is_within_a_band_up_to_and_including_its_edge() {
    let check = |new, old, band, expected| {
        let within = ExactRate::moved_within(new, old, Ratio::parse(band).unwrap());
        assert_eq!(within, expected, "{new} {old} {band}");
    };
    check(exact("1.1"), exact("1"), "0.1", true);
    check(exact("1.100000001"), exact("1"), "0.1", false);
    check(exact("0.9"), exact("1"), "0.1", true);
    check(exact("0.899999999"), exact("1"), "0.1", false);
    check(fraction(11, 30), fraction(1, 3), "0.1", true);
    check(fraction(3, 10), fraction(1, 3), "0.1", true);
    check(fraction(299, 1_000), fraction(1, 3), "0.1", false);
    check(fraction(MOST, MOST - 1), ExactRate::ONE, "0", false);
    check(fraction(MOST, MOST - 1), ExactRate::ONE, "0.000001", true);
    check(fraction(1, 3), fraction(1, 3), "0", true);
    check(fraction(1, MOST), fraction(MOST, 1), "0.999999", false);
    check(fraction(1, MOST), fraction(MOST, 1), "1", true);
    check(fraction(MOST, 1), fraction(1, MOST), "1", false);
}

#[test]
fn a_move_is_counted_in_whole_millionths_either_way() {
    let check = |new: ExactRate, old, expected| assert_eq!(new.moved_ppm(old), expected, "{new} {old}");
    check(exact("1.1"), exact("1"), 100_000);
    check(exact("0.9"), exact("1"), 100_000);
    check(exact("1.000001999"), exact("1"), 1);
    check(exact("1.000000999"), exact("1"), 0);
    check(exact("0.999998001"), exact("1"), 1);
    check(fraction(1, 3), fraction(1, 3), 0);
    check(fraction(2, 3), fraction(1, 3), 1_000_000);
    check(fraction(1, 3), fraction(2, 3), 500_000);
    check(fraction(1, MOST), fraction(MOST, 1), 999_999);
    // 4,294,967,295 millionths above one is 4295.967295; there it saturates.
    check(exact("4295.967294"), exact("1"), u32::MAX - 1);
    check(exact("4295.967295"), exact("1"), u32::MAX);
    check(exact("4295.967296"), exact("1"), u32::MAX);
    check(fraction(MOST, 1), fraction(1, MOST), u32::MAX);
}

#[test]
fn a_decimal_is_written_in_full() {
    let check = |rate: ExactRate, text: &str| assert_eq!((rate.to_string().as_str(), rate.is_decimal()), (text, true));
    check(ExactRate::ONE, "1");
    check(exact("1.10"), "1.1");
    check(exact("1.179291231"), "1.179291231");
    check(fraction(2_358_582_463, 2_000_000_000), "1.1792912315");
    check(fraction(23, 20), "1.15");
    check(fraction(1, 8), "0.125");
    check(fraction(1, 1_000_000_000_000_000_000), "0.000000000000000001");
    check(fraction(1, 1 << 18), "0.000003814697265625");
    check(fraction(MOST - 1, 1_000_000_000_000_000_000), "999999999999.999999999999999999");
    check(fraction(MOST, 1), "1000000000000000000000000000000");
}

#[test]
fn what_is_no_short_decimal_is_written_with_ten_digits() {
    let check = |rate: ExactRate, text: &str| assert_eq!((rate.to_string().as_str(), rate.is_decimal()), (text, false));
    check(fraction(43_826, 37_163), "1.179291231");
    check(fraction(1, 3), "0.3333333333");
    check(fraction(2, 3), "0.6666666667");
    check(fraction(1, 1 << 19), "0.000001907348633");
    check(fraction(100_000_000_001, 3), "33333333330");
    check(fraction(29_999_999_999, 3), "10000000000");
    check(fraction(MOST, 3), "333333333300000000000000000000");
    // All nines become the next power of ten.
    check(fraction(MOST - 1, MOST), "1.000000000");
    check(fraction(1, MOST), "0.000000000000000000000000000001000000000");
    // 1.2345678905 · 10^−19, a half, upwards.
    check(fraction(2_469_135_781, 20_000_000_000_000_000_000_000_000_000), "0.0000000000000000001234567891");
}

#[test]
fn a_rate_is_a_decimal_if_its_denominator_divides_ten_to_the_eighteenth() {
    for (twos, fives) in (0..=20).flat_map(|twos| (0..=20).map(move |fives| (twos, fives))) {
        let denominator = 2_u128.pow(twos) * 5_u128.pow(fives);
        let Ok(rate) = ExactRate::from_parts(1, denominator) else { continue };
        assert_eq!(rate.is_decimal(), 10_u128.pow(18).is_multiple_of(denominator), "1/{denominator}");
        let Ok(third) = ExactRate::from_parts(1, denominator * 3) else { continue };
        assert!(!third.is_decimal(), "1/{}", denominator * 3);
    }
}
