//! Payments, and what happened to them.

use std::collections::BTreeSet;

use domain::{
    AuthorizePayment, CaptureMode, Command, Consent, Decline, Event, PaymentAmount, PaymentId, PaymentState,
    PaymentTotals, Posting, Record,
};

use super::{
    Names, account_reference, card, conversion, decline_reason, decline_text, merchant_name, money, posting, timestamp,
};
use crate::v1;

/// A payment right after `latest`: what was asked and how it converts is in the record that decided it, how much of it
/// is where in the latest that changed it. The two may be one. `None` when they are not of one payment, or when the
/// latest does not say where the payment stands: see [`totals`] and [`payment_after`].
#[must_use]
pub fn payment(authorize: &Record, latest: &Record, names: &dyn Names) -> Option<v1::Payment> {
    let Command::AuthorizePayment(command) = &authorize.command else { return None };
    if let Event::AttemptDeclined(declined) = &latest.event {
        if latest.command.payment_id() != Some(command.payment_id) {
            return None;
        }
        let decline = Decline { reason: declined.reason, paid_by: None };
        let mut payment = with_decline(asked(authorize, latest, command, names), &decline);
        // With the payer's fee, as it was told while the issuer was asked.
        if let Some(pending) = effect(&authorize.event).and_then(|effect| effect.after) {
            payment.debit_amount = Some(money(pending.authorized.debit));
        }
        card::answered(&mut payment, latest);
        return Some(payment);
    }
    match authorize.event.decline() {
        Some(decline) if authorize.lsn == latest.lsn => {
            let declined = with_decline(asked(authorize, latest, command, names), decline);
            // The fee of a payment by card is known once its issuer may be asked.
            let debit_amount = declined.debit_amount.filter(|_| declined.card.is_none());
            Some(v1::Payment { debit_amount, ..declined })
        }
        Some(_) => None,
        None => payment_after(authorize, latest, &totals(latest, command.payment_id)?, names),
    }
}

/// The same for a record that does not say where the payment stands: one that priced its refund, or that declined a
/// later request. `totals` are those of the last record that did. `None` when the records are not of one payment, or it
/// was declined.
#[must_use]
pub fn payment_after(
    authorize: &Record,
    latest: &Record,
    totals: &PaymentTotals,
    names: &dyn Names,
) -> Option<v1::Payment> {
    let Command::AuthorizePayment(command) = &authorize.command else { return None };
    if !payment_ids(latest).contains(&command.payment_id) {
        return None;
    }
    let at_first = effect(&authorize.event)?.after?.authorized;
    let expires_at = if let Event::PaymentAuthorized(held) = &authorize.event { Some(held.expires_at) } else { None };
    let conversions = command.converted.present()?;
    let gross = conversion::gross(&conversions.settlement, command.presentment_amount)?;
    let PaymentTotals { state, authorized, captured, refunded, held } = totals;
    let mut payment = v1::Payment {
        state: payment_state(*state).into(),
        settlement_amount: Some(money(at_first.settlement)),
        // A discount of nothing is shown as well: it was taken and came to nothing.
        merchant_discount: gross.checked_sub(at_first.settlement).ok().map(money),
        postings: postings(latest, command.payment_id).map(|one| posting(one, names)).collect(),
        authorized: Some(amount(authorized)),
        captured: Some(amount(captured)),
        refunded: Some(amount(refunded)),
        held_amount: Some(money(*held)),
        expire_time: expires_at.map(timestamp),
        ..asked(authorize, latest, command, names)
    };
    if payment.card.is_some() {
        // With the payer's fee, which no conversion tells.
        payment.debit_amount = Some(money(at_first.debit));
    }
    card::answered(&mut payment, latest);
    Some(payment)
}

/// Where this record left the payment, if it says so.
#[must_use]
pub fn totals(record: &Record, payment_id: PaymentId) -> Option<PaymentTotals> {
    if let Event::HoldsExpired(holds) = &record.event {
        return holds.iter().rfind(|hold| hold.payment_id == payment_id).map(|hold| hold.after);
    }
    if payment_ids(record).contains(&payment_id) { effect(&record.event)?.after } else { None }
}

