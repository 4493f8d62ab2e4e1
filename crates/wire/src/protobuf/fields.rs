//! Messages written field by field.

use std::fmt::{self, Write};

use prost::encoding::{encode_varint, encoded_len_varint};

use super::{CONTINUED, Wire, key};

/// The fields of a message, in rising order of their numbers. As everywhere in proto3, what is empty or zero is not written.
pub(crate) struct Fields<'a>(&'a mut Vec<u8>);

/// The text of a field, while it is written.
pub(crate) struct Text<'a>(&'a mut Vec<u8>);

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl<'a> Fields<'a> {
    pub(crate) const fn of(bytes: &'a mut Vec<u8>) -> Self {
        Self(bytes)
    }

    #[inline(always)]
    pub(crate) fn text(&mut self, number: u32, text: &str) {
        self.bytes(number, text.as_bytes());
    }

    #[inline(always)]
    pub(crate) fn bytes(&mut self, number: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.key(number, Wire::Delimited);
            self.varint(bytes.len() as u64);
            self.0.extend_from_slice(bytes);
        }
    }

    /// A text that is written here, and is not empty.
    pub(crate) fn written(&mut self, number: u32, write: impl FnOnce(&mut Text<'_>) -> fmt::Result) {
        self.delimited(number, |bytes| write(&mut Text(bytes)).expect("a vector takes what is written to it"));
    }

    #[inline(always)]
    pub(crate) fn unsigned(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.key(number, Wire::Varint);
            self.varint(value);
        }
    }

    /// An `int64`, `int32` or enumeration: a negative one is written as its two's complement of 64 bits.
    #[inline(always)]
    pub(crate) fn signed(&mut self, number: u32, value: impl Into<i64>) {
        self.unsigned(number, value.into().cast_unsigned());
    }

    /// An `optional int64`, which is written whatever it is.
    #[inline(always)]
    pub(crate) fn told(&mut self, number: u32, value: i64) {
        self.key(number, Wire::Varint);
        self.varint(value.cast_unsigned());
    }

    /// A `sint64`: the sign stands in the lowest bit.
    #[inline(always)]
    pub(crate) fn zigzag(&mut self, number: u32, value: i64) {
        self.unsigned(number, (value << 1 ^ value >> 63).cast_unsigned());
    }

    #[inline(always)]
    pub(crate) fn message(&mut self, number: u32, write: impl FnOnce(&mut Fields<'_>)) {
        self.delimited(number, |bytes| write(&mut Fields(bytes)));
    }

    /// Repeated integers.
    pub(crate) fn packed(&mut self, number: u32, values: impl ExactSizeIterator<Item = u64>) {
        if values.len() > 0 {
            self.message(number, |fields| values.for_each(|value| fields.varint(value)));
        }
    }

    /// Repeated `fixed32`.
    pub(crate) fn fixed(&mut self, number: u32, values: &[u32]) {
        if !values.is_empty() {
            self.key(number, Wire::Delimited);
            self.varint(size_of_val(values) as u64);
            let place = self.0.len();
            self.0.resize(place + size_of_val(values), 0);
            let (places, _) = self.0[place..].as_chunks_mut();
            places.iter_mut().zip(values).for_each(|(place, value)| *place = value.to_le_bytes());
        }
    }

    #[inline(always)]
    fn key(&mut self, number: u32, wire: Wire) {
        self.varint(key(number, wire).into());
    }

    /// Most numbers of a message are small, and most others have up to eight bytes of seven bits, which are made at once.
    #[inline(always)]
    fn varint(&mut self, value: u64) {
        match u8::try_from(value) {
            Ok(byte) if byte < 0x80 => self.0.push(byte),
            _ if value >> 56 == 0 => {
                let (spread, bytes) = spread(value);
                self.0.extend_from_slice(&spread.to_le_bytes());
                self.0.truncate(self.0.len() - (size_of_val(&spread) - bytes));
            }
            _ => encode_varint(value, self.0),
        }
    }

    /// The length stands before what it is the length of, in as many bytes as it takes: mostly one, so that much is left open.
    #[inline(always)]
    fn delimited(&mut self, number: u32, write: impl FnOnce(&mut Vec<u8>)) {
        self.key(number, Wire::Delimited);
        let place = self.0.len();
        self.0.push(0);
        write(self.0);
        let written = self.0.len() - place - 1;
        match u8::try_from(written) {
            Ok(byte) if byte < 0x80 => self.0[place] = byte,
            Ok(_) | Err(_) => self.long_length(place, written),
        }
    }

    /// Makes room for a length of more than one byte, and writes it.
    fn long_length(&mut self, place: usize, length: usize) {
        let (behind, further) = (place + 1, encoded_len_varint(length as u64) - 1);
        self.0.resize(self.0.len() + further, 0);
        self.0.copy_within(behind..behind + length, behind + further);
        encode_varint(length as u64, &mut &mut self.0[place..]);
    }
}

/// A varint of up to eight bytes, and how many it has.
#[inline(never)]
fn spread(value: u64) -> (u64, usize) {
    let spread = (value & 0x0fff_ffff) | (value & 0x00ff_ffff_f000_0000) << 4;
    let spread = (spread & 0x0000_3fff_0000_3fff) | (spread & 0x0fff_c000_0fff_c000) << 2;
    let spread = (spread & 0x007f_007f_007f_007f) | (spread & 0x3f80_3f80_3f80_3f80) << 1;
    let bytes = encoded_len_varint(value);
    let before_last = !(u64::MAX << (8 * (bytes - 1)));
    (spread | CONTINUED & before_last, bytes)
}
