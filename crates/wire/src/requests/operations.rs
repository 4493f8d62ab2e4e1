//! What the switch's operator asks.

use domain::{
    IdempotencyKey, Method, Name, PublishRates, RegisterMerchant, Scheme, SettleScheme, SquarePosition, TenantId,
};
use money::Money;

use super::{InvalidField, InvalidReason, field, idempotency_key, rates};
use crate::{digest::Digester, fingerprint::fingerprint, v1};

/// Parses the operator's request to register a merchant. The API key ends here; what goes on is its keyed hash.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn register_merchant(
    message: &v1::RegisterMerchantRequest,
    digester: &Digester,
) -> Result<(IdempotencyKey, RegisterMerchant), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let name = field::name("merchant_id", &message.merchant_id)?;
    let settlement_currency = field::currency("settlement_currency_code", &message.settlement_currency_code)?;
    let discount = field::ratio("merchant_discount", &message.merchant_discount)?;
    let api_key_hash = digester.api_key_hash(field::api_key("api_key", &message.api_key)?);

    let values: [(_, &[u8]); 4] = [
        ("merchant_id", name.as_str().as_bytes()),
        ("settlement_currency_code", settlement_currency.code().as_bytes()),
        ("merchant_discount", &discount.millionths().to_be_bytes()),
        ("api_key", &api_key_hash.0),
    ];
    let fingerprint = fingerprint(digester, Method::RegisterMerchant, &values, &[]);
    let key = idempotency_key(TenantId::Operator, key, fingerprint, digester);
    Ok((key, RegisterMerchant { name, settlement_currency, discount, api_key_hash }))
}

/// Parses the operator's request to publish rates: 1 to [`RATES_MAX`](super::RATES_MAX), each pair at most once.
///
/// # Errors
/// Names the first field that is not what it should be, with the place of its rate: `rates[3].mid_rate`.
pub fn publish_rates(
    message: &v1::PublishRatesRequest,
    digester: &Digester,
) -> Result<(IdempotencyKey, PublishRates), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let ticks = rates::ticks(&message.rates)?;
    let override_reason = match message.override_reason.as_str() {
        "" => None,
        reason => Some(field::label("override_reason", reason)?),
    };

    let reason = override_reason.as_ref().map(|reason| reason.as_str().as_bytes());
    let values = [("rates", &*rates::canonical(&ticks))];
    let fingerprint = fingerprint(digester, Method::PublishRates, &values, &[("override_reason", reason)]);
    let key = idempotency_key(TenantId::Operator, key, fingerprint, digester);
    Ok((key, PublishRates { ticks, override_reason }))
}

/// Parses the operator's request to fund a merchant's reserve.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn fund_reserve(
    message: &v1::FundReserveRequest,
    digester: &Digester,
) -> Result<(IdempotencyKey, Name, Money), InvalidField> {
    let v1::FundReserveRequest { idempotency_key, merchant_id, amount } = message;
    merchant_funds(Method::FundReserve, idempotency_key, merchant_id, amount.as_ref(), digester)
}

/// Parses the operator's request to pay a merchant out.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn pay_out(
    message: &v1::PayOutRequest,
    digester: &Digester,
) -> Result<(IdempotencyKey, Name, Money), InvalidField> {
    let v1::PayOutRequest { idempotency_key, merchant_id, amount } = message;
    merchant_funds(Method::PayOut, idempotency_key, merchant_id, amount.as_ref(), digester)
}

fn merchant_funds(
    method: Method,
    key: &str,
    merchant_id: &str,
    amount: Option<&v1::Money>,
    digester: &Digester,
) -> Result<(IdempotencyKey, Name, Money), InvalidField> {
    let key = field::key(key)?;
    let merchant = field::name("merchant_id", merchant_id)?;
    let amount = field::payable("amount", amount)?;

    let values: [(_, &[u8]); 3] = [
        ("merchant_id", merchant.as_str().as_bytes()),
        ("amount.currency_code", amount.currency().code().as_bytes()),
        ("amount.minor_units", &amount.minor_units().to_be_bytes()),
    ];
    let fingerprint = fingerprint(digester, method, &values, &[]);
    Ok((idempotency_key(TenantId::Operator, key, fingerprint, digester), merchant, amount))
}

/// Parses the operator's request to book what a card scheme paid.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn settle_scheme(
    message: &v1::SettleSchemeRequest,
    digester: &Digester,
) -> Result<(IdempotencyKey, SettleScheme), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    field::given("scheme", &message.scheme)?;
    let scheme = Scheme::named(&message.scheme).ok_or_else(|| {
        let rule = "must be visa, mastercard, amex, diners, discover, jcb or unionpay";
        InvalidField::found("scheme", InvalidReason::ValueUnknown, rule, &message.scheme)
    })?;
    let received = field::payable("received_amount", message.received_amount.as_ref())?;
    let settled = field::payable("settled_amount", message.settled_amount.as_ref())?;

    let values: [(_, &[u8]); 5] = [
        ("scheme", scheme.as_str().as_bytes()),
        ("received_amount.currency_code", received.currency().code().as_bytes()),
        ("received_amount.minor_units", &received.minor_units().to_be_bytes()),
        ("settled_amount.currency_code", settled.currency().code().as_bytes()),
        ("settled_amount.minor_units", &settled.minor_units().to_be_bytes()),
    ];
    let fingerprint = fingerprint(digester, Method::SettleScheme, &values, &[]);
    let key = idempotency_key(TenantId::Operator, key, fingerprint, digester);
    Ok((key, SettleScheme { scheme, received, settled }))
}

/// Parses the operator's request to book a bank deal.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn square_position(
    message: &v1::SquarePositionRequest,
    digester: &Digester,
) -> Result<(IdempotencyKey, SquarePosition), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let sold = field::payable("sold_amount", message.sold_amount.as_ref())?;
    let bought = field::payable("bought_amount", message.bought_amount.as_ref())?;
    if bought.currency() == sold.currency() {
        let rule = "must be in another currency than sold_amount".to_owned();
        return Err(InvalidField::new("bought_amount", InvalidReason::PairOfOneCurrency, rule));
    }
    let closed = field::payable("closed_amount", message.closed_amount.as_ref())?;
    if closed.currency() != bought.currency() {
        let rule = "must be in the currency of bought_amount".to_owned();
        return Err(InvalidField::new("closed_amount", InvalidReason::FieldsConflict, rule));
    }

    let values: [(_, &[u8]); 6] = [
        ("sold_amount.currency_code", sold.currency().code().as_bytes()),
        ("sold_amount.minor_units", &sold.minor_units().to_be_bytes()),
        ("bought_amount.currency_code", bought.currency().code().as_bytes()),
        ("bought_amount.minor_units", &bought.minor_units().to_be_bytes()),
        ("closed_amount.currency_code", closed.currency().code().as_bytes()),
        ("closed_amount.minor_units", &closed.minor_units().to_be_bytes()),
    ];
    let fingerprint = fingerprint(digester, Method::SquarePosition, &values, &[]);
    let key = idempotency_key(TenantId::Operator, key, fingerprint, digester);
    Ok((key, SquarePosition { sold, bought, closed }))
}
