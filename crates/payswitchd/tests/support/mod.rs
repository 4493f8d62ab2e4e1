//! Real daemons for tests: started on free ports in a directory of their own, stopped by signal.

#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod frames;
pub(crate) mod image;
pub(crate) mod lossy_disk;
pub(crate) mod moves;
pub(crate) mod pages;
pub(crate) mod parties;
pub(crate) mod production;
pub(crate) mod random;
pub(crate) mod small_disk;
pub(crate) mod strace;

use std::{
    env,
    fmt::Debug,
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::Duration,
};

use journal::disk::DirectoryDisk;
pub(crate) use rustix::process::Signal;
use rustix::process::{Pid, kill_process};
use tokio::{
    sync::{
        Mutex,
        mpsc::{self, UnboundedReceiver},
    },
    time::timeout,
};

/// What is not logged by then never will be, even on a machine that is very busy.
const LOG_WAIT_MAX: Duration = Duration::from_secs(30);

/// Set where tests can mount file systems: a test that cannot then fails instead of being skipped.
const MAY_MOUNT: &str = "PAYSWITCH_TESTS_MAY_MOUNT";

/// Says loudly that a test is skipped, because the file system it needs cannot be mounted.
fn skip_without_mount(why: &dyn Debug) {
    skip(MAY_MOUNT, "a file system cannot be mounted", why);
}

/// Says loudly that a test is skipped, and why. Where `variable` is set the machine can do it, and the test fails.
pub(crate) fn skip(variable: &str, what: &str, why: &dyn Debug) {
    assert!(env::var_os(variable).is_none(), "{variable} is set, and yet {what}: {why:?}");
    eprintln!("SKIPPED: {what}: {why:?}");
}

/// A number from the environment: how much of a proof is run.
pub(crate) fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// A running daemon. Dropping it kills it.
pub(crate) struct Daemon {
    child: Child,
    stdout: BufReader<ChildStdout>,
    logs: Mutex<UnboundedReceiver<String>>,
    /// All it printed up to "ready".
    pub(crate) banner: String,
    /// `http://` address for merchants and wallet operators.
    pub(crate) merchants: String,
    /// `http://` address for the operator.
    pub(crate) operators: String,
    /// `http://` address of the metrics page.
    pub(crate) metrics: String,
}

impl Daemon {
    /// Starts a sandbox on free ports.
    pub(crate) fn sandbox(data_dir: &Path) -> Self {
        Self::start(data_dir, &[], &[])
    }

    /// Starts a daemon on free ports and waits until it says that it is ready.
    pub(crate) fn start(data_dir: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::spawn(&mut command(data_dir, arguments, environment))
    }

