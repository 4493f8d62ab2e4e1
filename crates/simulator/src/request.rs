//! What clients ask, in plain words and integers: messages are made from it, and the auditor judges by it.

/// Code of an ISO 4217 currency.
pub type Code = &'static str;

/// Sixteen bytes that name a payment, a refund, a mandate or a quote.
pub type Id = [u8; 16];

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
    /// The daemon, at its start and by its timers.
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
    Begin(Purpose),
    /// To put rules in force.
    InstallPolicy(Box<Rules>),
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
        currency: Code,
        /// Its fee.
        discount_millionths: u32,
        /// Its credential.
        api_key: String,
    },
    /// To put rates on the tape.
    PublishRates {
        /// The rates.
        ticks: Vec<Tick>,
        /// Why they may move further than the rules allow.
        override_reason: Option<String>,
    },
    /// To open an account.
    Open {
        /// Its name.
        account: String,
        /// What it holds.
        currency: Code,
    },
    /// To close an account.
    Close {
        /// Its name.
        account: String,
    },
    /// To take no new debits of an account.
    Freeze {
        /// Its name.
        account: String,
    },
    /// To end a freeze.
    Unfreeze {
        /// Its name.
        account: String,
    },
    /// To credit an account.
    Deposit {
        /// Its name.
        account: String,
        /// How much.
        amount: Sum,
    },
    /// To debit an account.
    Withdraw {
        /// Its name.
        account: String,
        /// How much.
        amount: Sum,
    },
    /// To give out a one-time code.
    IssueCode {
        /// Which account it debits.
        account: String,
        /// Name of the merchant that may use it.
        merchant: String,
        /// The most that may be debited.
        most: Sum,
    },
    /// To let a merchant's order be paid.
    ApproveOrder {
        /// Which account it debits.
        account: String,
        /// Name of the merchant.
        merchant: String,
        /// The merchant's own number.
        order: String,
        /// The most that may be debited.
        most: Sum,
        /// Until when, in microseconds since the epoch.
        expires_at: i64,
    },
    /// To let a merchant debit an account over time.
    GrantMandate {
        /// Which account it debits.
        account: String,
        /// Name of the merchant.
        merchant: String,
        /// The most that one payment may debit.
        payment_most: Sum,
        /// The most that the payments of one period may debit.
        period_most: Sum,
        /// How long a period is.
        period_days: u32,
        /// Until when, in microseconds since the epoch.
        expires_at: i64,
    },
    /// To end a mandate.
    RevokeMandate {
        /// Which.
        mandate: Id,
    },
    /// To be paid.
    Pay(Box<Pay>),
    /// To be paid several times, all or none.
    Together(Vec<Keyed>),
    /// To turn a hold into postings.
    Capture {
        /// Of which payment.
        payment: Id,
        /// How much.
        amount: Sum,
        /// What becomes of the rest.
        rest: Rest,
    },
    /// To release a hold.
    Void {
        /// Of which payment.
        payment: Id,
    },
    /// To give back.
    Refund {
        /// Of which payment.
        payment: Id,
        /// How much.
        amount: Sum,
    },
    /// To hold more.
    Increase {
        /// Of which payment.
        payment: Id,
        /// How much more.
        amount: Sum,
        /// A further code of the payer.
        code: Option<PayerCode>,
    },
    /// To fund a merchant's reserve.
    FundReserve {
        /// Name of the merchant.
        merchant: String,
        /// How much.
        amount: Sum,
    },
    /// To pay a merchant what it is owed.
    PayOut {
        /// Name of the merchant.
        merchant: String,
        /// How much.
        amount: Sum,
    },
    /// To book the bank deal that closes a position.
    Square {
        /// What the bank was given.
        sold: Sum,
        /// What the bank gave.
        bought: Sum,
        /// By how much the position in what was bought is closed, in minor units.
        closed: i64,
    },
    /// What time has made due; the switch asks it of itself.
    Due,
}

