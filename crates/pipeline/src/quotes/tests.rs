use domain::{ApiKeyHash, Evidence, PairRules, Policy};
use money::Ratio;

use super::*;
use crate::script::{
    CNY_TO_HKD, at_ms, merchant_registered, policy, policy_installed, rates_published, tick, wallet_account,
};

const USD_TO_HKD: CurrencyPair = CurrencyPair { presentment: Currency::USD, debit: Currency::HKD };
const USD_TO_CNY: CurrencyPair = CurrencyPair { presentment: Currency::USD, debit: Currency::CNY };
const MERCHANT: MerchantId = MerchantId(0);

/// A café paid in CNY.
fn directory() -> Directory {
    let directory = Directory::new();
    directory.observe(&merchant_registered(MERCHANT.0, "cafe", ApiKeyHash([1; 32])));
    directory
}

fn rate_book(policy: Policy) -> RateBook {
    let rates = RateBook::new();
    rates.observe(&policy_installed(policy));
    let ticks = [tick(CNY_TO_HKD, "1.179291231"), tick(USD_TO_HKD, "7.8"), tick(USD_TO_CNY, "6.7")];
    rates.observe(&rates_published(7, &ticks));
    rates
}

/// What is debited and what is settled, as text; `=` where the currency is the presentment currency.
fn check(rates: &RateBook, ms: i64, payer: Currency, presentment: &str, expected: Result<[&str; 2], Unavailable>) {
    let (presentment, payer) = (Money::parse(presentment).unwrap(), wallet_account(payer, 0));
    let found = conversions(&directory(), rates, at_ms(ms), MERCHANT, payer, presentment);
    let amount = |amount: Option<Money>| amount.map_or("too large".to_owned(), |amount| amount.to_string());
    let found = found.map(|Conversions { debit, settlement }| {
        let debit = match debit {
            Converted::SameCurrency => "=".to_owned(),
            Converted::Quoted(quote) => amount(quote.amounts.map(|amounts| amounts.debit)),
        };
        let settlement = match settlement {
            Converted::SameCurrency => "=".to_owned(),
            Converted::Quoted(quote) => amount(quote.gross),
        };
        [debit, settlement]
    });
    assert_eq!(found, expected.map(|texts| texts.map(ToOwned::to_owned)), "{presentment} of {payer:?} at {ms} ms");
}

#[test]
fn payer_and_merchant_are_each_quoted_from_the_presentment_currency() {
    let rates = rate_book(policy());
    check(&rates, 0, Currency::HKD, "CNY 100.00", Ok(["HKD 119.11", "="]));
    check(&rates, 0, Currency::HKD, "USD 100.00", Ok(["HKD 787.80", "CNY 670.00"]));
    check(&rates, 0, Currency::USD, "USD 100.00", Ok(["=", "CNY 670.00"]));
    check(&rates, 0, Currency::CNY, "USD 100.01", Ok(["CNY 676.77", "CNY 670.06"]));
}

#[test]
fn within_one_currency_neither_rate_nor_policy_is_needed() {
    check(&RateBook::new(), 0, Currency::CNY, "CNY 100.00", Ok(["=", "="]));
}

#[test]
fn what_cannot_be_quoted_names_its_pair_the_payers_first() {
    let pair = |presentment, debit| CurrencyPair { presentment, debit };
    let rates = rate_book(policy());
    let missing = |presentment, debit| Err(Unavailable::RateMissing(pair(presentment, debit)));
    check(&rates, 0, Currency::EUR, "JPY 100", missing(Currency::JPY, Currency::EUR));
    check(&rates, 0, Currency::JPY, "JPY 100", missing(Currency::JPY, Currency::CNY));
    check(&RateBook::new(), 0, Currency::HKD, "CNY 1.00", missing(Currency::CNY, Currency::HKD));
    for ms in [-1, 0, 59_999] {
        check(&rates, ms, Currency::HKD, "CNY 100.00", Ok(["HKD 119.11", "="]));
    }
    check(&rates, 60_000, Currency::HKD, "CNY 100.00", Err(Unavailable::RateStale(CNY_TO_HKD)));
    let unlisted = conversions(
        &Directory::new(),
        &rates,
        at_ms(0),
        MERCHANT,
        wallet_account(Currency::HKD, 0),
        Money::parse("CNY 1.00").unwrap(),
    );
    assert_eq!(unlisted, Err(Unavailable::RateMissing(CNY_TO_HKD)));
}

#[test]
fn amounts_above_the_largest_are_missing() {
    check(&rate_book(policy()), 0, Currency::HKD, "CNY 9999999999999.99", Ok(["too large", "="]));
}

#[test]
fn the_margin_is_of_the_merchants_own_tier() {
    let cheap = Ratio::parse("0.001").unwrap();
    let tier = |merchant| domain::MarkupTier {
        pair: None,
        merchant: Some(crate::script::name(merchant)),
        amount_min: Some(Money::parse("CNY 100.00").unwrap()),
        fx_markup: cheap,
    };
    let rates = |merchant| rate_book(Policy { tiers: vec![tier(merchant)], ..policy() });
    check(&rates("cafe"), 0, Currency::HKD, "CNY 100.00", Ok(["HKD 118.05", "="]));
    check(&rates("books"), 0, Currency::HKD, "CNY 100.00", Ok(["HKD 119.11", "="]));
}

#[test]
fn an_offer_holds_as_long_as_the_policy_says_and_its_rates_can_be_quoted_by() {
    let check = |quote_ms, usd_age_ms: Option<i64>, payer, presentment: &str, expected_ms| {
        let rules = PairRules { rate_age_ms_max: usd_age_ms, ..PairRules::default() };
        let pairs = [(USD_TO_CNY, rules)].into();
        let rates = rate_book(Policy { quote_ms, pairs, ..policy() });
        let (payer, presentment) = (wallet_account(payer, 0), Money::parse(presentment).unwrap());
        let quote_id = QuoteId::from_bytes([3; 16]);
        let offered = offer(&directory(), &rates, at_ms(10), quote_id, (MERCHANT, payer), None, presentment).unwrap();
        let expires_at = at_ms(expected_ms);
        let bound_to =
            Offer { quote_id, expires_at, merchant: MERCHANT, payer, presentment_amount: presentment, card: None };
        assert_eq!(offered.offer, bound_to);
        let conversions = conversions(&directory(), &rates, at_ms(10), MERCHANT, payer, presentment);
        assert_eq!(Ok(offered.conversions), conversions);
    };
    check(1_000, None, Currency::HKD, "USD 1.00", 1_010);
    check(59_990, None, Currency::HKD, "USD 1.00", 60_000);
    check(59_991, None, Currency::HKD, "USD 1.00", 60_000);
    check(600_000, Some(20_000), Currency::HKD, "USD 1.00", 20_000);
    check(600_000, None, Currency::CNY, "CNY 1.00", 600_010);
}

#[test]
fn what_cannot_be_quoted_is_not_offered() {
    let payer = wallet_account(Currency::EUR, 0);
    let presentment = Money::parse("CNY 1.00").unwrap();
    let quote_id = QuoteId::from_bytes([3; 16]);
    let pair = CurrencyPair { presentment: Currency::CNY, debit: Currency::EUR };
    let offered = offer(&directory(), &rate_book(policy()), at_ms(0), quote_id, (MERCHANT, payer), None, presentment);
    assert_eq!(offered.map(Evidence::Present), Err(Unavailable::RateMissing(pair)));
}
