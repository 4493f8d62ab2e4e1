//! A daemon that is aborted leaves no image of its memory, however generous its limits were.

use std::{fs, os::unix::process::ExitStatusExt};

use crate::support::{
    Daemon, Signal, behind, command,
    parties::SMALL_SEGMENTS,
    production::{Production, Ready},
};

fn core_bytes_max(daemon: &Daemon) -> String {
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).expect("the daemon runs");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size"));
    line.expect("the kernel tells it").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn leaves_nothing(daemon: Daemon) {
    assert_eq!(core_bytes_max(&daemon), "0 0 bytes");
    daemon.signal(Signal::ABORT);
    let ended = daemon.ended();
    assert_eq!((ended.signal(), ended.core_dumped()), (Some(Signal::ABORT.as_raw()), false));
}

#[test]
fn no_daemon_leaves_a_core_dump() {
    let data_dir = tempfile::tempdir().expect("a place for the data");
    let sandbox = command(data_dir.path(), &[], &[SMALL_SEGMENTS]);
    leaves_nothing(Daemon::spawn(&mut behind("ulimit -c \"$0\" || true", "unlimited", &sandbox)));
}

#[tokio::test]
async fn a_daemon_in_production_leaves_none_either() {
    let production = Production::prepare(&["demo-wallet"]);
    leaves_nothing(Ready::start(&production).await.daemon);
}
