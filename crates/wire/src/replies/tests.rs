mod life;

use domain::{
    AuthorizePayment, CaptureMode, Consent, Conversions, Converted, Decline, DeclineReason, Digest, Label, Lsn,
    PaymentAmount, PaymentCaptured, PaymentId, PaymentState, PaymentTotals, Pricing, Quote, QuotedAmounts,
    RegisterWallet, Unavailable, WalletId,
};
use money::{Currency, Prices, Rate, Ratio, Weight};
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value, json};

use super::*;
use crate::journal::tests::arbitrary;

struct Demo;

impl Names for Demo {
    fn merchant(&self, merchant: MerchantId) -> Option<Name> {
        Name::new(&format!("merchant-{}", merchant.0)).ok()
    }

    fn card(&self, _: CardToken) -> Option<CardFace> {
        None
    }

    fn account(&self, account: AccountId) -> Option<AccountName> {
        let wallet = Name::new("demo-wallet").ok()?;
        Some(AccountName { wallet, account: Name::new(&format!("account-{}", account.index)).ok()? })
    }
}

const CNY: Currency = Currency::CNY;
const HKD: Currency = Currency::HKD;
const DECIDED_AT: Timestamp = Timestamp::from_micros(1_700_000_000_500_000);

fn payer(currency: Currency) -> AccountId {
    AccountId { kind: AccountKind::Wallet, currency, index: 3 }
}

fn pricing(mid_rate: &str) -> Pricing {
    Pricing {
        prices: Prices::mid_only(Rate::parse(mid_rate).unwrap().into()),
        rate_lsn: Lsn::new(9),
        cross_lsn: None,
        as_of: Timestamp::from_micros(1_700_000_000_000_000),
        source: Label::new("desk").unwrap(),
    }
}

fn quoted(amounts: Option<(i128, i128)>) -> Converted<Box<Quote>> {
    Converted::quoted(Quote {
        pricing: pricing("1.179291231"),
        markup: Ratio::parse("0.01").unwrap(),
        move_ppm: 0,
        exposure_weight: Weight::ONE,
        amounts: amounts.map(|(debit, mid)| QuotedAmounts { debit: Money::new(HKD, debit), mid: Money::new(HKD, mid) }),
    })
}

/// CNY 100.00 asked of an HKD wallet.
fn decided(debit: Converted<Box<Quote>>, event: Event) -> Record {
    let command = AuthorizePayment {
        payment_id: PaymentId::from_bytes([0xcc; 16]),
        merchant: MerchantId(1),
        merchant_order_id: Label::new("Order #1").unwrap(),
        merchant_order_digest: Digest([0; 16]),
        presentment_amount: Money::new(CNY, 10_000),
        payer: Evidence::Present(payer(HKD)),
        converted: Evidence::Present(Conversions { debit, settlement: Converted::SameCurrency }),
        offer: None,
        capture_mode: CaptureMode::Automatic,
        consent: Consent::PayerNamed,
        debit_amount_max: None,
        sandbox_decline: None,
    };
    let command = Command::AuthorizePayment(command);
    Record { lsn: Lsn::new(10), at: DECIDED_AT, key: None, command, event }
}

fn amounts(presentment: i128, debit: i128, settlement: i128) -> PaymentAmount {
    PaymentAmount {
        presentment: Money::new(CNY, presentment),
        debit: Money::new(HKD, debit),
        settlement: Money::new(CNY, settlement),
    }
}

fn captured_at_once(all: PaymentAmount, postings: Vec<Posting>) -> Event {
    let zero = |of: Money| Money::zero(of.currency());
    let (presentment, debit, settlement) = (zero(all.presentment), zero(all.debit), zero(all.settlement));
    let refunded = PaymentAmount { presentment, debit, settlement };
    let after = PaymentTotals { state: PaymentState::Captured, authorized: all, captured: all, refunded, held: debit };
    let above_soft_limit = Vec::new();
    Event::PaymentCaptured(PaymentCaptured { settlement_amount: all.settlement, postings, after, above_soft_limit })
}

