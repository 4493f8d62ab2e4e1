//! In which currency a card is billed, and by which rate.

use std::collections::BTreeMap;

use iso8583::field::{Amount, ConversionRate};
use money::{Conversion, Currency, Money, Rate, RateError, Ratio, UnknownCurrency};

use crate::card::{CardNumber, InvalidCardNumber};

/// The most rates, and the most cards with a currency of their own.
const ENTRIES_MAX: usize = 10_000;

/// The currencies cards are billed in, and the rates into them. Without any, nothing is converted.
#[derive(Clone, Debug, Default)]
pub struct Billing {
    by_card: BTreeMap<CardNumber, Currency>,
    others: Option<Currency>,
    /// By what is asked and what is billed.
    rates: BTreeMap<(Currency, Currency), Rate>,
}

/// What a card is billed for an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Billed {
    /// DE 6 and DE 51.
    pub(crate) amount: Money,
    /// DE 10, or `None` when it has no room for a digit of the rate, or not for all before the point.
    pub(crate) rate: Option<ConversionRate>,
}

/// There is no rate, or too much would be billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotConvertible;

/// Why a text is no currency of a card or no rate. It quotes no card number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BillingError {
    /// Not two parts and the sign between them.
    #[error("write a pair of currencies or a card, =, and its rate or currency: CNY/USD=0.1503108")]
    Shape,
    /// Not a currency.
    #[error(transparent)]
    Currency(#[from] UnknownCurrency),
    /// Both are the same.
    #[error("{} is not converted into itself", .0.code())]
    SameCurrency(Currency),
    /// Not a rate.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// Not a card number.
    #[error(transparent)]
    Card(#[from] InvalidCardNumber),
    /// More rates or cards than are kept.
    #[error("at most {ENTRIES_MAX} rates and as many cards are kept")]
    TooMany,
}

impl Billing {
    /// This, but cards without a currency of their own are billed in this one.
    #[must_use]
    pub fn with_others(self, currency: Currency) -> Self {
        Self { others: Some(currency), ..self }
    }

    /// This with a rate such as `CNY/USD=0.1503108`: what one yuan costs in dollars.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn with_rate(mut self, text: &str) -> Result<Self, BillingError> {
        let (pair, rate) = text.split_once('=').ok_or(BillingError::Shape)?;
        let (from, to) = pair.split_once('/').ok_or(BillingError::Shape)?;
        let (from, to) = (Currency::from_code(from)?, Currency::from_code(to)?);
        if from == to {
            return Err(BillingError::SameCurrency(from));
        }
        self.rates.insert((from, to), Rate::parse(rate)?);
        if self.rates.len() > ENTRIES_MAX { Err(BillingError::TooMany) } else { Ok(self) }
    }

    /// This with the currency of a card, such as `4111111111111111=USD`.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn with_card(mut self, text: &str) -> Result<Self, BillingError> {
        let (card, currency) = text.split_once('=').ok_or(BillingError::Shape)?;
        self.by_card.insert(CardNumber::parse(card.as_bytes())?, Currency::from_code(currency)?);
        if self.by_card.len() > ENTRIES_MAX { Err(BillingError::TooMany) } else { Ok(self) }
    }

    /// What a card is billed for an amount, half up (ISO 8583:1987 DE 6, 10, 51); `None` when it is billed in the currency
    /// that was asked.
    pub(crate) fn of(&self, card: CardNumber, asked: Money) -> Result<Option<Billed>, NotConvertible> {
        let Some(currency) = self.by_card.get(&card).copied().or(self.others) else { return Ok(None) };
        let pair = (asked.currency(), currency);
        if pair.0 == pair.1 {
            return Ok(None);
        }
        let rate = *self.rates.get(&pair).ok_or(NotConvertible)?;
        let conversion = Conversion::new(pair.0, pair.1, rate, Ratio::ZERO).map_err(|_same| NotConvertible)?;
        let amount = conversion.mid(asked).map_err(|_too_large| NotConvertible)?;
        Amount::of(amount).map_err(|_too_large| NotConvertible)?;
        Ok(Some(Billed { amount, rate: told(rate) }))
    }
}

