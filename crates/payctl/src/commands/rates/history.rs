//! `payctl rates history`.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use client::Client;
use domain::CurrencyPair;
use wire::v1::{HistoryRequest, HistoryResponse, Rate};

use super::chart;
use crate::commands::pair_argument;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{Align, FAINT, Table, paint};
use crate::words;

/// The most rates on a page.
const PAGE_SIZE_MAX: u32 = 500;
/// Characters of a source.
const SOURCE_CHARS: usize = 28;

/// Show the published rates of one pair, newest first
///
/// For every key. With --chart they are also drawn, oldest at the left.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// The pair as read aloud, payer's currency first: "HKD per CNY"
    #[arg(value_parser = pair_argument)]
    pair: CurrencyPair,
    /// How many rates at most, from the newest on
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    last: u32,
    /// Draw them into this SVG file
    #[arg(long, value_name = "FILE")]
    chart: Option<PathBuf>,
}

impl History {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let reply = self.rates(&context.wallet()).await?;
        if let Some(path) = &self.chart {
            let tried = || format!("write the chart {}", path.display());
            let svg = chart::svg(&self.pair.to_string(), &reply.rates);
            fs::write(path, svg).map_err(|source| Error::Local { tried: tried(), source })?;
        }
        context.show(&reply, |reply| text(&self.pair.to_string(), reply));
        Ok(Exit::Approved)
    }

    /// As many pages as it takes, as if they were one.
    async fn rates(&self, client: &Client) -> Result<HistoryResponse, Error> {
        let mut all = HistoryResponse::default();
        loop {
            let left = self.last.saturating_sub(u32::try_from(all.rates.len()).unwrap_or(u32::MAX));
            let request = HistoryRequest {
                presentment_currency_code: self.pair.presentment.code().to_owned(),
                debit_currency_code: self.pair.debit.code().to_owned(),
                page_size: left.min(PAGE_SIZE_MAX),
                page_token: all.next_page_token,
            };
            let page = client.rate_history(request).await?;
            all.rates.extend(page.rates);
            (all.next_page_token, all.applied_lsn) = (page.next_page_token, page.applied_lsn);
            let have = u32::try_from(all.rates.len()).unwrap_or(u32::MAX);
            if all.next_page_token.is_empty() || have >= self.last {
                return Ok(all);
            }
        }
    }
}

fn text(pair: &str, history: &HistoryResponse) -> String {
    if history.rates.is_empty() {
        return format!("  nobody published a rate for {pair}\n");
    }
    let mut table = Table::new([
        ("of, UTC", Align::Left),
        (pair, Align::Right),
        ("bid", Align::Right),
        ("ask", Align::Right),
        ("lsn", Align::Right),
        ("", Align::Left),
    ]);
    for rate in &history.rates {
        table.row(row(rate));
    }
    let more = if history.next_page_token.is_empty() { "" } else { "; there are older ones: --last N" };
    let note = format!("  {}{more}", words::counted(history.rates.len() as u64, "rate"));
    format!("{table}{}\n", paint(FAINT, note))
}

fn row(rate: &Rate) -> [String; 6] {
    [
        words::long_time(rate.as_of_time.as_ref().map(|time| time.seconds)),
        rate.mid_rate.clone(),
        rate.bid.clone(),
        rate.ask.clone(),
        rate.lsn.to_string(),
        words::shortened(&rate.source, SOURCE_CHARS),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::plain;

    fn rate(mid: &str, bid: &str, ask: &str, lsn: u64) -> Rate {
        let mut rate = Rate {
            mid_rate: mid.into(),
            bid: bid.into(),
            ask: ask.into(),
            lsn,
            source: "desk".into(),
            as_of_time: Some(Default::default()),
            ..Rate::default()
        };
        rate.as_of_time.as_mut().unwrap().seconds = i64::try_from(lsn).unwrap() * 86_400;
        rate
    }

    #[test]
    fn a_history_is_a_line_a_rate_newest_first() {
        let history = HistoryResponse {
            rates: vec![rate("1.1793", "1.179", "1.1796", 9), rate("1.18", "", "", 7)],
            next_page_token: "t".into(),
            applied_lsn: 12,
        };
        let expected = concat!(
            "  of, UTC              HKD per CNY    bid     ask  lsn\n",
            "  1970-01-10 00:00:00       1.1793  1.179  1.1796    9  desk\n",
            "  1970-01-08 00:00:00         1.18                   7  desk\n",
            "  2 rates; there are older ones: --last N\n",
        );
        assert_eq!(plain(text("HKD per CNY", &history)), expected);
    }

    #[test]
    fn a_pair_without_rates_says_so() {
        let shown = text("HKD per CNY", &HistoryResponse::default());
        assert_eq!(shown, "  nobody published a rate for HKD per CNY\n");
    }
}
