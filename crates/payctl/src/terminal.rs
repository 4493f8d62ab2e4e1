//! One line on a terminal's standard error that is written over and over.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Whether standard error is a terminal; elsewhere no such line is written.
pub(crate) fn is_there() -> bool {
    io::stderr().is_terminal()
}

/// Writes over the line. A terminal that is gone is no reason to stop.
pub(crate) fn write_line(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "\r\x1b[K{text}").and_then(|()| stderr.flush());
}

/// The line while something is under way; gone when this is.
#[derive(Debug)]
pub(crate) struct StatusLine {
    is_there: bool,
    every: Duration,
    due: Option<Instant>,
}

impl StatusLine {
    /// Writes at most once in this time.
    pub(crate) fn new(every: Duration) -> Self {
        Self { is_there: is_there(), every, due: None }
    }

    /// Writes nothing: for who writes lines of its own.
    pub(crate) fn none() -> Self {
        Self { is_there: false, every: Duration::ZERO, due: None }
    }

    /// Shows what `text` says, unless it showed something a moment ago.
    pub(crate) fn show(&mut self, now: Instant, text: impl FnOnce() -> String) {
        if self.is_there && self.due.is_none_or(|due| now >= due) {
            write_line(&text());
            self.due = now.checked_add(self.every);
        }
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        if self.due.is_some() {
            write_line("");
        }
    }
}
