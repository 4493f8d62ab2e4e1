//! The two functions everything else stands on.

use alloc::{collections::BTreeSet, sync::Arc, vec};

use domain::{
    AccountId, AnswerCard, Command, DeclineReason, Event, Evidence, InitializeSwitch, InstallPolicy, Lsn, MerchantId,
    OnAccount, PaymentId, Policy, Record, Refusal, Stamped, Submission, Timestamp, Unavailable,
};
use money::{Currency, Money};
use planted::Bug;

use crate::{
    accounts::{AccountState, Accounts},
    authorize::Approval,
    cards::Cards,
    consents::Consents,
    exposure::Exposure,
    keys::Keys,
    ledger::Ledger,
    offers::Offers,
    parties::Parties,
    payments::Payments,
    tape::RateTape,
};

/// What the engine says to a command. Taken apart where it is made, so its size is no matter.
#[expect(clippy::large_enum_variant, reason = "a decision lives on the stack of the shard for a moment")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// This happens: to be applied and logged.
    Recorded(Event),
    /// It happened before, under the same key: this is the record of it.
    Repeated(Arc<Record>),
    /// Nothing happens and nothing is logged.
    Refused(Refusal),
    /// The same, of payments that are decided together: one of them is refused.
    RefusedTogether {
        /// Which, counted from 0.
        position: usize,
        /// Why.
        refusal: Refusal,
    },
}

/// The state of one shard. Equal records applied in order give equal states, on any machine.
#[derive(Debug, Default)]
pub struct Engine {
    pub(crate) applied: Lsn,
    pub(crate) applied_at: Timestamp,
    pub(crate) initialized: Option<InitializeSwitch>,
    pub(crate) policy: Option<Arc<Policy>>,
    /// This, the accounts and the tape change by themselves only, so payments decided together look at the same.
    pub(crate) parties: Arc<Parties>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) ledger: Ledger,
    pub(crate) tape: Arc<RateTape>,
    pub(crate) payments: Payments,
    pub(crate) cards: Cards,
    pub(crate) consents: Consents,
    pub(crate) offers: Offers,
    pub(crate) exposure: Exposure,
    pub(crate) keys: Keys,
    /// Whether keys or payments were forgotten, or were never told: whoever has the records has them.
    pub(crate) forgetful: bool,
}

