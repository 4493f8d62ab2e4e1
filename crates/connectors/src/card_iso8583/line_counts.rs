//! How the lines to a network stand, for whoever shows it.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Lines and what waits for them, as the connector last looked: at most a second ago.
#[derive(Debug)]
pub struct LineCounts {
    lines: usize,
    lines_up: AtomicUsize,
    messages_waiting: AtomicUsize,
}

impl LineCounts {
    pub(crate) const fn of(lines: usize) -> Self {
        Self { lines, lines_up: AtomicUsize::new(0), messages_waiting: AtomicUsize::new(0) }
    }

    /// Lines that are kept up.
    #[must_use]
    pub const fn lines(&self) -> usize {
        self.lines
    }

    /// Lines that are signed on.
    #[must_use]
    pub fn lines_up(&self) -> usize {
        self.lines_up.load(Relaxed)
    }

    /// Advices that the network has not taken, and requests that wait for a place in a window.
    #[must_use]
    pub fn messages_waiting(&self) -> usize {
        self.messages_waiting.load(Relaxed)
    }

    pub(crate) fn shows(&self, lines_up: usize, messages_waiting: usize) {
        self.lines_up.store(lines_up, Relaxed);
        self.messages_waiting.store(messages_waiting, Relaxed);
    }
}
