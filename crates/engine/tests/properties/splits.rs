//! One payment taken apart in every way: nothing is left over, and nobody but the switch is ever better off.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    AccountId, AccountKind, ApiKeyHash, AuthorizePayment, CaptureMode, CapturePayment, CaptureRest, Command, Consent,
    Conversions, Converted, CurrencyPair, DigestKey, Event, Evidence, IncreaseAuthorization, InitializeSwitch,
    InstallPolicy, MerchantId, MerchantRules, Mode, MoveFunds, OpenAccount, PaymentId, PaymentTotals, Policy, Pricing,
    PublishRates, RateTick, RefundId, RefundPayment, RefundRate, RegisterMerchant, RegisterWallet, Stamped, Submission,
    TickPrice, Timestamp, VoidPayment, WalletId,
};
use engine::{Decision, Engine};
use money::{Money, Rate, Weight};
use proptest::{collection::vec, prelude::*};

use crate::{
    ask::{digest, merchant_name, ratio},
    command::{id, label},
    config,
    exact::Fraction,
    model::currency,
    payment::{Legs, Levels},
    tape::Prices,
};

const MERCHANT: MerchantId = MerchantId(0);
const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// A rate of one pair: bid and ask as mantissas of one scale.
#[derive(Clone, Copy, Debug)]
struct Quoted {
    bid: u64,
    ask: u64,
    scale: u32,
}

/// What a payment is made by.
#[derive(Clone, Copy, Debug)]
struct Terms {
    presentment: &'static str,
    debit: &'static str,
    settlement: &'static str,
    /// From presentment to debit currency, with the markup in millionths.
    debited_at: Quoted,
    markup: u32,
    settled_at: Quoted,
    discount: u32,
    refund_rate: RefundRate,
}

/// What is asked of it, in presentment currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Do {
    Capture(i128),
    Refund(i128),
    Increase(i128),
}

/// One engine, one payer, one merchant, and books of what was posted.
struct Till {
    engine: Engine,
    terms: Terms,
    payer: AccountId,
    books: BTreeMap<AccountId, i128>,
    number: u64,
    now: i64,
}

impl Quoted {
    fn price(self) -> TickPrice {
        let rate = |mantissa| Rate::from_parts(mantissa, self.scale).expect("a rate");
        match self.bid == self.ask {
            true => TickPrice::Mid(rate(self.bid)),
            false => TickPrice::BidAsk { bid: rate(self.bid), ask: rate(self.ask) },
        }
    }

    fn prices(self) -> Prices {
        let (bid, ask) = (Fraction::decimal(self.bid, self.scale), Fraction::decimal(self.ask, self.scale));
        Prices { bid, mid: bid.mean(ask), ask }
    }
}

impl Terms {
    /// The model's legs.
    fn legs(&self) -> Legs {
        Legs {
            presentment: self.presentment,
            debit: self.debit,
            settlement: self.settlement,
            debited_at: (self.presentment != self.debit).then(|| (self.debited_at.prices(), self.markup)),
            settled_at: (self.presentment != self.settlement).then(|| self.settled_at.prices()),
            discount: self.discount,
        }
    }

    fn pairs(&self) -> Vec<(CurrencyPair, TickPrice)> {
        let pair = |to| CurrencyPair { presentment: currency(self.presentment), debit: currency(to) };
        let mut pairs = Vec::new();
        if self.presentment != self.debit {
            pairs.push((pair(self.debit), self.debited_at.price()));
        }
        if self.presentment != self.settlement && self.settlement != self.debit {
            pairs.push((pair(self.settlement), self.settled_at.price()));
        }
        pairs
    }

    /// As they can be: one pair has one rate.
    fn of_one_tape(self) -> Self {
        let settled_at = if self.settlement == self.debit { self.debited_at } else { self.settled_at };
        Self { settled_at, ..self }
    }
}

