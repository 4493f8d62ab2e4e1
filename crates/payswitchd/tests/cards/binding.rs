//! Which cards are bound, and why others are not.

use std::fs;

use client::{Client, Code, Refusal};
use vault::{Expiry, KeyEncryptionKey, Vault};
use wire::v1::{self, CardState, DeclineReason, PersonTier};

use crate::{
    asked::{PERSON, binding, bound, charge, verify, yuan},
    played::Played,
    production::{prepared, start, vault as vault_file},
    support::parties::{End, Sandbox, caller, refused, stop, sums},
};

/// Public test numbers, as payment providers print them, and their schemes.
pub(crate) const CARDS: [(&str, &str); 22] = [
    ("4242424242424242", "visa"),
    ("4111111111111111", "visa"),
    ("4000000000000002", "visa"),
    ("4000000000009995", "visa"),
    ("4009348888881881", "visa"),
    ("5555555555554444", "mastercard"),
    ("2223003122003222", "mastercard"),
    ("5105105105105100", "mastercard"),
    ("378282246310005", "amex"),
    ("371449635398431", "amex"),
    ("6011111111111117", "discover"),
    ("6011000990139424", "discover"),
    ("3056930009020004", "diners"),
    ("30569309025904", "diners"),
    ("36227206271667", "diners"),
    ("38520000023237", "diners"),
    ("3566002020360505", "jcb"),
    ("3530111333300000", "jcb"),
    ("6200000000000005", "unionpay"),
    ("6200000000000047", "unionpay"),
    ("6205500000000000004", "unionpay"),
    ("6212345678901265", "unionpay"),
];

/// The number with another last digit but one: what a typist does, and no other scheme's.
pub(crate) fn with_one_digit_changed(pan: &str) -> String {
    let (rest, last) = pan.split_at(pan.len() - 1);
    let (rest, changed) = rest.split_at(rest.len() - 1);
    let digit: u8 = changed.parse().expect("a digit");
    format!("{rest}{}{last}", (digit + 1) % 10)
}

#[tokio::test]
async fn public_test_numbers_are_bound_and_each_with_one_digit_changed_is_not() {
    let sandbox = Sandbox::start();
    for (pan, scheme) in CARDS {
        let card = bound(&sandbox.wallet, pan).await;
        assert_eq!((card.scheme.as_str(), card.state()), (scheme, CardState::Bound), "{pan}");
        let bin_digits = if pan.len() < 16 { 6 } else { 8 };
        assert_eq!((card.bin.as_str(), card.last_four.as_str()), (&pan[..bin_digits], &pan[pan.len() - 4..]));
        assert_eq!((card.person_id.as_str(), card.billing_currency_code.as_str()), (PERSON, "USD"));
        let mistyped = with_one_digit_changed(pan);
        let answer = sandbox.wallet.bind_card(binding(&format!("bind {mistyped}"), &mistyped)).await;
        match scheme {
            "unionpay" => _ = answer.expect("not all numbers of UnionPay have a check digit"),
            _ => check(&refused(answer), ("CARD_INVALID", "pan"), "check digit"),
        }
    }
}

/// It is refused for this reason, at this field, in words that say why.
#[track_caller]
fn check(refusal: &Refusal, (reason, field): (&str, &str), words: &str) {
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::InvalidArgument, reason), "{refusal:?}");
    let fields: Vec<_> = refusal.field_violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, [field]);
    assert!(refusal.message.contains(words), "{}", refusal.message);
}

