//! CPU time.

use std::fs;
use std::time::Duration;

/// Ticks in a second of the times in `/proc`: `USER_HZ`, which the kernel keeps at 100 for all programs.
const TICKS_PER_SECOND: u64 = 100;

/// CPU time used up to a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    client: Option<Duration>,
    server: Option<Duration>,
}

/// CPU time used between two readings; `None` where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Used {
    /// By this process.
    pub(super) client: Option<Duration>,
    /// By the daemon.
    pub(super) server: Option<Duration>,
}

impl Reading {
    /// As things are, with what the daemon said of itself in microseconds.
    pub(super) fn now(server_us: Option<u64>) -> Self {
        let own = fs::read_to_string("/proc/self/stat").ok();
        Self { client: own.as_deref().and_then(parse_stat), server: server_us.map(Duration::from_micros) }
    }

    /// What was used since `before`.
    pub(super) fn since(self, before: Self) -> Used {
        let used = |after: Option<Duration>, before: Option<Duration>| Some(after?.saturating_sub(before?));
        Used { client: used(self.client, before.client), server: used(self.server, before.server) }
    }
}

/// Time in the program and in the kernel from a line of `/proc/PID/stat`, fields 14 and 15 of proc(5). The name in field 2 may hold
/// spaces and parentheses, so counting begins behind its last one.
fn parse_stat(line: &str) -> Option<Duration> {
    let (_, fields) = line.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let program: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((program + kernel) * 1_000 / TICKS_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_in_the_program_and_in_the_kernel_is_added() {
        let line = "42 (a (b) c) R 1 42 42 0 -1 4194304 1 0 0 0 250 50 0 0 20 0 1 0 100 0 0";
        assert_eq!(parse_stat(line), Some(Duration::from_secs(3)));
        assert_eq!(parse_stat("nonsense"), None);
    }

    #[test]
    fn what_was_not_known_once_is_not_known() {
        let (known, unknown) = (Reading::now(Some(5)), Reading::now(None));
        assert_eq!(known.since(unknown).server, None);
        assert_eq!(Reading::now(Some(9)).since(known).server, Some(Duration::from_micros(4)));
    }
}
