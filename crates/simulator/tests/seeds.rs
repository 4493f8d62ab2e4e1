//! Stories in which the auditor finds nothing.

use simulator::{FileOnMemory, Story, run};

const SEEDS: u64 = 1_000;
const STEPS: u64 = 110;

/// What every command leads to, and at least how often in all stories together. What is not reached is not proved.
const REACHED: [(&str, u64); 68] = [
    ("approve order: done", SEEDS),
    ("approve order: refused, ConsentExpiryInvalid", 30),
    ("authorize: authorized", 5 * SEEDS),
    ("authorize: authorized, above a soft limit", 50),
    ("authorize: captured", 3 * SEEDS),
    ("authorize: captured, above a soft limit", 30),
    ("authorize: declined, account_closed", 10),
    ("authorize: declined, account_frozen", 50),
    ("authorize: declined, consent_exceeded", SEEDS),
    ("authorize: declined, consent_mismatch", 50),
    ("authorize: declined, consent_not_found", SEEDS),
    ("authorize: declined, debit_above_max", SEEDS),
    ("authorize: declined, debit_amount_too_large", 10),
    ("authorize: declined, exposure_limit", 50),
    ("authorize: declined, insufficient_balance", 3 * SEEDS),
    ("authorize: declined, order_already_paid", 50),
    ("authorize: declined, quote_expired", SEEDS),
    ("authorize: declined, quote_mismatch", SEEDS),
    ("authorize: declined, quote_not_reproduced", 5),
    ("authorize: declined, quote_used", 20),
    ("authorize: refused, ConsentMissing", 50),
    ("authorize: refused, QuoteTokenInvalid", 50),
    ("authorize: refused, RateMissing", SEEDS),
    ("authorize: refused, RateStale", SEEDS),
    ("authorize: refused, TooManyGuesses", 3),
    ("authorize together: approved", 300),
    ("authorize together: declined, consent_not_found", 300),
    ("authorize together: declined, insufficient_balance", 300),
    ("authorize together: refused, KeyReused", 200),
    ("authorize together: refused, RateStale", 200),
    ("capture: captured", 2 * SEEDS),
    ("capture: refused, AmountAboveRemaining", 20),
    ("capture: refused, MoveNotAllowed", 50),
    ("capture: refused, PaymentCurrencyMismatch", 15),
    ("close: declined, account_not_empty", 30),
    ("close: done", 30),
    ("expire holds: expired", SEEDS),
    ("freeze: done", 50),
    ("fund reserve: done", 30),
    ("grant mandate: done", SEEDS),
    ("increase: declined, consent_exceeded", 1),
    ("increase: declined, consent_mismatch", 10),
    ("increase: declined, consent_not_found", 20),
    ("increase: increased", SEEDS),
    ("increase: refused, MoveNotAllowed", 50),
    ("issue code: done", SEEDS),
    ("pay out: declined, not_enough", 20),
    ("pay out: done", 30),
    ("price refunds: priced", 20),
    ("publish rates: done", 5 * SEEDS),
    ("publish rates: refused, PriceInvalid", 5),
    ("publish rates: refused, RateFromTheFuture", 15),
    ("publish rates: refused, RateMovedTooFar", 50),
    ("publish rates: refused, RateNoLongerValid", 15),
    ("refund: declined, not_enough", 15),
    ("refund: pending", 50),
    ("refund: refunded", 2 * SEEDS),
    ("refund: refunded at the rate of now", 50),
    ("refund: refunded, from the reserve", 1),
    ("refund: refused, AmountAboveRemaining", 30),
    ("refund: refused, RateStale", 5),
    ("revoke mandate: done", 15),
    ("square position: done", 50),
    ("square position: refused, PositionTooSmall", 20),
    ("unfreeze: done", 15),
    ("void: voided", 50),
    ("withdraw: declined, account_frozen", 3),
    ("withdraw: done", SEEDS),
];

#[test]
fn the_auditor_finds_nothing_in_many_stories() {
    let mut total = Story::default();
    for seed in 1..=SEEDS {
        // Shown when the switch itself stops.
        println!("seed {seed}");
        let story = run(seed, STEPS, &FileOnMemory).unwrap_or_else(|failure| panic!("{failure}"));
        total.add(&story);
    }
    // A story in which nothing happens proves nothing: each of these is reached, and often.
    assert!(total.captured > 6 * SEEDS, "{total:?}");
    assert!(total.declined > 5 * SEEDS, "{total:?}");
    assert!(total.repeated > 10 * SEEDS, "{total:?}");
    assert!(total.quotes > 10 * SEEDS, "{total:?}");
    assert!(total.crashes > 8 * SEEDS, "{total:?}");
    assert!(total.journal_failures > 4 * SEEDS, "{total:?}");
    assert!(total.openings_failed > SEEDS, "{total:?}");
    assert!(total.tails_cut > SEEDS, "{total:?}");
    assert!(total.turns_full > SEEDS, "{total:?}");
    assert!(total.rotten > SEEDS / 10, "{total:?}");
    assert!(total.snapshots > 4 * SEEDS, "{total:?}");
    assert!(total.snapshots_failed > SEEDS / 2, "{total:?}");
    assert!(total.starts_behind > 2 * SEEDS, "{total:?}");
    assert!(total.snapshots_damaged > SEEDS / 10, "{total:?}");
    assert!(total.records_in_doubt_found > SEEDS / 2, "{total:?}");
    for (outcome, least) in REACHED {
        let times = total.outcomes.get(outcome).copied().unwrap_or(0);
        assert!(times >= least, "{outcome}: {times} times, at least {least} were to be, in {total:?}");
    }
}

#[test]
fn seeds_that_once_found_something_find_nothing() {
    let kept = include_str!("../seeds.txt").lines().filter(|line| !line.starts_with('#'));
    for line in kept {
        let mut numbers = line.split(' ').map_while(|word| word.parse().ok());
        let (Some(seed), Some(steps)) = (numbers.next(), numbers.next()) else { panic!("no seed and rounds: {line}") };
        run(seed, steps, &FileOnMemory).unwrap_or_else(|failure| panic!("{failure}"));
    }
}
