//! What the engine says, in words.

use std::sync::Arc;

use domain::{
    CardRefusal, Command, Decline, Difference, Event, HoldExpired, Lsn, Method, PaymentCaptured, PaymentId,
    PaymentPending, PaymentRefunded, PaymentTotals, Posting, Record, RefundPending, RefundPriced, Refusal, Undo,
};
use engine::Decision;
use money::{Currency, Money};

/// The word for each refusal, but for two: a full card line takes more payments than a table has, and that of a card in an
/// atomic batch says which payment it is of.
pub(crate) const REFUSALS: [&str; 39] = [
    "key_reused",
    "account_not_found",
    "merchant_not_found",
    "wallet_not_found",
    "account_exists",
    "merchant_exists",
    "wallet_exists",
    "api_key_taken",
    "account_currency_mismatch",
    "rate_missing",
    "rate_stale",
    "rate_out_of_order",
    "rate_from_the_future",
    "rate_moved_too_far",
    "price_invalid",
    "rate_no_longer_valid",
    "payment_not_found",
    "move_not_allowed",
    "amount_above_remaining",
    "payment_currency_mismatch",
    "too_many_tranches",
    "payment_too_large",
    "too_many_pending_refunds",
    "consent_missing",
    "too_many_guesses",
    "code_taken",
    "consent_expiry_invalid",
    "mandate_not_found",
    "quote_token_invalid",
    "account_state_not_allowed",
    "position_too_small",
    "cards_not_taken",
    "card_not_found",
    "card_exists",
    "card_currency_mismatch",
    "card_not_increased",
    "no_open_request",
    "receivable_too_small",
    "out_of_sequence",
];

pub(crate) fn text(decision: &Decision, lsn: Lsn) -> String {
    match decision {
        Decision::Recorded(event) => format!("#{lsn} {}", event_text(event)),
        Decision::Repeated(record) => format!("repeats #{} {}", record.lsn, event_text(&record.event)),
        Decision::Refused(refusal) => format!("refused {}", refusal_text(refusal)),
        Decision::RefusedTogether { position, refusal } => {
            format!("refused payment {position}, {}", refusal_text(refusal))
        }
    }
}

/// What became of each payment of a record that decided several.
pub(crate) fn parts(record: &Arc<Record>) -> Vec<String> {
    record.parts().map(|part| event_text(&part.event)).collect()
}

pub(crate) fn postings(event: &Event) -> Vec<Posting> {
    match event {
        Event::FundsMoved { posting, .. } | Event::ReserveFunded(posting) | Event::PaidOut(posting) => vec![*posting],
        Event::PaymentCaptured(captured) => captured.postings.clone(),
        Event::PaymentRefunded(refunded) => refunded.postings.clone(),
        Event::RefundPending(pending) => pending.postings.clone(),
        Event::RefundsPriced(refunds) => refunds.iter().flat_map(|refund| refund.postings.clone()).collect(),
        Event::PositionSquared(postings) | Event::SchemeSettled(postings) => postings.clone(),
        Event::AuthorizedTogether(approved) => approved.iter().flat_map(|one| one.postings().to_vec()).collect(),
        Event::SwitchInitialized
        | Event::PolicyInstalled
        | Event::WalletRegistered(_)
        | Event::MerchantRegistered(_)
        | Event::RatesPublished(_)
        | Event::AccountOpened(_)
        | Event::AccountClosed
        | Event::AccountFrozen
        | Event::AccountUnfrozen
        | Event::PaymentAuthorized(_)
        | Event::PaymentVoided(_)
        | Event::AuthorizationIncreased(_)
        | Event::HoldsExpired(_)
        | Event::CodeIssued { .. }
        | Event::OrderApproved
        | Event::MandateGranted
        | Event::MandateRevoked
        | Event::DeclinedTogether(_)
        | Event::PaymentPending(_)
        | Event::AttemptDeclined(_)
        | Event::PersonAsserted
        | Event::CardBound
        | Event::CardRenewed(_)
        | Event::CardUnbound
        | Event::AdviceAcknowledged
        | Event::Declined(_) => Vec::new(),
    }
}

