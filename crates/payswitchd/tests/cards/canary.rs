//! No card number stands anywhere: numbers that are known go through a daemon in every way, and then are looked for.

use std::{collections::BTreeSet, fmt::Debug};

use cardnet::TEST_NUMBERS;
use client::Client;
use tokio::{
    sync::Mutex,
    task::{JoinSet, spawn_blocking},
};
use wire::v1;

use crate::{
    asked::{PERSON, approval, approved_charge, binding, charge, verify, yuan},
    binding::{CARDS, with_one_digit_changed},
    needles::Needles,
    played::Played,
    production::{prepared, start},
    support::{
        moves::{capture, refund, void},
        pages::get,
        parties::decided,
        production::{Production, Ready},
    },
};

/// Everything is logged that can be.
const TRACE: [(&str, &str); 1] = [("RUST_LOG", "trace")];

/// All that a daemon says to anybody.
#[derive(Default)]
struct Heard(Mutex<String>);

impl Heard {
    async fn add(&self, said: &(impl Debug + Sync)) {
        self.say(&format!("{said:?}")).await;
    }

    async fn say(&self, said: &str) {
        let mut heard = self.0.lock().await;
        heard.push_str(said);
        heard.push('\n');
    }
}

#[tokio::test]
async fn no_card_number_stands_in_any_file_log_metric_or_answer() {
    let played = Played::start("", 0);
    let production = prepared(&played);
    let printed = TEST_NUMBERS.into_iter().map(|(pan, _)| pan).chain(CARDS.map(|(pan, _)| pan));
    let pans: Vec<&str> = printed.collect::<BTreeSet<_>>().into_iter().collect();
    let mistyped: Vec<String> = pans.iter().map(|pan| with_one_digit_changed(pan)).collect();
    let heard = Heard::default();

    let ready = start(&production, &TRACE).await;
    verify(&ready.wallet).await;
    for (pan, mistyped) in pans.iter().zip(&mistyped) {
        bind_wrongly(&ready, &heard, pan, mistyped).await;
    }
    pay_by_all(&ready, &heard, &pans).await;
    stop(ready, &heard).await;

    let ready = start(&production, &TRACE).await;
    let listed = ready.wallet.list_cards(v1::CardServiceListRequest { person_id: PERSON.to_owned() }).await;
    heard.add(&listed).await;
    pay_by_all(&ready, &heard, &pans).await;
    for card in listed.expect("the person is there").cards {
        let token = card.card_token;
        // One whose network refuses to be told is still in use.
        heard.add(&ready.wallet.unbind_card(unbinding(&token)).await).await;
        heard.add(&ready.cafe.authorize(charge(&format!("after {token}"), &token, yuan(10_000))).await).await;
        heard.add(&ready.wallet.card(v1::CardServiceGetRequest { card_token: token }).await).await;
    }
    stop(ready, &heard).await;

    let mistyped = mistyped.iter().map(String::as_str);
    let needles = Needles::of(pans.iter().copied().chain(mistyped));
    let heard = heard.0.into_inner();
    assert!(heard.contains("TRACE") && heard.contains("payswitch_card_lines_up"), "all of it was heard");
    assert_eq!(needles.find(heard.as_bytes()), []);
    assert_eq!(needles.find_in_files(production.directory.path()), []);
    assert_eq!(needles.find_in_files(played.directory()), []);
    check_that_it_would_be_found(&production, &needles, pans[0]);
}

/// The same search finds what is there.
fn check_that_it_would_be_found(production: &Production, needles: &Needles, pan: &str) {
    let planted = production.data_dir().join("vault/planted");
    std::fs::write(&planted, format!("\0{pan}\0")).expect("it is written");
    let found = needles.find_in_files(production.directory.path());
    assert_eq!(found, [(planted, pan.to_owned(), "ASCII")]);
}

