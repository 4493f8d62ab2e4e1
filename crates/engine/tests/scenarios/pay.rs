//! Rows about payments and consents as commands.

use domain::{
    AccountId, ApproveCardOrder, ApproveOrder, AuthorizePayment, CaptureMode, CapturePayment, CaptureRest, CardToken,
    Command, Consent, Conversions, Converted, CurrencyPair, DeclineReason, Evidence, FundReserve, GrantMandate,
    IncreaseAuthorization, IssueCode, Lsn, MandateId, MerchantId, Method, Offer, OfferedQuote, PayOut, PaymentId,
    Policy, PriceInForce, Quote, QuoteId, QuotedAmounts, RefundId, RefundPayment, RevokeMandate, SettlementQuote,
    SquarePosition, Submission, TenantId, Timestamp, Unavailable, VoidPayment,
};
use money::{Currency, Money, Ratio};

use crate::{
    ask::{UNKNOWN, currency, digest, label, money, rate, ratio, unkeyed},
    cards::token_of,
    desk::{Desk, micros},
    table::Row,
};

/// Who is paid by whom.
struct Parties<'a> {
    merchant_name: &'a str,
    payer: AccountId,
    presentment: Money,
}

impl Desk {
    pub(crate) fn payment_submission(&mut self, row: &Row, words: &[&str]) -> Submission {
        match (row.verb(), words) {
            ("pay", [_key, order, payer, merchant, currency, units]) => {
                self.authorize(row, order, payer, merchant, money(currency, units), CaptureMode::Automatic)
            }
            ("authorize", [_key, order, payer, merchant, currency, units]) => {
                self.authorize(row, order, payer, merchant, money(currency, units), CaptureMode::Manual)
            }
            ("capture", [_key, order, currency, units]) => {
                let (payment_id, merchant) = self.payment(row, order);
                let rest = if row.option("final").is_some() { CaptureRest::Released } else { CaptureRest::Kept };
                let command = CapturePayment { merchant, payment_id, amount: money(currency, units), rest };
                self.of_merchant(row, merchant, Method::Capture, words, Command::CapturePayment(command))
            }
            ("void", [_key, order]) => {
                let (payment_id, merchant) = self.payment(row, order);
                let command = Command::VoidPayment(VoidPayment { merchant, payment_id });
                self.of_merchant(row, merchant, Method::Void, words, command)
            }
            ("refund", [_key, order, currency, units]) => {
                let (payment_id, merchant) = self.payment(row, order);
                let refund_id = RefundId::from_bytes(self.next_id());
                let command = RefundPayment { merchant, payment_id, refund_id, amount: money(currency, units) };
                self.of_merchant(row, merchant, Method::Refund, words, Command::RefundPayment(command))
            }
            ("increase", [_key, order, currency, units]) => self.increase(row, words, order, money(currency, units)),
            _ => self.consent_submission(row, words),
        }
    }

