//! A stream of what happens to payments.

use tonic::Streaming;
use wire::v1::WatchResponse;

use crate::{Address, Error};

/// What happens to payments, record by record, from [`Client::watch`](crate::Client::watch). It has no deadline and ends
/// when the daemon ends it or the connection breaks; dropping it ends it too.
///
/// It does not ask again by itself. A caller that was cut off watches once more from [`last_lsn`](Self::last_lsn) on:
/// what it then gets follows what it had, without gap or duplicate.
#[derive(Debug)]
pub struct Watch {
    address: Address,
    stream: Streaming<WatchResponse>,
    last_lsn: u64,
}

impl Watch {
    pub(crate) fn new(address: Address, stream: Streaming<WatchResponse>, after_lsn: u64) -> Self {
        Self { address, stream, last_lsn: after_lsn }
    }

    /// What the next record did, or how far the log has come; `None` when the daemon ended the stream. Waits as long as
    /// nothing happens, and may be dropped while it does without losing anything.
    ///
    /// # Errors
    /// As every call; the stream has then ended. A caller that reads too slowly is refused `OUT_OF_RANGE`.
    pub async fn next(&mut self) -> Result<Option<WatchResponse>, Error> {
        let told = self.stream.message().await.map_err(|status| Error::from_status(&self.address, status))?;
        if let Some(told) = &told {
            self.last_lsn = self.last_lsn.max(told.lsn);
        }
        Ok(told)
    }

    /// Everything up to this position has been told: resume after it.
    #[must_use]
    pub fn last_lsn(&self) -> u64 {
        self.last_lsn
    }
}

#[cfg(test)]
mod tests;
