//! Headers as HTTP/2 compresses them (RFC 7541): all of a decoder, and as much of an encoder as a caller needs that sends
//! the same few headers with every call.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::{Fault, huffman};

/// Bytes that a dynamic table may hold unless something else was agreed; an entry counts [`ENTRY_BYTES`] more than its texts.
pub(super) const TABLE_BYTES: usize = 4096;
const ENTRY_BYTES: usize = 32;

/// The names of the static table that a reply may use, by index from 1. Values are there for `:status` alone: no other is
/// looked at.
#[rustfmt::skip]
const STATIC_NAMES: [&str; 61] = [
    ":authority", ":method", ":method", ":path", ":path", ":scheme", ":scheme", ":status", ":status", ":status", ":status",
    ":status", ":status", ":status", "accept-charset", "accept-encoding", "accept-language", "accept-ranges", "accept",
    "access-control-allow-origin", "age", "allow", "authorization", "cache-control", "content-disposition",
    "content-encoding", "content-language", "content-length", "content-location", "content-range", "content-type", "cookie",
    "date", "etag", "expect", "expires", "from", "host", "if-match", "if-modified-since", "if-none-match", "if-range",
    "if-unmodified-since", "last-modified", "link", "location", "max-forwards", "proxy-authenticate", "proxy-authorization",
    "range", "referer", "refresh", "retry-after", "server", "set-cookie", "strict-transport-security", "transfer-encoding",
    "user-agent", "vary", "via", "www-authenticate",
];
/// Values of the static table's entries for `:status`, the first of which is number 8.
const STATIC_STATUS_FIRST: usize = 8;
const STATIC_STATUS: [&[u8]; 7] = [b"200", b"204", b"206", b"304", b"400", b"404", b"500"];
/// Where the dynamic table begins.
const DYNAMIC_FIRST: usize = STATIC_NAMES.len() + 1;

/// The headers of a reply that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    HttpStatus,
    GrpcStatus,
    GrpcMessage,
    GrpcDetails,
    Other,
}

impl Name {
    fn of(text: &[u8]) -> Self {
        match text {
            b":status" => Self::HttpStatus,
            b"grpc-status" => Self::GrpcStatus,
            b"grpc-message" => Self::GrpcMessage,
            b"grpc-status-details-bin" => Self::GrpcDetails,
            _ => Self::Other,
        }
    }
}

/// A header that the other side may refer to.
#[derive(Clone, Debug)]
struct Entry {
    name: Name,
    name_bytes: usize,
    value: Box<[u8]>,
}

impl Entry {
    fn bytes(&self) -> usize {
        self.name_bytes + self.value.len() + ENTRY_BYTES
    }
}

/// Reads header blocks, in the order in which they came.
#[derive(Debug)]
pub(super) struct Decoder {
    /// Newest first.
    table: VecDeque<Entry>,
    table_bytes: usize,
    table_bytes_max: usize,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self { table: VecDeque::new(), table_bytes: 0, table_bytes_max: TABLE_BYTES }
    }

    /// Tells every header of a block.
    pub(super) fn decode(&mut self, block: &[u8], mut told: impl FnMut(Name, &[u8])) -> Result<(), Fault> {
        let mut rest = block;
        while let Some(first) = rest.first().copied() {
            if first & 0x80 != 0 {
                let index = integer(&mut rest, 7)?;
                let (name, _, value) = self.entry(index)?;
                told(name, value);
                continue;
            }
            if first & 0xe0 == 0x20 {
                self.resize(integer(&mut rest, 5)?)?;
                continue;
            }
            let is_indexed = first & 0x40 != 0;
            let index = integer(&mut rest, if is_indexed { 6 } else { 4 })?;
            let (name, name_bytes) = if index == 0 {
                let text = string(&mut rest)?;
                (Name::of(&text), text.len())
            } else {
                let (name, name_bytes, _) = self.entry(index)?;
                (name, name_bytes)
            };
            let value = string(&mut rest)?;
            told(name, &value);
            if is_indexed {
                self.insert(Entry { name, name_bytes, value: value.into_owned().into() });
            }
        }
        Ok(())
    }

    fn entry(&self, index: usize) -> Result<(Name, usize, &[u8]), Fault> {
        if let Some(at) = index.checked_sub(DYNAMIC_FIRST) {
            let entry = self.table.get(at).ok_or(Fault::Header("an index beyond the table"))?;
            return Ok((entry.name, entry.name_bytes, &entry.value));
        }
        let at = index.checked_sub(1).ok_or(Fault::Header("an index of zero"))?;
        let name = STATIC_NAMES.get(at).copied().unwrap_or_default();
        let status = index.checked_sub(STATIC_STATUS_FIRST).and_then(|at| STATIC_STATUS.get(at));
        Ok((Name::of(name.as_bytes()), name.len(), status.copied().unwrap_or_default()))
    }

    fn insert(&mut self, entry: Entry) {
        self.table_bytes += entry.bytes();
        self.table.push_front(entry);
        self.evict();
    }

    /// The other side uses less of the table, or all that is allowed again.
    fn resize(&mut self, bytes: usize) -> Result<(), Fault> {
        if bytes > TABLE_BYTES {
            return Err(Fault::Header("a table larger than was agreed"));
        }
        self.table_bytes_max = bytes;
        self.evict();
        Ok(())
    }

    fn evict(&mut self) {
        while self.table_bytes > self.table_bytes_max
            && let Some(oldest) = self.table.pop_back()
        {
            self.table_bytes -= oldest.bytes();
        }
    }
}

