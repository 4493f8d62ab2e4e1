//! Refunds by each rule of the policy, what they are paid from, and how an open position is closed.

mod support;

use client::Code;
use support::{
    moves::{held, read, refund, refunded, units},
    parties::{End, Sandbox, decided, money, payment, refused, sums},
};
use wire::v1::{self, DeclineReason, PaymentState, RefundRate, RefundState};

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

fn yuan(minor_units: i64) -> v1::Money {
    money("CNY", minor_units)
}

/// HKD 119.11 for CNY 100.00.
async fn paid(sandbox: &Sandbox) -> v1::Payment {
    decided(sandbox.cafe.authorize(payment("pay", "order", "hk-alice", yuan(10_000))).await)
}

fn posting(debit: &str, credit: &str, amount: v1::Money) -> v1::Posting {
    v1::Posting { debit_account: debit.to_owned(), credit_account: credit.to_owned(), amount: Some(amount) }
}

/// What every refund of CNY 40.00 takes from the cafe.
fn taken_from_the_cafe() -> Vec<v1::Posting> {
    vec![
        posting("merchant_payable:demo-cafe", "fx_position:CNY", yuan(4_000)),
        posting("fee_income:CNY", "merchant_payable:demo-cafe", yuan(24)),
    ]
}

async fn check_balanced(sandbox: &Sandbox) {
    assert!(sums(&sandbox.status().await).values().all(|sum| *sum == 0));
}

#[tokio::test]
async fn at_the_original_rate_the_markup_is_given_back_too() {
    let sandbox = Sandbox::start();
    let paid = paid(&sandbox).await;
    sandbox.pin(["CNY", "HKD"], "1.25").await;
    let (refund, after) = refunded(sandbox.cafe.refund(refund("refund", &paid.payment_id, yuan(4_000))).await);
    let expected = [
        taken_from_the_cafe(),
        vec![
            posting("fx_position:HKD", "wallet:demo-wallet/hk-alice", money("HKD", 4_717)),
            posting("fx_markup:HKD", "wallet:demo-wallet/hk-alice", money("HKD", 47)),
        ],
    ];
    assert_eq!(refund.postings, expected.concat());
    assert_eq!((refund.state(), refund.rate_rule()), (RefundState::Refunded, RefundRate::Original));
    assert_eq!((&refund.debit_amount, &refund.settlement_amount), (&Some(money("HKD", 4_764)), &Some(yuan(3_976))));
    assert_eq!((refund.mid_rate.as_str(), refund.rate_lsn, &refund.rate_difference), ("", 0, &None));
    assert_eq!((after.state(), units(&after.refunded)), (PaymentState::PartiallyRefunded, [4_000, 4_764, 3_976]));
    assert_eq!(after.postings, refund.postings);
    check_balanced(&sandbox).await;
}

#[tokio::test]
async fn at_the_current_rate_the_house_takes_the_difference() {
    let sandbox = Sandbox::with(&[("PAYSWITCHD__POLICY__REFUND_RATE", "current")]);
    let paid = paid(&sandbox).await;
    sandbox.pin(["CNY", "HKD"], "1.19").await;
    let (refund, after) = refunded(sandbox.cafe.refund(refund("refund", &paid.payment_id, yuan(4_000))).await);
    let expected = [
        taken_from_the_cafe(),
        vec![
            posting("fx_position:HKD", "wallet:demo-wallet/hk-alice", money("HKD", 4_717)),
            posting("fx_result:HKD", "wallet:demo-wallet/hk-alice", money("HKD", 43)),
        ],
    ];
    assert_eq!(refund.postings, expected.concat());
    assert_eq!((refund.state(), refund.rate_rule()), (RefundState::Refunded, RefundRate::Current));
    assert_eq!((refund.debit_amount, refund.rate_difference), (Some(money("HKD", 4_760)), Some(money("HKD", 43))));
    assert_eq!(refund.mid_rate, "1.19");
    assert!(refund.rate_lsn > paid.lsn, "the tick that was used is named");
    assert_eq!(units(&after.refunded), [4_000, 4_764, 3_976], "at the payment's own rates");
    assert_eq!(sandbox.house("fx_result", "HKD").await, -43);
    assert_eq!(sandbox.balance("hk-alice").await, 1_000_000 - 11_911 + 4_760);

    // Nothing was converted, so there is no rate to choose.
    let within = payment("within", "order-2", "cn-chen", yuan(1_000));
    let within = decided(sandbox.cafe.authorize(within).await);
    let asked = support::moves::refund("give back", &within.payment_id, yuan(1_000));
    assert_eq!(refunded(sandbox.cafe.refund(asked).await).0.rate_rule(), RefundRate::Original);
    check_balanced(&sandbox).await;
}

