mod card;

use domain::{
    AccountId, AccountKind, ApiKeyHash, ApproveOrder, AuthorizationIncreased, AuthorizePayment, CaptureMode,
    CapturePayment, CaptureRest, Consent, Conversions, Converted, CurrencyPair, DeclineReason, Digest, FundReserve,
    GrantMandate, HoldExpired, IncreaseAuthorization, InstallPolicy, IssueCode, Label, Lsn, MandateId, MerchantId,
    Mode, Name, OnAccount, OpenAccount, PayOut, PaymentAmount, PaymentAuthorized, PaymentCaptured, PaymentId,
    PaymentRefunded, PaymentState, PaymentTotals, Policy, Pricing, PublishRates, Quote, QuotedAmounts, RateTick,
    RatesPublished, RefundId, RefundPayment, RefundPending, RefundPriced, RegisterMerchant, RegisterWallet, Repriced,
    RevokeMandate, SettlementQuote, TickPrice, VoidPayment, WalletId,
};
use money::{Currency, ExactRate, Prices, Rate, Ratio, Weight};

use super::*;
use crate::render::plain;

const PAYMENT: &str = "07070707-0707-0707-0707-070707070707";
const REFUND: &str = "08080808-0808-0808-0808-080808080808";

fn record(lsn: u64, command: Command, event: Event) -> Record {
    let at = domain::Timestamp::from_micros(1_000_000 * i64::try_from(lsn).unwrap());
    Record { lsn: Lsn::new(lsn), at, key: None, command, event }
}

fn alice() -> AccountId {
    AccountId { kind: AccountKind::Wallet, currency: Currency::HKD, index: 0 }
}

fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn rate(text: &str) -> Rate {
    Rate::parse(text).unwrap()
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn payment_id() -> PaymentId {
    PaymentId::from_bytes([7; 16])
}

fn seconds(seconds: i64) -> domain::Timestamp {
    domain::Timestamp::from_micros(seconds * 1_000_000)
}

fn pricing(mid: &str, lsn: u64) -> Pricing {
    Pricing {
        prices: Prices::mid_only(rate(mid).into()),
        rate_lsn: Lsn::new(lsn),
        cross_lsn: None,
        as_of: domain::Timestamp::EPOCH,
        source: label("ECB"),
    }
}

fn quote() -> Quote {
    Quote {
        pricing: pricing("1.179291231", 4),
        markup: Ratio::parse("0.01").unwrap(),
        move_ppm: 0,
        exposure_weight: Weight::ONE,
        amounts: Some(QuotedAmounts { debit: money("HKD 119.11"), mid: money("HKD 117.93") }),
    }
}

fn conversions() -> Evidence<Conversions> {
    Evidence::Present(Conversions { debit: Converted::quoted(quote()), settlement: Converted::SameCurrency })
}

fn authorize(capture_mode: CaptureMode) -> AuthorizePayment {
    AuthorizePayment {
        payment_id: payment_id(),
        merchant: MerchantId(0),
        merchant_order_id: label("order-1"),
        merchant_order_digest: Digest([0; 16]),
        presentment_amount: money("CNY 100.00"),
        payer: Evidence::Present(alice()),
        converted: conversions(),
        offer: None,
        capture_mode,
        consent: Consent::PayerNamed,
        debit_amount_max: None,
        sandbox_decline: None,
    }
}

fn amount(presentment: &str, debit: &str, settlement: &str) -> PaymentAmount {
    let [presentment, debit, settlement] = [("CNY", presentment), ("HKD", debit), ("CNY", settlement)]
        .map(|(currency, number)| money(&format!("{currency} {number}")));
    PaymentAmount { presentment, debit, settlement }
}

/// CNY 100.00 held, 60.00 of it captured.
fn in_part() -> PaymentTotals {
    PaymentTotals {
        state: PaymentState::PartiallyCaptured,
        authorized: amount("100.00", "119.11", "99.40"),
        captured: amount("60.00", "71.47", "59.64"),
        refunded: amount("0.00", "0.00", "0.00"),
        held: money("HKD 47.64"),
    }
}

fn totals(state: PaymentState) -> PaymentTotals {
    PaymentTotals { state, held: Money::zero(Currency::HKD), ..in_part() }
}

fn to_position(amount: &str) -> Posting {
    Posting::new(alice(), AccountId::house(AccountKind::FxPosition, Currency::HKD), money(amount)).unwrap()
}

fn house(from: AccountKind, to: AccountKind, amount: &str) -> Posting {
    let currency = money(amount).currency();
    Posting::new(AccountId::house(from, currency), AccountId::house(to, currency), money(amount)).unwrap()
}

fn captured(settlement: &str, after: PaymentTotals) -> Event {
    Event::PaymentCaptured(PaymentCaptured {
        settlement_amount: money(settlement),
        postings: vec![to_position("HKD 117.93")],
        after,
        above_soft_limit: Vec::new(),
    })
}

fn beginning() -> Vec<Record> {
    let name = |text| Name::new(text).unwrap();
    let merchant = RegisterMerchant {
        name: name("demo-cafe"),
        settlement_currency: Currency::CNY,
        discount: Ratio::parse("0.006").unwrap(),
        api_key_hash: ApiKeyHash([0; 32]),
    };
    let open = OpenAccount { wallet: WalletId(0), name: name("hk-alice"), currency: Currency::HKD };
    vec![
        record(
            1,
            Command::RegisterWallet(RegisterWallet { name: name("demo-wallet") }),
            Event::WalletRegistered(WalletId(0)),
        ),
        record(2, Command::RegisterMerchant(merchant), Event::MerchantRegistered(MerchantId(0))),
        record(3, Command::OpenAccount(open), Event::AccountOpened(alice())),
    ]
}

/// A ledger that begins as above and goes on with this.
fn described(command: Command, event: Event) -> Described {
    let mut names = LedgerNames::default();
    beginning().iter().for_each(|record| names.learn(record));
    describe(&record(9, command, event), &names)
}

#[track_caller]
fn check(command: Command, event: Event, expected: &str) -> Value {
    let described = described(command, event);
    let line = plain(described.text());
    assert_eq!(line.strip_prefix("       9  1970-01-01 00:00:09.000000Z  "), Some(expected), "{line}");
    described.json().clone()
}

fn tick(pair: CurrencyPair, price: TickPrice) -> RateTick {
    RateTick { pair, price, source: label("ECB"), as_of: domain::Timestamp::EPOCH, valid_until: None }
}

const HKD_PER_CNY: CurrencyPair = CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD };

