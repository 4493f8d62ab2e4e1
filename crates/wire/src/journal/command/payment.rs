//! What is asked of payments.

use domain::{
    AccountId, AuthorizePayment, CaptureMode, CapturePayment, CaptureRest, Consent, Conversions, Converted,
    DeclineReason, Evidence, IncreaseAuthorization, MerchantId, Offer, RefundPayment, Unavailable, VoidPayment,
};
use money::{Currency, Money};

use super::{
    consent,
    quote::{self, Quotes},
};
use crate::{
    journal::{DecodeError, value},
    journal_v1,
};

/// What is found of a payer when there is no consent to tell it. It is the one thing that may be missing in a record,
/// and nothing can be quoted then.
pub(in crate::journal) const NO_CONSENT: Unavailable = Unavailable::ConsentNotFound;

pub(super) fn write_authorize(command: &AuthorizePayment) -> journal_v1::AuthorizePayment {
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
    let (payer, Quotes { quote, settlement_quote }) = if *payer == Evidence::Unavailable(NO_CONSENT) {
        (0, Quotes::default())
    } else {
        let payer = value::present(payer);
        let quoted_for = quoted_for(*payer, offer.as_ref());
        (payer.packed(), quote::write(value::present(converted), quoted_for))
    };
    journal_v1::AuthorizePayment {
        payment_id: payment_id.bytes().to_vec(),
        merchant: merchant.0,
        merchant_order_id: merchant_order_id.as_str().to_owned(),
        merchant_order_digest: merchant_order_digest.0.to_vec(),
        payer,
        presentment_currency: value::number(presentment_amount.currency()),
        presentment_minor_units: value::payable_minor_units(*presentment_amount),
        quote,
        settlement_quote,
        capture_mode: capture_mode_number(*capture_mode),
        consent: consent::write(*consent),
        offer: offer.as_ref().map(quote::write_offer),
        debit_max_minor_units: debit_amount_max.map_or(0, value::payable_minor_units),
        debit_max_currency: debit_amount_max.map_or(0, |amount| value::number(amount.currency())),
        sandbox_decline: sandbox_decline.map_or(0, |reason| reason.number().into()),
    }
}

pub(super) fn read_authorize(message: &journal_v1::AuthorizePayment) -> Result<AuthorizePayment, DecodeError> {
    let journal_v1::AuthorizePayment {
        payment_id,
        merchant,
        merchant_order_id,
        merchant_order_digest,
        payer,
        presentment_currency,
        presentment_minor_units,
        quote,
        settlement_quote,
        capture_mode,
        consent,
        offer,
        debit_max_minor_units,
        debit_max_currency,
        sandbox_decline,
    } = message;
    let offer = offer.as_ref().map(quote::read_offer).transpose()?;
    let (payer, converted) = read_payer(*payer, offer.as_ref(), quote.as_ref(), settlement_quote.as_ref())?;
    let presentment_currency = value::currency("authorize_payment.presentment_currency", *presentment_currency)?;
    Ok(AuthorizePayment {
        payment_id: value::payment_id("authorize_payment.payment_id", payment_id)?,
        merchant: MerchantId(*merchant),
        merchant_order_id: value::label("authorize_payment.merchant_order_id", merchant_order_id)?,
        merchant_order_digest: value::digest("authorize_payment.merchant_order_digest", merchant_order_digest)?,
        presentment_amount: value::payable(
            "authorize_payment.presentment_minor_units",
            presentment_currency,
            *presentment_minor_units,
        )?,
        payer,
        converted,
        offer,
        capture_mode: self::capture_mode(*capture_mode)?,
        consent: consent::read(consent.as_ref())?.unwrap_or(Consent::PayerNamed),
        debit_amount_max: debit_amount_max(*debit_max_currency, *debit_max_minor_units)?,
        sandbox_decline: self::sandbox_decline(*sandbox_decline)?,
    })
}

pub(in crate::journal) const fn capture_mode_number(mode: CaptureMode) -> u32 {
    match mode {
        CaptureMode::Automatic => 0,
        CaptureMode::Manual => 1,
    }
}

pub(in crate::journal) fn capture_mode(number: u32) -> Result<CaptureMode, DecodeError> {
    match number {
        0 => Ok(CaptureMode::Automatic),
        1 => Ok(CaptureMode::Manual),
        number => Err(value::invalid("authorize_payment.capture_mode", number)),
    }
}

pub(in crate::journal) fn debit_amount_max(currency: u32, minor_units: i64) -> Result<Option<Money>, DecodeError> {
    if (currency, minor_units) == (0, 0) {
        return Ok(None);
    }
    amount("authorize_payment.debit_max_minor_units", currency, minor_units).map(Some)
}

pub(in crate::journal) fn sandbox_decline(number: u32) -> Result<Option<DeclineReason>, DecodeError> {
    if number == 0 {
        return Ok(None);
    }
    value::decline_reason("authorize_payment.sandbox_decline", number).map(Some)
}

fn read_payer(
    packed: u64,
    offer: Option<&Offer>,
    quote: Option<&journal_v1::Quote>,
    settlement_quote: Option<&journal_v1::SettlementQuote>,
) -> Result<(Evidence<AccountId>, Evidence<Conversions>), DecodeError> {
    if (packed, quote, settlement_quote) == (0, None, None) {
        return Ok((Evidence::Unavailable(NO_CONSENT), Evidence::Unavailable(NO_CONSENT)));
    }
    let payer = value::account("authorize_payment.payer", packed)?;
    let conversions = quote::read(quote, settlement_quote, || Ok(quoted_for(payer, offer)))?;
    Ok((Evidence::Present(payer), Evidence::Present(conversions)))
}

