//! What stands in which message, from us and to us.

use domain::{CardMessage, CardMessageKind, Lsn, OriginalMessage, Timestamp, TraceNumbers};
use iso8583::{
    Element, EncodeError, Message, Mti, Spec, encode,
    field::{self, AcceptorId, AcceptorName, AmountOutOfRange, OriginalElements, ReplacementAmounts},
    frame::{self, PREFIX_BYTES},
    wipe,
};
use vault::{Expiry, Pan};

use super::{Acceptor, transmission_time};

const PAN: Element = Element::of(2);
const EXPIRY: Element = Element::of(14);
const CATEGORY: Element = Element::of(18);
const ENTRY_MODE: Element = Element::of(22);
/// The number was typed, or is on file; a PIN is not said (ISO 8583:1987 DE 22).
const KEYED: &[u8] = b"010";
const ACCEPTOR_NAME_CHARS: usize = 40;

/// By what the network tells a message from others: DE 11, DE 7 and DE 37.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TraceKey {
    pub(crate) stan: field::Stan,
    pub(crate) transmitted_at: field::TransmissionTime,
    pub(crate) rrn: field::Rrn,
}

impl TraceKey {
    /// That of the message which this record, stamped then, intends.
    pub(crate) fn of(lsn: Lsn, at: Timestamp) -> Self {
        let numbers = TraceNumbers::of(lsn);
        let stan = numbers.stan().parse().ok().and_then(field::Stan::new);
        Self {
            stan: stan.expect("a trace number has six digits"),
            transmitted_at: transmission_time(at),
            rrn: field::Rrn::new(&numbers.rrn()).expect("a reference number has twelve digits"),
        }
    }

    /// That of a message which came in, or `None` when it has not all of it.
    pub(crate) fn read(message: &Message) -> Option<Self> {
        let stan = message.require(field::STAN).ok()?;
        let transmitted_at = message.require(field::TRANSMISSION_TIME).ok()?;
        Some(Self { stan, transmitted_at, rrn: message.require(field::RRN).ok()? })
    }
}

/// Whether a message may have been written before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    First,
    Repeat,
}

/// The type of a message.
pub(crate) const fn mti(kind: &CardMessageKind, sending: Sending) -> Mti {
    match (kind, sending) {
        // There is no repeat of a request: it is written once.
        (CardMessageKind::Authorization { .. }, _) => Mti::AUTHORIZATION_REQUEST,
        (CardMessageKind::StandIn { .. }, Sending::First) => Mti::AUTHORIZATION_ADVICE,
        (CardMessageKind::StandIn { .. }, Sending::Repeat) => Mti::AUTHORIZATION_ADVICE_REPEAT,
        (CardMessageKind::Capture { .. } | CardMessageKind::Refund { .. }, Sending::First) => Mti::FINANCIAL_ADVICE,
        (CardMessageKind::Capture { .. } | CardMessageKind::Refund { .. }, Sending::Repeat) => {
            Mti::FINANCIAL_ADVICE_REPEAT
        }
        (CardMessageKind::Reversal { .. }, Sending::First) => Mti::REVERSAL_ADVICE,
        (CardMessageKind::Reversal { .. }, Sending::Repeat) => Mti::REVERSAL_ADVICE_REPEAT,
    }
}

/// The message that says this. Without a number it has no DE 2 and DE 14.
///
/// # Errors
/// When DE 4 cannot say the amount.
pub(crate) fn build(
    acceptor: &Acceptor,
    said: &CardMessage,
    sending: Sending,
    number: Option<&(Pan, Expiry)>,
) -> Result<Message, AmountOutOfRange> {
    let key = TraceKey::of(said.lsn, said.at);
    let mut message = Message::new(mti(&said.kind, sending));
    if let Some((pan, _)) = number {
        message.set(PAN, pan.digits().as_bytes());
    }
    let processing_code = match said.kind {
        CardMessageKind::Refund { .. } => field::ProcessingCode::REFUND,
        CardMessageKind::Authorization { .. }
        | CardMessageKind::StandIn { .. }
        | CardMessageKind::Capture { .. }
        | CardMessageKind::Reversal { .. } => field::ProcessingCode::PURCHASE,
    };
    message.write(field::PROCESSING_CODE, &processing_code);
    message.set_money(field::PRESENTMENT_AMOUNT, said.amount)?;
    message.write(field::TRANSMISSION_TIME, &key.transmitted_at);
    message.write(field::STAN, &key.stan);
    if let Some((_, expiry)) = number {
        let mut text = format!("{:02}{:02}", expiry.year_of_century(), expiry.month()).into_bytes();
        message.set(EXPIRY, &text);
        wipe(&mut text);
    }
    message.set(CATEGORY, acceptor.category.as_bytes());
    message.set(ENTRY_MODE, KEYED);
    message.write(field::ACQUIRER, &acceptor.acquirer);
    message.write(field::RRN, &key.rrn);
    message.write(field::TERMINAL_ID, &acceptor.terminal);
    let merchant = AcceptorId::new(&format!("{:015}", said.merchant.0));
    message.write(field::ACCEPTOR_ID, &merchant.expect("a merchant's number has ten digits at most"));
    message.write(field::ACCEPTOR_NAME, &acceptor_name(acceptor, said.merchant_name.as_str()));
    write_original(&mut message, acceptor, said);
    Ok(message)
}

