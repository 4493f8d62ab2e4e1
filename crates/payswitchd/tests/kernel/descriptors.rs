//! A daemon that runs out of file descriptors, because more peers connect than it has descriptors for.

use std::{
    fs,
    future::pending,
    time::{Duration, Instant},
};

use client::Client;
use tempfile::TempDir;
use tokio::{net::TcpStream, task::JoinSet};

use crate::{
    payers::{asked, cafe, start},
    support::{
        Daemon, behind, command,
        frames::{PREFACE, SETTINGS, frame},
        parties::{SMALL_SEGMENTS, decided, operator, stop},
    },
};

const DESCRIPTORS: usize = 64;
const PEERS: usize = 200;
/// What the daemon logs each time it finds none.
const NONE_LEFT: &str = "cannot accept a connection";
/// So often it is to look again, which it does not do without a pause.
const RETRIES: u32 = 20;
/// Much shorter than its pause.
const PAUSE_MIN: Duration = Duration::from_millis(25);
/// Enough for some segments of the smallest size.
const PAYMENTS: usize = 600;

struct Starved {
    daemon: Daemon,
    cafe: Client,
    peers: JoinSet<()>,
    paid: usize,
    data_dir: TempDir,
    /// Just before they came.
    since: Instant,
}

impl Starved {
    /// A daemon that was called before, and has no descriptors left since.
    async fn start() -> Self {
        let data_dir = tempfile::tempdir().expect("a place for the data");
        let started = command(data_dir.path(), &[], &[SMALL_SEGMENTS]);
        let daemon = Daemon::spawn(&mut behind("ulimit -n \"$0\"", &DESCRIPTORS.to_string(), &started));
        let mut starved =
            Self { cafe: cafe(&daemon), daemon, peers: JoinSet::new(), paid: 0, data_dir, since: Instant::now() };
        starved.pay().await;
        starved.since = Instant::now();
        for _ in 0..PEERS {
            starved.peers.spawn(hold_on(starved.daemon.merchants.clone()));
        }
        starved.daemon.logged(NONE_LEFT).await;
        starved
    }

    async fn pay(&mut self) {
        decided(self.cafe.authorize(asked(&self.paid.to_string())).await);
        self.paid += 1;
    }

    /// What the thread that lets peers in has used of processors.
    fn cpu(&self) -> Duration {
        let stat = format!("/proc/{}/task/{}/schedstat", self.daemon.pid(), self.daemon.thread("merchants"));
        let stat = fs::read_to_string(stat).expect("the daemon runs");
        Duration::from_nanos(stat.split(' ').next().and_then(|ns| ns.parse().ok()).expect("a number"))
    }
}

/// A peer that begins to speak and says no more. Many of them wait until they are let in.
async fn hold_on(address: String) {
    let stream = TcpStream::connect(address.trim_start_matches("http://")).await.expect("the daemon listens");
    stream.writable().await.expect("the daemon listens");
    stream.try_write(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).expect("the daemon listens");
    pending().await
}

#[tokio::test]
async fn who_is_connected_is_served_while_no_descriptor_is_left() {
    let mut starved = Starved::start().await;
    for _ in 0..RETRIES {
        starved.daemon.logged(NONE_LEFT).await;
    }
    let (passed, used) = (starved.since.elapsed(), starved.cpu());
    assert!(passed >= PAUSE_MIN * RETRIES && used < passed / 2, "{used:?} of {passed:?}: it spins");
    for _ in 0..50 {
        starved.pay().await;
    }
    // Others are served again once some have left.
    starved.peers.shutdown().await;
    let late = cafe(&starved.daemon);
    decided(late.authorize(asked("late")).await);
    let books = operator(&starved.daemon.operators, client::sandbox::OPERATOR_KEY);
    let status = books.status().await.expect("the operator may ask");
    assert_eq!((status.state.as_str(), status.payments_captured), ("serving", starved.paid as u64 + 1));
    assert!(stop(starved.daemon).await.success());
}

/// The journal takes a descriptor to enter a segment, and must have one: peers that nobody knows hold the others.
#[tokio::test]
async fn segments_are_entered_while_no_descriptor_is_left() {
    let mut starved = Starved::start().await;
    let mut told = Vec::new();
    while told.len() < PAYMENTS {
        let name = format!("told-{}", told.len());
        match starved.cafe.authorize(asked(&name)).await {
            Err(failed) => panic!("after {} payments: {failed}", told.len()),
            reply => told.push((name, decided(reply))),
        }
    }
    starved.daemon.logged(NONE_LEFT).await;
    starved.peers.shutdown().await;
    let Starved { daemon, data_dir, .. } = starved;
    daemon.kill();
    let (daemon, cafe) = start(data_dir.path());
    for (name, payment) in &told {
        assert_eq!(&decided(cafe.authorize(asked(name)).await), payment, "{name}");
    }
    assert!(stop(daemon).await.success());
}
