//! The end of a list in memory, while its beginning is in the index.

use std::{collections::VecDeque, ops::Range};

/// Rows with the indexes 0, 1, 2 … of which the first may be in the index only.
#[derive(Debug)]
pub(crate) struct Tail<T> {
    /// The index of the first row that is kept here.
    first: usize,
    kept: VecDeque<T>,
}

/// Consecutive rows: those to be read from the index, and those that follow them.
#[derive(Debug)]
pub(crate) struct Part<T> {
    pub(crate) in_index: Range<u64>,
    pub(crate) kept: Vec<T>,
}

impl<T> Default for Tail<T> {
    fn default() -> Self {
        Self::behind(0)
    }
}

impl<T> Tail<T> {
    /// The end of a list whose rows up to now, so many, are in the index.
    pub(crate) const fn behind(count: usize) -> Self {
        Self { first: count, kept: VecDeque::new() }
    }

    /// How many rows the list has.
    pub(crate) fn len(&self) -> usize {
        self.first.saturating_add(self.kept.len())
    }

    /// Whether all of it is in the index.
    pub(crate) fn is_behind(&self) -> bool {
        self.kept.is_empty()
    }

    /// Adds a row and returns its index.
    pub(crate) fn push(&mut self, row: T) -> u64 {
        let index = number(self.len());
        self.kept.push_back(row);
        index
    }

    /// Drops the rows from the front that are old; they are in the index.
    pub(crate) fn forget(&mut self, is_old: impl Fn(&T) -> bool) {
        while self.kept.front().is_some_and(&is_old) {
            self.kept.pop_front();
            self.first = self.first.saturating_add(1);
        }
    }
}

impl<T: Clone> Tail<T> {
    /// The rows of this range, which ends where the list does or before.
    pub(crate) fn part(&self, range: Range<usize>) -> Part<T> {
        let in_index = range.start.min(self.first)..range.end.min(self.first);
        let kept = range.start.saturating_sub(self.first)..range.end.saturating_sub(self.first);
        let kept = self.kept.iter().skip(kept.start).take(kept.len()).cloned().collect();
        Part { in_index: number(in_index.start)..number(in_index.end), kept }
    }
}

fn number(index: usize) -> u64 {
    u64::try_from(index).expect("an index fits 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_forgotten_is_to_be_read_from_the_index() {
        let mut tail = Tail::behind(2);
        for row in 2..8_u64 {
            assert_eq!(tail.push(row), row);
        }
        let check = |tail: &Tail<u64>, range: Range<usize>, in_index: Range<u64>, kept: &[u64]| {
            let part = tail.part(range);
            assert_eq!((part.in_index.collect::<Vec<_>>(), part.kept.as_slice()), (in_index.collect(), kept));
        };
        check(&tail, 0..8, 0..2, &[2, 3, 4, 5, 6, 7]);
        tail.forget(|row| *row < 5);
        assert_eq!(tail.len(), 8);
        check(&tail, 0..8, 0..5, &[5, 6, 7]);
        check(&tail, 3..6, 3..5, &[5]);
        check(&tail, 6..8, 0..0, &[6, 7]);
        check(&tail, 1..3, 1..3, &[]);
        check(&tail, 8..8, 0..0, &[]);
        tail.forget(|_| true);
        check(&tail, 7..8, 7..8, &[]);
        assert_eq!(tail.push(8), 8);
    }
}