/// Where a record leaves the payments it touches.
pub(crate) fn totals(record: &Record) -> Vec<(PaymentId, PaymentTotals)> {
    let payment = match &record.command {
        Command::AuthorizePayment(command) => Some(command.payment_id),
        Command::CapturePayment(command) => Some(command.payment_id),
        Command::VoidPayment(command) => Some(command.payment_id),
        Command::RefundPayment(command) => Some(command.payment_id),
        Command::IncreaseAuthorization(command) => Some(command.payment_id),
        Command::AnswerCard(command) => Some(command.payment_id),
        Command::TimeOutCard(payment_id) => Some(*payment_id),
        _ => None,
    };
    let one = |after: &PaymentTotals| vec![(payment.expect("it is of a payment"), *after)];
    match &record.event {
        Event::PaymentCaptured(event) => one(&event.after),
        Event::PaymentAuthorized(event) => one(&event.after),
        Event::PaymentVoided(after) => one(after),
        Event::PaymentRefunded(event) => one(&event.after),
        Event::RefundPending(event) => one(&event.after),
        Event::AuthorizationIncreased(event) => one(&event.after),
        Event::PaymentPending(event) => one(&event.after),
        Event::AttemptDeclined(event) => one(&event.after),
        Event::HoldsExpired(holds) => holds.iter().map(|hold| (hold.payment_id, hold.after)).collect(),
        _ => Vec::new(),
    }
}

fn event_text(event: &Event) -> String {
    match event {
        Event::SwitchInitialized => "initialized".to_owned(),
        Event::PolicyInstalled => "installed".to_owned(),
        Event::WalletRegistered(wallet) => format!("wallet {}", wallet.0),
        Event::MerchantRegistered(merchant) => format!("merchant {}", merchant.0),
        Event::RatesPublished(published) => match published.move_ppm.iter().all(|ppm| *ppm == 0) {
            true => "published".to_owned(),
            false => format!("published, moves {:?} ppm", published.move_ppm),
        },
        Event::AccountOpened(account) => format!("opened {} {}", account.currency, account.index),
        Event::AccountClosed => "closed".to_owned(),
        Event::AccountFrozen => "frozen".to_owned(),
        Event::AccountUnfrozen => "unfrozen".to_owned(),
        Event::FundsMoved { posted_balance, .. } => format!("moved, balance {}", posted_balance.grouped()),
        Event::PaymentCaptured(captured) => captured_text(captured),
        Event::PaymentAuthorized(authorized) => {
            let PaymentTotals { held, .. } = &authorized.after;
            format!("approved: held {}{}", held.grouped(), soft_text(&authorized.above_soft_limit))
        }
        Event::PaymentPending(pending) => pending_text(pending),
        Event::AttemptDeclined(declined) => {
            let undo = if declined.undo == Undo::Reversal { ", reversed" } else { "" };
            format!("declined {}{undo}", declined.reason.as_str())
        }
        Event::PersonAsserted => "person asserted".to_owned(),
        Event::CardBound => "bound".to_owned(),
        Event::CardRenewed(renewed) => {
            let billed = renewed.billing_currency.map_or("an unknown currency", Currency::code);
            format!("renewed, billed in {billed}")
        }
        Event::CardUnbound => "unbound".to_owned(),
        Event::AdviceAcknowledged => "taken".to_owned(),
        Event::SchemeSettled(_) => "settled".to_owned(),
        Event::PaymentVoided(after) => totals_text(after),
        Event::PaymentRefunded(refunded) => refunded_text(refunded),
        Event::RefundPending(pending) => {
            let RefundPending { settlement_amount, priced_from_day, after, .. } = pending;
            format!(
                "refund pending from day {priced_from_day}: merchant {}; {}",
                settlement_amount.grouped(),
                totals_text(after)
            )
        }
        Event::AuthorizationIncreased(increased) => {
            format!("increased{}: {}", soft_text(&increased.above_soft_limit), totals_text(&increased.after))
        }
        Event::HoldsExpired(holds) if holds.len() > 3 => format!("expired: {} holds", holds.len()),
        Event::HoldsExpired(holds) => {
            let text = |hold: &HoldExpired| format!("{} {}", number(hold.payment_id), totals_text(&hold.after));
            format!("expired: {}", holds.iter().map(text).collect::<Vec<_>>().join("; "))
        }
        Event::RefundsPriced(refunds) => refunds.iter().map(priced_text).collect::<Vec<_>>().join("; "),
        Event::CodeIssued { expires_at } => format!("code until {} ms", expires_at.micros() / 1_000),
        Event::OrderApproved => "order approved".to_owned(),
        Event::MandateGranted => "mandate granted".to_owned(),
        Event::MandateRevoked => "mandate revoked".to_owned(),
        Event::ReserveFunded(posting) => format!("reserve funded {}", posting.amount().grouped()),
        Event::PaidOut(posting) => format!("paid out {}", posting.amount().grouped()),
        Event::PositionSquared(_) => "squared".to_owned(),
        Event::AuthorizedTogether(approved) => format!("all {} approved", approved.len()),
        Event::DeclinedTogether(declined) => {
            format!("none, for payment {}: {}", declined.position, event_text(&Event::Declined(declined.decline)))
        }
        Event::Declined(Decline { reason, paid_by: None }) => format!("declined {}", reason.as_str()),
        Event::Declined(Decline { reason, paid_by: Some(payment) }) => {
            format!("declined {} by payment {}", reason.as_str(), number(*payment))
        }
    }
}

