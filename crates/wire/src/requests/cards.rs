//! What wallet operators ask of persons and their cards.

use domain::{
    AssertPerson, CardToken, DocumentKind, Documents, IdempotencyKey, Method, Name, PersonTier, TenantId, UnbindCard,
    WalletId,
};
use money::Currency;

use super::{InvalidField, InvalidReason, field, idempotency_key};
use crate::{digest::Digester, fingerprint::fingerprint, v1};

/// A wallet operator's request to bind a card, without the card: its number goes to the vault and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardRequest {
    /// Whose card.
    pub person: Name,
    /// In which currency its holder is billed, if that is known.
    pub billing_currency: Option<Currency>,
}

/// Parses a wallet operator's request to say how well a person is known.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn assert_person(
    message: &v1::AssertRequest,
    wallet: WalletId,
    digester: &Digester,
) -> Result<(IdempotencyKey, AssertPerson), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let person = person_name(&message.person_id)?;
    let tier = match v1::PersonTier::try_from(message.tier) {
        Ok(v1::PersonTier::Unverified) => PersonTier::Unverified,
        Ok(v1::PersonTier::Verified) => PersonTier::Verified,
        Ok(v1::PersonTier::Unspecified) => return Err(InvalidField::missing("tier")),
        Err(_) => return Err(InvalidField::unknown("tier", message.tier)),
    };
    let mut documents = Documents::default();
    for number in &message.documents {
        let kind = u8::try_from(*number).ok().and_then(DocumentKind::from_number);
        let kind = kind.ok_or_else(|| InvalidField::unknown("documents", *number))?;
        if documents.has(kind) {
            let rule = "must not name a kind twice".to_owned();
            return Err(InvalidField::new("documents", InvalidReason::FieldsConflict, rule));
        }
        documents = documents.with(kind);
    }
    if tier == PersonTier::Verified && documents.iter().next().is_none() {
        let rule = "must name at least one document of a verified person".to_owned();
        return Err(InvalidField::new("documents", InvalidReason::FieldsConflict, rule));
    }

    let kinds: Vec<u8> = documents.iter().map(DocumentKind::number).collect();
    let values: [(_, &[u8]); 3] =
        [("person_id", person.as_str().as_bytes()), ("tier", &[tier.number()]), ("documents", &kinds)];
    let fingerprint = fingerprint(digester, Method::AssertPerson, &values, &[]);
    let key = idempotency_key(TenantId::Wallet(wallet), key, fingerprint, digester);
    Ok((key, AssertPerson { wallet, person, tier, documents }))
}

/// Parses a wallet operator's request to bind a card. The card's number and its expiry are looked at by whoever keeps them;
/// here they only tell this request from another, by keyed digests.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn bind_card(
    message: &v1::BindRequest,
    wallet: WalletId,
    digester: &Digester,
) -> Result<(IdempotencyKey, CardRequest), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let person = person_name(&message.person_id)?;
    field::given("pan", &message.pan)?;
    field::given("expiry", &message.expiry)?;
    let billing_currency = match message.billing_currency_code.as_str() {
        "" => None,
        code => Some(field::currency("billing_currency_code", code)?),
    };

    let values: [(_, &[u8]); 3] = [
        ("person_id", person.as_str().as_bytes()),
        ("pan", message.pan.as_bytes()),
        ("expiry", message.expiry.as_bytes()),
    ];
    let billed = billing_currency.map(|currency| currency.code().as_bytes());
    let fingerprint = fingerprint(digester, Method::BindCard, &values, &[("billing_currency_code", billed)]);
    let key = idempotency_key(TenantId::Wallet(wallet), key, fingerprint, digester);
    Ok((key, CardRequest { person, billing_currency }))
}

/// Parses a wallet operator's request to end a card's token.
///
/// # Errors
/// Names the first field that is not what it should be.
pub fn unbind_card(
    message: &v1::UnbindRequest,
    wallet: WalletId,
    digester: &Digester,
) -> Result<(IdempotencyKey, UnbindCard), InvalidField> {
    let key = field::key(&message.idempotency_key)?;
    let token = card_token(&message.card_token)?;
    let fingerprint = fingerprint(digester, Method::UnbindCard, &[("card_token", &token.bytes())], &[]);
    let key = idempotency_key(TenantId::Wallet(wallet), key, fingerprint, digester);
    Ok((key, UnbindCard { wallet, token }))
}

/// Reads a card's token.
///
/// # Errors
/// When it is missing or not written as tokens are.
pub fn card_token(text: &str) -> Result<CardToken, InvalidField> {
    field::card_token("card_token", text)
}

/// Reads what a wallet operator calls a person.
///
/// # Errors
/// When it is missing, too long or has a character that names do not have.
pub fn person_name(text: &str) -> Result<Name, InvalidField> {
    field::name("person_id", text)
}

/// What is wrong with a card's number, or with its expiry: `rule` repeats nothing of either.
#[must_use]
pub fn invalid_card(field: &'static str, rule: String) -> InvalidField {
    InvalidField::new(field, InvalidReason::CardInvalid, rule)
}
