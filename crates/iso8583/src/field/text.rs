//! Text of digits, taken apart by position.

/// The number that all of a text spells, if it is just so many digits.
pub(super) fn whole<T: TryFrom<u64>>(text: &[u8], digits: usize) -> Option<T> {
    let mut parts = Parts(text);
    let number = parts.number(digits)?;
    parts.end(number)
}

/// What is left of a text.
pub(super) struct Parts<'a>(pub(super) &'a [u8]);

impl<'a> Parts<'a> {
    /// The next part of this length.
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (part, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(part)
    }

    /// The number that the next digits spell.
    pub(super) fn number<T: TryFrom<u64>>(&mut self, digits: usize) -> Option<T> {
        let number = self.take(digits)?.iter().try_fold(0_u64, |number, character| {
            let digit = character.checked_sub(b'0').filter(|digit| *digit <= 9)?;
            number.checked_mul(10)?.checked_add(u64::from(digit))
        })?;
        T::try_from(number).ok()
    }

    /// What was read, if nothing is left.
    pub(super) fn end<T>(&self, read: T) -> Option<T> {
        self.0.is_empty().then_some(read)
    }
}
