//! What is asked without changing anything.

use std::collections::BTreeSet;

use domain::{AccountName, CardToken, CurrencyPair, Digest, Lsn, Name, PaymentId, PaymentState, Timestamp};
use money::{Currency, Money};

use super::{InvalidField, InvalidReason, field, payer};
use crate::{
    digest::{Digester, Purpose},
    v1,
};

/// Rows on a page when the caller does not say.
pub const PAGE_ROWS_DEFAULT: u32 = 50;
/// The most rows on a page.
pub const PAGE_ROWS_MAX: u32 = 500;

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// At most this many rows.
    pub rows: u32,
    /// Where it begins: 0, or the place the page before was told to end at.
    pub from: u64,
}

/// By which of its names a payment is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentName {
    /// The id the switch gave.
    Id(PaymentId),
    /// Keyed digest of the merchant's own number.
    MerchantOrderId(Digest),
    /// Keyed digest of the key of the call that asked for it.
    IdempotencyKey(Digest),
}

/// Which payments to list: whatever is given must fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentFilter {
    /// Of this merchant.
    pub merchant: Option<Name>,
    /// In one of these states; none means any.
    pub states: BTreeSet<PaymentState>,
    /// Decided at this moment or later.
    pub decided_from: Option<Timestamp>,
    /// Decided before this moment.
    pub decided_before: Option<Timestamp>,
    /// Presented in this currency.
    pub presentment_currency: Option<Currency>,
}

/// A page of payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentList {
    /// Which payments.
    pub filter: PaymentFilter,
    /// Which part of them.
    pub page: Page,
    /// Digest of the filter, in every token: a page goes on with the filter it began with.
    filter_digest: u32,
}

impl PaymentList {
    /// What the caller is given to ask for the page that begins at this place.
    #[must_use]
    pub fn token(&self, from: u64) -> String {
        format!("{from}.{:08x}", self.filter_digest)
    }
}

/// From where to watch payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Of this merchant; `None` is the caller itself, or for the operator all.
    pub merchant: Option<Name>,
    /// What happened after this position.
    pub after: Lsn,
}

/// Whom an offer would debit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuotedPayer {
    /// An account in a wallet.
    Account(AccountName),
    /// A bound card.
    Card(CardToken),
}

/// What to quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuoteRequest {
    /// For whom; `None` is the caller itself.
    pub merchant: Option<Name>,
    /// Whom it would debit.
    pub payer: QuotedPayer,
    /// What the merchant would ask.
    pub presentment_amount: Money,
}

/// Which rates to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateHistory {
    /// Of this pair.
    pub pair: CurrencyPair,
    /// Which part of them.
    pub page: Page,
}

/// Which outcome a receipt is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Of which payment.
    pub payment_id: PaymentId,
    /// Of which record; `None` is the last one of the payment.
    pub lsn: Option<Lsn>,
}

/// Parses which part of a list is asked for. Tokens are places in a list that only grows at its end.
///
/// # Errors
/// When the page is too large or the token is not one of ours.
pub fn page(page_size: u32, page_token: &str) -> Result<Page, InvalidField> {
    let rows = page_rows(page_size)?;
    let from = match page_token {
        "" => 0,
        token => token.parse().map_err(|_not_ours| token_invalid())?,
    };
    Ok(Page { rows, from })
}

/// Parses which payment is asked for: by exactly one of its names.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn payment_name(message: &v1::PaymentServiceGetRequest, digester: &Digester) -> Result<PaymentName, InvalidField> {
    let conflict =
        |name| Err(InvalidField::new(name, InvalidReason::FieldsConflict, "is one name too many".to_owned()));
    match (message.payment_id.as_str(), message.merchant_order_id.as_str(), message.idempotency_key.as_str()) {
        (id, "", "") => Ok(PaymentName::Id(field::payment_id("payment_id", id)?)),
        ("", order, "") => {
            let order = field::label("merchant_order_id", order)?;
            Ok(PaymentName::MerchantOrderId(digester.digest(Purpose::MerchantOrderId, order.as_str())))
        }
        ("", "", key) => {
            let key = field::key(key)?;
            Ok(PaymentName::IdempotencyKey(digester.digest(Purpose::IdempotencyKey, key.as_str())))
        }
        (_, _, "") => conflict("merchant_order_id"),
        (_, _, _) => conflict("idempotency_key"),
    }
}

