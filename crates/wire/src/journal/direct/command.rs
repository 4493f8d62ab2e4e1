//! What was asked of one payment.

use domain::{
    AuthorizePayment, CapturePayment, CaptureRest, CardToken, Command, Consent, Digest, Evidence, Label, MandateId,
    MerchantId, PaymentId, RefundId, RefundPayment, VoidPayment,
};
use money::Money;

use super::quote;
use crate::{
    journal::{command::payment, value},
    protobuf::{Canonical, Fields},
};

/// A command about one payment.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    Authorize(&'a AuthorizePayment),
    Capture(&'a CapturePayment),
    Void(&'a VoidPayment),
    Refund(&'a RefundPayment),
}

impl<'a> Asked<'a> {
    pub(super) const fn of(command: &'a Command) -> Option<Self> {
        Some(if let Command::AuthorizePayment(command) = command {
            Self::Authorize(command)
        } else if let Command::CapturePayment(command) = command {
            Self::Capture(command)
        } else if let Command::VoidPayment(command) = command {
            Self::Void(command)
        } else if let Command::RefundPayment(command) = command {
            Self::Refund(command)
        } else {
            return None;
        })
    }

    pub(super) fn write(self, fields: &mut Fields<'_>) {
        match self {
            Self::Authorize(command) => fields.message(10, |fields| write_authorize(fields, command)),
            Self::Capture(command) => fields.message(11, |fields| write_capture(fields, command)),
            Self::Void(command) => fields.message(12, |fields| write_void(fields, command)),
            Self::Refund(command) => fields.message(13, |fields| write_refund(fields, command)),
        }
    }
}

pub(super) fn read(message: Canonical<'_>) -> Option<Command> {
    match message.one_of()? {
        (10, message) => read_authorize(message),
        (11, message) => read_capture(message).map(Command::CapturePayment),
        (12, message) => read_void(message).map(Command::VoidPayment),
        (13, message) => read_refund(message).map(Command::RefundPayment),
        _ => None,
    }
}

fn write_authorize(fields: &mut Fields<'_>, command: &AuthorizePayment) {
    let AuthorizePayment {
        payment_id,
        merchant,
        merchant_order_id,
        merchant_order_digest,
        presentment_amount,
        payer,
        converted,
        offer,
        capture_mode,
        consent,
        debit_amount_max,
        sandbox_decline,
    } = command;
    let found = *payer != Evidence::Unavailable(payment::NO_CONSENT);
    let found = found.then(|| (*value::present(payer), value::present(converted)));
    fields.bytes(1, &payment_id.bytes());
    fields.unsigned(2, merchant.0.into());
    fields.text(3, merchant_order_id.as_str());
    fields.bytes(4, &merchant_order_digest.0);
    fields.unsigned(5, found.map_or(0, |(payer, _)| payer.packed()));
    write_amount(fields, [6, 7], *presentment_amount);
    if let Some((payer, conversions)) = found {
        quote::write(fields, [8, 9], conversions, payment::quoted_for(payer, offer.as_ref()));
    }
    fields.unsigned(10, payment::capture_mode_number(*capture_mode).into());
    write_consent(fields, 11, *consent);
    if let Some(offer) = offer {
        fields.message(12, |fields| quote::write_offer(fields, offer));
    }
    if let Some(most) = debit_amount_max {
        fields.signed(13, value::payable_minor_units(*most));
        fields.unsigned(14, most.currency().numeric().into());
    }
    fields.unsigned(15, sandbox_decline.map_or(0, |reason| reason.number().into()));
}

fn read_authorize(mut message: Canonical<'_>) -> Option<Command> {
    let payment_id = PaymentId::from_bytes(message.array(1)?);
    let merchant = MerchantId(message.small(2)?);
    let merchant_order_id = Label::new(message.text(3)?).ok()?;
    let merchant_order_digest = Digest(message.array(4)?);
    let payer = message.unsigned(5)?;
    let presentment_amount = read_amount(message.small(6)?, message.signed(7)?)?;
    let quotes = (message.message(8)?, message.message(9)?);
    let capture_mode = payment::capture_mode(message.small(10)?).ok()?;
    let consent = message.message(11)?.map_or(Some(Consent::PayerNamed), read_consent)?;
    let offer = match message.message(12)? {
        Some(offer) => Some(quote::read_offer(offer)?),
        None => None,
    };
    let (most, most_currency) = (message.signed(13)?, message.small(14)?);
    let debit_amount_max = payment::debit_amount_max(most_currency, most).ok()?;
    let sandbox_decline = payment::sandbox_decline(message.small(15)?).ok()?;
    message.end()?;
    let (payer, converted) = if let (0, (None, None)) = (payer, quotes) {
        (Evidence::Unavailable(payment::NO_CONSENT), Evidence::Unavailable(payment::NO_CONSENT))
    } else {
        let payer = value::account("authorize_payment.payer", payer).ok()?;
        let currency = payment::quoted_for(payer, offer.as_ref());
        (Evidence::Present(payer), Evidence::Present(quote::read(quotes, currency)?))
    };
    Some(Command::AuthorizePayment(AuthorizePayment {
        payment_id,
        merchant,
        merchant_order_id,
        merchant_order_digest,
        presentment_amount,
        payer,
        converted,
        offer,
        capture_mode,
        consent,
        debit_amount_max,
        sandbox_decline,
    }))
}

fn write_consent(fields: &mut Fields<'_>, number: u32, consent: Consent) {
    match consent {
        Consent::PayerNamed => {}
        Consent::Code(code) => fields.message(number, |fields| fields.bytes(1, &code.0)),
        Consent::OrderApproved => fields.message(number, |fields| fields.message(2, |_| {})),
        Consent::Mandate(mandate) => fields.message(number, |fields| fields.bytes(3, &mandate.bytes())),
        Consent::Card(token) => fields.message(number, |fields| fields.bytes(4, &token.bytes())),
        Consent::CardOrderApproved(token) => fields.message(number, |fields| fields.bytes(5, &token.bytes())),
    }
}

fn read_consent(message: Canonical<'_>) -> Option<Consent> {
    match message.one_of()? {
        (1, code) => code.whole().map(|code| Consent::Code(Digest(code))),
        (2, approved) => approved.end().map(|()| Consent::OrderApproved),
        (4, token) => token.whole().map(|token| Consent::Card(CardToken::from_bytes(token))),
        (5, token) => token.whole().map(|token| Consent::CardOrderApproved(CardToken::from_bytes(token))),
        (3, mandate) => mandate.whole().map(|mandate| Consent::Mandate(MandateId::from_bytes(mandate))),
        _ => None,
    }
}

fn write_capture(fields: &mut Fields<'_>, command: &CapturePayment) {
    let CapturePayment { merchant, payment_id, amount, rest } = command;
    fields.unsigned(1, merchant.0.into());
    fields.bytes(2, &payment_id.bytes());
    write_amount(fields, [3, 4], *amount);
    fields.unsigned(5, matches!(rest, CaptureRest::Released).into());
}

fn read_capture(mut message: Canonical<'_>) -> Option<CapturePayment> {
    let merchant = MerchantId(message.small(1)?);
    let payment_id = PaymentId::from_bytes(message.array(2)?);
    let amount = read_amount(message.small(3)?, message.signed(4)?)?;
    let rest = match message.unsigned(5)? {
        0 => CaptureRest::Kept,
        1 => CaptureRest::Released,
        _ => return None,
    };
    message.end()?;
    Some(CapturePayment { merchant, payment_id, amount, rest })
}

fn write_void(fields: &mut Fields<'_>, command: &VoidPayment) {
    let VoidPayment { merchant, payment_id } = command;
    fields.unsigned(1, merchant.0.into());
    fields.bytes(2, &payment_id.bytes());
}

fn read_void(mut message: Canonical<'_>) -> Option<VoidPayment> {
    let merchant = MerchantId(message.small(1)?);
    let payment_id = PaymentId::from_bytes(message.array(2)?);
    message.end()?;
    Some(VoidPayment { merchant, payment_id })
}

fn write_refund(fields: &mut Fields<'_>, command: &RefundPayment) {
    let RefundPayment { merchant, payment_id, refund_id, amount } = command;
    fields.unsigned(1, merchant.0.into());
    fields.bytes(2, &payment_id.bytes());
    fields.bytes(3, &refund_id.bytes());
    write_amount(fields, [4, 5], *amount);
}

fn read_refund(mut message: Canonical<'_>) -> Option<RefundPayment> {
    let merchant = MerchantId(message.small(1)?);
    let payment_id = PaymentId::from_bytes(message.array(2)?);
    let refund_id = RefundId::from_bytes(message.array(3)?);
    let amount = read_amount(message.small(4)?, message.signed(5)?)?;
    message.end()?;
    Some(RefundPayment { merchant, payment_id, refund_id, amount })
}

/// An amount somebody pays: its currency, and its minor units.
pub(super) fn write_amount(fields: &mut Fields<'_>, [currency, minor_units]: [u32; 2], amount: Money) {
    fields.unsigned(currency, amount.currency().numeric().into());
    fields.signed(minor_units, value::payable_minor_units(amount));
}

pub(super) fn read_amount(currency: u32, minor_units: i64) -> Option<Money> {
    payment::amount("amount", currency, minor_units).ok()
}
