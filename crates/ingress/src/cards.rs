//! Foreign cards and the persons who hold them, for wallet operators.

use std::{
    fmt, mem,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    AssertPerson, BindCard, CardFace, CardRefusal, CardToken, Command, DeclineReason, Event, IdempotencyKey, Lsn, Name,
    Refusal, Submission, Timestamp, UnbindCard, WalletId,
};
use pipeline::CardEntry;
use shard::{Clock, Committed, Refused};
use tokio::task;
use tonic::{Request, Response, Status, metadata::MetadataMap};
use vault::{BindError, Bound, Expiry, Pan, Vault};
use wire::{
    replies,
    requests::{self, CardRequest},
    served, v1,
};

use crate::{Switch, deadline::Deadline, errors, metric_names::Method, switch::answer};

/// Where card numbers go, or why none are taken.
#[derive(Clone, Debug)]
pub enum CardNumbers {
    /// Into this vault.
    Kept(CardVault),
    /// Nowhere: there is no vault.
    NoVault,
}

/// The vault, shared by those who bind and those who charge. Its calls wait for the disk.
#[derive(Clone)]
pub struct CardVault(Arc<Mutex<Vault>>);

impl fmt::Debug for CardVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CardVault")
    }
}

impl CardVault {
    /// This vault.
    #[must_use]
    pub fn new(vault: Vault) -> Self {
        Self(Arc::new(Mutex::new(vault)))
    }

