//! What a file of rates holds, whatever its format.

use std::collections::BTreeMap;
use std::fmt;

use domain::CurrencyPair;
use jiff::civil::Date;
use money::{Currency, Rate};

/// A rate of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileRate {
    pub(super) date: Date,
    pub(super) pair: CurrencyPair,
    pub(super) rate: Rate,
}

/// Which rates of a file are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// These currencies, or all when empty.
    pub(super) currencies: Vec<Currency>,
    pub(super) from: Option<Date>,
    /// Itself included.
    pub(super) to: Option<Date>,
}

impl Wanted {
    pub(super) fn day(&self, date: Date) -> bool {
        self.from.is_none_or(|from| from <= date) && self.to.is_none_or(|to| date <= to)
    }

    pub(super) fn currency(&self, currency: Currency) -> bool {
        self.currencies.is_empty() || self.currencies.contains(&currency)
    }
}

/// The wanted rates of a file, and what was left out.
#[derive(Debug, Default)]
pub(super) struct FileRates {
    pub(super) rates: Vec<FileRate>,
    pub(super) skips: Skips,
}

impl FileRates {
    /// By day, then by pair. A rate that is there twice is taken once.
    ///
    /// # Errors
    /// When the file has two different rates of one pair and day.
    pub(super) fn in_order(mut self) -> Result<Self, Malformed> {
        self.rates.sort_by_key(|rate| (rate.date, rate.pair));
        let mut contradiction = None;
        self.rates.dedup_by(|later, first| {
            let same = (later.date, later.pair) == (first.date, first.pair);
            if same && later.rate != first.rate {
                contradiction = Some(Malformed::Contradiction { date: first.date, pair: first.pair });
            }
            same
        });
        contradiction.map_or(Ok(self), Err)
    }
}

/// Why a rate was left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Skipped {
    /// Of a day that is not wanted.
    OutsideDates,
    /// The file has none for this currency and day.
    NoRate(String),
    /// A code that ISO 4217 does not know, or no longer.
    UnknownCurrency(String),
    /// Of the currency the others are rated in.
    OfItself(String),
    /// The tape has them, or later ones, of this pair from the same source: an earlier import.
    OnTape {
        /// Which pair.
        pair: CurrencyPair,
        /// The moment the last one speaks of.
        last: String,
    },
    /// The tape has a later one of this pair from somebody else.
    LaterOnTape {
        /// Which pair.
        pair: CurrencyPair,
        /// The moment the last one speaks of.
        last: String,
    },
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutsideDates => f.write_str("their days are outside --from and --to"),
            Self::NoRate(currency) => write!(f, "the file has none of {currency} for these days (N/A)"),
            Self::UnknownCurrency(code) => write!(f, "{code} is not a currency of ISO 4217, or no longer"),
            Self::OfItself(code) => write!(f, "{code} is what the others are rated in"),
            Self::OnTape { pair, last } => write!(f, "the tape has {pair} from this source up to {last}"),
            Self::LaterOnTape { pair, last } => write!(f, "the tape's last rate of {pair} is of {last}"),
        }
    }
}

/// How many rates were left out for one reason, and of which days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SkippedDays {
    pub(super) count: u64,
    pub(super) first: Date,
    pub(super) last: Date,
}

/// All that was left out.
#[derive(Debug, Default)]
pub(super) struct Skips {
    by_reason: BTreeMap<Skipped, SkippedDays>,
}

impl Skips {
    /// Counts one rate of this day.
    pub(super) fn add(&mut self, reason: Skipped, date: Date) {
        let days = self.by_reason.entry(reason).or_insert(SkippedDays { count: 0, first: date, last: date });
        days.count += 1;
        (days.first, days.last) = (days.first.min(date), days.last.max(date));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Skipped, &SkippedDays)> {
        self.by_reason.iter()
    }
}

/// Why a file is not what its format says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// A line that cannot be read.
    #[error("line {line}: {what}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A currency that was asked for and is not there.
    #[error("there are no rates of {0}")]
    NoSuchCurrency(Currency),
    /// Two rates where there can be one.
    #[error("it has two different rates of {pair} for {date}")]
    Contradiction {
        /// Of which day.
        date: Date,
        /// Of which pair.
        pair: CurrencyPair,
    },
}

impl Malformed {
    pub(super) fn line(line: usize, what: impl Into<String>) -> Self {
        Self::Line { line, what: what.into() }
    }
}