fn captured() -> Record {
    let house = AccountId::house;
    let move_money = |debit, credit, amount| Posting::new(debit, credit, amount).unwrap();
    let postings = vec![
        move_money(payer(HKD), house(AccountKind::FxPosition, HKD), Money::new(HKD, 11_793)),
        move_money(payer(HKD), house(AccountKind::FxMarkup, HKD), Money::new(HKD, 118)),
        move_money(
            house(AccountKind::FxPosition, CNY),
            AccountId::merchant_payable(MerchantId(1), CNY),
            Money::new(CNY, 10_000),
        ),
    ];
    decided(quoted(Some((11_911, 11_793))), captured_at_once(amounts(10_000, 11_911, 9_940), postings))
}

fn declined(reason: DeclineReason) -> Event {
    Event::Declined(Decline { reason, paid_by: None })
}

fn shown(record: &Record) -> v1::Payment {
    payment(record, record, &Demo).expect("the record is of a payment")
}

#[test]
fn a_captured_payment_as_json() {
    let expected = json!({
        "paymentId": "cccccccc-cccc-cccc-cccc-cccccccccccc",
        "merchantId": "merchant-1",
        "merchantOrderId": "Order #1",
        "payer": {"walletId": "demo-wallet", "accountId": "account-3"},
        "state": "PAYMENT_STATE_CAPTURED",
        "presentmentAmount": {"currencyCode": "CNY", "minorUnits": "10000"},
        "debitAmount": {"currencyCode": "HKD", "minorUnits": "11911"},
        "settlementAmount": {"currencyCode": "CNY", "minorUnits": "9940"},
        "merchantDiscount": {"currencyCode": "CNY", "minorUnits": "60"},
        "conversion": {
            "midRate": "1.179291231",
            "markup": "0.01",
            "midAmount": {"currencyCode": "HKD", "minorUnits": "11793"},
            "markupAmount": {"currencyCode": "HKD", "minorUnits": "118"},
            "rateSource": "desk",
            "rateAsOfTime": "2023-11-14T22:13:20+00:00",
            "rateAgeMs": "500",
            "rateLsn": "9",
            "appliedRate": "1.179291231",
            "exposureWeight": "1",
        },
        "postings": [
            {
                "debitAccount": "wallet:demo-wallet/account-3",
                "creditAccount": "fx_position:HKD",
                "amount": {"currencyCode": "HKD", "minorUnits": "11793"},
            },
            {
                "debitAccount": "wallet:demo-wallet/account-3",
                "creditAccount": "fx_markup:HKD",
                "amount": {"currencyCode": "HKD", "minorUnits": "118"},
            },
            {
                "debitAccount": "fx_position:CNY",
                "creditAccount": "merchant_payable:merchant-1",
                "amount": {"currencyCode": "CNY", "minorUnits": "10000"},
            },
        ],
        "createTime": "2023-11-14T22:13:20.500+00:00",
        "lsn": "10",
        "authorized": {
            "presentment": {"currencyCode": "CNY", "minorUnits": "10000"},
            "debit": {"currencyCode": "HKD", "minorUnits": "11911"},
            "settlement": {"currencyCode": "CNY", "minorUnits": "9940"},
        },
        "captured": {
            "presentment": {"currencyCode": "CNY", "minorUnits": "10000"},
            "debit": {"currencyCode": "HKD", "minorUnits": "11911"},
            "settlement": {"currencyCode": "CNY", "minorUnits": "9940"},
        },
        "refunded": {
            "presentment": {"currencyCode": "CNY"},
            "debit": {"currencyCode": "HKD"},
            "settlement": {"currencyCode": "CNY"},
        },
        "heldAmount": {"currencyCode": "HKD"},
        "captureMode": "CAPTURE_MODE_AUTOMATIC",
        "consent": "CONSENT_KIND_PAYER_NAMED",
        "updateTime": "2023-11-14T22:13:20.500+00:00",
    });
    let json = serde_json::to_value(shown(&captured())).unwrap();
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<v1::Payment>(json).unwrap(), shown(&captured()));
}

