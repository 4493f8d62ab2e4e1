//! What payments asked for together lead to: each is looked at in books in which those before it have happened, and those
//! books are thrown away.

use super::{Books, Change, Decided, Outcome, Verdict, keys::difference};
use crate::{
    auditor::plain::{Deed, Found},
    request::{Ask, Caller, Keyed, Rules},
};

/// What a key is refused by whose payment was decided in other company.
const OTHER_COMPANY: &str = "key reused: the payments it is decided with";

impl Books {
    pub(super) fn verdict_together(&self, caller: Caller, payments: &[Keyed], found: &Found, at: i64) -> Verdict {
        match self.repeat_together(caller, payments, at) {
            Ok(Some(lsn)) => return Verdict::Repeat(lsn),
            Ok(None) => {}
            Err(refusal) => return Verdict::Refuse(refusal),
        }
        let (Some(rules), Caller::Merchant(merchant)) = (&self.rules, caller) else {
            return Verdict::Refuse("out of sequence".to_owned());
        };
        match self.decide_together(rules, merchant, payments, found, at) {
            Ok(decided) => Verdict::Record(Box::new(decided)),
            Err(refusal) => Verdict::Refuse(refusal),
        }
    }

    /// The record of which all of these are a repeat.
    fn repeat_together(&self, caller: Caller, payments: &[Keyed], at: i64) -> Result<Option<u64>, String> {
        let mut lsns = Vec::new();
        for (position, keyed) in payments.iter().enumerate() {
            let ask = |of: &Keyed| Ask::Pay(Box::new(of.pay.clone()));
            if let Some(twin) = payments.iter().take(position).find(|earlier| earlier.key == keyed.key) {
                let why = difference(&ask(twin), &ask(keyed)).map(|field| format!("key reused: {field}"));
                return Err(of_payment(position, &why.unwrap_or_else(|| OTHER_COMPANY.to_owned())));
            }
            let known = self.keys.get(&(caller, keyed.key.clone()));
            let known = known.filter(|(.., ends_at)| ends_at.is_none_or(|ends_at| at < ends_at));
            if let Some(field) = known.and_then(|(first, ..)| difference(first, &ask(keyed))) {
                return Err(of_payment(position, &format!("key reused: {field}")));
            }
            lsns.push(known.map(|(_, lsn, _)| *lsn));
        }
        match lsns.iter().position(Option::is_some) {
            None => Ok(None),
            Some(_) if lsns.iter().all(|lsn| *lsn == lsns[0]) => Ok(lsns[0]),
            Some(position) => Err(of_payment(position, OTHER_COMPANY)),
        }
    }

    fn decide_together(
        &self,
        rules: &Rules,
        merchant: u32,
        payments: &[Keyed],
        found: &Found,
        at: i64,
    ) -> Result<Decided, String> {
        let mut trial = self.clone();
        let (mut deeds, mut changes) = (Vec::new(), Vec::new());
        for (position, (keyed, (id, found))) in payments.iter().zip(&found.parts).enumerate() {
            let one = trial.decide_payment(rules, merchant, &keyed.pay, found, *id, at);
            let one = one.map_err(|refusal| of_payment(position, &refusal))?;
            if let Deed::Declined { reason, paid_by } = one.deed {
                let mut changes = one.changes;
                changes.resize(changes.len() + payments.len() - 1, Change::Settled(Outcome::Declined));
                return Ok(Decided { deed: Deed::DeclinedTogether { position, reason, paid_by }, changes });
            }
            for change in &one.changes {
                trial.change(change.clone())?;
            }
            deeds.push(one.deed);
            changes.extend(one.changes);
        }
        Ok(Decided { deed: Deed::ApprovedTogether(deeds), changes })
    }
}

fn of_payment(position: usize, refusal: &str) -> String {
    format!("payment {position}: {refusal}")
}
