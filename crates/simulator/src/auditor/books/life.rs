//! What becomes of a payment while it is held: captures, a void, increases, the end of its time.

use super::{
    AMOUNT_MAX, Books, Change, Decided,
    authorize::check_takes_debits,
    payment::{Payment, Phase, TRANCHES_MAX, Terms, Tranche},
    quoting::Subject,
};
use crate::{
    auditor::plain::{Deed, Found, Sought},
    request::{Agreed, Id, PayerCode, Rest, Rules, Sum},
};

/// So many holds end with one record.
const HOLDS_EXPIRED_MAX: usize = 64;

impl Books {
    pub(super) fn decide_capture(
        &self,
        merchant: u32,
        id: Id,
        amount: Sum,
        rest: Rest,
        at: i64,
    ) -> Result<Decided, String> {
        let before = self.payment_of(merchant, id)?;
        before.check_currency(amount)?;
        before.allow("capture", at)?;
        let [authorized, captured, _] = before.amounts();
        before.check_remaining("capture", amount, authorized - captured)?;
        let mut after = before.clone();
        after.capture(i128::from(amount.units));
        if rest == Rest::Released && matches!(after.phase, Phase::Open { .. }) {
            after.end(Phase::Captured);
        }
        let change = after.worth().less(before.worth());
        let legs = after.capture_legs(change);
        if let Err(reason) = self.can_be_moved(&legs, &after) {
            return Ok(Decided::declined(reason));
        }
        let (settlement, totals) = (change.settled(), after.totals());
        after.add(&legs);
        Ok(Decided {
            deed: Deed::Captured { settlement, legs: legs.clone(), after: totals, soft: Vec::new() },
            changes: vec![Change::Posted(legs), Change::Payment(Box::new(after))],
        })
    }

    pub(super) fn decide_void(&self, merchant: u32, id: Id, at: i64) -> Result<Decided, String> {
        let mut payment = self.payment_of(merchant, id)?.clone();
        payment.allow("void", at)?;
        payment.end(Phase::Voided);
        Ok(Decided { deed: Deed::Voided(payment.totals()), changes: vec![Change::Payment(Box::new(payment))] })
    }

    pub(super) fn decide_increase(
        &self,
        rules: &Rules,
        (merchant, id): (u32, Id),
        amount: Sum,
        code: Option<&PayerCode>,
        found: &Found,
        at: i64,
    ) -> Result<Decided, String> {
        let before = self.payment_of(merchant, id)?;
        before.check_currency(amount)?;
        before.allow("increase", at)?;
        if code.is_some() {
            self.refuse_guesser(merchant, at)?;
        }
        let quotes = match &found.quotes {
            Sought::Found(quotes) => quotes,
            Sought::Missing(why) => return Err(why.clone()),
            Sought::NotAsked => return Err("no quotes".to_owned()),
        };
        let known = self.merchant(merchant).ok_or("merchant not found")?;
        let subject = Subject {
            merchant: known,
            currencies: before.currencies,
            amount: i128::from(amount.units),
            promised: false,
        };
        self.refuse_stale(rules, &subject, quotes, at)?;
        let (consented, period) = match self.agreement_to_more(before, code, at) {
            Ok(agreed) => agreed,
            Err(reason @ ("consent_not_found" | "consent_mismatch")) => {
                return Ok(self.no_consent(reason, merchant, code, at));
            }
            Err(reason) => return Ok(Decided::declined(reason)),
        };
        if let Err(reason) = self.check_quotes(rules, &subject, quotes) {
            return Ok(Decided::declined(reason));
        }
        let terms = Terms::of(before.currencies, quotes, known.discount_millionths);
        let mut after = before.with_more(terms, i128::from(amount.units))?;
        after.consented = consented;
        let more = after.totals().authorized[1] - before.totals().authorized[1];
        if let (Some((mandate, was, counted)), Some((period, _))) = (before.mandate, period) {
            after.mandate = Some((mandate, period, if was == period { counted + more } else { more }));
        }
        Ok(match self.check_increase(rules, before, &after, period) {
            Err(reason) => Decided::declined(reason),
            Ok(soft) => Decided {
                deed: Deed::Increased { after: after.totals(), soft },
                changes: code
                    .map(|code| Change::CodeUsed(code.clone()))
                    .into_iter()
                    .chain([Change::Payment(Box::new(after))])
                    .collect(),
            },
        })
    }

