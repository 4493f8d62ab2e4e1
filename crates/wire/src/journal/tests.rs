pub(crate) mod arbitrary;

use domain::{
    AccountId, AccountKind, Approved, AuthorizePayment, AuthorizeTogether, CaptureMode, Command, Consent, Conversions,
    Converted, CurrencyPair, Decline, DeclineReason, DeclinedTogether, Digest, Event, Evidence, Fingerprint,
    IdempotencyKey, InstallPolicy, KeyedPayment, Label, Lsn, MandateId, MerchantId, Method, Name, Offer, PaymentAmount,
    PaymentAuthorized, PaymentCaptured, PaymentId, PaymentState, PaymentTotals, Policy, Posting, Pricing, PublishRates,
    Quote, QuoteId, QuotedAmounts, RateTick, RatesPublished, Record, RegisterWallet, SettlementQuote, TenantId,
    TickPrice, Timestamp, Unavailable,
};
use money::{Currency, ExactRate, Money, Prices, Rate, Ratio, Weight};
use proptest::prelude::*;
use prost::Message;

use super::{DecodeError, decode, decode_message, direct, encode, message, quote};
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

    /// Both ways of a record are one: the same bytes, and what is of one payment is read directly.
    #[test]
    fn records_are_written_directly_as_their_messages_are(record in arbitrary::record()) {
        let bytes = encoded(&record);
        prop_assert_eq!(&bytes, &message(&record).encode_to_vec());
        prop_assert_eq!(decode_message(&bytes), Ok(record.clone()));
        let is_direct = matches!(
            record.command,
            Command::AuthorizePayment(_)
                | Command::CapturePayment(_)
                | Command::VoidPayment(_)
                | Command::RefundPayment(_)
        ) && !matches!(record.event, Event::PaymentPending(_));
        prop_assert_eq!(direct::decode(&bytes), is_direct.then_some(record));
    }

    /// Whatever is read directly, its messages are read as the same.
    #[test]
    fn what_is_read_directly_is_what_its_messages_say(
        record in arbitrary::payments::record(),
        damages in prop::collection::vec(arbitrary::damage(), 1..4),
    ) {
        let mut bytes = encoded(&record);
        damages.into_iter().for_each(|damage| damage.to(&mut bytes));
        if let Some(record) = direct::decode(&bytes) {
            prop_assert_eq!(decode_message(&bytes), Ok(record));
        }
    }

    /// Of all decimals that a rate may be published as, the one with the fewest decimals that is the same; else none.
    #[test]
    fn a_rate_is_written_as_its_shortest_decimal(mid in arbitrary::exact_rate()) {
        let with = |scale: u32| {
            let scaled = mid.numerator().checked_mul(10_u128.pow(scale))?;
            let mantissa = scaled.is_multiple_of(mid.denominator()).then(|| scaled / mid.denominator())?;
            Rate::from_parts(u64::try_from(mantissa).ok()?, scale).ok()
        };
        prop_assert_eq!(quote::decimal(Prices::mid_only(mid)), (0..=18).find_map(with));
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
            fields: [1, 2, 0, 4, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        },
    };
    let pricing = Pricing {
        prices: Prices::mid_only(Rate::parse("1.179291231").unwrap().into()),
        rate_lsn: Lsn::new(9),
        cross_lsn: None,
        as_of: Timestamp::from_micros(1_700_000_000_000_000),
        source: Label::new("desk").unwrap(),
    };
    let quote = Quote {
        pricing,
        markup: Ratio::parse("0.01").unwrap(),
        move_ppm: 0,
        exposure_weight: Weight::ONE,
        amounts: Some(QuotedAmounts { debit, mid: Money::new(Currency::HKD, 11_793) }),
    };
    let presentment = Money::new(Currency::CNY, 10_000);
    let payment = AuthorizePayment {
        payment_id: PaymentId::from_bytes([0xcc; 16]),
        merchant: MerchantId(1),
        merchant_order_id: Label::new("order-1").unwrap(),
        merchant_order_digest: Digest([0xdd; 16]),
        presentment_amount: presentment,
        payer: Evidence::Present(payer),
        converted: Evidence::Present(Conversions {
            debit: Converted::quoted(quote),
            settlement: Converted::SameCurrency,
        }),
        offer: None,
        capture_mode: CaptureMode::Automatic,
        consent: Consent::PayerNamed,
        debit_amount_max: None,
        sandbox_decline: None,
    };
    let settlement = Money::new(Currency::CNY, 9_940);
    let all = PaymentAmount { presentment, debit, settlement };
    let event = PaymentCaptured {
        settlement_amount: settlement,
        postings: vec![Posting::new(payer, position, debit).unwrap()],
        after: totals(PaymentState::Captured, all, all),
        above_soft_limit: Vec::new(),
    };
    Record {
        lsn: Lsn::new(10),
        at: Timestamp::from_micros(1_700_000_000_500_000),
        key: Some(key),
        command: Command::AuthorizePayment(payment),
        event: Event::PaymentCaptured(event),
    }
}

