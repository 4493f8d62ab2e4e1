//! Bytes that a fuzz target chose steps by, and that were kept.

use std::{fs, path::Path};

use crate::operations;

#[test]
fn every_kept_sequence_is_as_the_model_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/saved/operations");
    let mut read = 0;
    for entry in fs::read_dir(folder).expect("sequences were kept") {
        let path = entry.expect("an entry").path();
        // Shown when something does not hold.
        println!("{}", path.display());
        operations::run(&fs::read(path).expect("a file is read"));
        read += 1;
    }
    assert!(read > 0);
}
