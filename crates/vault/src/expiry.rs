//! Until when a card is valid.

use std::fmt;

/// The first year of the century that two digits of a year belong to.
const CENTURY: u16 = 2000;

/// The month through whose last day a card is valid (ISO 8583 DE 14), of the years 2000 to 2099.
///
/// `Debug` prints stars: beside a number, the month is to be protected as the number is (PCI DSS 4, table of account data).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// 1 to 12.
    month: u8,
    /// 0 to 99.
    year_of_century: u8,
}

/// Why a text is no expiry. It does not quote the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExpiry {
    /// Not two digits, a slash and two digits.
    #[error("must be written MM/YY")]
    Form,
    /// No month of the calendar.
    #[error("must have a month of 01 to 12")]
    Month,
    /// More than two digits of a year.
    #[error("must have a year of 00 to 99")]
    Year,
}

impl Expiry {
    /// The expiry of this month and the last two digits of the year.
    ///
    /// # Errors
    /// When the month is not 1 to 12, or the year above 99.
    pub const fn new(month: u8, year_of_century: u8) -> Result<Self, InvalidExpiry> {
        match (month, year_of_century) {
            (1..=12, 0..=99) => Ok(Self { month, year_of_century }),
            (1..=12, _) => Err(InvalidExpiry::Year),
            _ => Err(InvalidExpiry::Month),
        }
    }

    /// As printed on the card: `MM/YY`.
    ///
    /// # Errors
    /// When it is written in another way, or the month is not 01 to 12.
    pub fn parse(text: &str) -> Result<Self, InvalidExpiry> {
        let (month, year) = text.split_once('/').ok_or(InvalidExpiry::Form)?;
        let number = |part: &str| match part.as_bytes() {
            [b'0'..=b'9', b'0'..=b'9'] => part.parse().map_err(|_no_number| InvalidExpiry::Form),
            _ => Err(InvalidExpiry::Form),
        };
        Self::new(number(month)?, number(year)?)
    }

    /// 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// The last two digits of the year.
    #[must_use]
    pub const fn year_of_century(self) -> u8 {
        self.year_of_century
    }

    /// Whether the card is no longer valid in this month (1 to 12) of this year (2026, not 26). It still is in its own month.
    /// Where that month is now is the caller's question: a card is valid as long as its month lasts anywhere.
    #[must_use]
    pub fn has_passed(self, year: u16, month: u8) -> bool {
        (CENTURY + u16::from(self.year_of_century), self.month) < (year, month)
    }
}

impl fmt::Debug for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("**/**")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_a_month_and_a_year() {
        let expiry = Expiry::parse("12/29").unwrap();
        assert_eq!((expiry.month(), expiry.year_of_century()), (12, 29));
        assert_eq!(format!("{expiry:?}"), "**/**");
        for text in ["", "/", "1/29", "12/2029", "1229", "12-29", "12/2a", "+1/29", "12/29/", " 12/29", "１２/29"] {
            assert_eq!(Expiry::parse(text), Err(InvalidExpiry::Form), "{text}");
        }
        for text in ["00/29", "13/29", "99/29"] {
            assert_eq!(Expiry::parse(text), Err(InvalidExpiry::Month), "{text}");
        }
        assert_eq!(Expiry::new(1, 100), Err(InvalidExpiry::Year));
    }

    #[test]
    fn a_card_is_valid_through_its_month() {
        let expiry = Expiry::parse("11/26").unwrap();
        for (year, month, passed) in [
            (2026, 10, false),
            (2026, 11, false),
            (2026, 12, true),
            (2027, 1, true),
            (2025, 12, false),
            (26, 12, false),
        ] {
            assert_eq!(expiry.has_passed(year, month), passed, "{year}-{month}");
        }
    }
}
