//! Messages in words: amounts, times, reasons, postings.

use std::time::Duration;

use jiff::Timestamp;
use money::{Currency, Money, Ratio};
use wire::v1::{self, DeclineReason};

/// An amount of a reply, or why it is not one.
pub(crate) fn read_money(money: &v1::Money) -> Option<Money> {
    let currency = Currency::from_code(&money.currency_code).ok()?;
    Some(Money::new(currency, i128::from(money.minor_units)))
}

/// `HKD 9,880.89`. A currency this program does not know is shown in minor units rather than guessed.
pub(crate) fn amount(money: Option<&v1::Money>) -> String {
    match money {
        None => "-".to_owned(),
        Some(message) => match read_money(message) {
            Some(money) => money.grouped().to_string(),
            None => format!("{} {} minor units", message.currency_code, message.minor_units),
        },
    }
}

/// `9,880.89`: the amount where its currency stands in the heading.
pub(crate) fn bare_amount(money: Option<&v1::Money>) -> String {
    let text = amount(money);
    text.split_once(' ').map_or(text.clone(), |(_, number)| number.to_owned())
}

/// The message of an amount.
pub(crate) fn money_message(money: Money) -> Option<v1::Money> {
    let minor_units = i64::try_from(money.minor_units()).ok()?;
    Some(v1::Money { currency_code: money.currency().code().to_owned(), minor_units })
}

/// `1 %` for `0.01`; the text itself when it is no ratio.
pub(crate) fn percent(ratio: &str) -> String {
    Ratio::parse(ratio).map_or_else(|_| ratio.to_owned(), |ratio| ratio.percent().to_string())
}

/// `demo-wallet/hk-alice`.
pub(crate) fn account(account: Option<&v1::AccountReference>) -> String {
    account.map_or_else(|| "-".to_owned(), |account| format!("{}/{}", account.wallet_id, account.account_id))
}

/// `2026-11-21 10:02:03 UTC` from the seconds of a message's time.
pub(crate) fn time(seconds: Option<i64>) -> String {
    moment(seconds, "%Y-%m-%d %H:%M:%S UTC")
}

/// `11-21 10:02:03`, for tables.
pub(crate) fn short_time(seconds: Option<i64>) -> String {
    moment(seconds, "%m-%d %H:%M:%S")
}

fn moment(seconds: Option<i64>, format: &str) -> String {
    let timestamp = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    timestamp.map_or_else(|| "-".to_owned(), |timestamp| timestamp.strftime(format).to_string())
}

/// `850 ms`, `3.2 s`, `5 min`, `2 h`, `3 days`: one number a person can take in.
pub(crate) fn duration(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.as_millis());
    match seconds {
        0 => format!("{millis} ms"),
        1..10 => format!("{}.{} s", seconds, duration.subsec_millis() / 100),
        10..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// `12,345`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 segment`, `12,345 segments`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

/// The text, cut to this many characters with an ellipsis where it is longer.
pub(crate) fn shortened(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Why a request was declined, as told to a person.
pub(crate) fn decline(reason: DeclineReason, paid_by_payment_id: &str) -> String {
    match reason {
        DeclineReason::Unspecified => "no reason was given".to_owned(),
        DeclineReason::OrderAlreadyPaid => format!("this order was paid already, by payment {paid_by_payment_id}"),
        DeclineReason::QuoteNotReproduced => "the amounts do not follow from the rate and markup in force".to_owned(),
        DeclineReason::DebitAmountTooLarge => "the debit would be larger than one amount may be".to_owned(),
        DeclineReason::AccountClosed => "the account is closed".to_owned(),
        DeclineReason::AccountNotEmpty => "the account still has a balance".to_owned(),
        DeclineReason::InsufficientBalance => "the available balance is smaller than the debit".to_owned(),
        DeclineReason::BalanceLimit => "an account would hold more than one account may".to_owned(),
    }
}

/// What a posting is for, by the kinds of its two accounts.
pub(crate) fn posting_purpose(posting: &v1::Posting) -> &'static str {
    let kind = |label: &str| label.split_once(':').map_or(label, |(kind, _)| kind).to_owned();
    match (kind(&posting.debit_account).as_str(), kind(&posting.credit_account).as_str()) {
        ("wallet", "fx_position") => "the payer pays the amount at the mid rate",
        ("wallet", "fx_markup") => "the payer pays the switch's margin on top",
        ("wallet", "merchant_payable") => "the payer pays the merchant",
        ("fx_position", "merchant_payable") => "the switch pays the merchant in its currency",
        ("fx_position" | "merchant_payable" | "wallet", "fee_income") => "the merchant's discount, kept as a fee",
        ("nostro", "wallet") => "a deposit arrives from the bank",
        ("wallet", "nostro") => "a withdrawal leaves to the bank",
        _ => "funds move",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(currency_code: &str, minor_units: i64) -> v1::Money {
        v1::Money { currency_code: currency_code.to_owned(), minor_units }
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        assert_eq!(amount(Some(&message("HKD", 988_089))), "HKD 9,880.89");
        assert_eq!(amount(Some(&message("JPY", -1_500))), "JPY -1,500");
        assert_eq!(bare_amount(Some(&message("KWD", 1))), "0.001");
        assert_eq!(amount(Some(&message("XXQ", 7))), "XXQ 7 minor units");
        assert_eq!(amount(None), "-");
    }

    #[test]
    fn durations_are_one_number() {
        let texts = [0, 850, 3_250, 59_999, 300_000, 7_200_000, 259_200_000]
            .map(|millis| duration(Duration::from_millis(millis)));
        assert_eq!(texts, ["0 ms", "850 ms", "3.2 s", "59 s", "5 min", "2 h", "3 days"]);
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([counted(1, "record"), counted(1_000, "record")], ["1 record", "1,000 records"]);
    }

    #[test]
    fn times_are_in_utc() {
        assert_eq!(time(Some(0)), "1970-01-01 00:00:00 UTC");
        assert_eq!(short_time(None), "-");
    }

    #[test]
    fn a_long_text_is_cut() {
        assert_eq!(shortened("short", 5), "short");
        assert_eq!(shortened("a longer one", 6), "a lon…");
    }

    #[test]
    fn ratios_read_as_percent() {
        assert_eq!(percent("0.006"), "0.6 %");
        assert_eq!(percent("n/a"), "n/a");
    }
}
