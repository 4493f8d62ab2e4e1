//! What the switch says, as plain words and integers, so that it can be compared with what the auditor expects.

use domain::{AccountId, Command, Converted, Event, Evidence, Posting, Record, Refusal, Submission, Unavailable};
use wire::fingerprint::difference_text;

/// An account: kind, currency, number.
pub type Place = (&'static str, &'static str, u32);

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// The ledger began.
    Begun,
    /// Rules came into force.
    PolicyInstalled,
    /// A wallet operator got this number.
    WalletRegistered(u32),
    /// A merchant got this number.
    MerchantRegistered(u32),
    /// Rates came into force.
    RatesPublished,
    /// This account came into being.
    Opened(Place),
    /// An account ended.
    Closed,
    /// Funds moved.
    Moved {
        /// From, to, how much.
        leg: Leg,
        /// What the wallet's account holds afterwards.
        balance: i128,
    },
    /// A payment was captured.
    Captured {
        /// What the merchant is credited.
        settlement: i128,
        /// In order.
        legs: Vec<Leg>,
    },
    /// A decision against.
    Declined {
        /// Why.
        reason: &'static str,
        /// The payment that holds the order.
        paid_by: Option<[u8; 16]>,
    },
}

/// From, to, how much.
pub type Leg = (Place, Place, i128);

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its position.
    pub lsn: u64,
    /// When, in microseconds since the epoch.
    pub at: i64,
    /// What happened.
    pub deed: Deed,
    /// What it was decided on.
    pub evidence: Found,
    /// The id of the payment it decides.
    pub payment_id: Option<[u8; 16]>,
}

/// What the stages attached to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The account the request speaks of.
    pub account: Option<Place>,
    /// For a payment: how the payer's currency follows.
    pub conversion: Conversion,
}

/// How the payer's currency follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conversion {
    /// Not asked, or not to be had without a payer.
    None,
    /// Payer and merchant use one currency.
    Same,
    /// No rate was published.
    RateMissing,
    /// The last rate was too old.
    RateStale,
    /// By this offer.
    Quoted {
        /// The record that published the rate.
        rate_lsn: u64,
        /// Digits of the rate.
        mantissa: u64,
        /// How many of them stand after the point.
        scale: u32,
        /// The moment it speaks of.
        as_of: i64,
        /// Margin.
        markup_millionths: u32,
        /// Debit and mid amount; `None` when the debit is more than one amount may be.
        amounts: Option<(i128, i128)>,
    },
}

pub(super) fn entry(record: &Record) -> Entry {
    let payment_id = match &record.command {
        Command::AuthorizePayment(authorize) => Some(authorize.payment_id.bytes()),
        _ => None,
    };
    Entry {
        lsn: record.lsn.get(),
        at: record.at.micros(),
        deed: deed(&record.event),
        evidence: of_command(&record.command),
        payment_id,
    }
}

/// What the stages attached to this submission.
pub(crate) fn found(submission: &Submission) -> Found {
    of_command(&submission.command)
}

fn of_command(command: &Command) -> Found {
    let (account, conversion) = match command {
        Command::CloseAccount(close) => (&close.account, Conversion::None),
        Command::Deposit(funds) | Command::Withdraw(funds) => (&funds.account, Conversion::None),
        Command::AuthorizePayment(authorize) => (&authorize.payer, conversion(&authorize.converted)),
        Command::InitializeSwitch(_)
        | Command::InstallPolicy(_)
        | Command::RegisterWallet(_)
        | Command::RegisterMerchant(_)
        | Command::PublishRates(_)
        | Command::OpenAccount(_) => return Found { account: None, conversion: Conversion::None },
    };
    let account = match account {
        Evidence::Present(account) => Some(place(*account)),
        Evidence::Unavailable(_) => None,
    };
    Found { account, conversion }
}

fn conversion(converted: &Evidence<Converted>) -> Conversion {
    match converted {
        Evidence::Unavailable(Unavailable::AccountNotFound) => Conversion::None,
        Evidence::Unavailable(Unavailable::RateMissing(_)) => Conversion::RateMissing,
        Evidence::Unavailable(Unavailable::RateStale(_)) => Conversion::RateStale,
        Evidence::Present(Converted::SameCurrency) => Conversion::Same,
        Evidence::Present(Converted::Quoted(quote)) => Conversion::Quoted {
            rate_lsn: quote.rate_lsn.get(),
            mantissa: quote.mid_rate.mantissa(),
            scale: quote.mid_rate.scale(),
            as_of: quote.as_of.micros(),
            markup_millionths: quote.markup.millionths(),
            amounts: quote.amounts.map(|amounts| (amounts.debit.minor_units(), amounts.mid.minor_units())),
        },
    }
}

fn deed(event: &Event) -> Deed {
    match event {
        Event::SwitchInitialized => Deed::Begun,
        Event::PolicyInstalled => Deed::PolicyInstalled,
        Event::WalletRegistered(wallet) => Deed::WalletRegistered(wallet.0),
        Event::MerchantRegistered(merchant) => Deed::MerchantRegistered(merchant.0),
        Event::RatesPublished => Deed::RatesPublished,
        Event::AccountOpened(account) => Deed::Opened(place(*account)),
        Event::AccountClosed => Deed::Closed,
        Event::FundsMoved { posting, posted_balance } => {
            Deed::Moved { leg: leg(posting), balance: posted_balance.minor_units() }
        }
        Event::PaymentCaptured(captured) => Deed::Captured {
            settlement: captured.settlement_amount.minor_units(),
            legs: captured.postings.iter().map(leg).collect(),
        },
        Event::Declined(decline) => {
            Deed::Declined { reason: decline.reason.as_str(), paid_by: decline.paid_by.map(|payment| payment.bytes()) }
        }
    }
}

fn leg(posting: &Posting) -> Leg {
    (place(posting.debit()), place(posting.credit()), posting.amount().minor_units())
}

/// An account as the auditor names it.
pub(crate) fn place(account: AccountId) -> Place {
    (account.kind.as_str(), account.currency.code(), account.index)
}

/// A refusal of the engine, in one word and what it speaks of.
pub(super) fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::KeyReused { method, difference } => {
            format!("key reused: {}", difference_text(*method, *difference))
        }
        Refusal::AccountNotFound => "account not found".to_owned(),
        Refusal::MerchantNotFound => "merchant not found".to_owned(),
        Refusal::WalletNotFound => "wallet not found".to_owned(),
        Refusal::AccountExists => "account exists".to_owned(),
        Refusal::MerchantExists => "merchant exists".to_owned(),
        Refusal::WalletExists => "wallet exists".to_owned(),
        Refusal::ApiKeyTaken => "api key taken".to_owned(),
        Refusal::AccountCurrencyMismatch { account, amount } => format!("account in {account}, amount in {amount}"),
        Refusal::PresentmentCurrencyNotAccepted { settlement, presentment } => {
            format!("paid in {settlement}, asks in {presentment}")
        }
        Refusal::RateMissing(pair) => format!("rate missing: {pair}"),
        Refusal::RateStale(pair) => format!("rate stale: {pair}"),
        Refusal::RateOutOfOrder { pair, last_as_of } => format!("rate before {}: {pair}", last_as_of.micros()),
        Refusal::RateFromTheFuture(pair) => format!("rate from the future: {pair}"),
        Refusal::RateMovedTooFar { pair, .. } => format!("rate moved too far: {pair}"),
        Refusal::OutOfSequence => "out of sequence".to_owned(),
    }
}
