//! What is asked of a daemon that takes cards, and what is waited for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use client::Client;
use tokio::time::timeout;
use wire::v1::{self, CaptureMode, PersonTier};

use crate::support::{
    Daemon,
    pages::get,
    parties::{Sandbox, money},
};

/// What has not happened by then never will, even on a machine that is very busy.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(60);

/// The person whose cards these are.
pub(crate) const PERSON: &str = "us-dana";
/// A card's time that has not passed for a long while.
pub(crate) const EXPIRY: &str = "12/49";

pub(crate) fn yuan(minor_units: i64) -> v1::Money {
    money("CNY", minor_units)
}

/// A request to bind a card.
pub(crate) fn binding(key: &str, pan: &str) -> v1::BindRequest {
    v1::BindRequest {
        idempotency_key: key.to_owned(),
        person_id: PERSON.to_owned(),
        pan: pan.to_owned(),
        expiry: EXPIRY.to_owned(),
        billing_currency_code: "USD".to_owned(),
    }
}

/// Binds a card to [`PERSON`].
pub(crate) async fn bound(wallet: &Client, pan: &str) -> v1::Card {
    let reply = wallet.bind_card(binding(&format!("bind {pan}"), pan)).await.expect("it is bound");
    reply.card.expect("it was not declined")
}

/// Says that [`PERSON`] is known by a passport, so that the large limits hold.
pub(crate) async fn verify(wallet: &Client) {
    let request = v1::AssertRequest {
        idempotency_key: "verify".to_owned(),
        person_id: PERSON.to_owned(),
        tier: PersonTier::Verified.into(),
        documents: vec![v1::DocumentKind::Passport.into()],
    };
    wallet.assert_person(request).await.expect("the wallet operator says so");
}

/// Approves the order of this name, to be charged to a card, for an hour.
pub(crate) fn approval(name: &str, merchant: &str, card_token: &str, max: v1::Money) -> v1::ApproveOrderRequest {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs();
    let seconds = i64::try_from(now).expect("seconds fit") + 60 * 60;
    v1::ApproveOrderRequest {
        idempotency_key: format!("approve {name} {max:?}"),
        merchant_id: merchant.to_owned(),
        merchant_order_id: name.to_owned(),
        max_debit_amount: Some(max),
        expire_time: Some(pbjson_types::Timestamp { seconds, nanos: 0 }),
        card_token: card_token.to_owned(),
        ..v1::ApproveOrderRequest::default()
    }
}

/// A request to be paid by card for an order that the wallet approved.
pub(crate) fn approved_charge(name: &str, card_token: &str, amount: v1::Money) -> v1::AuthorizeRequest {
    v1::AuthorizeRequest { order_approved: true, ..charge(name, card_token, amount) }
}

/// A request to be paid by card, under one name for key and order.
pub(crate) fn charge(name: &str, card_token: &str, amount: v1::Money) -> v1::AuthorizeRequest {
    v1::AuthorizeRequest {
        idempotency_key: name.to_owned(),
        merchant_order_id: name.to_owned(),
        card_token: card_token.to_owned(),
        presentment_amount: Some(amount),
        ..v1::AuthorizeRequest::default()
    }
}

/// The same, captured by a call of its own.
pub(crate) fn charge_later(name: &str, card_token: &str, amount: v1::Money) -> v1::AuthorizeRequest {
    v1::AuthorizeRequest { capture_mode: CaptureMode::Manual.into(), ..charge(name, card_token, amount) }
}

/// Asks the daemon again and again until this holds.
pub(crate) async fn until(sandbox: &Sandbox, what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            sandbox.status().await;
        }
    };
    timeout(WAIT_MAX, wait).await.unwrap_or_else(|_late| panic!("waited in vain for: {what}"));
}

/// Waits until the daemon is signed on to the network by its one line.
pub(crate) async fn signed_on(sandbox: &Sandbox) {
    until(sandbox, "a line", || metric(&sandbox.daemon, "payswitch_card_lines_up") == 1).await;
}

/// Waits until the network has taken everything it was told.
pub(crate) async fn all_told(sandbox: &Sandbox) {
    until(sandbox, "the advices", || metric(&sandbox.daemon, "payswitch_card_advices_waiting") == 0).await;
}

/// What a metric of whole numbers shows, its labels being part of its name.
pub(crate) fn metric(daemon: &Daemon, name: &str) -> u64 {
    let (_, page) = get(daemon, "/metrics");
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse().expect("a whole number"))
}
