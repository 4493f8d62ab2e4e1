//! Brings a recovered ledger up to what the configuration asks for, before anybody is served.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use domain::{
    Command, InitializeSwitch, InstallPolicy, Mode, Name, Policy, Refusal, RegisterWallet, Submission, Timestamp,
    WalletId,
};
use ingress::SandboxPowers;
use journal::Journal;
use pipeline::{Directory, RateBook};
use shard::{Answer, Clock, Handle, Inbox, Mailbox, Refused, Shard, Status};

use crate::{config::Config, keys::Keys, sandbox, start::StartError};

/// What is put right.
pub(crate) struct Setup<'a, J: Journal, C: Clock> {
    pub(crate) shard: &'a mut Shard<J, C>,
    pub(crate) inbox: &'a Arc<Inbox>,
    pub(crate) status: &'a Arc<Status>,
    pub(crate) directory: &'a Directory,
    pub(crate) rate_book: &'a RateBook,
    pub(crate) sandbox: Option<&'a SandboxPowers>,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) now: Timestamp,
}

impl<J: Journal, C: Clock> Setup<'_, J, C> {
    /// Begins the ledger or checks that it is ours, then installs policy, wallet operators and the sandbox's parties.
    pub(crate) fn run(&mut self, config: &Config, keys: &Keys) -> Result<HashMap<Name, WalletId>, StartError> {
        self.begin(config.mode.into(), keys)?;
        let policy = Arc::new(config.policy()?);
        if self.shard.engine().policy().is_none_or(|ours| *ours != policy) {
            let install = InstallPolicy { policy: Arc::clone(&policy) };
            self.submit(Submission { key: None, command: Command::InstallPolicy(install) })?;
        }
        let mut wallets = HashMap::new();
        for (name, _) in &keys.wallets {
            if self.directory.wallet(name).is_none() {
                let register = RegisterWallet { name: name.clone() };
                self.submit(Submission { key: None, command: Command::RegisterWallet(register) })?;
            }
            wallets.insert(name.clone(), self.directory.wallet(name).ok_or(StartError::NotSetUp)?);
        }
        if let Some(sandbox) = self.sandbox {
            self.seed_sandbox(sandbox, keys, &wallets)?;
        }
        self.warn_of_unknown_merchants(&policy);
        Ok(wallets)
    }

    /// They may be registered later; or there is a slip of the pen, and rules that never count.
    fn warn_of_unknown_merchants(&self, policy: &Policy) {
        let of_rails = policy.rails.values().flat_map(|rules| rules.merchants.keys());
        let of_tiers = policy.tiers.iter().filter_map(|tier| tier.merchant.as_ref());
        let named: BTreeSet<&Name> = policy.merchants.keys().chain(of_rails).chain(of_tiers).collect();
        for merchant in named.into_iter().filter(|merchant| self.directory.merchant(merchant).is_none()) {
            tracing::warn!(%merchant, "the policy has rules for a merchant that is not registered");
        }
    }

    fn begin(&mut self, mode: Mode, keys: &Keys) -> Result<(), StartError> {
        let Some(InitializeSwitch { mode: ledger, digest_key }) = self.shard.engine().initialized().copied() else {
            let initialize = InitializeSwitch { mode, digest_key: keys.digest_key };
            return self.submit(Submission { key: None, command: Command::InitializeSwitch(initialize) });
        };
        if ledger != mode {
            return Err(StartError::OtherMode { ledger: ledger.as_str(), daemon: mode.as_str() });
        }
        if digest_key != keys.digest_key {
            return Err(StartError::OtherDigestKey { ledger: digest_key.id, daemon: keys.digest_key.id });
        }
        Ok(())
    }

    fn seed_sandbox(
        &mut self,
        powers: &SandboxPowers,
        keys: &Keys,
        wallets: &HashMap<Name, WalletId>,
    ) -> Result<(), StartError> {
        for wallet in wallets.values() {
            for submission in sandbox::parties(&keys.digester, *wallet) {
                self.submit_unless_there(submission)?;
            }
        }
        for submission in sandbox::deposits(&keys.digester, self.directory)? {
            self.submit(submission)?;
        }
        let rates = powers.rates().restamped(self.rate_book, self.now);
        rates.map_or(Ok(()), |submission| self.submit(submission))
    }

    /// A later version's party may have a name that an owner of the sandbox has given already; it then stays his.
    fn submit_unless_there(&mut self, submission: Submission) -> Result<(), StartError> {
        match self.submit(submission) {
            Err(StartError::Setup {
                refused: Refused::Engine(Refusal::MerchantExists | Refusal::AccountExists | Refusal::ApiKeyTaken),
                ..
            }) => Ok(()),
            other => other,
        }
    }

    /// Submits one command and drives the shard until it is answered.
    fn submit(&mut self, submission: Submission) -> Result<(), StartError> {
        let handle = Handle::new(Arc::clone(self.inbox), Arc::clone(self.status), Arc::clone(&self.mailbox));
        let refused = |refused: Refused| StartError::Setup { refused, reason: self.status.reason() };
        let mut answer = handle.put(submission, None).map_err(refused)?;
        while self.shard.step() == shard::Progress::Waiting {}
        self.mailbox.deliver_now();
        let answer: Answer = answer.try_recv().unwrap_or(Err(Refused::Unconfirmed));
        answer.map(|_committed| ()).map_err(refused)
    }
}
