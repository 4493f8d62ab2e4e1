//! The keys a receipt is checked with.

use std::fs;

use wire::receipts::PUBLIC_KEY_BYTES;
use wire::v1::ListKeysResponse;

/// One public key, for receipts whatever number they name, or several by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublicKeys {
    /// As given: it is the caller's word that it is the right one.
    One([u8; PUBLIC_KEY_BYTES]),
    /// As the switch listed them.
    ByNumber(Vec<(u32, [u8; PUBLIC_KEY_BYTES])>),
}

impl PublicKeys {
    /// The key to check a receipt with that names this number.
    pub(super) fn by_id(&self, key_id: u32) -> Option<[u8; PUBLIC_KEY_BYTES]> {
        match self {
            Self::One(key) => Some(*key),
            Self::ByNumber(keys) => keys.iter().find_map(|(number, key)| (*number == key_id).then_some(*key)),
        }
    }
}

/// Reads a key in hexadecimal digits, or else a file with one, or with the list of the switch's keys.
pub(super) fn public_keys_argument(text: &str) -> Result<PublicKeys, String> {
    if let Some(key) = from_hex(text) {
        return Ok(PublicKeys::One(key));
    }
    let content = fs::read_to_string(text)
        .map_err(|error| format!("it is neither 64 hexadecimal digits nor a file that can be read: {error}"))?;
    from_content(&content)
}

fn from_content(content: &str) -> Result<PublicKeys, String> {
    if let Some(key) = from_hex(content.trim()) {
        return Ok(PublicKeys::One(key));
    }
    let listed = serde_json::from_str(content)
        .map_err(|_| "the file holds neither 64 hexadecimal digits nor what `receipt keys --json` prints".to_owned())?;
    listed_keys(listed)
}

/// The keys as the switch listed them.
pub(super) fn listed_keys(listed: ListKeysResponse) -> Result<PublicKeys, String> {
    let read = |key: wire::v1::ReceiptKey| {
        let bytes = <[u8; PUBLIC_KEY_BYTES]>::try_from(key.public_key.as_slice());
        bytes
            .map(|bytes| (key.key_id, bytes))
            .map_err(|_| format!("key {} has not {PUBLIC_KEY_BYTES} bytes", key.key_id))
    };
    let keys: Vec<_> = listed.keys.into_iter().map(read).collect::<Result<_, _>>()?;
    if keys.is_empty() { Err("no key is listed".to_owned()) } else { Ok(PublicKeys::ByNumber(keys)) }
}

fn from_hex(text: &str) -> Option<[u8; PUBLIC_KEY_BYTES]> {
    if text.len() != PUBLIC_KEY_BYTES * 2 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; PUBLIC_KEY_BYTES];
    for (byte, place) in key.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use wire::v1::ReceiptKey;

    use super::*;

    /// Of RFC 8032, section 7.1, test 1.
    const HEX: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    #[test]
    fn a_key_is_digits_or_a_file() {
        let PublicKeys::One(key) = public_keys_argument(HEX).unwrap() else { panic!("one key") };
        assert_eq!((key[0], key[31]), (0xd7, 0x1a));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("receipt.pub");
        fs::write(&path, format!("{HEX}\n")).unwrap();
        assert_eq!(public_keys_argument(path.to_str().unwrap()), Ok(PublicKeys::One(key)));
        for wrong in ["", "d75a", &HEX.replace('d', "g"), "no/such/file"] {
            assert!(public_keys_argument(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn listed_keys_are_known_by_number() {
        let list = |keys| serde_json::to_string(&ListKeysResponse { keys }).unwrap();
        let key = |key_id: u32, byte: u8| ReceiptKey { key_id, public_key: vec![byte; PUBLIC_KEY_BYTES] };
        let keys = from_content(&list(vec![key(2, 7), key(1, 8)])).unwrap();
        assert_eq!(
            [1, 2, 3].map(|id| keys.by_id(id)),
            [Some([8; PUBLIC_KEY_BYTES]), Some([7; PUBLIC_KEY_BYTES]), None]
        );
        assert!(from_content(&list(Vec::new())).is_err());
        assert!(from_content(&list(vec![ReceiptKey { key_id: 1, public_key: vec![0; 31] }])).is_err());
    }
}
