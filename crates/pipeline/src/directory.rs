//! Names and numbers of the parties and their accounts.

mod accounts;
mod cards;
mod codes;

use dashmap::{DashMap, Entry};
use domain::{
    AccountId, AccountName, ApiKeyHash, CardToken, Command, Digest, Event, Evidence, GrantMandate, IssueCode,
    MandateId, MerchantId, Name, OpenAccount, Record, RegisterMerchant, RegisterWallet, Standing, StandingAccount,
    Timestamp, WalletId,
};
use money::{Currency, Ratio};

use accounts::Accounts;
use cards::Cards;
pub use cards::{CardEntry, PersonEntry};
use codes::Codes;

/// Who is called what, and whose account a consent speaks of. Derived from durable records only.
///
/// Shared: one thread observes records in lsn order, each before its answer is released, so that whoever was told of an
/// account can pay from it; any number of threads look up. A name is entered after all that is known
/// about its number, so whoever finds the number finds the rest.
#[derive(Debug, Default)]
pub struct Directory {
    wallets: DashMap<Name, WalletId>,
    accounts: Accounts,
    merchants: DashMap<Name, MerchantId>,
    merchant_entries: DashMap<MerchantId, MerchantEntry>,
    credentials: DashMap<[u8; 32], MerchantId>,
    codes: Codes,
    mandates: DashMap<MandateId, AccountId>,
    cards: Cards,
}

/// What a merchant is paid in and what it pays for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MerchantTerms {
    /// What it asks in and is paid in.
    pub settlement_currency: Currency,
    /// The fee taken from each of its payments.
    pub discount: Ratio,
}

#[derive(Clone, Debug)]
struct MerchantEntry {
    name: Name,
    terms: MerchantTerms,
}

impl Directory {
    /// A directory in which nobody is listed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Folds one durable record; a record that names nobody changes nothing but the time: codes end by it.
    ///
    /// # Panics
    /// When an account is opened in a wallet no earlier record registered, or out of order.
    pub fn observe(&self, record: &Record) {
        self.codes.forget_ended(record.at);
        match (&record.command, &record.event) {
            (Command::RegisterWallet(command), Event::WalletRegistered(wallet)) => self.add_wallet(command, *wallet),
            (Command::OpenAccount(command), Event::AccountOpened(account)) => self.add_account(command, *account),
            (Command::RegisterMerchant(command), Event::MerchantRegistered(merchant)) => {
                self.add_merchant(command, *merchant);
            }
            (Command::IssueCode(command), Event::CodeIssued { expires_at }) => self.add_code(command, *expires_at),
            (Command::GrantMandate(command), Event::MandateGranted) => self.add_mandate(command),
            (Command::AuthorizePayment(command), Event::PaymentCaptured(_) | Event::PaymentAuthorized(_)) => {
                self.codes.forget_used(command.consent);
            }
            (Command::IncreaseAuthorization(command), Event::AuthorizationIncreased(_)) => {
                command.consent.into_iter().for_each(|consent| self.codes.forget_used(consent));
            }
            (Command::AuthorizeTogether(together), Event::AuthorizedTogether(_)) => {
                together.payments().iter().for_each(|payment| self.codes.forget_used(payment.authorize.consent));
            }
            (Command::AssertPerson(command), Event::PersonAsserted) => self.cards.assert(command),
            (Command::BindCard(command), Event::CardBound) => self.cards.bind(record.lsn, command),
            (Command::BindCard(_), Event::CardRenewed(renewed)) => self.cards.renew(record.lsn, renewed),
            (Command::UnbindCard(command), Event::CardUnbound) => self.cards.unbind(command.token),
            // Everything else names nobody new.
            _ => {}
        }
    }

    /// Takes in one thing that stands, in the order an engine tells it: a directory begun so knows what one that observed
    /// every record knows.
    ///
    /// # Panics
    /// When an account is told of a wallet that was not, or out of order.
    pub fn stand(&self, standing: &Standing) {
        match standing {
            Standing::Wallet(name) => {
                let command = RegisterWallet { name: name.clone() };
                self.add_wallet(&command, WalletId(number_of_next(self.wallets.len())));
            }
            Standing::Merchant(command) => {
                self.add_merchant(command, MerchantId(number_of_next(self.merchant_entries.len())));
            }
            Standing::Account(StandingAccount { wallet, name, account, .. }) => {
                let command = OpenAccount { wallet: *wallet, name: name.clone(), currency: account.currency };
                self.add_account(&command, *account);
            }
            Standing::Code(code) => self.codes.insert(code.code, code.account, code.expires_at),
            Standing::Mandate(mandate) => {
                self.mandates.insert(mandate.mandate_id, mandate.account);
            }
            Standing::Person(person) => self.cards.stand_person(&person.asserted),
            Standing::Card(card) => self.cards.stand_card(card),
            // They name nobody.
            Standing::Ledger(_)
            | Standing::Balance(_)
            | Standing::Tick(_)
            | Standing::Moves(..)
            | Standing::CardMessage(_)
            | Standing::Payment(_)
            | Standing::PendingRefund(_)
            | Standing::Approval(_)
            | Standing::CardApproval(_)
            | Standing::Guesses(_)
            | Standing::UsedQuote(..)
            | Standing::Reserved(_) => {}
        }
    }

