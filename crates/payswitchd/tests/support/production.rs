//! A daemon that is no sandbox: a configuration file, a secret, and keys of its own.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use client::{Client, Error};
use tempfile::TempDir;
use wire::v1;

use super::{
    Daemon,
    moves::held,
    parties::{SMALL_SEGMENTS, caller, deposit, money, operator},
};

/// 64 hexadecimal digits of a secret that is not the sandbox's.
pub(crate) const SECRET: &str = "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100";

/// A directory with everything a production daemon is started from.
pub(crate) struct Production {
    pub(crate) directory: TempDir,
    pub(crate) operator_key: String,
    /// Name and key of each wallet operator.
    pub(crate) wallets: Vec<(&'static str, String)>,
}

impl Production {
    /// Makes the files; keys come from the daemon's own subcommands.
    pub(crate) fn prepare(wallets: &[&'static str]) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        write_secret(&directory.path().join("digest.key"), SECRET);
        let (operator_key, operator_hash) = new_key(&directory.path().join("digest.key"));
        let mut config = "mode = \"production\"\n".to_owned();
        for (section, subcommand) in [("quotes", "new-quote-key"), ("receipts", "new-receipt-key")] {
            let file = directory.path().join(format!("{section}.key"));
            run(&[subcommand, "--out", file.to_str().expect("the path is text")]);
            config += &format!("\n[{section}]\nid = 1\nfile = \"{}\"\n", file.display());
        }
        let digest_key = directory.path().join("digest.key");
        config += &format!("\n[digest_key]\nid = 1\nfile = \"{}\"\n", digest_key.display());
        config += &format!("\n[operator]\napi_key_hash = \"{operator_hash}\"\n");
        let mut named = Vec::new();
        for wallet in wallets {
            let (key, hash) = new_key(&directory.path().join("digest.key"));
            config += &format!("\n[[wallets]]\nname = \"{wallet}\"\napi_key_hash = \"{hash}\"\n");
            named.push((*wallet, key));
        }
        let production = Self { directory, operator_key, wallets: named };
        fs::write(production.config(), config).expect("the configuration is written");
        production
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.directory.path().join("payswitchd.toml")
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.directory.path().join("ledger")
    }

    pub(crate) fn digest_key_file(&self) -> PathBuf {
        self.directory.path().join("digest.key")
    }

    /// Starts a daemon on it.
    pub(crate) fn start(&self) -> Daemon {
        self.start_with(&[])
    }

    /// Starts a daemon on it; settings in the environment come on top.
    pub(crate) fn start_with(&self, environment: &[(&str, &str)]) -> Daemon {
        let config = self.config();
        let arguments = ["--config", config.to_str().expect("the path is text")];
        Daemon::start(&self.data_dir(), &arguments, &[&[SMALL_SEGMENTS], environment].concat())
    }

    /// Changes the configuration file.
    pub(crate) fn configure(&self, change: impl FnOnce(String) -> String) {
        let config = fs::read_to_string(self.config()).expect("the configuration is text");
        fs::write(self.config(), change(config)).expect("the configuration is written");
    }

    /// What a daemon that refuses to start on it says; settings in the environment come on top.
    pub(crate) fn refusal(&self, environment: &[(&str, &str)]) -> (i32, String) {
        let config = self.config();
        let arguments = ["--config", config.to_str().expect("the path is text")];
        super::refusal(&self.data_dir(), &arguments, environment)
    }
}

/// A production daemon whose merchant and payer are there, and its callers.
pub(crate) struct Ready {
    pub(crate) daemon: Daemon,
    pub(crate) cafe: Client,
    pub(crate) wallet: Client,
}

/// The merchant's.
pub(crate) const CAFE_KEY: &str = "key_0123456789abcdef0123456789abcdef";

impl Ready {
    /// Starts it; of a ledger that has them already nothing is changed.
    pub(crate) async fn start(production: &Production) -> Self {
        Self::start_with(production, &[]).await
    }

    /// The same; settings in the environment come on top.
    pub(crate) async fn start_with(production: &Production, environment: &[(&str, &str)]) -> Self {
        let daemon = production.start_with(environment);
        let operator = operator(&daemon.operators, &production.operator_key);
        let (idempotency_key, merchant_discount) = ("register".to_owned(), "0.006".to_owned());
        let register = v1::RegisterMerchantRequest {
            idempotency_key,
            merchant_id: "cafe".to_owned(),
            settlement_currency_code: "CNY".to_owned(),
            merchant_discount,
            api_key: CAFE_KEY.to_owned(),
        };
        operator.register_merchant(register).await.expect("registered");
        let wallet = caller(&daemon.merchants, &production.wallets[0].1);
        let open = v1::OpenRequest {
            idempotency_key: "open".to_owned(),
            account_id: "chen".to_owned(),
            currency_code: "CNY".to_owned(),
        };
        wallet.open(open).await.expect("opened");
        wallet.deposit(deposit("deposit", "chen", money("CNY", 1_000_000_000))).await.expect("deposited");
        Self { cafe: caller(&daemon.merchants, CAFE_KEY), wallet, daemon }
    }

    /// A quote of CNY 10.00.
    pub(crate) async fn quote(&self) -> String {
        let payer = v1::AccountReference { wallet_id: "harbour".to_owned(), account_id: "chen".to_owned() };
        let amount = Some(money("CNY", 1_000));
        let request = v1::CreateRequest {
            merchant_id: String::new(),
            payer: Some(payer),
            presentment_amount: amount,
            ..Default::default()
        };
        self.cafe.quote(request).await.expect("quoted").quote_token
    }

    /// Pays by this quote, with a fresh code of the payer.
    pub(crate) async fn pay(&self, name: &str, token: &str) -> Result<v1::AuthorizeResponse, Error> {
        let issue = v1::IssueCodeRequest {
            idempotency_key: format!("code {name}"),
            account_id: "chen".to_owned(),
            merchant_id: "cafe".to_owned(),
            max_debit_amount: Some(money("CNY", 1_000)),
        };
        let payer_code = self.wallet.issue_code(issue).await.expect("issued").payer_code;
        let asked = held(name, name, "", money("CNY", 1_000));
        let asked = v1::AuthorizeRequest { payer: None, payer_code, quote_token: token.to_owned(), ..asked };
        self.cafe.authorize(asked).await
    }
}

/// Writes a secret so that only its owner can read it.
pub(crate) fn write_secret(path: &Path, secret: &str) {
    fs::write(path, format!("{secret}\n")).expect("the secret is written");
    set_mode(path, 0o600);
}

pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the owner may change the mode");
}

/// A key and its hash, as the daemon's `new-key` prints them.
pub(crate) fn new_key(digest_key_file: &Path) -> (String, String) {
    let printed = run(&["new-key", "--digest-key-file", digest_key_file.to_str().expect("the path is text")]);
    (printed_word(&printed, "api key "), printed_word(&printed, "api_key_hash "))
}

/// What the daemon's program prints for these arguments.
pub(crate) fn run(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payswitchd"));
    let output = command.args(arguments).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it prints text")
}

/// The last word of the line that begins so.
pub(crate) fn printed_word(printed: &str, label: &str) -> String {
    let line = printed.lines().find(|line| line.starts_with(label)).expect("it is printed");
    line.split_whitespace().last().expect("a value").to_owned()
}
