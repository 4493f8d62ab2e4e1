//! What was asked and what it led to, in words to count by.

use domain::{AccountKind, Command, Event, Posting, Record, Refusal};

/// What a record was asked, and what happened.
pub(crate) fn words(record: &Record) -> (&'static str, String) {
    let happened = match &record.event {
        Event::Declined(decline) => format!("declined, {}", decline.reason.as_str()),
        Event::DeclinedTogether(declined) => format!("declined, {}", declined.decline.reason.as_str()),
        event => happened(event).to_owned(),
    };
    (asked(&record.command), happened)
}

/// The name of a refusal, without what it speaks of.
pub(crate) fn refusal_word(refusal: &Refusal) -> String {
    format!("{refusal:?}").chars().take_while(char::is_ascii_alphabetic).collect()
}

const fn asked(command: &Command) -> &'static str {
    match command {
        Command::InitializeSwitch(_) => "begin",
        Command::InstallPolicy(_) => "install policy",
        Command::RegisterWallet(_) => "register wallet",
        Command::RegisterMerchant(_) => "register merchant",
        Command::PublishRates(_) => "publish rates",
        Command::OpenAccount(_) => "open",
        Command::CloseAccount(_) => "close",
        Command::Deposit(_) => "deposit",
        Command::Withdraw(_) => "withdraw",
        Command::AuthorizePayment(_) => "authorize",
        Command::AuthorizeTogether(_) => "authorize together",
        Command::CapturePayment(_) => "capture",
        Command::VoidPayment(_) => "void",
        Command::RefundPayment(_) => "refund",
        Command::IncreaseAuthorization(_) => "increase",
        Command::ExpireHolds => "expire holds",
        Command::PriceRefunds => "price refunds",
        Command::FreezeAccount(_) => "freeze",
        Command::UnfreezeAccount(_) => "unfreeze",
        Command::IssueCode(_) => "issue code",
        Command::ApproveOrder(_) => "approve order",
        Command::ApproveCardOrder(_) => "approve card order",
        Command::GrantMandate(_) => "grant mandate",
        Command::RevokeMandate(_) => "revoke mandate",
        Command::FundReserve(_) => "fund reserve",
        Command::PayOut(_) => "pay out",
        Command::SquarePosition(_) => "square position",
        Command::AssertPerson(_) => "assert person",
        Command::BindCard(_) => "bind card",
        Command::UnbindCard(_) => "unbind card",
        Command::AnswerCard(_) => "answer card",
        Command::TimeOutCard(_) => "time out card",
        Command::AcknowledgeAdvice(_) => "acknowledge advice",
        Command::SettleScheme(_) => "settle scheme",
    }
}

fn draws_on_reserve(postings: &[Posting]) -> bool {
    postings.first().is_some_and(|posting| posting.debit().kind == AccountKind::MerchantReserve)
}

fn happened(event: &Event) -> &'static str {
    match event {
        Event::PaymentCaptured(captured) if !captured.above_soft_limit.is_empty() => "captured, above a soft limit",
        Event::PaymentAuthorized(held) if !held.above_soft_limit.is_empty() => "authorized, above a soft limit",
        Event::PaymentCaptured(_) => "captured",
        Event::PaymentAuthorized(_) => "authorized",
        Event::PaymentVoided(_) => "voided",
        Event::PaymentRefunded(refunded) if draws_on_reserve(&refunded.postings) => "refunded, from the reserve",
        Event::RefundPending(pending) if draws_on_reserve(&pending.postings) => "pending, from the reserve",
        Event::PaymentRefunded(refunded) if refunded.repriced.is_some() => "refunded at the rate of now",
        Event::PaymentRefunded(_) => "refunded",
        Event::RefundPending(_) => "pending",
        Event::AuthorizationIncreased(_) => "increased",
        Event::HoldsExpired(_) => "expired",
        Event::RefundsPriced(_) => "priced",
        Event::AuthorizedTogether(_) => "approved",
        _ => "done",
    }
}