impl Request {
    /// The requests that have keys of their own: this one, or those that are asked for together.
    #[must_use]
    pub fn keyed(&self) -> Vec<(&str, Ask)> {
        match (&self.ask, &self.key) {
            (Ask::Together(payments), _) => {
                payments.iter().map(|one| (one.key.as_str(), Ask::Pay(Box::new(one.pay.clone())))).collect()
            }
            (_, Some(key)) => vec![(key, self.ask.clone())],
            (_, None) => Vec::new(),
        }
    }
}

/// The id of one of several payments that are made together.
pub(crate) fn id_of(id: Id, position: usize) -> Id {
    let mut id = id;
    id[15] ^= u8::try_from(position).expect("few are asked for together");
    id
}

impl Ask {
    /// In a word, to count by.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Begin(_) => "begin",
            Self::InstallPolicy(_) => "install policy",
            Self::RegisterWallet { .. } => "register wallet",
            Self::RegisterMerchant { .. } => "register merchant",
            Self::PublishRates { .. } => "publish rates",
            Self::Open { .. } => "open",
            Self::Close { .. } => "close",
            Self::Freeze { .. } => "freeze",
            Self::Unfreeze { .. } => "unfreeze",
            Self::Deposit { .. } => "deposit",
            Self::Withdraw { .. } => "withdraw",
            Self::IssueCode { .. } => "issue code",
            Self::ApproveOrder { .. } => "approve order",
            Self::GrantMandate { .. } => "grant mandate",
            Self::RevokeMandate { .. } => "revoke mandate",
            Self::Pay(_) => "authorize",
            Self::Together(_) => "authorize together",
            Self::Capture { .. } => "capture",
            Self::Void { .. } => "void",
            Self::Refund { .. } => "refund",
            Self::Increase { .. } => "increase",
            Self::FundReserve { .. } => "fund reserve",
            Self::PayOut { .. } => "pay out",
            Self::Square { .. } => "square position",
            Self::Due => "due",
        }
    }
}

/// What a ledger is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// For trying out.
    Sandbox,
    /// For real money.
    #[default]
    Production,
}

/// An amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    /// Minor units.
    pub units: i64,
    /// Of what.
    pub currency: Code,
}

/// One of several requests to be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The caller's idempotency key for it.
    pub key: String,
    /// What is asked.
    pub pay: Pay,
}

/// A request to be paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pay {
    /// The merchant's own number.
    pub order: String,
    /// How the payer agreed.
    pub agreed: Agreed,
    /// How much.
    pub amount: Sum,
    /// Whether it is captured at once.
    pub mode: Mode,
    /// The quote it is to be made by.
    pub quote: Option<Id>,
    /// The most that may be debited.
    pub most: Option<Sum>,
}

/// How a payer agreed, and by that who pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreed {
    /// The account is named, and that is all.
    Named {
        /// Number of the wallet that keeps the account.
        wallet: u32,
        /// Its name.
        account: String,
    },
    /// By this one-time code.
    Code(PayerCode),
    /// The wallet approved the order for this account.
    Order {
        /// Number of the wallet that keeps the account.
        wallet: u32,
        /// Its name.
        account: String,
    },
    /// By this mandate.
    Mandate(Id),
}

/// A one-time code, by where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PayerCode {
    /// The one that was given out under this key of this wallet.
    Issued {
        /// The wallet.
        wallet: u32,
        /// The key.
        key: String,
    },
    /// One that somebody made up.
    Guessed(u32),
}

/// Whether a payment is captured at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// At once and whole.
    Automatic,
    /// By captures.
    Manual,
}

/// What becomes of what a capture leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It stays held.
    Kept,
    /// It is released.
    Released,
}

