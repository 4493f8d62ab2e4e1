//! Every read of two boards, compared.

use domain::{CurrencyPair, Lsn, MerchantId, PaymentId, PaymentState, TenantId, Timestamp};
use money::Currency;

use super::ledger::Ledger;
use crate::{Boards, ListPlace, PaymentFilter, WatchError, script::digest};

pub(super) fn assert_same(ledger: &Ledger, plain: &Boards, hot: &Boards) {
    assert_eq!(plain.applied_lsn(), hot.applied_lsn());
    assert_eq!(plain.counts(), hot.counts());
    assert_eq!(plain.trial_balance(), hot.trial_balance());
    assert_accounts(ledger, plain, hot);
    assert_payments(ledger, plain, hot);
    assert_lists(ledger, plain, hot);
    assert_rates(plain, hot);
    for lsn in positions(plain) {
        assert_eq!(plain.chain_at(lsn).unwrap(), hot.chain_at(lsn).unwrap(), "chain at {lsn}");
    }
    assert_watches(ledger, plain, hot);
}

/// Every position there is, and some that are not.
fn positions(boards: &Boards) -> impl Iterator<Item = Lsn> + use<> {
    let last = boards.applied_lsn().get();
    (0..=last + 1).chain([u64::MAX]).map(Lsn::new)
}

fn assert_accounts(ledger: &Ledger, plain: &Boards, hot: &Boards) {
    for account in ledger.payers.iter().chain(&ledger.payables).chain(&ledger.reserves) {
        assert_eq!(plain.account(*account), hot.account(*account));
        let count = plain.postings(*account, 0, usize::MAX).unwrap().rows.len();
        for (from, limit) in (0..=count + 1).flat_map(|from| [(from, 0), (from, 1), (from, 3), (from, usize::MAX)]) {
            let page = plain.postings(*account, from, limit).unwrap();
            assert_eq!(page, hot.postings(*account, from, limit).unwrap(), "{account:?} from {from}, {limit}");
        }
    }
}

fn assert_payments(ledger: &Ledger, plain: &Boards, hot: &Boards) {
    for payment in ledger.payment_ids().chain([PaymentId::from_bytes([0; 16])]) {
        assert_eq!(plain.payment(payment).unwrap(), hot.payment(payment).unwrap());
        for limit in [0, 1, 2, 99] {
            assert_eq!(plain.refunds(payment, limit).unwrap(), hot.refunds(payment, limit).unwrap());
        }
        for lsn in positions(plain) {
            assert_eq!(plain.payment_at(payment, lsn).unwrap(), hot.payment_at(payment, lsn).unwrap());
            assert_eq!(plain.net_debit(payment, lsn).unwrap(), hot.net_debit(payment, lsn).unwrap());
        }
    }
    for merchant in ledger.merchants() {
        for byte in 0..=210 {
            let (tenant, digest) = (TenantId::Merchant(merchant), digest(byte));
            assert_eq!(plain.payment_by_key(tenant, digest).unwrap(), hot.payment_by_key(tenant, digest).unwrap());
            let shown = plain.payment_by_order(merchant, digest).unwrap();
            assert_eq!(shown, hot.payment_by_order(merchant, digest).unwrap(), "order {byte}");
        }
    }
}

fn assert_lists(ledger: &Ledger, plain: &Boards, hot: &Boards) {
    let any = PaymentFilter::default;
    let at = |millis| Some(Timestamp::EPOCH.plus_millis(millis));
    let middle = i64::try_from(plain.applied_lsn().get() / 2).unwrap();
    let filters = [
        any(),
        PaymentFilter { states: vec![PaymentState::Declined, PaymentState::Captured], ..any() },
        PaymentFilter { presentment_currency: Some(Currency::EUR), ..any() },
        PaymentFilter { decided_from: at(middle), ..any() },
        PaymentFilter { decided_from: at(middle - 4), decided_to: at(middle + 4), ..any() },
        PaymentFilter { decided_from: at(middle), decided_to: at(middle - 1), ..any() },
        PaymentFilter { decided_to: at(middle), ..any() },
    ];
    let merchants = ledger.merchants().chain([MerchantId(99)]).map(Some);
    for merchant in merchants.chain([None]) {
        let (mut place, mut joined) = (Some(ListPlace::default()), Vec::new());
        while let Some(after) = place {
            let page = hot.list(merchant, &any(), after, 2, 99).unwrap();
            joined.extend(page.payments);
            place = page.next;
        }
        let whole = plain.list(merchant, &any(), ListPlace::default(), usize::MAX, usize::MAX).unwrap();
        assert_eq!(joined, whole.payments, "pages of two join, {merchant:?}");
        for filter in &filters {
            for after in positions(plain).filter(|lsn| lsn.get() % 5 == 0) {
                for (limit, scan_max) in [(1, 99), (2, 3), (50, 99), (50, 2), (0, 9)] {
                    let page = plain.list(merchant, filter, after, limit, scan_max).unwrap();
                    let ours = hot.list(merchant, filter, after, limit, scan_max).unwrap();
                    assert_eq!(page, ours, "{merchant:?} {filter:?} after {after}, {limit} of {scan_max}");
                }
            }
        }
    }
}

fn assert_rates(plain: &Boards, hot: &Boards) {
    for debit in [Currency::JPY, Currency::EUR, Currency::HKD] {
        let pair = CurrencyPair { presentment: Currency::CNY, debit };
        let count = plain.rates(pair, None, usize::MAX).unwrap().ticks.len();
        for before in (0..=count + 1).map(Some).chain([None]) {
            for limit in [0, 1, 3, usize::MAX] {
                assert_eq!(plain.rates(pair, before, limit).unwrap(), hot.rates(pair, before, limit).unwrap());
            }
        }
    }
}

/// Boards that were begun from an index may keep less for watches.
fn assert_watches(ledger: &Ledger, plain: &Boards, hot: &Boards) {
    for merchant in ledger.merchants().map(Some).chain([None]) {
        for (after, limit) in positions(plain).flat_map(|after| [(after, 1), (after, 99)]) {
            match hot.watch_from(merchant, after, limit) {
                Ok(batch) => assert_eq!(plain.watch_from(merchant, after, limit).unwrap(), batch),
                Err(WatchError::BelowRetained(below)) => assert!(after < below.first),
                Err(WatchError::Index(error)) => panic!("{error}"),
            }
        }
    }
}