    /// Runs `work` on the vault, alone.
    pub fn with<T>(&self, work: impl FnOnce(&mut Vault) -> T) -> T {
        // A panic in the vault stops the process; there is nothing half done behind a poisoned lock.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same on a thread that may wait for the disk.
    async fn within<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vault) -> T + Send + 'static,
    ) -> Result<T, Status> {
        let vault = self.clone();
        task::spawn_blocking(move || vault.with(work)).await.map_err(|_| errors::vault_failed())
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Cards {
    pub(crate) switch: Switch,
}

#[tonic::async_trait]
impl served::card_service_server::CardService for Cards {
    async fn bind(&self, request: Request<v1::BindRequest>) -> Result<Response<v1::BindResponse>, Status> {
        let cards = self.clone();
        Method::BindCard.begin().end(to_the_end(async move { cards.bind_now(request).await }).await)
    }

    async fn unbind(&self, request: Request<v1::UnbindRequest>) -> Result<Response<v1::UnbindResponse>, Status> {
        let cards = self.clone();
        Method::UnbindCard.begin().end(to_the_end(async move { cards.unbind_now(request).await }).await)
    }

    async fn get(
        &self,
        request: Request<v1::CardServiceGetRequest>,
    ) -> Result<Response<v1::CardServiceGetResponse>, Status> {
        let work = async {
            let (wallet, deadline) = caller(&self.switch, request.metadata())?;
            let token = requests::card_token(&request.get_ref().card_token).map_err(errors::invalid_field)?;
            self.switch.caught_up(deadline).await?;
            let card = self.switch.directory.card(token).filter(|card| card.wallet == wallet);
            let card = card.ok_or_else(|| errors::card_not_found(&token.to_string()))?;
            let applied_lsn = self.switch.boards.applied_lsn().get();
            Ok(Response::new(v1::CardServiceGetResponse { card: Some(card_message(token, &card)), applied_lsn }))
        };
        Method::GetCard.begin().end(work.await)
    }

    async fn list(
        &self,
        request: Request<v1::CardServiceListRequest>,
    ) -> Result<Response<v1::CardServiceListResponse>, Status> {
        let work = async {
            let (wallet, deadline) = caller(&self.switch, request.metadata())?;
            let name = requests::person_name(&request.get_ref().person_id).map_err(errors::invalid_field)?;
            self.switch.caught_up(deadline).await?;
            let person = self.switch.directory.person(wallet, &name);
            let tokens = person.ok_or_else(|| errors::person_not_found(name.as_str()))?.cards;
            let card = |token| Some(card_message(token, &self.switch.directory.card(token)?));
            let applied_lsn = self.switch.boards.applied_lsn().get();
            let cards = tokens.into_iter().filter_map(card).collect();
            Ok(Response::new(v1::CardServiceListResponse { cards, applied_lsn }))
        };
        Method::ListCards.begin().end(work.await)
    }
}

impl Cards {
    /// Of a card that its person has already the ledger is asked first, and the vault then keeps the expiry. The number of another
    /// goes into the vault first: a card that is bound can be charged at once. What then turns out not to be bound is destroyed.
    /// What a crash leaves in between is told at the next start.
    async fn bind_now(&self, request: Request<v1::BindRequest>) -> Result<Response<v1::BindResponse>, Status> {
        let (wallet, deadline) = caller(&self.switch, request.metadata())?;
        let vault = match &self.switch.card_numbers {
            CardNumbers::Kept(vault) => vault.clone(),
            CardNumbers::NoVault => return Err(errors::no_card_vault()),
        };
        let mut message = request.into_inner();
        let asked = requests::bind_card(&message, wallet, &self.switch.digester).map_err(errors::invalid_field);
        let card = number_and_expiry(&message, self.switch.clock.now());
        wipe(&mut message.pan);
        let (key, CardRequest { person, billing_currency }) = asked?;
        let card = Arc::new(card?);

        let bind = |token, card| BindCard { wallet, person: person.clone(), token, card, billing_currency };
        if let Some((token, face)) = self.known(deadline, (wallet, &person), (&vault, &card)).await? {
            // The ledger has the token, so it binds nothing: it keeps that, or says what it said before under this key.
            match self.submit_bind(deadline, key, bind(token, face)).await {
                Ok(Told::New(committed) | Told::Earlier(committed)) => {
                    return self.bound(deadline, &committed, (&vault, &card)).await;
                }
                // It was unbound meanwhile, so it is bound anew.
                Ok(Told::TokenTaken(_)) => {}
                Err(Unbound::Not(status) | Unbound::Unknown(status)) => return Err(status),
            }
        }

        let token = self.switch.ids.card(self.switch.clock.now());
        let Bound { scheme, bin, last_four, fingerprint } = bind_in(&vault, token, &card).await?;
        let face = CardFace { scheme, bin, last_four, fingerprint };
        let told = self.submit_bind(deadline, key, bind(token, face)).await;
        if !matches!(&told, Ok(Told::New(_)) | Err(Unbound::Unknown(_))) {
            unbind_in(&vault, token).await?;
        }
        match told {
            Ok(Told::New(committed) | Told::Earlier(committed)) => {
                self.bound(deadline, &committed, (&vault, &card)).await
            }
            Ok(Told::TokenTaken(status)) | Err(Unbound::Not(status) | Unbound::Unknown(status)) => Err(status),
        }
    }

    /// The token under which this person has this card, if it has.
    async fn known(
        &self,
        deadline: Deadline,
        (wallet, person): (WalletId, &Name),
        (vault, card): (&CardVault, &Arc<(Pan, Expiry)>),
    ) -> Result<Option<(CardToken, CardFace)>, Status> {
        self.switch.caught_up(deadline).await?;
        let Some(person) = self.switch.directory.person(wallet, person) else { return Ok(None) };
        let card = Arc::clone(card);
        let fingerprint = vault.within(move |vault| vault.fingerprint(&card.0)).await?;
        Ok(person.cards.into_iter().find_map(|token| {
            let entry = self.switch.directory.card(token)?;
            (entry.bound && entry.face.fingerprint == fingerprint).then_some((token, entry.face))
        }))
    }

    /// Has the vault keep a card that is bound, with the expiry that the record at `renewed` came with; nothing is written if it
    /// has it so, or if a later record bound the card again. What was unbound in the meantime is not kept.
    async fn keep(
        &self,
        deadline: Deadline,
        (token, renewed): (CardToken, Lsn),
        (vault, card): (&CardVault, &Arc<(Pan, Expiry)>),
    ) -> Result<(), Status> {
        self.switch.caught_up(deadline).await?;
        let (directory, card) = (Arc::clone(&self.switch.directory), Arc::clone(card));
        // Looked at while nobody else changes the vault: who binds it again later is seen here, or writes later.
        let kept = vault.within(move |vault| {
            let is_last = directory.card(token).is_some_and(|entry| entry.bound && entry.renewed <= renewed);
            if is_last { vault.bind(token, &card.0, card.1).map(drop) } else { Ok(()) }
        });
        kept.await?.map_err(|error| bind_error(&error))?;
        // Who unbinds has that recorded, then destroys the number: so either it is seen here, or it comes after.
        self.switch.caught_up(deadline).await?;
        if self.switch.directory.card(token).is_none_or(|entry| !entry.bound) {
            unbind_in(vault, token).await?;
        }
        Ok(())
    }

    async fn submit_bind(&self, deadline: Deadline, key: IdempotencyKey, bind: BindCard) -> Result<Told, Unbound> {
        let (token, person) = (bind.token, bind.person.clone());
        let submission = Submission { key: Some(key), command: Command::BindCard(bind) };
        let answered = self.switch.ask(deadline, submission, None).await.map_err(Unbound::Unknown)?;
        match answered {
            Ok(committed) => {
                let is_ours = matches!(&committed.record.command, Command::BindCard(bind) if bind.token == token);
                let is_bound = matches!(committed.record.event, Event::CardBound);
                Ok(if is_ours && is_bound { Told::New(committed) } else { Told::Earlier(committed) })
            }
            Err(refused) => {
                let status = errors::refused(&refused, person.as_str(), self.switch.clock.now());
                if let Refused::Engine(Refusal::Card(CardRefusal::Exists { .. })) = refused {
                    return Ok(Told::TokenTaken(status));
                }
                Err(if refused == Refused::Unconfirmed { Unbound::Unknown(status) } else { Unbound::Not(status) })
            }
        }
    }

    async fn bound(
        &self,
        deadline: Deadline,
        committed: &Committed,
        kept: (&CardVault, &Arc<(Pan, Expiry)>),
    ) -> Result<Response<v1::BindResponse>, Status> {
        let record = &committed.record;
        let Command::BindCard(bind) = &record.command else { return Err(errors::unexpected_record()) };
        let (token, billing_currency) = if let Event::CardRenewed(renewed) = &record.event {
            self.keep(deadline, (renewed.token, record.lsn), kept).await?;
            (renewed.token, renewed.billing_currency)
        } else {
            (bind.token, bind.billing_currency)
        };
        let reason: Option<DeclineReason> = record.event.decline().map(|decline| decline.reason);
        let shown = || replies::card(token, &bind.card, bind.person.as_str(), billing_currency, true);
        let message = v1::BindResponse {
            card: reason.is_none().then(shown),
            decline_reason: reason.map_or(0, |reason| replies::decline_reason(reason).into()),
            lsn: record.lsn.get(),
        };
        Ok(answer(message, committed.repeated))
    }

    /// The token ends first: from then on nobody charges the card, and the number can go.
    async fn unbind_now(&self, request: Request<v1::UnbindRequest>) -> Result<Response<v1::UnbindResponse>, Status> {
        let (wallet, deadline) = caller(&self.switch, request.metadata())?;
        let (key, unbind) =
            requests::unbind_card(request.get_ref(), wallet, &self.switch.digester).map_err(errors::invalid_field)?;
        let UnbindCard { token, .. } = unbind;
        let submission = Submission { key: Some(key), command: Command::UnbindCard(unbind) };
        let committed = self.switch.submit(deadline, submission, || token.to_string()).await?;
        if let CardNumbers::Kept(vault) = &self.switch.card_numbers {
            unbind_in(vault, token).await?;
        }
        let (create_time, lsn) = (Some(replies::timestamp(committed.record.at)), committed.record.lsn.get());
        Ok(answer(v1::UnbindResponse { create_time, lsn }, committed.repeated))
    }
}

/// What became of a request to bind.
enum Told {
    /// The card is bound, under the token it was given.
    New(Committed),
    /// It was answered before under the same key, or declined; or the person has the card already, under another token.
    Earlier(Committed),
    /// The token is of a card already, which was unbound.
    TokenTaken(Status),
}

/// Why nothing is known to be bound.
enum Unbound {
    /// Nothing is.
    Not(Status),
    /// Something may be.
    Unknown(Status),
}

#[derive(Debug)]
pub(crate) struct Persons {
    pub(crate) switch: Switch,
}

#[tonic::async_trait]
impl served::person_service_server::PersonService for Persons {
    async fn assert(&self, request: Request<v1::AssertRequest>) -> Result<Response<v1::AssertResponse>, Status> {
        let work = async {
            let (wallet, deadline) = caller(&self.switch, request.metadata())?;
            let (key, asserted) = requests::assert_person(request.get_ref(), wallet, &self.switch.digester)
                .map_err(errors::invalid_field)?;
            let AssertPerson { person, .. } = &asserted;
            let person: Name = person.clone();
            let submission = Submission { key: Some(key), command: Command::AssertPerson(asserted) };
            let committed = self.switch.submit(deadline, submission, || person.to_string()).await?;
            let (create_time, lsn) = (Some(replies::timestamp(committed.record.at)), committed.record.lsn.get());
            Ok(answer(v1::AssertResponse { create_time, lsn }, committed.repeated))
        };
        Method::AssertPerson.begin().end(work.await)
    }

    async fn get(
        &self,
        request: Request<v1::PersonServiceGetRequest>,
    ) -> Result<Response<v1::PersonServiceGetResponse>, Status> {
        let work = async {
            let (wallet, deadline) = caller(&self.switch, request.metadata())?;
            let name = requests::person_name(&request.get_ref().person_id).map_err(errors::invalid_field)?;
            self.switch.caught_up(deadline).await?;
            let person = self.switch.directory.person(wallet, &name);
            let person = person.ok_or_else(|| errors::person_not_found(name.as_str()))?;
            let message = v1::Person {
                person_id: name.as_str().to_owned(),
                tier: person.tier.number().into(),
                documents: person.documents.iter().map(|kind| kind.number().into()).collect(),
            };
            let applied_lsn = self.switch.boards.applied_lsn().get();
            Ok(Response::new(v1::PersonServiceGetResponse { person: Some(message), applied_lsn }))
        };
        Method::GetPerson.begin().end(work.await)
    }
}

async fn bind_in(vault: &CardVault, token: CardToken, card: &Arc<(Pan, Expiry)>) -> Result<Bound, Status> {
    let card = Arc::clone(card);
    let bound = vault.within(move |vault| vault.bind(token, &card.0, card.1)).await?;
    bound.map_err(|error| bind_error(&error))
}

/// Destroys the number of a token; one that is destroyed already stays so.
async fn unbind_in(vault: &CardVault, token: CardToken) -> Result<(), Status> {
    match vault.within(move |vault| vault.unbind(token)).await? {
        Ok(()) | Err(vault::Error::NoCard { .. }) => Ok(()),
        Err(error) => Err(vault_error(&error)),
    }
}

/// Vault and ledger are brought together also for a caller that hangs up in between.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Status>> + Send + 'static,
) -> Result<T, Status> {
    task::spawn(work).await.map_err(|_| errors::vault_failed())?
}

