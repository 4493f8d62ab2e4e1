//! An engine, a second one that only folds records, and the model, step by step.

use std::sync::Arc;

use domain::{
    ApiKeyHash, Command, Difference, DigestKey, Event, Evidence, InitializeSwitch, InstallPolicy, Lsn, Mode, MoveFunds,
    Name, OpenAccount, PaymentId, Policy, Posting, Record, Refusal, RegisterMerchant, RegisterWallet, Stamped,
    Submission, Timestamp, WalletId,
};
use engine::{Decision, Engine};
use money::{AMOUNT_MINOR_UNITS_MAX, Money};

use crate::{
    ask::{Ask, Step, digest, ratio},
    model::{ACCOUNT_CURRENCIES, Account, MERCHANTS, Model, Outcome, What, currency},
};

const POLICY: (u32, i64, u32) = (10_000, 30_000, 200_000);

#[derive(Debug)]
pub(crate) struct Run {
    engine: Engine,
    folded: Engine,
    model: Model,
    records: Vec<Arc<Record>>,
    asked: Vec<Step>,
    now: i64,
}

impl Run {
    /// A ledger with a policy, two wallet operators, merchants and accounts.
    pub(crate) fn begin() -> Run {
        let account = |(number, currency): (u8, &&'static str)| {
            let wallet = u32::from(number % 2);
            Account { wallet, name: number, currency, open: true }
        };
        let accounts: Vec<Account> = (0..).zip(&ACCOUNT_CURRENCIES).map(account).collect();
        let (engine, folded) = (Engine::default(), Engine::default());
        let model = Model::new(accounts, POLICY);
        let mut run = Run { engine, folded, model, records: Vec::new(), asked: Vec::new(), now: 1_000_000 };
        let digest_key = DigestKey { id: 1, check: digest("secret") };
        run.set_up(Command::InitializeSwitch(InitializeSwitch { mode: Mode::Sandbox, digest_key }));
        let (markup, rate_age_ms_max, band) = POLICY;
        let policy = Policy { fx_markup: ratio(markup), rate_age_ms_max, rate_move_max: ratio(band) };
        run.set_up(Command::InstallPolicy(InstallPolicy { policy }));
        for name in ["wallet-0", "wallet-1"] {
            run.set_up(Command::RegisterWallet(RegisterWallet { name: self::name(name) }));
        }
        for (number, (settlement, discount)) in (0_u8..).zip(MERCHANTS) {
            run.set_up(Command::RegisterMerchant(RegisterMerchant {
                name: self::name(&format!("merchant-{number}")),
                settlement_currency: currency(settlement),
                discount: ratio(discount),
                api_key_hash: ApiKeyHash([number; 32]),
            }));
        }
        for account in run.model.accounts.clone() {
            let name = self::name(&format!("account-{}", account.name));
            let open = OpenAccount { wallet: WalletId(account.wallet), name, currency: currency(account.currency) };
            run.set_up(Command::OpenAccount(open));
        }
        run
    }

    pub(crate) fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    pub(crate) fn apply(&mut self, record: &Arc<Record>) {
        self.engine.apply(record);
    }

    pub(crate) fn step(&mut self, step: &Step) {
        let step = if let Ask::Again { steps_back } = &step.ask {
            let Some(earlier) = self.asked.iter().rev().nth(steps_back - 1) else { return };
            Step { wait_us: step.wait_us, ..earlier.clone() }
        } else {
            step.clone()
        };
        self.asked.push(step.clone());
        self.now += 1 + step.wait_us;
        // A payment's number is that of the record it would have, so that a decline can name it.
        let lsn = self.engine.applied_lsn().next();
        let stamped = self.stamped(step.submission(&self.model, self.now, lsn.get()));

        let decision = self.decide_twice(&stamped);
        let expected = self.model.predict(&step, self.now);
        assert_eq!(outcome(&decision), expected, "{step:?}");
        match (decision, expected) {
            (Decision::Recorded(event), Outcome::Recorded(what)) => {
                self.record(stamped, event);
                self.model.apply(&step, &what, lsn.get(), self.now);
            }
            (Decision::Repeated(record), Outcome::Repeated(lsn)) => {
                let first = self.records.iter().find(|record| record.lsn == Lsn::new(lsn));
                assert_eq!(first, Some(&record), "a repeat is answered with the first record");
            }
            (Decision::Recorded(_) | Decision::Repeated(_) | Decision::Refused(_), _) => {}
        }
        self.assert_sound();
    }

    /// Decides all commands again, each on the records before it, and compares.
    pub(crate) fn audit(&self) {
        let mut fresh = Engine::default();
        for record in &self.records {
            let submission = Submission { key: record.key, command: record.command.clone() };
            let again = fresh.decide(&Stamped { lsn: record.lsn, at: record.at, command: submission });
            assert_eq!(again, Decision::Recorded(record.event.clone()), "lsn {}", record.lsn);
            fresh.apply(record);
        }
        assert_eq!(fresh.digest(), self.engine.digest());
    }

    fn set_up(&mut self, command: Command) {
        self.now += 1;
        let stamped = self.stamped(Submission { key: None, command });
        let Decision::Recorded(event) = self.decide_twice(&stamped) else { panic!("{stamped:?}") };
        self.record(stamped, event);
    }

