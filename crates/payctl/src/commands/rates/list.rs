//! `payctl rates list`.

use std::time::Duration;

use clap::Args;
use wire::v1::{Rate, RateServiceListResponse};

use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{Align, BAD, FAINT, GOOD, Table, paint};
use crate::words;

/// Characters of a source where each rate has its own.
const SOURCE_CHARS: usize = 28;

/// List the exchange rates in force
///
/// A rate is units of the payer's currency for one unit of the merchant's, at mid; the switch's markup comes on top. A
/// stale rate is refused rather than used.
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let reply = context.wallet().list_rates().await?;
        context.show(&reply, text);
        Ok(Exit::Approved)
    }
}

/// The rates as a table. A source that all of them share is named once below it.
pub(crate) fn text(rates: &RateServiceListResponse) -> String {
    let mut table = Table::new([
        ("pair", Align::Left),
        ("mid rate", Align::Right),
        ("age", Align::Right),
        ("lsn", Align::Right),
        ("", Align::Left),
        ("", Align::Left),
    ]);
    let shared = shared_source(&rates.rates);
    for rate in &rates.rates {
        let fresh = if is_fresh(rate) { paint(GOOD, "fresh") } else { paint(BAD, "stale") };
        let source = shared.map_or_else(|| words::shortened(&rate.source, SOURCE_CHARS), |_| String::new());
        table.row([
            format!("{} per {}", rate.debit_currency_code, rate.presentment_currency_code),
            rate.mid_rate.clone(),
            words::duration(Duration::from_millis(rate.age_ms)),
            rate.lsn.to_string(),
            fresh,
            source,
        ]);
    }
    let mut notes = format!("  markup {} over mid; as of lsn {}", words::percent(&rates.markup), rates.applied_lsn);
    if let Some(source) = shared {
        notes = format!("  all from {source}\n{notes}");
    }
    format!("{table}{}\n", paint(FAINT, notes))
}

fn shared_source(rates: &[Rate]) -> Option<&str> {
    let first = rates.first()?;
    rates.iter().all(|rate| rate.source == first.source).then_some(first.source.as_str())
}

/// Whether the rate was usable when the answer was made: the age says when that was.
fn is_fresh(rate: &Rate) -> bool {
    let millis = |seconds: i64, nanos: i32| seconds.saturating_mul(1_000).saturating_add(i64::from(nanos / 1_000_000));
    let (Some(as_of), Some(expires)) = (&rate.as_of_time, &rate.expire_time) else { return false };
    let lifetime = millis(expires.seconds, expires.nanos).saturating_sub(millis(as_of.seconds, as_of.nanos));
    u64::try_from(lifetime).is_ok_and(|lifetime| rate.age_ms < lifetime)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::plain;

    fn rate(source: &str) -> Rate {
        let mut rate = Rate {
            presentment_currency_code: "CNY".into(),
            debit_currency_code: "HKD".into(),
            mid_rate: "1.179291231".into(),
            source: source.into(),
            as_of_time: Some(Default::default()),
            expire_time: Some(Default::default()),
            age_ms: 3_200,
            lsn: 7,
            ..Rate::default()
        };
        rate.expire_time.as_mut().unwrap().seconds = 300;
        rate
    }

    fn listed(rates: Vec<Rate>) -> String {
        plain(text(&RateServiceListResponse { rates, markup: "0.01".into(), applied_lsn: 12 }))
    }

    #[test]
    fn a_rate_is_listed_as_it_is_read_aloud() {
        let expected = concat!(
            "  pair            mid rate    age  lsn\n",
            "  HKD per CNY  1.179291231  3.2 s    7  fresh\n",
            "  all from ECB 2026-10-30, re-stamped by the sandbox\n",
            "  markup 1 % over mid; as of lsn 12\n",
        );
        assert_eq!(listed(vec![rate("ECB 2026-10-30, re-stamped by the sandbox")]), expected);
    }

    #[test]
    fn sources_that_differ_stand_beside_their_rates() {
        let expected = concat!(
            "  pair            mid rate    age  lsn\n",
            "  HKD per CNY  1.179291231  3.2 s    7  fresh  treasury\n",
            "  HKD per CNY  1.179291231  3.2 s    7  fresh  ECB 2026-10-30, re-stamped…\n",
            "  markup 1 % over mid; as of lsn 12\n",
        );
        assert_eq!(listed(vec![rate("treasury"), rate("ECB 2026-10-30, re-stamped by the sandbox")]), expected);
    }

    #[test]
    fn a_rate_past_its_time_is_stale() {
        let rate =
            Rate { as_of_time: Some(Default::default()), expire_time: Some(Default::default()), ..Rate::default() };
        assert!(!is_fresh(&rate));
        assert!(!is_fresh(&Rate::default()));
    }
}
