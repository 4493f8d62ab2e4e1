//! The currencies a payment can be made in.

mod table;

use core::fmt;

use table::{CURRENCIES, Row, WITHOUT_MINOR_UNITS};

/// No currency of ISO 4217 divides finer than this.
pub(crate) const MINOR_DIGITS_MAX: u32 = 4;

/// An ISO 4217 currency that has minor units. Ordered by code.
///
/// e-CNY is [`CNY`](Currency::CNY): a rail, not a currency. Offshore renminbi is CNY as well; its rate differs, its
/// currency does not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(
    /// Index into `CURRENCIES`, always in range. A byte, since every sum of money has one.
    u8,
);

const _: () = assert!(CURRENCIES.len() <= 256);

impl Currency {
    /// Chilean unit of account, 4 decimals.
    pub const CLF: Currency = Currency::listed("CLF");
    /// Renminbi, 2 decimals.
    pub const CNY: Currency = Currency::listed("CNY");
    /// Euro, 2 decimals.
    pub const EUR: Currency = Currency::listed("EUR");
    /// Hong Kong dollar, 2 decimals.
    pub const HKD: Currency = Currency::listed("HKD");
    /// Yen, no decimals.
    pub const JPY: Currency = Currency::listed("JPY");
    /// Kuwaiti dinar, 3 decimals.
    pub const KWD: Currency = Currency::listed("KWD");
    /// US dollar, 2 decimals.
    pub const USD: Currency = Currency::listed("USD");

    /// Reads an ISO 4217 alphabetic code: exactly three upper case letters.
    ///
    /// # Errors
    ///
    /// What is wrong with the code, in words for whoever typed it.
    pub fn from_code(code: &str) -> Result<Currency, UnknownCurrency> {
        if let Ok(index) = CURRENCIES.binary_search_by(|row| row.code.cmp(code)) {
            return Ok(Currency::at(index));
        }
        if let Ok(index) = WITHOUT_MINOR_UNITS.binary_search(&code) {
            return Err(UnknownCurrency::NoMinorUnits(WITHOUT_MINOR_UNITS[index]));
        }
        match code {
            "CNH" => Err(UnknownCurrency::NotIso),
            _ => Err(Currency::all()
                .find(|currency| currency.code().eq_ignore_ascii_case(code))
                .map_or(UnknownCurrency::Unknown, UnknownCurrency::LowerCase)),
        }
    }

    /// Returns the currency of a numeric code, or `None` when the code is unknown or has no minor units.
    pub fn from_numeric(numeric: u16) -> Option<Currency> {
        BY_NUMERIC.get(usize::from(numeric)).copied().flatten()
    }

    /// The alphabetic code, for example `"HKD"`.
    pub const fn code(self) -> &'static str {
        self.row().code
    }

    /// The numeric code, for example 344. Printed with three digits on the wire (ISO 8583:1987 DE 49).
    pub const fn numeric(self) -> u16 {
        self.row().numeric
    }

    /// Decimals of the major unit: one major unit is 10 to this power minor units. At most 4.
    pub const fn minor_digits(self) -> u32 {
        self.row().minor_digits
    }

    /// Every currency, by code.
    pub fn all() -> impl Iterator<Item = Currency> {
        (0..CURRENCIES.len()).map(Currency::at)
    }

    #[expect(clippy::as_conversions, reason = "widening, which nothing else does in a const fn")]
    const fn row(self) -> &'static Row {
        &CURRENCIES[self.0 as usize]
    }

    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "an index of the table fits a byte")]
    const fn at(index: usize) -> Currency {
        assert!(index < CURRENCIES.len());
        Currency(index as u8)
    }

    /// The currency of a code written in this file; a code that is not in the table does not compile.
    const fn listed(code: &str) -> Currency {
        let mut index: usize = 0;
        while !same_code(CURRENCIES[index].code, code) {
            index = index.saturating_add(1);
        }
        Currency::at(index)
    }
}

/// Numeric codes have three digits.
const NUMERIC_CODES: usize = 1_000;

static BY_NUMERIC: [Option<Currency>; NUMERIC_CODES] = by_numeric();

const fn by_numeric() -> [Option<Currency>; NUMERIC_CODES] {
    let mut currencies = [None; NUMERIC_CODES];
    let mut index: usize = 0;
    while index < CURRENCIES.len() {
        // Two counters in step: nothing const widens a u16.
        let (mut slot, mut numeric) = (0_usize, 0_u16);
        while numeric != CURRENCIES[index].numeric {
            (slot, numeric) = (slot.saturating_add(1), numeric.saturating_add(1));
        }
        currencies[slot] = Some(Currency::at(index));
        index = index.saturating_add(1);
    }
    currencies
}

/// `==` on strings is not const.
const fn same_code(left: &str, right: &str) -> bool {
    match (left.as_bytes(), right.as_bytes()) {
        ([a, b, c], [x, y, z]) => *a == *x && *b == *y && *c == *z,
        _ => false,
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why a text is not the code of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownCurrency {
    /// A currency, but not written in upper case.
    #[error("currency codes are upper case: {0}")]
    LowerCase(Currency),
    /// The market's name for offshore renminbi.
    #[error("CNH is not an ISO 4217 code: offshore renminbi is CNY")]
    NotIso,
    /// In the standard, but nothing can be paid in it.
    #[error("{0} has no minor units, so nothing can be paid in it")]
    NoMinorUnits(&'static str),
    /// Not in the standard at all.
    #[error("unknown currency: expected an ISO 4217 code of three upper case letters, for example HKD")]
    Unknown,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn constants_carry_the_facts_of_the_standard() {
        let fact = |currency: Currency| (currency.code(), currency.numeric(), currency.minor_digits());
        assert_eq!(fact(Currency::CLF), ("CLF", 990, 4));
        assert_eq!(fact(Currency::CNY), ("CNY", 156, 2));
        assert_eq!(fact(Currency::EUR), ("EUR", 978, 2));
        assert_eq!(fact(Currency::HKD), ("HKD", 344, 2));
        assert_eq!(fact(Currency::JPY), ("JPY", 392, 0));
        assert_eq!(fact(Currency::KWD), ("KWD", 414, 3));
        assert_eq!(fact(Currency::USD), ("USD", 840, 2));
    }

    #[test]
    fn no_currency_divides_finer_than_the_bound() {
        assert_eq!(Currency::all().map(Currency::minor_digits).max(), Some(MINOR_DIGITS_MAX));
    }

    #[test]
    fn currencies_order_by_code() {
        assert!(Currency::all().is_sorted_by(|left, right| left < right && left.code() < right.code()));
    }

    #[test]
    fn a_refusal_says_how_to_do_better() {
        let refusal = |code| Currency::from_code(code).unwrap_err().to_string();
        assert_eq!(refusal("hkd"), "currency codes are upper case: HKD");
        assert_eq!(refusal("Hkd"), "currency codes are upper case: HKD");
        assert_eq!(refusal("CNH"), "CNH is not an ISO 4217 code: offshore renminbi is CNY");
        assert_eq!(refusal("XAU"), "XAU has no minor units, so nothing can be paid in it");
        for code in ["", "H", "HK", "HKDX", " HKD", "HKD ", "ABC", "344", "人民币", "HRK", "BGN", "cnh", "xau"] {
            assert_eq!(Currency::from_code(code), Err(UnknownCurrency::Unknown), "{code:?}");
        }
    }
}
