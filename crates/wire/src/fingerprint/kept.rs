//! Digests of fields that say the same in many requests: which wallet, which currency.
//!
//! Only of those: how fast a request is answered could tell whether another said the same a moment ago, and of a wallet or
//! a currency that is no secret. What a payer, an order or an amount is, nobody is to find out so.

use std::cell::RefCell;

use domain::Method;

use crate::digest::Digester;

/// How many digests a thread keeps.
const DIGESTS_KEPT: usize = 64;
/// The longest value whose digest is kept, in bytes.
const VALUE_BYTES_MAX: usize = 32;

thread_local! {
    static DIGESTS: RefCell<[Option<Kept>; DIGESTS_KEPT]> = const { RefCell::new([const { None }; DIGESTS_KEPT]) };
}

/// A digest, and all it was made of.
struct Kept {
    digester: u64,
    method: Method,
    name: &'static str,
    value: [u8; VALUE_BYTES_MAX],
    value_bytes: usize,
    digest: u32,
}

impl Kept {
    fn is_of(&self, digester: &Digester, method: Method, name: &str, value: &[u8]) -> bool {
        self.digester == digester.number()
            && self.method == method
            && self.name == name
            && self.value.get(..self.value_bytes) == Some(value)
    }
}

/// Whether a field of this name says the same in many requests.
pub(super) fn repeats(name: &str) -> bool {
    name == "payer.wallet_id" || name.ends_with(".currency_code")
}

/// [`field`](super::field), made once for as long as the same is asked for.
pub(super) fn field(digester: &Digester, method: Method, name: &'static str, value: &[u8]) -> u32 {
    let make = || super::field(digester, method, name, value);
    if value.len() > VALUE_BYTES_MAX {
        return make();
    }
    DIGESTS.with_borrow_mut(|digests| {
        let Some(place) = digests.get_mut(place(method, name, value)) else { return make() };
        match place {
            Some(kept) if kept.is_of(digester, method, name, value) => kept.digest,
            Some(_) | None => {
                let (digest, mut bytes) = (make(), [0; VALUE_BYTES_MAX]);
                bytes.iter_mut().zip(value).for_each(|(byte, of_value)| *byte = *of_value);
                let (digester, value_bytes) = (digester.number(), value.len());
                *place = Some(Kept { digester, method, name, value: bytes, value_bytes, digest });
                digest
            }
        }
    })
}

/// Spreads the few values there are; two in one place only take turns.
fn place(method: Method, name: &str, value: &[u8]) -> usize {
    let ends = [value.first(), value.last()].map(|byte| byte.copied().map_or(0, usize::from));
    let [first, last] = ends;
    (usize::from(method.number()) + name.len() * 3 + value.len() * 5 + first * 7 + last * 11) % DIGESTS_KEPT
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fingerprint::field_names;

    fn repeating() -> Vec<(Method, &'static str)> {
        let all =
            Method::ALL.into_iter().flat_map(|method| field_names(method).iter().map(move |name| (method, *name)));
        all.filter(|(_, name)| repeats(name)).collect()
    }

    #[test]
    fn nothing_that_tells_of_a_payer_or_an_order_is_kept() {
        let mut names: Vec<_> = repeating().into_iter().map(|(_, name)| name).collect();
        names.retain(|name| !name.ends_with("currency_code"));
        assert_eq!(names, ["payer.wallet_id"]);
    }

    proptest! {
        /// Few places, short values and two secrets, so that many meet in one place and come back after others.
        #[test]
        fn a_kept_digest_is_the_digest(asked in prop::collection::vec(
            (any::<bool>(), prop::sample::select(repeating()), prop_oneof![
                9 => "[ab]{0,3}",
                1 => "[ab]{30,34}",
            ]),
            1..400,
        )) {
            let digesters = [Digester::new([7; 32]), Digester::new([8; 32])];
            for (second, (method, name), value) in asked {
                let digester = &digesters[usize::from(second)];
                let made = super::super::field(digester, method, name, value.as_bytes());
                prop_assert_eq!(field(digester, method, name, value.as_bytes()), made, "{:?} {} {:?}", method, name, value);
            }
        }
    }
}
