//! Asks an engine row after row and keeps what the shell around it would keep: clock, directory, rate book, books.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    AccountId, AccountKind, AuthorizeTogether, Command, CurrencyPair, Event, Evidence, KeyedPayment, Lsn, MandateId,
    MerchantId, MoveFunds, OfferedQuote, PaymentId, PaymentTotals, Policy, PublishedTick, Record, Scheme, Stamped,
    Submission, Timestamp, WalletId,
};
use engine::{Decision, Engine};
use money::{AMOUNT_MINOR_UNITS_MAX, Money};

use crate::{
    answer, cards,
    table::{Answer, Row},
};

#[derive(Debug, Default)]
pub(crate) struct Desk {
    engine: Engine,
    pub(crate) records: Vec<Arc<Record>>,
    pub(crate) now: Timestamp,
    pub(crate) wallets: BTreeMap<String, WalletId>,
    pub(crate) merchants: BTreeMap<String, MerchantId>,
    /// By wallet operator and account: `hk/alice`.
    pub(crate) accounts: BTreeMap<String, AccountId>,
    pub(crate) policy: Option<Arc<Policy>>,
    pub(crate) ticks: Vec<PublishedTick>,
    /// Quotes made by the desk, as tokens would keep them.
    pub(crate) offers: BTreeMap<String, OfferedQuote>,
    /// The account of each code and mandate, as a directory would know it.
    pub(crate) codes: BTreeMap<String, AccountId>,
    pub(crate) mandates: BTreeMap<String, (MandateId, AccountId)>,
    /// The last approved payment of each order, with its merchant and payer.
    pub(crate) approved: BTreeMap<String, (PaymentId, MerchantId, AccountId)>,
    held: BTreeMap<PaymentId, (AccountId, Money)>,
    books: BTreeMap<AccountId, Money>,
    /// The last row with each key, for `retry`.
    asked: BTreeMap<String, Row>,
    /// Rows with `together=yes`, until they are decided.
    together: Vec<Row>,
    pub(crate) payments: u32,
    /// The scheme of each card, bound or not.
    pub(crate) schemes: BTreeMap<String, Scheme>,
    /// The last payment of each order whose issuer was asked, with the record that asks it.
    pub(crate) asked_of_issuers: BTreeMap<String, (PaymentId, Lsn)>,
}

impl Desk {
    pub(crate) fn run(&mut self, row: &Row) -> Answer {
        match row.verb() {
            "clock" => {
                self.now = Timestamp::from_micros(self.now.micros() + micros(row.arguments()[0]));
                Answer::default()
            }
            "decide" => self.decide_together(),
            "due" => Answer { outcome: String::new(), below: self.run_due() },
            "quote" => Answer { outcome: self.make_offer(row), below: Vec::new() },
            "held" => Answer { outcome: self.held(row.arguments()[0]), below: Vec::new() },
            "say" => Answer { outcome: String::new(), below: self.engine.card_messages().map(cards::said).collect() },
            "exposures" => Answer { outcome: String::new(), below: self.exposures() },
            "balance" => Answer { outcome: self.balance(row.arguments()[0]), below: Vec::new() },
            "balances" => Answer { outcome: String::new(), below: self.balances() },
            "postings" => Answer { outcome: String::new(), below: self.postings() },
            "retry" => {
                let key = row.arguments()[0];
                let first = self.asked.get(key).unwrap_or_else(|| panic!("nothing was asked under {key}")).clone();
                self.ask(&first)
            }
            _ if row.option("together").is_some() => {
                self.together.push(row.clone());
                Answer::default()
            }
            _ => match row.option("repeat") {
                None => self.ask(row),
                Some(times) => {
                    let times: u32 = times.parse().unwrap_or_else(|_| panic!("{row}"));
                    (1..=times).map(|number| self.ask(&row.numbered(number))).last().unwrap_or_default()
                }
            },
        }
    }

    /// All records once more: folded into a fresh engine, and decided once more by it before each is folded.
    pub(crate) fn assert_replays(&self) {
        let mut fresh = Engine::default();
        for record in &self.records {
            let submission = Submission { key: record.key, command: record.command.clone() };
            let again = fresh.decide(&Stamped { lsn: record.lsn, at: record.at, command: submission });
            assert_eq!(again, Decision::Recorded(record.event.clone()), "lsn {}", record.lsn);
            fresh.apply(record);
        }
        fresh.assert_conserved();
        assert_eq!(fresh.digest(), self.engine.digest(), "equal records give equal states");
        self.assert_stands();
        self.assert_recalled(fresh);
    }

