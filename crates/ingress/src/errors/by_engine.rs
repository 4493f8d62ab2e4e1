//! Refusals of the engine.

use std::time::Duration;

use domain::{CardRefusal, CurrencyPair, Difference, Method, PaymentMove, PaymentState, Refusal, Timestamp};
use money::{Currency, ExactRate, Money};
use tonic::Code;
use wire::fingerprint::difference_text;

use super::{RETRY_RATE, Reply, api_key_taken, exists, not_found};

/// What the caller is told; `subject` names what a "not found" speaks of.
pub(super) fn reply(refusal: &Refusal, subject: &str, now: Timestamp) -> Reply {
    match refusal {
        Refusal::KeyReused { method, difference } => key_reused(*method, *difference),
        Refusal::AccountNotFound => not_found("ACCOUNT_NOT_FOUND", "account", subject),
        Refusal::MerchantNotFound => not_found("MERCHANT_NOT_FOUND", "merchant", subject),
        Refusal::WalletNotFound => not_found("WALLET_NOT_FOUND", "wallet operator", subject),
        Refusal::PaymentNotFound => not_found("PAYMENT_NOT_FOUND", "payment", subject),
        Refusal::MandateNotFound => not_found("MANDATE_NOT_FOUND", "mandate", subject),
        Refusal::AccountExists => exists("ACCOUNT_EXISTS", "an account", subject),
        Refusal::MerchantExists => exists("MERCHANT_EXISTS", "a merchant", subject),
        Refusal::WalletExists => exists("WALLET_EXISTS", "a wallet operator", subject),
        Refusal::ApiKeyTaken => api_key_taken(),
        Refusal::AccountCurrencyMismatch { account, amount } => {
            currency_mismatch("ACCOUNT_CURRENCY_MISMATCH", format!("the account holds {account}"), *amount)
        }
        Refusal::AccountStateNotAllowed { state } => account_state(state),
        Refusal::RateMissing(pair) => {
            of_pair(Code::FailedPrecondition, "RATE_MISSING", format!("no rate is published for {pair}"), *pair)
        }
        Refusal::RateStale(pair) => {
            let message = format!("the last rate for {pair} is too old to convert by");
            of_pair(Code::FailedPrecondition, "RATE_STALE", message, *pair).retry_after(RETRY_RATE)
        }
        Refusal::RateOutOfOrder { pair, last_as_of } => {
            let message = format!("the rate for {pair} speaks of an earlier moment than the last one");
            of_pair(Code::FailedPrecondition, "RATE_OUT_OF_ORDER", message, *pair)
                .with("last_as_of_us", last_as_of.micros())
        }
        Refusal::RateFromTheFuture(pair) => {
            let message = format!("the rate for {pair} speaks of a moment that has not come");
            of_pair(Code::InvalidArgument, "RATE_FROM_THE_FUTURE", message, *pair)
        }
        Refusal::RateMovedTooFar { pair, last } => moved_too_far(*pair, *last),
        Refusal::PriceInvalid(pair) => {
            let message =
                format!("bid and ask for {pair}: the bid is above the ask, or their middle has too many digits");
            of_pair(Code::InvalidArgument, "PRICE_INVALID", message, *pair)
        }
        Refusal::RateNoLongerValid(pair) => {
            let message = format!("the rate for {pair} was valid until a moment that has come");
            of_pair(Code::InvalidArgument, "RATE_NO_LONGER_VALID", message, *pair)
        }
        Refusal::MoveNotAllowed { state, asked } => move_not_allowed(*state, *asked),
        Refusal::AmountAboveRemaining { asked, remaining } => above_remaining(*asked, *remaining),
        Refusal::PaymentCurrencyMismatch { payment, amount } => {
            currency_mismatch("PAYMENT_CURRENCY_MISMATCH", format!("the payment was asked in {payment}"), *amount)
        }
        Refusal::TooManyTranches => {
            failed("TOO_MANY_TRANCHES", "the payment was authorized at as many rates as one may")
        }
        Refusal::PaymentTooLarge => failed("PAYMENT_TOO_LARGE", "the payment would be larger than one amount may be"),
        Refusal::TooManyPendingRefunds => {
            failed("TOO_MANY_PENDING_REFUNDS", "as many refunds of the payment wait for a rate as may")
        }
        Refusal::ConsentMissing => consent_missing(),
        Refusal::TooManyGuesses { until } => too_many_guesses(*until, now),
        Refusal::CodeTaken => code_taken(),
        Refusal::ConsentExpiryInvalid => consent_expiry_invalid(),
        Refusal::QuoteTokenInvalid => quote_token_invalid(),
        Refusal::PositionTooSmall { position } => position_too_small(*position),
        Refusal::Card(refusal) => of_card(refusal, subject),
        Refusal::OutOfSequence => Reply::new(Code::Internal, "OUT_OF_SEQUENCE", "the ledger has not begun"),
    }
}

