//! `payctl pay`.

use clap::Args;
use money::Money;
use wire::v1::{AuthorizeRequest, Conversion, Payment, PaymentState};

use crate::commands::{AccountArgument, Key, account_argument, amount_argument, name_argument, new_id};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{BAD, FAINT, Fields, GOOD, STRONG, paint};
use crate::words;

/// Pay a merchant from a wallet account
///
/// Asks as the merchant for a payment, which is decided and captured at once: the
/// payer is debited in the currency of the account, the merchant is credited in
/// its own. In a fresh sandbox:
///
///   payctl pay --payer hk-alice --merchant demo-cafe --amount "CNY 100.00"
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Pay {
    /// Account to debit: NAME in the sandbox's wallet, or WALLET/NAME
    #[arg(long, value_name = "ACCOUNT", value_parser = account_argument)]
    payer: AccountArgument,
    /// Merchant to pay; in the sandbox its well-known key is used. With a key of your own it is the key that says who is
    /// paid; another name here is noted
    #[arg(long, value_name = "NAME", value_parser = name_argument)]
    merchant: String,
    /// Amount in the merchant's currency, e.g. "CNY 100.00"
    #[arg(long, value_parser = amount_argument)]
    amount: Money,
    /// The merchant's own number for what is paid; paid at most once [default: the idempotency key if one is given and
    /// short enough, else a new UUID]
    #[arg(long, value_name = "ID")]
    order: Option<String>,
    #[command(flatten)]
    key: Key,
}

impl Pay {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let client = context.merchant(&self.merchant)?;
        let request = AuthorizeRequest {
            merchant_order_id: self.order(),
            idempotency_key: self.key.or_new(),
            payer: Some(self.payer.reference()),
            presentment_amount: words::money_message(self.amount),
        };
        let repeat = format!("--idempotency-key {} --order {}", request.idempotency_key, request.merchant_order_id);
        let reply = client.authorize(request).await;
        let reply = reply.map_err(|error| Error::Call { error, repeat: Some(repeat) })?;
        let payment = reply.payment.as_ref().ok_or_else(|| Error::Reply("it has no payment".to_owned()))?;
        if payment.merchant_id != self.merchant {
            anstream::eprintln!("note: the API key belongs to merchant {}", payment.merchant_id);
        }
        let exit = exit_of(payment)?;
        context.show(&reply, |reply| reply.payment.as_ref().map(text).unwrap_or_default());
        Ok(exit)
    }
}

impl Pay {
    /// With a key of the caller's own the same command is the same request, so the order must not be a new one.
    fn order(&self) -> String {
        let of_key = || self.key.given().filter(|key| key.chars().count() <= domain::LABEL_CHARS_MAX);
        self.order.as_deref().or_else(of_key).map_or_else(new_id, str::to_owned)
    }
}

/// How a command ends that was told of this payment.
pub(crate) fn exit_of(payment: &Payment) -> Result<Exit, Error> {
    match payment.state() {
        PaymentState::Captured => Ok(Exit::Approved),
        PaymentState::Declined => Ok(Exit::Declined),
        PaymentState::Unspecified => Err(Error::Reply(format!("payment {} has no state", payment.payment_id))),
    }
}

/// A payment with everything a merchant or payer asks about.
pub(crate) fn text(payment: &Payment) -> String {
    let captured = payment.state() == PaymentState::Captured;
    let answer = if captured { paint(GOOD, "approved") } else { paint(BAD, "declined") };
    let mut fields = Fields::default();
    if !captured {
        let reason = payment.decline_reason();
        fields.line("reason", words::decline(reason, &payment.paid_by_payment_id));
        fields.line("", paint(FAINT, reason.as_str_name()));
    }
    fields.line("payer", words::account(payment.payer.as_ref()));
    fields.line("merchant", &payment.merchant_id);
    fields.line("order", &payment.merchant_order_id);
    fields.line("amount", words::amount(payment.presentment_amount.as_ref()));
    if payment.debit_amount.is_some() {
        fields.line("debit", debit(payment));
    }
    if payment.settlement_amount.is_some() {
        let settlement = paint(STRONG, words::amount(payment.settlement_amount.as_ref()));
        fields.line("merchant gets", settlement);
        fields.line("discount", words::amount(payment.merchant_discount.as_ref()));
    }
    if let Some(conversion) = &payment.conversion {
        fields.line("rate", rate(conversion, payment));
        fields.line("", paint(FAINT, format!("from {}", conversion.rate_source)));
        fields.line("", paint(FAINT, rate_age(conversion)));
    }
    fields.line("decided", words::time(payment.create_time.as_ref().map(|time| time.seconds)));
    fields.line("lsn", format!("{}, durable", payment.lsn));
    format!("{answer}  payment {}\n{fields}", payment.payment_id)
}

/// `HKD 119.11 (117.93 at mid + 1.18 markup of 1 %)`.
fn debit(payment: &Payment) -> String {
    let debit = paint(STRONG, words::amount(payment.debit_amount.as_ref()));
    match &payment.conversion {
        None => debit,
        Some(conversion) => format!(
            "{debit} ({} at mid + {} markup of {})",
            words::bare_amount(conversion.mid_amount.as_ref()),
            words::bare_amount(conversion.markup_amount.as_ref()),
            words::percent(&conversion.markup)
        ),
    }
}

/// `HKD 1.179291231 per CNY`.
fn rate(conversion: &Conversion, payment: &Payment) -> String {
    let code = |money: Option<&wire::v1::Money>| money.map(|money| money.currency_code.clone()).unwrap_or_default();
    // A debit too large for an amount has no currency to show; the account has.
    let debit = match conversion.mid_amount.as_ref() {
        None => "debit units".to_owned(),
        mid => code(mid),
    };
    let presentment = code(payment.presentment_amount.as_ref());
    format!("{debit} {} per {presentment}", conversion.mid_rate)
}

/// `3.2 s old when decided, lsn 12`.
fn rate_age(conversion: &Conversion) -> String {
    let age = words::duration(std::time::Duration::from_millis(conversion.rate_age_ms));
    format!("{age} old when decided, lsn {}", conversion.rate_lsn)
}

#[cfg(test)]
mod tests;
