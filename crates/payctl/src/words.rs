//! Messages in words: amounts, times, reasons, postings.

use std::time::Duration;

use jiff::Timestamp;
use money::{Currency, Money, Ratio};
use wire::v1::{self, ConsentKind, DeclineReason, DocumentKind, PaymentEventKind, PaymentState};

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
    formatted(seconds, "%Y-%m-%d %H:%M:%S UTC")
}

/// `11-21 10:02:03`, for tables.
pub(crate) fn short_time(seconds: Option<i64>) -> String {
    formatted(seconds, "%m-%d %H:%M:%S")
}

/// `11-21 10:02`, for narrow tables.
pub(crate) fn minute(seconds: Option<i64>) -> String {
    formatted(seconds, "%m-%d %H:%M")
}

/// `2026-11-21 10:02:03`, for tables of any year.
pub(crate) fn long_time(seconds: Option<i64>) -> String {
    formatted(seconds, "%Y-%m-%d %H:%M:%S")
}

/// `2026-11-21`, in UTC.
pub(crate) fn day(seconds: i64) -> String {
    formatted(Some(seconds), "%Y-%m-%d")
}

fn formatted(seconds: Option<i64>, format: &str) -> String {
    let timestamp = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    timestamp.map_or_else(|| "-".to_owned(), |timestamp| timestamp.strftime(format).to_string())
}

/// A moment as messages are made from it, without what is below a microsecond.
pub(crate) fn moment_of(timestamp: Timestamp) -> domain::Timestamp {
    domain::Timestamp::from_micros(timestamp.as_microsecond())
}

/// The time of this machine, as exact as messages tell it.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
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
    let text = match reason {
        DeclineReason::Unspecified => "no reason was given",
        DeclineReason::OrderAlreadyPaid => {
            return format!("this order was paid already, by payment {paid_by_payment_id}");
        }
        DeclineReason::ConsentNotFound => "the payer did not agree, or no longer does",
        DeclineReason::ConsentMismatch => "the payer agreed to another merchant, or for another account",
        DeclineReason::QuoteExpired => "the quote no longer holds",
        DeclineReason::QuoteUsed => "another payment has used the quote",
        DeclineReason::QuoteMismatch => "the quote was made for another merchant, payer or amount",
        DeclineReason::QuoteNotReproduced => "the amounts do not follow from the rate and markup in force",
        DeclineReason::DebitAmountTooLarge => "the debit would be larger than one amount may be",
        DeclineReason::DebitAboveMax => "the debit would be larger than the bound that was set",
        DeclineReason::ConsentExceeded => "the debit would be larger than what the payer agreed to",
        DeclineReason::AccountClosed => "the account is closed",
        DeclineReason::AccountFrozen => "the account is frozen",
        DeclineReason::AccountNotEmpty => "the account still has a balance",
        DeclineReason::CardPersonsLimit => "the card is bound to as many persons as one may be",
        DeclineReason::CardPaymentLimit => "the payment is larger than the payer's tier may pay by card",
        DeclineReason::CardYearLimit => "it is more than the payer's tier may pay by card in a year",
        DeclineReason::ExposureLimit => "the switch would hold more of a currency open than it may",
        DeclineReason::NotEnough => "the merchant is owed less than the amount",
        DeclineReason::InsufficientBalance => "the available balance is smaller than the debit",
        DeclineReason::BalanceLimit => "an account would hold more than one account may",
        DeclineReason::CardPickUp => "the issuer says that the card is lost, stolen or to be kept",
        DeclineReason::CardSuspected => "the issuer suspects fraud, or a check of law or security failed",
        DeclineReason::CardInvalid => "the issuer knows no such card, or its account is closed",
        DeclineReason::CardExpired => "the issuer says that the card has expired",
        DeclineReason::CardNotPermitted => "the issuer does not permit it, with this card or merchant",
        DeclineReason::CardLimit => "the issuer lets the card pay less, or less often",
        DeclineReason::CardFunds => "the issuer says that there is too little on the card",
        DeclineReason::PartiallyApproved => "the issuer approved a part only, which was given back",
        DeclineReason::ContactIssuer => "the issuer wants to hear from its cardholder first",
        DeclineReason::IssuerDeclined => "the issuer says no, and not why",
        DeclineReason::NetworkRejected => "the card network did not take the message as one",
        DeclineReason::IssuerUnavailable => "the issuer did not answer in time, or could not be reached",
        DeclineReason::BatchDeclined => "another payment of the batch was declined",
    };
    text.to_owned()
}

