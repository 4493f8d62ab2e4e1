//! Bytes that may be a record of the journal: refused, or read as one that is written and read again the same.

/// Reads these bytes as a record.
///
/// # Panics
/// When something does not hold that must.
pub fn run(bytes: &[u8]) {
    let Ok(record) = wire::journal::decode(bytes) else { return };
    let mut written = Vec::new();
    wire::journal::encode(&record, &mut written);
    assert_eq!(wire::journal::decode(&written).expect("it was written"), record);
}