#[test]
fn parties_are_named_as_they_come() {
    let mut names = LedgerNames::default();
    let lines = beginning().into_iter().map(|record| {
        names.learn(&record);
        plain(describe(&record, &names).text())
    });
    let expected = [
        "       1  1970-01-01 00:00:01.000000Z  registered  wallet demo-wallet",
        "       2  1970-01-01 00:00:02.000000Z  registered  merchant demo-cafe, paid in CNY, discount 0.6 %",
        "       3  1970-01-01 00:00:03.000000Z  opened      wallet:demo-wallet/hk-alice in HKD",
    ];
    assert_eq!(lines.collect::<Vec<_>>(), expected);
}

#[test]
fn rates_are_mids_or_bid_and_ask() {
    let mid = tick(HKD_PER_CNY, TickPrice::Mid(rate("1.179291231")));
    let publish = |ticks, reason: Option<&str>| PublishRates { ticks, override_reason: reason.map(label) };
    let published = Event::RatesPublished(RatesPublished { move_ppm: vec![1_500] });
    let json = check(
        Command::PublishRates(publish(vec![mid], None)),
        published.clone(),
        "rates       HKD per CNY 1.179291231",
    );
    assert_eq!((&json["rates"][0]["midRate"], &json["rates"][0]["movePpm"]), (&json!("1.179291231"), &json!(1_500)));
    let spread = tick(HKD_PER_CNY, TickPrice::BidAsk { bid: rate("1.179"), ask: rate("1.1796") });
    let command = Command::PublishRates(publish(vec![spread], Some("the peg moved")));
    let json = check(command, published, "rates       HKD per CNY 1.179 to 1.1796, beyond the band: the peg moved");
    assert_eq!((&json["rates"][0]["ask"], &json["overrideReason"]), (&json!("1.1796"), &json!("the peg moved")));
}

#[test]
fn a_policy_tells_its_rules_and_how_many_are_special() {
    let mut policy = Policy::basic(Ratio::parse("0.01").unwrap(), 1_000, Ratio::parse("0.1").unwrap());
    policy.pivot = Some(Currency::EUR);
    policy.pairs.insert(HKD_PER_CNY, Default::default());
    let json = check(
        Command::InstallPolicy(InstallPolicy { policy: policy.into() }),
        Event::PolicyInstalled,
        "policy      markup 1 %, rates up to 1000 ms old, steps up to 10 %, crossed through EUR, 1 pair",
    );
    assert_eq!((&json["refundRate"], &json["pivot"]), (&json!("original"), &json!("EUR")));
}

