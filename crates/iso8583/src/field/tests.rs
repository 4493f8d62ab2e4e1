use alloc::{format, string::String, vec::Vec};
use core::fmt::Debug;

use proptest::prelude::*;

use super::*;
use crate::mti::Mti;

/// Reads the text, and writes it again as the same; or `None`.
fn read<T: Value>(text: &str) -> Option<T> {
    let value = T::parse(text.as_bytes())?;
    let mut written = String::new();
    value.write(&mut written).expect("memory takes any text");
    assert_eq!(written, text);
    Some(value)
}

fn refused<T: Value + Debug>(texts: &[&str]) {
    for text in texts {
        let value = T::parse(text.as_bytes());
        assert!(value.is_none(), "{text}: {value:?}");
    }
}

fn currency(code: &str) -> Currency {
    Currency::from_code(code).expect("a currency")
}

fn money(code: &str, minor_units: i128) -> Money {
    Money::new(currency(code), minor_units)
}

fn original() -> OriginalElements {
    OriginalElements {
        mti: Mti::AUTHORIZATION_REQUEST,
        stan: Stan::new(42).expect("six digits"),
        transmitted_at: TransmissionTime::new(11, 26, 17, 30, 5),
        acquirer: InstitutionId::new(123_456),
        forwarder: None,
    }
}

/// CNY 257.50 at 0.1503108 USD per CNY is USD 38.71 to the cent.
#[test]
fn a_payment_in_two_currencies_has_its_amounts_and_its_rate() {
    let mut message = Message::new(Mti::AUTHORIZATION_REQUEST);
    message.set_money(PRESENTMENT_AMOUNT, money("CNY", 25_750)).expect("twelve digits");
    message.set_money(DEBIT_AMOUNT, money("USD", 3_871)).expect("twelve digits");
    message.write(DEBIT_RATE, &ConversionRate::new(7, 1_503_108).expect("seven digits"));
    let text = |number| message.text(Element::of(number));
    assert_eq!((text(4), text(49)), (Some("000000025750"), Some("156")));
    assert_eq!((text(6), text(51)), (Some("000000003871"), Some("840")));
    assert_eq!(text(10), Some("71503108"));

    let rate = message.require(DEBIT_RATE).expect("it was written");
    assert_eq!((rate.numerator(), rate.denominator()), (1_503_108, 10_000_000));
    assert_eq!(format!("{rate}"), "0.1503108");
    let exact = 25_750_u64 * u64::from(rate.numerator()) * 2 + u64::from(rate.denominator());
    assert_eq!(exact / (2 * u64::from(rate.denominator())), 3_871, "half up");
    assert_eq!(message.money(DEBIT_AMOUNT), Ok(Some(money("USD", 3_871))));
    assert_eq!(message.money(SETTLEMENT_AMOUNT), Ok(None));
}

#[test]
fn a_rate_has_its_decimals_counted_from_the_right() {
    for (text, shown) in [
        ("71503108", "0.1503108"),
        ("00000001", "1"),
        ("21234567", "12345.67"),
        ("90000001", "0.000000001"),
        ("99999999", "0.009999999"),
        ("00000000", "0"),
        ("70000000", "0.0000000"),
    ] {
        assert_eq!(format!("{}", read::<ConversionRate>(text).expect("a rate")), shown);
    }
    refused::<ConversionRate>(&["", "7150310", "715031080", "7150310 ", "-1503108"]);
    assert_eq!([ConversionRate::new(10, 1), ConversionRate::new(0, 10_000_000)], [None; 2]);
}

#[test]
fn an_amount_without_its_currency_is_no_money() {
    let mut message = Message::new(Mti::FINANCIAL_REQUEST);
    message.write(PRESENTMENT_AMOUNT.amount(), &Amount::ZERO);
    assert_eq!(message.money(PRESENTMENT_AMOUNT), Err(Error::Missing(Element::of(49))));
    message.set(Element::of(49), b"000");
    let error = message.money(PRESENTMENT_AMOUNT).expect_err("no currency");
    assert_eq!(format!("{error}"), "DE 49 is not the number of a currency");
    message.remove(Element::of(4));
    message.write(PRESENTMENT_AMOUNT.currency(), &currency("JPY"));
    assert_eq!(message.money(PRESENTMENT_AMOUNT), Err(Error::Missing(Element::of(4))));
    for minor_units in [-1, 1_000_000_000_000] {
        assert_eq!(message.set_money(PRESENTMENT_AMOUNT, money("CNY", minor_units)), Err(AmountOutOfRange));
    }
    assert_eq!(message.require(STAN).map_err(|error| format!("{error}")), Err("DE 11 is missing".into()));
}

