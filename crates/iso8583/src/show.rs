//! Messages for the eye, without card data.

use core::fmt;

use crate::element::{Element, Kind, Shown};
use crate::message::Message;

/// The shortest card number of which ten digits leave enough hidden. Of shorter ones nothing is shown.
const TRUNCATED_DIGITS_MIN: usize = 13;
const SHOWN_FIRST: usize = 6;
const SHOWN_LAST: usize = 4;

/// One value as it may be shown.
struct ShownValue<'a> {
    element: Element,
    value: &'a [u8],
}

impl fmt::Display for ShownValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.element.shown() {
            Shown::All if self.element.definition().kind == Kind::Binary => {
                self.value.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
            }
            Shown::All => write!(f, "{}", self.value.escape_ascii()),
            Shown::Truncated if self.is_card_number() => {
                let hidden = self.value.len().saturating_sub(SHOWN_FIRST.saturating_add(SHOWN_LAST));
                let (first, rest) = self.value.split_at_checked(SHOWN_FIRST).unwrap_or_default();
                let last = rest.get(hidden..).unwrap_or_default();
                write!(f, "{}{:*<hidden$}{}", first.escape_ascii(), "", last.escape_ascii())
            }
            // Not even the length is told.
            Shown::Truncated | Shown::Nothing => f.write_str("***"),
        }
    }
}

impl ShownValue<'_> {
    fn is_card_number(&self) -> bool {
        self.value.len() >= TRUNCATED_DIGITS_MIN && self.value.iter().all(u8::is_ascii_digit)
    }
}

/// In one line: `Message(0100; DE 2=424242******4242; DE 3=000000)`.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({}", self.mti())?;
        for (element, value) in self.fields() {
            write!(f, "; {element}={}", ShownValue { element, value })?;
        }
        f.write_str(")")
    }
}

/// A line for each element, with its name.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.mti())?;
        for (element, value) in self.fields() {
            write!(f, "\n{element} {}: {}", element.definition().name, ShownValue { element, value })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String, vec::Vec};

    use super::*;
    use crate::mti::Mti;

    #[test]
    fn a_card_number_shows_its_first_six_and_last_four() {
        for (number, shown) in [
            ("4242424242424242", "424242******4242"),
            ("6205500000000000004", "620550*********0004"),
            ("3056930009020", "305693***9020"),
            ("305693000902", "***"),
            ("", "***"),
            ("424242424242424D", "***"),
        ] {
            let mut message = Message::new(Mti::AUTHORIZATION_REQUEST);
            message.set(Element::of(2), number.as_bytes());
            assert_eq!(format!("{message:?}"), format!("Message(0100; DE 2={shown})"));
        }
    }

    #[test]
    fn card_data_shows_in_no_element_that_may_hold_it() {
        let secret = "9876543210987654";
        let mut message = Message::new(Mti::AUTHORIZATION_REQUEST);
        let hidden: Vec<u8> = [2, 14, 34, 35, 36, 44, 45, 46, 47, 48, 52, 53, 96, 102, 103]
            .into_iter()
            .chain(55..=63)
            .chain(104..=127)
            .collect();
        for number in &hidden {
            message.set(Element::of(*number), secret.as_bytes());
        }
        for shown in [format!("{message}"), format!("{message:?}"), format!("{message:#?}")] {
            assert!(!shown.contains("43210987654"), "{shown}");
            assert_eq!(shown.matches("***").count(), hidden.len() + 1, "{shown}");
        }
    }

    #[test]
    fn what_is_no_card_data_shows() {
        let mut message = Message::new(Mti::FINANCIAL_RESPONSE);
        message.set(Element::of(4), b"000000025750");
        message.set(Element::of(43), b"CAFE \x1b[2J");
        message.set(Element::of(64), &[0xAB, 0xCD, 0, 1, 2, 3, 4, 5]);
        let expected = [
            "0210",
            "DE 4 Amount, transaction: 000000025750",
            r"DE 43 Card acceptor name/location: CAFE \x1b[2J",
            "DE 64 Message authentication code: ABCD000102030405",
        ];
        assert_eq!(format!("{message}").lines().map(String::from).collect::<Vec<_>>(), expected);
    }
}
