//! What the stages attach.

use domain::{
    AccountId, AuthorizePayment, Command, Conversions, Converted, DeclineReason, Evidence, MerchantId, Offer,
    OfferedQuote, Pricing as SwitchPricing, Quote as SwitchQuote, SettlementQuote as SwitchSettlementQuote, Submission,
    Unavailable,
};
use money::{ExactRate, Money};

use super::{Place, place};
use crate::{
    auditor::exact::Fraction,
    request::{Code, Id},
};

/// Something the stages looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sought<T> {
    /// They did not look: the request does not speak of it.
    #[default]
    NotAsked,
    /// They found this.
    Found(T),
    /// They did not find it, and why.
    Missing(String),
}

/// What the stages attached to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The wallet account the request speaks of.
    pub account: Sought<Place>,
    /// The merchant it names.
    pub merchant: Sought<u32>,
    /// How the other currencies of a payment follow.
    pub quotes: Sought<Quotes>,
    /// What the quote's token promised.
    pub offer: Option<Offered>,
    /// In a sandbox: the reason its owner ordered to decline by.
    pub ordered: Option<&'static str>,
    /// To each of several payments, with the id it will have.
    pub parts: Vec<(Id, Found)>,
}

/// How the payer's and the merchant's currency follow; `None` where it is the presentment currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotes {
    /// The payer's.
    pub debit: Option<Quote>,
    /// The merchant's.
    pub settlement: Option<SettlementQuote>,
}

/// What a payer is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The rate.
    pub pricing: Pricing,
    /// Margin.
    pub markup_millionths: u32,
    /// How volatile the pair was.
    pub move_ppm: u32,
    /// How much the position counts.
    pub weight_millionths: u32,
    /// Debit and mid amount; `None` when the debit is more than one amount may be.
    pub amounts: Option<(i128, i128)>,
}

/// What a merchant is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettlementQuote {
    /// The rate.
    pub pricing: Pricing,
    /// Before its discount; `None` when that is more than one amount may be.
    pub gross: Option<i128>,
}

/// A rate and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pricing {
    /// What payees are paid by.
    pub bid: Fraction,
    /// The middle.
    pub mid: Fraction,
    /// What payers are debited by.
    pub ask: Fraction,
    /// The record that published it.
    pub rate_lsn: u64,
    /// Of a crossed rate: the record of the other one.
    pub cross_lsn: Option<u64>,
    /// The moment it speaks of.
    pub as_of: i64,
    /// Who says so.
    pub source: String,
}

/// What a quote is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Which quote.
    pub id: Id,
    /// Until when.
    pub expires_at: i64,
    /// Who may use it.
    pub merchant: u32,
    /// Whom it debits.
    pub payer: Place,
    /// What it converts.
    pub amount: (i128, Code),
}

/// What the stages attached to this submission.
pub(crate) fn found(submission: &Submission) -> Found {
    of_command(&submission.command)
}

/// A quote as its token tells it.
pub(crate) fn offered(quote: &OfferedQuote) -> (Offered, Quotes) {
    (offer(&quote.offer), quotes(&quote.conversions))
}

pub(in crate::auditor) fn of_command(command: &Command) -> Found {
    match command {
        Command::CloseAccount(on) | Command::FreezeAccount(on) | Command::UnfreezeAccount(on) => {
            Found { account: account(&on.account), ..Found::default() }
        }
        Command::Deposit(funds) | Command::Withdraw(funds) => {
            Found { account: account(&funds.account), ..Found::default() }
        }
        Command::IssueCode(issue) => of_consent(&issue.account, &issue.merchant),
        Command::ApproveOrder(approve) => of_consent(&approve.account, &approve.merchant),
        Command::GrantMandate(grant) => of_consent(&grant.account, &grant.merchant),
        Command::FundReserve(fund) => Found { merchant: merchant(&fund.merchant), ..Found::default() },
        Command::PayOut(pay) => Found { merchant: merchant(&pay.merchant), ..Found::default() },
        Command::AuthorizePayment(authorize) => of_payment(authorize),
        Command::AuthorizeTogether(together) => {
            let parts = together.payments().iter().map(|payment| &payment.authorize);
            let parts = parts.map(|authorize| (authorize.payment_id.bytes(), of_payment(authorize)));
            Found { parts: parts.collect(), ..Found::default() }
        }
        Command::IncreaseAuthorization(increase) => {
            Found { quotes: sought(&increase.converted, quotes), ..Found::default() }
        }
        Command::InitializeSwitch(_)
        | Command::InstallPolicy(_)
        | Command::ApproveCardOrder(_)
        | Command::RegisterWallet(_)
        | Command::RegisterMerchant(_)
        | Command::PublishRates(_)
        | Command::OpenAccount(_)
        | Command::CapturePayment(_)
        | Command::VoidPayment(_)
        | Command::RefundPayment(_)
        | Command::ExpireHolds
        | Command::PriceRefunds
        | Command::RevokeMandate(_)
        | Command::SquarePosition(_)
        | Command::AssertPerson(_)
        | Command::BindCard(_)
        | Command::UnbindCard(_)
        | Command::AnswerCard(_)
        | Command::TimeOutCard(_)
        | Command::AcknowledgeAdvice(_)
        | Command::SettleScheme(_) => Found::default(),
    }
}