impl Till {
    fn new(terms: Terms) -> Till {
        let payer = AccountId { kind: AccountKind::Wallet, currency: currency(terms.debit), index: 0 };
        let engine = Engine::default();
        let mut till = Till { engine, terms, payer, books: BTreeMap::new(), number: 0, now: 0 };
        let digest_key = DigestKey { id: 1, check: digest("secret") };
        till.run(Command::InitializeSwitch(InitializeSwitch { mode: Mode::Sandbox, digest_key }));
        till.refund_at(terms.refund_rate);
        till.run(Command::RegisterWallet(RegisterWallet { name: merchant_name(7) }));
        till.run(Command::RegisterMerchant(RegisterMerchant {
            name: merchant_name(0),
            settlement_currency: currency(terms.settlement),
            discount: ratio(terms.discount),
            api_key_hash: ApiKeyHash([0; 32]),
        }));
        let (wallet, name) = (WalletId(0), merchant_name(9));
        till.run(Command::OpenAccount(OpenAccount { wallet, name, currency: payer.currency }));
        let amount = Money::new(payer.currency, 999_999_999_999_999);
        till.run(Command::Deposit(MoveFunds { account: Evidence::Present(payer), amount }));
        till.publish();
        till
    }

    /// Refunds are given back at this rate from now on.
    fn refund_at(&mut self, refund_rate: RefundRate) {
        let rules = MerchantRules { refund_rate, ..MerchantRules::default() };
        let basic = Policy::basic(ratio(self.terms.markup), 100 * DAY_MICROS, ratio(1_000_000));
        let policy = Arc::new(Policy { merchant_default: rules, ..basic });
        self.run(Command::InstallPolicy(InstallPolicy { policy }));
    }

    fn run(&mut self, command: Command) -> Event {
        self.now += 1;
        let command = Submission { key: None, command };
        let stamped = Stamped { lsn: self.engine.applied_lsn().next(), at: Timestamp::from_micros(self.now), command };
        let decision = self.engine.decide(&stamped);
        let Decision::Recorded(event) = decision else { panic!("{decision:?} {:?}", self.terms) };
        assert_eq!(event.decline(), None, "{:?}", self.terms);
        self.engine.apply(&Arc::new(stamped.into_record(event.clone())));
        crate::model::post(&mut self.books, &crate::outcome::posted(&event));
        self.books.retain(|_, units| *units != 0);
        event
    }

    /// The same rates as ever, said again.
    fn publish(&mut self) {
        let as_of = Timestamp::from_micros(self.now);
        let tick = |(pair, price)| RateTick { pair, price, source: label("test"), as_of, valid_until: None };
        let ticks = self.terms.pairs().into_iter().map(tick).collect();
        self.run(Command::PublishRates(PublishRates { ticks, override_reason: None }));
    }

    fn presented(&self, units: i128) -> Money {
        Money::new(currency(self.terms.presentment), units)
    }

    fn conversions(&self, amount: Money) -> Conversions {
        let Terms { debit, settlement, markup, .. } = self.terms;
        let from = amount.currency();
        let pricing = |quoted: Quoted| Pricing {
            prices: quoted.price().prices().expect("a bid is not above its ask"),
            rate_lsn: domain::Lsn::new(7),
            cross_lsn: None,
            as_of: Timestamp::from_micros(6),
            source: label("test"),
        };
        let debit_quote = |to| {
            let pair = CurrencyPair { presentment: from, debit: to };
            domain::debit_quote(pair, pricing(self.terms.debited_at), ratio(markup), 0, Weight::ONE, amount)
        };
        let settlement_quote = |to| {
            let pair = CurrencyPair { presentment: from, debit: to };
            domain::settlement_quote(pair, pricing(self.terms.settled_at), amount)
        };
        let (debit, settlement) = (currency(debit), currency(settlement));
        Conversions {
            debit: if debit == from { Converted::SameCurrency } else { Converted::quoted(debit_quote(debit)) },
            settlement: match settlement == from {
                true => Converted::SameCurrency,
                false => Converted::quoted(settlement_quote(settlement)),
            },
        }
    }