#[tokio::test]
async fn at_the_next_day_s_rate_the_payer_waits_for_it() {
    let sandbox = Sandbox::with(&[("PAYSWITCHD__POLICY__REFUND_RATE", "next_day")]);
    let paid = paid(&sandbox).await;
    let asked = refund("refund", &paid.payment_id, yuan(4_000));
    let (pending, after) = refunded(sandbox.cafe.refund(asked.clone()).await);
    assert_eq!((pending.state(), pending.rate_rule()), (RefundState::Pending, RefundRate::NextDay));
    assert_eq!((&pending.postings, &pending.debit_amount), (&taken_from_the_cafe(), &None));
    assert_eq!(after.state(), PaymentState::PartiallyRefunded, "it will be");
    assert_eq!(sandbox.balance("hk-alice").await, 988_089);
    assert_eq!(sandbox.close("close", "hk-alice").await.decline_reason(), DeclineReason::AccountNotEmpty);

    // A rate of the same day prices nothing, a restart loses nothing.
    sandbox.pin(["CNY", "HKD"], "1.17").await;
    let sandbox = sandbox.restart(End::Killed).await;
    assert_eq!(sandbox.balance("hk-alice").await, 988_089);
    sandbox.advance(DAY_MS).await;
    assert_eq!(sandbox.balance("hk-alice").await, 988_089 + 4_680, "40.00 at the pinned rate, which was stamped anew");

    let found = sandbox.cafe.payment(support::parties::by_id(&paid.payment_id)).await.expect("it is there");
    let [priced] = found.refunds.as_slice() else { panic!("there was one refund: {:?}", found.refunds) };
    assert_eq!((priced.state(), priced.rate_rule()), (RefundState::Refunded, RefundRate::NextDay));
    assert_eq!((&priced.debit_amount, &priced.rate_difference), (&Some(money("HKD", 4_680)), &Some(money("HKD", -37))));
    assert_eq!(priced.refund_id, pending.refund_id);
    assert_eq!(sandbox.house("fx_result", "HKD").await, 37);
    assert_eq!(refunded(sandbox.cafe.refund(asked).await), (pending, after), "a retry is told what was decided then");
    check_balanced(&sandbox).await;
}

/// Under these rules the cafe refunds at the original rate and the bookshop at the current one; a hold of the cafe lasts
/// a minute, whichever rule says so.
async fn check_cafe_differs(rules: &str) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), rules).expect("the rules are written");
    let sandbox = Sandbox::with_file(file.path());
    let paid = paid(&sandbox).await;
    let (of_cafe, _) = refunded(sandbox.cafe.refund(refund("refund", &paid.payment_id, yuan(100))).await);
    assert_eq!(of_cafe.rate_rule(), RefundRate::Original);
    let asked = payment("pay", "order", "cn-chen", money("HKD", 1_000));
    let paid = decided(sandbox.books.authorize(asked).await);
    let (of_books, _) = refunded(sandbox.books.refund(refund("refund", &paid.payment_id, money("HKD", 100))).await);
    assert_eq!(of_books.rate_rule(), RefundRate::Current);

    let held = decided(sandbox.cafe.authorize(held("hold", "order-2", "hk-alice", yuan(100))).await);
    sandbox.advance(60_000).await;
    assert_eq!(read(&sandbox.cafe, &held.payment_id).await.state(), PaymentState::Expired);
}

/// Rules of one merchant go before those of all, and the mark of a day is the policy's.
#[tokio::test]
async fn a_merchant_may_have_rules_of_its_own() {
    let rules = "[policy]\nrefund_rate = \"current\"\n\n[[policy.merchants]]\nname = \"demo-cafe\"\n\
                 refund_rate = \"original\"\nhold_ms = 60000\n";
    check_cafe_differs(rules).await;
}

/// A rail's rules go before those of all rails, and one merchant's on the rail before those.
#[tokio::test]
async fn a_rail_may_have_rules_of_its_own() {
    let rules = "[[policy.rails]]\nrail = \"wallet\"\nrefund_rate = \"current\"\nhold_ms = 60000\n\n\
                 [[policy.merchants]]\nname = \"demo-cafe\"\nrail = \"wallet\"\nrefund_rate = \"original\"\n";
    check_cafe_differs(rules).await;
}

async fn pay_out(sandbox: &Sandbox, key: &str, amount: v1::Money) -> DeclineReason {
    let request = v1::PayOutRequest {
        idempotency_key: key.to_owned(),
        merchant_id: "demo-cafe".to_owned(),
        amount: Some(amount),
    };
    sandbox.operator.pay_out(request).await.expect("a pay-out is decided").decline_reason()
}

fn fund(key: &str, amount: v1::Money) -> v1::FundReserveRequest {
    v1::FundReserveRequest {
        idempotency_key: key.to_owned(),
        merchant_id: "demo-cafe".to_owned(),
        amount: Some(amount),
    }
}

