//! New keys for quotes and receipts while payments go on, and what happens to a configuration that cannot be taken.

mod support;

use std::{fs, path::PathBuf, sync::Arc};

use client::Client;
use support::{
    Signal,
    parties::{Sandbox, decided, ended, refused},
    production::{self, Production, Ready, set_mode},
};
use tokio::{sync::watch, task::JoinHandle};
use wire::{
    receipts,
    v1::{self, PaymentState},
};

const TAKEN: &str = "keys taken";
const NOT_TAKEN: &str = "was not taken";
/// A quote token begins with its version and the number of its key: five bytes, so much of them in base64.
const KEY_ID_CHARS: usize = 7;

/// The files of a production daemon, and further keys beside them.
struct Keys {
    production: Production,
}

impl Keys {
    fn prepare() -> Self {
        Self { production: Production::prepare(&["harbour"]) }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.production.directory.path().join(name)
    }

    /// Makes another key.
    fn make(&self, subcommand: &str, name: &str) -> String {
        production::run(&[subcommand, "--out", self.file(name).to_str().expect("the path is text")])
    }

    /// A section that names a key.
    fn section(&self, section: &str, id: u32, name: &str) -> String {
        format!("[{section}]\nid = {id}\nfile = \"{}\"\n", self.file(name).display())
    }

    /// Puts one section in the place of another.
    fn replace(&self, before: &str, after: &str) {
        self.production.configure(|config| {
            assert!(config.contains(before), "{before} is not in {config}");
            config.replace(before, after)
        });
    }
}

/// Takes quotes and pays by them, one after the other, until it is told to stop; tells how many.
fn keep_paying(ready: &Arc<Ready>) -> (watch::Sender<bool>, JoinHandle<u32>) {
    let (stop, stopping) = watch::channel(false);
    let ready = Arc::clone(ready);
    let paying = tokio::spawn(async move {
        let mut paid = 0;
        while !*stopping.borrow() {
            let token = ready.quote().await;
            let payment = decided(ready.pay(&format!("meanwhile {paid}"), &token).await);
            assert_eq!(payment.state(), PaymentState::Authorized, "payment {paid}");
            paid += 1;
        }
        paid
    });
    (stop, paying)
}

async fn receipt(client: &Client, payment: &v1::Payment) -> v1::ReceiptServiceGetResponse {
    let request = v1::ReceiptServiceGetRequest { payment_id: payment.payment_id.clone(), lsn: payment.lsn };
    client.receipt(request).await.expect("there is a receipt")
}

async fn receipt_keys(client: &Client) -> Vec<v1::ReceiptKey> {
    client.list_receipt_keys().await.expect("every credential may ask").keys
}

