//! Those who pay: each insists on an answer to every key, whatever becomes of the daemon.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use client::{Client, Error};
use tokio::{sync::watch, time::timeout};
use wire::v1::{CaptureMode, Payment, PaymentState};

use crate::{
    call::Call,
    house::cafe,
    support::{
        moves::{capture, final_capture, refund, void},
        parties::money,
        random::Random,
    },
};

/// So long a caller waits for an answer: less than some issuers take.
const HASTY: Duration = Duration::from_millis(250);
/// After an attempt that was not answered, until the next, unless there is another daemon before.
const AGAIN: Duration = Duration::from_millis(50);
/// What is asked so often and not answered never will be.
const ATTEMPTS_MAX: u32 = 5_000;

/// Where the daemon of the moment is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) merchants: String,
    pub(crate) closing: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Definite answers, repeats included.
    pub(crate) answers: watch::Sender<u64>,
    pub(crate) retries: AtomicU64,
    pub(crate) refusals: AtomicU64,
}

pub(crate) struct Buyer {
    name: String,
    random: Random,
    place: watch::Receiver<Place>,
    cafe: Client,
    tokens: Arc<[String]>,
    tally: Arc<Tally>,
    keys: u64,
    /// What it has asked to pay, and was not told the end of.
    unanswered: Vec<Call>,
    /// Its payments as it was told of them last, with the call that began each.
    told: BTreeMap<String, (Call, Payment)>,
}

impl Buyer {
    pub(crate) fn new(
        (number, seed): (u64, u64),
        place: watch::Receiver<Place>,
        tokens: Arc<[String]>,
        tally: Arc<Tally>,
    ) -> Self {
        let cafe = cafe(&place.borrow().merchants, HASTY);
        let (name, random) = (format!("buyer-{number}"), Random(seed.wrapping_mul(1_000).wrapping_add(number)));
        Self { name, random, place, cafe, tokens, tally, keys: 0, unanswered: Vec::new(), told: BTreeMap::new() }
    }

    /// Returns its payments as it was told of them last.
    pub(crate) async fn buy_until_closing(mut self) -> Vec<Payment> {
        while !self.place.borrow().closing {
            let call = self.next_call();
            match self.attempt(&call).await {
                Some(payment) => self.learn(call, payment),
                // It may have been made, so nothing else is asked of what it is about until that is known.
                None if matches!(call, Call::Pay(_)) => self.unanswered.push(call),
                None => self.insist(call).await,
            }
        }
        for call in std::mem::take(&mut self.unanswered) {
            self.insist(call).await;
        }
        self.told.into_values().map(|(_, payment)| payment).collect()
    }

    fn learn(&mut self, call: Call, payment: Payment) {
        if let Some((begun, before)) = self.told.get_mut(&payment.payment_id) {
            let stays = before.state() == payment.state();
            // The one end that comes by itself.
            let ends = before.state() == PaymentState::Pending;
            assert!(stays || ends || !matches!(call, Call::Pay(_)), "{begun:?} was {before:?} and is {payment:?}");
            *before = payment;
        } else {
            self.told.insert(payment.payment_id.clone(), (call, payment));
        }
    }

    /// A payment, or something that one of those before allows.
    fn next_call(&mut self) -> Call {
        if self.random.one_in(3)
            && let Some(call) = self.unanswered.pop()
        {
            return call;
        }
        self.keys += 1;
        let key = format!("{}-{}", self.name, self.keys);
        if self.told.is_empty() || self.random.one_in(3) {
            return self.pay(key);
        }
        let index = usize::try_from(self.random.below(self.told.len() as u64)).expect("an index fits usize");
        let (begun, payment) = self.told.values().nth(index).expect("there are more than that").clone();
        let [authorized, captured, refunded] =
            [&payment.authorized, &payment.captured, &payment.refunded].map(|amount| {
                amount.as_ref().and_then(|amount| amount.presentment.as_ref()).map_or(0, |it| it.minor_units)
            });
        let payment_id = payment.payment_id.as_str();
        match payment.state() {
            PaymentState::Pending => begun,
            PaymentState::Authorized => match self.random.below(3) {
                0 => Call::Void(void(&key, payment_id)),
                1 => Call::Capture(capture(&key, payment_id, money("CNY", authorized))),
                _ => Call::Capture(final_capture(&key, payment_id, money("CNY", self.part(authorized)))),
            },
            PaymentState::Captured | PaymentState::PartiallyRefunded => {
                Call::Refund(refund(&key, payment_id, money("CNY", self.part(captured - refunded))))
            }
            PaymentState::PartiallyCaptured
            | PaymentState::Refunded
            | PaymentState::Declined
            | PaymentState::Voided
            | PaymentState::Expired
            | PaymentState::Unspecified => self.pay(key),
        }
    }

    fn pay(&mut self, key: String) -> Call {
        let tokens = Arc::clone(&self.tokens);
        let token = self.random.pick(&tokens);
        let mode = if self.random.one_in(2) { CaptureMode::Automatic } else { CaptureMode::Manual };
        let max = if self.random.one_in(2) { 10_000 } else { 40_000 };
        let amount = money("CNY", self.part(max));
        Call::pay(key.clone(), key, token, amount, mode)
    }

    /// All of it, or a part.
    fn part(&mut self, units: i64) -> i64 {
        let part = 1 + self.random.below(units.unsigned_abs());
        if self.random.one_in(3) { units } else { i64::try_from(part).expect("a part of what fits") }
    }

    /// Repeats the same call until there is a definite answer.
    async fn insist(&mut self, call: Call) {
        for _ in 0..ATTEMPTS_MAX {
            if let Some(payment) = self.attempt(&call).await {
                return self.learn(call, payment);
            }
        }
        panic!("{call:?} is not answered");
    }

    /// Asks once. Where that is not answered, it waits a moment, or for another daemon.
    async fn attempt(&mut self, call: &Call) -> Option<Payment> {
        if self.place.has_changed().expect("the place outlives its buyers") {
            self.cafe = cafe(&self.place.borrow_and_update().merchants, HASTY);
        }
        match call.ask(&self.cafe).await {
            Ok(payment) => {
                self.tally.answers.send_modify(|answers| *answers += 1);
                return Some(payment);
            }
            Err(Error::Refused(refusal)) => {
                println!("{} is refused: {refusal}", self.name);
                self.tally.refusals.fetch_add(1, Ordering::Relaxed);
            }
            Err(error @ Error::PlainText { .. }) => panic!("a payment has no card's number: {error}"),
            Err(Error::Unanswered { .. } | Error::Unreachable { .. }) => {
                self.tally.retries.fetch_add(1, Ordering::Relaxed);
            }
        }
        let mut place = self.place.clone();
        let _changed = timeout(AGAIN, place.changed()).await;
        None
    }
}
