//! A daemon that is no sandbox and takes cards.

use std::path::PathBuf;

use wire::v1;

use crate::{
    played::Played,
    support::{
        parties::operator,
        production::{Production, Ready, write_secret},
    },
};

/// Two wallet operators: the cards are the first's.
pub(crate) const WALLETS: [&str; 2] = ["harbour", "garden"];
/// How long an issuer may take, in milliseconds: little, because the clock of such a daemon is not moved.
const ANSWER_MS: u64 = 3_000;

/// The rules of cards.
pub(crate) fn rules() -> String {
    format!(
        "[policy.cards]\ncurrency = \"CNY\"\nanswer_ms = {ANSWER_MS}\npersons_a_card_max = 3\n\
         verified = {{ payment = \"USD 5,000.00\", year = \"USD 50,000.00\" }}\n\
         unverified = {{ payment = \"USD 500.00\", year = \"USD 2,000.00\" }}\n\
         fees = [{{ from = \"2023-07-01\", free_up_to = \"CNY 200.00\", ratio = \"0.03\" }}]\n"
    )
}

/// What a daemon that takes cards of this network is started from.
pub(crate) fn prepared(played: &Played) -> Production {
    let production = Production::prepare(&WALLETS);
    let key = vault_key(&production, 1);
    production.configure(|config| format!("{config}\n{}{key}{}", rules(), played.section()));
    production
}

/// Where the vault is, unless the configuration says otherwise.
pub(crate) fn vault(production: &Production) -> PathBuf {
    production.data_dir().join("vault/cards")
}

/// Makes a key that seals card numbers, and returns the section that names it.
pub(crate) fn vault_key(production: &Production, id: u8) -> String {
    let file = vault_key_file(production, id);
    write_secret(&file, &format!("{id:02x}").repeat(32));
    format!("[[cards.vault_keys]]\nid = {id}\nfile = \"{}\"\n", file.display())
}

pub(crate) fn vault_key_file(production: &Production, id: u8) -> PathBuf {
    production.directory.path().join(format!("vault-{id}.key"))
}

/// Starts it with a merchant, a payer, and the rate that the limits of cards need.
pub(crate) async fn start(production: &Production, environment: &[(&str, &str)]) -> Ready {
    let ready = Ready::start_with(production, environment).await;
    let operator = operator(&ready.daemon.operators, &production.operator_key);
    let now = operator.status().await.expect("the operator may ask").start_time.expect("it was started");
    let rate = v1::RatePublication {
        presentment_currency_code: "CNY".to_owned(),
        debit_currency_code: "USD".to_owned(),
        mid_rate: "0.1503107930".to_owned(),
        source: "test".to_owned(),
        as_of_time: Some(now),
        ..v1::RatePublication::default()
    };
    let request = v1::PublishRatesRequest {
        idempotency_key: format!("rate {now:?}"),
        rates: vec![rate],
        ..v1::PublishRatesRequest::default()
    };
    operator.publish_rates(request).await.expect("published");
    ready
}
