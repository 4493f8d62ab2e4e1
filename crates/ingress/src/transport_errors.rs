//! The transport's own errors come without a reason. This gives them one.

use tonic::{Code, Status, body::Body, codegen::http::Response};

use crate::errors;

/// How tonic begins its message for a request longer than the limit.
const TOO_LARGE: &str = "Error, decoded message length too large";
/// How tonic begins its message for bytes that do not decode.
const UNDECODABLE: &str = "failed to decode Protobuf message";

/// Replaces the transport's answer to an oversized or undecodable request by one with a reason.
pub(crate) fn with_reason(response: Response<Body>) -> Response<Body> {
    let Some(status) = Status::from_header_map(response.headers()) else { return response };
    let says = |code, beginning| status.code() == code && status.message().starts_with(beginning);
    if says(Code::OutOfRange, TOO_LARGE) {
        errors::message_too_large(status.message()).into_http()
    } else if says(Code::Internal, UNDECODABLE) {
        errors::message_malformed().into_http()
    } else {
        response
    }
}
