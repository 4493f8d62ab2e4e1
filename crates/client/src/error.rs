//! What a call can fail with, sorted by what the caller does next.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use tonic::metadata::MetadataMap;
use tonic::{ConnectError, Response, Status};
use tonic_types::StatusExt;

use crate::Address;

/// In the metadata of a reason: whether anything may have been recorded.
const OUTCOME: &str = "outcome";
/// The value of [`OUTCOME`] for nothing.
const NOT_COMMITTED: &str = "NOT_COMMITTED";

/// In the metadata of a reason: what the refusal knows of.
const SPEAKS_OF: &str = "speaks_of";
/// The value of [`SPEAKS_OF`] for a refusal that did not look the key up.
const ATTEMPT: &str = "ATTEMPT";

/// The header in which a status has its details.
const DETAILS: &str = "grpc-status-details-bin";

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The switch refused: nothing was recorded by this attempt. Ask otherwise, or again after
    /// [`Refusal::retry_after`]; with the same key if [`Refusal::speaks_of_this_attempt_only`] and an earlier attempt
    /// was left unanswered.
    #[error(transparent)]
    Refused(Box<Refusal>),

    /// The call went out and no decision came back: a deadline, a broken connection, a fault of the daemon. It may
    /// have been recorded; the same request with the same idempotency key gives the answer.
    #[error("no decision from {address}: {message}")]
    Unanswered {
        /// Who was called.
        address: Address,
        /// What kind of failure the transport or the daemon saw.
        code: Code,
        /// The exact reason, e.g. `UNCONFIRMED`; empty when the daemon gave none.
        reason: String,
        /// The same in words.
        message: String,
    },

    /// There is no connection, so nothing was sent.
    #[error("cannot reach {address}")]
    Unreachable {
        /// Who was called.
        address: Address,
        /// What the network said.
        source: Box<dyn StdError + Send + Sync>,
    },

    /// A card's number would have left this machine in plain text, so nothing was sent.
    #[error("a card's number does not leave this machine unencrypted: {address} is not a loopback address")]
    PlainText {
        /// Who was to be called.
        address: Address,
    },
}

/// A refusal in the words of the switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of refusal, as every gRPC client knows it.
    pub code: Code,
    /// The exact reason, e.g. `RATE_STALE`; empty when something between here and the switch refused.
    pub reason: String,
    /// Whose reason it is: the switch, or something before it.
    pub domain: String,
    /// The reason in words, for people.
    pub message: String,
    /// What the reason speaks of: the merchant, the field, the limit.
    pub metadata: BTreeMap<String, String>,
    /// What is wrong with which field of the request.
    pub field_violations: Vec<FieldViolation>,
    /// When the same request may succeed; `None` when waiting does not help or nobody knows.
    pub retry_after: Option<Duration>,
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// The field's path in the request message.
    pub field: String,
    /// What is wrong with it.
    pub description: String,
}

impl Refusal {
    /// Whether the key was not even looked up, so that an earlier attempt under it may have been recorded.
    #[must_use]
    pub fn speaks_of_this_attempt_only(&self) -> bool {
        self.metadata.get(SPEAKS_OF).is_some_and(|what| what == ATTEMPT)
    }
}

impl Error {
    /// Whether the request may have been recorded although there is no reply.
    #[must_use]
    pub fn outcome_is_unknown(&self) -> bool {
        matches!(self, Self::Unanswered { .. })
    }

    pub(crate) fn or_reply<T>(address: &Address, answer: Result<Response<T>, Status>) -> Result<T, Self> {
        answer.map(Response::into_inner).map_err(|status| Self::from_status(address, status))
    }

