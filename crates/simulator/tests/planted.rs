//! Every bug that can be planted is found, each within so many seeds: what finds nothing must be something that could.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use planted::Bug;
use simulator::{FileOnMemory, run};

/// Seeds, and rounds each. Most bugs are found in the first story; some only where a story is long enough for several
/// segments.
const TRIED: [(u64, u64); 2] = [(12, 120), (40, 300)];

/// The first seed that finds something, and what; a broken invariant that stops the switch is a finding.
fn first_finding(bug: Bug) -> Option<(u64, String)> {
    planted::plant(Some(bug));
    let stories = TRIED.into_iter().flat_map(|(seeds, steps)| (1..=seeds).map(move |seed| (seed, steps)));
    let found = stories.into_iter().find_map(|(seed, steps)| {
        let told = catch_unwind(AssertUnwindSafe(|| run(seed, steps, &FileOnMemory)));
        match told {
            Ok(Ok(_)) => None,
            Ok(Err(failure)) => Some((seed, failure.what)),
            Err(panicked) => {
                let text = panicked.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panicked.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                Some((seed, format!("the switch stopped: {}", text.unwrap_or_default())))
            }
        }
    });
    planted::plant(None);
    found
}

#[test]
fn every_planted_bug_is_found() {
    let begun = Instant::now();
    let mut survivors = Vec::new();
    for bug in Bug::ALL {
        match first_finding(bug) {
            Some((seed, what)) => println!("{bug:?}: seed {seed}, {}", what.lines().next().unwrap_or_default()),
            None => survivors.push(bug),
        }
    }
    let counts = [("bugs planted", Bug::ALL.len() as u64), ("not found", survivors.len() as u64)];
    simulator::proofs::leave("planted bugs", &counts, begun.elapsed()).expect("the counts are left");
    assert!(survivors.is_empty(), "not found in any story: {survivors:?}");
}
