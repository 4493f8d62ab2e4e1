//! `payctl fund-reserve`, `pay-out`, `square-position` and `settle-scheme`: the operator's money at the bank.

use clap::Args;
use domain::Scheme;
use money::Money;
use wire::v1::{
    DeclineReason, FundReserveRequest, PayOutRequest, SettleSchemeRequest, SettleSchemeResponse, SquarePositionRequest,
    SquarePositionResponse,
};

use crate::commands::{Key, amount_argument, name_argument, payment, repeat_with};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{BAD, FAINT, Fields, GOOD, paint};
use crate::words;

/// Fund a merchant's reserve from the switch's bank account
///
/// For the switch's operator. A reserve makes up for refunds larger than what the merchant is owed, where the policy
/// says so.
#[derive(Debug, Args)]
pub(crate) struct FundReserve {
    #[command(flatten)]
    of: MerchantFunds,
}

/// Pay a merchant what it is owed, at its bank
///
/// For the switch's operator. Books that the switch's bank paid the merchant. Declined, with exit code 1, when the
/// merchant is owed less.
#[derive(Debug, Args)]
pub(crate) struct PayOut {
    #[command(flatten)]
    of: MerchantFunds,
}

/// How much, of which merchant.
#[derive(Debug, Args)]
struct MerchantFunds {
    /// Which merchant
    #[arg(value_name = "MERCHANT", value_parser = name_argument)]
    merchant: String,
    /// How much, in the merchant's settlement currency
    #[arg(long, value_parser = amount_argument)]
    amount: Money,
    #[command(flatten)]
    key: Key,
}

/// Book the bank deal that closes an open position
///
/// For the switch's operator. What the bank gave beyond, or short of, what was closed goes to the FX result. For HKD
/// 70.76 sold and CNY 59.99 obtained where CNY 60.00 were short:
///
///   payctl square-position --sold "HKD 70.76" --bought "CNY 59.99" \
///     --closed "CNY 60.00"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct SquarePosition {
    /// What the bank was given, out of the long position in that currency
    #[arg(long, value_name = "AMOUNT", value_parser = amount_argument)]
    sold: Money,
    /// What the bank gave, in another currency
    #[arg(long, value_name = "AMOUNT", value_parser = amount_argument)]
    bought: Money,
    /// By how much the short position in the currency bought is closed
    #[arg(long, value_name = "AMOUNT", value_parser = amount_argument)]
    closed: Money,
    #[command(flatten)]
    key: Key,
}

/// Book what a card scheme paid, and close what it owed
///
/// For the switch's operator. In another currency than cards were charged in, both
/// go through the open positions, whose result shows once they are squared. For
/// USD 23.22 that arrived for CNY 154.50:
///
///   payctl settle-scheme --scheme visa --received "USD 23.22" \
///     --settled "CNY 154.50"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct SettleScheme {
    /// Which scheme: visa, mastercard, amex, diners, discover, jcb or unionpay
    #[arg(long, value_parser = scheme_argument)]
    scheme: Scheme,
    /// What arrived at the switch's bank
    #[arg(long, value_name = "AMOUNT", value_parser = amount_argument)]
    received: Money,
    /// What it closes of what the scheme owes, in the currency cards were charged in
    #[arg(long, value_name = "AMOUNT", value_parser = amount_argument)]
    settled: Money,
    #[command(flatten)]
    key: Key,
}

/// Reads a scheme as labels write it: `visa`.
fn scheme_argument(text: &str) -> Result<Scheme, String> {
    Scheme::named(text).ok_or_else(|| format!("a scheme is one of {}", Scheme::ALL.map(Scheme::as_str).join(", ")))
}

impl FundReserve {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let MerchantFunds { merchant, amount, key } = self.of;
        let request = FundReserveRequest {
            idempotency_key: key.or_new(),
            merchant_id: merchant.clone(),
            amount: words::money_message(amount),
        };
        let repeat = repeat_with(&request.idempotency_key);
        let reply = context.operator().fund_reserve(request).await.map_err(|error| Error::Call { error, repeat })?;
        let reason = reply.decline_reason();
        context.show(&reply, |reply| funds_text(reason, ["funded", "reserve of"], &merchant, amount, reply.lsn));
        Ok(exit(reason))
    }
}

impl PayOut {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let MerchantFunds { merchant, amount, key } = self.of;
        let request = PayOutRequest {
            idempotency_key: key.or_new(),
            merchant_id: merchant.clone(),
            amount: words::money_message(amount),
        };
        let repeat = repeat_with(&request.idempotency_key);
        let reply = context.operator().pay_out(request).await.map_err(|error| Error::Call { error, repeat })?;
        let reason = reply.decline_reason();
        context.show(&reply, |reply| funds_text(reason, ["paid out", "merchant"], &merchant, amount, reply.lsn));
        Ok(exit(reason))
    }
}

/// What was done to what, or why not.
fn funds_text(reason: DeclineReason, [done, to]: [&str; 2], merchant: &str, amount: Money, lsn: u64) -> String {
    let mut fields = answer_fields(reason);
    fields.line("amount", amount.grouped());
    fields.line("lsn", format!("{lsn}, durable"));
    format!("{}  {to} {merchant}\n{fields}", answer(reason, done))
}

