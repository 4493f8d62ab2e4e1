//! What the operator asks, of the switch and of its sandbox.

use domain::DeclineReason;

use super::*;

fn two_sided() -> v1::PublishRatesRequest {
    let mut message = rates_request();
    message.rates[0].mid_rate.clear();
    message.rates[0].bid = "1.179".to_owned();
    message.rates[0].ask = "1.1796".to_owned();
    message.rates[0].valid_until_time = Some(pbjson_types::Timestamp { seconds: 1_700_000_060, nanos: 0 });
    message.override_reason = "central bank moved".to_owned();
    message
}

#[test]
fn a_rate_may_have_two_sides_and_an_end() {
    let (_, published) = publish_rates(&two_sided(), &digester()).unwrap();
    let rate = |text| Rate::parse(text).unwrap();
    assert_eq!(published.ticks[0].price, TickPrice::BidAsk { bid: rate("1.179"), ask: rate("1.1796") });
    assert_eq!(published.ticks[0].valid_until, Some(Timestamp::from_micros(1_700_000_060_000_000)));
    assert_eq!(published.override_reason.map(|reason| reason.to_string()).as_deref(), Some("central bank moved"));
}

#[test]
fn a_rate_is_a_mid_or_bid_and_ask() {
    let check = |change: &dyn Fn(&mut v1::RatePublication), expected: &str| {
        check(
            two_sided(),
            |message| change(&mut message.rates[0]),
            |message| publish_rates(message, &digester()),
            expected,
        );
    };
    check(
        &|rate| rate.mid_rate = "1.1".to_owned(),
        "FIELDS_CONFLICT rates[0].bid: cannot be given with mid_rate: publish a mid, or bid and ask",
    );
    check(
        &|rate| (rate.mid_rate, rate.bid) = ("1.1".to_owned(), String::new()),
        "FIELDS_CONFLICT rates[0].ask: cannot be given with mid_rate: publish a mid, or bid and ask",
    );
    check(&|rate| rate.bid.clear(), "FIELD_MISSING rates[0].bid: is missing");
    check(&|rate| rate.ask.clear(), "FIELD_MISSING rates[0].ask: is missing");
    check(&|rate| (rate.bid, rate.ask) = (String::new(), String::new()), "FIELD_MISSING rates[0].mid_rate: is missing");
    check(
        &|rate| rate.ask = "0".to_owned(),
        &format!("RATE_INVALID rates[0].ask: {}; found \"0\"", money::RateError::NotPositive),
    );
}

#[test]
fn whatever_a_publication_says_tells_it_from_another() {
    let recorded = publish_rates(&two_sided(), &digester()).unwrap().0.fingerprint;
    let check = |change: &dyn Fn(&mut v1::PublishRatesRequest), expected: Option<&str>| {
        let mut message = two_sided();
        change(&mut message);
        let later = publish_rates(&message, &digester()).unwrap().0.fingerprint;
        assert_eq!(first_difference(&recorded, &later).as_deref(), expected);
    };
    check(&|message| message.rates[0].bid = "1.1790".to_owned(), None);
    check(&|message| message.rates[0].bid = "1.178".to_owned(), Some("rates"));
    check(&|message| message.rates[0].ask = "1.18".to_owned(), Some("rates"));
    check(&|message| message.rates[0].valid_until_time = None, Some("rates"));
    check(&|message| message.override_reason.push('!'), Some("override_reason"));
    check(&|message| message.override_reason.clear(), Some("override_reason"));
}

#[test]
fn a_reserve_is_funded_by_name() {
    let message = v1::FundReserveRequest {
        idempotency_key: "key-1".to_owned(),
        merchant_id: "demo-cafe".to_owned(),
        amount: hkd(500),
    };
    let (key, merchant, amount) = fund_reserve(&message, &digester()).unwrap();
    assert_eq!((key.tenant, key.fingerprint.method), (TenantId::Operator, Method::FundReserve));
    assert_eq!((merchant.as_str(), amount), ("demo-cafe", Money::new(Currency::HKD, 500)));
    let fund = |message: &v1::FundReserveRequest| fund_reserve(message, &digester());
    check(message, |message| message.merchant_id.clear(), fund, "FIELD_MISSING merchant_id: is missing");
}

#[test]
fn a_merchant_is_paid_out_by_name() {
    let message = v1::PayOutRequest {
        idempotency_key: "key-1".to_owned(),
        merchant_id: "demo-cafe".to_owned(),
        amount: hkd(500),
    };
    let (key, merchant, amount) = pay_out(&message, &digester()).unwrap();
    assert_eq!((key.tenant, key.fingerprint.method), (TenantId::Operator, Method::PayOut));
    assert_eq!((merchant.as_str(), amount), ("demo-cafe", Money::new(Currency::HKD, 500)));
}

