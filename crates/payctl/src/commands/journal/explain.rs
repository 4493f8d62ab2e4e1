//! `payctl journal explain`: why a payment was decided as it was.

mod card;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use domain::{
    AccountId, AuthorizePayment, CaptureMode, CaptureRest, Command, Consent, Converted, DeclineReason, Event, Evidence,
    Lsn, PaymentId, Pricing, Rail, Record,
};
use engine::Decision;
use serde_json::{Value, json};
use uuid::Uuid;

use super::line::{Described, describe, moment, posting_line, totals_text};
use super::reading::{Ledger, NO_INDEX, Needs, Then, decide_again, read};
use super::{LedgerNames, print};
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{BAD, FAINT, Fields, GOOD, STRONG, paint};

/// Show why a payment was decided as it was
///
/// Every record of the payment with what it rested on: the evidence, the rules and rates in force and the records they came
/// from, the payer's balance just before, the checks in order, the postings. Each is decided again and compared.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The daemon's data directory, or the journal's own
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The payment's id, as the switch gave it
    #[arg(value_name = "PAYMENT_ID")]
    payment: Uuid,
}

/// One record of the payment, told.
#[derive(Debug)]
struct Told {
    rests_on: Vec<(&'static str, String)>,
    checks: Vec<(DeclineReason, Outcome)>,
    postings: Vec<String>,
    /// Where the payment stood right after.
    then: Option<String>,
    /// What the engine of now decides otherwise.
    decided_again: Option<String>,
    line: Described,
}

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    /// An earlier one had failed.
    NotLookedAt,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotLookedAt => "not looked at",
        }
    }
}

/// The telling of one payment while its journal is read.
#[derive(Debug)]
struct Telling {
    payment: PaymentId,
    ledger: Ledger,
    policy_lsn: Lsn,
    told: Vec<Told>,
}

impl Telling {
    fn of(payment: PaymentId) -> Self {
        Self { payment, ledger: Ledger::new(), policy_lsn: Lsn::ZERO, told: Vec::new() }
    }

    /// Makes the next record so, and tells it if it concerns the payment.
    fn take(&mut self, record: &Arc<Record>) {
        let Self { payment, ledger, policy_lsn, told } = self;
        let payment = *payment;
        if let Command::InstallPolicy(_) = record.command {
            *policy_lsn = record.lsn;
        }
        if !concerns(record, payment) && !card::is_advice_of(ledger, record, payment) {
            ledger.apply(record);
            return;
        }
        let before = tell(ledger, record, payment, *policy_lsn);
        ledger.apply(record);
        let view = ledger.boards().payment_at(payment, record.lsn).expect(NO_INDEX);
        let totals = view.and_then(|view| view.totals().copied());
        told.push(Told { then: totals.map(|totals| totals_text(&totals)), ..before });
    }
}

impl Explain {
    pub(super) fn run(&self, as_json: bool) -> Result<Exit, Error> {
        let payment = PaymentId::from_bytes(self.payment.into_bytes());
        let mut telling = Telling::of(payment);
        read(&self.directory, Needs::Beginning, |record, _| {
            telling.take(record);
            Ok(Then::Next)
        })?;
        let Telling { ledger, told, .. } = telling;
        let Some(state) = ledger.boards().payment(payment).expect(NO_INDEX).map(|view| view.state()) else {
            return Err(Error::Usage(format!("the journal has no payment {payment}")));
        };
        let again = told.iter().all(|told| told.decided_again.is_none());
        let text = if as_json {
            let records = told.iter().map(Told::json).collect::<Vec<_>>();
            let json = json!({ "paymentId": payment.to_string(), "state": state.as_str(), "records": records });
            format!("{json:#}\n")
        } else {
            let records: String = told.iter().map(|told| format!("\n{}", told.text())).collect();
            format!("{}  payment {payment}\n{records}", paint(STRONG, state.as_str()))
        };
        print(&text)?;
        Ok(if again { Exit::Approved } else { Exit::Damaged })
    }
}

/// Whether a record asks something of the payment or changes it.
fn concerns(record: &Record, payment: PaymentId) -> bool {
    if let Event::HoldsExpired(holds) = &record.event {
        return holds.iter().any(|hold| hold.payment_id == payment);
    }
    if let Event::RefundsPriced(refunds) = &record.event {
        return refunds.iter().any(|refund| refund.payment_id == payment);
    }
    record.command.payment_id() == Some(payment)
        || record.payments_together().any(|of_several| of_several.authorize.payment_id == payment)
}

