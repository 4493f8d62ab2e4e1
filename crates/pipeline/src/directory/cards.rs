//! Persons and their cards.

use dashmap::DashMap;
use domain::{
    AssertPerson, BindCard, CardFace, CardRenewed, CardToken, Documents, Lsn, Name, PersonTier, StandingCard, WalletId,
};
use money::Currency;

/// A card that was bound, bound still or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardEntry {
    /// Whose person's it is.
    pub wallet: WalletId,
    /// What the wallet operator calls the person.
    pub person: Name,
    /// Which card.
    pub face: CardFace,
    /// In which currency its holder is billed, where that is known.
    pub billing_currency: Option<Currency>,
    /// Whether it still is.
    pub bound: bool,
    /// The record that bound it, or bound it again, last.
    pub renewed: Lsn,
}

/// A person who pays by card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonEntry {
    /// How well the wallet operator knows them.
    pub tier: PersonTier,
    /// By which kinds of documents.
    pub documents: Documents,
    /// Their cards, first bound first.
    pub cards: Vec<CardToken>,
}

#[derive(Debug, Default)]
pub(super) struct Cards {
    cards: DashMap<CardToken, CardEntry>,
    persons: DashMap<(WalletId, Name), PersonEntry>,
    /// Numbered as the engine numbers them while it tells what stands.
    told: std::sync::Mutex<Vec<(WalletId, Name)>>,
}

impl Cards {
    pub(super) fn card(&self, token: CardToken) -> Option<CardEntry> {
        self.cards.get(&token).map(|entry| entry.clone())
    }

    pub(super) fn person(&self, wallet: WalletId, name: &Name) -> Option<PersonEntry> {
        self.persons.get(&(wallet, name.clone())).map(|entry| entry.clone())
    }

    pub(super) fn assert(&self, asserted: &AssertPerson) {
        let mut person =
            self.persons.entry((asserted.wallet, asserted.person.clone())).or_insert_with(PersonEntry::new);
        (person.tier, person.documents) = (asserted.tier, asserted.documents);
    }

    pub(super) fn bind(&self, lsn: Lsn, bind: &BindCard) {
        let entry = CardEntry {
            wallet: bind.wallet,
            person: bind.person.clone(),
            face: bind.card,
            billing_currency: bind.billing_currency,
            bound: true,
            renewed: lsn,
        };
        self.insert(bind.token, entry);
    }

    pub(super) fn renew(&self, lsn: Lsn, renewed: &CardRenewed) {
        if let Some(mut entry) = self.cards.get_mut(&renewed.token) {
            (entry.billing_currency, entry.renewed) = (renewed.billing_currency, lsn);
        }
    }

    pub(super) fn unbind(&self, token: CardToken) {
        if let Some(mut entry) = self.cards.get_mut(&token) {
            entry.bound = false;
        }
    }

    /// Takes in the next person that stands.
    pub(super) fn stand_person(&self, asserted: &AssertPerson) {
        self.assert(asserted);
        self.lock().push((asserted.wallet, asserted.person.clone()));
    }

    /// Takes in a card that stands, behind its person. Tokens rise with the moment they were made, so cards are told in
    /// the order they were bound.
    pub(super) fn stand_card(&self, card: &StandingCard) {
        let StandingCard { token, person, face, billing_currency, bound, renewed } = *card;
        let place = usize::try_from(person).expect("a number in memory fits usize");
        let (wallet, person) = self.lock().get(place).cloned().expect("a card is told behind its person");
        self.insert(token, CardEntry { wallet, person, face, billing_currency, bound, renewed });
    }

    /// The card before what leads to it.
    fn insert(&self, token: CardToken, entry: CardEntry) {
        let key = (entry.wallet, entry.person.clone());
        self.cards.insert(token, entry);
        self.persons.entry(key).or_insert_with(PersonEntry::new).cards.push(token);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(WalletId, Name)>> {
        self.told.lock().expect("no holder of the lock panics")
    }
}

impl PersonEntry {
    fn new() -> Self {
        Self { tier: PersonTier::Unverified, documents: Documents::default(), cards: Vec::new() }
    }
}
