//! Rows as commands, with the evidence that stages would attach, unless the row says to attach something else.

use domain::{
    AccountId, ApiKeyHash, AuthorizePayment, CloseAccount, Command, Converted, CurrencyPair, Digest, DigestKey,
    Evidence, FIELDS_MAX, Fingerprint, IdempotencyKey, InitializeSwitch, InstallPolicy, Label, Lsn, MerchantId, Method,
    Mode, MoveFunds, Name, OpenAccount, PaymentId, Policy, PublishRates, Quote, QuotedAmounts, RateTick,
    RegisterMerchant, RegisterWallet, Submission, TenantId, Timestamp, Unavailable, WalletId,
};
use money::{AMOUNT_MINOR_UNITS_MAX, Conversion, Currency, Money, Rate, Ratio};

use crate::{
    desk::{Desk, micros},
    table::Row,
};

const UNKNOWN: u32 = 999;

impl Desk {
    /// `pay` has its key first; other rows may have one as `key=`.
    pub(crate) fn key_text<'a>(&self, row: &'a Row) -> Option<&'a str> {
        match row.verb() {
            "pay" => row.arguments().first().copied().filter(|key| *key != "-"),
            _ => row.option("key"),
        }
    }

    pub(crate) fn submission(&mut self, row: &Row) -> Submission {
        let words = row.arguments();
        match (row.verb(), &words[..]) {
            ("initialize", [mode]) => unkeyed(initialize(mode)),
            ("policy", []) => unkeyed(Command::InstallPolicy(InstallPolicy { policy: policy(row) })),
            ("wallet", [name]) => unkeyed(Command::RegisterWallet(RegisterWallet { name: self::name(name) })),
            ("merchant", [name, currency, discount]) => {
                let api_key = row.option("api_key").unwrap_or(name);
                let command = RegisterMerchant {
                    name: self::name(name),
                    settlement_currency: self::currency(currency),
                    discount: ratio(discount),
                    api_key_hash: ApiKeyHash(*blake3::hash(api_key.as_bytes()).as_bytes()),
                };
                let asked = [*name, *currency, *discount, api_key];
                let key = self.key(row, TenantId::Operator, Method::RegisterMerchant, &asked);
                Submission { key, command: Command::RegisterMerchant(command) }
            }
            ("rate", rates) => {
                let ticks = rates.chunks(4).map(|words| self.tick(row, words)).collect();
                let key = self.key(row, TenantId::Operator, Method::PublishRates, &[&rates.join(" ")]);
                Submission { key, command: Command::PublishRates(PublishRates { ticks }) }
            }
            ("open", [account, currency]) => {
                let (wallet, name) = self.wallet_and_name(account);
                let key = self.key(row, TenantId::Wallet(wallet), Method::OpenAccount, &[account, currency]);
                let currency = self::currency(currency);
                Submission { key, command: Command::OpenAccount(OpenAccount { wallet, name, currency }) }
            }
            ("close", [account]) => {
                let wallet = self.wallet_and_name(account).0;
                let key = self.key(row, TenantId::Wallet(wallet), Method::CloseAccount, &[account]);
                Submission { key, command: Command::CloseAccount(CloseAccount { account: self.account(row, account) }) }
            }
            ("deposit", [account, currency, units]) => {
                self.move_funds(row, Command::Deposit, Method::Deposit, [account, currency, units])
            }
            ("withdraw", [account, currency, units]) => {
                self.move_funds(row, Command::Withdraw, Method::Withdraw, [account, currency, units])
            }
            ("pay", [_key, order, payer, merchant, currency, units]) => {
                self.pay(row, order, payer, merchant, money(currency, units))
            }
            _ => panic!("no such row: {row}"),
        }
    }

    fn move_funds(&self, row: &Row, command: fn(MoveFunds) -> Command, method: Method, words: [&str; 3]) -> Submission {
        let [account, currency, units] = words;
        let wallet = self.wallet_and_name(account).0;
        let key = self.key(row, TenantId::Wallet(wallet), method, &words);
        let funds = MoveFunds { account: self.account(row, account), amount: money(currency, units) };
        Submission { key, command: command(funds) }
    }

    /// Every request has a payment id of its own, also a repeat.
    fn pay(&mut self, row: &Row, order: &str, payer: &str, merchant: &str, presentment: Money) -> Submission {
        self.payments += 1;
        let mut id = [0; 16];
        id[12..].copy_from_slice(&self.payments.to_be_bytes());
        let merchant = self.merchants.get(merchant).copied().unwrap_or(MerchantId(UNKNOWN));
        let amount = presentment.to_string();
        let (currency, units) = amount.split_once(' ').expect("money is a currency and a number");
        let key = self.key(row, TenantId::Merchant(merchant), Method::Authorize, &[order, payer, currency, units]);
        let payer = self.account(row, payer);
        let command = AuthorizePayment {
            payment_id: PaymentId::from_bytes(id),
            merchant,
            merchant_order_id: Label::new(order).expect("an order id is a label"),
            merchant_order_digest: digest(order),
            presentment_amount: presentment,
            converted: self.converted(row, &payer, presentment),
            payer,
        };
        Submission { key, command: Command::AuthorizePayment(command) }
    }

    fn account(&self, row: &Row, account: &str) -> Evidence<AccountId> {
        if let Some(index) = row.option("account_index") {
            let index = index.parse().expect("an index is a number");
            return Evidence::Present(AccountId { index, ..self.accounts[account] });
        }
        match self.accounts.get(account) {
            Some(account) => Evidence::Present(*account),
            None => Evidence::Unavailable(Unavailable::AccountNotFound),
        }
    }

    fn wallet_and_name(&self, account: &str) -> (WalletId, Name) {
        let (wallet, account) = account.split_once('/').expect("an account is written wallet/account");
        (self.wallets.get(wallet).copied().unwrap_or(WalletId(UNKNOWN)), name(account))
    }

    fn tick(&self, row: &Row, words: &[&str]) -> RateTick {
        let [debit, "per", presentment, rate] = words else { panic!("no such row: {row}") };
        RateTick {
            pair: CurrencyPair { presentment: currency(presentment), debit: currency(debit) },
            mid_rate: self::rate(rate),
            source: label("ECB"),
            as_of: Timestamp::from_micros(self.now.micros() + row.option("as_of").map_or(0, micros)),
        }
    }

    fn converted(&self, row: &Row, payer: &Evidence<AccountId>, presentment: Money) -> Evidence<Converted> {
        let Evidence::Present(payer) = payer else { return Evidence::Unavailable(Unavailable::AccountNotFound) };
        let pair = CurrencyPair { presentment: presentment.currency(), debit: payer.currency };
        match (row.option("converted"), pair.presentment == pair.debit) {
            (Some("same"), _) | (None, true) => return Evidence::Present(Converted::SameCurrency),
            (Some("missing"), _) => return Evidence::Unavailable(Unavailable::RateMissing(pair)),
            (Some("quoted" | "early"), _) | (None, false) => {}
            (Some(other), _) => panic!("no such evidence: {other}"),
        }
        let (Some(policy), Some((lsn, tick))) = (self.policy, self.quoted_tick(row, pair)) else {
            return Evidence::Unavailable(Unavailable::RateMissing(pair));
        };
        if row.option("converted") != Some("early") && policy.rate_is_stale(tick.as_of, self.now) {
            return Evidence::Unavailable(Unavailable::RateStale(pair));
        }
        let markup = row.option("markup").map_or(policy.fx_markup, ratio);
        let quote = Quote {
            mid_rate: tick.mid_rate,
            markup,
            rate_lsn: lsn,
            as_of: tick.as_of,
            source: tick.source,
            amounts: quoted_amounts(row, pair, tick.mid_rate, markup, presentment),
        };
        Evidence::Present(Converted::Quoted(quote))
    }

    /// The last rate of the pair, or that of record `rate_lsn=`; what the row says otherwise replaces what was found.
    fn quoted_tick(&self, row: &Row, pair: CurrencyPair) -> Option<(Lsn, RateTick)> {
        let named = row.option("rate_lsn").map(|lsn| Lsn::new(lsn.parse().expect("an lsn is a number")));
        let published = self.ticks.iter().find(|(lsn, tick)| Some(*lsn) == named && tick.pair == pair);
        let made_up = || {
            let mid_rate = rate(row.option("mid_rate")?);
            Some((Lsn::ZERO, RateTick { pair, mid_rate, source: label("nobody"), as_of: self.now }))
        };
        let found = published.or_else(|| self.last_tick(pair)).cloned();
        let (lsn, mut tick) = found.or_else(made_up)?;
        if let Some(mid_rate) = row.option("mid_rate") {
            tick.mid_rate = rate(mid_rate);
        }
        if let Some(offset) = row.option("as_of") {
            tick.as_of = Timestamp::from_micros(tick.as_of.micros() + micros(offset));
        }
        Some((named.unwrap_or(lsn), tick))
    }

    fn key(&self, row: &Row, tenant: TenantId, method: Method, asked: &[&str]) -> Option<IdempotencyKey> {
        let key = self.key_text(row)?;
        let mut fields = [0; FIELDS_MAX];
        for (field, text) in fields.iter_mut().zip(asked) {
            let bytes = digest(text).0;
            *field = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        let request = digest(&format!("{method:?} {asked:?}"));
        Some(IdempotencyKey { tenant, digest: digest(key), fingerprint: Fingerprint { method, request, fields } })
    }
}

