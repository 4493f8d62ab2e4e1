//! `payctl rates import`.

mod ecb;
mod file;
mod publish;
mod wechat;

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use money::Currency;
use serde_json::json;

use self::file::{FileRates, Wanted};
use self::publish::{Before, Origin, Outcome, publish};
use crate::commands::currency_argument;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{BAD, FAINT, Fields, GOOD, paint};
use crate::words;

/// The longest file that is read, in bytes: the whole history of the ECB has 2 MB.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Publish the rates of a file, day by day
///
/// For the switch's operator. A day is one request, or several where it has more than 64 rates. What is on the tape
/// already, or behind a later rate there, is left out and told. The idempotency keys follow from the content, so the same
/// import again changes nothing, and one that was cut off goes on where it stopped.
///
/// ecb: eurofxref-hist.csv of the European Central Bank, published as units of each currency per EUR, of 16:00 CET. Its
/// rates are for information, not for dealing. wechat: lines of date, currency and an integer, CNY for one unit times
/// 10^8, published as CNY per the currency, of 10:00 in Shanghai.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How it is written
    #[arg(long, value_enum)]
    format: Format,
    /// These currencies only, with commas between them [default: all that ISO 4217 knows]
    #[arg(long, value_name = "CODES", value_delimiter = ',', value_parser = currency_argument)]
    currencies: Vec<Currency>,
    /// From this day on, e.g. 2005-04-01
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Up to and with this day
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// Who says so [default: as the format says]
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// Why rates may move further than the switch's policy allows in one step; recorded
    #[arg(long = "override", value_name = "REASON", default_value = "", hide_default_value = true)]
    override_reason: String,
}

/// How a file of rates is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// eurofxref-hist.csv of the European Central Bank.
    Ecb,
    /// Integers times 10^8, as WeChat Pay tells its payer rates.
    Wechat,
}

impl Format {
    const fn source(self) -> &'static str {
        match self {
            Self::Ecb => "ECB euro reference rate",
            Self::Wechat => "WeChat Pay payer rate",
        }
    }

    /// The hour of the day, in UTC, a rate speaks of: 16:00 CET, summer or winter, and 10:00 in Shanghai.
    const fn hour_utc(self) -> i8 {
        match self {
            Self::Ecb => 15,
            Self::Wechat => 2,
        }
    }

    fn read(self, text: &str, wanted: &Wanted) -> Result<FileRates, file::Malformed> {
        match self {
            Self::Ecb => ecb::read(text, wanted),
            Self::Wechat => wechat::read(text, wanted),
        }
    }
}

impl Import {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let rates = self.read()?;
        let origin = Origin {
            source: self.source.clone().unwrap_or_else(|| self.format.source().to_owned()),
            override_reason: self.override_reason.clone(),
            hour_utc: self.format.hour_utc(),
        };
        let before = Before::of(&context.reads_for_operator().list_rates().await?);
        let (outcome, stopped) = publish(&context.operator(), &origin, rates, before).await;
        if let Some(error) = stopped {
            // What was published stays published, so it is told before the reason for the stop.
            anstream::eprint!("{}", self.text(&paint(BAD, "stopped"), &outcome));
            return Err(error);
        }
        let json = json(&outcome);
        context.show(&json, |_| self.text(&paint(GOOD, "imported"), &outcome));
        Ok(Exit::Approved)
    }

    fn read(&self) -> Result<FileRates, Error> {
        let path = self.file.as_path();
        let wanted = Wanted { currencies: self.currencies.clone(), from: self.from, to: self.to };
        let malformed = |reason| Error::Usage(format!("{}: {reason}", path.display()));
        self.format.read(&read_text(path)?, &wanted).and_then(FileRates::in_order).map_err(malformed)
    }

    fn text(&self, how: &str, outcome: &Outcome) -> String {
        let mut fields = Fields::default();
        let days = |from: Option<Date>, to: Option<Date>| match (from, to) {
            (Some(from), Some(to)) => format!(", {from} to {to}"),
            _ => String::new(),
        };
        let published = words::counted(outcome.published, "rate");
        fields.line("published", format!("{published}{}", days(outcome.first, outcome.last)));
        if outcome.unchanged > 0 {
            let unchanged = words::counted(outcome.unchanged, "rate");
            fields.line("unchanged", format!("{unchanged}, the last on the tape"));
        }
        for (reason, skipped) in outcome.skips.iter() {
            let rates = words::counted(skipped.count, "rate");
            let from_to = format!("{} to {}", skipped.first, skipped.last);
            fields.line("skipped", format!("{rates}, {from_to}"));
            fields.line("", paint(FAINT, reason));
        }
        format!("{how}  {}\n{fields}", self.file.display())
    }
}

fn read_text(path: &Path) -> Result<String, Error> {
    let local = |source| Error::Local { tried: format!("read {}", path.display()), source };
    if fs::metadata(path).map_err(local)?.len() > FILE_BYTES_MAX {
        return Err(Error::Usage(format!("{} is longer than {FILE_BYTES_MAX} bytes", path.display())));
    }
    fs::read_to_string(path).map_err(local)
}

fn json(outcome: &Outcome) -> serde_json::Value {
    let date = |date: Option<Date>| date.map(|date| date.to_string());
    let skipped = outcome.skips.iter().map(|(reason, skipped)| {
        json!({
            "reason": reason.to_string(),
            "rates": skipped.count,
            "from": skipped.first.to_string(),
            "to": skipped.last.to_string(),
        })
    });
    json!({
        "published": outcome.published,
        "unchanged": outcome.unchanged,
        "from": date(outcome.first),
        "to": date(outcome.last),
        "skipped": skipped.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests;
