//! `payctl consent`: what a payer's wallet notes before a merchant may debit the payer.

use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use money::Money;
use wire::v1::{
    ApproveOrderRequest, GrantMandateRequest, GrantMandateResponse, IssueCodeRequest, IssueCodeResponse,
    RevokeMandateRequest,
};

use crate::commands::{Key, amount_argument, duration_argument, name_argument, repeat_with, time_argument};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{FAINT, Fields, GOOD, STRONG, paint};
use crate::words;

/// Note a payer's consent, or end it
///
/// Asks as the wallet operator that keeps the payer's account, or whose person the payer's card is bound to. A merchant's
/// credential alone never moves a payer's money: a payment needs a one-time code, an approved order or a mandate, one by card
/// an approved order; in a sandbox the payer's name, or the card's token, is enough.
#[derive(Debug, Subcommand)]
pub(crate) enum Consent {
    Code(Code),
    Approve(Approve),
    Mandate(Mandate),
    Revoke(Revoke),
}

/// Give out a one-time code for the payer to show
///
/// For one merchant and at most one amount, for 60 seconds. The merchant pays with `authorize --payer-code`.
#[derive(Debug, Args)]
pub(crate) struct Code {
    #[command(flatten)]
    given: Given,
    /// The most that may be debited, in the account's currency, e.g. "HKD 120.00"
    #[arg(long, value_name = "AMOUNT", value_parser = amount_argument)]
    max_debit: Money,
    #[command(flatten)]
    key: Key,
}

/// Approve one order of a merchant
///
/// The merchant then pays with `authorize --payer NAME --order ID --order-approved`, or with `--card TOKEN` for a card.
#[derive(Debug, Args)]
pub(crate) struct Approve {
    #[command(flatten)]
    payer: ApprovedPayer,
    /// The merchant that may debit it
    #[arg(long, value_name = "NAME", value_parser = name_argument)]
    merchant: String,
    /// The merchant's own number for what is paid
    #[arg(long, value_name = "ID")]
    order: String,
    /// The most that may be debited, in the account's currency, e.g. "HKD 120.00"; of a card with the payer's fee, in the
    /// currency that is charged
    #[arg(long, value_name = "AMOUNT", value_parser = amount_argument)]
    max_debit: Money,
    #[command(flatten)]
    until: Until,
    #[command(flatten)]
    key: Key,
}

/// Let a merchant debit an account within bounds, until revoked
///
/// The merchant then pays with `authorize --mandate ID`.
#[derive(Debug, Args)]
pub(crate) struct Mandate {
    #[command(flatten)]
    given: Given,
    /// The most that one payment may debit, in the account's currency
    #[arg(long, value_name = "AMOUNT", value_parser = amount_argument)]
    max_payment: Money,
    /// The most that all payments of one period may debit together
    #[arg(long, value_name = "AMOUNT", value_parser = amount_argument)]
    max_period: Money,
    /// How long a period is; the first begins now
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
    period_days: u32,
    #[command(flatten)]
    until: Until,
    #[command(flatten)]
    key: Key,
}

/// End a mandate
///
/// Holds in place are kept and can be captured.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The id the switch gave the mandate
    #[arg(value_name = "ID")]
    mandate_id: String,
    #[command(flatten)]
    key: Key,
}

/// Whose consent, to whom.
#[derive(Debug, Args)]
struct Given {
    /// The payer's account within the caller's wallet
    #[arg(value_name = "NAME", value_parser = name_argument)]
    account_id: String,
    /// The merchant that may debit it
    #[arg(long, value_name = "NAME", value_parser = name_argument)]
    merchant: String,
}

/// What pays an approved order.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct ApprovedPayer {
    /// The payer's account within the caller's wallet
    #[arg(value_name = "NAME", value_parser = name_argument)]
    account_id: Option<String>,
    /// The payer's card, by the token that `payctl card bind` printed
    #[arg(long, value_name = "TOKEN")]
    card: Option<String>,
}

