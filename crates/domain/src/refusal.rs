//! Refusals of the engine: nothing was recorded, and the same request may succeed later.

use money::{Currency, ExactRate, Money};

use crate::{CardToken, CurrencyPair, Difference, Method, PaymentMove, PaymentState, Timestamp};

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
        last: ExactRate,
    },
    /// The bid is above the ask, or their middle has too many digits.
    PriceInvalid(CurrencyPair),
    /// The rate was valid until a moment that has come.
    RateNoLongerValid(CurrencyPair),
    /// No such payment, or not the caller's: the two are one answer.
    PaymentNotFound,
    /// The payment stands where this cannot be asked.
    MoveNotAllowed {
        /// Where it stands; a hold that is due stands as expired.
        state: PaymentState,
        /// What was asked.
        asked: PaymentMove,
    },
    /// More was asked than is left for it.
    AmountAboveRemaining {
        /// What was asked for.
        asked: PaymentMove,
        /// What is left, in presentment currency.
        remaining: Money,
    },
    /// The amount is in another currency than the payment.
    PaymentCurrencyMismatch {
        /// What the payment was presented in.
        payment: Currency,
        /// What was asked.
        amount: Currency,
    },
    /// A payment would be authorized at more different quotes than one may.
    TooManyTranches,
    /// The payment would be larger than one amount may be.
    PaymentTooLarge,
    /// More refunds of the payment wait for a rate than may.
    TooManyPendingRefunds,
    /// The payer's consent was not given along; naming the payer is enough in a sandbox only.
    ConsentMissing,
    /// The merchant presented too many codes that do not exist.
    TooManyGuesses {
        /// From this moment on it may try again.
        until: Timestamp,
    },
    /// The same digest stands for a code that can still be used.
    CodeTaken,
    /// A consent was to end at a moment that has come, or later than it may.
    ConsentExpiryInvalid,
    /// No such mandate, or not of the caller's accounts.
    MandateNotFound,
    /// The token is not a quote of this switch.
    QuoteTokenInvalid,
    /// The account is frozen already, or is not frozen, or is closed.
    AccountStateNotAllowed {
        /// As the account stands: `open`, `frozen`, `closed`.
        state: &'static str,
    },
    /// The deal is larger than the open position it is to close, or the position lies the other way.
    PositionTooSmall {
        /// The open position in the currency in question.
        position: Money,
    },
    /// Of a card, or of what is said to its network.
    Card(CardRefusal),
    /// The ledger has no policy yet, or has begun already: only a daemon that starts wrongly sees this.
    OutOfSequence,
}

/// Why the engine recorded nothing of a card, or of what is said to its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardRefusal {
    /// The rules in force take no cards.
    NotTaken,
    /// No such card, or it was unbound, or it is not the caller's: these are one answer.
    NotFound,
    /// The token is of another card, or of one that was unbound.
    Exists {
        /// Which token.
        token: CardToken,
    },
    /// The card rail takes payments asked in this currency only.
    CurrencyMismatch {
        /// What it takes.
        rail: Currency,
        /// What was asked.
        amount: Currency,
    },
    /// Cards are not charged in an atomic batch: their issuers answer one by one.
    NotTogether,
    /// What was authorized on a card is not increased: its issuer is asked once.
    NotIncreased,
    /// So many messages to card networks wait already that no more are taken.
    LineFull,
    /// The answer is to a request that is not open: it was answered, reversed or never made.
    NoOpenRequest,
    /// Something of the card is open: a payment that waits or is held, or a message that its network has not taken.
    InUse,
    /// A scheme pays more than it owes.
    ReceivableTooSmall {
        /// What it owes.
        owed: Money,
    },
}