fn number(payment: PaymentId) -> u32 {
    let bytes = payment.bytes();
    u32::from_be_bytes([bytes[12], bytes[13], bytes[14], bytes[15]])
}

fn pending_text(pending: &PaymentPending) -> String {
    let PaymentPending { answer_by, counted, after, above_soft_limit, .. } = pending;
    let (held, counted) = (after.held.grouped(), counted.amount.grouped());
    let soft = soft_text(above_soft_limit);
    format!("pending until {} ms: {held}, counts {counted}{soft}", answer_by.micros() / 1_000)
}

fn captured_text(captured: &PaymentCaptured) -> String {
    let after = &captured.after;
    let soft = soft_text(&captured.above_soft_limit);
    let whole = after.captured == after.authorized && after.refunded.presentment.is_zero();
    let merchant = captured.settlement_amount.grouped().to_string();
    match whole && captured.settlement_amount == after.captured.settlement {
        true => format!("approved: debit {}, merchant {merchant}{soft}", after.captured.debit.grouped()),
        false => format!("captured: merchant {merchant}; {}{soft}", totals_text(after)),
    }
}

fn refunded_text(refunded: &PaymentRefunded) -> String {
    let PaymentRefunded { debit_amount, settlement_amount, repriced, after, .. } = refunded;
    let at = repriced.map_or_else(String::new, |repriced| {
        format!(" at {}, difference {}", repriced.mid_rate, repriced.difference.grouped())
    });
    let (payer, merchant) = (debit_amount.grouped(), settlement_amount.grouped());
    format!("refunded: payer {payer}{at}, merchant {merchant}; {}", totals_text(after))
}

fn priced_text(refund: &RefundPriced) -> String {
    let RefundPriced { payment_id, debit_amount, repriced, .. } = refund;
    let difference = repriced.difference.grouped();
    let at = repriced.mid_rate;
    format!(
        "refund of {} priced: payer {} at {at}, difference {difference}",
        number(*payment_id),
        debit_amount.grouped()
    )
}

fn totals_text(after: &PaymentTotals) -> String {
    let PaymentTotals { state, authorized, captured, refunded, held } = after;
    let amount = |name: &str, money: Money| format!("{name} {}", money.grouped());
    let mut texts = vec![state.as_str().to_owned()];
    if captured != authorized {
        texts.push(amount("authorized", authorized.debit));
    }
    texts.push(amount("captured", captured.debit));
    if !refunded.presentment.is_zero() {
        texts.push(amount("refunded", refunded.debit));
    }
    if !held.is_zero() {
        texts.push(amount("held", *held));
    }
    texts.join(", ")
}

