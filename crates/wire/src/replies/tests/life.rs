//! What became of a payment, from the records that changed it.

use domain::{
    AuthorizationIncreased, CapturePayment, CaptureRest, HoldExpired, IncreaseAuthorization, Offer, OfferedQuote,
    PaymentAuthorized, PaymentRefunded, QuoteId, RefundId, RefundPayment, RefundPending, RefundPriced, Repriced,
    SettlementQuote, VoidPayment,
};
use money::ExactRate;

use super::*;

const ID: PaymentId = PaymentId::from_bytes([0xcc; 16]);
const OTHER: PaymentId = PaymentId::from_bytes([0xdd; 16]);
const REFUND: RefundId = RefundId::from_bytes([0x22; 16]);

fn hkd(minor_units: i128) -> Money {
    Money::new(HKD, minor_units)
}

fn cny(minor_units: i128) -> Money {
    Money::new(CNY, minor_units)
}

fn later(command: Command, event: Event) -> Record {
    Record { lsn: Lsn::new(20), at: DECIDED_AT.plus_millis(60_000), key: None, command, event }
}

/// CNY 100.00 held, of which this much is captured.
fn totals_of(state: PaymentState, captured: PaymentAmount, refunded: PaymentAmount, held: i128) -> PaymentTotals {
    PaymentTotals { state, authorized: amounts(10_000, 11_911, 9_940), captured, refunded, held: hkd(held) }
}

fn held() -> Record {
    let nothing = amounts(0, 0, 0);
    let event = Event::PaymentAuthorized(PaymentAuthorized {
        expires_at: DECIDED_AT.plus_millis(1_000),
        after: totals_of(PaymentState::Authorized, nothing, nothing, 11_911),
        above_soft_limit: Vec::new(),
    });
    let mut record = decided(quoted(Some((11_911, 11_793))), event);
    let Command::AuthorizePayment(command) = &mut record.command else { panic!("it is a payment") };
    command.capture_mode = CaptureMode::Manual;
    command.consent = Consent::Code(Digest([1; 16]));
    record
}

fn one_posting() -> Vec<Posting> {
    let position = AccountId::house(AccountKind::FxPosition, HKD);
    vec![Posting::new(payer(HKD), position, hkd(7_076)).unwrap()]
}

fn captured_in_part() -> Record {
    let command =
        CapturePayment { merchant: MerchantId(1), payment_id: ID, amount: cny(6_000), rest: CaptureRest::Kept };
    let after = totals_of(PaymentState::PartiallyCaptured, amounts(6_000, 7_147, 5_964), amounts(0, 0, 0), 4_764);
    let event =
        PaymentCaptured { settlement_amount: cny(5_964), postings: one_posting(), after, above_soft_limit: Vec::new() };
    later(Command::CapturePayment(command), Event::PaymentCaptured(event))
}

fn refund_of(event: Event) -> Record {
    let command = RefundPayment { merchant: MerchantId(1), payment_id: ID, refund_id: REFUND, amount: cny(1_000) };
    later(Command::RefundPayment(command), event)
}

fn after_refund() -> PaymentTotals {
    let (captured, refunded) = (amounts(6_000, 7_147, 5_964), amounts(1_000, 1_191, 994));
    totals_of(PaymentState::PartiallyRefunded, captured, refunded, 0)
}

fn given_back(repriced: Option<Repriced>) -> Event {
    Event::PaymentRefunded(PaymentRefunded {
        debit_amount: hkd(1_191),
        settlement_amount: cny(994),
        repriced,
        postings: one_posting(),
        after: after_refund(),
    })
}

fn at_a_third() -> Repriced {
    Repriced { mid_rate: ExactRate::from_parts(4, 3).unwrap(), rate_lsn: Lsn::new(15), difference: hkd(-12) }
}

fn waiting() -> Record {
    refund_of(Event::RefundPending(RefundPending {
        settlement_amount: cny(994),
        postings: one_posting(),
        priced_from_day: 19_000,
        after: after_refund(),
    }))
}

fn priced() -> Record {
    let refund = |payment_id, refund_id, debit| RefundPriced {
        payment_id,
        refund_id,
        debit_amount: hkd(debit),
        repriced: at_a_third(),
        postings: one_posting(),
    };
    let refunds = vec![refund(OTHER, RefundId::from_bytes([0; 16]), 5), refund(ID, REFUND, 1_333)];
    later(Command::PriceRefunds, Event::RefundsPriced(refunds))
}