/// The payments this record is of, each once, in the record's order; none of one that decided several together, whose
/// [parts](Record::parts) are of one each.
#[must_use]
pub fn payment_ids(record: &Record) -> Vec<PaymentId> {
    let mut ids: Vec<PaymentId> = match (&record.event, &record.command) {
        (Event::HoldsExpired(holds), _) => holds.iter().map(|hold| hold.payment_id).collect(),
        (Event::RefundsPriced(refunds), _) => refunds.iter().map(|refund| refund.payment_id).collect(),
        (_, Command::AuthorizePayment(command)) => vec![command.payment_id],
        (_, Command::CapturePayment(command)) => vec![command.payment_id],
        (_, Command::VoidPayment(command)) => vec![command.payment_id],
        (_, Command::RefundPayment(command)) => vec![command.payment_id],
        (_, Command::IncreaseAuthorization(command)) => vec![command.payment_id],
        (_, Command::AnswerCard(command)) => vec![command.payment_id],
        (_, Command::TimeOutCard(payment_id)) => vec![*payment_id],
        _ => Vec::new(),
    };
    // Several refunds of one payment may be priced at once.
    let mut seen = BTreeSet::new();
    ids.retain(|id| seen.insert(*id));
    ids
}

/// What this record did to each payment it is of, or `None` when it is of no payment.
#[must_use]
pub fn event_kind(record: &Record) -> Option<v1::PaymentEventKind> {
    let kind = effect(&record.event)?.kind;
    (!payment_ids(record).is_empty()).then_some(kind)
}

/// What an event says of a payment.
pub(super) struct Effect<'a> {
    kind: v1::PaymentEventKind,
    /// Where it left the payment; `None` when it does not say, or speaks of several.
    pub(super) after: Option<PaymentTotals>,
    /// What moved; of an event that speaks of several, nothing.
    pub(super) postings: &'a [Posting],
}

pub(super) fn effect(event: &Event) -> Option<Effect<'_>> {
    let (kind, after, postings): (_, _, &[Posting]) = match event {
        Event::PaymentCaptured(event) => (v1::PaymentEventKind::Captured, Some(event.after), &event.postings),
        Event::PaymentAuthorized(event) => (v1::PaymentEventKind::Authorized, Some(event.after), &[]),
        Event::PaymentVoided(after) => (v1::PaymentEventKind::Voided, Some(*after), &[]),
        Event::PaymentRefunded(event) => (v1::PaymentEventKind::Refunded, Some(event.after), &event.postings),
        Event::RefundPending(event) => (v1::PaymentEventKind::RefundPending, Some(event.after), &event.postings),
        Event::AuthorizationIncreased(event) => (v1::PaymentEventKind::Increased, Some(event.after), &[]),
        Event::HoldsExpired(_) => (v1::PaymentEventKind::Expired, None, &[]),
        Event::RefundsPriced(_) => (v1::PaymentEventKind::RefundPriced, None, &[]),
        Event::Declined(_) => (v1::PaymentEventKind::Declined, None, &[]),
        Event::PaymentPending(event) => (v1::PaymentEventKind::Pending, Some(event.after), &[]),
        Event::AttemptDeclined(event) => (v1::PaymentEventKind::Declined, Some(event.after), &[]),
        Event::SwitchInitialized
        | Event::PolicyInstalled
        | Event::WalletRegistered(_)
        | Event::MerchantRegistered(_)
        | Event::RatesPublished(_)
        | Event::AccountOpened(_)
        | Event::AccountClosed
        | Event::FundsMoved { .. }
        | Event::AccountFrozen
        | Event::AccountUnfrozen
        | Event::CodeIssued { .. }
        | Event::OrderApproved
        | Event::MandateGranted
        | Event::MandateRevoked
        | Event::ReserveFunded(_)
        | Event::PaidOut(_)
        | Event::PositionSquared(_)
        | Event::AuthorizedTogether(_)
        | Event::DeclinedTogether(_)
        | Event::PersonAsserted
        | Event::CardBound
        | Event::CardRenewed(_)
        | Event::CardUnbound
        | Event::AdviceAcknowledged
        | Event::SchemeSettled(_) => return None,
    };
    Some(Effect { kind, after, postings })
}

