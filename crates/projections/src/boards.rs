//! What readers see.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use domain::{AccountId, ChainMark, CurrencyPair, Digest, Lsn, MerchantId, PaymentId, TenantId};
use money::Money;
use tokio::sync::watch;

use crate::{
    AccountSummary, BelowRetained, Page, PaymentFilter, PaymentPage, PaymentView, RatePage, RefundView, TrialLine,
    WatchBatch, WatchedRecord,
    accounts::Accounts,
    chain::Chain,
    payments::Payments,
    rate_history::RateHistory,
    trial_balance::TrialBalance,
    watch::{Concerned, WatchRing},
};

/// Payments, accounts, balances and rates as of [`applied_lsn`](Self::applied_lsn) or a little later.
///
/// Shared by all readers; written by the [`Projector`](crate::Projector) that made it and by nobody else. One call sees
/// one board; two calls may see two positions of the log, never an earlier one second.
#[derive(Debug)]
pub struct Boards {
    pub(crate) applied: watch::Sender<Lsn>,
    pub(crate) payments: Payments,
    pub(crate) watch: WatchRing,
    pub(crate) accounts: Accounts,
    pub(crate) trial_balance: Mutex<TrialBalance>,
    pub(crate) rates: RateHistory,
    pub(crate) chain: Chain,
    pub(crate) payments_captured: AtomicU64,
    pub(crate) payments_declined: AtomicU64,
    pub(crate) payments_held: AtomicU64,
}

impl Boards {
    pub(crate) fn new(watch_retained_records: usize) -> Self {
        Self {
            applied: watch::Sender::new(Lsn::ZERO),
            payments: Payments::default(),
            watch: WatchRing::new(watch_retained_records),
            accounts: Accounts::default(),
            trial_balance: Mutex::default(),
            rates: RateHistory::default(),
            chain: Chain::default(),
            payments_captured: AtomicU64::new(0),
            payments_declined: AtomicU64::new(0),
            payments_held: AtomicU64::new(0),
        }
    }

    /// The position up to which every board has seen the log.
    #[must_use]
    pub fn applied_lsn(&self) -> Lsn {
        *self.applied.borrow()
    }

    /// Waits until every board has seen the log up to `lsn`; at once when it has. Cancel safe.
    ///
    /// Does not end when the projector has stopped before `lsn`: the caller bounds its wait by its own deadline.
    pub async fn wait_for(&self, lsn: Lsn) {
        let applied = self.applied.subscribe().wait_for(|applied| *applied >= lsn).await.map(|applied| *applied);
        applied.expect("the sender lives as long as the boards");
    }

    /// This payment as it stands.
    #[must_use]
    pub fn payment(&self, payment: PaymentId) -> Option<PaymentView> {
        self.payments.view(payment)
    }

    /// This payment right after the record at this position; `None` when that record does not concern it.
    #[must_use]
    pub fn payment_at(&self, payment: PaymentId, lsn: Lsn) -> Option<PaymentView> {
        self.payments.view_at(payment, lsn)
    }

    /// The payment for this merchant order, by the keyed digest of its number: the one that holds it, else the last.
    #[must_use]
    pub fn payment_by_order(&self, merchant: MerchantId, order: Digest) -> Option<PaymentView> {
        self.payments.by_order(merchant, order)
    }

    /// The payment that was first asked for under this idempotency key, by the key's keyed digest.
    #[must_use]
    pub fn payment_by_key(&self, tenant: TenantId, key: Digest) -> Option<PaymentView> {
        self.payments.by_key(tenant, key)
    }

    /// The last `limit` refunds of a payment as they stand, declined ones included, oldest first. Empty when there is no
    /// such payment.
    #[must_use]
    pub fn refunds(&self, payment: PaymentId, limit: usize) -> Vec<RefundView> {
        self.payments.refunds(payment, limit)
    }

    /// What the records of a payment up to this position took from its payer, less what they gave back, as it really
    /// moved. `None` when there is no such payment, or it was declined.
    #[must_use]
    pub fn net_debit(&self, payment: PaymentId, up_to: Lsn) -> Option<Money> {
        self.payments.net_debit(payment, up_to)
    }

    /// At most `limit` payments, of this merchant or of all, that fit the filter and were decided after this position, in
    /// the order of their decision. At most `scan_max` are looked at. Positions never change, so a next page stays where
    /// it is while payments arrive.
    #[must_use]
    pub fn list(
        &self,
        merchant: Option<MerchantId>,
        filter: &PaymentFilter,
        after: Lsn,
        limit: usize,
        scan_max: usize,
    ) -> PaymentPage {
        self.payments.list(merchant, filter, after, (limit, scan_max))
    }

    /// What happened after this position to payments of this merchant, or of all: at most `limit` records. Without gap
    /// and without repeat when the next call goes on after [`WatchBatch::up_to`]. When that is no further than before,
    /// [wait](Self::wait_for) for the position after it.
    ///
    /// # Errors
    /// When some of it is no longer kept.
    pub fn watch_from(
        &self,
        merchant: Option<MerchantId>,
        after: Lsn,
        limit: usize,
    ) -> Result<WatchBatch, BelowRetained> {
        let (found, up_to) = self.watch.after(merchant, after, limit, self.applied_lsn())?;
        let view = |concerned: Concerned| {
            let view = self.payments.view_at_step(concerned.payment_id, concerned.step);
            view.expect("a payment is entered before its record is kept for watchers")
        };
        let records = found
            .into_iter()
            .map(|(record, concerned)| WatchedRecord { record, payments: concerned.into_iter().map(view).collect() });
        Ok(WatchBatch { records: records.collect(), up_to })
    }

    /// At most `limit` rates of a pair, newest first, from the one before this index on, counted from 0 for the first
    /// that was published; `None` begins with the last. Indexes never change, so a next page stays where it is while
    /// rates arrive. Empty when none was published.
    #[must_use]
    pub fn rates(&self, pair: CurrencyPair, before_index: Option<usize>, limit: usize) -> RatePage {
        self.rates.page(pair, before_index, limit)
    }

    /// The journal's chain digest right after the batch that holds the record at this position.
    #[must_use]
    pub fn chain_at(&self, lsn: Lsn) -> Option<ChainMark> {
        self.chain.at(lsn)
    }

    /// An account of a wallet holder or a merchant. House accounts are lines of the trial balance.
    #[must_use]
    pub fn account(&self, account: AccountId) -> Option<AccountSummary> {
        self.accounts.summary(account)
    }

    /// At most `limit` postings of an account, oldest first, from the one with this index, counted from 0. Indexes
    /// never change, so a next page stays where it is while postings arrive. Empty when there is no such account.
    #[must_use]
    pub fn postings(&self, account: AccountId, from_index: usize, limit: usize) -> Page {
        self.accounts.page(account, from_index, limit)
    }

    /// Balances by kind of account and currency, in that order. Each currency sums to zero at every moment; see
    /// [`first_imbalance`](crate::first_imbalance).
    #[must_use]
    pub fn trial_balance(&self) -> Vec<TrialLine> {
        self.trial_balance.lock().expect("no holder of the trial balance panics").lines()
    }

    /// Payments of which something was captured since the ledger began.
    #[must_use]
    pub fn payments_captured(&self) -> u64 {
        self.payments_captured.load(Ordering::Relaxed)
    }

    /// Payments declined since the ledger began.
    #[must_use]
    pub fn payments_declined(&self) -> u64 {
        self.payments_declined.load(Ordering::Relaxed)
    }

    /// Payments for which funds are held now.
    #[must_use]
    pub fn payments_held(&self) -> u64 {
        self.payments_held.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