    /// The most the payer agrees to be debited in all, and of a mandate the period and what is left of it.
    #[allow(clippy::type_complexity, reason = "two bounds, each with its own absence")]
    fn agreement_to_more(
        &self,
        before: &Payment,
        code: Option<&PayerCode>,
        at: i64,
    ) -> Result<(Option<i128>, Option<(i64, i128)>), &'static str> {
        let (merchant, order, payer) = (before.merchant, &before.order, before.payer);
        let further = match code {
            None => 0,
            Some(code) => {
                let agreed = Agreed::Code(code.clone());
                self.agreement(merchant, order, payer, &agreed, at)?.payment_most.unwrap_or(0)
            }
        };
        let period = match before.mandate {
            None => None,
            Some((mandate, _, _)) => self.agreement_by_mandate(mandate, merchant, payer, at)?.period,
        };
        Ok((before.consented.map(|most| most + further), period.map(|(_, period, left)| (period, left))))
    }

    fn check_increase(
        &self,
        rules: &Rules,
        before: &Payment,
        after: &Payment,
        period: Option<(i64, i128)>,
    ) -> Result<Vec<crate::request::Code>, &'static str> {
        let (was, now) = (before.totals().authorized[1], after.totals().authorized[1]);
        if after.consented.is_some_and(|most| now > most) || period.is_some_and(|(_, left)| now - was > left) {
            return Err("consent_exceeded");
        }
        check_takes_debits(self.account_at(before.payer).ok_or("account_closed")?)?;
        let soft = self.check_exposure(rules, after, Some(before))?;
        self.can_be_moved(&[], after)?;
        Ok(soft)
    }

    /// Ends the holds that are due at `at`, the earliest first.
    pub(super) fn expire(&self, at: i64) -> Option<Decided> {
        let mut due: Vec<(i64, Id)> = self
            .payments
            .values()
            .filter_map(|payment| match payment.phase {
                Phase::Open { expires_at } if expires_at <= at => Some((expires_at, payment.id)),
                _ => None,
            })
            .collect();
        due.sort_unstable();
        due.truncate(HOLDS_EXPIRED_MAX);
        let ended: Vec<Payment> = due
            .iter()
            .map(|(_, id)| {
                let mut payment = self.payments[id].clone();
                payment.end(Phase::Expired);
                payment
            })
            .collect();
        let deed = Deed::Expired(ended.iter().map(|payment| (payment.id, payment.totals())).collect());
        let changes: Vec<Change> = ended.into_iter().map(|payment| Change::Payment(Box::new(payment))).collect();
        (!changes.is_empty()).then_some(Decided { deed, changes })
    }

    /// A merchant's own payment.
    pub(super) fn payment_of(&self, merchant: u32, id: Id) -> Result<&Payment, String> {
        let payment = self.payment(id).filter(|payment| payment.merchant == merchant);
        payment.ok_or_else(|| "payment not found".to_owned())
    }
}

impl Payment {
    pub(super) fn check_currency(&self, amount: Sum) -> Result<(), String> {
        let [presentment, _, _] = self.currencies;
        if amount.currency == presentment {
            return Ok(());
        }
        Err(format!("payment in {presentment}, amount in {}", amount.currency))
    }

    pub(super) fn check_remaining(&self, asked: &str, amount: Sum, remaining: i128) -> Result<(), String> {
        if i128::from(amount.units) <= remaining {
            return Ok(());
        }
        Err(format!("{asked} above {} {remaining}", self.currencies[0]))
    }

    /// With more authorized: at the quote of the last tranche that one grows, at another there is a new one.
    fn with_more(&self, terms: Terms, amount: i128) -> Result<Self, String> {
        let mut after = self.clone();
        let full = after.tranches.len() == TRANCHES_MAX;
        match after.tranches.last_mut() {
            Some(last) if last.terms == terms => last.authorized += amount,
            _ if full => return Err("too many tranches".to_owned()),
            _ => after.tranches.push(Tranche::new(terms, amount)),
        }
        let fits = after.totals().authorized.iter().all(|amount| *amount <= AMOUNT_MAX);
        if fits { Ok(after) } else { Err("payment too large".to_owned()) }
    }
}
