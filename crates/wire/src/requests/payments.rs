//! What merchants ask of payments.

use domain::{
    AccountName, CaptureMode, CapturePayment, CaptureRest, Consent, Evidence, Fingerprint, IdempotencyKey, MerchantId,
    Method, PaymentId, PaymentRequest, PresentedConsent, RefundId, RefundPayment, TenantId, Unavailable, VoidPayment,
};
use money::Money;

use super::{InvalidField, InvalidReason, field, idempotency_key, payer};
use crate::{
    digest::{Digester, Purpose},
    fingerprint::fingerprint,
    quote_token::QuoteTokens,
    v1,
};

/// A merchant's request to hold more for a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Increase {
    /// Who asks, by its credential.
    pub merchant: MerchantId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// By how much, in presentment currency.
    pub amount: Money,
    /// A further one-time code, if one was given.
    pub consent: Option<Consent>,
}

/// Parses a merchant's request to be paid. `payment_id` is the id the payment will have if this is its first request. A
/// quote token that does not verify is no fault of the request: the engine looks the key up first.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn payment_request(
    message: &v1::AuthorizeRequest,
    merchant: MerchantId,
    payment_id: PaymentId,
    quote_tokens: &QuoteTokens,
    digester: &Digester,
) -> Result<PaymentRequest, InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let merchant_order_id = field::label("merchant_order_id", &message.merchant_order_id)?;
    let named = match &message.payer {
        None if message.payer_code.is_empty() && message.mandate_id.is_empty() && message.card_token.is_empty() => {
            return Err(InvalidField::missing("payer"));
        }
        reference => reference.as_ref().map(payer).transpose()?,
    };
    let presentment_amount = field::payable("presentment_amount", message.presentment_amount.as_ref())?;
    let capture_mode = capture_mode(message.capture_mode)?;
    let consent = presented_consent(message, named, digester)?;
    let debit_amount_max = match &message.max_debit_amount {
        None => None,
        amount => Some(field::payable("max_debit_amount", amount.as_ref())?),
    };

    let asked = Asked { message, consent: &consent, presentment_amount, capture_mode, debit_amount_max };
    let fingerprint = asked.fingerprint(digester);
    Ok(PaymentRequest {
        key: idempotency_key(TenantId::Merchant(merchant), key, fingerprint, digester),
        payment_id,
        merchant,
        merchant_order_digest: digester.digest(Purpose::MerchantOrderId, merchant_order_id.as_str()),
        merchant_order_id,
        consent,
        presentment_amount,
        capture_mode,
        quote: match message.quote_token.as_str() {
            "" => None,
            token => Some(match quote_tokens.verify(token) {
                Some(offered) => Evidence::Present(offered),
                None => Evidence::Unavailable(Unavailable::QuoteTokenInvalid),
            }),
        },
        debit_amount_max,
        sandbox_decline: None,
    })
}

/// Parses a merchant's request to capture.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn capture(
    message: &v1::CaptureRequest,
    merchant: MerchantId,
    digester: &Digester,
) -> Result<(IdempotencyKey, CapturePayment), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let payment_id = payment_id(&message.payment_id)?;
    let amount = field::payable("amount", message.amount.as_ref())?;
    let rest = if message.r#final { CaptureRest::Released } else { CaptureRest::Kept };

    let values: [(_, &[u8]); 4] = [
        ("payment_id", &payment_id.bytes()),
        ("amount.currency_code", amount.currency().code().as_bytes()),
        ("amount.minor_units", &amount.minor_units().to_be_bytes()),
        ("final", &[u8::from(message.r#final)]),
    ];
    let fingerprint = fingerprint(digester, Method::Capture, &values, &[]);
    let key = idempotency_key(TenantId::Merchant(merchant), key, fingerprint, digester);
    Ok((key, CapturePayment { merchant, payment_id, amount, rest }))
}

/// Parses a merchant's request to release what is held.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn void(
    message: &v1::VoidRequest,
    merchant: MerchantId,
    digester: &Digester,
) -> Result<(IdempotencyKey, VoidPayment), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let payment_id = payment_id(&message.payment_id)?;

    let fingerprint = fingerprint(digester, Method::Void, &[("payment_id", &payment_id.bytes())], &[]);
    let key = idempotency_key(TenantId::Merchant(merchant), key, fingerprint, digester);
    Ok((key, VoidPayment { merchant, payment_id }))
}

