//! ASCII and EBCDIC.

/// How characters are bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// ASCII.
    Ascii,
    /// EBCDIC in code page 500. Code page 37 has the same letters, digits and punctuation but for `!`, `[`, `]`, `^`
    /// and `|`.
    Ebcdic,
}

const FIRST_PRINTABLE: u8 = b' ';
const LAST_PRINTABLE: u8 = b'~';

/// Of each printable ASCII character its byte in code page 500 (IBM, CCSID 500).
const EBCDIC: [u8; 95] = [
    0x40, 0x4F, 0x7F, 0x7B, 0x5B, 0x6C, 0x50, 0x7D, 0x4D, 0x5D, 0x5C, 0x4E, 0x6B, 0x60, 0x4B, 0x61, // to /
    0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7, 0xF8, 0xF9, 0x7A, 0x5E, 0x4C, 0x7E, 0x6E, 0x6F, // to ?
    0x7C, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC6, 0xC7, 0xC8, 0xC9, 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 0xD6, // to O
    0xD7, 0xD8, 0xD9, 0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xE9, 0x4A, 0xE0, 0x5A, 0x5F, 0x6D, // to _
    0x79, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, // to o
    0x97, 0x98, 0x99, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, 0xA8, 0xA9, 0xC0, 0xBB, 0xD0, 0xA1, // to ~
];

/// Of each byte the ASCII character, or 0 when it stands for none that is printable.
static FROM_EBCDIC: [u8; 256] = from_ebcdic();

#[expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "the compiler runs it"
)]
const fn from_ebcdic() -> [u8; 256] {
    let mut ascii = [0; 256];
    let mut character = FIRST_PRINTABLE;
    while character <= LAST_PRINTABLE {
        ascii[EBCDIC[(character - FIRST_PRINTABLE) as usize] as usize] = character;
        character += 1;
    }
    ascii
}

impl Charset {
    /// The byte of a printable ASCII character, or `None` when it is not one.
    pub(crate) fn byte(self, character: u8) -> Option<u8> {
        match self {
            Self::Ascii => is_printable(character).then_some(character),
            Self::Ebcdic => EBCDIC.get(usize::from(character.checked_sub(FIRST_PRINTABLE)?)).copied(),
        }
    }

    /// The printable ASCII character of a byte, or `None` when it stands for none.
    pub(crate) fn character(self, byte: u8) -> Option<u8> {
        let character = match self {
            Self::Ascii => byte,
            Self::Ebcdic => FROM_EBCDIC.get(usize::from(byte)).copied()?,
        };
        is_printable(character).then_some(character)
    }
}

/// Whether a byte is a printable ASCII character.
pub(crate) const fn is_printable(byte: u8) -> bool {
    matches!(byte, FIRST_PRINTABLE..=LAST_PRINTABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printable_characters_have_a_byte_each_and_nothing_else_has() {
        for charset in [Charset::Ascii, Charset::Ebcdic] {
            let mut found = 0;
            for byte in 0..=u8::MAX {
                if let Some(character) = charset.character(byte) {
                    assert_eq!(charset.byte(character), Some(byte));
                    found += 1;
                }
                assert_eq!(charset.byte(byte).is_some(), is_printable(byte));
            }
            assert_eq!(found, 95);
        }
    }
}
