//! The two functions everything else stands on.

use alloc::sync::Arc;

use domain::{
    Command, Event, InitializeSwitch, InstallPolicy, Lsn, Policy, Record, Refusal, Stamped, Submission, Timestamp,
};

use crate::{accounts::Accounts, keys::Keys, ledger::Ledger, parties::Parties, payments::Payments, tape::RateTape};

/// What the engine says to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// This happens: to be applied and logged.
    Recorded(Event),
    /// It happened before, under the same key: this is the record of it.
    Repeated(Arc<Record>),
    /// Nothing happens and nothing is logged.
    Refused(Refusal),
}

/// The state of one shard. Equal records applied in order give equal states, on any machine.
#[derive(Debug, Default)]
pub struct Engine {
    pub(crate) applied: Lsn,
    pub(crate) applied_at: Timestamp,
    pub(crate) initialized: Option<InitializeSwitch>,
    pub(crate) policy: Option<Policy>,
    pub(crate) parties: Parties,
    pub(crate) accounts: Accounts,
    pub(crate) ledger: Ledger,
    pub(crate) tape: RateTape,
    pub(crate) payments: Payments,
    pub(crate) keys: Keys,
}

impl Engine {
    /// Decides a command on the state as it is. Changes nothing.
    ///
    /// The key comes first: what was asked before under the same key is answered as then, whatever has changed since.
    #[must_use]
    pub fn decide(&self, stamped: &Stamped<Submission>) -> Decision {
        if let Some(key) = &stamped.command.key {
            match self.keys.find(key) {
                Ok(None) => {}
                Ok(Some(first)) => return Decision::Repeated(Arc::clone(first)),
                Err(reused) => return Decision::Refused(reused),
            }
        }
        match self.decide_new(stamped.at, &stamped.command.command) {
            Ok(event) => Decision::Recorded(event),
            Err(refusal) => Decision::Refused(refusal),
        }
    }

    fn decide_new(&self, at: Timestamp, command: &Command) -> Result<Event, Refusal> {
        if let Command::InitializeSwitch(_) = command {
            return if self.applied == Lsn::ZERO { Ok(Event::SwitchInitialized) } else { Err(Refusal::OutOfSequence) };
        }
        if self.initialized.is_none() {
            return Err(Refusal::OutOfSequence);
        }
        if let Command::InstallPolicy(_) = command {
            return Ok(Event::PolicyInstalled);
        }
        let policy = self.policy.as_ref().ok_or(Refusal::OutOfSequence)?;
        match command {
            Command::InitializeSwitch(_) | Command::InstallPolicy(_) => unreachable!("decided above"),
            Command::RegisterWallet(register) => self.parties.register_wallet(register).map(Event::WalletRegistered),
            Command::RegisterMerchant(register) => {
                self.parties.register_merchant(register).map(Event::MerchantRegistered)
            }
            Command::PublishRates(publish) => {
                self.tape.check(policy, at, publish)?;
                Ok(Event::RatesPublished)
            }
            Command::OpenAccount(open) => self.accounts.open(&self.parties, open).map(Event::AccountOpened),
            Command::CloseAccount(close) => self.accounts.close(&self.ledger, close),
            Command::Deposit(deposit) => self.accounts.deposit(&self.ledger, deposit),
            Command::Withdraw(withdraw) => self.accounts.withdraw(&self.ledger, withdraw),
            Command::AuthorizePayment(authorize) => self.authorize(policy, at, authorize),
        }
    }

    /// Makes an event so. The only place state changes, live and at recovery alike.
    ///
    /// # Panics
    /// When an invariant would break: a gap in the log, time going back, an event beside another's command, an account
    /// below its floor, a currency that does not sum to zero.
    pub fn apply(&mut self, record: &Arc<Record>) {
        assert!(record.lsn == self.applied.next(), "records are applied in order, without gaps");
        assert!(record.at > self.applied_at, "stamped time rises with every record");

        match (&record.command, &record.event) {
            (Command::InitializeSwitch(initialize), Event::SwitchInitialized) => self.initialized = Some(*initialize),
            (Command::InstallPolicy(InstallPolicy { policy }), Event::PolicyInstalled) => self.policy = Some(*policy),
            (Command::RegisterWallet(register), Event::WalletRegistered(wallet)) => {
                self.parties.wallet_registered(register, *wallet);
            }
            (Command::RegisterMerchant(register), Event::MerchantRegistered(merchant)) => {
                self.parties.merchant_registered(register, *merchant);
                self.ledger.open(domain::AccountId::merchant_payable(*merchant, register.settlement_currency));
            }
            (Command::PublishRates(publish), Event::RatesPublished) => self.tape.published(record.lsn, publish),
            (Command::OpenAccount(open), Event::AccountOpened(account)) => {
                self.accounts.opened(open, *account);
                self.ledger.open(*account);
            }
            (Command::CloseAccount(close), Event::AccountClosed) => self.accounts.closed(close),
            (Command::Deposit(_) | Command::Withdraw(_), Event::FundsMoved { posting, .. }) => {
                self.ledger.post(core::slice::from_ref(posting));
            }
            (Command::AuthorizePayment(authorize), Event::PaymentCaptured(captured)) => {
                self.ledger.post(&captured.postings);
                self.payments.captured(authorize);
            }
            (
                Command::CloseAccount(_) | Command::Deposit(_) | Command::Withdraw(_) | Command::AuthorizePayment(_),
                Event::Declined(_),
            ) => {}
            (command, event) => panic!("an event stands beside its own command, not {event:?} beside {command:?}"),
        }

        self.keys.remember(record);
        self.applied = record.lsn;
        self.applied_at = record.at;
    }

    /// The last record applied.
    #[must_use]
    pub const fn applied_lsn(&self) -> Lsn {
        self.applied
    }

    /// When the last record applied was decided.
    #[must_use]
    pub const fn applied_at(&self) -> Timestamp {
        self.applied_at
    }

    /// How the ledger began; `None` before its first record.
    #[must_use]
    pub const fn initialized(&self) -> Option<&InitializeSwitch> {
        self.initialized.as_ref()
    }

    /// The rules in force; `None` before the first were installed.
    #[must_use]
    pub const fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }

    /// Sums every account of every currency. Recovery calls it once before the switch serves.
    ///
    /// # Panics
    /// When a currency does not sum to zero.
    pub fn assert_conserved(&self) {
        self.ledger.assert_conserved();
    }
}