fn soft_text(above: &[money::Currency]) -> String {
    match above {
        [] => String::new(),
        above => format!(", above soft limit: {above:?}"),
    }
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
        Refusal::RateMissing(pair) => format!("rate_missing: {pair}"),
        Refusal::RateStale(pair) => format!("rate_stale: {pair}"),
        Refusal::RateOutOfOrder { pair, last_as_of } => {
            format!("rate_out_of_order: {pair}, last of {} ms", last_as_of.micros() / 1_000)
        }
        Refusal::RateFromTheFuture(pair) => format!("rate_from_the_future: {pair}"),
        Refusal::RateMovedTooFar { pair, last } => format!("rate_moved_too_far: {pair}, last {last}"),
        Refusal::PriceInvalid(pair) => format!("price_invalid: {pair}"),
        Refusal::RateNoLongerValid(pair) => format!("rate_no_longer_valid: {pair}"),
        Refusal::OutOfSequence => "out_of_sequence".to_owned(),
        of_a_payment => payment_refusal_text(of_a_payment),
    }
}

fn payment_refusal_text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::PaymentNotFound => "payment_not_found".to_owned(),
        Refusal::MoveNotAllowed { state, asked } => {
            let allowed: Vec<_> = state.allowed().iter().map(|allowed| allowed.as_str()).collect();
            let allowed = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
            format!("move_not_allowed: {} when {}, allowed {allowed}", asked.as_str(), state.as_str())
        }
        Refusal::AmountAboveRemaining { asked, remaining } => {
            format!("amount_above_remaining: {} at most {}", asked.as_str(), remaining.grouped())
        }
        Refusal::PaymentCurrencyMismatch { payment, amount } => {
            format!("payment_currency_mismatch: is in {payment}, asked {amount}")
        }
        Refusal::TooManyTranches => "too_many_tranches".to_owned(),
        Refusal::PaymentTooLarge => "payment_too_large".to_owned(),
        Refusal::TooManyPendingRefunds => "too_many_pending_refunds".to_owned(),
        Refusal::ConsentMissing => "consent_missing".to_owned(),
        Refusal::TooManyGuesses { until } => format!("too_many_guesses: until {} ms", until.micros() / 1_000),
        Refusal::CodeTaken => "code_taken".to_owned(),
        Refusal::ConsentExpiryInvalid => "consent_expiry_invalid".to_owned(),
        Refusal::MandateNotFound => "mandate_not_found".to_owned(),
        Refusal::QuoteTokenInvalid => "quote_token_invalid".to_owned(),
        Refusal::AccountStateNotAllowed { state } => format!("account_state_not_allowed: {state}"),
        Refusal::Card(CardRefusal::NotTaken) => "cards_not_taken".to_owned(),
        Refusal::Card(CardRefusal::NotFound) => "card_not_found".to_owned(),
        Refusal::Card(CardRefusal::Exists { .. }) => "card_exists".to_owned(),
        Refusal::Card(CardRefusal::CurrencyMismatch { rail, amount }) => {
            format!("card_currency_mismatch: {rail}, asked {amount}")
        }
        Refusal::Card(CardRefusal::NotTogether) => "card_not_together".to_owned(),
        Refusal::Card(CardRefusal::NotIncreased) => "card_not_increased".to_owned(),
        Refusal::Card(CardRefusal::NoOpenRequest) => "no_open_request".to_owned(),
        Refusal::Card(CardRefusal::InUse) => "card_in_use".to_owned(),
        Refusal::Card(CardRefusal::ReceivableTooSmall { owed }) => format!("receivable_too_small: {}", owed.grouped()),
        Refusal::PositionTooSmall { position } => format!("position_too_small: {}", position.grouped()),
        other => panic!("no word for {other:?}"),
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
        Method::Capture | Method::Refund | Method::IncreaseAuthorization => &["payment", "currency", "amount"],
        Method::Void => &["payment"],
        Method::FreezeAccount | Method::UnfreezeAccount => &["account"],
        Method::IssueCode
        | Method::ApproveOrder
        | Method::GrantMandate
        | Method::RevokeMandate
        | Method::FundReserve
        | Method::PayOut
        | Method::SquarePosition
        | Method::AssertPerson
        | Method::BindCard
        | Method::UnbindCard
        | Method::SettleScheme => &[],
    };
    match difference {
        Difference::Method(first) => format!("was for {first:?}"),
        Difference::Field(index) => format!("{} differs", fields[index]),
        Difference::Unlocated => "somewhere".to_owned(),
        Difference::Company => "in other company".to_owned(),
    }
}
