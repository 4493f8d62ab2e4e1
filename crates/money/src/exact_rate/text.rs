//! How an exact rate is written, and when that is all of it.

use core::fmt;

use ethnum::U256;

use super::{EXACT_RATE_POWER, ExactRate};
use crate::U256_DIGITS;
use crate::rate::{RATE_DECIMALS_MAX, RATE_DIGITS};

/// At so many decimals even the smallest rate is an integer of one digit more than is written of a rounded one.
const ROUNDED_SCALE: u32 = EXACT_RATE_POWER + RATE_DIGITS;

const _: () = assert!(EXACT_RATE_POWER + ROUNDED_SCALE <= U256_DIGITS);

impl ExactRate {
    /// Whether the rate is a decimal of at most 18 decimals, so that [`Display`](fmt::Display) writes all of it.
    pub fn is_decimal(self) -> bool {
        self.decimals().is_some()
    }

    /// How many decimals the whole value has, or `None` when 18 are not enough.
    fn decimals(self) -> Option<u32> {
        // What divides 10^18 fits 64 bits, and has no prime factor but 2 and 5: as many decimals as there are of either.
        let mut rest = u64::try_from(self.denominator()).ok()?;
        let twos = rest.trailing_zeros();
        let mut fives = 0_u32;
        while rest.is_multiple_of(5) {
            (rest, fives) = (rest.div_euclid(5), fives.saturating_add(1));
        }
        let decimals = twos.max(fives);
        (rest.is_power_of_two() && decimals <= RATE_DECIMALS_MAX).then_some(decimals)
    }

    /// The first 10 digits, the last one half up, and how many digits of the value at `ROUNDED_SCALE` they replace.
    fn rounded(self) -> (u128, u32) {
        // The bound asserted above keeps the product below saturation. Rounding half up looks at one more digit, so
        // the floor decides as the exact value would.
        let scaled = U256::from(self.numerator()).saturating_mul(power_of_ten(ROUNDED_SCALE));
        let scaled = scaled.div_euclid(U256::from(self.denominator()));
        let mut dropped = 1;
        loop {
            let unit = power_of_ten(dropped);
            let half = unit.div_euclid(U256::from(2_u8));
            let digits = scaled.saturating_add(half).div_euclid(unit);
            match u128::try_from(digits) {
                Ok(digits) if digits < 10_u128.pow(RATE_DIGITS) => return (digits, dropped),
                _ => dropped = dropped.saturating_add(1),
            }
        }
    }
}

/// The whole decimal when [`is_decimal`](ExactRate::is_decimal), otherwise 10 digits rounded half up: to be read by
/// people, never to be read back.
impl fmt::Display for ExactRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let denominator = self.denominator();
        if let Some(decimals) = self.decimals() {
            // Nearly all are so small, and such numbers are divided and written in a fraction of the time.
            if let (Ok(numerator), Ok(denominator)) = (u64::try_from(self.numerator()), u64::try_from(denominator)) {
                let units_per_part = 10_u64.saturating_pow(decimals).div_euclid(denominator);
                // Less than 10^decimals, since the rest is less than the denominator.
                let fraction = numerator.rem_euclid(denominator).saturating_mul(units_per_part);
                return write_decimal(f, numerator.div_euclid(denominator), fraction, decimals);
            }
            let units_per_part = 10_u128.saturating_pow(decimals).div_euclid(denominator);
            let fraction = self.numerator().rem_euclid(denominator).saturating_mul(units_per_part);
            return write_decimal(f, self.numerator().div_euclid(denominator), fraction, decimals);
        }
        let (digits, dropped) = self.rounded();
        if let Some(zeros) = dropped.checked_sub(ROUNDED_SCALE) {
            return write!(f, "{digits}{:0<1$}", "", usize::try_from(zeros).unwrap_or_default());
        }
        let decimals = ROUNDED_SCALE.saturating_sub(dropped);
        // 10^39 saturates, and is still more than the digits.
        let unit = 10_u128.saturating_pow(decimals);
        write_decimal(f, digits.div_euclid(unit), digits.rem_euclid(unit), decimals)
    }
}

fn write_decimal<N: fmt::Display>(f: &mut fmt::Formatter<'_>, integer: N, fraction: N, decimals: u32) -> fmt::Result {
    match usize::try_from(decimals) {
        Ok(width @ 1..) => write!(f, "{integer}.{fraction:0width$}"),
        _ => write!(f, "{integer}"),
    }
}

fn power_of_ten(exponent: u32) -> U256 {
    U256::from(10_u8).saturating_pow(exponent)
}
