//! One line on a terminal's standard error while a load runs.

use std::time::{Duration, Instant};

use tokio::task::{JoinHandle, LocalSet};

use crate::terminal::{self, write_line};
use crate::words;

/// How often the line is written again.
const EVERY: Duration = Duration::from_millis(500);

/// The line; gone when the load is.
#[derive(Debug)]
pub(super) struct Progress {
    task: Option<JoinHandle<()>>,
}

impl Progress {
    /// Shows what `count` says. Where standard error is no terminal, nothing is written.
    pub(super) fn start(tasks: &LocalSet, noun: &'static str, count: impl Fn() -> u64 + 'static) -> Self {
        if !terminal::is_there() {
            return Self { task: None };
        }
        let task = tasks.spawn_local(async move {
            let (mut last, mut at) = (0, Instant::now());
            loop {
                tokio::time::sleep(EVERY).await;
                let (now, done) = (Instant::now(), count());
                let rate = per_second(done.saturating_sub(last), now.duration_since(at));
                write_line(&format!("{} {noun}, {}/s now", words::count(done), words::count(rate)));
                (last, at) = (done, now);
            }
        });
        Self { task: Some(task) }
    }

    /// Takes the line away.
    pub(super) fn stop(self) {
        if let Some(task) = self.task {
            task.abort();
            write_line("");
        }
    }
}

/// Whole events in each second.
pub(super) fn per_second(events: u64, elapsed: Duration) -> u64 {
    let nanos = elapsed.as_nanos().max(1);
    u64::try_from(u128::from(events) * 1_000_000_000 / nanos).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_events_over_time() {
        assert_eq!(per_second(500, Duration::from_millis(250)), 2_000);
        assert_eq!(per_second(1, Duration::ZERO), 1_000_000_000);
    }
}
