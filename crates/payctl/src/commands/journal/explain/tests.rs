use std::collections::BTreeMap;

use domain::{
    AcknowledgeAdvice, AnswerCard, ApiKeyHash, ApprovalCode, AssertPerson, BindCard, CardAnswer, CardApproval, CardBin,
    CardFace, CardFingerprint, CardLimits, CardRules, CardToken, Conversions, Digest, DigestKey, DocumentKind,
    Documents, FeeStep, InitializeSwitch, InstallPolicy, Label, LastFour, MerchantId, Mode, Name, PayerFee, PersonTier,
    Policy, RegisterMerchant, RegisterWallet, ResponseCode, Scheme, Stamped, Submission, Timestamp, WalletId,
};
use money::{Currency, Money, Ratio};

use super::*;
use crate::render::plain;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn payment_id() -> PaymentId {
    PaymentId::from_bytes([7; 16])
}

fn token() -> CardToken {
    CardToken::from_bytes([9; 16])
}

/// A verified person may pay CNY 5,000.00 at once and twice as much in a year; 3 % of what is above CNY 200.00.
fn policy() -> Policy {
    let ratio = |text| Ratio::parse(text).unwrap();
    let limits = |payment, year| CardLimits { payment: money(payment), year: money(year) };
    let fee = PayerFee { free_up_to: money("CNY 200.00"), ratio: ratio("0.03") };
    let cards = CardRules {
        currency: Currency::CNY,
        fees: vec![FeeStep { from: Timestamp::EPOCH, fee }],
        verified: limits("CNY 5000.00", "CNY 10000.00"),
        unverified: limits("CNY 500.00", "CNY 1000.00"),
        persons_a_card_max: 3,
        answer_ms: 10_000,
        stand_in: BTreeMap::from([(Scheme::Visa, money("CNY 1000.00"))]),
    };
    Policy { cards: Some(cards), ..Policy::basic(ratio("0.01"), 1_000, ratio("0.1")) }
}

fn bind() -> BindCard {
    let card = CardFace {
        scheme: Scheme::Visa,
        bin: CardBin::new("424242").unwrap(),
        last_four: LastFour::new("4242").unwrap(),
        fingerprint: CardFingerprint([3; 16]),
    };
    BindCard { wallet: WalletId(0), person: name("us-dana"), token: token(), card, billing_currency: None }
}

/// A ledger in which us-dana is known and has a card.
fn beginning() -> Vec<Command> {
    let merchant = RegisterMerchant {
        name: name("demo-cafe"),
        settlement_currency: Currency::CNY,
        discount: Ratio::parse("0.006").unwrap(),
        api_key_hash: ApiKeyHash([0; 32]),
    };
    let assert = AssertPerson {
        wallet: WalletId(0),
        person: name("us-dana"),
        tier: PersonTier::Verified,
        documents: Documents::default().with(DocumentKind::Passport),
    };
    vec![
        Command::InitializeSwitch(InitializeSwitch {
            mode: Mode::Sandbox,
            digest_key: DigestKey { id: 1, check: Digest([0; 16]) },
        }),
        Command::InstallPolicy(InstallPolicy { policy: policy().into() }),
        Command::RegisterWallet(RegisterWallet { name: name("demo-wallet") }),
        Command::RegisterMerchant(merchant),
        Command::AssertPerson(assert),
        Command::BindCard(bind()),
    ]
}

fn pay(amount: &str) -> Command {
    Command::AuthorizePayment(AuthorizePayment {
        payment_id: payment_id(),
        merchant: MerchantId(0),
        merchant_order_id: Label::new("order-1").unwrap(),
        merchant_order_digest: Digest([5; 16]),
        presentment_amount: money(amount),
        payer: Evidence::Present(AccountId::scheme_receivable(Scheme::Visa, Currency::CNY)),
        converted: Evidence::Present(Conversions {
            debit: Converted::SameCurrency,
            settlement: Converted::SameCurrency,
        }),
        offer: None,
        capture_mode: CaptureMode::Automatic,
        consent: Consent::Card(token()),
        debit_amount_max: None,
        sandbox_decline: None,
    })
}

/// The record that asks the issuer is the seventh.
fn answer(answer: CardAnswer) -> Command {
    Command::AnswerCard(AnswerCard { payment_id: payment_id(), request: Lsn::new(7), answer })
}

fn approved() -> CardAnswer {
    CardAnswer::Approved(CardApproval {
        response_code: ResponseCode::new("00").unwrap(),
        approval_code: ApprovalCode::new("012345").unwrap(),
        billing: None,
    })
}

