//! What an issuer does when it is asked to approve.

use std::fmt;
use std::str::FromStr;

use iso8583::field::ResponseCode;
use money::Ratio;

/// The longest wait that a script or the settings may ask for, in milliseconds: ten minutes.
pub const DELAY_MS_MAX: u32 = 600_000;

/// What an issuer does with the authorizations of a card, or with its advices.
///
/// Whatever approves is in the books as approved before anything is sent, also where no answer ever is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// `approve`
    Approve,
    /// `decline:CODE`: with this DE 39.
    Decline(ResponseCode),
    /// `partial:PERCENT`: approves so much of the amount, rounded up, with DE 39 `10`; DE 54 has what was asked.
    Partial(Percent),
    /// `slow:MS` and `late:MS`: approves, and answers after so many milliseconds; `ms` may stand behind the number. `late`
    /// says that no sender waits as long.
    Slow {
        /// At most [`DELAY_MS_MAX`].
        delay_ms: u32,
    },
    /// `silent`: approves, and never answers.
    Silent,
    /// `duplicate`: approves, and answers twice.
    Duplicate,
    /// `out-of-order`: approves, and answers after the next answer on the line was sent.
    OutOfOrder,
    /// `garbage`: approves, and sends a frame that is no message of any spec.
    Garbage,
    /// `disconnect`: approves, sends half of the answer and closes the line.
    Disconnect,
    /// `wrong-amount`: approves, and answers with one minor unit more in DE 4.
    WrongAmount,
    /// `refuse-advices:N`: approves. The first N advices of the card, repeats counted, are answered with DE 39 `96` and are
    /// not in the books.
    RefuseAdvices {
        /// How many.
        advices: u32,
    },
    /// `lose-advices:N`: approves. The first N advices of the card, repeats counted, are in the books and are not answered.
    LoseAdvices {
        /// How many.
        advices: u32,
    },
}

/// A part of an amount: 1 to 99 of a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percent(
    // 1 to 99.
    u8,
);

const MILLIONTHS_OF_A_PERCENT: u32 = 10_000;

/// Why a text is no script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// Another word.
    #[error(
        "a script is approve, decline:CODE, partial:PERCENT, slow:MS, late:MS, silent, duplicate, out-of-order, garbage, \
         disconnect, wrong-amount, refuse-advices:N or lose-advices:N"
    )]
    Unknown,
    /// `decline` with something else behind it.
    #[error("decline needs a response code of two letters or digits that does not approve")]
    Code,
    /// `partial` with something else behind it.
    #[error("partial needs a percentage of 1 to 99")]
    Percent,
    /// `slow` or `late` with something else behind it.
    #[error("a delay is a number of milliseconds up to {DELAY_MS_MAX}")]
    Delay,
    /// `refuse-advices` or `lose-advices` with something else behind it.
    #[error("the advices to refuse or lose are a number")]
    Advices,
}

impl Percent {
    /// This part, or `None` when it is nothing or the whole.
    #[must_use]
    pub const fn new(percent: u8) -> Option<Self> {
        if percent == 0 || percent > 99 { None } else { Some(Self(percent)) }
    }

    /// As a ratio.
    pub(crate) fn ratio(self) -> Ratio {
        let millionths = u32::from(self.0).saturating_mul(MILLIONTHS_OF_A_PERCENT);
        Ratio::from_millionths(millionths).expect("less than a whole")
    }
}