/// What the quote debits in: the payer's currency; of an offer, that of the payer it was made for, since one that is
/// presented for another payer is declined as it was made.
pub(in crate::journal) fn quoted_for(payer: AccountId, offer: Option<&Offer>) -> Currency {
    offer.map_or(payer.currency, |offer| offer.payer.currency)
}

pub(super) fn write_capture(command: &CapturePayment) -> journal_v1::CapturePayment {
    let CapturePayment { merchant, payment_id, amount, rest } = command;
    journal_v1::CapturePayment {
        merchant: merchant.0,
        payment_id: payment_id.bytes().to_vec(),
        currency: value::number(amount.currency()),
        minor_units: value::payable_minor_units(*amount),
        rest_released: match rest {
            CaptureRest::Kept => false,
            CaptureRest::Released => true,
        },
    }
}

pub(super) fn read_capture(message: &journal_v1::CapturePayment) -> Result<CapturePayment, DecodeError> {
    let journal_v1::CapturePayment { merchant, payment_id, currency, minor_units, rest_released } = message;
    Ok(CapturePayment {
        merchant: MerchantId(*merchant),
        payment_id: value::payment_id("capture_payment.payment_id", payment_id)?,
        amount: amount("capture_payment.minor_units", *currency, *minor_units)?,
        rest: if *rest_released { CaptureRest::Released } else { CaptureRest::Kept },
    })
}

pub(super) fn write_void(command: &VoidPayment) -> journal_v1::VoidPayment {
    let VoidPayment { merchant, payment_id } = command;
    journal_v1::VoidPayment { merchant: merchant.0, payment_id: payment_id.bytes().to_vec() }
}

pub(super) fn read_void(message: &journal_v1::VoidPayment) -> Result<VoidPayment, DecodeError> {
    let journal_v1::VoidPayment { merchant, payment_id } = message;
    let payment_id = value::payment_id("void_payment.payment_id", payment_id)?;
    Ok(VoidPayment { merchant: MerchantId(*merchant), payment_id })
}

pub(super) fn write_refund(command: &RefundPayment) -> journal_v1::RefundPayment {
    let RefundPayment { merchant, payment_id, refund_id, amount } = command;
    journal_v1::RefundPayment {
        merchant: merchant.0,
        payment_id: payment_id.bytes().to_vec(),
        refund_id: refund_id.bytes().to_vec(),
        currency: value::number(amount.currency()),
        minor_units: value::payable_minor_units(*amount),
    }
}

pub(super) fn read_refund(message: &journal_v1::RefundPayment) -> Result<RefundPayment, DecodeError> {
    let journal_v1::RefundPayment { merchant, payment_id, refund_id, currency, minor_units } = message;
    Ok(RefundPayment {
        merchant: MerchantId(*merchant),
        payment_id: value::payment_id("refund_payment.payment_id", payment_id)?,
        refund_id: value::refund_id("refund_payment.refund_id", refund_id)?,
        amount: amount("refund_payment.minor_units", *currency, *minor_units)?,
    })
}

pub(super) fn write_increase(command: &IncreaseAuthorization) -> journal_v1::IncreaseAuthorization {
    let IncreaseAuthorization { merchant, payment_id, amount, converted, consent } = command;
    let converted = value::present(converted);
    let debit_currency = match &converted.debit {
        Converted::SameCurrency => Some(amount.currency()),
        Converted::Quoted(quote) => quote.amounts.map(|amounts| amounts.debit.currency()),
    };
    // A quote without amounts is in no currency, and then none is looked at.
    let Quotes { quote, settlement_quote } = quote::write(converted, debit_currency.unwrap_or(amount.currency()));
    assert!(*consent != Some(Consent::PayerNamed), "a further consent does more than name the payer");
    journal_v1::IncreaseAuthorization {
        merchant: merchant.0,
        payment_id: payment_id.bytes().to_vec(),
        currency: value::number(amount.currency()),
        minor_units: value::payable_minor_units(*amount),
        debit_currency: debit_currency.map_or(0, value::number),
        quote,
        settlement_quote,
        consent: consent.and_then(consent::write),
    }
}

pub(super) fn read_increase(message: &journal_v1::IncreaseAuthorization) -> Result<IncreaseAuthorization, DecodeError> {
    let journal_v1::IncreaseAuthorization {
        merchant,
        payment_id,
        currency,
        minor_units,
        debit_currency,
        quote,
        settlement_quote,
        consent,
    } = message;
    let debit_currency = || value::currency("increase_authorization.debit_currency", *debit_currency);
    Ok(IncreaseAuthorization {
        merchant: MerchantId(*merchant),
        payment_id: value::payment_id("increase_authorization.payment_id", payment_id)?,
        amount: amount("increase_authorization.minor_units", *currency, *minor_units)?,
        converted: Evidence::Present(quote::read(quote.as_ref(), settlement_quote.as_ref(), debit_currency)?),
        consent: consent::read(consent.as_ref())?,
    })
}

pub(in crate::journal) fn amount(field: &'static str, currency: u32, minor_units: i64) -> Result<Money, DecodeError> {
    let currency: Currency = value::currency(field, currency)?;
    value::payable(field, currency, minor_units)
}