    /// A payment whose funds are held.
    fn authorize(&mut self, units: i128) -> PaymentId {
        self.number += 1;
        let amount = self.presented(units);
        let payment_id = PaymentId::from_bytes(id(self.number));
        self.run(Command::AuthorizePayment(AuthorizePayment {
            payment_id,
            merchant: MERCHANT,
            merchant_order_id: label("order"),
            merchant_order_digest: digest(&self.number.to_string()),
            presentment_amount: amount,
            payer: Evidence::Present(self.payer),
            converted: Evidence::Present(self.conversions(amount)),
            offer: None,
            capture_mode: CaptureMode::Manual,
            consent: Consent::PayerNamed,
            debit_amount_max: None,
            sandbox_decline: None,
        }));
        payment_id
    }

    fn act(&mut self, payment_id: PaymentId, what: Do) -> Option<PaymentTotals> {
        let merchant = MERCHANT;
        let event = match what {
            Do::Capture(units) => {
                let amount = self.presented(units);
                let rest = CaptureRest::Kept;
                self.run(Command::CapturePayment(CapturePayment { merchant, payment_id, amount, rest }))
            }
            Do::Refund(units) => {
                self.number += 1;
                let refund_id = RefundId::from_bytes(id(self.number));
                let amount = self.presented(units);
                self.run(Command::RefundPayment(RefundPayment { merchant, payment_id, refund_id, amount }))
            }
            Do::Increase(units) => {
                let amount = self.presented(units);
                let converted = Evidence::Present(self.conversions(amount));
                self.run(Command::IncreaseAuthorization(IncreaseAuthorization {
                    merchant,
                    payment_id,
                    amount,
                    converted,
                    consent: None,
                }))
            }
        };
        match event {
            Event::PaymentCaptured(captured) => Some(captured.after),
            Event::PaymentRefunded(refunded) => Some(refunded.after),
            Event::RefundPending(pending) => Some(pending.after),
            Event::AuthorizationIncreased(increased) => Some(increased.after),
            _ => None,
        }
    }

    fn void(&mut self, payment_id: PaymentId) {
        self.run(Command::VoidPayment(VoidPayment { merchant: MERCHANT, payment_id }));
    }

    /// Two days on, at the rates of before, what waits for a rate gets it.
    fn price_refunds(&mut self) {
        self.now += 2 * DAY_MICROS;
        self.publish();
        while let Some(due) = self.engine.due(Timestamp::from_micros(self.now + 1)) {
            self.run(due);
        }
    }

    fn units(&self, account: AccountId) -> i128 {
        self.books.get(&account).copied().unwrap_or(0)
    }