    /// Starts what this command starts, and waits until it says that it is ready.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("cannot start payswitchd");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut banner = String::new();
        while !banner.ends_with("\nready\n") {
            if stdout.read_line(&mut banner).expect("cannot read the banner") == 0 {
                let mut said = String::new();
                child.stderr.take().expect("stderr is piped").read_to_string(&mut said).expect("stderr is text");
                let ended = child.wait().expect("cannot wait for payswitchd");
                panic!("payswitchd ended before it was ready, {ended}:\n{banner}{said}");
            }
        }
        // Whether or not anybody reads the logs, a full pipe must not stop the daemon.
        let stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let (sender, logs) = mpsc::unbounded_channel();
        let logs = Mutex::new(logs);
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| _ = sender.send(line)));
        let address = |label: &str| {
            let line = banner.lines().find(|line| line.trim_start().starts_with(label)).expect("the banner tells");
            line.split_whitespace().last().expect("an address").to_owned()
        };
        let (merchants, operators, metrics) =
            (address("merchants and wallets"), address("operators  "), address("metrics"));
        Self { child, stdout, logs, banner, merchants, operators, metrics }
    }

    /// As a power button would: no handler runs.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("cannot kill payswitchd");
        self.child.wait().expect("cannot wait for payswitchd");
    }

    /// Asks it to stop (SIGTERM) without waiting.
    pub(crate) fn ask_to_stop(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("cannot signal payswitchd");
    }

    /// Waits until it logs a line with these words.
    pub(crate) async fn logged(&self, words: &str) -> String {
        let line = async {
            let mut logs = self.logs.lock().await;
            loop {
                let line = logs.recv().await.expect("the daemon runs");
                if line.contains(words) {
                    return line;
                }
            }
        };
        timeout(LOG_WAIT_MAX, line).await.unwrap_or_else(|_late| panic!("the daemon does not log: {words}"))
    }

    /// Asks it to stop and waits for its end.
    pub(crate) fn stop(self) -> ExitStatus {
        self.ask_to_stop();
        self.ended()
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> ExitStatus {
        self.child.wait().expect("cannot wait for payswitchd")
    }

    /// Asks it to stop, and waits for its end; returns all that it printed since it was ready and logged since then, but for
    /// what [`Self::logged`] took. Blocks, and is not for a thread of a runtime.
    pub(crate) fn stop_and_tell(mut self) -> (ExitStatus, String) {
        self.ask_to_stop();
        let mut told = String::new();
        self.stdout.read_to_string(&mut told).expect("it prints text");
        let ended = self.child.wait().expect("cannot wait for payswitchd");
        let logs = self.logs.get_mut();
        while let Some(line) = logs.blocking_recv() {
            told += &line;
            told.push('\n');
        }
        (ended, told)
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The number of its thread of this name.
    pub(crate) fn thread(&self, name: &str) -> u32 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).expect("the daemon runs");
        let named =
            |task: &fs::DirEntry| fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim() == name);
        let found = tasks.map(|task| task.expect("a thread")).find(named).expect("it has such a thread");
        found.file_name().to_str().and_then(|number| number.parse().ok()).expect("threads have numbers")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Already gone is what we want.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// What a daemon that refuses to start says on standard error, and its exit code.
pub(crate) fn refusal(data_dir: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String) {
    let output = command(data_dir, arguments, environment).output().expect("cannot start payswitchd");
    let said = String::from_utf8(output.stderr).expect("stderr is text");
    (output.status.code().expect("it exits by itself"), said)
}

/// The other program. `cargo test --workspace` builds it beside the daemon, for its own tests.
pub(crate) fn payctl() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_payswitchd")).with_file_name("payctl");
    assert!(path.exists(), "payctl is not built: run cargo build --package payctl, or test the whole workspace");
    path
}

/// After a clean stop nothing may be torn. Returns how many records there are.
pub(crate) fn verify_journal(data_dir: &Path) -> u64 {
    let report = journal::verify(&DirectoryDisk::new(data_dir.join("journal"))).expect("the journal is whole");
    assert_eq!((&report.torn, report.durable_lsn), (&None, report.last_lsn), "a clean stop leaves nothing in doubt");
    // Built by a test of the whole workspace, not by one of this package alone.
    let built = Path::new(env!("CARGO_BIN_EXE_payswitchd")).with_file_name("payctl");
    if built.exists() {
        let verified = Command::new(payctl()).args(["journal", "verify"]).arg(data_dir).output();
        let verified = verified.expect("cannot start payctl");
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    }
    report.records
}

/// What starts a daemon on free ports.
pub(crate) fn command(data_dir: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payswitchd"));
    let free = "127.0.0.1:0";
    command.arg("--data-dir").arg(data_dir);
    for flag in ["--listen", "--admin-listen", "--metrics-listen"] {
        if !arguments.contains(&flag) {
            command.args([flag, free]);
        }
    }
    command.args(arguments).envs(environment.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts the same by a shell, behind what `script` does first; `$0` is `argument`.
pub(crate) fn behind(script: &str, argument: &str, started: &Command) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{script} && exec \"$@\""), argument]).arg(started.get_program());
    command.args(started.get_args());
    command.envs(started.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}
