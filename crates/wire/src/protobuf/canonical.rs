//! Messages read field by field, as strictly as they are written.

use super::{CONTINUED, Wire, key};

/// What is left of a message in the one form that [`Fields`](super::Fields) writes it in: fields in rising order of their
/// numbers, each once, none that is empty or zero, no integer in more bytes than it takes.
///
/// Whatever reads a field gives up, by `None`, where its bytes are not of that form. A field that is not there is zero or
/// empty. What stands in its place is left for the next one that is asked for, or for [`end`](Canonical::end), so a field
/// that is not known is given up on too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canonical<'a>(&'a [u8]);

impl<'a> Canonical<'a> {
    pub(crate) const fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// `uint64`.
    #[inline(always)]
    pub(crate) fn unsigned(&mut self, number: u32) -> Option<u64> {
        if !self.takes(number, Wire::Varint) {
            return Some(0);
        }
        self.varint().filter(|value| *value != 0)
    }

    /// `uint32`.
    #[inline(always)]
    pub(crate) fn small(&mut self, number: u32) -> Option<u32> {
        self.unsigned(number).and_then(|value| u32::try_from(value).ok())
    }

    /// `int64`.
    #[inline(always)]
    pub(crate) fn signed(&mut self, number: u32) -> Option<i64> {
        self.unsigned(number).map(u64::cast_signed)
    }

    /// `sint64`.
    #[inline(always)]
    pub(crate) fn zigzag(&mut self, number: u32) -> Option<i64> {
        self.unsigned(number).map(|value| (value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// `optional int64`.
    #[inline(always)]
    pub(crate) fn told(&mut self, number: u32) -> Option<Option<i64>> {
        if !self.takes(number, Wire::Varint) {
            return Some(None);
        }
        self.varint().map(|value| Some(value.cast_signed()))
    }

    #[inline(always)]
    pub(crate) fn bytes(&mut self, number: u32) -> Option<&'a [u8]> {
        if !self.takes(number, Wire::Delimited) {
            return Some(&[]);
        }
        self.delimited().filter(|bytes| !bytes.is_empty())
    }

    /// Exactly so many bytes.
    #[inline(always)]
    pub(crate) fn array<const N: usize>(&mut self, number: u32) -> Option<[u8; N]> {
        self.bytes(number)?.try_into().ok()
    }

    #[inline(always)]
    pub(crate) fn text(&mut self, number: u32) -> Option<&'a str> {
        str::from_utf8(self.bytes(number)?).ok()
    }

    /// A message within this one, if it is there.
    #[inline(always)]
    pub(crate) fn message(&mut self, number: u32) -> Option<Option<Self>> {
        if !self.takes(number, Wire::Delimited) {
            return Some(None);
        }
        self.delimited().map(|bytes| Some(Self(bytes)))
    }

    /// How many short messages of this number come next: a hint, for nothing else is looked at.
    pub(crate) fn count(self, number: u32) -> usize {
        let (mut rest, mut count) = (self.0, 0);
        while let [byte, length, behind @ ..] = rest
            && u32::from(*byte) == key(number, Wire::Delimited)
            && let Some(behind) = behind.get(usize::from(*length)..)
        {
            (rest, count) = (behind, count + 1);
        }
        count
    }

    /// Number and content of the only field of the message, which is bytes or a message itself.
    #[inline(always)]
    pub(crate) fn one_of(mut self) -> Option<(u32, Self)> {
        let (key, rest) = self.0.split_first()?;
        let number = u32::from(key >> 3);
        if *key >= 0x80 || u32::from(*key) != super::key(number, Wire::Delimited) {
            return None;
        }
        self.0 = rest;
        let content = self.delimited()?;
        self.end()?;
        Some((number, Self(content)))
    }

    /// All that is left, which is exactly so many bytes.
    pub(crate) fn whole<const N: usize>(self) -> Option<[u8; N]> {
        self.0.try_into().ok()
    }

    /// Repeated integers: one after the other by [`varint`](Self::varint), until nothing is left.
    #[inline(always)]
    pub(crate) fn packed(&mut self, number: u32) -> Option<Self> {
        self.bytes(number).map(Self)
    }

    /// Repeated `fixed32`.
    #[inline(always)]
    pub(crate) fn fixed(&mut self, number: u32) -> Option<impl ExactSizeIterator<Item = u32> + use<'a>> {
        let (values, []) = self.bytes(number)?.as_chunks() else { return None };
        Some(values.iter().copied().map(u32::from_le_bytes))
    }

    /// Whether the message ends here.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives up unless all was read.
    pub(crate) fn end(self) -> Option<()> {
        self.is_empty().then_some(())
    }

    /// The next integer, in no more bytes than it takes.
    #[inline(always)]
    pub(crate) fn varint(&mut self) -> Option<u64> {
        let (value, rest) = match self.0 {
            [byte, rest @ ..] if *byte < 0x80 => (u64::from(*byte), rest),
            _ => long_varint(self.0)?,
        };
        self.0 = rest;
        Some(value)
    }

    #[inline(always)]
    fn delimited(&mut self) -> Option<&'a [u8]> {
        let length = self.varint()?;
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    /// Whether the next field is this one; then it is its value that is read next.
    #[inline(always)]
    fn takes(&mut self, number: u32, wire: Wire) -> bool {
        match self.0 {
            [byte, rest @ ..] if u32::from(*byte) == key(number, wire) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }
}

/// Up to eight bytes of seven bits are read at once, where as many are left. At least two are.
#[inline(always)]
fn long_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let Some(eight) = bytes.first_chunk() else { return varint_by_bytes(bytes) };
    let eight = u64::from_le_bytes(*eight);
    let ends = !eight & CONTINUED;
    if ends == 0 {
        return varint_by_bytes(bytes);
    }
    // All bits up to the highest of the last byte.
    let spread = eight & (ends ^ ends.wrapping_sub(1)) & !CONTINUED;
    let last = ends.trailing_zeros() / 8;
    if spread >> (8 * last) == 0 {
        return None;
    }
    let value = (spread & 0x007f_007f_007f_007f) | (spread & 0x7f00_7f00_7f00_7f00) >> 1;
    let value = (value & 0x0000_3fff_0000_3fff) | (value & 0x3fff_0000_3fff_0000) >> 2;
    let value = (value & 0x0fff_ffff) | (value & 0x0fff_ffff_0000_0000) >> 4;
    Some((value, bytes.get(usize::try_from(last).ok()? + 1..)?))
}

/// Integers of more than eight bytes, and those near the end.
#[inline(never)]
fn varint_by_bytes(mut bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        bytes = rest;
        let bits = u64::from(byte & 0x7f);
        value |= bits << shift;
        if byte & 0x80 == 0 {
            let is_minimal = bits != 0 || shift == 0;
            let fits = bits << shift >> shift == bits;
            return (is_minimal && fits).then_some((value, bytes));
        }
    }
    None
}
