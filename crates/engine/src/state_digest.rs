//! One number for the whole state.

use alloc::{collections::BTreeMap, vec::Vec};
use core::fmt;

use domain::TenantId;

use crate::{Engine, payments::Payments};

/// Equal digests mean equal states. Not stored anywhere; two runs are compared by it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StateDigest([u8; 32]);

impl fmt::Debug for StateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Lower-case hexadecimal.
impl fmt::Display for StateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Engine {
    /// Digest of everything a later decision may depend on. Walks the whole state: for tests and audits.
    #[must_use]
    pub fn digest(&self) -> StateDigest {
        let mut hasher = Fields(blake3::Hasher::new());
        hasher.number(self.applied.get());
        hasher.signed(self.applied_at.micros());
        hasher.text(&alloc::format!("{:?} {:?}", self.initialized, self.policy));
        for name in self.parties.wallets() {
            hasher.text(name.as_str());
        }
        for merchant in self.parties.merchants() {
            hasher.text(&alloc::format!("{merchant:?}"));
        }
        let names: BTreeMap<_, _> = self.accounts.iter().map(|(name, row)| ((row.wallet, name), row)).collect();
        for ((wallet, name), account) in names {
            hasher.number(u64::from(wallet.0));
            hasher.text(name.as_str());
            hasher.number(account.id.packed());
            hasher.text(&alloc::format!("{:?} {:?}", account.wallet, account.state));
        }
        // House accounts come into being with their first posting, so an empty one and none are the same state.
        let balances: BTreeMap<_, _> = self.ledger.iter().filter(|(_, units)| *units != 0).collect();
        for (account, units) in balances {
            hasher.number(account.packed());
            hasher.bytes(&units.to_le_bytes());
        }
        for (pair, ticks) in self.tape.pairs() {
            hasher.text(&alloc::format!("{pair:?} {ticks:?}"));
        }
        let holds: BTreeMap<_, _> = self.ledger.holds().collect();
        hasher.text(&alloc::format!("{holds:?}"));
        let orders: BTreeMap<_, _> = self.payments.table.orders().collect();
        for ((merchant, digest), payment) in orders {
            hasher.number(u64::from(merchant.0));
            hasher.bytes(&digest.0);
            hasher.bytes(&payment.bytes());
        }
        let payments: BTreeMap<_, _> = self.payments.table.iter().collect();
        for (id, payment) in payments {
            hasher.text(&alloc::format!("{id} {payment:?}"));
        }
        let Payments { expiries, awaited, pending_refunds, table: _, settled: _, legs_of_late: _, open_by_card: _ } =
            &self.payments;
        hasher.text(&alloc::format!("{expiries:?} {awaited:?} {pending_refunds:?}"));
        hasher.text(&alloc::format!("{:?}", self.cards));
        hasher.text(&alloc::format!("{:?} {:?} {:?}", self.consents, self.offers, self.exposure));
        hasher.text(&alloc::format!("{:?}", self.keys.terms()));
        let keys: BTreeMap<_, _> = self.keys.iter(self.applied_at).collect();
        for ((tenant, digest), record) in keys {
            hasher.bytes(&tenant_bytes(tenant));
            hasher.bytes(&digest.0);
            // The whole record: a repeat is answered with it, and its fingerprint tells a repeat from another request.
            hasher.text(&alloc::format!("{record:?}"));
        }
        StateDigest(*hasher.0.finalize().as_bytes())
    }
}

/// Feeds values with their length, so that no two different sequences feed the same bytes.
struct Fields(blake3::Hasher);

impl Fields {
    fn number(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    fn signed(&mut self, number: i64) {
        self.bytes(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let length = u64::try_from(bytes.len()).expect("memory is smaller than 2^64 bytes");
        self.0.update(&length.to_le_bytes());
        self.0.update(bytes);
    }
}

fn tenant_bytes(tenant: TenantId) -> Vec<u8> {
    let (kind, number) = match tenant {
        TenantId::Operator => (0, 0),
        TenantId::Wallet(wallet) => (1, wallet.0),
        TenantId::Merchant(merchant) => (2, merchant.0),
        TenantId::Switch => (3, 0),
    };
    let mut bytes = alloc::vec![kind];
    bytes.extend_from_slice(&u32::to_le_bytes(number));
    bytes
}

#[cfg(test)]
mod tests;
