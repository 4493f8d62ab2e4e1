//! `payctl list`.

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use money::Currency;
use wire::v1::{Payment, PaymentServiceListRequest, PaymentServiceListResponse, PaymentState};

use crate::commands::{currency_argument, name_argument, time_argument};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{Align, FAINT, Table, paint};
use crate::words;

/// List payments, oldest first
///
/// Of one merchant, with its key, or without --merchant as the switch's operator of all. Every filter that is given must
/// fit. One page; when there are more, how to ask for the next is printed below it. With --all every page is shown, with
/// --json as one reply after the other.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Of this merchant; in the sandbox its well-known key is used
    #[arg(long, value_name = "NAME", value_parser = name_argument)]
    merchant: Option<String>,
    /// In this state, or with commas in one of these
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    state: Vec<State>,
    /// Decided at this moment or later, e.g. 2026-11-21 or 2026-11-21T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time_argument)]
    from: Option<Timestamp>,
    /// Decided before this moment
    #[arg(long, value_name = "TIME", value_parser = time_argument)]
    to: Option<Timestamp>,
    /// Asked in this currency, ISO 4217
    #[arg(long, value_parser = currency_argument)]
    currency: Option<Currency>,
    /// Payments on a page, 1 to 500
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    page_size: u32,
    /// Where the page begins, as the page before said; with the same filters
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    page_token: String,
    /// Every page, not one
    #[arg(long)]
    all: bool,
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum State {
    Captured,
    Declined,
    Authorized,
    PartiallyCaptured,
    Voided,
    Expired,
    PartiallyRefunded,
    Refunded,
    Pending,
}

impl State {
    const fn message(self) -> PaymentState {
        match self {
            Self::Captured => PaymentState::Captured,
            Self::Declined => PaymentState::Declined,
            Self::Authorized => PaymentState::Authorized,
            Self::PartiallyCaptured => PaymentState::PartiallyCaptured,
            Self::Voided => PaymentState::Voided,
            Self::Expired => PaymentState::Expired,
            Self::PartiallyRefunded => PaymentState::PartiallyRefunded,
            Self::Refunded => PaymentState::Refunded,
            Self::Pending => PaymentState::Pending,
        }
    }
}

/// Whether the merchant of each payment is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    OneMerchant,
    All,
}

impl List {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let client = context.reader(self.merchant.as_deref())?;
        let whose = if self.merchant.is_some() { Whose::OneMerchant } else { Whose::All };
        let mut request = self.request();
        loop {
            let reply = client.list_payments(request.clone()).await?;
            context.show(&reply, |reply| text(reply, whose, self.all));
            if !self.all || reply.next_page_token.is_empty() {
                return Ok(Exit::Approved);
            }
            request.page_token = reply.next_page_token;
        }
    }

    fn request(&self) -> PaymentServiceListRequest {
        let moment = |time: Option<Timestamp>| time.map(words::moment_of).map(wire::replies::timestamp);
        PaymentServiceListRequest {
            merchant_id: self.merchant.clone().unwrap_or_default(),
            states: self.state.iter().map(|state| state.message().into()).collect(),
            create_time_from: moment(self.from),
            create_time_to: moment(self.to),
            presentment_currency_code: self.currency.map(|currency| currency.code().to_owned()).unwrap_or_default(),
            page_size: self.page_size,
            page_token: self.page_token.clone(),
        }
    }
}

fn text(page: &PaymentServiceListResponse, whose: Whose, all: bool) -> String {
    let mut table = Table::new([
        ("time, UTC", Align::Left),
        ("payment", Align::Left),
        ("amount", Align::Right),
        ("state", Align::Left),
        ("", Align::Left),
    ]);
    for payment in &page.payments {
        table.row(row(payment, whose));
    }
    let mut text = if page.payments.is_empty() { "  no payments here\n".to_owned() } else { table.to_string() };
    if !page.next_page_token.is_empty() && !all {
        text += &format!("{}\n", paint(FAINT, format!("  more: add --page-token {}", page.next_page_token)));
    }
    text
}

fn row(payment: &Payment, whose: Whose) -> [String; 5] {
    let merchant = match whose {
        Whose::OneMerchant => String::new(),
        Whose::All => paint(FAINT, &payment.merchant_id),
    };
    [
        words::minute(payment.create_time.as_ref().map(|time| time.seconds)),
        payment.payment_id.clone(),
        words::amount(payment.presentment_amount.as_ref()),
        words::payment_state_in_table(payment.state()).to_owned(),
        merchant,
    ]
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use wire::v1::Money;

    use super::*;
    use crate::render::plain;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        list: List,
    }

    fn page() -> PaymentServiceListResponse {
        let payment = |id: &str, state: PaymentState, minor_units| Payment {
            payment_id: id.into(),
            merchant_id: "demo-cafe".into(),
            state: state.into(),
            presentment_amount: Some(Money { currency_code: "CNY".into(), minor_units }),
            ..Payment::default()
        };
        PaymentServiceListResponse {
            payments: vec![
                payment("0199a1b2-0000-7000-8000-000000000000", PaymentState::PartiallyCaptured, 10_000),
                payment("0199a1b2-0001-7000-8000-000000000000", PaymentState::Voided, 1),
            ],
            next_page_token: "t2".into(),
            applied_lsn: 42,
        }
    }

    #[test]
    fn a_page_is_a_line_a_payment() {
        let expected = concat!(
            "  time, UTC  payment                                   amount  state\n",
            "  -          0199a1b2-0000-7000-8000-000000000000  CNY 100.00  part captured\n",
            "  -          0199a1b2-0001-7000-8000-000000000000    CNY 0.01  voided\n",
            "  more: add --page-token t2\n",
        );
        assert_eq!(plain(text(&page(), Whose::OneMerchant, false)), expected);
        assert!(plain(text(&page(), Whose::All, true)).ends_with("  CNY 0.01  voided         demo-cafe\n"));
        assert_eq!(text(&PaymentServiceListResponse::default(), Whose::All, true), "  no payments here\n");
    }

    #[test]
    fn filters_are_asked_as_given() {
        let line = "x --merchant m --state captured,partially-refunded --from 1970-01-02 --currency CNY --page-size 9";
        let request = Line::try_parse_from(line.split(' ')).unwrap().list.request();
        assert_eq!(request.states().collect::<Vec<_>>(), [PaymentState::Captured, PaymentState::PartiallyRefunded]);
        assert_eq!(request.create_time_from.map(|time| time.seconds), Some(86_400));
        assert_eq!((request.create_time_to.is_none(), request.page_size), (true, 9));
        assert_eq!((request.merchant_id.as_str(), request.presentment_currency_code.as_str()), ("m", "CNY"));
    }
}
