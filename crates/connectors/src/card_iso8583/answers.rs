//! What a network's answers say.

use domain::{ApprovalCode, CardAnswer, CardApproval, CardBilling, ResponseCode};
use iso8583::{
    Element, Message,
    field::{self, ConversionRate, Field},
    response,
};
use money::Money;

use super::messages::TraceKey;

/// An issuer's answer to a request (`0110`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IssuerAnswer {
    pub(crate) key: TraceKey,
    /// DE 4 in the currency of DE 49.
    pub(crate) amount: Money,
    pub(crate) answer: CardAnswer,
}

/// A network's answer to an advice (`0130`, `0230`, `0430`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AdviceAnswer {
    pub(crate) key: TraceKey,
    pub(crate) code: field::ResponseCode,
}

/// An answer without what makes it one: nothing can be concluded from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Garbage;

pub(crate) fn issuer_answer(message: &Message) -> Result<IssuerAnswer, Garbage> {
    let key = TraceKey::read(message).ok_or(Garbage)?;
    let amount = message.money(field::PRESENTMENT_AMOUNT).ok().flatten().ok_or(Garbage)?;
    let code = message.require(field::RESPONSE_CODE).map_err(|_| Garbage)?;
    let response_code = ResponseCode::new(code.as_str()).map_err(|_| Garbage)?;
    let answer = match code {
        field::ResponseCode::APPROVED => {
            let approval_code = approval_code(message).ok_or(Garbage)?;
            CardAnswer::Approved(CardApproval { response_code, approval_code, billing: billing(message) })
        }
        field::ResponseCode::APPROVED_IN_PART => CardAnswer::Partial { response_code },
        code => CardAnswer::Declined { response_code, reason: response::reason(code) },
    };
    Ok(IssuerAnswer { key, amount, answer })
}

pub(crate) fn advice_answer(message: &Message) -> Result<AdviceAnswer, Garbage> {
    let key = TraceKey::read(message).ok_or(Garbage)?;
    let code = message.require(field::RESPONSE_CODE).map_err(|_| Garbage)?;
    Ok(AdviceAnswer { key, code })
}

/// DE 38, unless it is blank.
fn approval_code(message: &Message) -> Option<ApprovalCode> {
    let code = message.require(field::APPROVAL_CODE).ok().filter(|code| !code.as_str().is_empty())?;
    ApprovalCode::new(&format!("{:<6}", code.as_str())).ok()
}

/// What the cardholder is billed. It informs: where it cannot be read, an approval is one without it.
fn billing(message: &Message) -> Option<CardBilling> {
    let amount = message.money(field::DEBIT_AMOUNT).ok().flatten().filter(|amount| amount.is_positive())?;
    Some(CardBilling { amount, rate: rate(message, field::DEBIT_RATE) })
}

fn rate(message: &Message, field: Field<ConversionRate>) -> Option<u32> {
    let element: Element = field.element();
    message.read(field).ok().flatten()?;
    message.text(element)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use domain::DeclineReason;
    use iso8583::Mti;
    use money::Currency;

    use super::*;

    fn answered(changes: &[(u8, Option<&str>)]) -> Result<IssuerAnswer, Garbage> {
        let mut message = Message::new(Mti::AUTHORIZATION_RESPONSE);
        let fields = [
            (4, "000000025750"),
            (7, "1126180203"),
            (11, "000005"),
            (37, "000000000005"),
            (38, "A1 2B "),
            (39, "00"),
            (49, "156"),
        ];
        for (number, text) in
            fields.into_iter().map(|(number, text)| (number, Some(text))).chain(changes.iter().copied())
        {
            match text {
                Some(text) => message.set(Element::of(number), text.as_bytes()),
                None => message.remove(Element::of(number)),
            }
        }
        issuer_answer(&message)
    }

    fn approval(changes: &[(u8, Option<&str>)]) -> CardApproval {
        match answered(changes).map(|answered| answered.answer) {
            Ok(CardAnswer::Approved(approval)) => approval,
            other => panic!("no approval: {other:?}"),
        }
    }

    #[test]
    fn an_approval_has_its_code_and_what_is_billed_where_that_is_whole() {
        let billed = [(6, Some("000000003871")), (10, Some("71503108")), (51, Some("840"))];
        let amount = Money::new(Currency::USD, 3_871);
        let all = approval(&billed);
        assert_eq!((all.response_code.as_str(), all.approval_code.as_str()), ("00", "A1 2B "));
        assert_eq!(all.billing, Some(CardBilling { amount, rate: Some(71_503_108) }));
        for (changes, billing) in [
            (vec![], None),
            (vec![billed[0], billed[2]], Some(CardBilling { amount, rate: None })),
            (vec![billed[0], (10, Some("x1503108")), billed[2]], Some(CardBilling { amount, rate: None })),
            (vec![billed[0], billed[1]], None),
            (vec![billed[1], billed[2]], None),
            (vec![billed[0], (51, Some("999"))], None),
            (vec![(6, Some("000000000000")), billed[2]], None),
        ] {
            assert_eq!(approval(&changes).billing, billing, "{changes:?}");
        }
    }

    #[test]
    fn a_no_has_its_reason() {
        for (code, reason) in [("51", DeclineReason::CardFunds), ("Z9", DeclineReason::IssuerDeclined)] {
            let response_code = ResponseCode::new(code).unwrap();
            let answer = answered(&[(38, None), (39, Some(code))]).map(|answered| answered.answer);
            assert_eq!(answer, Ok(CardAnswer::Declined { response_code, reason }));
        }
        let partial = answered(&[(4, Some("000000000001")), (39, Some("10"))]).unwrap();
        assert_eq!(partial.answer, CardAnswer::Partial { response_code: ResponseCode::new("10").unwrap() });
        assert_eq!(partial.amount, Money::new(Currency::CNY, 1));
    }

    #[test]
    fn what_is_not_whole_is_garbage() {
        for number in [4, 7, 11, 37, 38, 39, 49] {
            assert_eq!(answered(&[(number, None)]), Err(Garbage), "DE {number}");
        }
        for (number, text) in [(38, "      "), (39, "0"), (49, "999"), (4, "00000002575x"), (7, "1326180203")] {
            assert_eq!(answered(&[(number, Some(text))]), Err(Garbage), "DE {number} {text}");
        }
    }
}
