//! Persons, their cards, and what is to be said to card networks.

use alloc::{collections::BTreeMap, vec::Vec};

use domain::{
    AccountId, AcknowledgeAdvice, ApproveCardOrder, AssertPerson, BindCard, CardFace, CardFingerprint, CardMessage,
    CardRefusal, CardRenewed, CardToken, DeclineReason, Documents, Event, Evidence, Lsn, Name, PersonTier, Policy,
    Refusal, Standing, StandingCard, StandingPerson, Timestamp, UnbindCard, WalletId,
};
use money::{Currency, Money};

use crate::{
    Engine,
    accounts::declined,
    consents::{check_approval_ends, merchant_of},
    parties::next_number,
    rails::wallet::{minus, plus},
};

/// So many messages may wait for card networks; while there are as many, no payment by card and no refund of one is taken. What
/// ends a payment that was taken before is told all the same: one message each.
pub const CARD_MESSAGES_MAX: usize = 65_536;

/// Everything that is known of cards, but for their payments.
#[derive(Debug, Default)]
pub(crate) struct Cards {
    persons: Vec<Person>,
    numbers: BTreeMap<(WalletId, Name), u32>,
    cards: BTreeMap<CardToken, Card>,
    /// Cards that are bound, by number of the card, then by person.
    bound: BTreeMap<(CardFingerprint, u32), CardToken>,
    /// What is to be said, by the record that intends it, until it was answered or taken.
    pub(crate) messages: BTreeMap<Lsn, CardMessage>,
}

#[derive(Clone, Debug)]
pub(crate) struct Person {
    asserted: AssertPerson,
    /// The last year anything was paid by card in, and how much.
    used: Option<(i64, Money)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Card {
    pub(crate) person: u32,
    pub(crate) face: CardFace,
    pub(crate) billing_currency: Option<Currency>,
    bound: bool,
    /// The record that bound it, or bound it again, last.
    renewed: Lsn,
}

impl Person {
    pub(crate) const fn tier(&self) -> PersonTier {
        self.asserted.tier
    }

    /// How much was paid by card in a year.
    pub(crate) fn used_in(&self, year: i64, currency: Currency) -> Money {
        let used = self.used.filter(|(of, used)| *of == year && used.currency() == currency);
        used.map_or(Money::zero(currency), |(_, used)| used)
    }
}

impl Cards {
    /// A card that can be charged.
    pub(crate) fn bound(&self, token: CardToken) -> Option<&Card> {
        self.cards.get(&token).filter(|card| card.bound)
    }

    /// A card that a record told of.
    pub(crate) fn known(&self, token: CardToken) -> &Card {
        self.cards.get(&token).expect("a card is bound before it is charged")
    }

    pub(crate) fn person(&self, number: u32) -> &Person {
        self.persons.get(place(number)).expect("a card is bound to a person")
    }

    /// More was paid by card, or less than was counted before.
    pub(crate) fn count(&mut self, number: u32, year: i64, change: Money) {
        let person = self.persons.get_mut(place(number)).expect("a card is bound to a person");
        let used = person.used_in(year, change.currency());
        // A year that is over is counted no more.
        if person.used.is_none_or(|(last, _)| last <= year) {
            person.used = Some((year, plus(used, change)));
        }
    }

    fn assert_person(&mut self, asserted: &AssertPerson) {
        let number = self.number_of(asserted.wallet, &asserted.person);
        let person = self.persons.get_mut(place(number)).expect("it has a number");
        person.asserted = asserted.clone();
    }

    /// The number of this person; who is new gets the next, and is not verified.
    fn number_of(&mut self, wallet: WalletId, name: &Name) -> u32 {
        let next = next_number(self.persons.len());
        let number = *self.numbers.entry((wallet, name.clone())).or_insert(next);
        if number == next {
            let asserted = AssertPerson {
                wallet,
                person: name.clone(),
                tier: PersonTier::Unverified,
                documents: Documents::default(),
            };
            self.persons.push(Person { asserted, used: None });
        }
        number
    }

    /// The persons a card is bound to, with its tokens.
    fn holders(&self, card: CardFingerprint) -> impl Iterator<Item = (u32, CardToken)> + '_ {
        self.bound.range((card, 0)..=(card, u32::MAX)).map(|((_, person), token)| (*person, *token))
    }