#[test]
fn a_time_is_one_that_a_clock_shows() {
    for text in ["0101000000", "0229235959", "1231235959", "0430120000"] {
        read::<TransmissionTime>(text).expect(text);
    }
    refused::<TransmissionTime>(&[
        "0001000000",
        "1301000000",
        "0100000000",
        "0132000000",
        "0230000000",
        "0431000000",
        "0101240000",
        "0101006000",
        "0101000060",
        "010100000",
        "01010000000",
        "0101 00000",
    ]);
    let time = read::<TransmissionTime>("1126173005").expect("a time");
    assert_eq!((time.month(), time.day(), time.hour(), time.minute(), time.second()), (11, 26, 17, 30, 5));
}

#[test]
fn codes_are_read_and_written() {
    assert_eq!(read("000000"), Some(ProcessingCode::PURCHASE));
    assert_eq!(read("200000"), Some(ProcessingCode::REFUND));
    assert_eq!(read("310000"), Some(ProcessingCode::BALANCE));
    let code = read::<ProcessingCode>("012030").expect("a code");
    assert_eq!([code.service, code.debited, code.credited].map(TwoDigits::get), [1, 20, 30]);
    refused::<ProcessingCode>(&["", "00000", "0000000", "00000A"]);
    assert_eq!(read("001"), Some(NetworkCode::SIGN_ON));
    assert_eq!(read("002"), Some(NetworkCode::SIGN_OFF));
    assert_eq!(read("301"), Some(NetworkCode::ECHO));
    assert_eq!((TwoDigits::new(100), NetworkCode::new(1_000)), (None, None));
    refused::<NetworkCode>(&["1", "0301", "3O1"]);
}

#[test]
fn response_codes_have_their_meanings() {
    for (text, shown) in [
        ("00", "00 approved"),
        ("13", "13 invalid amount, or it cannot be converted"),
        ("51", "51 insufficient funds"),
        ("68", "68 the answer came too late"),
        ("91", "91 the issuer does not answer"),
        ("92", "92 no route to the issuer"),
        ("94", "94 sent twice"),
        ("96", "96 system malfunction"),
        ("N7", "N7"),
    ] {
        assert_eq!(format!("{}", read::<ResponseCode>(text).expect("a code")), shown);
    }
    refused::<ResponseCode>(&["", "0", "000", "0 ", "0-"]);
    let known: Vec<_> = ResponseCode::known().collect();
    assert!(known.is_sorted() && known.iter().all(|code| code.meaning().is_some()));
    assert!([ResponseCode::APPROVED, ResponseCode::APPROVED_IN_PART].iter().all(|code| known.contains(code)));
}

#[test]
fn texts_are_filled_up_with_blanks() {
    let terminal = TerminalId::new("T-1").expect("printable");
    assert_eq!(read("T-1     "), Some(terminal));
    assert_eq!(terminal.as_str(), "T-1");
    assert_eq!(Rrn::new("633017000042").map(|rrn| rrn.as_str().len()), Some(12));
    assert_eq!(read("A1B2  "), ApprovalCode::new("A1B2"));
    assert_eq!(AcceptorId::new("0123456789ABCDEF"), None);
    refused::<Rrn>(&["63301700004", "6330170000420", "63301700004-"]);
    refused::<AcceptorName>(&["\n                                       ", "CAFÉ                                   "]);
    assert_eq!(TerminalId::new("CAFÉ"), None);
}

#[test]
fn numbers_stay_within_their_digits() {
    assert_eq!(read::<Stan>("000042").map(Stan::get), Some(42));
    assert_eq!(Stan::new(999_999).map(|stan| stan.next().get()), Some(1));
    assert_eq!(Stan::new(7).map(|stan| stan.next().get()), Some(8));
    assert_eq!((Stan::new(1_000_000), InstitutionId::new(100_000_000_000)), (None, None));
    assert_eq!(read::<InstitutionId>("99999999999").map(InstitutionId::get), Some(99_999_999_999));
    assert_eq!(InstitutionId::parse(b"000123"), InstitutionId::new(123));
    refused::<InstitutionId>(&["", "123456789012", "12 "]);
    refused::<Stan>(&["42", "0000042"]);
}

