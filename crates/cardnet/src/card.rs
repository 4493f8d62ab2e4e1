//! Card numbers, for as long as a message is answered.

use std::fmt;

use domain::LastFour;

const DIGITS_MIN: usize = 12;
const DIGITS_MAX: usize = 19;

/// A card number, 12 to 19 digits (ISO 8583:1987 DE 2). Whether its last digit checks is not asked: issuers of test
/// numbers do not ask either. Prints as stars and its last four digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CardNumber {
    /// Numbers of unlike length are different cards, also where one begins with zeros.
    length: usize,
    /// 19 digits fit.
    number: u64,
}

/// A text that is no card number. It does not quote the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a card number is {DIGITS_MIN} to {DIGITS_MAX} digits")]
pub struct InvalidCardNumber;

impl CardNumber {
    /// Reads digits in ASCII.
    ///
    /// # Errors
    /// When it is anything but 12 to 19 digits.
    pub fn parse(text: &[u8]) -> Result<Self, InvalidCardNumber> {
        if !(DIGITS_MIN..=DIGITS_MAX).contains(&text.len()) || !text.iter().all(u8::is_ascii_digit) {
            return Err(InvalidCardNumber);
        }
        let text = str::from_utf8(text).map_err(|_not_text| InvalidCardNumber)?;
        Ok(Self { length: text.len(), number: text.parse().map_err(|_too_large| InvalidCardNumber)? })
    }

    /// Its last four digits.
    ///
    /// # Panics
    /// Never: what is left of a number by 10,000 has four digits.
    #[must_use]
    pub fn last_four(self) -> LastFour {
        LastFour::new(&format!("{:04}", self.number % 10_000)).expect("four digits")
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "****{}", self.last_four())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_12_to_19_digits_and_shows_four() {
        for (text, shown) in [
            ("4222222222222", Some("****2222")),
            ("9999999999999999999", Some("****9999")),
            ("000000000007", Some("****0007")),
            ("41111111111", None),
            ("41111111111111111111", None),
            ("4111 11111111111", None),
            ("", None),
        ] {
            let number = CardNumber::parse(text.as_bytes());
            assert_eq!(number.ok().map(|number| format!("{number:?}")).as_deref(), shown);
        }
        assert_ne!(CardNumber::parse(b"0000000000007"), CardNumber::parse(b"000000000007"));
    }
}
