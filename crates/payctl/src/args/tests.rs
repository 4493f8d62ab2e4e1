use clap::CommandFactory;
use clap_complete::Shell;

use super::*;

fn parse(words: &[&str]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("payctl").chain(words.iter().copied()))
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
    for line in [
        "pay --payer hk-alice --merchant demo-cafe --amount CNY_100.00",
        "--json pay --payer w/a --merchant m --amount JPY_5 --order o1 --idempotency-key k1",
        "get 0199 --merchant hk-books",
        "balance hk-alice --server localhost:7450",
        "postings hk-alice --page-size 500",
        "open new --currency HKD",
        "deposit hk-bob --amount HKD_1.00",
        "withdraw hk-bob --amount HKD_1.00",
        "close hk-bob",
        "rates --color never",
        "publish-rate --pair HKD_per_CNY 1.179291231 --source ECB",
        "register-merchant m --currency CNY --discount 0.006",
        "status --admin 127.0.0.1:1",
        "journal verify dir",
        "journal dump dir --json --from 3 --limit 9",
        "demo",
        "bench --in-flight 8 --connections 2 --seconds 3",
        "bench --rate 1000 --payments 5000 --chart out.svg",
        "bench --compare echo",
        "bench --compare disk --disk-dir /tmp --in-flight 1",
        "completions zsh",
    ] {
        let words: Vec<String> = line.split(' ').map(|word| word.replace('_', " ")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if let Err(error) = parse(&words) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn what_makes_no_sense_exits_2() {
    for line in [
        "",
        "pay",
        "pay --payer a --merchant m --amount CNY_1.001",
        "pay --payer a --merchant m --amount CNH_1.00",
        "pay --payer a --merchant m --amount CNY_0.00",
        "pay --payer A --merchant m --amount CNY_1.00",
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
    ] {
        let words: Vec<String> = line.split(' ').map(|word| word.replace('_', " ")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let error = parse(&words).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}: {error}");
    }
}
