//! Where in the log, and when.

use core::fmt;

/// A log sequence number: the position of one record in a shard's journal. The first record has lsn 1;
/// [`Lsn::ZERO`] is the position before it. There are no gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(u64);

impl Lsn {
    /// The position before the first record.
    pub const ZERO: Self = Self(0);

    /// The position with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number of this position.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position after this one.
    ///
    /// # Panics
    /// After 2^64 − 1 records, which no disk holds.
    #[must_use]
    pub const fn next(self) -> Self {
        match self.0.checked_add(1) {
            Some(number) => Self(number),
            None => panic!("a journal holds fewer than 2^64 records"),
        }
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far a journal had come, and the digest of all it held up to there: each batch's digest takes in the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainMark {
    /// The last record of a durable batch.
    pub lsn: Lsn,
    /// The chain digest right after that batch.
    pub digest: [u8; 32],
}

/// A moment: microseconds since 1970-01-01T00:00:00Z, leap seconds not counted. The engine only ever sees moments
/// that came in with a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The moment this many microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This moment moved by `millis` milliseconds; stops at the ends of the representable range.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis.saturating_mul(1000)))
    }

    /// Year, month (1 to 12) and day (1 to 31) of this moment, UTC, in the proleptic Gregorian calendar.
    #[must_use]
    pub const fn date(self) -> (i64, u8, u8) {
        const MICROS_PER_DAY: i64 = 24 * 60 * 60 * 1_000_000;
        date_of_day(self.0.div_euclid(MICROS_PER_DAY))
    }

    /// Whole milliseconds from `earlier` to this moment, rounded down; negative when `earlier` is later.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0).div_euclid(1000)
    }
}

/// Year, month (1 to 12) and day (1 to 31) of a day that is counted from 1970-01-01, in the proleptic Gregorian calendar.
#[must_use]
pub const fn date_of_day(day: i64) -> (i64, u8, u8) {
    const DAYS_OF_400_YEARS: i64 = 146_097;
    // Years that begin in March end with their leap day.
    let shifted = day.saturating_add(719_468);
    let (era, of_era) = (shifted.div_euclid(DAYS_OF_400_YEARS), shifted.rem_euclid(DAYS_OF_400_YEARS));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / (DAYS_OF_400_YEARS - 1)) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Five months from March on have 153 days, and so have the next five.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let (month, later) = if month_from_march < 10 { (month_from_march + 3, 0) } else { (month_from_march - 9, 1) };
    (year_of_era + era * 400 + later, small(month), small(day_of_month))
}

/// A number of at most 31.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 1 to 31")]
const fn small(number: i64) -> u8 {
    number as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_calendar() {
        for (day, date) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (58, (1970, 2, 28)),
            (59, (1970, 3, 1)),
            (789, (1972, 2, 29)),
            (11_016, (2000, 2, 29)),
            (11_322, (2000, 12, 31)),
            (11_323, (2001, 1, 1)),
            (20_453, (2025, 12, 31)),
            (20_454, (2026, 1, 1)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(date_of_day(day), date, "{day}");
        }
        assert_eq!(Timestamp::from_micros(-1).date(), (1969, 12, 31));
    }

    #[test]
    fn every_day_of_eight_centuries_is_the_one_after_the_day_before() {
        let mut before = date_of_day(-150_000);
        for day in -149_999..150_000 {
            let (year, month, day_of_month) = date_of_day(day);
            let next_day = (before.0, before.1, before.2 + 1) == (year, month, day_of_month);
            let next_month = day_of_month == 1
                && before.2 >= 28
                && (before.0 * 12 + i64::from(before.1) + 1) == (year * 12 + i64::from(month));
            assert!(next_day || next_month, "{day}");
            before = (year, month, day_of_month);
        }
    }
}
