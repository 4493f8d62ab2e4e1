//! What the engine has forgotten: found in the index, and given back before a command needs it.

use std::sync::Arc;

use domain::{AuthorizePayment, Command, IdempotencyKey, KeyedPayment, Lsn, PaymentId, Record, Submission};
use engine::{Engine, NotRecalled};
use index::{Index, OrderRow};
use planted::Bug;

/// So many keys or settled payments that the index lacks may be remembered beside those that stay anyway. With more nothing
/// new is recorded: an index that is not written must not take all of the memory.
const UNINDEXED_MAX: usize = 262_144;

/// Why something of the past could not be given back.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// The index cannot be read.
    #[error("cannot look into the index")]
    Index(#[from] index::Error),
    /// The records that the index has of a payment do not make it up.
    #[error("the index does not tell payment {payment} as it is: {why:?}")]
    Payment {
        /// Which payment.
        payment: PaymentId,
        /// What is wrong with its records.
        why: NotRecalled,
    },
}

/// The records of a ledger as the index has them, and how much of what follows from them alone stays in memory.
#[derive(Clone, Debug)]
pub struct Past {
    index: Index,
    keep: usize,
}

impl Past {
    /// The past in this index. Of keys and of settled payments the engine remembers the last `keep` each, or more while
    /// the index lacks them.
    #[must_use]
    pub const fn new(index: Index, keep: usize) -> Self {
        Self { index, keep }
    }

    /// The index it looks into.
    #[must_use]
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// Gives the engine what it lacks to decide this.
    ///
    /// # Errors
    /// When it cannot be had: what is asked must then not be decided.
    pub fn recall(&self, engine: &mut Engine, submission: &Submission) -> Result<(), PastError> {
        if !engine.is_forgetful() {
            return Ok(());
        }
        if let Some(key) = &submission.key {
            self.recall_key(engine, key)?;
        }
        if let Command::AuthorizePayment(asked) = &submission.command {
            return self.recall_order(engine, asked);
        }
        if let Command::AuthorizeTogether(together) = &submission.command {
            return together.payments().iter().try_for_each(|KeyedPayment { key, authorize }| {
                self.recall_key(engine, key)?;
                self.recall_order(engine, authorize)
            });
        }
        match submission.command.payment_id() {
            Some(payment) => self.recall_payment(engine, payment, engine.applied_lsn()),
            None => Ok(()),
        }
    }

    /// Gives the engine the payment that it lacks to apply this record.
    ///
    /// # Errors
    /// When it cannot be had: the record must then not be applied.
    pub fn recall_before(&self, engine: &mut Engine, record: &Record) -> Result<(), PastError> {
        match (&record.command, record.command.payment_id()) {
            // It is approved by this very record.
            (Command::AuthorizePayment(_), _) | (_, None) => Ok(()),
            (_, Some(payment)) => self.recall_payment(engine, payment, engine.applied_lsn()),
        }
    }

    /// Has the engine forget what it need not remember, as far as the index has it.
    pub fn forget(&self, engine: &mut Engine) {
        self.forget_all_but(engine, self.keep);
    }

    /// Whether the engine may remember more.
    pub(crate) fn has_room(&self, engine: &Engine) -> bool {
        engine.remembered() < self.keep.saturating_add(UNINDEXED_MAX)
    }

    pub(crate) fn forget_all_but(&self, engine: &mut Engine, keep: usize) {
        if engine.remembered() <= keep {
            return;
        }
        // While the index cannot be read nothing is forgotten.
        let indexed = match self.index.applied() {
            _ if planted::is(Bug::ForgetsUnindexed) => engine.applied_lsn(),
            Ok(Some(applied)) => applied.lsn,
            Ok(None) | Err(_) => return,
        };
        engine.forget(indexed, keep);
    }

    fn recall_key(&self, engine: &mut Engine, key: &IdempotencyKey) -> Result<(), PastError> {
        if !engine.lacks_key(key) {
            return Ok(());
        }
        if let Some(lsn) = self.index.record_under_key(key.tenant, &key.digest)? {
            engine.recall_key(&self.index.record_led_to(lsn)?.part_under(key.tenant, &key.digest));
        }
        Ok(())
    }

    fn recall_order(&self, engine: &mut Engine, asked: &AuthorizePayment) -> Result<(), PastError> {
        let (merchant, order) = (asked.merchant, asked.merchant_order_digest);
        if !engine.lacks_order(merchant, order) {
            return Ok(());
        }
        match self.index.order(merchant, &order)? {
            Some(OrderRow { shown: (_, payment), .. }) => self.recall_payment(engine, payment, engine.applied_lsn()),
            None => Ok(()),
        }
    }

    /// The index may be ahead of an engine that folds.
    fn recall_payment(&self, engine: &mut Engine, payment: PaymentId, up_to: Lsn) -> Result<(), PastError> {
        if !engine.lacks_payment(payment) {
            return Ok(());
        }
        let of_now = |lsn: &Lsn| *lsn <= up_to || planted::is(Bug::RecallsFromTheFuture);
        let lsns = self.index.payment_records(payment)?.into_iter().take_while(of_now);
        let records = lsns.map(|lsn| self.index.record_led_to(lsn)).collect::<Result<Vec<Arc<Record>>, _>>()?;
        engine.recall_payment(payment, &records).map_err(|why| PastError::Payment { payment, why })
    }
}