fn whole(debit: i128, presentment: i128, settlement: i128) -> Option<v1::PaymentAmount> {
    Some(v1::PaymentAmount {
        presentment: Some(money(cny(presentment))),
        debit: Some(money(hkd(debit))),
        settlement: Some(money(cny(settlement))),
    })
}

#[test]
fn a_hold_shows_what_it_would_come_to() {
    let payment = shown(&held());
    assert_eq!(payment.state(), v1::PaymentState::Authorized);
    assert_eq!(payment.authorized, whole(11_911, 10_000, 9_940));
    assert_eq!(payment.captured, whole(0, 0, 0));
    assert_eq!(payment.held_amount, Some(money(hkd(11_911))));
    assert_eq!(payment.expire_time, Some(timestamp(DECIDED_AT.plus_millis(1_000))));
    assert_eq!(payment.settlement_amount, Some(money(cny(9_940))));
    assert_eq!(payment.merchant_discount, Some(money(cny(60))));
    assert_eq!((payment.capture_mode(), payment.consent()), (v1::CaptureMode::Manual, v1::ConsentKind::PayerCode));
    assert_eq!(payment.postings, []);
}

#[test]
fn a_later_record_tells_where_the_payment_stands() {
    let payment = payment(&held(), &captured_in_part(), &Demo).unwrap();
    assert_eq!(payment.state(), v1::PaymentState::PartiallyCaptured);
    assert_eq!(payment.authorized, whole(11_911, 10_000, 9_940));
    assert_eq!(payment.captured, whole(7_147, 6_000, 5_964));
    assert_eq!(payment.held_amount, Some(money(hkd(4_764))));
    assert_eq!(payment.postings.len(), 1);
    assert_eq!((payment.lsn, payment.create_time), (20, Some(timestamp(DECIDED_AT))));
    assert_eq!(payment.update_time, Some(timestamp(DECIDED_AT.plus_millis(60_000))));
    assert_eq!(payment.debit_amount, Some(money(hkd(11_911))), "of what was asked first");
    assert_eq!(payment.settlement_amount, Some(money(cny(9_940))));
    assert_eq!(payment.conversion.unwrap().rate_age_ms, 500, "as old as it was when the payment was decided");
}

#[test]
fn every_kind_of_record_tells_where_it_left_its_payment() {
    let after = after_refund();
    let (merchant, payment_id) = (MerchantId(1), ID);
    let check = |record: Record, kind, totals_told: bool| {
        assert_eq!(event_kind(&record), Some(kind));
        assert!(payment_ids(&record).contains(&ID), "{kind:?}");
        assert_eq!(totals(&record, ID).is_some(), totals_told, "{kind:?}");
        assert_eq!(totals(&record, PaymentId::from_bytes([1; 16])), None);
        assert_eq!(payment(&held(), &record, &Demo).is_some(), totals_told);
        let payment = payment_after(&held(), &record, &after, &Demo).unwrap();
        assert_eq!(payment.state(), v1::PaymentState::PartiallyRefunded);
    };
    check(held(), v1::PaymentEventKind::Authorized, true);
    check(captured_in_part(), v1::PaymentEventKind::Captured, true);
    let void = Command::VoidPayment(VoidPayment { merchant, payment_id });
    check(later(void, Event::PaymentVoided(after)), v1::PaymentEventKind::Voided, true);
    check(refund_of(given_back(None)), v1::PaymentEventKind::Refunded, true);
    check(waiting(), v1::PaymentEventKind::RefundPending, true);
    check(priced(), v1::PaymentEventKind::RefundPriced, false);
    check(refund_of(declined(DeclineReason::NotEnough)), v1::PaymentEventKind::Declined, false);
    let converted = Evidence::Present(Conversions { debit: quoted(None), settlement: Converted::SameCurrency });
    let more = IncreaseAuthorization { merchant, payment_id, amount: cny(1), converted, consent: None };
    let increased = AuthorizationIncreased { after, above_soft_limit: Vec::new() };
    let increased = later(Command::IncreaseAuthorization(more), Event::AuthorizationIncreased(increased));
    check(increased, v1::PaymentEventKind::Increased, true);
    let hold = |payment_id| HoldExpired { payment_id, after };
    let expired = later(Command::ExpireHolds, Event::HoldsExpired(vec![hold(OTHER), hold(ID)]));
    assert_eq!(payment_ids(&expired), [OTHER, ID]);
    check(expired, v1::PaymentEventKind::Expired, true);
}

