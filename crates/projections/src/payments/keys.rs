//! Payments by the key they were asked under.

use dashmap::DashMap;
use domain::{Command, Digest, Lsn, PaymentId, Record, TenantId};
use foldhash::fast::RandomState;
use index::Index;

use crate::IndexError;

/// What was recorded last under each key.
#[derive(Debug, Default)]
pub(super) struct Keys {
    entries: DashMap<(TenantId, Digest), Keyed, RandomState>,
}

#[derive(Clone, Copy, Debug)]
struct Keyed {
    lsn: Lsn,
    /// The payment, if one was asked for.
    payment_id: Option<PaymentId>,
}

impl Keys {
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn enter(&self, record: &Record) {
        if let Some(key) = &record.key {
            let keyed = Keyed { lsn: record.lsn, payment_id: asked_for(record) };
            self.entries.insert((key.tenant, key.digest), keyed);
        }
    }

    /// Drops the key of this record, unless it was used again since.
    pub(super) fn forget(&self, record: &Record) {
        if let Some(key) = &record.key {
            self.entries.remove_if(&(key.tenant, key.digest), |_, keyed| keyed.lsn == record.lsn);
        }
    }

    /// The payment that was asked for under this key.
    pub(super) fn payment(
        &self,
        index: Option<&Index>,
        tenant: TenantId,
        digest: Digest,
    ) -> Result<Option<PaymentId>, IndexError> {
        if let Some(keyed) = self.entries.get(&(tenant, digest)).map(|keyed| *keyed) {
            return Ok(keyed.payment_id);
        }
        let Some(index) = index else { return Ok(None) };
        let Some(lsn) = index.record_under_key(tenant, &digest)? else { return Ok(None) };
        Ok(asked_for(&index.record_led_to(lsn)?.part_under(tenant, &digest)))
    }
}

fn asked_for(record: &Record) -> Option<PaymentId> {
    if let Command::AuthorizePayment(command) = &record.command { Some(command.payment_id) } else { None }
}
