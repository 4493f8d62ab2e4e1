//! What readers see.

use std::sync::{Arc, Mutex};

use domain::{AccountId, ChainMark, Command, CurrencyPair, Digest, Lsn, MerchantId, PaymentId, Record, TenantId};
use index::{Counts, Index, TrialLine};
use money::Money;
use tokio::sync::watch;

use crate::{
    AccountSummary, IndexError, ListPlace, Page, PaymentFilter, PaymentPage, PaymentView, RatePage, RefundView,
    WatchBatch, WatchError, WatchedRecord,
    accounts::{Accounts, has_postings_listed},
    chain::Chain,
    payments::Payments,
    rate_history::RateHistory,
    trial_balance::TrialBalance,
    watch::{Concerned, WatchRing, concerned_by},
};

/// How many records are taken from the index at a time.
const LOAD_RECORDS: usize = 1_024;

/// Payments, accounts, balances and rates as of [`applied_lsn`](Self::applied_lsn) or a little later.
///
/// Shared by all readers; written by the [`Projector`](crate::Projector) that made it and by nobody else. One call sees
/// one board; two calls may see two positions of the log, never an earlier one second. What is older than the hot window
/// is read from the index, so that a read that may need it blocks on a disk, and fails when that does.
#[derive(Debug)]
pub struct Boards {
    pub(crate) applied: watch::Sender<Lsn>,
    pub(crate) payments: Payments,
    pub(crate) watch: WatchRing,
    pub(crate) accounts: Accounts,
    pub(crate) trial_balance: Mutex<TrialBalance>,
    pub(crate) rates: RateHistory,
    pub(crate) chain: Chain,
    pub(crate) counts: Mutex<Counts>,
    pub(crate) index_failure: Mutex<Option<Arc<IndexError>>>,
}

impl Boards {
    pub(crate) fn new(watch_records: usize) -> Self {
        Self {
            applied: watch::Sender::new(Lsn::ZERO),
            payments: Payments::new(None, Lsn::ZERO),
            watch: WatchRing::new(watch_records, Lsn::ZERO),
            accounts: Accounts::default(),
            trial_balance: Mutex::default(),
            rates: RateHistory::default(),
            chain: Chain::new(None, Lsn::ZERO),
            counts: Mutex::default(),
            index_failure: Mutex::default(),
        }
    }

    /// The boards as of `start`, where this index stands.
    pub(crate) fn load(index: &Index, start: Lsn, watch_records: usize) -> Result<Self, IndexError> {
        let payments = Payments::new(Some(index.clone()), start);
        let watched = u64::try_from(watch_records).unwrap_or(u64::MAX);
        let mut watched = Lsn::new(start.get().saturating_sub(watched));
        let watch = WatchRing::new(watch_records, watched);
        while watched < start {
            let records = index.records(watched, start, LOAD_RECORDS)?;
            let Some(last) = records.last() else { return Err(index.missing(watched.next())) };
            watched = last.lsn;
            for record in &records {
                watch.push(record, concerned_by(record, |payment| payments.merchant(payment))?);
            }
        }
        Ok(Self {
            applied: watch::Sender::new(start),
            payments,
            watch,
            accounts: Accounts::load(index.clone())?,
            trial_balance: Mutex::new(TrialBalance::of(index.trial_balance()?)),
            rates: RateHistory::load(index.clone())?,
            chain: Chain::new(Some(index.clone()), start),
            counts: Mutex::new(index.counts()?),
            index_failure: Mutex::default(),
        })
    }

