//! What the clients of a story ask for.

mod changed;
mod consents;
mod operator;
mod payments;
mod together;

use crate::{
    auditor::Books,
    random::Random,
    request::{Ask, Caller, Code, Id, Keyed, Purpose, QuoteAsk, Request, Sum, wallet_name},
};
use changed::changed;

const WALLETS: u32 = 2;
const ACCOUNTS: [(&str, Code); 6] =
    [("ann", "HKD"), ("bo", "CNY"), ("cy", "KWD"), ("di", "USD"), ("eve", "HKD"), ("fu", "CNY")];
const ACCOUNT_CURRENCIES: [Code; 4] = ["HKD", "CNY", "KWD", "USD"];
/// Clients publish again before rates go stale, mostly.
const RATES_ARE_OLD_MICROS: i64 = 8_000_000;
const AMOUNT_MAX: i64 = 999_999_999_999_999;
const REQUESTS_REMEMBERED: usize = 256;
const QUOTES_REMEMBERED: usize = 6;

/// The clients.
#[derive(Debug, Default)]
pub(crate) struct Workload {
    sent: Vec<Request>,
    keys_used: u64,
    /// Quotes somebody has, and what they were asked for.
    quotes: Vec<(QuoteAsk, Id)>,
    /// A merchant that makes up codes.
    guesser: Option<u32>,
}

impl Workload {
    /// Clients of a story: in some, a merchant guesses.
    pub(crate) fn new(random: &mut Random) -> Self {
        let guesser = random.one_in(8).then(|| small(random, 2));
        Self { guesser, ..Self::default() }
    }

    /// The next request, as somebody would send it at `now` who knows what is durable.
    pub(crate) fn next(&mut self, random: &mut Random, books: &Books, now: i64) -> Request {
        // A machine's clock that was set back does not take its clients along.
        let now = now.max(books.last_at());
        let request = match random.below(100) {
            0..=19 if !self.sent.is_empty() => random.pick(&self.sent).clone(),
            20..=24 if !self.sent.is_empty() => self.key_reused(random, books, now),
            _ => self.fresh(random, books, now),
        };
        self.remember(random, &request);
        if let Ask::Together(payments) = &request.ask {
            // Somebody may ask again for one of them alone.
            let Keyed { key, pay } = random.pick(payments).clone();
            let alone = Request { caller: request.caller, key: Some(key), ask: Ask::Pay(Box::new(pay)) };
            self.remember(random, &alone);
        }
        request
    }

    fn remember(&mut self, random: &mut Random, request: &Request) {
        if request.keyed().is_empty() {
            return;
        }
        if self.sent.len() == REQUESTS_REMEMBERED {
            self.sent.swap_remove(random.index(REQUESTS_REMEMBERED));
        }
        self.sent.push(request.clone());
    }

    /// A quote that somebody would ask for.
    pub(crate) fn quote(&self, random: &mut Random, books: &Books) -> Option<QuoteAsk> {
        let accounts: Vec<(u32, &str, Code)> = books.open_accounts().collect();
        if accounts.is_empty() || books.merchants() == 0 {
            return None;
        }
        let merchant = some_merchant(random, books);
        let (wallet, account, _) = *random.pick(&accounts);
        let amount = Sum { units: amount(random, 20_000), currency: payments::presentment(random, books, merchant) };
        Some(QuoteAsk { merchant, wallet, account: account.to_owned(), amount })
    }

    /// Somebody has this quote now.
    pub(crate) fn quoted(&mut self, ask: QuoteAsk, id: Id) {
        if self.quotes.len() == QUOTES_REMEMBERED {
            self.quotes.remove(0);
        }
        self.quotes.push((ask, id));
    }

    /// A key of the past with another body: a field changed, or another method of the same caller.
    fn key_reused(&mut self, random: &mut Random, books: &Books, now: i64) -> Request {
        let first = random.pick(&self.sent).clone();
        let ask = match &first.ask {
            Ask::Together(_) => changed(random, &first.ask),
            _ if random.one_in(2) => changed(random, &first.ask),
            _ => self.ask_of(random, books, first.caller, now),
        };
        // Payments asked for together have keys of their own.
        let key = first.key.filter(|_| !matches!(ask, Ask::Together(_)));
        Request { caller: first.caller, key, ask }
    }

