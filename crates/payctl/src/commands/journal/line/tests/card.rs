use domain::{
    AcknowledgeAdvice, AnswerCard, ApprovalCode, ApproveCardOrder, AssertPerson, AttemptDeclined, BindCard, CardAnswer,
    CardApproval, CardBilling, CardBin, CardFace, CardFingerprint, CardLimits, CardRenewed, CardRules, CardToken,
    CountedLimit, DocumentKind, Documents, FeeStep, LastFour, PayerFee, PaymentPending, PersonTier, ResponseCode,
    Scheme, SettleScheme, UnbindCard, Undo,
};

use super::*;

const TOKEN: &str = "09090909-0909-0909-0909-090909090909";

fn token() -> CardToken {
    CardToken::from_bytes([9; 16])
}

fn dana() -> Name {
    Name::new("us-dana").unwrap()
}

fn bind() -> BindCard {
    let card = CardFace {
        scheme: Scheme::Visa,
        bin: CardBin::new("424242").unwrap(),
        last_four: LastFour::new("4242").unwrap(),
        fingerprint: CardFingerprint([3; 16]),
    };
    BindCard { wallet: WalletId(0), person: dana(), token: token(), card, billing_currency: Some(Currency::USD) }
}

/// As the tests of other records do, in a ledger that knows the card.
#[track_caller]
fn check_card(command: Command, event: Event, expected: &str) -> Value {
    let mut names = LedgerNames::default();
    beginning().iter().for_each(|record| names.learn(record));
    names.learn(&record(4, Command::BindCard(bind()), Event::CardBound));
    let described = describe(&record(9, command, event), &names);
    let line = plain(described.text());
    assert_eq!(line.strip_prefix("       9  1970-01-01 00:00:09.000000Z  "), Some(expected), "{line}");
    described.json().clone()
}

fn charged() -> AuthorizePayment {
    AuthorizePayment {
        payer: Evidence::Present(AccountId::scheme_receivable(Scheme::Visa, Currency::CNY)),
        presentment_amount: money("CNY 250.00"),
        converted: Evidence::Present(Conversions {
            debit: Converted::SameCurrency,
            settlement: Converted::SameCurrency,
        }),
        consent: Consent::Card(token()),
        ..authorize(CaptureMode::Manual)
    }
}

fn after(state: PaymentState, held: &str) -> PaymentTotals {
    let amount = |text: &str| PaymentAmount { presentment: money(text), debit: money(text), settlement: money(text) };
    let zero = amount("CNY 0.00");
    let authorized = PaymentAmount { debit: money("CNY 257.50"), ..amount("CNY 250.00") };
    PaymentTotals { state, authorized, captured: zero, refunded: zero, held: money(held) }
}

fn answer(answer: CardAnswer) -> Command {
    Command::AnswerCard(AnswerCard { payment_id: payment_id(), request: Lsn::new(8), answer })
}

fn code(text: &str) -> ResponseCode {
    ResponseCode::new(text).unwrap()
}

fn ended(reason: DeclineReason, undo: Undo) -> Event {
    Event::AttemptDeclined(AttemptDeclined { reason, undo, after: after(PaymentState::Declined, "CNY 0.00") })
}

#[test]
fn a_card_that_is_bound_again_is_told_under_the_token_it_has() {
    let again = BindCard { token: CardToken::from_bytes([8; 16]), billing_currency: None, ..bind() };
    let renewed = CardRenewed { token: token(), billing_currency: Some(Currency::USD) };
    let expected = format!("renewed     visa 424242…4242 to us-dana of demo-wallet as {TOKEN}");
    let json = check_card(Command::BindCard(again), Event::CardRenewed(renewed), &expected);
    assert_eq!((json["card"]["token"].as_str(), json["billingCurrency"].as_str()), (Some(TOKEN), Some("USD")));
}

#[test]
fn an_order_is_approved_for_a_card_and_charged_to_it() {
    let approve = ApproveCardOrder {
        wallet: WalletId(0),
        token: token(),
        merchant: Evidence::Present(MerchantId(0)),
        merchant_order_digest: Digest([0; 16]),
        debit_amount_max: money("CNY 257.50"),
        expires_at: seconds(69),
    };
    let expected = "consent     order approved: demo-cafe may charge visa 424242…4242 by CNY 257.50";
    let json = check_card(Command::ApproveCardOrder(approve), Event::OrderApproved, expected);
    assert_eq!((json["consent"].as_str(), json["card"]["token"].as_str()), (Some("card_order_approved"), Some(TOKEN)));
    assert_eq!(
        (json["debitMax"].as_str(), json["expiresAt"].as_str()),
        (Some("CNY 257.50"), Some("1970-01-01T00:01:09.000000Z"))
    );
}