    /// What stands, told and taken in by another engine, is told by that one alike.
    fn assert_stands(&self) {
        let mut other = Engine::default();
        for standing in self.engine.standing() {
            other.stand(standing).expect("what an engine tells stands");
        }
        other.check_standing().expect("what an engine tells is whole");
        assert!(other.standing().eq(self.engine.standing()), "what was taken in is told alike");
    }

    /// An engine that forgot all it may and is given the records back is the same again.
    fn assert_recalled(&self, mut forgetful: Engine) {
        for _ in &self.records {
            forgetful.forget(self.engine.applied_lsn(), 0);
        }
        let parts: Vec<_> = self.records.iter().flat_map(|record| record.parts()).collect();
        // The last record of each key counts.
        parts.iter().rev().for_each(|part| forgetful.recall_key(part));
        let concerned = |record: &Record| match &record.event {
            Event::HoldsExpired(holds) => holds.iter().map(|hold| hold.payment_id).collect(),
            Event::RefundsPriced(refunds) => refunds.iter().map(|refund| refund.payment_id).collect(),
            _ => record.command.payment_id().into_iter().collect::<Vec<_>>(),
        };
        for payment in parts.iter().flat_map(|part| concerned(part)) {
            let of_payment = parts.iter().filter(|part| concerned(part).contains(&payment));
            let records: Vec<_> = of_payment.cloned().collect();
            if let [before @ .., last] = &records[..]
                && matches!(last.event, Event::AttemptDeclined(_))
            {
                forgetful.recall_payment(payment, before).expect("the end of what waited may not be known yet");
            }
            forgetful.recall_payment(payment, &records).expect("its records are of a payment");
        }
        assert_eq!(forgetful.digest(), self.engine.digest(), "what was forgotten is recalled as it was");
    }

    fn ask(&mut self, row: &Row) -> Answer {
        let submission = self.submission(row);
        if let Some(key) = self.key_text(row) {
            self.asked.insert(key.to_owned(), row.clone());
        }
        Answer { outcome: self.decide(submission), below: Vec::new() }
    }

    /// The rows noted before, all or none.
    fn decide_together(&mut self) -> Answer {
        let rows = std::mem::take(&mut self.together);
        let payments = rows.iter().map(|row| {
            self.asked.insert(self.key_text(row).expect("it has a key").to_owned(), row.clone());
            match self.submission(row) {
                Submission { key: Some(key), command: Command::AuthorizePayment(authorize) } => {
                    KeyedPayment { key, authorize }
                }
                other => panic!("not a payment under a key: {other:?}"),
            }
        });
        let together = AuthorizeTogether::new(payments.collect()).expect("a few of one merchant");
        let command = Submission { key: None, command: Command::AuthorizeTogether(together) };
        let stamped = Stamped { lsn: self.engine.applied_lsn().next(), at: self.stamp(), command };
        let told = match self.engine.decide(&stamped) {
            Decision::Recorded(event) => answer::parts(&Arc::new(stamped.clone().into_record(event))),
            Decision::Repeated(record) => answer::parts(&record),
            Decision::Refused(_) | Decision::RefusedTogether { .. } => Vec::new(),
        };
        Answer { outcome: self.decide(stamped.command), below: told }
    }

    fn decide(&mut self, submission: Submission) -> String {
        let stamped = Stamped { lsn: self.engine.applied_lsn().next(), at: self.stamp(), command: submission };
        let decision = self.engine.decide(&stamped);
        assert_eq!(self.engine.decide(&stamped), decision, "the same question has the same answer: {stamped:?}");
        let outcome = answer::text(&decision, stamped.lsn);
        if let Decision::Recorded(event) = decision {
            let record = Arc::new(stamped.into_record(event));
            self.engine.apply(&record);
            record.parts().for_each(|part| self.observe(&part));
            self.records.push(record);
        }
        outcome
    }

    /// What the switch does by itself, as the shard would have it done.
    fn run_due(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(command) = self.engine.due(self.stamp()) {
            lines.push(self.decide(Submission { key: None, command }));
        }
        lines
    }

