//! `payctl card`: foreign cards of those who pay through a wallet.

mod number;

use clap::{Args, Subcommand};
use money::Currency;
use wire::v1::{
    self, BindRequest, BindResponse, CardServiceGetRequest, CardServiceListRequest, CardServiceListResponse, CardState,
    DeclineReason, UnbindRequest,
};

use self::number::Number;
use crate::commands::{Key, PersonArgument, currency_argument, person_argument, repeat_with};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{Align, BAD, FAINT, Fields, GOOD, STRONG, Table, paint};
use crate::words;

/// Bind a foreign card to a person, show it, or end it
///
/// Asks as the wallet operator. A card's number goes in once, into the vault, and never comes out: from then on the card
/// is called by its token, and `pay --card` charges it.
#[derive(Debug, Subcommand)]
pub(crate) enum Card {
    Bind(Bind),
    Unbind(Unbind),
    Show(Show),
    List(List),
}

/// Bind a card to a person, for a token
///
/// A number among the arguments is seen by whoever lists this machine's
/// processes, and stays in the shell's history: with --pan - it is read from
/// standard input. It goes to a daemon on this machine only, since payctl does not
/// encrypt. Declined, with exit code 1, when the card is bound to as many persons
/// as one may be; a card that is bound to the person already keeps its token, with
/// the expiry and currency given now. In a fresh sandbox, with a number that is
/// nobody's:
///
///   echo 4242424242424242 | payctl card bind --pan - --expiry 12/30 \
///     --payer us-dana --billing-currency USD
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Bind {
    /// The card's number, 12 to 19 digits; - reads it from standard input
    #[arg(long, value_name = "NUMBER")]
    pan: Number,
    /// When the card expires
    #[arg(long, value_name = "MM/YY")]
    expiry: String,
    /// Whose card: NAME in the sandbox's wallet, or WALLET/NAME
    #[arg(long, value_name = "PERSON", value_parser = person_argument)]
    payer: PersonArgument,
    /// In which currency its holder is billed, ISO 4217, where that is known
    #[arg(long, value_name = "CURRENCY", value_parser = currency_argument)]
    billing_currency: Option<Currency>,
    #[command(flatten)]
    key: Key,
}

/// End a card's token and destroy its number
///
/// Refused while a payment by it is pending or held, or its network has not taken all it was told. What was paid with it can
/// still be given back.
#[derive(Debug, Args)]
pub(crate) struct Unbind {
    /// The card's token, as `card bind` printed it
    #[arg(value_name = "TOKEN")]
    card_token: String,
    #[command(flatten)]
    key: Key,
}

/// Show a card
///
/// Its scheme and a few of its digits: its number is in the vault only.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The card's token, as `card bind` printed it
    #[arg(value_name = "TOKEN")]
    card_token: String,
}

/// List the cards of a person, oldest first
///
/// Those that were unbound are among them.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Whose cards: NAME in the sandbox's wallet, or WALLET/NAME
    #[arg(long, value_name = "PERSON", value_parser = person_argument)]
    payer: PersonArgument,
}

impl Card {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        match self {
            Self::Bind(bind) => bind.run(context).await,
            Self::Unbind(unbind) => unbind.run(context).await,
            Self::Show(show) => show.run(context).await,
            Self::List(list) => list.run(context).await,
        }
    }
}

impl Bind {
    async fn run(self, context: &Context) -> Result<Exit, Error> {
        let client = context.wallet_named(&self.payer.wallet_id)?;
        client.may_bind_cards()?;
        let request = BindRequest {
            idempotency_key: self.key.or_new(),
            person_id: self.payer.person_id,
            pan: self.pan.read()?,
            expiry: self.expiry,
            billing_currency_code: self.billing_currency.map(|currency| currency.code().to_owned()).unwrap_or_default(),
        };
        let repeat = repeat_with(&request.idempotency_key);
        let reply = client.bind_card(request).await.map_err(|error| Error::Call { error, repeat })?;
        let exit = bind_exit(&reply)?;
        context.show(&reply, bind_text);
        Ok(exit)
    }
}

impl Unbind {
    async fn run(self, context: &Context) -> Result<Exit, Error> {
        let request = UnbindRequest { idempotency_key: self.key.or_new(), card_token: self.card_token.clone() };
        let repeat = repeat_with(&request.idempotency_key);
        let reply = context.wallet().unbind_card(request).await.map_err(|error| Error::Call { error, repeat })?;
        context.show(&reply, |reply| {
            let beside = paint(FAINT, format!("lsn {}, durable", reply.lsn));
            format!("{}  card {}  {beside}\n", paint(GOOD, "unbound"), self.card_token)
        });
        Ok(Exit::Approved)
    }
}

impl Show {
    async fn run(self, context: &Context) -> Result<Exit, Error> {
        let reply = context.wallet().card(CardServiceGetRequest { card_token: self.card_token }).await?;
        context.show(&reply, |reply| {
            let card = reply.card.as_ref().map(text).unwrap_or_default();
            card + &paint(FAINT, format!("  as of lsn {}", reply.applied_lsn)) + "\n"
        });
        Ok(Exit::Approved)
    }
}

