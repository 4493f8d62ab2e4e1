//! From refusals to gRPC errors. Every error says whether anything may have been committed, why in one stable word
//! (`google.rpc.ErrorInfo`), and when a retry helps (`google.rpc.RetryInfo`).

mod by_engine;

use std::{collections::HashMap, fmt::Display, time::Duration};

use domain::{CardRefusal, Lsn, Timestamp};
use projections::IndexError;
use shard::Refused;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use wire::requests::{InvalidField, InvalidReason};

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
        if self.retry.is_some() {
            details.set_retry_info(self.retry);
        }
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

/// A refusal of the shard or its engine; `subject` names what a "not found" speaks of, and `now` is what the shard's
/// clock shows.
pub(crate) fn refused(refused: &Refused, subject: &str, now: Timestamp) -> Status {
    let reply = match refused {
        Refused::Engine(refusal) => by_engine::reply(refusal, subject, now),
        Refused::Together { refusal, .. } => by_engine::reply(refusal, subject, now),
        Refused::RecordTooLarge => {
            let message =
                "an atomic batch is one record, and this one would be longer than the journal takes: send fewer";
            Reply::new(Code::FailedPrecondition, "RECORD_TOO_LARGE", message)
        }
        Refused::InboxFull => {
            let message = "more requests wait than may: this attempt was not looked at";
            Reply::new(Code::ResourceExhausted, "INBOX_FULL", message).of_this_attempt().retry_after(RETRY_OVERLOAD)
        }
        Refused::Draining => draining("this attempt was not looked at").of_this_attempt(),
        Refused::JournalFailed => {
            let message = "the journal failed: nothing is written until the daemon is restarted";
            Reply::new(Code::Unavailable, "JOURNAL_FAILED", message).of_this_attempt().retry_after(RETRY_RESTART)
        }
        Refused::DiskFull => {
            let message = "the disk is full or takes no new file: nothing was tried, writes go on once there is room for new records";
            Reply::new(Code::Unavailable, "DISK_FULL", message).of_this_attempt().retry_after(RETRY_RESTART)
        }
        Refused::PastUnreadable => {
            let message = "the index on disk cannot be read, or is far behind: nothing was tried";
            Reply::new(Code::Unavailable, "INDEX_FAILED", message).of_this_attempt().retry_after(RETRY_RESTART)
        }
        Refused::DeadlinePassed => {
            let message = "the deadline passed before the request was decided";
            Reply::new(Code::DeadlineExceeded, "DEADLINE_PASSED", message).of_this_attempt()
        }
        Refused::Unconfirmed => return unconfirmed(),
    };
    reply.into_status()
}

/// Nobody knows whether it was recorded.
pub(crate) fn unconfirmed() -> Status {
    let message = "the write was tried and not confirmed: ask again with the same idempotency_key";
    Reply::new(Code::Unknown, "UNCONFIRMED", message).outcome_unknown().retry_after(RETRY_RESTART).into_status()
}

/// A sandbox's owner ordered that this attempt fail before anything was done.
pub(crate) fn failed_by_sandbox() -> Status {
    let message = "the sandbox was told to refuse this attempt: it was not looked at";
    Reply::new(Code::Unavailable, "SANDBOX_FAILURE", message)
        .of_this_attempt()
        .retry_after(RETRY_OVERLOAD)
        .into_status()
}

fn draining(then: &str) -> Reply {
    let message = format!("the daemon is stopping: {then}");
    Reply::new(Code::Unavailable, "DRAINING", message).retry_after(RETRY_RESTART)
}