#[test]
fn a_payment_in_one_currency_has_no_conversion() {
    let all = PaymentAmount { debit: Money::new(CNY, 10_000), ..amounts(10_000, 0, 10_000) };
    let payment = shown(&decided(Converted::SameCurrency, captured_at_once(all, Vec::new())));
    assert_eq!(payment.conversion, None);
    assert_eq!(payment.debit_amount, Some(money(Money::new(CNY, 10_000))));
    assert_eq!(payment.merchant_discount, Some(money(Money::zero(CNY))), "a discount of nothing is shown");
}

#[test]
fn a_declined_payment_shows_what_it_would_have_cost() {
    let event = declined(DeclineReason::InsufficientBalance);
    let payment = shown(&decided(quoted(Some((11_911, 11_793))), event.clone()));
    assert_eq!(payment.state(), v1::PaymentState::Declined);
    assert_eq!(payment.decline_reason(), v1::DeclineReason::InsufficientBalance);
    assert_eq!(payment.debit_amount, Some(money(Money::new(HKD, 11_911))));
    assert_eq!((payment.settlement_amount, payment.merchant_discount), (None, None));
    assert_eq!(payment.postings, []);
    assert_eq!(payment.paid_by_payment_id, "");

    let payment = shown(&decided(Converted::SameCurrency, event));
    assert_eq!(payment.debit_amount, Some(money(Money::new(CNY, 10_000))));
}

#[test]
fn a_debit_too_large_to_quote_is_not_shown() {
    let payment = shown(&decided(quoted(None), declined(DeclineReason::DebitAmountTooLarge)));
    assert_eq!(payment.debit_amount, None);
    let conversion = payment.conversion.expect("the rate was found");
    assert_eq!((conversion.mid_amount, conversion.markup_amount), (None, None));
    assert_eq!(conversion.mid_rate, "1.179291231");
}

#[test]
fn an_order_already_paid_names_the_payment_that_paid_it() {
    let paid_by = Some(PaymentId::from_bytes([0xee; 16]));
    let event = Event::Declined(Decline { reason: DeclineReason::OrderAlreadyPaid, paid_by });
    let payment = shown(&decided(Converted::SameCurrency, event));
    assert_eq!(payment.paid_by_payment_id, "eeeeeeee-eeee-eeee-eeee-eeeeeeeeeeee");
}

#[test]
fn a_rate_ahead_of_the_clock_has_no_age() {
    let record = Record { at: Timestamp::from_micros(1_699_999_999_000_000), ..captured() };
    assert_eq!(shown(&record).conversion.map(|conversion| conversion.rate_age_ms), Some(0));
}

fn moved(event: Event) -> Record {
    let command = MoveFunds { account: Evidence::Present(payer(HKD)), amount: Money::new(HKD, 500) };
    Record { lsn: Lsn::new(4), at: DECIDED_AT, key: None, command: Command::Deposit(command), event }
}

#[test]
fn a_deposit_as_json() {
    let nostro = AccountId::house(AccountKind::Nostro, HKD);
    let posting = Posting::new(nostro, payer(HKD), Money::new(HKD, 500)).unwrap();
    let record = moved(Event::FundsMoved { posting, posted_balance: Money::new(HKD, 1_500) });
    let expected = json!({
        "state": "MOVEMENT_STATE_POSTED",
        "account": {"walletId": "demo-wallet", "accountId": "account-3"},
        "amount": {"currencyCode": "HKD", "minorUnits": "500"},
        "postedBalance": {"currencyCode": "HKD", "minorUnits": "1500"},
        "createTime": "2023-11-14T22:13:20.500+00:00",
        "lsn": "4",
    });
    assert_eq!(serde_json::to_value(movement(&record, &Demo)).unwrap(), expected);
}

