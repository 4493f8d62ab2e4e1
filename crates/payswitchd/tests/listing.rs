//! Lists of payments: pages that stay in place while payments arrive, filters, and whose payments are seen.

mod support;

use client::{Client, Code};
use support::{
    moves::{held, refund, refunded, void, voided},
    parties::{Sandbox, caller, decided, money, payment, refused},
};
use wire::v1::{self, PaymentState};

const HOUR_MS: u64 = 60 * 60 * 1_000;

fn yuan(minor_units: i64) -> v1::Money {
    money("CNY", minor_units)
}

/// All payments that fit, page by page; `between` happens after each page.
async fn all(client: &Client, request: &v1::PaymentServiceListRequest, between: impl AsyncFn()) -> Vec<v1::Payment> {
    let (mut payments, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = v1::PaymentServiceListRequest { page_token, ..request.clone() };
        let page = client.list_payments(request.clone()).await.expect("a page");
        let most = if request.page_size == 0 { 50 } else { request.page_size };
        assert!(page.payments.len() <= usize::try_from(most).expect("a small page"));
        payments.extend(page.payments);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return payments;
        }
        between().await;
    }
}

fn ids(payments: &[v1::Payment]) -> Vec<&str> {
    payments.iter().map(|payment| payment.payment_id.as_str()).collect()
}

fn page_of(page_size: u32) -> v1::PaymentServiceListRequest {
    v1::PaymentServiceListRequest { page_size, ..v1::PaymentServiceListRequest::default() }
}

async fn pay(client: &Client, name: &str, amount: v1::Money) -> v1::Payment {
    decided(client.authorize(payment(name, name, "hk-alice", amount)).await)
}

#[tokio::test]
async fn pages_stay_in_place_while_payments_arrive() {
    let sandbox = Sandbox::start();
    let mut expected = Vec::new();
    for number in 0..20 {
        expected.push(pay(&sandbox.cafe, &format!("before {number}"), yuan(100)).await);
        pay(&sandbox.books, &format!("of another {number}"), money("HKD", 100)).await;
    }
    let arrived = std::cell::RefCell::new(Vec::new());
    let found = all(&sandbox.cafe, &page_of(7), async || {
        let name = format!("meanwhile {}", arrived.borrow().len());
        let paid = pay(&sandbox.cafe, &name, yuan(100)).await;
        arrived.borrow_mut().push(paid);
    })
    .await;
    expected.extend(arrived.into_inner());
    // The last page may have been made before the last payment arrived.
    assert!(found.len() >= 20 && expected.starts_with(&found), "{:?}", ids(&found));
    let again = all(&sandbox.cafe, &page_of(500), async || {}).await;
    assert_eq!(again, expected, "in the order they were decided, none twice, none of another merchant");
}

