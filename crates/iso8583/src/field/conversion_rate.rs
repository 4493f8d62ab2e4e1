//! The rate between two amounts of a message.

use core::fmt;

use super::{Value, text::Parts};

/// By what an amount was multiplied: seven digits, and how many of them, counted from the right, are decimals (ISO
/// 8583:1987 DE 9 and DE 10, `n8`). `71503108` is 0.1503108.
///
/// It is exactly [`numerator`](Self::numerator) / [`denominator`](Self::denominator). It tells about amounts and does not
/// make them: with seven digits it cannot. Zero is what some send when nothing was converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConversionRate {
    // At most `DECIMALS_MAX`.
    decimals: u8,
    // At most `DIGITS_MAX`.
    digits: u32,
}

/// One digit, and ten to the power of it fits 32 bits.
const DECIMALS_MAX: u8 = 9;
const DIGITS: usize = 7;
const DIGITS_MAX: u32 = 9_999_999;

impl ConversionRate {
    /// `digits` / 10^`decimals`, or `None` for more than 9 decimals or more than 7 digits.
    #[must_use]
    pub const fn new(decimals: u8, digits: u32) -> Option<Self> {
        if decimals > DECIMALS_MAX || digits > DIGITS_MAX { None } else { Some(Self { decimals, digits }) }
    }

    /// The upper part of the fraction, which is not in lowest terms.
    #[must_use]
    pub const fn numerator(self) -> u32 {
        self.digits
    }

    /// The lower part: a power of ten, at most 10^9.
    #[must_use]
    pub fn denominator(self) -> u32 {
        10_u32.saturating_pow(u32::from(self.decimals))
    }
}

/// As a decimal: `0.1503108`.
impl fmt::Display for ConversionRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.digits.checked_div(self.denominator()).unwrap_or_default();
        let rest = self.digits.checked_rem(self.denominator()).unwrap_or_default();
        match usize::from(self.decimals) {
            0 => write!(f, "{whole}"),
            decimals => write!(f, "{whole}.{rest:0decimals$}"),
        }
    }
}

impl Value for ConversionRate {
    const SHAPE: &'static str = "a conversion rate of 8 digits";

    fn parse(text: &[u8]) -> Option<Self> {
        let mut parts = Parts(text);
        let rate = Self::new(parts.number(1)?, parts.number(DIGITS)?)?;
        parts.end(rate)
    }

    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        write!(out, "{}{:0DIGITS$}", self.decimals, self.digits)
    }
}
