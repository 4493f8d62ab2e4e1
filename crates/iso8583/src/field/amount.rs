//! Amounts: alone, with a sign, and several in one element.

use alloc::vec::Vec;
use core::fmt;

use money::{Currency, Money};

use super::{TwoDigits, Value, text::Parts};

/// Twelve digits of minor units (`n12`). Which currency they are of, another element says: see
/// [`MoneyField`](super::MoneyField).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(
    // At most `AMOUNT_MAX`.
    u64,
);

const AMOUNT_DIGITS: usize = 12;
const AMOUNT_MAX: u64 = 999_999_999_999;
/// Of a fee, behind its sign.
const FEE_DIGITS: usize = 8;
const FEE_MAX: u64 = 99_999_999;

/// An amount that the digits of an element cannot say: negative, or too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the amount is negative or has too many digits for its element")]
pub struct AmountOutOfRange;

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The minor units of a sum.
    ///
    /// # Errors
    /// [`AmountOutOfRange`] when it is negative or has more than twelve digits.
    pub fn of(money: Money) -> Result<Self, AmountOutOfRange> {
        minor_units(money, AMOUNT_MAX).map(Self)
    }

    /// So many minor units of this currency.
    #[must_use]
    pub fn money(self, currency: Currency) -> Money {
        Money::new(currency, i128::from(self.0))
    }
}

fn minor_units(money: Money, maximum: u64) -> Result<u64, AmountOutOfRange> {
    u64::try_from(money.minor_units()).ok().filter(|units| *units <= maximum).ok_or(AmountOutOfRange)
}

impl Value for Amount {
    const SHAPE: &'static str = "an amount of 12 digits";

    fn parse(text: &[u8]) -> Option<Self> {
        super::text::whole(text, AMOUNT_DIGITS).map(Self)
    }

    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        write!(out, "{:0AMOUNT_DIGITS$}", self.0)
    }
}

/// Which way an amount goes, seen from the account it is of (`x`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// `C`: in favour of the account; a balance that is owed to its owner.
    Credit,
    /// `D`: against the account.
    Debit,
}

impl Sign {
    const fn character(self) -> char {
        match self {
            Self::Credit => 'C',
            Self::Debit => 'D',
        }
    }

    fn parse(parts: &mut Parts<'_>) -> Option<Self> {
        match parts.take(1)? {
            b"C" => Some(Self::Credit),
            b"D" => Some(Self::Debit),
            _ => None,
        }
    }
}

/// A fee: a sign and eight digits of minor units (`x+n8`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fee {
    /// Which way it goes.
    pub sign: Sign,
    // At most `FEE_MAX`.
    minor_units: u64,
}

impl Fee {
    /// A fee of this sum.
    ///
    /// # Errors
    /// [`AmountOutOfRange`] when it is negative or has more than eight digits.
    pub fn of(sign: Sign, money: Money) -> Result<Self, AmountOutOfRange> {
        Ok(Self { sign, minor_units: minor_units(money, FEE_MAX)? })
    }

    /// So many minor units of this currency, without the sign.
    #[must_use]
    pub fn money(self, currency: Currency) -> Money {
        Money::new(currency, i128::from(self.minor_units))
    }
}

/// DE 28 to DE 31.
impl Value for Fee {
    const SHAPE: &'static str = "C or D and 8 digits";

    fn parse(text: &[u8]) -> Option<Self> {
        let mut parts = Parts(text);
        let fee = Self { sign: Sign::parse(&mut parts)?, minor_units: parts.number(FEE_DIGITS)? };
        parts.end(fee)
    }

    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        write!(out, "{}{:0FEE_DIGITS$}", self.sign.character(), self.minor_units)
    }
}

/// One balance or part of an amount (DE 54): account type, amount type, currency, sign and amount, 20 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdditionalAmount {
    /// As in the processing code: `00` unspecified, `10` savings, `20` cheque, `30` credit.
    pub account_type: TwoDigits,
    /// `01` ledger balance, `02` available balance, `03` owed, `40` cash back, and others.
    pub amount_type: TwoDigits,
    /// The currency of the amount.
    pub currency: Currency,
    /// A balance below zero is a debit.
    pub sign: Sign,
    /// How much, in minor units.
    pub amount: Amount,
}