/// What every line of the payment says that was asked.
const ASKED: &str = "07070707-0707-0707-0707-070707070707 CNY 100.00 for demo-cafe from wallet:demo-wallet/hk-alice, \
                     debit HKD 119.11 at 1.179291231";

#[test]
fn a_payment_is_captured_at_once_or_held() {
    let json = check(
        Command::AuthorizePayment(authorize(CaptureMode::Automatic)),
        captured("CNY 99.40", totals(PaymentState::Captured)),
        &format!(
            "captured    {ASKED}, merchant gets CNY 99.40: HKD 117.93 wallet:demo-wallet/hk-alice -> fx_position:HKD"
        ),
    );
    assert_eq!((&json["debitAmount"], &json["consent"]), (&json!("HKD 119.11"), &json!("payer_named")));
    assert_eq!(json["postings"][0]["creditAccount"], "fx_position:HKD");
    let held = PaymentAuthorized {
        expires_at: seconds(604_800),
        after: in_part(),
        above_soft_limit: vec![Currency::CNY, Currency::HKD],
    };
    let json = check(
        Command::AuthorizePayment(authorize(CaptureMode::Manual)),
        Event::PaymentAuthorized(held),
        &format!("authorized  {ASKED}, held until 1970-01-08 00:00:00.000000Z, above soft limit in CNY HKD"),
    );
    assert_eq!((&json["after"]["held"], &json["captureMode"]), (&json!("HKD 47.64"), &json!("manual")));
}

#[test]
fn what_was_declined_says_what_was_asked() {
    let decline = Decline { reason: DeclineReason::OrderAlreadyPaid, paid_by: Some(payment_id()) };
    let json = check(
        Command::AuthorizePayment(authorize(CaptureMode::Automatic)),
        Event::Declined(decline),
        &format!("declined    order_already_paid by {PAYMENT}: {ASKED}"),
    );
    assert_eq!(json["declineReason"], "order_already_paid");
    let refund = RefundPayment {
        merchant: MerchantId(0),
        payment_id: payment_id(),
        refund_id: RefundId::from_bytes([8; 16]),
        amount: money("CNY 40.00"),
    };
    check(
        Command::RefundPayment(refund),
        Event::Declined(Decline { reason: DeclineReason::NotEnough, paid_by: None }),
        &format!("declined    not_enough: {PAYMENT} of demo-cafe CNY 40.00, refund {REFUND}"),
    );
    let capture = CapturePayment {
        merchant: MerchantId(0),
        payment_id: payment_id(),
        amount: money("CNY 60.00"),
        rest: CaptureRest::Kept,
    };
    check(
        Command::CapturePayment(capture),
        Event::Declined(Decline { reason: DeclineReason::BalanceLimit, paid_by: None }),
        &format!("declined    balance_limit: {PAYMENT} of demo-cafe CNY 60.00"),
    );
    let pay_out = PayOut { merchant: Evidence::Present(MerchantId(0)), amount: money("CNY 1.00") };
    check(
        Command::PayOut(pay_out),
        Event::Declined(Decline { reason: DeclineReason::NotEnough, paid_by: None }),
        "declined    not_enough: CNY 1.00 to demo-cafe at its bank",
    );
}

#[test]
fn a_payment_in_three_currencies_tells_both_rates() {
    let settlement = SettlementQuote { pricing: pricing("0.15", 5), gross: Some(money("USD 15.00")) };
    let conversions = Conversions { debit: Converted::quoted(quote()), settlement: Converted::quoted(settlement) };
    let command = AuthorizePayment { converted: Evidence::Present(conversions), ..authorize(CaptureMode::Automatic) };
    let described = described(Command::AuthorizePayment(command), captured("USD 14.91", in_part()));
    assert!(plain(described.text()).contains(", gross USD 15.00 at 0.15"), "{}", described.text());
    assert_eq!(described.json()["settlementRateLsn"], 5);
}