/// Reads a reason as it is written on the command line: `insufficient-balance`.
pub(crate) fn decline_argument(text: &str) -> Result<DeclineReason, String> {
    let name = format!("DECLINE_REASON_{}", text.replace('-', "_").to_uppercase());
    let known = DeclineReason::from_str_name(&name).filter(|reason| *reason != DeclineReason::Unspecified);
    known.ok_or_else(|| {
        let every = domain::DeclineReason::ALL.map(|reason| reason.as_str().replace('_', "-"));
        format!("a reason is one of {}", every.join(", "))
    })
}

/// Where a payment stands: `partially captured`.
pub(crate) fn payment_state(state: PaymentState) -> &'static str {
    match state {
        PaymentState::Unspecified => "-",
        PaymentState::Captured => "captured",
        PaymentState::Declined => "declined",
        PaymentState::Authorized => "authorized",
        PaymentState::PartiallyCaptured => "partially captured",
        PaymentState::Voided => "voided",
        PaymentState::Expired => "expired",
        PaymentState::PartiallyRefunded => "partially refunded",
        PaymentState::Refunded => "refunded",
        PaymentState::Pending => "pending",
    }
}

/// The same in tables, which have less room: `part captured`.
pub(crate) fn payment_state_in_table(state: PaymentState) -> &'static str {
    match state {
        PaymentState::PartiallyCaptured => "part captured",
        PaymentState::PartiallyRefunded => "part refunded",
        PaymentState::Unspecified
        | PaymentState::Captured
        | PaymentState::Declined
        | PaymentState::Authorized
        | PaymentState::Voided
        | PaymentState::Expired
        | PaymentState::Refunded
        | PaymentState::Pending => payment_state(state),
    }
}

/// What happened to a payment: `refund pending`.
pub(crate) fn event_kind(kind: PaymentEventKind) -> &'static str {
    match kind {
        PaymentEventKind::Unspecified => "-",
        PaymentEventKind::Authorized => "authorized",
        PaymentEventKind::Captured => "captured",
        PaymentEventKind::Declined => "declined",
        PaymentEventKind::Voided => "voided",
        PaymentEventKind::Expired => "expired",
        PaymentEventKind::Increased => "increased",
        PaymentEventKind::Refunded => "refunded",
        PaymentEventKind::RefundPending => "refund pending",
        PaymentEventKind::RefundPriced => "refund priced",
        PaymentEventKind::Pending => "pending",
    }
}

/// A kind of document: `residence permit, Taiwan`.
pub(crate) const fn document(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Unspecified => "-",
        DocumentKind::Passport => "passport",
        DocumentKind::PermanentResidenceId => "permanent resident's identity card",
        DocumentKind::HongKongMacaoPermit => "travel permit, Hong Kong or Macao",
        DocumentKind::TaiwanPermit => "travel permit, Taiwan",
        DocumentKind::HongKongMacaoResidencePermit => "residence permit, Hong Kong or Macao",
        DocumentKind::TaiwanResidencePermit => "residence permit, Taiwan",
    }
}

/// Who converts what a card is charged; `None` where no offer was chosen.
pub(crate) const fn converter(converter: v1::CardConverter) -> Option<&'static str> {
    match converter {
        v1::CardConverter::Unspecified => None,
        v1::CardConverter::Scheme => Some("the card's issuer, at its own rate and fees"),
        v1::CardConverter::Switch => Some("the merchant's payment service, at the rate shown"),
    }
}

/// `visa 424242…4242`: what may be known of a card.
pub(crate) fn card(scheme: &str, bin: &str, last_four: &str) -> String {
    format!("{scheme} {bin}…{last_four}")
}

/// How a payer agreed; nothing when a reply does not tell.
pub(crate) fn consent(kind: ConsentKind) -> Option<&'static str> {
    match kind {
        ConsentKind::Unspecified => None,
        ConsentKind::PayerNamed => Some("the payer was named, which only a sandbox takes"),
        ConsentKind::PayerCode => Some("one-time code"),
        ConsentKind::OrderApproved => Some("the wallet approved the order"),
        ConsentKind::Mandate => Some("standing mandate"),
        ConsentKind::Card => Some("the token of a bound card, which only a sandbox takes"),
        ConsentKind::CardOrderApproved => Some("the wallet approved the order for the card"),
    }
}

