//! The names and keys every sandbox has. They are public, so they protect nothing: a daemon outside sandbox mode refuses
//! them, and a sandbox's ledger is refused by a daemon that is not one.

/// The wallet operator of the sandbox's accounts.
pub const WALLET_ID: &str = "demo-wallet";

/// Merchants and their API keys.
pub const MERCHANT_KEYS: [(&str, &str); 3] = [
    ("demo-cafe", "sandbox_merchant_demo-cafe_0000000000000000"),
    ("hk-books", "sandbox_merchant_hk-books_0000000000000000"),
    ("ph-tours", "sandbox_merchant_ph-tours_0000000000000000"),
];

/// API key of the wallet operator [`WALLET_ID`].
pub const WALLET_KEY: &str = "sandbox_wallet_demo-wallet_0000000000000000";

/// API key of the switch's operator.
pub const OPERATOR_KEY: &str = "sandbox_operator_0000000000000000000000000";

/// The API key of this merchant, if the sandbox has it.
#[must_use]
pub fn merchant_key(merchant_id: &str) -> Option<&'static str> {
    MERCHANT_KEYS.into_iter().find_map(|(merchant, key)| (merchant == merchant_id).then_some(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ApiKey;

    #[test]
    fn every_sandbox_key_is_a_valid_key() {
        let merchants = MERCHANT_KEYS.into_iter().map(|(_, key)| key);
        for key in merchants.chain([WALLET_KEY, OPERATOR_KEY]) {
            assert!(key.parse::<ApiKey>().is_ok(), "{key}");
        }
    }

    #[test]
    fn a_merchant_the_sandbox_does_not_have_has_no_key() {
        assert_eq!(merchant_key("hk-books"), Some(MERCHANT_KEYS[1].1));
        assert_eq!(merchant_key("elsewhere"), None);
    }
}
