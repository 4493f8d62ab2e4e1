//! The Huffman code of header strings (RFC 7541, appendix B).

use std::sync::LazyLock;

use super::Fault;

/// Bits of the code of each byte. The code is canonical: sorted by length, then by byte, each is one more than the one
/// before, so the lengths are all of it.
#[rustfmt::skip]
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];

/// Bits of the longest code; that of the end of a string, which no string holds.
const LENGTH_MAX: usize = 30;

/// The codes of one length: they follow each other.
#[derive(Clone, Debug, Default)]
struct Codes {
    first: u32,
    /// The byte of each, in order.
    bytes: Vec<u8>,
}

/// By length.
static CODES: LazyLock<Vec<Codes>> = LazyLock::new(|| {
    let mut first = 0;
    let of_length = |length: usize| {
        first <<= 1;
        let has_length = |byte: &u8| usize::from(LENGTHS.get(usize::from(*byte)).copied().unwrap_or(0)) == length;
        let codes = Codes { first, bytes: (0..=u8::MAX).filter(has_length).collect() };
        first += u32::try_from(codes.bytes.len()).expect("there are 256 bytes");
        codes
    };
    (1..=LENGTH_MAX).map(of_length).collect()
});

/// Writes what `coded` stands for.
pub(super) fn decode(coded: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let (mut code, mut length) = (0_u32, 0_usize);
    for byte in coded {
        for bit in (0..8).rev() {
            code = code << 1 | u32::from(byte >> bit & 1);
            length += 1;
            let codes = CODES.get(length - 1).ok_or(Fault::Header("a string of no Huffman code"))?;
            let at = code.checked_sub(codes.first).and_then(|at| usize::try_from(at).ok());
            if let Some(byte) = at.and_then(|at| codes.bytes.get(at)) {
                out.push(*byte);
                (code, length) = (0, 0);
            }
        }
    }
    // What is left over are the first bits of the end's code, all ones, and less than a byte.
    if length < 8 && code == (1 << length) - 1 { Ok(()) } else { Err(Fault::Header("a Huffman code that breaks off")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7541, C.4 and C.6.
    #[test]
    fn the_examples_of_the_standard_decode() {
        for (coded, text) in [
            (&[0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff][..], "www.example.com"),
            (&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf], "no-cache"),
            (&[0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xb8, 0xe8, 0xb4, 0xbf], "custom-value"),
            (&[0x64, 0x02], "302"),
            (&[0xae, 0xc3, 0x77, 0x1a, 0x4b], "private"),
            (&[], ""),
        ] {
            let mut out = Vec::new();
            decode(coded, &mut out).unwrap();
            assert_eq!(out, text.as_bytes());
        }
    }

    #[test]
    fn the_code_is_complete() {
        let end = CODES.last().unwrap();
        assert_eq!(CODES.iter().map(|codes| codes.bytes.len()).sum::<usize>(), 256);
        assert_eq!(
            usize::try_from((1 << LENGTH_MAX) - 1 - end.first).unwrap(),
            end.bytes.len(),
            "only the end is left"
        );
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for coded in [&[0xff, 0xff, 0xff, 0xff][..], &[0xff], &[0b0001_1000]] {
            assert!(decode(coded, &mut Vec::new()).is_err(), "{coded:x?}");
        }
    }
}