/// Reads an integer whose first byte has so many bits of it.
fn integer(rest: &mut &[u8], prefix_bits: u32) -> Result<usize, Fault> {
    const SHORT: Fault = Fault::Header("a header block that breaks off");
    let full = (1_usize << prefix_bits) - 1;
    let (first, mut tail) = rest.split_first().ok_or(SHORT)?;
    let mut number = usize::from(*first) & full;
    if number == full {
        // Nothing here is longer than three bytes of seven bits can say.
        for shift in [0, 7, 14] {
            let (byte, after) = tail.split_first().ok_or(SHORT)?;
            tail = after;
            number += usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                *rest = tail;
                return Ok(number);
            }
        }
        return Err(Fault::Header("a number out of all bounds"));
    }
    *rest = tail;
    Ok(number)
}

/// Reads a string.
fn string<'a>(rest: &mut &'a [u8]) -> Result<Cow<'a, [u8]>, Fault> {
    let is_huffman = rest.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer(rest, 7)?;
    let (text, tail) = rest.split_at_checked(length).ok_or(Fault::Header("a string that breaks off"))?;
    *rest = tail;
    if !is_huffman {
        return Ok(text.into());
    }
    let mut decoded = Vec::new();
    huffman::decode(text, &mut decoded)?;
    Ok(decoded.into())
}

/// A header of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) keeping: Keeping,
}

/// Whether the other side keeps a header to be referred to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    Kept,
    /// A secret: nobody on the way may keep it either.
    Never,
}

/// Writes header blocks. What the table has no room for is sent in full each time, so nothing ever leaves the table and
/// its indices follow from their order alone.
#[derive(Debug)]
pub(super) struct Encoder {
    /// Oldest first.
    table: Vec<(&'static str, String)>,
    room: usize,
    /// The size of an emptied table is yet to be told.
    untold_size: bool,
}

impl Encoder {
    pub(super) fn new() -> Self {
        Self { table: Vec::new(), room: TABLE_BYTES, untold_size: false }
    }

    /// The other side keeps at most so many bytes from now on.
    pub(super) fn limit(&mut self, bytes: usize) {
        if bytes < TABLE_BYTES {
            *self = Self { table: Vec::new(), room: 0, untold_size: true };
        }
    }

    /// Changes whenever a block for the same headers would.
    pub(super) fn state(&self) -> (usize, bool) {
        (self.table.len(), self.untold_size)
    }

    /// Writes a block of these headers.
    pub(super) fn encode(&mut self, headers: &[Header], out: &mut Vec<u8>) {
        if self.untold_size {
            out.push(0x20);
            self.untold_size = false;
        }
        for header in headers {
            self.encode_one(header, out);
        }
    }

    fn encode_one(&mut self, header: &Header, out: &mut Vec<u8>) {
        let Header { name, value, keeping } = header;
        let name_index = STATIC_NAMES.iter().position(|known| known == name).map_or(0, |at| at + 1);
        match (*name, value.as_str()) {
            (":method", "POST") => return out.push(0x83),
            (":scheme", "http") => return out.push(0x86),
            _ => {}
        }
        let known = self.table.iter().rev().position(|(a, b)| a == name && b == value);
        if let Some(at) = known {
            return put_integer(out, 0x80, 7, DYNAMIC_FIRST + at);
        }
        let bytes = name.len() + value.len() + ENTRY_BYTES;
        match keeping {
            Keeping::Never => put_integer(out, 0x10, 4, name_index),
            Keeping::Kept if bytes > self.room => put_integer(out, 0, 4, name_index),
            Keeping::Kept => {
                put_integer(out, 0x40, 6, name_index);
                self.room -= bytes;
                self.table.push((name, value.clone()));
            }
        }
        if name_index == 0 {
            put_string(out, name);
        }
        put_string(out, value);
    }
}

fn put_integer(out: &mut Vec<u8>, pattern: u8, prefix_bits: u32, number: usize) {
    let byte = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
    let full = (1_usize << prefix_bits) - 1;
    let Some(mut rest) = number.checked_sub(full) else { return out.push(pattern | byte(number)) };
    out.push(pattern | byte(full));
    while rest >= 0x80 {
        out.push(byte(rest & 0x7f | 0x80));
        rest >>= 7;
    }
    out.push(byte(rest));
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    put_integer(out, 0, 7, text.len());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests;
