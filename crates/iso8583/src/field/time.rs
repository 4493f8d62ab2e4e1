//! When a message was sent.

use core::fmt;

use super::{Value, text::Parts};

/// When a message was sent, in UTC, as month, day, hour, minute and second (ISO 8583:1987 DE 7, `n10`, MMDDhhmmss). The
/// year is not told: 29 February is always taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransmissionTime {
    // Each within its range; the day within its month.
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl TransmissionTime {
    /// This time, or `None` when no clock shows it. There is no second 60.
    #[must_use]
    pub const fn new(month: u8, day: u8, hour: u8, minute: u8, second: u8) -> Option<Self> {
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 => 29,
            _ => 0,
        };
        if day == 0 || day > days || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        Some(Self { month, day, hour, minute, second })
    }

    /// 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// 1 to 31.
    #[must_use]
    pub const fn day(self) -> u8 {
        self.day
    }

    /// 0 to 23.
    #[must_use]
    pub const fn hour(self) -> u8 {
        self.hour
    }

    /// 0 to 59.
    #[must_use]
    pub const fn minute(self) -> u8 {
        self.minute
    }

    /// 0 to 59.
    #[must_use]
    pub const fn second(self) -> u8 {
        self.second
    }
}

impl Value for TransmissionTime {
    const SHAPE: &'static str = "a time as MMDDhhmmss";

    fn parse(text: &[u8]) -> Option<Self> {
        let mut parts = Parts(text);
        let mut next = || parts.number(2);
        let time = Self::new(next()?, next()?, next()?, next()?, next()?)?;
        parts.end(time)
    }

    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let Self { month, day, hour, minute, second } = self;
        write!(out, "{month:02}{day:02}{hour:02}{minute:02}{second:02}")
    }
}
