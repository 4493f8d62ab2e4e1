//! One payment, record by record.

use std::{collections::HashMap, sync::Arc};

use domain::{Command, Event, Lsn, PaymentId, PaymentState, PaymentTotals, Record, RefundId};
use money::Money;

use super::view::{PaymentView, RefundView, authorize_of, refund_of, totals_in};
use crate::trial_balance::{add, subtract};

/// Which record of a payment: 0 decided it, the others followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StepIndex(u32);

/// A payment by reference to the records that concern it.
#[derive(Debug)]
pub(super) struct Entry {
    decided: Arc<Record>,
    /// The same as it stands in the journal: it may have decided others too.
    decided_whole: Arc<Record>,
    /// In lsn order; one record stands here twice if it priced two refunds.
    later: Vec<Step>,
    /// The last step that changed the payment.
    last: StepIndex,
}

#[derive(Debug)]
struct Step {
    record: Arc<Record>,
    /// The step that last told the payment's totals: this one or one before it.
    told: StepIndex,
    /// The step that asked for the refund this is about; `DECISION` when it is about none.
    refund: StepIndex,
}

impl StepIndex {
    const DECISION: Self = Self(0);

    fn position(self) -> Option<usize> {
        let number = usize::try_from(self.0).expect("an index fits the address space");
        number.checked_sub(1)
    }
}

impl Entry {
    pub(super) const fn new(decided: Arc<Record>, decided_whole: Arc<Record>) -> Self {
        Self { decided, decided_whole, later: Vec::new(), last: StepIndex::DECISION }
    }

    /// The payment that these records made, in order; `None` when they cannot have.
    pub(super) fn read(payment: PaymentId, records: Vec<Arc<Record>>) -> Option<Self> {
        let mut records = records.into_iter();
        let decided_whole = records.next()?;
        let decided = decided_whole.part_of(payment);
        let Command::AuthorizePayment(command) = &decided.command else { return None };
        if command.payment_id != payment {
            return None;
        }
        let mut entry = Self::new(decided, decided_whole);
        records.try_for_each(|record| entry.push(payment, &record)).map(|()| entry)
    }

    /// Enters a record that concerns the payment; `None` when it cannot.
    pub(super) fn push(&mut self, payment: PaymentId, record: &Arc<Record>) -> Option<()> {
        if let Event::RefundsPriced(priced) = &record.event {
            let mut of_payment = priced.iter().filter(|refund| refund.payment_id == payment).peekable();
            of_payment.peek()?;
            return of_payment.try_for_each(|refund| self.push_priced(record, refund.refund_id));
        }
        let next = self.next();
        let refund = if refund_of(record).is_some() { next } else { StepIndex::DECISION };
        let told = if record.event.decline().is_some() {
            // It left the payment as it was.
            record.command.payment_id().filter(|of| *of == payment)?;
            self.told(self.newest())
        } else {
            // A declined payment does not go on, and whatever goes on tells its totals.
            self.totals()?;
            totals_in(record, payment)?;
            self.last = next;
            next
        };
        self.later.push(Step { record: Arc::clone(record), told, refund });
        Some(())
    }

    /// A record that gave the refund of an earlier step to the payer.
    fn push_priced(&mut self, record: &Arc<Record>, refund: RefundId) -> Option<()> {
        let is_asked = |step: &Step| {
            matches!(step.record.event, Event::RefundPending(_)) && refund_of(&step.record) == Some(refund)
        };
        let position = self.later.iter().rposition(is_asked)?;
        let asked = StepIndex(u32::try_from(position).ok()?.checked_add(1)?);
        if self.later.iter().skip(position).skip(1).any(|step| step.refund == asked) {
            return None;
        }
        let next = self.next();
        let told = self.told(self.newest());
        self.last = next;
        self.later.push(Step { record: Arc::clone(record), told, refund: asked });
        Some(())
    }

    pub(super) const fn decided(&self) -> &Arc<Record> {
        &self.decided
    }

    /// The payment as it stands; `None` when it was declined.
    pub(super) fn totals(&self) -> Option<PaymentTotals> {
        self.totals_at(self.newest())
    }

    pub(super) fn view(&self) -> PaymentView {
        self.view_at(self.last)
    }

