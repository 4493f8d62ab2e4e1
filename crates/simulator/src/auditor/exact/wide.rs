//! Whole numbers of 256 bits.

/// A whole number below 2^256. Halves compare in the order they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wide {
    high: u128,
    low: u128,
}

impl Wide {
    pub(super) const ZERO: Self = Self { high: 0, low: 0 };
    const BITS: u32 = 256;

    /// The whole product of two numbers, as it is learned at school with digits of 64 bits.
    pub(super) const fn product(left: u128, right: u128) -> Self {
        const DIGIT: u128 = 1 << 64;
        let (left_high, left_low) = (left / DIGIT, left % DIGIT);
        let (right_high, right_low) = (right / DIGIT, right % DIGIT);
        let lowest = left_low * right_low;
        let one = left_high * right_low;
        let other = left_low * right_high;
        let middle = lowest / DIGIT + one % DIGIT + other % DIGIT;
        Self {
            high: left_high * right_high + one / DIGIT + other / DIGIT + middle / DIGIT,
            low: (middle % DIGIT) * DIGIT + lowest % DIGIT,
        }
    }

    pub(super) fn times(self, factor: u128) -> Self {
        let low = Self::product(self.low, factor);
        let carried = self.high.checked_mul(factor).and_then(|high| high.checked_add(low.high));
        Self { high: carried.expect("no product of a story has 256 bits"), low: low.low }
    }

    /// The difference to a number that is not larger.
    pub(super) fn less(self, other: Self) -> Self {
        let (low, borrowed) = self.low.overflowing_sub(other.low);
        let high = self.high.checked_sub(other.high).and_then(|high| high.checked_sub(u128::from(borrowed)));
        Self { high: high.expect("the smaller is taken from the larger"), low }
    }

    /// Quotient and rest. The quotient must have 128 bits at most.
    pub(super) fn over(self, divisor: Self) -> (u128, Self) {
        if self.high == 0 && divisor.high == 0 {
            return (self.low / divisor.low, Self { high: 0, low: self.low % divisor.low });
        }
        let (mut quotient, mut rest) = (0_u128, Self::ZERO);
        for bit in (0..Self::BITS).rev() {
            assert!(rest.high >> 127 == 0, "a divisor of a story has far fewer than 255 bits");
            rest = Self { high: rest.high << 1 | rest.low >> 127, low: rest.low << 1 | self.bit(bit) };
            assert!(quotient >> 127 == 0, "what a payment comes to is far below 2^127");
            quotient <<= 1;
            if rest >= divisor {
                rest = rest.less(divisor);
                quotient |= 1;
            }
        }
        (quotient, rest)
    }

    const fn bit(self, place: u32) -> u128 {
        if place >= 128 { self.high >> (place - 128) & 1 } else { self.low >> place & 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_divided_by_a_factor_is_the_other() {
        let numbers = [1, 2, 10, u128::from(u64::MAX), 10_u128.pow(30), 10_u128.pow(38) - 9, u128::MAX / 3];
        for left in numbers {
            for right in numbers {
                let product = Wide::product(left, right);
                assert_eq!(product.over(Wide::product(left, 1)), (right, Wide::ZERO), "{left} {right}");
                let more = Wide { low: product.low | 1, ..product };
                let (quotient, rest) = more.over(Wide::product(left, 1));
                assert_eq!(more.less(Wide::product(quotient, left)), rest, "{left} {right}");
                assert!(rest < Wide::product(left, 1));
            }
        }
    }

    #[test]
    fn digits_carry() {
        assert_eq!(Wide::product(u128::MAX, u128::MAX), Wide { high: u128::MAX - 1, low: 1 });
        assert_eq!(Wide { high: 1, low: 0 }.less(Wide { high: 0, low: 1 }), Wide { high: 0, low: u128::MAX });
        assert_eq!(Wide { high: 1, low: 1 << 127 }.times(2), Wide { high: 3, low: 0 });
    }
}
