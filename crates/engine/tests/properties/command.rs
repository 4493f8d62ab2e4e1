//! How what is asked becomes a command, with what the model says the stages find.

use domain::{
    AccountId, ApproveOrder, AuthorizePayment, CapturePayment, Command, Consent, Conversions, Converted, CurrencyPair,
    Digest, Evidence, FIELDS_MAX, Fingerprint, FundReserve, GrantMandate, IdempotencyKey, IncreaseAuthorization,
    IssueCode, Label, Lsn, MandateId, MerchantId, Method, MoveFunds, Name, Offer, OnAccount, OpenAccount, PayOut,
    PaymentId, Pricing, PublishRates, Quote, QuoteId, QuotedAmounts, RateTick, RefundId, RefundPayment, RevokeMandate,
    SettlementQuote, SquarePosition, Submission, TenantId, TickPrice, Timestamp, Unavailable, VoidPayment, WalletId,
};
use money::{ExactRate, Money, Rate, Weight};

use crate::{
    ask::{Ask, Consented, Pay, Step, Subject, digest, merchant_id, ratio},
    exact::Fraction,
    model::{ACCOUNT_CURRENCIES, CURRENCIES, MERCHANTS, Model, currency},
    quotes::{Found, Quoted},
    tape::{Lack, PAIRS, Price, Prices, Published, pair_of},
};

impl Step {
    /// The command of this step at `at`, if it is one; `number` is unique to it.
    pub(crate) fn submission(&self, model: &Model, at: i64, number: u64) -> Option<Submission> {
        let key = self.key.zip(self.ask.method());
        let key = key.map(|(key, method)| self::key(self.ask.tenant(model), key, method, &self.ask.fields()));
        Some(Submission { key, command: self.ask.command(model, at, number)? })
    }
}

impl Ask {
    fn command(&self, model: &Model, at: i64, number: u64) -> Option<Command> {
        Some(match self {
            Ask::Again { .. } | Ask::Offer { .. } => return None,
            Ask::Policy(rules) => Command::InstallPolicy(rules.command()),
            Ask::Rates { overridden, .. } => Command::PublishRates(PublishRates {
                ticks: self.ticks(at).iter().map(tick).collect(),
                override_reason: overridden.then(|| label("so it is")),
            }),
            Ask::Open { wallet, name, currency } => Command::OpenAccount(OpenAccount {
                wallet: WalletId(*wallet),
                name: Name::new(&format!("account-{name}")).expect("a name"),
                currency: self::currency(CURRENCIES[*currency]),
            }),
            Ask::Close { account } => Command::CloseAccount(on(model, *account)),
            Ask::Freeze { account } => Command::FreezeAccount(on(model, *account)),
            Ask::Unfreeze { account } => Command::UnfreezeAccount(on(model, *account)),
            Ask::Deposit { account, units } => Command::Deposit(move_funds(model, *account, *units)),
            Ask::Withdraw { account, units } => Command::Withdraw(move_funds(model, *account, *units)),
            Ask::Pay(pay) => Command::AuthorizePayment(authorize(model, pay, at, number)),
            Ask::Capture { .. } | Ask::Void { .. } | Ask::Refund { .. } | Ask::Increase { .. } => {
                self.life(model, at, number)
            }
            Ask::Code { .. } | Ask::Approve { .. } | Ask::Mandate { .. } | Ask::Revoke { .. } => {
                self.consent(model, at, number)
            }
            Ask::Fund { merchant, units } => Command::FundReserve(FundReserve {
                merchant: found_merchant(*merchant),
                amount: payable(model.settlement(*merchant), (*units).into()),
            }),
            Ask::PayOut { merchant, part } => {
                let merchant = model.creditor(*merchant);
                let amount = payable(model.settlement(merchant), part.of(model.owed(merchant)));
                Command::PayOut(PayOut { merchant: found_merchant(merchant), amount })
            }
            Ask::Square { .. } => {
                let deal = model.deal(self);
                Command::SquarePosition(SquarePosition {
                    sold: payable(deal.sold.0, deal.sold.1),
                    bought: payable(deal.bought.0, deal.bought.1),
                    closed: payable(deal.bought.0, deal.closed),
                })
            }
        })
    }

