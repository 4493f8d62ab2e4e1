use std::cell::RefCell;
use std::collections::BTreeMap;

use client::{Code, Error as CallError, Refusal};
use jiff::Timestamp;
use wire::v1::{self, PublishRatesRequest, PublishRatesResponse, RatePublication};

use super::file::Malformed;
use super::publish::Tape;
use super::*;
use crate::render::plain;

/// As the European Central Bank writes it: newest first, an empty last column, a currency that is no more.
const ECB: &str = "\
Date,USD,CYP,CNY,HKD,
2026-10-30,1.1172,N/A,7.4326,8.7652,
2026-10-29,1.1180,N/A,7.4400,8.7700,
1999-01-04,1.1789,0.58231,N/A,N/A,
";

const WECHAT: &str = "\
date,currency,rate
# a comment
2026-10-30,USD,665288221
20261030,HKD,84796696

{\"date\": \"2026-10-31\", \"currency\": \"HKD\", \"rate\": 84800000}
{\"return_code\": \"SUCCESS\", \"fee_type\": \"JPY\", \"rate_time\": \"20261031\", \"rate\": \"4230760\"}
2026-10-31,CNY,100000000
2026-10-31,XXQ,1
";

fn wanted(currencies: &[Currency], from: &str, to: &str) -> Wanted {
    Wanted { currencies: currencies.to_vec(), from: from.parse().ok(), to: to.parse().ok() }
}

fn rates(found: FileRates) -> Vec<String> {
    let found = found.in_order().unwrap();
    found.rates.iter().map(|rate| format!("{} {} {}", rate.date, rate.pair, rate.rate)).collect()
}

fn skips(found: &FileRates) -> Vec<String> {
    found.skips.iter().map(|(reason, days)| format!("{} {} {} {reason}", days.count, days.first, days.last)).collect()
}

#[test]
fn the_ecb_s_file_is_read_as_units_per_euro_oldest_first() {
    let found = ecb::read(ECB, &wanted(&[Currency::HKD, Currency::CNY], "", "")).unwrap();
    let none = |code: &str| format!("1 1999-01-04 1999-01-04 the file has none of {code} for these days (N/A)");
    assert_eq!(skips(&found), [none("CNY"), none("HKD")]);
    let expected = [
        "2026-10-29 CNY per EUR 7.4400",
        "2026-10-29 HKD per EUR 8.7700",
        "2026-10-30 CNY per EUR 7.4326",
        "2026-10-30 HKD per EUR 8.7652",
    ];
    assert_eq!(rates(found), expected);
}

#[test]
fn a_byte_order_mark_means_nothing() {
    let all = |text: &str| rates(ecb::read(text, &wanted(&[], "", "")).unwrap());
    assert_eq!(all(&format!("\u{feff}{ECB}")), all(ECB));
}

#[test]
fn days_and_currencies_that_are_not_wanted_are_told() {
    let found = ecb::read(ECB, &wanted(&[], "2026-10-30", "2026-10-30")).unwrap();
    let expected = [
        "6 1999-01-04 2026-10-29 their days are outside --from and --to",
        "1 1999-01-04 1999-01-04 CYP is not a currency of ISO 4217, or no longer",
    ];
    assert_eq!(skips(&found), expected);
    assert_eq!(rates(found).len(), 3);
}

#[test]
fn a_file_that_is_not_the_ecb_s_is_refused_with_its_line() {
    let read = |text: &str, currencies: &[Currency]| ecb::read(text, &wanted(currencies, "", "")).map(drop);
    for (text, line) in [
        ("", 1),
        ("USD,JPY\n", 1),
        ("\"Date\",\"USD\",\n", 1),
        ("Date,USD,\nyesterday,1.1,\n", 2),
        ("Date,USD,\n2026-10-30,1.1\n", 2),
        ("Date,USD,\n\n2026-10-30,0,\n", 3),
        ("Date,USD,\n2026-10-30,1.12345678901,\n", 2),
    ] {
        let error = read(text, &[]).unwrap_err();
        assert!(matches!(error, Malformed::Line { line: found, .. } if found == line), "{text}: {error}");
    }
    for currency in [Currency::EUR, Currency::KWD] {
        assert_eq!(read(ECB, &[currency]), Err(Malformed::NoSuchCurrency(currency)));
    }
}

#[test]
fn wechat_s_integers_are_read_as_cny_per_unit() {
    let found = wechat::read(WECHAT, &Wanted::default()).unwrap();
    let expected = [
        "1 2026-10-31 2026-10-31 XXQ is not a currency of ISO 4217, or no longer",
        "1 2026-10-31 2026-10-31 CNY is what the others are rated in",
    ];
    assert_eq!(skips(&found), expected);
    let expected = [
        "2026-10-30 CNY per HKD 0.84796696",
        "2026-10-30 CNY per USD 6.65288221",
        "2026-10-31 CNY per HKD 0.84800000",
        "2026-10-31 CNY per JPY 0.04230760",
    ];
    let mut found = rates(found);
    found.sort();
    assert_eq!(found, expected);
    let some = wechat::read(WECHAT, &wanted(&[Currency::HKD], "2026-10-31", "")).unwrap();
    assert_eq!(rates(some), ["2026-10-31 CNY per HKD 0.84800000"]);
}

#[test]
fn what_is_not_wechat_s_is_refused_with_its_line() {
    for text in ["2026-10-30,USD", "2026-10-30,USD,6.65", "30.10.2026,USD,1", "{\"rate\": 1}", "2026-10-30,USD,0", "x"]
    {
        let error = wechat::read(text, &Wanted::default()).unwrap_err();
        assert!(matches!(error, Malformed::Line { line: 1, .. }), "{text}: {error}");
    }
    let missing = wechat::read(WECHAT, &wanted(&[Currency::KWD], "", "")).unwrap_err();
    assert_eq!(missing, Malformed::NoSuchCurrency(Currency::KWD));
}

#[test]
fn a_file_that_contradicts_itself_is_refused() {
    let twice = "2026-10-30,USD,665288221\n2026-10-30,USD,66528822";
    let once = "2026-10-30,USD,665288221\n2026-10-30,USD,665288221";
    let read = |text: &str| wechat::read(text, &Wanted::default()).unwrap().in_order();
    assert!(matches!(read(twice), Err(Malformed::Contradiction { .. })));
    assert_eq!(read(once).unwrap().rates.len(), 1);
}

/// A tape that keeps the switch's rules: a key is answered as before, and no rate is older than the last of its pair.
#[derive(Default)]
struct FakeTape {
    answers: RefCell<BTreeMap<String, u64>>,
    last: RefCell<BTreeMap<String, v1::Rate>>,
    asked: RefCell<Vec<PublishRatesRequest>>,
    /// Refuses rates of this moment and later.
    too_far: Option<i64>,
}

fn refused(reason: &str, metadata: &[(&str, String)]) -> CallError {
    let metadata = metadata.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    CallError::Refused(Box::new(Refusal {
        code: Code::FailedPrecondition,
        reason: reason.to_owned(),
        domain: "payswitch".into(),
        message: String::new(),
        metadata,
        field_violations: Vec::new(),
        retry_after: None,
    }))
}

/// As the switch lists a rate that was published so.
fn listed(publication: &RatePublication) -> v1::Rate {
    v1::Rate {
        presentment_currency_code: publication.presentment_currency_code.clone(),
        debit_currency_code: publication.debit_currency_code.clone(),
        mid_rate: publication.mid_rate.clone(),
        source: publication.source.clone(),
        as_of_time: publication.as_of_time,
        ..v1::Rate::default()
    }
}

impl Tape for FakeTape {
    async fn publish(&self, request: PublishRatesRequest) -> Result<PublishRatesResponse, CallError> {
        self.asked.borrow_mut().push(request.clone());
        if let Some(lsn) = self.answers.borrow().get(&request.idempotency_key) {
            return Ok(PublishRatesResponse { lsn: *lsn });
        }
        let mut last = self.last.borrow_mut();
        let mut ticks = Vec::new();
        let seconds = |rate: &v1::Rate| rate.as_of_time.as_ref().unwrap().seconds;
        for rate in request.rates.iter().map(listed) {
            let pair = format!("{} per {}", rate.debit_currency_code, rate.presentment_currency_code);
            let as_of = seconds(&rate);
            if let Some(last) = last.get(&pair).map(seconds).filter(|last| as_of < *last) {
                let last_as_of_us = (last * 1_000_000).to_string();
                return Err(refused("RATE_OUT_OF_ORDER", &[("pair", pair), ("last_as_of_us", last_as_of_us)]));
            }
            if self.too_far.is_some_and(|too_far| as_of >= too_far) {
                return Err(refused("RATE_MOVED_TOO_FAR", &[("pair", pair)]));
            }
            ticks.push((pair, rate));
        }
        last.extend(ticks);
        let mut answers = self.answers.borrow_mut();
        let lsn = answers.len() as u64 + 1;
        answers.insert(request.idempotency_key, lsn);
        Ok(PublishRatesResponse { lsn })
    }
}

impl FakeTape {
    fn lsn(&self) -> u64 {
        self.answers.borrow().len() as u64
    }

    fn before(&self) -> Before {
        let rates = self.last.borrow().values().cloned().collect();
        Before::of(&v1::RateServiceListResponse { rates, applied_lsn: self.lsn(), ..Default::default() })
    }

    /// Somebody else's rate of HKD per EUR, of a moment in the year 9999.
    fn kept_fresh() -> Self {
        let mut rate = v1::Rate {
            presentment_currency_code: "EUR".into(),
            debit_currency_code: "HKD".into(),
            mid_rate: "8.7652".into(),
            source: "the sandbox".into(),
            as_of_time: Some(Default::default()),
            ..v1::Rate::default()
        };
        rate.as_of_time.as_mut().unwrap().seconds = Timestamp::MAX.as_second();
        Self { last: RefCell::new(BTreeMap::from([("HKD per EUR".to_owned(), rate)])), ..Self::default() }
    }

    async fn import_after(&self, before: Before, wanted: &Wanted, reason: &str) -> (Outcome, Option<Error>) {
        let origin = Origin { source: "ECB".into(), override_reason: reason.into(), hour_utc: 15 };
        let rates = ecb::read(ECB, wanted).unwrap().in_order().unwrap();
        publish(self, &origin, rates, before).await
    }

    async fn import(&self, wanted: &Wanted) -> (Outcome, Option<Error>) {
        self.import_after(self.before(), wanted, "").await
    }
}

/// What was left out because of the tape.
fn told(outcome: &Outcome) -> Vec<String> {
    let skips = outcome.skips.iter().map(|(reason, days)| format!("{}: {reason}", days.count));
    skips.filter(|told| told.contains("the tape")).collect()
}

#[tokio::test(flavor = "current_thread")]
async fn a_day_is_a_request_and_speaks_of_four_in_the_afternoon() {
    let tape = FakeTape::default();
    let (outcome, stopped) = tape.import(&wanted(&[Currency::HKD, Currency::CNY], "", "")).await;
    assert!(stopped.is_none());
    assert_eq!((outcome.published, outcome.unchanged), (4, 0));
    assert_eq!(outcome.first.map(|date| date.to_string()).as_deref(), Some("2026-10-29"));
    let asked = tape.asked.borrow();
    assert_eq!(asked.iter().map(|request| request.rates.len()).collect::<Vec<_>>(), [2, 2]);
    let as_of = asked[1].rates[0].as_of_time.as_ref().unwrap().seconds;
    assert_eq!(Timestamp::from_second(as_of).unwrap().to_string(), "2026-10-30T15:00:00Z");
}

#[tokio::test(flavor = "current_thread")]
async fn a_repeated_import_changes_nothing() {
    let tape = FakeTape::default();
    let everything = Wanted::default();
    tape.import(&everything).await;
    let (lsn, asked) = (tape.lsn(), tape.asked.borrow().len());
    for wanted in [everything, wanted(&[Currency::HKD], "2026-10-30", "")] {
        let (again, stopped) = tape.import(&wanted).await;
        assert!(stopped.is_none());
        assert_eq!((again.published, again.first, tape.lsn()), (0, None, lsn));
        assert!(again.unchanged > 0, "{again:?}");
    }
    assert_eq!(tape.asked.borrow().len(), asked, "nobody is asked for what the tape shows");
    let (again, _) = tape.import(&wanted(&[Currency::HKD], "2000-01-01", "")).await;
    assert_eq!(told(&again), ["1: the tape has HKD per EUR from this source up to 2026-10-30 15:00:00 UTC"]);
}

#[tokio::test(flavor = "current_thread")]
async fn an_import_whose_answers_were_lost_is_answered_by_its_keys() {
    let tape = FakeTape::default();
    let hkd = wanted(&[Currency::HKD], "2026-10-30", "");
    tape.import(&hkd).await;
    // As if the tape had not been looked at: only the key tells that it was asked before.
    let before = Before::of(&v1::RateServiceListResponse { applied_lsn: tape.lsn(), ..Default::default() });
    let (again, stopped) = tape.import_after(before, &hkd, "").await;
    assert!(stopped.is_none());
    assert_eq!((again.published, again.unchanged, tape.lsn()), (0, 1, 1));
}

#[tokio::test(flavor = "current_thread")]
async fn what_the_tape_has_a_later_rate_of_is_left_out_alone() {
    let wanted = wanted(&[Currency::HKD, Currency::CNY], "2000-01-01", "");
    let last = "the tape's last rate of HKD per EUR is of 9999-12-30 22:00:00 UTC";
    let tape = FakeTape::kept_fresh();
    let (outcome, stopped) = tape.import(&wanted).await;
    assert!(stopped.is_none());
    assert_eq!((outcome.published, tape.asked.borrow().len()), (2, 2), "CNY of both days");
    assert_eq!(told(&outcome), [format!("2: {last}")]);
    // And when somebody publishes it after the tape was looked at.
    let tape = FakeTape::kept_fresh();
    let (outcome, stopped) = tape.import_after(Before::default(), &wanted, "").await;
    assert!(stopped.is_none());
    assert_eq!((outcome.published, tape.asked.borrow().len()), (2, 3), "once it is known, nobody is asked again");
    assert_eq!(told(&outcome), [format!("2: {last}")]);
}

#[tokio::test(flavor = "current_thread")]
async fn a_jump_stops_the_import_and_says_how_far_it_came() {
    let too_far = "2026-10-30T00:00:00Z".parse::<Timestamp>().unwrap().as_second();
    let tape = FakeTape { too_far: Some(too_far), ..FakeTape::default() };
    let wanted = wanted(&[Currency::HKD], "2000-01-01", "");
    let (outcome, stopped) = tape.import(&wanted).await;
    assert_eq!(outcome.published, 1);
    assert_eq!(stopped.map(|error| error.exit()), Some(Exit::Refused));
}

#[tokio::test(flavor = "current_thread")]
async fn keys_follow_from_all_that_is_asked() {
    let tape = FakeTape::default();
    let hkd = wanted(&[Currency::HKD], "2026-10-30", "");
    for (wanted, reason) in
        [(&hkd, ""), (&hkd, "a real jump"), (&wanted(&[Currency::HKD, Currency::CNY], "2026-10-30", ""), "")]
    {
        tape.import_after(Before::default(), wanted, reason).await;
    }
    let asked = tape.asked.borrow();
    let keys: Vec<&str> = asked.iter().map(|request| request.idempotency_key.as_str()).collect();
    assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[1] != keys[2], "{keys:?}");
    assert!(keys.iter().all(|key| key.len() <= 255));
}

#[tokio::test(flavor = "current_thread")]
async fn an_outcome_is_told_in_words_and_as_json() {
    let tape = FakeTape::default();
    let (outcome, _) = tape.import(&wanted(&[Currency::HKD, Currency::CNY], "", "")).await;
    let import = Import {
        file: "eurofxref-hist.csv".into(),
        format: Format::Ecb,
        currencies: Vec::new(),
        from: None,
        to: None,
        source: None,
        override_reason: String::new(),
    };
    let expected = "\
imported  eurofxref-hist.csv
  published  4 rates, 2026-10-29 to 2026-10-30
  skipped    1 rate, 1999-01-04 to 1999-01-04
             the file has none of CNY for these days (N/A)
  skipped    1 rate, 1999-01-04 to 1999-01-04
             the file has none of HKD for these days (N/A)
";
    assert_eq!(plain(import.text("imported", &outcome)), expected);
    let json = json(&outcome);
    assert_eq!((&json["published"], &json["skipped"][0]["rates"]), (&json!(4), &json!(1)));
}
