//! What clients ask, in plain words and integers: messages are made from it, and the auditor judges by it.

/// Code of an ISO 4217 currency.
pub(crate) type Code = &'static str;

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub caller: Caller,
    /// The caller's idempotency key; `None` for what the switch asks of itself.
    pub key: Option<String>,
    /// What is asked.
    pub ask: Ask,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// The daemon, at its start.
    Switch,
    /// The switch's operator.
    Operator,
    /// The wallet operator with this number.
    Wallet(u32),
    /// The merchant with this number.
    Merchant(u32),
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To begin the ledger.
    Begin,
    /// To put rules in force.
    InstallPolicy(Rules),
    /// To give a wallet operator a number.
    RegisterWallet {
        /// Its name.
        name: String,
    },
    /// To give a merchant a number.
    RegisterMerchant {
        /// Its name.
        name: String,
        /// What it is paid in.
        currency: &'static str,
        /// Its fee.
        discount_millionths: u32,
        /// Its credential.
        api_key: String,
    },
    /// To put rates on the tape.
    PublishRates(Vec<Tick>),
    /// To open an account.
    Open {
        /// Its name.
        account: String,
        /// What it holds.
        currency: &'static str,
    },
    /// To close an account.
    Close {
        /// Its name.
        account: String,
    },
    /// To credit an account.
    Deposit {
        /// Its name.
        account: String,
        /// How much, in minor units.
        amount: i64,
        /// Of what.
        currency: &'static str,
    },
    /// To debit an account.
    Withdraw {
        /// Its name.
        account: String,
        /// How much, in minor units.
        amount: i64,
        /// Of what.
        currency: &'static str,
    },
    /// To be paid.
    Pay {
        /// The merchant's own number.
        order: String,
        /// Number of the wallet that keeps the payer's account.
        wallet: u32,
        /// The payer's account.
        payer: String,
        /// How much, in minor units.
        amount: i64,
        /// Of what.
        currency: &'static str,
    },
}

/// Rules for conversions and rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Margin over mid.
    pub markup_millionths: u32,
    /// A rate as old as this is stale, in milliseconds.
    pub rate_age_ms_max: i64,
    /// The most a rate may move in one step.
    pub rate_move_millionths: u32,
}

/// One rate: `mantissa` / 10^`scale` units of `debit` for one of `presentment`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// What merchants ask in.
    pub presentment: &'static str,
    /// What payers are debited in.
    pub debit: &'static str,
    /// The digits.
    pub mantissa: u64,
    /// How many of them stand after the point.
    pub scale: u32,
    /// The moment it speaks of, in microseconds since the epoch.
    pub as_of: i64,
}

/// What a wallet operator is called.
pub(crate) fn wallet_name(wallet: u32) -> String {
    format!("wallet-{wallet}")
}
