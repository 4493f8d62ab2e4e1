//! The card number itself.

use std::fmt;

use domain::{CardBin, LastFour};

use crate::secret::Secret;

/// The most digits of a card number (ISO/IEC 7812-1).
pub(crate) const DIGITS_MAX: usize = 19;
const DIGITS_MIN: usize = 12;
/// From this length on 8 digits are shown as the BIN, else 6.
const LONG_BIN_DIGITS_MIN: usize = 16;

/// A card number (primary account number, ISO 8583 DE 2): 12 to 19 digits.
///
/// Prints as stars and its last four digits. Neither `Clone` nor `Copy`: it stays in one place, and is wiped when dropped
/// (as far as a program can; see the README). Compared in a time that does not tell where two differ.
pub struct Pan {
    /// In ASCII; zero bytes behind the last.
    digits: Secret<DIGITS_MAX>,
    /// 12 to 19.
    length: usize,
}

/// Why a text is no card number. It does not quote the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPan {
    /// A space, a hyphen or anything else but a digit.
    #[error("may contain digits only, found another character at character {position}")]
    NotDigit {
        /// Counted from 1.
        position: usize,
    },
    /// Too few digits or too many.
    #[error("must be 12 to 19 digits, found {found}")]
    Length {
        /// The digits found.
        found: usize,
    },
}

impl Pan {
    /// Checks and keeps a number. Whether it can be a card of any scheme is not asked here.
    ///
    /// The text stays with the caller, who wipes it.
    ///
    /// # Errors
    /// When it has another character than a digit, or not 12 to 19 of them.
    pub fn parse(text: &str) -> Result<Self, InvalidPan> {
        if let Some(index) = text.chars().position(|c| !c.is_ascii_digit()) {
            return Err(InvalidPan::NotDigit { position: index.saturating_add(1) });
        }
        let mut digits = Secret::zeros();
        match digits.bytes_mut().get_mut(..text.len()) {
            Some(place) if text.len() >= DIGITS_MIN => place.copy_from_slice(text.as_bytes()),
            Some(_) | None => return Err(InvalidPan::Length { found: text.len() }),
        }
        Ok(Self { digits, length: text.len() })
    }

    /// The number. The only way to it, used by the vault and by the card connector and by nobody else: whatever is made of
    /// it is a card number too, and is to be kept out of logs, records and messages.
    ///
    /// # Panics
    /// Never: the digits were checked.
    #[must_use]
    pub fn digits(&self) -> &str {
        let digits = self.digits.bytes().get(..self.length).and_then(|digits| str::from_utf8(digits).ok());
        digits.expect("12 to 19 digits are text")
    }

    /// The first 8 digits of a number that has 16 or more, else the first 6.
    ///
    /// With [`Pan::last_four`] that is what may be kept of a number of 16 digits, or of 15 and less (PCI Security Standards
    /// Council, FAQ 1091). Of longer numbers, which that page does not speak of, 5 to 7 digits stay unknown, more than of 16.
    ///
    /// # Panics
    /// Never: every number has that many digits.
    #[must_use]
    pub fn bin(&self) -> CardBin {
        let shown = if self.length >= LONG_BIN_DIGITS_MIN { 8 } else { 6 };
        let digits = self.digits().get(..shown).and_then(|digits| CardBin::new(digits).ok());
        digits.expect("a number has at least 12 digits")
    }

    /// The last four digits.
    ///
    /// # Panics
    /// Never: every number has that many digits.
    #[must_use]
    pub fn last_four(&self) -> LastFour {
        let digits = self.digits().get(self.length.saturating_sub(4)..).and_then(|digits| LastFour::new(digits).ok());
        digits.expect("a number has at least 12 digits")
    }
}

impl PartialEq for Pan {
    fn eq(&self, other: &Self) -> bool {
        // A digit is no zero byte, so numbers of two lengths differ in their bytes.
        self.digits.equals(&other.digits)
    }
}

impl Eq for Pan {}

/// `************4242`
impl fmt::Display for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", "*".repeat(self.length.saturating_sub(4)), self.last_four())
    }
}

impl fmt::Debug for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_12_to_19_digits() {
        for length in 12..=19 {
            let text = "1234567890123456789".get(..length).unwrap();
            assert_eq!(Pan::parse(text).map(|pan| pan.digits().to_owned()), Ok(text.to_owned()));
        }
        for length in [0, 1, 11, 20, 1_000] {
            assert_eq!(Pan::parse(&"4".repeat(length)), Err(InvalidPan::Length { found: length }));
        }
    }

    #[test]
    fn nothing_but_digits_is_taken() {
        for (text, position) in [
            ("4242 4242 4242 4242", 5),
            ("4242-4242-4242-4242", 5),
            (" 4242424242424242", 1),
            ("4242424242424242\n", 17),
            ("424242424242424２", 16),
            ("+4242424242424242", 1),
            ("424242424242\0", 13),
        ] {
            assert_eq!(Pan::parse(text), Err(InvalidPan::NotDigit { position }), "{text:?}");
        }
    }

    #[test]
    fn it_prints_as_stars_and_last_four() {
        let pan = Pan::parse("4111111111111234").unwrap();
        assert_eq!(format!("{pan} {pan:?} {pan:#?}"), "************1234 ************1234 ************1234");
        let errors = [Pan::parse("41111111111112345678").unwrap_err(), Pan::parse("411111111111123x").unwrap_err()];
        assert!(errors.iter().all(|error| !format!("{error} {error:?}").contains("1111")), "{errors:?}");
    }

    #[test]
    fn what_is_shown_depends_on_the_length() {
        for (text, bin, last_four) in [
            ("123456789012", "123456", "9012"),
            ("30569309025904", "305693", "5904"),
            ("378282246310005", "378282", "0005"),
            ("4242424242424242", "42424242", "4242"),
            ("6205500000000000004", "62055000", "0004"),
        ] {
            let pan = Pan::parse(text).unwrap();
            assert_eq!((pan.bin().as_str(), pan.last_four().as_str()), (bin, last_four));
        }
    }

    #[test]
    fn numbers_are_equal_when_all_digits_are() {
        let pan = |text| Pan::parse(text).unwrap();
        assert_eq!(pan("4242424242424242"), pan("4242424242424242"));
        for other in ["4242424242424243", "5242424242424242", "42424242424242420", "424242424242424"] {
            assert_ne!(pan("4242424242424242"), pan(other));
        }
    }
}
