//! One payment: how much of it is where, and what that is worth to each side.

use std::collections::BTreeMap;

use crate::{
    auditor::{
        exact::{Fraction, Product, share},
        plain::{Leg, Place, Quotes, Totals},
    },
    request::{Code, Id},
};

/// A payment is authorized at no more different quotes than this.
pub(super) const TRANCHES_MAX: usize = 8;

/// An approved payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payment {
    pub(super) id: Id,
    pub(super) merchant: u32,
    pub(super) order: String,
    pub(super) payer: Place,
    /// Of presentment, debit and settlement.
    pub(super) currencies: [Code; 3],
    pub(super) tranches: Vec<Tranche>,
    pub(super) phase: Phase,
    /// The most that may be debited; `None` where the payer was only named.
    pub(super) consented: Option<i128>,
    /// The mandate it is paid by, the period it counts in, and what it counts there.
    pub(super) mandate: Option<(Id, i64, i128)>,
    pub(super) pending: Vec<Pending>,
    /// What all its postings together changed each account by.
    pub(super) sums: BTreeMap<Place, i128>,
    /// Whether all refunds so far were given at the payment's own rates.
    pub(super) only_original: bool,
}

/// Whether anything can still be captured, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Open { expires_at: i64 },
    Captured,
    Voided,
    Expired,
}

/// A part at one quote, in presentment currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tranche {
    pub(super) terms: Terms,
    pub(super) authorized: i128,
    pub(super) captured: i128,
    /// Given back at the payment's own rates.
    pub(super) back: i128,
    /// Given back at others.
    pub(super) back_otherwise: i128,
}

/// How a part becomes what the payer pays and the merchant gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) currencies: [Code; 3],
    /// Ask, mid and margin; `None` within one currency.
    pub(super) debit: Option<(Fraction, Fraction, u32)>,
    /// Bid; `None` within one currency.
    pub(super) settlement: Option<Fraction>,
    pub(super) discount_millionths: u32,
    pub(super) weight_millionths: u32,
}

/// A refund that waits for a rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pending {
    pub(super) refund: Id,
    pub(super) amount: i128,
    pub(super) original_mid: i128,
    pub(super) from_day: i64,
}

/// What some position is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Worth {
    pub(super) debit: i128,
    pub(super) mid: i128,
    pub(super) gross: i128,
    pub(super) fee: i128,
}

impl Worth {
    pub(super) const fn plus(self, other: Self) -> Self {
        Self {
            debit: self.debit + other.debit,
            mid: self.mid + other.mid,
            gross: self.gross + other.gross,
            fee: self.fee + other.fee,
        }
    }

    pub(super) const fn less(self, other: Self) -> Self {
        Self {
            debit: self.debit - other.debit,
            mid: self.mid - other.mid,
            gross: self.gross - other.gross,
            fee: self.fee - other.fee,
        }
    }

    pub(super) const fn settled(self) -> i128 {
        self.gross - self.fee
    }
}

impl Terms {
    /// As these quotes say.
    pub(super) fn of(currencies: [Code; 3], quotes: &Quotes, discount_millionths: u32) -> Self {
        let debit = quotes.debit.as_ref();
        Self {
            currencies,
            debit: debit.map(|quote| (quote.pricing.ask, quote.pricing.mid, quote.markup_millionths)),
            settlement: quotes.settlement.as_ref().map(|quote| quote.pricing.bid),
            discount_millionths,
            weight_millionths: debit.map_or(1_000_000, |quote| quote.weight_millionths),
        }
    }

    pub(super) fn debit(&self, x: i128) -> i128 {
        let [from, to, _] = self.currencies;
        self.debit.map_or(x, |(ask, _, margin)| Product::new(x, from, to, ask, margin).up())
    }

    pub(super) fn mid(&self, x: i128) -> i128 {
        let [from, to, _] = self.currencies;
        self.debit.map_or(x, |(_, mid, _)| Product::new(x, from, to, mid, 0).half_up())
    }

    fn gross(&self, x: i128) -> i128 {
        let [from, _, to] = self.currencies;
        self.settlement.map_or(x, |bid| Product::new(x, from, to, bid, 0).down())
    }

