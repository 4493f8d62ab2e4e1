//! What is checked of a reply, read without making anything of it: fields of the message, borrowed.

use wire::v1;

/// Why bytes are not the message they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reply is no message")]
pub(super) struct Malformed;

/// An amount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MoneyView<'a> {
    pub(super) currency_code: &'a [u8],
    pub(super) minor_units: i64,
}

/// How one amount followed from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ConversionView<'a> {
    pub(super) mid_rate: &'a [u8],
    pub(super) rate_exact: &'a [u8],
    pub(super) applied_rate: &'a [u8],
    pub(super) markup: &'a [u8],
    pub(super) mid_amount: Option<MoneyView<'a>>,
    pub(super) markup_amount: Option<MoneyView<'a>>,
}

/// A position of a payment in its three currencies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AmountView<'a> {
    presentment: Option<MoneyView<'a>>,
    debit: Option<MoneyView<'a>>,
    settlement: Option<MoneyView<'a>>,
}

/// A payment, as far as it is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PaymentView<'a> {
    pub(super) payment_id: &'a [u8],
    pub(super) merchant_id: &'a [u8],
    pub(super) merchant_order_id: &'a [u8],
    pub(super) payer_account_id: &'a [u8],
    pub(super) state: i32,
    pub(super) presentment_amount: Option<MoneyView<'a>>,
    pub(super) debit_amount: Option<MoneyView<'a>>,
    pub(super) settlement_amount: Option<MoneyView<'a>>,
    pub(super) merchant_discount: Option<MoneyView<'a>>,
    pub(super) conversion: Option<ConversionView<'a>>,
    pub(super) settlement_conversion: Option<ConversionView<'a>>,
    pub(super) lsn: u64,
    pub(super) authorized: Option<AmountView<'a>>,
    pub(super) captured: Option<AmountView<'a>>,
    pub(super) refunded: Option<AmountView<'a>>,
}

/// The reply to a capture or refund, or to a look at a payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct MoveView<'a> {
    pub(super) payment: Option<PaymentView<'a>>,
    /// Of a refund.
    pub(super) refund_state: i32,
    /// Of a capture; zero when it was done.
    pub(super) decline_reason: i32,
}

/// A message that is read field by field. What is set twice counts as set last, and what is not known is passed over, as in
/// every reader of protocol buffers; a message within a message is not merged, for nobody writes one in parts.
pub(super) trait Read<'a>: Default {
    fn set(&mut self, field: u64, value: Value<'a>) -> Result<(), Malformed>;

    fn read(message: &'a [u8]) -> Result<Self, Malformed> {
        let (mut read, mut rest) = (Self::default(), message);
        while !rest.is_empty() {
            let (field, value) = next(&mut rest)?;
            read.set(field, value)?;
        }
        Ok(read)
    }
}

/// The value of a field, by how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of four or eight bytes: nothing that is checked is written so.
    Fixed,
}

impl<'a> Value<'a> {
    pub(super) fn bytes(self) -> Result<&'a [u8], Malformed> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(Malformed) }
    }

    fn number(self) -> Result<u64, Malformed> {
        if let Self::Number(number) = self { Ok(number) } else { Err(Malformed) }
    }

    /// A signed number is written in ten bytes when it is below zero.
    fn signed(self) -> Result<i64, Malformed> {
        self.number().map(u64::cast_signed)
    }

    /// A number of an enum.
    fn choice(self) -> Result<i32, Malformed> {
        i32::try_from(self.signed()?).map_err(|_| Malformed)
    }

    fn message<M: Read<'a>>(self) -> Result<Option<M>, Malformed> {
        M::read(self.bytes()?).map(Some)
    }
}

/// Takes the next field away.
fn next<'a>(rest: &mut &'a [u8]) -> Result<(u64, Value<'a>), Malformed> {
    let tag = varint(rest)?;
    let bytes = match tag & 7 {
        0 => return Ok((tag >> 3, Value::Number(varint(rest)?))),
        1 => 8,
        2 => varint(rest)?,
        5 => 4,
        _ => return Err(Malformed),
    };
    let taken = rest.split_at_checked(usize::try_from(bytes).map_err(|_| Malformed)?);
    let (taken, after) = taken.ok_or(Malformed)?;
    *rest = after;
    Ok((tag >> 3, if tag & 7 == 2 { Value::Bytes(taken) } else { Value::Fixed }))
}

fn varint(rest: &mut &[u8]) -> Result<u64, Malformed> {
    let mut number = 0;
    for (at, byte) in rest.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f).checked_shl(7 * u32::try_from(at).unwrap_or(u32::MAX)).ok_or(Malformed)?;
        if byte & 0x80 == 0 {
            *rest = rest.get(at + 1..).unwrap_or_default();
            return Ok(number);
        }
    }
    Err(Malformed)
}