/// What is told of the payment when a ledger begins as above and goes on with these, a record a second.
fn told(commands: Vec<Command>) -> Vec<Told> {
    let mut telling = Telling::of(payment_id());
    for (lsn, command) in (1..).zip(beginning().into_iter().chain(commands)) {
        let (lsn, at) = (Lsn::new(lsn), Timestamp::from_micros(1_000_000 * i64::try_from(lsn).unwrap()));
        let submission = Submission { key: None, command: command.clone() };
        let decision = telling.ledger.engine.decide(&Stamped { lsn, at, command: submission });
        let Decision::Recorded(event) = decision else { panic!("{command:?}: {decision:?}") };
        telling.take(&Arc::new(Record { lsn, at, key: None, command, event }));
    }
    telling.told
}

#[test]
fn a_payment_by_card_tells_what_it_rests_on() {
    let told = told(vec![
        pay("CNY 250.00"),
        answer(approved()),
        Command::AcknowledgeAdvice(AcknowledgeAdvice { advice: Lsn::new(8) }),
    ]);
    let texts: Vec<String> = told.iter().map(|told| plain(told.text())).collect();
    let asked = "\
lsn 7  pending  1970-01-01 00:00:07.000000Z
  asked           CNY 250.00 for demo-cafe, order order-1, captured at once
  rules           of lsn 2
  consent         the token of a bound card
  card            visa 424242…4242, token 09090909-0909-0909-0909-090909090909
  person          us-dana of demo-wallet, verified
  limits          CNY 5,000.00 a payment, CNY 10,000.00 a year
  counted before  nothing
  payer's fee     3 % of the whole above CNY 200.00
  counts          CNY 250.00 in 1970
  answer by       1970-01-01 00:00:17.000000Z
  checks          order_already_paid        passed
                  debit_amount_too_large    passed
                  card_payment_limit        passed
                  card_year_limit           passed
                  balance_limit             passed
  then            pending, CNY 257.50 held
  decided again   the same
";
    let answered = "\
lsn 8  captured  1970-01-01 00:00:08.000000Z
  asked          by the issuer: the answer to the request of lsn 7
  rules          of lsn 2
  answer         issuer approved, response 00, approval 012345
  postings       CNY 250.00 scheme_receivable:visa/CNY -> merchant_payable:demo-cafe
                 CNY 1.50 merchant_payable:demo-cafe -> fee_income:CNY
                 CNY 7.50 scheme_receivable:visa/CNY -> payer_fee:CNY
  then           captured
  decided again  the same
";
    let taken = "\
lsn 9  taken  1970-01-01 00:00:09.000000Z
  asked          by the card network: it took the advice of lsn 8
  rules          of lsn 2
  advice         what is captured, CNY 257.50
  decided again  the same
";
    assert_eq!(texts, [asked, answered, taken]);
}

#[test]
fn an_issuer_that_says_no_or_nothing_ends_the_attempt() {
    let declined =
        CardAnswer::Declined { response_code: ResponseCode::new("51").unwrap(), reason: DeclineReason::CardFunds };
    for (answered, expected) in [
        (declined, "issuer declined, response 51\n  declined       card_funds; nothing is to be undone\n"),
        (
            CardAnswer::Partial { response_code: ResponseCode::new("10").unwrap() },
            "issuer approved a part only, response 10\n  declined       partially_approved; the request is reversed\n",
        ),
        (CardAnswer::NotSent, "line down, the switch stood in, approval 000008\n"),
    ] {
        let told = told(vec![pay("CNY 250.00"), answer(answered)]);
        let last = plain(told.last().unwrap().text());
        assert!(last.contains(&format!("  answer         {expected}")), "{last}");
        assert!(last.ends_with("decided again  the same\n"), "{last}");
    }
}

#[test]
fn a_limit_is_told_with_what_was_counted_before() {
    let told = told(vec![pay("CNY 5000.01")]);
    let [told] = told.as_slice() else { panic!("one record") };
    let outcome = |reason| told.checks.iter().find(|(check, _)| *check == reason).map(|(_, outcome)| *outcome);
    assert_eq!(outcome(DeclineReason::CardPaymentLimit), Some(Outcome::Failed));
    assert_eq!(outcome(DeclineReason::CardYearLimit), Some(Outcome::NotLookedAt));
    let of_accounts = [DeclineReason::AccountClosed, DeclineReason::AccountFrozen, DeclineReason::InsufficientBalance];
    assert!(of_accounts.into_iter().chain([DeclineReason::ConsentNotFound]).all(|reason| outcome(reason).is_none()));
    assert!(plain(told.text()).contains("  counted before  nothing\n"), "{}", plain(told.text()));
}
