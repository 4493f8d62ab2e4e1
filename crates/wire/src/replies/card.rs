//! What is to be known of a payment's card.

use domain::{
    AuthorizePayment, CardAnswer, CardFace, CardToken, Command, Event, Offer, PaymentPending, Record, TraceNumbers,
};

use super::{Names, money, timestamp};
use crate::v1;

/// What the record that asked the issuer tells; `None` of a payment that is not by card.
pub(super) fn asked(authorize: &Record, command: &AuthorizePayment, names: &dyn Names) -> Option<v1::CardPayment> {
    let token = command.consent.card()?;
    let face = names.card(token);
    let card = v1::CardPayment {
        card_token: token.to_string(),
        scheme: face.map(|face| face.scheme.as_str().to_owned()).unwrap_or_default(),
        bin: face.map(|face| face.bin.to_string()).unwrap_or_default(),
        last_four: face.map(|face| face.last_four.to_string()).unwrap_or_default(),
        converter: command.offer.as_ref().map_or(v1::CardConverter::Unspecified, converter).into(),
        ..v1::CardPayment::default()
    };
    let Event::PaymentPending(pending) = &authorize.event else { return Some(card) };
    let trace = TraceNumbers::of(authorize.lsn);
    Some(v1::CardPayment {
        payer_fee: fee(command, pending).map(money),
        answer_by_time: Some(timestamp(pending.answer_by)),
        trace_number: trace.stan(),
        retrieval_reference_number: trace.rrn(),
        ..card
    })
}

/// Who converts what the card is charged, by the offer its holder chose.
#[must_use]
pub fn converter(offer: &Offer) -> v1::CardConverter {
    match offer.payer.currency == offer.presentment_amount.currency() {
        true => v1::CardConverter::Scheme,
        false => v1::CardConverter::Switch,
    }
}

/// What to show beside the offers for a card, for its holder: what there is to choose, and who converts at which.
#[must_use]
pub fn offers_text(offers: &[v1::CardOffer]) -> String {
    let mut sentences = Vec::new();
    if offers.len() > 1 {
        sentences.push("You are free to choose the currency your card is charged in.".to_owned());
    }
    for quote in offers.iter().filter_map(|offer| offer.quote.as_ref()) {
        let Some(charged) = &quote.debit_amount else { continue };
        let code = &charged.currency_code;
        sentences.push(match &quote.conversion {
            None => format!("In {code}, your card's issuer converts, at its own rate and fees, which are not known here."),
            Some(conversion) => format!(
                "In {code}, the merchant's payment service converts, at the rate shown, with its markup over the rate of {}; this \
                 amount does not change.",
                conversion.rate_source
            ),
        });
    }
    sentences.join(" ")
}

/// The fee within what would be charged for all of it.
fn fee(command: &AuthorizePayment, pending: &PaymentPending) -> Option<money::Money> {
    let charged = pending.after.authorized.debit;
    let conversions = command.converted.present()?;
    let price = super::conversion::debit(&conversions.debit, command.presentment_amount)?;
    charged.checked_sub(price).ok()
}

/// Adds what the issuer's answer tells, or what the switch gave in its stead.
pub fn answered(payment: &mut v1::Payment, answered: &Record) {
    let (Command::AnswerCard(answer), Some(card)) = (&answered.command, &mut payment.card) else { return };
    card.answer_by_time = None;
    match &answer.answer {
        CardAnswer::Approved(approval) => {
            card.approval_code = approval.approval_code.to_string();
            card.response_code = approval.response_code.to_string();
            card.billing_amount = approval.billing.map(|billing| money(billing.amount));
            card.billing_rate = approval.billing.and_then(|billing| billing.rate).map(rate_text).unwrap_or_default();
        }
        CardAnswer::Declined { response_code, .. } | CardAnswer::Partial { response_code } => {
            card.response_code = response_code.to_string();
        }
        CardAnswer::NotSent => {
            card.stood_in = answered.event.is_approval();
            if card.stood_in {
                card.approval_code = domain::ApprovalCode::stand_in(answered.lsn).to_string();
            }
        }
    }
    if let Event::PaymentAuthorized(authorized) = &answered.event {
        payment.expire_time = Some(timestamp(authorized.expires_at));
    }
}

/// ISO 8583:1987 DE 10 as a decimal: the first of eight digits counts decimals from the right.
fn rate_text(rate: u32) -> String {
    let digits = format!("{rate:08}");
    let (decimals, digits) = digits.split_at(1);
    let decimals: usize = decimals.parse().unwrap_or_default();
    let whole = digits.len().saturating_sub(decimals);
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole_part, fraction) =
        if whole == 0 { padded.split_at(padded.len() - decimals) } else { digits.split_at(whole) };
    let whole_part = whole_part.trim_start_matches('0');
    let whole_part = if whole_part.is_empty() { "0" } else { whole_part };
    if fraction.is_empty() { whole_part.to_owned() } else { format!("{whole_part}.{fraction}") }
}

/// A card as its wallet operator sees it.
#[must_use]
pub fn card(
    token: CardToken,
    face: &CardFace,
    person: &str,
    billing: Option<money::Currency>,
    bound: bool,
) -> v1::Card {
    let state = if bound { v1::CardState::Bound } else { v1::CardState::Unbound };
    v1::Card {
        card_token: token.to_string(),
        person_id: person.to_owned(),
        scheme: face.scheme.as_str().to_owned(),
        bin: face.bin.to_string(),
        last_four: face.last_four.to_string(),
        billing_currency_code: billing.map(|currency| currency.code().to_owned()).unwrap_or_default(),
        state: state.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_counts_its_decimals_from_the_right() {
        for (sent, text) in
            [(71_503_108, "0.1503108"), (40_528_820, "52.8820"), (21_234_567, "12345.67"), (5, "5"), (71, "71")]
        {
            assert_eq!(rate_text(sent), text, "{sent}");
        }
        assert_eq!(rate_text(90_000_001), "0.000000001");
    }
}
