//! Configuration files that a fuzz target made, and others that are wrong in their own way, and that were kept.

#[path = "../../../fuzz/src/config.rs"]
#[allow(unreachable_pub, reason = "it is public where a fuzz target calls it")]
mod config;

use std::{fs, path::Path};

#[test]
fn every_kept_configuration_is_refused_or_rules_that_a_record_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/saved/config");
    let mut read = 0;
    for entry in fs::read_dir(folder).expect("configurations were kept") {
        let path = entry.expect("an entry").path();
        // Shown when something does not hold.
        println!("{}", path.display());
        config::run(&fs::read(path).expect("a file is read"));
        read += 1;
    }
    assert!(read > 0);
}