    fn consent_submission(&mut self, row: &Row, words: &[&str]) -> Submission {
        match (row.verb(), words) {
            ("code", [code, account, merchant, currency, units]) => {
                if let Some(account) = self.accounts.get(*account) {
                    self.codes.insert((*code).to_owned(), *account);
                }
                unkeyed(Command::IssueCode(IssueCode {
                    account: self.account(row, account),
                    merchant: self.merchant(merchant),
                    debit_amount_max: money(currency, units),
                    code: digest(code),
                }))
            }
            ("approve", [order, payer, merchant, currency, units]) if payer.starts_with("card:") => {
                unkeyed(Command::ApproveCardOrder(ApproveCardOrder {
                    wallet: self.wallets[row.option("as").unwrap_or("hk")],
                    token: token_of(payer.trim_start_matches("card:")),
                    merchant: self.merchant(merchant),
                    merchant_order_digest: digest(order),
                    debit_amount_max: money(currency, units),
                    expires_at: self.after(row.option("for").unwrap_or("1h")),
                }))
            }
            ("approve", [order, account, merchant, currency, units]) => unkeyed(Command::ApproveOrder(ApproveOrder {
                account: self.account(row, account),
                merchant: self.merchant(merchant),
                merchant_order_digest: digest(order),
                debit_amount_max: money(currency, units),
                expires_at: self.after(row.option("for").unwrap_or("1h")),
            })),
            ("mandate", [mandate, account, merchant, currency, payment, period]) => {
                let mandate_id = MandateId::from_bytes(digest(mandate).0);
                if let Some(account) = self.accounts.get(*account) {
                    self.mandates.insert((*mandate).to_owned(), (mandate_id, *account));
                }
                unkeyed(Command::GrantMandate(GrantMandate {
                    mandate_id,
                    account: self.account(row, account),
                    merchant: self.merchant(merchant),
                    payment_debit_max: money(currency, payment),
                    period_debit_max: money(currency, period),
                    period_ms: micros(row.option("period").unwrap_or("24h")) / 1_000,
                    expires_at: self.after(row.option("for").unwrap_or("30d")),
                }))
            }
            ("revoke", [wallet, mandate]) => unkeyed(Command::RevokeMandate(RevokeMandate {
                wallet: self.wallets[*wallet],
                mandate_id: MandateId::from_bytes(digest(mandate).0),
            })),
            ("reserve", [merchant, currency, units]) => unkeyed(Command::FundReserve(FundReserve {
                merchant: self.merchant(merchant),
                amount: money(currency, units),
            })),
            ("payout", [merchant, currency, units]) => {
                unkeyed(Command::PayOut(PayOut { merchant: self.merchant(merchant), amount: money(currency, units) }))
            }
            ("square", [sold_currency, sold, bought_currency, bought, closed]) => {
                unkeyed(Command::SquarePosition(SquarePosition {
                    sold: money(sold_currency, sold),
                    bought: money(bought_currency, bought),
                    closed: money(bought_currency, closed),
                }))
            }
            _ => panic!("no such row: {row}"),
        }
    }

    /// Every request has a payment id of its own, also a repeat.
    fn authorize(
        &mut self,
        row: &Row,
        order: &str,
        payer: &str,
        merchant_name: &str,
        presentment: Money,
        capture_mode: CaptureMode,
    ) -> Submission {
        let payment_id = PaymentId::from_bytes(self.next_id());
        let merchant = self.merchants.get(merchant_name).copied().unwrap_or(MerchantId(UNKNOWN));
        let amount = presentment.to_string();
        let (currency, units) = amount.split_once(' ').expect("money is a currency and a number");
        let key = self.key(row, TenantId::Merchant(merchant), Method::Authorize, &[order, payer, currency, units]);
        let (consent, payer) = self.consent(row, payer);
        let invalid = row.option("quote") == Some("invalid");
        let offered = row.option("quote").filter(|_| !invalid).map(|quote| self.offers[quote].clone());
        let converted = match (&offered, &payer) {
            (_, Evidence::Present(_)) if invalid => Evidence::Unavailable(Unavailable::QuoteTokenInvalid),
            (Some(offered), Evidence::Present(_)) => Evidence::Present(offered.conversions.clone()),
            (_, Evidence::Unavailable(reason)) => Evidence::Unavailable(*reason),
            (None, Evidence::Present(payer)) => {
                self.converted(row, &Parties { merchant_name, payer: *payer, presentment })
            }
        };
        let bound = |text: &str| {
            let (currency, units) = text.split_once(':').expect("a bound is CURRENCY:AMOUNT");
            money(currency, units)
        };
        let command = AuthorizePayment {
            payment_id,
            merchant,
            merchant_order_id: label(order),
            merchant_order_digest: digest(order),
            presentment_amount: presentment,
            payer,
            converted,
            offer: offered.map(|offered| offered.offer),
            capture_mode,
            consent,
            debit_amount_max: row.option("max").map(bound),
            sandbox_decline: row.option("force").map(reason),
        };
        Submission { key, command: Command::AuthorizePayment(command) }
    }

