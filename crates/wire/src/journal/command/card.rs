//! Persons, cards, and what is heard from card networks.

use domain::{
    AcknowledgeAdvice, AnswerCard, ApprovalCode, AssertPerson, BindCard, CardAnswer, CardApproval, CardBilling,
    CardBin, CardFace, CardFingerprint, CardLimits, CardRenewed, CardRules, CardToken, CountedLimit, DocumentKind,
    Documents, FeeStep, LastFour, Lsn, OriginalMessage, PayerFee, PersonTier, ResponseCode, Scheme, SettleScheme,
    Timestamp, UnbindCard, WalletId,
};
use money::{Currency, Money};

use crate::{
    journal::{DecodeError, value},
    journal_v1::{self, answer_card::Answer},
};

pub(in crate::journal) fn write_person(command: &AssertPerson) -> journal_v1::AssertPerson {
    let AssertPerson { wallet, person, tier, documents } = command;
    journal_v1::AssertPerson {
        wallet: wallet.0,
        person: person.as_str().to_owned(),
        tier: tier.number().into(),
        documents: documents.iter().map(|kind| kind.number().into()).collect(),
    }
}

pub(in crate::journal) fn read_person(message: &journal_v1::AssertPerson) -> Result<AssertPerson, DecodeError> {
    let journal_v1::AssertPerson { wallet, person, tier, documents } = message;
    value::rising("assert_person.documents", documents, |kind| *kind)?;
    let mut kinds = Documents::default();
    for number in documents {
        kinds = kinds.with(numbered("assert_person.documents", *number, DocumentKind::from_number)?);
    }
    Ok(AssertPerson {
        wallet: WalletId(*wallet),
        person: value::name("assert_person.person", person)?,
        tier: numbered("assert_person.tier", *tier, PersonTier::from_number)?,
        documents: kinds,
    })
}

pub(super) fn write_bind(command: &BindCard) -> journal_v1::BindCard {
    let BindCard { wallet, person, token, card, billing_currency } = command;
    journal_v1::BindCard {
        wallet: wallet.0,
        person: person.as_str().to_owned(),
        token: token.bytes().to_vec(),
        card: Some(write_face(card)),
        billing_currency: billing_currency.map_or(0, value::number),
    }
}

pub(super) fn read_bind(message: &journal_v1::BindCard) -> Result<BindCard, DecodeError> {
    let journal_v1::BindCard { wallet, person, token, card, billing_currency } = message;
    Ok(BindCard {
        wallet: WalletId(*wallet),
        person: value::name("bind_card.person", person)?,
        token: self::token("bind_card.token", token)?,
        card: read_face("bind_card.card", card.as_ref())?,
        billing_currency: some_currency("bind_card.billing_currency", *billing_currency)?,
    })
}

pub(in crate::journal) fn write_face(card: &CardFace) -> journal_v1::CardFace {
    let CardFace { scheme, bin, last_four, fingerprint } = card;
    journal_v1::CardFace {
        scheme: scheme.number().into(),
        bin: bin.as_str().to_owned(),
        last_four: last_four.as_str().to_owned(),
        fingerprint: fingerprint.0.to_vec(),
    }
}

pub(in crate::journal) fn read_face(
    field: &'static str,
    message: Option<&journal_v1::CardFace>,
) -> Result<CardFace, DecodeError> {
    let journal_v1::CardFace { scheme, bin, last_four, fingerprint } = value::required(field, message)?;
    Ok(CardFace {
        scheme: self::scheme(field, *scheme)?,
        bin: CardBin::new(bin).map_err(|error| value::invalid(field, error))?,
        last_four: LastFour::new(last_four).map_err(|error| value::invalid(field, error))?,
        fingerprint: CardFingerprint(value::bytes(field, fingerprint)?),
    })
}

pub(in crate::journal) fn write_renewed(renewed: &CardRenewed) -> journal_v1::CardRenewed {
    let CardRenewed { token, billing_currency } = renewed;
    journal_v1::CardRenewed {
        token: token.bytes().to_vec(),
        billing_currency: billing_currency.map_or(0, value::number),
    }
}

