//! Tells stories to the auditor, many or one.

use std::{
    fmt, panic,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use clap::{Parser, Subcommand};
use simulator::{FileOnMemory, STEPS_DEFAULT, Story, proofs, run, run_traced};

/// The payments switch on one thread from one seed, with an independent auditor.
///
/// Exit codes: 0 no finding, 1 a finding; a seed in which the switch itself stops ends with a panic that names it.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Tells many stories, each twice, and stops at the first finding.
    Run {
        /// How many.
        #[arg(long, default_value_t = 1_000)]
        seeds: u64,
        /// The first seed.
        #[arg(long, default_value_t = 1)]
        from: u64,
        /// Rounds of each story.
        #[arg(long, default_value_t = STEPS_DEFAULT)]
        steps: u64,
    },
    /// Prints what the proofs counted when they last left their counts (with PAYSWITCH_PROOFS=DIR), as a table.
    Report {
        /// Where they were left.
        #[arg(long, default_value = "crates/simulator/proofs")]
        directory: PathBuf,
    },
    /// Tells one story and shows everything that happens.
    Seed {
        /// Which.
        seed: u64,
        /// Rounds of the story.
        #[arg(long, default_value_t = STEPS_DEFAULT)]
        steps: u64,
    },
}

/// How often it is told how far many stories have come.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// The story being told, for the panic that ends it.
static SEED: AtomicU64 = AtomicU64::new(0);

fn main() -> ExitCode {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        print(panic);
        let seed = SEED.load(Ordering::Relaxed);
        eprintln!("repeat it: cargo run --release -p simulator -- seed {seed}, with the same --steps");
    }));
    match Arguments::parse().task {
        Task::Run { seeds, from, steps } => run_many(from, seeds, steps),
        Task::Report { directory } => report(&directory),
        Task::Seed { seed, steps } => run_one(seed, steps),
    }
}

fn run_many(from: u64, seeds: u64, steps: u64) -> ExitCode {
    let begun = Instant::now();
    let mut told = begun;
    let mut total = Story::default();
    for (done, seed) in (from..from.saturating_add(seeds)).enumerate() {
        SEED.store(seed, Ordering::Relaxed);
        if told.elapsed() >= PROGRESS_EVERY {
            told = Instant::now();
            eprintln!("{done} of {seeds} seeds, {} crashes, {:.0?}", total.crashes, begun.elapsed());
        }
        match run(seed, steps, &FileOnMemory) {
            Ok(story) => total.add(&story),
            Err(failure) => {
                eprintln!("{failure}");
                return ExitCode::FAILURE;
            }
        }
    }
    let Story { records, requests, answered, repeated, captured, declined, refused, unconfirmed, .. } = total.clone();
    let Story { crashes, stops, faults, journal_failures, openings_failed, tails_cut, .. } = total.clone();
    let Story { snapshots, snapshots_failed, starts_behind, snapshots_damaged, indexes_lost, .. } = total.clone();
    let Story { records_in_doubt_found, quotes, turns_full, rotten, outcomes, .. } = total;
    println!("{seeds} seeds from {from}, {steps} rounds each, each told twice, in {:.1?}: no finding", begun.elapsed());
    println!(
        "{requests} requests: {answered} answered ({repeated} repeats), {refused} refused, {unconfirmed} in doubt"
    );
    println!("{records} records, {captured} payments captured, {declined} declined, {quotes} quotes given out");
    println!("{crashes} crashes, {stops} stops, {faults} disk faults, {journal_failures} journal failures");
    println!(
        "{turns_full} rounds with a full disk, {rotten} rotten bits, {openings_failed} recoveries cut short, {tails_cut} torn tails, {records_in_doubt_found} records found that nobody was told of"
    );
    println!(
        "{snapshots} snapshots, {snapshots_failed} that failed, {starts_behind} starts from one, {snapshots_damaged} damaged ones passed over, {indexes_lost} indexes lost"
    );
    for (outcome, count) in outcomes {
        println!("{count:>9} {outcome}");
    }
    let counts = [
        ("seeds", seeds),
        ("rounds each", steps),
        ("requests", requests),
        ("records", records),
        ("crashes", crashes),
        ("journal failures", journal_failures),
        ("recoveries cut short", openings_failed),
        ("torn tails", tails_cut),
        ("rounds with a full disk", turns_full),
        ("rotten bits", rotten),
        ("snapshots", snapshots),
        ("snapshots that failed", snapshots_failed),
        ("starts from one", starts_behind),
        ("damaged ones passed over", snapshots_damaged),
        ("indexes lost", indexes_lost),
        ("findings", 0),
    ];
    if let Err(error) = proofs::leave("stories", &counts, begun.elapsed()) {
        eprintln!("cannot leave the counts: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn report(directory: &Path) -> ExitCode {
    match proofs::report(directory) {
        Ok(table) => {
            print!("{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cannot read what was left in {}: {error}", directory.display());
            ExitCode::FAILURE
        }
    }
}

fn run_one(seed: u64, steps: u64) -> ExitCode {
    SEED.store(seed, Ordering::Relaxed);
    let mut show = |what: &dyn fmt::Display| println!("{what}");
    match run_traced(seed, steps, &mut show) {
        Ok(story) => {
            println!("{story:#?}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
