//! Faults of the kernel: `strace` sits on a thread of a running daemon and lets system calls fail.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::NamedTempFile;

use super::{Daemon, skip};

/// Set where a process may be traced: a test that needs it then fails instead of being skipped.
const MAY_TRACE: &str = "PAYSWITCH_TESTS_MAY_TRACE";

/// A tracer. Dropping it lets go of the daemon, which then goes on as if it had never been there.
pub(crate) struct Strace {
    child: Child,
    log: NamedTempFile,
}

impl Strace {
    /// Injects into the calls of one thread: `calls` names them, `fault` says what happens at which of them, both in the
    /// words of `strace`. Its calls are counted from now on. `None`, loudly, where that is not possible.
    pub(crate) fn attach(daemon: &Daemon, thread: &str, calls: &str, fault: &str) -> Option<Self> {
        let log = NamedTempFile::new().expect("a temporary file");
        let mut command = Command::new("strace");
        command.args(["-e", &format!("trace={calls}"), "-e", &format!("inject={calls}:{fault}"), "-o"]).arg(log.path());
        command.args(["-p", &daemon.thread(thread).to_string()]).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return Self::skipped(&error),
        };
        let mut said = String::new();
        let mut stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
        stderr.read_line(&mut said).expect("it says that it is there, or why not");
        if !said.contains("attached") {
            let _reaped = child.wait();
            return Self::skipped(&said);
        }
        Some(Self { child, log })
    }

    fn skipped(why: &dyn std::fmt::Debug) -> Option<Self> {
        skip(MAY_TRACE, "a daemon cannot be traced", why);
        None
    }

    /// Lets go. Returns how often something was injected.
    pub(crate) fn detach(mut self) -> usize {
        self.end();
        let log = fs::read_to_string(self.log.path()).expect("it logs text");
        log.matches("(INJECTED)").count()
    }

    fn end(&mut self) {
        // It has ended by itself if the daemon has.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _gone = kill_process(Pid::from_child(&self.child), Signal::TERM);
        }
        let _reaped = self.child.wait();
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        self.end();
    }
}