/// Rules for conversions, rates, holds, refunds and exposure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Margin over mid.
    pub markup_millionths: u32,
    /// A rate as old as this is stale, in milliseconds.
    pub rate_age_ms_max: i64,
    /// The most a rate may move in one step.
    pub rate_move_millionths: u32,
    /// What is different for some pairs.
    pub pairs: Vec<PairRule>,
    /// Margins for some payments; the first that fits counts.
    pub tiers: Vec<Tier>,
    /// What pairs without rates are crossed through.
    pub pivot: Option<Code>,
    /// What a volatile market changes, by rising volatility.
    pub volatility: Vec<Band>,
    /// Bounds of open positions: currency, soft and hard bound in minor units.
    pub exposure: Vec<(Code, i64, i64)>,
    /// How long a quote holds, in milliseconds.
    pub quote_ms: i64,
    /// A day begins this many minutes before one of UTC.
    pub day_offset_minutes: i32,
    /// How long a key is remembered that is first used under these rules, in milliseconds; `None` is for ever.
    pub key_ms: Option<i64>,
    /// For merchants without rules of their own.
    pub merchant_default: MerchantRule,
    /// Rules of single merchants, by name.
    pub merchants: Vec<(String, MerchantRule)>,
    /// What counts instead on the wallet's rail: for merchants without rules of their own on it, and of single ones.
    pub wallet_rail: Option<(MerchantRule, Vec<(String, MerchantRule)>)>,
}

/// What is different for one pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairRule {
    /// What merchants ask in.
    pub presentment: Code,
    /// What payers are debited in.
    pub debit: Code,
    /// Margin over mid.
    pub markup_millionths: Option<u32>,
    /// A rate as old as this is stale, in milliseconds.
    pub rate_age_ms_max: Option<i64>,
    /// The most a rate may move in one step.
    pub rate_move_millionths: Option<u32>,
}

/// A margin for some payments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    /// Of this pair only.
    pub pair: Option<(Code, Code)>,
    /// Of this merchant only.
    pub merchant: Option<String>,
    /// Of this amount or more only.
    pub amount_min: Option<Sum>,
    /// The margin.
    pub markup_millionths: u32,
}

/// What changes while a pair is as volatile as this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// Mean move of its last ticks, in millionths.
    pub move_ppm_min: u32,
    /// Added to the margin.
    pub extra_millionths: u32,
    /// How much a position counts, 1,000,000 being once.
    pub weight_millionths: u32,
}

/// Rules that may differ by merchant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MerchantRule {
    /// How long a hold lives, in milliseconds.
    pub hold_ms: i64,
    /// At which rate a refund is given back.
    pub refund_rate: RefundRate,
    /// Where a large refund comes from.
    pub funding: Funding,
}

/// At which rate a refund is given back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefundRate {
    /// The payment's own.
    #[default]
    Original,
    /// That of now.
    Current,
    /// That of a later day.
    NextDay,
}

/// Where a refund comes from that is larger than what the merchant is owed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Funding {
    /// From nowhere.
    #[default]
    PayableOnly,
    /// From its reserve.
    Reserve,
}

/// One rate of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// What merchants ask in.
    pub presentment: Code,
    /// What payers are debited in.
    pub debit: Code,
    /// Mid, or bid and ask.
    pub price: Price,
    /// The moment it speaks of, in microseconds since the epoch.
    pub as_of: i64,
    /// From when on it is stale, however young.
    pub valid_until: Option<i64>,
}

/// What a tick says: `mantissa` / 10^`scale` units of debit currency for one of presentment currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// The middle.
    Mid(Digits),
    /// What payees are paid by and payers are debited by.
    Spread {
        /// The former.
        bid: Digits,
        /// The latter.
        ask: Digits,
    },
}

/// A rate as published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digits {
    /// The digits.
    pub mantissa: u64,
    /// How many of them stand after the point.
    pub scale: u32,
}

/// A request for a quote; nothing is recorded of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QuoteAsk {
    /// Number of the merchant.
    pub(crate) merchant: u32,
    /// Number of the wallet that keeps the payer's account.
    pub(crate) wallet: u32,
    /// The payer's account.
    pub(crate) account: String,
    /// How much.
    pub(crate) amount: Sum,
}

/// What a wallet operator is called.
pub(crate) fn wallet_name(wallet: u32) -> String {
    format!("wallet-{wallet}")
}
