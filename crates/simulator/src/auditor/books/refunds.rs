//! What is given back, and at which rate.

use super::{
    AMOUNT_MAX, Books, Change, Decided,
    accounts::AccountState,
    payment::{Payment, Pending, Worth, moved},
    quoting::merchant_rule,
    rates::day,
};
use crate::{
    auditor::{
        exact::Product,
        plain::{Deed, Leg, PricedRefund, Pricing, Repriced},
    },
    request::{Funding, Id, RefundRate, Rules, Sum},
};

/// Of one payment no more refunds than this wait for a rate.
const PENDING_MAX: usize = 50;

impl Books {
    pub(super) fn decide_refund(
        &self,
        rules: &Rules,
        merchant: u32,
        payment: Id,
        amount: Sum,
        refund: Id,
        at: i64,
    ) -> Result<Decided, String> {
        let before = self.payment_of(merchant, payment)?;
        before.check_currency(amount)?;
        before.allow("refund", at)?;
        let [_, captured, back] = before.amounts();
        before.check_remaining("refund", amount, captured - back)?;
        let rule = merchant_rule(rules, &self.merchant(merchant).ok_or("merchant not found")?.name);
        let [presentment, debit, _] = before.currencies;
        let rate = if presentment == debit { RefundRate::Original } else { rule.refund_rate };
        let current = match rate {
            RefundRate::Current => {
                let priced = self.price(rules, presentment, debit)?;
                if at >= priced.expires_at {
                    return Err(format!("rate stale: {debit} per {presentment}"));
                }
                Some(priced.pricing)
            }
            RefundRate::Original | RefundRate::NextDay => None,
        };
        if rate == RefundRate::NextDay && before.pending.len() >= PENDING_MAX {
            return Err("too many pending refunds".to_owned());
        }
        if self.account_at(before.payer).is_none_or(|account| account.state == AccountState::Closed) {
            return Ok(Decided::declined("account_closed"));
        }
        let amount = i128::from(amount.units);
        let from_day = day(rules, at) + 1;
        let decided = match (rate, current) {
            (RefundRate::Original, _) => self.refund_at_original(before, amount, rule.funding),
            (_, Some(pricing)) => self.refund_at_current(before, amount, rule.funding, &pricing),
            (_, None) => self.refund_later(before, amount, rule.funding, refund, from_day),
        };
        Ok(decided.unwrap_or_else(Decided::declined))
    }