#[test]
fn a_reversal_names_what_it_undoes() {
    let mut request = Message::new(Mti::AUTHORIZATION_REQUEST);
    request.write(STAN, &original().stan);
    request.write(TRANSMISSION_TIME, &original().transmitted_at.expect("a time"));
    request.set(Element::of(32), b"00123456");
    request.set(Element::of(33), b"0");
    let mut reversal = Message::new(Mti::REVERSAL_ADVICE);
    reversal.write(ORIGINAL_ELEMENTS, &OriginalElements::of(&request).expect("it is known by something"));
    assert_eq!(reversal.text(Element::of(90)), Some("010000004211261730050000012345600000000000"));
    assert_eq!(reversal.require(ORIGINAL_ELEMENTS), Ok(original()));
    request.remove(Element::of(11));
    assert_eq!(OriginalElements::of(&request), Err(Error::Missing(Element::of(11))));
    assert_eq!(
        read("020000000100000000000000000000000000000000"),
        Some(OriginalElements {
            mti: Mti::FINANCIAL_REQUEST,
            stan: Stan::new(1).expect("six digits"),
            transmitted_at: None,
            acquirer: None,
            forwarder: None,
        })
    );
    refused::<OriginalElements>(&[
        "010000004211261730050000012345600000000",
        "0100000042112617300500000123456000000000000",
        "110000004211261730050000012345600000000000",
        "010000004213261730050000012345600000000000",
    ]);
}

#[test]
fn a_partial_reversal_says_what_stays() {
    let amounts = ReplacementAmounts {
        actual: Amount::of(money("CNY", 10_000)).expect("twelve digits"),
        settlement: Amount::ZERO,
        fee: None,
        settlement_fee: Some(Fee::of(Sign::Debit, money("USD", 25)).expect("eight digits")),
    };
    assert_eq!(read("000000010000000000000000000000000D00000025"), Some(amounts));
    assert_eq!(amounts.settlement_fee.map(|fee| fee.money(currency("USD"))), Some(money("USD", 25)));
    // As a network writes it that has the payer's amount in the third place: zero is read, more is not.
    assert!(read::<ReplacementAmounts>("000000010000000000001503000000000000000000").is_some());
    refused::<ReplacementAmounts>(&["000000010000000000001503000000001503000000", "000000010000", ""]);
    assert_eq!(Fee::of(Sign::Credit, money("CNY", 100_000_000)), Err(AmountOutOfRange));
    refused::<Fee>(&["X00000000", "D0000000", "000000000"]);
}

#[test]
fn balances_have_type_currency_and_sign() {
    let text = "1001156C0000000125001002156D000000000250";
    let amounts = read::<AdditionalAmounts>(text).expect("two amounts");
    let [ledger, available] = amounts.as_slice() else { panic!("two amounts") };
    assert_eq!((ledger.account_type.get(), ledger.amount_type.get(), ledger.sign), (10, 1, Sign::Credit));
    assert_eq!(ledger.amount.money(ledger.currency), money("CNY", 12_500));
    assert_eq!((available.amount_type.get(), available.sign), (2, Sign::Debit));
    assert_eq!(AdditionalAmounts::new(Vec::new()), None);
    refused::<AdditionalAmounts>(&[
        "",
        "1001156C00000001250",
        &text.repeat(4),
        "1001000C000000012500",
        "1001156X000000012500",
    ]);
    assert!(read::<AdditionalAmounts>(&text.repeat(3)).is_some());
}

proptest! {
    #[test]
    fn what_is_read_is_written_as_the_same(text in "[0-9CD ]{0,46}") {
        fn same<T: Value>(text: &str) {
            read::<T>(text);
        }
        same::<Amount>(&text);
        same::<Fee>(&text);
        same::<AdditionalAmounts>(&text);
        same::<ReplacementAmounts>(&text);
        same::<ProcessingCode>(&text);
        same::<ConversionRate>(&text);
        same::<TransmissionTime>(&text);
        same::<OriginalElements>(&text);
        same::<Currency>(&text);
    }

    #[test]
    fn an_original_is_read_as_it_was_written(
        mti in 0..1_000_u16, stan in 0..1_000_000_u32, time in prop::option::of((1..13_u8, 1..29_u8, 0..24_u8, 0..60_u8)),
        ids in prop::array::uniform2(prop::option::of(1..100_000_000_000_u64)),
    ) {
        let mti: [u8; 4] = format!("{mti:04}").as_bytes().try_into().expect("four digits");
        let [acquirer, forwarder] = ids.map(|id| id.and_then(InstitutionId::new));
        let written = OriginalElements {
            mti: Mti::new(&mti).expect("version 0"),
            stan: Stan::new(stan).expect("six digits"),
            transmitted_at: time.and_then(|(month, day, hour, minute)| TransmissionTime::new(month, day, hour, minute, 0)),
            acquirer,
            forwarder,
        };
        let mut message = Message::new(Mti::REVERSAL_REQUEST);
        message.write(ORIGINAL_ELEMENTS, &written);
        prop_assert_eq!(message.require(ORIGINAL_ELEMENTS), Ok(written));
    }
}