    /// The payment right after this step.
    pub(super) fn view_at(&self, step: StepIndex) -> PaymentView {
        let record = self.record(step);
        let refund = step.position().map(|position| self.later[position].refund);
        let refund = refund.filter(|asked| *asked != StepIndex::DECISION).map(|asked| RefundView {
            record: Arc::clone(self.record(asked)),
            priced: (asked != step).then(|| Arc::clone(record)),
        });
        PaymentView {
            decided: Arc::clone(&self.decided),
            record: Arc::clone(record),
            in_journal: Arc::clone(if step == StepIndex::DECISION { &self.decided_whole } else { record }),
            answered: self.answered_at(step),
            totals: self.totals_at(step).filter(|totals| totals.state != PaymentState::Declined),
            refund,
        }
    }

    /// The answer of its card's issuer, if there was one by this step.
    fn answered_at(&self, step: StepIndex) -> Option<Arc<Record>> {
        let is_answer = |step: &&Step| matches!(step.record.command, Command::AnswerCard(_));
        let steps = self.later.iter().take(step.position()?.saturating_add(1));
        steps.into_iter().find(is_answer).map(|step| Arc::clone(&step.record))
    }

    /// The position of the newest record that concerns the payment.
    pub(super) fn newest_lsn(&self) -> Lsn {
        self.record(self.newest()).lsn
    }

    /// The step that is this record, and that so many steps follow which are this record too.
    pub(super) fn step_before(&self, lsn: Lsn, followers: u32) -> Option<StepIndex> {
        let step = StepIndex(self.step_of(lsn)?.0.checked_sub(followers)?);
        (self.record(step).lsn == lsn).then_some(step)
    }

    /// The last step that is this record.
    pub(super) fn step_of(&self, lsn: Lsn) -> Option<StepIndex> {
        let number = self.later.partition_point(|step| step.record.lsn <= lsn);
        let step = StepIndex(u32::try_from(number).expect("steps are counted by 32 bits"));
        (self.record(step).lsn == lsn).then_some(step)
    }

    /// The last `limit` refunds, oldest first, as they stand.
    pub(super) fn refunds(&self, limit: usize) -> Vec<RefundView> {
        let mut priced: HashMap<RefundId, Arc<Record>> = HashMap::new();
        let mut refunds = Vec::new();
        for step in self.later.iter().rev() {
            if refunds.len() >= limit {
                break;
            }
            if let Event::RefundsPriced(_) = step.record.event {
                let asked = refund_of(self.record(step.refund)).expect("a refund is priced that was asked for");
                priced.insert(asked, Arc::clone(&step.record));
            } else if let Some(refund) = refund_of(&step.record) {
                refunds.push(RefundView { record: Arc::clone(&step.record), priced: priced.remove(&refund) });
            }
        }
        refunds.reverse();
        refunds
    }

    /// What its records up to this position took from its payer, less what they gave back; `None` when it was declined.
    pub(super) fn net_debit(&self, up_to: Lsn) -> Option<Money> {
        let asked = authorize_of(&self.decided);
        let payer = *asked.payer.present()?;
        let zero = self.totals().map(|_| Money::zero(payer.currency))?;
        let mut records: Vec<&Record> = vec![&self.decided];
        records.extend(self.later.iter().map(|step| &*step.record).take_while(|record| record.lsn <= up_to));
        records.dedup_by_key(|record| record.lsn);
        let postings = records.into_iter().flat_map(Record::postings);
        let moved = postings.filter(|(payment, _)| *payment == Some(asked.payment_id)).map(|(_, posting)| posting);
        Some(moved.fold(zero, |net, posting| {
            if posting.debit() == payer {
                add(net, posting.amount())
            } else if posting.credit() == payer {
                subtract(net, posting.amount())
            } else {
                net
            }
        }))
    }

    fn record(&self, step: StepIndex) -> &Arc<Record> {
        step.position().map_or(&self.decided, |position| &self.later[position].record)
    }

    fn told(&self, step: StepIndex) -> StepIndex {
        step.position().map_or(StepIndex::DECISION, |position| self.later[position].told)
    }

    fn totals_at(&self, step: StepIndex) -> Option<PaymentTotals> {
        totals_in(self.record(self.told(step)), authorize_of(&self.decided).payment_id)
    }

    fn newest(&self) -> StepIndex {
        StepIndex(u32::try_from(self.later.len()).expect("steps are counted by 32 bits"))
    }

    fn next(&self) -> StepIndex {
        StepIndex(self.newest().0.checked_add(1).expect("steps are counted by 32 bits"))
    }
}