/// Nothing was given back, and nothing is held beside what was captured.
fn totals(state: PaymentState, authorized: PaymentAmount, captured: PaymentAmount) -> PaymentTotals {
    let zero = |of: Money| Money::zero(of.currency());
    let refunded = PaymentAmount {
        presentment: zero(authorized.presentment),
        debit: zero(authorized.debit),
        settlement: zero(authorized.settlement),
    };
    let held = authorized.debit.checked_sub(captured.debit).unwrap();
    PaymentTotals { state, authorized, captured, refunded, held }
}

fn payment_of(record: &mut Record) -> &mut AuthorizePayment {
    let Command::AuthorizePayment(payment) = &mut record.command else { panic!("the record is of a payment") };
    payment
}

fn conversions_of(record: &mut Record) -> &mut Conversions {
    let Evidence::Present(conversions) = &mut payment_of(record).converted else { panic!("it is converted") };
    conversions
}

fn quote_of(record: &mut Record) -> &mut Quote {
    let Converted::Quoted(quote) = &mut conversions_of(record).debit else { panic!("it is quoted") };
    quote
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

/// The same for payments decided together: one that was captured, and one declined behind it.
#[test]
fn stored_bytes_of_payments_together_never_change() {
    let record = captured();
    let (key, Command::AuthorizePayment(authorize)) = (record.key.unwrap(), record.command) else { unreachable!() };
    let Event::PaymentCaptured(event) = record.event else { unreachable!() };
    let pair = CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD };
    let mut lacking = authorize.clone();
    lacking.converted = Evidence::Unavailable(Unavailable::RateStale(pair));
    let together = |payments: [&AuthorizePayment; 2], event| {
        let payments = payments.map(|authorize| KeyedPayment { key, authorize: authorize.clone() });
        let command = Command::AuthorizeTogether(AuthorizeTogether::new(payments.to_vec()).unwrap());
        Record { lsn: record.lsn, at: record.at, key: None, command, event }
    };
    let approved = Event::AuthorizedTogether(vec![Approved::Captured(event.clone()), Approved::Captured(event)]);
    let decline = Decline { reason: DeclineReason::InsufficientBalance, paid_by: None };
    let declined = Event::DeclinedTogether(DeclinedTogether { position: 0, decline });
    for (record, expected) in [
        (together([&authorize, &authorize], approved), TOGETHER_APPROVED),
        (together([&authorize, &lacking], declined), TOGETHER_DECLINED),
    ] {
        let bytes = encoded(&record);
        let digest = blake3::hash(&bytes).to_hex();
        assert_eq!((bytes.len(), &digest.as_str()[..16]), expected);
        assert_eq!(decode(&bytes), Ok(record));
    }
}

/// Length, and the first bytes of the digest.
const TOGETHER_APPROVED: (usize, &str) = (417, "9c6beefcf1b9aa93");
const TOGETHER_DECLINED: (usize, &str) = (337, "db0dac38e14ac0c9");

