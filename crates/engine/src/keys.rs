//! Idempotency: what was answered under each key.

use alloc::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    vec::Vec,
};
use core::hash::BuildHasher;

use domain::{Digest, IdempotencyKey, Lsn, Record, Refusal, TenantId, Timestamp};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use planted::Bug;

/// So many keys that have ended are dropped with each record.
const DROPPED_A_RECORD_MAX: usize = 4;

/// Keys are keyed digests, so a fixed hasher cannot be aimed at; the tables are only looked up, never walked in order.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    /// The keys in the order they came into memory, with the record each had then.
    by_age: VecDeque<Keyed>,
    /// How many were dropped from the front of that line.
    dropped: u64,
    /// Leads to the last place of each key in the line, by the lower half of its number counted from the first there ever was.
    places: HashTable<u32>,
    /// The few keys of the switch itself stay.
    of_switch: BTreeMap<Digest, Arc<Record>>,
    /// How long keys first used from a record on are remembered, in milliseconds; before the first of these, for ever.
    terms: Vec<(Lsn, Option<i64>)>,
}

/// A key with its record. What decides whether it has ended stands beside it, so that the record is not looked at for that.
#[derive(Debug)]
struct Keyed {
    tenant: TenantId,
    digest: Digest,
    lsn: Lsn,
    at: Timestamp,
    record: Arc<Record>,
}

impl Keys {
    /// The record made under this key, if the key has not ended by `at`.
    pub(crate) fn find(&self, at: Timestamp, key: &IdempotencyKey) -> Result<Option<&Arc<Record>>, Refusal> {
        let Some(record) = self.record(at, key) else { return Ok(None) };
        let first = record.key.as_ref().expect("only records with a key are remembered by key");
        match first.fingerprint.difference(&key.fingerprint) {
            None => Ok(Some(record)),
            Some(difference) => Err(Refusal::KeyReused { method: key.fingerprint.method, difference }),
        }
    }

    pub(crate) fn is_known(&self, tenant: TenantId, digest: &Digest) -> bool {
        self.keyed(tenant, *digest).is_some() || (tenant == TenantId::Switch && self.of_switch.contains_key(digest))
    }

    /// Remembers a record under its key, in the place of one that has ended; drops some that have.
    pub(crate) fn remember(&mut self, record: &Arc<Record>) {
        self.drop_ended(record.at);
        let Some(key) = &record.key else { return };
        if planted::is(Bug::ForgetsKeysOfDeclines) && record.event.decline().is_some() {
            return;
        }
        assert!(self.record(record.at, key).is_none(), "a key has one record at a time");
        self.put(key, record);
    }

    /// Takes back the record of a key that was forgotten.
    pub(crate) fn recall(&mut self, record: &Arc<Record>) {
        if let Some(key) = &record.key
            && !self.is_known(key.tenant, &key.digest)
        {
            self.put(key, record);
        }
    }

    fn put(&mut self, key: &IdempotencyKey, record: &Arc<Record>) {
        let IdempotencyKey { tenant, digest, .. } = *key;
        if tenant == TenantId::Switch {
            self.of_switch.insert(digest, Arc::clone(record));
            return;
        }
        let place = low_half(self.dropped + self.by_age.len() as u64);
        let keyed = Keyed { tenant, digest, lsn: record.lsn, at: record.at, record: Arc::clone(record) };
        let Self { by_age, dropped, places, .. } = self;
        let hash = hash_of(tenant, digest);
        match places.find_mut(hash, |place| in_line(by_age, *dropped, *place).is_of(tenant, digest)) {
            Some(earlier) => *earlier = place,
            None => {
                let hash_again = |place: &u32| in_line(by_age, *dropped, *place).hash();
                places.insert_unique(hash, place, hash_again);
            }
        }
        by_age.push_back(keyed);
    }

    /// Forgets the oldest key, if its record stands at or below `up_to`.
    pub(crate) fn forget_oldest(&mut self, up_to: Lsn) -> bool {
        if self.by_age.front().is_none_or(|oldest| oldest.lsn > up_to) {
            return false;
        }
        let Some(oldest) = self.by_age.pop_front() else { return false };
        // A key that was used again after it had ended has a later place.
        let place = low_half(self.dropped);
        if let Ok(found) = self.places.find_entry(oldest.hash(), |other| *other == place) {
            found.remove();
        }
        self.dropped += 1;
        true
    }

    pub(crate) fn len(&self) -> usize {
        self.by_age.len()
    }

    fn drop_ended(&mut self, at: Timestamp) {
        for _ in 0..DROPPED_A_RECORD_MAX {
            let Some(oldest) = self.by_age.front().filter(|oldest| self.has_ended(oldest, at)) else { return };
            let lsn = oldest.lsn;
            self.forget_oldest(lsn);
        }
    }

    /// Those that exist at `at`, in no order.
    pub(crate) fn iter(&self, at: Timestamp) -> impl Iterator<Item = ((TenantId, Digest), &Arc<Record>)> {
        let places = self.places.iter().map(|place| in_line(&self.by_age, self.dropped, *place));
        let existing = places.filter(move |keyed| !self.has_ended(keyed, at));
        let of_switch = self.of_switch.iter().map(|(digest, record)| ((TenantId::Switch, *digest), record));
        existing.map(|keyed| ((keyed.tenant, keyed.digest), &keyed.record)).chain(of_switch)
    }

    /// The record of this key, whatever was asked under it, if the key has not ended by `at`.
    fn record(&self, at: Timestamp, key: &IdempotencyKey) -> Option<&Arc<Record>> {
        if key.tenant == TenantId::Switch {
            return self.of_switch.get(&key.digest);
        }
        let keyed = self.keyed(key.tenant, key.digest);
        keyed.filter(|keyed| !self.has_ended(keyed, at)).map(|keyed| &keyed.record)
    }

    /// The last place of this key in the line.
    fn keyed(&self, tenant: TenantId, digest: Digest) -> Option<&Keyed> {
        let in_line = |place: &u32| in_line(&self.by_age, self.dropped, *place);
        self.places.find(hash_of(tenant, digest), |place| in_line(place).is_of(tenant, digest)).map(in_line)
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

    /// Whether a key no longer exists, by the rules that it was first used under. The switch's own keys are for ever: what a
    /// start has done once is not done again.
    fn has_ended(&self, keyed: &Keyed, at: Timestamp) -> bool {
        let at = planted::wall_clock(Bug::KeysByWallClock).map_or(at, Timestamp::from_micros);
        let before = self.terms.partition_point(|(from, _)| *from <= keyed.lsn);
        let term = before.checked_sub(1).and_then(|last| self.terms.get(last)).and_then(|(_, key_ms)| *key_ms);
        term.is_some_and(|key_ms| keyed.at.plus_millis(key_ms) <= at)
    }
}

impl Keyed {
    fn hash(&self) -> u64 {
        hash_of(self.tenant, self.digest)
    }

    fn is_of(&self, tenant: TenantId, digest: Digest) -> bool {
        self.tenant == tenant && self.digest == digest
    }
}

fn hash_of(tenant: TenantId, digest: Digest) -> u64 {
    FixedState::default().hash_one((tenant, u128::from_le_bytes(digest.0)))
}

/// The key in this place of the line. The line is far shorter than 2^32.
fn in_line(by_age: &VecDeque<Keyed>, dropped: u64, place: u32) -> &Keyed {
    let position = place.wrapping_sub(low_half(dropped));
    &by_age[usize::try_from(position).expect("a place in memory fits usize")]
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
const fn low_half(number: u64) -> u32 {
    number as u32
}
