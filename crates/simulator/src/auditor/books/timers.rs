//! What the switch does of itself.

use super::{Books, Decided};
use crate::request::{Ask, Caller, Request};

impl Books {
    /// What is due at `at`: holds that end, then a refund that has its rate.
    pub(in crate::auditor) fn due(&self, at: i64) -> Option<Decided> {
        let rules = self.rules.as_ref()?;
        self.expire(at).or_else(|| self.price_refund(rules))
    }

    /// As a request of the switch to itself, for the reader of a story.
    pub(in crate::auditor) fn due_request() -> Request {
        Request { caller: Caller::Switch, key: None, ask: Ask::Due }
    }
}
