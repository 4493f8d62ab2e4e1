//! A disk that fills up: refused before it is full, nothing lost, and service again once there is space.

mod support;

use client::{Client, Code};
use support::{
    Daemon,
    parties::{SMALL_SEGMENTS, by_id, caller, decided, money, operator, payment, refused},
    small_disk::SmallDisk,
};
use wire::v1;

/// Segments of 128 KiB: there is space for some of them, and for whoever shares the disk.
const DISK_BYTES: u64 = 4 * 1024 * 1024;
/// Less than the two segments that are kept free.
const LEFT_BYTES: u64 = 200 * 1024;
/// More than fit into the segments that are there.
const PAYMENTS_MAX: usize = 5_000;

fn pay(number: usize) -> v1::AuthorizeRequest {
    payment(&format!("key-{number}"), &format!("order-{number}"), "hk-alice", money("CNY", 1))
}

struct Running {
    daemon: Daemon,
    cafe: Client,
}

fn start(disk: &SmallDisk) -> Running {
    let daemon = Daemon::start(&disk.path().join("data"), &[], &[SMALL_SEGMENTS]);
    let key = client::sandbox::merchant_key("demo-cafe").expect("the sandbox has this merchant");
    Running { cafe: caller(&daemon.merchants, key), daemon }
}

#[tokio::test]
async fn a_full_disk_refuses_loses_nothing_and_is_used_again() {
    let Some(disk) = SmallDisk::mount(DISK_BYTES) else { return };
    let running = start(&disk);
    let cafe = &running.cafe;
    let ballast = disk.fill_up_to(LEFT_BYTES);

    let mut paid = Vec::new();
    let refusal = loop {
        assert!(paid.len() < PAYMENTS_MAX, "the disk never fills");
        match cafe.authorize(pay(paid.len())).await {
            Err(client::Error::Refused(refusal)) => break refusal,
            reply => paid.push(decided(reply)),
        }
    };
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::Unavailable, "DISK_FULL"));
    assert!(refusal.retry_after.is_some() && refusal.message.contains("nothing was tried"), "{refusal:?}");
    let refused_at = paid.len();
    assert!(refused_at > 0);

    // What is recorded is told, and read; why nothing new is taken can be seen.
    let last = paid.last().expect("some were paid");
    assert_eq!(&decided(cafe.authorize(pay(refused_at - 1)).await), last, "the key comes first");
    let read = cafe.payment(by_id(&last.payment_id)).await.expect("reads go on");
    assert_eq!(read.payment.as_ref(), Some(last));
    let books = operator(&running.daemon.operators, client::sandbox::OPERATOR_KEY);
    let status = books.status().await.expect("the operator may ask");
    assert_eq!(status.state, "full");
    assert!(status.state_reason.contains("bytes free, a new segment is made only with 262144"), "{status:?}");
    assert_eq!(status.payments_captured, refused_at as u64);
    running.daemon.logged("no room for new records").await;

    std::fs::remove_file(ballast).expect("it is ours");
    running.daemon.logged("there is room again").await;
    assert_eq!(books.status().await.expect("the operator may ask").state, "serving");
    let again = decided(cafe.authorize(pay(refused_at)).await);
    assert_eq!(again.state(), v1::PaymentState::Captured, "what was refused was never tried");
    paid.push(again);

    // Killed on a disk that is full again, it comes up and knows everything.
    disk.fill_up_to(LEFT_BYTES);
    running.daemon.kill();
    let running = start(&disk);
    for (number, payment) in paid.iter().enumerate().rev().take(50) {
        assert_eq!(&decided(running.cafe.authorize(pay(number)).await), payment);
    }
}

/// An order to stop is obeyed on a full disk too.
#[tokio::test]
async fn a_full_disk_is_no_obstacle_to_a_clean_stop() {
    let Some(disk) = SmallDisk::mount(DISK_BYTES) else { return };
    let running = start(&disk);
    disk.fill_up_to(LEFT_BYTES);
    let mut number = 0;
    while running.cafe.authorize(pay(number)).await.is_ok() {
        number += 1;
    }
    assert_eq!(refused(running.cafe.authorize(pay(number)).await).reason, "DISK_FULL");
    assert!(support::parties::stop(running.daemon).await.success());
}
