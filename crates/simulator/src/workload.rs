//! What the clients of a story ask for.

use crate::{
    auditor::Books,
    random::Random,
    request::{Ask, Caller, Code, Request, Rules, Tick, wallet_name},
};

const WALLETS: u32 = 2;
const ACCOUNTS: [(&str, Code); 5] = [("ann", "HKD"), ("bo", "CNY"), ("cy", "KWD"), ("di", "USD"), ("eve", "HKD")];
const ACCOUNT_CURRENCIES: [Code; 4] = ["HKD", "CNY", "KWD", "USD"];
const MERCHANTS: [(&str, Code, u32); 4] =
    [("cafe", "CNY", 6_000), ("books", "HKD", 0), ("sushi", "JPY", 12_500), ("tailor", "CNY", 1_000_000)];
/// Presentment and debit currency, mantissa and scale of the first rate. Two pairs that are needed have none.
const FIRST_RATES: [(Code, Code, u64, u32); 6] = [
    ("CNY", "HKD", 1_179_291_231, 9),
    ("CNY", "USD", 1_503_107_930, 10),
    ("CNY", "KWD", 4_600_000_001, 11),
    ("HKD", "CNY", 8_479_669_603, 10),
    ("JPY", "HKD", 52_178, 6),
    ("JPY", "KWD", 2_035_001, 9),
];
/// Clients publish again before rates go stale, mostly.
const RATES_ARE_OLD_MICROS: i64 = 15_000_000;
const RATE_MANTISSA_MAX: u64 = 9_999_999_999;
const AMOUNT_MAX: i64 = 999_999_999_999_999;
const REQUESTS_REMEMBERED: usize = 256;

/// The clients.
#[derive(Debug, Default)]
pub(crate) struct Workload {
    sent: Vec<Request>,
    keys_used: u64,
}

impl Workload {
    /// The next request, as somebody would send it at `now` who knows what is durable.
    pub(crate) fn next(&mut self, random: &mut Random, books: &Books, now: i64) -> Request {
        let request = match random.below(100) {
            0..=24 if !self.sent.is_empty() => self.repeated(random),
            25..=30 if !self.sent.is_empty() => self.key_reused(random, books, now),
            _ => self.fresh(random, books, now),
        };
        if request.key.is_some() {
            if self.sent.len() == REQUESTS_REMEMBERED {
                self.sent.swap_remove(random.index(REQUESTS_REMEMBERED));
            }
            self.sent.push(request.clone());
        }
        request
    }

    fn repeated(&self, random: &mut Random) -> Request {
        random.pick(&self.sent).clone()
    }

    /// A key of the past with another body: a field changed, or another method of the same caller.
    fn key_reused(&mut self, random: &mut Random, books: &Books, now: i64) -> Request {
        let first = random.pick(&self.sent).clone();
        let ask =
            if random.one_in(2) { changed(random, &first.ask) } else { self.ask_of(random, books, first.caller, now) };
        Request { ask, ..first }
    }

    fn fresh(&mut self, random: &mut Random, books: &Books, now: i64) -> Request {
        if let Some(ask) = beginning(random, books) {
            return Request { caller: Caller::Switch, key: None, ask };
        }
        let rates_are_old = now - books.last_published_at() > RATES_ARE_OLD_MICROS;
        let caller = match random.below(100) {
            0..=29 if rates_are_old || books.merchants() < 2 => Caller::Operator,
            0..=3 => Caller::Operator,
            4..=39 => Caller::Wallet(small(random, u64::from(WALLETS))),
            40..=42 => Caller::Merchant(small(random, 4)),
            _ => Caller::Merchant(small(random, u64::try_from(books.merchants()).map_or(1, |known| known.max(1)))),
        };
        self.keys_used += 1;
        // Callers choose keys of their own, so the same text means another key to each.
        let key = Some(format!("key-{}", self.keys_used / 2));
        let key = if self.sent.iter().any(|sent| sent.caller == caller && sent.key == key) {
            Some(format!("key-{}-more", self.keys_used))
        } else {
            key
        };
        Request { caller, key, ask: self.ask_of(random, books, caller, now) }
    }
    fn ask_of(&self, random: &mut Random, books: &Books, caller: Caller, now: i64) -> Ask {
        match caller {
            Caller::Switch => Ask::Begin,
            Caller::Operator if books.merchants() < MERCHANTS.len() && random.one_in(2) => registration(random, books),
            Caller::Operator if random.one_in(12) => registration(random, books),
            Caller::Operator => Ask::PublishRates(rates(random, books, now)),
            Caller::Wallet(wallet) => account_ask(random, books, wallet),
            Caller::Merchant(merchant) => self.payment(random, books, merchant),
        }
    }

    fn payment(&self, random: &mut Random, books: &Books, merchant: u32) -> Ask {
        let caller = Caller::Merchant(merchant);
        let of_this_merchant = |sent: &Request| match &sent.ask {
            Ask::Pay { order, .. } if sent.caller == caller => Some(order.clone()),
            _ => None,
        };
        let orders: Vec<String> = self.sent.iter().filter_map(of_this_merchant).collect();
        let order = match orders.is_empty() || !random.one_in(6) {
            true => format!("order-{}", self.keys_used),
            false => random.pick(&orders).clone(),
        };
        let accounts: Vec<(u32, &str)> = books.open_accounts().collect();
        let (wallet, payer) = match accounts.is_empty() || random.one_in(20) {
            true => (small(random, u64::from(WALLETS)), random.pick(&ACCOUNTS).0),
            false => *random.pick(&accounts),
        };
        let currency = match books.merchant_currency(merchant) {
            Some(currency) if !random.one_in(25) => currency,
            _ => *random.pick(&ACCOUNT_CURRENCIES),
        };
        Ask::Pay { order, wallet, payer: payer.to_owned(), amount: amount(random, 30_000), currency }
    }
}

