//! Times in the books file: `2026-11-26T17:30:00.123456Z`, always so long, so that lines of the file sort by time.

use std::fmt;

use domain::Timestamp;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// Days from 0000-03-01 to 1970-01-01, in the Gregorian calendar carried back.
const DAYS_TO_EPOCH: i64 = 719_468;
/// Days of 400 years, after which the calendar begins again.
const DAYS_PER_ERA: i64 = 146_097;
const YEAR_MAX: i64 = 9999;
const LENGTH: usize = "2026-11-26T17:30:00.123456Z".len();

/// A time as it is written.
pub(super) struct Moment(pub(super) Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.micros();
        let seconds = micros.div_euclid(MICROS_PER_SECOND);
        let (year, month, day) = self.0.date();
        let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let [hour, minute, second] = [second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60];
        let micro = micros.rem_euclid(MICROS_PER_SECOND);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micro:06}Z")
    }
}

/// Reads what was written, or `None` when that is no time of a year of four digits.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    if text.len() != LENGTH || !text.is_ascii() {
        return None;
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok().map(i64::from);
    let days = days(number(0, 4)?, number(5, 7)?, number(8, 10)?)?;
    let seconds = days.checked_mul(SECONDS_PER_DAY)?.checked_add(
        number(11, 13)?
            .checked_mul(3600)?
            .checked_add(number(14, 16)?.checked_mul(60)?)?
            .checked_add(number(17, 19)?)?,
    )?;
    let at = Timestamp::from_micros(seconds.checked_mul(MICROS_PER_SECOND)?.checked_add(number(20, 26)?)?);
    // Whatever is no date, no time or not written so is another text once it is written.
    (Moment(at).to_string() == text).then_some(at)
}

fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(0..=YEAR_MAX).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month < 3 { year.checked_sub(1)? } else { year };
    let month_from_march = month.checked_add(9)?.checked_rem(12)?;
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = month_start(month_from_march).checked_add(day)?.checked_sub(1)?;
    let day_of_era = days_before(year_of_era).checked_add(day_of_year)?;
    era.checked_mul(DAYS_PER_ERA)?.checked_add(day_of_era)?.checked_sub(DAYS_TO_EPOCH)
}

/// Days of so many years from March on: 365 each, and those that are leap years.
const fn days_before(years: i64) -> i64 {
    years.saturating_mul(365).saturating_add(years / 4).saturating_sub(years / 100)
}

/// Days before a month, March being 0: 31, 30, 31, 30, 31, and again.
const fn month_start(month_from_march: i64) -> i64 {
    month_from_march.saturating_mul(153).saturating_add(2) / 5
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_moments_are_written_and_read() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399_999_999, "2000-02-28T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (951_868_800_000_000, "2000-03-01T00:00:00.000000Z"),
            (1_795_714_179_000_001, "2026-11-26T17:29:39.000001Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(Moment(Timestamp::from_micros(micros)).to_string(), text);
            assert_eq!(parse(text), Some(Timestamp::from_micros(micros)));
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2026-11-26",
            "2026-02-29T00:00:00.000000Z",
            "2026-13-01T00:00:00.000000Z",
            "2026-01-01T24:00:00.000000Z",
            "2026-01-01T00:60:00.000000Z",
            "2026-01-01 00:00:00.000000Z",
            "2026-01-01T00:00:00.+00001Z",
            "2026-01-01T00:00:00.00000é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_is_read_as_it_was_written(micros in -62_167_219_200_000_000_i64..253_402_300_800_000_000) {
            let at = Timestamp::from_micros(micros);
            prop_assert_eq!(parse(&Moment(at).to_string()), Some(at));
        }

        #[test]
        fn no_text_and_no_moment_panics(text in ".{0,30}", micros in any::<i64>()) {
            let _ = (parse(&text), Moment(Timestamp::from_micros(micros)).to_string());
        }
    }
}