/// What a record says of the payment, and what that rests on, in the ledger as it was just before.
fn tell(ledger: &Ledger, whole: &Arc<Record>, payment: PaymentId, policy_lsn: Lsn) -> Told {
    let record = &whole.part_of(payment);
    let mut rests_on = vec![("asked", asked(&record.command, &ledger.names))];
    let version = ledger.engine.policy().map_or(0, |policy| policy.engine_version);
    let version = if version == 0 { String::new() } else { format!(", engine {version}") };
    rests_on.push(("rules", format!("of lsn {policy_lsn}{version}")));
    if let Some(position) = whole.payments_together().position(|one| one.authorize.payment_id == payment) {
        let payments = whole.payments_together().count();
        rests_on.push(("together", format!("payment {} of {payments}, all or none", position + 1)));
    }
    let mut checks = Vec::new();
    if let Command::AuthorizePayment(authorize) = &record.command {
        authorized(ledger, authorize, &mut rests_on);
        checks = checked(authorize, &record.event);
    }
    card::told(ledger, record, &mut rests_on);
    if let Command::IncreaseAuthorization(increase) = &record.command {
        converted(&increase.converted, &mut rests_on);
    }
    if let Command::RefundPayment(refund) = &record.command
        && let Some(policy) = ledger.engine.policy()
        && let Some(merchant) = ledger.names.merchant_name(refund.merchant)
    {
        let rules = policy.merchant(merchant, rail(ledger, payment));
        let (rate, funding) = (rules.refund_rate.as_str(), rules.refund_funding.as_str());
        rests_on.push(("refund rule", format!("{rate}, {funding}")));
    }
    let postings = record.postings().map(|(_, posting)| posting_line(posting, &ledger.names)).collect();
    let (decided_again, line) = (otherwise(ledger, whole), describe(record, &ledger.names));
    Told { rests_on, checks, postings, then: None, decided_again, line }
}

/// By which rail a payment is made that stands already.
fn rail(ledger: &Ledger, payment: PaymentId) -> Rail {
    let payer = ledger.boards().payment(payment).expect(NO_INDEX).and_then(|view| view.payer());
    if payer.and_then(AccountId::scheme).is_some() { Rail::ForeignCard } else { Rail::Wallet }
}