#[test]
fn a_person_and_a_card_are_told_by_name_and_a_few_digits() {
    let documents = Documents::default().with(DocumentKind::Passport).with(DocumentKind::TaiwanPermit);
    let assert = AssertPerson { wallet: WalletId(0), person: dana(), tier: PersonTier::Verified, documents };
    let json = check_card(
        Command::AssertPerson(assert),
        Event::PersonAsserted,
        "asserted    us-dana of demo-wallet: verified by passport; travel permit, Taiwan",
    );
    assert_eq!(json["documents"], json!(["passport", "taiwan_permit"]));
    let json = check_card(
        Command::BindCard(bind()),
        Event::CardBound,
        &format!("bound       visa 424242…4242 to us-dana of demo-wallet as {TOKEN}"),
    );
    assert_eq!((&json["card"]["bin"], &json["card"]["lastFour"]), (&json!("424242"), &json!("4242")));
    check_card(
        Command::BindCard(bind()),
        Event::Declined(Decline { reason: DeclineReason::CardPersonsLimit, paid_by: None }),
        &format!("declined    card_persons_limit: visa 424242…4242 to us-dana of demo-wallet as {TOKEN}"),
    );
    let unbind = UnbindCard { wallet: WalletId(0), token: token() };
    let json =
        check_card(Command::UnbindCard(unbind), Event::CardUnbound, "unbound     visa 424242…4242 of demo-wallet");
    assert_eq!(json["card"]["token"], TOKEN);
    check(Command::UnbindCard(unbind), Event::CardUnbound, &format!("unbound     card {TOKEN} of demo-wallet"));
}

#[test]
fn a_payment_by_card_waits_for_its_issuer() {
    let pending = PaymentPending {
        answer_by: seconds(19),
        fee: Some(PayerFee { free_up_to: money("CNY 200.00"), ratio: Ratio::parse("0.03").unwrap() }),
        counted: CountedLimit { year: 2026, mid_rate: Some(rate("0.1503108").into()), amount: money("USD 37.58") },
        after: after(PaymentState::Pending, "CNY 257.50"),
        above_soft_limit: Vec::new(),
    };
    let json = check_card(
        Command::AuthorizePayment(charged()),
        Event::PaymentPending(pending),
        &format!(
            "pending     {PAYMENT} CNY 250.00 for demo-cafe from visa 424242…4242, issuer asked for CNY 257.50 until \
             1970-01-01 00:00:19.000000Z"
        ),
    );
    assert_eq!((&json["consent"], &json["payer"]), (&json!("card"), &json!("scheme_receivable:visa/CNY")));
    assert_eq!((&json["payerFee"]["ratio"], &json["counted"]["amount"]), (&json!("0.03"), &json!("USD 37.58")));
}

#[test]
fn an_issuer_s_answer_is_told_with_its_codes() {
    let billing = CardBilling { amount: money("USD 38.71"), rate: Some(71_503_108) };
    let approval = CardApproval {
        response_code: code("00"),
        approval_code: ApprovalCode::new("A1B2C3").unwrap(),
        billing: Some(billing),
    };
    let held = || {
        Event::PaymentAuthorized(PaymentAuthorized {
            expires_at: seconds(604_800),
            after: after(PaymentState::Authorized, "CNY 257.50"),
            above_soft_limit: Vec::new(),
        })
    };
    let until = "held until 1970-01-08 00:00:00.000000Z";
    let json = check_card(
        answer(CardAnswer::Approved(approval)),
        held(),
        &format!("authorized  {PAYMENT} issuer approved, response 00, approval A1B2C3, bills USD 38.71, {until}"),
    );
    assert_eq!((&json["approvalCode"], &json["stoodIn"]), (&json!("A1B2C3"), &json!(false)));
    let json = check_card(
        answer(CardAnswer::NotSent),
        held(),
        &format!("authorized  {PAYMENT} line down, the switch stood in, approval 000009, {until}"),
    );
    assert_eq!((&json["approvalCode"], &json["stoodIn"]), (&json!("000009"), &json!(true)));
}

