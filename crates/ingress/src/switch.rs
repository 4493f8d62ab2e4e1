//! What every handler reaches.

use std::sync::Arc;

use domain::{AccountId, MerchantId, Mode, Submission, Timestamp};
use pipeline::{Directory, RateBook};
use projections::Boards;
use shard::{Clock, Committed, Handle, SystemClock};
use tonic::{Status, metadata::MetadataMap};
use wire::{digest::Digester, replies::Names, v1};

use crate::{Credentials, PaymentIds, deadline::Deadline, errors};

/// Everything the handlers share. One for each runtime, since the handle's answers come by the runtime's mailbox.
#[derive(Clone, Debug)]
pub struct Switch {
    /// The way to the engine.
    pub handle: Handle,
    /// Names and ids.
    pub directory: Arc<Directory>,
    /// Rates in force.
    pub rate_book: Arc<RateBook>,
    /// Read models.
    pub boards: Arc<Boards>,
    /// Turns callers' texts into digests.
    pub digester: Arc<Digester>,
    /// Who may call.
    pub credentials: Arc<Credentials>,
    /// Ids for new payments; one for the whole process.
    pub payment_ids: Arc<PaymentIds>,
    /// The shard's clock.
    pub clock: SystemClock,
    /// How the daemon started.
    pub started: Arc<Started>,
    /// The longest a call may take, in milliseconds; a caller's own deadline may be sooner.
    pub request_ms_max: u64,
}

/// How the daemon started.
#[derive(Clone, Debug)]
pub struct Started {
    /// What the ledger is for.
    pub mode: Mode,
    /// Version of the daemon.
    pub version: &'static str,
    /// When it started.
    pub at: Timestamp,
    /// Records folded at the start.
    pub recovered_records: u64,
    /// Time the recovery took, in microseconds.
    pub recovery_us: u64,
}

impl Switch {
    pub(crate) fn deadline(&self, metadata: &MetadataMap) -> Deadline {
        Deadline::of(metadata, self.request_ms_max, self.clock.now())
    }

    /// Submits and waits; `subject` names what a "not found" speaks of.
    pub(crate) async fn submit(
        &self,
        deadline: Deadline,
        submission: Submission,
        subject: impl Fn() -> String,
    ) -> Result<Committed, Status> {
        let answer = self.handle.submit(submission, Some(deadline.at()));
        let answer = deadline.wait_for(answer).await.map_err(|_passed| errors::deadline_passed_while_waiting())?;
        answer.map_err(|refused| errors::refused(&refused, &subject()))
    }

    /// Waits until the read models show everything that was durable when the call arrived.
    pub(crate) async fn caught_up(&self, deadline: Deadline) -> Result<(), Status> {
        let durable = self.handle.status().durable_lsn();
        let waited = deadline.wait_for(self.boards.wait_for(durable)).await;
        waited.map_err(|_passed| errors::deadline_passed_while_reading())
    }
}

impl Names for Switch {
    fn merchant(&self, merchant: MerchantId) -> String {
        self.directory.merchant_name(merchant).map(|name| name.as_str().to_owned()).unwrap_or_default()
    }

    fn account(&self, account: AccountId) -> v1::AccountReference {
        let name = self.directory.account_name(account);
        name.map_or_else(v1::AccountReference::default, |name| v1::AccountReference {
            wallet_id: name.wallet.as_str().to_owned(),
            account_id: name.account.as_str().to_owned(),
        })
    }
}
