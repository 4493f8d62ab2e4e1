//! Stories in which the auditor finds nothing.

use simulator::{FileOnMemory, Story, run};

const SEEDS: u64 = 150;
const STEPS: u64 = 90;

#[test]
fn the_auditor_finds_nothing_in_many_stories() {
    let mut total = Story::default();
    for seed in 1..=SEEDS {
        // Shown when the switch itself stops.
        println!("seed {seed}");
        let story = run(seed, STEPS, &FileOnMemory).unwrap_or_else(|failure| panic!("{failure}"));
        total.captured += story.captured;
        total.declined += story.declined;
        total.repeated += story.repeated;
        total.crashes += story.crashes;
        total.journal_failures += story.journal_failures;
        total.openings_failed += story.openings_failed;
        total.tails_cut += story.tails_cut;
        total.records_in_doubt_found += story.records_in_doubt_found;
    }
    // A story in which nothing happens proves nothing: each of these is reached, and often.
    assert!(total.captured > 15 * SEEDS, "{total:?}");
    assert!(total.declined > 5 * SEEDS, "{total:?}");
    assert!(total.repeated > 10 * SEEDS, "{total:?}");
    assert!(total.crashes > 8 * SEEDS, "{total:?}");
    assert!(total.journal_failures > 4 * SEEDS, "{total:?}");
    assert!(total.openings_failed > SEEDS, "{total:?}");
    assert!(total.tails_cut > SEEDS, "{total:?}");
    assert!(total.records_in_doubt_found > SEEDS / 2, "{total:?}");
}