    fn refund_at_original(&self, before: &Payment, amount: i128, funding: Funding) -> Result<Decided, &'static str> {
        let mut after = before.clone();
        after.fill(amount, |part| part.captured - part.back - part.back_otherwise, |part, share| part.back += share);
        let given = before.worth().less(after.worth());
        let mut legs = self.merchants_part(before, given, funding)?;
        let [_, debit, _] = before.currencies;
        if before.exchanges() {
            moved(&mut legs, ("fx_position", debit, 0), before.payer, given.mid);
            moved(&mut legs, ("fx_markup", debit, 0), before.payer, given.debit - given.mid);
        }
        self.refunded(after, (given.debit, given.settled()), None, legs)
    }

    fn refund_at_current(
        &self,
        before: &Payment,
        amount: i128,
        funding: Funding,
        pricing: &Pricing,
    ) -> Result<Decided, &'static str> {
        let (after, original_mid) = before.with_back_otherwise(amount);
        let given = before.worth().less(after.worth());
        let mut legs = self.merchants_part(before, given, funding)?;
        let (debit, repriced, to_payer) = before.given_by(amount, original_mid, pricing)?;
        legs.extend(to_payer);
        self.refunded(after, (debit, given.settled()), Some(repriced), legs)
    }

    fn refunded(
        &self,
        mut after: Payment,
        (debit, settlement): (i128, i128),
        repriced: Option<Repriced>,
        legs: Vec<Leg>,
    ) -> Result<Decided, &'static str> {
        self.can_be_moved(&legs, &after)?;
        after.add(&legs);
        let deed = Deed::Refunded { debit, settlement, repriced, legs: legs.clone(), after: after.totals() };
        Ok(Decided { deed, changes: vec![Change::Posted(legs), Change::Payment(Box::new(after))] })
    }

    fn refund_later(
        &self,
        before: &Payment,
        amount: i128,
        funding: Funding,
        refund: Id,
        from_day: i64,
    ) -> Result<Decided, &'static str> {
        let (mut after, original_mid) = before.with_back_otherwise(amount);
        let given = before.worth().less(after.worth());
        let legs = self.merchants_part(before, given, funding)?;
        self.can_be_moved(&legs, &after)?;
        after.add(&legs);
        after.pending.push(Pending { refund, amount, original_mid, from_day });
        let deed =
            Deed::RefundPending { settlement: given.settled(), legs: legs.clone(), from_day, after: after.totals() };
        Ok(Decided { deed, changes: vec![Change::Posted(legs), Change::Payment(Box::new(after))] })
    }

    /// What the merchant gives: from its reserve what it is owed too little, then its part of the refund, its discount
    /// back.
    fn merchants_part(&self, payment: &Payment, given: Worth, funding: Funding) -> Result<Vec<Leg>, &'static str> {
        let [_, _, settlement] = payment.currencies;
        let payable = payment.payable();
        let mut legs = Vec::new();
        let lack = given.settled() - self.balance(payable);
        if lack > 0 {
            if funding == Funding::PayableOnly || self.balance(payment.reserve()) < lack {
                return Err("not_enough");
            }
            moved(&mut legs, payment.reserve(), payable, lack);
        }
        let to = if payment.exchanges() { ("fx_position", settlement, 0) } else { payment.payer };
        moved(&mut legs, payable, to, given.gross);
        moved(&mut legs, ("fee_income", settlement, 0), payable, given.fee);
        Ok(legs)
    }

    /// The first refund that waits and has a rate: by pair of currencies, then by day.
    pub(super) fn price_refund(&self, rules: &Rules) -> Option<Decided> {
        let mut waiting: Vec<_> = self
            .payments
            .values()
            .flat_map(|payment| payment.pending.iter().map(move |pending| (payment, pending)))
            .map(|(payment, pending)| {
                let [presentment, debit, _] = payment.currencies;
                let pair = (presentment, debit);
                ((pair, pending.from_day, payment.id, pending.refund), payment, pending)
            })
            .collect();
        waiting.sort_unstable_by_key(|row| row.0);
        waiting.into_iter().find_map(|(_, payment, pending)| {
            let [presentment, debit, _] = payment.currencies;
            let pricing = self.first_of_day(rules, presentment, debit, pending.from_day)?;
            let (debit, repriced, legs) = payment.given_by(pending.amount, pending.original_mid, &pricing).ok()?;
            if self.refused_by_balances(&legs, None).is_some() {
                return None;
            }
            let refund = pending.refund;
            let deed = PricedRefund { payment: payment.id, refund, debit, repriced, legs: legs.clone() };
            let mut after = payment.clone();
            after.pending.retain(|pending| pending.refund != refund);
            after.add(&legs);
            let changes = vec![Change::Posted(legs), Change::Payment(Box::new(after))];
            Some(Decided { deed: Deed::Priced(vec![deed]), changes })
        })
    }

    /// Whether an account waits for refunds.
    pub(super) fn awaits_refund(&self, account: crate::auditor::plain::Place) -> bool {
        self.payments.values().any(|payment| payment.payer == account && !payment.pending.is_empty())
    }
}

impl Payment {
    /// With something given back at another rate than its own, and what that is worth at its own mid.
    fn with_back_otherwise(&self, amount: i128) -> (Self, i128) {
        let mut after = self.clone();
        after.fill(
            amount,
            |part| part.captured - part.back - part.back_otherwise,
            |part, share| part.back_otherwise += share,
        );
        after.only_original = false;
        let mid = |payment: &Self| payment.tranches.iter().map(|part| part.terms.mid(part.back_otherwise)).sum();
        let (now, was): (i128, i128) = (mid(&after), mid(self));
        (after, now - was)
    }

    /// What the payer gets at mid of another rate: the position gives what the part was worth, the result the rest.
    fn given_by(
        &self,
        amount: i128,
        original_mid: i128,
        pricing: &Pricing,
    ) -> Result<(i128, Repriced, Vec<Leg>), &'static str> {
        let [presentment, debit, _] = self.currencies;
        let given = Product::new(amount, presentment, debit, pricing.mid, 0).down();
        if given > AMOUNT_MAX {
            return Err("debit_amount_too_large");
        }
        let difference = given - original_mid;
        let (position, result) = (("fx_position", debit, 0), ("fx_result", debit, 0));
        let mut legs = Vec::new();
        moved(&mut legs, position, self.payer, given.min(original_mid));
        match difference {
            ..0 => moved(&mut legs, position, result, -difference),
            _ => moved(&mut legs, result, self.payer, difference),
        }
        Ok((given, Repriced { mid: pricing.mid, rate_lsn: pricing.rate_lsn, difference }, legs))
    }
}