/// One to six amounts beside the one that is asked for (ISO 8583:1987 DE 54, `an ...120`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdditionalAmounts(
    // One to `ADDITIONAL_AMOUNTS_MAX`.
    Vec<AdditionalAmount>,
);

const ADDITIONAL_AMOUNT_CHARACTERS: usize = 20;
const ADDITIONAL_AMOUNTS_MAX: usize = 6;

impl AdditionalAmounts {
    /// These amounts, or `None` when there are none or more than six.
    #[must_use]
    pub fn new(amounts: Vec<AdditionalAmount>) -> Option<Self> {
        (1..=ADDITIONAL_AMOUNTS_MAX).contains(&amounts.len()).then_some(Self(amounts))
    }

    /// The amounts, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[AdditionalAmount] {
        &self.0
    }
}

impl Value for AdditionalAmounts {
    const SHAPE: &'static str = "one to six additional amounts of 20 characters";

    fn parse(text: &[u8]) -> Option<Self> {
        let amounts = text.chunks(ADDITIONAL_AMOUNT_CHARACTERS).map(|text| {
            let mut parts = Parts(text);
            let amount = AdditionalAmount {
                account_type: TwoDigits::new(parts.number(2)?)?,
                amount_type: TwoDigits::new(parts.number(2)?)?,
                currency: Currency::parse(parts.take(3)?)?,
                sign: Sign::parse(&mut parts)?,
                amount: Amount::parse(parts.take(AMOUNT_DIGITS)?)?,
            };
            parts.end(amount)
        });
        Self::new(amounts.take(ADDITIONAL_AMOUNTS_MAX.saturating_add(1)).collect::<Option<_>>()?)
    }

    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        self.0.iter().try_for_each(|amount| {
            write!(out, "{}{}", amount.account_type, amount.amount_type)?;
            amount.currency.write(out)?;
            out.write_char(amount.sign.character())?;
            amount.amount.write(out)
        })
    }
}

/// What was paid in truth, where a reversal undoes a part only (ISO 8583:1987 DE 95, `an 42`): the amounts that stay, not
/// the ones that are given back.
///
/// Some networks put the amount in the payer's currency where the standard has fees. That is read only where it is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplacementAmounts {
    /// In the currency of DE 49.
    pub actual: Amount,
    /// In the currency of DE 50, or zero.
    pub settlement: Amount,
    /// In the currency of DE 49; without one, nine zeros are written.
    pub fee: Option<Fee>,
    /// In the currency of DE 50; without one, nine zeros are written.
    pub settlement_fee: Option<Fee>,
}

const NO_FEE: &str = "000000000";
const _: () = assert!(NO_FEE.len() == 1 + FEE_DIGITS);

impl Value for ReplacementAmounts {
    const SHAPE: &'static str = "two amounts and two fees, 42 characters";

    fn parse(text: &[u8]) -> Option<Self> {
        let mut parts = Parts(text);
        let fee = |parts: &mut Parts<'_>| match parts.take(NO_FEE.len())? {
            none if none == NO_FEE.as_bytes() => Some(None),
            text => Fee::parse(text).map(Some),
        };
        let amounts = Self {
            actual: Amount::parse(parts.take(AMOUNT_DIGITS)?)?,
            settlement: Amount::parse(parts.take(AMOUNT_DIGITS)?)?,
            fee: fee(&mut parts)?,
            settlement_fee: fee(&mut parts)?,
        };
        parts.end(amounts)
    }

    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        self.actual.write(out)?;
        self.settlement.write(out)?;
        [self.fee, self.settlement_fee].iter().try_for_each(|fee| match fee {
            Some(fee) => fee.write(out),
            None => out.write_str(NO_FEE),
        })
    }
}