/// What is refused, the number being at its place or at another.
async fn bind_wrongly(ready: &Ready, heard: &Heard, pan: &str, mistyped: &str) {
    let wallet = &ready.wallet;
    let fine = binding("wrong", pan);
    for wrong in [
        v1::BindRequest { pan: mistyped.to_owned(), ..fine.clone() },
        v1::BindRequest { pan: format!("{pan} "), ..fine.clone() },
        v1::BindRequest { pan: format!("{pan}00000000"), ..fine.clone() },
        v1::BindRequest { expiry: "12/20".to_owned(), ..fine.clone() },
        v1::BindRequest { expiry: pan.to_owned(), ..fine.clone() },
        v1::BindRequest { person_id: format!("No. {pan}"), ..fine.clone() },
        v1::BindRequest { billing_currency_code: pan.to_owned(), ..fine },
    ] {
        let answer = wallet.bind_card(wrong).await;
        // One whose length is not checked may be bound all the same: UnionPay's.
        heard.add(&answer).await;
    }
    heard.add(&wallet.unbind_card(unbinding(pan)).await).await;
    heard.add(&wallet.card(v1::CardServiceGetRequest { card_token: pan.to_owned() }).await).await;
    heard.add(&ready.cafe.authorize(charge("wrong", pan, yuan(10_000))).await).await;
}

fn unbinding(card_token: &str) -> v1::UnbindRequest {
    v1::UnbindRequest { idempotency_key: format!("unbind {card_token}"), card_token: card_token.to_owned() }
}

/// Binds and pays by each card, and does with the payment what can be done; all at once.
async fn pay_by_all(ready: &Ready, heard: &Heard, pans: &[&'static str]) {
    let mut calls = JoinSet::new();
    for pan in pans.iter().copied() {
        let (wallet, cafe) = (ready.wallet.clone(), ready.cafe.clone());
        calls.spawn(async move { pay(&wallet, &cafe, pan).await });
    }
    while let Some(said) = calls.join_next().await {
        heard.say(&said.expect("no call panics")).await;
    }
    heard.say(&get(&ready.daemon, "/metrics").1).await;
}

async fn pay(wallet: &Client, cafe: &Client, pan: &str) -> String {
    let bound = wallet.bind_card(binding(&format!("bind {}", name(pan)), pan)).await;
    let mut said = format!("{bound:?}\n");
    let card = bound.expect("it is bound").card.expect("it was not declined");
    let key = format!("pay {}", card.card_token);
    let (answered, payment_id) = charged(wallet, cafe, approved_charge(&key, &card.card_token, yuan(25_000))).await;
    said += &answered;
    said += &format!("{:?}\n", cafe.refund(refund(&format!("{key} refund"), &payment_id, yuan(10_000))).await);
    let key = format!("hold {}", card.card_token);
    let hold = approved_charge(&key, &card.card_token, yuan(25_000));
    let hold = v1::AuthorizeRequest { capture_mode: v1::CaptureMode::Manual.into(), ..hold };
    let (answered, payment_id) = charged(wallet, cafe, hold).await;
    said += &answered;
    said += &format!("{:?}\n", cafe.capture(capture(&format!("{key} capture"), &payment_id, yuan(10_000))).await);
    said += &format!("{:?}\n", cafe.void(void(&format!("{key} void"), &payment_id)).await);
    said
}

/// All that is answered to a charge and to its approval, and the payment's id. Its issuer was asked, now or before.
async fn charged(wallet: &Client, cafe: &Client, charge: v1::AuthorizeRequest) -> (String, String) {
    let approve = approval(&charge.merchant_order_id, "cafe", &charge.card_token, yuan(25_750));
    let approved = wallet.approve_order(approve).await;
    let payment = decided(cafe.authorize(charge).await);
    assert_ne!(payment.decline_reason(), v1::DeclineReason::ConsentNotFound, "{approved:?}");
    (format!("{approved:?}\n{payment:?}\n"), payment.payment_id)
}

/// A name for a card that says nothing of its number.
fn name(pan: &str) -> String {
    let sum: u32 = pan.bytes().fold(0, |sum, digit| sum.wrapping_mul(31).wrapping_add(u32::from(digit)));
    format!("{sum:x}")
}

async fn stop(ready: Ready, heard: &Heard) {
    let Ready { daemon, .. } = ready;
    heard.say(&daemon.banner).await;
    let (ended, told) = spawn_blocking(|| daemon.stop_and_tell()).await.expect("waiting does not panic");
    assert!(ended.success(), "{told}");
    heard.say(&told).await;
}
