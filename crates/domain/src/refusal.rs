//! Refusals of the engine: nothing was recorded, and the same request may succeed later.

use money::{Currency, Rate};

use crate::{CurrencyPair, Difference, Method, Timestamp};

/// Why the engine recorded nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The key was used for another request.
    KeyReused {
        /// What this request is.
        method: Method,
        /// Where the two differ first.
        difference: Difference,
    },
    /// No such account, or not the caller's: the two are one answer.
    AccountNotFound,
    /// The merchant is not registered.
    MerchantNotFound,
    /// The wallet operator is not registered.
    WalletNotFound,
    /// The caller has an account of that name already.
    AccountExists,
    /// There is a merchant of that name already.
    MerchantExists,
    /// There is a wallet operator of that name already.
    WalletExists,
    /// Another merchant calls with this API key already.
    ApiKeyTaken,
    /// The account holds another currency than the amount.
    AccountCurrencyMismatch {
        /// What the account holds.
        account: Currency,
        /// What was asked.
        amount: Currency,
    },
    /// The merchant is paid in another currency than it asked.
    PresentmentCurrencyNotAccepted {
        /// What the merchant is paid in.
        settlement: Currency,
        /// What was asked.
        presentment: Currency,
    },
    /// Nobody published a rate for this pair.
    RateMissing(CurrencyPair),
    /// The last rate of this pair is too old to convert by.
    RateStale(CurrencyPair),
    /// The rate speaks of an earlier moment than the last of its pair.
    RateOutOfOrder {
        /// Which pair.
        pair: CurrencyPair,
        /// The moment the last one speaks of.
        last_as_of: Timestamp,
    },
    /// The rate speaks of a moment that has not come.
    RateFromTheFuture(CurrencyPair),
    /// The rate moves more than the policy allows in one step.
    RateMovedTooFar {
        /// Which pair.
        pair: CurrencyPair,
        /// The last rate.
        last: Rate,
    },
    /// The ledger has no policy yet, or has begun already: only a daemon that starts wrongly sees this.
    OutOfSequence,
}
