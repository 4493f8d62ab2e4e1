use alloc::{collections::BTreeMap, vec::Vec};

use money::Currency;
use proptest::prelude::*;

use super::*;
use crate::payments::{
    MandateUse,
    tests::{cny, hkd, payment},
};

fn id(number: u8) -> PaymentId {
    PaymentId::from_bytes([number; 16])
}

fn of_order(order: u8, payment: &Payment) -> Payment {
    Payment { order: Digest([order; 16]), ..payment.clone() }
}

/// Payments of every kind that a row must tell: plain ones, and what makes one another.
fn payments() -> impl Strategy<Value = Payment> {
    let phase = prop_oneof![
        any::<i64>().prop_map(|at| Phase::Open { expires_at: Timestamp::from_micros(at) }),
        Just(Phase::Closed(Closed::Captured)),
        Just(Phase::Closed(Closed::Voided)),
        Just(Phase::Closed(Closed::Expired)),
    ];
    let consented = prop_oneof![Just(None), Just(Some(hkd(0))), Just(Some(hkd(7))), Just(Some(cny(7)))];
    let tranches = prop_oneof![Just([("1", 10)].as_slice()), Just([("1", 10), ("2", 5)].as_slice())];
    let given_back = (0..3_i128, 0..2_i128, 0..2_u32);
    let kind = prop_oneof![4 => Just(AccountKind::Wallet), 1 => Just(AccountKind::MerchantPayable)];
    let currency = prop_oneof![4 => Just(Currency::HKD), 1 => Just(Currency::CNY)];
    let payer = (kind, currency, any::<u32>());
    let mandate = prop_oneof![4 => Just(false), 1 => Just(true)];
    (phase, consented, tranches, 0..=10_i128, given_back, payer, mandate, any::<(u32, u64, [u8; 16])>()).prop_map(
        |(phase, consented, tranches, captured, (refunded, repriced, pending), payer, mandate, rest)| {
            let (merchant, changed, order) = rest;
            let (kind, currency, index) = payer;
            let mut made = payment(tranches);
            made.tranches.last_mut().captured = cny(captured);
            made.tranches.last_mut().refunded = cny(refunded);
            made.tranches.last_mut().refunded_repriced = cny(repriced);
            Payment {
                merchant: MerchantId(merchant),
                payer: AccountId { kind, currency, index },
                order: Digest(order),
                phase,
                consented,
                mandate: mandate.then(|| {
                    Box::new(MandateUse { id: domain::MandateId::from_bytes([1; 16]), period: 3, counted: hkd(4) })
                }),
                pending_refunds: pending,
                changed: Lsn::new(changed),
                ..made
            }
        },
    )
}

/// What is done to a table, by the number of a payment and of an order.
#[derive(Clone, Debug)]
enum Done {
    Insert(u8, u8),
    Replace(u8, i128),
    Hold(u8),
    Free(u8),
    Remove(u8),
}

fn done() -> impl Strategy<Value = Done> {
    prop_oneof![
        (0..24_u8, 0..8_u8).prop_map(|(id, order)| Done::Insert(id, order)),
        (0..24_u8, 0..=10_i128).prop_map(|(id, captured)| Done::Replace(id, captured)),
        (0..24_u8).prop_map(Done::Hold),
        (0..24_u8).prop_map(Done::Free),
        (0..24_u8).prop_map(Done::Remove),
    ]
}

proptest! {
    #[test]
    fn a_payment_is_told_as_it_was_put(payment in payments()) {
        prop_assert_eq!(Kept::new(payment.clone()).order(), (payment.merchant, payment.order));
        prop_assert_eq!(Kept::new(payment.clone()).payment(), payment);
    }

    /// A table does what two maps do.
    #[test]
    fn a_table_is_two_maps(all in prop::collection::vec(done(), 1..200)) {
        let whole = payment(&[("1", 10)]);
        let mut table = Table::default();
        let mut rows: BTreeMap<PaymentId, Payment> = BTreeMap::new();
        let mut orders: BTreeMap<(MerchantId, Digest), PaymentId> = BTreeMap::new();
        for done in all {
            match done {
                Done::Insert(number, order) if !rows.contains_key(&id(number)) => {
                    table.insert(id(number), of_order(order, &whole));
                    rows.insert(id(number), of_order(order, &whole));
                }
                Done::Replace(number, captured) if rows.contains_key(&id(number)) => {
                    let after = rows[&id(number)].clone();
                    let mut after = Payment { tranches: whole.tranches.clone(), ..after };
                    after.tranches.last_mut().captured = cny(captured);
                    table.replace(id(number), after.clone());
                    rows.insert(id(number), after);
                }
                Done::Hold(number) if rows.contains_key(&id(number)) => {
                    let order = (whole.merchant, rows[&id(number)].order);
                    let is_free = !orders.contains_key(&order);
                    prop_assert_eq!(table.hold_order(id(number)), is_free);
                    orders.entry(order).or_insert(id(number));
                }
                Done::Free(number) => {
                    table.free_order(id(number));
                    orders.retain(|_, holder| *holder != id(number));
                }
                Done::Remove(number) => {
                    table.remove(id(number));
                    rows.remove(&id(number));
                    orders.retain(|_, holder| *holder != id(number));
                }
                Done::Insert(..) | Done::Replace(..) | Done::Hold(_) => {}
            }
            let ids = (0..24).map(id);
            let found: Vec<_> = ids.clone().map(|id| table.get(id)).collect();
            prop_assert_eq!(found, ids.map(|id| rows.get(&id).cloned()).collect::<Vec<_>>());
            let held: Vec<_> = (0..8).map(|order| table.holder(whole.merchant, Digest([order; 16]))).collect();
            let expected: Vec<_> =
                (0..8).map(|order| orders.get(&(whole.merchant, Digest([order; 16]))).copied()).collect();
            prop_assert_eq!(held, expected);
        }
        prop_assert_eq!(table.iter().collect::<BTreeMap<_, _>>(), rows);
        prop_assert_eq!(table.orders().collect::<BTreeMap<_, _>>(), orders);
    }
}

#[test]
fn rows_that_are_free_are_used_again() {
    let whole = payment(&[("1", 10)]);
    let mut table = Table::default();
    for number in 0..=u8::MAX {
        table.insert(id(number), of_order(number, &whole));
        table.remove(id(number));
    }
    assert_eq!(table.chunks.iter().map(Vec::len).sum::<usize>(), 1);
}
