//! The threads that serve merchants: as many as were asked for, and payments are the same over each.

mod support;

use client::sandbox;

use support::parties::{Sandbox, caller, decided, money, payment, stop};

const THREADS: usize = 3;
/// Connections are dealt to whoever has the fewest: so each thread gets two.
const CONNECTIONS: usize = 2 * THREADS;

#[tokio::test]
async fn payments_are_the_same_over_each_thread() {
    let sandbox = Sandbox::with(&[("PAYSWITCHD__THREADS__MERCHANTS", "3")]);
    let key = sandbox::merchant_key("demo-cafe").expect("the sandbox has this merchant");
    let callers: Vec<_> = (0..CONNECTIONS).map(|_| caller(&sandbox.daemon.merchants, key)).collect();
    let pay = |order: usize| payment(&format!("key-{order}"), &format!("order-{order}"), "hk-alice", money("CNY", 100));

    // Each of them is asked for the same payments, all at once: one makes a payment, the others are told of it.
    let mut calls = tokio::task::JoinSet::new();
    for (order, caller) in (0..CONNECTIONS).flat_map(|order| callers.iter().map(move |caller| (order, caller.clone())))
    {
        let request = pay(order);
        calls.spawn(async move { (order, decided(caller.authorize(request).await)) });
    }
    let mut ids = vec![Vec::new(); CONNECTIONS];
    for (order, payment) in calls.join_all().await {
        ids[order].push(payment.payment_id);
    }
    for ids in &mut ids {
        assert_eq!(ids.len(), CONNECTIONS);
        ids.dedup();
        assert_eq!(ids.len(), 1, "one order is paid once: {ids:?}");
    }
    assert_eq!(sandbox.status().await.payments_captured, CONNECTIONS as u64);

    for number in 1..=THREADS {
        sandbox.daemon.thread(&format!("merchants-{number}"));
    }
    drop(callers);
    let Sandbox { daemon, .. } = sandbox;
    assert!(stop(daemon).await.success(), "every thread ends");
}
