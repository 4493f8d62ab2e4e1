//! What a payment by card rested on.

use domain::{
    AcknowledgeAdvice, AnswerCard, BindCard, CardLimits, CardMessageKind, CardToken, Command, Event, PaymentId,
    PersonTier, Record, Standing, StandingPerson, Undo,
};

use super::super::line::{answer_text, counted_text, fee_text, moment};
use super::super::reading::Ledger;

/// Whether the record says that a network has taken an advice of the payment.
pub(super) fn is_advice_of(ledger: &Ledger, record: &Record, payment: PaymentId) -> bool {
    let Command::AcknowledgeAdvice(AcknowledgeAdvice { advice }) = record.command else { return false };
    ledger.engine.card_message(advice).is_some_and(|message| message.payment_id == payment)
}

/// The card, its person, and the limits that count.
pub(super) fn charged(ledger: &Ledger, token: CardToken, rests_on: &mut Vec<(&'static str, String)>) {
    rests_on.push(("card", format!("{}, token {token}", ledger.names.card(token))));
    let Some(bound) = ledger.names.bound(token) else { return };
    let name = ledger.names.person(bound.wallet, &bound.person);
    let person = ledger.engine.standing().find_map(|standing| called(standing, bound));
    let tier = person.as_ref().map_or(PersonTier::Unverified, |person| person.asserted.tier);
    rests_on.push(("person", format!("{name}, {}", tier.as_str())));
    let rules = ledger.engine.policy().and_then(|policy| policy.cards.as_ref());
    if let Some(CardLimits { payment, year }) = rules.map(|rules| rules.limits(tier)) {
        rests_on.push(("limits", format!("{} a payment, {} a year", payment.grouped(), year.grouped())));
    }
    let before = person.and_then(|person| person.used).map(|(year, used)| format!("{} in {year}", used.grouped()));
    rests_on.push(("counted before", before.unwrap_or_else(|| "nothing".to_owned())));
}

/// The person a card was bound to, if this is that one.
fn called(standing: Standing, bound: &BindCard) -> Option<StandingPerson> {
    let Standing::Person(person) = standing else { return None };
    (person.asserted.wallet == bound.wallet && person.asserted.person == bound.person).then_some(person)
}

/// What a record said of a payment's card beside what was asked.
pub(super) fn told(ledger: &Ledger, record: &Record, rests_on: &mut Vec<(&'static str, String)>) {
    match (&record.command, &record.event) {
        (Command::AuthorizePayment(_), Event::PaymentPending(pending)) => {
            rests_on.push(("payer's fee", fee_text(pending.fee)));
            rests_on.push(("counts", counted_text(&pending.counted)));
            rests_on.push(("answer by", moment(pending.answer_by).replace('T', " ")));
        }
        (Command::AnswerCard(answer), event) => answered(answer, event, record, rests_on),
        (Command::TimeOutCard(_), _) => rests_on.push(("issuer", "did not answer in time".to_owned())),
        (Command::AcknowledgeAdvice(AcknowledgeAdvice { advice }), _) => {
            if let Some(message) = ledger.engine.card_message(*advice) {
                rests_on.push(("advice", format!("{}, {}", advice_text(message.kind), message.amount.grouped())));
            }
        }
        _ => {}
    }
}

fn answered(answer: &AnswerCard, event: &Event, record: &Record, rests_on: &mut Vec<(&'static str, String)>) {
    rests_on.push(("answer", answer_text(answer, event, record.lsn)));
    if let Event::AttemptDeclined(ended) = event {
        let undone = match ended.undo {
            Undo::Nothing => "nothing is to be undone",
            Undo::Reversal => "the request is reversed",
        };
        rests_on.push(("declined", format!("{}; {undone}", ended.reason.as_str())));
    }
}

const fn advice_text(kind: CardMessageKind) -> &'static str {
    match kind {
        CardMessageKind::Authorization { .. } => "the request",
        CardMessageKind::StandIn { .. } => "an approval in the issuer's stead",
        CardMessageKind::Capture { .. } => "what is captured",
        CardMessageKind::Refund { .. } => "what is given back",
        CardMessageKind::Reversal { .. } => "a reversal",
    }
}
