//! The project's files, and ways to look at them.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Neither ours nor kept.
const FOLDERS_SKIPPED: [&str; 4] = [".git", "node_modules", "payswitch-data", "target"];

/// One file of the project.
pub(crate) struct SourceFile {
    /// Relative to the root, with slashes.
    pub(crate) path: String,
    /// As stored.
    pub(crate) text: String,
    /// Rust without the insides of comments and literals: blanks stand for them, so every position is as in `text`.
    /// Empty for other files.
    pub(crate) code: String,
    /// `code` without tests.
    pub(crate) product: String,
    /// `code` without what is not a test.
    pub(crate) tests: String,
}

impl SourceFile {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = if path.ends_with(".rs") { without_comments_and_literals(text) } else { String::new() };
        let inside = if is_test(path) { vec![(0, code.len())] } else { test_regions(&code) };
        let mut product = code.clone().into_bytes();
        let mut tests = blank(&code).into_bytes();
        for (start, end) in inside {
            tests[start..end].copy_from_slice(&code.as_bytes()[start..end]);
            product[start..end].copy_from_slice(blank(&code[start..end]).as_bytes());
        }
        let text_again = |bytes| String::from_utf8(bytes).expect("blanks replace whole items");
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            product: text_again(product),
            tests: text_again(tests),
        }
    }

    /// The package the file belongs to, if any: `crates/wire/src/lib.rs` is of `wire`.
    pub(crate) fn package(&self) -> Option<&str> {
        let mut parts = self.path.split('/');
        match (parts.next()?, parts.next()?) {
            ("crates", package) => parts.next().map(|_| package),
            ("benches", _) => Some("benches"),
            _ => None,
        }
    }

    pub(crate) fn extension(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

/// Something to mend, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    path: String,
    line: usize,
    what: String,
}

impl Complaint {
    /// About the place `offset` bytes into `text`.
    pub(crate) fn at(file: &SourceFile, offset: usize, what: String) -> Self {
        let line = file.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
        Self { path: file.path.clone(), line, what }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("this package lies two folders down")
}

/// Every text file of the project, by path.
pub(crate) fn project() -> &'static [SourceFile] {
    static FILES: OnceLock<Vec<SourceFile>> = OnceLock::new();
    FILES.get_or_init(|| {
        let mut files = Vec::new();
        collect(&root(), "", &mut files);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        assert!(files.iter().any(|file| file.path == "crates/tidy/tests/tidy/source.rs"), "the walk finds this file");
        files
    })
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<SourceFile>) {
    for entry in fs::read_dir(folder).expect("a folder of the project can be read") {
        let entry = entry.expect("a folder of the project can be read");
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            if !FOLDERS_SKIPPED.contains(&name.as_str()) {
                collect(&entry.path(), &format!("{path}/"), files);
            }
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            files.push(SourceFile::new(&path, &text));
        }
    }
}

#[track_caller]
pub(crate) fn assert_none(complaints: &[Complaint]) {
    let list: String = complaints.iter().map(|complaint| format!("\n{complaint}")).collect();
    assert!(complaints.is_empty(), "{} to mend:{list}", complaints.len());
}

/// Where `word` stands in `text`, not as a part of a longer word.
pub(crate) fn places(text: &str, word: &str) -> Vec<usize> {
    let in_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = text.as_bytes();
    let starts_longer = |start: usize| in_word(word.as_bytes()[0]) && start > 0 && in_word(bytes[start - 1]);
    let ends_longer =
        |end: usize| in_word(word.as_bytes()[word.len() - 1]) && bytes.get(end).copied().is_some_and(in_word);
    text.match_indices(word)
        .map(|(start, _)| start)
        .filter(|start| !starts_longer(*start) && !ends_longer(*start + word.len()))
        .collect()
}

/// The position after the bracket that closes the one at `open`.
pub(crate) fn after_closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return offset + 1;
        }
    }
    code.len()
}

