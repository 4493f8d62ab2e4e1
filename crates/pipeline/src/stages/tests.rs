use domain::{
    ApiKeyHash, CaptureMode, Converted, CurrencyPair, DeclineReason, FIELDS_MAX, Fingerprint, IdempotencyKey, Label,
    Lsn, MandateId, Method, Quote, QuoteId, QuotedAmounts, TenantId,
};
use money::{Currency, Money};

use super::*;
use crate::script::{
    CNY_TO_HKD, account_opened, at_ms, code_issued, digest, mandate_granted, merchant_registered, name, policy,
    policy_installed, rates_published, tick, wallet_account, wallet_registered,
};

const MID_RATE: &str = "1.179291231";
const CODE: u8 = 1;

fn mandate(byte: u8) -> MandateId {
    MandateId::from_bytes([byte; 16])
}

/// A café paid in CNY; alice has HKD, a code and a mandate, bob has CNY.
fn directory() -> Directory {
    let directory = Directory::new();
    let alice = wallet_account(Currency::HKD, 0);
    directory.observe(&merchant_registered(0, "cafe", ApiKeyHash([1; 32])));
    directory.observe(&wallet_registered(0, "north"));
    directory.observe(&account_opened(0, "alice", alice));
    directory.observe(&account_opened(0, "bob", wallet_account(Currency::CNY, 1)));
    directory.observe(&code_issued(0, CODE, alice));
    directory.observe(&mandate_granted(mandate(1), alice));
    directory
}

fn rate_book() -> RateBook {
    let rates = RateBook::new();
    rates.observe(&policy_installed(policy()));
    rates.observe(&rates_published(7, &[tick(CNY_TO_HKD, MID_RATE)]));
    rates
}

fn account_name(account: &str) -> AccountName {
    AccountName { wallet: name("north"), account: name(account) }
}

fn payer_named(account: &str) -> PresentedConsent {
    PresentedConsent::PayerNamed(account_name(account))
}

fn key(method: Method) -> IdempotencyKey {
    let fingerprint = Fingerprint { method, request: digest(5), fields: [0; FIELDS_MAX] };
    IdempotencyKey { tenant: TenantId::Merchant(MerchantId(0)), digest: digest(5), fingerprint }
}

/// CNY 100.00 by this consent.
fn request(consent: PresentedConsent) -> PaymentRequest {
    PaymentRequest {
        key: key(Method::Authorize),
        payment_id: PaymentId::from_bytes([9; 16]),
        merchant: MerchantId(0),
        merchant_order_id: Label::new("order 1").unwrap(),
        merchant_order_digest: digest(6),
        consent,
        presentment_amount: Money::parse("CNY 100.00").unwrap(),
        capture_mode: CaptureMode::Manual,
        quote: None,
        debit_amount_max: Some(Money::parse("HKD 200.00").unwrap()),
        sandbox_decline: Some(DeclineReason::AccountFrozen),
    }
}

fn command(rates: &RateBook, request: PaymentRequest) -> AuthorizePayment {
    let directory = directory();
    let submission = assemble(convert(&directory, rates, at_ms(0), route(&directory, request)));
    let Command::AuthorizePayment(command) = submission.command else { panic!("a payment is authorized") };
    command
}

/// The published example: CNY 100.00 is HKD 119.11.
fn published_example() -> Conversions {
    let money = |text| Money::parse(text).unwrap();
    let pricing = rate_book().price(CNY_TO_HKD, at_ms(0)).unwrap().pricing;
    assert_eq!(pricing.rate_lsn, Lsn::new(7));
    Conversions {
        debit: Converted::quoted(Quote {
            pricing,
            markup: policy().fx_markup,
            move_ppm: 1,
            exposure_weight: policy().exposure_weight(1),
            amounts: Some(QuotedAmounts { debit: money("HKD 119.11"), mid: money("HKD 117.93") }),
        }),
        settlement: Converted::SameCurrency,
    }
}

#[test]
fn a_payer_is_found_by_name_or_by_the_consent_that_tells_it() {
    let alice = Evidence::Present(wallet_account(Currency::HKD, 0));
    let check = |presented: PresentedConsent, consent, payer: &Evidence<AccountId>| {
        let command = command(&rate_book(), request(presented));
        assert_eq!((&command.payer, command.consent), (payer, consent));
        let converted = match payer {
            Evidence::Present(_) => Evidence::Present(published_example()),
            Evidence::Unavailable(reason) => Evidence::Unavailable(*reason),
        };
        assert_eq!(command.converted, converted, "without a payer there is no currency to convert to");
    };
    check(payer_named("alice"), Consent::PayerNamed, &alice);
    check(PresentedConsent::OrderApproved(account_name("alice")), Consent::OrderApproved, &alice);
    check(PresentedConsent::Code(digest(CODE)), Consent::Code(digest(CODE)), &alice);
    check(PresentedConsent::Mandate(mandate(1)), Consent::Mandate(mandate(1)), &alice);

    let (nobody, no_consent) = (Unavailable::AccountNotFound, Unavailable::ConsentNotFound);
    check(payer_named("carol"), Consent::PayerNamed, &Evidence::Unavailable(nobody));
    check(
        PresentedConsent::OrderApproved(account_name("carol")),
        Consent::OrderApproved,
        &Evidence::Unavailable(nobody),
    );
    check(PresentedConsent::Code(digest(2)), Consent::Code(digest(2)), &Evidence::Unavailable(no_consent));
    check(PresentedConsent::Mandate(mandate(2)), Consent::Mandate(mandate(2)), &Evidence::Unavailable(no_consent));
}