/// What the daemon does at the start of a new ledger; now and then, what it should not do.
fn beginning(random: &mut Random, books: &Books) -> Option<Ask> {
    let rules = Rules {
        markup_millionths: *random.pick(&[0, 10_000, 10_000, 25_000]),
        rate_age_ms_max: 60_000,
        rate_move_millionths: 100_000,
    };
    if random.one_in(20) {
        return Some(match random.below(3) {
            0 => Ask::Begin,
            1 => Ask::InstallPolicy(rules),
            _ => Ask::RegisterWallet { name: wallet_name(0) },
        });
    }
    if random.one_in(8) {
        return None;
    }
    if !books.begun() {
        return Some(Ask::Begin);
    }
    if !books.has_rules() {
        return Some(Ask::InstallPolicy(rules));
    }
    let wallets = books.wallets();
    (wallets < WALLETS).then(|| Ask::RegisterWallet { name: wallet_name(wallets) })
}

fn registration(random: &mut Random, books: &Books) -> Ask {
    let next = books.merchants().min(MERCHANTS.len() - 1);
    let (name, currency, discount_millionths) = if random.one_in(5) { MERCHANTS[0] } else { MERCHANTS[next] };
    let keys_of = if random.one_in(8) { MERCHANTS[0].0 } else { name };
    Ask::RegisterMerchant { name: name.to_owned(), currency, discount_millionths, api_key: format!("{keys_of:0>40}") }
}

fn account_ask(random: &mut Random, books: &Books, wallet: u32) -> Ask {
    let opened: Vec<&str> = books.open_accounts().filter(|known| known.0 == wallet).map(|known| known.1).collect();
    let unopened: Vec<_> = ACCOUNTS.into_iter().filter(|(name, _)| !opened.contains(name)).collect();
    let other = opened.is_empty() || random.one_in(20);
    let choices: Vec<_> = ACCOUNTS.into_iter().filter(|(name, _)| other || opened.contains(name)).collect();
    let (account, usual_currency) = *random.pick(&choices);
    let account = account.to_owned();
    let currency = if random.one_in(12) { *random.pick(&ACCOUNT_CURRENCIES) } else { usual_currency };
    match random.below(40) {
        0..=9 if !unopened.is_empty() => {
            let (account, currency) = *random.pick(&unopened);
            Ask::Open { account: account.to_owned(), currency }
        }
        0 => Ask::Open { account, currency },
        1 => Ask::Close { account },
        2..=8 => Ask::Withdraw { account, amount: amount(random, 20_000), currency },
        _ => Ask::Deposit { account, amount: amount(random, 200_000), currency },
    }
}

fn small(random: &mut Random, bound: u64) -> u32 {
    u32::try_from(random.below(bound)).expect("a small number")
}

fn amount(random: &mut Random, most: i64) -> i64 {
    match random.below(50) {
        0 => AMOUNT_MAX,
        1 | 2 => random.between(1, 3),
        _ => random.between(1, most),
    }
}

fn rates(random: &mut Random, books: &Books, now: i64) -> Vec<Tick> {
    let mut pairs = FIRST_RATES.to_vec();
    let mut ticks = Vec::new();
    for _ in 0..=random.below(6) {
        let (presentment, debit, first, scale) = pairs.swap_remove(random.index(pairs.len()));
        let last = books.last_mantissa(presentment, debit).unwrap_or(first);
        let band = if random.one_in(12) { 300 } else { 80 };
        let per_mille = u64::try_from(1_000 + random.between(-band, band)).expect("a band is narrower than the rate");
        let mantissa = (last * per_mille / 1_000).clamp(1, RATE_MANTISSA_MAX);
        let as_of = match random.below(20) {
            0 => now - 7_200_000_000,
            1 => now + 120_000_000,
            _ => now - random.between(0, 20_000),
        };
        ticks.push(Tick { presentment, debit, mantissa, scale, as_of });
    }
    ticks
}

/// The same with one field changed.
fn changed(random: &mut Random, ask: &Ask) -> Ask {
    let mut ask = ask.clone();
    match &mut ask {
        Ask::Begin | Ask::InstallPolicy(_) | Ask::RegisterWallet { .. } => {}
        Ask::RegisterMerchant { discount_millionths, .. } => *discount_millionths = 7_777,
        Ask::PublishRates(ticks) => ticks[0].mantissa = if ticks[0].mantissa == 1 { 2 } else { ticks[0].mantissa - 1 },
        Ask::Open { currency, .. } => *currency = if *currency == "USD" { "HKD" } else { "USD" },
        Ask::Close { account } => account.push('x'),
        Ask::Deposit { account, amount, .. } | Ask::Withdraw { account, amount, .. } => match random.one_in(2) {
            true => account.push('x'),
            false => *amount = if *amount == 1 { 2 } else { *amount - 1 },
        },
        Ask::Pay { order, payer, wallet, amount, .. } => match random.below(4) {
            0 => order.push('x'),
            1 => payer.push('x'),
            2 => *wallet = 1 - *wallet,
            _ => *amount = if *amount == 1 { 2 } else { *amount - 1 },
        },
    }
    ask
}