impl List {
    async fn run(self, context: &Context) -> Result<Exit, Error> {
        let client = context.wallet_named(&self.payer.wallet_id)?;
        let reply = client.list_cards(CardServiceListRequest { person_id: self.payer.person_id }).await?;
        context.show(&reply, list_text);
        Ok(Exit::Approved)
    }
}

fn bind_exit(reply: &BindResponse) -> Result<Exit, Error> {
    match (reply.decline_reason(), &reply.card) {
        (DeclineReason::Unspecified, None) => Err(Error::Reply("it has no card, and does not say why".to_owned())),
        (DeclineReason::Unspecified, Some(_)) => Ok(Exit::Approved),
        (_, _) => Ok(Exit::Declined),
    }
}

fn bind_text(reply: &BindResponse) -> String {
    let lsn = format!("{}, durable", reply.lsn);
    let Some(card) = &reply.card else {
        let mut fields = Fields::default();
        let reason = reply.decline_reason();
        fields.line("reason", words::decline(reason, ""));
        fields.line("", paint(FAINT, reason.as_str_name()));
        fields.line("lsn", lsn);
        return format!("{}  card\n{fields}", paint(BAD, "declined"));
    };
    let mut fields = fields(card);
    fields.line("lsn", lsn);
    format!("{}  card {}\n{fields}", paint(GOOD, "bound"), paint(STRONG, &card.card_token))
}

fn text(card: &v1::Card) -> String {
    let mut fields = fields(card);
    fields.line("state", state(card.state()));
    format!("card {}\n{fields}", paint(STRONG, &card.card_token))
}

fn fields(card: &v1::Card) -> Fields {
    let mut fields = Fields::default();
    fields.line("card", face(card));
    fields.line("person", &card.person_id);
    if !card.billing_currency_code.is_empty() {
        fields.line("billed in", &card.billing_currency_code);
    }
    fields
}

fn list_text(reply: &CardServiceListResponse) -> String {
    let mut table =
        Table::new([("token", Align::Left), ("card", Align::Left), ("billed", Align::Left), ("state", Align::Left)]);
    for card in &reply.cards {
        let billed = if card.billing_currency_code.is_empty() { "-" } else { &card.billing_currency_code };
        table.row([card.card_token.clone(), face(card), billed.to_owned(), state(card.state())]);
    }
    let cards = if reply.cards.is_empty() { "  no cards here\n".to_owned() } else { table.to_string() };
    cards + &paint(FAINT, format!("  as of lsn {}", reply.applied_lsn)) + "\n"
}

fn face(card: &v1::Card) -> String {
    words::card(&card.scheme, &card.bin, &card.last_four)
}

fn state(state: CardState) -> String {
    match state {
        CardState::Bound => paint(GOOD, "bound"),
        CardState::Unbound => paint(BAD, "unbound"),
        CardState::Unspecified => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::plain;

    fn card(state: CardState) -> v1::Card {
        v1::Card {
            card_token: "0199a1b2-0000-7000-8000-000000000000".into(),
            person_id: "us-dana".into(),
            scheme: "unionpay".into(),
            bin: "62424242".into(),
            last_four: "4242".into(),
            billing_currency_code: "USD".into(),
            state: state.into(),
        }
    }

    #[test]
    fn a_bound_card_shows_its_token_and_a_few_digits() {
        let reply = BindResponse { card: Some(card(CardState::Bound)), decline_reason: 0, lsn: 9 };
        let expected = "\
bound  card 0199a1b2-0000-7000-8000-000000000000
  card       unionpay 62424242…4242
  person     us-dana
  billed in  USD
  lsn        9, durable
";
        assert_eq!(plain(bind_text(&reply)), expected);
        assert_eq!(bind_exit(&reply).unwrap(), Exit::Approved);
        assert!(plain(text(&card(CardState::Unbound))).ends_with("  billed in  USD\n  state      unbound\n"));
    }

    #[test]
    fn a_card_that_is_not_bound_says_why() {
        let reply = BindResponse { card: None, decline_reason: DeclineReason::CardPersonsLimit.into(), lsn: 9 };
        let expected = "\
declined  card
  reason  the card is bound to as many persons as one may be
          DECLINE_REASON_CARD_PERSONS_LIMIT
  lsn     9, durable
";
        assert_eq!(plain(bind_text(&reply)), expected);
        assert_eq!(bind_exit(&reply).unwrap(), Exit::Declined);
        assert_eq!(bind_exit(&BindResponse::default()).unwrap_err().exit(), Exit::Damaged);
    }

    #[test]
    fn a_list_fits_eighty_columns() {
        let cards =
            vec![card(CardState::Bound), v1::Card { billing_currency_code: "".into(), ..card(CardState::Unbound) }];
        let shown = plain(list_text(&CardServiceListResponse { cards, applied_lsn: 42 }));
        let expected = "  token                                 card                    billed  state
  0199a1b2-0000-7000-8000-000000000000  unionpay 62424242…4242  USD     bound
  0199a1b2-0000-7000-8000-000000000000  unionpay 62424242…4242  -       unbound
  as of lsn 42
";
        assert_eq!(shown, expected);
        assert!(shown.lines().all(|line| line.chars().count() <= 80), "{shown}");
        assert_eq!(plain(list_text(&CardServiceListResponse::default())), "  no cards here\n  as of lsn 0\n");
    }
}
