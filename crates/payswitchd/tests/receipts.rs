//! Receipts: signed statements of one outcome that are checked without asking the switch, and what they rest on.

mod support;

use client::{Client, Code, sandbox};
use journal::disk::DirectoryDisk;
use support::{
    moves::{capture, captured, held, refund, refunded},
    parties::{End, Sandbox, caller, decided, money, payment, refused, stop},
    production::{self, Production},
};
use wire::{
    receipts,
    v1::{self, PaymentEventKind, RefundState},
};

fn yuan(minor_units: i64) -> v1::Money {
    money("CNY", minor_units)
}

async fn receipt(client: &Client, payment_id: &str, lsn: u64) -> v1::ReceiptServiceGetResponse {
    let request = v1::ReceiptServiceGetRequest { payment_id: payment_id.to_owned(), lsn };
    client.receipt(request).await.expect("there is an outcome")
}

/// The key that signs now.
async fn key(client: &Client) -> v1::ReceiptKey {
    let keys = client.list_receipt_keys().await.expect("every credential may ask").keys;
    keys.into_iter().next().expect("there is a key")
}

/// Checks a receipt with the public key alone.
fn read(key: &v1::ReceiptKey, receipt: &v1::ReceiptServiceGetResponse) -> v1::ReceiptBody {
    assert_eq!(receipt.key_id, key.key_id);
    receipts::read(&key.public_key, &receipt.body, &receipt.signature).expect("the switch signed it")
}

#[tokio::test]
async fn every_outcome_has_a_receipt_that_holds_offline_and_against_the_journal() {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let declined = decided(cafe.authorize(payment("declined", "order-1", "hk-bob", yuan(90_000))).await);
    let held = decided(cafe.authorize(held("held", "order-2", "hk-alice", yuan(10_000))).await);
    let whole = captured(cafe.capture(capture("capture", &held.payment_id, yuan(10_000))).await);
    let (given_back, after) = refunded(cafe.refund(refund("refund", &held.payment_id, yuan(4_000))).await);

    let key = key(cafe).await;
    let mut bodies = Vec::new();
    for (expected, kind, refund, net) in [
        (&declined, PaymentEventKind::Declined, None, None),
        (&held, PaymentEventKind::Authorized, None, Some(0)),
        (&whole, PaymentEventKind::Captured, None, Some(11_911)),
        (&after, PaymentEventKind::Refunded, Some(&given_back), Some(11_911 - 4_764)),
    ] {
        let signed = receipt(cafe, &expected.payment_id, expected.lsn).await;
        assert_eq!(receipt(cafe, &expected.payment_id, expected.lsn).await, signed, "one outcome has one receipt");
        let body = read(&key, &signed);
        assert_eq!((body.mode.as_str(), body.lsn, body.kind()), ("sandbox", expected.lsn, kind));
        assert_eq!((body.payment.as_ref(), body.refund.as_ref()), (Some(expected), refund));
        assert_eq!(body.net_debit_amount, net.map(|units| money("HKD", units)));
        assert_eq!(body.record_time, expected.update_time);
        bodies.push((body, signed));
    }
    let last = receipt(cafe, &held.payment_id, 0).await;
    assert_eq!(last, bodies[3].1, "0 means the last");

    let sandbox = sandbox.restart(End::Killed).await;
    for (body, signed) in &bodies {
        let id = body.payment.as_ref().expect("it is of a payment").payment_id.as_str();
        assert_eq!(receipt(&sandbox.cafe, id, body.lsn).await, *signed, "the same bytes after a restart");
    }
    let Sandbox { daemon, data_dir, .. } = sandbox;
    assert!(stop(daemon).await.success());
    let disk = DirectoryDisk::new(data_dir.path().join("journal"));
    for (body, _) in bodies {
        let stored = journal::record_at(&disk, domain::Lsn::new(body.lsn)).expect("the journal is whole");
        let stored = stored.expect("the record is there");
        assert_eq!(body.record_digest, receipts::record_digest(&stored.bytes).to_vec());
        assert_eq!(
            (body.chain_lsn, body.chain_digest.to_vec()),
            (stored.chain.lsn.get(), stored.chain.digest.to_vec())
        );
        assert_eq!(body.journal_id, stored.journal_id.bytes().to_vec());
    }
}

#[tokio::test]
async fn a_receipt_that_was_changed_is_refused() {
    let sandbox = Sandbox::start();
    let paid = decided(sandbox.cafe.authorize(payment("pay", "order", "hk-alice", yuan(10_000))).await);
    let signed = receipt(&sandbox.cafe, &paid.payment_id, 0).await;
    let key = key(&sandbox.cafe).await;
    read(&key, &signed);
    for place in 0..signed.body.len() {
        let mut body = signed.body.to_vec();
        body[place] ^= 1;
        assert!(!receipts::verify(&key.public_key, &body, &signed.signature), "byte {place}");
    }
    let mut signature = signed.signature.to_vec();
    signature[0] ^= 1;
    assert!(!receipts::verify(&key.public_key, &signed.body, &signature));
    let other = [7; 32];
    assert!(!receipts::verify(&other, &signed.body, &signed.signature), "another key did not sign it");
}

