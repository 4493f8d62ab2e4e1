//! A daemon that may have so much memory and no more, under payments with long fields and peers that only hold on.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
    time::Instant,
};

use tokio::task::JoinSet;
use wire::v1;

use crate::{
    payers::{asked, cafe},
    support::{
        Daemon, behind, command,
        frames::{Peer, call, frame, silent},
        parties::{SMALL_SEGMENTS, decided, operator},
        setting, skip,
    },
};

/// Set where memory can be limited: a test that needs it then fails instead of being skipped.
const MAY_LIMIT_MEMORY: &str = "PAYSWITCH_TESTS_MAY_LIMIT_MEMORY";
const LIMIT_BYTES: u64 = 256 * 1024 * 1024;
const MIB: u64 = 1024 * 1024;
const PAYERS: u64 = 8;
/// All of them together; `PAYSWITCH_MEMORY_PAYMENTS` makes it more.
const PAYMENTS: u64 = 6_400;
/// Half of them silent, half in the middle of a message.
const IDLE: usize = 200;
/// Of a message that never ends, just below what a message may have.
const MESSAGE_BYTES: u16 = 16_000;

/// A control group of its own. Dropping it takes it away.
struct MemoryGroup {
    directory: PathBuf,
    peak: &'static str,
    events: &'static str,
}

impl MemoryGroup {
    /// Makes one, which only root may. `None`, loudly, where that is not possible.
    fn make() -> Option<Self> {
        let name = format!("payswitch-tests-{}", process::id());
        let first =
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control");
        let second = ("/sys/fs/cgroup", "memory.max", "memory.peak", "memory.events");
        let mut why = Vec::new();
        for (root, limit, peak, events) in [first, second] {
            let directory = Path::new(root).join(&name);
            let limited = fs::create_dir(&directory).and_then(|()| {
                let group = Self { directory, peak, events };
                fs::write(group.directory.join(limit), LIMIT_BYTES.to_string()).map(|()| group)
            });
            match limited {
                Ok(group) if group.directory.join(peak).exists() => return Some(group),
                Ok(_) => why.push(format!("{root} has no {peak}")),
                Err(error) => why.push(format!("{root}: {error}")),
            }
        }
        skip(MAY_LIMIT_MEMORY, "memory cannot be limited", &why);
        None
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.directory.join(file)).expect("a control group can be read")
    }

    /// The most it ever had, what the kernel keeps of files for it included.
    fn peak_bytes(&self) -> u64 {
        self.read(self.peak).trim().parse().expect("a number of bytes")
    }

    /// How many processes the kernel has killed for want of memory.
    fn killed(&self) -> u64 {
        let events = self.read(self.events);
        let killed = events.lines().find_map(|line| line.strip_prefix("oom_kill "));
        killed.expect("it is counted").parse().expect("a count")
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.directory) {
            eprintln!("{} stays: {error}", self.directory.display());
        }
    }
}

/// The most memory of its own that a process ever had.
fn resident_peak_bytes(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).expect("the daemon runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it is told");
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1024
}

/// As long as fields may be.
fn long(name: &str) -> v1::AuthorizeRequest {
    let idempotency_key = format!("{name:-<255}");
    v1::AuthorizeRequest { idempotency_key, merchant_order_id: format!("{name:-<64}"), ..asked(name) }
}

#[tokio::test]
async fn a_daemon_gets_along_with_the_memory_it_is_given() {
    let Some(group) = MemoryGroup::make() else { return };
    let begun = Instant::now();
    let payments = setting("PAYSWITCH_MEMORY_PAYMENTS", PAYMENTS);
    let directory = tempfile::tempdir().expect("a place for the data");
    let started = command(directory.path(), &[], &[SMALL_SEGMENTS]);
    let place = group.directory.to_str().expect("the path is text");
    let daemon = Daemon::spawn(&mut behind("echo $$ > \"$0/cgroup.procs\"", place, &started));
    assert_eq!(group.read("cgroup.procs").trim(), daemon.pid().to_string(), "the daemon is in it");

    let silent: Vec<_> = (0..IDLE / 2).map(|_| silent(&daemon.merchants)).collect();
    let message = [&[0, 0, 0][..], &MESSAGE_BYTES.to_be_bytes(), &vec![b'x'; usize::from(MESSAGE_BYTES) - 8]].concat();
    let mut begun_peers: Vec<Peer> = (0..IDLE / 2).map(|_| Peer::connect(&daemon.merchants)).collect();
    for peer in &mut begun_peers {
        peer.send(&[call(1), frame(0, 0, 1, &message)].concat());
    }
    let mut payers = JoinSet::new();
    for payer in 0..PAYERS {
        let cafe = cafe(&daemon);
        payers.spawn(async move {
            for number in 0..payments / PAYERS {
                decided(cafe.authorize(long(&format!("{payer}-{number}"))).await);
            }
        });
    }
    payers.join_all().await;

    let books = operator(&daemon.operators, client::sandbox::OPERATOR_KEY);
    let captured = books.status().await.expect("the operator may ask").payments_captured;
    assert_eq!(captured, payments / PAYERS * PAYERS);
    assert_eq!(group.killed(), 0);
    let (peak, resident) = (group.peak_bytes() / MIB, resident_peak_bytes(&daemon) / MIB);
    assert!(resident > 0 && peak <= LIMIT_BYTES / MIB && resident < LIMIT_BYTES / MIB);
    let counts = [
        ("MiB allowed", LIMIT_BYTES / MIB),
        ("MiB charged at most", peak),
        ("MiB resident at most", resident),
        ("payments", captured),
        ("idle connections", (silent.len() + begun_peers.len()) as u64),
        ("killed for want of memory", group.killed()),
    ];
    println!("memory: {counts:?}");
    simulator::proofs::leave("memory", &counts, begun.elapsed()).expect("the counts are left");
    drop(daemon);
}
