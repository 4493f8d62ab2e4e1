//! Colours, tables and lists of fields. Everything is made as styled text; the stream it goes to drops the styles where
//! they are not wanted.

use std::fmt::{self, Display};

use anstyle::{AnsiColor, Style};

/// Something the reader looks for first.
pub(crate) const STRONG: Style = Style::new().bold();
/// Approved, captured, sums to zero.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Refused, declined, damaged.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// A heading.
pub(crate) const HEADING: Style = AnsiColor::Cyan.on_default().bold();
/// Labels, and what is said beside the matter.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// The text in this style.
pub(crate) fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Characters a terminal shows, styles not counted.
fn width(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().chars().count()
}

/// Columns that text for people is broken at.
const COLUMNS: usize = 80;

/// The text in lines of at most [`COLUMNS`], each with this many spaces before it; a longer word keeps a line to itself.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a first line");
        if line.is_empty() {
            line.push_str(word);
        } else if indent + width(line) + 1 + width(word) <= COLUMNS {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    let margin = " ".repeat(indent);
    lines.iter().map(|line| format!("{margin}{line}\n")).collect()
}

/// At which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// For words.
    Left,
    /// For numbers.
    Right,
}

/// A table with a faint line of headings, two spaces between columns, as wide as its widest cells.
#[derive(Debug)]
pub(crate) struct Table {
    aligns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table of these columns.
    pub(crate) fn new<const N: usize>(columns: [(&str, Align); N]) -> Self {
        // An unnamed column ends its line early, so its heading carries no style either.
        let heading = |text: &str| if text.is_empty() { String::new() } else { paint(FAINT, text) };
        let headings = columns.iter().map(|(text, _)| heading(text)).collect();
        Self { aligns: columns.iter().map(|(_, align)| *align).collect(), rows: vec![headings] }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.aligns.len(), "a row has a cell for each column");
        self.rows.push(cells.into());
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column_width =
            |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max();
        let widths: Vec<usize> = (0..self.aligns.len()).map(|column| column_width(column).unwrap_or(0)).collect();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, align), column_width) in row.iter().zip(&self.aligns).zip(&widths) {
                let gap = " ".repeat(column_width.saturating_sub(width(cell)));
                line += &match align {
                    Align::Left => format!("  {cell}{gap}"),
                    Align::Right => format!("  {gap}{cell}"),
                };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Names and values below each other, the names in one faint column.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    lines: Vec<(&'static str, String)>,
}

impl Fields {
    /// Adds a line.
    pub(crate) fn line(&mut self, name: &'static str, value: impl Display) {
        self.lines.push((name, value.to_string()));
    }
}

impl Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name_width = self.lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in &self.lines {
            let gap = " ".repeat(name_width.saturating_sub(name.len()));
            writeln!(f, "  {}{gap}  {value}", paint(FAINT, name))?;
        }
        Ok(())
    }
}

/// Styled text as it looks without its styles.
#[cfg(test)]
pub(crate) fn plain(styled: impl Display) -> String {
    anstream::adapter::strip_str(&styled.to_string()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_as_wide_as_what_is_seen() {
        let mut table = Table::new([("account", Align::Left), ("balance", Align::Right)]);
        table.row([paint(GOOD, "nostro"), "-1.00".into()]);
        table.row(["fx_position".into(), paint(STRONG, "12,345.00")]);
        let expected = "  account        balance\n  nostro           -1.00\n  fx_position  12,345.00\n";
        assert_eq!(plain(&table), expected);
    }

    #[test]
    fn long_text_is_broken_between_words() {
        let wrapped = wrapped(&"word ".repeat(40), 2);
        assert!(wrapped.lines().all(|line| line.starts_with("  word") && line.len() <= 80), "{wrapped}");
        assert_eq!(wrapped.matches("word").count(), 40);
    }

    #[test]
    fn fields_share_one_column_of_names() {
        let mut fields = Fields::default();
        fields.line("debit", "HKD 1.00");
        fields.line("lsn", 7);
        assert_eq!(plain(&fields), "  debit  HKD 1.00\n  lsn    7\n");
    }
}
