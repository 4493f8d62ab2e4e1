//! The port: what every store under the index promises.

use std::{fmt, ops::RangeInclusive};

use crate::Error;

/// The tables, in the order in which the rows of one write become visible: what leads to other rows comes behind them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Records by position.
    Records,
    /// The records that concern a payment.
    Payments,
    /// What was recorded last under a key.
    Keys,
    /// The payment shown for an order.
    Orders,
    /// Payments in the order they were decided.
    Decided,
    /// The same by merchant.
    MerchantDecided,
    /// An account's postings.
    Postings,
    /// A pair's rates.
    Rates,
    /// The journal's chain digests.
    Chain,
    /// Accounts as they stand.
    Accounts,
    /// Balances by kind and currency.
    TrialBalance,
    /// Whose index it is, and how far it has come.
    Meta,
}

impl Table {
    /// Every table, in order.
    pub const ALL: [Self; 12] = [
        Self::Records,
        Self::Payments,
        Self::Keys,
        Self::Orders,
        Self::Decided,
        Self::MerchantDecided,
        Self::Postings,
        Self::Rates,
        Self::Chain,
        Self::Accounts,
        Self::TrialBalance,
        Self::Meta,
    ];

    /// The name it has on disk.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Payments => "payments",
            Self::Keys => "keys",
            Self::Orders => "orders",
            Self::Decided => "decided",
            Self::MerchantDecided => "merchant_decided",
            Self::Postings => "postings",
            Self::Rates => "rates",
            Self::Chain => "chain",
            Self::Accounts => "accounts",
            Self::TrialBalance => "trial_balance",
            Self::Meta => "meta",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One row to put, or to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write<'a> {
    /// In which table.
    pub table: Table,
    /// Under which key.
    pub key: &'a [u8],
    /// What; `None` deletes the row if there is one.
    pub value: Option<&'a [u8]>,
}

/// From which end of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the smallest key on.
    Ascending,
    /// From the largest key on.
    Descending,
}

/// Key and value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Ordered tables of bytes with one writer and any number of readers.
///
/// # Contract
/// - A write is atomic over all its tables: after any crash all of it is there or none of it, and with it every write
///   before it. Its rows become visible in the order given, all of them by the time it returns.
/// - What was written survives a crash of the process, or not. What was written before [`persist`](Self::persist) returned
///   survives a power cut.
/// - Keys are compared byte by byte.
///
/// A store must not return a row that was not written, must not lose an older write and keep a newer one, and must not
/// guess where it cannot read.
pub trait Store: fmt::Debug + Send + Sync {
    /// The value under this key.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// At most `limit` rows whose keys are in the range, from the end that `direction` says.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn scan(
        &self,
        table: Table,
        range: RangeInclusive<&[u8]>,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Row>, Error>;

    /// Puts and deletes these rows, each key of a table at most once.
    ///
    /// # Errors
    /// When the store cannot be written; nothing was.
    fn write(&self, writes: &[Write<'_>]) -> Result<(), Error>;

    /// Makes everything that was written survive a power cut.
    ///
    /// # Errors
    /// When it does not.
    fn persist(&self) -> Result<(), Error>;
}
