//! Bytes of protobuf without a message in memory between: [`Fields`] writes them, [`Canonical`] reads what it writes.
//!
//! What writes or reads one field is always inlined: the number of the field is a constant then, and so is its key.

mod canonical;
mod fields;

#[cfg(test)]
mod tests;

pub(crate) use canonical::Canonical;
pub(crate) use fields::Fields;

/// How the bytes of a field are told from those behind them.
#[derive(Clone, Copy, Debug)]
enum Wire {
    /// Seven bits a byte, the least significant first; all bytes but the last have their highest bit set.
    Varint,
    /// A length, and that many bytes.
    Delimited,
}

/// What stands before a field. Below number 16 it is one byte.
const fn key(number: u32, wire: Wire) -> u32 {
    let wire = match wire {
        Wire::Varint => 0,
        Wire::Delimited => 2,
    };
    number << 3 | wire
}

/// Set in every byte of a varint but the last.
const CONTINUED: u64 = 0x8080_8080_8080_8080;