#[tokio::test]
async fn what_is_no_card_is_refused_at_its_field() {
    let sandbox = Sandbox::start();
    let fine = binding("key", "4242424242424242");
    let with_pan = |pan: &str| v1::BindRequest { pan: pan.to_owned(), ..fine.clone() };
    let with_expiry = |expiry: &str| v1::BindRequest { expiry: expiry.to_owned(), ..fine.clone() };
    let with_person = |person: &str| v1::BindRequest { person_id: person.to_owned(), ..fine.clone() };
    for (request, wrong, words) in [
        (with_pan(""), ("FIELD_MISSING", "pan"), "pan"),
        (with_pan("42424242424"), ("CARD_INVALID", "pan"), "12 to 19 digits"),
        (with_pan("42424242424242424242"), ("CARD_INVALID", "pan"), "12 to 19 digits"),
        (with_pan("4242 4242 4242 4242"), ("CARD_INVALID", "pan"), "digits only"),
        (with_pan("424242424242424a"), ("CARD_INVALID", "pan"), "digits only"),
        (with_pan("４２４２424242424242"), ("CARD_INVALID", "pan"), "digits only"),
        // Visa has no numbers of 13 digits any more, American Express has 15 only.
        (with_pan("4222222222222"), ("CARD_INVALID", "pan"), "digits"),
        (with_pan("3782822463100052"), ("CARD_INVALID", "pan"), "digits"),
        (with_pan("9999999999999995"), ("CARD_INVALID", "pan"), "scheme"),
        // Maestro and Mir are schemes, and not taken.
        (with_pan("6759649826438453"), ("CARD_INVALID", "pan"), "Maestro"),
        (with_pan("2200000000000004"), ("CARD_INVALID", "pan"), "Mir"),
        (with_expiry(""), ("FIELD_MISSING", "expiry"), "expiry"),
        (with_expiry("2030-12"), ("CARD_INVALID", "expiry"), "MM/YY"),
        (with_expiry("13/30"), ("CARD_INVALID", "expiry"), "month"),
        (with_expiry("12/20"), ("CARD_INVALID", "expiry"), "past"),
        (with_person(""), ("FIELD_MISSING", "person_id"), "missing"),
        (with_person("Dana"), ("TEXT_INVALID", "person_id"), "person_id"),
    ] {
        check(&refused(sandbox.wallet.bind_card(request).await), wrong, words);
    }
    let unknown = v1::CardServiceListRequest { person_id: "nobody".to_owned() };
    assert_eq!(refused(sandbox.wallet.list_cards(unknown).await).reason, "PERSON_NOT_FOUND");
    let status = sandbox.status().await;
    assert!(bound(&sandbox.wallet, "4242424242424242").await.card_token.len() == 36);
    assert_eq!(sandbox.status().await.last_lsn, status.last_lsn + 1, "nothing else was recorded");
}

#[tokio::test]
async fn a_card_has_at_most_so_many_persons_and_each_one_token() {
    let sandbox = Sandbox::start();
    let wallet = &sandbox.wallet;
    let of = |person: &str, key: &str| v1::BindRequest {
        person_id: person.to_owned(),
        ..binding(&format!("{person} {key}"), "4242424242424242")
    };
    let mut tokens = Vec::new();
    for person in ["one", "two", "three"] {
        let first = wallet.bind_card(of(person, "first")).await.expect("bound").card.expect("bound");
        let again = wallet.bind_card(of(person, "again")).await.expect("it is there").card.expect("it is there");
        assert_eq!(again, first, "a card that is bound keeps its token");
        tokens.push(first.card_token);
    }
    let declined = wallet.bind_card(of("four", "first")).await.expect("it is decided");
    assert_eq!((declined.decline_reason(), &declined.card), (DeclineReason::CardPersonsLimit, &None));

    // Once one of them has given it up, there is room; the same key is answered the same.
    let unbind =
        |token: &str, key: &str| v1::UnbindRequest { idempotency_key: key.to_owned(), card_token: token.to_owned() };
    let ended = wallet.unbind_card(unbind(&tokens[0], "end")).await.expect("unbound");
    assert_eq!(wallet.unbind_card(unbind(&tokens[0], "end")).await.expect("unbound").lsn, ended.lsn);
    assert_eq!(refused(wallet.unbind_card(unbind(&tokens[0], "twice")).await).reason, "CARD_NOT_FOUND");
    let still = wallet.bind_card(of("four", "first")).await.expect("it was decided");
    assert_eq!(still, declined, "a key has one answer");
    let fourth = wallet.bind_card(of("four", "second")).await.expect("bound").card.expect("there is room");
    assert!(!tokens.contains(&fourth.card_token));

    // Nobody is charged by a token that has ended, also after a restart.
    let sandbox = sandbox.restart(End::Killed).await;
    let card = sandbox.wallet.card(v1::CardServiceGetRequest { card_token: tokens[0].clone() }).await;
    assert_eq!(card.expect("it is known").card.expect("it is known").state(), CardState::Unbound);
    let charged = sandbox.cafe.authorize(charge("late", &tokens[0], yuan(10_000))).await;
    let refusal = refused(charged);
    assert_eq!((refusal.code, refusal.reason.as_str()), (Code::NotFound, "CARD_NOT_FOUND"));
    assert!(sums(&sandbox.status().await).into_values().all(|sum| sum == 0));
}

