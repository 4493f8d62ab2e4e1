use domain::{
    AccountId, AccountKind, DeclineReason, Label, Lsn, MerchantId, Mode, Name, OpenAccount, PaymentCaptured, PaymentId,
    PublishRates, RateTick, RegisterMerchant, RegisterWallet, WalletId,
};
use domain::{ApiKeyHash, CurrencyPair, Quote, QuotedAmounts};
use money::{Currency, Money, Rate, Ratio};

use super::*;
use crate::render::plain;

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

fn payment() -> AuthorizePayment {
    let quote = Quote {
        mid_rate: Rate::parse("1.179291231").unwrap(),
        markup: Ratio::parse("0.01").unwrap(),
        rate_lsn: Lsn::new(4),
        as_of: domain::Timestamp::EPOCH,
        source: Label::new("ECB").unwrap(),
        amounts: Some(QuotedAmounts { debit: money("HKD 119.11"), mid: money("HKD 117.93") }),
    };
    AuthorizePayment {
        payment_id: PaymentId::from_bytes([7; 16]),
        merchant: MerchantId(0),
        merchant_order_id: Label::new("order-1").unwrap(),
        merchant_order_digest: domain::Digest([0; 16]),
        presentment_amount: money("CNY 100.00"),
        payer: Evidence::Present(alice()),
        converted: Evidence::Present(Converted::Quoted(quote)),
    }
}

fn ledger() -> Vec<Record> {
    let name = |text| Name::new(text).unwrap();
    let merchant = RegisterMerchant {
        name: name("demo-cafe"),
        settlement_currency: Currency::CNY,
        discount: Ratio::parse("0.006").unwrap(),
        api_key_hash: ApiKeyHash([0; 32]),
    };
    let tick = RateTick {
        pair: CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD },
        mid_rate: Rate::parse("1.179291231").unwrap(),
        source: Label::new("ECB").unwrap(),
        as_of: domain::Timestamp::EPOCH,
    };
    let open = OpenAccount { wallet: WalletId(0), name: name("hk-alice"), currency: Currency::HKD };
    let position = AccountId::house(AccountKind::FxPosition, Currency::HKD);
    let captured = PaymentCaptured {
        settlement_amount: money("CNY 99.40"),
        postings: vec![Posting::new(alice(), position, money("HKD 117.93")).unwrap()],
    };
    let decline = Decline { reason: DeclineReason::OrderAlreadyPaid, paid_by: Some(PaymentId::from_bytes([7; 16])) };
    vec![
        record(
            1,
            Command::RegisterWallet(RegisterWallet { name: name("demo-wallet") }),
            Event::WalletRegistered(WalletId(0)),
        ),
        record(2, Command::RegisterMerchant(merchant), Event::MerchantRegistered(MerchantId(0))),
        record(3, Command::OpenAccount(open), Event::AccountOpened(alice())),
        record(4, Command::PublishRates(PublishRates { ticks: vec![tick] }), Event::RatesPublished),
        record(5, Command::AuthorizePayment(payment()), Event::PaymentCaptured(captured)),
        record(6, Command::AuthorizePayment(payment()), Event::Declined(decline)),
    ]
}

fn described() -> Vec<Described> {
    let mut names = LedgerNames::default();
    ledger()
        .iter()
        .map(|record| {
            names.learn(record);
            describe(record, &names)
        })
        .collect()
}

#[test]
fn a_ledger_reads_one_record_a_line_with_names_for_numbers() {
    let lines: Vec<String> = described().iter().map(|described| plain(described.text())).collect();
    let payment = "07070707-0707-0707-0707-070707070707";
    let asked =
        format!("{payment} CNY 100.00 for demo-cafe from wallet:demo-wallet/hk-alice, debit HKD 119.11 at 1.179291231");
    let expected = [
        "       1  1970-01-01 00:00:01.000000Z  registered  wallet demo-wallet".to_owned(),
        "       2  1970-01-01 00:00:02.000000Z  registered  merchant demo-cafe, paid in CNY, discount 0.6 %".to_owned(),
        "       3  1970-01-01 00:00:03.000000Z  opened      wallet:demo-wallet/hk-alice in HKD".to_owned(),
        "       4  1970-01-01 00:00:04.000000Z  rates       HKD per CNY 1.179291231".to_owned(),
        format!(
            "       5  1970-01-01 00:00:05.000000Z  captured    {asked}, merchant gets CNY 99.40: \
             HKD 117.93 wallet:demo-wallet/hk-alice -> fx_position:HKD"
        ),
        format!("       6  1970-01-01 00:00:06.000000Z  declined    order_already_paid by {payment}: {asked}"),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn json_lines_carry_amounts_and_names() {
    let json: Vec<Value> = described().iter().map(|described| described.json().clone()).collect();
    assert_eq!(json[4]["what"], "captured");
    assert_eq!(json[4]["debitAmount"], "HKD 119.11");
    assert_eq!(json[4]["postings"][0]["creditAccount"], "fx_position:HKD");
    assert_eq!(json[5]["declineReason"], "order_already_paid");
    assert_eq!(json[0]["lsn"], 1);
}

#[test]
fn what_no_record_named_is_shown_by_number() {
    let names = LedgerNames::default();
    let line =
        plain(describe(&record(9, Command::AuthorizePayment(payment()), ledger()[4].event.clone()), &names).text());
    assert!(line.contains("for #0 from wallet:#0"), "{line}");
}

#[test]
fn a_ledger_s_beginning_says_what_it_is_for() {
    let initialize = domain::InitializeSwitch {
        mode: Mode::Sandbox,
        digest_key: domain::DigestKey { id: 3, check: domain::Digest([0; 16]) },
    };
    let first = record(1, Command::InitializeSwitch(initialize), Event::SwitchInitialized);
    let line = plain(describe(&first, &LedgerNames::default()).text());
    assert!(line.ends_with("began       sandbox ledger, digest key 3"), "{line}");
}
