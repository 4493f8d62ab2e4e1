//! CPU time.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time used up to a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    client: Duration,
    server: Option<Duration>,
}

/// CPU time used between two readings, or several times; the daemon's is `None` where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// By this process.
    pub(super) client: Duration,
    /// By the daemon.
    pub(super) server: Option<Duration>,
}

impl Reading {
    /// As things are, with what is known of the daemon.
    pub(super) fn now(server: Option<Duration>) -> Self {
        let own = clock_gettime(ClockId::ProcessCPUTime);
        let client = Duration::try_from(own).expect("no process has used less than no time");
        Self { client, server }
    }

    /// What was used since `before`.
    pub(super) fn since(self, before: Self) -> Used {
        let server = self.server.zip(before.server).map(|(now, before)| now.saturating_sub(before));
        Used { client: self.client.saturating_sub(before.client), server }
    }
}

impl Used {
    /// Both together.
    pub(super) fn plus(self, other: Self) -> Self {
        let server = self.server.zip(other.server).map(|(one, other)| one + other);
        Self { client: self.client + other.client, server }
    }
}

/// Microseconds of CPU time for each of so many calls; `None` without a call.
pub(super) fn us_per_call(used: Duration, calls: u64) -> Option<f64> {
    (calls > 0).then(|| used.as_secs_f64() * 1_000_000.0 / calls as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_known_once_is_not_known() {
        let known = |micros| Reading::now(Some(Duration::from_micros(micros)));
        assert_eq!(known(5).since(Reading::now(None)).server, None);
        let used = known(9).since(known(5));
        assert_eq!(used.server, Some(Duration::from_micros(4)));
        assert_eq!(used.plus(used).server, Some(Duration::from_micros(8)));
        assert_eq!(used.plus(Used::default()).server, None);
    }

    #[test]
    fn time_is_shared_by_the_calls() {
        assert_eq!(us_per_call(Duration::from_millis(3), 1_000), Some(3.0));
        assert_eq!(us_per_call(Duration::from_millis(3), 0), None);
    }
}
