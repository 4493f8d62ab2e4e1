//! What can be asked.

use alloc::vec::Vec;

use money::{Currency, Money, Ratio};

use crate::{
    AccountId, ApiKeyHash, Converted, Digest, DigestKey, Evidence, Label, MerchantId, Mode, Name, PaymentId, Policy,
    RateTick, WalletId,
};

/// One request to the engine, with all the evidence it may be decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Begins a ledger.
    InitializeSwitch(InitializeSwitch),
    /// Puts rules in force.
    InstallPolicy(InstallPolicy),
    /// Gives a wallet operator a number.
    RegisterWallet(RegisterWallet),
    /// Gives a merchant a number, a discount and a credential.
    RegisterMerchant(RegisterMerchant),
    /// Puts rates on the tape.
    PublishRates(PublishRates),
    /// Opens a wallet account.
    OpenAccount(OpenAccount),
    /// Closes a wallet account for ever.
    CloseAccount(CloseAccount),
    /// Credits a wallet account from Nostro.
    Deposit(MoveFunds),
    /// Debits a wallet account to Nostro.
    Withdraw(MoveFunds),
    /// Decides a payment and captures it at once.
    AuthorizePayment(AuthorizePayment),
}

/// Begins a ledger; always its first record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitializeSwitch {
    /// What the ledger is for.
    pub mode: Mode,
    /// The secret behind all digests in it.
    pub digest_key: DigestKey,
}

/// Puts rules in force from this record on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstallPolicy {
    /// The rules.
    pub policy: Policy,
}

/// Gives a wallet operator a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterWallet {
    /// Its name.
    pub name: Name,
}

/// Gives a merchant a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterMerchant {
    /// Its name.
    pub name: Name,
    /// What it asks in and is paid in.
    pub settlement_currency: Currency,
    /// The fee taken from each of its payments.
    pub discount: Ratio,
    /// What its credential hashes to.
    pub api_key_hash: ApiKeyHash,
}

/// Puts rates on the tape, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishRates {
    /// Each pair at most once.
    pub ticks: Vec<RateTick>,
}

/// Opens a wallet account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAccount {
    /// Who keeps it.
    pub wallet: WalletId,
    /// Its name within the wallet.
    pub name: Name,
    /// The one currency it holds.
    pub currency: Currency,
}

/// Closes a wallet account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseAccount {
    /// Which account.
    pub account: Evidence<AccountId>,
}

/// Moves funds between a wallet account and Nostro.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveFunds {
    /// Which account.
    pub account: Evidence<AccountId>,
    /// How much.
    pub amount: Money,
}

/// A merchant's request to be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizePayment {
    /// The id the payment will have if this is its first request.
    pub payment_id: PaymentId,
    /// Who asks, by its credential.
    pub merchant: MerchantId,
    /// The merchant's own number for what is paid.
    pub merchant_order_id: Label,
    /// Keyed digest of that number.
    pub merchant_order_digest: Digest,
    /// What the merchant asks.
    pub presentment_amount: Money,
    /// The account to debit.
    pub payer: Evidence<AccountId>,
    /// How the payer's currency follows.
    pub converted: Evidence<Converted>,
}
