//! The vault under another key, by the daemon's own subcommand.

use std::{
    path::Path,
    process::{Command, Output},
};

use wire::v1::PaymentState;

use crate::{
    asked::{approval, approved_charge, bound, yuan},
    played::Played,
    production::{prepared, start, vault, vault_key, vault_key_file},
    support::{
        parties::{decided, stop},
        production::{Production, Ready},
    },
};

fn rotate(production: &Production, keys: [u8; 2]) -> Output {
    rotation(production, &vault(production), keys).output().expect("it runs")
}

fn rotation(production: &Production, vault: &Path, [old, new]: [u8; 2]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payswitchd"));
    command.arg("rotate-vault-key").arg("--vault").arg(vault);
    command.args(["--id", &old.to_string(), "--key-file"]).arg(vault_key_file(production, old));
    command.args(["--new-id", &new.to_string(), "--new-key-file"]).arg(vault_key_file(production, new));
    command
}

/// What it refuses with.
fn refusal(output: &Output) -> String {
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr.clone()).expect("it says it in text")
}

async fn pay(ready: &Ready, name: &str, token: &str) -> PaymentState {
    ready.wallet.approve_order(approval(name, "cafe", token, yuan(10_000))).await.expect("approved");
    decided(ready.cafe.authorize(approved_charge(name, token, yuan(10_000))).await).state()
}

#[tokio::test]
async fn after_a_rotation_the_old_key_opens_nothing_and_cards_are_charged_as_before() {
    let played = Played::start("", 0);
    let production = prepared(&played);
    let second = vault_key(&production, 2);
    let ready = start(&production, &[]).await;
    let card = bound(&ready.wallet, "4242424242424242").await;
    assert_eq!(pay(&ready, "before", &card.card_token).await, PaymentState::Captured);
    let in_use = refusal(&rotate(&production, [1, 2]));
    assert!(in_use.contains("vault"), "a daemon has it: {in_use}");
    assert_eq!(pay(&ready, "meanwhile", &card.card_token).await, PaymentState::Captured);
    assert!(stop(ready.daemon).await.success());

    let mut mistyped = rotation(&production, &production.data_dir().join("vault/nothing"), [1, 2]);
    assert!(refusal(&mistyped.output().expect("it runs")).contains("there is no vault"));
    let output = rotate(&production, [1, 2]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && told.contains("1 cards are sealed under key 2"), "{output:?}");
    refusal(&rotate(&production, [1, 2]));

    // A daemon that knows the old key only does not start, and says which key it lacks.
    let (exit, error) = production.refusal(&[]);
    assert!(exit != 0 && error.contains("card vault"), "{error}");
    let first = vault_key(&production, 1);
    production.configure(|config| config.replace(&first, &second));
    let ready = start(&production, &[]).await;
    assert_eq!(pay(&ready, "after", &card.card_token).await, PaymentState::Captured);
    assert_eq!(bound(&ready.wallet, "4242424242424242").await.card_token, card.card_token);
    let other = bound(&ready.wallet, "5555555555554444").await;
    assert_eq!(pay(&ready, "another", &other.card_token).await, PaymentState::Captured);
}
