//! What payers agreed to.

use super::{Books, Change, Decided};
use crate::{
    auditor::plain::{Deed, Found, Place},
    request::{Agreed, Ask, Id, PayerCode, Sum},
};

const CODE_MICROS: i64 = 60_000_000;
const APPROVAL_MICROS_MAX: i64 = 86_400_000_000;
const DAY_MICROS: i64 = 86_400_000_000;
/// So many codes that do not exist, within this time from the first on, and a merchant must wait for its end.
const WRONG_CODES_MAX: usize = 10;
const WRONG_CODES_MICROS: i64 = 60_000_000;

/// A one-time code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IssuedCode {
    pub(crate) account: Place,
    pub(crate) merchant: u32,
    pub(crate) most: i128,
    pub(crate) expires_at: i64,
    pub(crate) used: bool,
}

/// The approval of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Approval {
    pub(crate) most: i128,
    pub(crate) expires_at: i64,
    pub(crate) used: bool,
}

/// A standing mandate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mandate {
    pub(crate) wallet: u32,
    pub(crate) account: Place,
    pub(crate) merchant: u32,
    pub(crate) payment_most: i128,
    pub(crate) period_most: i128,
    pub(crate) period_micros: i64,
    pub(crate) granted_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) revoked: bool,
}

/// What a consent allows.
pub(super) struct Agreement {
    /// The most that one payment may debit; `None` where the payer was only named.
    pub(super) payment_most: Option<i128>,
    /// Of a mandate: which, which period, and what is left of it.
    pub(super) period: Option<(Id, i64, i128)>,
}

