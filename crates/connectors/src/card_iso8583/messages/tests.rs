use domain::{ApprovalCode, CardToken, MerchantId, Name, PaymentId, RefundId, Scheme};
use iso8583::decode;
use money::{Currency, Money};

use super::*;
use crate::card_iso8583::{Encoding, LineSettings};

const LSN: Lsn = Lsn::new(41_234_567);
/// 2026-11-26T18:02:03Z.
const AT: Timestamp = Timestamp::from_micros(1_795_716_123_000_000);
const ORIGINAL: OriginalMessage = OriginalMessage { lsn: Lsn::new(77), at: Timestamp::EPOCH, stood_in: false };

pub(crate) fn acceptor() -> Acceptor {
    Acceptor {
        acquirer: field::InstitutionId::new(47_110_815).unwrap(),
        terminal: field::TerminalId::new("SWITCH01").unwrap(),
        category: LineSettings::CATEGORY.to_owned(),
        place: "SHANGHAI     CN".to_owned(),
    }
}

pub(crate) fn said(lsn: Lsn, payment: u8, kind: CardMessageKind) -> CardMessage {
    CardMessage {
        lsn,
        at: AT,
        payment_id: PaymentId::from_bytes([payment; 16]),
        token: CardToken::from_bytes([7; 16]),
        scheme: Scheme::Visa,
        merchant: MerchantId(12),
        merchant_name: Name::new("a-rather-long-name-of-a-cafe").unwrap(),
        kind,
        amount: Money::new(Currency::CNY, 25_750),
    }
}

fn code() -> ApprovalCode {
    ApprovalCode::new("A1 2B3").unwrap()
}

fn number() -> (Pan, Expiry) {
    (Pan::parse("4242424242424242").unwrap(), Expiry::parse("09/29").unwrap())
}

/// What the message carries beside what all have.
fn special(kind: CardMessageKind, sending: Sending) -> (String, Vec<(u8, String)>) {
    let message = build(&acceptor(), &said(LSN, 1, kind), sending, Some(&number())).unwrap();
    let same = [
        (2, "4242424242424242"),
        (4, "000000025750"),
        (7, "1126180203"),
        (11, "234609"),
        (14, "2909"),
        (18, "5999"),
        (22, "010"),
        (32, "47110815"),
        (37, "000041234567"),
        (41, "SWITCH01"),
        (42, "000000000000012"),
        (43, "a-rather-long-name-of-a- SHANGHAI     CN"),
        (49, "156"),
    ];
    for (number, text) in same {
        assert_eq!(message.text(Element::of(number)), Some(text), "DE {number}");
    }
    let is_special = |element: Element| same.iter().all(|(number, _)| Element::of(*number) != element);
    let special = (2..=128).filter(|number| *number != 65).filter_map(|number| {
        let text = message.text(Element::of(number)).filter(|_| is_special(Element::of(number)))?;
        Some((number, text.to_owned()))
    });
    (message.mti().to_string(), special.collect())
}

#[test]
fn each_kind_has_its_type_and_elements() {
    let original = "010000007801010000000004711081500000000000".to_owned();
    let nothing = "0".repeat(42);
    let (de_3, refund) = ((3, "000000".to_owned()), (3, "200000".to_owned()));
    let (de_38, de_90, de_95) = ((38, "A1 2B3".to_owned()), (90, original), (95, nothing));
    let approved = |kind: fn(ApprovalCode, OriginalMessage) -> CardMessageKind| kind(code(), ORIGINAL);
    let captured = approved(|approval_code, original| CardMessageKind::Capture { approval_code, original });
    let refunded = approved(|approval_code, original| {
        let refund_id = RefundId::from_bytes([9; 16]);
        CardMessageKind::Refund { refund_id, approval_code, original }
    });
    let stood_in = CardMessageKind::StandIn { approval_code: code() };
    let reversed = CardMessageKind::Reversal { original: ORIGINAL };
    let asked = CardMessageKind::Authorization { answer_by: AT };
    let all = |fields: &[&(u8, String)]| fields.iter().copied().cloned().collect::<Vec<_>>();
    for (kind, first, repeat, fields) in [
        (asked, "0100", "0100", all(&[&de_3])),
        (stood_in, "0120", "0121", all(&[&de_3, &de_38])),
        (captured, "0220", "0221", all(&[&de_3, &de_38, &de_90])),
        (refunded, "0220", "0221", all(&[&refund, &de_38, &de_90])),
        (reversed, "0420", "0421", all(&[&de_3, &de_90, &de_95])),
    ] {
        assert_eq!(special(kind, Sending::First), (first.to_owned(), fields.clone()));
        assert_eq!(special(kind, Sending::Repeat), (repeat.to_owned(), fields));
    }
}

#[test]
fn a_message_names_an_advice_where_the_switch_stood_in_and_never_itself() {
    let stood_in = |lsn| OriginalMessage { lsn, at: AT, stood_in: true };
    let (_, fields) = special(CardMessageKind::Reversal { original: stood_in(Lsn::new(77)) }, Sending::First);
    assert!(fields.iter().any(|(number, text)| *number == 90 && text.starts_with("0120000078")), "{fields:?}");
    let kind = CardMessageKind::Capture { approval_code: code(), original: stood_in(LSN) };
    let (_, fields) = special(kind, Sending::First);
    assert!(fields.iter().all(|(number, _)| *number != 90), "{fields:?}");
}

#[test]
fn without_a_number_there_is_neither_number_nor_expiry() {
    let reversed = said(LSN, 1, CardMessageKind::Reversal { original: ORIGINAL });
    let message = build(&acceptor(), &reversed, Sending::First, None).unwrap();
    assert_eq!((message.get(PAN), message.get(EXPIRY)), (None, None));
}

#[test]
fn an_amount_of_thirteen_digits_is_refused() {
    let mut asked = said(LSN, 1, CardMessageKind::Authorization { answer_by: AT });
    asked.amount = Money::new(Currency::CNY, 1_000_000_000_000);
    assert_eq!(build(&acceptor(), &asked, Sending::First, None).err(), Some(AmountOutOfRange));
}

#[test]
fn frames_are_read_back_in_every_encoding() {
    let asked = said(LSN, 1, CardMessageKind::Authorization { answer_by: AT });
    let message = build(&acceptor(), &asked, Sending::First, Some(&number())).unwrap();
    for encoding in [Encoding::Ascii, Encoding::Ebcdic, Encoding::Bcd] {
        let frame = Frame::new(encoding.spec(), &message).unwrap();
        let (prefix, bytes) = frame.rest(0).split_at(PREFIX_BYTES);
        assert_eq!(usize::from(u16::from_be_bytes(prefix.try_into().unwrap())), bytes.len());
        assert_eq!(decode(encoding.spec(), bytes).unwrap(), message);
        assert_eq!(frame.rest(frame.rest(0).len()), [0_u8; 0]);
    }
}
