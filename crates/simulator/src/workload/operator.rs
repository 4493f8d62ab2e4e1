//! What the switch's operator asks for: merchants, rates, rules, reserves, bank deals.

use super::{AMOUNT_MAX, RATES_ARE_OLD_MICROS, amount, small};
use crate::{
    auditor::Books,
    random::Random,
    request::{Ask, Band, Code, Digits, Funding, MerchantRule, PairRule, Price, RefundRate, Rules, Sum, Tick, Tier},
};

const MERCHANTS: [(&str, Code, u32); 4] =
    [("cafe", "CNY", 6_000), ("books", "HKD", 0), ("sushi", "JPY", 12_500), ("tailor", "CNY", 1_000_000)];
/// Presentment and debit currency, mantissa and scale of the first rate. Pairs that are needed and missing here are
/// crossed through the euro, if the rules have it so.
const FIRST_RATES: [(Code, Code, u64, u32); 13] = [
    ("CNY", "HKD", 1_179_291_231, 9),
    ("CNY", "USD", 1_503_107_930, 10),
    ("CNY", "KWD", 4_600_000_001, 11),
    ("HKD", "CNY", 8_479_669_603, 10),
    ("HKD", "USD", 1_274_000_001, 10),
    ("JPY", "HKD", 52_178, 6),
    ("JPY", "KWD", 2_035_001, 9),
    ("CNY", "JPY", 2_138_800_001, 8),
    ("EUR", "HKD", 87_652, 4),
    ("EUR", "CNY", 74_326, 4),
    ("EUR", "USD", 112_345, 5),
    ("EUR", "KWD", 3_456_789, 7),
    ("EUR", "JPY", 165_021, 3),
];
const RATE_MANTISSA_MAX: u64 = 9_999_999_999;

pub(super) fn ask(random: &mut Random, books: &Books, now: i64) -> Ask {
    if books.merchants() < MERCHANTS.len() && random.one_in(2) {
        return registration(random, books);
    }
    match random.below(24) {
        0 => registration(random, books),
        1 | 2 => {
            let (merchant, currency, _) = *random.pick(&MERCHANTS);
            let merchant = if random.one_in(10) { "nobody" } else { merchant };
            let currency = if random.one_in(10) { "USD" } else { currency };
            Ask::FundReserve { merchant: merchant.to_owned(), amount: Sum { units: amount(random, 20_000), currency } }
        }
        7..=9 => pay_out(random, books),
        3..=6 => square(random, books).unwrap_or_else(|| rates(random, books, now)),
        _ => rates(random, books, now),
    }
}

/// Rules for a ledger.
pub(super) fn rules(random: &mut Random) -> Rules {
    let pair = |presentment, debit| PairRule {
        presentment,
        debit,
        markup_millionths: None,
        rate_age_ms_max: None,
        rate_move_millionths: None,
    };
    let pairs = [
        PairRule { markup_millionths: Some(15_000), ..pair("HKD", "CNY") },
        PairRule { rate_age_ms_max: Some(20_000), ..pair("JPY", "HKD") },
        PairRule { rate_move_millionths: Some(40_000), ..pair("CNY", "USD") },
    ];
    let tier = |merchant: Option<&str>, least: Option<i64>, markup_millionths| Tier {
        pair: None,
        merchant: merchant.map(str::to_owned),
        amount_min: least.map(|units| Sum { units, currency: "CNY" }),
        markup_millionths,
    };
    let tiers = vec![
        Tier { pair: Some(("CNY", "KWD")), ..tier(None, None, 7_000) },
        tier(Some("cafe"), Some(10_000), 3_000),
        tier(Some("books"), None, 5_000),
    ];
    let band =
        |move_ppm_min, extra_millionths, weight_millionths| Band { move_ppm_min, extra_millionths, weight_millionths };
    let (some_pairs, some_tiers, volatile) = (random.one_in(2), random.one_in(2), random.one_in(2));
    Rules {
        markup_millionths: *random.pick(&[0, 10_000, 10_000, 25_000, 1_000_000]),
        rate_age_ms_max: 60_000,
        rate_move_millionths: 100_000,
        pairs: if some_pairs { pairs.to_vec() } else { Vec::new() },
        tiers: if some_tiers { tiers } else { Vec::new() },
        pivot: (!random.one_in(3)).then_some("EUR"),
        volatility: if volatile {
            vec![band(15_000, 5_000, 1_500_000), band(45_000, 20_000, 3_333_333)]
        } else {
            Vec::new()
        },
        exposure: exposure(random),
        quote_ms: *random.pick(&[500, 10_000, 600_000]),
        day_offset_minutes: *random.pick(&[480, 0, -300]),
        key_ms: *random.pick(&[None, Some(60_000), Some(90_000), Some(604_800_000)]),
        merchant_default: merchant_rule(random),
        merchants: vec![("books".to_owned(), merchant_rule(random)), ("sushi".to_owned(), merchant_rule(random))],
        wallet_rail: random
            .one_in(4)
            .then(|| (merchant_rule(random), vec![("sushi".to_owned(), merchant_rule(random))])),
    }
}

/// The same, with margins for merchants that nobody is.
pub(super) fn long_rules(random: &mut Random) -> Rules {
    let mut rules = rules(random);
    let nobody =
        |number| Tier { pair: None, merchant: Some(format!("{number:0>60}")), amount_min: None, markup_millionths: 1 };
    rules.tiers.extend((0..random.between(100, 400)).map(nobody));
    rules
}

fn exposure(random: &mut Random) -> Vec<(Code, i64, i64)> {
    let limits = [("CNY", 40_000, 120_000), ("HKD", 60_000, 150_000), ("JPY", 30_000, 90_000), ("USD", 1_000, 9_000)];
    let mut some = Vec::new();
    if random.one_in(2) {
        some = limits.into_iter().filter(|_| !random.one_in(3)).collect();
    }
    some
}

