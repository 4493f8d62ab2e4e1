//! The commands: each takes its arguments, asks, and shows the answer.

mod accounts;
mod authorize;
mod card;
mod cardnet;
mod completions;
mod consent;
mod demo;
mod get;
mod journal;
mod list;
mod moves;
mod pay;
mod payment;
mod person;
mod postings;
mod publish_rate;
mod quote;
mod rates;
mod receipt;
mod register_merchant;
mod sandbox;
mod status;
mod treasury;
mod watch;

pub(crate) use accounts::{Balance, Close, Deposit, Freeze, Open, Unfreeze, Withdraw};
pub(crate) use authorize::Authorize;
pub(crate) use card::Card;
pub(crate) use cardnet::Cardnet;
pub(crate) use completions::Completions;
pub(crate) use consent::Consent;
pub(crate) use demo::Demo;
pub(crate) use get::Get;
pub(crate) use journal::Journal;
pub(crate) use list::List;
pub(crate) use moves::{Capture, Increase, Refund, Void};
pub(crate) use pay::Pay;
pub(crate) use person::Person;
pub(crate) use postings::Postings;
pub(crate) use publish_rate::PublishRate;
pub(crate) use quote::Quote;
pub(crate) use rates::Rates;
pub(crate) use receipt::Receipt;
pub(crate) use register_merchant::RegisterMerchant;
pub(crate) use sandbox::Sandbox;
pub(crate) use status::Status;
pub(crate) use treasury::{FundReserve, PayOut, SettleScheme, SquarePosition};
pub(crate) use watch::Watch;

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use client::sandbox as known;
use domain::{CurrencyPair, Name};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use money::{AMOUNT_MINOR_UNITS_MAX, Currency, Money};
use uuid::Uuid;
use wire::v1;

/// The idempotency key of a request that changes something.
#[derive(Debug, Args)]
pub(crate) struct Key {
    /// Name of this request for retries: the same key and request give the same recorded answer [default: a new UUID]
    #[arg(long, visible_alias = "key", value_name = "KEY")]
    idempotency_key: Option<String>,
}

impl Key {
    /// The key given.
    pub(crate) fn given(&self) -> Option<&str> {
        self.idempotency_key.as_deref()
    }

    /// The key given, or a new one.
    pub(crate) fn or_new(&self) -> String {
        self.idempotency_key.clone().unwrap_or_else(new_id)
    }
}

/// The option that repeats a request which is the same but for its key.
pub(crate) fn repeat_with(idempotency_key: &str) -> Option<String> {
    Some(format!("--idempotency-key {idempotency_key}"))
}

/// The merchant that calls.
#[derive(Debug, Args)]
pub(crate) struct AsMerchant {
    /// Merchant whose payment it is; in the sandbox its well-known key is used
    #[arg(long, value_name = "NAME", default_value = "demo-cafe", value_parser = name_argument)]
    pub(crate) merchant: String,
}

/// A fresh UUID version 7.
pub(crate) fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// A wallet account as written on the command line: `account`, in the sandbox's wallet, or `wallet/account`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountArgument(v1::AccountReference);

impl AccountArgument {
    /// The account as messages name it.
    pub(crate) fn reference(&self) -> v1::AccountReference {
        self.0.clone()
    }
}

/// Reads an account.
pub(crate) fn account_argument(text: &str) -> Result<AccountArgument, String> {
    let (wallet_id, account_id) = text.split_once('/').unwrap_or((known::WALLET_ID, text));
    for name in [wallet_id, account_id] {
        name_argument(name)?;
    }
    Ok(AccountArgument(v1::AccountReference { wallet_id: wallet_id.to_owned(), account_id: account_id.to_owned() }))
}

/// A person who pays by card, as written on the command line: as an account is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PersonArgument {
    /// Whose person.
    pub(crate) wallet_id: String,
    /// What that wallet operator calls the person.
    pub(crate) person_id: String,
}

/// Reads a person.
pub(crate) fn person_argument(text: &str) -> Result<PersonArgument, String> {
    let AccountArgument(v1::AccountReference { wallet_id, account_id: person_id }) = account_argument(text)?;
    Ok(PersonArgument { wallet_id, person_id })
}

/// Reads the name of a merchant or account.
pub(crate) fn name_argument(text: &str) -> Result<String, String> {
    Name::new(text).map(|name| name.as_str().to_owned()).map_err(|reason| format!("the name {reason}"))
}