impl Engine {
    /// Decides a command on the state as it is. Changes nothing.
    ///
    /// The key comes first: what was asked before under the same key is answered as then, whatever has changed since.
    #[must_use]
    pub fn decide(&self, stamped: &Stamped<Submission>) -> Decision {
        if let Some(key) = &stamped.command.key {
            match self.keys.find(stamped.at, key) {
                Ok(None) => {}
                Ok(Some(first)) => return Decision::Repeated(Arc::clone(first)),
                Err(reused) => return Decision::Refused(reused),
            }
        } else if let Command::AuthorizeTogether(together) = &stamped.command.command {
            return self.decide_together(stamped.at, together);
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
        let policy = self.policy.as_deref().ok_or(Refusal::OutOfSequence)?;
        match command {
            Command::InitializeSwitch(_) | Command::InstallPolicy(_) => unreachable!("decided above"),
            // Its payments have keys; it has none, or it is not what was asked for.
            Command::AuthorizeTogether(_) => Err(Refusal::OutOfSequence),
            Command::RegisterWallet(register) => self.parties.register_wallet(register).map(Event::WalletRegistered),
            Command::RegisterMerchant(register) => {
                self.parties.register_merchant(register).map(Event::MerchantRegistered)
            }
            Command::PublishRates(publish) => self.tape.check(policy, at, publish).map(Event::RatesPublished),
            Command::OpenAccount(open) => self.accounts.open(&self.parties, open).map(Event::AccountOpened),
            Command::CloseAccount(close) => {
                let waits = matches!(close.account, Evidence::Present(account) if self.awaits_refund(account));
                self.accounts.close(&self.ledger, close, waits)
            }
            Command::FreezeAccount(freeze) => self.accounts.freeze(freeze),
            Command::UnfreezeAccount(unfreeze) => self.accounts.unfreeze(unfreeze),
            Command::Deposit(deposit) => self.accounts.deposit(&self.ledger, deposit),
            Command::Withdraw(withdraw) => self.accounts.withdraw(&self.ledger, withdraw),
            Command::AuthorizePayment(authorize) => self.authorize(policy, at, authorize),
            Command::CapturePayment(capture) => self.capture(at, capture),
            Command::VoidPayment(void) => self.void(at, void),
            Command::RefundPayment(refund) => self.refund(policy, at, refund),
            Command::IncreaseAuthorization(increase) => self.increase(policy, at, increase),
            Command::ExpireHolds => match self.expired(at) {
                holds if holds.is_empty() => Err(Refusal::OutOfSequence),
                holds => Ok(Event::HoldsExpired(holds)),
            },
            Command::PriceRefunds => {
                self.priced(policy).map(|refund| Event::RefundsPriced(vec![refund])).ok_or(Refusal::OutOfSequence)
            }
            Command::IssueCode(issue) => self.issue_code(at, issue),
            Command::ApproveOrder(approve) => self.approve_order(at, approve),
            Command::ApproveCardOrder(approve) => self.approve_card_order(policy, at, approve),
            Command::GrantMandate(grant) => self.grant_mandate(at, grant),
            Command::RevokeMandate(revoke) => self.revoke_mandate(revoke),
            Command::FundReserve(fund) => self.fund_reserve(fund),
            Command::PayOut(pay) => self.pay_out(pay),
            Command::SquarePosition(square) => self.square(square),
            Command::AssertPerson(person) => self.assert_person(person),
            Command::BindCard(bind) => self.bind_card(policy, bind),
            Command::UnbindCard(unbind) => self.unbind_card(unbind),
            Command::AnswerCard(answer) => self.answer_card(policy, at, answer),
            Command::TimeOutCard(payment_id) => self.time_out(at, *payment_id),
            Command::AcknowledgeAdvice(acknowledged) => self.acknowledge(acknowledged),
            Command::SettleScheme(settle) => self.settle_scheme(settle),
        }
    }

    /// Makes an event so. The only place state changes, live and at recovery alike.
    ///
    /// # Panics
    /// When an invariant would break: a gap in the log, time going back, an event beside another's command, an account
    /// below its floor, a currency that does not sum to zero.
    pub fn apply(&mut self, record: &Arc<Record>) {
        assert!(record.lsn == self.applied.next(), "records are applied in order, without gaps");
        assert!(record.at > self.applied_at || planted::is(Bug::ClockGoesBack), "stamped time rises with every record");

        self.make_so(record);
        let wall_clock = planted::wall_clock(Bug::ConsentsByWallClock);
        self.consents.forget_ended(wall_clock.map_or(record.at, Timestamp::from_micros));
        self.offers.forget_ended(record.at);
        self.keys.remember(record);
        self.applied = record.lsn;
        self.applied_at = record.at;
    }

    fn make_so(&mut self, record: &Arc<Record>) {
        match (&record.command, &record.event) {
            (Command::InitializeSwitch(initialize), Event::SwitchInitialized) => self.begin(Some(*initialize)),
            (Command::InstallPolicy(InstallPolicy { policy }), Event::PolicyInstalled) => {
                self.policy = Some(Arc::clone(policy));
                self.keys.set_term(record.lsn, policy.key_ms);
            }
            (Command::RegisterWallet(register), Event::WalletRegistered(wallet)) => {
                Arc::make_mut(&mut self.parties).wallet_registered(register, *wallet);
            }
            (Command::RegisterMerchant(register), Event::MerchantRegistered(merchant)) => {
                Arc::make_mut(&mut self.parties).merchant_registered(register, *merchant);
                self.ledger.open(AccountId::merchant_payable(*merchant, register.settlement_currency));
            }
            (Command::PublishRates(publish), Event::RatesPublished(published)) => {
                Arc::make_mut(&mut self.tape).published(record.lsn, record.at, publish, published);
            }
            (Command::OpenAccount(open), Event::AccountOpened(account)) => {
                Arc::make_mut(&mut self.accounts).opened(open, *account);
                self.ledger.open(*account);
            }
            (Command::CloseAccount(on), Event::AccountClosed) => self.account_stands(on, AccountState::Closed),
            (Command::FreezeAccount(on), Event::AccountFrozen) => self.account_stands(on, AccountState::Frozen),
            (Command::UnfreezeAccount(on), Event::AccountUnfrozen) => self.account_stands(on, AccountState::Open),
            (Command::Deposit(_) | Command::Withdraw(_), Event::FundsMoved { posting, .. })
            | (Command::FundReserve(_), Event::ReserveFunded(posting))
            | (Command::PayOut(_), Event::PaidOut(posting)) => {
                self.ledger.post(core::slice::from_ref(posting));
            }
            (Command::SquarePosition(_), Event::PositionSquared(postings))
            | (Command::SettleScheme(_), Event::SchemeSettled(postings)) => self.ledger.post(postings),
            (Command::AuthorizeTogether(_), Event::AuthorizedTogether(_) | Event::DeclinedTogether(_)) => {
                self.together_recorded(record);
            }
            (command, event) => self.make_payment_so(record.at, command, event),
        }
    }

    fn make_card_so(&mut self, at: Timestamp, command: &Command, event: &Event) {
        match (command, event) {
            (Command::AssertPerson(person), Event::PersonAsserted) => self.person_asserted(person),
            (Command::BindCard(bind), Event::CardBound) => self.card_bound(bind),
            (Command::BindCard(_), Event::CardRenewed(renewed)) => self.card_renewed(renewed),
            (Command::UnbindCard(unbind), Event::CardUnbound) => self.card_unbound(unbind),
            (Command::ApproveCardOrder(approve), Event::OrderApproved) => self.card_order_approved(approve),
            (Command::AcknowledgeAdvice(advice), Event::AdviceAcknowledged) => self.advice_acknowledged(advice),
            (Command::AnswerCard(answer), Event::PaymentAuthorized(authorized)) => {
                self.answer_approved(at, answer, Approval::Held(authorized));
            }
            (Command::AnswerCard(answer), Event::PaymentCaptured(captured)) => {
                self.answer_approved(at, answer, Approval::Captured(captured));
            }
            (
                Command::AnswerCard(AnswerCard { payment_id, .. }) | Command::TimeOutCard(payment_id),
                Event::AttemptDeclined(declined),
            ) => {
                self.attempt_declined(at, *payment_id, declined);
            }
            (Command::BindCard(_) | Command::SettleScheme(_), Event::Declined(_)) => {}
            (command, event) => panic!("an event stands beside its own command, not {event:?} beside {command:?}"),
        }
    }

    pub(crate) fn begin(&mut self, initialized: Option<InitializeSwitch>) {
        self.initialized = initialized;
        if let Some(InitializeSwitch { digest_key, .. }) = initialized {
            Arc::make_mut(&mut self.accounts).begin(digest_key);
        }
    }

    fn account_stands(&mut self, on: &OnAccount, state: AccountState) {
        Arc::make_mut(&mut self.accounts).state_recorded(on, state);
    }

    pub(crate) fn make_payment_so(&mut self, at: Timestamp, command: &Command, event: &Event) {
        match (command, event) {
            (Command::AuthorizePayment(authorize), Event::PaymentCaptured(captured)) => {
                self.approved(at, authorize, Approval::Captured(captured));
            }
            (Command::AuthorizePayment(authorize), Event::PaymentAuthorized(authorized)) => {
                self.approved(at, authorize, Approval::Held(authorized));
            }
            (Command::AuthorizePayment(authorize), Event::PaymentPending(pending)) => {
                self.pending_recorded(at, authorize, pending);
            }
            (Command::CapturePayment(capture), Event::PaymentCaptured(event)) => {
                self.capture_recorded(at, capture, event);
            }
            (Command::VoidPayment(void), Event::PaymentVoided(_)) => self.void_recorded(at, void),
            (Command::RefundPayment(refund), Event::PaymentRefunded(event)) => self.refund_recorded(at, refund, event),
            (Command::RefundPayment(refund), Event::RefundPending(event)) => {
                self.pending_refund_recorded(refund, event);
            }
            (Command::IncreaseAuthorization(increase), Event::AuthorizationIncreased(event)) => {
                self.increase_recorded(at, increase, event);
            }
            (Command::ExpireHolds, Event::HoldsExpired(holds)) => self.expiry_recorded(at, holds),
            (Command::PriceRefunds, Event::RefundsPriced(refunds)) => self.pricing_recorded(refunds),
            (Command::IssueCode(issue), Event::CodeIssued { expires_at }) => {
                let (account, merchant) = consenting(&issue.account, &issue.merchant);
                self.consents.code_issued(issue, account, merchant, *expires_at);
            }
            (Command::ApproveOrder(approve), Event::OrderApproved) => {
                let (account, merchant) = consenting(&approve.account, &approve.merchant);
                self.consents.order_approved(approve, account, merchant);
            }
            (Command::GrantMandate(grant), Event::MandateGranted) => {
                let (account, merchant) = consenting(&grant.account, &grant.merchant);
                let wallet = self.accounts.row(account).wallet;
                self.consents.mandate_granted(at, grant, account, wallet, merchant);
            }
            (Command::RevokeMandate(revoke), Event::MandateRevoked) => self.consents.mandate_revoked(revoke.mandate_id),
            (Command::AuthorizePayment(authorize), Event::Declined(decline)) => {
                // A code that nobody gave out may be a guess, whatever else the request was declined by, if it was looked at.
                let unknown = authorize.payer == Evidence::Unavailable(Unavailable::ConsentNotFound);
                let looked_at = decline.reason != DeclineReason::BatchDeclined;
                if looked_at && unknown || may_be_a_guess(decline.reason) {
                    self.consents.guessed(at, authorize.merchant, &authorize.consent);
                }
            }
            (Command::IncreaseAuthorization(increase), Event::Declined(decline)) => {
                if let Some(consent) = increase.consent
                    && may_be_a_guess(decline.reason)
                {
                    self.consents.guessed(at, increase.merchant, &consent);
                }
            }
            (
                Command::CloseAccount(_)
                | Command::Deposit(_)
                | Command::Withdraw(_)
                | Command::CapturePayment(_)
                | Command::RefundPayment(_)
                | Command::FundReserve(_)
                | Command::PayOut(_)
                | Command::SquarePosition(_),
                Event::Declined(_),
            ) => {}
            (command, event) => self.make_card_so(at, command, event),
        }
    }

    /// What the switch must do by itself at `at`, if anything; what is left after that is asked for again. Each such
    /// command is recorded, one record a call, before anything else is decided.
    #[must_use]
    pub fn due(&self, at: Timestamp) -> Option<Command> {
        let policy = self.policy.as_deref()?;
        if self.payments.expiries.first().is_some_and(|(expires_at, _)| *expires_at <= at) {
            return Some(Command::ExpireHolds);
        }
        if let Some(payment_id) = self.timed_out(at) {
            return Some(Command::TimeOutCard(payment_id));
        }
        if self.payments.pending_refunds.is_empty() {
            return None;
        }
        self.priced(policy).map(|_| Command::PriceRefunds)
    }

    /// The next moment at which [`due`](Self::due) has something by time alone.
    #[must_use]
    pub fn next_due_at(&self) -> Option<Timestamp> {
        let first = |moments: &BTreeSet<(Timestamp, PaymentId)>| moments.first().map(|(moment, _)| *moment);
        let moments = [first(&self.payments.expiries), first(&self.payments.awaited)];
        moments.into_iter().flatten().min()
    }

    /// The open position of each currency that has one, and what open holds would add to it, weighted; by currency.
    pub fn exposures(&self) -> impl Iterator<Item = (Currency, Money, Money)> + '_ {
        self.exposure.all(&self.ledger)
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
    pub const fn policy(&self) -> Option<&Arc<Policy>> {
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

/// Whether a decline may be that of a code which the merchant was never given.
const fn may_be_a_guess(reason: DeclineReason) -> bool {
    matches!(reason, DeclineReason::ConsentNotFound | DeclineReason::ConsentMismatch)
}

/// Account and merchant of a recorded consent.
fn consenting(account: &Evidence<AccountId>, merchant: &Evidence<MerchantId>) -> (AccountId, MerchantId) {
    match (account, merchant) {
        (Evidence::Present(account), Evidence::Present(merchant)) => (*account, *merchant),
        (Evidence::Unavailable(_), _) | (_, Evidence::Unavailable(_)) => {
            unreachable!("a consent is recorded with its account and merchant")
        }
    }
}
