//! What the stages find for a payment, and what the engine makes of it.

use domain::DeclineReason;

use crate::{
    ask::{Pay, Subject, Twist},
    exact::{Round, converted},
    model::{MERCHANTS, Model},
    payment::{AMOUNT_MAX, Legs},
    tape::{Lack, Price, Prices, number_of},
};

/// What the stages find.
#[expect(clippy::large_enum_variant, reason = "a finding becomes a command at once")]
#[derive(Clone, Debug)]
pub(crate) enum Found {
    Nobody,
    Lack(Lack, (&'static str, &'static str)),
    Quoted(Quoted),
}

/// Between different currencies; `None` within one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quoted {
    pub(crate) debit: Option<DebitQuote>,
    pub(crate) settlement: Option<SettlementQuote>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct DebitQuote {
    pub(crate) price: Price,
    /// As it is told: not always that of the price.
    pub(crate) lsn: u64,
    pub(crate) markup: u32,
    pub(crate) weight: u32,
    pub(crate) amounts: Option<(i128, i128)>,
    /// Whether nothing was made up.
    honest: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct SettlementQuote {
    pub(crate) price: Price,
    pub(crate) lsn: u64,
    pub(crate) gross: Option<i128>,
    honest: bool,
}

/// A quote that was given to be paid by later.
#[derive(Clone, Debug)]
pub(crate) struct Offered {
    pub(crate) number: u64,
    pub(crate) subject: Subject,
    pub(crate) quoted: Quoted,
    pub(crate) expires_at: i64,
    pub(crate) used: bool,
}

impl Model {
    /// What the stages find for a payment at `at`, and what its twist makes of it.
    pub(crate) fn evidence(&self, subject: &Subject, twist: Twist, at: i64) -> Found {
        let Some((settlement, _)) = MERCHANTS.get(subject.merchant) else { return Found::Nobody };
        let Some(payer) = self.account(subject.account) else { return Found::Nobody };
        let price = |to: &'static str| {
            let pair = (subject.presentment, to);
            if twist == Twist::Missing {
                return Err((Lack::Missing, pair));
            }
            let back = if let Twist::Older(back) = twist { back } else { 0 };
            let price = self.tape.price(&self.rules, pair, back).map_err(|lack| (lack, pair))?;
            match twist != Twist::Early && at >= price.expires_at {
                true => Err((Lack::Stale, pair)),
                false => Ok(price),
            }
        };
        let debit = match subject.presentment == payer.currency {
            true => None,
            false => match price(payer.currency) {
                Ok(price) => Some(self.debit_quote(subject, payer.currency, price, twist)),
                Err((lack, pair)) => return Found::Lack(lack, pair),
            },
        };
        let settlement = match subject.presentment == *settlement {
            true => None,
            false => match price(settlement) {
                Ok(price) => Some(settlement_quote(subject, settlement, price, twist)),
                Err((lack, pair)) => return Found::Lack(lack, pair),
            },
        };
        Found::Quoted(Quoted { debit, settlement })
    }

    fn debit_quote(&self, subject: &Subject, debit: &'static str, price: Price, twist: Twist) -> DebitQuote {
        let pair = (subject.presentment, debit);
        let units = i128::from(subject.units);
        let markup = self.rules.markup(number_of(pair), subject.merchant, (subject.presentment, units), price.move_ppm);
        let off = if let Twist::Markup = twist { u32::from(markup > 0) } else { 0 };
        let told = markup - off;
        let debited = converted(units, pair, price.prices.ask, 1_000_000 + told, Round::Up);
        let mid = converted(units, pair, price.prices.mid, 1_000_000, Round::HalfUp);
        let (debit_off, mid_off) = match twist {
            Twist::Debit(off) => (off, 0),
            Twist::Mid(off) => (0, off),
            Twist::Nothing
            | Twist::Gross(_)
            | Twist::Markup
            | Twist::Older(_)
            | Twist::Lsn
            | Twist::Early
            | Twist::Missing => (0, 0),
        };
        let amounts = (debited <= AMOUNT_MAX).then_some((debited + debit_off, mid + mid_off));
        let honest_amounts = amounts.is_none_or(|amounts| amounts == (debited, mid));
        DebitQuote {
            price,
            lsn: price.lsn + u64::from(twist == Twist::Lsn),
            markup: told,
            weight: self.rules.weight(price.move_ppm),
            amounts,
            honest: honest_amounts && off == 0 && twist != Twist::Lsn,
        }
    }

    /// The legs by what the stages found, once it is seen to be right. `None` where a rate has gone stale meanwhile.
    pub(crate) fn legs(&self, subject: &Subject, quoted: &Quoted, discount: u32) -> Result<(Legs, u32), DeclineReason> {
        if let Some(quote) = &quoted.debit {
            if !quote.honest || !self.tape.is_kept(&quote.price) {
                return Err(DeclineReason::QuoteNotReproduced);
            }
            quote.amounts.ok_or(DeclineReason::DebitAmountTooLarge)?;
        }
        if let Some(quote) = &quoted.settlement {
            if !quote.honest || !self.tape.is_kept(&quote.price) {
                return Err(DeclineReason::QuoteNotReproduced);
            }
            quote.gross.ok_or(DeclineReason::DebitAmountTooLarge)?;
        }
        // A price that no amount is made of does not tell one tranche from another.
        let of_debit = |prices: Prices| Prices { bid: prices.mid, ..prices };
        let of_settlement = |prices: Prices| Prices { mid: prices.bid, ask: prices.bid, ..prices };
        let legs = Legs {
            presentment: subject.presentment,
            debit: self.account(subject.account).expect("the payer was found").currency,
            settlement: MERCHANTS[subject.merchant].0,
            debited_at: quoted.debit.map(|quote| (of_debit(quote.price.prices), quote.markup)),
            settled_at: quoted.settlement.map(|quote| of_settlement(quote.price.prices)),
            discount,
        };
        Ok((legs, quoted.debit.map_or(1_000_000, |quote| quote.weight)))
    }

    /// Whether a rate that is on the tape as told has gone stale between the stages and now.
    pub(crate) fn has_gone_stale(&self, quoted: &Quoted, at: i64) -> bool {
        let stale = |price: &Price, lsn: u64| price.lsn == lsn && at >= price.expires_at;
        quoted.debit.is_some_and(|quote| stale(&quote.price, quote.lsn))
            || quoted.settlement.is_some_and(|quote| stale(&quote.price, quote.lsn))
    }

    /// What a payment would debit, for a bound near it.
    pub(crate) fn debit_of(&self, pay: &Pay, at: i64) -> i128 {
        let quoted = match self.offer(pay) {
            Some(offer) => offer.quoted,
            None => match self.evidence(&self.subject(pay), pay.twist, at) {
                Found::Quoted(quoted) => quoted,
                Found::Nobody | Found::Lack(..) => return 1,
            },
        };
        let amounts = quoted.debit.and_then(|quote| quote.amounts);
        amounts.map_or(i128::from(self.subject(pay).units), |(debit, _)| debit)
    }
}

fn settlement_quote(subject: &Subject, settlement: &'static str, price: Price, twist: Twist) -> SettlementQuote {
    let pair = (subject.presentment, settlement);
    let exact = converted(subject.units.into(), pair, price.prices.bid, 1_000_000, Round::Down);
    let off = if let Twist::Gross(off) = twist { off } else { 0 };
    let gross = (exact <= AMOUNT_MAX).then_some(exact + off);
    SettlementQuote {
        price,
        lsn: price.lsn + u64::from(twist == Twist::Lsn),
        gross,
        honest: gross.is_none_or(|gross| gross == exact) && twist != Twist::Lsn,
    }
}
