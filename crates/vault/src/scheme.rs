//! Which scheme a card number is of, and whether it can be a number of that scheme.

mod table;

use domain::Scheme;

use crate::{BindError, Pan};

/// A name on cards: a scheme that can be bound, or another that is known so that its cards are not taken for those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brand {
    Accepted(Scheme),
    Other(&'static str),
}

/// What the table knows of a brand.
struct Row {
    brand: Brand,
    /// Digits its numbers have.
    lengths: &'static [usize],
    /// Ranges of prefixes, first and last, which have equally many digits.
    prefixes: &'static [(u32, u32)],
}

impl Row {
    /// Digits of the longest prefix of the number that is the brand's.
    fn matched_digits(&self, digits: &str) -> Option<u32> {
        let matched = |&&(first, last): &&(u32, u32)| {
            let prefix = usize::try_from(digits_of(first)).ok().and_then(|length| digits.get(..length));
            prefix.and_then(|prefix| prefix.parse().ok()).is_some_and(|prefix| (first..=last).contains(&prefix))
        };
        self.prefixes.iter().filter(matched).map(|(first, _)| digits_of(*first)).max()
    }
}

const fn digits_of(prefix: u32) -> u32 {
    match prefix.checked_ilog10() {
        Some(power) => power + 1,
        None => 1,
    }
}

/// The scheme of a number: the brand with the longest prefix of it has it, whatever its length.
///
/// # Errors
/// When no brand has it, or one that cannot be bound, or the scheme has no numbers of that length, or the check digit is
/// another.
pub(crate) fn of(pan: &Pan) -> Result<Scheme, BindError> {
    let digits = pan.digits();
    let scheme = match row_of(digits).map(|row| (row.brand, row.lengths)) {
        None => return Err(BindError::SchemeUnknown),
        Some((Brand::Other(brand), _)) => return Err(BindError::SchemeNotAccepted { brand }),
        Some((Brand::Accepted(scheme), lengths)) if lengths.contains(&digits.len()) => scheme,
        Some((Brand::Accepted(scheme), _)) => return Err(BindError::Length { scheme, found: digits.len() }),
    };
    // Not every UnionPay number has a check digit by this rule.
    match scheme {
        Scheme::UnionPay => Ok(scheme),
        Scheme::Visa | Scheme::Mastercard | Scheme::Amex | Scheme::Diners | Scheme::Discover | Scheme::Jcb => {
            if passes_luhn(digits) {
                Ok(scheme)
            } else {
                Err(BindError::CheckDigit { scheme })
            }
        }
    }
}

/// Of two brands with equally long prefixes the first of the table has the number; no scheme that can be bound is one of two.
fn row_of(digits: &str) -> Option<&'static Row> {
    let matched = table::ROWS.iter().filter_map(|row| Some((row.matched_digits(digits)?, row)));
    matched.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, row)| row)
}

/// ISO/IEC 7812-1 annex B: from the right every second digit is doubled and its digits added; the sum ends in 0.
fn passes_luhn(digits: &str) -> bool {
    let weighted = digits.bytes().rev().enumerate().map(|(index, byte)| {
        let digit = u32::from(byte.saturating_sub(b'0'));
        let doubled = digit * 2;
        if index % 2 == 0 { digit } else { doubled / 10 + doubled % 10 }
    });
    weighted.sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests;
