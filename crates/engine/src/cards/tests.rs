use alloc::sync::Arc;

use domain::{
    AuthorizePayment, CaptureMode, CardBin, CardLimits, CardMessageKind, CardRefusal, CardRules, Consent, Conversions,
    Converted, Digest, Evidence, InitializeSwitch, LastFour, MerchantId, Mode, PaymentId, RegisterMerchant, Scheme,
    Timestamp,
};
use money::Ratio;

use super::*;

fn rules() -> CardRules {
    let usd = |units| Money::new(Currency::USD, units);
    let limits = CardLimits { payment: usd(1_000), year: usd(1_000) };
    CardRules {
        currency: Currency::USD,
        fees: Vec::new(),
        verified: limits,
        unverified: limits,
        persons_a_card_max: 1,
        answer_ms: 1_000,
        stand_in: BTreeMap::new(),
    }
}

/// An engine with one merchant and one bound card.
fn engine(token: CardToken) -> Engine {
    let mut engine = Engine::default();
    let digest_key = domain::DigestKey { id: 1, check: Digest([0; 16]) };
    engine.begin(Some(InitializeSwitch { mode: Mode::Sandbox, digest_key }));
    let register = RegisterMerchant {
        name: Name::new("cafe").expect("a name"),
        settlement_currency: Currency::USD,
        discount: Ratio::ZERO,
        api_key_hash: domain::ApiKeyHash([0; 32]),
    };
    Arc::make_mut(&mut engine.parties).merchant_registered(&register, MerchantId(0));
    engine.cards.bind(&BindCard {
        wallet: WalletId(0),
        person: Name::new("dana").expect("a name"),
        token,
        card: CardFace {
            scheme: Scheme::Visa,
            bin: CardBin::new("411111").expect("a BIN"),
            last_four: LastFour::new("1111").expect("four digits"),
            fingerprint: CardFingerprint([1; 16]),
        },
        billing_currency: None,
    });
    engine
}

#[test]
fn no_card_is_charged_while_as_many_messages_wait_as_may() {
    let token = CardToken::from_bytes([7; 16]);
    let mut engine = engine(token);
    let policy = Policy { cards: Some(rules()), ..Policy::basic(Ratio::ZERO, 1_000, Ratio::ZERO) };
    let same = || Conversions { debit: Converted::SameCurrency, settlement: Converted::SameCurrency };
    let authorize = AuthorizePayment {
        payment_id: PaymentId::from_bytes([1; 16]),
        merchant: MerchantId(0),
        merchant_order_id: domain::Label::new("order").expect("a label"),
        merchant_order_digest: Digest([2; 16]),
        presentment_amount: Money::new(Currency::USD, 100),
        payer: Evidence::Present(domain::AccountId::scheme_receivable(Scheme::Visa, Currency::USD)),
        converted: Evidence::Present(same()),
        offer: None,
        capture_mode: CaptureMode::Manual,
        consent: Consent::Card(token),
        debit_amount_max: None,
        sandbox_decline: None,
    };
    let at = Timestamp::from_micros(1);
    let message = |lsn| CardMessage {
        lsn,
        at,
        payment_id: authorize.payment_id,
        token,
        scheme: Scheme::Visa,
        merchant: MerchantId(0),
        merchant_name: Name::new("cafe").expect("a name"),
        kind: CardMessageKind::Authorization { answer_by: at },
        amount: authorize.presentment_amount,
    };
    let numbers = 1..=u64::try_from(CARD_MESSAGES_MAX).expect("a small number");
    engine.cards.messages.extend(numbers.map(Lsn::new).map(|lsn| (lsn, message(lsn))));
    assert_eq!(engine.authorize(&policy, at, &authorize), Err(Refusal::Card(CardRefusal::LineFull)));
    engine.cards.messages.pop_first();
    assert!(matches!(engine.authorize(&policy, at, &authorize), Ok(Event::PaymentPending(_))));
}

#[test]
fn a_year_that_is_over_counts_no_more_whatever_is_given_back_to_it() {
    let usd = |units| Money::new(Currency::USD, units);
    let mut cards = engine(CardToken::from_bytes([7; 16])).cards;
    cards.count(0, 2026, usd(100));
    cards.count(0, 2026, usd(-30));
    assert_eq!(cards.person(0).used_in(2026, Currency::USD), usd(70));
    cards.count(0, 2027, usd(5));
    cards.count(0, 2026, usd(-70));
    assert_eq!(cards.person(0).used_in(2027, Currency::USD), usd(5));
    assert_eq!(cards.person(0).used_in(2026, Currency::USD), usd(0));
}
