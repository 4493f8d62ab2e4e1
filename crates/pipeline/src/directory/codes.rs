//! One-time codes that can be used.

use std::{collections::VecDeque, sync::Mutex};

use dashmap::DashMap;
use domain::{AccountId, Consent, Digest, Timestamp};

/// Bounded by what is issued within the life of a code: one is forgotten once it was used, and by the first record after
/// its end.
#[derive(Debug, Default)]
pub(super) struct Codes {
    entries: DashMap<Digest, Entry>,
    /// When each code ends, the next first; in order of issue that is the order too, since all codes live equally long.
    /// Touched by the one thread that observes.
    ends: Mutex<VecDeque<(Timestamp, Digest)>>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    account: AccountId,
    expires_at: Timestamp,
}

impl Codes {
    pub(super) fn account(&self, code: &Digest) -> Option<AccountId> {
        self.entries.get(code).map(|entry| entry.account)
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.ends.lock().expect("no holder of the codes' lock panics").is_empty()
    }

    pub(super) fn insert(&self, code: Digest, account: AccountId, expires_at: Timestamp) {
        self.entries.insert(code, Entry { account, expires_at });
        let mut ends = self.ends.lock().expect("no holder of the codes' lock panics");
        let place = ends.partition_point(|(ends_at, _)| *ends_at <= expires_at);
        ends.insert(place, (expires_at, code));
    }

    /// Forgets the code by which this consent was given, if it was by code.
    pub(super) fn forget_used(&self, consent: Consent) {
        if let Consent::Code(code) = consent {
            self.entries.remove(&code);
        }
    }

    /// Forgets every code that cannot be used at `at` any more.
    pub(super) fn forget_ended(&self, at: Timestamp) {
        let mut ends = self.ends.lock().expect("no holder of the codes' lock panics");
        while let Some((expires_at, code)) = ends.front().copied() {
            if expires_at > at {
                break;
            }
            ends.pop_front();
            // The same digest may stand for a later code by now, which lives on.
            self.entries.remove_if(&code, |_, entry| entry.expires_at <= at);
        }
    }
}
