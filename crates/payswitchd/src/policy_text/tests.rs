//! What may be configured, and what is said of what may not.

use figment::{
    Figment,
    providers::{Format, Serialized, Toml},
};

use super::*;
use crate::config::Config;

fn read(rules: &str) -> Result<Policy, String> {
    let figment = Figment::from(Serialized::defaults(Config::default())).merge(Toml::string(rules));
    let config: Config = figment.extract().map_err(|error| error.to_string())?;
    config.policy.policy(None, None)
}

fn pair(presentment: Currency, debit: Currency) -> CurrencyPair {
    CurrencyPair { presentment, debit }
}

fn ratio(text: &str) -> Ratio {
    Ratio::parse(text).expect("a ratio")
}

fn currency(code: &str) -> Currency {
    Currency::from_code(code).expect("a currency")
}

const EVERYTHING: &str = r#"
[policy]
pivot = "EUR"
quote_ms = 1000
day_offset_minutes = -60
hold_ms = 60000
refund_rate = "current"
refund_funding = "reserve"

[[policy.pairs]]
pair = "HKD per CNY"
fx_markup = 0.008
rate_age_ms_max = 5000
rate_move_max = "0.05"

[[policy.pairs]]
pair = "CNY per HKD"

[[policy.tiers]]
pair = "HKD per CNY"
merchant = "demo-cafe"
amount_min = "CNY 1,000.00"
fx_markup = "0.005"

[[policy.tiers]]
fx_markup = 0

[[policy.volatility]]
move_ppm_min = 1000
markup_extra = "0.002"
exposure_weight = "1.5"

[[policy.volatility]]
move_ppm_min = 1001
markup_extra = "0.01"
exposure_weight = 3

[[policy.exposure]]
soft = "HKD 100.00"
hard = "HKD 100.00"

[[policy.merchants]]
name = "demo-cafe"
refund_rate = "next_day"

[[policy.merchants]]
name = "hk-books"
hold_ms = 5000
refund_funding = "payable_only"
"#;

#[test]
fn every_rule_can_be_configured() {
    let policy = read(EVERYTHING).expect("all of it is sound");
    let hkd_per_cny = pair(Currency::CNY, Currency::HKD);
    assert_eq!(policy.pivot, Some(currency("EUR")));
    assert_eq!((policy.quote_ms, policy.day_offset_minutes), (1_000, -60));
    let of_pair =
        PairRules { fx_markup: Some(ratio("0.008")), rate_age_ms_max: Some(5_000), rate_move_max: Some(ratio("0.05")) };
    let as_for_all = (pair(Currency::HKD, Currency::CNY), PairRules::default());
    assert_eq!(policy.pairs, BTreeMap::from([(hkd_per_cny, of_pair), as_for_all]));
    let tier = MarkupTier {
        pair: Some(hkd_per_cny),
        merchant: Some(Name::new("demo-cafe").expect("a name")),
        amount_min: Some(Money::new(Currency::CNY, 100_000)),
        fx_markup: ratio("0.005"),
    };
    let for_all = MarkupTier { pair: None, merchant: None, amount_min: None, fx_markup: Ratio::ZERO };
    assert_eq!(policy.tiers, [tier, for_all]);
    let band = |move_ppm_min, extra, weight| VolatilityBand {
        move_ppm_min,
        markup_extra: ratio(extra),
        exposure_weight: Weight::parse(weight).expect("a weight"),
    };
    assert_eq!(policy.volatility, [band(1_000, "0.002", "1.5"), band(1_001, "0.01", "3")]);
    let hundred = Money::new(Currency::HKD, 10_000);
    assert_eq!(policy.exposure, BTreeMap::from([(Currency::HKD, ExposureLimit { soft: hundred, hard: hundred })]));
    let for_all =
        MerchantRules { hold_ms: 60_000, refund_rate: RefundRate::Current, refund_funding: RefundFunding::Reserve };
    assert_eq!(policy.merchant_default, for_all);
    let cafe = MerchantRules { refund_rate: RefundRate::NextDay, ..for_all };
    let books = MerchantRules { hold_ms: 5_000, refund_funding: RefundFunding::PayableOnly, ..for_all };
    assert_eq!(policy.merchants, BTreeMap::from([named("demo-cafe", cafe), named("hk-books", books)]));
    assert_eq!(policy.rails, BTreeMap::new());
}