    fn fresh(&mut self, random: &mut Random, books: &Books, now: i64) -> Request {
        if let Some(ask) = beginning(random, books) {
            return Request { caller: Caller::Switch, key: None, ask };
        }
        let rates_are_old = now - books.last_published_at() > RATES_ARE_OLD_MICROS;
        let few_accounts = books.open_accounts().count() < 4;
        let caller = match random.below(100) {
            0..=29 if rates_are_old || books.merchants() < 2 => Caller::Operator,
            _ if books.merchants() == 0 => Caller::Operator,
            0..=6 => Caller::Operator,
            7..=65 if few_accounts => Caller::Wallet(small(random, u64::from(WALLETS))),
            7..=32 => Caller::Wallet(small(random, u64::from(WALLETS))),
            33 => Caller::Merchant(small(random, 4)),
            _ => Caller::Merchant(some_merchant(random, books)),
        };
        self.keys_used += 1;
        // Callers choose keys of their own, so the same text means another key to each.
        let key = Some(format!("key-{}", self.keys_used / 2));
        let key = if self.sent.iter().any(|sent| sent.caller == caller && sent.key == key) {
            Some(format!("key-{}-more", self.keys_used))
        } else {
            key
        };
        let ask = self.ask_of(random, books, caller, now);
        let key = key.filter(|_| !matches!(ask, Ask::Together(_)));
        Request { caller, key, ask }
    }

    fn ask_of(&self, random: &mut Random, books: &Books, caller: Caller, now: i64) -> Ask {
        match caller {
            Caller::Switch => Ask::Begin(Purpose::Production),
            Caller::Operator => operator::ask(random, books, now),
            Caller::Wallet(wallet) => self.wallet_ask(random, books, wallet, now),
            Caller::Merchant(merchant) => self.merchant_ask(random, books, merchant, now),
        }
    }

    fn wallet_ask(&self, random: &mut Random, books: &Books, wallet: u32, now: i64) -> Ask {
        let opened: Vec<(&str, Code)> =
            books.open_accounts().filter(|known| known.0 == wallet).map(|known| (known.1, known.2)).collect();
        let consents = if books.purpose() == Some(Purpose::Sandbox) { 12 } else { 50 };
        if !opened.is_empty() && random.below(100) < consents {
            return self.consent(random, books, wallet, &opened, now);
        }
        let unopened: Vec<_> =
            ACCOUNTS.into_iter().filter(|(name, _)| !opened.iter().any(|known| known.0 == *name)).collect();
        let (account, own) = match opened.is_empty() || random.one_in(20) {
            true => *random.pick(&ACCOUNTS),
            false => *random.pick(&opened),
        };
        let account = account.to_owned();
        let currency = if random.one_in(12) { *random.pick(&ACCOUNT_CURRENCIES) } else { own };
        let most = |random: &mut Random, most| Sum { units: amount(random, most), currency };
        if !unopened.is_empty() && random.below(12) < if opened.len() < 3 { 8 } else { 1 } {
            let (account, currency) = *random.pick(&unopened);
            return Ask::Open { account: account.to_owned(), currency };
        }
        match random.below(60) {
            0 => Ask::Open { account, currency },
            1 | 2 => Ask::Close { account },
            3 | 4 => Ask::Freeze { account },
            5..=10 => Ask::Unfreeze { account: books.frozen_account(wallet).map_or(account, str::to_owned) },
            11 => emptied(books, wallet, account).unwrap_or_else(|account| Ask::Close { account }),
            12..=17 => Ask::Withdraw { account, amount: most(random, 20_000) },
            _ => Ask::Deposit { account, amount: most(random, 900_000) },
        }
    }
}

/// A withdrawal of all there is, or the account if there is nothing.
fn emptied(books: &Books, wallet: u32, account: String) -> Result<Ask, String> {
    match books.available(wallet, &account) {
        Some(amount) => Ok(Ask::Withdraw { account, amount }),
        None => Err(account),
    }
}

/// What the daemon does at the start of a new ledger; now and then, what it should not do.
fn beginning(random: &mut Random, books: &Books) -> Option<Ask> {
    let purpose = if random.one_in(3) { Purpose::Production } else { Purpose::Sandbox };
    let policy = |random: &mut Random| Ask::InstallPolicy(Box::new(operator::rules(random)));
    if books.rules().is_some() && random.one_in(40) {
        // Long records, so that a short story enters several segments.
        return Some(Ask::InstallPolicy(Box::new(operator::long_rules(random))));
    }
    if random.one_in(90) {
        return Some(match random.below(3) {
            0 => Ask::Begin(purpose),
            1 => policy(random),
            _ => Ask::RegisterWallet { name: wallet_name(0) },
        });
    }
    if random.one_in(8) {
        return None;
    }
    if books.purpose().is_none() {
        return Some(Ask::Begin(purpose));
    }
    if books.rules().is_none() {
        return Some(policy(random));
    }
    let wallets = books.wallets();
    (wallets < WALLETS).then(|| Ask::RegisterWallet { name: wallet_name(wallets) })
}

fn some_merchant(random: &mut Random, books: &Books) -> u32 {
    small(random, u64::try_from(books.merchants()).map_or(1, |known| known.max(1)))
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

fn any_id(random: &mut Random) -> Id {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&random.number().to_be_bytes());
    id[8..].copy_from_slice(&random.number().to_be_bytes());
    id
}