pub(in crate::journal) fn read_renewed(message: &journal_v1::CardRenewed) -> Result<CardRenewed, DecodeError> {
    let journal_v1::CardRenewed { token, billing_currency } = message;
    Ok(CardRenewed {
        token: self::token("card_renewed.token", token)?,
        billing_currency: some_currency("card_renewed.billing_currency", *billing_currency)?,
    })
}

pub(super) fn write_unbind(command: &UnbindCard) -> journal_v1::UnbindCard {
    let UnbindCard { wallet, token } = command;
    journal_v1::UnbindCard { wallet: wallet.0, token: token.bytes().to_vec() }
}

pub(super) fn read_unbind(message: &journal_v1::UnbindCard) -> Result<UnbindCard, DecodeError> {
    let journal_v1::UnbindCard { wallet, token } = message;
    Ok(UnbindCard { wallet: WalletId(*wallet), token: self::token("unbind_card.token", token)? })
}

pub(super) fn write_answer(command: &AnswerCard) -> journal_v1::AnswerCard {
    let AnswerCard { payment_id, request, answer } = command;
    let answer = match answer {
        CardAnswer::Approved(approval) => Answer::Approved(write_approval(approval)),
        CardAnswer::Declined { response_code, reason } => Answer::Declined(journal_v1::CardDeclined {
            response_code: response_code.as_str().to_owned(),
            reason: reason.number().into(),
        }),
        CardAnswer::Partial { response_code } => {
            Answer::Partial(journal_v1::CardPartial { response_code: response_code.as_str().to_owned() })
        }
        CardAnswer::NotSent => Answer::NotSent(journal_v1::CardNotSent {}),
    };
    journal_v1::AnswerCard { payment_id: payment_id.bytes().to_vec(), request_lsn: request.get(), answer: Some(answer) }
}

pub(super) fn read_answer(message: &journal_v1::AnswerCard) -> Result<AnswerCard, DecodeError> {
    let journal_v1::AnswerCard { payment_id, request_lsn, answer } = message;
    Ok(AnswerCard {
        payment_id: value::payment_id("answer_card.payment_id", payment_id)?,
        request: Lsn::new(*request_lsn),
        answer: match value::required("answer_card.answer", answer.as_ref())? {
            Answer::Approved(approval) => CardAnswer::Approved(read_approval(approval)?),
            Answer::Declined(journal_v1::CardDeclined { response_code, reason }) => CardAnswer::Declined {
                response_code: self::response_code("answer_card.declined.response_code", response_code)?,
                reason: value::decline_reason("answer_card.declined.reason", *reason)?,
            },
            Answer::Partial(journal_v1::CardPartial { response_code }) => CardAnswer::Partial {
                response_code: self::response_code("answer_card.partial.response_code", response_code)?,
            },
            Answer::NotSent(journal_v1::CardNotSent {}) => CardAnswer::NotSent,
        },
    })
}

fn write_approval(approval: &CardApproval) -> journal_v1::CardApproval {
    let CardApproval { response_code, approval_code, billing } = approval;
    journal_v1::CardApproval {
        response_code: response_code.as_str().to_owned(),
        approval_code: approval_code.as_str().to_owned(),
        billing_currency: billing.map_or(0, |billing| value::number(billing.amount.currency())),
        billing_minor_units: billing.map_or(0, |billing| value::minor_units(billing.amount)),
        billing_rate: billing.and_then(|billing| billing.rate),
    }
}

fn read_approval(message: &journal_v1::CardApproval) -> Result<CardApproval, DecodeError> {
    let journal_v1::CardApproval { response_code, approval_code, billing_currency, billing_minor_units, billing_rate } =
        message;
    let billing =
        match (some_currency("answer_card.approved.billing_currency", *billing_currency)?, billing_minor_units) {
            (Some(currency), minor_units) => {
                Some(CardBilling { amount: Money::new(currency, (*minor_units).into()), rate: *billing_rate })
            }
            (None, 0) if billing_rate.is_none() => None,
            (None, minor_units) => {
                return Err(value::invalid("answer_card.approved.billing_minor_units", minor_units));
            }
        };
    Ok(CardApproval {
        response_code: self::response_code("answer_card.approved.response_code", response_code)?,
        approval_code: self::approval_code("answer_card.approved.approval_code", approval_code)?,
        billing,
    })
}