#[test]
fn an_attempt_that_ends_says_whether_it_is_reversed() {
    let reason = DeclineReason::CardFunds;
    let json = check_card(
        answer(CardAnswer::Declined { response_code: code("51"), reason }),
        ended(reason, Undo::Nothing),
        &format!("declined    card_funds: {PAYMENT} issuer declined, response 51, declined"),
    );
    assert_eq!((&json["responseCode"], &json["reversed"]), (&json!("51"), &json!(false)));
    check_card(
        answer(CardAnswer::Partial { response_code: code("10") }),
        ended(DeclineReason::PartiallyApproved, Undo::Reversal),
        &format!(
            "declined    partially_approved: {PAYMENT} issuer approved a part only, response 10, to be reversed, declined"
        ),
    );
    check_card(
        answer(CardAnswer::NotSent),
        ended(DeclineReason::IssuerUnavailable, Undo::Nothing),
        &format!("declined    issuer_unavailable: {PAYMENT} line down, the issuer was not asked, declined"),
    );
    let json = check_card(
        Command::TimeOutCard(payment_id()),
        ended(DeclineReason::IssuerUnavailable, Undo::Reversal),
        &format!(
            "declined    issuer_unavailable: {PAYMENT} the issuer did not answer in time, to be reversed, declined"
        ),
    );
    assert_eq!((&json["declineReason"], &json["reversed"]), (&json!("issuer_unavailable"), &json!(true)));
}

#[test]
fn what_networks_take_and_schemes_pay_is_told() {
    check_card(
        Command::AcknowledgeAdvice(AcknowledgeAdvice { advice: Lsn::new(8) }),
        Event::AdviceAcknowledged,
        "taken       by the card network: the advice of lsn 8",
    );
    let settle = SettleScheme { scheme: Scheme::Visa, received: money("USD 23.22"), settled: money("CNY 154.50") };
    let receivable = AccountId::scheme_receivable(Scheme::Visa, Currency::CNY);
    let position = AccountId::house(AccountKind::FxPosition, Currency::CNY);
    let closed = Posting::new(position, receivable, money("CNY 154.50")).unwrap();
    let json = check_card(
        Command::SettleScheme(settle),
        Event::SchemeSettled(vec![house(AccountKind::Nostro, AccountKind::FxPosition, "USD 23.22"), closed]),
        "settled     USD 23.22 from visa for CNY 154.50: USD 23.22 nostro:USD -> fx_position:USD; CNY 154.50 \
         fx_position:CNY -> scheme_receivable:visa/CNY",
    );
    assert_eq!(json["postings"][1]["creditAccount"], "scheme_receivable:visa/CNY");
    let fee = AccountId::house(AccountKind::PayerFee, Currency::CNY);
    let names = LedgerNames::default();
    assert_eq!(names.account(fee), "payer_fee:CNY");
    check_card(
        Command::SettleScheme(settle),
        Event::Declined(Decline { reason: DeclineReason::BalanceLimit, paid_by: None }),
        "declined    balance_limit: USD 23.22 from visa for CNY 154.50",
    );
}

#[test]
fn every_kind_of_record_about_cards_has_its_name() {
    let settle = SettleScheme { scheme: Scheme::Visa, received: money("CNY 1.00"), settled: money("CNY 1.00") };
    for (command, name) in [
        (Command::BindCard(bind()), "bind card"),
        (Command::UnbindCard(UnbindCard { wallet: WalletId(0), token: token() }), "unbind card"),
        (answer(CardAnswer::NotSent), "answer card"),
        (Command::TimeOutCard(payment_id()), "time out card"),
        (Command::AcknowledgeAdvice(AcknowledgeAdvice { advice: Lsn::new(8) }), "acknowledge advice"),
        (Command::SettleScheme(settle), "settle scheme"),
    ] {
        assert_eq!(kind(&record(9, command, Event::AdviceAcknowledged)), name);
    }
}

#[test]
fn a_policy_tells_the_rules_of_cards() {
    let ratio = |text| Ratio::parse(text).unwrap();
    let limits = CardLimits { payment: money("USD 5000.00"), year: money("USD 50000.00") };
    let fee = PayerFee { free_up_to: money("CNY 200.00"), ratio: ratio("0.03") };
    let cards = CardRules {
        currency: Currency::CNY,
        fees: vec![FeeStep { from: seconds(0), fee }],
        verified: limits,
        unverified: limits,
        persons_a_card_max: 3,
        answer_ms: 10_000,
        stand_in: [(Scheme::Visa, money("CNY 100.00"))].into(),
    };
    let policy = Policy { cards: Some(cards), ..Policy::basic(ratio("0.01"), 1_000, ratio("0.1")) };
    let json = check(
        Command::InstallPolicy(InstallPolicy { policy: policy.into() }),
        Event::PolicyInstalled,
        "policy      markup 1 %, rates up to 1000 ms old, steps up to 10 %, cards charged in CNY",
    );
    assert_eq!(json["cards"]["verified"]["year"], "USD 50000.00");
    assert_eq!(json["cards"]["payerFees"][0]["from"], "1970-01-01T00:00:00.000000Z");
    assert_eq!(json["cards"]["standIn"]["visa"], "CNY 100.00");
}
