//! What the stages must attach to a request, when these books are all that is durable.

use super::{Books, Payment, accounts::Account, consents::IssuedCode, quoting::Subject};
use crate::{
    auditor::plain::{Found, Offered, Place, Quotes, Sought},
    request::{Agreed, Ask, Caller, Id, Pay, PayerCode, QuoteAsk, Request},
};

/// A quote somebody was given, by its id.
pub(crate) type Quoted = (Offered, Quotes);

impl Books {
    /// Compares what the stages attached at `now` with what these books say. `quoted` is the quote that the request
    /// brings along, as it was given out.
    pub(in crate::auditor) fn check_found(
        &self,
        request: &Request,
        found: &Found,
        quoted: Option<&Quoted>,
        now: i64,
    ) -> Result<(), String> {
        let expected = self.expected_account(request, now);
        if !expected.contains(&found.account) {
            return Err(format!("the stages found {:?}, the books have {expected:?}", found.account));
        }
        let merchant = self.expected_merchant(&request.ask);
        if found.merchant != merchant {
            return Err(format!("the stages found merchant {:?}, the books have {merchant:?}", found.merchant));
        }
        match (request.caller, &request.ask) {
            (Caller::Merchant(merchant), Ask::Pay(pay)) => self.check_quoted(merchant, pay, found, quoted, now),
            (Caller::Merchant(merchant), Ask::Increase { payment, amount, .. }) => {
                let of = self.payment(*payment).filter(|payment| payment.merchant == merchant);
                let Some(of) = of else {
                    return agree(&found.quotes, &Sought::Missing("payment not found".to_owned()));
                };
                let currencies = of.currencies_of(amount.currency);
                self.check_quotes_in_force(merchant, currencies, i128::from(amount.units), found, now)
            }
            _ => agree(&found.quotes, &Sought::NotAsked),
        }
    }

    /// Whether a quote that was given out at `now` is what these books say. Returns its expiry.
    pub(in crate::auditor) fn check_offer_made(
        &self,
        ask: &QuoteAsk,
        made: &Result<Quoted, String>,
        id: Id,
        now: i64,
    ) -> Result<(), String> {
        let Some(rules) = &self.rules else { return Ok(()) };
        let (merchant, account) = (self.merchant(ask.merchant), self.account(ask.wallet, &ask.account));
        let (Some(merchant), Some(account)) = (merchant, account) else { return Ok(()) };
        let currencies = [ask.amount.currency, account.place.1, merchant.currency];
        let amount = i128::from(ask.amount.units);
        let subject = Subject { merchant, currencies, amount, promised: false };
        let expected = self.quotes(rules, &subject, now).map(|(quotes, stale_from)| {
            let expires_at = (now + rules.quote_ms * 1_000).min(stale_from);
            let offered = Offered {
                id,
                expires_at,
                merchant: ask.merchant,
                payer: account.place,
                amount: (amount, ask.amount.currency),
            };
            (offered, quotes)
        });
        if *made == expected { Ok(()) } else { Err(format!("offered {made:?}, the books say {expected:?}")) }
    }

    fn check_quoted(
        &self,
        merchant: u32,
        pay: &Pay,
        found: &Found,
        quoted: Option<&Quoted>,
        now: i64,
    ) -> Result<(), String> {
        let payer = match &found.account {
            Sought::Found(payer) => *payer,
            Sought::Missing(why) => return agree(&found.quotes, &Sought::Missing(why.clone())),
            Sought::NotAsked => return Err("no payer was looked for".to_owned()),
        };
        if let Some((offer, quotes)) = quoted {
            agree(&found.offer.as_ref(), &Some(offer))?;
            return agree(&found.quotes, &Sought::Found(quotes.clone()));
        }
        agree(&found.offer, &None)?;
        if pay.quote.is_some() {
            return agree(&found.quotes, &Sought::Missing("quote token invalid".to_owned()));
        }
        let settlement = self.merchant_currency(merchant).unwrap_or(pay.amount.currency);
        let currencies = [pay.amount.currency, payer.1, settlement];
        self.check_quotes_in_force(merchant, currencies, i128::from(pay.amount.units), found, now)
    }