/// The seven digits of a rate that DE 10 has room for, and at most nine of them behind the point. What is behind is cut off:
/// amounts are authoritative, the rate only tells about them.
fn told(rate: Rate) -> Option<ConversionRate> {
    let (mut digits, mut decimals) = (rate.mantissa(), rate.scale());
    loop {
        let fitting = u8::try_from(decimals).ok().zip(u32::try_from(digits).ok());
        if let Some(told) = fitting.and_then(|(decimals, digits)| ConversionRate::new(decimals, digits)) {
            return (told.numerator() != 0).then_some(told);
        }
        decimals = decimals.checked_sub(1)?;
        digits /= 10;
    }
}

#[cfg(test)]
mod tests {
    use iso8583::field::Value;

    use super::*;

    fn card() -> CardNumber {
        CardNumber::parse(b"4111111111111111").unwrap()
    }

    fn billing(rates: &[&str]) -> Billing {
        rates.iter().fold(Billing::default(), |billing, rate| billing.with_rate(rate).unwrap())
    }

    #[test]
    fn an_amount_is_converted_half_up_in_the_minor_unit_of_the_currency() {
        for (rate, asked, billed) in [
            ("CNY/USD=0.1503108", "CNY 257.50", "USD 38.71"),
            ("CNY/USD=0.1500000", "CNY 0.10", "USD 0.02"),
            ("CNY/USD=0.1499999", "CNY 0.10", "USD 0.01"),
            ("CNY/JPY=22.85", "CNY 1.00", "JPY 23"),
            ("CNY/KWD=0.04321", "CNY 100.00", "KWD 4.321"),
        ] {
            let asked = Money::parse(asked).unwrap();
            let to = Currency::from_code(&rate[4..7]).unwrap();
            let converted = billing(&[rate]).with_others(to).of(card(), asked).unwrap().unwrap();
            assert_eq!(converted.amount, Money::parse(billed).unwrap(), "{rate}");
        }
    }

    #[test]
    fn the_rate_tells_the_seven_digits_that_fit() {
        for (rate, expected) in [
            ("0.1503108", Some("71503108")),
            ("0.15031089", Some("71503108")),
            ("1.179291231", Some("61179291")),
            ("0.00012345678", Some("90123456")),
            ("22.85", Some("20002285")),
            ("149123.4567", Some("11491234")),
            ("9999999", Some("09999999")),
            ("10000000", None),
            ("0.0000000001", None),
        ] {
            let mut text = String::new();
            let told = told(Rate::parse(rate).unwrap());
            told.iter().for_each(|told| told.write(&mut text).unwrap());
            assert_eq!(told.map(|_| text.as_str()), expected, "{rate}");
        }
    }

    #[test]
    fn a_card_is_billed_in_its_own_currency_by_a_rate_or_not_at_all() {
        let billing = billing(&["CNY/USD=0.1503108"]).with_card("4111111111111111=USD").unwrap();
        let other = CardNumber::parse(b"4242424242424242").unwrap();
        let (yuan, dollar, euro) = ["CNY 1.00", "USD 1.00", "EUR 1.00"].map(|text| Money::parse(text).unwrap()).into();
        assert_eq!(billing.of(other, yuan), Ok(None));
        assert_eq!(billing.of(card(), dollar), Ok(None));
        assert_eq!(billing.of(card(), euro), Err(NotConvertible));
        let large = Money::new(yuan.currency(), 999_999_999_999);
        let dear = Billing::default().with_rate("CNY/USD=2").unwrap().with_others(dollar.currency());
        assert_eq!(dear.of(card(), large), Err(NotConvertible));
    }

    #[test]
    fn what_is_no_rate_and_no_card_is_refused() {
        let cny = Currency::from_code("CNY").unwrap();
        assert_eq!(Billing::default().with_rate("CNYUSD=1").err(), Some(BillingError::Shape));
        assert_eq!(Billing::default().with_rate("CNY/USD").err(), Some(BillingError::Shape));
        assert_eq!(Billing::default().with_rate("CNY/CNY=1").err(), Some(BillingError::SameCurrency(cny)));
        assert_eq!(Billing::default().with_rate("CNY/USD=0").err(), Some(BillingError::Rate(RateError::NotPositive)));
        assert!(matches!(Billing::default().with_rate("CNY/cny=1").err(), Some(BillingError::Currency(_))));
        assert_eq!(Billing::default().with_card("4111=USD").err(), Some(BillingError::Card(InvalidCardNumber)));
    }
}
