//! From the journal's records back to the state.

use std::sync::Arc;

use domain::{Lsn, Record};
use engine::Engine;
use wire::journal::DecodeError;

use crate::{Past, PastError};

/// Why a record of an undamaged journal could not be folded.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// Its bytes are not a record this version knows.
    #[error("cannot decode the record at lsn {lsn}")]
    Undecodable {
        /// Where it stands.
        lsn: Lsn,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// It says it stands elsewhere.
    #[error("the record at lsn {lsn} says it stands at {says}")]
    Misplaced {
        /// Where it stands.
        lsn: Lsn,
        /// Where it says it stands.
        says: Lsn,
    },
    /// It is about something that was forgotten and cannot be had.
    #[error("cannot recall what the record at lsn {lsn} is about")]
    Forgotten {
        /// Where it stands.
        lsn: Lsn,
        /// Why not.
        source: PastError,
    },
}

/// An engine in the making: give it every record of the journal in order, or those behind a snapshot.
#[derive(Debug, Default)]
pub struct Recovery {
    engine: Engine,
    past: Option<Past>,
}

impl Recovery {
    /// Goes on from where this engine stands; what it has forgotten is found in the past.
    #[must_use]
    pub const fn after(engine: Engine, past: Past) -> Self {
        Self { engine, past: Some(past) }
    }

    /// Folds the next record and returns it, for whoever else wants to see it.
    ///
    /// # Errors
    /// When the bytes are not a record of that place, or what it is about cannot be recalled.
    ///
    /// # Panics
    /// When folding breaks an invariant: the books do not balance and the daemon must not start.
    pub fn fold(&mut self, lsn: Lsn, bytes: &[u8]) -> Result<Arc<Record>, RecoveryError> {
        let record = wire::journal::decode(bytes).map_err(|source| RecoveryError::Undecodable { lsn, source })?;
        if record.lsn != lsn {
            return Err(RecoveryError::Misplaced { lsn, says: record.lsn });
        }
        let record = Arc::new(record);
        if let Some(past) = &self.past {
            let recalled = past.recall_before(&mut self.engine, &record);
            recalled.map_err(|source| RecoveryError::Forgotten { lsn, source })?;
        }
        self.engine.apply(&record);
        Ok(record)
    }

    /// Forgets what the index has, but for what a running engine would remember.
    pub fn forget(&mut self) {
        if let Some(past) = &self.past {
            past.forget(&mut self.engine);
        }
    }

    /// Forgets all that the index has.
    pub(crate) fn forget_all(&mut self) {
        if let Some(past) = &self.past {
            past.forget_all_but(&mut self.engine, 0);
        }
    }

    /// The engine as it stood, after a full sum of every account.
    ///
    /// # Panics
    /// When a currency does not sum to zero.
    #[must_use]
    pub fn finish(self) -> Engine {
        self.engine.assert_conserved();
        self.engine
    }
}