    /// Drops what this record touched last, the oldest of the hot window; it is in the index.
    pub(crate) fn forget(&self, record: &Arc<Record>) {
        self.payments.forget(record);
        for (_, posting) in record.postings() {
            for account in [posting.debit(), posting.credit()] {
                if has_postings_listed(account) {
                    self.accounts.forget(account, record.lsn);
                }
            }
        }
        if let Command::PublishRates(command) = &record.command {
            self.rates.forget(command, record.lsn);
        }
        self.chain.forget(record.lsn);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts.lock().expect("no holder of the counts panics").clone()
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
    ///
    /// # Errors
    /// When it is in the index only, and cannot be read.
    pub fn payment(&self, payment: PaymentId) -> Result<Option<PaymentView>, IndexError> {
        self.payments.view(payment)
    }

    /// This payment right after the record at this position; `None` when that record does not concern it.
    ///
    /// # Errors
    /// When it is in the index only, and cannot be read.
    pub fn payment_at(&self, payment: PaymentId, lsn: Lsn) -> Result<Option<PaymentView>, IndexError> {
        self.payments.view_at(payment, lsn)
    }

    /// The payment for this merchant order, by the keyed digest of its number: the one that holds it, else the last.
    ///
    /// # Errors
    /// When it is in the index only, and cannot be read.
    pub fn payment_by_order(&self, merchant: MerchantId, order: Digest) -> Result<Option<PaymentView>, IndexError> {
        self.payments.by_order(merchant, order)
    }

    /// The payment that was asked for under this idempotency key, by the key's keyed digest; `None` when the key was used for
    /// something else since.
    ///
    /// # Errors
    /// When it is in the index only, and cannot be read.
    pub fn payment_by_key(&self, tenant: TenantId, key: Digest) -> Result<Option<PaymentView>, IndexError> {
        self.payments.by_key(tenant, key)
    }

    /// The last `limit` refunds of a payment as they stand, declined ones included, oldest first. Empty when there is no
    /// such payment.
    ///
    /// # Errors
    /// When it is in the index only, and cannot be read.
    pub fn refunds(&self, payment: PaymentId, limit: usize) -> Result<Vec<RefundView>, IndexError> {
        self.payments.refunds(payment, limit)
    }

    /// What the records of a payment up to this position took from its payer, less what they gave back, as it really
    /// moved. `None` when there is no such payment, or it was declined.
    ///
    /// # Errors
    /// When it is in the index only, and cannot be read.
    pub fn net_debit(&self, payment: PaymentId, up_to: Lsn) -> Result<Option<Money>, IndexError> {
        self.payments.net_debit(payment, up_to)
    }

    /// At most `limit` payments, of this merchant or of all, that fit the filter and are behind this place, in the order of
    /// their decision. At most `scan_max` are looked at. Places never change, so a next page stays where it is while payments
    /// arrive.
    ///
    /// # Errors
    /// When it is in the index only, and cannot be read.
    pub fn list(
        &self,
        merchant: Option<MerchantId>,
        filter: &PaymentFilter,
        after: impl Into<ListPlace>,
        limit: usize,
        scan_max: usize,
    ) -> Result<PaymentPage, IndexError> {
        self.payments.list(merchant, filter, after.into(), (limit, scan_max))
    }

    /// What happened after this position to payments of this merchant, or of all: at most `limit` records. Without gap
    /// and without repeat when the next call goes on after [`WatchBatch::up_to`]. When that is no further than before,
    /// [wait](Self::wait_for) for the position after it.
    ///
    /// # Errors
    /// When some of it is no longer kept, or cannot be read.
    pub fn watch_from(&self, merchant: Option<MerchantId>, after: Lsn, limit: usize) -> Result<WatchBatch, WatchError> {
        let (found, up_to) = self.watch.after(merchant, after, limit, self.applied_lsn())?;
        let watched = |(record, concerned): (Arc<Record>, Vec<Concerned>)| {
            let view = |one: Concerned| self.payments.view_at_step(one.payment_id, record.lsn, one.followers);
            let payments = concerned.into_iter().map(view).collect::<Result<_, _>>()?;
            Ok(WatchedRecord { record, payments })
        };
        let records = found.into_iter().map(watched).collect::<Result<_, IndexError>>()?;
        Ok(WatchBatch { records, up_to })
    }

    /// At most `limit` rates of a pair, newest first, from the one before this index on, counted from 0 for the first
    /// that was published; `None` begins with the last. Indexes never change, so a next page stays where it is while
    /// rates arrive. Empty when none was published.
    ///
    /// # Errors
    /// When it is in the index only, and cannot be read.
    pub fn rates(&self, pair: CurrencyPair, before_index: Option<usize>, limit: usize) -> Result<RatePage, IndexError> {
        self.rates.page(pair, before_index, limit)
    }

    /// The journal's chain digest right after the batch that holds the record at this position.
    ///
    /// # Errors
    /// When it is in the index only, and cannot be read.
    pub fn chain_at(&self, lsn: Lsn) -> Result<Option<ChainMark>, IndexError> {
        self.chain.at(lsn)
    }

    /// An account of a wallet holder or a merchant. House accounts are lines of the trial balance.
    #[must_use]
    pub fn account(&self, account: AccountId) -> Option<AccountSummary> {
        self.accounts.summary(account)
    }

    /// At most `limit` postings of an account, oldest first, from the one with this index, counted from 0. Indexes
    /// never change, so a next page stays where it is while postings arrive. Empty when there is no such account.
    ///
    /// # Errors
    /// When it is in the index only, and cannot be read.
    pub fn postings(&self, account: AccountId, from_index: usize, limit: usize) -> Result<Page, IndexError> {
        self.accounts.page(account, from_index, limit)
    }

    /// Balances by kind of account and currency, in that order. Each currency sums to zero at every moment; see
    /// [`first_imbalance`](crate::first_imbalance).
    #[must_use]
    pub fn trial_balance(&self) -> Vec<TrialLine> {
        self.trial_balance.lock().expect("no holder of the trial balance panics").lines()
    }

    /// Why the index did not take what was to be written last; `None` when it did. Until it does, everything that follows
    /// from later records stays in memory.
    ///
    /// # Panics
    /// Never: no holder of its lock panics.
    #[must_use]
    pub fn index_failure(&self) -> Option<Arc<IndexError>> {
        self.index_failure.lock().expect("no holder of the failure panics").clone()
    }

    /// Payments of which something was captured since the ledger began.
    #[must_use]
    pub fn payments_captured(&self) -> u64 {
        self.counts.lock().expect("no holder of the counts panics").payments_captured
    }

    /// Payments declined since the ledger began.
    #[must_use]
    pub fn payments_declined(&self) -> u64 {
        self.counts.lock().expect("no holder of the counts panics").payments_declined
    }

    /// Payments for which funds are held now.
    #[must_use]
    pub fn payments_held(&self) -> u64 {
        self.counts.lock().expect("no holder of the counts panics").payments_held
    }
}

#[cfg(test)]
mod tests;