fn authorized(ledger: &Ledger, authorize: &AuthorizePayment, rests_on: &mut Vec<(&'static str, String)>) {
    rests_on.push((
        "consent",
        match &authorize.consent {
            Consent::PayerNamed => "the payer was named".to_owned(),
            Consent::Code(_) => "a one-time code".to_owned(),
            Consent::OrderApproved => "the wallet approved the order".to_owned(),
            Consent::Mandate(mandate) => format!("mandate {mandate}"),
            Consent::Card(_) => "the token of a bound card".to_owned(),
            Consent::CardOrderApproved(_) => "the wallet approved the order for the card".to_owned(),
        },
    ));
    if let Some(offer) = &authorize.offer {
        let until = moment(offer.expires_at).replace('T', " ");
        rests_on.push(("quote", format!("{}, held until {until}", offer.quote_id)));
    }
    converted(&authorize.converted, rests_on);
    if let Some(max) = authorize.debit_amount_max {
        rests_on.push(("at most", max.grouped().to_string()));
    }
    if let Some(token) = authorize.consent.card() {
        card::charged(ledger, token, rests_on);
        return;
    }
    if let Evidence::Present(payer) = authorize.payer
        && let Some(summary) = ledger.boards().account(payer)
    {
        let [posted, held, available] = [summary.posted_balance, summary.held_balance, summary.available_balance()]
            .map(|money| money.grouped().to_string());
        rests_on.push(("payer's account", ledger.names.account(payer)));
        rests_on.push(("just before", format!("posted {posted}, held {held}, available {available}")));
    }
}

/// What was asked, without what followed.
fn asked(command: &Command, names: &LedgerNames) -> String {
    match command {
        Command::AuthorizePayment(authorize) => {
            let how = match authorize.capture_mode {
                CaptureMode::Automatic => "captured at once",
                CaptureMode::Manual => "captured later",
            };
            let (amount, merchant) = (authorize.presentment_amount.grouped(), names.merchant(authorize.merchant));
            format!("{amount} for {merchant}, order {}, {how}", authorize.merchant_order_id.as_str())
        }
        Command::CapturePayment(capture) => match capture.rest {
            CaptureRest::Kept => format!("capture {}", capture.amount.grouped()),
            CaptureRest::Released => format!("capture {}, release the rest", capture.amount.grouped()),
        },
        Command::RefundPayment(refund) => format!("give back {}", refund.amount.grouped()),
        Command::IncreaseAuthorization(increase) => format!("hold {} more", increase.amount.grouped()),
        Command::VoidPayment(_) => "release the hold".to_owned(),
        Command::ExpireHolds => "by the switch: holds that are due".to_owned(),
        Command::PriceRefunds => "by the switch: a refund that waited for a rate".to_owned(),
        Command::AnswerCard(answer) => format!("by the issuer: the answer to the request of lsn {}", answer.request),
        Command::TimeOutCard(_) => "by the switch: a request that is due".to_owned(),
        Command::AcknowledgeAdvice(taken) => format!("by the card network: it took the advice of lsn {}", taken.advice),
        Command::AuthorizeTogether(_) => unreachable!("a part of it was taken"),
        Command::InitializeSwitch(_)
        | Command::InstallPolicy(_)
        | Command::RegisterWallet(_)
        | Command::RegisterMerchant(_)
        | Command::PublishRates(_)
        | Command::OpenAccount(_)
        | Command::CloseAccount(_)
        | Command::FreezeAccount(_)
        | Command::UnfreezeAccount(_)
        | Command::Deposit(_)
        | Command::Withdraw(_)
        | Command::IssueCode(_)
        | Command::ApproveOrder(_)
        | Command::ApproveCardOrder(_)
        | Command::GrantMandate(_)
        | Command::RevokeMandate(_)
        | Command::FundReserve(_)
        | Command::PayOut(_)
        | Command::SquarePosition(_)
        | Command::AssertPerson(_)
        | Command::BindCard(_)
        | Command::UnbindCard(_)
        | Command::SettleScheme(_) => unreachable!("it asks nothing of a payment"),
    }
}

/// The rates a conversion was made at, and where they came from.
fn converted(conversions: &Evidence<domain::Conversions>, rests_on: &mut Vec<(&'static str, String)>) {
    let conversions = match conversions {
        Evidence::Present(conversions) => conversions,
        Evidence::Unavailable(why) => {
            rests_on.push(("no rate", format!("{why:?}")));
            return;
        }
    };
    if let Converted::Quoted(quote) = &conversions.debit {
        let (mid, markup) = (quote.pricing.prices.mid(), quote.markup.percent());
        rests_on.push(("debit rate", format!("{} at mid {mid}, markup {markup}", quote.pricing.prices.debit())));
        if let Some(amounts) = &quote.amounts {
            let (debit, mid) = (amounts.debit.grouped(), amounts.mid.grouped());
            rests_on.push(("debit", format!("{debit}, {mid} at mid")));
        }
        rests_on.push(("", provenance(&quote.pricing)));
    }
    if let Converted::Quoted(quote) = &conversions.settlement {
        rests_on.push(("settlement rate", quote.pricing.prices.settlement().to_string()));
        rests_on.push(("", provenance(&quote.pricing)));
    }
}

fn provenance(pricing: &Pricing) -> String {
    let crossed = pricing.cross_lsn.map(|lsn| format!(" and {lsn}")).unwrap_or_default();
    let as_of = moment(pricing.as_of).replace('T', " ");
    format!("rate of lsn {}{crossed}: {}, of {as_of}", pricing.rate_lsn, pricing.source.as_str())
}

/// The checks of a payment in their order, as far as they apply to it.
fn checked(authorize: &AuthorizePayment, event: &Event) -> Vec<(DeclineReason, Outcome)> {
    let failed = event.decline().map(|decline| decline.reason);
    let exchanges = match &authorize.converted {
        Evidence::Present(of) => of.debit != Converted::SameCurrency || of.settlement != Converted::SameCurrency,
        Evidence::Unavailable(_) => false,
    };
    let by_card = authorize.consent.card().is_some();
    let applies = |reason: &DeclineReason| match reason {
        DeclineReason::OrderAlreadyPaid | DeclineReason::DebitAmountTooLarge | DeclineReason::BalanceLimit => true,
        DeclineReason::ConsentNotFound | DeclineReason::ConsentExceeded => {
            !by_card || matches!(authorize.consent, Consent::CardOrderApproved(_))
        }
        DeclineReason::ConsentMismatch
        | DeclineReason::AccountClosed
        | DeclineReason::AccountFrozen
        | DeclineReason::InsufficientBalance => !by_card,
        DeclineReason::CardPaymentLimit | DeclineReason::CardYearLimit => by_card,
        DeclineReason::QuoteExpired | DeclineReason::QuoteUsed | DeclineReason::QuoteMismatch => {
            authorize.offer.is_some()
        }
        DeclineReason::QuoteNotReproduced | DeclineReason::ExposureLimit => exchanges,
        DeclineReason::DebitAboveMax => authorize.debit_amount_max.is_some(),
        // Of other requests, or said by an issuer once it is asked.
        DeclineReason::AccountNotEmpty
        | DeclineReason::NotEnough
        | DeclineReason::BatchDeclined
        | DeclineReason::CardPersonsLimit
        | DeclineReason::CardPickUp
        | DeclineReason::CardSuspected
        | DeclineReason::CardInvalid
        | DeclineReason::CardExpired
        | DeclineReason::CardNotPermitted
        | DeclineReason::CardLimit
        | DeclineReason::CardFunds
        | DeclineReason::PartiallyApproved
        | DeclineReason::ContactIssuer
        | DeclineReason::IssuerDeclined
        | DeclineReason::NetworkRejected
        | DeclineReason::IssuerUnavailable => false,
    };
    let outcome = |reason: DeclineReason| match failed {
        Some(failed) if failed == reason => Outcome::Failed,
        Some(failed) if position(failed) < position(reason) => Outcome::NotLookedAt,
        Some(_) | None => Outcome::Passed,
    };
    let reasons = DeclineReason::ALL.into_iter().filter(|reason| applies(reason) || failed == Some(*reason));
    reasons.map(|reason| (reason, outcome(reason))).collect()
}

fn position(reason: DeclineReason) -> Option<usize> {
    DeclineReason::ALL.iter().position(|other| *other == reason)
}

/// What the engine of now decides otherwise; `None` when it decides the same.
fn otherwise(ledger: &Ledger, record: &Record) -> Option<String> {
    let decision = decide_again(&ledger.engine, record);
    let same = matches!(&decision, Decision::Recorded(event) if *event == record.event);
    (!same).then(|| format!("{decision:?}"))
}

impl Told {
    fn text(&self) -> String {
        let mut fields = Fields::default();
        for (name, value) in &self.rests_on {
            fields.line(name, value);
        }
        for (index, (reason, outcome)) in self.checks.iter().enumerate() {
            let style = match outcome {
                Outcome::Passed => GOOD,
                Outcome::Failed => BAD,
                Outcome::NotLookedAt => FAINT,
            };
            let name = if index == 0 { "checks" } else { "" };
            fields.line(name, format!("{:24}  {}", reason.as_str(), paint(style, outcome.as_str())));
        }
        for (index, posting) in self.postings.iter().enumerate() {
            fields.line(if index == 0 { "postings" } else { "" }, posting);
        }
        if let Some(then) = &self.then {
            fields.line("then", then);
        }
        match &self.decided_again {
            None => fields.line("decided again", paint(GOOD, "the same")),
            Some(other) => fields.line("decided again", paint(BAD, other)),
        }
        format!("{}\n{fields}", self.line.head())
    }

    fn json(&self) -> Value {
        let checks = self.checks.iter().map(|(reason, outcome)| json!([reason.as_str(), outcome.as_str()]));
        let rests_on = self.rests_on.iter().map(|(name, value)| json!([name, value]));
        json!({
            "record": self.line.json(),
            "restsOn": rests_on.collect::<Vec<_>>(),
            "checks": checks.collect::<Vec<_>>(),
            "then": self.then,
            "decidedAgain": self.decided_again.as_deref().unwrap_or("the same"),
        })
    }
}

#[cfg(test)]
mod tests;