fn caller(switch: &Switch, metadata: &MetadataMap) -> Result<(WalletId, Deadline), Status> {
    let deadline = switch.deadline(metadata);
    Ok((switch.credentials.wallet(metadata)?, deadline))
}

fn card_message(token: CardToken, card: &CardEntry) -> v1::Card {
    replies::card(token, &card.face, card.person.as_str(), card.billing_currency, card.bound)
}

/// Nothing that is said of what is wrong repeats any of it.
fn number_and_expiry(message: &v1::BindRequest, now: Timestamp) -> Result<(Pan, Expiry), Status> {
    let invalid = |field, rule: String| errors::invalid_field(requests::invalid_card(field, rule));
    let pan = Pan::parse(&message.pan).map_err(|why| invalid("pan", why.to_string()))?;
    let expiry = Expiry::parse(&message.expiry).map_err(|why| invalid("expiry", why.to_string()))?;
    let (year, month) = year_and_month(now);
    match expiry.has_passed(year, month) {
        true => Err(invalid("expiry", "must not be in the past".to_owned())),
        false => Ok((pan, expiry)),
    }
}

/// The calendar month of a moment, UTC.
fn year_and_month(at: Timestamp) -> (u16, u8) {
    let (year, month, _) = at.date();
    (u16::try_from(year).unwrap_or(u16::MAX), month)
}

/// As far as a program can: what the transport read it into is not ours to wipe.
fn wipe(text: &mut String) {
    vault::wipe(&mut mem::take(text).into_bytes());
}

fn bind_error(error: &BindError) -> Status {
    match error {
        BindError::SchemeUnknown
        | BindError::SchemeNotAccepted { .. }
        | BindError::Length { .. }
        | BindError::CheckDigit { .. } => errors::invalid_field(requests::invalid_card("pan", error.to_string())),
        BindError::TokenTaken { .. } => errors::unexpected_record(),
        BindError::Full => errors::vault_full(),
        BindError::Vault(error) => vault_error(error),
    }
}

fn vault_error(error: &vault::Error) -> Status {
    tracing::error!(%error, "the card vault failed");
    errors::vault_failed()
}