    fn increase(&mut self, row: &Row, words: &[&str], order: &str, amount: Money) -> Submission {
        let (payment_id, merchant) = self.payment(row, order);
        let merchant_name = self.merchant_name(merchant);
        let converted = match self.approved.get(order) {
            None => Evidence::Unavailable(Unavailable::PaymentNotFound),
            Some((_, _, payer)) => {
                self.converted(row, &Parties { merchant_name: &merchant_name, payer: *payer, presentment: amount })
            }
        };
        let consent = row.option("consent").map(|_| self.consent(row, "").0);
        let command = IncreaseAuthorization { merchant, payment_id, amount, converted, consent };
        self.of_merchant(row, merchant, Method::IncreaseAuthorization, words, Command::IncreaseAuthorization(command))
    }

    fn of_merchant(
        &self,
        row: &Row,
        merchant: MerchantId,
        method: Method,
        words: &[&str],
        command: Command,
    ) -> Submission {
        Submission { key: self.key(row, TenantId::Merchant(merchant), method, &words[1..]), command }
    }

    /// The payment of an order, asked for by its merchant, or by the one `as=` names.
    fn payment(&self, row: &Row, order: &str) -> (PaymentId, MerchantId) {
        let unknown = (
            PaymentId::from_bytes([0xff; 16]),
            MerchantId(0),
            AccountId::house(domain::AccountKind::Nostro, Currency::CNY),
        );
        let (payment, merchant, _) = self.approved.get(order).copied().unwrap_or(unknown);
        (payment, row.option("as").map_or(merchant, |name| self.merchants[name]))
    }

    fn merchant(&self, name: &str) -> Evidence<MerchantId> {
        match self.merchants.get(name) {
            Some(merchant) => Evidence::Present(*merchant),
            None => Evidence::Unavailable(Unavailable::AccountNotFound),
        }
    }

    fn merchant_name(&self, merchant: MerchantId) -> String {
        let named = self.merchants.iter().find(|(_, known)| **known == merchant);
        named.map_or_else(String::new, |(name, _)| name.clone())
    }

    /// `consent=code:C`, `consent=approved`, `consent=mandate:M`, or the payer by name.
    fn consent(&self, row: &Row, payer: &str) -> (Consent, Evidence<AccountId>) {
        let known = |account: Option<AccountId>| {
            account.map_or(Evidence::Unavailable(Unavailable::ConsentNotFound), Evidence::Present)
        };
        if let Some(card) = payer.strip_prefix("card:") {
            let asked = self::currency(row.arguments()[4]);
            let name = card.split(':').next().unwrap_or_default();
            let token = token_of(name);
            let consent = match row.option("consent") {
                None => Consent::Card(token),
                Some("approved") => Consent::CardOrderApproved(token),
                Some(other) => panic!("no such consent to a card: {other}"),
            };
            return (consent, self.charged(card, asked));
        }
        match row.option("consent").map(|text| text.split_once(':').unwrap_or((text, ""))) {
            None => (Consent::PayerNamed, self.account(row, payer)),
            Some(("approved", _)) => (Consent::OrderApproved, self.account(row, payer)),
            Some(("code", code)) => {
                let account = if payer == "-" || payer.is_empty() {
                    known(self.codes.get(code).copied())
                } else {
                    self.account(row, payer)
                };
                (Consent::Code(digest(code)), account)
            }
            Some(("mandate", mandate)) => {
                let known_mandate = self.mandates.get(mandate);
                let id = known_mandate.map_or(MandateId::from_bytes(digest(mandate).0), |(id, _)| *id);
                let account = match payer {
                    "-" => known(known_mandate.map(|(_, account)| *account)),
                    payer => self.account(row, payer),
                };
                (Consent::Mandate(id), account)
            }
            Some(other) => panic!("no such consent: {other:?}"),
        }
    }

