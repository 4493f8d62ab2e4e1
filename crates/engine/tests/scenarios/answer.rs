//! What the engine says, in words.

use domain::{Decline, Difference, Event, Lsn, Method, PaymentCaptured, Posting, Refusal};
use engine::Decision;
use money::Money;

/// The word for each refusal.
pub(crate) const REFUSALS: [&str; 16] = [
    "key_reused",
    "account_not_found",
    "merchant_not_found",
    "wallet_not_found",
    "account_exists",
    "merchant_exists",
    "wallet_exists",
    "api_key_taken",
    "account_currency_mismatch",
    "presentment_currency_not_accepted",
    "rate_missing",
    "rate_stale",
    "rate_out_of_order",
    "rate_from_the_future",
    "rate_moved_too_far",
    "out_of_sequence",
];

pub(crate) fn text(decision: &Decision, lsn: Lsn) -> String {
    match decision {
        Decision::Recorded(event) => format!("#{lsn} {}", event_text(event)),
        Decision::Repeated(record) => format!("repeats #{} {}", record.lsn, event_text(&record.event)),
        Decision::Refused(refusal) => format!("refused {}", refusal_text(refusal)),
    }
}

pub(crate) fn postings(event: &Event) -> &[Posting] {
    match event {
        Event::FundsMoved { posting, .. } => core::slice::from_ref(posting),
        Event::PaymentCaptured(captured) => &captured.postings,
        Event::SwitchInitialized
        | Event::PolicyInstalled
        | Event::WalletRegistered(_)
        | Event::MerchantRegistered(_)
        | Event::RatesPublished
        | Event::AccountOpened(_)
        | Event::AccountClosed
        | Event::Declined(_) => &[],
    }
}

fn event_text(event: &Event) -> String {
    match event {
        Event::SwitchInitialized => "initialized".to_owned(),
        Event::PolicyInstalled => "installed".to_owned(),
        Event::WalletRegistered(wallet) => format!("wallet {}", wallet.0),
        Event::MerchantRegistered(merchant) => format!("merchant {}", merchant.0),
        Event::RatesPublished => "published".to_owned(),
        Event::AccountOpened(account) => format!("opened {} {}", account.currency, account.index),
        Event::AccountClosed => "closed".to_owned(),
        Event::FundsMoved { posted_balance, .. } => format!("moved, balance {}", posted_balance.grouped()),
        Event::PaymentCaptured(captured) => captured_text(captured),
        Event::Declined(Decline { reason, paid_by: None }) => format!("declined {}", reason.as_str()),
        Event::Declined(Decline { reason, paid_by: Some(payment) }) => {
            let bytes = payment.bytes();
            let number = u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
            format!("declined {} by payment {number}", reason.as_str())
        }
    }
}

fn captured_text(captured: &PaymentCaptured) -> String {
    let payer = captured.postings[0].debit();
    let from_payer = captured.postings.iter().filter(|posting| posting.debit() == payer).map(Posting::amount);
    let debit = from_payer.fold(Money::zero(payer.currency), |sum, amount| sum.checked_add(amount).expect("one payer"));
    format!("approved: debit {}, merchant {}", debit.grouped(), captured.settlement_amount.grouped())
}

fn refusal_text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::KeyReused { method, difference } => format!("key_reused: {}", difference_text(*method, *difference)),
        Refusal::AccountNotFound => "account_not_found".to_owned(),
        Refusal::MerchantNotFound => "merchant_not_found".to_owned(),
        Refusal::WalletNotFound => "wallet_not_found".to_owned(),
        Refusal::AccountExists => "account_exists".to_owned(),
        Refusal::MerchantExists => "merchant_exists".to_owned(),
        Refusal::WalletExists => "wallet_exists".to_owned(),
        Refusal::ApiKeyTaken => "api_key_taken".to_owned(),
        Refusal::AccountCurrencyMismatch { account, amount } => {
            format!("account_currency_mismatch: holds {account}, asked {amount}")
        }
        Refusal::PresentmentCurrencyNotAccepted { settlement, presentment } => {
            format!("presentment_currency_not_accepted: paid in {settlement}, asked {presentment}")
        }
        Refusal::RateMissing(pair) => format!("rate_missing: {pair}"),
        Refusal::RateStale(pair) => format!("rate_stale: {pair}"),
        Refusal::RateOutOfOrder { pair, last_as_of } => {
            format!("rate_out_of_order: {pair}, last of {} ms", last_as_of.micros() / 1_000)
        }
        Refusal::RateFromTheFuture(pair) => format!("rate_from_the_future: {pair}"),
        Refusal::RateMovedTooFar { pair, last } => format!("rate_moved_too_far: {pair}, last {last}"),
        Refusal::OutOfSequence => "out_of_sequence".to_owned(),
    }
}

fn difference_text(method: Method, difference: Difference) -> String {
    let fields: &[&str] = match method {
        Method::Authorize => &["order", "payer", "currency", "amount"],
        Method::OpenAccount => &["account", "currency"],
        Method::CloseAccount => &["account"],
        Method::Deposit | Method::Withdraw => &["account", "currency", "amount"],
        Method::RegisterMerchant => &["merchant", "currency", "discount", "api_key"],
        Method::PublishRates => &["rates"],
    };
    match difference {
        Difference::Method(first) => format!("was for {first:?}"),
        Difference::Field(index) => format!("{} differs", fields[index]),
        Difference::Unlocated => "somewhere".to_owned(),
    }
}