fn named(name: &str, rules: MerchantRules) -> (Name, MerchantRules) {
    (Name::new(name).expect("a name"), rules)
}

const RAILS: &str = r#"
[policy]
hold_ms = 1
refund_rate = "current"

[[policy.merchants]]
name = "demo-cafe"
refund_funding = "reserve"

[[policy.merchants]]
name = "demo-cafe"
rail = "wallet"
hold_ms = 4

[[policy.merchants]]
name = "hk-books"
rail = "wallet"
hold_ms = 3
"#;

/// Key by key: the merchant's on the rail, the merchant's, the rail's, that for all.
#[test]
fn the_narrowest_entry_counts() {
    let rules = |hold_ms, refund_rate, refund_funding| MerchantRules { hold_ms, refund_rate, refund_funding };
    let (current, next_day) = (RefundRate::Current, RefundRate::NextDay);
    let (payable, reserve) = (RefundFunding::PayableOnly, RefundFunding::Reserve);
    let everywhere = (rules(1, current, payable), BTreeMap::from([named("demo-cafe", rules(1, current, reserve))]));
    let check = |text: &str, on_wallet: RailRules| {
        let policy = read(text).expect("all of it is sound");
        assert_eq!((policy.merchant_default, policy.merchants), everywhere, "{text}");
        assert_eq!(policy.rails, BTreeMap::from([(Rail::Wallet, on_wallet)]), "{text}");
    };
    let on_wallet = |merchant_default, cafe, books| RailRules {
        merchant_default,
        merchants: BTreeMap::from([named("demo-cafe", cafe), named("hk-books", books)]),
    };
    let unsaid = on_wallet(rules(1, current, payable), rules(4, current, reserve), rules(3, current, payable));
    check(RAILS, unsaid);
    let said = on_wallet(rules(2, next_day, payable), rules(4, next_day, reserve), rules(3, next_day, payable));
    check(&format!("{RAILS}\n[[policy.rails]]\nrail = \"wallet\"\nhold_ms = 2\nrefund_rate = \"next_day\"\n"), said);
}

#[test]
fn a_policy_without_a_pivot_has_the_default_one() {
    let config = Config::default();
    assert_eq!(config.policy.policy(Some(Currency::USD), None).expect("it is sound").pivot, Some(Currency::USD));
    assert_eq!(config.policy.policy(None, None).expect("it is sound").pivot, None);
}