#[test]
fn a_deal_is_between_two_currencies() {
    let cny = |minor_units| Some(v1::Money { currency_code: "CNY".to_owned(), minor_units });
    let message = || v1::SquarePositionRequest {
        idempotency_key: "key-1".to_owned(),
        sold_amount: hkd(1_179),
        bought_amount: cny(1_001),
        closed_amount: cny(1_000),
    };
    let square = |message: &v1::SquarePositionRequest| square_position(message, &digester());
    let (key, deal) = square(&message()).unwrap();
    assert_eq!(key.fingerprint.method, Method::SquarePosition);
    assert_eq!(deal.sold, Money::new(Currency::HKD, 1_179));
    assert_eq!((deal.bought, deal.closed), (Money::new(Currency::CNY, 1_001), Money::new(Currency::CNY, 1_000)));
    check(
        message(),
        |message| message.bought_amount = hkd(1),
        square,
        "PAIR_OF_ONE_CURRENCY bought_amount: must be in another currency than sold_amount",
    );
    check(
        message(),
        |message| message.closed_amount = hkd(1),
        square,
        "FIELDS_CONFLICT closed_amount: must be in the currency of bought_amount",
    );
}

#[test]
fn a_clock_moves_ahead_by_a_year_at_most() {
    let advance = |advance_ms| advance_clock(&v1::AdvanceClockRequest { advance_ms });
    assert_eq!((advance(1), advance(31_536_000_000)), (Ok(1), Ok(31_536_000_000)));
    for millis in [0, 31_536_000_001, u64::MAX] {
        let expected =
            format!("NUMBER_OUT_OF_BOUNDS advance_ms: must be 1 to 31536000000 milliseconds; found {millis}");
        assert_eq!(line(advance(millis)), Some(expected));
    }
}

#[test]
fn a_rate_is_pinned_or_let_go() {
    let pin = |mid_rate: &str| {
        pin_rate(&v1::PinRateRequest {
            presentment_currency_code: "CNY".to_owned(),
            debit_currency_code: "HKD".to_owned(),
            mid_rate: mid_rate.to_owned(),
        })
    };
    let pair = CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD };
    assert_eq!(pin("1.2"), Ok(RatePin { pair, mid_rate: Some(Rate::parse("1.2").unwrap()) }));
    assert_eq!(pin(""), Ok(RatePin { pair, mid_rate: None }));
    assert_eq!(pin("x").unwrap_err().reason, InvalidReason::RateInvalid);
}

#[test]
fn a_call_fails_in_one_of_three_ways() {
    let fail = |method, failure, decline_reason| fail_next(&v1::FailNextRequest { method, failure, decline_reason });
    assert_eq!(fail(1, 1, 0), Ok((Method::Authorize, Failure::Refused)));
    assert_eq!(fail(2, 2, 0), Ok((Method::Capture, Failure::Unconfirmed)));
    assert_eq!(fail(3, 1, 0), Ok((Method::Void, Failure::Refused)));
    assert_eq!(fail(4, 1, 0), Ok((Method::Refund, Failure::Refused)));
    let declined = Failure::Declined(DeclineReason::InsufficientBalance);
    assert_eq!(fail(1, 3, 6), Ok((Method::Authorize, declined)));
    let refused = |method, failure, decline_reason| line(fail(method, failure, decline_reason)).unwrap();
    assert_eq!(refused(0, 1, 0), "FIELD_MISSING method: is missing");
    assert_eq!(refused(9, 1, 0), "VALUE_UNKNOWN method: must be a value this version knows; found 9");
    assert_eq!(refused(1, 0, 0), "FIELD_MISSING failure: is missing");
    assert_eq!(refused(1, 9, 0), "VALUE_UNKNOWN failure: must be a value this version knows; found 9");
    assert_eq!(refused(1, 3, 0), "FIELD_MISSING decline_reason: is missing");
    assert_eq!(refused(1, 3, 99), "VALUE_UNKNOWN decline_reason: must be a value this version knows; found 99");
    assert_eq!(refused(2, 3, 6), "FIELDS_CONFLICT failure: is for SANDBOX_METHOD_AUTHORIZE only");
    assert_eq!(refused(1, 1, 6), "FIELDS_CONFLICT decline_reason: goes with SANDBOX_FAILURE_DECLINED only");
}
