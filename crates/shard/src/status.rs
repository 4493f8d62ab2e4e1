//! How the shard stands, readable from any thread.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU8, AtomicU64, Ordering},
};

use domain::Lsn;

/// Whether writes are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServingState {
    /// Yes.
    Serving,
    /// No: the daemon is stopping.
    Draining,
    /// No: the journal failed. Reads go on; a restart is needed.
    Failed,
    /// No: the disk is too full. Reads go on, and writes once there is space.
    Full,
}

/// How the shard stands.
#[derive(Debug)]
pub struct Status {
    last_lsn: AtomicU64,
    durable_lsn: AtomicU64,
    state: AtomicU8,
    reason: Mutex<String>,
    past_unreadable: AtomicU64,
    past_reason: Mutex<String>,
}

impl Status {
    /// Serving, with everything up to `lsn` durable.
    #[must_use]
    pub fn serving(lsn: Lsn) -> Self {
        Self {
            last_lsn: AtomicU64::new(lsn.get()),
            durable_lsn: AtomicU64::new(lsn.get()),
            state: AtomicU8::new(ServingState::Serving as u8),
            reason: Mutex::default(),
            past_unreadable: AtomicU64::new(0),
            past_reason: Mutex::default(),
        }
    }

    /// Last position decided.
    #[must_use]
    pub fn last_lsn(&self) -> Lsn {
        Lsn::new(self.last_lsn.load(Ordering::Acquire))
    }

    /// Last position known durable.
    #[must_use]
    pub fn durable_lsn(&self) -> Lsn {
        Lsn::new(self.durable_lsn.load(Ordering::Acquire))
    }

    /// Whether writes are taken.
    #[must_use]
    pub fn state(&self) -> ServingState {
        match self.state.load(Ordering::Acquire) {
            0 => ServingState::Serving,
            1 => ServingState::Draining,
            3 => ServingState::Full,
            _ => ServingState::Failed,
        }
    }

    /// Why writes are refused, all of them or those that need what the index cannot tell; empty while all are taken.
    #[must_use]
    pub fn reason(&self) -> String {
        let reason = text(&self.reason).clone();
        if reason.is_empty() { self.past_reason() } else { reason }
    }

    /// Why the last of the requests was refused that need what the index cannot tell; empty while none is.
    #[must_use]
    pub fn past_reason(&self) -> String {
        text(&self.past_reason).clone()
    }

    /// How many requests were refused because the index could not be read, or was far behind.
    #[must_use]
    pub fn past_unreadable(&self) -> u64 {
        self.past_unreadable.load(Ordering::Relaxed)
    }

    /// One more request was refused because of the index, for this reason.
    pub(crate) fn refuse_past(&self, reason: String) {
        *text(&self.past_reason) = reason;
        self.past_unreadable.fetch_add(1, Ordering::Relaxed);
    }

    /// From now on nothing is wrong with the index, until the next request is refused because of it. Its readers cannot tell:
    /// what one of them finds says nothing of what another looks for.
    pub fn past_is_readable(&self) {
        text(&self.past_reason).clear();
    }

    /// From now on writes are refused because the daemon stops. A failed shard stays failed.
    pub fn drain(&self) {
        let stopping = "the daemon is stopping";
        if !self.change(ServingState::Serving, ServingState::Draining, stopping) {
            self.change(ServingState::Full, ServingState::Draining, stopping);
        }
    }

    pub(crate) fn fail(&self, reason: String) {
        self.set_reason(reason);
        self.state.store(ServingState::Failed as u8, Ordering::Release);
    }

    /// Refuses writes for want of space. One that drains goes on draining.
    pub(crate) fn full(&self, reason: &str) {
        self.change(ServingState::Serving, ServingState::Full, reason);
    }

    /// There is space again.
    pub(crate) fn has_room(&self) {
        self.change(ServingState::Full, ServingState::Serving, "");
    }

    /// Whether it stood there.
    fn change(&self, from: ServingState, to: ServingState, reason: &str) -> bool {
        let changed = self.state.compare_exchange(from as u8, to as u8, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if changed {
            self.set_reason(reason.to_owned());
        }
        changed
    }

    fn set_reason(&self, reason: String) {
        *text(&self.reason) = reason;
    }

    pub(crate) fn decided(&self, lsn: Lsn) {
        self.last_lsn.store(lsn.get(), Ordering::Release);
    }

    pub(crate) fn durable(&self, lsn: Lsn) {
        self.durable_lsn.store(lsn.get(), Ordering::Release);
    }
}

fn text(reason: &Mutex<String>) -> MutexGuard<'_, String> {
    reason.lock().unwrap_or_else(PoisonError::into_inner)
}
