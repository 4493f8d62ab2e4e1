//! `payctl sandbox`: powers that only a sandbox has.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use domain::CurrencyPair;
use money::Rate;
use wire::v1::{AdvanceClockRequest, FailNextRequest, PinRateRequest, SandboxFailure, SandboxMethod};

use crate::commands::{duration_argument, pair_argument};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{FAINT, GOOD, paint};
use crate::words;

/// Move a sandbox's clock, pin a rate, make a call fail
///
/// For the operator of a sandbox; any other daemon does not know these calls.
#[derive(Debug, Subcommand)]
pub(crate) enum Sandbox {
    Advance(Advance),
    PinRate(PinRate),
    FailNext(FailNext),
}

/// Move the switch's clock ahead
///
/// Holds expire, quotes and codes run out as if the time had passed. It never goes back.
#[derive(Debug, Args)]
pub(crate) struct Advance {
    /// By how much, e.g. 8d, 36h, 10m; at most a year
    #[arg(value_name = "SPAN", value_parser = duration_argument)]
    span: Duration,
}

/// Pin the rate of a pair
///
/// Whatever the band says. It is kept fresh from then on, until --release lets the pair go back to the sandbox's own.
#[derive(Debug, Args)]
pub(crate) struct PinRate {
    /// The pair as read aloud, payer's currency first: "HKD per CNY"
    #[arg(value_parser = pair_argument)]
    pair: CurrencyPair,
    /// Payer's units for one of the merchant's, e.g. 1.2
    #[arg(value_name = "RATE", value_parser = Rate::parse, required_unless_present = "release")]
    rate: Option<Rate>,
    /// Let the pair go back to the sandbox's own rate
    #[arg(long, conflicts_with = "rate")]
    release: bool,
}

/// Make the next call of a method fail
///
/// Whoever makes it. To see how a caller takes it: a refused call succeeds when repeated; an unconfirmed one was done,
/// and a repeat with the same idempotency key tells what happened.
#[derive(Debug, Args)]
pub(crate) struct FailNext {
    /// Which method
    #[arg(value_enum)]
    method: Method,
    /// How it fails
    #[arg(long, value_enum)]
    how: How,
    /// By which reason it is declined, e.g. insufficient-balance
    #[arg(long, value_name = "REASON", value_parser = words::decline_argument, required_if_eq("how", "declined"))]
    reason: Option<wire::v1::DeclineReason>,
}

/// A method that can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    Authorize,
    Capture,
    Void,
    Refund,
}

/// A way to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum How {
    /// Decided against by --reason; authorize only.
    Declined,
    /// Refused before anything was done.
    Refused,
    /// Done, and answered as if nobody knew.
    Unconfirmed,
}

impl Sandbox {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        match self {
            Self::Advance(advance) => advance.run(context).await,
            Self::PinRate(pin_rate) => pin_rate.run(context).await,
            Self::FailNext(fail_next) => fail_next.run(context).await,
        }
    }
}

impl Advance {
    async fn run(self, context: &Context) -> Result<Exit, Error> {
        let advance_ms = u64::try_from(self.span.as_millis()).unwrap_or(u64::MAX);
        let reply = context.operator().advance_clock(AdvanceClockRequest { advance_ms }).await?;
        context.show(&reply, |reply| {
            let now = words::time(reply.now_time.as_ref().map(|time| time.seconds));
            format!("{}  the switch's clock shows {now}\n", paint(GOOD, "advanced"))
        });
        Ok(Exit::Approved)
    }
}

impl PinRate {
    async fn run(self, context: &Context) -> Result<Exit, Error> {
        let request = PinRateRequest {
            presentment_currency_code: self.pair.presentment.code().to_owned(),
            debit_currency_code: self.pair.debit.code().to_owned(),
            mid_rate: self.rate.map(|rate| rate.to_string()).unwrap_or_default(),
        };
        let reply = context.operator().pin_rate(request).await?;
        context.show(&reply, |reply| {
            let beside = paint(FAINT, format!("lsn {}", reply.lsn));
            match self.rate {
                Some(rate) => format!("{}  {} {rate}  {beside}\n", paint(GOOD, "pinned"), self.pair),
                None => format!("{}  {}  {beside}\n", paint(GOOD, "released"), self.pair),
            }
        });
        Ok(Exit::Approved)
    }
}

impl FailNext {
    async fn run(self, context: &Context) -> Result<Exit, Error> {
        let request = self.request()?;
        let reply = context.operator().fail_next(request).await?;
        let name = |value: Option<clap::builder::PossibleValue>| value.map(|value| value.get_name().to_owned());
        let method = name(self.method.to_possible_value()).unwrap_or_default();
        let how = name(self.how.to_possible_value()).unwrap_or_default();
        context.show(&reply, |_| format!("{}  the next {method} will be {how}\n", paint(GOOD, "ordered")));
        Ok(Exit::Approved)
    }

    fn request(&self) -> Result<FailNextRequest, Error> {
        if self.how != How::Declined && self.reason.is_some() {
            return Err(Error::Usage("--reason belongs to --how declined".to_owned()));
        }
        if self.how == How::Declined && self.method != Method::Authorize {
            return Err(Error::Usage("only authorize can be declined by order".to_owned()));
        }
        let method = match self.method {
            Method::Authorize => SandboxMethod::Authorize,
            Method::Capture => SandboxMethod::Capture,
            Method::Void => SandboxMethod::Void,
            Method::Refund => SandboxMethod::Refund,
        };
        let failure = match self.how {
            How::Declined => SandboxFailure::Declined,
            How::Refused => SandboxFailure::Refused,
            How::Unconfirmed => SandboxFailure::Unconfirmed,
        };
        Ok(FailNextRequest {
            method: method.into(),
            failure: failure.into(),
            decline_reason: self.reason.unwrap_or_default().into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use wire::v1::DeclineReason;

    use super::*;

    #[test]
    fn only_what_makes_sense_is_ordered() {
        let order = |method, how, reason| FailNext { method, how, reason }.request();
        let reason = Some(DeclineReason::AccountFrozen);
        let declined = order(Method::Authorize, How::Declined, reason).unwrap();
        assert_eq!(declined.decline_reason(), DeclineReason::AccountFrozen);
        assert_eq!(declined.failure(), SandboxFailure::Declined);
        assert!(order(Method::Capture, How::Declined, reason).is_err());
        assert!(order(Method::Capture, How::Refused, reason).is_err());
        assert_eq!(order(Method::Void, How::Unconfirmed, None).unwrap().method(), SandboxMethod::Void);
    }
}
