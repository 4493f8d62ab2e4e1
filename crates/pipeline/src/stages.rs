//! The stages of a payment: each takes what the stage before it found.

use domain::{
    AccountId, AccountName, AuthorizePayment, CardToken, Command, Consent, Conversions, Evidence, IdempotencyKey,
    IncreaseAuthorization, MerchantId, Offer, OfferedQuote, PaymentId, PaymentRequest, PresentedConsent, Submission,
    Timestamp, Unavailable,
};
use money::Money;

use crate::{CardEntry, Directory, RateBook, metric_names, quotes};

/// A request whose payer was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed {
    request: PaymentRequest,
    payer: Evidence<AccountId>,
    consent: Consent,
}

/// A routed request with its conversions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    routed: Routed,
    converted: Evidence<Conversions>,
    offer: Option<Offer>,
}

/// A request to hold more for a payment, with the payment's payer: the boards know it, the request does not tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncreaseRequest {
    /// The caller's key.
    pub key: IdempotencyKey,
    /// Who asks, by its credential.
    pub merchant: MerchantId,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// By how much, in presentment currency.
    pub amount: Money,
    /// A further consent, if one was given along.
    pub consent: Option<Consent>,
    /// Whom the payment debits.
    pub payer: Evidence<AccountId>,
}

/// Finds the account to debit: by its name, or by the consent that tells it.
#[must_use]
pub fn route(directory: &Directory, request: PaymentRequest) -> Routed {
    let (payer, consent) = match &request.consent {
        PresentedConsent::PayerNamed(name) => (named(directory, name), Consent::PayerNamed),
        PresentedConsent::OrderApproved(name) => (named(directory, name), Consent::OrderApproved),
        PresentedConsent::Code(code) => (told(directory.code_account(code)), Consent::Code(*code)),
        PresentedConsent::Mandate(id) => (told(directory.mandate_account(*id)), Consent::Mandate(*id)),
        PresentedConsent::Card(token) => (charged(directory, *token, &request), Consent::Card(*token)),
        PresentedConsent::CardOrderApproved(token) => {
            (charged(directory, *token, &request), Consent::CardOrderApproved(*token))
        }
    };
    Routed { request, payer, consent }
}

/// Quotes what the payer pays and what the merchant is paid: by the offer the request came with, or by the rates and the
/// rules in force. A rate that is too old at `at` is not quoted by; without a payer there is no currency to quote in.
#[must_use]
pub fn convert(directory: &Directory, rates: &RateBook, at: Timestamp, mut routed: Routed) -> Priced {
    let offered = routed.request.quote.take();
    let (converted, offer) = match (&routed.payer, offered) {
        (Evidence::Unavailable(reason), offered) => (Evidence::Unavailable(*reason), offer_of(offered)),
        (Evidence::Present(_), Some(Evidence::Present(OfferedQuote { offer, conversions }))) => {
            (Evidence::Present(conversions), Some(offer))
        }
        (Evidence::Present(_), Some(Evidence::Unavailable(reason))) => (Evidence::Unavailable(reason), None),
        (Evidence::Present(payer), None) => {
            let (merchant, presentment) = (routed.request.merchant, routed.request.presentment_amount);
            (evidence(quotes::conversions(directory, rates, at, merchant, *payer, presentment)), None)
        }
    };
    Priced { routed, converted, offer }
}

/// Writes the command, with all that was found inside.
#[must_use]
pub fn assemble(priced: Priced) -> Submission {
    let Priced { routed: Routed { request, payer, consent }, converted, offer } = priced;
    metric_names::count_unavailable(&converted);
    let command = AuthorizePayment {
        payment_id: request.payment_id,
        merchant: request.merchant,
        merchant_order_id: request.merchant_order_id,
        merchant_order_digest: request.merchant_order_digest,
        presentment_amount: request.presentment_amount,
        payer,
        converted,
        offer,
        capture_mode: request.capture_mode,
        consent,
        debit_amount_max: request.debit_amount_max,
        sandbox_decline: request.sandbox_decline,
    };
    Submission { key: Some(request.key), command: Command::AuthorizePayment(command) }
}

/// Quotes what is to be added to a payment, by the rates and the rules in force, and writes the command. A payer that
/// is not known leaves nothing to quote, and the reason goes to the engine.
#[must_use]
pub fn increase(directory: &Directory, rates: &RateBook, at: Timestamp, request: IncreaseRequest) -> Submission {
    let IncreaseRequest { key, merchant, payment_id, amount, consent, payer } = request;
    let converted = match payer {
        Evidence::Present(payer) => evidence(quotes::conversions(directory, rates, at, merchant, payer, amount)),
        Evidence::Unavailable(reason) => Evidence::Unavailable(reason),
    };
    metric_names::count_unavailable(&converted);
    let command = IncreaseAuthorization { merchant, payment_id, amount, converted, consent };
    Submission { key: Some(key), command: Command::IncreaseAuthorization(command) }
}

fn named(directory: &Directory, name: &AccountName) -> Evidence<AccountId> {
    evidence(directory.account(name).ok_or(Unavailable::AccountNotFound))
}

/// What the card's scheme will owe: in the currency that is asked, or in that of the quote the payment is made by.
fn charged(directory: &Directory, token: CardToken, request: &PaymentRequest) -> Evidence<AccountId> {
    let asked = request.presentment_amount.currency();
    let offered = request.quote.as_ref().and_then(Evidence::present).map(|quote| quote.offer.payer.currency);
    let receivable = |card: CardEntry| AccountId::scheme_receivable(card.face.scheme, offered.unwrap_or(asked));
    evidence(directory.card(token).map(receivable).ok_or(Unavailable::CardNotFound))
}

fn told(account: Option<AccountId>) -> Evidence<AccountId> {
    evidence(account.ok_or(Unavailable::ConsentNotFound))
}

fn offer_of(offered: Option<Evidence<OfferedQuote>>) -> Option<Offer> {
    match offered {
        Some(Evidence::Present(OfferedQuote { offer, .. })) => Some(offer),
        Some(Evidence::Unavailable(_)) | None => None,
    }
}

fn evidence<T>(found: Result<T, Unavailable>) -> Evidence<T> {
    match found {
        Ok(found) => Evidence::Present(found),
        Err(reason) => Evidence::Unavailable(reason),
    }
}

#[cfg(test)]
mod tests;
