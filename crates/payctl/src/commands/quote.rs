//! `payctl quote`.

use clap::Args;
use money::Money;
use wire::v1::{self, CardConverter, Conversion, CreateRequest, CreateResponse};

use crate::commands::{AccountArgument, account_argument, amount_argument, name_argument, payment};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{FAINT, Fields, GOOD, STRONG, paint};
use crate::words;

/// Show what a payment would cost, and get a token that holds the offer
///
/// Asks as the merchant; with a wallet operator's key as that. Nothing is recorded: the offer is in the token, which
/// `authorize --quote` takes until it expires.
#[derive(Debug, Args)]
pub(crate) struct Quote {
    /// Merchant that would be paid; in the sandbox its well-known key is used
    #[arg(long, value_name = "NAME", value_parser = name_argument)]
    merchant: String,
    /// Account that would be debited: NAME in the sandbox's wallet, or WALLET/NAME
    #[arg(long, value_name = "ACCOUNT", value_parser = account_argument, required_unless_present = "card")]
    payer: Option<AccountArgument>,
    /// Bound card that would be charged: shows the currencies its holder can choose from, each with a token
    #[arg(long, value_name = "TOKEN", conflicts_with = "payer")]
    card: Option<String>,
    /// What the merchant would ask, e.g. "CNY 100.00"
    #[arg(long, value_parser = amount_argument)]
    amount: Money,
}

impl Quote {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let client = context.merchant(&self.merchant)?;
        let request = CreateRequest {
            merchant_id: self.merchant,
            payer: self.payer.as_ref().map(AccountArgument::reference),
            card_token: self.card.clone().unwrap_or_default(),
            presentment_amount: words::money_message(self.amount),
        };
        let reply = client.quote(request).await?;
        let offers = offers(&reply);
        if offers.is_empty() {
            return Err(Error::Reply("it has no quote".to_owned()));
        }
        for (quote, token, _) in offers {
            if quote.debit_amount.is_none() || token.is_empty() {
                let quote_id = &quote.quote_id;
                return Err(Error::Reply(format!("quote {quote_id} lacks what the payer would pay, or its token")));
            }
        }
        context.show(&reply, text);
        Ok(Exit::Approved)
    }
}

/// Each offer with its token and who would convert.
fn offers(reply: &CreateResponse) -> Vec<(&v1::Quote, &str, CardConverter)> {
    let of_account = reply.quote.iter().map(|quote| (quote, reply.quote_token.as_str(), CardConverter::Unspecified));
    let of_card = reply
        .card_offers
        .iter()
        .filter_map(|offer| Some((offer.quote.as_ref()?, offer.quote_token.as_str(), offer.converter())));
    of_account.chain(of_card).collect()
}

/// What a payer must be shown before being asked: every offer alike.
fn text(reply: &CreateResponse) -> String {
    let offers: String = offers(reply).into_iter().map(offer_text).collect();
    match reply.payer_text.as_str() {
        "" => offers,
        told => format!("{offers}\n{}\n", paint(FAINT, told)),
    }
}

/// An offer, then its token on a line of its own.
fn offer_text((quote, token, converter): (&v1::Quote, &str, CardConverter)) -> String {
    let mut fields = Fields::default();
    match quote.card_token.as_str() {
        "" => fields.line("payer", words::account(quote.payer.as_ref())),
        card => fields.line("card", card),
    }
    fields.line("merchant", &quote.merchant_id);
    fields.line("amount", words::amount(quote.presentment_amount.as_ref()));
    fields.line("payer pays", paint(STRONG, words::amount(quote.debit_amount.as_ref())));
    if quote.payer_fee.is_some() {
        fields.line("payer's fee", format!("{}, part of it", words::amount(quote.payer_fee.as_ref())));
    }
    if let Some(converter) = words::converter(converter) {
        fields.line("converted by", converter);
    }
    if let Some(conversion) = &quote.conversion {
        let (from, to) = (quote.presentment_amount.as_ref(), quote.debit_amount.as_ref());
        fields.line("rate", paint(STRONG, payment::rate(applied(conversion), conversion, from, to)));
        fields.line("mid rate", payment::rate(&conversion.mid_rate, conversion, from, to));
        let markup = words::amount(conversion.markup_amount.as_ref());
        let above = if payment::has_spread(conversion) { "above mid, half the spread included" } else { "above mid" };
        fields.line("markup", format!("{}, {markup} {above}", words::percent(&conversion.markup)));
        source(&mut fields, conversion);
    }
    fields.line("merchant gets", paint(STRONG, words::amount(quote.settlement_amount.as_ref())));
    fields.line("discount", words::amount(quote.merchant_discount.as_ref()));
    if let Some(conversion) = &quote.settlement_conversion {
        let (from, to) = (quote.presentment_amount.as_ref(), quote.settlement_amount.as_ref());
        fields.line("merchant's rate", payment::rate(applied(conversion), conversion, from, to));
        source(&mut fields, conversion);
    }
    fields.line("holds until", words::time(quote.expire_time.as_ref().map(|time| time.seconds)));
    let heading = paint(FAINT, "  token, for authorize --quote");
    format!("{}  quote {}\n{fields}{heading}\n{token}\n", paint(GOOD, "offered"), quote.quote_id)
}

