//! What the switch's operator does with money: reserves, and open positions.

use domain::{
    AccountId, AccountKind, ApproveOrder, DeclineReason, Event, Evidence, FundReserve, GrantMandate, IssueCode,
    MerchantId, PayOut, Posting, Refusal, RevokeMandate, SquarePosition, Timestamp,
};
use money::Money;

use crate::{
    Engine,
    accounts::{WalletAccount, declined},
    consents::{check_approval_ends, merchant_of},
    exposure::position,
    rails::wallet::{Postings, minus, plus},
};

impl Engine {
    pub(crate) fn fund_reserve(&self, fund: &FundReserve) -> Result<Event, Refusal> {
        let merchant = self.settled_in(&fund.merchant, fund.amount)?;
        let currency = fund.amount.currency();
        let nostro = AccountId::house(AccountKind::Nostro, currency);
        let posting = one_amount(nostro, AccountId::merchant_reserve(merchant, currency), fund.amount);
        Ok(match self.ledger.check(&[posting]) {
            Err(reason) => declined(reason),
            Ok(()) => Event::ReserveFunded(posting),
        })
    }

    /// A merchant is paid out of what it is owed, never more.
    pub(crate) fn pay_out(&self, pay: &PayOut) -> Result<Event, Refusal> {
        let merchant = self.settled_in(&pay.merchant, pay.amount)?;
        let currency = pay.amount.currency();
        let nostro = AccountId::house(AccountKind::Nostro, currency);
        let posting = one_amount(AccountId::merchant_payable(merchant, currency), nostro, pay.amount);
        Ok(match self.ledger.check(&[posting]) {
            Err(DeclineReason::InsufficientBalance) => declined(DeclineReason::NotEnough),
            Err(reason) => declined(reason),
            Ok(()) => Event::PaidOut(posting),
        })
    }

    /// The merchant, if this amount is in its settlement currency.
    fn settled_in(&self, merchant: &Evidence<MerchantId>, amount: Money) -> Result<MerchantId, Refusal> {
        let merchant = merchant_of(merchant)?;
        let account = self.parties.merchant(merchant).ok_or(Refusal::MerchantNotFound)?.settlement_currency;
        match account == amount.currency() {
            true => Ok(merchant),
            false => Err(Refusal::AccountCurrencyMismatch { account, amount: amount.currency() }),
        }
    }

    /// Each position is closed as far as the deal goes, never turned: what is sold is there, and so is the lack that is
    /// filled.
    pub(crate) fn square(&self, square: &SquarePosition) -> Result<Event, Refusal> {
        let SquarePosition { sold, bought, closed } = *square;
        let (long, short) = (position(&self.ledger, sold.currency()), position(&self.ledger, bought.currency()));
        if long.minor_units() < sold.minor_units() {
            return Err(Refusal::PositionTooSmall { position: long });
        }
        if plus(short, closed).is_positive() {
            return Err(Refusal::PositionTooSmall { position: short });
        }
        let house = AccountId::house;
        let (sold_currency, bought_currency) = (sold.currency(), bought.currency());
        let mut postings = Postings::new();
        postings.change(house(AccountKind::FxPosition, sold_currency), house(AccountKind::Nostro, sold_currency), sold);
        let filled = bought.min(closed).expect("both are in the currency bought");
        postings.change(
            house(AccountKind::Nostro, bought_currency),
            house(AccountKind::FxPosition, bought_currency),
            filled,
        );
        let result = minus(bought, closed);
        let result_account = house(AccountKind::FxResult, bought_currency);
        match result.is_negative() {
            true => postings.change(house(AccountKind::FxPosition, bought_currency), result_account, result),
            false => postings.change(house(AccountKind::Nostro, bought_currency), result_account, result),
        }
        Ok(match self.ledger.check(&postings.0) {
            Err(reason) => declined(reason),
            Ok(()) => Event::PositionSquared(postings.0),
        })
    }

    pub(crate) fn issue_code(&self, at: Timestamp, issue: &IssueCode) -> Result<Event, Refusal> {
        self.consenting(&issue.account, &issue.merchant, &[issue.debit_amount_max])?;
        self.consents.check_code(at, issue).map(|expires_at| Event::CodeIssued { expires_at })
    }

    pub(crate) fn approve_order(&self, at: Timestamp, approve: &ApproveOrder) -> Result<Event, Refusal> {
        self.consenting(&approve.account, &approve.merchant, &[approve.debit_amount_max])?;
        check_approval_ends(at, approve.expires_at).map(|()| Event::OrderApproved)
    }

    pub(crate) fn grant_mandate(&self, at: Timestamp, grant: &GrantMandate) -> Result<Event, Refusal> {
        self.consenting(&grant.account, &grant.merchant, &[grant.payment_debit_max, grant.period_debit_max])?;
        if grant.expires_at > at { Ok(Event::MandateGranted) } else { Err(Refusal::ConsentExpiryInvalid) }
    }

    pub(crate) fn revoke_mandate(&self, revoke: &RevokeMandate) -> Result<Event, Refusal> {
        let mandate = self.consents.mandates.get(&revoke.mandate_id);
        let mandate = mandate.filter(|mandate| mandate.wallet == revoke.wallet && !mandate.revoked);
        mandate.map(|_| Event::MandateRevoked).ok_or(Refusal::MandateNotFound)
    }

    /// The account and the merchant of a consent, whose bounds are in the account's currency.
    pub(crate) fn consenting(
        &self,
        account: &Evidence<AccountId>,
        merchant: &Evidence<MerchantId>,
        bounds: &[Money],
    ) -> Result<(WalletAccount, MerchantId), Refusal> {
        let account = self.accounts.find(account)?;
        let merchant = merchant_of(merchant)?;
        self.parties.merchant(merchant).ok_or(Refusal::MerchantNotFound)?;
        match bounds.iter().find(|bound| bound.currency() != account.id.currency) {
            Some(bound) => {
                Err(Refusal::AccountCurrencyMismatch { account: account.id.currency, amount: bound.currency() })
            }
            None => Ok((account, merchant)),
        }
    }
}

fn one_amount(debit: AccountId, credit: AccountId, amount: Money) -> Posting {
    Posting::new(debit, credit, amount)
        .expect("wire lets amounts of 1 to 10^15 - 1 through, and both accounts are in its currency")
}
