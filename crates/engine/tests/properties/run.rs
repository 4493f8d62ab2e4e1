//! An engine, a second one that only folds records, and the model, step by step.

use std::{collections::BTreeSet, mem, sync::Arc};

use domain::{
    AccountKind, ApiKeyHash, AuthorizePayment, Command, DigestKey, Event, Evidence, InitializeSwitch, Lsn, Mode,
    MoveFunds, Name, OpenAccount, Record, RegisterMerchant, RegisterWallet, Stamped, Submission, Timestamp, WalletId,
};
use engine::{Decision, Engine};
use money::{AMOUNT_MINOR_UNITS_MAX, Money};

use crate::{
    ask::{Ask, Step, digest, merchant_name, ratio},
    forgetful::Forgetful,
    model::{ACCOUNT_CURRENCIES, Account, MERCHANTS, Model, Outcome, What, currency, postings},
    outcome::{outcome, what},
    rules::Rules,
    tape::PAIRS,
};

#[derive(Debug)]
pub(crate) struct Run {
    engine: Engine,
    folded: Engine,
    forgetful: Forgetful,
    model: Model,
    records: Vec<Arc<Record>>,
    asked: Vec<Step>,
    now: i64,
    /// What was asked and said, in short.
    pub(crate) said: BTreeSet<String>,
    last_said: String,
}

