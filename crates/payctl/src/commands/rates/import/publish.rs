//! Rates from a file to the tape, day by day.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

use client::{Error as CallError, Operator, Refusal};
use domain::CurrencyPair;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use money::{Currency, Rate};
use wire::v1::{PublishRatesRequest, PublishRatesResponse, RatePublication, RateServiceListResponse};

use super::file::{FileRate, FileRates, Skipped, Skips};
use crate::error::Error;
use crate::terminal::StatusLine;
use crate::words;

/// The most rates of one request.
const RATES_MAX: usize = 64;
/// How often the line on a terminal is written again.
const STATUS_EVERY: Duration = Duration::from_millis(100);

/// Takes rates.
pub(super) trait Tape {
    /// Publishes rates, all or none.
    fn publish(&self, request: PublishRatesRequest) -> impl Future<Output = Result<PublishRatesResponse, CallError>>;
}

impl Tape for Operator {
    fn publish(&self, request: PublishRatesRequest) -> impl Future<Output = Result<PublishRatesResponse, CallError>> {
        self.publish_rates(request)
    }
}

/// What all rates of an import have in common.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) source: String,
    pub(super) override_reason: String,
    pub(super) hour_utc: i8,
}

/// What an import did.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Rates that are on the tape by it.
    pub(super) published: u64,
    /// Rates that were on the tape already, the very same.
    pub(super) unchanged: u64,
    /// The first and the last day of which a rate was published.
    pub(super) first: Option<Date>,
    pub(super) last: Option<Date>,
    pub(super) skips: Skips,
}

/// The tape as it stood before an import.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// All that lies up to here was there.
    applied_lsn: u64,
    /// The last rate of each pair.
    last: BTreeMap<CurrencyPair, Last>,
}

/// The last rate of a pair on the tape.
#[derive(Clone, Debug)]
struct Last {
    as_of: Timestamp,
    /// As published, and by whom; nothing of a rate that the switch told only the moment of.
    published: Option<(Rate, String)>,
}

impl Before {
    /// The rates in force, which are the last of each pair.
    pub(super) fn of(rates: &RateServiceListResponse) -> Self {
        let currency = |code: &str| Currency::from_code(code).ok();
        let last = rates.rates.iter().filter_map(|rate| {
            let presentment = currency(&rate.presentment_currency_code)?;
            let pair = CurrencyPair { presentment, debit: currency(&rate.debit_currency_code)? };
            let as_of = rate.as_of_time.as_ref()?;
            let as_of = Timestamp::new(as_of.seconds, as_of.nanos).ok()?;
            let is_mid = rate.bid.is_empty() && rate.ask.is_empty();
            let mid = Rate::parse(&rate.mid_rate).ok().filter(|_| is_mid);
            Some((pair, Last { as_of, published: mid.map(|mid| (mid, rate.source.clone())) }))
        });
        Self { applied_lsn: rates.applied_lsn, last: last.collect() }
    }
}

/// Publishes rates, which are in order. Returns how far it came and, when it did not come to the end, why.
pub(super) async fn publish(
    tape: &impl Tape,
    origin: &Origin,
    rates: FileRates,
    before: Before,
) -> (Outcome, Option<Error>) {
    let FileRates { rates, skips } = rates;
    let outcome = Outcome { skips, ..Outcome::default() };
    let mut import = Importing { tape, origin, before, outcome };
    let (mut done, mut status) = (0_u64, StatusLine::new(STATUS_EVERY));
    for day in rates.chunk_by(|one, other| one.date == other.date) {
        for batch in day.chunks(RATES_MAX) {
            let (total, now) = (words::count(rates.len() as u64), Instant::now());
            status.show(now, || {
                let date = batch.first().map(|rate| rate.date.to_string()).unwrap_or_default();
                format!("{date}  {} of {total} rates", words::count(done))
            });
            if let Err(error) = import.publish_batch(batch).await {
                return (import.outcome, Some(error));
            }
            done += batch.len() as u64;
        }
    }
    (import.outcome, None)
}

/// An import under way.
struct Importing<'a, T> {
    tape: &'a T,
    origin: &'a Origin,
    before: Before,
    outcome: Outcome,
}