    fn held(&self, account: &str) -> String {
        let account = self.accounts[account];
        let of_account = self.held.values().filter(|(payer, _)| *payer == account).map(|(_, held)| *held);
        let sum = of_account.fold(Money::zero(account.currency), |sum, held| sum.checked_add(held).expect("one"));
        sum.grouped().to_string()
    }

    fn exposures(&self) -> Vec<String> {
        let line = |(_, position, reserved): (_, Money, Money)| {
            format!("position {:<20} reserved {}", position.grouped().to_string(), reserved.grouped())
        };
        self.engine.exposures().map(line).collect()
    }

    /// Rises with every record even while the clock stands.
    fn stamp(&self) -> Timestamp {
        self.now.max(Timestamp::from_micros(self.engine.applied_at().micros() + 1))
    }

    fn observe(&mut self, record: &Record) {
        match (&record.command, &record.event) {
            (Command::InstallPolicy(install), _) => self.policy = Some(Arc::clone(&install.policy)),
            (Command::RegisterWallet(register), Event::WalletRegistered(wallet)) => {
                self.wallets.insert(register.name.as_str().to_owned(), *wallet);
            }
            (Command::RegisterMerchant(register), Event::MerchantRegistered(merchant)) => {
                self.merchants.insert(register.name.as_str().to_owned(), *merchant);
            }
            (Command::OpenAccount(open), Event::AccountOpened(account)) => {
                let wallet = name_of(&self.wallets, &open.wallet);
                self.accounts.insert(format!("{wallet}/{}", open.name), *account);
                self.books.insert(*account, Money::zero(account.currency));
            }
            (Command::PublishRates(publish), Event::RatesPublished(published)) => {
                let ticks = publish.ticks.iter().zip(&published.move_ppm);
                let lsn = record.lsn;
                self.ticks.extend(ticks.map(|(tick, ppm)| PublishedTick { lsn, tick: tick.clone(), move_ppm: *ppm }));
            }
            (
                Command::AuthorizePayment(pay),
                Event::PaymentAuthorized(_) | Event::PaymentCaptured(_) | Event::PaymentPending(_),
            ) => {
                let Evidence::Present(payer) = pay.payer else { panic!("{pay:?}") };
                let order = pay.merchant_order_id.to_string();
                if let Event::PaymentPending(_) = record.event {
                    self.asked_of_issuers.insert(order.clone(), (pay.payment_id, record.lsn));
                }
                self.approved.insert(order, (pay.payment_id, pay.merchant, payer));
            }
            (_, _) => {}
        }
        self.observe_totals(record);
        for posting in answer::postings(&record.event) {
            let zero = Money::zero(posting.amount().currency());
            let debited = self.books.entry(posting.debit()).or_insert(zero);
            *debited = debited.checked_sub(posting.amount()).expect("one currency");
            let credited = self.books.entry(posting.credit()).or_insert(zero);
            *credited = credited.checked_add(posting.amount()).expect("one currency");
        }
    }

    /// Keeps what is held, and checks that no currency of a payment shows more captured than authorized, or more refunded
    /// than captured.
    fn observe_totals(&mut self, record: &Record) {
        for (payment, totals) in answer::totals(record) {
            let PaymentTotals { authorized, captured, refunded, held, .. } = totals;
            for (most, less) in [(authorized, captured), (captured, refunded)] {
                assert!(most.presentment.minor_units() >= less.presentment.minor_units(), "{record:?}");
                assert!(most.debit.minor_units() >= less.debit.minor_units(), "{record:?}");
                assert!(most.settlement.minor_units() >= less.settlement.minor_units(), "{record:?}");
            }
            let payer = self.approved.values().find(|(id, _, _)| *id == payment).expect("it was approved").2;
            self.held.insert(payment, (payer, held));
        }
    }

    /// The last rate of a pair, however old.
    pub(crate) fn last_tick(&self, pair: CurrencyPair) -> Option<&PublishedTick> {
        self.ticks.iter().rev().find(|published| published.tick.pair == pair)
    }

    pub(crate) fn named_tick(&self, pair: CurrencyPair, lsn: Lsn) -> Option<&PublishedTick> {
        self.ticks.iter().find(|published| published.lsn == lsn && published.tick.pair == pair)
    }

