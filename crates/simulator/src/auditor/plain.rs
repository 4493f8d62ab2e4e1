//! What the switch says, as plain words and integers, so that it can be compared with what the auditor expects.

mod evidence;
mod refusals;
mod words;

use domain::{
    AccountId, Command, Event, PaymentAmount, PaymentTotals, Posting, Record, RefundPriced, Repriced as SwitchRepriced,
};
use money::{Currency, Money};

pub(super) use evidence::of_command;
pub use evidence::{Found, Offered, Pricing, Quote, Quotes, SettlementQuote, Sought};
pub(crate) use evidence::{found, lack, offered};
pub(super) use refusals::refusal;
pub(crate) use words::{refusal_word, words};

use super::exact::Fraction;
use crate::request::{Code, Id};

/// An account: kind, currency, number.
pub type Place = (&'static str, Code, u32);

/// From, to, how much.
pub type Leg = (Place, Place, i128);

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
    /// Rates came into force, and their pairs are as volatile as this.
    RatesPublished(Vec<u32>),
    /// This account came into being.
    Opened(Place),
    /// An account ended.
    Closed,
    /// An account takes no new debits.
    Frozen,
    /// It does again.
    Unfrozen,
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
        /// The payment right after.
        after: Totals,
        /// Currencies above their soft limit.
        soft: Vec<Code>,
    },
    /// Funds are held for a payment.
    Authorized {
        /// Until when.
        expires_at: i64,
        /// The payment right after.
        after: Totals,
        /// Currencies above their soft limit.
        soft: Vec<Code>,
    },
    /// More is held.
    Increased {
        /// The payment right after.
        after: Totals,
        /// Currencies above their soft limit.
        soft: Vec<Code>,
    },
    /// A hold was released.
    Voided(Totals),
    /// Something was given back.
    Refunded {
        /// What the payer is credited.
        debit: i128,
        /// What the merchant is debited.
        settlement: i128,
        /// How it was priced, when not as the payment was.
        repriced: Option<Repriced>,
        /// In order.
        legs: Vec<Leg>,
        /// The payment right after.
        after: Totals,
    },
    /// A refund waits for a rate.
    RefundPending {
        /// What the merchant is debited.
        settlement: i128,
        /// In order.
        legs: Vec<Leg>,
        /// Of this day or a later one.
        from_day: i64,
        /// The payment right after.
        after: Totals,
    },
    /// Holds ended by time.
    Expired(Vec<(Id, Totals)>),
    /// Refunds that waited were given.
    Priced(Vec<PricedRefund>),
    /// A code can be used until then.
    CodeIssued(i64),
    /// An order may be paid.
    OrderApproved,
    /// A mandate holds.
    MandateGranted,
    /// A mandate ended.
    MandateRevoked,
    /// A reserve was funded.
    ReserveFunded(Leg),
    /// A merchant was paid.
    PaidOut(Leg),
    /// A position was closed.
    Squared(Vec<Leg>),
    /// Several payments were approved.
    ApprovedTogether(Vec<Deed>),
    /// One of several payments was decided against, and with it all.
    DeclinedTogether {
        /// Which.
        position: usize,
        /// Why.
        reason: &'static str,
        /// The payment that holds the order.
        paid_by: Option<Id>,
    },
    /// A decision against.
    Declined {
        /// Why.
        reason: &'static str,
        /// The payment that holds the order.
        paid_by: Option<Id>,
    },
}

/// A payment right after a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Where it stands.
    pub state: &'static str,
    /// Of presentment, debit and settlement.
    pub currencies: [Code; 3],
    /// In each of the three currencies, as the two below.
    pub authorized: [i128; 3],
    /// Of that.
    pub captured: [i128; 3],
    /// Of that.
    pub refunded: [i128; 3],
    /// In debit currency.
    pub held: i128,
}

/// A rate other than the payment's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repriced {
    /// Mid.
    pub mid: Fraction,
    /// The record that published it.
    pub rate_lsn: u64,
    /// What it cost the switch.
    pub difference: i128,
}

/// A refund that waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PricedRefund {
    /// Of which payment.
    pub payment: Id,
    /// Which.
    pub refund: Id,
    /// What the payer is credited.
    pub debit: i128,
    /// By which rate.
    pub repriced: Repriced,
    /// In order.
    pub legs: Vec<Leg>,
}

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
    /// The id of what it makes, if it makes something that has one.
    pub id: Option<Id>,
}

pub(super) fn entry(record: &Record) -> Entry {
    let id = match &record.command {
        Command::AuthorizePayment(authorize) => Some(authorize.payment_id.bytes()),
        Command::RefundPayment(refund) => Some(refund.refund_id.bytes()),
        Command::GrantMandate(grant) => Some(grant.mandate_id.bytes()),
        _ => None,
    };
    Entry {
        lsn: record.lsn.get(),
        at: record.at.micros(),
        deed: deed(&record.event),
        evidence: of_command(&record.command),
        id,
    }
}

