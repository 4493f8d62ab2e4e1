//! Which card has which script.

use std::collections::BTreeMap;

use crate::card::{CardNumber, InvalidCardNumber};
use crate::script::{Script, ScriptError};

/// The most cards with a script of their own.
pub const SCRIPTS_MAX: usize = 10_000;

/// Public test numbers, as payment providers print them in their documentation, and the script each has here. Those that
/// providers document as declined are declined for the reason documented.
pub const TEST_NUMBERS: [(&str, &str); 26] = [
    ("4242424242424242", "approve"),
    ("4111111111111111", "approve"),
    ("4012888888881881", "approve"),
    ("5555555555554444", "approve"),
    ("2223003122003222", "approve"),
    ("378282246310005", "approve"),
    ("30569309025904", "approve"),
    ("6011111111111117", "approve"),
    ("3530111333300000", "approve"),
    ("6200000000000005", "approve"),
    ("4000000000000002", "decline:05"),
    ("4000000000009995", "decline:51"),
    ("4000000000009987", "decline:41"),
    ("4000000000009979", "decline:43"),
    ("4000000000000069", "decline:54"),
    ("4000000000000119", "decline:96"),
    ("4000056655665556", "partial:50"),
    ("5200828282828210", "slow:2000"),
    ("5105105105105100", "silent"),
    ("371449635398431", "late:120000"),
    ("6011000990139424", "duplicate"),
    ("38520000023237", "out-of-order"),
    ("3566002020360505", "garbage"),
    ("4009348888881881", "disconnect"),
    ("378734493671000", "wrong-amount"),
    ("5454545454545454", "refuse-advices:2"),
];

/// The script of each card, and of all others.
#[derive(Clone, Debug)]
pub struct Scripts {
    by_card: BTreeMap<CardNumber, Script>,
    others: Script,
}

/// Why lines are no scripts. It does not quote them: they hold card numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptsError {
    /// Without the sign between card and script.
    #[error("line {line} is not a card number, = and a script")]
    NoScript {
        /// Counted from 1.
        line: usize,
    },
    /// What stands before the sign.
    #[error("line {line} begins with no card number")]
    Card {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        source: InvalidCardNumber,
    },
    /// What stands behind it.
    #[error("line {line} has no script")]
    Script {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        source: ScriptError,
    },
    /// More cards than are kept.
    #[error("at most {SCRIPTS_MAX} cards have a script of their own")]
    TooMany,
}

impl Scripts {
    /// One script for every card.
    #[must_use]
    pub const fn all(script: Script) -> Self {
        Self { by_card: BTreeMap::new(), others: script }
    }

    /// Those of [`TEST_NUMBERS`]; every other card is approved.
    ///
    /// # Panics
    /// Never: the table is tested.
    #[must_use]
    pub fn of_test_numbers() -> Self {
        let mut scripts = Self::all(Script::Approve);
        for (number, script) in TEST_NUMBERS {
            let number = CardNumber::parse(number.as_bytes()).expect("a number of the table");
            scripts.by_card.insert(number, script.parse().expect("a script of the table"));
        }
        scripts
    }

    /// These, but with another script for the cards that have none of their own.
    #[must_use]
    pub fn with_others(self, others: Script) -> Self {
        Self { others, ..self }
    }

    /// Reads lines such as `4111111111111111=slow:250ms` over what there is; the last one about a card counts. Empty lines
    /// and lines that begin with `#` are passed over.
    ///
    /// # Errors
    /// The first line that is anything else, or that there are more cards than [`SCRIPTS_MAX`].
    pub fn read(mut self, lines: &str) -> Result<Self, ScriptsError> {
        for (index, text) in lines.lines().enumerate() {
            let line = index.saturating_add(1);
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (card, script) = text.split_once('=').ok_or(ScriptsError::NoScript { line })?;
            let card =
                CardNumber::parse(card.trim().as_bytes()).map_err(|source| ScriptsError::Card { line, source })?;
            let script = script.trim().parse().map_err(|source| ScriptsError::Script { line, source })?;
            self.by_card.insert(card, script);
            if self.by_card.len() > SCRIPTS_MAX {
                return Err(ScriptsError::TooMany);
            }
        }
        Ok(self)
    }

    /// The script of a card.
    #[must_use]
    pub fn of(&self, card: CardNumber) -> Script {
        self.by_card.get(&card).copied().unwrap_or(self.others)
    }

    /// Whether a card has a script of its own; at most [`SCRIPTS_MAX`] have.
    pub(crate) fn names(&self, card: CardNumber) -> bool {
        self.by_card.contains_key(&card)
    }
}

impl Default for Scripts {
    fn default() -> Self {
        Self::of_test_numbers()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(digits: &str) -> CardNumber {
        CardNumber::parse(digits.as_bytes()).unwrap()
    }

    /// ISO/IEC 7812-1 annex B.
    fn passes_luhn(digits: &str) -> bool {
        let weighted = digits.chars().rev().zip([1, 2].into_iter().cycle()).map(|(digit, weight)| {
            let product = digit.to_digit(10).unwrap().saturating_mul(weight);
            (product / 10).saturating_add(product % 10)
        });
        weighted.sum::<u32>() % 10 == 0
    }

    #[test]
    fn the_table_holds_each_number_once_and_all_check() {
        let scripts = Scripts::of_test_numbers();
        assert_eq!(scripts.by_card.len(), TEST_NUMBERS.len());
        for (number, script) in TEST_NUMBERS {
            assert!(passes_luhn(number), "{number}");
            assert_eq!(script.parse(), Ok(scripts.of(card(number))));
        }
        assert_eq!(scripts.of(card("4000000000000077")), Script::Approve);
    }

    #[test]
    fn the_page_has_the_table() {
        let page = include_str!("../README.md");
        for (number, script) in TEST_NUMBERS {
            assert!(page.contains(&format!("| `{number}` | `{script}` |")), "README.md lacks {number} with {script}");
        }
    }

    #[test]
    fn lines_are_read_over_the_table() {
        let lines =
            "# of this test\n\n4111111111111111=slow:250ms\r\n 4242424242424242 = silent \n4242424242424242=garbage\n";
        let scripts = Scripts::default().read(lines).unwrap().with_others(Script::Duplicate);
        assert_eq!(scripts.of(card("4111111111111111")), Script::Slow { delay_ms: 250 });
        assert_eq!(scripts.of(card("4242424242424242")), Script::Garbage);
        assert_eq!(scripts.of(card("5555555555554444")), Script::Approve);
        assert_eq!(scripts.of(card("4000000000000077")), Script::Duplicate);
    }

    #[test]
    fn a_line_that_is_none_is_refused_by_its_number() {
        for (lines, error) in [
            ("4111111111111111", ScriptsError::NoScript { line: 1 }),
            ("\n4111=silent", ScriptsError::Card { line: 2, source: InvalidCardNumber }),
            ("4111111111111111=loud", ScriptsError::Script { line: 1, source: ScriptError::Unknown }),
        ] {
            assert_eq!(Scripts::default().read(lines).err(), Some(error));
        }
    }
}
