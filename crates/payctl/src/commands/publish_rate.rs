//! `payctl publish-rate`.

use clap::Args;
use domain::CurrencyPair;
use jiff::Timestamp;
use money::Rate;
use wire::v1::{PublishRatesRequest, RatePublication};

use crate::commands::{Key, pair_argument, time_argument};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{FAINT, GOOD, paint};
use crate::words;

/// Publish the rate of a pair: its mid, or bid and ask
///
/// For the switch's operator. The rate speaks of this moment and is refused when it moves further from the last one
/// than the switch's policy allows, unless --override says why it may. The inverse pair is another rate.
#[derive(Debug, Args)]
pub(crate) struct PublishRate {
    /// The pair as read aloud, payer's currency first: "HKD per CNY"
    #[arg(long, value_parser = pair_argument)]
    pair: CurrencyPair,
    /// Mid: payer's units for one of the merchant's, e.g. 1.179291231
    #[arg(value_name = "RATE", value_parser = Rate::parse, required_unless_present = "bid", conflicts_with = "bid")]
    rate: Option<Rate>,
    /// What a payee is paid by; with --ask, in place of a mid
    #[arg(long, value_name = "RATE", value_parser = Rate::parse, requires = "ask")]
    bid: Option<Rate>,
    /// What a payer is debited by; not below --bid
    #[arg(long, value_name = "RATE", value_parser = Rate::parse, requires = "bid")]
    ask: Option<Rate>,
    /// Who says so
    #[arg(long, value_name = "TEXT")]
    source: String,
    /// The moment the rate speaks of, e.g. 2026-11-21T10:00:00Z [default: now, by the switch's clock]
    #[arg(long, value_name = "TIME", value_parser = time_argument)]
    as_of: Option<Timestamp>,
    /// From this moment on the rate is stale, however young [default: by its age alone]
    #[arg(long, value_name = "TIME", value_parser = time_argument)]
    valid_until: Option<Timestamp>,
    /// Why this rate may move further than the switch's policy allows in one step; recorded
    #[arg(long = "override", value_name = "REASON", default_value = "", hide_default_value = true)]
    override_reason: String,
    #[command(flatten)]
    key: Key,
}

impl PublishRate {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let as_of = match self.as_of {
            Some(moment) => moment,
            None => context.now_of_switch(&context.reads_for_operator()).await?,
        };
        let request = self.request(as_of);
        // The key names the whole request, so its moment belongs to what is repeated.
        let repeat = Some(format!("--idempotency-key {} --as-of {as_of}", request.idempotency_key));
        let reply = context.operator().publish_rates(request).await;
        let reply = reply.map_err(|error| Error::Call { error, repeat })?;
        context.show(&reply, |reply| {
            let published = paint(GOOD, "published");
            let beside = paint(FAINT, format!("from {}, lsn {}", self.source, reply.lsn));
            format!("{published}  {} {}  {beside}\n", self.pair, self.price())
        });
        Ok(Exit::Approved)
    }

    fn request(&self, as_of: Timestamp) -> PublishRatesRequest {
        let text = |rate: Option<Rate>| rate.map(|rate| rate.to_string()).unwrap_or_default();
        let moment = |time: Timestamp| wire::replies::timestamp(words::moment_of(time));
        let publication = RatePublication {
            presentment_currency_code: self.pair.presentment.code().to_owned(),
            debit_currency_code: self.pair.debit.code().to_owned(),
            mid_rate: text(self.rate),
            source: self.source.clone(),
            as_of_time: Some(moment(as_of)),
            bid: text(self.bid),
            ask: text(self.ask),
            valid_until_time: self.valid_until.map(moment),
        };
        PublishRatesRequest {
            idempotency_key: self.key.or_new(),
            rates: vec![publication],
            override_reason: self.override_reason.clone(),
        }
    }

    /// `1.179291231`, or `bid 1.179 ask 1.1796`.
    fn price(&self) -> String {
        match (self.rate, self.bid, self.ask) {
            (None, Some(bid), Some(ask)) => format!("bid {bid} ask {ask}"),
            (rate, _, _) => rate.map(|rate| rate.to_string()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        publish: PublishRate,
    }

    fn read(arguments: &str) -> Result<PublishRate, clap::Error> {
        let line = format!("x --pair HKD_per_CNY --source desk {arguments}");
        let words = line.split_whitespace().map(|word| word.replace('_', " "));
        Line::try_parse_from(words).map(|line| line.publish)
    }

    #[test]
    fn a_rate_is_a_mid_or_bid_and_ask() {
        let mid = read("1.18 --valid-until 1970-01-02 --override peg_moved").unwrap().request(Timestamp::UNIX_EPOCH);
        assert_eq!((mid.rates[0].mid_rate.as_str(), mid.rates[0].bid.as_str()), ("1.18", ""));
        assert_eq!(mid.rates[0].valid_until_time.as_ref().map(|time| time.seconds), Some(86_400));
        assert_eq!(mid.override_reason, "peg moved");
        let spread = read("--bid 1.179 --ask 1.1796").unwrap();
        assert_eq!(spread.price(), "bid 1.179 ask 1.1796");
        let spread = spread.request(Timestamp::UNIX_EPOCH);
        let rate = &spread.rates[0];
        assert_eq!((rate.mid_rate.as_str(), rate.bid.as_str(), rate.ask.as_str()), ("", "1.179", "1.1796"));
        for wrong in ["", "--bid 1.1", "--ask 1.1", "1.1 --bid 1.0 --ask 1.2"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