    fn bind(&mut self, lsn: Lsn, bind: &BindCard) {
        let person = self.number_of(bind.wallet, &bind.person);
        let card = Card { person, face: bind.card, billing_currency: bind.billing_currency, bound: true, renewed: lsn };
        let earlier = self.cards.insert(bind.token, card);
        assert!(earlier.is_none(), "a token is of one card: {}", bind.token);
        self.bound.insert((bind.card.fingerprint, person), bind.token);
    }

    fn unbind(&mut self, token: CardToken) {
        let card = self.cards.get_mut(&token).expect("a card is bound before it is unbound");
        card.bound = false;
        self.bound.remove(&(card.face.fingerprint, card.person));
    }

    /// Whether this card is charged to that account.
    pub(crate) fn is_of(&self, token: CardToken, payer: AccountId) -> bool {
        self.cards.get(&token).is_some_and(|card| payer.scheme() == Some(card.face.scheme))
    }

    /// Persons by number, cards by token, messages by record.
    pub(crate) fn standing(&self) -> impl Iterator<Item = Standing> + '_ {
        let persons = self
            .persons
            .iter()
            .map(|person| Standing::Person(StandingPerson { asserted: person.asserted.clone(), used: person.used }));
        let cards = self.cards.iter().map(|(token, card)| {
            let Card { person, face, billing_currency, bound, renewed } = *card;
            Standing::Card(StandingCard { token: *token, person, face, billing_currency, bound, renewed })
        });
        persons.chain(cards).chain(self.messages.values().cloned().map(Standing::CardMessage))
    }

    /// Takes in the next person; whether it can be the next.
    pub(crate) fn stand_person(&mut self, standing: StandingPerson) -> bool {
        let StandingPerson { asserted, used } = standing;
        let name = (asserted.wallet, asserted.person.clone());
        let number = next_number(self.persons.len());
        let is_new = self.numbers.insert(name, number).is_none();
        self.persons.push(Person { asserted, used });
        is_new
    }

    /// Takes in a card; whether it can be.
    pub(crate) fn stand_card(&mut self, standing: StandingCard) -> bool {
        let StandingCard { token, person, face, billing_currency, bound, renewed } = standing;
        let is_known = place(person) < self.persons.len();
        let is_new = self.cards.insert(token, Card { person, face, billing_currency, bound, renewed }).is_none();
        let is_once = !bound || self.bound.insert((face.fingerprint, person), token).is_none();
        is_known && is_new && is_once
    }

    /// Takes in what is to be said; whether it can be.
    pub(crate) fn stand_message(&mut self, message: CardMessage) -> bool {
        self.cards.contains_key(&message.token) && self.messages.insert(message.lsn, message).is_none()
    }
}

fn place(number: u32) -> usize {
    usize::try_from(number).expect("a number in memory fits usize")
}

impl Engine {
    pub(crate) fn assert_person(&self, asserted: &AssertPerson) -> Result<Event, Refusal> {
        match self.parties.has_wallet(asserted.wallet) {
            true => Ok(Event::PersonAsserted),
            false => Err(Refusal::WalletNotFound),
        }
    }

    pub(crate) fn person_asserted(&mut self, asserted: &AssertPerson) {
        self.cards.assert_person(asserted);
    }

    pub(crate) fn bind_card(&self, policy: &Policy, bind: &BindCard) -> Result<Event, Refusal> {
        let rules = policy.cards.as_ref().ok_or(Refusal::Card(CardRefusal::NotTaken))?;
        if !self.parties.has_wallet(bind.wallet) {
            return Err(Refusal::WalletNotFound);
        }
        let person = self.cards.numbers.get(&(bind.wallet, bind.person.clone())).copied();
        let mut holders = 0;
        for (holder, token) in self.cards.holders(bind.card.fingerprint) {
            if Some(holder) == person {
                let billing_currency = bind.billing_currency.or(self.cards.known(token).billing_currency);
                return Ok(Event::CardRenewed(CardRenewed { token, billing_currency }));
            }
            holders += 1;
        }
        if self.cards.cards.contains_key(&bind.token) {
            return Err(Refusal::Card(CardRefusal::Exists { token: bind.token }));
        }
        Ok(if holders < rules.persons_a_card_max {
            Event::CardBound
        } else {
            declined(DeclineReason::CardPersonsLimit)
        })
    }