    /// What the payer pays for one position and the merchant gets for another.
    pub(super) fn worth(&self, paid: i128, settled: i128) -> Worth {
        let gross = self.gross(settled);
        let fee = share(gross, self.discount_millionths);
        Worth { debit: self.debit(paid), mid: self.mid(paid), gross, fee }
    }

    /// In the three currencies.
    pub(super) fn amounts(&self, x: i128) -> [i128; 3] {
        let worth = self.worth(x, x);
        [x, worth.debit, worth.settled()]
    }
}

impl Tranche {
    pub(super) const fn new(terms: Terms, authorized: i128) -> Self {
        Self { terms, authorized, captured: 0, back: 0, back_otherwise: 0 }
    }

    const fn given_back(&self) -> i128 {
        self.back + self.back_otherwise
    }

    fn worth_if_captured(&self, captured: i128) -> Worth {
        let paid = captured - self.back;
        self.terms.worth(paid, paid - self.back_otherwise)
    }

    fn worth(&self) -> Worth {
        self.worth_if_captured(self.captured)
    }

    /// What captures can still move.
    fn unfilled(&self) -> Worth {
        self.worth_if_captured(self.authorized).less(self.worth())
    }
}

impl Payment {
    /// By presentment amount: authorized, captured, given back.
    pub(in crate::auditor) fn amounts(&self) -> [i128; 3] {
        let sum = |of: fn(&Tranche) -> i128| self.tranches.iter().map(of).sum();
        [sum(|part| part.authorized), sum(|part| part.captured), sum(Tranche::given_back)]
    }