#[test]
#[should_panic(expected = "payments decided together have keys of their own")]
fn payments_together_have_keys_of_their_own() {
    let record = captured();
    let (key, Command::AuthorizePayment(authorize)) = (record.key, record.command) else { unreachable!() };
    let Event::PaymentCaptured(event) = record.event else { unreachable!() };
    let payment = KeyedPayment { key: key.unwrap(), authorize };
    let command = Command::AuthorizeTogether(AuthorizeTogether::new(vec![payment]).unwrap());
    let event = Event::AuthorizedTogether(vec![Approved::Captured(event)]);
    encode(&Record { lsn: record.lsn, at: record.at, key, command, event }, &mut Vec::new());
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
        "quote.mid_rate_mantissa cannot be 1179291231 with 19 decimals",
    );
    check(
        |_, payment| payment.quote.as_mut().unwrap().markup_millionths = 1_000_001,
        "quote.markup_millionths cannot be 1000001 millionths",
    );
    check(|record, _| record.event = None, "event is missing or of a later version");
    check(
        |record, _| record.event = Some(journal_v1::Event { event: None }),
        "event.event is missing or of a later version",
    );
    check(|record, _| record.key.as_mut().unwrap().method = 300, "key.method cannot be 300");
    check(|record, _| record.key.as_mut().unwrap().tenant_kind = 0, "key.tenant_kind cannot be 0 with number 1");
    check(
        |record, _| record.key.as_mut().unwrap().field_digests = vec![1; 15],
        "key.field_digests cannot be 15 digests",
    );
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

/// A code that nothing is known of tells no payer; every other payer is found or refused.
#[test]
fn a_payer_may_be_missing_beside_a_decline_only() {
    let mut record = captured();
    let unknown = Unavailable::ConsentNotFound;
    payment_of(&mut record).payer = Evidence::Unavailable(unknown);
    payment_of(&mut record).converted = Evidence::Unavailable(unknown);
    payment_of(&mut record).consent = Consent::Code(Digest([7; 16]));
    record.event = Event::Declined(Decline { reason: DeclineReason::ConsentNotFound, paid_by: None });
    let bytes = encoded(&record);
    assert_eq!(decode(&bytes), Ok(record));

    let mut message = journal_v1::Record::decode(bytes.as_slice()).unwrap();
    let captured = journal_v1::Record::decode(encoded(&captured()).as_slice()).unwrap();
    message.event = captured.event;
    let error = decode(&message.encode_to_vec()).unwrap_err();
    assert_eq!(error.to_string(), "payment_captured.after is missing or of a later version");
}

#[test]
#[should_panic(expected = "an event answers the command it is recorded with")]
fn a_manual_payment_is_not_captured_with_its_authorization() {
    let mut record = captured();
    payment_of(&mut record).capture_mode = CaptureMode::Manual;
    encode(&record, &mut Vec::new());
}

#[test]
#[should_panic(expected = "what is captured at once follows from its authorization")]
fn a_capture_that_does_not_follow_from_its_authorization_is_not_written() {
    let mut record = captured();
    let Event::PaymentCaptured(captured) = &mut record.event else { panic!("it was captured") };
    captured.after.held = Money::new(Currency::HKD, 1);
    encode(&record, &mut Vec::new());
}

#[test]
#[should_panic(expected = "each rate has a volatility")]
fn a_rate_without_its_volatility_is_not_written() {
    let command = Command::PublishRates(PublishRates { ticks: vec![tick()], override_reason: None });
    let event = Event::RatesPublished(RatesPublished::default());
    encode(&Record { command, event, ..captured() }, &mut Vec::new());
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
    quote_of(&mut record).amounts =
        Some(QuotedAmounts { debit: Money::new(Currency::HKD, -1), mid: Money::new(Currency::HKD, i64::MAX.into()) });
    record.event = Event::Declined(Decline { reason: DeclineReason::QuoteNotReproduced, paid_by: None });
    assert_eq!(decode(&encoded(&record)), Ok(record));
}

