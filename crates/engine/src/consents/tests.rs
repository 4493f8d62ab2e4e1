use domain::AccountKind;
use money::Currency;

use super::*;

const ALICE: AccountId = AccountId { kind: AccountKind::Wallet, currency: Currency::HKD, index: 0 };
const BOB: AccountId = AccountId { index: 1, ..ALICE };
const CAFE: MerchantId = MerchantId(0);
const TEA: MerchantId = MerchantId(1);
const ORDER: Digest = Digest([7; 16]);
const MANDATE: MandateId = MandateId::from_bytes([9; 16]);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_micros(millis * 1_000)
}

fn hkd(units: i128) -> Money {
    Money::new(Currency::HKD, units)
}

fn code(number: u8) -> Consent {
    Consent::Code(Digest([number; 16]))
}

fn issue(consents: &mut Consents, number: u8, now: Timestamp) -> Result<(), Refusal> {
    let issue = IssueCode {
        account: Evidence::Present(ALICE),
        merchant: Evidence::Present(CAFE),
        debit_amount_max: hkd(100),
        code: Digest([number; 16]),
    };
    let expires_at = consents.check_code(now, &issue)?;
    consents.code_issued(&issue, ALICE, CAFE, expires_at);
    Ok(())
}

fn approve(consents: &mut Consents, max: i128, expires_at: Timestamp) {
    let approve = ApproveOrder {
        account: Evidence::Present(ALICE),
        merchant: Evidence::Present(CAFE),
        merchant_order_digest: ORDER,
        debit_amount_max: hkd(max),
        expires_at,
    };
    consents.order_approved(&approve, ALICE, CAFE);
}

/// 100 a payment, 150 in each two seconds, until the tenth.
fn mandated() -> Consents {
    let mut consents = Consents::default();
    let grant = GrantMandate {
        mandate_id: MANDATE,
        account: Evidence::Present(ALICE),
        merchant: Evidence::Present(CAFE),
        payment_debit_max: hkd(100),
        period_debit_max: hkd(150),
        period_ms: 2_000,
        expires_at: at(10_000),
    };
    consents.mandate_granted(at(1_000), &grant, ALICE, WalletId(0), CAFE);
    consents
}

fn agreed(consents: &Consents, now: Timestamp, consent: &Consent) -> Result<Option<Money>, DeclineReason> {
    consents.agreement(now, CAFE, ORDER, ALICE, consent).map(|agreement| agreement.debit_amount_max)
}

/// Of the mandate's period at `now`.
fn left(consents: &Consents, now: Timestamp) -> i128 {
    let agreement = consents.agreement(now, CAFE, ORDER, ALICE, &Consent::Mandate(MANDATE)).unwrap();
    agreement.period.unwrap().2.minor_units()
}

fn pay(consents: &mut Consents, now: Timestamp, consent: &Consent, units: i128) {
    consents.used(now, CAFE, ORDER, ALICE, consent, hkd(units));
}

#[test]
fn a_code_is_for_one_merchant_and_account_and_used_once() {
    let mut consents = Consents::default();
    issue(&mut consents, 1, at(0)).unwrap();
    assert_eq!(agreed(&consents, at(0), &code(1)), Ok(Some(hkd(100))));
    let of = |merchant, account| consents.agreement(at(0), merchant, ORDER, account, &code(1));
    assert_eq!(of(TEA, ALICE), Err(DeclineReason::ConsentMismatch));
    assert_eq!(of(CAFE, BOB), Err(DeclineReason::ConsentMismatch));
    assert_eq!(agreed(&consents, at(0), &code(2)), Err(DeclineReason::ConsentNotFound));
    assert_eq!(issue(&mut consents, 1, at(CODE_MS - 1)), Err(Refusal::CodeTaken));
    pay(&mut consents, at(1), &code(1), 100);
    assert_eq!(agreed(&consents, at(1), &code(1)), Err(DeclineReason::ConsentNotFound));
    assert_eq!(issue(&mut consents, 1, at(2)), Ok(()), "a code that is used up is as none");
}

