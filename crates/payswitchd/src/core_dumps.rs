//! What is in memory stays there: a dump of the process would hold card numbers and keys.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::{config::ModeName, start::StartError};

/// Has the system write no core file. In production nobody but root may look into the process either, and nothing is handed to a
/// program that collects dumps, which no limit stops (core(5), prctl(2)).
pub(crate) fn forbid(mode: ModeName) -> Result<(), StartError> {
    let cannot = |source: rustix::io::Errno| StartError::Start { what: "without core dumps", source: source.into() };
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(cannot)?;
    match mode {
        ModeName::Production => set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(cannot),
        ModeName::Sandbox => Ok(()),
    }
}
