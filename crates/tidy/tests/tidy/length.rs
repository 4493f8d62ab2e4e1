//! A file is one idea, a function fits a screen.

use crate::source::{Complaint, SourceFile, after_closing, assert_none, body_or_end, places, project};

const FILE_LINES_MAX: usize = 800;
const FUNCTION_LINES_MAX: usize = 70;

fn check(file: &SourceFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    if !matches!(file.extension(), "rs" | "proto") {
        return complaints;
    }
    let lines = file.text.lines().count();
    if lines > FILE_LINES_MAX {
        let what = format!("{lines} lines, {FILE_LINES_MAX} at most: a file is one idea; split it by ideas");
        complaints.push(Complaint::at(file, 0, what));
    }
    for place in places(&file.code, "fn ") {
        let Some(body) = body_or_end(&file.code, place).filter(|body| file.code.as_bytes()[*body] == b'{') else {
            continue;
        };
        let lines = file.code[place..after_closing(&file.code, body)].lines().count();
        if lines > FUNCTION_LINES_MAX {
            let what =
                format!("{lines} lines, {FUNCTION_LINES_MAX} at most: a function fits a screen; give a part a name");
            complaints.push(Complaint::at(file, place, what));
        }
    }
    complaints
}

#[test]
fn files_and_functions_have_a_length() {
    let complaints: Vec<_> = project().iter().flat_map(check).collect();
    assert_none(&complaints);
}

#[test]
fn each_limit_can_be_passed() {
    let function = |lines: usize| format!("fn f() -> [u8; 2] {{\n{}}}\n", "    g();\n".repeat(lines - 2));
    for (text, expected) in [
        (function(FUNCTION_LINES_MAX), 0),
        (function(FUNCTION_LINES_MAX + 1), 1),
        ("use a;\n".repeat(FILE_LINES_MAX), 0),
        ("use a;\n".repeat(FILE_LINES_MAX + 1), 1),
    ] {
        assert_eq!(check(&SourceFile::new("crates/x/src/lib.rs", &text)).len(), expected, "{text}");
    }
}