    fn stamped(&self, command: Submission) -> Stamped<Submission> {
        Stamped { lsn: self.engine.applied_lsn().next(), at: Timestamp::from_micros(self.now), command }
    }

    fn decide_twice(&self, stamped: &Stamped<Submission>) -> Decision {
        let before = self.engine.digest();
        let decision = self.engine.decide(stamped);
        assert_eq!(self.engine.decide(stamped), decision, "the same question has the same answer");
        assert_eq!(self.engine.digest(), before, "a decision changes nothing");
        assert_eq!(self.folded.decide(stamped), decision, "an engine that only folded records decides alike");
        decision
    }

    /// The live engine gets the record it made, the other one a copy, as if read back from disk.
    fn record(&mut self, stamped: Stamped<Submission>, event: Event) {
        let record = Arc::new(stamped.into_record(event));
        self.engine.apply(&record);
        self.folded.apply(&Arc::new(Record::clone(&record)));
        self.records.push(record);
    }

    fn assert_sound(&self) {
        self.engine.assert_conserved();
        self.model.assert_sound();
        assert_eq!(self.engine.digest(), self.folded.digest(), "folded records give the same state");
        for number in 0..self.model.accounts.len() {
            self.assert_balance(number);
        }
    }

    /// Asks for exactly what the model thinks there is, without taking it, and for one unit more.
    fn assert_balance(&self, number: usize) {
        let (Some(id), Some(Account { open: true, .. })) = (self.model.account_id(number), self.model.account(number))
        else {
            return;
        };
        let balance = self.model.balance(id);
        let ask = |units| {
            let amount = Money::new(id.currency, units);
            let command = Command::Withdraw(MoveFunds { account: Evidence::Present(id), amount });
            let mut stamped = self.stamped(Submission { key: None, command });
            stamped.at = Timestamp::from_micros(self.now + 1);
            outcome(&self.engine.decide(&stamped))
        };
        let most = i128::from(AMOUNT_MINOR_UNITS_MAX);
        if (1..=most).contains(&balance) {
            let Outcome::Recorded(What::Moved { balance: 0, .. }) = ask(balance) else {
                panic!("account {number} has not {balance}");
            };
        }
        if balance < most {
            let Outcome::Recorded(What::Declined(..)) = ask(balance + 1) else {
                panic!("account {number} has more than {balance}");
            };
        }
    }
}

fn outcome(decision: &Decision) -> Outcome {
    match decision {
        Decision::Recorded(event) => Outcome::Recorded(what(event)),
        Decision::Repeated(record) => Outcome::Repeated(record.lsn.get()),
        Decision::Refused(refusal) => Outcome::Refused(refusal_text(refusal)),
    }
}

fn what(event: &Event) -> What {
    let plain = |posting: &Posting| (posting.debit(), posting.credit(), posting.amount().minor_units());
    match event {
        Event::PolicyInstalled => What::PolicyInstalled,
        Event::RatesPublished => What::RatesPublished,
        Event::AccountOpened(account) => What::Opened(account.index),
        Event::AccountClosed => What::Closed,
        Event::FundsMoved { posting, posted_balance } => {
            What::Moved { posting: plain(posting), balance: posted_balance.minor_units() }
        }
        Event::PaymentCaptured(captured) => What::Captured {
            settlement: captured.settlement_amount.minor_units(),
            postings: captured.postings.iter().map(plain).collect(),
        },
        Event::Declined(decline) => What::Declined(decline.reason, decline.paid_by.map(number_of)),
        Event::SwitchInitialized | Event::WalletRegistered(_) | Event::MerchantRegistered(_) => {
            panic!("no step asks for {event:?}")
        }
    }
}

fn number_of(payment: PaymentId) -> u64 {
    let bytes = payment.bytes();
    u64::from_be_bytes(bytes[8..].try_into().expect("eight bytes"))
}

fn refusal_text(refusal: &Refusal) -> String {
    let text = match refusal {
        Refusal::KeyReused { difference: Difference::Method(_), .. } => "key_reused method",
        Refusal::KeyReused { difference: Difference::Field(field), .. } => return format!("key_reused {field}"),
        Refusal::AccountNotFound => "account_not_found",
        Refusal::MerchantNotFound => "merchant_not_found",
        Refusal::WalletNotFound => "wallet_not_found",
        Refusal::AccountExists => "account_exists",
        Refusal::PresentmentCurrencyNotAccepted { .. } => "presentment_currency_not_accepted",
        Refusal::RateMissing(_) => "rate_missing",
        Refusal::RateStale(_) => "rate_stale",
        Refusal::RateOutOfOrder { .. } => "rate_out_of_order",
        Refusal::RateFromTheFuture(_) => "rate_from_the_future",
        Refusal::RateMovedTooFar { .. } => "rate_moved_too_far",
        Refusal::KeyReused { difference: Difference::Unlocated, .. }
        | Refusal::MerchantExists
        | Refusal::WalletExists
        | Refusal::ApiKeyTaken
        | Refusal::AccountCurrencyMismatch { .. }
        | Refusal::OutOfSequence => panic!("no step is refused {refusal:?}"),
    };
    text.to_owned()
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}