#[test]
fn what_was_asked_reaches_the_command_unchanged() {
    let asked = request(payer_named("alice"));
    let directory = directory();
    let priced = convert(&directory, &rate_book(), at_ms(0), route(&directory, asked.clone()));
    let expected = AuthorizePayment {
        payment_id: asked.payment_id,
        merchant: asked.merchant,
        merchant_order_id: asked.merchant_order_id,
        merchant_order_digest: asked.merchant_order_digest,
        presentment_amount: asked.presentment_amount,
        payer: Evidence::Present(wallet_account(Currency::HKD, 0)),
        converted: Evidence::Present(published_example()),
        offer: None,
        capture_mode: asked.capture_mode,
        consent: Consent::PayerNamed,
        debit_amount_max: asked.debit_amount_max,
        sandbox_decline: asked.sandbox_decline,
    };
    let submission = Submission { key: Some(asked.key), command: Command::AuthorizePayment(expected) };
    assert_eq!(assemble(priced), submission);
}

/// An offer as a token would tell it, for whatever it says.
fn offered() -> OfferedQuote {
    let offer = Offer {
        quote_id: QuoteId::from_bytes([3; 16]),
        expires_at: at_ms(-1),
        merchant: MerchantId(7),
        payer: wallet_account(Currency::JPY, 7),
        presentment_amount: Money::parse("JPY 7").unwrap(),
        card: None,
    };
    let conversions = Conversions { debit: Converted::SameCurrency, settlement: Converted::SameCurrency };
    OfferedQuote { offer, conversions }
}

#[test]
fn a_quote_that_came_along_is_used_as_it_is() {
    let OfferedQuote { offer, conversions } = offered();
    let asked = PaymentRequest { quote: Some(Evidence::Present(offered())), ..request(payer_named("alice")) };
    // Not even rates are needed; whether it fits is not for a stage to say.
    for rates in [rate_book(), RateBook::new()] {
        let command = command(&rates, asked.clone());
        assert_eq!(command.offer.as_ref(), Some(&offer));
        assert_eq!(command.converted, Evidence::Present(conversions.clone()));
    }
}

#[test]
fn a_token_that_did_not_verify_leaves_no_conversion() {
    let invalid = Evidence::Unavailable(Unavailable::QuoteTokenInvalid);
    let asked = PaymentRequest { quote: Some(invalid), ..request(payer_named("alice")) };
    let command = command(&rate_book(), asked);
    assert_eq!(command.converted, Evidence::Unavailable(Unavailable::QuoteTokenInvalid));
    assert_eq!(command.offer, None);
}

#[test]
fn a_missing_payer_is_told_before_anything_about_a_quote() {
    let code = PresentedConsent::Code(digest(2));
    let not_found = Evidence::Unavailable(Unavailable::ConsentNotFound);
    let check = |quote, offer: Option<Offer>| {
        let command = command(&rate_book(), PaymentRequest { quote: Some(quote), ..request(code.clone()) });
        assert_eq!((command.converted, command.offer), (not_found.clone(), offer));
    };
    check(Evidence::Unavailable(Unavailable::QuoteTokenInvalid), None);
    check(Evidence::Present(offered()), Some(offered().offer));
}

#[test]
fn more_of_a_payment_is_quoted_for_its_own_payer() {
    let asked = |payer| IncreaseRequest {
        key: key(Method::IncreaseAuthorization),
        merchant: MerchantId(0),
        payment_id: PaymentId::from_bytes([9; 16]),
        amount: Money::parse("CNY 100.00").unwrap(),
        consent: Some(Consent::Code(digest(CODE))),
        payer,
    };
    let check = |payer, converted| {
        let IncreaseRequest { key, merchant, payment_id, amount, consent, .. } =
            asked(Evidence::Unavailable(Unavailable::PaymentNotFound));
        let expected = IncreaseAuthorization { merchant, payment_id, amount, converted, consent };
        let submission = Submission { key: Some(key), command: Command::IncreaseAuthorization(expected) };
        assert_eq!(increase(&directory(), &rate_book(), at_ms(0), asked(payer)), submission);
    };
    check(Evidence::Present(wallet_account(Currency::HKD, 0)), Evidence::Present(published_example()));
    let missing = CurrencyPair { presentment: Currency::CNY, debit: Currency::EUR };
    check(
        Evidence::Present(wallet_account(Currency::EUR, 0)),
        Evidence::Unavailable(Unavailable::RateMissing(missing)),
    );
    let not_found = Unavailable::PaymentNotFound;
    check(Evidence::Unavailable(not_found), Evidence::Unavailable(not_found));
}
