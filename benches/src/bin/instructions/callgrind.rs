//! One stage in a process of its own under callgrind, so that no stage sees what another left in memory.

use std::{
    env, io,
    process::{Command, Output},
};

use benches::{PAYMENTS, Stage};

/// What this program is told when it runs under valgrind.
pub(crate) const UNDER_VALGRIND: &str = "run";

/// The function that is counted, as callgrind finds it among mangled names.
const COUNTED: &str = "*callgrind_counts_this*";

/// What stands before the sum in what callgrind says at its end.
const COLLECTED: &str = "Collected :";

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot run {program}")]
    Run { program: String, source: io::Error },
    #[error("{program} failed with {stage}: {said}")]
    Failed { program: &'static str, stage: &'static str, said: String },
    #[error("callgrind counted nothing in {stage}: it did not find the function {COUNTED}; it said: {said}")]
    NothingCounted { stage: &'static str, said: String },
}

/// Instructions of one payment in this stage, rounded down.
///
/// Only this program and what it calls is counted, no kernel. The environment is empty but for `PATH`, because its
/// length moves the stack.
///
/// # Errors
/// When valgrind cannot be run, or the stage failed under it.
pub(crate) fn count(stage: Stage) -> Result<u64, Error> {
    let this = env::current_exe().map_err(|source| Error::Run { program: "this program".to_owned(), source })?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"]);
    command.arg(format!("--toggle-collect={COUNTED}"));
    command.arg(this).args([UNDER_VALGRIND, stage.name]);
    command.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path)));
    let output = output(command)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(Error::Failed { program: "valgrind", stage: stage.name, said });
    }
    match collected(&said) {
        None | Some(0) => Err(Error::NothingCounted { stage: stage.name, said }),
        Some(instructions) => Ok(instructions / PAYMENTS),
    }
}

/// The compiler and the valgrind of this machine: with others, counts are others.
///
/// # Errors
/// When one of them cannot be run.
pub(crate) fn tools() -> Result<String, Error> {
    let version = |program: &str| {
        let mut command = Command::new(program);
        command.arg("--version");
        output(command).map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    Ok(format!("{}, {}, {}", version("rustc")?, version("valgrind")?, env::consts::ARCH))
}

fn output(mut command: Command) -> Result<Output, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.output().map_err(|source| Error::Run { program, source })
}

fn collected(said: &str) -> Option<u64> {
    let (_, sum) = said.split_once(COLLECTED)?;
    sum.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_found_in_what_callgrind_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 1234567\n==7== \n==7== I   refs:      1,234,567\n";
        assert_eq!(collected(said), Some(1_234_567));
        assert_eq!(collected("==7== valgrind: no such file"), None);
    }
}