/// A token that is presented for another payer than it was made for is declined, and the record says what it promised.
#[test]
fn an_offer_made_for_another_payer_is_recorded_as_it_was() {
    let mut record = captured();
    let payer = account(AccountKind::Wallet, Currency::USD, 4);
    let payment = payment_of(&mut record);
    payment.offer = Some(Offer {
        quote_id: QuoteId::from_bytes([0x11; 16]),
        expires_at: Timestamp::from_micros(1_700_000_600_000_000),
        merchant: MerchantId(1),
        payer: account(AccountKind::Wallet, Currency::HKD, 3),
        presentment_amount: Money::new(Currency::CNY, 10_000),
        card: None,
    });
    payment.payer = Evidence::Present(payer);
    record.event = Event::Declined(Decline { reason: DeclineReason::QuoteMismatch, paid_by: None });
    assert_eq!(decode(&encoded(&record)), Ok(record));
}

fn tick() -> RateTick {
    RateTick {
        pair: domain::CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD },
        price: TickPrice::Mid(Rate::parse("1.10").unwrap()),
        source: Label::new("desk").unwrap(),
        as_of: Timestamp::from_micros(5),
        valid_until: None,
    }
}

/// The messages as the first version wrote them, with none of the fields that came later.
#[test]
fn what_an_old_record_leaves_out_has_its_old_meaning() {
    let old = |command: journal_v1::command::Command, event: journal_v1::event::Event| {
        let message = journal_v1::Record {
            lsn: 1,
            at_us: 2,
            key: None,
            command: Some(journal_v1::Command { command: Some(command) }),
            event: Some(journal_v1::Event { event: Some(event) }),
        };
        let record = decode(&message.encode_to_vec()).unwrap();
        (record.command, record.event)
    };
    let policy = journal_v1::InstallPolicy {
        markup_millionths: 10_000,
        rate_age_ms_max: 60_000,
        rate_move_max_millionths: 20_000,
        ..journal_v1::InstallPolicy::default()
    };
    let installed = old(
        journal_v1::command::Command::InstallPolicy(policy),
        journal_v1::event::Event::PolicyInstalled(journal_v1::PolicyInstalled {}),
    );
    let ratio = |text| Ratio::parse(text).unwrap();
    let policy = Policy::basic(ratio("0.01"), 60_000, ratio("0.02"));
    assert_eq!(installed.0, Command::InstallPolicy(InstallPolicy { policy: policy.into() }));

    let ticks = vec![
        journal_v1::RateTick {
            presentment_currency: 156,
            debit_currency: 344,
            mid_rate_mantissa: 110,
            mid_rate_scale: 2,
            source: "desk".to_owned(),
            as_of_us: 5,
            ..journal_v1::RateTick::default()
        };
        2
    ];
    let published = old(
        journal_v1::command::Command::PublishRates(journal_v1::PublishRates {
            ticks,
            ..journal_v1::PublishRates::default()
        }),
        journal_v1::event::Event::RatesPublished(journal_v1::RatesPublished::default()),
    );
    let command = PublishRates { ticks: vec![tick(), tick()], override_reason: None };
    let event = RatesPublished { move_ppm: vec![0, 0] };
    assert_eq!(published, (Command::PublishRates(command), Event::RatesPublished(event)));
}

#[test]
fn prices_are_a_decimal_where_one_tells_them_and_fractions_elsewhere() {
    let check = |prices: Prices, decimal: (u64, u32), mid: Option<(&[u8], &[u8])>| {
        let mut record = captured();
        quote_of(&mut record).pricing.prices = prices;
        let message = journal_v1::Record::decode(encoded(&record).as_slice()).unwrap();
        let Some(journal_v1::command::Command::AuthorizePayment(payment)) = message.command.unwrap().command else {
            panic!("the record is of a payment");
        };
        let quote = payment.quote.unwrap();
        assert_eq!((quote.mid_rate_mantissa, quote.mid_rate_scale), decimal, "{prices:?}");
        let exact = quote.exact.as_ref().map(|exact| (&*exact.mid_numerator, &*exact.mid_denominator));
        assert_eq!(exact, mid, "{prices:?}");
        assert_eq!(decode(&encoded(&record)), Ok(record));
    };
    let rate = |text| ExactRate::from(Rate::parse(text).unwrap());
    let part = |numerator, denominator| ExactRate::from_parts(numerator, denominator).unwrap();
    check(Prices::mid_only(rate("1.10")), (11, 1), None);
    check(Prices::mid_only(rate("5")), (5, 0), None);
    check(Prices::mid_only(rate("0.000000000000000001")), (1, 18), None);
    check(Prices::mid_only(rate("9999999999")), (9_999_999_999, 0), None);
    check(Prices::mid_only(part(256, 3)), (0, 0), Some((&[1, 0], &[3])));
    check(Prices::mid_only(part(10_000_000_000, 1)), (0, 0), Some((&[2, 0x54, 0x0b, 0xe4, 0], &[1])));
    check(Prices::new(rate("1"), rate("1"), rate("2")).unwrap(), (0, 0), Some((&[1], &[1])));
}

