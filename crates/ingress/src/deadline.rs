//! How long a call may take.

use std::time::Duration;

use domain::Timestamp;
use tokio::time::{Instant, Timeout, timeout_at};
use tonic::metadata::MetadataMap;

/// We answer this much before the caller's own deadline, in milliseconds: at the deadline itself the transport would
/// cut in with an answer that does not say whether the payment may have been made.
const ANSWER_AHEAD_MS: u64 = 2;

/// Of the time there is, this part is left to tell a caller that a payment is still pending, and no more than so many
/// milliseconds: that answer is worth having only if it arrives, and the caller's time began before ours.
const TELL_PENDING_PART: u32 = 8;
const TELL_PENDING_MS_MAX: u64 = 250;

/// The moment after which nobody waits for the answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    wait_until: Instant,
    /// The moment at which what is pending is told as it is.
    tell_pending_at: Instant,
    at: Timestamp,
}

impl Deadline {
    /// The caller's `grpc-timeout`, or `ms_max` from now if that is sooner.
    pub(crate) fn of(metadata: &MetadataMap, ms_max: u64, now: Timestamp) -> Self {
        let asked = metadata.get("grpc-timeout").and_then(|value| value.to_str().ok()).and_then(grpc_timeout);
        let longest = Duration::from_millis(ms_max);
        let timeout =
            asked.map_or(longest, |asked| asked.saturating_sub(Duration::from_millis(ANSWER_AHEAD_MS)).min(longest));
        let millis = i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX);
        let wait_until = Instant::now() + timeout;
        let telling = (timeout / TELL_PENDING_PART).min(Duration::from_millis(TELL_PENDING_MS_MAX));
        Self { wait_until, tell_pending_at: wait_until - telling, at: now.plus_millis(millis) }
    }

    /// As the shard's clock will show it.
    pub(crate) const fn at(self) -> Timestamp {
        self.at
    }

    pub(crate) const fn wait_until(self) -> Instant {
        self.wait_until
    }

    /// Waits for what makes a payment more than pending, and leaves time to say that it did not come.
    pub(crate) fn wait_for_end<W: Future>(self, work: W) -> Timeout<W> {
        timeout_at(self.tell_pending_at, work)
    }

    pub(crate) fn wait_for<W: Future>(self, work: W) -> Timeout<W> {
        timeout_at(self.wait_until, work)
    }
}

/// Reads the `grpc-timeout` header: at most eight digits and a unit (gRPC over HTTP/2, "Timeout").
fn grpc_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count.checked_mul(3600)?)),
        "M" => Some(Duration::from_secs(count.checked_mul(60)?)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_timeouts_are_digits_and_a_unit() {
        for (text, expected) in [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("3S", Some(Duration::from_secs(3))),
            ("400m", Some(Duration::from_millis(400))),
            ("5u", Some(Duration::from_micros(5))),
            ("99999999n", Some(Duration::from_nanos(99_999_999))),
            ("", None),
            ("m", None),
            ("123456789m", None),
            ("-1m", None),
            ("1s", None),
            ("1é", None),
        ] {
            assert_eq!(grpc_timeout(text), expected, "{text:?}");
        }
    }
}
