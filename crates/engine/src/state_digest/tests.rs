use alloc::{collections::BTreeMap, string::ToString, sync::Arc, vec, vec::Vec};

use domain::{
    AccountId, AccountKind, ApiKeyHash, ApproveOrder, AuthorizePayment, CaptureMode, CapturePayment, CaptureRest,
    Command, Consent, Conversions, Converted, CurrencyPair, Digest, DigestKey, Evidence, FIELDS_MAX, Fingerprint,
    FundReserve, GrantMandate, IdempotencyKey, IncreaseAuthorization, InitializeSwitch, InstallPolicy, IssueCode,
    Label, Lsn, MandateId, MerchantId, MerchantRules, Method, Mode, MoveFunds, Name, Offer, OnAccount, OpenAccount,
    PaymentId, Policy, Pricing, PublishRates, QuoteId, RateTick, RefundId, RefundPayment, RefundRate, RegisterMerchant,
    RegisterWallet, RevokeMandate, SquarePosition, Stamped, Submission, TickPrice, Timestamp, Unavailable, VoidPayment,
    WalletId,
};
use money::{Currency, Money, Rate, Ratio, Weight};

use super::*;
use crate::Decision;

const ALICE: AccountId = AccountId { kind: AccountKind::Wallet, currency: Currency::HKD, index: 0 };
const CAFE: MerchantId = MerchantId(0);
const PAIR: CurrencyPair = CurrencyPair { presentment: Currency::CNY, debit: Currency::HKD };

/// Lists what one run can do otherwise than the others.
macro_rules! changes {
    ($($change:ident),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        enum Change { $($change),* }

        const CHANGES: &[Change] = &[$(Change::$change),*];
    };
}

changes![
    Nothing,
    Clock,
    Mode,
    DigestKey,
    Policy,
    WalletName,
    MerchantName,
    MerchantDiscount,
    ApiKey,
    AccountName,
    AccountWallet,
    AccountClosed,
    AccountFrozen,
    AccountUnfrozen,
    Rate,
    RateSpread,
    RateTime,
    RateValidity,
    RateMove,
    Balance,
    OrderId,
    PaymentId,
    Held,
    HeldOrCaptured,
    Captured,
    CaptureRest,
    Refunded,
    RefundId,
    Voided,
    Increased,
    IncreasedAtAnotherRate,
    Code,
    CodeMax,
    CodeUsed,
    ApprovalOrder,
    ApprovalMax,
    ApprovalEnd,
    Mandate,
    MandatePeriodMax,
    MandatePeriod,
    MandateEnd,
    MandateRevoked,
    MandateUsed,
    Guess,
    QuoteUsed,
    QuoteEnd,
    Reserve,
    Squared,
    Tenant,
    Key,
    Fingerprint,
    RepeatedAnswer,
];

/// What a run says, and what it says instead where it is changed.
#[derive(Clone, Copy)]
struct Pick(Change);

impl Pick {
    fn of<T>(self, when: Change, then: T, otherwise: T) -> T {
        if self.0 == when { then } else { otherwise }
    }

    fn byte(self, when: Change) -> u8 {
        self.of(when, 1, 0)
    }
}

