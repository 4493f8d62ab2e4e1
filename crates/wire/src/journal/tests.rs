mod arbitrary;

use domain::{
    AccountId, AccountKind, AuthorizePayment, Command, Converted, Decline, DeclineReason, Digest, Event, Evidence,
    Fingerprint, IdempotencyKey, Label, Lsn, MerchantId, Method, Name, PaymentCaptured, PaymentId, Posting, Quote,
    QuotedAmounts, Record, RegisterWallet, TenantId, Timestamp, Unavailable,
};
use money::{Currency, Money, Rate, Ratio};
use proptest::prelude::*;
use prost::Message;

use super::{DecodeError, decode, encode};
use crate::journal_v1;

fn encoded(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(record, &mut bytes);
    bytes
}

proptest! {
    #[test]
    fn a_record_is_itself_again(record in arbitrary::record()) {
        prop_assert_eq!(decode(&encoded(&record)), Ok(record));
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }

    /// Flipped bits and cut ends are refused, or are a record that would have been written: never half of one.
    #[test]
    fn damaged_bytes_do_no_harm(
        record in arbitrary::record(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encoded(&record);
        for (index, damage) in damages {
            let index = index.index(bytes.len());
            bytes[index] ^= damage;
        }
        if let Ok(read) = decode(&bytes) {
            prop_assert_eq!(decode(&encoded(&read)), Ok(read));
        }
        bytes.truncate(length.index(bytes.len() + 1));
        let _ = decode(&bytes);
    }
}

fn account(kind: AccountKind, currency: Currency, index: u32) -> AccountId {
    AccountId { kind, currency, index }
}

/// CNY 100.00 from an HKD wallet, captured.
fn captured() -> Record {
    let payer = account(AccountKind::Wallet, Currency::HKD, 3);
    let position = AccountId::house(AccountKind::FxPosition, Currency::HKD);
    let debit = Money::new(Currency::HKD, 11_911);
    let key = IdempotencyKey {
        tenant: TenantId::Merchant(MerchantId(1)),
        digest: Digest([0xaa; 16]),
        fingerprint: Fingerprint {
            method: Method::Authorize,
            request: Digest([0xbb; 16]),
            fields: [1, 2, 0, 4, 5, 0, 0, 0],
        },
    };
    let quote = Quote {
        mid_rate: Rate::parse("1.179291231").unwrap(),
        markup: Ratio::parse("0.01").unwrap(),
        rate_lsn: Lsn::new(9),
        as_of: Timestamp::from_micros(1_700_000_000_000_000),
        source: Label::new("desk").unwrap(),
        amounts: Some(QuotedAmounts { debit, mid: Money::new(Currency::HKD, 11_793) }),
    };
    let payment = AuthorizePayment {
        payment_id: PaymentId::from_bytes([0xcc; 16]),
        merchant: MerchantId(1),
        merchant_order_id: Label::new("order-1").unwrap(),
        merchant_order_digest: Digest([0xdd; 16]),
        presentment_amount: Money::new(Currency::CNY, 10_000),
        payer: Evidence::Present(payer),
        converted: Evidence::Present(Converted::Quoted(quote)),
    };
    let event = PaymentCaptured {
        settlement_amount: Money::new(Currency::CNY, 9_940),
        postings: vec![Posting::new(payer, position, debit).unwrap()],
    };
    Record {
        lsn: Lsn::new(10),
        at: Timestamp::from_micros(1_700_000_000_500_000),
        key: Some(key),
        command: Command::AuthorizePayment(payment),
        event: Event::PaymentCaptured(event),
    }
}

fn payment_of(record: &mut Record) -> &mut AuthorizePayment {
    let Command::AuthorizePayment(payment) = &mut record.command else { panic!("the record is of a payment") };
    payment
}

/// Journals on disk hold these bytes. When this fails, old ledgers have become unreadable or, worse, mean something
/// else: add a field or a variant instead.
#[test]
fn stored_bytes_never_change() {
    let hex: String = encoded(&captured()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "080a10a0c297c1c1c482031a40080210011a10aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa20012a10bbbbbbbbbbbbbbbbbb\
         bbbbbbbbbbbbbb32140100000002000000000000000400000005000000226352610a10cccccccccccccccccccccccccc\
         cccccc10011a076f726465722d312210dddddddddddddddddddddddddddddddd288380808080ab40309c0138904e4222\
         08df9caab204100918904e2009288080f9c0c1c4820332046465736b38875d40915c2a1b4a1908d44d12140883808080\
         80ab40108080808080abc00118875d"
    );
}

#[test]
fn records_are_appended() {
    let mut bytes = b"before".to_vec();
    encode(&captured(), &mut bytes);
    assert_eq!(bytes, [b"before".to_vec(), encoded(&captured())].concat());
}

#[test]
fn an_error_names_the_field_and_what_it_holds() {
    fn check(change: impl Fn(&mut journal_v1::Record, &mut journal_v1::AuthorizePayment), expected: &str) {
        let mut message = journal_v1::Record::decode(encoded(&captured()).as_slice()).unwrap();
        let Some(journal_v1::Command { command: Some(journal_v1::command::Command::AuthorizePayment(mut payment)) }) =
            message.command.take()
        else {
            panic!("the record holds a payment");
        };
        change(&mut message, &mut payment);
        let command = journal_v1::command::Command::AuthorizePayment(payment);
        message.command = Some(journal_v1::Command { command: Some(command) });
        assert_eq!(decode(&message.encode_to_vec()).unwrap_err().to_string(), expected);
    }
    check(|_, payment| payment.payer = 7, "authorize_payment.payer cannot be 0x0000000000000007");
    check(
        |_, payment| payment.presentment_currency = 1_000_000,
        "authorize_payment.presentment_currency cannot be 1000000",
    );
    check(|_, payment| payment.presentment_minor_units = 0, "authorize_payment.presentment_minor_units cannot be 0");
    check(|_, payment| payment.payment_id.clear(), "authorize_payment.payment_id cannot be 0 bytes long");
    check(
        |_, payment| payment.merchant_order_id = "a\nb".to_owned(),
        r#"authorize_payment.merchant_order_id cannot be "a\nb""#,
    );
    check(
        |_, payment| payment.quote.as_mut().unwrap().mid_rate_scale = 19,
        "authorize_payment.quote.mid_rate_mantissa cannot be 1179291231 with 19 decimals",
    );
    check(
        |_, payment| payment.quote.as_mut().unwrap().markup_millionths = 1_000_001,
        "authorize_payment.quote.markup_millionths cannot be 1000001 millionths",
    );
    check(|record, _| record.event = None, "event is missing or of a later version");
    check(
        |record, _| record.event = Some(journal_v1::Event { event: None }),
        "event.event is missing or of a later version",
    );
    check(|record, _| record.key.as_mut().unwrap().method = 300, "key.method cannot be 300");
    check(|record, _| record.key.as_mut().unwrap().tenant_kind = 0, "key.tenant_kind cannot be 0 with number 1");
    check(|record, _| record.key.as_mut().unwrap().field_digests = vec![1; 9], "key.field_digests cannot be 9 digests");
    check(
        |record, _| {
            let opened = journal_v1::AccountOpened { account: captured_payer() };
            record.event = Some(journal_v1::Event { event: Some(journal_v1::event::Event::AccountOpened(opened)) });
        },
        "the event does not answer the command",
    );
}

fn captured_payer() -> u64 {
    account(AccountKind::Wallet, Currency::HKD, 3).packed()
}

#[test]
fn bytes_that_are_no_message_keep_their_source() {
    let error = decode(&[0xff]).unwrap_err();
    assert!(matches!(error, DecodeError::Malformed(_)));
    assert!(std::error::Error::source(&error).is_some());
    assert_eq!(decode(&[]), Err(DecodeError::Missing { field: "command" }));
}

#[test]
#[should_panic(expected = "a record rests on evidence that was found, not on AccountNotFound")]
fn a_record_without_its_evidence_is_not_written() {
    let mut record = captured();
    payment_of(&mut record).payer = Evidence::Unavailable(Unavailable::AccountNotFound);
    encode(&record, &mut Vec::new());
}

#[test]
#[should_panic(expected = "an amount that is paid is within the bounds of one")]
fn a_record_of_an_amount_out_of_bounds_is_not_written() {
    let mut record = captured();
    payment_of(&mut record).presentment_amount = Money::zero(Currency::CNY);
    encode(&record, &mut Vec::new());
}

#[test]
#[should_panic(expected = "an event answers the command it is recorded with")]
fn an_event_of_another_command_is_not_written() {
    let command = Command::RegisterWallet(RegisterWallet { name: Name::new("demo-wallet").unwrap() });
    let event = Event::Declined(Decline { reason: DeclineReason::BalanceLimit, paid_by: None });
    encode(&Record { command, event, ..captured() }, &mut Vec::new());
}

/// The engine declines a quote that does not reproduce, and the record says what was quoted, however absurd.
#[test]
fn a_forged_quote_is_recorded_as_it_was() {
    let mut record = captured();
    let Evidence::Present(Converted::Quoted(quote)) = &mut payment_of(&mut record).converted else {
        panic!("the payment is converted");
    };
    quote.amounts =
        Some(QuotedAmounts { debit: Money::new(Currency::HKD, -1), mid: Money::new(Currency::HKD, i64::MAX.into()) });
    record.event = Event::Declined(Decline { reason: DeclineReason::QuoteNotReproduced, paid_by: None });
    assert_eq!(decode(&encoded(&record)), Ok(record));
}
