//! Text from outside, made fit for an error message.

const EXCERPT_CHARS_MAX: usize = 32;
/// So many digits in a row may be the number of a card that somebody put into another field.
const CARD_DIGITS_MIN: usize = 12;

/// The beginning of a text, in quotes, with everything that could forge a line, an order of reading or an escape
/// sequence written out. Digits of what may be a card's number are stars: it stands in no error (PCI DSS 4 requirement 3.4.1).
pub(crate) fn excerpt(text: &str) -> String {
    let shown = without_card_numbers(text);
    let mut characters = shown.chars();
    let beginning: String = characters.by_ref().take(EXCERPT_CHARS_MAX).collect();
    let continuation = if characters.next().is_some() { "…" } else { "" };
    format!("\"{}{continuation}\"", beginning.escape_debug())
}

/// The text with stars in place of the digits of what may be a card's number: twelve and more, in groups or not. Behind a point, or
/// with a zero at its begin, it is another number: of cards that are taken none begins so.
#[must_use]
pub fn without_card_numbers(text: &str) -> String {
    let is_digit = |c: char| c.is_ascii_digit();
    // People write card numbers in groups.
    let is_between = |c: char| matches!(c, ' ' | '-');
    let mut is_behind_point = false;
    let parts = text.split_inclusive(|c| !is_digit(c) && !is_between(c)).map(|part| {
        let digits = part.chars().filter(|c| is_digit(*c)).count();
        let is_shown = digits < CARD_DIGITS_MIN || part.starts_with('0') || is_behind_point;
        is_behind_point = part.ends_with('.');
        if is_shown { part.to_owned() } else { part.replace(is_digit, "*") }
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_written_out() {
        for (text, expected) in [
            ("hkd", r#""hkd""#),
            ("", r#""""#),
            ("a\nb\u{1b}[2J", r#""a\nb\u{1b}[2J""#),
            ("\u{202e}\u{2066}\u{2028}\0\"", r#""\u{202e}\u{2066}\u{2028}\0\"""#),
        ] {
            assert_eq!(excerpt(text), expected);
        }
    }

    #[test]
    fn what_may_be_a_card_number_is_not_shown() {
        for (text, expected) in [
            ("4242424242424242", r#""****************""#),
            ("n4242424242424242, 378282246310", r#""n****************, ************""#),
            ("12345678901x123456789012", r#""12345678901x************""#),
            ("6.6528822061234", r#""6.6528822061234""#),
            ("4242 4242-4242 4242", r#""**** ****-**** ****""#),
            ("000000000000", r#""000000000000""#),
        ] {
            assert_eq!(excerpt(text), expected);
        }
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(excerpt(&"港".repeat(32)), format!("\"{}\"", "港".repeat(32)));
        assert_eq!(excerpt(&"港".repeat(33)), format!("\"{}…\"", "港".repeat(32)));
    }
}
