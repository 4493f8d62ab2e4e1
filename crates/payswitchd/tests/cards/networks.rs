//! A network in another process, and what a configuration must have for cards.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, Stdio},
};

use money::Currency;
use tempfile::TempDir;
use tokio::time::timeout;
use wire::v1::PaymentState;

use crate::{
    asked::{WAIT_MAX, all_told, bound, charge, charge_later, signed_on, yuan},
    played::{Played, read_books, section},
    production::{rules, vault_key},
    support::{
        self, Signal,
        moves::{capture, captured, refund, refunded, void, voided},
        pages::get,
        parties::{Sandbox, decided},
        production::Production,
    },
};

/// `payctl cardnet`, killed when it is dropped.
struct Cardnet {
    child: Child,
    address: String,
}

impl Cardnet {
    fn start(directory: &TempDir, encoding: &str) -> Self {
        let mut command = Command::new(support::payctl());
        command.args(["cardnet", "--listen", "127.0.0.1:0", "--encoding", encoding, "--books"]);
        command.arg(directory.path().join("books")).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it tells where it listens");
        let address = line.split(" at ").nth(1).and_then(|rest| rest.split(',').next()).expect("an address");
        let address = address.to_owned();
        Self { child, address }
    }

    fn stop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, Signal::TERM).expect("it runs");
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Cardnet {
    fn drop(&mut self) {
        // Already gone is what we want.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Binds, pays, captures, gives back and gives up over a network of its own process; its first host is dead.
async fn check_encoding(encoding: &str) {
    let directory = TempDir::new().expect("a temporary directory");
    let mut cardnet = Cardnet::start(&directory, encoding);
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("it has an address");
    let file = directory.path().join("payswitchd.toml");
    fs::write(&file, section(&[&silent.to_string(), &cardnet.address], encoding)).expect("it is written");
    let sandbox = Sandbox::with_file(&file);
    let cafe = &sandbox.cafe;
    let card = bound(&sandbox.wallet, "4242424242424242").await;
    signed_on(&sandbox).await;

    let paid = decided(cafe.authorize(charge("pay", &card.card_token, yuan(25_000))).await);
    assert_eq!(paid.state(), PaymentState::Captured, "{encoding}");
    // This network bills what is asked.
    let told = paid.card.as_ref().expect("it was paid by card");
    assert_eq!((told.response_code.as_str(), &told.billing_amount), ("00", &None), "{encoding}");
    refunded(cafe.refund(refund("refund", &paid.payment_id, yuan(10_000))).await);
    let held = decided(cafe.authorize(charge_later("hold", &card.card_token, yuan(25_000))).await);
    captured(cafe.capture(capture("part", &held.payment_id, yuan(10_000))).await);
    let held = decided(cafe.authorize(charge_later("give up", &card.card_token, yuan(25_000))).await);
    voided(cafe.void(void("void", &held.payment_id)).await);
    all_told(&sandbox).await;
    cardnet.stop();

    let books = read_books(&directory.path().join("books"));
    let total = books.totals()[&Currency::CNY];
    let units = [total.captured, total.refunded].map(|money| money.minor_units());
    assert_eq!((units, books.open().count()), ([25_750 + 10_000, 10_300], 0), "{encoding}");
    let (approvals, reversed): (Vec<_>, Vec<_>) = books.authorizations().partition(|(_, booked)| !booked.reversed);
    assert_eq!((approvals.len(), reversed.len()), (2, 1), "{encoding}");
}

#[tokio::test]
async fn a_network_of_another_process_is_reached_with_packed_digits() {
    check_encoding("bcd").await;
}

#[tokio::test]
async fn a_network_of_another_process_is_reached_in_ascii() {
    check_encoding("ascii").await;
}

#[tokio::test]
async fn a_network_of_another_process_is_reached_in_ebcdic() {
    check_encoding("ebcdic").await;
}

/// Asks until the status tells so many lines that are up, of so many, and so many messages that wait.
async fn shown(sandbox: &Sandbox, expected: (u32, u32, u32)) {
    let mut last = Vec::new();
    let wait = async {
        loop {
            last = sandbox.status().await.card_networks;
            if let [network] = &last[..]
                && (network.lines_up, network.lines, network.messages_waiting) == expected
            {
                assert!(network.hosts.iter().all(|host| host.starts_with("127.0.0.1:")), "{network:?}");
                return;
            }
        }
    };
    let in_time = timeout(WAIT_MAX, wait).await.is_ok();
    assert!(in_time, "{expected:?} is expected: {last:?}");
}

/// The daemon is ready also while no line is up: payments from wallets go on.
#[tokio::test]
async fn the_status_tells_how_many_lines_are_up_and_what_waits() {
    let played = Played::start("", 0);
    let sandbox = Sandbox::with_file(&played.configuration(""));
    let card = bound(&sandbox.wallet, "4242424242424242").await;
    signed_on(&sandbox).await;
    let held = decided(sandbox.cafe.authorize(charge_later("held", &card.card_token, yuan(25_000))).await);
    shown(&sandbox, (1, 1, 0)).await;
    drop(played);
    shown(&sandbox, (0, 1, 0)).await;
    captured(sandbox.cafe.capture(capture("capture", &held.payment_id, yuan(10_000))).await);
    shown(&sandbox, (0, 1, 1)).await;
    let (ready, _) = get(&sandbox.daemon, "/readyz");
    assert!(ready.ends_with("200 OK"), "{ready}");
}

#[test]
fn rules_keys_and_a_network_come_together_in_production() {
    let network = section(&["127.0.0.1:1"], "bcd");
    let changed = |from: &str, to: &str| network.replace(from, to);
    let check = |sections: &[&str], said: &str| {
        let production = Production::prepare(&["harbour"]);
        let key = vault_key(&production, 1);
        let sections = sections.concat().replace("KEY\n", &key);
        production.configure(|config| format!("{config}\n{sections}"));
        let (exit, error) = production.refusal(&[]);
        assert_eq!(exit, 2, "{sections}: {error}");
        assert!(error.contains(said), "{sections}: {error}");
    };
    let rules = rules();
    check(&[&rules], "cards are not taken without [cards.vault_keys]");
    check(&[&rules, "KEY\n"], "cards are not taken without [cards.network]");
    check(&[&rules, &network], "cards are not taken without [cards.vault_keys]");
    check(&["KEY\n", &network], "cards are not taken without [policy.cards]");
    check(&[&rules.replace("CNY", "XXX"), "KEY\n", &network], "policy.cards.currency");
    check(&[&rules.replace("3000", "0"), "KEY\n", &network], "policy.cards.answer_ms");
    check(&["[policy.cards]\ncurrency = \"CNY\"\n", "KEY\n", &network], "policy.cards");
    for (from, to, said) in [
        ("\"bcd\"", "\"utf8\"", "cards.network.encoding"),
        ("[\"127.0.0.1:1\"]", "[]", "cards.network.hosts"),
        ("127.0.0.1:1", "127.0.0.1", "cards.network.hosts"),
        ("47110815", "471108150000", "cards.network.acquirer"),
        ("SWITCH01", "SWITCH001", "cards.network.terminal"),
        ("BEIJING ", "BEIJING   ", "cards.network.place"),
        ("lines = 1", "lines = 0", "cards.network.lines"),
        ("lines = 1", "line = 1", "cards.network.line"),
        ("lines = 1", "tls_roots = \"/nowhere\"", "cards.network.tls_roots"),
    ] {
        check(&[&rules, "KEY\n", &changed(from, to)], said);
    }
}
