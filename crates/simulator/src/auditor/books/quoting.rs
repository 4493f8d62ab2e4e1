//! What a payment is quoted by, and whether a quote is what tape and rules give.

use super::{
    AMOUNT_MAX, Books, Merchant,
    rates::{Priced, rule},
};
use crate::{
    auditor::{
        exact::Product,
        plain::{Pricing, Quote, Quotes, SettlementQuote},
    },
    request::{Band, Code, MerchantRule, Rules, Tier},
};

/// Whose conversion of what.
pub(super) struct Subject<'a> {
    pub(super) merchant: &'a Merchant,
    /// Of presentment, debit and settlement.
    pub(super) currencies: [Code; 3],
    pub(super) amount: i128,
    /// Whether a quote's token promised it.
    pub(super) promised: bool,
}

impl Subject<'_> {
    pub(super) fn rule(&self, rules: &Rules) -> MerchantRule {
        merchant_rule(rules, &self.merchant.name)
    }

    fn markup(&self, rules: &Rules, move_ppm: u32) -> u32 {
        let [presentment, debit, _] = self.currencies;
        let fits = |tier: &&Tier| {
            tier.pair.is_none_or(|pair| pair == (presentment, debit))
                && tier.merchant.as_ref().is_none_or(|name| *name == self.merchant.name)
                && tier
                    .amount_min
                    .is_none_or(|least| least.currency == presentment && self.amount >= i128::from(least.units))
        };
        let of_tier = rules.tiers.iter().find(fits).map(|tier| tier.markup_millionths);
        let of_pair = rule(rules, presentment, debit).markup_millionths;
        let calm = of_tier.or(of_pair).unwrap_or(rules.markup_millionths);
        let extra = band(rules, move_ppm).map_or(0, |band| band.extra_millionths);
        (calm + extra).min(1_000_000)
    }

    fn debit_quote(&self, priced: Priced, markup_millionths: u32, move_ppm: u32, weight_millionths: u32) -> Quote {
        let [from, to, _] = self.currencies;
        let debit = Product::new(self.amount, from, to, priced.pricing.ask, markup_millionths).up();
        let mid = Product::new(self.amount, from, to, priced.pricing.mid, 0).half_up();
        let amounts = (debit <= AMOUNT_MAX).then_some((debit, mid));
        Quote { pricing: priced.pricing, markup_millionths, move_ppm, weight_millionths, amounts }
    }

    fn settlement_quote(&self, pricing: Pricing) -> SettlementQuote {
        let [from, _, to] = self.currencies;
        let gross = Product::new(self.amount, from, to, pricing.bid, 0).down();
        SettlementQuote { pricing, gross: (gross <= AMOUNT_MAX).then_some(gross) }
    }
}

/// The rules of a merchant on the wallet's rail, the only one.
pub(super) fn merchant_rule(rules: &Rules, name: &str) -> MerchantRule {
    let everywhere = (rules.merchant_default, &rules.merchants);
    let (default, merchants) = rules.wallet_rail.as_ref().map_or(everywhere, |(default, own)| (*default, own));
    let own = merchants.iter().find(|(merchant, _)| merchant == name);
    own.map_or(default, |(_, rule)| *rule)
}

fn band(rules: &Rules, move_ppm: u32) -> Option<Band> {
    rules.volatility.iter().rev().find(|band| band.move_ppm_min <= move_ppm).copied()
}

impl Books {
    /// The quotes by the rates in force, and from when on they are stale, or why there are none at `now`: the payer's
    /// rate is looked at first.
    pub(super) fn quotes(&self, rules: &Rules, subject: &Subject<'_>, now: i64) -> Result<(Quotes, i64), String> {
        let [presentment, debit, settlement] = subject.currencies;
        let mut expires_at = i64::MAX;
        let mut price = |target: Code| -> Result<Option<Priced>, String> {
            if target == presentment {
                return Ok(None);
            }
            let priced = self.price(rules, presentment, target)?;
            if now >= priced.expires_at {
                return Err(format!("rate stale: {target} per {presentment}"));
            }
            expires_at = expires_at.min(priced.expires_at);
            Ok(Some(priced))
        };
        let (to_payer, to_merchant) = (price(debit)?, price(settlement)?);
        let debit = to_payer.map(|priced| {
            let move_ppm = priced.move_ppm;
            let weight = band(rules, move_ppm).map_or(1_000_000, |band| band.weight_millionths);
            subject.debit_quote(priced, subject.markup(rules, move_ppm), move_ppm, weight)
        });
        let settlement = to_merchant.map(|priced| subject.settlement_quote(priced.pricing));
        Ok((Quotes { debit, settlement }, expires_at))
    }

    /// Refuses quotes whose rates have gone stale on the way; what was promised holds as long as the promise.
    pub(super) fn refuse_stale(
        &self,
        rules: &Rules,
        subject: &Subject<'_>,
        quotes: &Quotes,
        at: i64,
    ) -> Result<(), String> {
        if subject.promised {
            return Ok(());
        }
        let [presentment, debit, settlement] = subject.currencies;
        let to_payer = quotes.debit.as_ref().map(|quote| (debit, &quote.pricing));
        let to_merchant = quotes.settlement.as_ref().map(|quote| (settlement, &quote.pricing));
        for (target, pricing) in to_payer.into_iter().chain(to_merchant) {
            let named = self.named(rules, presentment, target, pricing);
            if named.is_some_and(|named| at >= named.expires_at) {
                return Err(format!("rate stale: {target} per {presentment}"));
            }
        }
        Ok(())
    }

    /// Whether quotes are what the tape and the rules, or a promise, give.
    pub(super) fn check_quotes(
        &self,
        rules: &Rules,
        subject: &Subject<'_>,
        quotes: &Quotes,
    ) -> Result<(), &'static str> {
        let [presentment, debit, settlement] = subject.currencies;
        if quotes.debit.is_none() != (presentment == debit)
            || quotes.settlement.is_none() != (presentment == settlement)
        {
            return Err("quote_not_reproduced");
        }
        if let Some(quote) = &quotes.debit {
            let priced = self.named(rules, presentment, debit, &quote.pricing).ok_or("quote_not_reproduced")?;
            let again = if subject.promised {
                let Quote { markup_millionths, move_ppm, weight_millionths, .. } = *quote;
                subject.debit_quote(priced, markup_millionths, move_ppm, weight_millionths)
            } else {
                let move_ppm = priced.move_ppm;
                let weight = band(rules, move_ppm).map_or(1_000_000, |band| band.weight_millionths);
                subject.debit_quote(priced, subject.markup(rules, move_ppm), move_ppm, weight)
            };
            if again != *quote {
                return Err("quote_not_reproduced");
            }
        }
        if let Some(quote) = &quotes.settlement {
            let priced = self.named(rules, presentment, settlement, &quote.pricing).ok_or("quote_not_reproduced")?;
            if subject.settlement_quote(priced.pricing) != *quote {
                return Err("quote_not_reproduced");
            }
        }
        let too_large = quotes.debit.as_ref().is_some_and(|quote| quote.amounts.is_none())
            || quotes.settlement.as_ref().is_some_and(|quote| quote.gross.is_none());
        if too_large { Err("debit_amount_too_large") } else { Ok(()) }
    }
}
