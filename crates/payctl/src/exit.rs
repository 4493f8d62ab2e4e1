//! What the exit code says.

use std::process::ExitCode;

/// How a command ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; for a payment or movement, approved.
    Approved = 0,
    /// Decided against; final for its idempotency key.
    Declined = 1,
    /// Not done and nothing recorded: refused by the switch, or asked wrongly.
    Refused = 2,
    /// No answer: no connection, or one that broke.
    Unreachable = 3,
    /// Stored data or an answer is not what it must be.
    Damaged = 4,
    /// Asked for and not decided yet: a card's issuer has not answered.
    Pending = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The table in `payctl --help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  approved: done
  1  declined: decided against and recorded, final for its idempotency key
  2  refused: nothing was recorded; also for a command that makes no sense
  3  unreachable: no answer; repeat with the same --idempotency-key
  4  damaged: a journal, an archive, a receipt, a trial balance or an answer is not what it must be
  5  pending: not decided yet, the card's issuer was asked; `payctl get ID` tells what has become of it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_exit_code() {
        for exit in [Exit::Approved, Exit::Declined, Exit::Refused, Exit::Unreachable, Exit::Damaged, Exit::Pending] {
            let word = format!("{exit:?}").to_lowercase();
            let line = format!("  {}  {word}:", exit as u8);
            assert!(EXIT_CODES.contains(&line), "{line}");
        }
    }
}