/// What a message says of the approval, and of the message that it goes on from.
fn write_original(message: &mut Message, acceptor: &Acceptor, said: &CardMessage) {
    let (approval_code, original) = match said.kind {
        CardMessageKind::Authorization { .. } => (None, None),
        CardMessageKind::StandIn { approval_code } => (Some(approval_code), None),
        CardMessageKind::Capture { approval_code, original }
        | CardMessageKind::Refund { approval_code, original, .. } => (Some(approval_code), Some(original)),
        CardMessageKind::Reversal { original } => {
            let nothing = field::Amount::ZERO;
            let stays = ReplacementAmounts { actual: nothing, settlement: nothing, fee: None, settlement_fee: None };
            message.write(field::REPLACEMENT_AMOUNTS, &stays);
            (None, Some(original))
        }
    };
    if let Some(approval_code) = approval_code {
        let code = field::ApprovalCode::new(approval_code.as_str());
        message.write(field::APPROVAL_CODE, &code.expect("an approval code has six letters, digits or blanks"));
    }
    // A capture that tells of a stand-in is the first message of its payment: it has none to name but itself.
    if let Some(original) = original.filter(|original| original.lsn != said.lsn) {
        message.write(field::ORIGINAL_ELEMENTS, &original_elements(acceptor, original));
    }
}

fn original_elements(acceptor: &Acceptor, original: OriginalMessage) -> OriginalElements {
    let key = TraceKey::of(original.lsn, original.at);
    OriginalElements {
        mti: if original.stood_in { Mti::AUTHORIZATION_ADVICE } else { Mti::AUTHORIZATION_REQUEST },
        stan: key.stan,
        transmitted_at: Some(key.transmitted_at),
        acquirer: Some(acceptor.acquirer),
        forwarder: None,
    }
}

/// The merchant's name, cut or filled up, and the place at the end.
fn acceptor_name(acceptor: &Acceptor, merchant: &str) -> AcceptorName {
    let width = ACCEPTOR_NAME_CHARS.saturating_sub(acceptor.place.len()).saturating_sub(1);
    let text = format!("{merchant:<width$.width$} {}", acceptor.place);
    AcceptorName::new(&text).expect("names and checked places are printable, and are cut")
}

/// A message of a line about the line itself.
pub(crate) fn network(mti: Mti, at: Timestamp, stan: field::Stan, code: field::NetworkCode) -> Message {
    let mut message = Message::new(mti);
    message.write(field::TRANSMISSION_TIME, &transmission_time(at));
    message.write(field::STAN, &stan);
    message.write(field::NETWORK_CODE, &code);
    message
}

/// What a network is told that asks of the line what it does not do: invalid request.
const INVALID: field::ResponseCode = field::ResponseCode::new(*b"12").expect("two digits");

/// The answer to a network's own message about the line: yes to signing on and off and to a test, no to all else, as an
/// exchange of keys. `None` when it does not say by what it is known.
pub(crate) fn network_response(request: &Message) -> Option<Message> {
    let mut response = Message::new(request.mti().response()?);
    let known_by = [field::TRANSMISSION_TIME.element(), field::STAN.element(), field::NETWORK_CODE.element()];
    for element in known_by {
        response.set(element, request.get(element)?);
    }
    let code = match request.require(field::NETWORK_CODE).ok()? {
        field::NetworkCode::SIGN_ON | field::NetworkCode::SIGN_OFF | field::NetworkCode::ECHO => {
            field::ResponseCode::APPROVED
        }
        _ => INVALID,
    };
    response.write(field::RESPONSE_CODE, &code);
    Some(response)
}

/// A message as it is written on a line, behind its length. Overwritten when dropped: it may hold a card number.
pub(crate) struct Frame(Vec<u8>);

impl Frame {
    pub(crate) fn new(spec: &Spec, message: &Message) -> Result<Self, EncodeError> {
        let mut bytes = encode(spec, message)?;
        let prefix = frame::prefix(bytes.len()).expect("what is encoded is neither empty nor above 16 KiB");
        let mut frame = Vec::with_capacity(PREFIX_BYTES.saturating_add(bytes.len()));
        frame.extend_from_slice(&prefix);
        frame.extend_from_slice(&bytes);
        wipe(&mut bytes);
        Ok(Self(frame))
    }

    /// What is left behind so many bytes.
    pub(crate) fn rest(&self, written: usize) -> &[u8] {
        self.0.get(written..).unwrap_or_default()
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

#[cfg(test)]
pub(crate) mod tests;