#[test]
fn a_record_of_another_payment_says_nothing_of_this_one() {
    let mut other = captured_in_part();
    let Command::CapturePayment(command) = &mut other.command else { panic!("it is a capture") };
    command.payment_id = OTHER;
    assert_eq!(payment(&held(), &other, &Demo), None);
    assert_eq!(payment_after(&held(), &other, &after_refund(), &Demo), None);
    let declined = decided(Converted::SameCurrency, declined(DeclineReason::AccountClosed));
    assert_eq!(payment(&declined, &captured_in_part(), &Demo), None);
    assert_eq!(payment_after(&declined, &captured_in_part(), &after_refund(), &Demo), None);
    assert_eq!(event_kind(&moved(Event::AccountClosed)), None);
    assert_eq!(payment_ids(&moved(Event::AccountClosed)), []);
}

#[test]
fn a_priced_refund_shows_its_own_postings_only() {
    let payment = payment_after(&held(), &priced(), &after_refund(), &Demo).unwrap();
    assert_eq!(payment.postings.len(), 1);
}

#[test]
fn a_refund_at_the_payments_own_rate_names_no_other() {
    let refund = refund(&refund_of(given_back(None)), None, &Demo).unwrap();
    assert_eq!(refund.refund_id, "22222222-2222-2222-2222-222222222222");
    assert_eq!(refund.payment_id, ID.to_string());
    assert_eq!((refund.state(), refund.rate_rule()), (v1::RefundState::Refunded, v1::RefundRate::Original));
    assert_eq!(refund.presentment_amount, Some(money(cny(1_000))));
    assert_eq!((refund.debit_amount, refund.settlement_amount), (Some(money(hkd(1_191))), Some(money(cny(994)))));
    assert_eq!((refund.mid_rate.as_str(), refund.rate_lsn, refund.rate_difference), ("", 0, None));
    assert_eq!((refund.postings.len(), refund.lsn), (1, 20));
}

#[test]
fn a_refund_at_another_rate_tells_it_whole() {
    let refund = refund(&refund_of(given_back(Some(at_a_third()))), None, &Demo).unwrap();
    assert_eq!(refund.rate_rule(), v1::RefundRate::Current);
    assert_eq!((refund.mid_rate.as_str(), refund.rate_exact.as_str(), refund.rate_lsn), ("1.333333333", "4/3", 15));
    assert_eq!(refund.rate_difference, Some(money(hkd(-12))));
}

#[test]
fn a_refund_waits_until_it_is_priced() {
    let pending = refund(&waiting(), None, &Demo).unwrap();
    assert_eq!((pending.state(), pending.rate_rule()), (v1::RefundState::Pending, v1::RefundRate::NextDay));
    assert_eq!((&pending.debit_amount, &pending.settlement_amount), (&None, &Some(money(cny(994)))));
    let given = refund(&waiting(), Some(&priced()), &Demo).unwrap();
    assert_eq!((given.state(), given.rate_rule()), (v1::RefundState::Refunded, v1::RefundRate::NextDay));
    assert_eq!((given.debit_amount, given.rate_lsn), (Some(money(hkd(1_333))), 15));
    assert_eq!(given.postings.len(), 2, "the merchant's side and the payer's");
    let other = later(Command::PriceRefunds, Event::RefundsPriced(Vec::new()));
    assert_eq!(refund(&waiting(), Some(&other), &Demo), Some(pending));
}

#[test]
fn a_declined_refund_moves_nothing() {
    let declined = refund(&refund_of(declined(DeclineReason::NotEnough)), None, &Demo).unwrap();
    assert_eq!(
        (declined.state(), declined.decline_reason()),
        (v1::RefundState::Declined, v1::DeclineReason::NotEnough)
    );
    assert_eq!((declined.debit_amount, declined.settlement_amount, declined.postings), (None, None, Vec::new()));
    assert_eq!(refund(&captured_in_part(), None, &Demo), None);
}