pub(super) const fn write_acknowledged(command: &AcknowledgeAdvice) -> journal_v1::AcknowledgeAdvice {
    journal_v1::AcknowledgeAdvice { advice_lsn: command.advice.get() }
}

pub(super) fn write_settle(command: &SettleScheme) -> journal_v1::SettleScheme {
    let SettleScheme { scheme, received, settled } = command;
    journal_v1::SettleScheme {
        scheme: scheme.number().into(),
        received_currency: value::number(received.currency()),
        received_minor_units: value::payable_minor_units(*received),
        settled_currency: value::number(settled.currency()),
        settled_minor_units: value::payable_minor_units(*settled),
    }
}

pub(super) fn read_settle(message: &journal_v1::SettleScheme) -> Result<SettleScheme, DecodeError> {
    let received = value::currency("settle_scheme.received_currency", message.received_currency)?;
    let settled = value::currency("settle_scheme.settled_currency", message.settled_currency)?;
    Ok(SettleScheme {
        scheme: scheme("settle_scheme.scheme", message.scheme)?,
        received: value::payable("settle_scheme.received_minor_units", received, message.received_minor_units)?,
        settled: value::payable("settle_scheme.settled_minor_units", settled, message.settled_minor_units)?,
    })
}

pub(super) fn write_rules(rules: &CardRules) -> journal_v1::CardRules {
    let CardRules { currency, fees, verified, unverified, persons_a_card_max, answer_ms, stand_in } = rules;
    journal_v1::CardRules {
        currency: value::number(*currency),
        fees: fees
            .iter()
            .map(|FeeStep { from, fee }| journal_v1::FeeStep { from_us: from.micros(), fee: Some(write_fee(fee)) })
            .collect(),
        verified: Some(write_limits(verified)),
        unverified: Some(write_limits(unverified)),
        persons_a_card_max: *persons_a_card_max,
        answer_ms: *answer_ms,
        stand_in: stand_in
            .iter()
            .map(|(scheme, max)| journal_v1::StandIn {
                scheme: scheme.number().into(),
                currency: value::number(max.currency()),
                charge_minor_units_max: value::minor_units(*max),
            })
            .collect(),
    }
}

pub(super) fn read_rules(message: &journal_v1::CardRules) -> Result<CardRules, DecodeError> {
    let journal_v1::CardRules { currency, fees, verified, unverified, persons_a_card_max, answer_ms, stand_in } =
        message;
    value::rising("install_policy.cards.stand_in", stand_in, |stand_in| stand_in.scheme)?;
    let step = |journal_v1::FeeStep { from_us, fee }: &journal_v1::FeeStep| {
        let fee = value::required("install_policy.cards.fees.fee", fee.as_ref())?;
        Ok(FeeStep { from: Timestamp::from_micros(*from_us), fee: read_fee(fee)? })
    };
    let stands_in = |message: &journal_v1::StandIn| {
        let journal_v1::StandIn { scheme, currency, charge_minor_units_max } = message;
        let currency = value::currency("install_policy.cards.stand_in.currency", *currency)?;
        let scheme = self::scheme("install_policy.cards.stand_in.scheme", *scheme)?;
        Ok((scheme, Money::new(currency, (*charge_minor_units_max).into())))
    };
    Ok(CardRules {
        currency: value::currency("install_policy.cards.currency", *currency)?,
        fees: fees.iter().map(step).collect::<Result<_, DecodeError>>()?,
        verified: read_limits("install_policy.cards.verified", verified.as_ref())?,
        unverified: read_limits("install_policy.cards.unverified", unverified.as_ref())?,
        persons_a_card_max: *persons_a_card_max,
        answer_ms: *answer_ms,
        stand_in: stand_in.iter().map(stands_in).collect::<Result<_, DecodeError>>()?,
    })
}

fn write_limits(limits: &CardLimits) -> journal_v1::CardLimits {
    let CardLimits { payment, year } = limits;
    assert!(payment.currency() == year.currency(), "limits are in one currency");
    journal_v1::CardLimits {
        currency: value::number(payment.currency()),
        payment_minor_units: value::minor_units(*payment),
        year_minor_units: value::minor_units(*year),
    }
}

