//! Who the numbers in a record are.

use std::collections::HashMap;

use domain::{
    AccountId, AccountKind, BindCard, CardFace, CardToken, Command, Event, MerchantId, Name, Record, TenantId, WalletId,
};

use crate::words;

/// Names that earlier records gave to wallets, merchants and accounts.
#[derive(Debug, Default)]
pub(super) struct LedgerNames {
    wallets: HashMap<WalletId, Name>,
    merchants: HashMap<MerchantId, Name>,
    accounts: HashMap<AccountId, (WalletId, Name)>,
    /// What each merchant is owed in, and its reserve.
    merchant_accounts: Vec<AccountId>,
    cards: HashMap<CardToken, BindCard>,
}

impl LedgerNames {
    /// Takes up the name a record gives, if it gives one.
    pub(super) fn learn(&mut self, record: &Record) {
        match (&record.command, &record.event) {
            (Command::RegisterWallet(command), Event::WalletRegistered(wallet)) => {
                self.wallets.insert(*wallet, command.name.clone());
            }
            (Command::RegisterMerchant(command), Event::MerchantRegistered(merchant)) => {
                self.merchants.insert(*merchant, command.name.clone());
                let currency = command.settlement_currency;
                let accounts = [AccountId::merchant_payable, AccountId::merchant_reserve];
                self.merchant_accounts.extend(accounts.map(|account| account(*merchant, currency)));
            }
            (Command::OpenAccount(command), Event::AccountOpened(account)) => {
                self.accounts.insert(*account, (command.wallet, command.name.clone()));
            }
            (Command::BindCard(command), Event::CardBound) => {
                self.cards.insert(command.token, command.clone());
            }
            (Command::BindCard(_), Event::CardRenewed(renewed)) => {
                if let Some(bound) = self.cards.get_mut(&renewed.token) {
                    bound.billing_currency = renewed.billing_currency;
                }
            }
            _ => {}
        }
    }

    /// How the card was bound, if a record told that.
    pub(super) fn bound(&self, token: CardToken) -> Option<&BindCard> {
        self.cards.get(&token)
    }

    /// `visa 424242…4242`, or `card 0199…` by its token for one that no record told of.
    pub(super) fn card(&self, token: CardToken) -> String {
        self.bound(token).map_or_else(|| format!("card {token}"), |bound| face(&bound.card))
    }

    /// `us-dana of demo-wallet`.
    pub(super) fn person(&self, wallet: WalletId, person: &Name) -> String {
        format!("{person} of {}", self.wallet(wallet))
    }

    /// The wallet operator's name, or `#3` for one that no record named.
    pub(super) fn wallet(&self, wallet: WalletId) -> String {
        self.wallets.get(&wallet).map_or_else(|| format!("#{}", wallet.0), Name::to_string)
    }

    /// The merchant's name, if a record gave it one.
    pub(super) fn merchant_name(&self, merchant: MerchantId) -> Option<&Name> {
        self.merchants.get(&merchant)
    }

    /// The account that is called so, as [`account`](Self::account) writes it.
    pub(super) fn find(&self, name: &str) -> Option<AccountId> {
        let merchants = self.merchant_accounts.iter();
        self.accounts.keys().chain(merchants).copied().find(|account| self.account(*account) == name)
    }

    /// The merchant's name.
    pub(super) fn merchant(&self, merchant: MerchantId) -> String {
        self.merchants.get(&merchant).map_or_else(|| format!("#{}", merchant.0), Name::to_string)
    }

    /// The account as the API writes it: `wallet:demo-wallet/hk-alice`, `fx_position:HKD`.
    pub(super) fn account(&self, account: AccountId) -> String {
        let kind = account.kind.as_str();
        match account.kind {
            AccountKind::Wallet => match self.accounts.get(&account) {
                Some((wallet, name)) => format!("{kind}:{}/{name}", self.wallet(*wallet)),
                None => format!("{kind}:#{}", account.index),
            },
            AccountKind::MerchantPayable | AccountKind::MerchantReserve => {
                format!("{kind}:{}", self.merchant(MerchantId(account.index)))
            }
            AccountKind::SchemeReceivable => {
                let scheme =
                    account.scheme().map_or_else(|| format!("#{}", account.index), |scheme| scheme.as_str().to_owned());
                format!("{kind}:{scheme}/{}", account.currency.code())
            }
            AccountKind::FxPosition
            | AccountKind::PayerFee
            | AccountKind::FxMarkup
            | AccountKind::FeeIncome
            | AccountKind::Nostro
            | AccountKind::FxResult => format!("{kind}:{}", account.currency.code()),
        }
    }

    /// Who called.
    pub(super) fn tenant(&self, tenant: TenantId) -> String {
        match tenant {
            TenantId::Operator => "operator".to_owned(),
            TenantId::Wallet(wallet) => self.wallet(wallet),
            TenantId::Merchant(merchant) => self.merchant(merchant),
            TenantId::Switch => "switch".to_owned(),
        }
    }
}

/// `visa 424242…4242`.
pub(super) fn face(card: &CardFace) -> String {
    words::card(card.scheme.as_str(), card.bin.as_str(), card.last_four.as_str())
}