    /// The wallet operator of this name.
    #[must_use]
    pub fn wallet(&self, name: &Name) -> Option<WalletId> {
        self.wallets.get(name).map(|entry| *entry)
    }

    /// What this wallet operator is called.
    #[must_use]
    pub fn wallet_name(&self, wallet: WalletId) -> Option<Name> {
        self.accounts.wallet(wallet)
    }

    /// The wallet account of this name, open or closed.
    #[must_use]
    pub fn account(&self, name: &AccountName) -> Option<AccountId> {
        self.accounts.find(name)
    }

    /// The account that is called so in this wallet, open or closed.
    #[must_use]
    pub fn account_of(&self, wallet: WalletId, name: &Name) -> Option<AccountId> {
        self.accounts.find_in(wallet, name)
    }

    /// What this wallet account is called; `None` for accounts of merchants and of the house.
    #[must_use]
    pub fn account_name(&self, account: AccountId) -> Option<AccountName> {
        self.accounts.name(account)
    }

    /// The merchant of this name.
    #[must_use]
    pub fn merchant(&self, name: &Name) -> Option<MerchantId> {
        self.merchants.get(name).map(|entry| *entry)
    }

    /// What this merchant is called.
    #[must_use]
    pub fn merchant_name(&self, merchant: MerchantId) -> Option<Name> {
        self.merchant_entries.get(&merchant).map(|entry| entry.name.clone())
    }

    /// On what terms this merchant is paid.
    #[must_use]
    pub fn merchant_terms(&self, merchant: MerchantId) -> Option<MerchantTerms> {
        self.merchant_entries.get(&merchant).map(|entry| entry.terms)
    }

    /// The merchant whose API key hashes to this.
    ///
    /// An ordinary lookup is safe although it does not take constant time: the hash is keyed by a secret, so a caller
    /// cannot choose the bytes that are compared, and how far they agree tells nothing about any key.
    #[must_use]
    pub fn credential(&self, hash: &ApiKeyHash) -> Option<MerchantId> {
        self.credentials.get(&hash.0).map(|entry| *entry)
    }

    /// The account that this one-time code debits, while the code can be used.
    #[must_use]
    pub fn code_account(&self, code: &Digest) -> Option<AccountId> {
        self.codes.account(code)
    }

    /// The account that this mandate debits, also when it was revoked or has expired: the engine says so, and the record
    /// then tells whom it would have debited.
    #[must_use]
    pub fn mandate_account(&self, mandate: MandateId) -> Option<AccountId> {
        self.mandates.get(&mandate).map(|entry| *entry)
    }

    /// A card that was bound, also when it was unbound since.
    #[must_use]
    pub fn card(&self, token: CardToken) -> Option<CardEntry> {
        self.cards.card(token)
    }

    /// A person who was asserted, or whose card was bound.
    #[must_use]
    pub fn person(&self, wallet: WalletId, name: &Name) -> Option<PersonEntry> {
        self.cards.person(wallet, name)
    }

    fn add_wallet(&self, command: &RegisterWallet, wallet: WalletId) {
        self.accounts.insert_wallet(wallet, &command.name);
        self.wallets.insert(command.name.clone(), wallet);
    }

    fn add_account(&self, command: &OpenAccount, account: AccountId) {
        self.accounts.insert(account, command.wallet, &command.name);
    }

    fn add_merchant(&self, command: &RegisterMerchant, merchant: MerchantId) {
        let terms = MerchantTerms { settlement_currency: command.settlement_currency, discount: command.discount };
        self.merchant_entries.insert(merchant, MerchantEntry { name: command.name.clone(), terms });
        self.merchants.insert(command.name.clone(), merchant);
        // A key handed to a second merchant still speaks for the first: later records never redirect a credential.
        if let Entry::Vacant(vacant) = self.credentials.entry(command.api_key_hash.0) {
            vacant.insert(merchant);
        }
    }

    fn add_code(&self, command: &IssueCode, expires_at: Timestamp) {
        self.codes.insert(command.code, known(&command.account), expires_at);
    }

    fn add_mandate(&self, command: &GrantMandate) {
        self.mandates.insert(command.mandate_id, known(&command.account));
    }
}

fn number_of_next(so_far: usize) -> u32 {
    u32::try_from(so_far).expect("fewer than 2^32 of a kind")
}

fn known(account: &Evidence<AccountId>) -> AccountId {
    match account {
        Evidence::Present(account) => *account,
        Evidence::Unavailable(_) => panic!("a consent is recorded only with its account known"),
    }
}

#[cfg(test)]
mod tests;