#[test]
fn a_code_ends_whether_forgotten_or_not() {
    let mut consents = Consents::default();
    issue(&mut consents, 1, at(0)).unwrap();
    assert!(agreed(&consents, at(CODE_MS - 1), &code(1)).is_ok());
    assert_eq!(agreed(&consents, at(CODE_MS), &code(1)), Err(DeclineReason::ConsentNotFound));
    // The same digest once more, before the first was forgotten, lives as long as any.
    issue(&mut consents, 1, at(CODE_MS)).unwrap();
    consents.forget_ended(at(CODE_MS));
    assert!(agreed(&consents, at(2 * CODE_MS - 1), &code(1)).is_ok());
    consents.forget_ended(at(2 * CODE_MS));
    assert!(consents.codes.is_empty() && consents.ends.is_empty());
}

#[test]
fn what_has_ended_is_forgotten_a_little_at_a_time() {
    let mut consents = Consents::default();
    for number in 0..20 {
        issue(&mut consents, number, at(number.into())).unwrap();
    }
    let mut left = alloc::vec::Vec::new();
    for _ in 0..3 {
        consents.forget_ended(at(CODE_MS + 18));
        left.push(consents.codes.len());
    }
    assert_eq!(left, [12, 4, 1]);
}

#[test]
fn an_approval_is_of_one_order_and_the_last_one_counts() {
    let mut consents = Consents::default();
    approve(&mut consents, 50, at(1_000));
    approve(&mut consents, 80, at(500));
    assert_eq!(agreed(&consents, at(499), &Consent::OrderApproved), Ok(Some(hkd(80))));
    assert_eq!(agreed(&consents, at(500), &Consent::OrderApproved), Err(DeclineReason::ConsentNotFound));
    let other = consents.agreement(at(0), CAFE, Digest([8; 16]), ALICE, &Consent::OrderApproved);
    assert_eq!(other, Err(DeclineReason::ConsentNotFound));
    approve(&mut consents, 80, at(1_000));
    consents.forget_ended(at(999));
    pay(&mut consents, at(999), &Consent::OrderApproved, 80);
    assert_eq!(agreed(&consents, at(999), &Consent::OrderApproved), Err(DeclineReason::ConsentNotFound));
    assert!(consents.approvals.is_empty() && consents.ends.is_empty());
}

#[test]
fn an_approved_charge_is_of_one_card_stands_again_and_ends() {
    let token = CardToken::from_bytes([5; 16]);
    let approved = Consent::CardOrderApproved(token);
    let approve = |consents: &mut Consents, max, expires_at| {
        let approve = ApproveCardOrder {
            wallet: WalletId(0),
            token,
            merchant: Evidence::Present(CAFE),
            merchant_order_digest: ORDER,
            debit_amount_max: hkd(max),
            expires_at,
        };
        consents.card_order_approved(&approve, CAFE);
    };
    let mut consents = Consents::default();
    approve(&mut consents, 50, at(1_000));
    approve(&mut consents, 80, at(500));
    assert_eq!(agreed(&consents, at(499), &approved), Ok(Some(hkd(80))));
    assert_eq!(agreed(&consents, at(500), &approved), Err(DeclineReason::ConsentNotFound));
    let another = Consent::CardOrderApproved(CardToken::from_bytes([6; 16]));
    assert_eq!(agreed(&consents, at(0), &another), Err(DeclineReason::ConsentNotFound));
    assert_eq!(agreed(&consents, at(0), &Consent::OrderApproved), Err(DeclineReason::ConsentNotFound));

    let mut again = Consents::default();
    for standing in consents.standing() {
        let Standing::CardApproval(approval) = standing else { panic!("nothing else was agreed to") };
        assert!(again.stand_card_approval(&approval));
    }
    assert_eq!(alloc::format!("{again:?}"), alloc::format!("{consents:?}"));
    again.charged(CAFE, ORDER, token);
    again.charged(CAFE, ORDER, token);
    consents.forget_ended(at(500));
    for left in [consents, again] {
        assert!(left.card_approvals.is_empty() && left.ends.is_empty());
    }
}