fn read_limits(field: &'static str, message: Option<&journal_v1::CardLimits>) -> Result<CardLimits, DecodeError> {
    let journal_v1::CardLimits { currency, payment_minor_units, year_minor_units } = value::required(field, message)?;
    let currency = value::currency(field, *currency)?;
    Ok(CardLimits {
        payment: Money::new(currency, (*payment_minor_units).into()),
        year: Money::new(currency, (*year_minor_units).into()),
    })
}

pub(in crate::journal) fn write_fee(fee: &PayerFee) -> journal_v1::PayerFee {
    let PayerFee { free_up_to, ratio } = fee;
    journal_v1::PayerFee {
        currency: value::number(free_up_to.currency()),
        free_up_to_minor_units: value::minor_units(*free_up_to),
        ratio_millionths: ratio.millionths(),
    }
}

pub(in crate::journal) fn read_fee(message: &journal_v1::PayerFee) -> Result<PayerFee, DecodeError> {
    let journal_v1::PayerFee { currency, free_up_to_minor_units, ratio_millionths } = message;
    let currency = value::currency("payer_fee.currency", *currency)?;
    Ok(PayerFee {
        free_up_to: Money::new(currency, (*free_up_to_minor_units).into()),
        ratio: value::ratio("payer_fee.ratio_millionths", *ratio_millionths)?,
    })
}

pub(in crate::journal) fn write_counted(counted: &CountedLimit) -> journal_v1::CountedLimit {
    let CountedLimit { year, mid_rate, amount } = counted;
    let (mid_numerator, mid_denominator) = mid_rate.map(value::fraction).unwrap_or_default();
    journal_v1::CountedLimit {
        year: *year,
        mid_numerator,
        mid_denominator,
        currency: value::number(amount.currency()),
        minor_units: value::minor_units(*amount),
    }
}

pub(in crate::journal) fn read_counted(message: &journal_v1::CountedLimit) -> Result<CountedLimit, DecodeError> {
    let journal_v1::CountedLimit { year, mid_numerator, mid_denominator, currency, minor_units } = message;
    let currency = value::currency("counted_limit.currency", *currency)?;
    let mid_rate = match (mid_numerator.as_slice(), mid_denominator.as_slice()) {
        ([], []) => None,
        (numerator, denominator) => Some(value::exact_rate("counted_limit.mid_numerator", numerator, denominator)?),
    };
    Ok(CountedLimit { year: *year, mid_rate, amount: Money::new(currency, (*minor_units).into()) })
}

pub(in crate::journal) const fn write_original(original: &OriginalMessage) -> journal_v1::OriginalMessage {
    let OriginalMessage { lsn, at, stood_in } = original;
    journal_v1::OriginalMessage { lsn: lsn.get(), at_us: at.micros(), stood_in: *stood_in }
}

pub(in crate::journal) fn read_original(
    field: &'static str,
    message: Option<&journal_v1::OriginalMessage>,
) -> Result<OriginalMessage, DecodeError> {
    let journal_v1::OriginalMessage { lsn, at_us, stood_in } = value::required(field, message)?;
    Ok(OriginalMessage { lsn: Lsn::new(*lsn), at: Timestamp::from_micros(*at_us), stood_in: *stood_in })
}

pub(in crate::journal) fn scheme(field: &'static str, number: u32) -> Result<Scheme, DecodeError> {
    numbered(field, number, Scheme::from_number)
}

pub(in crate::journal) fn token(field: &'static str, bytes: &[u8]) -> Result<CardToken, DecodeError> {
    value::bytes(field, bytes).map(CardToken::from_bytes)
}

pub(in crate::journal) fn approval_code(field: &'static str, text: &str) -> Result<ApprovalCode, DecodeError> {
    ApprovalCode::new(text).map_err(|error| value::invalid(field, error))
}

fn response_code(field: &'static str, text: &str) -> Result<ResponseCode, DecodeError> {
    ResponseCode::new(text).map_err(|error| value::invalid(field, error))
}

/// A currency, of which 0 is none.
pub(in crate::journal) fn some_currency(field: &'static str, number: u32) -> Result<Option<Currency>, DecodeError> {
    if number == 0 { Ok(None) } else { value::currency(field, number).map(Some) }
}

fn numbered<T>(field: &'static str, number: u32, from: impl Fn(u8) -> Option<T>) -> Result<T, DecodeError> {
    u8::try_from(number).ok().and_then(from).ok_or_else(|| value::invalid(field, number))
}
