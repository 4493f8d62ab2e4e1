//! Powers over a sandbox.

use wire::v1::{
    AdvanceClockRequest, AdvanceClockResponse, FailNextRequest, FailNextResponse, PinRateRequest, PinRateResponse,
};

use super::Operator;
use crate::Error;

impl Operator {
    /// Moves a sandbox's clock ahead.
    ///
    /// # Errors
    /// As every call.
    pub async fn advance_clock(&self, request: AdvanceClockRequest) -> Result<AdvanceClockResponse, Error> {
        Error::or_reply(&self.address, self.sandbox.clone().advance_clock(request).await)
    }

    /// Pins a rate of a sandbox, or lets it go.
    ///
    /// # Errors
    /// As every call.
    pub async fn pin_rate(&self, request: PinRateRequest) -> Result<PinRateResponse, Error> {
        Error::or_reply(&self.address, self.sandbox.clone().pin_rate(request).await)
    }

    /// Makes the next call of a method of a sandbox fail.
    ///
    /// # Errors
    /// As every call.
    pub async fn fail_next(&self, request: FailNextRequest) -> Result<FailNextResponse, Error> {
        Error::or_reply(&self.address, self.sandbox.clone().fail_next(request).await)
    }
}