fn not_found(reason: &'static str, kind: &str, subject: impl Display) -> Reply {
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

/// No such merchant, or not the one that calls.
pub(crate) fn merchant_not_found(merchant: &str) -> Status {
    not_found("MERCHANT_NOT_FOUND", "merchant", merchant).into_status()
}

/// No such card, or not the caller's.
pub(crate) fn card_not_found(token: &str) -> Status {
    not_found("CARD_NOT_FOUND", "card", token).into_status()
}

/// No such person, or not the caller's.
pub(crate) fn person_not_found(person: &str) -> Status {
    not_found("PERSON_NOT_FOUND", "person", person).into_status()
}

/// There is nowhere to keep a card's number.
pub(crate) fn no_card_vault() -> Status {
    let message = "no card's number is taken: the daemon has no vault";
    Reply::new(Code::FailedPrecondition, "NO_CARD_VAULT", message).into_status()
}

/// The vault failed; why stands in the log.
pub(crate) fn vault_failed() -> Status {
    Reply::new(Code::Internal, "CARD_VAULT_FAILED", "the card vault failed").into_status()
}

/// The vault has no room.
pub(crate) fn vault_full() -> Status {
    Reply::new(Code::ResourceExhausted, "CARD_VAULT_FULL", "the card vault has no room for another card").into_status()
}

/// The payment has no outcome at that position.
pub(crate) fn receipt_not_found(payment_id: &str, lsn: u64) -> Status {
    not_found("RECEIPT_NOT_FOUND", "receipt", format!("of payment {payment_id} at lsn {lsn}")).into_status()
}

/// What could not be found, told by whoever needs it and asks no engine.
pub(crate) fn unavailable(unavailable: domain::Unavailable, subject: &str) -> Status {
    use domain::{Refusal, Unavailable};
    let refusal = match unavailable {
        Unavailable::RateMissing(pair) => Refusal::RateMissing(pair),
        Unavailable::RateStale(pair) => Refusal::RateStale(pair),
        Unavailable::AccountNotFound => Refusal::AccountNotFound,
        Unavailable::ConsentNotFound => Refusal::ConsentMissing,
        Unavailable::CardNotFound => Refusal::Card(CardRefusal::NotFound),
        Unavailable::PaymentNotFound => Refusal::PaymentNotFound,
        Unavailable::QuoteTokenInvalid => Refusal::QuoteTokenInvalid,
    };
    // None of these tells a time.
    by_engine::reply(&refusal, subject, Timestamp::EPOCH).into_status()
}

/// An amount so large that no quote can show what follows from it.
pub(crate) fn amount_cannot_be_quoted() -> Status {
    let message = "presentment_amount: what would be debited or settled is above the largest one amount may be";
    Reply::new(Code::InvalidArgument, "AMOUNT_OUT_OF_BOUNDS", message).in_field("presentment_amount").into_status()
}

/// A field that this caller must give.
pub(crate) fn field_missing(field: &'static str) -> Status {
    Reply::new(Code::InvalidArgument, "FIELD_MISSING", format!("{field}: is missing")).in_field(field).into_status()
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

/// A call that changes something, where only reads are served.
pub(crate) fn only_reads_here() -> Status {
    let message = "this listener serves reads of this service only";
    Reply::new(Code::Unimplemented, "WRONG_LISTENER", message).into_status()
}

/// The watch asks for records that are no longer kept.
pub(crate) fn watch_below_retained(first: Lsn) -> Status {
    let message = format!("what happened before lsn {first} is no longer kept for watches: read the payments anew");
    Reply::new(Code::OutOfRange, "WATCH_BELOW_RETAINED", message).with("first_lsn", first).into_status()
}

/// The watch was read so slowly that records it had not been told are no longer kept.
pub(crate) fn watch_fell_behind(first: Lsn) -> Status {
    let message = format!("the watch fell behind: what happened before lsn {first} is no longer kept for watches");
    Reply::new(Code::OutOfRange, "FELL_BEHIND", message).with("first_lsn", first).into_status()
}

/// The watch asks for what follows a position that the log has not reached.
pub(crate) fn watch_beyond_log(last: Lsn) -> Status {
    let message = format!("after_lsn: the log has come to lsn {last} only");
    Reply::new(Code::OutOfRange, "WATCH_BEYOND_LOG", message).with("last_lsn", last).in_field("after_lsn").into_status()
}

/// The caller watches as often as one may.
pub(crate) fn too_many_watches(watches_max: usize) -> Status {
    let message = format!("at most {watches_max} watches at a time for one caller");
    Reply::new(Code::ResourceExhausted, "TOO_MANY_WATCHES", message).retry_after(RETRY_RESTART).into_status()
}

/// The daemon stops, and a watch has no end of its own.
pub(crate) fn watch_drained() -> Status {
    draining("resume after the last lsn you were told").into_status()
}

/// The daemon stops; what was taken from the stream is answered.
pub(crate) fn payment_stream_drained() -> Status {
    draining("what was not answered on this stream was not looked at").of_this_attempt().into_status()
}

/// Another payment of the same atomic batch, at this position, was refused, and by that all.
pub(crate) fn batch_refused(position: usize) -> Status {
    let message = format!("payment {position} of the atomic batch, counted from 0, was refused: none was decided");
    Reply::new(Code::Aborted, "BATCH_REFUSED", message).with("position", position).into_status()
}

/// A batch of no payment, or of too many.
pub(crate) fn batch_size(payments: usize, payments_max: usize, atomic: bool) -> Status {
    let of_what = if atomic { "of an atomic batch " } else { "" };
    let (reason, description) = match payments {
        0 => (InvalidReason::FieldMissing, "is missing".to_owned()),
        _ => (InvalidReason::TooMany, format!("are {payments}, {of_what}at most {payments_max} are taken")),
    };
    invalid_field(InvalidField { field: "payments".into(), reason, description })
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

/// What a read needs is in the index only, and cannot be read.
pub(crate) fn index_failed(error: &IndexError) -> Status {
    reading_index(error).into_status()
}

/// As [`index_failed`], of what was recorded a moment ago.
pub(crate) fn index_failed_after_commit(error: &IndexError) -> Status {
    reading_index(error).outcome_unknown().into_status()
}

fn reading_index(error: &IndexError) -> Reply {
    // Whoever asks need not know where our files are.
    tracing::error!(error = error as &dyn std::error::Error, "cannot read the index");
    let message = "what is no longer in memory cannot be read from the disk: ask again, or tell the operator";
    Reply::new(Code::Unavailable, "INDEX_FAILED", message).retry_after(RETRY_RESTART)
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
