//! The state, told one thing at a time, and taken in again.

use alloc::{boxed::Box, collections::BTreeMap, sync::Arc, vec::Vec};

use domain::{
    AccountId, PaymentId, RegisterWallet, Standing, StandingCardUse, StandingLedger, StandingMandateUse,
    StandingPayment, StandingPerson, StandingPhase, StandingRefund, StandingTranche, WalletId,
};
use money::Money;

use crate::{
    Engine,
    parties::next_number,
    payments::{CardUse, Closed, MandateUse, Payment, PendingRefund, Phase, Tranche, Tranches},
    rails::wallet::{Legs, plus},
};

/// What was told cannot stand, or not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoesNotStand {
    /// What is wrong.
    pub what: &'static str,
}

impl Engine {
    /// Everything that stands, but for what follows from the records of keys and settled payments: those are recalled by
    /// whoever has the records. Equal states tell equal lists.
    pub fn standing(&self) -> impl Iterator<Item = Standing> + '_ {
        let ledger = StandingLedger {
            lsn: self.applied,
            at: self.applied_at,
            initialized: self.initialized,
            policy: self.policy.clone(),
            key_terms: self.keys.terms().to_vec(),
        };
        let parties = self.parties.wallets().iter().cloned().map(Standing::Wallet);
        let parties = parties.chain(self.parties.merchants().iter().cloned().map(Standing::Merchant));
        let accounts = self.accounts.standing().map(Standing::Account);
        let accounts = accounts.chain(self.ledger.standing().map(Standing::Balance));
        let used_quotes = self.offers.used.iter().map(|(quote, expires_at)| Standing::UsedQuote(*quote, *expires_at));
        core::iter::once(Standing::Ledger(ledger))
            .chain(parties)
            .chain(accounts)
            .chain(self.cards.standing())
            .chain(self.tape.standing())
            .chain(self.standing_payments())
            .chain(self.consents.standing())
            .chain(used_quotes)
            .chain(self.exposure.standing().map(Standing::Reserved))
    }

    fn standing_payments(&self) -> impl Iterator<Item = Standing> + '_ {
        let standing = self.payments.table.iter().filter(|(_, payment)| !payment.is_settled());
        let mut ids: Vec<PaymentId> = standing.map(|(id, _)| id).collect();
        ids.sort_unstable();
        let payments = ids.into_iter().map(|id| Standing::Payment(told(id, &self.payments.known(id))));
        let waiting = self.payments.pending_refunds.values().flatten();
        payments.chain(waiting.map(|((priced_from_day, payment_id, refund_id), refund)| {
            Standing::PendingRefund(StandingRefund {
                payment_id: *payment_id,
                refund_id: *refund_id,
                priced_from_day: *priced_from_day,
                amount: refund.amount,
                original_mid: refund.original_mid,
            })
        }))
    }

    /// Takes in what stands, in the order [`standing`](Self::standing) tells it, the first into an engine that is new.
    /// When all of it was taken in, [`check_standing`](Self::check_standing) says whether it is whole.
    ///
    /// # Errors
    /// When it cannot stand there. This engine is then to be discarded.
    pub fn stand(&mut self, standing: Standing) -> Result<(), DoesNotStand> {
        let accepted = |fits: bool, what| if fits { Ok(()) } else { Err(DoesNotStand { what }) };
        match standing {
            Standing::Ledger(ledger) => {
                accepted(!self.forgetful, "a second ledger")?;
                let StandingLedger { lsn, at, initialized, policy, key_terms } = ledger;
                self.keys.stand_terms(key_terms);
                (self.applied, self.applied_at, self.policy) = (lsn, at, policy);
                self.begin(initialized);
                self.forgetful = true;
                Ok(())
            }
            _ if !self.forgetful => Err(DoesNotStand { what: "something before its ledger" }),
            Standing::Wallet(name) => {
                let number = WalletId(next_number(self.parties.wallets().len()));
                let register = RegisterWallet { name };
                accepted(self.parties.register_wallet(&register).is_ok(), "a wallet operator's name twice")?;
                Arc::make_mut(&mut self.parties).wallet_registered(&register, number);
                Ok(())
            }
            Standing::Merchant(register) => {
                let number = self.parties.register_merchant(&register);
                let number = number.map_err(|_| DoesNotStand { what: "a merchant's name or API key twice" })?;
                let payable = AccountId::merchant_payable(number, register.settlement_currency);
                accepted(!self.ledger.is_open(payable), "a balance before its merchant")?;
                Arc::make_mut(&mut self.parties).merchant_registered(&register, number);
                self.ledger.open(payable);
                Ok(())
            }
            Standing::Account(account) => {
                let id = account.account;
                accepted(self.parties.has_wallet(account.wallet), "an account of no wallet operator")?;
                accepted(!self.ledger.is_open(id), "a balance before its account")?;
                accepted(Arc::make_mut(&mut self.accounts).stand(account), "an account that is not the next")?;
                self.ledger.open(id);
                Ok(())
            }
            Standing::Balance(balance) => accepted(self.ledger.stand(balance), "a balance out of bounds"),
            Standing::Person(person) => accepted(self.stand_person(person), "a person of nobody, or twice"),
            Standing::Card(card) => accepted(self.cards.stand_card(card), "a card of nobody, or twice"),
            Standing::CardMessage(message) => accepted(self.cards.stand_message(message), "a message of no card"),
            Standing::Tick(tick) => {
                accepted(Arc::make_mut(&mut self.tape).stand_tick(tick), "a rate that is not the next")
            }
            Standing::Moves(pair, moves) => {
                accepted(Arc::make_mut(&mut self.tape).stand_moves(pair, moves), "too many moves of a pair")
            }
            Standing::Payment(payment) => accepted(self.stand_payment(payment), "a payment that cannot be"),
            Standing::PendingRefund(refund) => accepted(self.stand_refund(&refund), "a refund of no payment"),
            Standing::Code(code) => accepted(self.consents.stand_code(&code), "a code twice"),
            Standing::Approval(approval) => {
                accepted(self.consents.stand_approval(&approval), "an approval of an order twice")
            }
            Standing::CardApproval(approval) => {
                accepted(self.consents.stand_card_approval(&approval), "an approval of a charge twice")
            }
            Standing::Mandate(mandate) => accepted(self.consents.stand_mandate(&mandate), "a mandate twice"),
            Standing::Guesses(guesses) => {
                accepted(self.consents.stand_guesses(&guesses), "guesses of a merchant twice")
            }
            Standing::UsedQuote(quote, at) => accepted(self.offers.stand(quote, at), "a used quote twice"),
            Standing::Reserved(reserved) => accepted(self.exposure.stand(reserved), "a reservation twice"),
        }
    }

    fn stand_person(&mut self, person: StandingPerson) -> bool {
        self.parties.has_wallet(person.asserted.wallet) && self.cards.stand_person(person)
    }

    fn stand_payment(&mut self, standing: StandingPayment) -> bool {
        let id = standing.payment_id;
        let Some(payment) = taken_in(standing) else { return false };
        let fits = self.parties.merchant(payment.merchant).is_some()
            && self.has_payer(&payment)
            && !self.payments.table.contains(id);
        fits && self.payments.insert(id, payment)
    }

    fn has_payer(&self, payment: &Payment) -> bool {
        match payment.card.as_deref() {
            None => self.accounts.has(payment.payer),
            Some(card) => self.cards.is_of(card.token, payment.payer),
        }
    }

    fn stand_refund(&mut self, refund: &StandingRefund) -> bool {
        let Some(payment) = self.payments.table.get(refund.payment_id) else { return false };
        let pair = payment.pair();
        let pending_refunds = payment.pending_refunds.saturating_add(1);
        self.payments.table.replace(refund.payment_id, Payment { pending_refunds, ..payment });
        let place = (refund.priced_from_day, refund.payment_id, refund.refund_id);
        let pending = PendingRefund { amount: refund.amount, original_mid: refund.original_mid };
        self.payments.pending_refunds.entry(pair).or_default().insert(place, pending).is_none()
    }

    /// Whether all that was taken in fits together: each currency sums to zero, what is held of each account is what its
    /// payments hold, what is reserved is what they would move, and each payment holds or waits.
    ///
    /// # Errors
    /// What does not fit.
    pub fn check_standing(&self) -> Result<(), DoesNotStand> {
        if self.ledger.sums().into_values().any(|sum| sum != 0) {
            return Err(DoesNotStand { what: "a currency that does not sum to zero" });
        }
        let mut held: BTreeMap<AccountId, i128> = BTreeMap::new();
        let mut reserved: BTreeMap<_, Money> = BTreeMap::new();
        for (_, payment) in self.payments.table.iter() {
            if payment.is_settled() {
                return Err(DoesNotStand { what: "a payment that neither holds nor waits" });
            }
            *held.entry(payment.payer).or_insert(0) += payment.held().minor_units();
            let change = payment.reserved_exposure();
            for part in change.into_iter().flat_map(|(gained, lost)| [gained, lost]) {
                let zero = Money::zero(part.currency());
                let sum = reserved.entry(part.currency()).or_insert(zero);
                *sum = plus(*sum, part);
            }
        }
        held.retain(|_, units| *units != 0);
        if held != self.ledger.holds().collect() {
            return Err(DoesNotStand { what: "holds that no payment has" });
        }
        let differs = |reserved: Money| self.exposure.reserved(reserved.currency()) != reserved;
        let unfounded = |told: Money| !told.is_zero() && reserved.get(&told.currency()) != Some(&told);
        match reserved.values().copied().any(differs) || self.exposure.standing().any(unfounded) {
            true => Err(DoesNotStand { what: "reservations that no payment makes" }),
            false => Ok(()),
        }
    }
}

