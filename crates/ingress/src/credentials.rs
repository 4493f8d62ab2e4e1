//! Who calls. Known from the credential alone.

use std::{collections::BTreeMap, sync::Arc};

use domain::{ApiKeyHash, MerchantId, Mode, WalletId};
use pipeline::Directory;
use subtle::ConstantTimeEq;
use tonic::{Status, metadata::MetadataMap};
use wire::digest::Digester;

use crate::errors;

/// Every key of a sandbox begins with this, and no other daemon accepts a key that does.
pub const SANDBOX_KEY_PREFIX: &str = "sandbox_";

/// The longest API key, in bytes: hashing a longer one would be the caller's work on our time.
const API_KEY_BYTES_MAX: usize = 128;

/// A party with a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// Asks for payments.
    Merchant(MerchantId),
    /// Keeps accounts.
    Wallet(WalletId),
    /// Runs the switch.
    Operator,
}

/// The credentials in force. Keys are looked up by their keyed hash: who cannot make the hash learns nothing from how
/// long a look-up takes.
#[derive(Debug)]
pub struct Credentials {
    digester: Arc<Digester>,
    directory: Arc<Directory>,
    /// They are few: one is found by fewer steps than it takes to spread their hashes once more.
    wallets: BTreeMap<[u8; 32], WalletId>,
    operator: ApiKeyHash,
    mode: Mode,
}

impl Credentials {
    /// The operator's and the wallet operators' keys as configured; merchants' keys are in the directory.
    #[must_use]
    pub fn new(
        mode: Mode,
        digester: Arc<Digester>,
        directory: Arc<Directory>,
        operator: ApiKeyHash,
        wallets: impl IntoIterator<Item = (ApiKeyHash, WalletId)>,
    ) -> Self {
        let wallets = wallets.into_iter().map(|(hash, wallet)| (hash.0, wallet)).collect();
        Self { digester, directory, wallets, operator, mode }
    }

    /// The merchant that calls.
    pub(crate) fn merchant(&self, metadata: &MetadataMap) -> Result<MerchantId, Status> {
        match self.principal(metadata)? {
            Principal::Merchant(merchant) => Ok(merchant),
            Principal::Wallet(_) | Principal::Operator => Err(errors::not_for_this_principal("merchants")),
        }
    }

    /// The wallet operator that calls.
    pub(crate) fn wallet(&self, metadata: &MetadataMap) -> Result<WalletId, Status> {
        match self.principal(metadata)? {
            Principal::Wallet(wallet) => Ok(wallet),
            Principal::Merchant(_) | Principal::Operator => Err(errors::not_for_this_principal("wallet operators")),
        }
    }

    /// That the operator calls.
    pub(crate) fn operator(&self, metadata: &MetadataMap) -> Result<(), Status> {
        match self.principal(metadata)? {
            Principal::Operator => Ok(()),
            Principal::Merchant(_) | Principal::Wallet(_) => {
                Err(errors::not_for_this_principal("the switch's operator"))
            }
        }
    }

    /// Whoever calls.
    pub(crate) fn principal(&self, metadata: &MetadataMap) -> Result<Principal, Status> {
        let header = metadata.get("authorization").ok_or_else(errors::credential_missing)?;
        let key = header.to_str().ok().and_then(bearer).ok_or_else(errors::credential_malformed)?;
        self.lookup(key).ok_or_else(errors::credential_unknown)
    }

    /// Whether a caller could ever use this key here.
    pub(crate) fn may_be_registered(&self, key: &str) -> bool {
        self.mode == Mode::Sandbox || !key.starts_with(SANDBOX_KEY_PREFIX)
    }

    /// Whose key this is.
    pub(crate) fn lookup(&self, key: &str) -> Option<Principal> {
        if !self.may_be_registered(key) {
            return None;
        }
        let hash = self.digester.api_key_hash(key);
        if bool::from(hash.0.ct_eq(&self.operator.0)) {
            return Some(Principal::Operator);
        }
        if let Some(wallet) = self.wallets.get(&hash.0) {
            return Some(Principal::Wallet(*wallet));
        }
        self.directory.credential(&hash).map(Principal::Merchant)
    }
}

/// The key in an `authorization` header of the form `Bearer <key>` (RFC 6750, section 2.1; the scheme in any case).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.split_once(' ')?;
    let well_formed = scheme.eq_ignore_ascii_case("bearer") && !key.is_empty() && key.len() <= API_KEY_BYTES_MAX;
    well_formed.then_some(key)
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn a_bearer_header_is_scheme_space_key() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer abc"), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("Bearer "), None);
        assert_eq!(bearer("Bearer"), None);
        assert_eq!(bearer(&format!("Bearer {}", "k".repeat(129))), None);
    }
}
