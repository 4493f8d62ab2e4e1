//! Moments as DE 7 has them.

use domain::Timestamp;
use iso8583::field::TransmissionTime;

const MICROS_OF_SECOND: i64 = 1_000_000;
const SECONDS_OF_DAY: i64 = 86_400;

/// The second this moment is in, in UTC (ISO 8583:1987 DE 7), in the proleptic Gregorian calendar.
pub(crate) fn transmission_time(at: Timestamp) -> TransmissionTime {
    let (_, month, day) = at.date();
    let of_day = at.micros().div_euclid(MICROS_OF_SECOND).rem_euclid(SECONDS_OF_DAY);
    let small = |number: i64| u8::try_from(number).ok();
    let parts = || {
        let (hour, minute, second) = (small(of_day / 3_600)?, small(of_day / 60 % 60)?, small(of_day % 60)?);
        TransmissionTime::new(month, day, hour, minute, second)
    };
    parts().expect("every second has a month, a day and a time that a clock shows")
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
}