    /// Keeps only the first cause of all: what stands around it is the transport talking to itself.
    pub(crate) fn unreachable(address: &Address, error: &(dyn StdError + 'static)) -> Self {
        let mut first = error;
        while let Some(cause) = first.source() {
            first = cause;
        }
        Self::Unreachable { address: address.clone(), source: first.to_string().into() }
    }

    /// What the end of an answer says, for who speaks HTTP/2 without the SDK: the texts of `grpc-status`, `grpc-message` and
    /// `grpc-status-details-bin` as they were sent, empty where they were not.
    #[must_use]
    pub fn from_trailers(address: &Address, status: &str, message: &str, details: &str) -> Self {
        let mut headers = MetadataMap::new().into_headers();
        let sent = [("grpc-status", status), ("grpc-message", message), (DETAILS, details)];
        for (name, value) in sent {
            if let (false, Ok(value)) = (value.is_empty(), value.parse()) {
                headers.insert(name, value);
            }
        }
        // Details that cannot be decoded tell nothing, and the transport would panic over them.
        let mut metadata = MetadataMap::from_headers(headers);
        if metadata.get_bin(DETAILS).is_some_and(|details| details.to_bytes().is_err()) {
            metadata.remove_bin(DETAILS);
        }
        let unknown = || Status::unknown("an answer without a status");
        Self::from_status(address, Status::from_header_map(&metadata.into_headers()).unwrap_or_else(unknown))
    }

    pub(crate) fn from_status(address: &Address, status: Status) -> Self {
        if is_connect_failure(&status) {
            return Self::unreachable(address, &status);
        }
        let code = Code::from(status.code());
        let message = status.message().to_owned();
        let details = status.get_error_details();
        let info = details.error_info().cloned();
        // The switch says whether anything was recorded; of others' failures only the code is known.
        let nothing_recorded = match info.as_ref().and_then(|info| info.metadata.get(OUTCOME)) {
            Some(outcome) => outcome == NOT_COMMITTED,
            None => code.means_nothing_recorded(),
        };
        let (reason, domain, metadata) = info.map(|info| (info.reason, info.domain, info.metadata)).unwrap_or_default();
        if !nothing_recorded {
            return Self::Unanswered { address: address.clone(), code, reason, message };
        }
        let violations = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
        Self::Refused(Box::new(Refusal {
            code,
            reason,
            domain,
            message,
            metadata: metadata.into_iter().collect(),
            field_violations: violations
                .iter()
                .map(|violation| FieldViolation {
                    field: violation.field.clone(),
                    description: violation.description.clone(),
                })
                .collect(),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
        }))
    }
}

/// A status of the client's own making whose cause is that no connection came about.
fn is_connect_failure(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<ConnectError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused {}", self.code.as_str())?;
        if !self.reason.is_empty() {
            write!(f, " {}", self.reason)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl StdError for Refusal {}

/// The kinds of failure that gRPC knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// No failure; a failed call that says so is at fault itself.
    Ok,
    /// The call was cancelled, or ran out of time on this side.
    Cancelled,
    /// A broken connection, or a failure without a name.
    Unknown,
    /// The request can never be right.
    InvalidArgument,
    /// The deadline passed.
    DeadlineExceeded,
    /// No such thing, or not the caller's.
    NotFound,
    /// There is one already, or the idempotency key was used for another request.
    AlreadyExists,
    /// The caller is known and may not do this.
    PermissionDenied,
    /// Too much at once.
    ResourceExhausted,
    /// The switch is not in a state for this.
    FailedPrecondition,
    /// The request was overtaken by another.
    Aborted,
    /// Beyond the end.
    OutOfRange,
    /// The daemon does not serve this call.
    Unimplemented,
    /// A fault of the daemon.
    Internal,
    /// Not accepted at present.
    Unavailable,
    /// Stored data is damaged.
    DataLoss,
    /// The caller's credential is missing or unknown.
    Unauthenticated,
}

impl Code {
    /// As written in specifications: `ALREADY_EXISTS`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }

    /// Whether a call that ended so, without a word from the switch, was certainly not recorded. Something between here
    /// and the switch may say `UNAVAILABLE` after it passed the call on.
    const fn means_nothing_recorded(self) -> bool {
        match self {
            Self::InvalidArgument
            | Self::NotFound
            | Self::AlreadyExists
            | Self::PermissionDenied
            | Self::ResourceExhausted
            | Self::FailedPrecondition
            | Self::Aborted
            | Self::OutOfRange
            | Self::Unimplemented
            | Self::Unauthenticated => true,
            Self::Ok
            | Self::Cancelled
            | Self::Unknown
            | Self::DeadlineExceeded
            | Self::Internal
            | Self::Unavailable
            | Self::DataLoss => false,
        }
    }
}

impl From<tonic::Code> for Code {
    fn from(code: tonic::Code) -> Self {
        match code {
            tonic::Code::Ok => Self::Ok,
            tonic::Code::Cancelled => Self::Cancelled,
            tonic::Code::Unknown => Self::Unknown,
            tonic::Code::InvalidArgument => Self::InvalidArgument,
            tonic::Code::DeadlineExceeded => Self::DeadlineExceeded,
            tonic::Code::NotFound => Self::NotFound,
            tonic::Code::AlreadyExists => Self::AlreadyExists,
            tonic::Code::PermissionDenied => Self::PermissionDenied,
            tonic::Code::ResourceExhausted => Self::ResourceExhausted,
            tonic::Code::FailedPrecondition => Self::FailedPrecondition,
            tonic::Code::Aborted => Self::Aborted,
            tonic::Code::OutOfRange => Self::OutOfRange,
            tonic::Code::Unimplemented => Self::Unimplemented,
            tonic::Code::Internal => Self::Internal,
            tonic::Code::Unavailable => Self::Unavailable,
            tonic::Code::DataLoss => Self::DataLoss,
            tonic::Code::Unauthenticated => Self::Unauthenticated,
        }
    }
}

#[cfg(test)]
mod tests;
