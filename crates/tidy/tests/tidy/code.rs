//! What must not be written in Rust, and where.

use crate::source::{Complaint, SourceFile, assert_none, places, project};

struct Rule {
    /// Any of these, outside comments and literals.
    words: &'static [&'static str],
    packages: Packages,
    part: Part,
    because: &'static str,
    instead: &'static str,
}

enum Packages {
    All,
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

enum Part {
    All,
    Product,
    Tests,
}

/// No clock, no I/O, no randomness, no threads: time and ids come in with the command.
const PURE: &[&str] = &["money", "domain", "engine", "iso8583"];

const RULES: &[Rule] = &[
    Rule {
        words: &["Decimal", "rust_decimal"],
        packages: Packages::AllBut(&["money"]),
        part: Part::All,
        because: "decimals round silently past 28 digits",
        instead: "use money::Rate or money::Ratio",
    },
    Rule {
        words: &["f32", "f64"],
        packages: Packages::Only(&["money", "domain", "engine", "journal", "wire", "iso8583"]),
        part: Part::All,
        because: "a float near money is a wrong amount one day",
        instead: "use Money, Ratio, Rate or an integer with its unit in the name",
    },
    Rule {
        words: &["tonic"],
        packages: Packages::AllBut(&["wire", "ingress", "client"]),
        part: Part::Product,
        because: "the transport is named at the edge, so that it can be swapped there",
        instead: "take and return domain types",
    },
    Rule {
        words: &["std", "SystemTime", "Instant", "thread", "rand", "getrandom", "async", "println", "eprintln"],
        packages: Packages::Only(PURE),
        part: Part::Product,
        because: "a pure crate gives the same answer wherever and whenever it runs",
        instead: "take time, ids and randomness as arguments, and types from core, alloc or hashbrown",
    },
    Rule {
        words: &[".unwrap()"],
        packages: Packages::Only(&["wire", "ingress", "iso8583"]),
        part: Part::Product,
        because: "an edge never panics on input",
        instead: "return an error that names the field",
    },
    Rule {
        words: &["#[ignore"],
        packages: Packages::All,
        part: Part::All,
        because: "a test that does not run proves nothing",
        instead: "mend it, or delete it and open an issue",
    },
    Rule {
        words: &["thread::sleep", "time::sleep"],
        packages: Packages::All,
        part: Part::Tests,
        because: "a test that sleeps is slow on one machine and wrong on another",
        instead: "wait for the condition, with a limit",
    },
    Rule {
        words: &["todo!", "unimplemented!", "dbg!"],
        packages: Packages::All,
        part: Part::All,
        because: "main is always whole",
        instead: "write it, or leave the whole feature out",
    },
    Rule {
        words: &["unsafe"],
        packages: Packages::All,
        part: Part::All,
        because: "the workspace forbids it, and no package may opt out",
        instead: "use a kept library that wraps what you need",
    },
];

fn check(rules: &[Rule], file: &SourceFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let Some(package) = file.package() else { return complaints };
    for rule in rules {
        let applies = match rule.packages {
            Packages::All => true,
            Packages::Only(packages) => packages.contains(&package),
            Packages::AllBut(packages) => !packages.contains(&package),
        };
        let part = match rule.part {
            Part::All => &file.code,
            Part::Product => &file.product,
            Part::Tests => &file.tests,
        };
        for word in rule.words.iter().filter(|_| applies) {
            for place in places(part, word) {
                let what = format!("no `{word}` here: {}; {}", rule.because, rule.instead);
                complaints.push(Complaint::at(file, place, what));
            }
        }
    }
    complaints
}

fn check_lib(file: &SourceFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let Some(package) = file.package().filter(|package| file.path == format!("crates/{package}/src/lib.rs")) else {
        return complaints;
    };
    if !file.text.starts_with("//! ") {
        let what = "a crate begins with what it is for, what it must never know, and where to start reading";
        complaints.push(Complaint::at(file, 0, what.to_owned()));
    }
    if PURE.contains(&package) && !file.product.contains("#![no_std]") {
        let what = "a pure crate says #![no_std], so that the compiler refuses clocks, files and threads";
        complaints.push(Complaint::at(file, 0, what.to_owned()));
    }
    complaints
}

#[test]
fn nothing_is_written_where_it_must_not_be() {
    let complaints: Vec<_> = project().iter().flat_map(|file| check(RULES, file)).collect();
    assert_none(&complaints);
}

#[test]
fn every_crate_introduces_itself() {
    let complaints: Vec<_> = project().iter().flat_map(check_lib).collect();
    assert_none(&complaints);
}

#[test]
fn every_rule_can_fail() {
    for rule in RULES {
        let package = match rule.packages {
            Packages::Only(packages) => packages[0],
            Packages::All | Packages::AllBut(_) => "shard",
        };
        let path = match rule.part {
            Part::Tests => format!("crates/{package}/tests/x.rs"),
            Part::All | Part::Product => format!("crates/{package}/src/x.rs"),
        };
        for word in rule.words {
            let file = SourceFile::new(&path, &format!("fn f() {{\n    {word};\n}}\n"));
            let complaints = check(RULES, &file);
            assert_eq!(complaints.len(), 1, "{word}");
            assert!(complaints[0].to_string().starts_with(&format!("{path}:2: no `{word}` here")), "{}", complaints[0]);
        }
    }
}

#[test]
fn a_rule_stops_where_it_ends() {
    for (path, text) in [
        ("crates/money/src/rate.rs", "use rust_decimal::Decimal;"),
        ("crates/shard/src/lib.rs", "fn f() -> f64 { std::thread::sleep(second); 0.5 }"),
        ("crates/wire/src/lib.rs", "/// .unwrap()\nfn f() {}\n#[cfg(test)]\nmod tests { fn g() { h().unwrap() } }"),
        ("crates/payswitchd/tests/first.rs", "use tonic::Code;"),
        ("crates/domain/src/lib.rs", "fn f() -> &'static str { \"std thread f64\" }"),
    ] {
        assert_none(&check(RULES, &SourceFile::new(path, text)));
    }
}

#[test]
fn a_crate_without_a_word_about_itself_is_seen() {
    assert_eq!(check_lib(&SourceFile::new("crates/shard/src/lib.rs", "mod a;")).len(), 1);
    assert_eq!(check_lib(&SourceFile::new("crates/money/src/lib.rs", "//! Money.\n")).len(), 1);
    assert_none(&check_lib(&SourceFile::new("crates/money/src/lib.rs", "//! Money.\n#![no_std]\n")));
}
