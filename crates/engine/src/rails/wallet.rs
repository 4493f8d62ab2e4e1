//! A wallet pays a merchant: what a payment is worth to each party at any captured amount, and the postings between two
//! such positions.

use alloc::vec::Vec;

use domain::{
    AccountId, AccountKind, Conversions, Converted, CurrencyPair, MerchantId, PayerFee, PaymentAmount, Posting,
};
use money::{Conversion, Currency, Money, Prices, Ratio, Rounding};

use crate::ledger::POSTINGS_MAX;

/// How a presentment amount becomes what the payer pays and what the merchant gets. Every leg is a level: a function of
/// the amount alone, so that parts always sum to the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Legs {
    presentment: Currency,
    /// `None` within one currency.
    debit: Option<Conversion>,
    /// `None` within one currency.
    settlement: Option<Conversion>,
    discount: Ratio,
    /// What the payer pays beside the price; `None` for nothing.
    fee: Option<PayerFee>,
}

/// The legs of one position, or of several together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Levels {
    /// What the payer pays, with its fee.
    pub(crate) debit: Money,
    /// Of that, what is neither the switch's margin nor the fee.
    pub(crate) mid: Money,
    /// What the payer pays beside the price.
    pub(crate) fee: Money,
    /// What the merchant is credited before its discount.
    pub(crate) gross: Money,
    /// The fee taken from that.
    pub(crate) discount: Money,
}

impl Legs {
    /// The legs of these quotes. They keep only the prices that count: legs are equal when every amount they give is.
    pub(crate) fn new(
        presentment: Currency,
        debit: Currency,
        settlement: Currency,
        conversions: &Conversions,
        (discount, fee): (Ratio, Option<PayerFee>),
    ) -> Option<Self> {
        let debit_leg = match &conversions.debit {
            Converted::SameCurrency => (presentment == debit).then_some(None)?,
            Converted::Quoted(quote) => {
                let prices = quote.pricing.prices.for_debit();
                Some(Conversion::at(presentment, debit, prices, quote.markup).ok()?)
            }
        };
        let settlement_leg = match &conversions.settlement {
            Converted::SameCurrency => (presentment == settlement).then_some(None)?,
            Converted::Quoted(quote) => {
                let bid = Prices::mid_only(quote.pricing.prices.settlement());
                Some(Conversion::at(presentment, settlement, bid, Ratio::ZERO).ok()?)
            }
        };
        Some(Self { presentment, debit: debit_leg, settlement: settlement_leg, discount, fee })
    }

    /// The legs of these conversions, if they are conversions of this currency.
    pub(crate) fn of_conversions(
        presentment: Currency,
        debit: Option<Conversion>,
        settlement: Option<Conversion>,
        (discount, fee): (Ratio, Option<PayerFee>),
    ) -> Option<Self> {
        let fits = [debit, settlement].into_iter().flatten().all(|conversion| conversion.from() == presentment);
        let fee_fits = fee.is_none_or(|fee| fee.free_up_to.currency() == presentment);
        (fits && fee_fits).then_some(Self { presentment, debit, settlement, discount, fee })
    }

    pub(crate) const fn debit_conversion(&self) -> Option<Conversion> {
        self.debit
    }

    pub(crate) const fn settlement_conversion(&self) -> Option<Conversion> {
        self.settlement
    }

    pub(crate) const fn discount(&self) -> Ratio {
        self.discount
    }

    pub(crate) const fn fee(&self) -> Option<PayerFee> {
        self.fee
    }

    pub(crate) fn pair(&self) -> CurrencyPair {
        CurrencyPair { presentment: self.presentment, debit: self.debit_currency() }
    }

    pub(crate) fn debit_currency(&self) -> Currency {
        self.debit.map_or(self.presentment, |conversion| conversion.to())
    }

    pub(crate) fn settlement_currency(&self) -> Currency {
        self.settlement.map_or(self.presentment, |conversion| conversion.to())
    }

    /// Whether any currency is exchanged, so that the switch's positions change.
    pub(crate) fn exchanges(&self) -> bool {
        self.debit.is_some() || self.settlement.is_some()
    }

    /// What the payer pays for the price alone.
    fn price(&self, x: Money) -> Money {
        self.debit.map_or(x, |conversion| conversion.debit(x).expect(WITHIN_ONE_AMOUNT))
    }

    /// What the payer pays beside that, when `x` is left of `captured`: what was captured says whether there is a fee, what is
    /// left how much of it.
    fn fee_level(&self, price: Money, captured: Money) -> Money {
        self.fee.map_or(Money::zero(price.currency()), |fee| fee.on(price, captured).expect(WITHIN_ONE_AMOUNT))
    }

    /// What the payer pays for all of `x`, with its fee.
    pub(crate) fn debit(&self, x: Money) -> Money {
        let price = self.price(x);
        plus(price, self.fee_level(price, x))
    }

    pub(crate) fn mid(&self, x: Money) -> Money {
        self.debit.map_or(x, |conversion| conversion.mid(x).expect(WITHIN_ONE_AMOUNT))
    }

    pub(crate) fn gross(&self, x: Money) -> Money {
        self.settlement.map_or(x, |conversion| conversion.settlement(x).expect(WITHIN_ONE_AMOUNT))
    }

    /// What the merchant gets, its discount taken.
    pub(crate) fn settled(&self, x: Money) -> Money {
        let gross = self.gross(x);
        minus(gross, self.discount_of(gross))
    }

