//! One word, one meaning: names that say nothing, and words the glossary replaces.

use crate::source::{Complaint, SourceFile, assert_none, places, project};

struct Rule {
    /// A part of a name: `RateData` has the parts `rate` and `data`.
    part: &'static str,
    of: Kinds,
    instead: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kinds {
    All,
    TypesAndModules,
}

const SAY: &str = "say what it holds or does";

const RULES: &[Rule] = &[
    Rule { part: "util", of: Kinds::All, instead: SAY },
    Rule { part: "utils", of: Kinds::All, instead: SAY },
    Rule { part: "common", of: Kinds::All, instead: SAY },
    Rule { part: "helper", of: Kinds::All, instead: SAY },
    Rule { part: "helpers", of: Kinds::All, instead: SAY },
    Rule { part: "manager", of: Kinds::All, instead: SAY },
    Rule { part: "misc", of: Kinds::All, instead: SAY },
    Rule { part: "data", of: Kinds::TypesAndModules, instead: SAY },
    Rule { part: "info", of: Kinds::TypesAndModules, instead: SAY },
    Rule { part: "transaction", of: Kinds::All, instead: "say payment or posting" },
    Rule { part: "transactions", of: Kinds::All, instead: "say payments or postings" },
    Rule { part: "user", of: Kinds::All, instead: "say payer, payee, merchant or operator" },
    Rule { part: "customer", of: Kinds::All, instead: "say payer" },
    Rule { part: "confirm", of: Kinds::All, instead: "say capture or authorize" },
    Rule { part: "perform", of: Kinds::All, instead: "use the real verb" },
    Rule { part: "manage", of: Kinds::All, instead: "use the real verb" },
];

/// The words before a name that is being given, and whether the name is of a type or module.
const DECLARATIONS: [(&str, bool); 9] = [
    ("mod ", true),
    ("struct ", true),
    ("enum ", true),
    ("trait ", true),
    ("type ", true),
    ("fn ", false),
    ("const ", false),
    ("static ", false),
    ("let ", false),
];

fn check(file: &SourceFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    if file.extension() != "rs" {
        return complaints;
    }
    for part in file.path.trim_end_matches(".rs").split('/') {
        complaints.extend(judge(part, true).map(|what| Complaint::at(file, 0, what)));
    }
    for (keyword, of_type) in DECLARATIONS {
        for place in places(&file.code, keyword) {
            if keyword == "type " && is_indented(&file.code, place) {
                continue;
            }
            let start = place + keyword.len();
            let name = word_at(&file.code[start..]);
            complaints.extend(judge(name, of_type).map(|what| Complaint::at(file, place, what)));
            if of_type && file.package().is_some_and(|package| stutters(package, name)) {
                let what = format!("`{name}` repeats its crate: say `Error`, callers write the crate before it");
                complaints.push(Complaint::at(file, place, what));
            }
        }
    }
    complaints
}

fn judge(name: &str, of_type: bool) -> impl Iterator<Item = String> {
    let parts = parts(name);
    RULES
        .iter()
        .filter(move |rule| of_type || rule.of == Kinds::All)
        .filter(move |rule| parts.iter().any(|part| part == rule.part))
        .map(move |rule| format!("no `{}` in a name (`{name}`): {}", rule.part, rule.instead))
}

/// An indented `type` is a trait's, and the trait may not be ours.
fn is_indented(code: &str, place: usize) -> bool {
    let line = code[..place].rfind('\n').map_or(0, |end| end + 1);
    code[line..].starts_with(' ')
}

fn stutters(package: &str, name: &str) -> bool {
    name.strip_suffix("Error").is_some_and(|rest| rest.eq_ignore_ascii_case(package))
}

fn word_at(code: &str) -> &str {
    let end = code.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(code.len());
    &code[..end]
}

/// `RateData`, `rate_data` and `RATE_DATA` are all `rate`, `data`.
pub(crate) fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && after_lower) {
            parts.push(String::new());
        }
        if c.is_alphanumeric() {
            parts.last_mut().expect("there is always a last part").extend(c.to_lowercase());
        }
        after_lower = c.is_lowercase();
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[test]
fn names_say_something() {
    let complaints: Vec<_> = project().iter().flat_map(check).collect();
    assert_none(&complaints);
}

#[test]
fn every_word_can_fail() {
    for rule in RULES {
        let mut type_name = rule.part.to_owned();
        type_name[..1].make_ascii_uppercase();
        let file = SourceFile::new(
            "crates/x/src/lib.rs",
            &format!("\nstruct Rate{type_name};\nfn rate_{}() {{}}\n", rule.part),
        );
        assert_eq!(check(&file).len(), if rule.of == Kinds::All { 2 } else { 1 }, "{}", rule.part);
        assert_eq!(check(&SourceFile::new(&format!("crates/x/src/{}.rs", rule.part), "")).len(), 1, "{}", rule.part);
    }
    assert_eq!(check(&SourceFile::new("crates/journal/src/error.rs", "pub enum JournalError {}")).len(), 1);
    assert_eq!(check(&SourceFile::new("crates/x/src/lib.rs", "pub type RateInfo = Rate;")).len(), 1);
    let fine = "pub enum Error {}\nfn of_commonwealth() {}\nimpl A for B {\n    type ConnectInfo = C;\n}\n";
    assert_none(&check(&SourceFile::new("crates/journal/src/error.rs", fine)));
}

#[test]
fn a_name_falls_into_its_parts() {
    for name in ["RateTickId", "rate_tick_id", "RATE_TICK_ID", "rateTickId"] {
        assert_eq!(parts(name), ["rate", "tick", "id"], "{name}");
    }
}
