use alloc::sync::Arc;

use domain::{
    AnswerCard, ApprovalCode, AuthorizePayment, CaptureMode, CapturePayment, CaptureRest, CardAnswer, CardApproval,
    CardBin, CardLimits, CardMessageKind, CardRefusal, CardRules, Command, Consent, Conversions, Converted, Digest,
    Evidence, InitializeSwitch, LastFour, MerchantId, Mode, PaymentId, RefundId, RefundPayment, RegisterMerchant,
    ResponseCode, Scheme, Stamped, Submission, Timestamp, VoidPayment,
};
use money::Ratio;

use super::*;
use crate::Decision;

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
    engine.cards.bind(
        Lsn::ZERO,
        &BindCard {
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
        },
    );
    engine
}

/// An engine that takes cards, and what is asked of it.
struct House {
    engine: Engine,
    token: CardToken,
}

impl House {
    fn new() -> Self {
        let token = CardToken::from_bytes([7; 16]);
        let mut engine = engine(token);
        engine.ledger.open(AccountId::merchant_payable(MerchantId(0), Currency::USD));
        let policy = Policy { cards: Some(rules()), ..Policy::basic(Ratio::ZERO, 1_000, Ratio::ZERO) };
        engine.policy = Some(Arc::new(policy));
        Self { engine, token }
    }

    fn asked(&self, number: u8, capture_mode: CaptureMode) -> AuthorizePayment {
        AuthorizePayment {
            payment_id: PaymentId::from_bytes([number; 16]),
            merchant: MerchantId(0),
            merchant_order_id: domain::Label::new("order").expect("a label"),
            merchant_order_digest: Digest([number; 16]),
            presentment_amount: Money::new(Currency::USD, 100),
            payer: Evidence::Present(AccountId::scheme_receivable(Scheme::Visa, Currency::USD)),
            converted: Evidence::Present(Conversions {
                debit: Converted::SameCurrency,
                settlement: Converted::SameCurrency,
            }),
            offer: None,
            capture_mode,
            consent: Consent::Card(self.token),
            debit_amount_max: None,
            sandbox_decline: None,
        }
    }

    /// What is decided at the next moment, and is made so.
    fn decided(&mut self, command: Command) -> Result<Event, Refusal> {
        let lsn = self.engine.applied.next();
        let at = self.engine.applied_at.plus_millis(1);
        let stamped = Stamped { lsn, at, command: Submission { key: None, command } };
        match self.engine.decide(&stamped) {
            Decision::Recorded(event) => {
                self.engine.apply(&Arc::new(stamped.into_record(event.clone())));
                Ok(event)
            }
            Decision::Refused(refusal) => Err(refusal),
            decision @ (Decision::Repeated(_) | Decision::RefusedTogether { .. }) => {
                panic!("it is one command without a key: {decision:?}")
            }
        }
    }

    /// A payment that its issuer has approved.
    fn approved(&mut self, number: u8, capture_mode: CaptureMode) -> PaymentId {
        let asked = self.asked(number, capture_mode);
        let payment_id = asked.payment_id;
        self.decided(Command::AuthorizePayment(asked)).expect("it is asked");
        let answer = CardAnswer::Approved(CardApproval {
            response_code: ResponseCode::new("00").expect("two digits"),
            approval_code: ApprovalCode::new("123456").expect("six digits"),
            billing: None,
        });
        let answer = AnswerCard { payment_id, request: self.engine.applied, answer };
        self.decided(Command::AnswerCard(answer)).expect("it is approved");
        payment_id
    }

    /// As many messages wait as may, at positions that are far away.
    fn fill(&mut self) {
        let asked = self.asked(9, CaptureMode::Manual);
        let more = CARD_MESSAGES_MAX - self.engine.cards.messages.len();
        let at = Timestamp::from_micros(1);
        let messages = (1_000_000..).take(more).map(Lsn::new).map(|lsn| CardMessage {
            lsn,
            at,
            payment_id: asked.payment_id,
            token: self.token,
            scheme: Scheme::Visa,
            merchant: MerchantId(0),
            merchant_name: Name::new("cafe").expect("a name"),
            kind: CardMessageKind::Authorization { answer_by: at },
            amount: asked.presentment_amount,
        });
        self.engine.cards.messages.extend(messages.map(|message| (message.lsn, message)));
    }
}

#[test]
fn no_card_is_charged_while_as_many_messages_wait_as_may() {
    let mut house = House::new();
    house.fill();
    let authorize = Command::AuthorizePayment(house.asked(1, CaptureMode::Manual));
    assert_eq!(house.decided(authorize.clone()), Err(Refusal::Card(CardRefusal::LineFull)));
    house.engine.cards.messages.pop_last();
    assert!(matches!(house.decided(authorize), Ok(Event::PaymentPending(_))));
}

#[test]
fn no_card_is_given_anything_back_while_as_many_messages_wait_as_may() {
    let mut house = House::new();
    let payment_id = house.approved(1, CaptureMode::Automatic);
    house.fill();
    let refund = |number| {
        let amount = Money::new(Currency::USD, 1);
        let refund_id = RefundId::from_bytes([number; 16]);
        Command::RefundPayment(RefundPayment { merchant: MerchantId(0), payment_id, refund_id, amount })
    };
    assert_eq!(house.decided(refund(1)), Err(Refusal::Card(CardRefusal::LineFull)));
    house.engine.cards.messages.pop_last();
    assert!(matches!(house.decided(refund(2)), Ok(Event::PaymentRefunded(_))));
    assert_eq!(house.decided(refund(3)), Err(Refusal::Card(CardRefusal::LineFull)));
}

/// Each ends with one message whatever ends it, so a refusal would only put it off.
#[test]
fn what_ends_a_payment_is_told_however_many_messages_wait() {
    let mut house = House::new();
    let captured = house.approved(1, CaptureMode::Manual);
    let voided = house.approved(2, CaptureMode::Manual);
    let asked = house.asked(3, CaptureMode::Manual);
    let silent = asked.payment_id;
    house.decided(Command::AuthorizePayment(asked)).expect("it is asked");
    house.fill();
    let (merchant, amount) = (MerchantId(0), Money::new(Currency::USD, 100));
    let capture = CapturePayment { merchant, payment_id: captured, amount, rest: CaptureRest::Released };
    assert!(matches!(house.decided(Command::CapturePayment(capture)), Ok(Event::PaymentCaptured(_))));
    let void = VoidPayment { merchant, payment_id: voided };
    assert!(matches!(house.decided(Command::VoidPayment(void)), Ok(Event::PaymentVoided(_))));
    house.engine.applied_at = house.engine.applied_at.plus_millis(rules().answer_ms);
    assert!(matches!(house.decided(Command::TimeOutCard(silent)), Ok(Event::AttemptDeclined(_))));
    assert_eq!(house.engine.cards.messages.len(), CARD_MESSAGES_MAX + 2);
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
