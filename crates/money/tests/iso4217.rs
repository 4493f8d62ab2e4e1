//! The currency table is the official list, no more and no less.

use std::collections::BTreeMap;

use money::{Currency, UnknownCurrency};

const LIST_ONE: &str = include_str!("fixtures/iso4217.csv");

/// What the standard says of each code: numeric code and, where there are minor units, their digits.
fn list_one() -> BTreeMap<&'static str, (u16, Option<u32>)> {
    let rows = LIST_ONE.lines().filter(|line| !line.starts_with('#')).skip(1);
    rows.map(|row| {
        let fields: Vec<&str> = row.split(',').collect();
        let [code, numeric, minor] = fields[..] else { panic!("not three fields: {row}") };
        let minor_digits = (minor != "N.A.").then(|| minor.parse().expect("minor digits"));
        (code, (numeric.parse().expect("a numeric code"), minor_digits))
    })
    .collect()
}

#[test]
fn the_list_has_178_codes_and_165_of_them_are_currencies_here() {
    assert_eq!(list_one().len(), 178);
    assert_eq!(Currency::all().count(), 165);
}

#[test]
fn every_code_of_the_list_is_known_as_it_stands_there() {
    for (code, (numeric, minor_digits)) in list_one() {
        match (Currency::from_code(code), minor_digits) {
            (Ok(currency), Some(digits)) => {
                let facts = (currency.code(), currency.numeric(), currency.minor_digits());
                assert_eq!(facts, (code, numeric, digits));
            }
            (answer, None) => assert_eq!(answer, Err(UnknownCurrency::NoMinorUnits(code))),
            (Err(refusal), Some(_)) => panic!("{code} is refused: {refusal}"),
        }
    }
}

#[test]
fn every_currency_stands_in_the_list() {
    let list = list_one();
    for currency in Currency::all() {
        assert_eq!(list[currency.code()], (currency.numeric(), Some(currency.minor_digits())));
    }
}

#[test]
fn every_numeric_code_finds_its_currency_and_no_other_number_finds_any() {
    let list = list_one();
    let currencies = list.iter().filter(|(_, (_, minor_digits))| minor_digits.is_some());
    let by_numeric: BTreeMap<u16, &str> = currencies.map(|(code, (numeric, _))| (*numeric, *code)).collect();
    for numeric in 0..=u16::MAX {
        assert_eq!(Currency::from_numeric(numeric).map(Currency::code), by_numeric.get(&numeric).copied());
    }
}

#[test]
fn no_other_three_letters_are_known() {
    let list = list_one();
    for (a, b, c) in letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| (a, b, c)))) {
        let code = String::from_iter([a, b, c]);
        if !list.contains_key(code.as_str()) {
            let refusal = if code == "CNH" { UnknownCurrency::NotIso } else { UnknownCurrency::Unknown };
            assert_eq!(Currency::from_code(&code), Err(refusal), "{code}");
        }
    }
}

fn letters() -> impl Iterator<Item = char> {
    'A'..='Z'
}