/// When a consent ends.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Until {
    /// From this moment on it cannot be used, e.g. 2026-11-21T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time_argument)]
    expires: Option<Timestamp>,
    /// After this time by the switch's clock it cannot be used, e.g. 15m or 30d
    #[arg(long, value_name = "SPAN", value_parser = duration_argument)]
    expires_in: Option<Duration>,
}

impl Until {
    async fn moment(&self, context: &Context) -> Result<Timestamp, Error> {
        let in_span = match (self.expires, self.expires_in) {
            (Some(moment), _) => return Ok(moment),
            (None, Some(span)) => span,
            (None, None) => return Err(Error::Usage("a consent ends: give --expires or --expires-in".to_owned())),
        };
        let now = context.now_of_switch(&context.wallet()).await?;
        now.checked_add(in_span).map_err(|_| Error::Usage("--expires-in ends beyond all calendars".to_owned()))
    }
}

impl Consent {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        match self {
            Self::Code(code) => code.run(context).await,
            Self::Approve(approve) => approve.run(context).await,
            Self::Mandate(mandate) => mandate.run(context).await,
            Self::Revoke(revoke) => revoke.run(context).await,
        }
    }
}

impl Code {
    async fn run(self, context: &Context) -> Result<Exit, Error> {
        let request = IssueCodeRequest {
            idempotency_key: self.key.or_new(),
            account_id: self.given.account_id.clone(),
            merchant_id: self.given.merchant.clone(),
            max_debit_amount: words::money_message(self.max_debit),
        };
        let repeat = repeat_with(&request.idempotency_key);
        let reply = context.wallet().issue_code(request).await.map_err(|error| Error::Call { error, repeat })?;
        context.show(&reply, |reply| self.text(reply));
        Ok(Exit::Approved)
    }

    fn text(&self, reply: &IssueCodeResponse) -> String {
        let mut fields = self.given.fields();
        fields.line("at most", self.max_debit.grouped());
        fields.line("code", paint(STRONG, &reply.payer_code));
        let until = words::time(reply.expire_time.as_ref().map(|time| time.seconds));
        fields.line("until", format!("{until}, for one payment"));
        fields.line("lsn", format!("{}, durable", reply.lsn));
        format!("{}  one-time code\n{fields}", paint(GOOD, "given out"))
    }
}

impl Approve {
    async fn run(self, context: &Context) -> Result<Exit, Error> {
        let expires = self.until.moment(context).await?;
        let request = ApproveOrderRequest {
            idempotency_key: self.key.or_new(),
            account_id: self.payer.account_id.clone().unwrap_or_default(),
            merchant_id: self.merchant.clone(),
            merchant_order_id: self.order.clone(),
            max_debit_amount: words::money_message(self.max_debit),
            expire_time: Some(wire::replies::timestamp(words::moment_of(expires))),
            card_token: self.payer.card.clone().unwrap_or_default(),
        };
        // The key names the whole request, so its moment belongs to what is repeated.
        let repeat = Some(format!("--idempotency-key {} --expires {expires}", request.idempotency_key));
        let reply = context.wallet().approve_order(request).await.map_err(|error| Error::Call { error, repeat })?;
        context.show(&reply, |reply| {
            let mut fields = Fields::default();
            match (&self.payer.account_id, &self.payer.card) {
                (Some(account), _) => fields.line("account", account),
                (None, card) => fields.line("card", card.as_deref().unwrap_or_default()),
            }
            fields.line("merchant", &self.merchant);
            fields.line("at most", self.max_debit.grouped());
            fields.line("until", words::time(Some(expires.as_second())));
            fields.line("lsn", format!("{}, durable", reply.lsn));
            format!("{}  order {}\n{fields}", paint(GOOD, "approved"), self.order)
        });
        Ok(Exit::Approved)
    }
}

