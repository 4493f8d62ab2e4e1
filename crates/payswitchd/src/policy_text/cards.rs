//! The rules of the card rail as they are configured.

use std::collections::BTreeMap;

use domain::{CardLimits, CardRules, FeeStep, PayerFee, Scheme, Timestamp, date_of_day};
use money::{AMOUNT_MINOR_UNITS_MAX, Currency, Money, Ratio};
use serde::{Deserialize, Serialize};

use super::{ENTRIES_MAX, amount, at, decimal_text, indexed, millis};

/// The longest time an issuer may be waited for, in milliseconds.
const ANSWER_MS_MAX: u64 = 120_000;
/// 0001-01-01 and 9999-12-31, counted from 1970-01-01.
const DAY_MIN: i64 = -719_162;
const DAY_MAX: i64 = 2_932_896;
const MICROS_PER_MINUTE: i64 = 60_000_000;
const MICROS_PER_DAY: i64 = 24 * 60 * MICROS_PER_MINUTE;

/// What may be paid by card, and what it costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardsText {
    currency: String,
    answer_ms: u64,
    persons_a_card_max: u32,
    verified: LimitsText,
    unverified: LimitsText,
    #[serde(default)]
    fees: Vec<FeeText>,
    #[serde(default)]
    stand_in: Vec<StandInText>,
}

/// Limits of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsText {
    payment: String,
    year: String,
}

/// A fee, and when it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeeText {
    from: String,
    free_up_to: String,
    #[serde(deserialize_with = "decimal_text")]
    ratio: String,
}

/// A scheme for whose issuers the switch stands in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StandInText {
    scheme: String,
    charge_max: String,
}

impl CardsText {
    /// What a sandbox takes cards by: the published rules of the large wallets for visitors, and small limits for persons
    /// whose tier nobody published.
    pub(crate) fn of_sandbox() -> Self {
        let limits = |payment: &str, year: &str| LimitsText { payment: payment.to_owned(), year: year.to_owned() };
        Self {
            currency: "CNY".to_owned(),
            answer_ms: 8_000,
            persons_a_card_max: 3,
            verified: limits("USD 5,000.00", "USD 50,000.00"),
            unverified: limits("USD 500.00", "USD 2,000.00"),
            fees: vec![FeeText {
                from: "2023-07-01".to_owned(),
                free_up_to: "CNY 200.00".to_owned(),
                ratio: "0.03".to_owned(),
            }],
            stand_in: Vec::new(),
        }
    }

    /// The rules; days begin as the policy counts them.
    pub(crate) fn rules(&self, day_offset_minutes: i32) -> Result<CardRules, String> {
        let currency = at("cards.currency", &self.currency, Currency::from_code(&self.currency))?;
        for (table, entries) in [("cards.fees", self.fees.len()), ("cards.stand_in", self.stand_in.len())] {
            if entries > ENTRIES_MAX {
                return Err(format!("{table} has {entries} entries: at most {ENTRIES_MAX}"));
            }
        }
        if self.persons_a_card_max == 0 {
            return Err("cards.persons_a_card_max is 0: it would let nothing through".to_owned());
        }
        let verified = self.verified.limits("cards.verified")?;
        let unverified = self.unverified.limits("cards.unverified")?;
        if verified.payment.currency() != unverified.payment.currency() {
            return Err("cards.unverified.payment: in another currency than policy.cards.verified.payment".to_owned());
        }
        Ok(CardRules {
            currency,
            fees: self.fees(currency, day_offset_minutes)?,
            verified,
            unverified,
            persons_a_card_max: self.persons_a_card_max,
            answer_ms: millis("cards.answer_ms", self.answer_ms, ANSWER_MS_MAX)?,
            stand_in: self.stand_in(currency)?,
        })
    }

    fn fees(&self, currency: Currency, day_offset_minutes: i32) -> Result<Vec<FeeStep>, String> {
        let mut steps: Vec<FeeStep> = Vec::new();
        for (index, text) in indexed(&self.fees) {
            let key = |key: &str| format!("cards.fees[{index}].{key}");
            let day = day_of(&text.from)
                .ok_or_else(|| format!("{} = {:?}: not a date as 2024-04-01", key("from"), text.from))?;
            let from = Timestamp::from_micros(day * MICROS_PER_DAY - i64::from(day_offset_minutes) * MICROS_PER_MINUTE);
            if steps.last().is_some_and(|before| before.from >= from) {
                return Err(format!("{} = {:?}: fees stand by rising date", key("from"), text.from));
            }
            let free_up_to = in_currency(&key("free_up_to"), &text.free_up_to, currency)?;
            let ratio = at(&key("ratio"), &text.ratio, Ratio::parse(&text.ratio))?;
            steps.push(FeeStep { from, fee: PayerFee { free_up_to, ratio } });
        }
        Ok(steps)
    }