    pub(crate) fn card_bound(&mut self, bind: &BindCard) {
        self.cards.bind(self.applied.next(), bind);
    }

    pub(crate) fn card_renewed(&mut self, renewed: &CardRenewed) {
        let card = self.cards.cards.get_mut(&renewed.token).expect("a card is bound before it is bound again");
        (card.billing_currency, card.renewed) = (renewed.billing_currency, self.applied.next());
    }

    pub(crate) fn unbind_card(&self, unbind: &UnbindCard) -> Result<Event, Refusal> {
        self.card_of(unbind.wallet, unbind.token)?;
        // Its number goes with it, and what is still to be said to its network needs that.
        let is_to_be_said = self.cards.messages.values().any(|message| message.token == unbind.token);
        match is_to_be_said || self.payments.open_by_card.contains_key(&unbind.token) {
            true => Err(Refusal::Card(CardRefusal::InUse)),
            false => Ok(Event::CardUnbound),
        }
    }

    /// Refuses what could never be charged: another's card, or a bound in neither of the currencies the card may be charged in.
    pub(crate) fn approve_card_order(
        &self,
        policy: &Policy,
        at: Timestamp,
        approve: &ApproveCardOrder,
    ) -> Result<Event, Refusal> {
        let rules = policy.cards.as_ref().ok_or(Refusal::Card(CardRefusal::NotTaken))?;
        let card = self.card_of(approve.wallet, approve.token)?;
        let merchant = merchant_of(&approve.merchant)?;
        self.parties.merchant(merchant).ok_or(Refusal::MerchantNotFound)?;
        let bound = approve.debit_amount_max.currency();
        if bound != rules.currency && Some(bound) != card.billing_currency {
            return Err(Refusal::Card(CardRefusal::CurrencyMismatch { rail: rules.currency, amount: bound }));
        }
        check_approval_ends(at, approve.expires_at).map(|()| Event::OrderApproved)
    }

    pub(crate) fn card_order_approved(&mut self, approve: &ApproveCardOrder) {
        let Evidence::Present(merchant) = approve.merchant else {
            unreachable!("an order is approved only of a merchant that was found");
        };
        self.consents.card_order_approved(approve, merchant);
    }

    /// A card of this wallet operator's that can be charged.
    fn card_of(&self, wallet: WalletId, token: CardToken) -> Result<&Card, Refusal> {
        let card = self.cards.bound(token).filter(|card| self.cards.person(card.person).asserted.wallet == wallet);
        card.ok_or(Refusal::Card(CardRefusal::NotFound))
    }

    pub(crate) fn card_unbound(&mut self, unbind: &UnbindCard) {
        self.cards.unbind(unbind.token);
    }

    pub(crate) fn acknowledge(&self, acknowledged: &AcknowledgeAdvice) -> Result<Event, Refusal> {
        let message = self.cards.messages.get(&acknowledged.advice).filter(|message| message.is_advice());
        message.map(|_| Event::AdviceAcknowledged).ok_or(Refusal::Card(CardRefusal::NoOpenRequest))
    }

    pub(crate) fn advice_acknowledged(&mut self, acknowledged: &AcknowledgeAdvice) {
        self.cards.messages.remove(&acknowledged.advice);
    }

    /// What is to be said to card networks and was not answered or taken yet, by the record that intends it.
    pub fn card_messages(&self) -> impl Iterator<Item = &CardMessage> {
        self.cards.messages.values()
    }

    /// What the record at this position intends to be said to a card network.
    #[must_use]
    pub fn card_message(&self, intended_by: Lsn) -> Option<&CardMessage> {
        self.cards.messages.get(&intended_by)
    }

    /// Whether this token is of a card that can be charged; `None` if no record ever told of it. Of one that was unbound no number
    /// is kept.
    #[must_use]
    pub fn is_bound(&self, token: CardToken) -> Option<bool> {
        self.cards.cards.get(&token).map(|card| card.bound)
    }

    /// How many cards can be charged.
    #[must_use]
    pub fn bound_cards(&self) -> usize {
        self.cards.bound.len()
    }

    /// Sums what waits to be counted less, which may be nothing.
    pub(crate) fn count_less(&mut self, person: u32, year: i64, was: Money, is: Money) {
        if was != is {
            self.cards.count(person, year, minus(is, was));
        }
    }
}

#[cfg(test)]
mod tests;