#[tokio::test]
async fn a_filter_holds_for_every_page() {
    let sandbox = Sandbox::start();
    let cafe = &sandbox.cafe;
    let captured = pay(cafe, "captured", yuan(100)).await;
    let dollars = decided(cafe.authorize(payment("dollars", "dollars", "us-dana", money("USD", 100))).await);
    let declined = decided(cafe.authorize(payment("declined", "declined", "hk-bob", yuan(90_000))).await);
    sandbox.advance(HOUR_MS).await;
    let held_one = decided(cafe.authorize(held("held", "held", "hk-alice", yuan(100))).await);
    let voided_one = decided(cafe.authorize(held("voided", "voided", "hk-alice", yuan(100))).await);
    voided(cafe.void(void("void", &voided_one.payment_id)).await);
    let refunded_one = pay(cafe, "refunded", yuan(100)).await;
    refunded(cafe.refund(refund("refund", &refunded_one.payment_id, yuan(100))).await);

    let everything = page_of(0);
    let states = |states: &[PaymentState]| v1::PaymentServiceListRequest {
        states: states.iter().map(|state| i32::from(*state)).collect(),
        ..page_of(1)
    };
    let at = held_one.create_time;
    let cases = [
        (everything.clone(), vec![&captured, &dollars, &declined, &held_one, &voided_one, &refunded_one]),
        (states(&[PaymentState::Captured]), vec![&captured, &dollars]),
        (states(&[PaymentState::Declined, PaymentState::Voided]), vec![&declined, &voided_one]),
        (states(&[PaymentState::PartiallyCaptured]), vec![]),
        (v1::PaymentServiceListRequest { presentment_currency_code: "USD".to_owned(), ..page_of(1) }, vec![&dollars]),
        (
            v1::PaymentServiceListRequest { create_time_from: at, ..page_of(1) },
            vec![&held_one, &voided_one, &refunded_one],
        ),
        (v1::PaymentServiceListRequest { create_time_to: at, ..page_of(1) }, vec![&captured, &dollars, &declined]),
        (
            v1::PaymentServiceListRequest { create_time_from: at, ..states(&[PaymentState::Refunded]) },
            vec![&refunded_one],
        ),
        (
            v1::PaymentServiceListRequest {
                merchant_id: "demo-cafe".to_owned(),
                ..states(&[PaymentState::Authorized])
            },
            vec![&held_one],
        ),
    ];
    for (request, expected) in cases {
        let found = all(cafe, &request, async || {}).await;
        let expected: Vec<_> = expected.into_iter().map(|payment| payment.payment_id.as_str()).collect();
        assert_eq!(ids(&found), expected, "{request:?}");
    }

    let first = cafe.list_payments(states(&[PaymentState::Captured])).await.expect("a page");
    let other = v1::PaymentServiceListRequest {
        page_token: first.next_page_token.clone(),
        ..states(&[PaymentState::Declined])
    };
    let garbled = v1::PaymentServiceListRequest { page_token: "1.zz".to_owned(), ..states(&[PaymentState::Captured]) };
    for request in [other, garbled, v1::PaymentServiceListRequest { page_token: "-".to_owned(), ..everything }] {
        let refusal = refused(cafe.list_payments(request).await);
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::InvalidArgument, "PAGE_TOKEN_INVALID"));
        assert_eq!(refusal.field_violations[0].field, "page_token");
    }
    let more = v1::PaymentServiceListRequest { page_token: first.next_page_token, ..states(&[PaymentState::Captured]) };
    assert_eq!(ids(&cafe.list_payments(more).await.expect("a page").payments), [dollars.payment_id.as_str()]);
}

/// The operator reads everybody's on either listener, a merchant its own, and a wallet operator none.
#[tokio::test]
async fn the_operator_sees_all_and_a_merchant_its_own() {
    let sandbox = Sandbox::start();
    let at_cafe = pay(&sandbox.cafe, "cafe", yuan(100)).await;
    let at_books = pay(&sandbox.books, "books", money("HKD", 100)).await;
    let of = |merchant: &str| v1::PaymentServiceListRequest { merchant_id: merchant.to_owned(), ..page_of(0) };
    for address in [&sandbox.daemon.merchants, &sandbox.daemon.operators] {
        let operator = caller(address, client::sandbox::OPERATOR_KEY);
        let both = [at_cafe.payment_id.as_str(), at_books.payment_id.as_str()];
        assert_eq!(ids(&all(&operator, &of(""), async || {}).await), both);
        assert_eq!(ids(&all(&operator, &of("hk-books"), async || {}).await), both[1..]);
        assert_eq!(all(&operator, &of("ph-tours"), async || {}).await, []);
        let refusal = refused(operator.list_payments(of("nobody")).await);
        assert_eq!((refusal.code, refusal.message.as_str()), (Code::NotFound, "no merchant nobody"));
        let read =
            operator.payment(support::parties::by_id(&at_books.payment_id)).await.expect("the operator may read");
        assert_eq!(read.payment.as_ref(), Some(&at_books));
    }
    for theirs in ["hk-books", "nobody"] {
        let refusal = refused(sandbox.cafe.list_payments(of(theirs)).await);
        assert_eq!((refusal.code, refusal.message), (Code::NotFound, format!("no merchant {theirs}")));
        let watch = v1::WatchRequest { merchant_id: theirs.to_owned(), after_lsn: 0 };
        assert_eq!(refused(sandbox.cafe.watch(watch).await.map(drop)).reason, "MERCHANT_NOT_FOUND");
    }
    let refusal = refused(sandbox.wallet.list_payments(of("")).await);
    assert_eq!(refusal.message, "this service is for merchants and the switch's operator");

    // What changes something is not served on the operators' listener, whoever asks.
    let cafe = caller(&sandbox.daemon.operators, client::sandbox::MERCHANT_KEYS[0].1);
    let refusals = [
        refused(cafe.authorize(payment("there", "there", "hk-alice", yuan(100))).await),
        refused(cafe.void(void("void", &at_cafe.payment_id)).await),
        refused(cafe.refund(refund("refund", &at_cafe.payment_id, yuan(1))).await),
    ];
    for refusal in refusals {
        assert_eq!((refusal.code, refusal.reason.as_str()), (Code::Unimplemented, "WRONG_LISTENER"));
    }
}