impl Mandate {
    async fn run(self, context: &Context) -> Result<Exit, Error> {
        let expires = self.until.moment(context).await?;
        let request = GrantMandateRequest {
            idempotency_key: self.key.or_new(),
            account_id: self.given.account_id.clone(),
            merchant_id: self.given.merchant.clone(),
            max_payment_debit_amount: words::money_message(self.max_payment),
            max_period_debit_amount: words::money_message(self.max_period),
            period_days: self.period_days,
            expire_time: Some(wire::replies::timestamp(words::moment_of(expires))),
        };
        let repeat = Some(format!("--idempotency-key {} --expires {expires}", request.idempotency_key));
        let reply = context.wallet().grant_mandate(request).await.map_err(|error| Error::Call { error, repeat })?;
        context.show(&reply, |reply| self.text(reply, expires));
        Ok(Exit::Approved)
    }

    fn text(&self, reply: &GrantMandateResponse, expires: Timestamp) -> String {
        let mut fields = self.given.fields();
        let period = words::counted(self.period_days.into(), "day");
        fields.line("at most", format!("{} a payment", self.max_payment.grouped()));
        fields.line("", format!("{} in {period}", self.max_period.grouped()));
        fields.line("until", words::time(Some(expires.as_second())));
        fields.line("lsn", format!("{}, durable", reply.lsn));
        format!("{}  mandate {}\n{fields}", paint(GOOD, "granted"), paint(STRONG, &reply.mandate_id))
    }
}

impl Revoke {
    async fn run(self, context: &Context) -> Result<Exit, Error> {
        let request = RevokeMandateRequest { idempotency_key: self.key.or_new(), mandate_id: self.mandate_id.clone() };
        let repeat = repeat_with(&request.idempotency_key);
        let reply = context.wallet().revoke_mandate(request).await.map_err(|error| Error::Call { error, repeat })?;
        context.show(&reply, |reply| {
            let beside = paint(FAINT, format!("lsn {}, durable", reply.lsn));
            format!("{}  mandate {}  {beside}\n", paint(GOOD, "revoked"), self.mandate_id)
        });
        Ok(Exit::Approved)
    }
}

impl Given {
    fn fields(&self) -> Fields {
        let mut fields = Fields::default();
        fields.line("account", &self.account_id);
        fields.line("merchant", &self.merchant);
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::plain;

    fn given() -> Given {
        Given { account_id: "hk-alice".into(), merchant: "demo-cafe".into() }
    }

    fn hkd(text: &str) -> Money {
        Money::parse(&format!("HKD {text}")).unwrap()
    }

    fn no_key() -> Key {
        Key { idempotency_key: None }
    }

    #[test]
    fn a_code_is_shown_with_its_bounds() {
        let code = Code { given: given(), max_debit: hkd("120.00"), key: no_key() };
        let reply = IssueCodeResponse { payer_code: "123456789012345678".into(), expire_time: None, lsn: 9 };
        let expected = "\
given out  one-time code
  account   hk-alice
  merchant  demo-cafe
  at most   HKD 120.00
  code      123456789012345678
  until     -, for one payment
  lsn       9, durable
";
        assert_eq!(plain(code.text(&reply)), expected);
    }

    #[test]
    fn a_mandate_is_shown_with_both_its_bounds() {
        let until = Until { expires: None, expires_in: None };
        let mandate = Mandate {
            given: given(),
            max_payment: hkd("100.00"),
            max_period: hkd("1000.00"),
            period_days: 1,
            until,
            key: no_key(),
        };
        let reply = GrantMandateResponse { mandate_id: "m1".into(), lsn: 9 };
        let shown = plain(mandate.text(&reply, Timestamp::UNIX_EPOCH));
        assert!(shown.starts_with("granted  mandate m1\n"), "{shown}");
        assert!(shown.contains("HKD 100.00 a payment\n            HKD 1,000.00 in 1 day\n"), "{shown}");
    }
}
