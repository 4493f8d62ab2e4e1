//! What must be answered to rows about cards, reckoned apart from the engine.

use std::collections::BTreeMap;

use money::{Currency, Money};

use super::{NUMBERS, PERSONS, Said};

/// Mid of the one rate: USD per CNY, ten decimals.
const MID: (i128, i128) = (1_503_107_930, 10_000_000_000);
/// No fee up to this, in minor units of CNY; 3 % of the whole above.
const FREE_UP_TO: i128 = 20_000;
/// In the issuer's stead up to this charge.
const STAND_IN_MAX: i128 = 10_000;
const ANSWER_US: i64 = 10_000_000;
const HOLD_US: i64 = 60_000_000;
/// Of a payment and of a year, in minor units of USD: verified, not verified.
const LIMITS: [(i128, i128); 2] = [(10_000, 14_000), (5_000, 7_000)];
const PERSONS_A_CARD_MAX: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pending { answer_by: i64 },
    Open { expires_at: i64 },
    Captured,
    Ended,
}

#[derive(Clone, Debug)]
struct Payment {
    number: u32,
    card: usize,
    asked: i128,
    manual: bool,
    state: State,
    captured: i128,
    refunded: i128,
    /// The record that asked, or that told of an approval in the issuer's stead.
    original: (u64, bool),
    code: String,
}

impl Payment {
    fn holds_order(&self) -> bool {
        self.state != State::Ended
    }

    fn expires_at(&self) -> Option<i64> {
        if let State::Open { expires_at } = self.state { Some(expires_at) } else { None }
    }

    pub(super) fn answer_by(&self) -> Option<i64> {
        if let State::Pending { answer_by } = self.state { Some(answer_by) } else { None }
    }

    /// It was never approved, so it is a record and no payment.
    fn was_declined(&self) -> bool {
        self.state == State::Ended && self.code.is_empty()
    }
}

#[derive(Clone, Debug)]
pub(super) struct Message {
    card: usize,
    is_advice: bool,
    pub(super) text: String,
}

#[derive(Default)]
pub(super) struct Model {
    production: bool,
    pub(super) now: i64,
    last_at: i64,
    pub(super) lsn: u64,
    /// The person of each card, and whether it is bound still.
    cards: BTreeMap<usize, (usize, bool)>,
    pub(super) verified: [bool; PERSONS],
    used: [i128; PERSONS],
    approvals: BTreeMap<(u8, usize), (i128, i64)>,
    payments: Vec<(u8, Payment)>,
    pub(super) messages: BTreeMap<u64, Message>,
    /// Minor units of CNY: owed to the merchant, by the scheme, and what was earned.
    pub(super) payable: i128,
    pub(super) receivable: i128,
    pub(super) fee_income: i128,
    pub(super) payer_fee: i128,
}

pub(super) fn yuan(units: i128) -> String {
    Money::new(Currency::CNY, units).grouped().to_string()
}

fn half_up(units: i128, thousandths: i128) -> i128 {
    (units * thousandths + 500) / 1_000
}

/// What is charged for a price, of a payment of which so much was captured or would be.
fn charged(price: i128, captured: i128) -> i128 {
    price + if captured > FREE_UP_TO { half_up(price, 30) } else { 0 }
}

fn settled(price: i128) -> i128 {
    price - half_up(price, 6)
}

fn counted(units: i128) -> i128 {
    (units * MID.0 + MID.1 - 1) / MID.1
}

impl Model {
    /// The rows before all others, and what they leave.
    pub(super) fn begin(production: bool) -> (Self, String) {
        let mode = if production { "production" } else { "sandbox" };
        let [(payment, year), (low_payment, low_year)] = LIMITS;
        let usd = |units: i128| format!("{}.{:02}", units / 100, units % 100);
        let limits = [payment, year, low_payment, low_year].map(usd).join(":");
        let rows = format!(
            "initialize {mode}\n\
             policy markup=0.01 age=30d band=0.1 hold=60s cards=CNY fee=200.00:0.03 limits={limits} stand_in=visa:100.00\n\
             wallet hk\nmerchant demo-cafe CNY 0.006\nrate USD per CNY 0.1503107930\n"
        );
        let lsn = u64::try_from(rows.lines().count()).expect("a few");
        (Self { production, lsn, last_at: i64::try_from(lsn).expect("a few"), ..Self::default() }, rows)
    }