/// Checks a receipt with the keys that are told.
fn holds(keys: &[v1::ReceiptKey], receipt: &v1::ReceiptServiceGetResponse) -> bool {
    let key = keys.iter().find(|key| key.key_id == receipt.key_id).expect("its key is told");
    receipts::read(&key.public_key, &receipt.body, &receipt.signature).is_ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn keys_change_while_payments_go_on() {
    let keys = Keys::prepare();
    let ready = Arc::new(Ready::start(&keys.production).await);
    let (old, lost) = (ready.quote().await, ready.quote().await);
    let first = decided(ready.pay("first", &ready.quote().await).await);
    let signed_before = receipt(&ready.cafe, &first).await;
    let told_before = receipt_keys(&ready.cafe).await;
    let [before] = told_before.as_slice() else { panic!("one key, got {told_before:?}") };
    let (stop_paying, paying) = keep_paying(&ready);

    keys.make("new-quote-key", "quotes-2.key");
    keys.make("new-receipt-key", "receipts-2.key");
    let older_quotes = format!("\n[[quotes.older]]\nid = 1\nfile = \"{}\"\n", keys.file("quotes.key").display());
    let second = keys.section("quotes", 2, "quotes-2.key");
    keys.replace(&keys.section("quotes", 1, "quotes.key"), &(second.clone() + &older_quotes));
    let older_receipts = format!("\n[[receipts.older]]\nid = 1\npublic_key = \"{}\"\n", hex(&before.public_key));
    let both = keys.section("receipts", 2, "receipts-2.key") + &older_receipts;
    keys.replace(&keys.section("receipts", 1, "receipts.key"), &both);
    ready.daemon.signal(Signal::HUP);
    for signs in ["quotes", "receipts"] {
        let line = ready.daemon.logged(TAKEN).await;
        assert!(line.contains(signs) && line.contains("keys=[2, 1] gone=[]"), "{line}");
    }

    let new = ready.quote().await;
    assert_ne!(new[..KEY_ID_CHARS], old[..KEY_ID_CHARS], "another key signs");
    for (name, token) in [("old", &old), ("new", &new)] {
        assert_eq!(decided(ready.pay(name, token).await).state(), PaymentState::Authorized, "{name}");
    }
    let told = receipt_keys(&ready.cafe).await;
    assert_eq!((told[0].key_id, &told[1..]), (2, told_before.as_slice()));
    let signed_after = receipt(&ready.cafe, &first).await;
    assert_eq!((signed_before.key_id, signed_after.key_id), (1, 2));
    assert!(holds(&told, &signed_before) && holds(&told, &signed_after));

    keys.replace(&older_quotes, "");
    ready.daemon.signal(Signal::HUP);
    let line = ready.daemon.logged(TAKEN).await;
    assert!(line.contains("keys=[2] gone=[1]"), "{line}");
    assert_eq!(refused(ready.pay("lost", &lost).await).reason, "QUOTE_TOKEN_INVALID");
    assert_eq!(decided(ready.pay("old", &old).await).state(), PaymentState::Authorized, "a retry asks for no token");

    stop_paying.send(true).expect("somebody pays");
    assert!(paying.await.expect("every payment was approved") > 0);
}

/// Each is told with its reason, and the keys of before go on signing.
#[tokio::test]
async fn a_configuration_that_cannot_be_taken_changes_nothing() {
    let keys = Keys::prepare();
    let ready = Ready::start(&keys.production).await;
    let told_before = receipt_keys(&ready.cafe).await;
    let (quotes, receipts) = (keys.section("quotes", 1, "quotes.key"), keys.section("receipts", 1, "receipts.key"));
    keys.make("new-quote-key", "quotes-2.key");
    keys.make("new-quote-key", "open.key");
    set_mode(&keys.file("open.key"), 0o644);
    keys.make("new-receipt-key", "receipts-2.key");
    let second = keys.section("quotes", 2, "quotes-2.key");
    let whole = fs::read_to_string(keys.production.config()).expect("the configuration is text");
    for (before, after, reason) in [
        (&*quotes, &*keys.section("quotes", 2, "open.key"), "is open to others (mode 644): chmod 600 it"),
        (&quotes, &keys.section("quotes", 2, "none.key"), "cannot read the secret in"),
        (&quotes, "", "needs [quotes]"),
        (&quotes, &keys.section("quotes", 1, "quotes-2.key"), "quotes: key 1 is another than the one of that number"),
        (&quotes, &keys.section("quotes", 2, "quotes.key"), "quotes: key 2 is the same as key 1; make a new one"),
        // Not half of it either.
        (&receipts, &(keys.section("receipts", 1, "receipts-2.key") + "\n" + &second), "duplicate key"),
        (&receipts, &keys.section("receipts", 1, "receipts-2.key"), "receipts: key 1 is another than the one of that"),
        (&receipts, &(receipts.clone() + "\n[reciepts]\nid = 2\n"), "unknown key reciepts"),
        ("mode = \"production\"", "mode = \"other\"", "mode: unknown variant"),
        // What a start would refuse is refused before it comes to that.
        ("api_key_hash = \"", "api_key_hash = \"zz", "operator.api_key_hash: not 64 hexadecimal digits"),
    ] {
        keys.replace(before, after);
        ready.daemon.signal(Signal::HUP);
        let line = ready.daemon.logged(NOT_TAKEN).await;
        assert!(line.contains(reason), "{reason} is not in: {line}");
        keys.production.configure(|_| whole.clone());
        assert_eq!(receipt_keys(&ready.cafe).await, told_before, "{reason}");
    }
    // Opening a pipe would wait for its other end.
    let pipe = keys.file("pipe.key");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs");
    assert!(made.success());
    keys.replace(&quotes, &keys.section("quotes", 2, "pipe.key"));
    ready.daemon.signal(Signal::HUP);
    assert!(ready.daemon.logged(NOT_TAKEN).await.contains("pipe.key is no plain file"));
    keys.production.configure(|_| whole.clone());
    fs::remove_file(keys.production.config()).expect("it is there");
    ready.daemon.signal(Signal::HUP);
    assert!(ready.daemon.logged(NOT_TAKEN).await.contains("payswitchd.toml: No such file"));
    fs::write(keys.production.config(), &whole).expect("it is there again");

    // Good quote keys beside bad receipt keys are not taken alone.
    keys.replace(&quotes, &second);
    keys.replace(&receipts, &keys.section("receipts", 2, "none.key"));
    ready.daemon.signal(Signal::HUP);
    ready.daemon.logged(NOT_TAKEN).await;
    let token = ready.quote().await;
    keys.production.configure(|_| whole.clone());

    keys.replace("mode = \"production\"\n", "mode = \"production\"\n\n[drain]\ndrain_ms_max = 1\n");
    ready.daemon.signal(Signal::HUP);
    let line = ready.daemon.logged("wait for a restart").await;
    assert!(line.contains("sections=\"drain\""), "{line}");
    assert_eq!(decided(ready.pay("kept", &token).await).state(), PaymentState::Authorized, "key 1 signed it");
}

/// Not only than the keys in force: than any there has been.
#[tokio::test]
async fn a_number_never_means_another_key_again() {
    let keys = Keys::prepare();
    let ready = Ready::start(&keys.production).await;
    keys.make("new-quote-key", "quotes-2.key");
    keys.make("new-quote-key", "quotes-3.key");
    let [first, second] = [(1, "quotes.key"), (2, "quotes-2.key")].map(|(id, name)| keys.section("quotes", id, name));
    let lost = ready.quote().await;
    keys.replace(&first, &second);
    ready.daemon.signal(Signal::HUP);
    assert!(ready.daemon.logged(TAKEN).await.contains("keys=[2] gone=[1]"));
    assert_eq!(refused(ready.pay("lost", &lost).await).reason, "QUOTE_TOKEN_INVALID");

    keys.replace(&second, &keys.section("quotes", 1, "quotes-3.key"));
    ready.daemon.signal(Signal::HUP);
    assert!(ready.daemon.logged(NOT_TAKEN).await.contains("quotes: key 1 is another than the one of that number"));
    keys.replace(&keys.section("quotes", 1, "quotes-3.key"), &first);
    ready.daemon.signal(Signal::HUP);
    assert!(ready.daemon.logged("gone=[2]").await.contains("keys=[1]"));
    assert_eq!(decided(ready.pay("found", &lost).await).state(), PaymentState::Authorized, "it is the key it was");
}

/// A sandbox has no other keys; SIGHUP is what it gets when its terminal is closed.
#[tokio::test]
async fn a_sandbox_ends_when_its_terminal_is_closed() {
    // Where the tests themselves were started with `nohup`, what they start would ignore it too; what is handled here is not
    // ignored there.
    let _handled = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).expect("it can be handled");
    let sandbox = Sandbox::start();
    sandbox.daemon.signal(Signal::HUP);
    assert!(ended(sandbox.daemon).await.success());
}

/// Whoever starts one with `nohup` wants it to outlive the terminal.
#[tokio::test]
async fn a_sandbox_that_was_told_to_ignore_its_terminal_does() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let free = "127.0.0.1:0";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(env!("CARGO_BIN_EXE_payswitchd"));
    command.arg("--data-dir").arg(directory.path()).args(["--listen", free, "--admin-listen", free]);
    let daemon = support::Daemon::spawn(command.args(["--metrics-listen", free]));
    daemon.signal(Signal::HUP);
    let operator = support::parties::operator(&daemon.operators, client::sandbox::OPERATOR_KEY);
    assert_eq!(operator.status().await.expect("it goes on").state, "serving");
    daemon.signal(Signal::TERM);
    assert!(ended(daemon).await.success());
}