#[test]
fn a_mandate_bounds_each_payment_and_each_period() {
    let mut consents = mandated();
    let mandate = Consent::Mandate(MANDATE);
    let covers = |consents: &Consents, now, units| {
        consents.agreement(now, CAFE, ORDER, ALICE, &mandate).unwrap().covers(hkd(units))
    };
    assert!(covers(&consents, at(1_000), 100) && !covers(&consents, at(1_000), 101));
    pay(&mut consents, at(1_000), &mandate, 100);
    assert!(covers(&consents, at(2_999), 50) && !covers(&consents, at(2_999), 51));
    assert!(covers(&consents, at(3_000), 100), "periods begin with the grant");
    assert_eq!(agreed(&consents, at(9_999), &mandate), Ok(Some(hkd(100))));
    assert_eq!(agreed(&consents, at(10_000), &mandate), Err(DeclineReason::ConsentNotFound));
    let of = |merchant, account| consents.agreement(at(1_000), merchant, ORDER, account, &mandate);
    assert_eq!(of(TEA, ALICE), Err(DeclineReason::ConsentMismatch));
    assert_eq!(of(CAFE, BOB), Err(DeclineReason::ConsentMismatch));
    consents.mandate_revoked(MANDATE);
    assert_eq!(agreed(&consents, at(1_000), &mandate), Err(DeclineReason::ConsentNotFound));
}

#[test]
fn a_hold_that_ends_gives_back_to_its_own_period_only() {
    let mandate = Consent::Mandate(MANDATE);
    let used = |period, counted| Some(MandateUse { id: MANDATE, period, counted: hkd(counted) });
    let mut consents = mandated();
    pay(&mut consents, at(1_000), &mandate, 90);
    consents.released(used(0, 90), hkd(60));
    assert_eq!(left(&consents, at(1_000)), 120);
    // It grew by 30 in the next period: of 100 that it never took, only those 30 count there.
    pay(&mut consents, at(3_000), &mandate, 30);
    pay(&mut consents, at(3_000), &mandate, 40);
    consents.released(used(1, 30), hkd(100));
    assert_eq!(left(&consents, at(3_000)), 110);
    consents.released(used(0, 30), hkd(30));
    assert_eq!(left(&consents, at(3_000)), 110, "what is over stays as it is");
    consents.released(None, hkd(30));
}

#[test]
fn guesses_of_a_merchant_are_counted_until_the_window_ends() {
    let mut consents = Consents::default();
    issue(&mut consents, 1, at(0)).unwrap();
    let until = at(GUESS_WINDOW_MS);
    for _ in 1..GUESSES_MAX {
        consents.guessed(at(0), CAFE, &code(9));
    }
    consents.guessed(at(0), CAFE, &code(1));
    consents.guessed(at(0), CAFE, &Consent::OrderApproved);
    assert_eq!(consents.check_guesses(at(0), CAFE, &code(1)), Ok(()), "a code that exists is no guess");
    consents.guessed(at(5), CAFE, &code(9));
    let refused = Err(Refusal::TooManyGuesses { until });
    assert_eq!(consents.check_guesses(at(GUESS_WINDOW_MS - 1), CAFE, &code(1)), refused);
    assert_eq!(consents.check_guesses(at(6), CAFE, &Consent::OrderApproved), Ok(()), "nothing is guessed");
    assert_eq!(consents.check_guesses(at(6), TEA, &code(1)), Ok(()), "another merchant");
    assert_eq!(consents.check_guesses(until, CAFE, &code(1)), Ok(()));
    // A new window counts from one, whether the old was forgotten or not.
    consents.guessed(until, CAFE, &code(9));
    assert_eq!(consents.check_guesses(until, CAFE, &code(9)), Ok(()));
    consents.forget_ended(until);
    assert_eq!(consents.guesses.len(), 1);
    consents.forget_ended(until.plus_millis(GUESS_WINDOW_MS));
    assert!(consents.guesses.is_empty());
}
