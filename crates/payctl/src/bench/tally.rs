//! What came back.

use std::collections::BTreeMap;
use std::time::Duration;

use client::Error;
use hdrhistogram::Histogram;

/// Latencies above this count as this: a minute.
const LATENCY_US_MAX: u64 = 60_000_000;
/// Significant decimal digits of a recorded latency.
const LATENCY_DIGITS: u8 = 3;

/// What a call was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// What the load is of: payments, cycles, echoes.
    Main,
    /// A payment asked for once more under its key.
    Repeat,
    /// A hold captured.
    Capture,
    /// A payment given back.
    Refund,
    /// A look at a payment.
    Get,
}

impl Kind {
    /// What is counted.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::Main => "calls",
            Self::Repeat => "repeats",
            Self::Capture => "captures",
            Self::Refund => "refunds",
            Self::Get => "gets",
        }
    }
}

/// The answer to one call, after it was checked.
#[derive(Debug)]
pub(super) enum Answer {
    /// The payment with this id was approved and every amount is right.
    Approved([u8; 16]),
    /// Those of a batch, one by one.
    Each(Vec<Answer>),
    /// All of it is right, and it makes no payment: an echo, a repeat, a capture, a refund, a look.
    Right,
    /// Decided against.
    Declined,
    /// Refused; nothing was recorded.
    Refused(String),
    /// No decision came back.
    Unanswered(String),
    /// The reply is not what it must be.
    Wrong(String),
    /// There is no connection.
    Lost(Error),
}

impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::Refused(refusal.to_string()),
            Error::Unanswered { .. } => Self::Unanswered(error.to_string()),
            Error::Unreachable { .. } | Error::PlainText { .. } => Self::Lost(error),
        }
    }
}

/// Answers counted, and how long they took.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    /// Of calls that were decided, in microseconds.
    pub(super) latency_us: Histogram<u64>,
    /// The same of calls of other kinds.
    pub(super) others_us: BTreeMap<Kind, Histogram<u64>>,
    /// Payments approved: distinct ones once the tally is [settled](Self::settled). A set would be looked up, and now and
    /// then copied, while latencies are measured.
    payment_ids: Vec<[u8; 16]>,
    /// Approvals that named a payment which another call had been given already; counted when the tally is settled.
    pub(super) repeated: u64,
    /// Calls that came back right and made no payment.
    pub(super) right: u64,
    /// Declined payments.
    pub(super) declined: u64,
    /// Refused calls.
    pub(super) refused: u64,
    /// Calls without a decision.
    pub(super) unanswered: u64,
    /// Replies that are not what they must be.
    pub(super) wrong: u64,
    /// Open loop: payments that came due while too many were under way.
    pub(super) unsent: u64,
    /// The first trouble of each kind, in words.
    pub(super) troubles: Vec<String>,
}

