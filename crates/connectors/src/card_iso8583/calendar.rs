//! Moments as DE 7 has them.

use domain::Timestamp;
use iso8583::field::TransmissionTime;

const MICROS_OF_SECOND: i64 = 1_000_000;
const SECONDS_OF_DAY: i64 = 86_400;
const DAYS_OF_400_YEARS: i64 = 146_097;
/// From 0000-03-01 to 1970-01-01.
const DAYS_BEFORE_EPOCH: i64 = 719_468;
const DAYS_OF_YEAR: i64 = 365;
/// March to July, and August to December again, have 31, 30, 31, 30 and 31 days; January begins a third such row.
const DAYS_OF_FIVE_MONTHS: i64 = 153;

/// The second this moment is in, in UTC (ISO 8583:1987 DE 7), in the proleptic Gregorian calendar.
pub(crate) fn transmission_time(at: Timestamp) -> TransmissionTime {
    let seconds = at.micros().div_euclid(MICROS_OF_SECOND);
    let (month, day) = month_and_day(seconds.div_euclid(SECONDS_OF_DAY));
    let of_day = seconds.rem_euclid(SECONDS_OF_DAY);
    let small = |number: i64| u8::try_from(number).ok();
    let parts = || {
        let (hour, minute, second) = (small(of_day / 3_600)?, small(of_day / 60 % 60)?, small(of_day % 60)?);
        TransmissionTime::new(small(month)?, small(day)?, hour, minute, second)
    };
    parts().expect("every second has a month, a day and a time that a clock shows")
}

/// The month, from 1, and its day, from 1, of a day that is counted from 1970-01-01.
const fn month_and_day(day: i64) -> (i64, i64) {
    // Years that begin in March end with their leap day.
    let of_era = day.saturating_add(DAYS_BEFORE_EPOCH).rem_euclid(DAYS_OF_400_YEARS);
    let leap_days = of_era / 1_460 - of_era / 36_524 + of_era / (DAYS_OF_400_YEARS - 1);
    let year = (of_era - leap_days) / DAYS_OF_YEAR;
    let of_year = of_era - (DAYS_OF_YEAR * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / DAYS_OF_FIVE_MONTHS;
    let of_month = of_year - (DAYS_OF_FIVE_MONTHS * from_march + 2) / 5;
    (if from_march < 10 { from_march + 3 } else { from_march - 9 }, of_month + 1)
}

#[cfg(test)]
mod tests {
    use iso8583::field::Value;

    use super::*;

    fn written(micros: i64) -> String {
        let mut text = String::new();
        transmission_time(Timestamp::from_micros(micros)).write(&mut text).unwrap();
        text
    }

    #[test]
    fn moments_of_known_dates() {
        for (seconds, expected) in [
            (0, "0101000000"),
            (-1, "1231235959"),
            (951_782_400, "0229000000"),
            (951_868_799, "0229235959"),
            (951_868_800, "0301000000"),
            // 2100 is no leap year.
            (4_107_542_399, "0228235959"),
            (4_107_542_400, "0301000000"),
            (1_795_716_123, "1126180203"),
        ] {
            assert_eq!(written(seconds * MICROS_OF_SECOND), expected, "{seconds}");
            assert_eq!(written(seconds * MICROS_OF_SECOND + 999_999), expected, "{seconds}");
        }
        for end in [i64::MIN, i64::MAX] {
            assert_eq!(written(end).len(), 10);
        }
    }

    #[test]
    fn days_follow_each_other_for_four_centuries() {
        let lengths = |year: i64| {
            let leap = i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
            [31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        };
        let mut day = 0;
        for year in 1970..2370 {
            for (month, length) in (1..).zip(lengths(year)) {
                for of_month in 1..=length {
                    assert_eq!(month_and_day(day), (month, of_month), "{year}");
                    day += 1;
                }
            }
        }
        assert_eq!(day, DAYS_OF_400_YEARS);
    }
}