    /// Makes a quote and keeps it, as its token would: `quote q-1 hk/alice demo-cafe CNY 100.00`.
    pub(crate) fn make_offer(&mut self, row: &Row) -> String {
        let words = row.arguments();
        let [quote, payer, merchant, currency, units] = words[..] else { panic!("no such row: {row}") };
        let parties =
            Parties { merchant_name: merchant, payer: self.quoted_payer(payer), presentment: money(currency, units) };
        let Evidence::Present(conversions) = self.converted(row, &parties) else { return "no rate".to_owned() };
        let offer = Offer {
            quote_id: QuoteId::from_bytes(digest(quote).0),
            expires_at: self.after(row.option("for").unwrap_or("60s")),
            merchant: self.merchants[merchant],
            payer: parties.payer,
            presentment_amount: parties.presentment,
            card: self.quoted_card(payer),
        };
        let debit = match &conversions.debit {
            Converted::SameCurrency => Some(parties.presentment),
            Converted::Quoted(quote) => quote.amounts.map(|amounts| amounts.debit),
        };
        self.offers.insert(quote.to_owned(), OfferedQuote { offer, conversions });
        debit.map_or_else(|| "too large".to_owned(), |debit| format!("offers debit {}", debit.grouped()))
    }

    /// The card that an offer is for: `card:dana:USD` charges it in that currency.
    fn quoted_card(&self, payer: &str) -> Option<CardToken> {
        payer.strip_prefix("card:")?.split(':').next().map(token_of)
    }

    fn quoted_payer(&self, payer: &str) -> AccountId {
        let Some(card) = payer.strip_prefix("card:") else { return self.accounts[payer] };
        *self.charged(card, Currency::CNY).present().expect("a card")
    }

    fn converted(&self, row: &Row, parties: &Parties<'_>) -> Evidence<Conversions> {
        let settlement = match self.settlement_currency(parties.merchant_name) {
            Some(currency) => currency,
            None => parties.presentment.currency(),
        };
        let debit = match self.debit(row, parties) {
            Ok(debit) => debit,
            Err(reason) => return Evidence::Unavailable(reason),
        };
        let pair = CurrencyPair { presentment: parties.presentment.currency(), debit: settlement };
        let settlement = match self.settlement(row, pair, parties.presentment) {
            Ok(settlement) => settlement,
            Err(reason) => return Evidence::Unavailable(reason),
        };
        Evidence::Present(Conversions { debit, settlement })
    }

    fn debit(&self, row: &Row, parties: &Parties<'_>) -> Result<Converted<Box<Quote>>, Unavailable> {
        let presentment = parties.presentment;
        let pair = CurrencyPair { presentment: presentment.currency(), debit: parties.payer.currency };
        match (row.option("converted"), pair.presentment == pair.debit) {
            (Some("same"), _) | (None, true) => return Ok(Converted::SameCurrency),
            (Some("missing"), _) => return Err(Unavailable::RateMissing(pair)),
            (Some("quoted" | "early"), _) | (None, false) => {}
            (Some(other), _) => panic!("no such evidence: {other}"),
        }
        let policy = self.policy.as_deref().ok_or(Unavailable::RateMissing(pair))?;
        let price = self.price(row, policy, pair)?;
        let markup = match row.option("markup") {
            Some(markup) => ratio(markup),
            None => policy.markup(pair, &crate::ask::name(parties.merchant_name), presentment, price.move_ppm),
        };
        let weight = policy.exposure_weight(price.move_ppm);
        if pair.presentment == pair.debit {
            return Ok(Converted::quoted(made_up_quote(row, &price, markup, weight)));
        }
        let mut quote = domain::debit_quote(pair, price.pricing, markup, price.move_ppm, weight, presentment);
        falsify(row, pair.debit, &mut quote);
        Ok(Converted::quoted(quote))
    }

    fn settlement(
        &self,
        row: &Row,
        pair: CurrencyPair,
        presentment: Money,
    ) -> Result<Converted<Box<SettlementQuote>>, Unavailable> {
        if pair.presentment == pair.debit {
            return Ok(Converted::SameCurrency);
        }
        let policy = self.policy.as_deref().ok_or(Unavailable::RateMissing(pair))?;
        let price = domain::price_in_force(policy, pair, self.now, |pair| self.last_tick(pair).cloned())?;
        let mut quote = domain::settlement_quote(pair, price.pricing, presentment);
        if let Some(gross) = row.option("gross") {
            quote.gross = Some(money(pair.debit.code(), gross));
        }
        Ok(Converted::quoted(quote))
    }

