use domain::Scheme;

use super::{Brand, digits_of, of, row_of, table};
use crate::{BindError, Pan};

/// Public test numbers, as Stripe and others document them.
const TEST_CARDS: [(&str, Scheme); 18] = [
    ("4242424242424242", Scheme::Visa),
    ("4111111111111111", Scheme::Visa),
    ("4000000000000002", Scheme::Visa),
    ("4000000000009995", Scheme::Visa),
    ("5555555555554444", Scheme::Mastercard),
    ("2223003122003222", Scheme::Mastercard),
    ("378282246310005", Scheme::Amex),
    ("371449635398431", Scheme::Amex),
    ("6011111111111117", Scheme::Discover),
    ("6011000990139424", Scheme::Discover),
    ("3056930009020004", Scheme::Diners),
    ("30569309025904", Scheme::Diners),
    ("36227206271667", Scheme::Diners),
    ("3566002020360505", Scheme::Jcb),
    ("3530111333300000", Scheme::Jcb),
    ("6200000000000005", Scheme::UnionPay),
    ("6200000000000047", Scheme::UnionPay),
    ("6205500000000000004", Scheme::UnionPay),
];

fn scheme_of(digits: &str) -> Result<Scheme, BindError> {
    of(&Pan::parse(digits).unwrap())
}

/// The number with another digit at one place.
fn changed(digits: &str, place: usize, digit: char) -> String {
    digits.chars().enumerate().map(|(index, old)| if index == place { digit } else { old }).collect()
}

#[test]
fn every_test_card_is_of_its_scheme() {
    for (digits, scheme) in TEST_CARDS {
        assert_eq!(scheme_of(digits).ok(), Some(scheme), "{digits}");
    }
}

/// One changed digit always makes the check digit wrong. What then still passes is a number that became `UnionPay`'s, whose
/// numbers are not held to one: that is the price of taking all of them.
#[test]
fn a_test_card_with_one_digit_changed_is_refused_unless_it_became_unionpay() {
    let mut became_unionpay = Vec::new();
    for (digits, _) in TEST_CARDS.into_iter().filter(|(_, scheme)| *scheme != Scheme::UnionPay) {
        for (place, old) in digits.char_indices() {
            for digit in ('0'..='9').filter(|digit| *digit != old) {
                if let Ok(scheme) = scheme_of(&changed(digits, place, digit)) {
                    assert_eq!(scheme, Scheme::UnionPay, "{digits} with {digit} at {place}");
                    became_unionpay.push((digits, place, digit));
                }
            }
        }
    }
    let expected = [
        ("4242424242424242", 0, '6'),
        ("4111111111111111", 0, '8'),
        ("2223003122003222", 0, '6'),
        ("6011111111111117", 1, '2'),
        ("6011000990139424", 1, '2'),
    ];
    assert_eq!(became_unionpay, expected);
}

#[test]
fn the_longest_prefix_decides() {
    let brand = |digits: &str| row_of(digits).map(|row| row.brand);
    let (accepted, other) = (|scheme| Some(Brand::Accepted(scheme)), |name| Some(Brand::Other(name)));
    for (digits, expected) in [
        // Elo and Naranja within Visa and Mastercard.
        ("4011780000000000", other("Elo")),
        ("4011770000000000", accepted(Scheme::Visa)),
        ("4029180000000000", other("Naranja")),
        ("5275720000000000", other("Naranja")),
        ("5275730000000000", accepted(Scheme::Mastercard)),
        // Mir ends where Mastercard begins.
        ("2204999999999999", other("Mir")),
        ("2205000000000000", None),
        ("2221000000000000", accepted(Scheme::Mastercard)),
        ("2720999999999999", accepted(Scheme::Mastercard)),
        ("2721000000000000", None),
        // Troy and Elo within Discover, Troy by eight digits within Discover.
        ("6500310000000000", other("Elo")),
        ("6500520000000000", other("Troy")),
        ("6508370400000000", other("Troy")),
        ("6508370500000000", accepted(Scheme::Discover)),
        // Elo within UnionPay, Hipercard and Maestro where nobody else is.
        ("6277790000000000", accepted(Scheme::UnionPay)),
        ("6277800000000000", other("Elo")),
        ("6062820000000000", other("Hipercard")),
        ("6300000000000000", other("Maestro")),
        ("6999000000000000", other("Maestro")),
        ("5060990000000000", other("Verve")),
        ("9792000000000000", other("Troy")),
        ("1000000000000000", None),
        ("0000000000000000", None),
    ] {
        assert_eq!(brand(digits), expected, "{digits}");
    }
}

/// Discover cards of 622126 to 622925 are issued by `UnionPay`; the table has them there alone.
#[test]
fn the_range_that_discover_and_unionpay_share_is_unionpay() {
    for prefix in ["622125", "622126", "622500", "622925", "622926"] {
        let digits = format!("{prefix}0000000000");
        assert_eq!(scheme_of(&digits).ok(), Some(Scheme::UnionPay), "{digits}");
    }
}

#[test]
fn a_number_is_refused_for_the_first_reason_that_holds() {
    for (digits, expected) in [
        ("1000000000000000", "the number is of no known card scheme"),
        ("6304000000000000", "Maestro cards are not accepted"),
        ("2200000000000004", "Mir cards are not accepted"),
        ("424242424242424", "visa has no card numbers of 15 digits"),
        ("42424242424242424", "visa has no card numbers of 17 digits"),
        ("3782822463100050", "amex has no card numbers of 16 digits"),
        ("4242424242424241", "the check digit of the visa card number is wrong"),
        ("378282246310006", "the check digit of the amex card number is wrong"),
    ] {
        assert_eq!(scheme_of(digits).unwrap_err().to_string(), expected, "{digits}");
    }
}

#[test]
fn a_unionpay_number_needs_no_check_digit() {
    for digits in ["6200000000000005", "6200000000000006", "62000000000000", "8100000000000000003"] {
        assert_eq!(scheme_of(digits).ok(), Some(Scheme::UnionPay), "{digits}");
    }
}

#[test]
fn every_accepted_scheme_has_one_row() {
    for scheme in Scheme::ALL {
        assert_eq!(table::ROWS.iter().filter(|row| row.brand == Brand::Accepted(scheme)).count(), 1, "{scheme:?}");
    }
}

/// Where two brands have equally long prefixes, nothing tells whose the card is: no scheme that is accepted may be there.
#[test]
fn no_accepted_scheme_shares_a_prefix() {
    let ranges = || table::ROWS.iter().flat_map(|row| row.prefixes.iter().map(move |range| (row.brand, *range)));
    for (brand, (first, last)) in ranges().filter(|(brand, _)| matches!(brand, Brand::Accepted(_))) {
        for (other, (other_first, other_last)) in ranges().filter(|(other, _)| *other != brand) {
            let meet = digits_of(first) == digits_of(other_first) && first <= other_last && other_first <= last;
            assert!(!meet, "{brand:?} {first}-{last} meets {other:?} {other_first}-{other_last}");
        }
    }
}

#[test]
fn a_range_is_of_prefixes_of_one_length() {
    for (first, last) in table::ROWS.iter().flat_map(|row| row.prefixes) {
        assert!(first <= last && digits_of(*first) == digits_of(*last), "{first} to {last}");
    }
}
