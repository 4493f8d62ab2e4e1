//! Single elements as types: what a switch reads of a message and writes into it.

use core::fmt;
use core::marker::PhantomData;

use money::{Currency, Money};

use crate::element::Element;
use crate::message::Message;

mod text;

mod amount;
mod code;
mod conversion_rate;
mod original;
mod time;
mod trace;

pub use amount::{AdditionalAmount, AdditionalAmounts, Amount, AmountOutOfRange, Fee, ReplacementAmounts, Sign};
pub use code::{NetworkCode, ProcessingCode, ResponseCode, TwoDigits};
pub use conversion_rate::ConversionRate;
pub use original::OriginalElements;
pub use time::TransmissionTime;
pub use trace::{AcceptorId, AcceptorName, ApprovalCode, InstitutionId, Rrn, Stan, TerminalId};

/// What an element can be read as. The text is ASCII, as a [`Message`] has it.
pub trait Value: Sized {
    /// What the text must be, for errors.
    const SHAPE: &'static str;

    /// Reads the text of an element, or `None` when it is not of this shape.
    fn parse(text: &[u8]) -> Option<Self>;

    /// Writes the text of an element, which is read again as the same.
    ///
    /// # Errors
    /// Those of `out` only.
    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result;
}

/// An element together with what it is read as.
pub struct Field<T> {
    element: Element,
    value: PhantomData<fn() -> T>,
}

/// Why an element is not what was asked for. No error tells the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The message does not carry it.
    #[error("{0} is missing")]
    Missing(Element),
    /// It is something else.
    #[error("{element} is not {expected}")]
    Malformed {
        /// The element.
        element: Element,
        /// The shape it should have.
        expected: &'static str,
    },
}

impl<T> Field<T> {
    /// Reads an element as this type: for what a partner puts into an element of its own.
    #[must_use]
    pub const fn new(element: Element) -> Self {
        Self { element, value: PhantomData }
    }

    /// The element.
    #[must_use]
    pub const fn element(self) -> Element {
        self.element
    }
}

impl<T> Clone for Field<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Field<T> {}

impl<T> fmt::Debug for Field<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({})", self.element)
    }
}

/// An amount and the currency it is in.
#[derive(Clone, Copy, Debug)]
pub struct MoneyField {
    amount: Field<Amount>,
    currency: Field<Currency>,
}

const fn field<T>(number: u8) -> Field<T> {
    Field::new(Element::of(number))
}

const fn money_field(amount: u8, currency: u8) -> MoneyField {
    MoneyField { amount: field(amount), currency: field(currency) }
}

/// DE 3.
pub const PROCESSING_CODE: Field<ProcessingCode> = field(3);
/// DE 7.
pub const TRANSMISSION_TIME: Field<TransmissionTime> = field(7);
/// DE 9: DE 5 is DE 4 times this. Amounts are authoritative, the rate of seven digits tells about them.
pub const SETTLEMENT_RATE: Field<ConversionRate> = field(9);
/// DE 10: DE 6 is DE 4 times this.
pub const DEBIT_RATE: Field<ConversionRate> = field(10);
/// DE 11.
pub const STAN: Field<Stan> = field(11);
/// DE 32.
pub const ACQUIRER: Field<InstitutionId> = field(32);
/// DE 33.
pub const FORWARDER: Field<InstitutionId> = field(33);
/// DE 37.
pub const RRN: Field<Rrn> = field(37);
/// DE 38.
pub const APPROVAL_CODE: Field<ApprovalCode> = field(38);
/// DE 39.
pub const RESPONSE_CODE: Field<ResponseCode> = field(39);
/// DE 41.
pub const TERMINAL_ID: Field<TerminalId> = field(41);
/// DE 42.
pub const ACCEPTOR_ID: Field<AcceptorId> = field(42);
/// DE 43.
pub const ACCEPTOR_NAME: Field<AcceptorName> = field(43);
/// DE 54.
pub const ADDITIONAL_AMOUNTS: Field<AdditionalAmounts> = field(54);
/// DE 70.
pub const NETWORK_CODE: Field<NetworkCode> = field(70);
/// DE 90.
pub const ORIGINAL_ELEMENTS: Field<OriginalElements> = field(90);
/// DE 95.
pub const REPLACEMENT_AMOUNTS: Field<ReplacementAmounts> = field(95);

/// DE 4 in the currency of DE 49: what the merchant asks.
pub const PRESENTMENT_AMOUNT: MoneyField = money_field(4, 49);
/// DE 5 in the currency of DE 50: what is settled.
pub const SETTLEMENT_AMOUNT: MoneyField = money_field(5, 50);
/// DE 6 in the currency of DE 51: what the payer pays.
pub const DEBIT_AMOUNT: MoneyField = money_field(6, 51);

impl MoneyField {
    /// The element of the amount alone.
    #[must_use]
    pub const fn amount(self) -> Field<Amount> {
        self.amount
    }

    /// The element of the currency alone.
    #[must_use]
    pub const fn currency(self) -> Field<Currency> {
        self.currency
    }
}

impl Message {
    /// Reads an element, or `None` when the message does not carry it.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is of another shape.
    pub fn read<T: Value>(&self, field: Field<T>) -> Result<Option<T>, Error> {
        let Some(text) = self.get(field.element) else { return Ok(None) };
        let malformed = Error::Malformed { element: field.element, expected: T::SHAPE };
        T::parse(text).map(Some).ok_or(malformed)
    }

    /// Reads an element that the message must carry.
    ///
    /// # Errors
    /// [`Error::Missing`], or [`Error::Malformed`] when it is of another shape.
    pub fn require<T: Value>(&self, field: Field<T>) -> Result<T, Error> {
        self.read(field)?.ok_or(Error::Missing(field.element))
    }

    /// Carries this value under the element, instead of what it carried before.
    pub fn write<T: Value>(&mut self, field: Field<T>, value: &T) {
        self.set_by(field.element, |values| value.write(values).expect("memory takes any text"));
    }

    /// Reads an amount with its currency, or `None` when the message carries neither. Minor units are as in ISO 4217; a
    /// partner that counts others must be asked for [`MoneyField::amount`] alone.
    ///
    /// # Errors
    /// [`Error::Missing`] when it carries one without the other, [`Error::Malformed`] when one is of another shape.
    pub fn money(&self, field: MoneyField) -> Result<Option<Money>, Error> {
        match (self.read(field.amount)?, self.read(field.currency)?) {
            (None, None) => Ok(None),
            (Some(amount), Some(currency)) => Ok(Some(amount.money(currency))),
            (Some(_), None) => Err(Error::Missing(field.currency.element)),
            (None, Some(_)) => Err(Error::Missing(field.amount.element)),
        }
    }

    /// Carries this amount with its currency, instead of what it carried before.
    ///
    /// # Errors
    /// [`AmountOutOfRange`] when the amount is negative or has more than twelve digits. The message is as before then.
    pub fn set_money(&mut self, field: MoneyField, money: Money) -> Result<(), AmountOutOfRange> {
        self.write(field.amount, &Amount::of(money)?);
        self.write(field.currency, &money.currency());
        Ok(())
    }
}

/// DE 49, 50, 51: the numeric code of ISO 4217.
impl Value for Currency {
    const SHAPE: &'static str = "the number of a currency";

    fn parse(text: &[u8]) -> Option<Self> {
        Self::from_numeric(text::whole(text, 3)?)
    }

    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        write!(out, "{:03}", self.numeric())
    }
}

#[cfg(test)]
mod tests;