fn of_card(refusal: &CardRefusal, subject: &str) -> Reply {
    match refusal {
        CardRefusal::NotTaken => failed("CARDS_NOT_TAKEN", "the rules in force take no cards"),
        CardRefusal::NotFound => not_found("CARD_NOT_FOUND", "card", subject),
        CardRefusal::Exists { token } => exists("CARD_EXISTS", "a card", &token.to_string()).with("card_token", token),
        CardRefusal::CurrencyMismatch { rail, amount } => currency_mismatch(
            "CARD_CURRENCY_MISMATCH",
            format!(
                "payments by card are asked in {rail}, and charged in that or in a billing currency the card was bound with"
            ),
            *amount,
        ),
        CardRefusal::NotTogether => {
            let message =
                "card_token: a card's issuer answers for one payment, so cards are not charged in an atomic batch";
            Reply::new(Code::InvalidArgument, "CARD_NOT_TOGETHER", message).in_field("card_token")
        }
        CardRefusal::NotIncreased => {
            failed("CARD_NOT_INCREASED", "what was authorized on a card is not increased: authorize another payment")
        }
        CardRefusal::LineFull => {
            let message = "as many messages to card networks wait as may";
            Reply::new(Code::ResourceExhausted, "CARD_LINE_FULL", message).retry_after(RETRY_RATE)
        }
        CardRefusal::NoOpenRequest => failed("NO_OPEN_REQUEST", "no request to a card network waits for this answer"),
        CardRefusal::InUse => {
            let message = "a payment by the card is pending or held, or its network has not taken all it was told yet: end the \
                           payment, or ask again a little later";
            failed("CARD_IN_USE", message)
        }
        CardRefusal::ReceivableTooSmall { owed } => {
            failed("RECEIVABLE_TOO_SMALL", &format!("the scheme owes {owed}")).with("owed", owed)
        }
    }
}

fn key_reused(method: Method, difference: Difference) -> Reply {
    let field = difference_text(method, difference);
    let message = format!("idempotency_key was used for another request: {field} differs");
    Reply::new(Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED", message).with("field", field)
}

fn failed(reason: &'static str, message: &str) -> Reply {
    Reply::new(Code::FailedPrecondition, reason, message)
}

fn of_pair(code: Code, reason: &'static str, message: String, pair: CurrencyPair) -> Reply {
    Reply::new(code, reason, message).with("pair", pair)
}

fn moved_too_far(pair: CurrencyPair, last: ExactRate) -> Reply {
    let message = format!("the rate for {pair} moves further than allowed in one step: the last one is {last}");
    of_pair(Code::FailedPrecondition, "RATE_MOVED_TOO_FAR", message, pair).with("last", last)
}

fn currency_mismatch(reason: &'static str, holds: String, amount: Currency) -> Reply {
    let message = format!("{holds}, the amount is in {amount}");
    Reply::new(Code::InvalidArgument, reason, message).in_field("amount.currency_code")
}

fn account_state(state: &str) -> Reply {
    failed("ACCOUNT_STATE_NOT_ALLOWED", &format!("the account is {state}")).with("state", state)
}

/// Names the state and what may be asked in it, so that the caller need not know the table.
fn move_not_allowed(state: PaymentState, asked: PaymentMove) -> Reply {
    let allowed: Vec<_> = state.allowed().iter().map(|allowed| allowed.as_str()).collect();
    let only = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
    let (state, asked) = (state.as_str(), asked.as_str());
    failed("MOVE_NOT_ALLOWED", &format!("the payment is {state}: {asked} is not allowed there; allowed: {only}"))
        .with("state", state)
        .with("asked", asked)
        .with("allowed", allowed.join(","))
}

fn above_remaining(asked: PaymentMove, remaining: Money) -> Reply {
    let asked = asked.as_str();
    failed("AMOUNT_ABOVE_REMAINING", &format!("{remaining} is left to {asked}"))
        .with("asked", asked)
        .with("remaining", remaining)
}

fn consent_missing() -> Reply {
    let message = "the payer's consent is missing: give payer_code, mandate_id, or payer or card_token with order_approved; \
                   a payer's name or a card's token alone is a consent in a sandbox only";
    Reply::new(Code::InvalidArgument, "CONSENT_MISSING", message)
}

fn too_many_guesses(until: Timestamp, now: Timestamp) -> Reply {
    let wait = Duration::from_millis(u64::try_from(until.millis_since(now)).unwrap_or(0).saturating_add(1));
    let message = "too many payer codes that do not exist were presented";
    Reply::new(Code::ResourceExhausted, "TOO_MANY_GUESSES", message).with("until_us", until.micros()).retry_after(wait)
}

fn code_taken() -> Reply {
    let message = "the code drawn for this idempotency_key is in use: ask with another key";
    Reply::new(Code::AlreadyExists, "CODE_TAKEN", message)
}

fn consent_expiry_invalid() -> Reply {
    let message = "expire_time: has come, or lies further ahead than it may";
    Reply::new(Code::InvalidArgument, "CONSENT_EXPIRY_INVALID", message).in_field("expire_time")
}

fn quote_token_invalid() -> Reply {
    let message = "quote_token: not a quote of this switch, or signed with a key that is no longer in force";
    Reply::new(Code::InvalidArgument, "QUOTE_TOKEN_INVALID", message).in_field("quote_token")
}

fn position_too_small(position: Money) -> Reply {
    let message = format!("the open position is {position}: the deal is larger, or goes the other way");
    failed("POSITION_TOO_SMALL", &message).with("position", position)
}