#[tokio::test]
async fn a_card_that_is_bound_again_is_kept_with_the_expiry_of_then_and_costs_the_vault_nothing_else() {
    let played = Played::start("", 0);
    let production = prepared(&played);
    let ready = start(&production, &[]).await;
    let wallet = &ready.wallet;
    let bind = async |key: &str, expiry: &str| {
        let request = v1::BindRequest { expiry: expiry.to_owned(), ..binding(key, "4242424242424242") };
        wallet.bind_card(request).await.expect("it is bound").card.expect("it is bound")
    };
    let bytes = || fs::read(vault_file(&production)).expect("there is a vault");
    let first = bind("first", "12/30").await;
    let before = bytes();
    assert_eq!(bind("again", "12/30").await, first);
    assert_eq!(bytes(), before, "nothing is written of what is there");
    assert_eq!(bind("reissued", "01/34").await, first, "its token stays");
    let renewed = bytes();
    assert_eq!(renewed.len(), before.len() + 256, "one record");
    assert_eq!(bind("reissued", "01/34").await, first);
    assert_eq!(bind("first", "12/30").await, first, "a key has one answer, and it was given");
    assert_eq!(bytes(), renewed);
    let under = |key: &str, pan: &str, expiry: &str| v1::BindRequest { expiry: expiry.to_owned(), ..binding(key, pan) };
    for other in [under("reissued", "4242424242424242", "02/34"), under("reissued", "4111111111111111", "01/34")] {
        assert_eq!(refused(wallet.bind_card(other).await).reason, "IDEMPOTENCY_KEY_REUSED");
    }
    // Bound again with another currency, and then a retry of what came before: the last that was recorded counts.
    let other_currency =
        v1::BindRequest { billing_currency_code: "EUR".to_owned(), ..under("euro", "4242424242424242", "03/35") };
    let euro = wallet.bind_card(other_currency).await.expect("it is there");
    assert_eq!(euro.card, Some(v1::Card { billing_currency_code: "EUR".to_owned(), ..first.clone() }));
    let renewed = bytes();
    assert_eq!(bind("reissued", "01/34").await, first, "as it was answered");
    assert_eq!(bytes(), renewed, "and nothing is put back");
    let shown = wallet.card(v1::CardServiceGetRequest { card_token: first.card_token.clone() }).await;
    assert_eq!(shown.expect("it is there").card, euro.card);
    assert!(stop(ready.daemon).await.success());

    let key = KeyEncryptionKey::new(1, [1; 32]);
    let (vault, opened) = Vault::open(&vault_file(&production), &[key]).expect("it opens under the daemon's key");
    assert_eq!(opened.cards, 1);
    let (_, expiry) = vault.reveal(vault.tokens()[0]).expect("it is there");
    assert!(expiry == Expiry::parse("03/35").expect("an expiry"));
}

#[tokio::test]
async fn cards_and_persons_of_another_wallet_operator_are_not_there() {
    let played = Played::start("", 0);
    let production = prepared(&played);
    let ready = start(&production, &[]).await;
    let other = caller(&ready.daemon.merchants, &production.wallets[1].1);
    let token = bound(&ready.wallet, "4242424242424242").await.card_token;
    verify(&ready.wallet).await;

    let get = v1::CardServiceGetRequest { card_token: token.clone() };
    assert_eq!(refused(other.card(get).await).reason, "CARD_NOT_FOUND");
    let unbind = v1::UnbindRequest { idempotency_key: "theirs".to_owned(), card_token: token.clone() };
    assert_eq!(refused(other.unbind_card(unbind).await).reason, "CARD_NOT_FOUND");
    let person = || v1::PersonServiceGetRequest { person_id: PERSON.to_owned() };
    assert_eq!(refused(other.person(person()).await).reason, "PERSON_NOT_FOUND");
    // The other's person of the same name is another person.
    let theirs = bound(&other, "4242424242424242").await;
    assert_ne!(theirs.card_token, token);
    let tier = async |client: &Client| client.person(person()).await.expect("there").person.expect("there").tier();
    assert_eq!((tier(&ready.wallet).await, tier(&other).await), (PersonTier::Verified, PersonTier::Unverified));
    // Merchants bind nothing.
    assert_eq!(refused(ready.cafe.bind_card(binding("mine", "4242424242424242")).await).code, Code::PermissionDenied);
}
