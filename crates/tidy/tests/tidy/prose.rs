//! What no kept file says, in whatever language it is written, and links that lead somewhere.

use std::path::{Component, Path, PathBuf};

use crate::source::{Complaint, SourceFile, assert_none, project, root};

struct Rule {
    /// Any of these, in lower case, written in halves so that this table does not meet itself.
    texts: &'static [&'static str],
    because: &'static str,
    instead: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        texts: &[concat!("/wo", "rk/"), concat!("/fa", "rm/"), concat!("/ho", "me/"), concat!("/ro", "ot/")],
        because: "it is a path of one machine",
        instead: "write it relative to the project or to $HOME",
    },
    Rule {
        texts: &[concat!("sha", "red/")],
        because: "a clone has nothing outside the project",
        instead: "say here what a reader needs",
    },
    Rule {
        texts: &[
            concat!("co-auth", "ored-by"),
            concat!("ai-gen", "erated"),
            concat!("language ", "model"),
            concat!("cop", "ilot"),
            concat!("chat", "gpt"),
            concat!("cla", "ude"),
        ],
        because: "the text speaks for itself, whatever it was typed with",
        instead: "leave it out",
    },
    Rule {
        texts: &[concat!("\"reso", "lved\": \"http")],
        because: "a lock file names hashes, not hosts",
        instead: "write it with `npm install --package-lock-only --omit-lockfile-registry-resolved`",
    },
    Rule {
        texts: &[concat!("fix", "me")],
        because: "one word for what is left to do",
        instead: concat!("write TO", "DO with the number of the issue, as in TO", "DO(#12)"),
    },
    Rule {
        texts: &[concat!("<<<", "<<<<"), concat!(">>>", ">>>>")],
        because: "it is left over from a merge",
        instead: "finish the merge",
    },
];

const TO_DO: &str = concat!("TO", "DO");

fn check(file: &SourceFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let lower = file.text.to_ascii_lowercase();
    for rule in RULES {
        for text in rule.texts {
            // A slash after a name goes on with a path of the project's own.
            let within = |place: usize| {
                let before = lower[..place].chars().next_back();
                before.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '}'))
            };
            for (place, _) in lower.match_indices(text).filter(|(place, _)| !within(*place)) {
                let what = format!("no `{text}`: {}; {}", rule.because, rule.instead);
                complaints.push(Complaint::at(file, place, what));
            }
        }
    }
    for (place, _) in file.text.match_indices(TO_DO) {
        let rest = file.text[place + TO_DO.len()..].strip_prefix("(#");
        let digits = rest.map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
        if digits == 0 || !rest.is_some_and(|rest| rest[digits..].starts_with(')')) {
            let what = format!("a {TO_DO} carries the number of its issue: {TO_DO}(#12)");
            complaints.push(Complaint::at(file, place, what));
        }
    }
    complaints
}

/// Links of a Markdown file that lead to a file of the project that is not there.
fn check_links(file: &SourceFile, exists: impl Fn(&Path) -> bool) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    if file.extension() != "md" {
        return complaints;
    }
    for (place, _) in file.text.match_indices("](") {
        let target = file.text[place + 2..].split([')', ' ', '\n']).next().unwrap_or_default();
        let path = target.split('#').next().unwrap_or_default();
        if path.is_empty() || target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
        if !normal(&folder.join(path)).is_some_and(|path| exists(&path)) {
            complaints.push(Complaint::at(
                file,
                place,
                format!("the link to `{target}` leads nowhere: mend or remove it"),
            ));
        }
    }
    complaints
}

/// Without `.` and `..`; `None` when the path leaves the project.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut result = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => result.push(part),
            Component::CurDir => {}
            Component::ParentDir => {
                if !result.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(result)
}

#[test]
fn no_file_says_what_none_should() {
    let complaints: Vec<_> = project().iter().flat_map(check).collect();
    assert_none(&complaints);
}

#[test]
fn every_link_leads_somewhere() {
    let root = root();
    let complaints: Vec<_> =
        project().iter().flat_map(|file| check_links(file, |path| root.join(path).exists())).collect();
    assert_none(&complaints);
}

#[test]
fn every_text_can_fail() {
    for text in RULES.iter().flat_map(|rule| rule.texts) {
        let complaints = check(&SourceFile::new("README.md", &format!("one\ntwo {text}\n")));
        assert_eq!(complaints.len(), 1, "{text}");
        assert!(complaints[0].to_string().starts_with("README.md:2: no `"), "{}", complaints[0]);
    }
    for (text, expected) in [("(#12): later", 0), (": later", 1), ("(#)", 1), ("(#1", 1)] {
        assert_eq!(check(&SourceFile::new("a.rs", &format!("// {TO_DO}{text}\n"))).len(), expected, "{text}");
    }
}

#[test]
fn a_dead_link_is_seen() {
    let exists = |path: &Path| path == Path::new("proto/README.md");
    let check = |text: &str| check_links(&SourceFile::new("crates/README.md", text), exists).len();
    assert_eq!(check("[words](../proto/README.md#words), [out](https://example.com), [here](#top)"), 0);
    assert_eq!(check("[words](proto/README.md)"), 1);
    assert_eq!(check("[words](../../proto/README.md)"), 1);
}