impl Run {
    /// A ledger with a policy, two wallet operators, merchants and accounts.
    pub(crate) fn begin(mode: Mode) -> Run {
        let account = |(number, currency): (u8, &&'static str)| {
            let wallet = u32::from(number % 2);
            Account { wallet, name: number, currency, state: "open" }
        };
        let accounts: Vec<Account> = (0..).zip(&ACCOUNT_CURRENCIES).map(account).collect();
        let model = Model::new(mode == Mode::Sandbox, accounts);
        let (engine, folded, forgetful) = Default::default();
        let (records, asked, said) = (Vec::new(), Vec::new(), BTreeSet::new());
        let mut run =
            Run { engine, folded, forgetful, model, records, asked, now: 1_000_000, said, last_said: String::new() };
        let digest_key = DigestKey { id: 1, check: digest("secret") };
        run.set_up(Command::InitializeSwitch(InitializeSwitch { mode, digest_key }));
        run.set_up(Command::InstallPolicy(Rules::first().command()));
        for name in ["wallet-0", "wallet-1"] {
            run.set_up(Command::RegisterWallet(RegisterWallet { name: self::name(name) }));
        }
        for (number, (settlement, discount)) in (0_u8..).zip(MERCHANTS) {
            run.set_up(Command::RegisterMerchant(RegisterMerchant {
                name: merchant_name(number.into()),
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

    /// And rates of all pairs, and something in each account and reserve.
    pub(crate) fn funded(mode: Mode) -> Run {
        let mut run = Run::begin(mode);
        let step = |ask| Step { wait_us: 0, sweeps: true, key: None, ask };
        run.step(&step(Ask::Rates {
            pair: 0,
            percent: 100,
            spread: 1_000_001,
            offset_s: 0,
            valid_s: None,
            pairs: PAIRS.len(),
            overridden: false,
        }));
        for account in 0..ACCOUNT_CURRENCIES.len() {
            run.step(&step(Ask::Deposit { account, units: 2_000_000 }));
        }
        for merchant in 0..MERCHANTS.len() {
            run.step(&step(Ask::Fund { merchant, units: 30_000 }));
        }
        run
    }

    /// What the last step was and what was said to it, in short.
    pub(crate) fn last_said(&self) -> &str {
        &self.last_said
    }

    /// What an account has that is not held.
    pub(crate) fn available(&self, account: usize) -> i128 {
        let id = self.model.account_id(account).expect("an account of this run");
        self.model.balance(id) - self.model.held(account)
    }

    pub(crate) fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    /// A moment after all records.
    pub(crate) const fn now(&self) -> i64 {
        self.now + 1
    }

    /// Of these steps the payments of one merchant, at most so many, as they would be asked for now.
    pub(crate) fn payments(&self, steps: &[Step], most: usize) -> Vec<AuthorizePayment> {
        let next = self.engine.applied_lsn().next().get();
        let asked = (next..).zip(steps).filter_map(|(number, step)| {
            let Command::AuthorizePayment(pay) = step.submission(&self.model, self.now(), number)?.command else {
                return None;
            };
            Some(pay)
        });
        let asked: Vec<AuthorizePayment> = asked.collect();
        let Some(merchant) = asked.first().map(|pay| pay.merchant) else { return Vec::new() };
        asked.into_iter().filter(|pay| pay.merchant == merchant).take(most).collect()
    }

    pub(crate) fn apply(&mut self, record: &Arc<Record>) {
        self.engine.apply(record);
    }

    pub(crate) fn step(&mut self, step: &Step) {
        let step = if let Ask::Again { steps_back } = &step.ask {
            let Some(earlier) = self.asked.iter().rev().nth(steps_back - 1) else { return };
            Step { wait_us: step.wait_us, sweeps: step.sweeps, ..earlier.clone() }
        } else {
            step.clone()
        };
        self.asked.push(step.clone());
        self.now += 1 + step.wait_us;
        if step.sweeps {
            self.sweep();
        }
        // A payment's number is that of the record it would have, so that a decline can name it.
        let lsn = self.engine.applied_lsn().next();
        let Some(submission) = step.submission(&self.model, self.now, lsn.get()) else {
            self.model.offered(&step.ask, self.now);
            return;
        };
        let stamped = self.stamped(submission);
        let decision = self.decide_twice(&stamped);
        let (said, expected) = (outcome(&decision), self.model.predict(&step, self.now));
        assert_eq!(said, expected, "{step:?}");
        self.note(&step.ask, &said);
        match (decision, expected) {
            (Decision::Recorded(event), Outcome::Recorded(what)) => {
                self.record(stamped, event);
                self.model.apply(&step, &what, lsn.get(), self.now);
            }
            (Decision::Repeated(record), Outcome::Repeated(lsn)) => {
                let first = self.records.iter().find(|record| record.lsn == Lsn::new(lsn));
                assert_eq!(first, Some(&record), "a repeat is answered with the first record");
            }
            (
                Decision::Recorded(_) | Decision::Repeated(_) | Decision::Refused(_) | Decision::RefusedTogether { .. },
                _,
            ) => {}
        }
        self.assert_sound();
    }

    /// Does what is due, as the shard does before anything else, until nothing is.
    fn sweep(&mut self) {
        assert_eq!(self.engine.next_due_at().map(Timestamp::micros), self.model.next_due_at());
        loop {
            let (due, expected) = (self.engine.due(Timestamp::from_micros(self.now)), self.model.due(self.now));
            let Some(command) = due else {
                assert_eq!(expected, None, "nothing is due");
                return;
            };
            let stamped = self.stamped(Submission { key: None, command });
            let decision = self.decide_twice(&stamped);
            let Decision::Recorded(event) = decision else { panic!("what is due is done: {decision:?}") };
            let done = what(&event);
            assert_eq!(Some(&done), expected.as_ref());
            self.note(&Ask::Again { steps_back: 0 }, &Outcome::Recorded(done.clone()));
            self.record(stamped, event);
            self.model.apply_due(&done);
            self.now += 1;
            self.assert_sound();
        }
    }

    /// Ends all holds by time: nothing is held or reserved then.
    pub(crate) fn end_all_holds(&mut self) {
        self.now += 100_000_000_000;
        self.sweep();
        assert_eq!(self.engine.next_due_at(), None, "every hold has ended");
        for (currency, _, reserved) in self.engine.exposures() {
            assert!(reserved.is_zero(), "{currency} {reserved}");
        }
        self.assert_sound();
    }

    /// Decides all commands again, each on the records before it, and compares.
    pub(crate) fn audit(&mut self) {
        let mut fresh = Engine::default();
        for record in &self.records {
            let submission = Submission { key: record.key, command: record.command.clone() };
            let again = fresh.decide(&Stamped { lsn: record.lsn, at: record.at, command: submission });
            assert_eq!(again, Decision::Recorded(record.event.clone()), "lsn {}", record.lsn);
            fresh.apply(record);
        }
        assert_eq!(fresh.digest(), self.engine.digest());
        let remembering = mem::take(&mut self.forgetful).remembering(&self.records);
        assert_eq!(remembering.digest(), self.engine.digest(), "what was forgotten can be taken back");
        self.assert_quotes_used_once();
    }

    fn assert_quotes_used_once(&self) {
        let mut used = Vec::new();
        for record in &self.records {
            let approved = matches!(record.event, Event::PaymentAuthorized(_) | Event::PaymentCaptured(_));
            if let (Command::AuthorizePayment(authorize), true) = (&record.command, approved)
                && let Some(offer) = &authorize.offer
            {
                assert!(!used.contains(&offer.quote_id), "{} is used twice", offer.quote_id);
                used.push(offer.quote_id);
            }
        }
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

    fn decide_twice(&mut self, stamped: &Stamped<Submission>) -> Decision {
        let before = self.engine.digest();
        let decision = self.engine.decide(stamped);
        assert_eq!(self.engine.decide(stamped), decision, "the same question has the same answer");
        assert_eq!(self.engine.digest(), before, "a decision changes nothing");
        assert_eq!(self.folded.decide(stamped), decision, "an engine that only folded records decides alike");
        let forgetful = self.forgetful.decide(&self.records, stamped);
        assert_eq!(forgetful, decision, "an engine that forgets and recalls decides alike");
        decision
    }

    /// The live engine gets the record it made, the other one a copy, as if read back from disk.
    fn record(&mut self, stamped: Stamped<Submission>, event: Event) {
        let record = Arc::new(stamped.into_record(event));
        self.engine.apply(&record);
        self.folded.apply(&Arc::new(Record::clone(&record)));
        self.forgetful.apply(&self.records, &record);
        self.records.push(record);
    }

    fn assert_sound(&self) {
        self.engine.assert_conserved();
        self.model.assert_sound();
        assert_eq!(self.engine.digest(), self.folded.digest(), "folded records give the same state");
        for (currency, position, reserved) in self.engine.exposures() {
            let units = (position.minor_units(), reserved.minor_units());
            assert_eq!(units, self.model.exposure(currency.code()), "{currency}");
        }
        for number in 0..self.model.accounts.len() {
            self.assert_available(number);
        }
    }

    /// Asks for exactly what the model thinks is available, without taking it, and for one unit more.
    fn assert_available(&self, number: usize) {
        let (Some(id), Some(Account { state: "open", .. })) =
            (self.model.account_id(number), self.model.account(number))
        else {
            return;
        };
        let held = self.model.held(number);
        let available = self.model.balance(id) - held;
        let ask = |units| {
            let amount = Money::new(id.currency, units);
            let command = Command::Withdraw(MoveFunds { account: Evidence::Present(id), amount });
            let mut stamped = self.stamped(Submission { key: None, command });
            stamped.at = Timestamp::from_micros(self.now + 1);
            outcome(&self.engine.decide(&stamped))
        };
        let most = i128::from(AMOUNT_MINOR_UNITS_MAX);
        if (1..=most).contains(&available) {
            let answer = ask(available);
            let Outcome::Recorded(What::Moved { balance, .. }) = answer else {
                panic!("account {number} has not {available}: {answer:?}");
            };
            assert_eq!(balance, held, "what is left of account {number} is held");
        }
        if available < most {
            let Outcome::Recorded(What::Declined(..)) = ask(available + 1) else {
                panic!("account {number} has more than {available}");
            };
        }
    }

    fn note(&mut self, ask: &Ask, said: &Outcome) {
        let asked = ask.method().map_or("due".to_owned(), |method| format!("{method:?}"));
        self.last_said = format!("{asked}: {}", in_short(said));
        self.said.insert(self.last_said.clone());
    }
}

/// An answer without its numbers, with what is worth to be told apart.
fn in_short(said: &Outcome) -> String {
    let what = match said {
        Outcome::Recorded(What::Declined(reason, _)) => return format!("declined {}", reason.as_str()),
        Outcome::Recorded(what) => what,
        Outcome::Repeated(_) => return "repeated".to_owned(),
        Outcome::Refused(text) => {
            let words: Vec<&str> = text.split(' ').filter(|word| word.parse::<i64>().is_err()).collect();
            return format!("refused {}", words.join(" "));
        }
    };
    let text = format!("{what:?}");
    let name = text.split([' ', '(']).next().unwrap_or_default();
    let is_of = |kind| postings(what).iter().any(|(debit, credit, _)| debit.kind == kind || credit.kind == kind);
    let above_soft_limit = match what {
        What::Authorized { above_soft_limit, .. }
        | What::Captured { above_soft_limit, .. }
        | What::Increased { above_soft_limit, .. } => !above_soft_limit.is_empty(),
        _ => false,
    };
    let marks = [
        (is_of(AccountKind::FxPosition), "exchanged"),
        (is_of(AccountKind::FxResult), "with a result"),
        (is_of(AccountKind::MerchantReserve), "from a reserve"),
        (above_soft_limit, "above a soft limit"),
    ];
    let marks = marks.into_iter().filter_map(|(applies, mark)| applies.then_some(mark));
    [name].into_iter().chain(marks).collect::<Vec<_>>().join(" ")
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}
