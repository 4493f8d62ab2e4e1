//! Text that may be a configuration file: refused with a reason, or rules that are read again the same, and that
//! a record of the journal holds.
//!
//! Not a module of this library: it needs all of the daemon, whose own tests include this file, as the target does.

use std::sync::Arc;

use domain::{Command, Event, InstallPolicy, Lsn, Record, Timestamp};
use journal::RECORD_BYTES_MAX;

/// Reads these bytes as a configuration file.
///
/// # Panics
/// When something does not hold that must.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let policy = match payswitchd::rules_of(text) {
        Ok(policy) => Arc::new(policy),
        Err(why) => {
            assert!(!why.trim().is_empty(), "a refusal has a reason");
            return;
        }
    };
    assert_eq!(payswitchd::rules_of(text).as_ref(), Ok(&*policy), "read again the same");
    let record = Record {
        lsn: Lsn::new(2),
        at: Timestamp::from_micros(1),
        key: None,
        command: Command::InstallPolicy(InstallPolicy { policy }),
        event: Event::PolicyInstalled,
    };
    let mut written = Vec::new();
    wire::journal::encode(&record, &mut written);
    assert!(written.len() <= RECORD_BYTES_MAX, "the rules are one record");
    assert_eq!(wire::journal::decode(&written).expect("it was written"), record);
}
