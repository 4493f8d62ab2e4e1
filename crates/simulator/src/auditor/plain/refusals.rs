//! What the engine refuses by, in one word and what it speaks of.

use domain::Refusal;
use wire::fingerprint::difference_text;

/// A refusal in words.
pub(in crate::auditor) fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::KeyReused { method, difference } => format!("key reused: {}", difference_text(*method, *difference)),
        Refusal::AccountNotFound => "account not found".to_owned(),
        Refusal::MerchantNotFound => "merchant not found".to_owned(),
        Refusal::WalletNotFound => "wallet not found".to_owned(),
        Refusal::AccountExists => "account exists".to_owned(),
        Refusal::MerchantExists => "merchant exists".to_owned(),
        Refusal::WalletExists => "wallet exists".to_owned(),
        Refusal::ApiKeyTaken => "api key taken".to_owned(),
        Refusal::AccountCurrencyMismatch { account, amount } => format!("account in {account}, amount in {amount}"),
        Refusal::AccountStateNotAllowed { state } => format!("account is {state}"),
        Refusal::RateMissing(pair) => format!("rate missing: {pair}"),
        Refusal::RateStale(pair) => format!("rate stale: {pair}"),
        Refusal::RateOutOfOrder { pair, last_as_of } => format!("rate before {}: {pair}", last_as_of.micros()),
        Refusal::RateFromTheFuture(pair) => format!("rate from the future: {pair}"),
        Refusal::RateMovedTooFar { pair, .. } => format!("rate moved too far: {pair}"),
        Refusal::RateNoLongerValid(pair) => format!("rate no longer valid: {pair}"),
        Refusal::PriceInvalid(pair) => format!("price invalid: {pair}"),
        Refusal::QuoteTokenInvalid => "quote token invalid".to_owned(),
        Refusal::OutOfSequence => "out of sequence".to_owned(),
        of_payment => refusal_of_payment(of_payment),
    }
}

fn refusal_of_payment(refusal: &Refusal) -> String {
    match refusal {
        Refusal::PaymentNotFound => "payment not found".to_owned(),
        Refusal::MoveNotAllowed { state, asked } => format!("no {} of what is {}", asked.as_str(), state.as_str()),
        Refusal::AmountAboveRemaining { asked, remaining } => {
            format!("{} above {} {}", asked.as_str(), remaining.currency(), remaining.minor_units())
        }
        Refusal::PaymentCurrencyMismatch { payment, amount } => format!("payment in {payment}, amount in {amount}"),
        Refusal::TooManyTranches => "too many tranches".to_owned(),
        Refusal::PaymentTooLarge => "payment too large".to_owned(),
        Refusal::TooManyPendingRefunds => "too many pending refunds".to_owned(),
        Refusal::ConsentMissing => "consent missing".to_owned(),
        Refusal::TooManyGuesses { until } => format!("too many guesses until {}", until.micros()),
        Refusal::CodeTaken => "code taken".to_owned(),
        Refusal::ConsentExpiryInvalid => "consent expiry invalid".to_owned(),
        Refusal::MandateNotFound => "mandate not found".to_owned(),
        Refusal::PositionTooSmall { position } => {
            format!("position too small: {} {}", position.currency(), position.minor_units())
        }
        other => unreachable!("told above: {other:?}"),
    }
}
