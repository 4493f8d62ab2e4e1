//! `eurofxref-hist.csv`: the euro reference rates of the European Central Bank since 1999.
//!
//! A heading `Date,USD,JPY,…`, then a line a business day, newest first: units of each currency for one euro, `N/A` where
//! there was none. Every line ends with a comma, which makes an empty last column. Spreadsheets put a byte order mark in
//! front when they save it; it means nothing.

use domain::CurrencyPair;
use jiff::civil::Date;
use money::{Currency, Rate};

use super::file::{FileRate, FileRates, Malformed, Skipped, Wanted};

/// What stands where there was no rate.
const NO_RATE: &str = "N/A";

/// A column that is read.
enum Column {
    /// Rates of this currency.
    Of(Currency),
    /// Rates of a currency that is no more.
    Unknown(String),
    /// Not wanted, or the empty one at the end.
    Ignored,
}

/// The wanted rates, each as units of a currency per EUR.
pub(super) fn read(text: &str, wanted: &Wanted) -> Result<FileRates, Malformed> {
    let mut lines = (1..).zip(text.trim_start_matches('\u{feff}').lines());
    let (_, heading) = lines.next().unwrap_or((1, ""));
    let columns = columns(heading, wanted)?;
    let mut found = FileRates::default();
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        read_line(number, line, &columns, wanted, &mut found)?;
    }
    Ok(found)
}

fn columns(heading: &str, wanted: &Wanted) -> Result<Vec<Column>, Malformed> {
    if heading.contains('"') {
        return Err(Malformed::line(1, "its cells are quoted: save it as the ECB does, without quotes"));
    }
    let mut names = heading.split(',').map(str::trim);
    if names.next() != Some("Date") {
        return Err(Malformed::line(1, "the heading does not begin with Date: it is not eurofxref-hist.csv"));
    }
    if wanted.currencies.contains(&Currency::EUR) {
        return Err(Malformed::NoSuchCurrency(Currency::EUR));
    }
    let names: Vec<&str> = names.collect();
    if let Some(missing) = wanted.currencies.iter().find(|currency| !names.contains(&currency.code())) {
        return Err(Malformed::NoSuchCurrency(*missing));
    }
    let column = |name: &str| match Currency::from_code(name) {
        Ok(currency) if wanted.currency(currency) => Column::Of(currency),
        Err(_) if !name.is_empty() && wanted.currencies.is_empty() => Column::Unknown(name.to_owned()),
        Ok(_) | Err(_) => Column::Ignored,
    };
    Ok(names.into_iter().map(column).collect())
}

fn read_line(
    number: usize,
    line: &str,
    columns: &[Column],
    wanted: &Wanted,
    found: &mut FileRates,
) -> Result<(), Malformed> {
    let mut cells = line.split(',').map(str::trim);
    let date: Date = cells
        .next()
        .and_then(|date| date.parse().ok())
        .ok_or_else(|| Malformed::line(number, "it does not begin with a date"))?;
    let cells: Vec<&str> = cells.collect();
    if cells.len() != columns.len() {
        let what = format!("it has {} columns, the heading {}", cells.len() + 1, columns.len() + 1);
        return Err(Malformed::line(number, what));
    }
    for (cell, column) in cells.into_iter().zip(columns) {
        let currency = match column {
            Column::Ignored => continue,
            // A dead currency has no rate any more, which is nothing to tell.
            Column::Unknown(_) if cell == NO_RATE => continue,
            Column::Unknown(code) => {
                found.skips.add(Skipped::UnknownCurrency(code.clone()), date);
                continue;
            }
            Column::Of(currency) => *currency,
        };
        if !wanted.day(date) {
            found.skips.add(Skipped::OutsideDates, date);
        } else if cell == NO_RATE {
            found.skips.add(Skipped::NoRate(currency.code().to_owned()), date);
        } else {
            let rate =
                Rate::parse(cell).map_err(|reason| Malformed::line(number, format!("{currency} {cell}: {reason}")))?;
            let pair = CurrencyPair { presentment: Currency::EUR, debit: currency };
            found.rates.push(FileRate { date, pair, rate });
        }
    }
    Ok(())
}
