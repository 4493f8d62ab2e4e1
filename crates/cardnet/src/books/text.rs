//! The books as text: one line a change. The grammar is in `README.md`.

use std::fmt;
use std::str::Split;

use domain::LastFour;
use iso8583::field::{ApprovalCode, InstitutionId, Rrn, Stan, TransmissionTime, Value};
use money::{Currency, Money};

use super::moment::{self, Moment};
use super::{Books, Change, ChangeKind, Refusal, Trace};

/// Why a text is not the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the books: {source}")]
pub struct ReadError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub source: LineError,
}

/// Why a line is no change that the books took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It begins with another word.
    #[error("a line begins with approved, reversed, captured or refunded")]
    Word,
    /// A part is missing, another part stands there, or it has another shape.
    #[error("expected {0}")]
    Part(&'static str),
    /// Something stands behind the last part.
    #[error("expected the end")]
    End,
    /// The lines before it and this one do not go together.
    #[error("cannot be after the lines before it: {0}")]
    Refused(#[from] Refusal),
}

impl Books {
    /// Reads the books from their text. What stands behind the last line end is a line that was not written whole: its
    /// message was not answered, and it is passed over.
    ///
    /// # Errors
    /// The first line that is no change, or that the books would not have taken.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        let mut books = Self::default();
        changes(text).try_for_each(|change| {
            let (line, change) = change?;
            books.book(&change).map_err(|refusal| ReadError { line, source: refusal.into() })
        })?;
        Ok(books)
    }
}

/// The changes of a text, each with the number of its line.
pub(crate) fn changes(text: &str) -> impl Iterator<Item = Result<(usize, Change), ReadError>> {
    let whole = text.rfind('\n').and_then(|end| text.get(..end)).map(|whole| whole.split('\n'));
    whole.into_iter().flatten().enumerate().map(|(index, text)| {
        let line = index.saturating_add(1);
        read_line(text).map(|change| (line, change)).map_err(|source| ReadError { line, source })
    })
}

/// Without the line end.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, trace, rrn, last_four, kind } = self;
        let word = match kind {
            ChangeKind::Approved { .. } => "approved",
            ChangeKind::Reversed { .. } => "reversed",
            ChangeKind::Captured { .. } => "captured",
            ChangeKind::Refunded { .. } => "refunded",
        };
        write!(f, "{word} {} trace={trace} rrn={} last4={last_four}", Moment(*at), rrn.as_str())?;
        match kind {
            ChangeKind::Approved { amount, approval_code } => {
                write_money(f, *amount)?;
                write!(f, " approval={}", approval_code.as_str())
            }
            ChangeKind::Reversed { original } => write!(f, " original={original}"),
            ChangeKind::Captured { original, amount } | ChangeKind::Refunded { original, amount } => {
                write_money(f, *amount)?;
                write!(f, " original={original}")
            }
        }
    }
}

fn write_money(f: &mut fmt::Formatter<'_>, amount: Money) -> fmt::Result {
    write!(f, " amount={} currency=", amount.minor_units())?;
    amount.currency().write(f)
}

/// `000043/1126173000/123456`: DE 11, DE 7 and DE 32, or a zero for the last, as in DE 90.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stan.write(f)?;
        f.write_str("/")?;
        self.sent_at.write(f)?;
        write!(f, "/{}", self.acquirer.map_or(0, InstitutionId::get))
    }
}

fn read_line(line: &str) -> Result<Change, LineError> {
    let mut parts = Parts(line.split(' '));
    let word = parts.0.next().unwrap_or_default();
    if !["approved", "reversed", "captured", "refunded"].contains(&word) {
        return Err(LineError::Word);
    }
    let at = parts.0.next().and_then(moment::parse).ok_or(LineError::Part("a time"))?;
    let trace = parts.part("trace", read_trace)?;
    let rrn = parts.part("rrn", |text| Rrn::new(word_of(text)?))?;
    let last_four = parts.part("last4", |text| LastFour::new(text).ok())?;
    let kind = match word {
        "reversed" => ChangeKind::Reversed { original: parts.part("original", read_trace)? },
        "approved" => ChangeKind::Approved {
            amount: parts.money()?,
            approval_code: parts.part("approval", |text| ApprovalCode::new(word_of(text)?))?,
        },
        "captured" => {
            ChangeKind::Captured { amount: parts.money()?, original: parts.part("original", read_trace)? }
        }
        _refunded => ChangeKind::Refunded { amount: parts.money()?, original: parts.part("original", read_trace)? },
    };
    match parts.0.next() {
        Some(_) => Err(LineError::End),
        None => Ok(Change { at, trace, rrn, last_four, kind }),
    }
}

/// What is left of a line.
struct Parts<'a>(Split<'a, char>);

impl<'a> Parts<'a> {
    /// The next part, which has this name.
    fn part<T>(&mut self, name: &'static str, read: impl FnOnce(&'a str) -> Option<T>) -> Result<T, LineError> {
        let text = self.0.next().and_then(|part| part.strip_prefix(name)?.strip_prefix('='));
        text.and_then(read).ok_or(LineError::Part(name))
    }

    fn money(&mut self) -> Result<Money, LineError> {
        let minor_units = self.part("amount", |text| text.parse::<u64>().ok())?;
        let currency = self.part("currency", |text| Currency::parse(text.as_bytes()))?;
        Ok(Money::new(currency, i128::from(minor_units)))
    }
}

/// A text that is not empty. Blanks are not in it: they stand between parts.
fn word_of(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn read_trace(text: &str) -> Option<Trace> {
    let mut parts = text.split('/').map(str::as_bytes);
    let stan = Stan::parse(parts.next()?)?;
    let sent_at = TransmissionTime::parse(parts.next()?)?;
    let acquirer = InstitutionId::parse(parts.next()?)?;
    let acquirer = (acquirer.get() != 0).then_some(acquirer);
    parts.next().is_none().then_some(Trace { stan, sent_at, acquirer })
}
