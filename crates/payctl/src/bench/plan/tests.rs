use proptest::prelude::*;
use prost::Message;
use wire::v1::{CaptureRequest, PaymentServiceGetRequest, RefundRequest};

use super::*;

/// Payments of this amount to the cafe from accounts in these currencies.
pub(in crate::bench) fn plan(amount: &str, currencies: &[Currency]) -> Plan {
    let merchant = |merchant_id: &str, amount: &str| Merchant {
        merchant_id: merchant_id.into(),
        amount: Money::parse(amount).unwrap(),
        key: "key".parse().unwrap(),
    };
    let payer = |(number, currency): (usize, &Currency)| Payer {
        account: AccountReference { wallet_id: "w".into(), account_id: format!("a-{number}") },
        currency: *currency,
    };
    let payers = currencies.iter().enumerate().map(payer).collect();
    Plan::new(
        vec![merchant("demo-cafe", amount), merchant("hk-books", "HKD 7.00")],
        payers,
        Choice { zipf: None, hot_percent: Some(100) },
    )
}

proptest! {
    #[test]
    fn a_request_is_written_as_prost_writes_it(
        number in any::<u64>(),
        minor_units in 1..=999_999_999_999_999_i64,
        names in ["[a-z0-9-]{1,64}", "[a-z0-9-]{1,40}"],
        payment_id in any::<[u8; 16]>(),
    ) {
        let [account_id, wallet_id] = names;
        let amount = Money::payable(Currency::CNY, minor_units).unwrap();
        let merchants = vec![Merchant { merchant_id: "m".into(), amount, key: "key".parse().unwrap() }];
        let payers = vec![Payer { account: AccountReference { wallet_id, account_id }, currency: Currency::HKD }];
        let plan = Plan::new(merchants, payers, Choice::default());
        let written = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            write(&mut out);
            out
        };
        for mode in [CaptureMode::Unspecified, CaptureMode::Manual] {
            let request = AuthorizeRequest { capture_mode: mode.into(), ..plan.request(number) };
            prop_assert_eq!(written(&|out| plan.write_request(number, mode, out)), request.encode_to_vec());
        }
        let moved = Moved { payment_id, number: 3 };
        let text = Uuid::from_bytes(payment_id).to_string();
        let refund = RefundRequest {
            idempotency_key: plan.request(number).idempotency_key,
            payment_id: text.clone(),
            amount: words::money_message(amount),
        };
        prop_assert_eq!(written(&|out| plan.write_refund(number, moved, out)), refund.encode_to_vec());
        let capture = CaptureRequest {
            idempotency_key: refund.idempotency_key,
            payment_id: text.clone(),
            amount: refund.amount,
            r#final: true,
        };
        prop_assert_eq!(written(&|out| plan.write_capture(number, moved, out)), capture.encode_to_vec());
        let get = PaymentServiceGetRequest { payment_id: text, ..PaymentServiceGetRequest::default() };
        prop_assert_eq!(written(&|out| moved.write_get(out)), get.encode_to_vec());
    }
}

#[test]
fn no_two_payments_share_a_key() {
    let (one, other) = (plan("CNY 1.00", &[Currency::HKD]), plan("CNY 1.00", &[Currency::HKD]));
    let keys = [one.request(0), one.request(1), other.request(0)].map(|request| request.idempotency_key);
    assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[0].len() <= 64);
}

#[test]
fn the_hot_merchant_gets_its_share_and_the_others_the_rest() {
    let key: ApiKey = "key".parse().unwrap();
    let merchants = ["a", "b", "c"].map(|merchant_id| Merchant {
        merchant_id: merchant_id.into(),
        amount: Money::parse("CNY 1.00").unwrap(),
        key: key.clone(),
    });
    let shares = |hot_percent| {
        let payers = plan("CNY 1.00", &[Currency::HKD; 10]).payers;
        let plan = Plan::new(merchants.to_vec(), payers, Choice { zipf: Zipf::new(10, 1.0), hot_percent });
        let mut shares = [0; 3];
        (0..10_000).for_each(|number| shares[plan.pairing(number).merchant] += 1);
        assert_eq!(plan.pairing(17), plan.pairing(17));
        shares
    };
    let near = |shares: [i32; 3], expected: [i32; 3]| {
        assert!(shares.iter().zip(expected).all(|(share, expected)| (share - expected).abs() < 300), "{shares:?}");
    };
    near(shares(Some(90)), [9_000, 500, 500]);
    near(shares(Some(0)), [0, 5_000, 5_000]);
    near(shares(None), [3_333, 3_333, 3_333]);
}
