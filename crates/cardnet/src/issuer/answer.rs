//! Answers, element by element.

use iso8583::field::{self, AdditionalAmount, AdditionalAmounts, Amount, ResponseCode, Sign, TwoDigits};
use iso8583::{Element, Function, Message};
use money::Money;

use super::Reply;
use crate::billing::Billed;

/// What an answer repeats of what it answers: by these its reader finds what it is about.
const ECHOED: [u8; 13] = [2, 3, 4, 7, 11, 32, 33, 37, 41, 42, 49, 70, 90];

/// DE 54: which account is not said.
const ANY_ACCOUNT: TwoDigits = two_digits(0);
/// DE 54: the amount that was asked. Networks differ; this is one of the numbers in use.
const ORIGINAL_AMOUNT: TwoDigits = two_digits(57);

const fn two_digits(number: u8) -> TwoDigits {
    TwoDigits::new(number).expect("below a hundred")
}

/// The answer to a request or an advice.
pub(super) fn to(message: &Message, reply: Reply) -> Message {
    let mti = message.mti().response().expect("only what has an answer is answered");
    let mut answer = Message::new(mti);
    for element in ECHOED.map(Element::of) {
        if let Some(value) = message.get(element) {
            answer.set(element, value);
        }
    }
    match reply {
        Reply::Code(code) => answer.write(field::RESPONSE_CODE, &code),
        Reply::Approved { amount, approval_code } => {
            // An advice asks for nothing, so it is only acknowledged.
            if mti.function() == Function::Response {
                answer.write(field::APPROVAL_CODE, &approval_code);
                approve(&mut answer, amount);
            } else {
                answer.write(field::RESPONSE_CODE, &ResponseCode::APPROVED);
            }
        }
    }
    answer
}

/// Approves an amount; where more was asked, with DE 54 that tells what.
fn approve(answer: &mut Message, amount: Money) {
    let (approved, currency) = (of(amount), amount.currency());
    let asked = answer.read(field::PRESENTMENT_AMOUNT.amount()).ok().flatten().unwrap_or(approved);
    if asked == approved {
        return answer.write(field::RESPONSE_CODE, &ResponseCode::APPROVED);
    }
    answer.write(field::RESPONSE_CODE, &ResponseCode::APPROVED_IN_PART);
    answer.write(field::PRESENTMENT_AMOUNT.amount(), &approved);
    let original = AdditionalAmount {
        account_type: ANY_ACCOUNT,
        amount_type: ORIGINAL_AMOUNT,
        currency,
        sign: Sign::Debit,
        amount: asked,
    };
    answer.write(field::ADDITIONAL_AMOUNTS, &AdditionalAmounts::new(vec![original]).expect("one amount"));
}

/// Tells what the card is billed (ISO 8583:1987 DE 6, 10, 51).
pub(super) fn bill(answer: &mut Message, billed: Billed) {
    answer.write(field::DEBIT_AMOUNT.amount(), &of(billed.amount));
    answer.write(field::DEBIT_AMOUNT.currency(), &billed.amount.currency());
    if let Some(rate) = billed.rate {
        answer.write(field::DEBIT_RATE, &rate);
    }
}

/// One minor unit more in DE 4 than was asked, or 1 where there is no more.
pub(super) fn falsify_amount(answer: &mut Message) {
    let Ok(Some(amount)) = answer.money(field::PRESENTMENT_AMOUNT) else { return };
    let one = Money::new(amount.currency(), 1);
    let more = amount.checked_add(one).ok().and_then(|more| Amount::of(more).ok());
    answer.write(field::PRESENTMENT_AMOUNT.amount(), &more.unwrap_or(of(one)));
}

fn of(amount: Money) -> Amount {
    Amount::of(amount).expect("not negative, and of twelve digits: it was read as such, or checked when it was converted")
}