    /// Where it stands.
    pub(in crate::auditor) fn state(&self) -> &'static str {
        let [_, captured, back] = self.amounts();
        match (self.phase, captured, back) {
            (Phase::Open { .. }, 0, _) => "authorized",
            (Phase::Open { .. }, _, _) => "partially_captured",
            (Phase::Expired, 0, _) => "expired",
            (_, 0, _) => "voided",
            (_, _, 0) => "captured",
            _ if back == captured => "refunded",
            _ => "partially_refunded",
        }
    }

    /// Where it stands at `at`: a hold that is due has ended, swept or not.
    pub(super) fn state_at(&self, at: i64) -> &'static str {
        match self.phase {
            Phase::Open { expires_at } if expires_at <= at => Self { phase: Phase::Expired, ..self.clone() }.state(),
            _ => self.state(),
        }
    }

    /// Refused where it cannot be asked.
    pub(super) fn allow(&self, asked: &str, at: i64) -> Result<(), String> {
        let state = self.state_at(at);
        let allowed = match state {
            "authorized" => asked != "refund",
            "partially_captured" => true,
            "captured" | "partially_refunded" => asked == "refund",
            _ => false,
        };
        if allowed { Ok(()) } else { Err(format!("no {asked} of what is {state}")) }
    }

    /// What it counts in a period of a mandate.
    pub(super) fn counted_in(&self, mandate: Id, period: i64) -> i128 {
        self.mandate.filter(|counted| (counted.0, counted.1) == (mandate, period)).map_or(0, |counted| counted.2)
    }

    /// Ends the hold. What a payment by mandate never took counts in its period no more.
    pub(super) fn end(&mut self, how: Phase) {
        let totals = self.totals();
        if let Some((_, _, counted)) = &mut self.mandate {
            *counted -= (totals.authorized[1] - totals.captured[1]).min(*counted);
        }
        self.phase = how;
    }

    /// Notes postings of this payment.
    pub(super) fn add(&mut self, legs: &[Leg]) {
        for (from, to, amount) in legs {
            *self.sums.entry(*from).or_insert(0) -= amount;
            *self.sums.entry(*to).or_insert(0) += amount;
        }
    }

    pub(super) fn ended_empty(&self) -> bool {
        !matches!(self.phase, Phase::Open { .. }) && self.amounts()[1] == 0
    }

    pub(super) fn worth(&self) -> Worth {
        self.tranches.iter().fold(Worth::default(), |sum, part| sum.plus(part.worth()))
    }

    fn unfilled(&self) -> impl Iterator<Item = (&Tranche, Worth)> {
        let open = matches!(self.phase, Phase::Open { .. });
        self.tranches.iter().filter(move |_| open).map(|part| (part, part.unfilled()))
    }

    /// Reserved on the payer's account.
    pub(super) fn held(&self) -> i128 {
        self.unfilled().map(|(_, worth)| worth.debit).sum()
    }

    /// By what captures can still change the positions: gained in debit currency, lost in settlement currency, as they
    /// count against their limits.
    pub(super) fn reserved(&self) -> (i128, i128) {
        if !self.exchanges() {
            return (0, 0);
        }
        self.unfilled().fold((0, 0), |(gained, lost), (part, worth)| {
            let weighted = |amount| weighted(amount, part.terms.weight_millionths);
            (gained + weighted(worth.mid), lost + weighted(worth.gross))
        })
    }

    /// Whether any currency is exchanged.
    pub(super) fn exchanges(&self) -> bool {
        let [presentment, debit, settlement] = self.currencies;
        presentment != debit || presentment != settlement
    }

    pub(in crate::auditor) fn totals(&self) -> Totals {
        let sum = |of: &dyn Fn(&Tranche) -> [i128; 3]| {
            self.tranches.iter().map(of).fold([0; 3], |[a, b, c], [d, e, f]| [a + d, b + e, c + f])
        };
        Totals {
            state: self.state(),
            currencies: self.currencies,
            authorized: sum(&|part| part.terms.amounts(part.authorized)),
            captured: sum(&|part| part.terms.amounts(part.captured)),
            refunded: sum(&|part| {
                let [was, kept] = [part.captured, part.captured - part.given_back()].map(|x| part.terms.amounts(x));
                [was[0] - kept[0], was[1] - kept[1], was[2] - kept[2]]
            }),
            held: self.held(),
        }
    }

    /// Adds an amount to the tranches, oldest first, as far as `room` of each goes.
    pub(super) fn fill(&mut self, amount: i128, room: fn(&Tranche) -> i128, add: fn(&mut Tranche, i128)) {
        let mut rest = amount;
        for part in &mut self.tranches {
            let share = rest.min(room(part));
            add(part, share);
            rest -= share;
        }
        assert!(rest == 0, "nobody asks for more than there is room for");
    }

    /// The postings from one worth to another, in the order of a capture.
    pub(super) fn capture_legs(&self, change: Worth) -> Vec<Leg> {
        let [_, debit, settlement] = self.currencies;
        let payable = self.payable();
        let mut legs = Vec::new();
        if self.exchanges() {
            moved(&mut legs, self.payer, ("fx_position", debit, 0), change.mid);
            moved(&mut legs, self.payer, ("fx_markup", debit, 0), change.debit - change.mid);
            moved(&mut legs, ("fx_position", settlement, 0), payable, change.gross);
        } else {
            moved(&mut legs, self.payer, payable, change.debit);
        }
        moved(&mut legs, payable, ("fee_income", settlement, 0), change.fee);
        legs
    }

    pub(super) const fn payable(&self) -> Place {
        ("merchant_payable", self.currencies[2], self.merchant)
    }

    pub(super) const fn reserve(&self) -> Place {
        ("merchant_reserve", self.currencies[2], self.merchant)
    }
}

/// What a client knows of a payment.
impl Payment {
    /// At how many quotes it is authorized.
    pub(crate) const fn tranches(&self) -> usize {
        self.tranches.len()
    }

    /// How many refunds wait for a rate.
    pub(crate) const fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Whether the hold is still open.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open { .. })
    }

    pub(crate) const fn merchant(&self) -> u32 {
        self.merchant
    }

    pub(crate) const fn presentment(&self) -> Code {
        self.currencies[0]
    }

    /// In presentment currency: what can still be captured, what can still be given back.
    pub(crate) fn left(&self) -> (i64, i64) {
        let [authorized, captured, back] = self.amounts();
        let units = |amount: i128| i64::try_from(amount).expect("an amount");
        (units(authorized - captured), units(captured - back))
    }
}

/// A posting, with its accounts exchanged when the amount is negative; none of nothing.
pub(super) fn moved(legs: &mut Vec<Leg>, from: Place, to: Place, amount: i128) {
    match amount {
        0 => {}
        1.. => legs.push((from, to, amount)),
        _ => legs.push((to, from, -amount)),
    }
}

pub(super) fn weighted(amount: i128, weight_millionths: u32) -> i128 {
    share(amount, weight_millionths)
}
