//! File descriptors: peers get what the switch itself does not need.
//!
//! Whoever connects takes one, with or without a key. Without a bound peers could take the one that the journal needs for
//! its next segment.

use index::OPEN_FILES_MAX;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::start::StartError;

/// Segments, snapshots, archive, lock, listeners, metrics, runtimes, standard streams, and whoever reads the metrics.
const FILES_BESIDE_INDEX: usize = 64;
/// What the switch itself may have open at a time.
const RESERVED: usize = OPEN_FILES_MAX + FILES_BESIDE_INDEX;
/// One for merchants and wallets, one for operators.
const LISTENERS: usize = 2;

/// How many connections each listener may have, at most as many as wanted. Raises what the process may have open as far as
/// it is allowed to.
///
/// # Errors
/// When not even a few are left.
pub(crate) fn connections_max(wanted: usize) -> Result<usize, StartError> {
    let allowed = raised();
    let each = allowed.saturating_sub(RESERVED) / LISTENERS;
    if each == 0 {
        return Err(StartError::TooFewDescriptors { allowed, needed: RESERVED + LISTENERS });
    }
    if each < wanted {
        tracing::warn!(
            allowed,
            connections_max = each,
            wanted,
            "fewer connections than configured: the process may not have more files open"
        );
    }
    Ok(each.min(wanted))
}

/// How many files the process may have open.
fn raised() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let allowed = if setrlimit(Resource::Nofile, raised).is_ok() { maximum } else { current };
    allowed.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
}