/// Reads an amount somebody can pay, with no more decimals than its currency has.
pub(crate) fn amount_argument(text: &str) -> Result<Money, String> {
    let money = Money::parse(text).map_err(|reason| reason.to_string())?;
    let minor_units = i64::try_from(money.minor_units())
        .map_err(|_| format!("an amount is at most {AMOUNT_MINOR_UNITS_MAX} minor units"))?;
    Money::payable(money.currency(), minor_units).map_err(|reason| reason.to_string())
}

/// Reads an ISO 4217 code.
pub(crate) fn currency_argument(text: &str) -> Result<Currency, String> {
    Currency::from_code(text).map_err(|reason| reason.to_string())
}

/// Reads `HKD per CNY`.
pub(crate) fn pair_argument(text: &str) -> Result<CurrencyPair, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let &[debit, "per", presentment] = words.as_slice() else {
        return Err("a pair reads \"HKD per CNY\": payer's currency per merchant's currency".to_owned());
    };
    let pair = CurrencyPair { debit: currency_argument(debit)?, presentment: currency_argument(presentment)? };
    if pair.debit == pair.presentment {
        return Err("a pair has two currencies".to_owned());
    }
    Ok(pair)
}

/// Reads a moment: `2026-11-21T10:00:00Z`, or a day, which is its first moment in UTC.
pub(crate) fn time_argument(text: &str) -> Result<Timestamp, String> {
    let of_day = |day: Date| day.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
    Timestamp::from_str(text)
        .or_else(|_| Date::from_str(text).and_then(of_day))
        .map_err(|_| "a time reads 2026-11-21T10:00:00Z, or 2026-11-21 for the day's beginning in UTC".to_owned())
}

/// Reads a span of time: `8d`, `36h`, `90s`, `1d12h`. Units are d, h, m (minutes), s and ms.
pub(crate) fn duration_argument(text: &str) -> Result<Duration, String> {
    let wrong = || "a span of time reads 8d, 36h, 10m, 90s, 500ms, or several of them: 1d12h".to_owned();
    let (mut rest, mut sum) = (text, Duration::ZERO);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let unit_millis = match unit {
            "d" => 86_400_000,
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1_000,
            "ms" => 1,
            _ => return Err(wrong()),
        };
        let millis = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit_millis)).ok_or_else(wrong)?;
        sum = sum.checked_add(Duration::from_millis(millis)).ok_or_else(wrong)?;
        rest = tail;
    }
    if sum.is_zero() { Err(wrong()) } else { Ok(sum) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words;

    #[test]
    fn an_account_without_a_wallet_is_in_the_sandbox_s() {
        let text = |argument: AccountArgument| words::account(Some(&argument.reference()));
        assert_eq!(account_argument("hk-alice").map(text), Ok("demo-wallet/hk-alice".into()));
        assert_eq!(account_argument("w1/a").map(text), Ok("w1/a".into()));
        for wrong in ["", "/", "a/b/c", "Alice", "w/"] {
            assert!(account_argument(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_amount_is_what_somebody_can_pay() {
        assert_eq!(amount_argument("CNY 100.00").map(Money::minor_units), Ok(10_000));
        for wrong in ["CNY 1.001", "JPY 1.5", "CNY 0", "CNY -1.00", "CNH 1.00", "cny 1.00", "100", "CNY 10000000000000"]
        {
            assert!(amount_argument(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_pair_reads_as_it_prints() {
        assert_eq!(pair_argument("HKD per CNY").map(|pair| pair.to_string()), Ok("HKD per CNY".into()));
        for wrong in ["HKD", "HKD/CNY", "HKD per", "HKD per CNH", "hkd per cny", "HKD per HKD", "HKD per CNY ok"] {
            assert!(pair_argument(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_day_is_its_first_moment() {
        let seconds = |text| time_argument(text).map(Timestamp::as_second);
        assert_eq!(seconds("1970-01-02T00:00:01Z"), Ok(86_401));
        assert_eq!(seconds("1970-01-02"), Ok(86_400));
        for wrong in ["", "yesterday", "1970-13-01", "12:00"] {
            assert!(time_argument(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn spans_of_time_have_units() {
        let millis = |text| duration_argument(text).map(|span| span.as_millis());
        assert_eq!(
            ["8d", "1d12h", "10m", "90s", "500ms"].map(millis),
            [Ok(691_200_000), Ok(129_600_000), Ok(600_000), Ok(90_000), Ok(500)]
        );
        for wrong in ["", "8", "d", "8 d", "8w", "0s", "-1d", "1.5h", "99999999999999999999d", "18446744073709551615d"]
        {
            assert!(millis(wrong).is_err(), "{wrong}");
        }
    }
}