#[test]
fn a_declined_withdrawal_has_no_balance() {
    let mut record = moved(declined(DeclineReason::InsufficientBalance));
    if let Command::Deposit(command) = record.command {
        record.command = Command::Withdraw(command);
    }
    let movement = movement(&record, &Demo).expect("the record is of a withdrawal");
    assert_eq!(movement.state(), v1::MovementState::Declined);
    assert_eq!(movement.decline_reason(), v1::DeclineReason::InsufficientBalance);
    assert_eq!(movement.posted_balance, None);
}

#[test]
fn a_record_of_something_else_is_no_payment_and_no_movement() {
    let name = domain::Name::new("demo-wallet").unwrap();
    let command = Command::RegisterWallet(RegisterWallet { name });
    let other = Record { command, event: Event::WalletRegistered(WalletId(0)), ..captured() };
    assert_eq!((payment(&other, &other, &Demo), movement(&other, &Demo)), (None, None));
    assert_eq!(movement(&captured(), &Demo), None);
    assert_eq!(payment(&moved(Event::AccountClosed), &moved(Event::AccountClosed), &Demo), None);
    assert_eq!(movement(&moved(Event::AccountClosed), &Demo), None);

    let mut unfounded = captured();
    if let Command::AuthorizePayment(command) = &mut unfounded.command {
        command.payer = Evidence::Unavailable(Unavailable::AccountNotFound);
    }
    let payment = payment(&unfounded, &unfounded, &Demo).expect("the record is of a payment");
    assert_eq!(payment.payer, None, "who pays was not told");
}

#[test]
fn accounts_are_labelled_by_kind() {
    let label = |kind| account_label(&Demo, AccountId { kind, currency: HKD, index: 1 });
    assert_eq!(
        AccountKind::ALL.map(label),
        [
            "wallet:demo-wallet/account-1",
            "merchant_payable:merchant-1",
            "fx_position:HKD",
            "fx_markup:HKD",
            "fee_income:HKD",
            "nostro:HKD",
            "fx_result:HKD",
            "merchant_reserve:merchant-1",
            "scheme_receivable:visa/HKD",
            "payer_fee:HKD",
        ]
    );
}

#[test]
fn published_reasons_have_the_stored_numbers() {
    for reason in DeclineReason::ALL {
        let published = decline_reason(reason);
        assert_eq!(i32::from(published), i32::from(reason.number()));
        assert_eq!(published.as_str_name(), format!("DECLINE_REASON_{}", reason.as_str().to_uppercase()));
    }
}

#[test]
fn moments_before_1970_count_nanoseconds_forward() {
    let shown = |micros| timestamp(Timestamp::from_micros(micros));
    assert_eq!(shown(-1), pbjson_types::Timestamp { seconds: -1, nanos: 999_999_000 });
    assert_eq!(shown(0), pbjson_types::Timestamp { seconds: 0, nanos: 0 });
    for micros in [i64::MIN, i64::MAX] {
        let pbjson_types::Timestamp { seconds, nanos } = shown(micros);
        assert_eq!(i128::from(seconds) * 1_000_000 + i128::from(nanos) / 1_000, i128::from(micros));
    }
}

#[test]
fn large_sums_keep_every_digit_in_json() {
    let json = |minor_units| serde_json::to_value(money(Money::new(CNY, minor_units))).unwrap();
    let expected = |text: &str| -> Value { json!({"currencyCode": "CNY", "minorUnits": text}) };
    assert_eq!(json(999_999_999_999_999_999), expected("999999999999999999"));
    assert_eq!(json(-1), expected("-1"));
    assert_eq!(json(i128::MAX), expected("9223372036854775807"));
    assert_eq!(json(i128::MIN), expected("-9223372036854775808"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_096))]

    #[test]
    fn the_encoded_answer_is_the_message_field_by_field(record in arbitrary::record()) {
        let encoded = encoded_payment(&record, &Demo).map(|payment| payment.encode_to_vec());
        let message = payment(&record, &record, &Demo).filter(|_| matches!(record.command, Command::AuthorizePayment(_)));
        prop_assert_eq!(encoded, message.map(|payment| payment.encode_to_vec()));
    }
}
