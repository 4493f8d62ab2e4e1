//! From refusals to gRPC errors. Every error says whether anything may have been committed, why in one stable word
//! (`google.rpc.ErrorInfo`), and when a retry helps (`google.rpc.RetryInfo`).

use std::{collections::HashMap, time::Duration};

use domain::Refusal;
use shard::Refused;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use wire::{fingerprint::difference_text, requests::InvalidField};

/// The domain of every reason we give.
const DOMAIN: &str = "payswitch";
/// Nothing was committed by this attempt: a retry is safe.
const NOT_COMMITTED: &str = "NOT_COMMITTED";
/// Nobody knows yet: a retry with the same key is safe and tells the truth.
const OUTCOME_UNKNOWN: &str = "UNKNOWN";

/// Says of a refusal that it knows of this attempt only, not of what may have become of the key before.
const SPEAKS_OF: &str = "speaks_of";

/// When to come back after an overload.
const RETRY_OVERLOAD: Duration = Duration::from_millis(100);
/// When to come back after a stop or a failed journal: a restart takes about this long.
const RETRY_RESTART: Duration = Duration::from_secs(1);
/// When to ask again for a rate.
const RETRY_RATE: Duration = Duration::from_secs(5);

/// One refusal on its way to a `Status`.
struct Reply {
    code: Code,
    reason: &'static str,
    outcome: &'static str,
    message: String,
    metadata: Vec<(&'static str, String)>,
    field: Option<String>,
    retry: Option<Duration>,
}

impl Reply {
    fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            outcome: NOT_COMMITTED,
            message: message.into(),
            metadata: Vec::new(),
            field: None,
            retry: None,
        }
    }

    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.metadata.push((name, value.to_string()));
        self
    }

    fn retry_after(self, delay: Duration) -> Self {
        Self { retry: Some(delay), ..self }
    }

    fn in_field(self, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..self }
    }

    /// For a refusal made before the key was looked up: an earlier attempt under the same key may have been recorded.
    fn of_this_attempt(self) -> Self {
        self.with(SPEAKS_OF, "ATTEMPT")
    }

    fn outcome_unknown(self) -> Self {
        Self { outcome: OUTCOME_UNKNOWN, ..self }
    }

    fn into_status(self) -> Status {
        let mut metadata: HashMap<String, String> =
            self.metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        metadata.insert("outcome".to_owned(), self.outcome.to_owned());
        let mut details = ErrorDetails::with_error_info(self.reason, DOMAIN, metadata);
        if let Some(field) = self.field {
            details.add_bad_request_violation(field, self.message.as_str());
        }
        details.set_retry_info(self.retry);
        let mut status = Status::with_error_details(self.code, self.message, details);
        if let Some(delay) = self.retry
            && let Ok(value) = delay.as_millis().to_string().parse()
        {
            status.metadata_mut().insert("grpc-retry-pushback-ms", value);
        }
        status
    }
}

/// A field that is not what it should be.
pub(crate) fn invalid_field(invalid: InvalidField) -> Status {
    let message = format!("{}: {}", invalid.field, invalid.description);
    Reply::new(Code::InvalidArgument, invalid.reason.as_str(), message).in_field(invalid.field).into_status()
}

/// A refusal of the shard or its engine; `subject` names what a "not found" speaks of.
pub(crate) fn refused(refused: &Refused, subject: &str) -> Status {
    let reply = match refused {
        Refused::Engine(refusal) => by_engine(refusal, subject),
        Refused::InboxFull => {
            let message = "more requests wait than may: this attempt was not looked at";
            Reply::new(Code::ResourceExhausted, "INBOX_FULL", message).of_this_attempt().retry_after(RETRY_OVERLOAD)
        }
        Refused::Draining => {
            let message = "the daemon is stopping: this attempt was not looked at";
            Reply::new(Code::Unavailable, "DRAINING", message).of_this_attempt().retry_after(RETRY_RESTART)
        }
        Refused::JournalFailed => {
            let message = "the journal failed: nothing is written until the daemon is restarted";
            Reply::new(Code::Unavailable, "JOURNAL_FAILED", message).of_this_attempt().retry_after(RETRY_RESTART)
        }
        Refused::DeadlinePassed => {
            let message = "the deadline passed before the request was decided";
            Reply::new(Code::DeadlineExceeded, "DEADLINE_PASSED", message).of_this_attempt()
        }
        Refused::Unconfirmed => {
            let message = "the write was tried and not confirmed: ask again with the same idempotency_key";
            Reply::new(Code::Unknown, "UNCONFIRMED", message).outcome_unknown().retry_after(RETRY_RESTART)
        }
    };
    reply.into_status()
}

