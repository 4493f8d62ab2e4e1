//! Bytes that may be a record of the journal: refused, or read as one that is written and read again the same.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(record) = wire::journal::decode(bytes) else { return };
    let mut written = Vec::new();
    wire::journal::encode(&record, &mut written);
    assert_eq!(wire::journal::decode(&written).expect("it was written"), record);
});