    fn at(&self) -> i64 {
        self.now.max(self.last_at + 1)
    }

    pub(super) fn recorded(&mut self, text: impl Into<String>) -> String {
        self.last_at = self.at();
        self.lsn += 1;
        text.into()
    }

    fn say(&mut self, card: usize, amount: i128, what: &str) {
        let is_advice = !what.starts_with("authorize");
        let text = format!("#{} visa {}: {what}", self.lsn, yuan(amount));
        self.messages.insert(self.lsn, Message { card, is_advice, text });
    }

    fn is_bound(&self, card: usize) -> bool {
        self.cards.get(&card).is_some_and(|(_, bound)| *bound)
    }

    fn person(&self, card: usize) -> usize {
        self.cards[&card].0
    }

    /// The last payment of an order.
    pub(super) fn last_of(&self, order: u8) -> Option<usize> {
        self.last(order, |_| true)
    }

    /// The last payment of an order that fits.
    fn last(&self, order: u8, fits: impl Fn(&Payment) -> bool) -> Option<usize> {
        self.payments.iter().rposition(|(of, payment)| *of == order && fits(payment))
    }

    /// What the switch does by itself now.
    pub(super) fn due(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        loop {
            let at = self.at();
            let first = |due: fn(&Payment) -> Option<i64>| {
                let due = self.payments.iter().enumerate().filter_map(|(index, (_, payment))| {
                    due(payment).filter(|due| *due <= at).map(|due| (due, payment.number, index))
                });
                due.min().map(|(_, _, index)| index)
            };
            if let Some(index) = first(Payment::expires_at) {
                let payment = &self.payments[index].1;
                let (number, whole) = (payment.number, yuan(charged(payment.asked, payment.asked)));
                told.push(
                    self.recorded(format!("expired: {number} expired, authorized {whole}, captured {}", yuan(0))),
                );
                self.give_up(index);
            } else if let Some(index) = first(Payment::answer_by) {
                told.push(self.recorded("declined issuer_unavailable, reversed"));
                self.undo(index, true);
            } else {
                return told;
            }
        }
    }

    /// Ends a hold by a reversal.
    fn give_up(&mut self, index: usize) {
        let payment = &self.payments[index].1;
        let (card, whole, original) = (payment.card, charged(payment.asked, payment.asked), payment.original);
        self.say(card, whole, &format!("reverse {}", of(original)));
        self.end_of(index);
    }

    /// Ends what waited for its issuer.
    fn undo(&mut self, index: usize, reversed: bool) {
        self.messages.remove(&self.payments[index].1.original.0);
        if reversed { self.give_up(index) } else { self.end_of(index) }
    }

    fn end_of(&mut self, index: usize) {
        let payment = &mut self.payments[index].1;
        payment.state = State::Ended;
        let (card, asked) = (payment.card, payment.asked);
        self.count(card, -counted(asked));
    }

    fn count(&mut self, card: usize, more: i128) {
        let person = self.person(card);
        self.used[person] += more;
    }

    pub(super) fn bind(&mut self, card: usize, person: usize) -> String {
        let holders = || self.cards.iter().filter(|(other, (_, bound))| *bound && NUMBERS[**other] == NUMBERS[card]);
        if holders().any(|(_, (of, _))| *of == person) {
            return self.recorded("renewed, billed in an unknown currency");
        }
        if self.cards.contains_key(&card) {
            return "refused card_exists".to_owned();
        }
        if holders().count() >= PERSONS_A_CARD_MAX {
            return self.recorded("declined card_persons_limit");
        }
        self.cards.insert(card, (person, true));
        self.recorded("bound")
    }

    pub(super) fn unbind(&mut self, card: usize) -> String {
        let is_open = |(_, payment): &(u8, Payment)| {
            payment.card == card && matches!(payment.state, State::Pending { .. } | State::Open { .. })
        };
        if !self.is_bound(card) {
            return "refused card_not_found".to_owned();
        }
        if self.payments.iter().any(is_open) || self.messages.values().any(|message| message.card == card) {
            return "refused card_in_use".to_owned();
        }
        self.cards.entry(card).and_modify(|(_, bound)| *bound = false);
        self.recorded("unbound")
    }