    /// The price in force, or that of record `rate_lsn=`; what the row says otherwise replaces what was found.
    fn price(&self, row: &Row, policy: &Policy, pair: CurrencyPair) -> Result<PriceInForce, Unavailable> {
        let named = row.option("rate_lsn").map(|lsn| Lsn::new(lsn.parse().expect("an lsn is a number")));
        let at = match row.option("converted") {
            Some("early") => Timestamp::from_micros(0),
            Some(_) | None => self.now,
        };
        let of_lsn = named.and_then(|lsn| self.named_tick(pair, lsn)).cloned();
        let last = |asked: CurrencyPair| match &of_lsn {
            Some(tick) if asked == pair => Some(tick.clone()),
            Some(_) | None => self.last_tick(asked).cloned(),
        };
        let found = match row.option("converted") {
            Some("quoted") if pair.presentment == pair.debit => Ok(made_up_price(self.now, "1")),
            Some(_) | None => domain::price_in_force(policy, pair, at, last),
        };
        let mut price = match (found, row.option("mid_rate")) {
            (Ok(price), _) => price,
            (Err(_), Some(mid_rate)) => made_up_price(self.now, mid_rate),
            (Err(reason), None) => return Err(reason),
        };
        if let Some(mid_rate) = row.option("mid_rate") {
            price.pricing.prices = money::Prices::mid_only(rate(mid_rate).into());
        }
        if let Some(offset) = row.option("as_of") {
            price.pricing.as_of = Timestamp::from_micros(price.pricing.as_of.micros() + micros(offset));
        }
        price.pricing.rate_lsn = named.unwrap_or(price.pricing.rate_lsn);
        Ok(price)
    }

    fn settlement_currency(&self, merchant: &str) -> Option<Currency> {
        self.records.iter().find_map(|record| match &record.command {
            Command::RegisterMerchant(register) if register.name.as_str() == merchant => {
                Some(register.settlement_currency)
            }
            _ => None,
        })
    }

    fn after(&self, duration: &str) -> Timestamp {
        Timestamp::from_micros(self.now.micros() + micros(duration))
    }

    fn next_id(&mut self) -> [u8; 16] {
        self.payments += 1;
        let mut id = [0; 16];
        id[12..].copy_from_slice(&self.payments.to_be_bytes());
        id
    }
}

fn made_up_price(now: Timestamp, mid_rate: &str) -> PriceInForce {
    let prices = money::Prices::mid_only(rate(mid_rate).into());
    let pricing = domain::Pricing { prices, rate_lsn: Lsn::ZERO, cross_lsn: None, as_of: now, source: label("nobody") };
    PriceInForce { pricing, move_ppm: 0, expires_at: now }
}

/// A quote within one currency, which nobody makes.
fn made_up_quote(row: &Row, price: &PriceInForce, markup: Ratio, exposure_weight: money::Weight) -> Quote {
    let amounts = row.option("debit").zip(row.option("mid"));
    let pricing = price.pricing.clone();
    let amounts = amounts.map(|(debit, mid)| QuotedAmounts { debit: money("CNY", debit), mid: money("CNY", mid) });
    Quote { pricing, markup, move_ppm: 0, exposure_weight, amounts }
}

fn falsify(row: &Row, debit: Currency, quote: &mut Quote) {
    let said = |option: &str| row.option(option).map(|units| money(debit.code(), units));
    if row.option("amounts") == Some("none") {
        quote.amounts = None;
    }
    if let (Some(debit), Some(mid)) = (said("debit"), said("mid")) {
        quote.amounts = Some(QuotedAmounts { debit, mid });
    }
    if let Some(amounts) = &mut quote.amounts {
        amounts.debit = said("debit").unwrap_or(amounts.debit);
        amounts.mid = said("mid").unwrap_or(amounts.mid);
    }
    if let Some(weight) = row.option("weight") {
        quote.exposure_weight = money::Weight::parse(weight).expect("a weight");
    }
}

fn reason(text: &str) -> DeclineReason {
    let found = DeclineReason::ALL.into_iter().find(|reason| reason.as_str() == text);
    found.unwrap_or_else(|| panic!("no such reason: {text}"))
}