    fn stand_in(&self, currency: Currency) -> Result<BTreeMap<Scheme, Money>, String> {
        let mut stand_in = BTreeMap::new();
        for (index, text) in indexed(&self.stand_in) {
            let key = |key: &str| format!("cards.stand_in[{index}].{key}");
            let scheme = Scheme::named(&text.scheme)
                .ok_or_else(|| format!("{} = {:?}: no such scheme", key("scheme"), text.scheme))?;
            if stand_in.insert(scheme, in_currency(&key("charge_max"), &text.charge_max, currency)?).is_some() {
                return Err(format!("{} = {:?} is there twice", key("scheme"), text.scheme));
            }
        }
        Ok(stand_in)
    }
}

impl LimitsText {
    fn limits(&self, table: &str) -> Result<CardLimits, String> {
        let max = AMOUNT_MINOR_UNITS_MAX.into();
        let payment = amount(&format!("{table}.payment"), &self.payment, max)?;
        let year = amount(&format!("{table}.year"), &self.year, max)?;
        match payment.currency() == year.currency() {
            true => Ok(CardLimits { payment, year }),
            false => Err(format!("{table}.year = {:?}: payment is in {}", self.year, payment.currency().code())),
        }
    }
}

fn in_currency(key: &str, text: &str, currency: Currency) -> Result<Money, String> {
    let money = amount(key, text, AMOUNT_MINOR_UNITS_MAX.into())?;
    match money.currency() == currency {
        true => Ok(money),
        false => Err(format!("{key} = {text:?}: payments by card are asked in {}", currency.code())),
    }
}

/// The day of a date such as 2024-04-01, counted from 1970-01-01.
fn day_of(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let is_written_so = parts.next().is_none() && (year.len(), month.len(), day.len()) == (4, 2, 2);
    let asked: (i64, u8, u8) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    // Dates rise with days.
    let (mut low, mut high) = (DAY_MIN, DAY_MAX);
    while low < high {
        // Downwards, also before 1970: what rounds to zero never ends there.
        let middle = low + (high - low) / 2;
        if date_of_day(middle) < asked { low = middle + 1 } else { high = middle }
    }
    (is_written_so && date_of_day(low) == asked).then_some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_day() {
        for (text, day) in [
            ("1970-01-01", Some(0)),
            ("2024-02-29", Some(19_782)),
            ("2023-02-29", None),
            ("2024-4-01", None),
            ("2024-04-01-01", None),
            ("0001-01-01", Some(DAY_MIN)),
            ("9999-12-31", Some(DAY_MAX)),
            ("", None),
        ] {
            assert_eq!(day_of(text), day, "{text}");
        }
    }

    #[test]
    fn the_rules_of_the_sandbox_are_rules() {
        let rules = CardsText::of_sandbox().rules(480).expect("rules");
        let fee = rules.fee_at(Timestamp::from_micros(1_700_000_000_000_000)).expect("a fee has begun");
        assert_eq!((fee.free_up_to.minor_units(), fee.ratio.millionths()), (20_000, 30_000));
        assert_eq!(rules.fee_at(Timestamp::EPOCH), None);
        // The day began in Shanghai eight hours before it did in Greenwich.
        let first = rules.fees.first().map(|step| step.from.micros());
        assert_eq!(first, Some(19_539 * MICROS_PER_DAY - 8 * 60 * MICROS_PER_MINUTE));
    }

    #[test]
    fn what_cannot_be_is_named() {
        let text = CardsText::of_sandbox();
        let check = |changed: CardsText, said: &str| {
            let error = changed.rules(480).expect_err("it cannot be");
            assert!(error.contains(said), "{error}");
        };
        check(CardsText { currency: "XXX".to_owned(), ..text.clone() }, "cards.currency");
        check(CardsText { answer_ms: 0, ..text.clone() }, "cards.answer_ms");
        check(CardsText { persons_a_card_max: 0, ..text.clone() }, "cards.persons_a_card_max");
        check(CardsText { currency: "HKD".to_owned(), ..text.clone() }, "cards.fees[0].free_up_to");
        let twice = [text.fees.clone(), text.fees.clone()].concat();
        check(CardsText { fees: twice, ..text.clone() }, "cards.fees[1].from");
        let stand_in = |scheme: &str, max: &str| StandInText { scheme: scheme.to_owned(), charge_max: max.to_owned() };
        check(CardsText { stand_in: vec![stand_in("vis", "CNY 1.00")], ..text.clone() }, "cards.stand_in[0].scheme");
        check(
            CardsText { stand_in: vec![stand_in("visa", "USD 1.00")], ..text.clone() },
            "cards.stand_in[0].charge_max",
        );
        let limits = LimitsText { payment: "USD 1.00".to_owned(), year: "EUR 1.00".to_owned() };
        check(CardsText { verified: limits, ..text }, "cards.verified.year");
    }
}