    /// What the books say: payer, merchant, and the house's markup, fees, result and positions in both currencies.
    fn standing(&self) -> Standing {
        let [debit, settlement] = [self.terms.debit, self.terms.settlement].map(currency);
        let house = |kind, currency| self.units(AccountId::house(kind, currency));
        Standing {
            payer: self.units(self.payer),
            merchant: self.units(AccountId::merchant_payable(MERCHANT, settlement)),
            markup: house(AccountKind::FxMarkup, debit),
            fees: house(AccountKind::FeeIncome, settlement),
            result: house(AccountKind::FxResult, debit),
            positions: [house(AccountKind::FxPosition, debit), house(AccountKind::FxPosition, settlement)],
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    payer: i128,
    merchant: i128,
    markup: i128,
    fees: i128,
    result: i128,
    positions: [i128; 2],
}

/// Whether a payment stands in the books as the levels of the model say: `debited` and `settled` of it.
fn assert_levels(till: &Till, before: &Standing, totals: Option<PaymentTotals>, authorized: i128, net: (i128, i128)) {
    let legs = till.terms.legs();
    let Levels { debit, mid, gross, discount } = legs.levels(net.0 - net.1, net.0 - net.1);
    let now = till.standing();
    assert_eq!(before.payer - now.payer, debit, "the payer's leg {:?} {net:?}", till.terms);
    assert_eq!(now.merchant - before.merchant, gross - discount, "the merchant's leg {:?} {net:?}", till.terms);
    assert_eq!(now.fees - before.fees, discount);
    if legs.exchanges() {
        assert_eq!(now.markup - before.markup, debit - mid);
        let [of_debit, of_settlement] = [0, 1].map(|place| now.positions[place] - before.positions[place]);
        match till.terms.debit == till.terms.settlement {
            true => assert_eq!(of_debit, mid - gross),
            false => assert_eq!([of_debit, of_settlement], [mid, -gross]),
        }
    }
    let Some(totals) = totals else { return };
    let units =
        |amount: domain::PaymentAmount| [amount.presentment, amount.debit, amount.settlement].map(Money::minor_units);
    let all = |units: i128| [units, legs.debit(units), legs.settled(units)];
    assert_eq!(units(totals.authorized), all(authorized));
    assert_eq!(units(totals.captured), all(net.0));
    let (captured, kept) = (all(net.0), all(net.0 - net.1));
    assert_eq!(units(totals.refunded), [0, 1, 2].map(|place| captured[place] - kept[place]));
    let held = if totals.state.is_held() { legs.debit(authorized - net.1) - legs.debit(net.0 - net.1) } else { 0 };
    assert_eq!(totals.held.minor_units(), held, "{:?} {authorized} {net:?}", till.terms);
}

fn quoted() -> impl Strategy<Value = Quoted> {
    let mantissa = prop_oneof![1..30_u64, 1..10_000_000_u64, 1_000_000_000..9_999_999_999_u64];
    // From a fraction of a minor unit for each to many.
    (mantissa, prop_oneof![Just(0), 0..1_000_u64], -3..3_i32).prop_map(|(bid, spread, power)| {
        let ask = (bid + spread).min(9_999_999_999);
        let digits = i32::try_from(bid.ilog10()).expect("a few digits");
        Quoted { bid, ask, scale: u32::try_from((digits - power).max(0)).expect("not negative") }
    })
}

fn terms(refund_rates: &'static [RefundRate]) -> impl Strategy<Value = Terms> {
    let code = || prop::sample::select(vec!["CNY", "HKD", "JPY", "KWD"]);
    let markup = prop::sample::select(vec![0, 1, 10_000, 25_001, 333_333]);
    let discount = prop::sample::select(vec![0, 1, 6_000, 50_000, 333_333, 999_999, 1_000_000]);
    let rate = prop::sample::select(refund_rates);
    let terms = (code(), code(), code(), quoted(), markup, quoted(), discount, rate);
    terms.prop_map(|(presentment, debit, settlement, debited_at, markup, settled_at, discount, refund_rate)| {
        let terms = Terms { presentment, debit, settlement, debited_at, markup, settled_at, discount, refund_rate };
        terms.of_one_tape()
    })
}

/// Cuts a whole into parts of at least one at these places.
fn cut(whole: i128, places: &[u16]) -> Vec<i128> {
    let mut ends: Vec<i128> = places.iter().map(|place| i128::from(*place) % whole.max(1)).collect();
    ends.extend([0, whole]);
    ends.sort_unstable();
    ends.dedup();
    ends.windows(2).map(|ends| ends[1] - ends[0]).collect()
}

proptest! {
    #![proptest_config(config())]

    /// However captured, however refunded: in the end everybody is where they began, and at every step where the levels
    /// are.
    #[test]
    fn a_payment_taken_back_in_any_split_leaves_nothing(
        terms in terms(&[RefundRate::Original]),
        whole in prop_oneof![1..40_i128, 1..60_000_i128],
        captures in vec(any::<u16>(), 0..6),
        refunds in vec(any::<u16>(), 0..6),
        // Which goes first where both can.
        turns in vec(any::<bool>(), 16),
    ) {
        let mut till = Till::new(terms);
        let before = till.standing();
        let payment = till.authorize(whole);
        let (mut captures, mut refunds) = (cut(whole, &captures), cut(whole, &refunds));
        let (mut captured, mut refunded) = (0, 0);
        let mut turns = turns.into_iter().cycle();
        while !refunds.is_empty() {
            let can_refund = captured - refunded >= refunds[0];
            let totals = if captures.is_empty() || (can_refund && turns.next() == Some(true)) {
                let part = refunds.remove(0);
                refunded += part;
                till.act(payment, Do::Refund(part))
            } else {
                let part = captures.remove(0);
                captured += part;
                till.act(payment, Do::Capture(part))
            };
            assert_levels(&till, &before, totals, whole, (captured, refunded));
        }
        prop_assert_eq!(till.standing(), before);
        till.engine.assert_conserved();
    }

    /// At unmoved rates a refund at the rate of now, or of another day, gives the payer no more than one at the
    /// payment's own, however it is cut and whichever of the three rules each part goes by; and the merchant gives what
    /// its own level says.
    #[test]
    fn a_refund_at_an_unmoved_rate_gives_no_more_than_was_paid(
        terms in terms(&[RefundRate::Current, RefundRate::NextDay]),
        whole in prop_oneof![1..40_i128, 1..60_000_i128],
        captures in vec(any::<u16>(), 0..6),
        refunds in vec(any::<u16>(), 0..6),
        turns in vec(proptest::option::weighted(0.4, prop::sample::select(&RefundRate::ALL)), 7),
    ) {
        let legs = terms.legs();
        let mut till = Till::new(terms);
        let before = till.standing();
        let payment = till.authorize(whole);
        for part in cut(whole, &captures) {
            till.act(payment, Do::Capture(part));
        }
        let mut refunded = 0;
        for (part, turn) in cut(whole, &refunds).into_iter().zip(turns) {
            if let Some(turn) = turn {
                till.refund_at(turn);
            }
            till.act(payment, Do::Refund(part));
            refunded += part;
            let now = till.standing();
            prop_assert_eq!(now.merchant - before.merchant, legs.settled(whole - refunded));
            let paid = before.payer - now.payer;
            prop_assert!(paid >= legs.debit(whole - refunded), "{} {:?}", paid, terms);
            prop_assert!(paid <= legs.debit(whole));
        }
        till.price_refunds();
        let now = till.standing();
        prop_assert!(now.payer <= before.payer);
        prop_assert_eq!((now.merchant, now.fees, now.positions), (before.merchant, before.fees, before.positions));
        // What the payer did not get back is the switch's.
        prop_assert_eq!(before.payer - now.payer, now.markup - before.markup + now.result - before.result);
        till.engine.assert_conserved();
    }

    /// Growing at unmoved rates is as if it had been as large from the first, and a void leaves what was captured.
    #[test]
    fn an_increase_at_an_unmoved_rate_changes_no_level(
        terms in terms(&RefundRate::ALL),
        first in 1..30_i128,
        captured in 0..30_i128,
        more in 1..30_i128,
    ) {
        let captured = captured.min(first - 1);
        let mut till = Till::new(terms);
        let before = till.standing();
        let payment = till.authorize(first);
        if captured > 0 {
            till.act(payment, Do::Capture(captured));
        }
        let totals = till.act(payment, Do::Increase(more));
        assert_levels(&till, &before, totals, first + more, (captured, 0));
        till.void(payment);
        assert_levels(&till, &before, None, first + more, (captured, 0));
        for (_, _, reserved) in till.engine.exposures() {
            prop_assert!(reserved.is_zero());
        }
    }
}

/// The example of the conversion page: HKD per CNY 1.179291231, markup 1 %, discount 0.6 %.
const EXAMPLE: Terms = Terms {
    presentment: "CNY",
    debit: "HKD",
    settlement: "CNY",
    debited_at: Quoted { bid: 1_179_291_231, ask: 1_179_291_231, scale: 9 },
    markup: 10_000,
    settled_at: Quoted { bid: 1, ask: 1, scale: 0 },
    discount: 6_000,
    refund_rate: RefundRate::Original,
};

#[test]
fn a_hundred_captures_of_one_yuan_are_119_11_and_their_refunds_too() {
    let mut till = Till::new(EXAMPLE);
    let before = till.standing();
    let payment = till.authorize(10_000);
    for _ in 0..100 {
        till.act(payment, Do::Capture(100));
    }
    let all = till.standing();
    assert_eq!((before.payer - all.payer, all.merchant, all.fees, all.markup), (11_911, 9_940, 60, 118));
    assert_eq!(all.positions, [11_793, -10_000]);
    for _ in 0..100 {
        till.act(payment, Do::Refund(100));
    }
    assert_eq!(till.standing(), before);
}

/// All sequences of captures and refunds of one to three units of a payment of four, on rates where the rounding bites:
/// after each, nobody but the switch is better off than by one capture and one refund of the same.
#[test]
fn no_small_sequence_of_captures_and_refunds_gains_anybody_anything() {
    let third = Quoted { bid: 333_333_333, ask: 333_333_334, scale: 9 };
    let cents = Quoted { bid: 1_179_291_231, ask: 1_180_000_007, scale: 9 };
    let tiny = Quoted { bid: 9, ask: 9, scale: 2 };
    let many = Quoted { bid: 7_777_777, ask: 7_777_779, scale: 6 };
    let rates = [(third, cents), (cents, third), (tiny, many), (many, tiny)];
    let currencies = [("CNY", "HKD", "CNY"), ("CNY", "HKD", "USD"), ("CNY", "CNY", "HKD"), ("CNY", "HKD", "HKD")];
    for (debited_at, settled_at) in rates {
        for (presentment, debit, settlement) in currencies {
            for refund_rate in [RefundRate::Original, RefundRate::Current] {
                let terms = Terms {
                    presentment,
                    debit,
                    settlement,
                    debited_at,
                    markup: 10_000,
                    settled_at,
                    discount: 333_333,
                    refund_rate,
                };
                search(terms.of_one_tape());
            }
        }
    }
}

fn search(terms: Terms) {
    const WHOLE: i128 = 4;
    let legs = terms.legs();
    let mut till = Till::new(terms);
    let single: BTreeMap<(i128, i128), Standing> = (1..=WHOLE)
        .flat_map(|captured| (0..=captured).map(move |refunded| (captured, refunded)))
        .map(|(captured, refunded)| {
            let before = till.standing();
            let payment = till.authorize(WHOLE);
            till.act(payment, Do::Capture(captured));
            if refunded > 0 {
                till.act(payment, Do::Refund(refunded));
            }
            ((captured, refunded), till.standing().since(&before))
        })
        .collect();
    for moves in sequences(WHOLE) {
        let before = till.standing();
        let payment = till.authorize(WHOLE);
        let (mut captured, mut refunded) = (0, 0);
        for what in &moves {
            till.act(payment, *what);
            match what {
                Do::Capture(units) => captured += units,
                Do::Refund(units) => refunded += units,
                Do::Increase(_) => {}
            }
            let (now, once) = (till.standing().since(&before), single[&(captured, refunded)]);
            assert!(now.payer <= once.payer, "the payer gains by {moves:?} {terms:?}");
            assert_eq!(now.merchant, once.merchant, "the merchant by {moves:?} {terms:?}");
            assert_eq!(now.merchant, legs.settled(captured - refunded));
            if terms.refund_rate == RefundRate::Original || terms.presentment == terms.debit {
                assert_eq!(now, once, "{moves:?} {terms:?}");
            }
        }
    }
    till.engine.assert_conserved();
}

/// All that can be asked of a payment of so many units in turn, none of which begins another.
fn sequences(whole: i128) -> Vec<Vec<Do>> {
    let mut whole_ones = Vec::new();
    let mut open = vec![(Vec::new(), 0, 0)];
    while let Some((moves, captured, refunded)) = open.pop() {
        let mut grows = false;
        for units in 1..=3 {
            if captured + units <= whole {
                grows = true;
                open.push(([&moves[..], &[Do::Capture(units)]].concat(), captured + units, refunded));
            }
            if refunded + units <= captured {
                grows = true;
                open.push(([&moves[..], &[Do::Refund(units)]].concat(), captured, refunded + units));
            }
        }
        if !grows {
            whole_ones.push(moves);
        }
    }
    whole_ones
}

impl Standing {
    fn since(self, before: &Self) -> Self {
        Self {
            payer: self.payer - before.payer,
            merchant: self.merchant - before.merchant,
            markup: self.markup - before.markup,
            fees: self.fees - before.fees,
            result: self.result - before.result,
            positions: [0, 1].map(|place| self.positions[place] - before.positions[place]),
        }
    }
}