fn of_payment(authorize: &AuthorizePayment) -> Found {
    Found {
        account: account(&authorize.payer),
        quotes: sought(&authorize.converted, quotes),
        offer: authorize.offer.as_ref().map(offer),
        ordered: authorize.sandbox_decline.map(DeclineReason::as_str),
        ..Found::default()
    }
}

fn of_consent(of: &Evidence<AccountId>, named: &Evidence<MerchantId>) -> Found {
    Found { account: account(of), merchant: merchant(named), ..Found::default() }
}

fn sought<T, U>(evidence: &Evidence<T>, plain: impl Fn(&T) -> U) -> Sought<U> {
    match evidence {
        Evidence::Present(found) => Sought::Found(plain(found)),
        Evidence::Unavailable(why) => Sought::Missing(lack(*why)),
    }
}

fn account(evidence: &Evidence<AccountId>) -> Sought<Place> {
    sought(evidence, |account| place(*account))
}

/// Whatever the stage says of one it did not find, it is a merchant that was not found.
fn merchant(evidence: &Evidence<MerchantId>) -> Sought<u32> {
    match evidence {
        Evidence::Present(merchant) => Sought::Found(merchant.0),
        Evidence::Unavailable(_) => Sought::Missing("merchant not found".to_owned()),
    }
}

/// In the words of the refusal it leads to.
pub(crate) fn lack(why: Unavailable) -> String {
    match why {
        Unavailable::AccountNotFound => "account not found".to_owned(),
        Unavailable::RateMissing(pair) => format!("rate missing: {pair}"),
        Unavailable::RateStale(pair) => format!("rate stale: {pair}"),
        Unavailable::ConsentNotFound => "consent not found".to_owned(),
        Unavailable::CardNotFound => "card not found".to_owned(),
        Unavailable::PaymentNotFound => "payment not found".to_owned(),
        Unavailable::QuoteTokenInvalid => "quote token invalid".to_owned(),
    }
}

fn quotes(conversions: &Conversions) -> Quotes {
    Quotes {
        debit: quoted(&conversions.debit).map(debit_quote),
        settlement: quoted(&conversions.settlement).map(settlement_quote),
    }
}

fn quoted<Q>(converted: &Converted<Box<Q>>) -> Option<&Q> {
    match converted {
        Converted::SameCurrency => None,
        Converted::Quoted(quote) => Some(quote),
    }
}

fn debit_quote(quote: &SwitchQuote) -> Quote {
    Quote {
        pricing: pricing(&quote.pricing),
        markup_millionths: quote.markup.millionths(),
        move_ppm: quote.move_ppm,
        weight_millionths: quote.exposure_weight.millionths(),
        amounts: quote.amounts.map(|amounts| (amounts.debit.minor_units(), amounts.mid.minor_units())),
    }
}

fn settlement_quote(quote: &SwitchSettlementQuote) -> SettlementQuote {
    SettlementQuote { pricing: pricing(&quote.pricing), gross: quote.gross.map(Money::minor_units) }
}

fn pricing(pricing: &SwitchPricing) -> Pricing {
    Pricing {
        bid: fraction(pricing.prices.settlement()),
        mid: fraction(pricing.prices.mid()),
        ask: fraction(pricing.prices.debit()),
        rate_lsn: pricing.rate_lsn.get(),
        cross_lsn: pricing.cross_lsn.map(|lsn| lsn.get()),
        as_of: pricing.as_of.micros(),
        source: pricing.source.as_str().to_owned(),
    }
}

fn offer(offer: &Offer) -> Offered {
    Offered {
        id: offer.quote_id.bytes(),
        expires_at: offer.expires_at.micros(),
        merchant: offer.merchant.0,
        payer: place(offer.payer),
        amount: (offer.presentment_amount.minor_units(), offer.presentment_amount.currency().code()),
    }
}

pub(super) fn fraction(rate: ExactRate) -> Fraction {
    Fraction { top: rate.numerator(), bottom: rate.denominator() }
}
