//! Several payments of which all are approved or none is.
//!
//! They are decided one after the other on a trial: an engine that holds only what they touch, and to which each that is
//! approved is applied before the next is looked at, by the very code that applies one decided alone. So what is decided
//! together is decided, payment by payment, as if it were not; and a trial that ends is dropped, so nothing is undone.

use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

use domain::{
    AccountId, Approved, AuthorizeTogether, CardRefusal, DeclinedTogether, Difference, Event, Evidence, IdempotencyKey,
    KeyedPayment, Policy, Record, Refusal, Timestamp,
};

use crate::{Decision, Engine, authorize::Approval, rails::wallet};

/// One of the payments is refused, and with it all: counted from 0.
type Refused = (usize, Refusal);

impl Engine {
    /// Out of line: a payment alone pays nothing for it.
    #[inline(never)]
    pub(crate) fn decide_together(&self, at: Timestamp, together: &AuthorizeTogether) -> Decision {
        let refused = |(position, refusal)| Decision::RefusedTogether { position, refusal };
        match self.recorded_together(at, together.payments()) {
            Ok(Some(record)) => return Decision::Repeated(record),
            Ok(None) => {}
            Err(reused) => return refused(reused),
        }
        let Some(policy) = self.policy.as_deref().filter(|_| self.initialized.is_some()) else {
            return Decision::Refused(Refusal::OutOfSequence);
        };
        match self.authorize_together(policy, at, together) {
            Ok(event) => Decision::Recorded(event),
            Err(first) => refused(first),
        }
    }

    /// What was recorded under these keys; `None` when all are new. Keys of one record are a repeat of it, or of a part of
    /// it: what it says of each payment holds alone too. A key that has another past cannot have this one.
    fn recorded_together(&self, at: Timestamp, payments: &[KeyedPayment]) -> Result<Option<Arc<Record>>, Refused> {
        let mut seen: BTreeMap<_, &IdempotencyKey> = BTreeMap::new();
        let (mut known, mut first_known) = (Vec::new(), None);
        for (position, KeyedPayment { key, .. }) in payments.iter().enumerate() {
            if let Some(earlier) = seen.insert((key.tenant, key.digest), key) {
                let difference = earlier.fingerprint.difference(&key.fingerprint);
                return Err((position, reused(key, difference.unwrap_or(Difference::Company))));
            }
            if let Some(record) = self.keys.find(at, key).map_err(|refusal| (position, refusal))? {
                first_known = first_known.or(Some((position, key)));
                known.push(Arc::clone(record));
            }
        }
        let Some((position, key)) = first_known else { return Ok(None) };
        let lsn = known[0].lsn;
        if known.len() < payments.len() || known.iter().any(|record| record.lsn != lsn) {
            return Err((position, reused(key, Difference::Company)));
        }
        let record = Record::of_parts(&known).expect("what was recorded under the same requests are payments");
        Ok(Some(Arc::new(record)))
    }

    /// The first that is refused refuses all, the first that is declined declines all.
    fn authorize_together(
        &self,
        policy: &Policy,
        at: Timestamp,
        together: &AuthorizeTogether,
    ) -> Result<Event, Refused> {
        let mut trial = self.trial(together);
        let mut all = Vec::with_capacity(together.payments().len());
        for (position, KeyedPayment { authorize, .. }) in together.payments().iter().enumerate() {
            if authorize.consent.card().is_some() {
                return Err((position, Refusal::Card(CardRefusal::NotTogether)));
            }
            let event = trial.authorize(policy, at, authorize).map_err(|refusal| (position, refusal))?;
            if let Some(decline) = event.decline().copied() {
                return Ok(Event::DeclinedTogether(DeclinedTogether { position, decline }));
            }
            let approved = Approved::of(event).expect("what is neither refused nor declined is approved");
            trial.approved(at, authorize, approval(&approved));
            all.push(approved);
        }
        Ok(Event::AuthorizedTogether(all))
    }

    /// Makes what was decided together so, payment by payment.
    pub(crate) fn together_recorded(&mut self, record: &Arc<Record>) {
        for part in record.parts() {
            self.make_payment_so(part.at, &part.command, &part.event);
            self.keys.remember(&part);
        }
    }

    /// An engine on which these payments, and no others, are decided as on this one. It shares what no payment changes.
    fn trial(&self, together: &AuthorizeTogether) -> Self {
        let payments = || together.payments().iter().map(|payment| &payment.authorize);
        let merchant = together.merchant();
        let settlement = self.parties.merchant(merchant).map(|merchant| merchant.settlement_currency);
        let accounts = payments().flat_map(|authorize| {
            let payer = authorize.payer.present().copied();
            let presented = authorize.presentment_amount.currency();
            let currencies = [Some(presented), payer.map(|payer| payer.currency), settlement];
            let house = currencies.into_iter().flatten().flat_map(wallet::house_accounts);
            let payable = settlement.map(|currency| AccountId::merchant_payable(merchant, currency));
            house.chain(payer).chain(payable)
        });
        let orders = payments().map(|authorize| (merchant, authorize.merchant_order_digest));
        let consents = payments().filter_map(|authorize| {
            let Evidence::Present(payer) = authorize.payer else { return None };
            Some((authorize.merchant_order_digest, payer, &authorize.consent))
        });
        Self {
            applied: self.applied,
            applied_at: self.applied_at,
            initialized: self.initialized,
            policy: self.policy.clone(),
            parties: Arc::clone(&self.parties),
            accounts: Arc::clone(&self.accounts),
            tape: Arc::clone(&self.tape),
            ledger: self.ledger.excerpt(accounts),
            payments: self.payments.excerpt(orders),
            consents: self.consents.excerpt(merchant, consents),
            offers: self.offers.excerpt(payments().filter_map(|authorize| authorize.offer.as_ref())),
            exposure: self.exposure.clone(),
            ..Self::default()
        }
    }
}

const fn approval(approved: &Approved) -> Approval<'_> {
    match approved {
        Approved::Held(authorized) => Approval::Held(authorized),
        Approved::Captured(captured) => Approval::Captured(captured),
    }
}

const fn reused(key: &IdempotencyKey, difference: Difference) -> Refusal {
    Refusal::KeyReused { method: key.fingerprint.method, difference }
}