    fn check_quotes_in_force(
        &self,
        merchant: u32,
        currencies: [crate::request::Code; 3],
        amount: i128,
        found: &Found,
        now: i64,
    ) -> Result<(), String> {
        let (Some(rules), Some(merchant)) = (&self.rules, self.merchant(merchant)) else {
            return match &found.quotes {
                // Nobody is quoted before there are rules, nor of a merchant that is not known.
                Sought::Missing(_) => Ok(()),
                other => Err(format!("quoted {other:?}")),
            };
        };
        let subject = Subject { merchant, currencies, amount, promised: false };
        let expected = match self.quotes(rules, &subject, now) {
            Ok((quotes, _)) => Sought::Found(quotes),
            Err(why) => Sought::Missing(why),
        };
        agree(&found.quotes, &expected)
    }

    /// What the stages may say of the account; of a code that has ended they may know it or not.
    fn expected_account(&self, request: &Request, now: i64) -> Vec<Sought<Place>> {
        let named = |wallet: u32, name: &str| vec![sought(self.account(wallet, name).map(Account::place))];
        match (request.caller, &request.ask) {
            (
                Caller::Wallet(wallet),
                Ask::Close { account }
                | Ask::Freeze { account }
                | Ask::Unfreeze { account }
                | Ask::Deposit { account, .. }
                | Ask::Withdraw { account, .. }
                | Ask::IssueCode { account, .. }
                | Ask::ApproveOrder { account, .. }
                | Ask::GrantMandate { account, .. },
            ) => named(wallet, account),
            (Caller::Merchant(_), Ask::Pay(pay)) => match &pay.agreed {
                Agreed::Named { wallet, account } | Agreed::Order { wallet, account } => named(*wallet, account),
                Agreed::Code(code) => self.account_of_code(code, now),
                Agreed::Mandate(id) => {
                    let mandate = self.mandates.get(id);
                    vec![mandate.map_or_else(no_consent, |mandate| Sought::Found(mandate.account))]
                }
            },
            _ => vec![Sought::NotAsked],
        }
    }

    fn account_of_code(&self, code: &PayerCode, now: i64) -> Vec<Sought<Place>> {
        match self.codes.get(code) {
            None | Some(IssuedCode { used: true, .. }) => vec![no_consent()],
            // The last record may stand later than the clock, if that was set back while the switch was down.
            Some(issued) if now.max(self.at) >= issued.expires_at => vec![no_consent(), Sought::Found(issued.account)],
            Some(issued) => vec![Sought::Found(issued.account)],
        }
    }

    fn expected_merchant(&self, ask: &Ask) -> Sought<u32> {
        match ask {
            Ask::IssueCode { merchant, .. }
            | Ask::ApproveOrder { merchant, .. }
            | Ask::GrantMandate { merchant, .. }
            | Ask::FundReserve { merchant, .. }
            | Ask::PayOut { merchant, .. } => {
                let place = self.merchants.iter().position(|known| known.name == *merchant);
                match place.and_then(|place| u32::try_from(place).ok()) {
                    Some(merchant) => Sought::Found(merchant),
                    None => Sought::Missing("merchant not found".to_owned()),
                }
            }
            _ => Sought::NotAsked,
        }
    }
}

impl Account {
    const fn place(&self) -> Place {
        self.place
    }
}

impl Payment {
    /// Its currencies, were the amount asked for its own.
    const fn currencies_of(&self, presentment: crate::request::Code) -> [crate::request::Code; 3] {
        [presentment, self.currencies[1], self.currencies[2]]
    }
}

fn sought(account: Option<Place>) -> Sought<Place> {
    account.map_or_else(|| Sought::Missing("account not found".to_owned()), Sought::Found)
}

fn no_consent() -> Sought<Place> {
    Sought::Missing("consent not found".to_owned())
}

fn agree<T: PartialEq + std::fmt::Debug>(found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("the stages attached {found:?}, the books say {expected:?}")) }
}
