//! What only a sandbox lets its operator ask.

use domain::{CurrencyPair, DeclineReason, Method};
use money::Rate;

use super::{InvalidField, InvalidReason, field};
use crate::v1;

/// A year: the most a clock is moved in one step, in milliseconds.
pub const ADVANCE_MS_MAX: i64 = 31_536_000_000;

/// A pair whose rate is pinned, or let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatePin {
    /// Which pair.
    pub pair: CurrencyPair,
    /// At which rate; `None` lets it go.
    pub mid_rate: Option<Rate>,
}

/// How a call is to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Before anything was done.
    Refused,
    /// After all was done, without an answer.
    Unconfirmed,
    /// As a decision against.
    Declined(DeclineReason),
}

/// Parses by how many milliseconds the clock is to move: 1 to [`ADVANCE_MS_MAX`].
///
/// # Errors
/// When it is another number.
pub fn advance_clock(message: &v1::AdvanceClockRequest) -> Result<i64, InvalidField> {
    match i64::try_from(message.advance_ms) {
        Ok(millis @ 1..=ADVANCE_MS_MAX) => Ok(millis),
        _ => {
            let description = format!("must be 1 to {ADVANCE_MS_MAX} milliseconds; found {}", message.advance_ms);
            Err(InvalidField::new("advance_ms", InvalidReason::NumberOutOfBounds, description))
        }
    }
}

/// Parses which rate is to be pinned.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn pin_rate(message: &v1::PinRateRequest) -> Result<RatePin, InvalidField> {
    let pair = field::pair(&message.presentment_currency_code, &message.debit_currency_code)?;
    let mid_rate = match message.mid_rate.as_str() {
        "" => None,
        text => Some(field::rate("mid_rate", text)?),
    };
    Ok(RatePin { pair, mid_rate })
}

/// Parses which method is to fail next, and how.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn fail_next(message: &v1::FailNextRequest) -> Result<(Method, Failure), InvalidField> {
    let method = match v1::SandboxMethod::try_from(message.method) {
        Ok(v1::SandboxMethod::Authorize) => Method::Authorize,
        Ok(v1::SandboxMethod::Capture) => Method::Capture,
        Ok(v1::SandboxMethod::Void) => Method::Void,
        Ok(v1::SandboxMethod::Refund) => Method::Refund,
        Ok(v1::SandboxMethod::Unspecified) => return Err(InvalidField::missing("method")),
        Err(_) => return Err(InvalidField::unknown("method", message.method)),
    };
    let conflict = |field, rule: &str| Err(InvalidField::new(field, InvalidReason::FieldsConflict, rule.to_owned()));
    let failure = match v1::SandboxFailure::try_from(message.failure) {
        Ok(v1::SandboxFailure::Refused) => Failure::Refused,
        Ok(v1::SandboxFailure::Unconfirmed) => Failure::Unconfirmed,
        Ok(v1::SandboxFailure::Declined) if method == Method::Authorize => {
            return Ok((method, Failure::Declined(decline_reason(message.decline_reason)?)));
        }
        Ok(v1::SandboxFailure::Declined) => return conflict("failure", "is for SANDBOX_METHOD_AUTHORIZE only"),
        Ok(v1::SandboxFailure::Unspecified) => return Err(InvalidField::missing("failure")),
        Err(_) => return Err(InvalidField::unknown("failure", message.failure)),
    };
    if message.decline_reason != 0 {
        return conflict("decline_reason", "goes with SANDBOX_FAILURE_DECLINED only");
    }
    Ok((method, failure))
}

fn decline_reason(number: i32) -> Result<DeclineReason, InvalidField> {
    match u8::try_from(number).ok().and_then(DeclineReason::from_number) {
        Some(reason) => Ok(reason),
        None if number == 0 => Err(InvalidField::missing("decline_reason")),
        None => Err(InvalidField::unknown("decline_reason", number)),
    }
}