    /// What the payer pays for `debited` and the merchant gets for `settled`: the two differ once a part was refunded at
    /// another rate, which leaves the payer's legs as they were. `captured` is of what these are left.
    pub(crate) fn levels(&self, debited: Money, settled: Money, captured: Money) -> Levels {
        let gross = self.gross(settled);
        let price = self.price(debited);
        let fee = self.fee_level(price, captured);
        Levels { debit: plus(price, fee), mid: self.mid(debited), fee, gross, discount: self.discount_of(gross) }
    }

    /// What `x`, which is left of `captured`, is to each.
    pub(crate) fn amount(&self, x: Money, captured: Money) -> PaymentAmount {
        let price = self.price(x);
        let debit = plus(price, self.fee_level(price, captured));
        PaymentAmount { presentment: x, debit, settlement: self.settled(x) }
    }

    fn discount_of(&self, gross: Money) -> Money {
        self.discount.of(gross, Rounding::HalfUp).expect(WITHIN_ONE_AMOUNT)
    }
}

const WITHIN_ONE_AMOUNT: &str = "legs were computed once for more than this, and fitted";

impl Levels {
    pub(crate) fn zero(legs: &Legs) -> Self {
        let (debit, settlement) = (Money::zero(legs.debit_currency()), Money::zero(legs.settlement_currency()));
        Self { debit, mid: debit, fee: debit, gross: settlement, discount: settlement }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            debit: plus(self.debit, other.debit),
            mid: plus(self.mid, other.mid),
            fee: plus(self.fee, other.fee),
            gross: plus(self.gross, other.gross),
            discount: plus(self.discount, other.discount),
        }
    }

    pub(crate) fn less(self, other: Self) -> Self {
        Self {
            debit: minus(self.debit, other.debit),
            mid: minus(self.mid, other.mid),
            fee: minus(self.fee, other.fee),
            gross: minus(self.gross, other.gross),
            discount: minus(self.discount, other.discount),
        }
    }

    /// What the merchant gets.
    pub(crate) fn settled(&self) -> Money {
        minus(self.gross, self.discount)
    }
}

/// Between whom a payment moves funds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sides<'a> {
    pub(crate) payer: AccountId,
    pub(crate) merchant: MerchantId,
    pub(crate) legs: &'a Legs,
}

impl Sides<'_> {
    /// The postings of a change of levels. With an exchange: payer and position at mid, payer and markup, position and
    /// merchant, merchant and discount. Without: payer and merchant, merchant and discount. A leg that falls goes the
    /// other way; one that stays is left out.
    pub(crate) fn postings(&self, change: &Levels) -> Postings {
        let mut postings = Postings::new();
        if self.legs.exchanges() {
            self.payer_side(change, &mut postings);
        }
        self.merchant_side(change, &mut postings);
        self.fee_side(change, &mut postings);
        postings
    }

    /// The postings of a refund, by which levels fall: the same, but what the merchant gives goes first.
    pub(crate) fn refund_postings(&self, change: &Levels) -> Postings {
        let mut postings = Postings::new();
        self.merchant_side(change, &mut postings);
        if self.legs.exchanges() {
            self.payer_side(change, &mut postings);
        }
        self.fee_side(change, &mut postings);
        postings
    }

    fn fee_side(&self, change: &Levels, postings: &mut Postings) {
        postings.change(self.payer, AccountId::house(AccountKind::PayerFee, change.fee.currency()), change.fee);
    }

    fn payer_side(&self, change: &Levels, postings: &mut Postings) {
        postings.change(self.payer, self.position(change.mid.currency()), change.mid);
        let markup = minus(minus(change.debit, change.fee), change.mid);
        postings.change(self.payer, AccountId::house(AccountKind::FxMarkup, markup.currency()), markup);
    }

    fn merchant_side(&self, change: &Levels, postings: &mut Postings) {
        let from = if self.legs.exchanges() { self.position(change.gross.currency()) } else { self.payer };
        postings.change(from, self.payable(), change.gross);
        let fees = AccountId::house(AccountKind::FeeIncome, change.discount.currency());
        postings.change(self.payable(), fees, change.discount);
    }

    pub(crate) fn payable(&self) -> AccountId {
        AccountId::merchant_payable(self.merchant, self.legs.settlement_currency())
    }

    pub(crate) fn position(&self, currency: Currency) -> AccountId {
        AccountId::house(AccountKind::FxPosition, currency)
    }
}

/// The house accounts in a currency that a payment may post to.
pub(crate) fn house_accounts(currency: Currency) -> impl Iterator<Item = AccountId> {
    let kinds = [AccountKind::FxPosition, AccountKind::FxMarkup, AccountKind::FeeIncome];
    kinds.into_iter().map(move |kind| AccountId::house(kind, currency))
}

/// Postings in the making.
#[derive(Debug)]
pub(crate) struct Postings(pub(crate) Vec<Posting>);

impl Postings {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(POSTINGS_MAX))
    }

    /// Moves `amount` from `debit` to `credit`, the other way when it is negative.
    pub(crate) fn change(&mut self, debit: AccountId, credit: AccountId, amount: Money) {
        let (debit, credit) = if amount.is_negative() { (credit, debit) } else { (debit, credit) };
        if amount.is_zero() {
            return;
        }
        let amount = amount.checked_abs().expect("far above −2^127");
        let posting = Posting::new(debit, credit, amount);
        self.0.push(posting.expect("amounts are in bounds and in the currency of both accounts"));
    }
}

pub(crate) fn plus(left: Money, right: Money) -> Money {
    left.checked_add(right).expect("one currency, and both are far below 2^127")
}

pub(crate) fn minus(left: Money, right: Money) -> Money {
    left.checked_sub(right).expect("one currency, and both are far below 2^127")
}