/// The first brace or semicolon at or after `from` that is not inside parentheses or square brackets.
pub(crate) fn body_or_end(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'{' | b';' if depth == 0 => return Some(offset),
            _ => {}
        }
    }
    None
}

fn is_test(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "benches"))
}

fn test_regions(code: &str) -> Vec<(usize, usize)> {
    ["#[cfg(test)]", "#[cfg(all(test"]
        .iter()
        .flat_map(|attribute| code.match_indices(attribute))
        .filter_map(|(start, attribute)| {
            let end = body_or_end(code, start + attribute.len())?;
            Some((start, if code.as_bytes()[end] == b'{' { after_closing(code, end) } else { end + 1 }))
        })
        .collect()
}

fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

fn without_comments_and_literals(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_word = code.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let opaque = match first {
            '/' => comment(rest),
            '"' => Some(string(rest)),
            '\'' => character(rest),
            'r' | 'b' | 'c' if !after_word => raw_string(rest),
            _ => None,
        };
        let length = opaque.unwrap_or(first.len_utf8());
        let (taken, left) = rest.split_at(length);
        if opaque.is_some() {
            code.push_str(&blank(taken))
        } else {
            code.push_str(taken)
        }
        rest = left;
    }
    code
}

/// Length of the comment that `text` begins with.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (1_usize, 2);
    while depth > 0 {
        let Some(next) = text.get(at..).and_then(|rest| rest.find(['/', '*'])) else { return Some(text.len()) };
        at += next;
        let (change, step) = match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => (1, 2),
            [b'*', b'/', ..] => (-1, 2),
            _ => (0, 1),
        };
        depth = depth.saturating_add_signed(change);
        at += step;
    }
    Some(at)
}

/// Length of the string literal that `text` begins with.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (offset, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return offset + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of the character literal that `text` begins with; `None` for a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        chars.next()?;
        return chars.find(|(_, c)| *c == '\'').map(|(offset, _)| offset + 1);
    }
    chars.next().filter(|(_, c)| *c == '\'').map(|(offset, _)| offset + 1)
}

/// Length of the raw string literal that `text` begins with.
fn raw_string(text: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"]
        .into_iter()
        .find(|prefix| text.strip_prefix(prefix).is_some_and(|rest| rest.trim_start_matches('#').starts_with('"')))?;
    let hashes = text[prefix.len()..].bytes().take_while(|byte| *byte == b'#').count();
    let inside = prefix.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(text[inside..].find(&end).map_or(text.len(), |at| inside + at + end.len()))
}

#[test]
fn comments_and_literals_are_blank_and_nothing_moves() {
    let text = concat!(
        "let a = \"f64 \\\" // é\"; // f64\n",
        "let b = r#\"f64\"#; /* f64 /* f64 */ f64 */\n",
        "let c: &'a char = &'\"'; let d = '\\'';"
    );
    let code = without_comments_and_literals(text);
    assert_eq!(code.len(), text.len());
    assert!(!code.contains("f64"), "{code}");
    assert_eq!(code.split_whitespace().collect::<String>(), "leta=;letb=;letc:&'achar=&;letd=;");
}

#[test]
fn tests_are_told_from_the_product() {
    let file =
        SourceFile::new("crates/x/src/lib.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}\n");
    assert_eq!(file.product.split_whitespace().collect::<String>(), "fna(){}fnc(){}");
    assert_eq!(file.tests.split_whitespace().collect::<String>(), "#[cfg(test)]modtests{fnb(){}}");
    assert!(SourceFile::new("crates/x/tests/a.rs", "fn a() {}").product.trim().is_empty());
}

#[test]
fn a_word_is_not_found_inside_another() {
    assert_eq!(places("f64 xf64 f64x .f64.", "f64"), [0, 15]);
    assert_eq!(places("a.unwrap() b.unwrap_or(c)", ".unwrap()"), [1]);
}