/// What the amount is multiplied by, before markup.
fn applied(conversion: &v1::Conversion) -> &str {
    if payment::has_spread(conversion) { &conversion.applied_rate } else { &conversion.mid_rate }
}

/// Who published the rate, and of what time.
fn source(fields: &mut Fields, conversion: &Conversion) {
    fields.line("", paint(FAINT, format!("from {}", conversion.rate_source)));
    let time = words::time(conversion.rate_as_of_time.as_ref().map(|time| time.seconds));
    fields.line("", paint(FAINT, format!("of {time}")));
}

#[cfg(test)]
mod tests {
    use wire::v1::AccountReference;

    use super::*;
    use crate::render::plain;

    fn money(currency_code: &str, minor_units: i64) -> Option<v1::Money> {
        Some(v1::Money { currency_code: currency_code.to_owned(), minor_units })
    }

    fn reply() -> CreateResponse {
        let quote = v1::Quote {
            quote_id: "0199a1b2-0000-7000-8000-000000000000".into(),
            merchant_id: "demo-cafe".into(),
            payer: Some(AccountReference { wallet_id: "demo-wallet".into(), account_id: "hk-alice".into() }),
            presentment_amount: money("CNY", 10_000),
            debit_amount: money("HKD", 11_914),
            settlement_amount: money("CNY", 9_940),
            merchant_discount: money("CNY", 60),
            conversion: Some(Conversion {
                mid_rate: "1.1793".into(),
                applied_rate: "1.1796".into(),
                markup: "0.01".into(),
                mid_amount: money("HKD", 11_793),
                markup_amount: money("HKD", 121),
                rate_source: "treasury".into(),
                ..Conversion::default()
            }),
            ..v1::Quote::default()
        };
        CreateResponse { quote: Some(quote), quote_token: "q1.abc".into(), ..CreateResponse::default() }
    }

    #[test]
    fn a_quote_shows_all_a_payer_must_be_shown() {
        let expected = "\
offered  quote 0199a1b2-0000-7000-8000-000000000000
  payer          demo-wallet/hk-alice
  merchant       demo-cafe
  amount         CNY 100.00
  payer pays     HKD 119.14
  rate           HKD 1.1796 per CNY
  mid rate       HKD 1.1793 per CNY
  markup         1 %, HKD 1.21 above mid, half the spread included
                 from treasury
                 of -
  merchant gets  CNY 99.40
  discount       CNY 0.60
  holds until    -
  token, for authorize --quote
q1.abc
";
        assert_eq!(plain(text(&reply())), expected);
    }

    #[test]
    fn without_a_spread_the_rate_is_mid() {
        let mut reply = reply();
        if let Some(conversion) = reply.quote.as_mut().and_then(|quote| quote.conversion.as_mut()) {
            conversion.applied_rate = "1.1793".into();
        }
        let shown = plain(text(&reply));
        assert!(shown.contains("rate           HKD 1.1793 per CNY\n"), "{shown}");
        assert!(shown.contains("1 %, HKD 1.21 above mid\n"), "{shown}");
    }
}