fn deed(event: &Event) -> Deed {
    match event {
        Event::SwitchInitialized => Deed::Begun,
        Event::PolicyInstalled => Deed::PolicyInstalled,
        Event::WalletRegistered(wallet) => Deed::WalletRegistered(wallet.0),
        Event::MerchantRegistered(merchant) => Deed::MerchantRegistered(merchant.0),
        Event::RatesPublished(published) => Deed::RatesPublished(published.move_ppm.clone()),
        Event::AccountOpened(account) => Deed::Opened(place(*account)),
        Event::AccountClosed => Deed::Closed,
        Event::AccountFrozen => Deed::Frozen,
        Event::AccountUnfrozen => Deed::Unfrozen,
        Event::FundsMoved { posting, posted_balance } => {
            Deed::Moved { leg: leg(posting), balance: units(*posted_balance) }
        }
        Event::CodeIssued { expires_at } => Deed::CodeIssued(expires_at.micros()),
        Event::OrderApproved => Deed::OrderApproved,
        Event::MandateGranted => Deed::MandateGranted,
        Event::MandateRevoked => Deed::MandateRevoked,
        Event::ReserveFunded(posting) => Deed::ReserveFunded(leg(posting)),
        Event::PaidOut(posting) => Deed::PaidOut(leg(posting)),
        Event::PositionSquared(postings) => Deed::Squared(legs(postings)),
        Event::Declined(decline) => {
            Deed::Declined { reason: decline.reason.as_str(), paid_by: decline.paid_by.map(|payment| payment.bytes()) }
        }
        payment => deed_of_payment(payment),
    }
}

fn deed_of_payment(event: &Event) -> Deed {
    match event {
        Event::PaymentCaptured(captured) => Deed::Captured {
            settlement: units(captured.settlement_amount),
            legs: legs(&captured.postings),
            after: totals(&captured.after),
            soft: codes(&captured.above_soft_limit),
        },
        Event::PaymentAuthorized(authorized) => Deed::Authorized {
            expires_at: authorized.expires_at.micros(),
            after: totals(&authorized.after),
            soft: codes(&authorized.above_soft_limit),
        },
        Event::AuthorizationIncreased(increased) => {
            Deed::Increased { after: totals(&increased.after), soft: codes(&increased.above_soft_limit) }
        }
        Event::PaymentVoided(after) => Deed::Voided(totals(after)),
        Event::PaymentRefunded(refunded) => Deed::Refunded {
            debit: units(refunded.debit_amount),
            settlement: units(refunded.settlement_amount),
            repriced: refunded.repriced.as_ref().map(repriced),
            legs: legs(&refunded.postings),
            after: totals(&refunded.after),
        },
        Event::RefundPending(pending) => Deed::RefundPending {
            settlement: units(pending.settlement_amount),
            legs: legs(&pending.postings),
            from_day: pending.priced_from_day,
            after: totals(&pending.after),
        },
        Event::HoldsExpired(holds) => {
            Deed::Expired(holds.iter().map(|hold| (hold.payment_id.bytes(), totals(&hold.after))).collect())
        }
        Event::RefundsPriced(refunds) => Deed::Priced(refunds.iter().map(priced).collect()),
        Event::AuthorizedTogether(approved) => {
            Deed::ApprovedTogether(approved.iter().map(|one| deed(&one.clone().into())).collect())
        }
        Event::DeclinedTogether(declined) => Deed::DeclinedTogether {
            position: declined.position,
            reason: declined.decline.reason.as_str(),
            paid_by: declined.decline.paid_by.map(|payment| payment.bytes()),
        },
        other => unreachable!("told above: {other:?}"),
    }
}

fn priced(refund: &RefundPriced) -> PricedRefund {
    PricedRefund {
        payment: refund.payment_id.bytes(),
        refund: refund.refund_id.bytes(),
        debit: units(refund.debit_amount),
        repriced: repriced(&refund.repriced),
        legs: legs(&refund.postings),
    }
}

fn repriced(repriced: &SwitchRepriced) -> Repriced {
    Repriced {
        mid: evidence::fraction(repriced.mid_rate),
        rate_lsn: repriced.rate_lsn.get(),
        difference: units(repriced.difference),
    }
}

pub(super) fn totals(totals: &PaymentTotals) -> Totals {
    let of = |amount: &PaymentAmount| [units(amount.presentment), units(amount.debit), units(amount.settlement)];
    let PaymentAmount { presentment, debit, settlement } = totals.authorized;
    Totals {
        state: totals.state.as_str(),
        currencies: [presentment, debit, settlement].map(|amount| amount.currency().code()),
        authorized: of(&totals.authorized),
        captured: of(&totals.captured),
        refunded: of(&totals.refunded),
        held: units(totals.held),
    }
}

fn units(amount: Money) -> i128 {
    amount.minor_units()
}

fn codes(currencies: &[Currency]) -> Vec<Code> {
    currencies.iter().map(|currency| currency.code()).collect()
}

fn legs(postings: &[Posting]) -> Vec<Leg> {
    postings.iter().map(leg).collect()
}

fn leg(posting: &Posting) -> Leg {
    (place(posting.debit()), place(posting.credit()), posting.amount().minor_units())
}

/// An account as the auditor names it.
pub(crate) fn place(account: AccountId) -> Place {
    (account.kind.as_str(), account.currency.code(), account.index)
}
