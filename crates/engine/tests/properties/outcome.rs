//! What the engine said, in the words of the model.

use domain::{CardRefusal, Difference, Event, PaymentAmount, PaymentId, PaymentTotals, Posting, RefundId, Refusal};
use engine::Decision;

use crate::{
    exact::Fraction,
    model::{Outcome, Post, Repriced, What},
    payment::Totals,
};

pub(crate) fn outcome(decision: &Decision) -> Outcome {
    match decision {
        Decision::Recorded(event) => Outcome::Recorded(what(event)),
        Decision::Repeated(record) => Outcome::Repeated(record.lsn.get()),
        Decision::Refused(refusal) => Outcome::Refused(refusal_text(refusal)),
        Decision::RefusedTogether { position, refusal } => panic!("payment {position}: {refusal:?}"),
    }
}

/// What was posted by an event of any kind.
pub(crate) fn posted(event: &Event) -> Vec<Post> {
    match event {
        Event::SwitchInitialized | Event::WalletRegistered(_) | Event::MerchantRegistered(_) => Vec::new(),
        other => crate::model::postings(&what(other)).to_vec(),
    }
}

pub(crate) fn what(event: &Event) -> What {
    match event {
        Event::PolicyInstalled => What::PolicyInstalled,
        Event::RatesPublished(published) => What::RatesPublished(published.move_ppm.clone()),
        Event::AccountOpened(account) => What::Opened(account.index),
        Event::AccountClosed => What::Closed,
        Event::AccountFrozen => What::Frozen,
        Event::AccountUnfrozen => What::Unfrozen,
        Event::FundsMoved { posting, posted_balance } => {
            What::Moved { posting: plain(posting), balance: posted_balance.minor_units() }
        }
        Event::PaymentCaptured(_)
        | Event::PaymentAuthorized(_)
        | Event::PaymentVoided(_)
        | Event::PaymentRefunded(_)
        | Event::RefundPending(_)
        | Event::AuthorizationIncreased(_)
        | Event::HoldsExpired(_)
        | Event::RefundsPriced(_) => of_payment(event),
        Event::CodeIssued { expires_at } => What::CodeIssued(expires_at.micros()),
        Event::OrderApproved => What::OrderApproved,
        Event::MandateGranted => What::MandateGranted,
        Event::MandateRevoked => What::MandateRevoked,
        Event::ReserveFunded(posting) => What::ReserveFunded(plain(posting)),
        Event::PaidOut(posting) => What::PaidOut(plain(posting)),
        Event::PositionSquared(postings) => What::Squared(all(postings)),
        Event::Declined(decline) => What::Declined(decline.reason, decline.paid_by.map(number_of)),
        Event::AuthorizedTogether(_) | Event::DeclinedTogether(_) => panic!("told payment by payment: {event:?}"),
        Event::PaymentPending(_)
        | Event::AttemptDeclined(_)
        | Event::PersonAsserted
        | Event::CardBound
        | Event::CardRenewed(_)
        | Event::CardUnbound
        | Event::AdviceAcknowledged
        | Event::SchemeSettled(_) => panic!("no step is by card: {event:?}"),
        Event::SwitchInitialized | Event::WalletRegistered(_) | Event::MerchantRegistered(_) => {
            panic!("no step asks for {event:?}")
        }
    }
}

fn of_payment(event: &Event) -> What {
    let codes = |currencies: &[money::Currency]| currencies.iter().map(|currency| currency.code()).collect();
    match event {
        Event::PaymentCaptured(captured) => What::Captured {
            settlement: captured.settlement_amount.minor_units(),
            postings: all(&captured.postings),
            after: totals(&captured.after),
            above_soft_limit: codes(&captured.above_soft_limit),
        },
        Event::PaymentAuthorized(authorized) => What::Authorized {
            expires_at: authorized.expires_at.micros(),
            after: totals(&authorized.after),
            above_soft_limit: codes(&authorized.above_soft_limit),
        },
        Event::PaymentVoided(after) => What::Voided(totals(after)),
        Event::PaymentRefunded(refunded) => What::Refunded {
            debit: refunded.debit_amount.minor_units(),
            settlement: refunded.settlement_amount.minor_units(),
            repriced: refunded.repriced.as_ref().map(repriced),
            postings: all(&refunded.postings),
            after: totals(&refunded.after),
        },
        Event::RefundPending(pending) => What::RefundPending {
            settlement: pending.settlement_amount.minor_units(),
            postings: all(&pending.postings),
            from_day: pending.priced_from_day,
            after: totals(&pending.after),
        },
        Event::AuthorizationIncreased(increased) => {
            What::Increased { after: totals(&increased.after), above_soft_limit: codes(&increased.above_soft_limit) }
        }
        Event::HoldsExpired(holds) => {
            What::Expired(holds.iter().map(|hold| (number_of(hold.payment_id), totals(&hold.after))).collect())
        }
        Event::RefundsPriced(refunds) => {
            let [refund] = &refunds[..] else { panic!("one refund a record: {refunds:?}") };
            What::Priced {
                payment: number_of(refund.payment_id),
                refund: refund_number(refund.refund_id),
                debit: refund.debit_amount.minor_units(),
                repriced: repriced(&refund.repriced),
                postings: all(&refund.postings),
            }
        }
        other => unreachable!("{other:?} is not of a payment"),
    }
}

