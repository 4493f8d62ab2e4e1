//! What the README says was counted is what the proofs left.

use std::{fs, path::Path};

#[test]
fn the_readme_shows_the_report_of_the_counts_beside_it() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(here.join("README.md")).expect("the README is text");
    let report = simulator::proofs::report(&here.join("proofs")).expect("the counts are there");
    assert!(report.lines().count() > 2, "something was counted");
    assert!(readme.contains(&report), "put this into the README:\n{report}");
}