/// A short ledger with something of every kind of state; whatever the change, it has as many records.
fn commands(change: Change) -> Vec<Submission> {
    let pick = Pick(change);
    let parts = [beginning(pick), consents(pick), payments(pick), later(pick)];
    let keyless = parts.into_iter().flatten().map(|command| Submission { key: None, command });
    keyless.chain([keyed_decline(pick)]).collect()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn hkd(units: i128) -> Money {
    Money::new(Currency::HKD, units)
}

fn beginning(pick: Pick) -> Vec<Command> {
    let digest_key = DigestKey { id: u32::from(pick.byte(Change::DigestKey)), check: Digest([1; 16]) };
    let markup = Ratio::parse(pick.of(Change::Policy, "0.02", "0.01")).unwrap();
    let merchant_default = MerchantRules { refund_rate: RefundRate::NextDay, ..MerchantRules::default() };
    let policy = Policy { merchant_default, ..Policy::basic(markup, 30_000, Ratio::parse("1").unwrap()) };
    let merchant = RegisterMerchant {
        name: name(pick.of(Change::MerchantName, "tea-house", "demo-cafe")),
        settlement_currency: Currency::HKD,
        discount: Ratio::parse(pick.of(Change::MerchantDiscount, "0.007", "0.006")).unwrap(),
        api_key_hash: ApiKeyHash([pick.byte(Change::ApiKey); 32]),
    };
    let open = |wallet, text| Command::OpenAccount(OpenAccount { wallet, name: name(text), currency: Currency::HKD });
    let second = WalletId(u32::from(pick.byte(Change::AccountWallet)));
    let on = |index| OnAccount { account: Evidence::Present(AccountId { index, ..ALICE }) };
    vec![
        Command::InitializeSwitch(InitializeSwitch {
            mode: pick.of(Change::Mode, Mode::Production, Mode::Sandbox),
            digest_key,
        }),
        Command::InstallPolicy(InstallPolicy { policy: Arc::new(policy) }),
        Command::RegisterWallet(RegisterWallet { name: name("hk") }),
        Command::RegisterWallet(RegisterWallet { name: name(pick.of(Change::WalletName, "us", "cn")) }),
        Command::RegisterMerchant(merchant),
        publish(pick, pick.of(Change::RateMove, "1.1", "1"), pick.of(Change::RateMove, "1.1", "1")),
        publish(pick, pick.of(Change::Rate, "1.3", "1.2"), pick.of(Change::RateSpread, "1.4", "1.3")),
        open(WalletId(0), pick.of(Change::AccountName, "ann", "alice")),
        open(second, "bob"),
        open(WalletId(0), "carol"),
        open(WalletId(0), "dave"),
        open(WalletId(0), "erin"),
        Command::CloseAccount(on(pick.of(Change::AccountClosed, 2, 1))),
        Command::FreezeAccount(on(pick.of(Change::AccountFrozen, 2, 3))),
        Command::FreezeAccount(on(4)),
        Command::UnfreezeAccount(on(pick.of(Change::AccountUnfrozen, 3, 4))),
        Command::Deposit(funds(pick.of(Change::Balance, 1_000_001, 1_000_000))),
    ]
}

fn publish(pick: Pick, bid: &str, ask: &str) -> Command {
    let valid_until = Timestamp::from_micros(1_000_000 + i64::from(pick.byte(Change::RateValidity)));
    let tick = RateTick {
        pair: PAIR,
        price: TickPrice::BidAsk { bid: Rate::parse(bid).unwrap(), ask: Rate::parse(ask).unwrap() },
        source: Label::new("test").unwrap(),
        as_of: Timestamp::from_micros(i64::from(pick.byte(Change::RateTime))),
        valid_until: Some(valid_until),
    };
    Command::PublishRates(PublishRates { ticks: vec![tick], override_reason: None })
}

fn consents(pick: Pick) -> Vec<Command> {
    let (account, merchant) = (Evidence::Present(ALICE), Evidence::Present(CAFE));
    let code = |code, max| {
        Command::IssueCode(IssueCode {
            account: account.clone(),
            merchant: merchant.clone(),
            debit_amount_max: hkd(max),
            code: Digest([code; 16]),
        })
    };
    let mandate = |id, more_or_less: Pick| {
        Command::GrantMandate(GrantMandate {
            mandate_id: MandateId::from_bytes([id; 16]),
            account: account.clone(),
            merchant: merchant.clone(),
            payment_debit_max: hkd(1_000),
            period_debit_max: hkd(more_or_less.of(Change::MandatePeriodMax, 9_999, 9_000)),
            period_ms: more_or_less.of(Change::MandatePeriod, 1_000, 2_000),
            expires_at: Timestamp::from_micros(more_or_less.of(Change::MandateEnd, 900_000, 800_000)),
        })
    };
    let revoked = RevokeMandate {
        wallet: WalletId(0),
        mandate_id: MandateId::from_bytes([pick.of(Change::MandateRevoked, 1, 2); 16]),
    };
    vec![
        code(pick.of(Change::Code, 8, 9), pick.of(Change::CodeMax, 1_001, 1_000)),
        code(1, 1_000),
        code(2, 1_000),
        Command::ApproveOrder(ApproveOrder {
            account: account.clone(),
            merchant: merchant.clone(),
            merchant_order_digest: Digest([pick.of(Change::ApprovalOrder, 98, 99); 16]),
            debit_amount_max: hkd(pick.of(Change::ApprovalMax, 1_001, 1_000)),
            expires_at: Timestamp::from_micros(pick.of(Change::ApprovalEnd, 900_000, 800_000)),
        }),
        mandate(0, Pick(Change::Nothing)),
        mandate(1, Pick(Change::Nothing)),
        mandate(2, Pick(Change::Nothing)),
        mandate(pick.of(Change::Mandate, 3, 4), pick),
        Command::RevokeMandate(revoked),
    ]
}

/// Payments 0 to 6; the first is captured at once, the others hold.
fn payments(pick: Pick) -> Vec<Command> {
    let code = pick.of(Change::CodeUsed, 2, 1);
    let mandate = MandateId::from_bytes([0; 16]);
    let held = |number| payment(number, CaptureMode::Manual, Money::new(Currency::CNY, 100), quoted(pick));
    let offer = Offer {
        quote_id: QuoteId::from_bytes([pick.byte(Change::QuoteUsed); 16]),
        expires_at: Timestamp::from_micros(pick.of(Change::QuoteEnd, 900_000, 800_000)),
        merchant: CAFE,
        payer: ALICE,
        presentment_amount: Money::new(Currency::CNY, 100),
        card: None,
    };
    let same = Conversions { debit: Converted::SameCurrency, settlement: Converted::SameCurrency };
    let first = AuthorizePayment {
        payment_id: payment_id(pick.of(Change::PaymentId, 77, 0)),
        merchant_order_digest: Digest([pick.of(Change::OrderId, 77, 0); 16]),
        ..payment(0, pick.of(Change::HeldOrCaptured, CaptureMode::Manual, CaptureMode::Automatic), hkd(100), same)
    };
    let of_mandate = pick.of(Change::MandateUsed, 101, 100);
    let guessed = AuthorizePayment {
        payer: Evidence::Unavailable(Unavailable::ConsentNotFound),
        consent: pick.of(Change::Guess, Consent::Code(Digest([55; 16])), Consent::OrderApproved),
        ..held(10)
    };
    let exact = Money::new(Currency::CNY, pick.of(Change::Held, 101, 100));
    let all = [
        first,
        AuthorizePayment { offer: Some(offer), ..held(1) },
        payment(2, CaptureMode::Manual, exact, quoted_for(pick, exact)),
        held(3),
        held(4),
        AuthorizePayment { consent: Consent::Code(Digest([code; 16])), ..held(5) },
        AuthorizePayment {
            consent: Consent::Mandate(mandate),
            presentment_amount: Money::new(Currency::CNY, of_mandate),
            converted: Evidence::Present(quoted_for(pick, Money::new(Currency::CNY, of_mandate))),
            ..held(6)
        },
        guessed,
    ];
    // In a sandbox the name alone is enough; a ledger for real money takes a mandate.
    let mandated = |payment: AuthorizePayment| {
        if payment.consent == Consent::PayerNamed && pick.0 == Change::Mode {
            return AuthorizePayment { consent: Consent::Mandate(MandateId::from_bytes([1; 16])), ..payment };
        }
        payment
    };
    all.into_iter().map(|payment| Command::AuthorizePayment(mandated(payment))).collect()
}

/// What becomes of the payments, and what the operator does.
fn later(pick: Pick) -> Vec<Command> {
    let cny = |units| Money::new(Currency::CNY, units);
    let capture = |payment, units, rest| {
        let payment_id = payment_id(payment);
        Command::CapturePayment(CapturePayment { merchant: CAFE, payment_id, amount: cny(units), rest })
    };
    let increase = IncreaseAuthorization {
        merchant: CAFE,
        payment_id: payment_id(3),
        amount: cny(pick.of(Change::Increased, 11, 10)),
        converted: Evidence::Present(quoted_for(pick, cny(pick.of(Change::Increased, 11, 10)))),
        consent: None,
    };
    let again = IncreaseAuthorization {
        amount: cny(10),
        converted: Evidence::Present(quoted_at(pick, pick.of(Change::IncreasedAtAnotherRate, 6, 7), cny(10))),
        ..increase.clone()
    };
    let refund = RefundPayment {
        merchant: CAFE,
        payment_id: payment_id(1),
        refund_id: RefundId::from_bytes([pick.byte(Change::RefundId); 16]),
        amount: cny(pick.of(Change::Refunded, 11, 10)),
    };
    vec![
        capture(1, pick.of(Change::Captured, 41, 40), CaptureRest::Kept),
        capture(2, 20, pick.of(Change::CaptureRest, CaptureRest::Kept, CaptureRest::Released)),
        Command::VoidPayment(VoidPayment { merchant: CAFE, payment_id: payment_id(pick.of(Change::Voided, 5, 4)) }),
        Command::IncreaseAuthorization(increase),
        Command::IncreaseAuthorization(again),
        Command::RefundPayment(refund),
        Command::FundReserve(FundReserve {
            merchant: Evidence::Present(CAFE),
            amount: hkd(pick.of(Change::Reserve, 501, 500)),
        }),
        Command::SquarePosition(SquarePosition {
            sold: hkd(1),
            bought: Money::new(Currency::USD, pick.of(Change::Squared, 2, 1)),
            closed: Money::zero(Currency::USD),
        }),
    ]
}

/// A decline leaves nothing behind but what is remembered under its key.
fn keyed_decline(pick: Pick) -> Submission {
    let fingerprint = Fingerprint {
        method: Method::Withdraw,
        request: Digest([pick.byte(Change::Fingerprint); 16]),
        fields: [0; FIELDS_MAX],
    };
    let tenant = pick.of(Change::Tenant, TenantId::Switch, TenantId::Operator);
    let key = IdempotencyKey { tenant, digest: Digest([pick.byte(Change::Key); 16]), fingerprint };
    let units = pick.of(Change::RepeatedAnswer, 9_000_001, 9_000_000);
    Submission { key: Some(key), command: Command::Withdraw(funds(units)) }
}

fn funds(units: i128) -> MoveFunds {
    MoveFunds { account: Evidence::Present(ALICE), amount: hkd(units) }
}

fn payment_id(number: u8) -> PaymentId {
    PaymentId::from_bytes([number; 16])
}

fn payment(number: u8, capture_mode: CaptureMode, amount: Money, conversions: Conversions) -> AuthorizePayment {
    AuthorizePayment {
        payment_id: payment_id(number),
        merchant: CAFE,
        merchant_order_id: Label::new("order").unwrap(),
        merchant_order_digest: Digest([number; 16]),
        presentment_amount: amount,
        payer: Evidence::Present(ALICE),
        converted: Evidence::Present(conversions),
        offer: None,
        capture_mode,
        consent: Consent::PayerNamed,
        debit_amount_max: None,
        sandbox_decline: None,
    }
}

fn quoted(pick: Pick) -> Conversions {
    quoted_for(pick, Money::new(Currency::CNY, 100))
}

fn quoted_for(pick: Pick, amount: Money) -> Conversions {
    quoted_at(pick, 7, amount)
}

/// Quoted by the rates that record `lsn` published.
fn quoted_at(pick: Pick, lsn: u64, amount: Money) -> Conversions {
    let play = play_until(pick, lsn);
    let price = play.tape.price(play.policy().unwrap(), PAIR, play.applied_at()).unwrap();
    let pricing = || Pricing { rate_lsn: Lsn::new(lsn), ..price.pricing.clone() };
    let markup = Ratio::parse(pick.of(Change::Policy, "0.02", "0.01")).unwrap();
    let quote = domain::debit_quote(PAIR, pricing(), markup, price.move_ppm, Weight::ONE, amount);
    let settlement = domain::settlement_quote(PAIR, pricing(), amount);
    Conversions { debit: Converted::quoted(quote), settlement: Converted::quoted(settlement) }
}

fn play_until(pick: Pick, lsn: u64) -> Engine {
    let commands = beginning(pick).into_iter().map(|command| Submission { key: None, command });
    let records = usize::try_from(lsn).unwrap();
    play_all(pick.0, commands.take(records).collect(), |_| {})
}

fn play(change: Change) -> Engine {
    play_all(change, commands(change), |_| {})
}

fn play_all(change: Change, commands: Vec<Submission>, mut after_each: impl FnMut(&Engine)) -> Engine {
    let mut engine = Engine::default();
    for command in commands {
        let late = i64::from(change == Change::Clock);
        let at = Timestamp::from_micros(engine.applied_at().micros() + 1 + late);
        let stamped = Stamped { lsn: engine.applied_lsn().next(), at, command };
        let decision = engine.decide(&stamped);
        let Decision::Recorded(event) = decision else { panic!("{change:?} {decision:?} {stamped:?}") };
        assert!(is_expected(&stamped, &event), "{change:?} {event:?} {stamped:?}");
        engine.apply(&Arc::new(stamped.into_record(event)));
        after_each(&engine);
    }
    engine
}

/// Only what is meant to be declined is.
fn is_expected(stamped: &Stamped<Submission>, event: &domain::Event) -> bool {
    let command = &stamped.command.command;
    let declined = matches!(command, Command::Withdraw(_))
        || matches!(command, Command::AuthorizePayment(authorize) if authorize.payer != Evidence::Present(ALICE));
    event.decline().is_some() == declined
}

#[test]
fn equal_runs_have_equal_digests() {
    for change in CHANGES {
        assert_eq!(play(*change).digest(), play(*change).digest());
    }
}

#[test]
fn every_kind_of_state_changes_the_digest() {
    let mut runs = BTreeMap::new();
    for change in CHANGES {
        if let Some(same) = runs.insert(play(*change).digest().to_string(), change) {
            panic!("{change:?} and {same:?} have one digest");
        }
    }
}

#[test]
fn every_record_changes_the_digest() {
    let mut seen = vec![Engine::default().digest()];
    play_all(Change::Nothing, commands(Change::Nothing), |engine| {
        assert!(!seen.contains(&engine.digest()), "lsn {}", engine.applied_lsn());
        seen.push(engine.digest());
    });
}

#[test]
fn a_house_account_at_zero_is_as_none() {
    let mut engine = play(Change::Nothing);
    let before = engine.digest();
    engine.ledger.open(AccountId::house(AccountKind::FxPosition, Currency::EUR));
    assert_eq!(engine.digest(), before);
}