impl<'a> Read<'a> for MoneyView<'a> {
    fn set(&mut self, field: u64, value: Value<'a>) -> Result<(), Malformed> {
        match field {
            1 => self.currency_code = value.bytes()?,
            2 => self.minor_units = value.signed()?,
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Read<'a> for ConversionView<'a> {
    fn set(&mut self, field: u64, value: Value<'a>) -> Result<(), Malformed> {
        match field {
            1 => self.mid_rate = value.bytes()?,
            2 => self.markup = value.bytes()?,
            3 => self.mid_amount = value.message()?,
            4 => self.markup_amount = value.message()?,
            10 => self.rate_exact = value.bytes()?,
            11 => self.applied_rate = value.bytes()?,
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Read<'a> for AmountView<'a> {
    fn set(&mut self, field: u64, value: Value<'a>) -> Result<(), Malformed> {
        match field {
            1 => self.presentment = value.message()?,
            2 => self.debit = value.message()?,
            3 => self.settlement = value.message()?,
            _ => {}
        }
        Ok(())
    }
}

/// The account of an `AccountReference`.
#[derive(Default)]
struct AccountView<'a>(&'a [u8]);

impl<'a> Read<'a> for AccountView<'a> {
    fn set(&mut self, field: u64, value: Value<'a>) -> Result<(), Malformed> {
        if field == 2 {
            self.0 = value.bytes()?;
        }
        Ok(())
    }
}

impl<'a> Read<'a> for PaymentView<'a> {
    fn set(&mut self, field: u64, value: Value<'a>) -> Result<(), Malformed> {
        match field {
            1 => self.payment_id = value.bytes()?,
            2 => self.merchant_id = value.bytes()?,
            3 => self.merchant_order_id = value.bytes()?,
            4 => self.payer_account_id = AccountView::read(value.bytes()?)?.0,
            5 => self.state = value.choice()?,
            8 => self.presentment_amount = value.message()?,
            9 => self.debit_amount = value.message()?,
            10 => self.settlement_amount = value.message()?,
            11 => self.merchant_discount = value.message()?,
            12 => self.conversion = value.message()?,
            15 => self.lsn = value.number()?,
            16 => self.authorized = value.message()?,
            17 => self.captured = value.message()?,
            18 => self.refunded = value.message()?,
            21 => self.settlement_conversion = value.message()?,
            _ => {}
        }
        Ok(())
    }
}

/// The payment of an `AuthorizeResponse` or a `PaymentServiceGetResponse`: both have it first.
pub(super) fn payment(reply: &[u8]) -> Result<Option<PaymentView<'_>>, Malformed> {
    let (mut found, mut rest) = (None, reply);
    while !rest.is_empty() {
        if let (1, value) = next(&mut rest)? {
            found = value.message()?;
        }
    }
    Ok(found)
}

/// Of a `CaptureResponse`.
pub(super) fn capture(reply: &[u8]) -> Result<MoveView<'_>, Malformed> {
    let (mut view, mut rest) = (MoveView::default(), reply);
    while !rest.is_empty() {
        match next(&mut rest)? {
            (1, value) => view.payment = value.message()?,
            (2, value) => view.decline_reason = value.choice()?,
            _ => {}
        }
    }
    Ok(view)
}

/// Of a `RefundResponse`.
pub(super) fn refund(reply: &[u8]) -> Result<MoveView<'_>, Malformed> {
    let (mut view, mut rest) = (MoveView::default(), reply);
    while !rest.is_empty() {
        match next(&mut rest)? {
            (1, value) => view.refund_state = RefundView::read(value.bytes()?)?.0,
            (2, value) => view.payment = value.message()?,
            _ => {}
        }
    }
    Ok(view)
}

/// The state of a `Refund`.
#[derive(Default)]
struct RefundView(i32);

impl<'a> Read<'a> for RefundView {
    fn set(&mut self, field: u64, value: Value<'a>) -> Result<(), Malformed> {
        if field == 3 {
            self.0 = value.choice()?;
        }
        Ok(())
    }
}

/// Bytes of the payload of an `EchoResponse`.
pub(super) fn echo_bytes(reply: &[u8]) -> Result<usize, Malformed> {
    let (mut bytes, mut rest) = (0, reply);
    while !rest.is_empty() {
        if let (1, value) = next(&mut rest)? {
            bytes = value.bytes()?.len();
        }
    }
    Ok(bytes)
}

impl<'a> From<&'a v1::Money> for MoneyView<'a> {
    fn from(money: &'a v1::Money) -> Self {
        Self { currency_code: money.currency_code.as_bytes(), minor_units: money.minor_units }
    }
}

impl<'a> From<&'a v1::PaymentAmount> for AmountView<'a> {
    fn from(amount: &'a v1::PaymentAmount) -> Self {
        let [presentment, debit, settlement] =
            [&amount.presentment, &amount.debit, &amount.settlement].map(|money| money.as_ref().map(Into::into));
        Self { presentment, debit, settlement }
    }
}

impl<'a> From<&'a v1::Conversion> for ConversionView<'a> {
    fn from(conversion: &'a v1::Conversion) -> Self {
        Self {
            mid_rate: conversion.mid_rate.as_bytes(),
            rate_exact: conversion.rate_exact.as_bytes(),
            applied_rate: conversion.applied_rate.as_bytes(),
            markup: conversion.markup.as_bytes(),
            mid_amount: conversion.mid_amount.as_ref().map(Into::into),
            markup_amount: conversion.markup_amount.as_ref().map(Into::into),
        }
    }
}

/// The same of a payment that was decoded.
impl<'a> From<&'a v1::Payment> for PaymentView<'a> {
    fn from(payment: &'a v1::Payment) -> Self {
        Self {
            payment_id: payment.payment_id.as_bytes(),
            merchant_id: payment.merchant_id.as_bytes(),
            merchant_order_id: payment.merchant_order_id.as_bytes(),
            payer_account_id: payment.payer.as_ref().map(|payer| payer.account_id.as_bytes()).unwrap_or_default(),
            state: payment.state,
            presentment_amount: payment.presentment_amount.as_ref().map(Into::into),
            debit_amount: payment.debit_amount.as_ref().map(Into::into),
            settlement_amount: payment.settlement_amount.as_ref().map(Into::into),
            merchant_discount: payment.merchant_discount.as_ref().map(Into::into),
            conversion: payment.conversion.as_ref().map(Into::into),
            settlement_conversion: payment.settlement_conversion.as_ref().map(Into::into),
            lsn: payment.lsn,
            authorized: payment.authorized.as_ref().map(Into::into),
            captured: payment.captured.as_ref().map(Into::into),
            refunded: payment.refunded.as_ref().map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests;