/// Bid and ask, so that the merchant, the payer and the middle are three rates; and one of them no decimal.
fn spread() -> Pricing {
    let part = |above, below| ExactRate::from_parts(above, below).unwrap();
    let prices = Prices::new(part(1, 8), part(1, 7), part(1, 6)).unwrap();
    Pricing { prices, cross_lsn: Some(Lsn::new(8)), ..pricing("1") }
}

fn offered() -> OfferedQuote {
    let debit = Converted::quoted(Quote {
        pricing: spread(),
        markup: Ratio::parse("0.01").unwrap(),
        move_ppm: 1_500,
        exposure_weight: Weight::parse("1.5").unwrap(),
        amounts: Some(QuotedAmounts { debit: hkd(1_684), mid: hkd(1_429) }),
    });
    let gross = Some(Money::new(Currency::USD, 1_250));
    let settlement = Converted::quoted(SettlementQuote { pricing: spread(), gross });
    let offer = Offer {
        quote_id: QuoteId::from_bytes([0x11; 16]),
        expires_at: DECIDED_AT.plus_millis(600_000),
        merchant: MerchantId(1),
        payer: payer(HKD),
        presentment_amount: cny(10_000),
        card: None,
    };
    OfferedQuote { offer, conversions: Conversions { debit, settlement } }
}

#[test]
fn a_quote_as_json() {
    let quote = quote(&offered(), (Ratio::parse("0.006").unwrap(), None), DECIDED_AT, &Demo).unwrap();
    let expected = json!({
        "quoteId": "11111111-1111-1111-1111-111111111111",
        "merchantId": "merchant-1",
        "payer": {"walletId": "demo-wallet", "accountId": "account-3"},
        "presentmentAmount": {"currencyCode": "CNY", "minorUnits": "10000"},
        "debitAmount": {"currencyCode": "HKD", "minorUnits": "1684"},
        "settlementAmount": {"currencyCode": "USD", "minorUnits": "1242"},
        "merchantDiscount": {"currencyCode": "USD", "minorUnits": "8"},
        "conversion": {
            "midRate": "0.1428571429",
            "rateExact": "1/7",
            "appliedRate": "1/6",
            "markup": "0.01",
            "midAmount": {"currencyCode": "HKD", "minorUnits": "1429"},
            "markupAmount": {"currencyCode": "HKD", "minorUnits": "255"},
            "rateSource": "desk",
            "rateAsOfTime": "2023-11-14T22:13:20+00:00",
            "rateAgeMs": "500",
            "rateLsn": "9",
            "crossRateLsn": "8",
            "movePpm": 1500,
            "exposureWeight": "1.5",
        },
        "settlementConversion": {
            "midRate": "0.1428571429",
            "rateExact": "1/7",
            "appliedRate": "0.125",
            "markup": "0",
            "midAmount": {"currencyCode": "USD", "minorUnits": "1429"},
            "rateSource": "desk",
            "rateAsOfTime": "2023-11-14T22:13:20+00:00",
            "rateAgeMs": "500",
            "rateLsn": "9",
            "crossRateLsn": "8",
        },
        "expireTime": "2023-11-14T22:23:20.500+00:00",
    });
    assert_eq!(serde_json::to_value(quote).unwrap(), expected);
}

#[test]
fn what_is_too_large_to_pay_is_not_offered() {
    let quote = |offered: &OfferedQuote| quote(offered, (Ratio::ZERO, None), DECIDED_AT, &Demo);
    let mut too_dear = offered();
    too_dear.conversions.debit = quoted(None);
    assert_eq!(quote(&too_dear), None);
    let mut too_much = offered();
    too_much.conversions.settlement = Converted::quoted(SettlementQuote { pricing: spread(), gross: None });
    assert_eq!(quote(&too_much), None);
}

#[test]
fn published_states_have_the_stored_numbers() {
    for state in PaymentState::ALL {
        let published = payment_state(state);
        assert_eq!(i32::from(published), i32::from(state.number()));
        assert_eq!(published.as_str_name(), format!("PAYMENT_STATE_{}", state.as_str().to_uppercase()));
    }
}
