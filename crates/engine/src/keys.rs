//! Idempotency: what was answered under each key.

use alloc::sync::Arc;

use domain::{Digest, IdempotencyKey, Record, Refusal, TenantId};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use planted::Bug;

/// Keys are keyed digests, so a fixed hasher cannot be aimed at; the map is only looked up, never walked in order.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    records: HashMap<(TenantId, Digest), Arc<Record>, FixedState>,
}

impl Keys {
    /// The record made under this key, if any.
    pub(crate) fn find(&self, key: &IdempotencyKey) -> Result<Option<&Arc<Record>>, Refusal> {
        let Some(record) = self.records.get(&(key.tenant, key.digest)) else { return Ok(None) };
        let first = record.key.as_ref().expect("only records with a key are remembered by key");
        match first.fingerprint.difference(&key.fingerprint) {
            None => Ok(Some(record)),
            Some(difference) => Err(Refusal::KeyReused { method: key.fingerprint.method, difference }),
        }
    }

    /// Remembers a record under its key.
    pub(crate) fn remember(&mut self, record: &Arc<Record>) {
        let Some(key) = &record.key else { return };
        if planted::is(Bug::ForgetsKeysOfDeclines) && record.event.decline().is_some() {
            return;
        }
        let earlier = self.records.insert((key.tenant, key.digest), Arc::clone(record));
        assert!(earlier.is_none(), "a key has one record");
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&(TenantId, Digest), &Arc<Record>)> {
        self.records.iter()
    }
}
