//! The tour in words.

use wire::v1::Payment;

use super::{AMOUNT, CAPTURES, MERCHANT, PAYER, PAYER_WITHOUT_FUNDS, REFUND, Tour};
use crate::commands::{payment, rates, status};
use crate::render::{BAD, FAINT, GOOD, HEADING, STRONG, paint};
use crate::words;

/// The tour in sections.
pub(super) fn text(tour: &Tour) -> String {
    let approved = tour.approved.payment.clone().unwrap_or_default();
    let declined = tour.declined.payment.clone().unwrap_or_default();
    let repeated = tour.repeated.payment.clone().unwrap_or_default();
    let sections = [
        section(
            "1. Rates",
            "What one unit of the merchant's currency costs in the payer's, at mid.",
            &rates::text(&tour.rates),
        ),
        section(
            "2. A payment in two currencies",
            &format!("{PAYER} has an HKD wallet; {MERCHANT} asks for {AMOUNT}."),
            &payment::text(&approved),
        ),
        section(
            "3. Its postings",
            "Each moves one amount from one account to another in one currency, so\n  books that do not balance cannot be written.",
            &payment::postings_text(&approved.postings),
        ),
        section(
            "4. A decline",
            &format!("{PAYER_WITHOUT_FUNDS} is asked for more than there is: recorded, and nothing moves."),
            &payment::text(&declined),
        ),
        section(
            "5. A repeat",
            "The request of step 2 once more with the same idempotency key, as after a\n  lost connection: the recorded answer comes back and nothing moves twice.",
            &repeat(tour, &approved, &repeated),
        ),
        section(
            "6. A hold",
            &format!(
                "{MERCHANT} will charge when the goods are sent. Nothing moves; {PAYER}\n  can spend less by what is held."
            ),
            &hold(tour),
        ),
        section(
            "7. Its capture in two parts",
            &format!(
                "{} and {}: each part posts the change of what all parts\n  together cost, so that they sum to the whole.",
                CAPTURES[0], CAPTURES[1]
            ),
            &captures(tour),
        ),
        section(
            "8. A refund",
            &format!(
                "{REFUND} are given back at the payment's own rate, margin and discount\n  on that part included."
            ),
            &refund(tour),
        ),
        section(
            "9. The trial balance",
            "All accounts of the switch: every currency sums to zero.",
            &status::trial_balance(&tour.status.trial_balance),
        ),
    ];
    sections.join("\n")
}

fn section(title: &str, introduction: &str, body: &str) -> String {
    format!("{}\n  {introduction}\n\n{body}", paint(HEADING, title))
}

fn repeat(tour: &Tour, approved: &Payment, repeated: &Payment) -> String {
    let same_answer = tour.approved == tour.repeated;
    let same_balance = tour.balance_before_repeat == tour.balance_after_repeat;
    let verdict = |holds: bool| if holds { paint(GOOD, "the same") } else { paint(BAD, "NOT THE SAME") };
    let before = words::amount(Some(&tour.balance_before_repeat));
    let after = words::amount(Some(&tour.balance_after_repeat));
    format!(
        "  first   payment {}, lsn {}\n  repeat  payment {}, lsn {}  {}\n  balance of {PAYER}: {before} before, {after} after  {}\n",
        approved.payment_id,
        approved.lsn,
        repeated.payment_id,
        repeated.lsn,
        verdict(same_answer),
        verdict(same_balance),
    )
}

fn hold(tour: &Tour) -> String {
    let authorized = tour.authorized.payment.as_ref().map(payment::text).unwrap_or_default();
    let before = words::amount(Some(&tour.balance_after_repeat));
    let after = words::amount(Some(&tour.balance_while_held));
    format!("{authorized}  available to {PAYER}: {before} before, {after} after\n")
}

fn captures(tour: &Tour) -> String {
    let mut text = String::new();
    for (reply, amount) in tour.captured.iter().zip(CAPTURES) {
        let Some(payment) = &reply.payment else { continue };
        text += &format!("  {}\n{}", paint(STRONG, amount), payment::postings_text(&payment.postings));
    }
    let debits = tour.captured.each_ref().map(|reply| {
        let captured = reply.payment.as_ref().and_then(|payment| payment.captured.as_ref());
        words::amount(captured.and_then(|captured| captured.debit.as_ref()))
    });
    let whole = tour.approved.payment.as_ref().and_then(|payment| payment.debit_amount.as_ref());
    let verdict =
        if words::amount(whole) == debits[1] { paint(GOOD, "the same") } else { paint(FAINT, "at another rate") };
    text += &format!("  the payer paid {} with the first part, {} with both;\n", debits[0], debits[1]);
    text + &format!("  in step 2 at once: {}  {verdict}\n", words::amount(whole))
}

fn refund(tour: &Tour) -> String {
    let Some(refund) = &tour.refunded.refund else { return String::new() };
    let postings = payment::postings_text(&refund.postings);
    format!("{}\n{postings}", payment::refund_text(refund, tour.refunded.payment.as_ref()))
}
