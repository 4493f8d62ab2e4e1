//! Where a stream stands, and whether one that was cut off may be asked for again.

use std::time::Duration;

use client::Error as CallError;
use wire::v1::WatchResponse;

use crate::error::Error;

/// The wait before the first attempt after a failure; each further one in a row waits twice as long.
const WAIT_MIN: Duration = Duration::from_millis(100);
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// What was told, and how often in a row asking has failed.
#[derive(Debug)]
pub(super) struct Resumption {
    last_lsn: u64,
    failures: u32,
    failures_max: u32,
}

impl Resumption {
    /// Everything up to `after` is known. So many failures in a row are the end.
    pub(super) fn new(after: u64, failures_max: u32) -> Self {
        Self { last_lsn: after, failures: 0, failures_max }
    }

    /// Everything up to this position was told.
    pub(super) fn last_lsn(&self) -> u64 {
        self.last_lsn
    }

    /// Takes note of what a stream told. It must lie behind what was told before: one record comes once, in its place.
    pub(super) fn told(&mut self, told: &WatchResponse) -> Result<(), Error> {
        let behind = if told.events.is_empty() { told.lsn >= self.last_lsn } else { told.lsn > self.last_lsn };
        if !behind {
            let (last, now) = (self.last_lsn, told.lsn);
            return Err(Error::Reply(format!("after everything up to lsn {last} the stream tells of lsn {now}")));
        }
        self.last_lsn = told.lsn;
        self.failures = 0;
        Ok(())
    }

    /// How long to wait before asking again after a failure, or after the daemon ended the stream.
    ///
    /// # Errors
    /// With the failure itself when asking again cannot help, or was tried often enough.
    pub(super) fn cut_off(&mut self, trouble: Option<CallError>) -> Result<Duration, Error> {
        self.failures = self.failures.saturating_add(1);
        let wait = WAIT_MIN.saturating_mul(2_u32.saturating_pow(self.failures.saturating_sub(1))).min(WAIT_MAX);
        let Some(error) = trouble else {
            return if self.failures < self.failures_max { Ok(wait) } else { Err(ended_too_often(self.failures)) };
        };
        let told_to_wait = match &error {
            CallError::Refused(refusal) => match refusal.retry_after {
                Some(delay) => delay,
                None => return Err(error.into()),
            },
            CallError::Unanswered { .. } | CallError::Unreachable { .. } => Duration::ZERO,
            CallError::PlainText { .. } => return Err(error.into()),
        };
        if self.failures < self.failures_max { Ok(wait.max(told_to_wait).min(WAIT_MAX)) } else { Err(error.into()) }
    }
}

fn ended_too_often(times: u32) -> Error {
    Error::Reply(format!("the stream ended {times} times in a row before it told anything"))
}

#[cfg(test)]
mod tests {
    use client::{Code, Refusal};
    use wire::v1::PaymentEvent;

    use super::*;
    use crate::exit::Exit;

    fn record(lsn: u64) -> WatchResponse {
        WatchResponse { lsn, events: vec![PaymentEvent::default()] }
    }

    fn heartbeat(lsn: u64) -> WatchResponse {
        WatchResponse { lsn, events: Vec::new() }
    }

    fn broken() -> Option<CallError> {
        Some(CallError::Unanswered {
            address: "127.0.0.1:7450".parse().unwrap(),
            code: Code::Unavailable,
            reason: String::new(),
            message: "gone".into(),
        })
    }

    fn refused(code: Code, retry_after: Option<Duration>) -> Option<CallError> {
        Some(CallError::Refused(Box::new(Refusal {
            code,
            reason: "WATCH_BELOW_RETAINED".into(),
            domain: "payswitch".into(),
            message: String::new(),
            metadata: Default::default(),
            field_violations: Vec::new(),
            retry_after,
        })))
    }

    #[test]
    fn a_stream_is_resumed_behind_what_was_told() {
        let mut resumption = Resumption::new(7, 3);
        for told in [record(8), heartbeat(8), heartbeat(11), record(12)] {
            resumption.told(&told).unwrap();
        }
        assert_eq!(resumption.last_lsn(), 12);
        assert!(resumption.cut_off(broken()).is_ok());
        assert_eq!(resumption.last_lsn(), 12);
    }

    #[test]
    fn what_was_told_already_is_no_answer() {
        for told in [record(7), record(6), heartbeat(6)] {
            let error = Resumption::new(7, 3).told(&told).unwrap_err();
            assert_eq!(error.exit(), Exit::Damaged, "{told:?}");
        }
    }

    #[test]
    fn failures_in_a_row_have_a_limit_and_an_answer_ends_the_row() {
        let mut resumption = Resumption::new(0, 3);
        let waits = |resumption: &mut Resumption| [resumption.cut_off(broken()), resumption.cut_off(None)];
        let [first, second] = waits(&mut resumption).map(Result::unwrap);
        assert_eq!((first, second), (WAIT_MIN, WAIT_MIN * 2));
        resumption.told(&heartbeat(0)).unwrap();
        assert!(waits(&mut resumption).iter().all(Result::is_ok));
        assert_eq!(resumption.cut_off(broken()).unwrap_err().exit(), Exit::Unreachable);
    }

    #[test]
    fn waits_grow_up_to_a_bound() {
        let mut resumption = Resumption::new(0, u32::MAX);
        let waits: Vec<Duration> = (0..100).map(|_| resumption.cut_off(broken()).unwrap()).collect();
        assert!(waits.is_sorted() && waits.last() == Some(&WAIT_MAX));
    }

    #[test]
    fn a_refusal_is_final_unless_it_says_when_to_ask_again() {
        let mut resumption = Resumption::new(0, 3);
        let waited = resumption.cut_off(refused(Code::Unavailable, Some(Duration::from_secs(1))));
        assert_eq!(waited.unwrap(), Duration::from_secs(1));
        let error = resumption.cut_off(refused(Code::OutOfRange, None)).unwrap_err();
        assert_eq!(error.exit(), Exit::Refused);
    }
}