fn by_engine(refusal: &Refusal, subject: &str) -> Reply {
    match refusal {
        Refusal::KeyReused { method, difference } => {
            let field = difference_text(*method, *difference);
            let message = format!("idempotency_key was used for another request: {field} differs");
            Reply::new(Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED", message).with("field", field)
        }
        Refusal::AccountNotFound => not_found("ACCOUNT_NOT_FOUND", "account", subject),
        Refusal::MerchantNotFound => not_found("MERCHANT_NOT_FOUND", "merchant", subject),
        Refusal::WalletNotFound => not_found("WALLET_NOT_FOUND", "wallet operator", subject),
        Refusal::AccountExists => exists("ACCOUNT_EXISTS", "an account", subject),
        Refusal::MerchantExists => exists("MERCHANT_EXISTS", "a merchant", subject),
        Refusal::WalletExists => exists("WALLET_EXISTS", "a wallet operator", subject),
        Refusal::ApiKeyTaken => api_key_taken(),
        Refusal::AccountCurrencyMismatch { account, amount } => {
            let message = format!("the account holds {account}, the amount is in {amount}");
            Reply::new(Code::InvalidArgument, "ACCOUNT_CURRENCY_MISMATCH", message).in_field("amount.currency_code")
        }
        Refusal::PresentmentCurrencyNotAccepted { settlement, presentment } => {
            let message = format!("the merchant is paid in {settlement}, the amount is in {presentment}");
            Reply::new(Code::InvalidArgument, "PRESENTMENT_CURRENCY_NOT_ACCEPTED", message)
                .in_field("presentment_amount.currency_code")
        }
        Refusal::RateMissing(pair) => {
            let message = format!("no rate is published for {pair}");
            Reply::new(Code::FailedPrecondition, "RATE_MISSING", message).with("pair", pair)
        }
        Refusal::RateStale(pair) => {
            let message = format!("the last rate for {pair} is too old to convert by");
            Reply::new(Code::FailedPrecondition, "RATE_STALE", message).with("pair", pair).retry_after(RETRY_RATE)
        }
        Refusal::RateOutOfOrder { pair, last_as_of } => {
            let message = format!("the rate for {pair} speaks of an earlier moment than the last one");
            Reply::new(Code::FailedPrecondition, "RATE_OUT_OF_ORDER", message)
                .with("pair", pair)
                .with("last_as_of_us", last_as_of.micros())
        }
        Refusal::RateFromTheFuture(pair) => {
            let message = format!("the rate for {pair} speaks of a moment that has not come");
            Reply::new(Code::InvalidArgument, "RATE_FROM_THE_FUTURE", message).with("pair", pair)
        }
        Refusal::RateMovedTooFar { pair, last } => {
            let message = format!("the rate for {pair} moves further than allowed in one step: the last one is {last}");
            Reply::new(Code::FailedPrecondition, "RATE_MOVED_TOO_FAR", message).with("pair", pair).with("last", last)
        }
        Refusal::OutOfSequence => Reply::new(Code::Internal, "OUT_OF_SEQUENCE", "the ledger has not begun"),
    }
}

fn not_found(reason: &'static str, kind: &str, subject: &str) -> Reply {
    Reply::new(Code::NotFound, reason, format!("no {kind} {subject}"))
}

fn exists(reason: &'static str, kind: &str, subject: &str) -> Reply {
    Reply::new(Code::AlreadyExists, reason, format!("there is {kind} {subject} already"))
}

fn api_key_taken() -> Reply {
    let message = "api_key: another party calls with this key already";
    Reply::new(Code::AlreadyExists, "API_KEY_TAKEN", message).in_field("api_key")
}

/// The key of another kind of party.
pub(crate) fn api_key_of_another_party() -> Status {
    api_key_taken().into_status()
}

/// A key that no daemon but a sandbox accepts.
pub(crate) fn sandbox_key() -> Status {
    let message = "api_key: keys that begin with sandbox_ work in a sandbox only";
    Reply::new(Code::InvalidArgument, "API_KEY_INVALID", message).in_field("api_key").into_status()
}

/// No such payment, or not the caller's: the two are one answer.
pub(crate) fn payment_not_found(payment_id: &str) -> Status {
    not_found("PAYMENT_NOT_FOUND", "payment", payment_id).into_status()
}

/// No such account, or not the caller's.
pub(crate) fn account_not_found(account: &str) -> Status {
    not_found("ACCOUNT_NOT_FOUND", "account", account).into_status()
}

/// A page token that we did not give.
pub(crate) fn page_token_invalid() -> Status {
    let message = "page_token: not a token of an earlier page";
    Reply::new(Code::InvalidArgument, "PAGE_TOKEN_INVALID", message).in_field("page_token").into_status()
}

/// A page that is too large.
pub(crate) fn page_size_too_large(rows_max: u32) -> Status {
    let message = format!("page_size: at most {rows_max}");
    Reply::new(Code::InvalidArgument, "PAGE_SIZE_TOO_LARGE", message).in_field("page_size").into_status()
}

pub(crate) fn credential_missing() -> Status {
    let message = "no credential: send authorization: Bearer <api key>";
    Reply::new(Code::Unauthenticated, "CREDENTIAL_MISSING", message).of_this_attempt().into_status()
}

pub(crate) fn credential_malformed() -> Status {
    let message = "the credential is not of the form Bearer <api key>";
    Reply::new(Code::Unauthenticated, "CREDENTIAL_MALFORMED", message).of_this_attempt().into_status()
}

pub(crate) fn credential_unknown() -> Status {
    let message = "the API key is not known here";
    Reply::new(Code::Unauthenticated, "CREDENTIAL_UNKNOWN", message).of_this_attempt().into_status()
}

pub(crate) fn not_for_this_principal(principals: &str) -> Status {
    let message = format!("this service is for {principals}");
    Reply::new(Code::PermissionDenied, "WRONG_PRINCIPAL", message).into_status()
}

/// The caller's time is up and its request is with the shard.
pub(crate) fn deadline_passed_while_waiting() -> Status {
    let message = "the deadline passed while the request was with the engine: ask again with the same idempotency_key";
    Reply::new(Code::DeadlineExceeded, "DEADLINE_PASSED", message).outcome_unknown().into_status()
}

/// The caller's time is up and nothing was asked of the engine.
pub(crate) fn deadline_passed_while_reading() -> Status {
    let message = "the deadline passed while the read models caught up";
    Reply::new(Code::DeadlineExceeded, "DEADLINE_PASSED", message).into_status()
}

/// A record that is not what its key's method makes: a bug, told without details.
pub(crate) fn unexpected_record() -> Status {
    Reply::new(Code::Internal, "UNEXPECTED_RECORD", "the record is of another kind").outcome_unknown().into_status()
}

/// A message longer than the limit.
pub(crate) fn message_too_large(message: &str) -> Status {
    Reply::new(Code::ResourceExhausted, "MESSAGE_TOO_LARGE", message).into_status()
}

/// Bytes that are not the message they should be.
pub(crate) fn message_malformed() -> Status {
    let message = "the message is not what the method takes";
    Reply::new(Code::InvalidArgument, "MESSAGE_MALFORMED", message).into_status()
}