impl<T: Tape> Importing<'_, T> {
    /// Publishes at most [`RATES_MAX`] rates of one day, but for those the tape has already or has a later one of. Whoever
    /// publishes beside this import may make more of them so; they are then left out and the others asked for again.
    async fn publish_batch(&mut self, batch: &[FileRate]) -> Result<(), Error> {
        let mut left = batch.to_vec();
        while self.leave_out(&mut left)? {
            let reply = match self.tape.publish(self.origin.request(&left)?).await {
                Ok(reply) => reply,
                Err(error) => {
                    let (pair, as_of) = out_of_order(&error, &left).ok_or_else(|| stopped(error))?;
                    self.before.last.insert(pair, Last { as_of, published: None });
                    continue;
                }
            };
            let count = left.len() as u64;
            if reply.lsn <= self.before.applied_lsn {
                self.outcome.unchanged += count;
            } else {
                self.outcome.published += count;
                self.outcome.last = left.last().map(|rate| rate.date);
                self.outcome.first = self.outcome.first.or(self.outcome.last);
            }
            return Ok(());
        }
        Ok(())
    }

    /// Whether anything is left to ask for.
    fn leave_out(&mut self, left: &mut Vec<FileRate>) -> Result<bool, Error> {
        let Some(date) = left.first().map(|rate| rate.date) else { return Ok(false) };
        let as_of = self.origin.as_of(date)?;
        let mut kept = Vec::new();
        for rate in left.drain(..) {
            let Some(last) = self.before.last.get(&rate.pair) else {
                kept.push(rate);
                continue;
            };
            let by_us = last.published.as_ref().filter(|(_, source)| *source == self.origin.source);
            match as_of.cmp(&last.as_of) {
                Ordering::Equal if by_us.is_some_and(|(mid, _)| *mid == rate.rate) => self.outcome.unchanged += 1,
                Ordering::Equal | Ordering::Greater => kept.push(rate),
                Ordering::Less => {
                    let (pair, last) = (rate.pair, words::time(Some(last.as_of.as_second())));
                    let skipped = match by_us {
                        Some(_) => Skipped::OnTape { pair, last },
                        None => Skipped::LaterOnTape { pair, last },
                    };
                    self.outcome.skips.add(skipped, date);
                }
            }
        }
        *left = kept;
        Ok(!left.is_empty())
    }
}

/// The pair whose rate is older than the last on the tape, and the moment of that one, when that is what was refused.
fn out_of_order(error: &CallError, asked: &[FileRate]) -> Option<(CurrencyPair, Timestamp)> {
    let CallError::Refused(refusal) = error else { return None };
    let Refusal { reason, metadata, .. } = refusal.as_ref();
    if reason != "RATE_OUT_OF_ORDER" {
        return None;
    }
    let pair = metadata.get("pair")?;
    let last = Timestamp::from_microsecond(metadata.get("last_as_of_us")?.parse().ok()?).ok()?;
    let pair = asked.iter().map(|rate| rate.pair).find(|asked| asked.to_string() == *pair)?;
    Some((pair, last))
}

fn stopped(error: CallError) -> Error {
    Error::Call { error, repeat: Some("the same command: what was published already stays as it is".to_owned()) }
}

impl Origin {
    /// The moment a rate of this day speaks of.
    fn as_of(&self, date: Date) -> Result<Timestamp, Error> {
        let moment = date.at(self.hour_utc, 0, 0, 0).to_zoned(TimeZone::UTC);
        moment.map(|moment| moment.timestamp()).map_err(|_| Error::Usage(format!("{date} is beyond all calendars")))
    }

    /// These rates, which are of one day. The key follows from all that is asked and from nothing else.
    fn request(&self, rates: &[FileRate]) -> Result<PublishRatesRequest, Error> {
        let mut content = format!("payswitch rates import 1\n{}\n{}\n", self.source, self.override_reason);
        let mut publications = Vec::new();
        for rate in rates {
            let as_of = self.as_of(rate.date)?;
            content += &format!("{as_of} {} {}\n", rate.pair, rate.rate);
            publications.push(RatePublication {
                presentment_currency_code: rate.pair.presentment.code().to_owned(),
                debit_currency_code: rate.pair.debit.code().to_owned(),
                mid_rate: rate.rate.to_string(),
                source: self.source.clone(),
                as_of_time: Some(wire::replies::timestamp(words::moment_of(as_of))),
                ..RatePublication::default()
            });
        }
        Ok(PublishRatesRequest {
            idempotency_key: format!("rates-import-{}", blake3::hash(content.as_bytes()).to_hex()),
            rates: publications,
            override_reason: self.override_reason.clone(),
        })
    }
}
