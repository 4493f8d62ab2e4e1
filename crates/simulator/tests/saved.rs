//! Hostile bytes that fuzz targets made, and that were kept: what must hold of them holds still.

#[path = "../../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "it is public where a fuzz target calls it")]
mod fuzz;

use std::{fs, path::Path};

fn check(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/saved").join(target);
    let mut read = 0;
    for entry in fs::read_dir(folder).expect("bytes were kept") {
        let path = entry.expect("an entry").path();
        // Shown when something does not hold.
        println!("{}", path.display());
        run(&fs::read(path).expect("a file is read"));
        read += 1;
    }
    assert!(read > 0, "{target}");
}

#[test]
fn every_kept_journal_is_read_cut_or_called_damaged() {
    check("journal", fuzz::journal::run);
}

#[test]
fn every_kept_record_is_refused_or_written_again_the_same() {
    check("record", fuzz::record::run);
}

#[test]
fn every_kept_message_is_refused_or_parsed() {
    check("requests", fuzz::requests::run);
}

#[test]
fn every_kept_snapshot_is_refused_or_stands() {
    check("snapshot", fuzz::snapshot::run);
}

#[test]
fn every_kept_text_is_refused_or_shown_again_the_same() {
    check("text", fuzz::text::run);
}
