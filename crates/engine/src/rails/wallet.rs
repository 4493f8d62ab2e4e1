//! A wallet pays a merchant: the postings.

use alloc::vec::Vec;

use domain::{AccountId, AccountKind, MerchantId, PaymentCaptured, Posting, QuotedAmounts};
use money::{Money, Ratio, Rounding};

use crate::ledger::POSTINGS_MAX;

/// What the payer is debited.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Debit {
    /// The presentment amount itself.
    SameCurrency,
    /// A converted amount.
    Converted(QuotedAmounts),
}

/// The postings of a payment captured whole. Across currencies: payer → position at mid, payer → markup, position →
/// merchant, merchant → discount. Within one: payer → merchant, merchant → discount. Zero amounts are left out.
pub(crate) fn capture(
    payer: AccountId,
    merchant: MerchantId,
    discount_ratio: Ratio,
    presentment: Money,
    debit: Debit,
) -> PaymentCaptured {
    let payable = AccountId::merchant_payable(merchant, presentment.currency());
    let mut postings = Postings(Vec::with_capacity(POSTINGS_MAX));
    match debit {
        Debit::SameCurrency => postings.add(payer, payable, presentment),
        Debit::Converted(QuotedAmounts { debit, mid }) => {
            let markup = debit.checked_sub(mid).expect("debit and mid are in the payer's currency");
            postings.add(payer, AccountId::house(AccountKind::FxPosition, payer.currency), mid);
            postings.add(payer, AccountId::house(AccountKind::FxMarkup, payer.currency), markup);
            postings.add(AccountId::house(AccountKind::FxPosition, presentment.currency()), payable, presentment);
        }
    }
    let discount = discount_ratio.of(presentment, Rounding::HalfUp).expect("a ratio of at most 1 makes nothing larger");
    postings.add(payable, AccountId::house(AccountKind::FeeIncome, presentment.currency()), discount);
    let settlement_amount = presentment.checked_sub(discount).expect("one currency");
    PaymentCaptured { settlement_amount, postings: postings.0 }
}

struct Postings(Vec<Posting>);

impl Postings {
    fn add(&mut self, debit: AccountId, credit: AccountId, amount: Money) {
        if amount.is_zero() {
            return;
        }
        let posting = Posting::new(debit, credit, amount);
        self.0.push(posting.expect("amounts are positive, in bounds and in the currency of both accounts"));
    }
}
