//! Atomic batches: one record, in which all payments are approved or none is.

mod support;

use std::process::Command;

use client::Client;
use journal::disk::DirectoryDisk;
use support::parties::{End, Sandbox, by_id, decided, deposit, money, payment, refused, stop};
use wire::v1::{self, DeclineReason, PaymentEventKind, PaymentState};

/// The most payments of one.
const ATOMIC_MAX: u64 = 500;
/// Large enough for a record of that many.
const LARGE_SEGMENTS: (&str, &str) = ("PAYSWITCHD__JOURNAL__SEGMENT_BYTES", "4194304");
const FEW_IN_MEMORY: (&str, &str) = ("PAYSWITCHD__PROJECTIONS__HOT_RECORDS", "10");
/// What CNY 1.00 costs a payer in cents of HKD.
const YUAN: i64 = 120;

fn pay(number: u64) -> v1::AuthorizeRequest {
    of(number, "hk-alice", 100)
}

fn of(number: u64, payer: &str, minor_units: i64) -> v1::AuthorizeRequest {
    payment(&format!("key-{number}"), &format!("order-{number}"), payer, money("CNY", minor_units))
}

async fn ask(cafe: &Client, payments: &[v1::AuthorizeRequest]) -> Vec<v1::PaymentOutcome> {
    let request = v1::AuthorizeBatchRequest { payments: payments.to_vec(), atomic: true };
    cafe.authorize_batch(request).await.expect("a batch is answered").outcomes
}

/// The payments that were told, of which all or none are repeats.
async fn told(cafe: &Client, payments: &[v1::AuthorizeRequest], repeats: bool) -> Vec<v1::Payment> {
    let outcomes = ask(cafe, payments).await;
    assert_eq!(outcomes.len(), payments.len());
    let told = outcomes.into_iter().map(|outcome| match outcome.outcome {
        Some(v1::payment_outcome::Outcome::Payment(payment)) if outcome.repeat == repeats => payment,
        other => panic!("not decided, or not then: {other:?}"),
    });
    told.collect()
}