#[test]
fn the_moves_of_a_payment_tell_where_it_stands_then() {
    let (merchant, id) = (MerchantId(0), payment_id());
    let capture = CapturePayment { merchant, payment_id: id, amount: money("CNY 60.00"), rest: CaptureRest::Released };
    let json = check(
        Command::CapturePayment(capture),
        captured("CNY 59.64", in_part()),
        &format!(
            "captured    {PAYMENT} of demo-cafe CNY 60.00, rest released, partially_captured, HKD 47.64 held, merchant \
             gets CNY 59.64: HKD 117.93 wallet:demo-wallet/hk-alice -> fx_position:HKD"
        ),
    );
    assert_eq!((&json["final"], &json["after"]["state"]), (&json!(true), &json!("partially_captured")));
    check(
        Command::VoidPayment(VoidPayment { merchant, payment_id: id }),
        Event::PaymentVoided(totals(PaymentState::Captured)),
        &format!("voided      {PAYMENT} of demo-cafe, captured"),
    );
    let increase = IncreaseAuthorization {
        merchant,
        payment_id: id,
        amount: money("CNY 100.00"),
        converted: conversions(),
        consent: Some(Consent::Code(Digest([0; 16]))),
    };
    let json = check(
        Command::IncreaseAuthorization(increase),
        Event::AuthorizationIncreased(AuthorizationIncreased { after: in_part(), above_soft_limit: Vec::new() }),
        &format!(
            "increased   {PAYMENT} of demo-cafe by CNY 100.00, debit HKD 119.11 at 1.179291231, partially_captured, HKD \
             47.64 held"
        ),
    );
    assert_eq!(json["consent"], "code");
    let expired = HoldExpired { payment_id: id, after: totals(PaymentState::Expired) };
    check(Command::ExpireHolds, Event::HoldsExpired(vec![expired]), &format!("expired     {PAYMENT} expired"));
}

fn repriced() -> Repriced {
    Repriced { mid_rate: ExactRate::from(rate("1.19")), rate_lsn: Lsn::new(8), difference: money("HKD 0.43") }
}

#[test]
fn a_refund_is_given_at_once_or_waits_for_its_rate() {
    let (payment_id, refund_id) = (payment_id(), RefundId::from_bytes([8; 16]));
    let refund = RefundPayment { merchant: MerchantId(0), payment_id, refund_id, amount: money("CNY 40.00") };
    let back = house(AccountKind::FxResult, AccountKind::FxPosition, "HKD 0.43");
    let refunded = PaymentRefunded {
        debit_amount: money("HKD 47.60"),
        settlement_amount: money("CNY 39.76"),
        repriced: Some(repriced()),
        postings: vec![back],
        after: totals(PaymentState::PartiallyRefunded),
    };
    let json = check(
        Command::RefundPayment(refund.clone()),
        Event::PaymentRefunded(refunded),
        &format!(
            "refunded    {PAYMENT} of demo-cafe CNY 40.00, refund {REFUND}, partially_refunded, payer gets HKD 47.60, \
             merchant gives CNY 39.76 at 1.19: HKD 0.43 fx_result:HKD -> fx_position:HKD"
        ),
    );
    assert_eq!((&json["repriced"]["difference"], &json["refundId"]), (&json!("HKD 0.43"), &json!(REFUND)));
    let pending = RefundPending {
        settlement_amount: money("CNY 39.76"),
        postings: vec![back],
        priced_from_day: 20_000,
        after: totals(PaymentState::PartiallyRefunded),
    };
    let json = check(
        Command::RefundPayment(refund),
        Event::RefundPending(pending),
        &format!(
            "pending     {PAYMENT} of demo-cafe CNY 40.00, refund {REFUND}, partially_refunded, merchant gives CNY \
             39.76: HKD 0.43 fx_result:HKD -> fx_position:HKD"
        ),
    );
    assert_eq!(json["pricedFromDay"], 20_000);
    let priced = RefundPriced {
        payment_id,
        refund_id,
        debit_amount: money("HKD 47.60"),
        repriced: repriced(),
        postings: vec![back],
    };
    let json = check(
        Command::PriceRefunds,
        Event::RefundsPriced(vec![priced]),
        &format!(
            "priced      refund {REFUND} of {PAYMENT}, payer gets HKD 47.60 at 1.19: HKD 0.43 fx_result:HKD -> \
             fx_position:HKD"
        ),
    );
    assert_eq!(json["refunds"][0]["debitAmount"], "HKD 47.60");
}

#[test]
fn accounts_are_frozen_and_unfrozen() {
    let on_account = || OnAccount { account: Evidence::Present(alice()) };
    let name = "wallet:demo-wallet/hk-alice";
    check(Command::FreezeAccount(on_account()), Event::AccountFrozen, &format!("frozen      {name}"));
    let json = check(Command::UnfreezeAccount(on_account()), Event::AccountUnfrozen, &format!("unfrozen    {name}"));
    assert_eq!(json["account"], name);
}

