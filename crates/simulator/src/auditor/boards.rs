//! The read models beside the books.

use std::collections::BTreeMap;

use domain::{AccountId, AccountKind, Command, Evidence, PaymentId, Record};
use engine::Engine;
use money::Currency;
use projections::{AccountState, Boards};

use super::{
    Auditor, Finding, agree,
    plain::{self, Place},
};
use crate::request::Code;

impl Auditor {
    /// Compares the read models with the books.
    ///
    /// # Errors
    /// When they differ.
    pub fn check_boards(&self, boards: &Boards) -> Result<(), Finding> {
        let books = &self.books;
        agree("applied lsn", &books.lsn, &boards.applied_lsn().get())?;
        let accounts = books.accounts().iter().map(|account| (account.place, account.state.as_str()));
        for (place, state) in accounts.chain(books.merchant_places().map(|place| (place, "open"))) {
            let summary = boards.account(account_id(place)?).ok_or_else(|| format!("{place:?} is on no board"))?;
            agree("posted balance", &books.balance(place), &summary.posted_balance.minor_units())?;
            agree("held balance", &books.held(place), &summary.held_balance.minor_units())?;
            agree("account state", &state, &state_of(summary.state))?;
        }
        let mut expected: BTreeMap<(&str, Code), (u64, i128)> = BTreeMap::new();
        for (kind, currency, _) in books.accounts().iter().map(|row| row.place).chain(books.merchant_places()) {
            expected.entry((kind, currency)).or_default().0 += 1;
        }
        for ((kind, currency, _), balance) in books.balances() {
            let line = expected.entry((kind, currency)).or_default();
            *line = (line.0.max(1), line.1 + balance);
        }
        let lines = boards
            .trial_balance()
            .into_iter()
            .map(|line| ((line.kind.as_str(), line.currency.code()), (line.accounts, line.balance.minor_units())));
        agree("trial balance", &expected, &lines.collect())?;
        let counts = (boards.payments_captured(), boards.payments_declined(), boards.payments_held());
        agree("payments captured, declined, held", &books.payment_counts(), &counts)?;
        self.log.iter().flat_map(Record::parts).try_for_each(|part| self.check_payment_on_board(&part, boards))
    }

    /// A payment that this record decided, as the boards show it now.
    fn check_payment_on_board(&self, record: &Record, boards: &Boards) -> Result<(), Finding> {
        let Command::AuthorizePayment(authorize) = &record.command else { return Ok(()) };
        let id = authorize.payment_id.bytes();
        let view = boards
            .payment(PaymentId::from_bytes(id))
            .map_err(|error| error.to_string())?
            .ok_or_else(|| format!("{id:?} is on no board"))?;
        let expected = self.books.payment(id).map(super::Payment::totals);
        agree("payment", &expected, &view.totals().map(plain::totals))?;
        agree("payment's record", record, view.decided())?;
        let refunds = boards.refunds(authorize.payment_id, usize::MAX).map_err(|error| error.to_string())?;
        let waiting = refunds.iter().filter(|refund| {
            matches!(refund.record().event, domain::Event::RefundPending(_)) && refund.priced().is_none()
        });
        let pending = self.books.payment(id).map_or(0, super::Payment::pending);
        agree("refunds that wait", &pending, &waiting.count())?;
        if let (Some(_), Evidence::Unavailable(why)) = (expected, &authorize.payer) {
            return Err(format!("a payment without a payer was approved: {why:?}"));
        }
        Ok(())
    }

    /// Compares the open positions that the engine tells with the books.
    ///
    /// # Errors
    /// When they differ.
    pub fn check_exposures(&self, engine: &Engine) -> Result<(), Finding> {
        let told = engine
            .exposures()
            .map(|(currency, position, reserved)| (currency.code(), (position.minor_units(), reserved.minor_units())));
        let told: BTreeMap<Code, (i128, i128)> = told.filter(|(_, exposure)| *exposure != (0, 0)).collect();
        agree("exposures", &self.books.exposures(), &told)
    }
}

const fn state_of(state: AccountState) -> &'static str {
    match state {
        AccountState::Open => "open",
        AccountState::Frozen => "frozen",
        AccountState::Closed => "closed",
    }
}

fn account_id((kind, currency, index): Place) -> Result<AccountId, Finding> {
    let known = AccountKind::ALL.into_iter().find(|known| known.as_str() == kind);
    let kind = known.ok_or_else(|| format!("no kind {kind}"))?;
    let currency = Currency::from_code(currency).map_err(|why| why.to_string())?;
    Ok(AccountId { kind, currency, index })
}
