//! What is in memory stays there: a dump of the process would hold card numbers and keys.

use rustix::{
    io,
    process::{Resource, Rlimit, setrlimit},
};

use crate::{config::ModeName, start::StartError};

/// Has the system write no core file. In production nobody but root may look into the process either, and nothing is handed to a
/// program that collects dumps, which no limit stops (core(5), prctl(2)).
pub(crate) fn forbid(mode: ModeName) -> Result<(), StartError> {
    let no_file = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let forbidden = no_file.and_then(|()| match mode {
        ModeName::Production => hide(),
        ModeName::Sandbox => Ok(()),
    });
    forbidden.map_err(|source| StartError::Start { what: "without core dumps", source: source.into() })
}

#[cfg(target_os = "linux")]
fn hide() -> io::Result<()> {
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
}

#[cfg(not(target_os = "linux"))]
fn hide() -> io::Result<()> {
    Ok(())
}
