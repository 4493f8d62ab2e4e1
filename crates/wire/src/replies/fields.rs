//! Messages written field by field, without one in memory first.

use std::{fmt::Display, io::Write};

use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};

/// The fields of a message, in rising order of their numbers. As everywhere in proto3, what is empty or zero is not written.
pub(super) struct Fields<'a>(&'a mut Vec<u8>);

impl<'a> Fields<'a> {
    pub(super) const fn of(bytes: &'a mut Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn text(&mut self, number: u32, text: &str) {
        if !text.is_empty() {
            encode_key(number, WireType::LengthDelimited, self.0);
            self.varint(text.len() as u64);
            self.0.extend_from_slice(text.as_bytes());
        }
    }

    /// The text of something, which has one.
    pub(super) fn shown(&mut self, number: u32, shown: impl Display) {
        self.delimited(number, |bytes| write!(bytes, "{shown}").expect("a vector takes what is written to it"));
    }

    pub(super) fn unsigned(&mut self, number: u32, value: u64) {
        if value != 0 {
            encode_key(number, WireType::Varint, self.0);
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

    /// Most numbers of a message are small.
    fn varint(&mut self, value: u64) {
        match u8::try_from(value) {
            Ok(byte) if byte < 0x80 => self.0.push(byte),
            Ok(_) | Err(_) => encode_varint(value, self.0),
        }
    }

    /// The length stands before what it is the length of, in as many bytes as it takes: mostly one, so that much is left open.
    fn delimited(&mut self, number: u32, write: impl FnOnce(&mut Vec<u8>)) {
        encode_key(number, WireType::LengthDelimited, self.0);
        let place = self.0.len();
        self.0.push(0);
        write(self.0);
        let written = self.0.len() - place - 1;
        match u8::try_from(written) {
            Ok(byte) if byte < 0x80 => self.0[place] = byte,
            Ok(_) | Err(_) => {
                for _ in 1..encoded_len_varint(written as u64) {
                    self.0.insert(place, 0);
                }
                encode_varint(written as u64, &mut &mut self.0[place..]);
            }
        }
    }
}
