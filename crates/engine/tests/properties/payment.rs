//! What a payment is worth to everybody, by the rules of `proto/CONVERSION.md` written a second time.

use crate::{
    exact::{Round, converted, share},
    tape::Prices,
};

pub(crate) const AMOUNT_MAX: i128 = 999_999_999_999_999;

/// How amounts follow: presentment, debit and settlement currency, and what turns one into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Legs {
    pub(crate) presentment: &'static str,
    pub(crate) debit: &'static str,
    pub(crate) settlement: &'static str,
    /// With the markup in millionths.
    pub(crate) debited_at: Option<(Prices, u32)>,
    pub(crate) settled_at: Option<Prices>,
    pub(crate) discount: u32,
}

/// In minor units: what the payer pays, that at mid, what the merchant gets, and its discount of that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Levels {
    pub(crate) debit: i128,
    pub(crate) mid: i128,
    pub(crate) gross: i128,
    pub(crate) discount: i128,
}

/// In presentment currency, but for the weight, which is in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tranche {
    pub(crate) legs: Legs,
    pub(crate) weight: u32,
    pub(crate) authorized: i128,
    pub(crate) captured: i128,
    pub(crate) refunded: i128,
    pub(crate) repriced: i128,
}

/// Where a payment stands, in presentment, debit and settlement currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) state: &'static str,
    pub(crate) authorized: [i128; 3],
    pub(crate) captured: [i128; 3],
    pub(crate) refunded: [i128; 3],
    pub(crate) held: i128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open { expires_at: i64 },
    Captured,
    Voided,
    Expired,
}

#[derive(Clone, Debug)]
pub(crate) struct Payment {
    /// The lsn of the record that approved it.
    pub(crate) number: u64,
    pub(crate) merchant: usize,
    pub(crate) account: usize,
    pub(crate) order: u8,
    pub(crate) tranches: Vec<Tranche>,
    pub(crate) phase: Phase,
    /// The most that may be debited; `None` where the payer was only named.
    pub(crate) consented: Option<i128>,
    /// Which mandate, in which period it grew last, and by how much there.
    pub(crate) mandate: Option<(usize, i64, i128)>,
    /// By the lsn that took it from the merchant: from which day it is priced, how much, and that at the payment's mid.
    pub(crate) pending: Vec<(u64, i64, i128, i128)>,
}

impl Legs {
    pub(crate) fn debit(&self, units: i128) -> i128 {
        let pair = (self.presentment, self.debit);
        self.debited_at
            .map_or(units, |(prices, markup)| converted(units, pair, prices.ask, 1_000_000 + markup, Round::Up))
    }

    pub(crate) fn mid(&self, units: i128) -> i128 {
        let pair = (self.presentment, self.debit);
        self.debited_at.map_or(units, |(prices, _)| converted(units, pair, prices.mid, 1_000_000, Round::HalfUp))
    }

    pub(crate) fn gross(&self, units: i128) -> i128 {
        let pair = (self.presentment, self.settlement);
        self.settled_at.map_or(units, |prices| converted(units, pair, prices.bid, 1_000_000, Round::Down))
    }

    pub(crate) fn settled(&self, units: i128) -> i128 {
        let gross = self.gross(units);
        gross - share(gross, self.discount)
    }

    pub(crate) fn levels(&self, debited: i128, settled: i128) -> Levels {
        let gross = self.gross(settled);
        Levels { debit: self.debit(debited), mid: self.mid(debited), gross, discount: share(gross, self.discount) }
    }

    pub(crate) fn exchanges(&self) -> bool {
        self.debited_at.is_some() || self.settled_at.is_some()
    }

    fn all(&self, units: i128) -> [i128; 3] {
        [units, self.debit(units), self.settled(units)]
    }
}

impl Levels {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            debit: self.debit + other.debit,
            mid: self.mid + other.mid,
            gross: self.gross + other.gross,
            discount: self.discount + other.discount,
        }
    }

    pub(crate) fn less(self, other: Self) -> Self {
        Self {
            debit: self.debit - other.debit,
            mid: self.mid - other.mid,
            gross: self.gross - other.gross,
            discount: self.discount - other.discount,
        }
    }

    pub(crate) fn settled(self) -> i128 {
        self.gross - self.discount
    }
}

impl Tranche {
    pub(crate) fn new(legs: Legs, weight: u32, authorized: i128) -> Self {
        Self { legs, weight, authorized, captured: 0, refunded: 0, repriced: 0 }
    }

    fn levels(&self) -> Levels {
        let debited = self.captured - self.refunded;
        self.legs.levels(debited, debited - self.repriced)
    }

    /// What captures would still move.
    fn unfilled(&self) -> Levels {
        let debited = self.authorized - self.refunded;
        self.legs.levels(debited, debited - self.repriced).less(self.levels())
    }

    fn not_refunded(&self) -> i128 {
        self.captured - self.refunded - self.repriced
    }
}

impl Payment {
    pub(crate) fn legs(&self) -> &Legs {
        &self.tranches[0].legs
    }

    pub(crate) fn pair(&self) -> (&'static str, &'static str) {
        (self.legs().presentment, self.legs().debit)
    }

