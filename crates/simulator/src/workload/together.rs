//! Payments that a merchant asks for together.

use super::Workload;
use crate::{
    auditor::Books,
    random::Random,
    request::{Ask, Caller, Keyed, Request},
};

/// Mostly few, so that some are approved; now and then more than fit into a small record.
const FEW: u64 = 4;
const MANY: u64 = 40;

impl Workload {
    pub(super) fn together(&self, random: &mut Random, books: &Books, merchant: u32, now: i64) -> Ask {
        let most = if random.one_in(40) { MANY } else { FEW };
        let count = random.below(most) + 1;
        let mut payments: Vec<Keyed> = Vec::new();
        for number in 0..count {
            let Ask::Pay(pay) = self.payment(random, books, merchant, now) else { continue };
            let mut pay = *pay;
            if !random.one_in(20) && pay.order == format!("order-{}", self.keys_used) {
                pay.order = format!("order-{}-{number}", self.keys_used);
            }
            payments.push(Keyed { key: format!("key-{}-of-{number}", self.keys_used), pay });
        }
        let own = |sent: &&Request| sent.caller == Caller::Merchant(merchant) && sent.key.is_some();
        if random.one_in(12)
            && let Some(Request { key: Some(key), ask: Ask::Pay(pay), .. }) = self.sent.iter().rfind(own)
        {
            payments.push(Keyed { key: key.clone(), pay: (**pay).clone() });
        }
        Ask::Together(payments)
    }
}

/// The same with one of them changed, left out, or twice; or in another order.
pub(super) fn changed(random: &mut Random, payments: &mut Vec<Keyed>, change: impl FnOnce(&mut Random, &mut Keyed)) {
    let position = random.index(payments.len());
    match random.below(4) {
        0 if payments.len() > 1 => drop(payments.remove(position)),
        1 => payments.push(payments[position].clone()),
        2 => payments.rotate_left(position),
        _ => change(random, &mut payments[position]),
    }
}
