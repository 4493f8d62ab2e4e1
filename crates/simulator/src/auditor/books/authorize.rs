//! What a merchant's request to be paid leads to: refusals first, then the first reason to decline by.

use std::collections::BTreeMap;

use super::{
    Books, Change, Decided, Outcome,
    accounts::{Account, AccountState},
    consents::Agreement,
    payment::{Payment, Phase, Terms, Tranche},
    quoting::Subject,
};
use crate::{
    auditor::plain::{Deed, Found, Offered, Quotes, Sought},
    request::{Agreed, Id, Mode, Pay, PayerCode, Purpose, Rules},
};

/// A request whose evidence holds so far.
struct Asked<'a> {
    pay: &'a Pay,
    merchant: u32,
    payer: &'a Account,
    quotes: &'a Quotes,
    offer: Option<&'a Offered>,
}

impl Books {
    pub(super) fn decide_payment(
        &self,
        rules: &Rules,
        merchant: u32,
        pay: &Pay,
        found: &Found,
        id: Id,
        at: i64,
    ) -> Result<Decided, String> {
        let known = self.merchant(merchant).ok_or("merchant not found")?;
        let sandbox = self.purpose == Some(Purpose::Sandbox);
        if matches!(pay.agreed, Agreed::Named { .. }) && !sandbox {
            return Err("consent missing".to_owned());
        }
        let code = presented_code(pay);
        if code.is_some() {
            self.refuse_guesser(merchant, at)?;
        }
        if found.account == Sought::Missing("consent not found".to_owned()) {
            // It may be a guess, whatever else is wrong with the request.
            let mut decided = self.no_consent("consent_not_found", merchant, code, at);
            if let Some(holder) = self.holder_of_order(merchant, &pay.order) {
                decided.deed = already_paid(holder).deed;
            }
            return Ok(counted(decided));
        }
        let payer = self.found_account(found)?;
        let quotes = match &found.quotes {
            Sought::Found(quotes) => quotes,
            Sought::Missing(why) => return Err(why.clone()),
            Sought::NotAsked => return Err("no quotes".to_owned()),
        };
        let subject = Subject {
            merchant: known,
            currencies: [pay.amount.currency, payer.place.1, known.currency],
            amount: i128::from(pay.amount.units),
            promised: found.offer.is_some(),
        };
        self.refuse_stale(rules, &subject, quotes, at)?;
        if let Some(reason) = found.ordered.filter(|_| sandbox) {
            return Ok(counted(Decided::declined(reason)));
        }
        if let Some(holder) = self.holder_of_order(merchant, &pay.order) {
            return Ok(counted(already_paid(holder)));
        }
        let asked = Asked { pay, merchant, payer, quotes, offer: found.offer.as_ref() };
        Ok(match self.approve(rules, &asked, &subject, id, at) {
            Ok(decided) => decided,
            Err(reason @ ("consent_not_found" | "consent_mismatch")) => {
                counted(self.no_consent(reason, merchant, code, at))
            }
            Err(reason) => counted(Decided::declined(reason)),
        })
    }