    pub(crate) fn levels(&self) -> Levels {
        self.tranches.iter().fold(Levels::default(), |sum, tranche| sum.plus(tranche.levels()))
    }

    pub(crate) fn authorized(&self) -> i128 {
        self.tranches.iter().map(|tranche| tranche.authorized).sum()
    }

    pub(crate) fn captured(&self) -> i128 {
        self.tranches.iter().map(|tranche| tranche.captured).sum()
    }

    pub(crate) fn not_refunded(&self) -> i128 {
        self.tranches.iter().map(Tranche::not_refunded).sum()
    }

    pub(crate) fn held(&self) -> i128 {
        match self.phase {
            Phase::Open { .. } => self.tranches.iter().map(|tranche| tranche.unfilled().debit).sum(),
            Phase::Captured | Phase::Voided | Phase::Expired => 0,
        }
    }

    /// What captures would still add to the positions in debit and settlement currency, weighted.
    pub(crate) fn reserved(&self) -> (i128, i128) {
        let Phase::Open { .. } = self.phase else { return (0, 0) };
        if !self.legs().exchanges() {
            return (0, 0);
        }
        let weighted = |units: i128, weight| share(units, weight);
        self.tranches.iter().fold((0, 0), |(gained, lost), tranche| {
            let unfilled = tranche.unfilled();
            (gained + weighted(unfilled.mid, tranche.weight), lost - weighted(unfilled.gross, tranche.weight))
        })
    }

    pub(crate) fn state(&self) -> &'static str {
        match (self.phase, self.captured(), self.not_refunded()) {
            (Phase::Open { .. }, 0, _) => "authorized",
            (Phase::Open { .. }, _, _) => "partially_captured",
            (Phase::Expired, 0, _) => "expired",
            (_, 0, _) => "voided",
            (_, captured, left) if captured == left => "captured",
            (_, _, 0) => "refunded",
            (_, _, _) => "partially_refunded",
        }
    }

    /// As the payment stands at `at`, swept or not.
    pub(crate) fn state_at(&self, at: i64) -> &'static str {
        match self.phase {
            Phase::Open { expires_at } if expires_at <= at => self.closed(Phase::Expired).state(),
            Phase::Open { .. } | Phase::Captured | Phase::Voided | Phase::Expired => self.state(),
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        let sum = |of: fn(&Tranche) -> [i128; 3]| {
            self.tranches.iter().map(of).fold([0; 3], |sum, part| [0, 1, 2].map(|place| sum[place] + part[place]))
        };
        let captured = sum(|tranche| tranche.legs.all(tranche.captured));
        let kept = sum(|tranche| tranche.legs.all(tranche.not_refunded()));
        Totals {
            state: self.state(),
            authorized: sum(|tranche| tranche.legs.all(tranche.authorized)),
            captured,
            refunded: [0, 1, 2].map(|place| captured[place] - kept[place]),
            held: self.held(),
        }
    }

    pub(crate) fn closed(&self, phase: Phase) -> Self {
        Self { phase, ..self.clone() }
    }

    pub(crate) fn after_capture(&self, units: i128, releases: bool) -> Self {
        let mut after = self.clone();
        let mut rest = units;
        for tranche in &mut after.tranches {
            let part = rest.min(tranche.authorized - tranche.captured);
            tranche.captured += part;
            rest -= part;
        }
        assert_eq!(rest, 0, "no more is captured than was authorized");
        if after.captured() == after.authorized() || releases {
            after.phase = Phase::Captured;
        }
        after
    }

    /// And what the part is worth at the payment's own mid rate, if it is given back at another.
    pub(crate) fn after_refund(&self, units: i128, repriced: bool) -> (Self, i128) {
        let at_mid = |payment: &Self| -> i128 {
            payment.tranches.iter().map(|tranche| tranche.legs.mid(tranche.repriced)).sum()
        };
        let mut after = self.clone();
        let mut rest = units;
        for tranche in &mut after.tranches {
            let part = rest.min(tranche.not_refunded());
            match repriced {
                true => tranche.repriced += part,
                false => tranche.refunded += part,
            }
            rest -= part;
        }
        assert_eq!(rest, 0, "no more is refunded than was captured");
        let original_mid = at_mid(&after) - at_mid(self);
        (after, original_mid)
    }

    /// `None` when there is no room for another tranche; an amount that is too large is for the caller to see.
    pub(crate) fn after_increase(&self, legs: Legs, weight: u32, units: i128) -> Option<Self> {
        let mut after = self.clone();
        let tranches = after.tranches.len();
        let last = &mut after.tranches[tranches - 1];
        if (last.legs, last.weight) == (legs, weight) {
            last.authorized += units;
        } else if tranches == 8 {
            return None;
        } else {
            after.tranches.push(Tranche::new(legs, weight, units));
        }
        Some(after)
    }

    /// Whether no posting a capture of all of it makes is larger than one amount may be.
    pub(crate) fn is_one_amount(&self) -> bool {
        let most = self.tranches.iter().fold(Levels::default(), |sum, tranche| {
            sum.plus(tranche.legs.levels(tranche.authorized, tranche.authorized))
        });
        [self.authorized(), most.debit, most.gross].iter().all(|units| *units <= AMOUNT_MAX)
    }
}
