//! Bytes that may be a record of the journal: refused, or read as one that is written and read again the same. Records of one
//! payment are read without a message; by their message they are the same.

/// Field 15 of a record, an integer. No record has it, and what is not known is left to the messages.
const UNKNOWN_FIELD: [u8; 2] = [0x78, 0x01];

/// Reads these bytes as a record.
///
/// # Panics
/// When something does not hold that must.
pub fn run(bytes: &[u8]) {
    let Ok(record) = wire::journal::decode(bytes) else { return };
    let by_message = wire::journal::decode(&[bytes, &UNKNOWN_FIELD].concat());
    assert_eq!(by_message.expect("a field that is not known is passed over"), record);
    let mut written = Vec::new();
    wire::journal::encode(&record, &mut written);
    assert_eq!(wire::journal::decode(&written).expect("it was written"), record);
}
