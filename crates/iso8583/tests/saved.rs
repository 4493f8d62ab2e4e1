//! Bytes that a fuzz target made, and others that are wrong in their own way, and that were kept.

#[path = "../../../fuzz/src/iso8583.rs"]
#[allow(unreachable_pub, reason = "it is public where a fuzz target calls it")]
mod target;

use std::{fs, path::Path};

#[test]
fn every_kept_message_is_refused_or_written_again_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/saved/iso8583");
    let mut read = 0;
    for entry in fs::read_dir(folder).expect("messages were kept") {
        let path = entry.expect("an entry").path();
        // Shown when something does not hold.
        println!("{}", path.display());
        target::run(&fs::read(path).expect("a file is read"));
        read += 1;
    }
    assert!(read > 0);
}