impl Tally {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self {
            latency_us: latencies(),
            others_us: BTreeMap::new(),
            payment_ids: Vec::new(),
            repeated: 0,
            right: 0,
            declined: 0,
            refused: 0,
            unanswered: 0,
            wrong: 0,
            unsent: 0,
            troubles: Vec::new(),
        }
    }

    /// Calls that got the answer they asked for.
    pub(super) fn done(&self) -> u64 {
        self.approved() + self.right
    }

    /// Calls that were answered by a decision or by what was asked for.
    pub(super) fn decided(&self) -> u64 {
        self.done() + self.declined
    }

    /// Payments approved.
    pub(super) fn approved(&self) -> u64 {
        self.payment_ids.len() as u64
    }

    /// Counts approvals by distinct payment: two of one are wrong.
    pub(super) fn settled(mut self) -> Self {
        let approvals = self.approved();
        self.payment_ids.sort_unstable();
        self.payment_ids.dedup();
        let repeated = approvals - self.approved();
        self.repeated += repeated;
        self.wrong += repeated;
        if repeated > 0 && repeated == self.repeated {
            self.troubles.push("two requests were given one payment".to_owned());
        }
        self
    }

    /// Counts an answer that took this long; gives back the error when there is no connection any more.
    pub(super) fn record(&mut self, kind: Kind, latency: Duration, answer: Answer) -> Option<Error> {
        let mut decided = || {
            let of_kind = match kind {
                Kind::Main => &mut self.latency_us,
                Kind::Repeat | Kind::Capture | Kind::Refund | Kind::Get => {
                    self.others_us.entry(kind).or_insert_with(latencies)
                }
            };
            of_kind.saturating_record(micros(latency));
        };
        match answer {
            Answer::Approved(payment_id) => {
                decided();
                self.payment_ids.push(payment_id);
            }
            Answer::Each(answers) => {
                return answers.into_iter().fold(None, |lost, answer| lost.or(self.record(kind, latency, answer)));
            }
            Answer::Right => {
                decided();
                self.right += 1;
            }
            Answer::Declined => {
                decided();
                self.declined += 1;
            }
            Answer::Refused(why) => {
                self.refused += 1;
                self.trouble(self.refused, why);
            }
            Answer::Unanswered(why) => {
                self.unanswered += 1;
                self.trouble(self.unanswered, why);
            }
            Answer::Wrong(why) => {
                self.wrong += 1;
                self.trouble(self.wrong, why);
            }
            Answer::Lost(error) => return Some(error),
        }
        None
    }

    fn trouble(&mut self, count: u64, why: String) {
        if count == 1 {
            self.troubles.push(why);
        }
    }

    /// Takes up what another slice counted.
    pub(super) fn add(&mut self, other: Self) {
        self.latency_us.add(&other.latency_us).expect("all latencies have the same bounds");
        for (kind, others) in other.others_us {
            let of_kind = self.others_us.entry(kind).or_insert_with(latencies);
            of_kind.add(&others).expect("all latencies have the same bounds");
        }
        self.payment_ids.extend(other.payment_ids);
        self.repeated += other.repeated;
        self.wrong += other.wrong;
        self.right += other.right;
        self.declined += other.declined;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.unsent += other.unsent;
        for trouble in other.troubles {
            if !self.troubles.contains(&trouble) {
                self.troubles.push(trouble);
            }
        }
    }
}

/// An empty record of latencies in microseconds.
pub(super) fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_US_MAX, LATENCY_DIGITS).expect("the bounds make sense")
}

/// Whole microseconds, rounded up: nothing takes no time.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn approved(id: u8) -> Answer {
        Answer::Approved([id; 16])
    }

    #[test]
    fn approvals_are_counted_by_distinct_payment() {
        let mut tally = Tally::new();
        for id in [1, 2, 2, 3] {
            assert!(tally.record(Kind::Main, Duration::from_micros(10), approved(id)).is_none());
        }
        let mut tally = tally.settled();
        assert_eq!((tally.done(), tally.repeated, tally.wrong), (3, 1, 1));
        let mut other = Tally::new();
        other.record(Kind::Main, Duration::from_micros(10), approved(3));
        tally.add(other);
        let tally = tally.settled();
        assert_eq!((tally.done(), tally.repeated, tally.wrong), (3, 2, 2));
        assert_eq!(tally.troubles.len(), 1);
    }

    #[test]
    fn percentiles_are_those_of_the_calls_that_were_decided() {
        let mut tally = Tally::new();
        for latency in 1..=1_000 {
            tally.record(Kind::Main, Duration::from_micros(latency), Answer::Declined);
        }
        tally.record(Kind::Main, Duration::from_secs(30), Answer::Refused("INBOX_FULL".into()));
        let at = |quantile| tally.latency_us.value_at_quantile(quantile);
        assert_eq!((at(0.5), at(0.9), at(0.99), at(0.999)), (500, 900, 990, 999));
        assert_eq!((tally.latency_us.max(), tally.latency_us.len()), (1_000, 1_000));
        assert_eq!(tally.troubles, ["INBOX_FULL"]);
    }

    #[test]
    fn a_latency_beyond_the_bounds_counts_as_the_longest() {
        let mut tally = Tally::new();
        tally.record(Kind::Main, Duration::from_secs(3_600), Answer::Right);
        assert!(tally.latency_us.max() >= LATENCY_US_MAX);
        assert_eq!(micros(Duration::from_nanos(1)), 1);
    }
}