fn merchant_rule(random: &mut Random) -> MerchantRule {
    let refund_rate =
        *random.pick(&[RefundRate::Original, RefundRate::Original, RefundRate::Current, RefundRate::NextDay]);
    MerchantRule {
        hold_ms: *random.pick(&[150, 2_000, 30_000, 3_600_000]),
        refund_rate,
        funding: if random.one_in(2) { Funding::Reserve } else { Funding::PayableOnly },
    }
}

fn registration(random: &mut Random, books: &Books) -> Ask {
    let next = books.merchants().min(MERCHANTS.len() - 1);
    let (name, currency, discount_millionths) = if random.one_in(5) { MERCHANTS[0] } else { MERCHANTS[next] };
    let keys_of = if random.one_in(8) { MERCHANTS[0].0 } else { name };
    Ask::RegisterMerchant { name: name.to_owned(), currency, discount_millionths, api_key: format!("{keys_of:0>40}") }
}

/// All that a merchant is owed, mostly.
fn pay_out(random: &mut Random, books: &Books) -> Ask {
    let number = super::some_merchant(random, books);
    let (merchant, currency) = match (books.merchant_name(number), books.merchant_currency(number)) {
        (Some(name), Some(currency)) if !random.one_in(20) => (name, currency),
        _ => ("nobody", "CNY"),
    };
    let owed = i64::try_from(books.balance(("merchant_payable", currency, number))).unwrap_or(0);
    let units = match random.below(6) {
        0 => owed + 1,
        1 => amount(random, 20_000),
        _ => owed.max(1),
    };
    let currency = if random.one_in(15) { "USD" } else { currency };
    Ask::PayOut { merchant: merchant.to_owned(), amount: Sum { units: units.min(AMOUNT_MAX), currency } }
}

/// A deal that sells what the switch is long of for what it is short of; now and then too much of either.
fn square(random: &mut Random, books: &Books) -> Option<Ask> {
    let positions = books.positions();
    let pick = |random: &mut Random, long: bool| {
        let fits: Vec<(Code, i64)> =
            positions.iter().filter(|row| (row.1 > 0) == long && row.1 != 0).copied().collect();
        (!fits.is_empty()).then(|| *random.pick(&fits))
    };
    let (sold, long) = pick(random, true)?;
    let (bought, short) = pick(random, false)?;
    let part = |random: &mut Random, most: i64| {
        let units = match random.below(8) {
            0 => most + 1,
            1..=3 => most,
            _ => random.between(1, most.max(1)),
        };
        units.min(AMOUNT_MAX)
    };
    let (units, closed) = (part(random, long), part(random, -short));
    let got = (closed + random.between(-3, 3)).clamp(1, AMOUNT_MAX);
    Some(Ask::Square { sold: Sum { units, currency: sold }, bought: Sum { units: got, currency: bought }, closed })
}

fn rates(random: &mut Random, books: &Books, now: i64) -> Ask {
    let mut pairs = FIRST_RATES.to_vec();
    let mut ticks = Vec::new();
    let old = now - books.last_published_at() > RATES_ARE_OLD_MICROS;
    let count = if old && !random.one_in(4) { pairs.len() } else { 1 + random.index(pairs.len()) };
    for _ in 0..count {
        let (presentment, debit, mantissa, scale) = pairs.swap_remove(random.index(pairs.len()));
        let last = match books.last_price(presentment, debit) {
            Some(Price::Mid(mid)) => mid.mantissa,
            Some(Price::Spread { bid, .. }) => bid.mantissa,
            None => mantissa,
        };
        let mantissa = moved(random, last, 38);
        let valid_until = random.one_in(8).then(|| now + random.between(1_000, 30_000_000));
        let as_of = (now - random.between(0, 20_000)).max(books.last_published_at());
        ticks.push(Tick { presentment, debit, price: price(random, mantissa, scale), as_of, valid_until });
    }
    let place = random.index(ticks.len());
    let tick = &mut ticks[place];
    match random.below(40) {
        0 => tick.as_of = now - 7_200_000_000,
        1 => tick.as_of = now + 120_000_000,
        2 => tick.valid_until = Some(now - 1),
        3 => tick.price = swapped(tick.price),
        4..=9 => {
            let (Price::Mid(rate) | Price::Spread { bid: rate, .. }) = tick.price;
            tick.price = Price::Mid(Digits { mantissa: moved(random, rate.mantissa, 300), ..rate });
        }
        _ => {}
    }
    let override_reason = random.one_in(8).then(|| "the market jumped".to_owned());
    Ask::PublishRates { ticks, override_reason }
}

/// A rate that moved by so many thousandths at most.
fn moved(random: &mut Random, mantissa: u64, band: i64) -> u64 {
    let per_mille = u64::try_from(1_000 + random.between(-band, band)).expect("a band is narrower than the rate");
    (mantissa * per_mille / 1_000).clamp(1, RATE_MANTISSA_MAX)
}

fn price(random: &mut Random, mantissa: u64, scale: u32) -> Price {
    let decimal = |mantissa: u64| Digits { mantissa: mantissa.clamp(1, RATE_MANTISSA_MAX), scale };
    if !random.one_in(3) {
        return Price::Mid(decimal(mantissa));
    }
    // Odd sums have a middle that no decimal of these digits holds.
    let ask = mantissa + u64::from(small(random, 1 + mantissa / 200));
    Price::Spread { bid: decimal(mantissa), ask: decimal(ask) }
}

fn swapped(price: Price) -> Price {
    match price {
        Price::Mid(_) => price,
        Price::Spread { bid, ask } => Price::Spread { bid: ask, ask: bid },
    }
}