    pub(super) fn pay(
        &mut self,
        (order, card): (u8, usize),
        units: i128,
        (manual, approved): (bool, bool),
        number: u32,
    ) -> String {
        if self.production && !approved {
            return "refused consent_missing".to_owned();
        }
        if !self.is_bound(card) {
            return "refused card_not_found".to_owned();
        }
        if let Some(index) = self.last(order, Payment::holds_order) {
            let paid_by = self.payments[index].1.number;
            return self.recorded(format!("declined order_already_paid by payment {paid_by}"));
        }
        let at = self.at();
        let debit = charged(units, units);
        let agreed = self.approvals.get(&(order, card)).filter(|(_, expires_at)| at < *expires_at);
        match agreed {
            None if approved => return self.recorded("declined consent_not_found"),
            Some((max, _)) if approved && debit > *max => return self.recorded("declined consent_exceeded"),
            Some(_) | None => {}
        }
        let person = self.person(card);
        let (payment_max, year_max) = LIMITS[usize::from(!self.verified[person])];
        if counted(units) > payment_max {
            return self.recorded("declined card_payment_limit");
        }
        if self.used[person] + counted(units) > year_max {
            return self.recorded("declined card_year_limit");
        }
        let until = (at + ANSWER_US) / 1_000;
        let counts = Money::new(Currency::USD, counted(units)).grouped().to_string();
        let text = self.recorded(format!("pending until {until} ms: {}, counts {counts}", yuan(debit)));
        self.count(card, counted(units));
        self.say(card, debit, &format!("authorize, until {until} ms"));
        let payment = Payment {
            number,
            card,
            asked: units,
            manual,
            state: State::Pending { answer_by: at + ANSWER_US },
            captured: 0,
            refunded: 0,
            original: (self.lsn, false),
            code: String::new(),
        };
        self.payments.push((order, payment));
        text
    }

    pub(super) fn answer(&mut self, order: u8, said: Said, stale: bool) -> String {
        let pending = self.last(order, |payment| matches!(payment.state, State::Pending { .. }));
        let Some(index) = pending.filter(|_| !stale) else { return "refused no_open_request".to_owned() };
        let stands_in = charged(self.payments[index].1.asked, self.payments[index].1.asked) <= STAND_IN_MAX;
        match said {
            Said::Approved => self.approve(index, false),
            Said::NotSent if stands_in => self.approve(index, true),
            Said::NotSent => {
                let text = self.recorded("declined issuer_unavailable");
                self.undo(index, false);
                text
            }
            Said::Funds => {
                let text = self.recorded("declined card_funds");
                self.undo(index, false);
                text
            }
            Said::Partial => {
                let text = self.recorded("declined partially_approved, reversed");
                self.undo(index, true);
                text
            }
        }
    }

    fn approve(&mut self, index: usize, stood_in: bool) -> String {
        let at = self.at();
        let (order, mut payment) = self.payments[index].clone();
        let whole = charged(payment.asked, payment.asked);
        let text = match payment.manual {
            true => format!("approved: held {}", yuan(whole)),
            false => format!("approved: debit {}, merchant {}", yuan(whole), yuan(settled(payment.asked))),
        };
        let text = self.recorded(text);
        self.messages.remove(&payment.original.0);
        self.approvals.remove(&(order, payment.card));
        payment.code = if stood_in { format!("{:06}", self.lsn % 1_000_000) } else { "A12345".to_owned() };
        if stood_in {
            payment.original = (self.lsn, true);
        }
        if payment.manual {
            payment.state = State::Open { expires_at: at + HOLD_US };
            if stood_in {
                self.say(payment.card, whole, &format!("stood in as {}", payment.code));
            }
        } else {
            let asked = payment.asked;
            self.take(&mut payment, asked);
        }
        self.payments[index].1 = payment;
        text
    }

    /// Captures what was asked, or a part of it.
    fn take(&mut self, payment: &mut Payment, units: i128) {
        let amount = charged(units, units);
        payment.captured = units;
        payment.state = State::Captured;
        self.say(payment.card, amount, &format!("capture {} {}", of(payment.original), payment.code));
        self.count(payment.card, counted(units) - counted(payment.asked));
        self.books(units, amount, 1);
    }