impl FromStr for Script {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let (word, argument) = text.split_once(':').map_or((text, None), |(word, argument)| (word, Some(argument)));
        match (word, argument) {
            ("approve", None) => Ok(Self::Approve),
            ("decline", code) => declining(code.unwrap_or_default()).map(Self::Decline).ok_or(ScriptError::Code),
            ("partial", percent) => {
                let percent = percent.and_then(|percent| Percent::new(percent.parse().ok()?));
                percent.map(Self::Partial).ok_or(ScriptError::Percent)
            }
            ("slow" | "late", delay) => {
                let delay_ms = number(delay.map(|delay| delay.strip_suffix("ms").unwrap_or(delay)))
                    .filter(|delay| *delay <= DELAY_MS_MAX).ok_or(ScriptError::Delay)?;
                Ok(Self::Slow { delay_ms })
            }
            ("silent", None) => Ok(Self::Silent),
            ("duplicate", None) => Ok(Self::Duplicate),
            ("out-of-order", None) => Ok(Self::OutOfOrder),
            ("garbage", None) => Ok(Self::Garbage),
            ("disconnect", None) => Ok(Self::Disconnect),
            ("wrong-amount", None) => Ok(Self::WrongAmount),
            ("refuse-advices", advices) => {
                Ok(Self::RefuseAdvices { advices: number(advices).ok_or(ScriptError::Advices)? })
            }
            ("lose-advices", advices) => Ok(Self::LoseAdvices { advices: number(advices).ok_or(ScriptError::Advices)? }),
            _ => Err(ScriptError::Unknown),
        }
    }
}

fn number(argument: Option<&str>) -> Option<u32> {
    argument?.parse().ok()
}

fn declining(code: &str) -> Option<ResponseCode> {
    let code = ResponseCode::new(code.as_bytes().try_into().ok()?)?;
    (code != ResponseCode::APPROVED && code != ResponseCode::APPROVED_IN_PART).then_some(code)
}

/// As it is read.
impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Approve => f.write_str("approve"),
            Self::Decline(code) => write!(f, "decline:{}", code.as_str()),
            Self::Partial(Percent(percent)) => write!(f, "partial:{percent}"),
            Self::Slow { delay_ms } => write!(f, "slow:{delay_ms}"),
            Self::Silent => f.write_str("silent"),
            Self::Duplicate => f.write_str("duplicate"),
            Self::OutOfOrder => f.write_str("out-of-order"),
            Self::Garbage => f.write_str("garbage"),
            Self::Disconnect => f.write_str("disconnect"),
            Self::WrongAmount => f.write_str("wrong-amount"),
            Self::RefuseAdvices { advices } => write!(f, "refuse-advices:{advices}"),
            Self::LoseAdvices { advices } => write!(f, "lose-advices:{advices}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_prints_as_it_is_read() {
        for text in [
            "approve",
            "decline:05",
            "decline:N7",
            "partial:1",
            "partial:99",
            "slow:0",
            "slow:600000",
            "silent",
            "duplicate",
            "out-of-order",
            "garbage",
            "disconnect",
            "wrong-amount",
            "refuse-advices:3",
            "lose-advices:1",
        ] {
            assert_eq!(text.parse::<Script>().map(|script| script.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("late:70000".parse(), Ok(Script::Slow { delay_ms: 70_000 }));
        assert_eq!("slow:250ms".parse(), Ok(Script::Slow { delay_ms: 250 }));
    }

    #[test]
    fn what_is_no_script_is_refused() {
        for (text, error) in [
            ("", ScriptError::Unknown),
            ("Approve", ScriptError::Unknown),
            ("approve:", ScriptError::Unknown),
            ("silent:1", ScriptError::Unknown),
            ("decline", ScriptError::Code),
            ("decline:00", ScriptError::Code),
            ("decline:10", ScriptError::Code),
            ("decline:5", ScriptError::Code),
            ("decline:0 ", ScriptError::Code),
            ("partial:0", ScriptError::Percent),
            ("partial:100", ScriptError::Percent),
            ("slow", ScriptError::Delay),
            ("slow:600001", ScriptError::Delay),
            ("late:-1", ScriptError::Delay),
            ("refuse-advices:", ScriptError::Advices),
            ("lose-advices:many", ScriptError::Advices),
        ] {
            assert_eq!(text.parse::<Script>(), Err(error), "{text}");
        }
    }
}