fn told(payment_id: PaymentId, payment: &Payment) -> StandingPayment {
    StandingPayment {
        payment_id,
        merchant: payment.merchant,
        payer: payment.payer,
        order: payment.order,
        tranches: payment.tranches.iter().map(told_tranche).collect(),
        phase: match payment.phase {
            Phase::Pending { answer_by } => StandingPhase::Pending(answer_by),
            Phase::Open { expires_at } => StandingPhase::Open(expires_at),
            Phase::Closed(Closed::Captured) => StandingPhase::Captured,
            Phase::Closed(Closed::Voided) => StandingPhase::Voided,
            Phase::Closed(Closed::Expired) => StandingPhase::Expired,
        },
        consented: payment.consented,
        mandate: payment.mandate.as_deref().map(|used| StandingMandateUse {
            mandate_id: used.id,
            period: used.period,
            counted: used.counted,
        }),
        changed: payment.changed,
        card: payment.card.as_deref().map(|card| StandingCardUse {
            token: card.token,
            capture_mode: card.capture_mode,
            limit: card.limit,
            original: card.original,
            approval_code: card.approval_code,
        }),
    }
}

fn told_tranche(tranche: &Tranche) -> StandingTranche {
    let Tranche { legs, weight, authorized, captured, refunded, refunded_repriced } = tranche;
    StandingTranche {
        debit: legs.debit_conversion(),
        settlement: legs.settlement_conversion(),
        discount: legs.discount(),
        fee: legs.fee(),
        weight: *weight,
        authorized: *authorized,
        captured: *captured,
        refunded: *refunded,
        refunded_repriced: *refunded_repriced,
    }
}

