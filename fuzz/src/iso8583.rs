//! Bytes that may be a message of ISO 8583, or a stream of them: refused, or read as one that is written and read again the
//! same, with elements that are written as they were read; a stream is cut alike however it arrives.

use ::iso8583::field::{self, Field, Value};
use ::iso8583::{MESSAGE_BYTES_MAX, Message, Spec, decode, encode, frame::Deframer};

static SPECS: [Spec; 3] = [Spec::ASCII, Spec::EBCDIC, Spec::BCD];

/// Reads these bytes as a message of the spec that the first one chooses, and as a stream.
///
/// # Panics
/// When something does not hold that must.
pub fn run(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    check_stream(*choice, bytes);
    let spec = &SPECS[usize::from(*choice) % SPECS.len()];
    let message = match decode(spec, bytes) {
        Ok(message) => message,
        Err(error) => {
            assert!(error.offset <= bytes.len() && !error.to_string().is_empty());
            return;
        }
    };
    let written = match encode(spec, &message) {
        Ok(written) => written,
        Err(error) => panic!("it was read: {error}"),
    };
    assert!(written.len() <= bytes.len());
    assert_eq!(decode(spec, &written).as_ref(), Ok(&message));
    assert_eq!(encode(spec, &message).as_ref(), Ok(&written));
    assert!(format!("{message}{message:?}").is_ascii());
    check_fields(message);
}

/// Every element that is read as a type is written as it was, but for zeros before the number of an institution.
fn check_fields(mut message: Message) {
    fn check<T: Value>(message: &mut Message, field: Field<T>) {
        let before = message.get(field.element()).map(<[u8]>::to_vec);
        if let Ok(Some(value)) = message.read(field) {
            message.write(field, &value);
            assert_eq!(message.get(field.element()), before.as_deref());
        }
    }
    check(&mut message, field::PROCESSING_CODE);
    check(&mut message, field::TRANSMISSION_TIME);
    check(&mut message, field::SETTLEMENT_RATE);
    check(&mut message, field::DEBIT_RATE);
    check(&mut message, field::STAN);
    check(&mut message, field::RRN);
    check(&mut message, field::APPROVAL_CODE);
    check(&mut message, field::RESPONSE_CODE);
    check(&mut message, field::TERMINAL_ID);
    check(&mut message, field::ACCEPTOR_ID);
    check(&mut message, field::ACCEPTOR_NAME);
    check(&mut message, field::ADDITIONAL_AMOUNTS);
    check(&mut message, field::NETWORK_CODE);
    check(&mut message, field::ORIGINAL_ELEMENTS);
    check(&mut message, field::REPLACEMENT_AMOUNTS);
    for money_field in [field::PRESENTMENT_AMOUNT, field::SETTLEMENT_AMOUNT, field::DEBIT_AMOUNT] {
        if let Ok(Some(money)) = message.money(money_field) {
            let before = message.clone();
            message.set_money(money_field, money).expect("it was read");
            assert_eq!(message, before);
        }
    }
    if let Ok(original) = field::OriginalElements::of(&message) {
        message.write(field::ORIGINAL_ELEMENTS, &original);
        assert_eq!(message.read(field::ORIGINAL_ELEMENTS), Ok(Some(original)));
    }
}

fn check_stream(choice: u8, bytes: &[u8]) {
    let limit = u16::try_from(MESSAGE_BYTES_MAX).expect("it fits two bytes");
    let at_once = cut(&mut Deframer::new(limit), [bytes].into_iter());
    let pieces = bytes.chunks(usize::from(choice) % 7 + 1);
    assert_eq!(cut(&mut Deframer::new(limit), pieces), at_once);
}

/// The messages, and whether the stream was given up after them.
fn cut<'a>(deframer: &mut Deframer, pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, bool) {
    let mut messages = Vec::new();
    for mut piece in pieces {
        loop {
            match deframer.next(&mut piece) {
                Ok(Some(message)) => messages.push(message.to_vec()),
                Ok(None) => break,
                Err(_) => return (messages, true),
            }
        }
    }
    (messages, false)
}
