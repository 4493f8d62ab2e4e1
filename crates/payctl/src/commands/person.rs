//! `payctl person`: how well a wallet operator knows those who pay by card.

use clap::{Args, Subcommand, ValueEnum};
use wire::v1::{self, AssertRequest, AssertResponse, PersonServiceGetRequest};

use crate::commands::{Key, PersonArgument, person_argument, repeat_with};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{FAINT, Fields, GOOD, STRONG, paint};
use crate::words;

/// Say how well a person is known who pays by card
///
/// Asks as the wallet operator. What a person may pay by card, at once and within a year, follows from how well the
/// wallet operator knows them.
#[derive(Debug, Subcommand)]
pub(crate) enum Person {
    Assert(Assert),
    Show(Show),
}

/// Say how well a person is known
///
/// What was said before no longer counts. A verified person is known by at least
/// one document; the documents themselves are not the switch's to have. In a fresh
/// sandbox:
///
///   payctl person assert us-dana --tier verified --document passport
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Assert {
    /// The person: NAME in the sandbox's wallet, or WALLET/NAME
    #[arg(value_name = "PERSON", value_parser = person_argument)]
    person: PersonArgument,
    /// How well
    #[arg(long)]
    tier: Tier,
    /// By this kind of document, or with commas by several
    #[arg(long = "document", value_name = "KIND", value_delimiter = ',', required_if_eq("tier", "verified"))]
    documents: Vec<Document>,
    #[command(flatten)]
    key: Key,
}

/// Show a person
///
/// How well the wallet operator knows them, as last said.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The person: NAME in the sandbox's wallet, or WALLET/NAME
    #[arg(value_name = "PERSON", value_parser = person_argument)]
    person: PersonArgument,
}

/// How well a person is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Tier {
    /// Not at all, or not enough.
    Unverified,
    /// By a document.
    Verified,
}

impl Tier {
    const fn message(self) -> v1::PersonTier {
        match self {
            Self::Unverified => v1::PersonTier::Unverified,
            Self::Verified => v1::PersonTier::Verified,
        }
    }
}

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Document {
    /// A passport.
    Passport,
    /// A permanent resident's identity card for foreigners.
    PermanentResidenceId,
    /// A mainland travel permit of a resident of Hong Kong or Macao.
    HongKongMacaoPermit,
    /// A mainland travel permit of a resident of Taiwan.
    TaiwanPermit,
    /// A mainland residence permit of a resident of Hong Kong or Macao.
    HongKongMacaoResidencePermit,
    /// A mainland residence permit of a resident of Taiwan.
    TaiwanResidencePermit,
}

impl Document {
    const fn message(self) -> v1::DocumentKind {
        match self {
            Self::Passport => v1::DocumentKind::Passport,
            Self::PermanentResidenceId => v1::DocumentKind::PermanentResidenceId,
            Self::HongKongMacaoPermit => v1::DocumentKind::HongKongMacaoPermit,
            Self::TaiwanPermit => v1::DocumentKind::TaiwanPermit,
            Self::HongKongMacaoResidencePermit => v1::DocumentKind::HongKongMacaoResidencePermit,
            Self::TaiwanResidencePermit => v1::DocumentKind::TaiwanResidencePermit,
        }
    }
}

impl Person {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        match self {
            Self::Assert(assert) => assert.run(context).await,
            Self::Show(show) => show.run(context).await,
        }
    }
}

impl Assert {
    async fn run(self, context: &Context) -> Result<Exit, Error> {
        let client = context.wallet_named(&self.person.wallet_id)?;
        let request = self.request();
        let repeat = repeat_with(&request.idempotency_key);
        let known = fields(request.tier(), request.documents());
        let reply = client.assert_person(request).await.map_err(|error| Error::Call { error, repeat })?;
        context.show(&reply, |reply| self.text(reply, known));
        Ok(Exit::Approved)
    }

    fn request(&self) -> AssertRequest {
        AssertRequest {
            idempotency_key: self.key.or_new(),
            person_id: self.person.person_id.clone(),
            tier: self.tier.message().into(),
            documents: self.documents.iter().map(|kind| kind.message().into()).collect(),
        }
    }

    fn text(&self, reply: &AssertResponse, mut fields: Fields) -> String {
        fields.line("lsn", format!("{}, durable", reply.lsn));
        format!("{}  person {}\n{fields}", paint(GOOD, "noted"), self.person.person_id)
    }
}

impl Show {
    async fn run(self, context: &Context) -> Result<Exit, Error> {
        let client = context.wallet_named(&self.person.wallet_id)?;
        let reply = client.person(PersonServiceGetRequest { person_id: self.person.person_id }).await?;
        context.show(&reply, |reply| {
            let person = reply.person.as_ref().map(text).unwrap_or_default();
            person + &paint(FAINT, format!("  as of lsn {}", reply.applied_lsn)) + "\n"
        });
        Ok(Exit::Approved)
    }
}

fn text(person: &v1::Person) -> String {
    format!("person {}\n{}", paint(STRONG, &person.person_id), fields(person.tier(), person.documents()))
}

/// How well, and by what.
fn fields(tier: v1::PersonTier, documents: impl Iterator<Item = v1::DocumentKind>) -> Fields {
    let mut fields = Fields::default();
    let tier = match tier {
        v1::PersonTier::Unverified => "unverified",
        v1::PersonTier::Verified => "verified",
        v1::PersonTier::Unspecified => "-",
    };
    fields.line("tier", paint(STRONG, tier));
    for (index, document) in documents.enumerate() {
        fields.line(if index == 0 { "documents" } else { "" }, words::document(document));
    }
    fields
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::render::plain;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        assert: Assert,
    }

    #[test]
    fn a_verified_person_is_known_by_documents() {
        let line = "x us-dana --tier verified --document passport,taiwan-permit --key k";
        let assert = Line::try_parse_from(line.split(' ')).unwrap().assert;
        let request = assert.request();
        assert_eq!((request.person_id.as_str(), request.idempotency_key.as_str()), ("us-dana", "k"));
        assert_eq!(request.tier(), v1::PersonTier::Verified);
        let kinds: Vec<_> = request.documents().collect();
        assert_eq!(kinds, [v1::DocumentKind::Passport, v1::DocumentKind::TaiwanPermit]);
        let reply = AssertResponse { create_time: None, lsn: 9 };
        let expected = "\
noted  person us-dana
  tier       verified
  documents  passport
             travel permit, Taiwan
  lsn        9, durable
";
        assert_eq!(plain(assert.text(&reply, fields(request.tier(), request.documents()))), expected);
    }

    #[test]
    fn every_kind_of_document_can_be_named_and_is_shown() {
        for number in 1..=6 {
            let kind = v1::DocumentKind::try_from(number).unwrap();
            let named = Document::value_variants().iter().find(|document| document.message() == kind);
            assert!(named.is_some() && words::document(kind) != "-", "{kind:?}");
        }
        assert!(v1::DocumentKind::try_from(7).is_err());
    }

    #[test]
    fn one_who_was_never_verified_has_no_documents() {
        let person =
            v1::Person { person_id: "fr-emile".into(), tier: v1::PersonTier::Unverified.into(), documents: Vec::new() };
        assert_eq!(plain(text(&person)), "person fr-emile\n  tier  unverified\n");
    }
}