/// Parses a request to list payments.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn payment_list(message: &v1::PaymentServiceListRequest, digester: &Digester) -> Result<PaymentList, InvalidField> {
    let filter = PaymentFilter {
        merchant: merchant(&message.merchant_id)?,
        states: states(&message.states)?,
        decided_from: moment("create_time_from", message.create_time_from.as_ref())?,
        decided_before: moment("create_time_to", message.create_time_to.as_ref())?,
        presentment_currency: match message.presentment_currency_code.as_str() {
            "" => None,
            code => Some(field::currency("presentment_currency_code", code)?),
        },
    };
    let rows = page_rows(message.page_size)?;
    let first = PaymentList { filter_digest: filter_digest(&filter, digester), filter, page: Page { rows, from: 0 } };
    let from = match message.page_token.as_str() {
        "" => 0,
        token => {
            let place = token.split_once('.').and_then(|(place, _)| place.parse().ok());
            place.filter(|place| first.token(*place) == token).ok_or_else(token_invalid)?
        }
    };
    Ok(PaymentList { page: Page { rows, from }, ..first })
}

/// Parses a request to watch payments.
///
/// # Errors
/// When the merchant is not a name.
pub fn watch(message: &v1::WatchRequest) -> Result<Watch, InvalidField> {
    Ok(Watch { merchant: merchant(&message.merchant_id)?, after: Lsn::new(message.after_lsn) })
}

/// Parses a request for a quote.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn quote(message: &v1::CreateRequest) -> Result<QuoteRequest, InvalidField> {
    Ok(QuoteRequest {
        merchant: merchant(&message.merchant_id)?,
        payer: quoted_payer(message)?,
        presentment_amount: field::payable("presentment_amount", message.presentment_amount.as_ref())?,
    })
}

/// An account or a card, not both.
fn quoted_payer(message: &v1::CreateRequest) -> Result<QuotedPayer, InvalidField> {
    match (&message.payer, message.card_token.as_str()) {
        (Some(_), token) if !token.is_empty() => Err(InvalidField::new(
            "card_token",
            InvalidReason::FieldsConflict,
            "name an account or a card, not both".to_owned(),
        )),
        (None, token) if !token.is_empty() => field::card_token("card_token", token).map(QuotedPayer::Card),
        (account, _) => payer(field::required("payer", account.as_ref())?).map(QuotedPayer::Account),
    }
}

/// Parses a request for the rates of one pair.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn rate_history(message: &v1::HistoryRequest) -> Result<RateHistory, InvalidField> {
    let pair = field::pair(&message.presentment_currency_code, &message.debit_currency_code)?;
    Ok(RateHistory { pair, page: page(message.page_size, &message.page_token)? })
}

/// Parses a request for a receipt.
///
/// # Errors
/// When the payment id is not one.
pub fn receipt(message: &v1::ReceiptServiceGetRequest) -> Result<Receipt, InvalidField> {
    let payment_id = field::payment_id("payment_id", &message.payment_id)?;
    Ok(Receipt { payment_id, lsn: (message.lsn != 0).then_some(Lsn::new(message.lsn)) })
}

fn merchant(text: &str) -> Result<Option<Name>, InvalidField> {
    if text.is_empty() { Ok(None) } else { field::name("merchant_id", text).map(Some) }
}

fn moment(name: &'static str, message: Option<&pbjson_types::Timestamp>) -> Result<Option<Timestamp>, InvalidField> {
    message.map(|message| field::timestamp(name, Some(message))).transpose()
}

fn states(numbers: &[i32]) -> Result<BTreeSet<PaymentState>, InvalidField> {
    let state = |number: &i32| {
        let state = u8::try_from(*number).ok().and_then(PaymentState::from_number);
        state.ok_or_else(|| InvalidField::unknown("states", *number))
    };
    numbers.iter().map(state).collect()
}

fn page_rows(page_size: u32) -> Result<u32, InvalidField> {
    match page_size {
        0 => Ok(PAGE_ROWS_DEFAULT),
        rows if rows <= PAGE_ROWS_MAX => Ok(rows),
        rows => {
            let description = format!("must be at most {PAGE_ROWS_MAX}; found {rows}");
            Err(InvalidField::new("page_size", InvalidReason::PageSizeTooLarge, description))
        }
    }
}

fn token_invalid() -> InvalidField {
    let description = "not a token of an earlier page of this list".to_owned();
    InvalidField::new("page_token", InvalidReason::PageTokenInvalid, description)
}

/// Every part ends by itself: it has a fixed length or a zero byte after it, which no name contains.
fn filter_digest(filter: &PaymentFilter, digester: &Digester) -> u32 {
    let PaymentFilter { merchant, states, decided_from, decided_before, presentment_currency } = filter;
    let mut bytes = merchant.as_ref().map(|name| name.as_str().as_bytes().to_vec()).unwrap_or_default();
    bytes.push(0);
    bytes.extend(states.iter().map(|state| state.number()));
    bytes.push(0);
    for moment in [decided_from, decided_before] {
        bytes.push(u8::from(moment.is_some()));
        bytes.extend(moment.unwrap_or_default().micros().to_be_bytes());
    }
    bytes.extend(presentment_currency.map_or(0, Currency::numeric).to_be_bytes());
    u32::from_be_bytes(digester.hash(Purpose::PageToken, &[&bytes]))
}