/// Parses a merchant's request to give back. `refund_id` is the id the refund will have if this is its first request.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn refund(
    message: &v1::RefundRequest,
    merchant: MerchantId,
    refund_id: RefundId,
    digester: &Digester,
) -> Result<(IdempotencyKey, RefundPayment), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let payment_id = payment_id(&message.payment_id)?;
    let amount = field::payable("amount", message.amount.as_ref())?;

    let values: [(_, &[u8]); 3] = [
        ("payment_id", &payment_id.bytes()),
        ("amount.currency_code", amount.currency().code().as_bytes()),
        ("amount.minor_units", &amount.minor_units().to_be_bytes()),
    ];
    let fingerprint = fingerprint(digester, Method::Refund, &values, &[]);
    let key = idempotency_key(TenantId::Merchant(merchant), key, fingerprint, digester);
    Ok((key, RefundPayment { merchant, payment_id, refund_id, amount }))
}

/// Parses a merchant's request to hold more.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn increase(
    message: &v1::IncreaseAuthorizationRequest,
    merchant: MerchantId,
    digester: &Digester,
) -> Result<(IdempotencyKey, Increase), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let payment_id = payment_id(&message.payment_id)?;
    let amount = field::payable("amount", message.amount.as_ref())?;
    let consent = match message.payer_code.as_str() {
        "" => None,
        code => Some(Consent::Code(digester.payer_code_digest(field::payer_code("payer_code", code)?))),
    };

    let values: [(_, &[u8]); 4] = [
        ("payment_id", &payment_id.bytes()),
        ("amount.currency_code", amount.currency().code().as_bytes()),
        ("amount.minor_units", &amount.minor_units().to_be_bytes()),
        ("payer_code", message.payer_code.as_bytes()),
    ];
    let fingerprint = fingerprint(digester, Method::IncreaseAuthorization, &values, &[]);
    let key = idempotency_key(TenantId::Merchant(merchant), key, fingerprint, digester);
    Ok((key, Increase { merchant, payment_id, amount, consent }))
}

/// Reads a payment id as the switch wrote it: a UUID in lower-case hyphenated form and no other.
///
/// # Errors
/// When it is missing or written otherwise.
pub fn payment_id(text: &str) -> Result<PaymentId, InvalidField> {
    field::payment_id("payment_id", text)
}

fn capture_mode(number: i32) -> Result<CaptureMode, InvalidField> {
    match v1::CaptureMode::try_from(number) {
        Ok(v1::CaptureMode::Unspecified | v1::CaptureMode::Automatic) => Ok(CaptureMode::Automatic),
        Ok(v1::CaptureMode::Manual) => Ok(CaptureMode::Manual),
        Err(_) => Err(InvalidField::unknown("capture_mode", number)),
    }
}