/// The payment that was told, if it can be one.
fn taken_in(standing: StandingPayment) -> Option<Payment> {
    let StandingPayment { payment_id: _, merchant, payer, order, tranches, phase, consented, mandate, changed, card } =
        standing;
    let tranches: Vec<Tranche> = tranches.into_iter().map(taken_in_tranche).collect::<Option<_>>()?;
    let tranches = Tranches::from(tranches)?;
    let pair = tranches.first().legs.pair();
    if pair.debit != payer.currency || tranches.iter().any(|tranche| tranche.legs.pair() != pair) {
        return None;
    }
    Some(Payment {
        merchant,
        payer,
        order,
        tranches,
        phase: match phase {
            StandingPhase::Pending(answer_by) => Phase::Pending { answer_by },
            StandingPhase::Open(expires_at) => Phase::Open { expires_at },
            StandingPhase::Captured => Phase::Closed(Closed::Captured),
            StandingPhase::Voided => Phase::Closed(Closed::Voided),
            StandingPhase::Expired => Phase::Closed(Closed::Expired),
        },
        consented,
        mandate: mandate.map(|used| {
            let StandingMandateUse { mandate_id: id, period, counted } = used;
            Box::new(MandateUse { id, period, counted })
        }),
        pending_refunds: 0,
        changed,
        card: card.map(|card| {
            let StandingCardUse { token, capture_mode, limit, original, approval_code } = card;
            Box::new(CardUse { token, capture_mode, limit, original, approval_code })
        }),
    })
}

fn taken_in_tranche(standing: StandingTranche) -> Option<Tranche> {
    let StandingTranche { debit, settlement, discount, fee, weight, authorized, captured, refunded, refunded_repriced } =
        standing;
    let legs = Legs::of_conversions(authorized.currency(), debit, settlement, (discount, fee))?;
    Some(Tranche { legs: Arc::new(legs), weight, authorized, captured, refunded, refunded_repriced })
}
