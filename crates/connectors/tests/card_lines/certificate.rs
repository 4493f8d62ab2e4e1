//! A certificate for 127.0.0.1 that vouches for itself, made anew each time: no key lies about.

use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};

/// The certificate and its key, in DER (RFC 5280, RFC 5958).
pub(crate) struct Certified {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The context's own tags 0, 3 and, primitive, 7: a certificate's version, its extensions, an address among names.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const IP_ADDRESS: u8 = 0x87;

/// Object identifiers, with tag and length.
const ECDSA_WITH_SHA256: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const EC_PUBLIC_KEY: &[u8] = &[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const PRIME256V1: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const SUBJECT_NAME: &[u8] = &[0x06, 3, 0x55, 4, 3];
const SUBJECT_ALTERNATIVE_NAME: &[u8] = &[0x06, 3, 0x55, 0x1d, 17];

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [high, low] = u16::try_from(content.len()).expect("a certificate is small").to_be_bytes();
    let length = match content.len() {
        0..128 => vec![low],
        128..256 => vec![0x81, low],
        _ => vec![0x82, high, low],
    };
    [&[tag], &length[..], &content].concat()
}

/// One that is valid in this century.
pub(crate) fn certified() -> Certified {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref(), &random).expect("its pair");
    let signing = der(SEQUENCE, &[ECDSA_WITH_SHA256]);
    let subject_name = der(SEQUENCE, &[SUBJECT_NAME, &der(UTF8_STRING, &[b"a network of tests"])]);
    let name = der(SEQUENCE, &[&der(SET, &[&subject_name])]);
    let validity = der(SEQUENCE, &[&der(UTC_TIME, &[b"000101000000Z"]), &der(GENERALIZED_TIME, &[b"20991231235959Z"])]);
    let point = der(BIT_STRING, &[&[0], pair.public_key().as_ref()]);
    let public_key = der(SEQUENCE, &[&der(SEQUENCE, &[EC_PUBLIC_KEY, PRIME256V1]), &point]);
    let names = der(SEQUENCE, &[&der(IP_ADDRESS, &[&[127, 0, 0, 1]])]);
    let extension = der(SEQUENCE, &[SUBJECT_ALTERNATIVE_NAME, &der(OCTET_STRING, &[&names])]);
    let told = der(
        SEQUENCE,
        &[
            &der(VERSION, &[&der(INTEGER, &[&[2]])]),
            &der(INTEGER, &[&[1]]),
            &signing,
            &name,
            &validity,
            &name,
            &public_key,
            &der(EXTENSIONS, &[&der(SEQUENCE, &[&extension])]),
        ],
    );
    let signature = pair.sign(&random, &told).expect("a signature");
    let certificate = der(SEQUENCE, &[&told, &signing, &der(BIT_STRING, &[&[0], signature.as_ref()])]);
    Certified { certificate, key: key.as_ref().to_vec() }
}
