//! A daemon that may have few files open, and more peers than that: it lets in as many as leave it what it needs itself.

use std::{future::pending, process::Command};

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

/// Some more than the daemon needs for itself.
const DESCRIPTORS: usize = 360;
/// Fewer than it needs.
const TOO_FEW: usize = 64;
const PEERS: usize = 200;
/// Enough for some segments of the smallest size.
const PAYMENTS: usize = 600;

fn with_descriptors(data_dir: &TempDir, descriptors: usize) -> Command {
    behind("ulimit -n \"$0\"", &descriptors.to_string(), &command(data_dir.path(), &[], &[SMALL_SEGMENTS]))
}

struct Crowded {
    daemon: Daemon,
    cafe: Client,
    peers: JoinSet<()>,
    data_dir: TempDir,
}

impl Crowded {
    /// A daemon that was called before more peers came than it lets in.
    async fn start() -> Self {
        let data_dir = tempfile::tempdir().expect("a place for the data");
        let daemon = Daemon::spawn(&mut with_descriptors(&data_dir, DESCRIPTORS));
        daemon.logged("fewer connections than configured").await;
        let cafe = cafe(&daemon);
        decided(cafe.authorize(asked("first")).await);
        let mut peers = JoinSet::new();
        for _ in 0..PEERS {
            peers.spawn(hold_on(daemon.merchants.clone()));
        }
        Self { daemon, cafe, peers, data_dir }
    }
}

/// A peer that begins to speak and says no more. Many of them wait until they are let in.
async fn hold_on(address: String) {
    let stream = TcpStream::connect(address.trim_start_matches("http://")).await.expect("the daemon listens");
    stream.writable().await.expect("the daemon listens");
    stream.try_write(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).expect("the daemon listens");
    pending().await
}

/// The journal takes descriptors to enter a segment, and has them: peers that nobody knows cannot hold them.
#[tokio::test]
async fn segments_are_entered_however_many_peers_there_are() {
    let mut crowded = Crowded::start().await;
    let mut told = Vec::new();
    while told.len() < PAYMENTS {
        let name = format!("told-{}", told.len());
        match crowded.cafe.authorize(asked(&name)).await {
            Err(failed) => panic!("after {} payments: {failed}", told.len()),
            reply => told.push((name, decided(reply))),
        }
    }
    // Others are let in once some have left.
    crowded.peers.shutdown().await;
    decided(cafe(&crowded.daemon).authorize(asked("late")).await);
    let books = operator(&crowded.daemon.operators, client::sandbox::OPERATOR_KEY);
    let status = books.status().await.expect("the operator may ask");
    assert_eq!((status.state.as_str(), status.payments_captured), ("serving", PAYMENTS as u64 + 2));

    let Crowded { daemon, data_dir, .. } = crowded;
    daemon.kill();
    let (daemon, cafe) = start(data_dir.path());
    for (name, payment) in &told {
        assert_eq!(&decided(cafe.authorize(asked(name)).await), payment, "{name}");
    }
    assert!(stop(daemon).await.success());
}

#[test]
fn a_start_with_too_few_descriptors_is_refused() {
    let data_dir = tempfile::tempdir().expect("a place for the data");
    let output = with_descriptors(&data_dir, TOO_FEW).output().expect("a shell");
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("the process may have 64 files open, it needs 322: raise the limit"), "{said}");
}
