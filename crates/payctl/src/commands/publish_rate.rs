//! `payctl publish-rate`.

use std::str::FromStr;

use clap::Args;
use domain::CurrencyPair;
use jiff::Timestamp;
use money::{Currency, Rate};
use wire::v1::{PublishRatesRequest, RatePublication};

use crate::commands::Key;
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{FAINT, GOOD, paint};

/// Publish the mid rate of a pair
///
/// For the switch's operator. The rate speaks of this moment and is refused when it moves further from the last one
/// than the switch's policy allows. The inverse pair is another rate.
#[derive(Debug, Args)]
pub(crate) struct PublishRate {
    /// The pair as read aloud, payer's currency first: "HKD per CNY"
    #[arg(long, value_parser = pair_argument)]
    pair: CurrencyPair,
    /// Payer's units for one of the merchant's, e.g. 1.179291231
    #[arg(value_name = "RATE", value_parser = Rate::parse)]
    rate: Rate,
    /// Who says so
    #[arg(long, value_name = "TEXT")]
    source: String,
    /// The moment the rate speaks of, e.g. 2026-11-21T10:00:00Z [default: now]
    #[arg(long, value_name = "TIME", value_parser = Timestamp::from_str)]
    as_of: Option<Timestamp>,
    #[command(flatten)]
    key: Key,
}

impl PublishRate {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let idempotency_key = self.key.or_new();
        let as_of = self.as_of.unwrap_or_else(Timestamp::now);
        // The key names the whole request, so its moment belongs to what is repeated.
        let repeat = Some(format!("--idempotency-key {idempotency_key} --as-of {as_of}"));
        let mut publication = RatePublication {
            presentment_currency_code: self.pair.presentment.code().to_owned(),
            debit_currency_code: self.pair.debit.code().to_owned(),
            mid_rate: self.rate.to_string(),
            source: self.source.clone(),
            as_of_time: Some(Default::default()),
        };
        if let Some(time) = &mut publication.as_of_time {
            (time.seconds, time.nanos) = (as_of.as_second(), as_of.subsec_nanosecond());
        }
        let request = PublishRatesRequest { idempotency_key, rates: vec![publication] };
        let reply = context.operator().publish_rates(request).await;
        let reply = reply.map_err(|error| Error::Call { error, repeat })?;
        context.show(&reply, |reply| {
            let published = paint(GOOD, "published");
            let beside = paint(FAINT, format!("from {}, lsn {}", self.source, reply.lsn));
            format!("{published}  {} {}  {beside}\n", self.pair, self.rate)
        });
        Ok(Exit::Approved)
    }
}

/// Reads `HKD per CNY`.
fn pair_argument(text: &str) -> Result<CurrencyPair, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let &[debit, "per", presentment] = words.as_slice() else {
        return Err("a pair reads \"HKD per CNY\": payer's currency per merchant's currency".to_owned());
    };
    let currency = |code| Currency::from_code(code).map_err(|reason| reason.to_string());
    let pair = CurrencyPair { debit: currency(debit)?, presentment: currency(presentment)? };
    if pair.debit == pair.presentment {
        return Err("a pair has two currencies".to_owned());
    }
    Ok(pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_reads_as_it_prints() {
        assert_eq!(pair_argument("HKD per CNY").map(|pair| pair.to_string()), Ok("HKD per CNY".into()));
        for wrong in ["HKD", "HKD/CNY", "HKD per", "HKD per CNH", "hkd per cny", "HKD per HKD", "HKD per CNY ok"] {
            assert!(pair_argument(wrong).is_err(), "{wrong}");
        }
    }
}
