//! Text from outside, made fit for an error message.

const EXCERPT_CHARS_MAX: usize = 32;

/// The beginning of a text, in quotes, with everything that could forge a line, an order of reading or an escape
/// sequence written out.
pub(crate) fn excerpt(text: &str) -> String {
    let mut characters = text.chars();
    let beginning: String = characters.by_ref().take(EXCERPT_CHARS_MAX).collect();
    let continuation = if characters.next().is_some() { "…" } else { "" };
    format!("\"{}{continuation}\"", beginning.escape_debug())
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
    fn long_text_is_cut_between_characters() {
        assert_eq!(excerpt(&"港".repeat(32)), format!("\"{}\"", "港".repeat(32)));
        assert_eq!(excerpt(&"港".repeat(33)), format!("\"{}…\"", "港".repeat(32)));
    }
}
