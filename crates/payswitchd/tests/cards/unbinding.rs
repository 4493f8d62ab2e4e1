//! The end of a token: not while anything of its card is open, and never of a number that another ledger knows.

use std::{fs, path::Path, time::Duration};

use tempfile::TempDir;
use tokio::time::timeout;
use wire::v1::{self, PaymentState};

use crate::{
    asked::{binding, bound, charge, charge_later, metric, until, yuan},
    played::read_books,
    support::{
        Daemon,
        moves::{capture, captured, refund, refunded},
        parties::{End, SMALL_SEGMENTS, Sandbox, decided, refused, stop},
    },
};

const WAIT_MAX: Duration = Duration::from_secs(30);

fn unbind(key: &str, token: &str) -> v1::UnbindRequest {
    v1::UnbindRequest { idempotency_key: key.to_owned(), card_token: token.to_owned() }
}

/// Unbinds a card, once its network has taken all it was told.
async fn unbound(sandbox: &Sandbox, token: &str) {
    let ended = async {
        while let Err(error) = sandbox.wallet.unbind_card(unbind("end", token)).await {
            assert_eq!(refused::<()>(Err(error)).reason, "CARD_IN_USE");
        }
    };
    timeout(WAIT_MAX, ended).await.expect("the network takes what it is told");
}

#[tokio::test]
async fn a_card_in_use_is_not_unbound_and_what_it_paid_is_given_back_later() {
    let sandbox = Sandbox::start();
    let token = bound(&sandbox.wallet, "4242424242424242").await.card_token;
    let held = decided(sandbox.cafe.authorize(charge_later("held", &token, yuan(10_000))).await);
    assert_eq!(held.state(), PaymentState::Authorized);
    let in_use = refused(sandbox.wallet.unbind_card(unbind("early", &token)).await);
    assert_eq!(in_use.reason, "CARD_IN_USE", "{}", in_use.message);
    let paid = captured(sandbox.cafe.capture(capture("capture", &held.payment_id, yuan(10_000))).await);
    assert_eq!(paid.state(), PaymentState::Captured);
    unbound(&sandbox, &token).await;
    assert_eq!(
        refused(sandbox.cafe.authorize(charge("late", &token, yuan(100))).await).reason,
        "CARD_NOT_FOUND",
        "its token has ended"
    );

    let (given_back, _) = refunded(sandbox.cafe.refund(refund("refund", &held.payment_id, yuan(4_000))).await);
    assert_eq!(given_back.debit_amount, Some(yuan(4_000)));
    let books = sandbox.data_dir.path().join("card-network.books");
    until(&sandbox, "the refund at the network", || {
        read_books(&books).authorizations().any(|(_, found)| found.refunded.minor_units() == 4_000)
    })
    .await;
}

/// A daemon on a ledger that has nothing, with a copy of this vault.
fn stranger(directory: &Path, vault: &Path, arguments: &[&str]) -> Daemon {
    let place = directory.join("vault");
    fs::create_dir_all(&place).expect("a place for the vault");
    if !place.join("cards").exists() {
        fs::copy(vault, place.join("cards")).expect("a copy of the vault");
        fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("it is ours");
    }
    Daemon::start(directory, arguments, &[SMALL_SEGMENTS])
}

#[tokio::test]
async fn numbers_of_another_ledger_are_kept_and_lost_numbers_are_told_of() {
    let sandbox = Sandbox::start();
    let token = bound(&sandbox.wallet, "4242424242424242").await.card_token;
    let sandbox = sandbox.restart(End::Asked).await;
    let vault = sandbox.data_dir.path().join("vault/cards");

    let directory = TempDir::new().expect("a temporary directory");
    let daemon = stranger(directory.path(), &vault, &[]);
    assert!(daemon.logged("never heard of").await.contains("unknown=1"));
    assert!(stop(daemon).await.success());
    let copy = directory.path().join("vault/cards");
    assert_eq!(fs::read(&copy).expect("it is there"), fs::read(&vault).expect("it is there"), "nothing was destroyed");
    let daemon = stranger(directory.path(), &vault, &["--destroy-unknown-cards"]);
    assert!(daemon.logged("the card vault is open").await.contains("destroyed=1"));
    assert!(stop(daemon).await.success());
    assert_ne!(fs::read(&copy).expect("it is there"), fs::read(&vault).expect("it is there"));

    fs::rename(sandbox.data_dir.path().join("vault"), directory.path().join("lost")).expect("it is moved away");
    let sandbox = sandbox.restart(End::Killed).await;
    assert!(sandbox.daemon.logged("not in the vault").await.contains("missing=1"));
    let card = sandbox.wallet.card(v1::CardServiceGetRequest { card_token: token.clone() }).await;
    assert!(card.is_ok(), "the ledger goes on");

    // A copy of the same vault that does not have it: bound again, the number is there again.
    fs::rename(sandbox.data_dir.path().join("vault"), directory.path().join("another")).expect("it is moved away");
    fs::rename(directory.path().join("vault"), sandbox.data_dir.path().join("vault")).expect("it is put in its place");
    let sandbox = sandbox.restart(End::Killed).await;
    assert!(sandbox.daemon.logged("not in the vault").await.contains("missing=1"));
    let again = sandbox.wallet.bind_card(binding("again", "4242424242424242")).await.expect("it is there");
    assert_eq!(again.card.expect("it is there").card_token, token);
    until(&sandbox, "two lines", || metric(&sandbox.daemon, "payswitch_card_lines_up") == 2).await;
    let paid = decided(sandbox.cafe.authorize(charge("again", &token, yuan(10_000))).await);
    assert_eq!(paid.state(), PaymentState::Captured);
}
