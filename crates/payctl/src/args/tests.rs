use clap::CommandFactory;
use clap_complete::Shell;

use super::*;

fn parse(words: &[&str]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("payctl").chain(words.iter().copied()))
}

/// The words of a line; `_` stands for a space within one.
fn parse_line(line: &str) -> Result<Cli, clap::Error> {
    let words: Vec<String> = line.split(' ').map(|word| word.replace('_', " ")).collect();
    parse(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

#[track_caller]
fn reads(lines: &[&str]) {
    for line in lines {
        if let Err(error) = parse_line(line) {
            panic!("{line}: {error}");
        }
    }
}

#[track_caller]
fn refuses(lines: &[&str]) {
    for line in lines {
        let error = parse_line(line).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}: {error}");
    }
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_long_help() {
    fn check(command: &clap::Command) {
        let has_help = command.get_long_about().is_some() || command.get_name() == "help";
        assert!(has_help, "{} has a long help", command.get_name());
        for subcommand in command.get_subcommands() {
            check(subcommand);
        }
    }
    check(&Cli::command());
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in Shell::value_variants() {
        let mut script = Vec::new();
        clap_complete::generate(*shell, &mut Cli::command(), "payctl", &mut script);
        let script = String::from_utf8(script).unwrap();
        assert!(script.contains("register-merchant"), "{shell}");
    }
}

#[test]
fn what_makes_sense_is_read() {
    reads(&[
        "pay --payer hk-alice --merchant demo-cafe --amount CNY_100.00",
        "--json pay --payer w/a --merchant m --amount JPY_5 --order o1 --idempotency-key k1",
        "pay --payer hk-alice --merchant m --amount CNY_1.00 --quote token --max-debit HKD_1.20 --key k1",
        "authorize --payer hk-alice --merchant m --amount CNY_1.00 --capture manual --order o1 --order-approved",
        "authorize --payer-code 123456789012345678 --merchant m --amount CNY_1.00",
        "authorize --mandate 0199 --merchant m --amount CNY_1.00 --capture automatic",
        "capture 0199 --amount CNY_1.00 --final --merchant hk-books --key k2",
        "void 0199",
        "refund 0199 --amount CNY_0.40",
        "increase 0199 --amount CNY_1.00 --payer-code 123456789012345678",
        "get 0199 --merchant hk-books",
        "get --order o1",
        "get --key k1 --json",
        "list",
        "list --state pending",
        "list --merchant m --state captured,refunded --from 2026-11-21 --to 2026-11-22T10:00:00Z --currency CNY --all",
        "watch",
        "watch --merchant m --after 0 --attempts 3",
        "quote --merchant demo-cafe --payer hk-alice --amount CNY_100.00",
        "receipt get 0199 --lsn 42 --out r.json",
        "receipt verify r.json --public-key d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "receipt keys",
        "consent code hk-alice --merchant m --max-debit HKD_120.00",
        "consent approve hk-alice --merchant m --order o1 --max-debit HKD_120.00 --expires-in 15m",
        "consent mandate hk-alice --merchant m --max-payment HKD_1.00 --max-period HKD_9.00 --expires 2027-01-01",
        "consent revoke 0199",
        "balance hk-alice --server localhost:7450",
        "postings hk-alice --page-size 500",
        "open new --currency HKD",
        "deposit hk-bob --amount HKD_1.00",
        "withdraw hk-bob --amount HKD_1.00",
        "freeze hk-bob",
        "unfreeze hk-bob --key k3",
        "close hk-bob",
        "rates --color never",
        "rates list",
        "rates history HKD_per_CNY --last 500 --chart out.svg",
        "rates import hist.csv --format ecb --currencies HKD,CNY,USD --from 2005-04-01 --to 2026-10-30",
        "rates import rates.jsonl --format wechat --source desk --override jump",
        "publish-rate --pair HKD_per_CNY 1.179291231 --source ECB",
        "publish-rate --pair HKD_per_CNY --bid 1.179 --ask 1.1796 --source desk --valid-until 2026-11-22 --override jump",
        "register-merchant m --currency CNY --discount 0.006",
        "fund-reserve m --amount CNY_500.00",
        "pay-out m --amount CNY_500.00",
        "square-position --sold HKD_70.76 --bought CNY_59.99 --closed CNY_60.00",
        "sandbox advance 8d",
        "sandbox pin-rate HKD_per_CNY 1.2",
        "sandbox pin-rate HKD_per_CNY --release",
        "sandbox fail-next authorize --how declined --reason insufficient-balance",
        "sandbox fail-next refund --how unconfirmed",
        "status --admin 127.0.0.1:1",
        "journal verify dir",
        "journal dump dir --json --from 3 --limit 9",
        "demo",
        "bench --in-flight 8 --connections 2 --seconds 3",
        "bench --rate 1000 --payments 5000 --chart out.svg",
        "bench --compare echo",
        "bench --cycle --watch --amount CNY_1.00",
        "bench --compare disk --disk-dir /tmp --in-flight 1",
        "completions zsh",
    ]);
}

#[test]
fn what_makes_no_sense_exits_2() {
    refuses(&[
        "",
        "pay",
        "pay --payer a --merchant m --amount CNY_1.001",
        "pay --payer a --merchant m --amount CNH_1.00",
        "pay --payer a --merchant m --amount CNY_0.00",
        "pay --payer A --merchant m --amount CNY_1.00",
        "authorize --merchant m --amount CNY_1.00",
        "authorize --payer a --payer-code 1 --merchant m --amount CNY_1.00",
        "authorize --payer-code 1 --mandate 2 --merchant m --amount CNY_1.00",
        "authorize --payer-code 1 --order-approved --merchant m --amount CNY_1.00",
        "authorize --payer a --merchant m --amount CNY_1.00 --capture later",
        "capture 0199",
        "capture --amount CNY_1.00",
        "refund 0199 --amount CNY_0",
        "get",
        "get 0199 --order o1",
        "get --order o1 --key k1",
        "list --state gone",
        "list --from yesterday",
        "list --page-size 501",
        "watch --attempts 0",
        "receipt verify r.json",
        "receipt verify r.json --public-key no-such-file",
        "consent code hk-alice --merchant m",
        "consent approve hk-alice --merchant m --order o1 --max-debit HKD_1.00",
        "consent approve a --merchant m --order o --max-debit HKD_1.00 --expires 2027-01-01 --expires-in 1d",
        "rates history HKD/CNY",
        "rates import hist.csv",
        "rates import hist.csv --format ecb --currencies HKD,XYZ",
        "publish-rate --pair HKD_per_CNY --source s",
        "publish-rate --pair HKD_per_CNY --bid 1.1 --source s",
        "publish-rate --pair HKD_per_CNY 1.1 --bid 1.0 --ask 1.2 --source s",
        "square-position --sold HKD_70.76 --bought CNY_59.99",
        "sandbox advance tomorrow",
        "sandbox pin-rate HKD_per_CNY",
        "sandbox pin-rate HKD_per_CNY 1.2 --release",
        "sandbox fail-next authorize --how declined",
        "sandbox fail-next close --how refused",
        "postings a --page-size 501",
        "open new --currency XYZ",
        "publish-rate --pair HKD/CNY 1.1 --source s",
        "publish-rate --pair HKD_per_CNY 0 --source s",
        "register-merchant m --currency CNY --discount 1.5",
        "rates --server https://host:1",
        "bench --compare disk",
        "bench --rate 0",
        "bench --seconds 1 --payments 1",
        "bench --compare echo --rate 5",
        "bench --compare echo --cycle",
    ]);
}

#[test]
fn what_makes_sense_about_cards_is_read() {
    reads(&[
        "pay --card 0199 --merchant m --amount CNY_250.00",
        "authorize --card 0199 --merchant m --amount CNY_250.00 --capture manual --quote token",
        "person assert us-dana --tier verified --document passport,taiwan-permit --key k4",
        "person assert w1/jp-emi --tier verified --document passport --document permanent-residence-id",
        "person assert us-dana --tier unverified",
        "person show us-dana",
        "card bind --pan 4242424242424242 --expiry 12/30 --payer us-dana --billing-currency USD",
        "card bind --pan - --expiry 12/30 --payer w1/us-dana --key k5",
        "card unbind 0199 --key k6",
        "consent approve --card 0199 --merchant m --order o --max-debit CNY_257.50 --expires-in 15m",
        "authorize --card 0199 --order-approved --merchant m --order o --amount CNY_250.00",
        "card show 0199",
        "card list --payer us-dana",
        "settle-scheme --scheme visa --received USD_23.22 --settled CNY_154.50",
        "cardnet",
        "cardnet --listen 127.0.0.1:0 --listen [::1]:0 --encoding ebcdic --script 4242424242424242=silent --delay-ms 9",
        "cardnet --rate CNY/USD=0.1503108 --billing USD --others decline:05 --books cards.books --json",
    ]);
}

#[test]
fn what_makes_no_sense_about_cards_exits_2() {
    refuses(&[
        "authorize --card 0199 --mandate 2 --merchant m --amount CNY_1.00",
        "authorize --card 0199 --payer a --merchant m --amount CNY_1.00",
        "authorize --card 0199 --payer-code 1 --merchant m --amount CNY_1.00",
        "authorize --mandate 2 --order-approved --merchant m --amount CNY_1.00",
        "consent approve a --card 0199 --merchant m --order o --max-debit CNY_1.00 --expires-in 1m",
        "consent approve --merchant m --order o --max-debit CNY_1.00 --expires-in 1m",
        "consent mandate --card 0199 --merchant m --max-payment CNY_1.00 --max-period CNY_1.00 --expires-in 1m",
        "person assert us-dana",
        "person assert us-dana --tier verified",
        "person assert US --tier unverified",
        "person assert us-dana --tier verified --document library-card",
        "card bind --expiry 12/30 --payer us-dana",
        "card bind --pan 4242424242424242 --payer us-dana",
        "card bind --pan 4242424242424242 --expiry 12/30 --payer us-dana --billing-currency XYZ",
        "card list",
        "settle-scheme --scheme maestro --received USD_23.22 --settled CNY_154.50",
        "settle-scheme --scheme visa --received USD_23.22",
        "cardnet --encoding utf8",
        "cardnet --listen localhost",
        "cardnet --others loud",
    ]);
}

#[test]
fn a_card_s_number_is_printed_by_no_mistake_about_it() {
    for wrong in ["4242 4242 4242 4242", "", "x4242424242424242"] {
        let line = ["card", "bind", "--pan", wrong, "--expiry", "12/30", "--payer", "us-dana"];
        let Command::Online(online) = parse(&line).unwrap().command else { panic!("it asks a daemon") };
        assert!(wrong.is_empty() || !format!("{online:?}").contains(wrong), "{online:?}");
    }
}