    fn life(&self, model: &Model, at: i64, number: u64) -> Command {
        match self {
            Ask::Capture { payment, part, rest, stranger } => Command::CapturePayment(CapturePayment {
                merchant: model.asking(*payment, *stranger),
                payment_id: model.payment_id(*payment),
                amount: payable(model.presentment(*payment), part.of(model.uncaptured(*payment))),
                rest: *rest,
            }),
            Ask::Void { payment, stranger } => Command::VoidPayment(VoidPayment {
                merchant: model.asking(*payment, *stranger),
                payment_id: model.payment_id(*payment),
            }),
            Ask::Refund { payment, part, stranger } => Command::RefundPayment(RefundPayment {
                merchant: model.asking(*payment, *stranger),
                payment_id: model.payment_id(*payment),
                refund_id: RefundId::from_bytes(id(number)),
                amount: payable(model.presentment(*payment), part.of(model.unrefunded(*payment))),
            }),
            Ask::Increase { payment, units, further, twist } => {
                let subject = model.increased(*payment, *units);
                Command::IncreaseAuthorization(IncreaseAuthorization {
                    merchant: model.asking(*payment, false),
                    payment_id: model.payment_id(*payment),
                    amount: payable(subject.presentment, (*units).into()),
                    converted: converted(&model.evidence(&subject, *twist, at), model, &subject),
                    consent: further.map(|code| Consent::Code(code_digest(code))),
                })
            }
            other => unreachable!("{other:?} is no move of a payment"),
        }
    }

    fn consent(&self, model: &Model, at: i64, number: u64) -> Command {
        match self {
            Ask::Code { code, account, merchant, units } => Command::IssueCode(IssueCode {
                account: found(model, *account),
                merchant: found_merchant(*merchant),
                debit_amount_max: of_account(model, *account, *units),
                code: code_digest(*code),
            }),
            Ask::Approve { order, account, merchant, units, holds_s } => Command::ApproveOrder(ApproveOrder {
                account: found(model, *account),
                merchant: found_merchant(*merchant),
                merchant_order_digest: digest(&order.to_string()),
                debit_amount_max: of_account(model, *account, *units),
                expires_at: Timestamp::from_micros(at + holds_s * 1_000_000),
            }),
            Ask::Mandate { account, merchant, units, period_units, period_ms, holds_s } => {
                Command::GrantMandate(GrantMandate {
                    mandate_id: MandateId::from_bytes(id(number)),
                    account: found(model, *account),
                    merchant: found_merchant(*merchant),
                    payment_debit_max: of_account(model, *account, *units),
                    period_debit_max: of_account(model, *account, *period_units),
                    period_ms: *period_ms,
                    expires_at: Timestamp::from_micros(at + holds_s * 1_000_000),
                })
            }
            Ask::Revoke { mandate, wallet } => Command::RevokeMandate(RevokeMandate {
                wallet: WalletId(*wallet),
                mandate_id: model.mandate_id(*mandate),
            }),
            other => unreachable!("{other:?} is no consent"),
        }
    }
}

fn authorize(model: &Model, pay: &Pay, at: i64, number: u64) -> AuthorizePayment {
    let subject = model.subject(pay);
    let offer = model.offer(pay);
    let order = pay.order.to_string();
    let max = pay.max_percent.map(|percent| model.debit_of(pay, at) * percent / 100);
    let account = model.account(subject.account).map_or("HKD", |account| account.currency);
    AuthorizePayment {
        payment_id: PaymentId::from_bytes(id(number)),
        merchant: merchant_id(subject.merchant),
        merchant_order_id: label(&order),
        merchant_order_digest: digest(&order),
        presentment_amount: payable(subject.presentment, subject.units.into()),
        payer: match model.is_heard_of(model.consent_to(pay)) {
            true => found(model, subject.account),
            false => Evidence::Unavailable(Unavailable::ConsentNotFound),
        },
        converted: match offer {
            Some(offer) => Evidence::Present(conversions(&offer.quoted, &offer.subject, model)),
            None => converted(&model.evidence(&subject, pay.twist, at), model, &subject),
        },
        offer: offer.map(|offer| Offer {
            quote_id: QuoteId::from_bytes(id(offer.number)),
            expires_at: Timestamp::from_micros(offer.expires_at),
            merchant: merchant_id(offer.subject.merchant),
            payer: model.account_id(offer.subject.account).expect("nothing is offered to nobody"),
            presentment_amount: payable(offer.subject.presentment, offer.subject.units.into()),
            card: None,
        }),
        capture_mode: pay.mode,
        consent: match model.consent_to(pay) {
            Consented::Named => Consent::PayerNamed,
            Consented::Code(code) => Consent::Code(code_digest(code)),
            Consented::Approved => Consent::OrderApproved,
            Consented::Mandate(mandate) => Consent::Mandate(model.mandate_id(mandate)),
        },
        debit_amount_max: max.map(|units| payable(account, units)),
        sandbox_decline: pay.ordered.then_some(domain::DeclineReason::AccountFrozen),
    }
}

