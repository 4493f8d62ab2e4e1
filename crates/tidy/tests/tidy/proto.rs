//! What `buf lint` does not check in the published messages: the glossary, the types of quantities, and that every
//! reason of a refusal is explained.

use crate::{
    name::parts,
    source::{Complaint, SourceFile, assert_none, places, project},
};

struct Word {
    /// A part of a name, or a whole word of a comment.
    word: &'static str,
    of: Uses,
    instead: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Uses {
    Names,
    NamesAndComments,
}

const WORDS: &[Word] = &[
    Word { word: "transaction", of: Uses::NamesAndComments, instead: "say payment or posting" },
    Word { word: "user", of: Uses::NamesAndComments, instead: "say payer, payee, merchant or operator" },
    Word { word: "customer", of: Uses::NamesAndComments, instead: "say payer" },
    Word { word: "data", of: Uses::Names, instead: "say what it holds" },
    Word { word: "info", of: Uses::Names, instead: "say what it holds" },
    Word { word: "misc", of: Uses::Names, instead: "say what it holds" },
    Word { word: "cancel", of: Uses::Names, instead: "say void, reverse or refund" },
    Word { word: "confirm", of: Uses::Names, instead: "say capture or authorize" },
    Word { word: "commit", of: Uses::Names, instead: "say capture" },
];

/// Types that no field has.
const TYPES: &[(&str, &str)] = &[
    ("float", "a float rounds: use Money, a decimal string or an integer with its unit in the name"),
    ("double", "a float rounds: use Money, a decimal string or an integer with its unit in the name"),
    ("google.protobuf.Any", "a client cannot know what is in it: name the message"),
];

fn check(file: &SourceFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    if file.extension() != "proto" {
        return complaints;
    }
    let mut offset = 0;
    for line in file.text.split_inclusive('\n') {
        let (code, comment) = line.split_once("//").unwrap_or((line, ""));
        let whats = check_words(code, comment).chain(check_field(&file.path, code));
        complaints.extend(whats.map(|what| Complaint::at(file, offset, what)));
        offset += line.len();
    }
    complaints
}

fn check_words(code: &str, comment: &str) -> impl Iterator<Item = String> {
    let names: Vec<String> = if code.starts_with("import") { Vec::new() } else { parts(code) };
    let comment = comment.to_ascii_lowercase();
    WORDS
        .iter()
        .filter(move |word| {
            let in_comment = word.of == Uses::NamesAndComments && !places(&comment, word.word).is_empty();
            in_comment || names.iter().any(|part| part == word.word)
        })
        .map(|word| format!("not `{}`: {}", word.word, word.instead))
}

fn check_field(path: &str, code: &str) -> Vec<String> {
    let mut whats = Vec::new();
    if code.contains("map<") && path.contains("/journal/") {
        whats.push(
            "no map in the journal: its order is not fixed, and records are hashed; use a repeated message".to_owned(),
        );
    }
    let Some((declaration, _)) = code.split_once(" = ") else { return whats };
    let words: Vec<&str> =
        declaration.split_whitespace().filter(|word| !matches!(*word, "repeated" | "optional")).collect();
    let [kind, name] = words[..] else { return whats };
    for (_, instead) in TYPES.iter().filter(|(banned, _)| *banned == kind) {
        whats.push(format!("no `{kind}`: {instead}"));
    }
    let is_amount = name == "amount" || name.ends_with("_amount") || name.ends_with("_balance");
    if is_amount && kind.starts_with(|c: char| c.is_ascii_lowercase()) {
        whats.push(format!("`{name}` is a {kind}: an amount is a Money, or says its unit, as in `debit_minor_units`"));
    }
    if name == "status" {
        whats.push("not `status`: say state".to_owned());
    }
    whats
}

/// Where the reasons of refusals are written, and where they are explained.
const REASONS_IN: [&str; 2] = ["crates/ingress/src/errors.rs", "crates/wire/src/requests/invalid.rs"];
const REASONS_EXPLAINED_IN: &str = "proto/README.md";

fn check_reasons(file: &SourceFile, page: &str) -> Vec<Complaint> {
    let is_reason = |text: &str| text.contains('_') && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let mut complaints = Vec::new();
    let mut offset = 0;
    for part in file.text.split_inclusive('"') {
        let text = part.trim_end_matches('"');
        if is_reason(text) && !page.contains(&format!("`{text}`")) {
            let what =
                format!("callers are not told of {text}: add it to the table of refusals in {REASONS_EXPLAINED_IN}");
            complaints.push(Complaint::at(file, offset, what));
        }
        offset += part.len();
    }
    complaints
}

#[test]
fn every_reason_is_explained() {
    let page = project().iter().find(|file| file.path == REASONS_EXPLAINED_IN).expect("the page is there");
    for path in REASONS_IN {
        let file = project().iter().find(|file| file.path == path).expect("the reasons are there");
        assert_none(&check_reasons(file, &page.text));
    }
}

#[test]
fn a_reason_without_explanation_is_seen() {
    let file = SourceFile::new(REASONS_IN[0], "fn f() {\n    refuse(\"RATE_STALE\", \"the rate is OLD\");\n}\n");
    assert_none(&check_reasons(&file, "| `RATE_STALE` |"));
    let complaints = check_reasons(&file, "RATE_STALE_TOO");
    assert_eq!(complaints.len(), 1);
    assert!(
        complaints[0].to_string().starts_with("crates/ingress/src/errors.rs:2: callers are not told of RATE_STALE")
    );
}

#[test]
fn the_published_words_are_the_glossarys() {
    let complaints: Vec<_> = project().iter().flat_map(check).collect();
    assert_none(&complaints);
}

#[test]
fn every_word_and_type_can_fail() {
    let check =
        |line: &str| check(&SourceFile::new("proto/payswitch/journal/v1/x.proto", &format!("\n{line}\n"))).len();
    for word in WORDS {
        assert_eq!(check(&format!("  string {}_id = 1;", word.word)), 1, "{}", word.word);
        let in_comment = usize::from(word.of == Uses::NamesAndComments);
        assert_eq!(check(&format!("  // The {} asks.", word.word)), in_comment, "{}", word.word);
    }
    for (kind, _) in TYPES {
        assert_eq!(check(&format!("  repeated {kind} rates = 1;")), 1, "{kind}");
    }
    assert_eq!(check("  int64 debit_amount = 1;"), 1);
    assert_eq!(check("  Money debit_amount = 1;"), 0);
    assert_eq!(check("  map<string, uint32> rates = 1;"), 1);
    assert_eq!(check("  PaymentState status = 1;"), 1);
    assert_eq!(check("  PaymentState state = 1;"), 0);
}