fn plain(posting: &Posting) -> Post {
    (posting.debit(), posting.credit(), posting.amount().minor_units())
}

fn all(postings: &[Posting]) -> Vec<Post> {
    postings.iter().map(plain).collect()
}

fn totals(totals: &PaymentTotals) -> Totals {
    let units =
        |amount: PaymentAmount| [amount.presentment, amount.debit, amount.settlement].map(money::Money::minor_units);
    Totals {
        state: totals.state.as_str(),
        authorized: units(totals.authorized),
        captured: units(totals.captured),
        refunded: units(totals.refunded),
        held: totals.held.minor_units(),
    }
}

fn repriced(repriced: &domain::Repriced) -> Repriced {
    let part = |part: u128| i128::try_from(part).expect("a rate of the model");
    let mid = Fraction::new(part(repriced.mid_rate.numerator()), part(repriced.mid_rate.denominator()));
    Repriced { mid, lsn: repriced.rate_lsn.get(), difference: repriced.difference.minor_units() }
}

fn number_of(payment: PaymentId) -> u64 {
    last_eight(payment.bytes())
}

fn refund_number(refund: RefundId) -> u64 {
    last_eight(refund.bytes())
}

fn last_eight(bytes: [u8; 16]) -> u64 {
    u64::from_be_bytes(bytes[8..].try_into().expect("eight bytes"))
}

fn refusal_text(refusal: &Refusal) -> String {
    let text = match refusal {
        Refusal::KeyReused { difference: Difference::Method(_), .. } => "key_reused method",
        Refusal::KeyReused { difference: Difference::Field(field), .. } => return format!("key_reused {field}"),
        Refusal::MoveNotAllowed { state, asked } => {
            return format!("move_not_allowed {} {}", state.as_str(), asked.as_str());
        }
        Refusal::AmountAboveRemaining { asked, remaining } => {
            return format!("amount_above_remaining {} {}", asked.as_str(), remaining.minor_units());
        }
        Refusal::AccountStateNotAllowed { state } => return format!("account_state_not_allowed {state}"),
        Refusal::TooManyGuesses { until } => return format!("too_many_guesses {}", until.micros()),
        Refusal::AccountNotFound => "account_not_found",
        Refusal::MerchantNotFound => "merchant_not_found",
        Refusal::WalletNotFound => "wallet_not_found",
        Refusal::AccountExists => "account_exists",
        Refusal::RateMissing(_) => "rate_missing",
        Refusal::RateStale(_) => "rate_stale",
        Refusal::RateOutOfOrder { .. } => "rate_out_of_order",
        Refusal::RateFromTheFuture(_) => "rate_from_the_future",
        Refusal::RateMovedTooFar { .. } => "rate_moved_too_far",
        Refusal::PriceInvalid(_) => "price_invalid",
        Refusal::RateNoLongerValid(_) => "rate_no_longer_valid",
        Refusal::PaymentNotFound => "payment_not_found",
        Refusal::TooManyTranches => "too_many_tranches",
        Refusal::PaymentTooLarge => "payment_too_large",
        Refusal::TooManyPendingRefunds => "too_many_pending_refunds",
        Refusal::ConsentMissing => "consent_missing",
        Refusal::CodeTaken => "code_taken",
        Refusal::ConsentExpiryInvalid => "consent_expiry_invalid",
        Refusal::MandateNotFound => "mandate_not_found",
        Refusal::PositionTooSmall { .. } => "position_too_small",
        Refusal::KeyReused { difference: Difference::Unlocated | Difference::Company, .. }
        | Refusal::MerchantExists
        | Refusal::WalletExists
        | Refusal::ApiKeyTaken
        | Refusal::AccountCurrencyMismatch { .. }
        | Refusal::PaymentCurrencyMismatch { .. }
        | Refusal::QuoteTokenInvalid
        | Refusal::Card(CardRefusal::NotTaken)
        | Refusal::Card(CardRefusal::NotFound)
        | Refusal::Card(CardRefusal::Exists { .. })
        | Refusal::Card(CardRefusal::CurrencyMismatch { .. })
        | Refusal::Card(CardRefusal::NotTogether)
        | Refusal::Card(CardRefusal::NotIncreased)
        | Refusal::Card(CardRefusal::LineFull)
        | Refusal::Card(CardRefusal::NoOpenRequest)
        | Refusal::Card(CardRefusal::InUse)
        | Refusal::Card(CardRefusal::ReceivableTooSmall { .. })
        | Refusal::OutOfSequence => panic!("no step is refused {refusal:?}"),
    };
    text.to_owned()
}