impl SquarePosition {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        if self.bought.currency() != self.closed.currency() || self.bought.currency() == self.sold.currency() {
            let message = "--bought and --closed are in one currency, --sold in another";
            return Err(Error::Usage(message.to_owned()));
        }
        let request = SquarePositionRequest {
            idempotency_key: self.key.or_new(),
            sold_amount: words::money_message(self.sold),
            bought_amount: words::money_message(self.bought),
            closed_amount: words::money_message(self.closed),
        };
        let repeat = repeat_with(&request.idempotency_key);
        let reply = context.operator().square_position(request).await.map_err(|error| Error::Call { error, repeat })?;
        context.show(&reply, |reply| self.text(reply));
        Ok(exit(reply.decline_reason()))
    }

    fn text(&self, reply: &SquarePositionResponse) -> String {
        let reason = reply.decline_reason();
        let mut fields = answer_fields(reason);
        fields.line("sold", self.sold.grouped());
        fields.line("bought", self.bought.grouped());
        fields.line("closed", self.closed.grouped());
        fields.line("lsn", format!("{}, durable", reply.lsn));
        let postings = payment::postings_text(&reply.postings);
        format!("{}  position\n{fields}{postings}", answer(reason, "squared"))
    }
}

impl SettleScheme {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let request = SettleSchemeRequest {
            idempotency_key: self.key.or_new(),
            scheme: self.scheme.as_str().to_owned(),
            received_amount: words::money_message(self.received),
            settled_amount: words::money_message(self.settled),
        };
        let repeat = repeat_with(&request.idempotency_key);
        let reply = context.operator().settle_scheme(request).await.map_err(|error| Error::Call { error, repeat })?;
        context.show(&reply, |reply| self.text(reply));
        Ok(exit(reply.decline_reason()))
    }

    fn text(&self, reply: &SettleSchemeResponse) -> String {
        let reason = reply.decline_reason();
        let mut fields = answer_fields(reason);
        fields.line("received", self.received.grouped());
        fields.line("settled", self.settled.grouped());
        fields.line("lsn", format!("{}, durable", reply.lsn));
        let postings = payment::postings_for(&reply.postings, words::settlement_purpose);
        format!("{}  scheme {}\n{fields}{postings}", answer(reason, "settled"), self.scheme.as_str())
    }
}

fn answer(reason: DeclineReason, done: &str) -> String {
    if reason == DeclineReason::Unspecified { paint(GOOD, done) } else { paint(BAD, "declined") }
}

fn answer_fields(reason: DeclineReason) -> Fields {
    let mut fields = Fields::default();
    if reason != DeclineReason::Unspecified {
        fields.line("reason", words::decline(reason, ""));
        fields.line("", paint(FAINT, reason.as_str_name()));
    }
    fields
}

fn exit(reason: DeclineReason) -> Exit {
    if reason == DeclineReason::Unspecified { Exit::Approved } else { Exit::Declined }
}

#[cfg(test)]
mod tests {
    use wire::v1::Posting;

    use super::*;
    use crate::render::plain;

    fn deal() -> SquarePosition {
        let [sold, bought, closed] = ["HKD 70.76", "CNY 59.99", "CNY 60.00"].map(|text| Money::parse(text).unwrap());
        SquarePosition { sold, bought, closed, key: Key { idempotency_key: None } }
    }

    fn posting(debit: &str, credit: &str, amount: &str) -> Posting {
        Posting {
            debit_account: debit.into(),
            credit_account: credit.into(),
            amount: Money::parse(amount).ok().and_then(words::money_message),
        }
    }

    #[test]
    fn a_deal_shows_its_postings() {
        let reply = SquarePositionResponse {
            postings: vec![
                posting("fx_position:HKD", "nostro:HKD", "HKD 70.76"),
                posting("nostro:CNY", "fx_position:CNY", "CNY 59.99"),
                posting("fx_result:CNY", "fx_position:CNY", "CNY 0.01"),
            ],
            decline_reason: 0,
            lsn: 9,
        };
        let expected = "\
squared  position
  sold    HKD 70.76
  bought  CNY 59.99
  closed  CNY 60.00
  lsn     9, durable
  1  HKD 70.76  fx_position:HKD -> nostro:HKD
                sold to the bank
  2  CNY 59.99  nostro:CNY -> fx_position:CNY
                bought from the bank
  3   CNY 0.01  fx_result:CNY -> fx_position:CNY
                what another rate cost the switch
";
        assert_eq!(plain(deal().text(&reply)), expected);
    }

    #[test]
    fn a_settlement_shows_what_arrived_and_what_is_closed() {
        let [received, settled] = ["USD 23.22", "CNY 154.50"].map(|text| Money::parse(text).unwrap());
        let scheme = scheme_argument("visa").unwrap();
        let settle = SettleScheme { scheme, received, settled, key: Key { idempotency_key: None } };
        let reply = SettleSchemeResponse {
            postings: vec![
                posting("nostro:USD", "fx_position:USD", "USD 23.22"),
                posting("fx_position:CNY", "scheme_receivable:visa/CNY", "CNY 154.50"),
            ],
            decline_reason: 0,
            lsn: 9,
        };
        let expected = "\
settled  scheme visa
  received  USD 23.22
  settled   CNY 154.50
  lsn       9, durable
  1   USD 23.22  nostro:USD -> fx_position:USD
                 the scheme pays in its currency
  2  CNY 154.50  fx_position:CNY -> scheme_receivable:visa/CNY
                 what it owed in another is closed
";
        assert_eq!(plain(settle.text(&reply)), expected);
        assert!(scheme_argument("Visa").unwrap_err().contains("mastercard"));
    }

    #[test]
    fn a_declined_deal_says_why() {
        let reply =
            SquarePositionResponse { postings: Vec::new(), decline_reason: DeclineReason::BalanceLimit.into(), lsn: 9 };
        assert!(plain(deal().text(&reply)).starts_with("declined  position\n  reason  an account would hold more"));
        assert_eq!(exit(reply.decline_reason()), Exit::Declined);
    }
}
