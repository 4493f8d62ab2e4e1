//! `payctl pay`, and what it shares with `payctl authorize`.

use clap::Args;
use money::Money;
use wire::v1::{AuthorizeRequest, CaptureMode};

use crate::commands::{AccountArgument, Key, account_argument, amount_argument, name_argument, new_id, payment};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::words;

/// Pay a merchant from a wallet account, or by card
///
/// Asks as the merchant for a payment, which is decided and captured at once: the
/// payer is debited in the currency of the account, the merchant is credited in
/// its own. In a fresh sandbox:
///
///   payctl pay --payer hk-alice --merchant demo-cafe --amount "CNY 100.00"
///
/// A foreign card's issuer is asked first; when it has not answered in time, the
/// payment is pending, with exit code 5:
///
///   payctl pay --card TOKEN --merchant demo-cafe --amount "CNY 250.00"
///
/// The short form of `authorize` with its defaults.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Pay {
    #[command(flatten)]
    order: OrderArguments,
}

/// What is to be paid, to whom and by whom.
#[derive(Debug, Args)]
pub(crate) struct OrderArguments {
    #[command(flatten)]
    payer: PayerArguments,
    /// Merchant to pay; in the sandbox its well-known key is used. With a key of your own it is the key that says who is
    /// paid; another name here is noted
    #[arg(long, value_name = "NAME", value_parser = name_argument)]
    merchant: String,
    /// Amount the merchant asks, e.g. "CNY 100.00"
    #[arg(long, value_parser = amount_argument)]
    amount: Money,
    /// The merchant's own number for what is paid; paid at most once [default: the idempotency key if one is given and
    /// short enough, else a new UUID]
    #[arg(long, value_name = "ID")]
    order: Option<String>,
    /// Pay by this quote, as `payctl quote` printed its token
    #[arg(long, value_name = "TOKEN")]
    quote: Option<String>,
    /// Decline a debit larger than this, in the payer's currency, e.g. "HKD 120.00"
    #[arg(long, value_name = "AMOUNT", value_parser = amount_argument)]
    max_debit: Option<Money>,
    #[command(flatten)]
    key: Key,
}

/// Who pays, and how they agreed: exactly one of four.
#[derive(Debug, Args)]
struct PayerArguments {
    /// Account to debit: NAME in the sandbox's wallet, or WALLET/NAME. Alone it is a consent in a sandbox only
    #[arg(long, value_name = "ACCOUNT", value_parser = account_argument,
          required_unless_present_any = ["payer_code", "mandate", "card"],
          conflicts_with_all = ["payer_code", "mandate", "card"])]
    payer: Option<AccountArgument>,
    /// The payer's one-time code, as `payctl consent code` shows it
    #[arg(long, value_name = "CODE", conflicts_with_all = ["mandate", "card"])]
    payer_code: Option<String>,
    /// The payer's standing mandate
    #[arg(long, value_name = "ID", conflicts_with = "card")]
    mandate: Option<String>,
    /// The payer's foreign card, by the token that `payctl card bind` printed. Alone it is a consent in a sandbox only
    #[arg(long, value_name = "TOKEN")]
    card: Option<String>,
    /// The payer's wallet approved this order, as with `payctl consent approve`
    #[arg(long, conflicts_with_all = ["payer_code", "mandate"])]
    order_approved: bool,
}

impl Pay {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        self.order.authorize(CaptureMode::Automatic, context).await
    }
}

impl OrderArguments {
    /// Asks, and shows the payment as decided.
    pub(crate) async fn authorize(self, capture_mode: CaptureMode, context: &Context) -> Result<Exit, Error> {
        let client = context.merchant(&self.merchant)?;
        let request = self.request(capture_mode);
        let repeat = format!("--idempotency-key {} --order {}", request.idempotency_key, request.merchant_order_id);
        let reply = client.authorize(request).await;
        let reply = reply.map_err(|error| Error::Call { error, repeat: Some(repeat) })?;
        let payment = payment::of_reply(reply.payment.as_ref())?;
        if payment.merchant_id != self.merchant {
            anstream::eprintln!("note: the API key belongs to merchant {}", payment.merchant_id);
        }
        let exit = payment::exit_of(payment)?;
        context.show(&reply, |reply| reply.payment.as_ref().map(payment::text).unwrap_or_default());
        if exit == Exit::Pending {
            let (id, merchant) = (&payment.payment_id, &payment.merchant_id);
            anstream::eprintln!("note: to learn what has become of it: payctl get {id} --merchant {merchant}");
        }
        Ok(exit)
    }

    fn request(&self, capture_mode: CaptureMode) -> AuthorizeRequest {
        AuthorizeRequest {
            merchant_order_id: self.order(),
            idempotency_key: self.key.or_new(),
            payer: self.payer.payer.as_ref().map(AccountArgument::reference),
            presentment_amount: words::money_message(self.amount),
            capture_mode: capture_mode.into(),
            payer_code: self.payer.payer_code.clone().unwrap_or_default(),
            mandate_id: self.payer.mandate.clone().unwrap_or_default(),
            order_approved: self.payer.order_approved,
            quote_token: self.quote.clone().unwrap_or_default(),
            max_debit_amount: self.max_debit.and_then(words::money_message),
            card_token: self.payer.card.clone().unwrap_or_default(),
        }
    }

    /// With a key of the caller's own the same command is the same request, so the order must not be a new one.
    fn order(&self) -> String {
        let of_key = || self.key.given().filter(|key| key.chars().count() <= domain::LABEL_CHARS_MAX);
        self.order.as_deref().or_else(of_key).map_or_else(new_id, str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        order: OrderArguments,
    }

    fn request(arguments: &str) -> AuthorizeRequest {
        let line = format!("x --merchant demo-cafe --amount CNY_100.00 {arguments}");
        let words = line.split_whitespace().map(|word| word.replace('_', " "));
        Line::try_parse_from(words).unwrap().order.request(CaptureMode::Manual)
    }

    #[test]
    fn each_way_to_agree_is_asked_as_such() {
        let named = request("--payer hk-alice --key k");
        assert_eq!(words::account(named.payer.as_ref()), "demo-wallet/hk-alice");
        assert_eq!((named.idempotency_key.as_str(), named.merchant_order_id.as_str()), ("k", "k"));
        assert_eq!((named.capture_mode(), named.order_approved), (CaptureMode::Manual, false));
        assert!(request("--payer hk-alice --order o1 --order-approved").order_approved);
        let coded = request("--payer-code 123456789012345678 --quote token --max-debit HKD_120.00");
        assert_eq!((coded.payer, coded.payer_code.as_str()), (None, "123456789012345678"));
        assert_eq!(coded.quote_token, "token");
        assert_eq!(words::amount(coded.max_debit_amount.as_ref()), "HKD 120.00");
        assert_eq!(request("--mandate 0199").mandate_id, "0199");
        let by_card = request("--card 0199");
        assert_eq!((by_card.payer, by_card.card_token.as_str(), by_card.order_approved), (None, "0199", false));
        assert!(request("--card 0199 --order o1 --order-approved").order_approved);
    }

    #[test]
    fn an_order_is_new_unless_key_or_order_is_given() {
        let [one, other] = [request("--payer a"), request("--payer a")];
        assert_ne!(one.merchant_order_id, other.merchant_order_id);
        assert_eq!(request("--payer a --key k --order o").merchant_order_id, "o");
        let long = "k".repeat(domain::LABEL_CHARS_MAX + 1);
        assert_ne!(request(&format!("--payer a --key {long}")).merchant_order_id, long);
    }
}