    fn balance(&self, account: &str) -> String {
        let account = self.accounts[account];
        let balance = self.books[&account];
        self.assert_engine_agrees(account, balance);
        balance.grouped().to_string()
    }

    fn balances(&self) -> Vec<String> {
        let mut rows = Vec::new();
        let mut accounts: Vec<_> = self.books.iter().collect();
        accounts.sort_by_key(|(account, _)| (account.currency.code(), account.kind, account.index));
        for of_currency in accounts.chunk_by(|(left, _), (right, _)| left.currency == right.currency) {
            let mut sum = Money::zero(of_currency[0].0.currency);
            for (account, balance) in of_currency {
                sum = sum.checked_add(**balance).expect("one currency");
                self.assert_engine_agrees(**account, **balance);
                rows.push(line(&self.label(**account), **balance));
            }
            assert!(sum.is_zero(), "{} sums to {sum}", sum.currency());
            rows.push(line("= sum", sum));
        }
        rows
    }

    /// Asks for exactly the balance, without taking it: the engine gives it and is left with nothing.
    fn assert_engine_agrees(&self, account: AccountId, balance: Money) {
        let one_amount = 1..=i128::from(AMOUNT_MINOR_UNITS_MAX);
        if self.held.values().any(|(payer, held)| *payer == account && !held.is_zero()) {
            return;
        }
        if account.kind != AccountKind::Wallet || !one_amount.contains(&balance.minor_units()) {
            return;
        }
        let command = Command::Withdraw(MoveFunds { account: Evidence::Present(account), amount: balance });
        let command = Submission { key: None, command };
        let stamped = Stamped { lsn: self.engine.applied_lsn().next(), at: self.stamp(), command };
        let Decision::Recorded(Event::FundsMoved { posted_balance, .. }) = self.engine.decide(&stamped) else {
            panic!("the engine has another balance than {balance} in {}", self.label(account));
        };
        assert!(posted_balance.is_zero(), "the engine has {posted_balance} more in {}", self.label(account));
    }

    fn postings(&self) -> Vec<String> {
        let Some(record) = self.records.last() else { return Vec::new() };
        let line = |posting: &domain::Posting| {
            let (debit, credit) = (self.label(posting.debit()), self.label(posting.credit()));
            let parties = format!("{debit:<20} -> {credit}");
            line(&parties, posting.amount())
        };
        answer::postings(&record.event).iter().map(line).collect()
    }

    fn label(&self, account: AccountId) -> String {
        match account.kind {
            AccountKind::Wallet => name_of(&self.accounts, &account).to_owned(),
            AccountKind::MerchantPayable => name_of(&self.merchants, &MerchantId(account.index)).to_owned(),
            AccountKind::MerchantReserve => {
                format!("reserve of {}", name_of(&self.merchants, &MerchantId(account.index)))
            }
            AccountKind::SchemeReceivable => format!("owed by {}", account.scheme().expect("a scheme").as_str()),
            AccountKind::FxPosition
            | AccountKind::PayerFee
            | AccountKind::FxMarkup
            | AccountKind::FeeIncome
            | AccountKind::Nostro
            | AccountKind::FxResult => account.kind.as_str().to_owned(),
        }
    }
}

fn line(label: &str, amount: Money) -> String {
    let grouped = amount.grouped().to_string();
    let (currency, units) = grouped.split_once(' ').expect("money is a currency and a number");
    format!("{label:<40} {currency} {units:>24}")
}

fn name_of<'a, T: PartialEq>(names: &'a BTreeMap<String, T>, value: &T) -> &'a str {
    names.iter().find_map(|(name, named)| (named == value).then_some(name)).expect("it has a name")
}

/// Reads `30s`, `-5ms`, `+1us`, `7d`, `2h`.
pub(crate) fn micros(text: &str) -> i64 {
    let units = [("us", 1), ("ms", 1_000), ("s", 1_000_000), ("h", 3_600_000_000), ("d", 86_400_000_000)];
    let read = |(unit, size): (&str, i64)| Some(text.strip_suffix(unit)?.parse::<i64>().ok()? * size);
    units.into_iter().find_map(read).unwrap_or_else(|| panic!("{text} is no duration"))
}