/// Exactly one of payer, code and mandate says who pays.
fn presented_consent(
    message: &v1::AuthorizeRequest,
    named: Option<AccountName>,
    digester: &Digester,
) -> Result<PresentedConsent, InvalidField> {
    let conflict = |field, rule: &str| Err(InvalidField::new(field, InvalidReason::FieldsConflict, rule.to_owned()));
    if !message.card_token.is_empty() {
        let alone = named.is_none() && message.payer_code.is_empty() && message.mandate_id.is_empty();
        return match alone {
            true => {
                let token = field::card_token("card_token", &message.card_token)?;
                Ok(match message.order_approved {
                    true => PresentedConsent::CardOrderApproved(token),
                    false => PresentedConsent::Card(token),
                })
            }
            false => {
                conflict("card_token", "cannot be given with payer, payer_code or mandate_id: the card says who pays")
            }
        };
    }
    match (message.payer_code.as_str(), message.mandate_id.as_str(), named) {
        ("", "", None) => Err(InvalidField::missing("payer")),
        ("", "", Some(payer)) if message.order_approved => Ok(PresentedConsent::OrderApproved(payer)),
        ("", "", Some(payer)) => Ok(PresentedConsent::PayerNamed(payer)),
        ("", _, Some(_)) => conflict("mandate_id", "cannot be given with payer: the mandate says who pays"),
        (_, _, Some(_)) => conflict("payer_code", "cannot be given with payer: the code says who pays"),
        (code, "", None) => {
            let code = digester.payer_code_digest(field::payer_code("payer_code", code)?);
            without_order_approval(message, PresentedConsent::Code(code))
        }
        ("", mandate, None) => {
            let mandate = field::mandate_id("mandate_id", mandate)?;
            without_order_approval(message, PresentedConsent::Mandate(mandate))
        }
        (_, _, None) => conflict("mandate_id", "cannot be given with payer_code: one of them says who pays"),
    }
}

fn without_order_approval(
    message: &v1::AuthorizeRequest,
    consent: PresentedConsent,
) -> Result<PresentedConsent, InvalidField> {
    if message.order_approved {
        let rule = "goes with payer or card_token and with no other consent".to_owned();
        return Err(InvalidField::new("order_approved", InvalidReason::FieldsConflict, rule));
    }
    Ok(consent)
}

/// A request to be paid, as far as it tells it from another.
struct Asked<'a> {
    message: &'a v1::AuthorizeRequest,
    consent: &'a PresentedConsent,
    presentment_amount: Money,
    capture_mode: CaptureMode,
    debit_amount_max: Option<Money>,
}

impl Asked<'_> {
    fn fingerprint(&self, digester: &Digester) -> Fingerprint {
        let message = self.message;
        let (wallet, account) = match self.consent {
            PresentedConsent::PayerNamed(payer) | PresentedConsent::OrderApproved(payer) => {
                (payer.wallet.as_str(), payer.account.as_str())
            }
            PresentedConsent::Code(_)
            | PresentedConsent::Mandate(_)
            | PresentedConsent::Card(_)
            | PresentedConsent::CardOrderApproved(_) => ("", ""),
        };
        let values: [(_, &[u8]); 5] = [
            ("merchant_order_id", message.merchant_order_id.as_bytes()),
            ("payer.wallet_id", wallet.as_bytes()),
            ("payer.account_id", account.as_bytes()),
            ("presentment_amount.currency_code", self.presentment_amount.currency().code().as_bytes()),
            ("presentment_amount.minor_units", &self.presentment_amount.minor_units().to_be_bytes()),
        ];
        let manual: Option<&[u8]> = match self.capture_mode {
            CaptureMode::Automatic => None,
            CaptureMode::Manual => Some(b"manual"),
        };
        let max_units = self.debit_amount_max.map(|amount| amount.minor_units().to_be_bytes());
        let optional: [(_, Option<&[u8]>); 8] = [
            ("capture_mode", manual),
            ("payer_code", given(&message.payer_code)),
            ("mandate_id", given(&message.mandate_id)),
            ("order_approved", message.order_approved.then_some(b"approved")),
            ("quote_token", given(&message.quote_token)),
            ("max_debit_amount.currency_code", self.debit_amount_max.map(|max| max.currency().code().as_bytes())),
            ("max_debit_amount.minor_units", max_units.as_ref().map(<[u8; 16]>::as_slice)),
            ("card_token", given(&message.card_token)),
        ];
        fingerprint(digester, Method::Authorize, &values, &optional)
    }
}

fn given(text: &str) -> Option<&[u8]> {
    if text.is_empty() { None } else { Some(text.as_bytes()) }
}
