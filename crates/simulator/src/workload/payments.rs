//! What merchants ask for.

use super::{ACCOUNT_CURRENCIES, ACCOUNTS, AMOUNT_MAX, WALLETS, Workload, amount, any_id, small};
use crate::{
    auditor::{Books, Payment},
    random::Random,
    request::{Agreed, Ask, Caller, Code, Id, Mode, Pay, Purpose, QuoteAsk, Rest, Sum},
};

/// Merchants go on with what they began lately, mostly.
const LATEST: usize = 14;

impl Workload {
    pub(super) fn merchant_ask(&self, random: &mut Random, books: &Books, merchant: u32, now: i64) -> Ask {
        let own: Vec<(Id, &Payment)> =
            books.approved().rev().filter(|(_, payment)| payment.merchant() == merchant).take(LATEST).collect();
        let open: Vec<_> = own.iter().filter(|(_, payment)| payment.is_open()).copied().collect();
        let captured: Vec<_> = own.iter().filter(|(_, payment)| payment.left().1 > 0).copied().collect();
        // Without anything to go on with, a merchant begins, mostly.
        let goes_on = |random: &mut Random, with: &[(Id, &Payment)]| !with.is_empty() || random.one_in(10);
        match random.below(100) {
            0..=17 if goes_on(random, &open) => self.capture(random, books, &open),
            18..=22 if goes_on(random, &open) => Ask::Void { payment: some_payment(random, books, &open).0 },
            23..=42 if goes_on(random, &captured) => {
                let (payment, of) = some_payment(random, books, &captured);
                let left = of.map_or(100, |of| of.left().1);
                Ask::Refund { payment, amount: part(random, of, left) }
            }
            43..=54 if goes_on(random, &open) => {
                // Some payments grow again and again.
                let grown = open.iter().max_by_key(|(_, payment)| payment.tranches()).copied();
                let grown: Vec<_> = grown.into_iter().collect();
                let choices = if random.one_in(3) { &open } else { &grown };
                let (payment, of) = some_payment(random, books, choices);
                let currency = wanted_currency(random, of);
                let code = random.one_in(4).then(|| self.further_code(random, books, merchant));
                Ask::Increase { payment, amount: Sum { units: amount(random, 4_000), currency }, code }
            }
            _ if random.one_in(10) => self.together(random, books, merchant, now),
            _ => self.payment(random, books, merchant, now),
        }
    }

    fn capture(&self, random: &mut Random, books: &Books, open: &[(Id, &Payment)]) -> Ask {
        let (payment, of) = some_payment(random, books, open);
        let left = of.map_or(100, |of| of.left().0);
        let rest = if random.one_in(5) { Rest::Released } else { Rest::Kept };
        Ask::Capture { payment, amount: part(random, of, left), rest }
    }

    fn further_code(&self, random: &mut Random, books: &Books, merchant: u32) -> crate::request::PayerCode {
        let fresh = books.codes().filter(|(_, issued)| issued.merchant == merchant && !issued.used);
        let fresh: Vec<_> = fresh.map(|(code, _)| code.clone()).collect();
        if fresh.is_empty() || random.one_in(6) { self.stale_code(random) } else { random.pick(&fresh).clone() }
    }

    pub(super) fn payment(&self, random: &mut Random, books: &Books, merchant: u32, now: i64) -> Ask {
        if !self.quotes.is_empty() && random.one_in(4) {
            return self.quoted_payment(random, books, merchant, now);
        }
        let accounts: Vec<(u32, &str, Code)> = books.open_accounts().collect();
        let (wallet, payer, own) = match accounts.is_empty() || random.one_in(25) {
            true => (small(random, u64::from(WALLETS)), random.pick(&ACCOUNTS).0, "HKD"),
            false => *random.pick(&accounts),
        };
        let (agreed, order) = self.agreed(random, books, merchant, (wallet, payer.to_owned()), now);
        let most = random
            .one_in(10)
            .then(|| Sum { units: amount(random, 40_000), currency: if random.one_in(8) { "USD" } else { own } });
        Ask::Pay(Box::new(Pay {
            order: order.unwrap_or_else(|| self.order(random, merchant)),
            agreed,
            amount: Sum { units: amount(random, 20_000), currency: presentment(random, books, merchant) },
            mode: mode(random),
            quote: None,
            most,
        }))
    }

