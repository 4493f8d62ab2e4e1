//! Messages of a card network, as a connector writes them.

use iso8583::{
    Element, Message, Mti,
    field::{self, AcceptorId, AcceptorName, InstitutionId, Rrn, Stan, TerminalId, TransmissionTime},
};
use money::{Currency, Money};

/// Trace numbers have six digits, and are not zero.
const STANS: u64 = 999_999;

/// A request (`0100`) of CNY 1.00 for this card, with all the elements that a request of the switch has. Requests of different
/// numbers have different traces.
///
/// # Panics
/// From number 1,440 million on: the traces of a day are used up.
#[must_use]
pub fn card_request(card: &str, number: u64) -> Message {
    let part = |number: u64| u8::try_from(number).expect("a part of a time");
    let (stan, minutes) = (number % STANS + 1, number / STANS);
    let stan = u32::try_from(stan).ok().and_then(Stan::new).expect("six digits");
    let sent_at = TransmissionTime::new(11, 26, part(minutes / 60), part(minutes % 60), 0).expect("a day has hours");
    let mut message = Message::new(Mti::AUTHORIZATION_REQUEST);
    message.set(Element::of(2), card.as_bytes());
    message.write(field::PROCESSING_CODE, &field::ProcessingCode::PURCHASE);
    message.set_money(field::PRESENTMENT_AMOUNT, Money::new(Currency::CNY, 100)).expect("twelve digits");
    message.write(field::TRANSMISSION_TIME, &sent_at);
    message.write(field::STAN, &stan);
    message.set(Element::of(14), b"3012");
    message.set(Element::of(18), b"5999");
    message.set(Element::of(22), b"010");
    message.write(field::ACQUIRER, &InstitutionId::new(47_110_815).expect("eight digits"));
    message.write(field::RRN, &Rrn::new(&format!("{number:012}")).expect("twelve digits"));
    message.write(field::TERMINAL_ID, &TerminalId::new("SANDBOX1").expect("eight letters"));
    message.write(field::ACCEPTOR_ID, &AcceptorId::new("000000000000000").expect("fifteen digits"));
    let name = format!("{:<24} BEIJING      CN", "demo-cafe");
    message.write(field::ACCEPTOR_NAME, &AcceptorName::new(&name).expect("forty letters"));
    message
}

/// The approval (`0110`) that a network gives it, with what the card is billed in another currency.
///
/// # Panics
/// When what is answered is no request.
#[must_use]
pub fn card_approval(request: &Message) -> Message {
    let mut message = Message::new(request.mti().response().expect("a request has an answer"));
    for element in [2, 3, 4, 7, 11, 32, 37, 41, 42, 49].map(Element::of) {
        message.set(element, request.get(element).expect("a request has it"));
    }
    message.write(field::APPROVAL_CODE, &field::ApprovalCode::new("000001").expect("six digits"));
    message.write(field::RESPONSE_CODE, &field::ResponseCode::APPROVED);
    message.set_money(field::DEBIT_AMOUNT, Money::new(Currency::USD, 15)).expect("twelve digits");
    message.set(field::DEBIT_RATE.element(), b"71503108");
    message
}

/// Sixteen digits with the right check digit (ISO/IEC 7812-1), of a range from which payment providers print test numbers.
///
/// # Panics
/// From number one thousand million on.
#[must_use]
pub fn test_card(number: u32) -> String {
    assert!(number < 1_000_000_000, "nine digits are free");
    let digits = format!("424242{number:09}");
    let sum: u32 = digits
        .bytes()
        .rev()
        .zip([2, 1].into_iter().cycle())
        .map(|(digit, weight)| {
            let weighted = u32::from(digit - b'0') * weight;
            weighted / 10 + weighted % 10
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_digit_is_that_of_the_printed_number() {
        assert_eq!(test_card(424_242_424), "4242424242424242");
    }

    #[test]
    fn a_request_and_its_approval_are_read_again() {
        let request = card_request(&test_card(0), 12_345_678);
        for message in [card_approval(&request), request] {
            let bytes = iso8583::encode(&iso8583::Spec::BCD, &message).unwrap();
            assert_eq!(iso8583::decode(&iso8583::Spec::BCD, &bytes).unwrap(), message);
        }
    }
}