/// The kind of an account: `wallet` of `wallet:demo-wallet/hk-alice`.
fn account_kind(label: &str) -> &str {
    label.split_once(':').map_or(label, |(kind, _)| kind)
}

/// What a posting is for, by the kinds of its two accounts.
pub(crate) fn posting_purpose(posting: &v1::Posting) -> &'static str {
    match (account_kind(&posting.debit_account), account_kind(&posting.credit_account)) {
        ("wallet", "fx_position") => "the payer pays the amount at the mid rate",
        ("wallet", "fx_markup") => "the payer pays the switch's margin on top",
        ("wallet", "merchant_payable") => "the payer pays the merchant",
        ("fx_position", "merchant_payable") => "the switch pays the merchant in its currency",
        ("fx_position" | "merchant_payable" | "wallet", "fee_income") => "the merchant's discount, kept as a fee",
        ("merchant_payable", "fx_position") => "the merchant gives back in its currency",
        ("merchant_payable", "wallet") => "the merchant gives back to the payer",
        ("fee_income", "merchant_payable") => "the discount on that part, given back",
        ("fx_position", "wallet") => "the payer gets back the amount at the mid rate",
        ("fx_markup", "wallet") => "the payer gets back the margin on that part",
        ("merchant_reserve", "merchant_payable") => "the reserve gives what the merchant is not owed",
        ("nostro", "merchant_reserve") => "the merchant's reserve is funded from the bank",
        ("merchant_payable", "nostro") => "the merchant is paid out at its bank",
        ("fx_result", "fx_position") => "what another rate cost the switch",
        ("fx_position", "fx_result") => "what another rate won for the switch",
        ("fx_position", "nostro") => "sold to the bank",
        ("nostro", "fx_position") => "bought from the bank",
        ("nostro", "wallet") => "a deposit arrives from the bank",
        ("wallet", "nostro") => "a withdrawal leaves to the bank",
        ("scheme_receivable", "merchant_payable") => "the card's scheme owes the price",
        ("scheme_receivable", "payer_fee") => "and the payer's fee on top",
        ("scheme_receivable", "fx_position") => "the card's scheme owes the amount at the mid rate",
        ("scheme_receivable", "fx_markup") => "and the switch's margin on top",
        ("merchant_payable", "scheme_receivable") => "the merchant gives back to the card",
        ("payer_fee", "scheme_receivable") => "the payer's fee on that part, given back",
        ("fx_position", "scheme_receivable") => "the card gets back the amount at the mid rate",
        ("fx_markup", "scheme_receivable") => "the card gets back the margin on that part",
        _ => "funds move",
    }
}

/// What a posting is for where a card scheme settles.
pub(crate) fn settlement_purpose(posting: &v1::Posting) -> &'static str {
    match (account_kind(&posting.debit_account), account_kind(&posting.credit_account)) {
        ("nostro", "scheme_receivable") => "the scheme pays what it owes",
        ("nostro", "fx_position") => "the scheme pays in its currency",
        ("fx_position", "scheme_receivable") => "what it owed in another is closed",
        ("nostro", "fx_result") => "the scheme pays more than it owed",
        ("fx_result", "scheme_receivable") => "the scheme pays less than it owed",
        _ => posting_purpose(posting),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(currency_code: &str, minor_units: i64) -> v1::Money {
        v1::Money { currency_code: currency_code.to_owned(), minor_units }
    }

    #[test]
    fn every_reason_can_be_written_and_is_explained() {
        for reason in domain::DeclineReason::ALL {
            let read = decline_argument(&reason.as_str().replace('_', "-")).unwrap();
            assert_eq!(i32::from(read), i32::from(reason.number()), "{}", reason.as_str());
            assert!(!decline(read, "").is_empty());
        }
        assert!(decline_argument("unspecified").is_err());
        assert!(decline_argument("no-idea").unwrap_err().contains("insufficient-balance"));
    }

    #[test]
    fn a_reason_leaves_room_for_its_label() {
        for reason in domain::DeclineReason::ALL {
            let read = decline_argument(&reason.as_str().replace('_', "-")).unwrap();
            assert!(decline(read, "").chars().count() <= 63, "{}", decline(read, ""));
        }
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