    fn books(&mut self, price: i128, amount: i128, sign: i128) {
        self.payable += sign * settled(price);
        self.fee_income += sign * (price - settled(price));
        self.payer_fee += sign * (amount - price);
        self.receivable += sign * amount;
    }

    pub(super) fn capture(&mut self, index: usize, units: i128) -> String {
        let mut payment = self.payments[index].1.clone();
        if payment.was_declined() {
            return "refused payment_not_found".to_owned();
        }
        let State::Open { .. } = payment.state else { return "refused move_not_allowed".to_owned() };
        if units > payment.asked {
            return "refused amount_above_remaining".to_owned();
        }
        let (amount, whole) = (charged(units, units), charged(payment.asked, payment.asked));
        let text = match units == payment.asked {
            true => format!("approved: debit {}, merchant {}", yuan(amount), yuan(settled(units))),
            false => format!(
                "captured: merchant {}; captured, authorized {}, captured {}",
                yuan(settled(units)),
                yuan(whole),
                yuan(amount)
            ),
        };
        let text = self.recorded(text);
        self.take(&mut payment, units);
        self.payments[index].1 = payment;
        text
    }

    pub(super) fn void(&mut self, index: usize) -> String {
        if self.payments[index].1.was_declined() {
            return "refused payment_not_found".to_owned();
        }
        let State::Open { .. } = self.payments[index].1.state else { return "refused move_not_allowed".to_owned() };
        let whole = yuan(charged(self.payments[index].1.asked, self.payments[index].1.asked));
        let text = self.recorded(format!("voided, authorized {whole}, captured {}", yuan(0)));
        self.give_up(index);
        text
    }

    pub(super) fn refund(&mut self, index: usize, units: i128) -> String {
        let mut payment = self.payments[index].1.clone();
        if payment.was_declined() {
            return "refused payment_not_found".to_owned();
        }
        let left = payment.captured - payment.refunded;
        if payment.state != State::Captured || left == 0 {
            return "refused move_not_allowed".to_owned();
        }
        if units > left {
            return "refused amount_above_remaining".to_owned();
        }
        let back = settled(left) - settled(left - units);
        if back > self.payable {
            return self.recorded("declined not_enough");
        }
        let charge = |price| charged(price, payment.captured);
        let amount = charge(left) - charge(left - units);
        let (captured, refunded) = (charge(payment.captured), charge(payment.captured) - charge(left - units));
        let state = if units == left { "refunded" } else { "partially_refunded" };
        let authorized = charged(payment.asked, payment.asked);
        let authorized = match payment.asked == payment.captured {
            true => String::new(),
            false => format!("authorized {}, ", yuan(authorized)),
        };
        let text = format!(
            "refunded: payer {}, merchant {}; {state}, {authorized}captured {}, refunded {}",
            yuan(amount),
            yuan(back),
            yuan(captured),
            yuan(refunded)
        );
        let text = self.recorded(text);
        self.say(payment.card, amount, &format!("refund {} {}", of(payment.original), payment.code));
        self.books(left, charge(left), -1);
        self.books(left - units, charge(left - units), 1);
        payment.refunded += units;
        self.payments[index].1 = payment;
        text
    }

    pub(super) fn approve_order(&mut self, (order, card): (u8, usize), max: i128, seconds: i64) -> String {
        if !self.is_bound(card) {
            return "refused card_not_found".to_owned();
        }
        self.approvals.insert((order, card), (max, self.now + seconds * 1_000_000));
        self.recorded("order approved")
    }

    pub(super) fn taken(&mut self, lsn: u64) -> String {
        if !self.messages.get(&lsn).is_some_and(|message| message.is_advice) {
            return "refused no_open_request".to_owned();
        }
        self.messages.remove(&lsn);
        self.recorded("taken")
    }

    pub(super) fn settle(&mut self, units: i128) -> String {
        if units > self.receivable {
            return "refused receivable_too_small".to_owned();
        }
        self.receivable -= units;
        self.recorded("settled")
    }

    pub(super) fn pay_out(&mut self, units: i128) -> String {
        if units > self.payable {
            return self.recorded("declined not_enough");
        }
        self.payable -= units;
        self.recorded(format!("paid out {}", yuan(units)))
    }
}

fn of((lsn, stood_in): (u64, bool)) -> String {
    format!("of #{lsn}{}", if stood_in { " (stood in)" } else { "" })
}
