//! What is logged: a stamped command and its event.

use crate::{Command, Event, IdempotencyKey, Lsn, Timestamp};

/// A command with the caller's key, on its way to the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The caller's key; `None` for commands the switch gives itself and never repeats blindly.
    pub key: Option<IdempotencyKey>,
    /// What is asked.
    pub command: Command,
}

/// Something with its place in the log and its time. The time comes from the shard's sequencer and from nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped<T> {
    /// The position its record will have if there is one.
    pub lsn: Lsn,
    /// When it is decided.
    pub at: Timestamp,
    /// What is decided.
    pub command: T,
}

/// One record of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its position.
    pub lsn: Lsn,
    /// When it was decided; rises strictly with `lsn`.
    pub at: Timestamp,
    /// The caller's key.
    pub key: Option<IdempotencyKey>,
    /// What was asked.
    pub command: Command,
    /// What happened.
    pub event: Event,
}

impl Stamped<Submission> {
    /// The record of this command, given what happened.
    #[must_use]
    pub fn into_record(self, event: Event) -> Record {
        let Submission { key, command } = self.command;
        Record { lsn: self.lsn, at: self.at, key, command, event }
    }
}
