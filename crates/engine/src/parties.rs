//! Wallet operators and merchants.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use domain::{MerchantId, Name, Refusal, RegisterMerchant, RegisterWallet, WalletId};

#[derive(Clone, Debug, Default)]
pub(crate) struct Parties {
    wallets: Vec<Name>,
    wallet_names: BTreeMap<Name, WalletId>,
    merchants: Vec<RegisterMerchant>,
    merchant_names: BTreeMap<Name, MerchantId>,
    api_keys: BTreeSet<[u8; 32]>,
}

impl Parties {
    pub(crate) fn register_wallet(&self, register: &RegisterWallet) -> Result<WalletId, Refusal> {
        match self.wallet_names.contains_key(&register.name) {
            true => Err(Refusal::WalletExists),
            false => Ok(WalletId(next_number(self.wallets.len()))),
        }
    }

    pub(crate) fn wallet_registered(&mut self, register: &RegisterWallet, wallet: WalletId) {
        assert!(wallet.0 == next_number(self.wallets.len()), "wallet operators are numbered without gaps");
        self.wallets.push(register.name.clone());
        self.wallet_names.insert(register.name.clone(), wallet);
    }

    pub(crate) fn has_wallet(&self, wallet: WalletId) -> bool {
        wallet.0 < next_number(self.wallets.len())
    }

    pub(crate) fn register_merchant(&self, register: &RegisterMerchant) -> Result<MerchantId, Refusal> {
        if self.merchant_names.contains_key(&register.name) {
            return Err(Refusal::MerchantExists);
        }
        if self.api_keys.contains(&register.api_key_hash.0) {
            return Err(Refusal::ApiKeyTaken);
        }
        Ok(MerchantId(next_number(self.merchants.len())))
    }

    pub(crate) fn merchant_registered(&mut self, register: &RegisterMerchant, merchant: MerchantId) {
        assert!(merchant.0 == next_number(self.merchants.len()), "merchants are numbered without gaps");
        self.merchants.push(register.clone());
        self.merchant_names.insert(register.name.clone(), merchant);
        self.api_keys.insert(register.api_key_hash.0);
    }

    pub(crate) fn merchant(&self, merchant: MerchantId) -> Option<&RegisterMerchant> {
        self.merchants.get(usize::try_from(merchant.0).ok()?)
    }

    pub(crate) fn wallets(&self) -> &[Name] {
        &self.wallets
    }

    pub(crate) fn merchants(&self) -> &[RegisterMerchant] {
        &self.merchants
    }
}

/// The number the next of its kind gets.
pub(crate) fn next_number(so_far: usize) -> u32 {
    u32::try_from(so_far).expect("fewer than 2^32 of a kind: each takes a record and memory long before")
}
