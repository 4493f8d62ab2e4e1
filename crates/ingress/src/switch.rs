//! What every handler reaches.

use std::sync::Arc;

use domain::{
    AccountId, AccountName, CardFace, CardToken, Evidence, MerchantId, Method, Mode, Name, PaymentId, Submission,
    Timestamp, Unavailable, WalletId,
};
use pipeline::{Directory, RateBook};
use projections::{Boards, PaymentView};
use shard::{Answer, Clock, Committed, Handle, SystemClock};
use tokio::sync::watch;
use tonic::{Response, Status, metadata::MetadataMap};
use wire::{digest::Digester, replies::Names, requests::Failure};

use crate::{
    AwaitedPayments, CardNetworks, CardNumbers, Credentials, Ids, OpenWatches, SandboxPowers, SigningKeys, authorize,
    deadline::Deadline, errors,
};

/// Tells whoever looks at the metadata that the answer was recorded earlier, under the same key.
const REPEAT_HEADER: &str = "payswitch-repeat";

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
    /// What signs quotes and receipts; it may change at any moment.
    pub signing_keys: watch::Receiver<Arc<SigningKeys>>,
    /// Who may call.
    pub credentials: Arc<Credentials>,
    /// Ids for what is new; one for the whole process.
    pub ids: Arc<Ids>,
    /// The shard's clock.
    pub clock: SystemClock,
    /// How the daemon started.
    pub started: Arc<Started>,
    /// The longest a call may take, in milliseconds; a caller's own deadline may be sooner.
    pub request_ms_max: u64,
    /// Watches under way; one for the whole process.
    pub open_watches: Arc<OpenWatches>,
    /// Becomes true when the daemon stops.
    pub stopping: watch::Receiver<bool>,
    /// Where card numbers go.
    pub card_numbers: CardNumbers,
    /// Lines to card networks; `None` where no cards are taken. One for the whole process.
    pub card_networks: Option<Arc<dyn CardNetworks>>,
    /// Payments whose callers wait for a card's issuer; one for the whole process.
    pub awaited: Arc<AwaitedPayments>,
    /// What only a sandbox can do; `None` elsewhere. One for the whole process.
    pub sandbox: Option<Arc<SandboxPowers>>,
}

/// How the daemon started.
#[derive(Clone, Debug)]
pub struct Started {
    /// What the ledger is for.
    pub mode: Mode,
    /// Which journal it is kept in.
    pub journal_id: [u8; 16],
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

    /// The keys of this moment; a call that needs them twice keeps what it got.
    pub(crate) fn signing_keys(&self) -> Arc<SigningKeys> {
        Arc::clone(&self.signing_keys.borrow())
    }

    /// Submits and waits; `subject` names what a "not found" speaks of.
    pub(crate) async fn submit(
        &self,
        deadline: Deadline,
        submission: Submission,
        subject: impl Fn() -> String,
    ) -> Result<Committed, Status> {
        let answer = self.ask(deadline, submission, None).await?;
        answer.map_err(|refused| errors::refused(&refused, &subject(), self.clock.now()))
    }

    /// Submits at once, and waits for the shard's own answer; it is as if nobody knew it when the sandbox was told so. What
    /// is submitted takes no room in a call that waits.
    pub(crate) fn ask(
        &self,
        deadline: Deadline,
        submission: Submission,
        failure: Option<Failure>,
    ) -> impl Future<Output = Result<Answer, Status>> + use<> {
        let answer = self.handle.submit(submission, Some(deadline.at()));
        async move {
            let answer = deadline.wait_for(answer).await.map_err(|_passed| errors::deadline_passed_while_waiting())?;
            Ok(authorize::unless_failed(answer, failure))
        }
    }

    /// The failure that the sandbox was told to make of this call; refuses the call if it was told that.
    pub(crate) fn ordered_failure(&self, method: Method) -> Result<Option<Failure>, Status> {
        match self.sandbox.as_ref().and_then(|sandbox| sandbox.take_failure(method)) {
            Some(Failure::Refused) => Err(errors::failed_by_sandbox()),
            other => Ok(other),
        }
    }

    /// Waits until the read models show everything that was durable when the call arrived.
    pub(crate) async fn caught_up(&self, deadline: Deadline) -> Result<(), Status> {
        let durable = self.handle.status().durable_lsn();
        let waited = deadline.wait_for(self.boards.wait_for(durable)).await;
        waited.map_err(|_passed| errors::deadline_passed_while_reading())
    }

    /// The payment as it stands on the boards.
    pub(crate) fn payment(&self, payment: PaymentId) -> Result<Option<PaymentView>, Status> {
        self.boards.payment(payment).map_err(|error| errors::index_failed(&error))
    }

    /// The merchant of that name, as evidence: one that is not there is for the engine to refuse, after it has looked at
    /// the key.
    pub(crate) fn merchant_named(&self, name: &Name) -> Evidence<MerchantId> {
        let found = self.directory.merchant(name);
        // The engine knows of what it is evidence, so the reason need not say so again.
        found.map_or(Evidence::Unavailable(Unavailable::AccountNotFound), Evidence::Present)
    }

    /// A wallet operator's account of that name, as evidence: an account that is not there is for the engine to refuse,
    /// after it has looked at the key.
    pub(crate) fn account_of(&self, wallet: WalletId, account: &Name) -> Evidence<AccountId> {
        let found = self.directory.account_of(wallet, account);
        found.map_or(Evidence::Unavailable(Unavailable::AccountNotFound), Evidence::Present)
    }
}

/// The recorded answer, with a word to whoever looks whether it was recorded earlier.
pub(crate) fn answer<T>(message: T, repeated: bool) -> Response<T> {
    let mut response = Response::new(message);
    if repeated {
        response.metadata_mut().insert(REPEAT_HEADER, tonic::metadata::MetadataValue::from_static("true"));
    }
    response
}

impl Names for Switch {
    fn merchant(&self, merchant: MerchantId) -> Option<Name> {
        self.directory.merchant_name(merchant)
    }

    fn card(&self, token: CardToken) -> Option<CardFace> {
        self.directory.card(token).map(|card| card.face)
    }

    fn account(&self, account: AccountId) -> Option<AccountName> {
        self.directory.account_name(account)
    }
}