#[test]
fn a_consent_tells_who_may_debit_whom_by_how_much() {
    let (account, merchant) = (Evidence::Present(alice()), Evidence::Present(MerchantId(0)));
    let may = "demo-cafe may debit wallet:demo-wallet/hk-alice by HKD 120.00";
    let debit_amount_max = money("HKD 120.00");
    let code =
        IssueCode { account: account.clone(), merchant: merchant.clone(), debit_amount_max, code: Digest([0; 16]) };
    let issued = Event::CodeIssued { expires_at: seconds(69) };
    let json = check(Command::IssueCode(code), issued, &format!("consent     one-time code: {may}"));
    assert_eq!(json["expiresAt"], "1970-01-01T00:01:09.000000Z");
    let order = ApproveOrder {
        account: account.clone(),
        merchant: merchant.clone(),
        merchant_order_digest: Digest([0; 16]),
        debit_amount_max,
        expires_at: seconds(69),
    };
    check(Command::ApproveOrder(order), Event::OrderApproved, &format!("consent     order approved: {may}"));
    let mandate_id = MandateId::from_bytes([7; 16]);
    let mandate = GrantMandate {
        mandate_id,
        account,
        merchant,
        payment_debit_max: debit_amount_max,
        period_debit_max: money("HKD 1000.00"),
        period_ms: 86_400_000,
        expires_at: seconds(69),
    };
    let expected = format!("consent     mandate {PAYMENT}: {may} a payment, HKD 1,000.00 a period");
    check(Command::GrantMandate(mandate), Event::MandateGranted, &expected);
    let revoke = RevokeMandate { wallet: WalletId(0), mandate_id };
    check(Command::RevokeMandate(revoke), Event::MandateRevoked, &format!("revoked     mandate {PAYMENT}"));
}

#[test]
fn the_operator_s_money_at_the_bank_is_told() {
    let merchant = || Evidence::Present(MerchantId(0));
    let reserve = AccountId::merchant_reserve(MerchantId(0), Currency::CNY);
    let nostro = AccountId::house(AccountKind::Nostro, Currency::CNY);
    let amount = money("CNY 500.00");
    let json = check(
        Command::FundReserve(FundReserve { merchant: merchant(), amount }),
        Event::ReserveFunded(Posting::new(nostro, reserve, amount).unwrap()),
        "funded      CNY 500.00 into the reserve of demo-cafe",
    );
    assert_eq!(json["postings"][0]["creditAccount"], "merchant_reserve:demo-cafe");
    let payable = AccountId::merchant_payable(MerchantId(0), Currency::CNY);
    let json = check(
        Command::PayOut(PayOut { merchant: merchant(), amount }),
        Event::PaidOut(Posting::new(payable, nostro, amount).unwrap()),
        "paid out    CNY 500.00 to demo-cafe at its bank",
    );
    assert_eq!(json["postings"][0]["debitAccount"], "merchant_payable:demo-cafe");
    let deal = SquarePosition { sold: money("HKD 70.76"), bought: money("CNY 59.99"), closed: money("CNY 60.00") };
    check(
        Command::SquarePosition(deal),
        Event::PositionSquared(vec![
            house(AccountKind::FxPosition, AccountKind::Nostro, "HKD 70.76"),
            house(AccountKind::FxResult, AccountKind::FxPosition, "CNY 0.01"),
        ]),
        "squared     HKD 70.76 sold for CNY 59.99, CNY 60.00 closed: HKD 70.76 fx_position:HKD -> nostro:HKD; CNY 0.01 \
         fx_result:CNY -> fx_position:CNY",
    );
}

#[test]
fn what_no_record_named_is_shown_by_number() {
    let command = Command::AuthorizePayment(authorize(CaptureMode::Automatic));
    let event = captured("CNY 99.40", totals(PaymentState::Captured));
    let line = plain(describe(&record(9, command, event), &LedgerNames::default()).text());
    assert!(line.contains("for #0 from wallet:#0"), "{line}");
}

#[test]
fn a_ledger_s_beginning_says_what_it_is_for() {
    let initialize = domain::InitializeSwitch {
        mode: Mode::Sandbox,
        digest_key: domain::DigestKey { id: 3, check: Digest([0; 16]) },
    };
    check(Command::InitializeSwitch(initialize), Event::SwitchInitialized, "began       sandbox ledger, digest key 3");
}