/// A refund at another rate is stated as it moved.
#[tokio::test]
async fn a_receipt_tells_what_really_moved() {
    let sandbox = Sandbox::with(&[("PAYSWITCHD__POLICY__REFUND_RATE", "next_day")]);
    let cafe = &sandbox.cafe;
    let paid = decided(cafe.authorize(payment("pay", "order", "hk-alice", yuan(10_000))).await);
    let (_, after) = refunded(cafe.refund(refund("refund", &paid.payment_id, yuan(4_000))).await);
    let pending = receipt(cafe, &paid.payment_id, after.lsn).await;
    sandbox.pin(["CNY", "HKD"], "1.19").await;
    sandbox.advance(24 * 60 * 60 * 1_000).await;

    let key = key(cafe).await;
    assert_eq!(receipt(cafe, &paid.payment_id, after.lsn).await, pending, "what came later changes no receipt");
    let body = read(&key, &pending);
    assert_eq!((body.kind(), body.net_debit_amount), (PaymentEventKind::RefundPending, Some(money("HKD", 11_911))));
    let body = read(&key, &receipt(cafe, &paid.payment_id, 0).await);
    let refund = body.refund.as_ref().expect("it is of a refund");
    assert_eq!((body.kind(), refund.state()), (PaymentEventKind::RefundPriced, RefundState::Refunded));
    assert_eq!(refund.debit_amount, Some(money("HKD", 4_760)));
    assert_eq!(body.net_debit_amount, Some(money("HKD", 11_911 - 4_760)));
}

/// Amounts move as levels change: after capture, refund and capture the first cent's rounding is not repeated.
#[tokio::test]
async fn a_receipt_tells_what_really_moved_in_whichever_order() {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let held = decided(cafe.authorize(held("held", "order", "hk-alice", yuan(100))).await);
    let first = captured(cafe.capture(capture("first", &held.payment_id, yuan(1))).await);
    let (_, back) = refunded(cafe.refund(refund("back", &held.payment_id, yuan(1))).await);
    let second = captured(cafe.capture(capture("second", &held.payment_id, yuan(1))).await);
    let key = key(cafe).await;
    for (after, net) in [(&first, 2), (&back, 0), (&second, 2)] {
        let body = read(&key, &receipt(cafe, &held.payment_id, after.lsn).await);
        assert_eq!(body.net_debit_amount, Some(money("HKD", net)), "lsn {}", after.lsn);
    }
}

#[tokio::test]
async fn a_receipt_is_for_the_merchant_the_payer_s_wallet_and_the_operator() {
    let sandbox = Sandbox::start();
    let paid = decided(sandbox.cafe.authorize(payment("pay", "order", "hk-alice", yuan(10_000))).await);
    let of_cafe = receipt(&sandbox.cafe, &paid.payment_id, 0).await;
    let operator = caller(&sandbox.daemon.operators, sandbox::OPERATOR_KEY);
    for other in [&sandbox.wallet, &operator] {
        assert_eq!(receipt(other, &paid.payment_id, 0).await, of_cafe);
        assert_eq!(key(other).await, key(&sandbox.cafe).await);
    }
    let get = |client: &Client, payment_id: &str, lsn| {
        let request = v1::ReceiptServiceGetRequest { payment_id: payment_id.to_owned(), lsn };
        let client = client.clone();
        async move { refused(client.receipt(request).await) }
    };
    let refusal = get(&sandbox.books, &paid.payment_id, 0).await;
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::NotFound, "PAYMENT_NOT_FOUND"));
    let never = "01900000-0000-7000-8000-000000000000";
    assert_eq!(get(&sandbox.cafe, never, 0).await.reason, "PAYMENT_NOT_FOUND");
    let refusal = get(&sandbox.cafe, &paid.payment_id, paid.lsn - 1).await;
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::NotFound, "RECEIPT_NOT_FOUND"));
    assert_eq!(refusal.message, format!("no receipt of payment {} at lsn {}", paid.payment_id, paid.lsn - 1));
}

/// Receipts signed before a change of keys can still be checked.
#[tokio::test]
async fn receipt_keys_are_the_operator_s_and_earlier_ones_are_still_told() {
    let production = Production::prepare(&["harbour", "lagoon"]);
    let first = {
        let daemon = production.start();
        key(&caller(&daemon.merchants, &production.wallets[0].1)).await
    };
    assert_eq!((first.key_id, first.public_key.len()), (1, 32));

    let old = production.directory.path().join("receipts.key");
    let new = production.directory.path().join("second.key");
    let printed = production::run(&["new-receipt-key", "--out", new.to_str().expect("the path is text")]);
    let public_key = production::printed_word(&printed, "public key");
    let hex: String = first.public_key.iter().map(|byte| format!("{byte:02x}")).collect();
    production.configure(|config| {
        let before = format!("[receipts]\nid = 1\nfile = \"{}\"\n", old.display());
        let after = format!(
            "[receipts]\nid = 2\nfile = \"{}\"\n\n[[receipts.older]]\nid = 1\npublic_key = \"{hex}\"\n",
            new.display()
        );
        config.replace(&before, &after)
    });
    let daemon = production.start();
    let lagoon = caller(&daemon.merchants, &production.wallets[1].1);
    let keys = lagoon.list_receipt_keys().await.expect("every credential may ask").keys;
    let [second, earlier] = keys.as_slice() else { panic!("two keys, got {keys:?}") };
    assert_eq!((second.key_id, earlier), (2, &first));
    let hex: String = second.public_key.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, public_key, "as it was printed");
}