async fn refusals(cafe: &Client, payments: &[v1::AuthorizeRequest]) -> Vec<v1::PaymentRefusal> {
    let refusals = ask(cafe, payments).await.into_iter().map(|outcome| match outcome.outcome {
        Some(v1::payment_outcome::Outcome::Refusal(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    });
    refusals.collect()
}

fn reasons(refusals: &[v1::PaymentRefusal]) -> Vec<&str> {
    refusals.iter().map(|refusal| refusal.reason.as_str()).collect()
}

#[tokio::test]
async fn all_are_approved_by_one_record_and_each_is_a_payment() {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let mut payments: Vec<_> = (0..5).map(pay).collect();
    payments[3].capture_mode = v1::CaptureMode::Manual.into();
    let mut watch = cafe.watch(v1::WatchRequest { merchant_id: String::new(), after_lsn: 0 }).await.expect("a watch");
    let approved = told(cafe, &payments, false).await;
    assert!(approved.iter().all(|payment| payment.lsn == approved[0].lsn), "one record");
    for (number, payment) in approved.iter().enumerate() {
        let state = if number == 3 { PaymentState::Authorized } else { PaymentState::Captured };
        assert_eq!((payment.state(), payment.merchant_order_id.as_str()), (state, &*format!("order-{number}")));
        let name = v1::PaymentServiceGetRequest { idempotency_key: format!("key-{number}"), ..Default::default() };
        for name in [by_id(&payment.payment_id), name] {
            assert_eq!(cafe.payment(name).await.expect("it is there").payment.as_ref(), Some(payment));
        }
    }
    assert_eq!(sandbox.balance("hk-alice").await, 1_000_000 - 4 * YUAN);
    assert_eq!(sandbox.held("hk-alice").await, YUAN);
    let status = sandbox.status().await;
    assert_eq!((status.payments_captured, status.payments_held), (4, 1));

    let events = watch.next().await.expect("it goes on").expect("it goes on").events;
    assert!(events.iter().map(|event| event.payment.as_ref()).eq(approved.iter().map(Some)), "{events:?}");
    assert_eq!((events[0].kind(), events[3].kind()), (PaymentEventKind::Captured, PaymentEventKind::Authorized));

    // A page may end within the record.
    for size in 1..=5 {
        let (mut listed, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = v1::PaymentServiceListRequest { page_size: size, page_token, ..Default::default() };
            let page = cafe.list_payments(request).await.expect("a page");
            assert!(page.payments.len() <= size as usize);
            listed.extend(page.payments);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(listed, approved, "pages of {size}");
    }
}

#[tokio::test]
async fn the_same_again_is_the_same_whole_in_part_and_one_by_one_also_after_a_crash() {
    let mut sandbox = Sandbox::with(&[FEW_IN_MEMORY]);
    let payments: Vec<_> = (0..5).map(pay).collect();
    let first = told(&sandbox.cafe, &payments, false).await;
    // Enough that all of the first is in the index only.
    for number in 100..140 {
        decided(sandbox.cafe.authorize(pay(number)).await);
    }
    for end in [None, Some(End::Killed), Some(End::Asked)] {
        if let Some(end) = end {
            sandbox = sandbox.restart(end).await;
        }
        let cafe = &sandbox.cafe;
        assert_eq!(told(cafe, &payments, true).await, first, "{end:?}");
        assert_eq!(told(cafe, &payments[2..4], true).await, first[2..4], "{end:?}");
        assert_eq!(decided(cafe.authorize(payments[4].clone()).await), first[4], "{end:?}");
        assert_eq!(sandbox.balance("hk-alice").await, 1_000_000 - 45 * YUAN, "{end:?}");
    }
}

#[tokio::test]
async fn one_that_is_declined_declines_all_and_each_says_why() {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let mut payments: Vec<_> = (0..5).map(pay).collect();
    payments[2] = of(2, "hk-bob", 900_000);
    let declined = told(cafe, &payments, false).await;
    for (number, payment) in declined.iter().enumerate() {
        let reason = if number == 2 { DeclineReason::InsufficientBalance } else { DeclineReason::BatchDeclined };
        assert_eq!((payment.state(), payment.decline_reason()), (PaymentState::Declined, reason));
        assert_eq!(
            cafe.payment(by_id(&payment.payment_id)).await.expect("it is there").payment.as_ref(),
            Some(payment)
        );
    }
    assert_eq!(sandbox.balance("hk-alice").await, 1_000_000, "nobody is charged");
    assert_eq!(sandbox.status().await.payments_declined, 5);

    // Final for each key, whatever comes later.
    let funded = sandbox.wallet.deposit(deposit("funds", "hk-bob", money("HKD", 2_000_000))).await;
    funded.expect("a deposit");
    assert_eq!(told(cafe, &payments, true).await, declined);
    assert_eq!(decided(cafe.authorize(payments[0].clone()).await), declined[0]);
    let under_new_key = |(number, payment): (u32, v1::AuthorizeRequest)| v1::AuthorizeRequest {
        idempotency_key: format!("key-{number}"),
        ..payment
    };
    let again: Vec<_> = (10..).zip(payments).map(under_new_key).collect();
    let again = told(cafe, &again, false).await;
    assert!(again.iter().all(|payment| payment.state() == PaymentState::Captured), "the orders were free: {again:?}");
}

#[tokio::test]
async fn a_payer_with_enough_for_one_of_two_pays_none() {
    let sandbox = Sandbox::start();
    let balance = sandbox.balance("hk-bob").await;
    let most = balance * 100 / YUAN;
    let declined = told(&sandbox.cafe, &[of(0, "hk-bob", most * 2 / 3), of(1, "hk-bob", most / 2)], false).await;
    let reasons: Vec<_> = declined.iter().map(v1::Payment::decline_reason).collect();
    assert_eq!(reasons, [DeclineReason::BatchDeclined, DeclineReason::InsufficientBalance]);
    assert_eq!(sandbox.balance("hk-bob").await, balance);
    decided(sandbox.cafe.authorize(of(2, "hk-bob", most * 2 / 3)).await);
}

#[tokio::test]
async fn one_that_is_refused_refuses_all_and_leaves_their_keys_free() {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let alone = decided(cafe.authorize(pay(0)).await);

    let mut payments: Vec<_> = (1..4).map(pay).collect();
    payments[1] = of(0, "hk-alice", 200);
    let reused = refusals(cafe, &payments).await;
    assert_eq!(reasons(&reused), ["BATCH_REFUSED", "IDEMPOTENCY_KEY_REUSED", "BATCH_REFUSED"]);
    assert_eq!((reused[0].code, reused[0].metadata["position"].as_str()), (10, "1"));
    payments[1] = pay(0);
    let in_company = refusals(cafe, &payments).await;
    assert_eq!(reasons(&in_company), ["BATCH_REFUSED", "IDEMPOTENCY_KEY_REUSED", "BATCH_REFUSED"]);
    assert!(in_company[1].message.contains("the payments it is decided with"), "{in_company:?}");
    payments[1] = pay(1);
    assert_eq!(refusals(cafe, &payments).await[1].reason, "IDEMPOTENCY_KEY_REUSED", "one key twice");

    payments[1] = of(2, "nobody", 100);
    let nobody = refusals(cafe, &payments).await;
    assert_eq!(nobody[1].message, "no account demo-wallet/nobody");
    payments[1] = of(2, "hk-alice", 0);
    let no_amount = refusals(cafe, &payments).await;
    assert_eq!(reasons(&no_amount), ["BATCH_REFUSED", "AMOUNT_OUT_OF_BOUNDS", "BATCH_REFUSED"]);
    assert_eq!(no_amount[1].field, "presentment_amount.minor_units");

    payments[1] = pay(2);
    let approved = told(cafe, &payments, false).await;
    assert_eq!(approved[0].lsn, alone.lsn + 1, "nothing was recorded meanwhile");
}

#[tokio::test]
async fn five_hundred_are_one_record_and_one_more_is_refused() {
    let sandbox = Sandbox::with(&[LARGE_SEGMENTS]);
    let cafe = &sandbox.cafe;
    let payments: Vec<_> = (0..ATOMIC_MAX).map(pay).collect();
    let approved = told(cafe, &payments, false).await;
    assert!(approved.iter().all(|payment| payment.lsn == approved[0].lsn && !payment.postings.is_empty()));
    assert_eq!(sandbox.balance("hk-alice").await, 1_000_000 - 500 * YUAN);
    let request = v1::PaymentServiceListRequest { page_size: 500, ..Default::default() };
    assert_eq!(cafe.list_payments(request).await.expect("a page").payments, approved);

    for payments in [(0..=ATOMIC_MAX).map(pay).collect(), Vec::new()] {
        let refused = refused(cafe.authorize_batch(v1::AuthorizeBatchRequest { payments, atomic: true }).await);
        assert_eq!(refused.field_violations[0].field, "payments", "{refused:?}");
    }
    let sandbox = sandbox.restart(End::Killed).await;
    assert_eq!(told(&sandbox.cafe, &payments, true).await, approved);
}

/// A journal of small segments takes smaller records; the shard goes on.
#[tokio::test]
async fn a_batch_that_no_segment_holds_is_refused_before_anything_is_tried() {
    let sandbox = Sandbox::start();
    let payments: Vec<_> = (0..ATOMIC_MAX)
        .map(|number| v1::AuthorizeRequest { merchant_order_id: format!("{number:0>64}"), ..pay(number) })
        .collect();
    let refusals = refusals(&sandbox.cafe, &payments).await;
    assert!(refusals.iter().all(|refusal| refusal.reason == "RECORD_TOO_LARGE"), "{:?}", refusals[0]);
    assert_eq!(told(&sandbox.cafe, &payments[..50], false).await.len(), 50);
}

#[tokio::test]
async fn the_tools_read_it() {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let approved = told(cafe, &[pay(0), pay(1)], false).await;
    let declined = told(cafe, &[pay(2), of(3, "hk-bob", 900_000)], false).await;
    let receipt = v1::ReceiptServiceGetRequest { payment_id: approved[1].payment_id.clone(), lsn: 0 };
    let receipt = cafe.receipt(receipt).await.expect("there is an outcome");
    let key = cafe.list_receipt_keys().await.expect("the keys").keys.remove(0);
    let body = wire::receipts::read(&key.public_key, &receipt.body, &receipt.signature).expect("the switch signed it");
    assert_eq!(body.payment.as_ref(), Some(&approved[1]));
    assert_eq!(body.net_debit_amount, Some(money("HKD", YUAN)));

    let Sandbox { daemon, data_dir, .. } = sandbox;
    assert!(stop(daemon).await.success());
    let disk = DirectoryDisk::new(data_dir.path().join("journal"));
    let stored = journal::record_at(&disk, domain::Lsn::new(body.lsn)).expect("the journal is whole");
    let digest = wire::receipts::record_digest(&stored.expect("the record is there").bytes);
    assert_eq!(body.record_digest, digest, "of the record as it stands there");
    let payctl = |tool: &str, arguments: &[&str]| {
        let mut command = Command::new(support::payctl());
        let output = command.args(["journal", tool]).arg(data_dir.path()).args(arguments).output();
        let output = output.expect("payctl runs");
        assert!(output.status.success(), "{tool}: {output:?}");
        String::from_utf8(output.stdout).expect("it prints text")
    };
    for tool in ["verify", "audit", "replay"] {
        payctl(tool, &[]);
    }
    let dumped = payctl("dump", &[]);
    for line in ["2 payments, all or none: captured", "batch_declined: ", "; declined insufficient_balance: "] {
        assert!(dumped.contains(line), "{line} in {dumped}");
    }
    let explained = payctl("explain", &[&declined[0].payment_id]);
    assert!(explained.contains("payment 1 of 2, all or none"), "{explained}");
    assert!(explained.contains("batch_declined"), "{explained}");
    let explained = payctl("explain", &[&approved[1].payment_id]);
    assert!(explained.contains("payment 2 of 2, all or none"), "{explained}");
}