fn quoted_amounts(
    row: &Row,
    pair: CurrencyPair,
    mid_rate: Rate,
    markup: Ratio,
    presentment: Money,
) -> Option<QuotedAmounts> {
    let code = pair.debit.code();
    let said = |option: &str| row.option(option).map(|units| money(code, units));
    if let (Some(debit), Some(mid)) = (said("debit"), said("mid")) {
        return Some(QuotedAmounts { debit, mid });
    }
    if row.option("amounts") == Some("none") {
        return None;
    }
    let conversion = Conversion::new(pair.presentment, pair.debit, mid_rate, markup).expect("two currencies");
    let debit = conversion.debit(presentment).expect("an amount converts");
    let mid = conversion.mid(presentment).expect("an amount converts");
    if debit.minor_units() > i128::from(AMOUNT_MINOR_UNITS_MAX) {
        return None;
    }
    Some(QuotedAmounts { debit: said("debit").unwrap_or(debit), mid: said("mid").unwrap_or(mid) })
}

fn unkeyed(command: Command) -> Submission {
    Submission { key: None, command }
}

fn initialize(mode: &str) -> Command {
    let mode = match mode {
        "sandbox" => Mode::Sandbox,
        "production" => Mode::Production,
        _ => panic!("no such mode: {mode}"),
    };
    Command::InitializeSwitch(InitializeSwitch { mode, digest_key: DigestKey { id: 1, check: digest("secret") } })
}

fn policy(row: &Row) -> Policy {
    let option = |name| row.option(name).unwrap_or_else(|| panic!("a policy has {name}="));
    Policy {
        fx_markup: ratio(option("markup")),
        rate_age_ms_max: micros(option("age")) / 1_000,
        rate_move_max: ratio(option("band")),
    }
}

fn digest(text: &str) -> Digest {
    let mut digest = Digest([0; 16]);
    digest.0.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    digest
}

fn money(currency: &str, units: &str) -> Money {
    Money::parse(&format!("{currency} {units}")).unwrap_or_else(|error| panic!("{currency} {units}: {error}"))
}

fn currency(code: &str) -> Currency {
    Currency::from_code(code).unwrap_or_else(|error| panic!("{code}: {error}"))
}

fn rate(text: &str) -> Rate {
    Rate::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn ratio(text: &str) -> Ratio {
    Ratio::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn label(text: &str) -> Label {
    Label::new(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}
