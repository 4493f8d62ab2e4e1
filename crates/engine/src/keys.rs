//! Idempotency: what was answered under each key.

use alloc::{collections::VecDeque, sync::Arc, vec::Vec};

use domain::{Digest, IdempotencyKey, Lsn, Record, Refusal, TenantId, Timestamp};
use foldhash::fast::FixedState;
use hashbrown::{HashMap, hash_map::Entry};
use planted::Bug;

/// So many keys that have ended are dropped with each record.
const DROPPED_A_RECORD_MAX: usize = 4;

/// Keys are keyed digests, so a fixed hasher cannot be aimed at; the map is only looked up, never walked in order.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    records: HashMap<(TenantId, Digest), Arc<Record>, FixedState>,
    /// The keys in the order they came into memory, with the record each had then.
    by_age: VecDeque<(Lsn, TenantId, Digest)>,
    /// How long keys first used from a record on are remembered, in milliseconds; before the first of these, for ever.
    terms: Vec<(Lsn, Option<i64>)>,
}

impl Keys {
    /// The record made under this key, if the key has not ended by `at`.
    pub(crate) fn find(&self, at: Timestamp, key: &IdempotencyKey) -> Result<Option<&Arc<Record>>, Refusal> {
        let found = self.records.get(&(key.tenant, key.digest));
        let Some(record) = found.filter(|record| !self.has_ended(record, at)) else { return Ok(None) };
        let first = record.key.as_ref().expect("only records with a key are remembered by key");
        match first.fingerprint.difference(&key.fingerprint) {
            None => Ok(Some(record)),
            Some(difference) => Err(Refusal::KeyReused { method: key.fingerprint.method, difference }),
        }
    }

    pub(crate) fn is_known(&self, tenant: TenantId, digest: &Digest) -> bool {
        self.records.contains_key(&(tenant, *digest))
    }

    /// Remembers a record under its key, in the place of one that has ended; drops some that have.
    pub(crate) fn remember(&mut self, record: &Arc<Record>) {
        self.drop_ended(record.at);
        let Some(key) = &record.key else { return };
        if planted::is(Bug::ForgetsKeysOfDeclines) && record.event.decline().is_some() {
            return;
        }
        let earlier = self.records.insert((key.tenant, key.digest), Arc::clone(record));
        let is_free = earlier.is_none_or(|earlier| self.has_ended(&earlier, record.at));
        assert!(is_free, "a key has one record at a time");
        self.grow_older(record.lsn, key);
    }

    /// Takes back the record of a key that was forgotten.
    pub(crate) fn recall(&mut self, record: &Arc<Record>) {
        let Some(key) = &record.key else { return };
        if let Entry::Vacant(vacant) = self.records.entry((key.tenant, key.digest)) {
            vacant.insert(Arc::clone(record));
            self.grow_older(record.lsn, key);
        }
    }

    /// The few keys of the switch itself stay.
    fn grow_older(&mut self, lsn: Lsn, key: &IdempotencyKey) {
        if key.tenant != TenantId::Switch {
            self.by_age.push_back((lsn, key.tenant, key.digest));
        }
    }

    /// Forgets the oldest key, if its record stands at or below `up_to`.
    pub(crate) fn forget_oldest(&mut self, up_to: Lsn) -> bool {
        let Some((lsn, tenant, digest)) = self.by_age.front().copied().filter(|(lsn, ..)| *lsn <= up_to) else {
            return false;
        };
        self.by_age.pop_front();
        // A key that was used again after it had ended has a later record.
        if self.records.get(&(tenant, digest)).is_some_and(|record| record.lsn == lsn) {
            self.records.remove(&(tenant, digest));
        }
        true
    }

    pub(crate) fn len(&self) -> usize {
        self.by_age.len()
    }

    fn drop_ended(&mut self, at: Timestamp) {
        for _ in 0..DROPPED_A_RECORD_MAX {
            let Some((lsn, tenant, digest)) = self.by_age.front().copied() else { return };
            let ended = match self.records.get(&(tenant, digest)) {
                Some(record) if record.lsn == lsn => self.has_ended(record, at),
                Some(_) | None => true,
            };
            if !ended {
                return;
            }
            self.forget_oldest(lsn);
        }
    }

    /// Those that exist at `at`, in no order.
    pub(crate) fn iter(&self, at: Timestamp) -> impl Iterator<Item = (&(TenantId, Digest), &Arc<Record>)> {
        self.records.iter().filter(move |(_, record)| !self.has_ended(record, at))
    }

    /// Keys first used from this record on are remembered for so long.
    pub(crate) fn set_term(&mut self, lsn: Lsn, key_ms: Option<i64>) {
        if self.terms.last().and_then(|(_, last)| *last) != key_ms {
            self.terms.push((lsn, key_ms));
        }
    }

    pub(crate) fn terms(&self) -> &[(Lsn, Option<i64>)] {
        &self.terms
    }

    pub(crate) fn stand_terms(&mut self, terms: Vec<(Lsn, Option<i64>)>) {
        self.terms = terms;
    }

    /// Whether the key of this record no longer exists, by the rules that it was first used under. The switch's own keys are
    /// for ever: what a start has done once is not done again.
    fn has_ended(&self, record: &Record, at: Timestamp) -> bool {
        if record.key.as_ref().is_some_and(|key| key.tenant == TenantId::Switch) {
            return false;
        }
        let at = planted::wall_clock(Bug::KeysByWallClock).map_or(at, Timestamp::from_micros);
        let before = self.terms.partition_point(|(from, _)| *from <= record.lsn);
        let term = before.checked_sub(1).and_then(|last| self.terms.get(last)).and_then(|(_, key_ms)| *key_ms);
        term.is_some_and(|key_ms| record.at.plus_millis(key_ms) <= at)
    }
}