    fn approve(
        &self,
        rules: &Rules,
        asked: &Asked<'_>,
        subject: &Subject<'_>,
        id: Id,
        at: i64,
    ) -> Result<Decided, &'static str> {
        let Asked { pay, merchant, payer, quotes, offer } = *asked;
        let agreement = self.agreement(merchant, &pay.order, payer.place, &pay.agreed, at)?;
        if let Some(offer) = offer {
            self.check_offer(offer, asked, at)?;
        }
        self.check_quotes(rules, subject, quotes)?;
        let terms = Terms::of(subject.currencies, quotes, subject.merchant.discount_millionths);
        let debit = terms.debit(subject.amount);
        if pay.most.is_some_and(|most| most.currency != payer.place.1 || debit > i128::from(most.units)) {
            return Err("debit_above_max");
        }
        if !agreement.covers(debit) {
            return Err("consent_exceeded");
        }
        check_takes_debits(payer)?;
        let hold_ms = subject.rule(rules).hold_ms;
        let held = Payment {
            id,
            merchant,
            order: pay.order.clone(),
            payer: payer.place,
            currencies: subject.currencies,
            tranches: vec![Tranche::new(terms, subject.amount)],
            phase: Phase::Open { expires_at: at + hold_ms * 1_000 },
            consented: agreement.payment_most,
            mandate: agreement.period.map(|(id, period, _)| (id, period, debit)),
            pending: Vec::new(),
            sums: BTreeMap::new(),
            only_original: true,
        };
        let soft = self.check_exposure(rules, &held, None)?;
        let mut changes = Self::consent_used(&pay.agreed, merchant, &pay.order, payer.place);
        changes.extend(offer.map(|offer| Change::QuoteUsed(offer.id)));
        let deed = match pay.mode {
            Mode::Manual => {
                self.can_be_moved(&[], &held)?;
                let Phase::Open { expires_at } = held.phase else { return Err("not a hold") };
                let deed = Deed::Authorized { expires_at, after: held.totals(), soft };
                changes.push(Change::Payment(Box::new(held)));
                deed
            }
            Mode::Automatic => {
                let mut captured = held;
                captured.capture(subject.amount);
                let worth = captured.worth();
                let legs = captured.capture_legs(worth);
                self.can_be_moved(&legs, &captured)?;
                let deed =
                    Deed::Captured { settlement: worth.settled(), legs: legs.clone(), after: captured.totals(), soft };
                captured.add(&legs);
                changes.extend([Change::Posted(legs), Change::Payment(Box::new(captured))]);
                deed
            }
        };
        Ok(Decided { deed, changes })
    }

    fn check_offer(&self, offer: &Offered, asked: &Asked<'_>, at: i64) -> Result<(), &'static str> {
        if at >= offer.expires_at {
            return Err("quote_expired");
        }
        if self.quotes_used.contains(&offer.id) {
            return Err("quote_used");
        }
        let amount = (i128::from(asked.pay.amount.units), asked.pay.amount.currency);
        let bound = (offer.merchant, offer.payer, offer.amount) == (asked.merchant, asked.payer.place, amount);
        if bound { Ok(()) } else { Err("quote_mismatch") }
    }

    /// Whether balances allow these postings and the hold of this payment.
    pub(super) fn can_be_moved(
        &self,
        legs: &[crate::auditor::plain::Leg],
        payment: &Payment,
    ) -> Result<(), &'static str> {
        self.refused_by_balances(legs, Some(payment)).map_or(Ok(()), Err)
    }
}

pub(super) fn check_takes_debits(account: &Account) -> Result<(), &'static str> {
    match account.state {
        AccountState::Open => Ok(()),
        AccountState::Closed => Err("account_closed"),
        AccountState::Frozen => Err("account_frozen"),
    }
}

/// The payer's agreement covers this debit.
impl Agreement {
    pub(super) fn covers(&self, debit: i128) -> bool {
        self.payment_most.is_none_or(|most| debit <= most) && self.period.is_none_or(|(_, _, left)| debit <= left)
    }
}

impl Payment {
    /// Captures an amount, oldest tranche first; capturing all of it ends the hold.
    pub(super) fn capture(&mut self, amount: i128) {
        self.fill(amount, |part| part.authorized - part.captured, |part, share| part.captured += share);
        let [authorized, captured, _] = self.amounts();
        if authorized == captured {
            self.phase = Phase::Captured;
        }
    }
}

fn already_paid(holder: Id) -> Decided {
    Decided::nothing_but(Deed::Declined { reason: "order_already_paid", paid_by: Some(holder) })
}

/// A payment that was declined counts on the boards.
fn counted(mut decided: Decided) -> Decided {
    decided.changes.push(Change::Settled(Outcome::Declined));
    decided
}

fn presented_code(pay: &Pay) -> Option<&PayerCode> {
    if let Agreed::Code(code) = &pay.agreed { Some(code) } else { None }
}
