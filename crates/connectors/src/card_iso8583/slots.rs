//! Which lines are up, and how much is in flight on each.

use std::collections::{BTreeSet, HashMap};

use domain::{Lsn, Timestamp};

/// The windows of all lines.
#[derive(Debug)]
pub(crate) struct Slots {
    window: usize,
    /// What is in flight on each line; `None` while it is not signed on.
    lines: Vec<Option<usize>>,
    held: HashMap<Lsn, (usize, Timestamp)>,
    by_end: BTreeSet<(Timestamp, Lsn)>,
}

impl Slots {
    /// So many lines, none of them up.
    pub(crate) fn new(lines: usize, window: usize) -> Self {
        Self { window, lines: vec![None; lines], held: HashMap::new(), by_end: BTreeSet::new() }
    }

    /// The line is signed on, with nothing in flight.
    pub(crate) fn up(&mut self, line: usize) {
        self.down(line);
        if let Some(in_flight) = self.lines.get_mut(line) {
            *in_flight = Some(0);
        }
    }

    /// The line is gone, and with it what was in flight on it.
    pub(crate) fn down(&mut self, line: usize) {
        if let Some(in_flight) = self.lines.get_mut(line) {
            *in_flight = None;
        }
        self.held.retain(|_, (on, _)| *on != line);
        self.by_end.retain(|(_, lsn)| self.held.contains_key(lsn));
    }

    /// Lines that are up.
    pub(crate) fn lines_up(&self) -> usize {
        self.lines.iter().flatten().count()
    }

    /// Whether there is room on some line.
    pub(crate) fn has_room(&self) -> bool {
        self.emptiest().is_some()
    }

    /// The line to write this message on, of those with room the one with the fewest in flight. Its slot is held until it is
    /// released, or until then.
    pub(crate) fn take(&mut self, lsn: Lsn, until: Timestamp) -> Option<usize> {
        self.release(lsn);
        let line = self.emptiest()?;
        let in_flight = self.lines.get_mut(line)?.as_mut()?;
        *in_flight = in_flight.saturating_add(1);
        self.held.insert(lsn, (line, until));
        self.by_end.insert((until, lsn));
        Some(line)
    }

    /// Gives back the slot of a message, if it holds one.
    pub(crate) fn release(&mut self, lsn: Lsn) {
        let Some((line, until)) = self.held.remove(&lsn) else { return };
        self.by_end.remove(&(until, lsn));
        if let Some(Some(in_flight)) = self.lines.get_mut(line) {
            *in_flight = in_flight.saturating_sub(1);
        }
    }

    /// Gives back the slots whose end has passed.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        while let Some((_, lsn)) = self.by_end.first().copied().filter(|(until, _)| *until <= now) {
            self.release(lsn);
        }
    }

    /// When the next slot ends.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.by_end.first().map(|(until, _)| *until)
    }

    fn emptiest(&self) -> Option<usize> {
        let up = self.lines.iter().enumerate().filter_map(|(line, in_flight)| Some((line, (*in_flight)?)));
        up.filter(|(_, in_flight)| *in_flight < self.window)
            .min_by_key(|(_, in_flight)| *in_flight)
            .map(|(line, _)| line)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::EPOCH.plus_millis(millis)
    }

    #[test]
    fn the_line_with_the_fewest_in_flight_is_taken() {
        let mut slots = Slots::new(3, 2);
        assert!(!slots.has_room());
        assert_eq!(slots.take(Lsn::new(1), at(10)), None);
        slots.up(0);
        slots.up(2);
        let taken: Vec<_> = (1..=5).map(|lsn| slots.take(Lsn::new(lsn), at(10))).collect();
        assert_eq!(taken, [Some(0), Some(2), Some(0), Some(2), None]);
        assert_eq!(slots.lines_up(), 2);
        slots.release(Lsn::new(4));
        assert_eq!(slots.take(Lsn::new(6), at(11)), Some(2));
        slots.down(2);
        slots.up(2);
        assert_eq!(slots.take(Lsn::new(7), at(12)), Some(2));
        slots.expire(at(10));
        assert_eq!((slots.take(Lsn::new(8), at(13)), slots.next_due()), (Some(0), Some(at(12))));
    }

    proptest! {
        #[test]
        fn what_is_in_flight_is_what_is_held(steps in prop::collection::vec((0_u8..5, 0_u64..12, 0_i64..40), 0..200)) {
            let mut slots = Slots::new(3, 3);
            for (step, number, millis) in steps {
                let line = usize::try_from(number % 3).unwrap();
                match step {
                    0 => slots.up(line),
                    1 => slots.down(line),
                    2 => drop(slots.take(Lsn::new(number), at(millis))),
                    3 => slots.release(Lsn::new(number)),
                    _ => slots.expire(at(millis)),
                }
                for (line, in_flight) in slots.lines.iter().enumerate() {
                    let held = slots.held.values().filter(|(on, _)| *on == line).count();
                    prop_assert_eq!(in_flight.unwrap_or_default(), held);
                    prop_assert!(held <= 3);
                }
                prop_assert_eq!(slots.by_end.len(), slots.held.len());
            }
        }
    }
}