fn converted(found: &Found, model: &Model, subject: &Subject) -> Evidence<Conversions> {
    match found {
        Found::Quoted(quoted) => Evidence::Present(conversions(quoted, subject, model)),
        Found::Nobody => Evidence::Unavailable(Unavailable::AccountNotFound),
        Found::Lack(lack, (from, to)) => {
            let pair = CurrencyPair { presentment: currency(from), debit: currency(to) };
            Evidence::Unavailable(match lack {
                Lack::Missing => Unavailable::RateMissing(pair),
                Lack::Stale => Unavailable::RateStale(pair),
            })
        }
    }
}

fn conversions(quoted: &Quoted, subject: &Subject, model: &Model) -> Conversions {
    let account = model.account(subject.account).expect("nothing is quoted to nobody");
    let (debit, settlement) = (currency(account.currency), currency(MERCHANTS[subject.merchant].0));
    let debit_quote = quoted.debit.map(|quote| Quote {
        pricing: pricing(&quote.price, quote.lsn),
        markup: ratio(quote.markup),
        move_ppm: quote.price.move_ppm,
        exposure_weight: Weight::from_millionths(quote.weight).expect("a weight"),
        amounts: quote
            .amounts
            .map(|(units, mid)| QuotedAmounts { debit: Money::new(debit, units), mid: Money::new(debit, mid) }),
    });
    let settlement_quote = quoted.settlement.map(|quote| SettlementQuote {
        pricing: pricing(&quote.price, quote.lsn),
        gross: quote.gross.map(|units| Money::new(settlement, units)),
    });
    Conversions {
        debit: debit_quote.map_or(Converted::SameCurrency, Converted::quoted),
        settlement: settlement_quote.map_or(Converted::SameCurrency, Converted::quoted),
    }
}

fn pricing(price: &Price, lsn: u64) -> Pricing {
    let Prices { bid, mid, ask } = price.prices;
    Pricing {
        prices: money::Prices::new(exact(bid), exact(mid), exact(ask)).expect("a bid is not above its ask"),
        rate_lsn: Lsn::new(lsn),
        cross_lsn: price.cross_lsn.map(Lsn::new),
        as_of: Timestamp::from_micros(price.as_of),
        source: label("test"),
    }
}

fn exact(fraction: Fraction) -> ExactRate {
    let [numerator, denominator] =
        [fraction.numerator, fraction.denominator].map(|part| u128::try_from(part).expect("a rate is positive"));
    ExactRate::from_parts(numerator, denominator).expect("a rate")
}

fn tick(published: &Published) -> RateTick {
    let scale = PAIRS[published.pair].3;
    let rate = |mantissa| Rate::from_parts(mantissa, scale).expect("a rate");
    RateTick {
        pair: pair_of(published.pair),
        price: match published.bid == published.ask {
            true => TickPrice::Mid(rate(published.bid)),
            false => TickPrice::BidAsk { bid: rate(published.bid), ask: rate(published.ask) },
        },
        source: label("test"),
        as_of: Timestamp::from_micros(published.as_of),
        valid_until: published.valid_until.map(Timestamp::from_micros),
    }
}

pub(crate) fn key(tenant: TenantId, key: u8, method: Method, asked: &[String]) -> IdempotencyKey {
    let mut fields = [0; FIELDS_MAX];
    for (field, text) in fields.iter_mut().zip(asked) {
        let bytes = digest(text).0;
        *field = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    let request = digest(&format!("{method:?} {asked:?}"));
    IdempotencyKey { tenant, digest: digest(&key.to_string()), fingerprint: Fingerprint { method, request, fields } }
}

fn on(model: &Model, account: usize) -> OnAccount {
    OnAccount { account: found(model, account) }
}

fn move_funds(model: &Model, account: usize, units: i64) -> MoveFunds {
    MoveFunds { account: found(model, account), amount: of_account(model, account, units) }
}

fn of_account(model: &Model, account: usize, units: i64) -> Money {
    payable(model.account(account).map_or(ACCOUNT_CURRENCIES[0], |account| account.currency), units.into())
}

/// As the door lets it through.
fn payable(currency: &str, units: i128) -> Money {
    let units = i64::try_from(units.max(1)).unwrap_or(i64::MAX).min(money::AMOUNT_MINOR_UNITS_MAX);
    Money::payable(self::currency(currency), units).expect("an amount")
}

fn found(model: &Model, account: usize) -> Evidence<AccountId> {
    match model.account_id(account) {
        Some(id) => Evidence::Present(id),
        None => Evidence::Unavailable(Unavailable::AccountNotFound),
    }
}

fn found_merchant(merchant: usize) -> Evidence<MerchantId> {
    Evidence::Present(merchant_id(merchant))
}

pub(crate) fn id(number: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    id
}

fn code_digest(code: u8) -> Digest {
    digest(&format!("code {code}"))
}

pub(crate) fn label(text: &str) -> Label {
    Label::new(text).expect("a label")
}