impl Books {
    pub(super) fn agreement(
        &self,
        merchant: u32,
        order: &str,
        payer: Place,
        agreed: &Agreed,
        at: i64,
    ) -> Result<Agreement, &'static str> {
        let once = |most| Ok(Agreement { payment_most: Some(most), period: None });
        match agreed {
            Agreed::Named { .. } => Ok(Agreement { payment_most: None, period: None }),
            Agreed::Code(code) => {
                let issued = self.codes.get(code).filter(|issued| !issued.used && at < issued.expires_at);
                let issued = issued.ok_or("consent_not_found")?;
                if issued.merchant == merchant && issued.account == payer {
                    once(issued.most)
                } else {
                    Err("consent_mismatch")
                }
            }
            Agreed::Order { .. } => {
                let approval = self.approvals.get(&(merchant, order.to_owned(), payer));
                let approval = approval.filter(|approval| !approval.used && at < approval.expires_at);
                once(approval.ok_or("consent_not_found")?.most)
            }
            Agreed::Mandate(id) => self.agreement_by_mandate(*id, merchant, payer, at),
        }
    }

    pub(super) fn agreement_by_mandate(
        &self,
        id: Id,
        merchant: u32,
        payer: Place,
        at: i64,
    ) -> Result<Agreement, &'static str> {
        let mandate = self.mandates.get(&id).filter(|mandate| !mandate.revoked && at < mandate.expires_at);
        let mandate = mandate.ok_or("consent_not_found")?;
        if mandate.merchant != merchant || mandate.account != payer {
            return Err("consent_mismatch");
        }
        let period = (at - mandate.granted_at).div_euclid(mandate.period_micros);
        let left = mandate.period_most - self.spent_in(id, period);
        Ok(Agreement { payment_most: Some(mandate.payment_most), period: Some((id, period, left)) })
    }

    /// What all payments by a mandate count in one of its periods.
    pub(super) fn spent_in(&self, mandate: Id, period: i64) -> i128 {
        self.payments.values().map(|payment| payment.counted_in(mandate, period)).sum()
    }

    pub(super) fn refuse_guesser(&self, merchant: u32, at: i64) -> Result<(), String> {
        let Some(window) = self.wrong_codes.get(&merchant) else { return Ok(()) };
        let Some(first) = window.first() else { return Ok(()) };
        let until = first + WRONG_CODES_MICROS;
        if window.len() >= WRONG_CODES_MAX && at < until {
            return Err(format!("too many guesses until {until}"));
        }
        Ok(())
    }

    /// Not agreed to; with a code that this merchant was not given, somebody may be guessing.
    pub(super) fn no_consent(&self, reason: &'static str, merchant: u32, code: Option<&PayerCode>, at: i64) -> Decided {
        let given = |issued: &&IssuedCode| !issued.used && at < issued.expires_at && issued.merchant == merchant;
        let mut decided = Decided::declined(reason);
        let wrong = code.filter(|code| self.codes.get(code).filter(given).is_none());
        decided.changes.extend(wrong.map(|_| Change::WrongCode(merchant)));
        decided
    }

    pub(super) fn count_wrong_code(&mut self, merchant: u32) {
        let at = self.at;
        let window = self.wrong_codes.entry(merchant).or_default();
        if window.first().is_some_and(|first| first + WRONG_CODES_MICROS <= at) {
            window.clear();
        }
        window.push(at);
    }

    /// What an approved payment uses up.
    pub(super) fn consent_used(agreed: &Agreed, merchant: u32, order: &str, payer: Place) -> Vec<Change> {
        match agreed {
            Agreed::Named { .. } | Agreed::Mandate(_) => Vec::new(),
            Agreed::Code(code) => vec![Change::CodeUsed(code.clone())],
            Agreed::Order { .. } => vec![Change::ApprovalUsed((merchant, order.to_owned(), payer))],
        }
    }

    /// The account a consent is given for, and the merchant it is given to.
    fn parties(&self, found: &Found, most: Sum) -> Result<(Place, u32), String> {
        let account = self.found_account(found)?;
        let merchant = self.found_merchant(found)?;
        if account.place.1 != most.currency {
            return Err(format!("account in {}, amount in {}", account.place.1, most.currency));
        }
        Ok((account.place, merchant))
    }

    pub(super) fn decide_code(&self, code: PayerCode, most: Sum, found: &Found, at: i64) -> Result<Decided, String> {
        let (account, merchant) = self.parties(found, most)?;
        let expires_at = at + CODE_MICROS;
        let issued = IssuedCode { account, merchant, most: i128::from(most.units), expires_at, used: false };
        Ok(Decided { deed: Deed::CodeIssued(expires_at), changes: vec![Change::CodeIssued(code, issued)] })
    }

    pub(super) fn decide_approval(
        &self,
        order: &str,
        most: Sum,
        expires_at: i64,
        found: &Found,
        at: i64,
    ) -> Result<Decided, String> {
        let (account, merchant) = self.parties(found, most)?;
        if expires_at <= at || expires_at > at + APPROVAL_MICROS_MAX {
            return Err("consent expiry invalid".to_owned());
        }
        let approval = Approval { most: i128::from(most.units), expires_at, used: false };
        let changes = vec![Change::Approved((merchant, order.to_owned(), account), approval)];
        Ok(Decided { deed: Deed::OrderApproved, changes })
    }

    pub(super) fn decide_mandate(&self, ask: &Ask, found: &Found, id: Id, at: i64) -> Result<Decided, String> {
        let Ask::GrantMandate { payment_most, period_most, period_days, expires_at, .. } = ask else {
            return Err("not a mandate".to_owned());
        };
        let (account, merchant) = self.parties(found, *payment_most)?;
        self.parties(found, *period_most)?;
        if *expires_at <= at {
            return Err("consent expiry invalid".to_owned());
        }
        let wallet = self.account_at(account).ok_or("account not found")?.wallet;
        let mandate = Mandate {
            wallet,
            account,
            merchant,
            payment_most: i128::from(payment_most.units),
            period_most: i128::from(period_most.units),
            period_micros: i64::from(*period_days) * DAY_MICROS,
            granted_at: at,
            expires_at: *expires_at,
            revoked: false,
        };
        Ok(Decided { deed: Deed::MandateGranted, changes: vec![Change::MandateGranted(id, mandate)] })
    }

    pub(super) fn decide_revocation(&self, wallet: u32, mandate: Id) -> Result<Decided, String> {
        match self.mandates.get(&mandate) {
            Some(known) if known.wallet == wallet && !known.revoked => {
                Ok(Decided { deed: Deed::MandateRevoked, changes: vec![Change::MandateRevoked(mandate)] })
            }
            _ => Err("mandate not found".to_owned()),
        }
    }

    pub(super) fn use_code(&mut self, code: &PayerCode) -> Result<(), String> {
        match self.codes.get_mut(code) {
            Some(issued) if !issued.used => {
                issued.used = true;
                Ok(())
            }
            _ => Err(format!("{code:?} was used twice, or never given out")),
        }
    }

    pub(super) fn use_approval(&mut self, order: &(u32, String, Place)) -> Result<(), String> {
        match self.approvals.get_mut(order) {
            Some(approval) if !approval.used => {
                approval.used = true;
                Ok(())
            }
            _ => Err(format!("the approval of {order:?} was used twice, or never given")),
        }
    }

    pub(super) fn revoke(&mut self, mandate: Id) {
        if let Some(mandate) = self.mandates.get_mut(&mandate) {
            mandate.revoked = true;
        }
    }
}
