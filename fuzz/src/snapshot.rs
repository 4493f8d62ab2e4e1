//! Bytes that may be the parts of a snapshot: refused, or read as what is written and read again the same, and taken in by an
//! engine or not, whatever comes in which order.

/// Reads these bytes as parts, each behind its length, and has an engine take them in.
///
/// # Panics
/// When something does not hold that must.
pub fn run(bytes: &[u8]) {
    let (mut rest, mut engine) = (bytes, engine::Engine::default());
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((part, next)) = behind.split_at_checked(length) else { return };
        let Ok(standing) = wire::journal::standing::decode(part) else { return };
        let mut written = Vec::new();
        wire::journal::standing::encode(&standing, &mut written);
        assert_eq!(wire::journal::standing::decode(&written).expect("it was written"), standing);
        if engine.stand(standing).is_err() {
            return;
        }
        rest = next;
    }
}