    /// By a quote that somebody has; now and then with something else than was quoted.
    fn quoted_payment(&self, random: &mut Random, books: &Books, merchant: u32, now: i64) -> Ask {
        let own: Vec<_> = self.quotes.iter().filter(|(ask, _)| ask.merchant == merchant).collect();
        let (QuoteAsk { wallet, account, amount, .. }, id) = match own.is_empty() || random.one_in(12) {
            true => random.pick(&self.quotes).clone(),
            false => (*random.pick(&own)).clone(),
        };
        let sandbox = books.purpose() == Some(Purpose::Sandbox);
        let named = (wallet, account);
        let (agreed, order) = match sandbox && !random.one_in(6) {
            true => (Agreed::Named { wallet: named.0, account: named.1 }, None),
            false => self.agreed(random, books, merchant, named, now),
        };
        let amount = match random.one_in(12) {
            true => Sum { units: amount.units.max(2) - 1, ..amount },
            false => amount,
        };
        let quote = Some(if random.one_in(25) { any_id(random) } else { id });
        let order = order.unwrap_or_else(|| self.order(random, merchant));
        Ask::Pay(Box::new(Pay { order, agreed, amount, mode: mode(random), quote, most: None }))
    }

    fn order(&self, random: &mut Random, merchant: u32) -> String {
        let caller = Caller::Merchant(merchant);
        let of_this_merchant = |sent: &crate::request::Request| match &sent.ask {
            Ask::Pay(pay) if sent.caller == caller => Some(pay.order.clone()),
            _ => None,
        };
        let orders: Vec<String> = self.sent.iter().filter_map(of_this_merchant).collect();
        match orders.is_empty() || !random.one_in(8) {
            true => format!("order-{}", self.keys_used),
            false => random.pick(&orders).clone(),
        }
    }
}

/// What a merchant asks in: mostly what it is paid in.
pub(super) fn presentment(random: &mut Random, books: &Books, merchant: u32) -> Code {
    match books.merchant_currency(merchant) {
        Some(currency) if !random.one_in(4) => currency,
        _ => random.pick::<Code>(&["CNY", "HKD", "JPY", "USD", "EUR"]),
    }
}

fn mode(random: &mut Random) -> Mode {
    if random.one_in(3) { Mode::Automatic } else { Mode::Manual }
}

/// One of these, or one of another merchant, or one that never was.
fn some_payment<'a>(random: &mut Random, books: &'a Books, choices: &[(Id, &'a Payment)]) -> (Id, Option<&'a Payment>) {
    if !choices.is_empty() && !random.one_in(15) {
        let (id, payment) = *random.pick(choices);
        return (id, Some(payment));
    }
    let all: Vec<_> = books.approved().rev().take(2 * LATEST).collect();
    if all.is_empty() || random.one_in(6) {
        return (any_id(random), None);
    }
    let (id, payment) = *random.pick(&all);
    (id, Some(payment))
}

fn wanted_currency(random: &mut Random, payment: Option<&Payment>) -> Code {
    match payment {
        Some(payment) if !random.one_in(25) => payment.presentment(),
        _ => random.pick::<Code>(&ACCOUNT_CURRENCIES),
    }
}

/// A part of what is left, all of it, or a little more.
fn part(random: &mut Random, payment: Option<&Payment>, left: i64) -> Sum {
    let units = match random.below(12) {
        0 => left + 1,
        1..=5 => left.max(1),
        6 => 1,
        _ => random.between(1, left.max(1)),
    };
    Sum { units: units.min(AMOUNT_MAX), currency: wanted_currency(random, payment) }
}