#[tokio::test]
async fn a_refund_larger_than_what_the_merchant_is_owed_is_declined_or_drawn_from_its_reserve() {
    let sandbox = Sandbox::start();
    let paid = paid(&sandbox).await;
    assert_eq!(pay_out(&sandbox, "too much", yuan(9_941)).await, DeclineReason::NotEnough);
    assert_eq!(pay_out(&sandbox, "all but 9.40", yuan(9_000)).await, DeclineReason::Unspecified);
    let declined = sandbox.cafe.refund(refund("declined", &paid.payment_id, yuan(4_000))).await.expect("it is decided");
    let told = declined.refund.expect("a reply has its refund");
    assert_eq!((told.state(), told.decline_reason()), (RefundState::Declined, DeclineReason::NotEnough));
    assert_eq!(declined.payment, None);
    let (small, _) = refunded(sandbox.cafe.refund(refund("small", &paid.payment_id, yuan(500))).await);
    assert_eq!(small.state(), RefundState::Refunded, "CNY 4.97 are owed");

    let sandbox = sandbox.under(&[("PAYSWITCHD__POLICY__REFUND_FUNDING", "reserve")]).restart(End::Asked).await;
    let short = sandbox.cafe.refund(refund("short", &paid.payment_id, yuan(4_000))).await.expect("it is decided");
    assert_eq!(short.refund.map(|refund| refund.decline_reason()), Some(DeclineReason::NotEnough), "it is empty");
    let funded = sandbox.operator.fund_reserve(fund("fund", yuan(10_000))).await.expect("it is decided");
    assert_eq!(sandbox.operator.fund_reserve(fund("fund", yuan(10_000))).await.expect("a retry"), funded);
    let (drawn, _) = refunded(sandbox.cafe.refund(refund("drawn", &paid.payment_id, yuan(4_000))).await);
    let first = &drawn.postings[0];
    assert_eq!(first, &posting("merchant_reserve:demo-cafe", "merchant_payable:demo-cafe", yuan(3_976 - 443)));
    assert_eq!(sandbox.house("merchant_reserve", "CNY").await, 10_000 - 3_533);
    assert_eq!(sandbox.house("merchant_payable", "CNY").await, 0);
    check_balanced(&sandbox).await;

    let unknown = v1::FundReserveRequest { merchant_id: "no-cafe".to_owned(), ..fund("unknown", yuan(1)) };
    assert_eq!(refused(sandbox.operator.fund_reserve(unknown).await).reason, "MERCHANT_NOT_FOUND");
    let foreign = refused(sandbox.operator.fund_reserve(fund("foreign", money("HKD", 1))).await);
    assert_eq!(foreign.reason, "ACCOUNT_CURRENCY_MISMATCH");
}

#[tokio::test]
async fn an_open_position_is_limited_and_closed_by_the_bank_s_deal() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let rules = "[[policy.exposure]]\nsoft = \"HKD 100.00\"\nhard = \"HKD 150.00\"\n";
    std::fs::write(file.path(), rules).expect("the rules are written");
    let sandbox = Sandbox::with_file(file.path());
    let paid = paid(&sandbox).await;
    let above = payment("above", "order-2", "hk-alice", yuan(3_000));
    let above = decided(sandbox.cafe.authorize(above).await);
    assert_eq!(above.decline_reason(), DeclineReason::ExposureLimit, "HKD 117.93 are open, 35.38 would be added");
    let (refund, _) = refunded(sandbox.cafe.refund(refund("refund", &paid.payment_id, yuan(4_000))).await);
    assert_eq!(refund.state(), RefundState::Refunded, "a refund is never blocked");

    let square = |key: &str, sold, bought, closed| v1::SquarePositionRequest {
        idempotency_key: key.to_owned(),
        sold_amount: Some(money("HKD", sold)),
        bought_amount: Some(yuan(bought)),
        closed_amount: Some(yuan(closed)),
    };
    let more = refused(sandbox.operator.square_position(square("more", 7_077, 6_000, 6_000)).await);
    assert_eq!((more.code, more.reason.as_str()), (Code::FailedPrecondition, "POSITION_TOO_SMALL"));
    assert_eq!(more.metadata.get("position").map(String::as_str), Some("HKD 70.76"));
    let deal = sandbox.operator.square_position(square("deal", 7_076, 5_999, 6_000)).await.expect("it is booked");
    assert_eq!(deal.decline_reason(), DeclineReason::Unspecified);
    assert_eq!(sandbox.operator.square_position(square("deal", 7_076, 5_999, 6_000)).await.expect("a retry"), deal);
    for (kind, currency, expected) in
        [("fx_position", "HKD", 0), ("fx_position", "CNY", 0), ("fx_result", "CNY", -1), ("fx_markup", "HKD", 71)]
    {
        assert_eq!(sandbox.house(kind, currency).await, expected, "{kind} {currency}");
    }
    let again = payment("again", "order-3", "hk-alice", yuan(3_000));
    assert_eq!(decided(sandbox.cafe.authorize(again).await).state(), PaymentState::Captured, "there is room again");
    check_balanced(&sandbox).await;
}
