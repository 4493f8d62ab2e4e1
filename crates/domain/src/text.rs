//! Text from outside, checked once.

use alloc::{string::ToString, sync::Arc};
use core::fmt;

/// The longest [`Name`], in characters.
pub const NAME_CHARS_MAX: usize = 64;
/// The longest [`Label`], in characters.
pub const LABEL_CHARS_MAX: usize = 64;
/// The longest [`KeyText`], in characters.
pub const KEY_CHARS_MAX: usize = 255;

/// Why a text is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing was given.
    #[error("is missing")]
    Missing,
    /// More characters than allowed.
    #[error("is longer than {chars_max} characters")]
    TooLong {
        /// The longest allowed.
        chars_max: usize,
    },
    /// A control character.
    #[error("contains a control character at character {position}")]
    ControlCharacter {
        /// Counted from 1.
        position: usize,
    },
    /// A character other than a–z, 0–9 and hyphen.
    #[error("may contain a-z, 0-9 and hyphen only, found another character at character {position}")]
    NotNameCharacter {
        /// Counted from 1.
        position: usize,
    },
}

/// A name given to a merchant, a wallet operator or an account: 1 to 64 characters of a–z, 0–9 and hyphen.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub(crate) Arc<str>);

impl Name {
    /// Checks and keeps a name.
    ///
    /// # Errors
    /// When it is empty, longer than [`NAME_CHARS_MAX`] or has another character.
    pub fn new(text: &str) -> Result<Self, InvalidText> {
        check_length(text, NAME_CHARS_MAX)?;
        if text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
            return Ok(Self(text.into()));
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let index = text.chars().position(|c| !allowed(c)).unwrap_or_default();
        Err(InvalidText::NotNameCharacter { position: index.saturating_add(1) })
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text of the caller's own, kept and shown but never interpreted: 1 to 64 characters, none of them a control
/// character.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Arc<str>);

impl Label {
    /// Checks and keeps a text.
    ///
    /// # Errors
    /// When it is empty, longer than [`LABEL_CHARS_MAX`] or has a control character.
    pub fn new(text: &str) -> Result<Self, InvalidText> {
        check_length(text, LABEL_CHARS_MAX)?;
        check_no_control(text)?;
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An idempotency key as the caller wrote it: 1 to 255 characters, none of them a control character. It lives only
/// until it has become a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyText<'a>(&'a str);

impl<'a> KeyText<'a> {
    /// Checks a key.
    ///
    /// # Errors
    /// When it is empty, longer than [`KEY_CHARS_MAX`] or has a control character.
    pub fn new(text: &'a str) -> Result<Self, InvalidText> {
        check_length(text, KEY_CHARS_MAX)?;
        check_no_control(text)?;
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

fn check_length(text: &str, chars_max: usize) -> Result<(), InvalidText> {
    if text.is_empty() {
        return Err(InvalidText::Missing);
    }
    // A character takes at least one byte, so most texts need no counting.
    if text.len() > chars_max && text.chars().count() > chars_max {
        return Err(InvalidText::TooLong { chars_max });
    }
    Ok(())
}

fn check_no_control(text: &str) -> Result<(), InvalidText> {
    // Nearly every text is visible ASCII: told from all bytes at once, without a look at each character.
    if text.bytes().fold(true, |visible, byte| visible & matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    // Line and paragraph separators and bidirectional overrides are not "control" in Unicode's sense, but they forge
    // lines and order in logs just as well.
    let forbidden = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    match text.chars().position(forbidden) {
        Some(index) => Err(InvalidText::ControlCharacter { position: index.saturating_add(1) }),
        None => Ok(()),
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<&Name> for Label {
    fn from(name: &Name) -> Self {
        Self(name.as_str().to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_lower_case_letters_digits_and_hyphens() {
        assert_eq!(Name::new("hk-alice").map(|n| n.as_str().to_string()), Ok("hk-alice".into()));
        assert_eq!(Name::new(""), Err(InvalidText::Missing));
        assert_eq!(Name::new("Hk"), Err(InvalidText::NotNameCharacter { position: 1 }));
        assert_eq!(Name::new("a b"), Err(InvalidText::NotNameCharacter { position: 2 }));
        assert_eq!(Name::new(&"a".repeat(65)), Err(InvalidText::TooLong { chars_max: 64 }));
        assert!(Name::new(&"a".repeat(64)).is_ok());
    }

    #[test]
    fn lengths_count_characters_not_bytes() {
        assert!(KeyText::new(&"港".repeat(255)).is_ok());
        assert_eq!(KeyText::new(&"港".repeat(256)), Err(InvalidText::TooLong { chars_max: 255 }));
    }

    #[test]
    fn what_could_forge_a_line_is_refused() {
        for hostile in ["a\nb", "a\u{1b}[2J", "a\u{2028}b", "a\u{202e}b", "a\u{2066}b", "a\0"] {
            assert_eq!(Label::new(hostile), Err(InvalidText::ControlCharacter { position: 2 }), "{hostile:?}");
            assert!(KeyText::new(hostile).is_err(), "{hostile:?}");
        }
    }
}
