//! Counts what each step of a payment's path takes in instructions, under valgrind, and holds it to a baseline.
//!
//! Instructions are the same from run to run where wall time is noise. How they are counted is in `callgrind.rs`, when a
//! count is refused in `baseline.rs`.

mod baseline;
mod callgrind;

use std::{
    env, fs,
    hint::black_box,
    path::{Path, PathBuf},
    process::ExitCode,
};

use baseline::{Baseline, Finding, MARGIN_PERCENT};
use benches::{STAGES, Stage};

/// From the root of the repository.
const BASELINE: &str = "benches/instructions.toml";

const RENEW: &str = "cargo run --release -p benches --bin instructions -- renew";

const USAGE: &str = "instructions check | renew | count STAGE

check  counts every stage and fails where one takes more than benches/instructions.toml allows
renew  counts every stage and writes benches/instructions.toml
count  counts one stage";

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{USAGE}")]
    Usage,
    #[error("cannot {tried} {BASELINE}")]
    Baseline { tried: &'static str, source: std::io::Error },
    #[error(transparent)]
    Unreadable(#[from] baseline::Error),
    #[error(transparent)]
    Count(#[from] callgrind::Error),
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["check"] => check(),
        ["renew"] => renew(),
        ["count", name] => stage(name).and_then(count),
        [callgrind::UNDER_VALGRIND, name] => stage(name).map(run),
        _ => Err(Error::Usage),
    };
    done.unwrap_or_else(|error| {
        eprintln!("{error}");
        let source = std::error::Error::source(&error);
        source.into_iter().for_each(|source| eprintln!("  because: {source}"));
        ExitCode::FAILURE
    })
}

fn check() -> Result<ExitCode, Error> {
    let text = fs::read_to_string(path()).map_err(|source| Error::Baseline { tried: "read", source })?;
    let baseline = Baseline::parse(&text)?;
    let now = count_all()?;
    let findings = baseline.compare(&now);
    findings.iter().for_each(|finding| println!("{finding}"));
    if !findings.is_empty() {
        println!("if that is meant, renew the baseline: {RENEW}");
        println!("the baseline was made by {}, this is {}", baseline.made_by, now.made_by);
    }
    if findings.iter().any(Finding::fails) {
        return Ok(ExitCode::FAILURE);
    }
    println!("no stage takes {MARGIN_PERCENT} % more instructions than {BASELINE} says");
    Ok(ExitCode::SUCCESS)
}

fn renew() -> Result<ExitCode, Error> {
    let text = count_all()?.to_string();
    fs::write(path(), text).map_err(|source| Error::Baseline { tried: "write", source })?;
    Ok(ExitCode::SUCCESS)
}

fn count(stage: Stage) -> Result<ExitCode, Error> {
    println!("{} = {}", stage.name, callgrind::count(stage)?);
    Ok(ExitCode::SUCCESS)
}

fn count_all() -> Result<Baseline, Error> {
    let mut counted = Baseline { made_by: callgrind::tools()?, ..Baseline::default() };
    for stage in STAGES {
        let instructions = callgrind::count(stage)?;
        println!("{:<16} {instructions:>8}", stage.name);
        counted.instructions.insert(stage.name.to_owned(), instructions);
    }
    Ok(counted)
}

/// What runs under valgrind.
fn run(stage: Stage) -> ExitCode {
    let mut work = (stage.prepare)();
    callgrind_counts_this(&mut *work);
    ExitCode::SUCCESS
}

/// Callgrind is told this name: it counts from where this is entered to where it is left, and nothing else.
#[inline(never)]
fn callgrind_counts_this(work: &mut dyn FnMut()) {
    work();
    // Else the last thing this did would be to jump to the work, and it would be left before that has begun.
    black_box(());
}

fn stage(name: &str) -> Result<Stage, Error> {
    Stage::named(name).ok_or(Error::Usage)
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(BASELINE)
}
