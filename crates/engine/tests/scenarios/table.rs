//! Tables as text: rows that begin in the first column, an answer behind ` | `, more lines of it indented below.

use std::{collections::BTreeMap, fmt};

const INDENT: &str = "      ";

/// What a row is answered.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// At the end of the row.
    pub(crate) outcome: String,
    /// Below the row.
    pub(crate) below: Vec<String>,
}

/// The words of a row: a verb, its arguments, and options `name=value`.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    words: Vec<String>,
}

#[derive(Debug)]
enum Line {
    /// A comment or nothing; kept as it is.
    Text(String),
    Row(Row, Answer),
}

#[derive(Debug)]
pub(crate) struct Table {
    lines: Vec<Line>,
}

impl Row {
    pub(crate) fn verb(&self) -> &str {
        &self.words[0]
    }

    /// The arguments that are not options.
    pub(crate) fn arguments(&self) -> Vec<&str> {
        self.words.iter().skip(1).map(String::as_str).filter(|word| !word.contains('=')).collect()
    }

    pub(crate) fn option(&self, name: &str) -> Option<&str> {
        self.words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    /// This row with every `*` replaced by a number.
    pub(crate) fn numbered(&self, number: u32) -> Row {
        Row { words: self.words.iter().map(|word| word.replace('*', &number.to_string())).collect() }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words.join(" "))
    }
}

impl Table {
    pub(crate) fn read(text: &str) -> Table {
        let is_answer = |line: &&str| line.starts_with(' ') && !line.trim().is_empty();
        let lines = text.lines().filter(|line| !is_answer(line)).map(|line| {
            let asked = line.split_once('|').map_or(line, |(asked, _answer)| asked);
            let words: Vec<String> = asked.split_whitespace().map(str::to_owned).collect();
            match words.is_empty() || line.starts_with('#') {
                true => Line::Text(line.trim_end().to_owned()),
                false => Line::Row(Row { words }, Answer::default()),
            }
        });
        Table { lines: lines.collect() }
    }

    pub(crate) fn answer(&mut self, mut answer: impl FnMut(&Row) -> Answer) {
        for line in &mut self.lines {
            if let Line::Row(row, answered) = line {
                *answered = answer(row);
            }
        }
    }

    /// The widest word at each place of each verb; options stand free.
    fn widths(&self) -> BTreeMap<(&str, usize), usize> {
        let mut widths = BTreeMap::new();
        for line in &self.lines {
            let Line::Row(row, _) = line else { continue };
            let verb: &mut usize = widths.entry(("", 0)).or_default();
            *verb = row.verb().len().max(*verb);
            for (index, word) in row.arguments().iter().enumerate() {
                let width = widths.entry((row.verb(), index)).or_default();
                *width = word.len().max(*width);
            }
        }
        widths
    }
}

impl Row {
    fn aligned(&self, widths: &BTreeMap<(&str, usize), usize>) -> String {
        let mut words = vec![format!("{:<width$}", self.verb(), width = widths[&("", 0)])];
        for (index, word) in self.arguments().into_iter().enumerate() {
            let width = widths[&(self.verb(), index)];
            words.push(match word.starts_with(|c: char| c.is_ascii_digit()) {
                true => format!("{word:>width$}"),
                false => format!("{word:<width$}"),
            });
        }
        words.extend(self.words.iter().filter(|word| word.contains('=')).cloned());
        words.join(" ").trim_end().to_owned()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        let rows = self.lines.iter().filter_map(|line| match line {
            Line::Row(row, answer) if !answer.outcome.is_empty() => Some(row.aligned(&widths).len()),
            Line::Row(..) | Line::Text(_) => None,
        });
        let width = rows.max().unwrap_or(0);
        for line in &self.lines {
            match line {
                Line::Text(text) => writeln!(f, "{text}")?,
                Line::Row(row, answer) if answer.outcome.is_empty() => writeln!(f, "{}", row.aligned(&widths))?,
                Line::Row(row, answer) => writeln!(f, "{:<width$} | {}", row.aligned(&widths), answer.outcome)?,
            }
            if let Line::Row(_, answer) = line {
                answer.below.iter().try_for_each(|below| writeln!(f, "{INDENT}{below}"))?;
            }
        }
        Ok(())
    }
}
