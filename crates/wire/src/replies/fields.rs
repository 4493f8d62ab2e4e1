//! Messages written field by field, without one in memory first.

use std::fmt::{self, Write};

use prost::encoding::{WireType, encode_varint, encoded_len_varint};

/// Set in each byte of a number that is not its last.
const MORE: u8 = 0x80;

/// The fields of a message, in rising order of their numbers. As everywhere in proto3, what is empty or zero is not written.
pub(super) struct Fields<'a>(&'a mut Vec<u8>);

/// The text of a field, while it is written.
pub(super) struct Text<'a>(&'a mut Vec<u8>);

impl Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

impl<'a> Fields<'a> {
    pub(super) const fn of(bytes: &'a mut Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn text(&mut self, number: u32, text: &str) {
        self.ascii(number, text.as_bytes());
    }

    /// A text that is there as bytes.
    #[inline]
    pub(super) fn ascii(&mut self, number: u32, text: &[u8]) {
        if !text.is_empty() {
            self.key(number, WireType::LengthDelimited);
            self.varint(text.len() as u64);
            self.0.extend_from_slice(text);
        }
    }

    /// A text that is written here, and is not empty.
    pub(super) fn written(&mut self, number: u32, write: impl FnOnce(&mut Text<'_>) -> fmt::Result) {
        self.delimited(number, |bytes| write(&mut Text(bytes)).expect("a vector takes what is written to it"));
    }

    pub(super) fn unsigned(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.key(number, WireType::Varint);
            self.varint(value);
        }
    }

    /// An `int64`, `int32` or enumeration: a negative one is written as its two's complement of 64 bits.
    pub(super) fn signed(&mut self, number: u32, value: impl Into<i64>) {
        self.unsigned(number, value.into().cast_unsigned());
    }

    pub(super) fn message(&mut self, number: u32, write: impl FnOnce(&mut Fields<'_>)) {
        self.delimited(number, |bytes| write(&mut Fields(bytes)));
    }

    #[inline]
    fn key(&mut self, number: u32, wire_type: WireType) {
        self.varint((u64::from(number) << 3) | u64::from(wire_type as u8));
    }

    /// Most numbers of a message are one byte, and a call for each of those would be most of the work.
    #[inline(always)]
    fn varint(&mut self, value: u64) {
        match u8::try_from(value) {
            Ok(byte) if byte < MORE => self.0.push(byte),
            Ok(_) | Err(_) => self.long_varint(value),
        }
    }

    #[inline(never)]
    fn long_varint(&mut self, value: u64) {
        let [first, second, third] = [value, value >> 7, value >> 14].map(|part| part.to_le_bytes()[0]);
        match value {
            0..0x4000 => self.0.extend_from_slice(&[first | MORE, second]),
            0x4000..0x20_0000 => self.0.extend_from_slice(&[first | MORE, second | MORE, third]),
            _ => encode_varint(value, self.0),
        }
    }

    /// The length stands before what it is the length of, in as many bytes as it takes: mostly one, so that much is left open.
    #[inline]
    fn delimited(&mut self, number: u32, write: impl FnOnce(&mut Vec<u8>)) {
        self.key(number, WireType::LengthDelimited);
        let place = self.0.len();
        self.0.push(0);
        write(self.0);
        let written = self.0.len() - place - 1;
        match u8::try_from(written) {
            Ok(byte) if byte < 0x80 => self.0[place] = byte,
            Ok(_) | Err(_) => self.widen(place, written as u64),
        }
    }

    /// Makes room for a length of more than one byte, and writes it.
    #[inline(never)]
    fn widen(&mut self, place: usize, written: u64) {
        for _ in 1..encoded_len_varint(written) {
            self.0.insert(place, 0);
        }
        encode_varint(written, &mut &mut self.0[place..]);
    }
}
