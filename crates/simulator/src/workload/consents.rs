//! What wallet operators note down for their payers.

use super::{Workload, amount, any_id};
use crate::{
    auditor::Books,
    random::Random,
    request::{Agreed, Ask, Caller, Code, PayerCode, Purpose, Sum},
};

const MERCHANT_NAMES: [&str; 4] = ["cafe", "books", "sushi", "tailor"];
const DAY_MICROS: i64 = 86_400_000_000;

impl Workload {
    pub(super) fn consent(
        &self,
        random: &mut Random,
        books: &Books,
        wallet: u32,
        opened: &[(&str, Code)],
        now: i64,
    ) -> Ask {
        let (account, currency) = *random.pick(opened);
        let account = account.to_owned();
        let known = u32::try_from(books.merchants()).unwrap_or(0).max(1);
        let merchant = match random.one_in(15) {
            true => (*random.pick(&MERCHANT_NAMES)).to_owned(),
            false => books.merchant_name(super::small(random, u64::from(known))).unwrap_or("nobody").to_owned(),
        };
        let currency = if random.one_in(25) { "USD" } else { currency };
        let sum = |random: &mut Random, most| Sum { units: amount(random, most), currency };
        match random.below(20) {
            0..=8 => Ask::IssueCode { account, merchant, most: sum(random, 60_000) },
            9..=13 => Ask::ApproveOrder {
                account,
                merchant,
                order: format!("order-{}", self.keys_used + u64::from(super::small(random, 6))),
                most: sum(random, 60_000),
                expires_at: expiry(random, now),
            },
            14..=17 => Ask::GrantMandate {
                account,
                merchant,
                payment_most: sum(random, 60_000),
                period_most: sum(random, 120_000),
                period_days: *random.pick(&[1, 1, 7, 366]),
                expires_at: now + random.between(1, 40) * DAY_MICROS / 10,
            },
            _ => {
                let own: Vec<_> = books.mandates().filter(|(_, mandate)| mandate.wallet == wallet).collect();
                let mandate = match own.is_empty() || random.one_in(6) {
                    true => any_id(random),
                    false => random.pick(&own).0,
                };
                Ask::RevokeMandate { mandate }
            }
        }
    }

    /// How the payer of some payment agrees, and what order is paid: mostly something that is there.
    pub(super) fn agreed(
        &self,
        random: &mut Random,
        books: &Books,
        merchant: u32,
        named: (u32, String),
        now: i64,
    ) -> (Agreed, Option<String>) {
        if self.guesser == Some(merchant) && random.one_in(2) {
            return (Agreed::Code(PayerCode::Guessed(super::small(random, 1_000))), None);
        }
        let (wallet, account) = named;
        let sandbox = books.purpose() == Some(Purpose::Sandbox);
        let by_name = Agreed::Named { wallet, account: account.clone() };
        if sandbox && random.below(100) < 65 {
            return (by_name, None);
        }
        match random.below(24) {
            0 => return (by_name, None),
            1 => return (Agreed::Order { wallet, account }, None),
            2 => return (Agreed::Code(self.stale_code(random)), None),
            3 => return (Agreed::Mandate(any_id(random)), None),
            _ => {}
        }
        let given = given(random, books, merchant, now);
        let kinds: Vec<&Vec<Given>> = given.iter().filter(|kind| !kind.is_empty()).collect();
        if kinds.is_empty() {
            return if sandbox { (by_name, None) } else { (Agreed::Order { wallet, account }, None) };
        }
        let kind = *random.pick(&kinds);
        random.pick(kind).clone()
    }

    /// A code of an earlier request, whatever became of it, or one that never was.
    pub(super) fn stale_code(&self, random: &mut Random) -> PayerCode {
        let given = self.sent.iter().filter_map(|sent| match (sent.caller, &sent.ask, &sent.key) {
            (Caller::Wallet(wallet), Ask::IssueCode { .. }, Some(key)) => {
                Some(PayerCode::Issued { wallet, key: key.clone() })
            }
            _ => None,
        });
        let given: Vec<PayerCode> = given.collect();
        some(random, &given).cloned().unwrap_or(PayerCode::Guessed(7))
    }
}

/// A consent, and the order it is for if it is for one.
type Given = (Agreed, Option<String>);

/// What payers agreed to with this merchant: codes, orders, mandates. Some try what was given to another, or is no more.
fn given(random: &mut Random, books: &Books, merchant: u32, now: i64) -> [Vec<Given>; 3] {
    let mut fits = |of: u32, holds: bool| {
        let (other, ended) = (random.one_in(30), random.one_in(40));
        (of == merchant || other) && (holds || ended)
    };
    let codes = books.codes().filter(|(_, issued)| fits(issued.merchant, !issued.used && now < issued.expires_at));
    let codes = codes.map(|(code, _)| (Agreed::Code(code.clone()), None)).collect();
    let approvals = books
        .approvals()
        .filter(|((of, _, _), approval)| fits(*of, !approval.used && now < approval.expires_at))
        .filter_map(|((_, order, place), _)| {
            let (wallet, account) = books.account_of(*place)?;
            Some((Agreed::Order { wallet, account: account.to_owned() }, Some(order.clone())))
        })
        .collect();
    let mandates =
        books.mandates().filter(|(_, mandate)| fits(mandate.merchant, !mandate.revoked && now < mandate.expires_at));
    let mandates = mandates.map(|(id, _)| (Agreed::Mandate(id), None)).collect();
    [codes, approvals, mandates]
}

fn some<'a, T>(random: &mut Random, choices: &'a [T]) -> Option<&'a T> {
    (!choices.is_empty()).then(|| random.pick(choices))
}

fn expiry(random: &mut Random, now: i64) -> i64 {
    match random.below(12) {
        0 => now - 1,
        1 => now + 2 * DAY_MICROS,
        2 => now + random.between(1_000, 200_000),
        _ => now + random.between(1_000_000, DAY_MICROS),
    }
}