/// The published state; its number is the stored one.
#[must_use]
pub const fn payment_state(state: PaymentState) -> v1::PaymentState {
    match state {
        PaymentState::Captured => v1::PaymentState::Captured,
        PaymentState::Declined => v1::PaymentState::Declined,
        PaymentState::Authorized => v1::PaymentState::Authorized,
        PaymentState::PartiallyCaptured => v1::PaymentState::PartiallyCaptured,
        PaymentState::Voided => v1::PaymentState::Voided,
        PaymentState::Expired => v1::PaymentState::Expired,
        PaymentState::PartiallyRefunded => v1::PaymentState::PartiallyRefunded,
        PaymentState::Refunded => v1::PaymentState::Refunded,
        PaymentState::Pending => v1::PaymentState::Pending,
    }
}

/// What is the same for every answer: who asked what of whom, and how it converts.
fn asked(authorize: &Record, latest: &Record, command: &AuthorizePayment, names: &dyn Names) -> v1::Payment {
    let presentment = command.presentment_amount;
    let payer = command.payer.present().copied();
    let conversions = command.converted.present();
    v1::Payment {
        payment_id: command.payment_id.to_string(),
        merchant_id: merchant_name(names, command.merchant),
        merchant_order_id: command.merchant_order_id.to_string(),
        payer: payer.filter(|payer| payer.scheme().is_none()).map(|payer| account_reference(names, payer)),
        card: card::asked(authorize, command, names),
        presentment_amount: Some(money(presentment)),
        debit_amount: conversions.and_then(|of| conversion::debit(&of.debit, presentment)).map(money),
        conversion: conversions.and_then(|of| conversion::towards_payer(&of.debit, authorize.at)),
        settlement_conversion: conversions
            .and_then(|of| conversion::towards_merchant(&of.settlement, presentment, authorize.at)),
        create_time: Some(timestamp(authorize.at)),
        update_time: Some(timestamp(latest.at)),
        lsn: latest.lsn.get(),
        capture_mode: capture_mode(command.capture_mode).into(),
        consent: consent_kind(command.consent).into(),
        quote_id: command.offer.as_ref().map(|offer| offer.quote_id.to_string()).unwrap_or_default(),
        ..v1::Payment::default()
    }
}

/// The published mode.
pub(super) const fn capture_mode(mode: CaptureMode) -> v1::CaptureMode {
    match mode {
        CaptureMode::Automatic => v1::CaptureMode::Automatic,
        CaptureMode::Manual => v1::CaptureMode::Manual,
    }
}

/// The published kind.
pub(super) const fn consent_kind(consent: Consent) -> v1::ConsentKind {
    match consent {
        Consent::PayerNamed => v1::ConsentKind::PayerNamed,
        Consent::Code(_) => v1::ConsentKind::PayerCode,
        Consent::OrderApproved => v1::ConsentKind::OrderApproved,
        Consent::Mandate(_) => v1::ConsentKind::Mandate,
        Consent::Card(_) => v1::ConsentKind::Card,
        Consent::CardOrderApproved(_) => v1::ConsentKind::CardOrderApproved,
    }
}

fn with_decline(asked: v1::Payment, decline: &Decline) -> v1::Payment {
    v1::Payment {
        state: v1::PaymentState::Declined.into(),
        decline_reason: decline_reason(decline.reason).into(),
        payer_text: decline_text::payer_text(decline.reason).to_owned(),
        merchant_text: decline_text::merchant_text(decline.reason).to_owned(),
        paid_by_payment_id: decline.paid_by.map(|payment| payment.to_string()).unwrap_or_default(),
        ..asked
    }
}

fn amount(amount: &PaymentAmount) -> v1::PaymentAmount {
    let PaymentAmount { presentment, debit, settlement } = amount;
    v1::PaymentAmount {
        presentment: Some(money(*presentment)),
        debit: Some(money(*debit)),
        settlement: Some(money(*settlement)),
    }
}

/// What this record moved for the payment.
fn postings(record: &Record, payment_id: PaymentId) -> impl Iterator<Item = &Posting> {
    let refunds = if let Event::RefundsPriced(refunds) = &record.event { refunds.as_slice() } else { &[] };
    let of_one = effect(&record.event).map_or(&[][..], |effect| effect.postings);
    let of_many = refunds.iter().filter(move |refund| refund.payment_id == payment_id);
    of_one.iter().chain(of_many.flat_map(|refund| &refund.postings))
}
