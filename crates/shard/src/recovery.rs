//! From the journal's records back to the state.

use std::sync::Arc;

use domain::{Lsn, Record};
use engine::Engine;
use wire::journal::DecodeError;

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
}

/// An engine in the making: give it every record of the journal in order.
#[derive(Debug, Default)]
pub struct Recovery {
    engine: Engine,
}

impl Recovery {
    /// Folds the next record and returns it, for whoever else wants to see it.
    ///
    /// # Errors
    /// When the bytes are not a record of that place.
    ///
    /// # Panics
    /// When folding breaks an invariant: the books do not balance and the daemon must not start.
    pub fn fold(&mut self, lsn: Lsn, bytes: &[u8]) -> Result<Arc<Record>, RecoveryError> {
        let record = wire::journal::decode(bytes).map_err(|source| RecoveryError::Undecodable { lsn, source })?;
        if record.lsn != lsn {
            return Err(RecoveryError::Misplaced { lsn, says: record.lsn });
        }
        let record = Arc::new(record);
        self.engine.apply(&record);
        Ok(record)
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
