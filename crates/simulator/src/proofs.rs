//! What the proofs counted when they ran last: one small file each, written by the run itself, read for the report.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// Names the directory that a proof shall leave its counts in; without it, it leaves none.
const DIRECTORY: &str = "PAYSWITCH_PROOFS";
const EXTENSION: &str = "counts";

/// Leaves what a proof counted, with the commit it ran on, where the environment says; else does nothing.
///
/// # Errors
/// When the file cannot be written.
pub fn leave(proof: &str, counts: &[(&str, u64)], took: Duration) -> io::Result<()> {
    let Some(directory) = env::var_os(DIRECTORY) else { return Ok(()) };
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success());
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["log", "-1", "--format=%h of %cs"]).unwrap_or_else(|| "unknown".to_owned());
    let changed = git(&["status", "--porcelain", "--untracked-files=no", "--", ":!*.counts"]);
    let changed = if changed.is_some_and(|changes| !changes.is_empty()) { ", changed" } else { "" };
    let mut text = format!("commit: {commit}{changed}\nseconds: {}\n", took.as_secs());
    for (what, count) in counts {
        text += &format!("{what}: {count}\n");
    }
    fs::write(PathBuf::from(directory).join(format!("{proof}.{EXTENSION}")), text)
}

/// All that was left in a directory, as a table in Markdown.
///
/// # Errors
/// When the directory or a file cannot be read, or a file is none of ours.
pub fn report(directory: &Path) -> io::Result<String> {
    let entries = fs::read_dir(directory)?.map(|entry| Ok(entry?.path()));
    let mut files: Vec<PathBuf> = entries.collect::<io::Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
    files.sort();
    let mut table = "| proof | counted | took | commit |\n| --- | --- | --- | --- |\n".to_owned();
    for path in files {
        let wrong = || io::Error::new(io::ErrorKind::InvalidData, format!("{} holds no counts", path.display()));
        let text = fs::read_to_string(&path)?;
        let mut lines = text.lines().filter_map(|line| line.split_once(": "));
        let commit = lines.next().filter(|(what, _)| *what == "commit").ok_or_else(wrong)?.1;
        let seconds = lines.next().filter(|(what, _)| *what == "seconds").ok_or_else(wrong)?.1;
        let counted: Vec<String> = lines.map(|(what, count)| format!("{what} {}", grouped(count))).collect();
        let proof = path.file_stem().ok_or_else(wrong)?.to_string_lossy();
        table += &format!("| {proof} | {} | {} s | {commit} |\n", counted.join(", "), grouped(seconds));
    }
    Ok(table)
}

/// `12,345`.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
