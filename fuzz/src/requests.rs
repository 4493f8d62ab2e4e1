//! Bytes that may be a caller's message: refused, or parsed, and never a panic. The first byte says which message.

use std::sync::OnceLock;

use domain::{MerchantId, PaymentId};
use prost::Message;
use wire::{
    digest::Digester,
    quote_token::{QuoteKey, QuoteTokens},
    requests, v1,
};

const SECRET: [u8; 32] = [7; 32];

fn keys() -> &'static (Digester, QuoteTokens) {
    static KEYS: OnceLock<(Digester, QuoteTokens)> = OnceLock::new();
    KEYS.get_or_init(|| {
        let tokens = QuoteTokens::new(QuoteKey::new(1, &SECRET), []).expect("there is one key");
        (Digester::new(SECRET), tokens)
    })
}

/// Reads these bytes as a message.
///
/// # Panics
/// When something does not hold that must.
pub fn run(bytes: &[u8]) {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let (digester, tokens) = keys();
    match which % 3 {
        0 => {
            let Ok(message) = v1::AuthorizeRequest::decode(bytes) else { return };
            let payment_id = PaymentId::from_bytes([1; 16]);
            let _parsed = requests::payment_request(&message, MerchantId(0), payment_id, tokens, digester);
        }
        1 => {
            let Ok(message) = v1::CreateRequest::decode(bytes) else { return };
            let _parsed = requests::quote(&message);
        }
        _ => {
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(tokens.verify(&text), None, "nobody but the switch signs quotes");
        }
    }
}