/// A payment with all that a record can say of one, so that these bytes never change either.
#[test]
fn stored_bytes_of_a_hold_never_change() {
    let mut record = captured();
    let part = |numerator, denominator| ExactRate::from_parts(numerator, denominator).unwrap();
    let prices = Prices::new(part(1, 3), part(1, 2), part(2, 3)).unwrap();
    let quote = quote_of(&mut record);
    quote.pricing.prices = prices;
    quote.pricing.cross_lsn = Some(Lsn::new(8));
    quote.move_ppm = 1_500;
    quote.exposure_weight = Weight::parse("1.5").unwrap();
    let pricing = quote.pricing.clone();
    let gross = Some(Money::new(Currency::USD, 1_400));
    conversions_of(&mut record).settlement = Converted::quoted(SettlementQuote { pricing, gross });
    let payment = payment_of(&mut record);
    payment.capture_mode = CaptureMode::Manual;
    payment.consent = Consent::Mandate(MandateId::from_bytes([0xee; 16]));
    payment.offer = Some(Offer {
        quote_id: QuoteId::from_bytes([0x11; 16]),
        expires_at: Timestamp::from_micros(1_700_000_600_000_000),
        merchant: MerchantId(1),
        payer: account(AccountKind::Wallet, Currency::HKD, 3),
        presentment_amount: Money::new(Currency::CNY, 10_000),
        card: None,
    });
    payment.debit_amount_max = Some(Money::new(Currency::HKD, 12_000));
    payment.sandbox_decline = Some(DeclineReason::ExposureLimit);
    let amount = |presentment, debit, settlement| PaymentAmount {
        presentment: Money::new(Currency::CNY, presentment),
        debit: Money::new(Currency::HKD, debit),
        settlement: Money::new(Currency::USD, settlement),
    };
    record.event = Event::PaymentAuthorized(PaymentAuthorized {
        expires_at: Timestamp::from_micros(1_700_604_800_000_000),
        after: totals(PaymentState::Authorized, amount(10_000, 11_911, 1_391), amount(0, 0, 0)),
        above_soft_limit: vec![Currency::HKD, Currency::USD],
    });
    let bytes = encoded(&record);
    assert_eq!(decode(&bytes), Ok(record));
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "080a10a0c297c1c1c482031a40080210011a10aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa20012a10bbbbbbbbbbbbbbbbbbbb\
         bbbbbbbbbbbb3214010000000200000000000000040000000500000022f30152f0010a10cccccccccccccccccccccccccc\
         cccccc10011a076f726465722d312210dddddddddddddddddddddddddddddddd288380808080ab40309c0138904e423718\
         904e2009288080f9c0c1c4820332046465736b38875d40915c480852120a01011201021a01022201032a010132010358dc\
         0b60e0c65b4a2d18092008288080f9c0c1c4820332046465736b3a120a01011201021a01022201032a010132010340c806\
         48f80a50015a121a10eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee622b0a101111111111111111111111111111111110808c86\
         dfc3c482031801208380808080ab40289c0130904e68e05d70d80278102a2e5a2c0880c087c88ed68203121b0803109c01\
         18d80220c8062a0e904e875def0a000000000000875d1a04d802c806"
    );
}