#[test]
fn what_cannot_be_is_said_with_its_key() {
    let check = |rules: &str, expected: &str| {
        let said = read(&format!("[policy]\n{rules}")).expect_err(rules);
        assert!(said.contains(expected), "{rules}\n{said}\n{expected}");
    };
    check("pivot = \"XYZ\"", "pivot = \"XYZ\": ");
    check("quote_ms = 0", "quote_ms = 0: 1 to 86400000 milliseconds");
    check("quote_ms = 86400001", "quote_ms = 86400001: 1 to 86400000 milliseconds");
    check("hold_ms = 0", "hold_ms = 0: 1 to 31622400000 milliseconds");
    check("key_ms = 86399999", "key_ms = 86399999: at least 86400000");
    check("hold_ms = 31622400001", "hold_ms = 31622400001: 1 to ");
    check("rate_age_ms_max = 0", "rate_age_ms_max = 0: 1 to ");
    check("day_offset_minutes = 841", "day_offset_minutes = 841: -720 to 840");
    check("day_offset_minutes = -721", "day_offset_minutes = -721: -720 to 840");
    check("refund_rate = \"best\"", "best");
    check("fx_markup = \"1.01\"", "fx_markup = \"1.01\": ");
    check("fx_markup = \"0.0000001\"", "fx_markup = \"0.0000001\": ");
    let pairs = |of: &str| format!("[[policy.pairs]]\npair = \"{of}\"");
    check(&pairs("HKD/CNY"), "pairs[0].pair = \"HKD/CNY\": not of the form \"HKD per CNY\"");
    check(&pairs("HKD per XYZ"), "pairs[0].pair = \"HKD per XYZ\": ");
    check(&pairs("HKD per HKD"), "pairs[0].pair = \"HKD per HKD\": a pair has two currencies");
    check(&[pairs("HKD per CNY"), pairs("HKD per CNY")].join("\n"), "pairs[1].pair = \"HKD per CNY\" is there twice");
    let tier = |of: &str| format!("[[policy.tiers]]\nfx_markup = \"0\"\n{of}");
    check(&tier("merchant = \"Demo Cafe\""), "tiers[0].merchant = \"Demo Cafe\" may contain");
    check(&tier("amount_min = \"CNY 0\""), "tiers[0].amount_min = \"CNY 0\": not above zero");
    check(
        &tier("pair = \"HKD per CNY\"\namount_min = \"HKD 1.00\""),
        "tiers[0].amount_min: HKD 1.00 is never asked in the pair HKD per CNY, CNY is",
    );
    let band = |from: u32| {
        format!("[[policy.volatility]]\nmove_ppm_min = {from}\nmarkup_extra = \"0\"\nexposure_weight = \"1\"")
    };
    check(&[band(5), band(5)].join("\n"), "volatility[1].move_ppm_min = 5: bands rise, and the one before begins at 5");
    let exposure = |soft: &str, hard: &str| format!("[[policy.exposure]]\nsoft = \"{soft}\"\nhard = \"{hard}\"");
    check(&exposure("HKD 1.00", "CNY 2.00"), "exposure[0].hard = \"CNY 2.00\": soft is in HKD");
    check(&exposure("HKD 2.00", "HKD 1.00"), "exposure[0].hard = \"HKD 1.00\": below soft, which is HKD 2.00");
    check(&exposure("HKD 0.00", "HKD 1.00"), "exposure[0].soft = \"HKD 0.00\": not above zero");
    // Found by the fuzz target: the daemon stopped when it wrote the record.
    let above = "exposure[0].hard = \"HKD 10000000000000000.00\": at most HKD 9,999,999,999,999,999.99";
    check(&exposure("HKD 1.00", "HKD 10000000000000000.00"), above);
    check(
        &tier("amount_min = \"JPY 1,000,000,000,000,000\""),
        "tiers[0].amount_min = \"JPY 1,000,000,000,000,000\": at most JPY 999,999,999,999,999",
    );
    let one = exposure("HKD 1.00", "HKD 1.00");
    check(&[one.clone(), one].join("\n"), "exposure[1].soft: there is a limit in HKD already");
    let merchant = |name: &str, rule: &str| format!("[[policy.merchants]]\nname = \"{name}\"\n{rule}");
    check(&merchant("cafe", "hold_ms = 0"), "merchants[0].hold_ms = 0: 1 to ");
    check(&[merchant("cafe", ""), merchant("cafe", "")].join("\n"), "merchants[1].name = \"cafe\" is there twice");
    check(&merchant("cafe", "refund_rate = \"worst\""), "worst");
    let on_wallet = merchant("cafe", "rail = \"wallet\"");
    check(
        &[merchant("cafe", ""), on_wallet.clone(), on_wallet].join("\n"),
        "merchants[2].name = \"cafe\" with rail = \"wallet\" is there twice",
    );
    check(&merchant("cafe", "rail = \"wire\""), "wire");
    let rail = |rule: &str| format!("[[policy.rails]]\nrail = \"wallet\"\n{rule}");
    check(&rail("hold_ms = 0"), "rails[0].hold_ms = 0: 1 to ");
    check(&[rail(""), rail("")].join("\n"), "rails[1].rail = \"wallet\" is there twice");
    check("[[policy.rails]]\nhold_ms = 1", "rail");
    let many: Vec<_> = (0..129).map(band).collect();
    check(&many.join("\n"), "volatility has 129 entries: at most 128");
}
