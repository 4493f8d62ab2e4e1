//! Rates as WeChat Pay tells them: an integer, CNY for one unit of a currency times 10^8.
//!
//! A line a rate, as `date,currency,rate` or as a JSON object with these names or WeChat's own, `rate_time`, `fee_type` and
//! `rate`; a date as 2026-10-30 or 20261030. A heading `date,currency,rate` may stand first. Empty lines and lines that
//! begin with # mean nothing.

use domain::CurrencyPair;
use jiff::civil::Date;
use money::{Currency, Rate};
use serde::Deserialize;

use super::file::{FileRate, FileRates, Malformed, Skipped, Wanted};

/// How many of the integer's digits stand after the point.
const DECIMALS: u32 = 8;
const HEADING: &str = "date,currency,rate";

/// One line.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(alias = "rate_time")]
    date: String,
    #[serde(alias = "fee_type")]
    currency: String,
    rate: Digits,
}

/// An integer, with or without quotes.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Digits {
    Number(u64),
    Text(String),
}

/// The wanted rates, each as CNY per a currency.
pub(super) fn read(text: &str, wanted: &Wanted) -> Result<FileRates, Malformed> {
    let mut found = FileRates::default();
    let mut seen = Vec::new();
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') || (number == 1 && line == HEADING) {
            continue;
        }
        let line = read_line(line).map_err(|what| Malformed::line(number, what))?;
        take(number, &line, wanted, &mut found, &mut seen)?;
    }
    match wanted.currencies.iter().find(|currency| !seen.contains(*currency)) {
        Some(missing) => Err(Malformed::NoSuchCurrency(*missing)),
        None => Ok(found),
    }
}

fn read_line(line: &str) -> Result<Line, String> {
    if line.starts_with('{') {
        return serde_json::from_str(line).map_err(|reason| reason.to_string());
    }
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    let &[date, currency, rate] = cells.as_slice() else {
        return Err(format!("it is not {HEADING}, nor a JSON object"));
    };
    Ok(Line { date: date.to_owned(), currency: currency.to_owned(), rate: Digits::Text(rate.to_owned()) })
}

fn take(
    number: usize,
    line: &Line,
    wanted: &Wanted,
    found: &mut FileRates,
    seen: &mut Vec<Currency>,
) -> Result<(), Malformed> {
    let date = read_date(&line.date)
        .ok_or_else(|| Malformed::line(number, format!("{} is not a date like 2026-10-30", line.date)))?;
    let Ok(currency) = Currency::from_code(&line.currency) else {
        found.skips.add(Skipped::UnknownCurrency(line.currency.clone()), date);
        return Ok(());
    };
    if !wanted.currency(currency) {
        return Ok(());
    }
    if !seen.contains(&currency) {
        seen.push(currency);
    }
    if currency == Currency::CNY {
        found.skips.add(Skipped::OfItself(line.currency.clone()), date);
    } else if wanted.day(date) {
        let rate = read_rate(&line.rate).map_err(|what| Malformed::line(number, what))?;
        found.rates.push(FileRate { date, pair: CurrencyPair { presentment: currency, debit: Currency::CNY }, rate });
    } else {
        found.skips.add(Skipped::OutsideDates, date);
    }
    Ok(())
}

/// Reads `2026-10-30` or `20261030`.
fn read_date(text: &str) -> Option<Date> {
    text.parse().ok().or_else(|| Date::strptime("%Y%m%d", text).ok())
}

/// 650000000 is 6.5.
fn read_rate(digits: &Digits) -> Result<Rate, String> {
    let mantissa = match digits {
        Digits::Number(number) => *number,
        Digits::Text(text) if text.bytes().all(|digit| digit.is_ascii_digit()) => {
            text.parse().map_err(|_| format!("{text} has too many digits"))?
        }
        Digits::Text(text) => return Err(format!("{text} is not a whole number: 650000000 is 6.5")),
    };
    Rate::from_parts(mantissa, DECIMALS).map_err(|reason| format!("{mantissa}: {reason}"))
}
