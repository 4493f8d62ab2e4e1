//! What payers agreed to, as the model keeps it.

use std::collections::BTreeMap;

use domain::DeclineReason;

use crate::{
    ask::{Ask, Consented, Pay},
    model::{MERCHANTS, Model, What, refused},
};

const CODE_MICROS: i64 = 60_000_000;
const APPROVAL_MICROS_MAX: i64 = 24 * 3_600 * 1_000_000;
const GUESSES_MAX: u32 = 10;
const GUESS_WINDOW_MICROS: i64 = 60_000_000;

#[derive(Debug, Default)]
pub(crate) struct Consents {
    /// Every code ever issued, as it was issued last.
    codes: BTreeMap<u8, Once>,
    /// By merchant, order and account.
    approvals: BTreeMap<(usize, u8, usize), Once>,
    pub(crate) mandates: Vec<Mandate>,
    /// By merchant: when the window ends, and how many were wrong.
    guesses: BTreeMap<usize, (i64, u32)>,
}

#[derive(Clone, Copy, Debug)]
struct Once {
    account: usize,
    merchant: usize,
    max: i128,
    expires_at: i64,
    used: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Mandate {
    /// The lsn that granted it.
    pub(crate) number: u64,
    account: usize,
    merchant: usize,
    max: i128,
    period_max: i128,
    period_ms: i64,
    granted_at: i64,
    expires_at: i64,
    revoked: bool,
    /// The last period anything was debited in, and how much.
    used: (i64, i128),
}

/// What a consent allows: in all, and in which period of which mandate how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Agreed {
    pub(crate) max: Option<i128>,
    pub(crate) period: Option<(usize, i64, i128)>,
}

impl Once {
    fn holds(&self, at: i64) -> bool {
        !self.used && at < self.expires_at
    }
}

impl Consents {
    /// Account and merchant that a consent is about, if it tells them.
    pub(crate) fn names(&self, pay: &Pay) -> Option<(usize, usize)> {
        match pay.consent {
            Consented::Named => None,
            Consented::Code(code) => self.codes.get(&code).map(|code| (code.account, code.merchant)),
            Consented::Approved => {
                let mut of_order = self.approvals.iter().filter(|((_, order, _), _)| *order == pay.order);
                of_order.next().map(|((merchant, _, account), _)| (*account, *merchant))
            }
            Consented::Mandate(mandate) => {
                self.mandates.get(mandate).map(|mandate| (mandate.account, mandate.merchant))
            }
        }
    }

    pub(crate) fn agreed(
        &self,
        consent: Consented,
        order: u8,
        (merchant, account): (usize, usize),
        at: i64,
    ) -> Result<Agreed, DeclineReason> {
        let once = |once: &Once| Agreed { max: Some(once.max), period: None };
        match consent {
            Consented::Named => Ok(Agreed { max: None, period: None }),
            Consented::Code(code) => {
                let code = self.codes.get(&code).filter(|code| code.holds(at));
                let code = code.ok_or(DeclineReason::ConsentNotFound)?;
                match (code.merchant, code.account) == (merchant, account) {
                    true => Ok(once(code)),
                    false => Err(DeclineReason::ConsentMismatch),
                }
            }
            Consented::Approved => {
                let approval = self.approvals.get(&(merchant, order, account)).filter(|once| once.holds(at));
                approval.map(once).ok_or(DeclineReason::ConsentNotFound)
            }
            Consented::Mandate(number) => {
                let mandate = self.mandates.get(number).filter(|mandate| !mandate.revoked && at < mandate.expires_at);
                let mandate = mandate.ok_or(DeclineReason::ConsentNotFound)?;
                if (mandate.merchant, mandate.account) != (merchant, account) {
                    return Err(DeclineReason::ConsentMismatch);
                }
                let period = mandate.period(at);
                let used = if mandate.used.0 == period { mandate.used.1 } else { 0 };
                Ok(Agreed { max: Some(mandate.max), period: Some((number, period, mandate.period_max - used)) })
            }
        }
    }

    /// When a merchant that guessed too often may try again.
    pub(crate) fn guessed_too_often(&self, merchant: usize, at: i64) -> Option<i64> {
        let (window_ends_at, wrong) = self.guesses.get(&merchant)?;
        (at < *window_ends_at && *wrong >= GUESSES_MAX).then_some(*window_ends_at)
    }

    /// Counts a code that was not there to be used.
    fn guessed(&mut self, merchant: usize, code: u8, at: i64) {
        if self.codes.get(&code).is_some_and(|code| code.holds(at) && code.merchant == merchant) {
            return;
        }
        let guesses = self.guesses.entry(merchant).or_insert((0, 0));
        if guesses.0 <= at {
            *guesses = (at + GUESS_WINDOW_MICROS, 0);
        }
        guesses.1 += 1;
    }

    /// Uses a consent up, or as much of it.
    fn used(&mut self, consent: Consented, order: u8, (merchant, account): (usize, usize), debit: i128, at: i64) {
        match consent {
            Consented::Named => {}
            Consented::Code(code) => self.codes.get_mut(&code).expect("it was agreed to").used = true,
            Consented::Approved => {
                self.approvals.get_mut(&(merchant, order, account)).expect("it was agreed to").used = true;
            }
            Consented::Mandate(mandate) => {
                let mandate = &mut self.mandates[mandate];
                let period = mandate.period(at);
                let earlier = if mandate.used.0 == period { mandate.used.1 } else { 0 };
                mandate.used = (period, earlier + debit);
            }
        }
    }

    /// A payment ended without taking so much of what it held by a mandate.
    fn released(&mut self, (mandate, period, counted): (usize, i64, i128), debit: i128) {
        let used = &mut self.mandates[mandate].used;
        if used.0 == period {
            used.1 -= debit.min(counted);
        }
    }
}

impl Mandate {
    fn period(&self, at: i64) -> i64 {
        (at - self.granted_at).div_euclid(1_000).div_euclid(self.period_ms)
    }
}

impl Model {
    /// How the payer agrees: where nothing was agreed to, the payer is most often only named.
    pub(crate) fn consent_to(&self, pay: &Pay) -> Consented {
        let agreed = self.is_heard_of(pay.consent) && self.consents.names(pay).is_some();
        if agreed || !self.sandbox || pay.order < 3 { pay.consent } else { Consented::Named }
    }

    /// Whether the stages know the consent, so that they can tell whom it debits.
    pub(crate) fn is_heard_of(&self, consent: Consented) -> bool {
        match consent {
            Consented::Named | Consented::Approved => true,
            Consented::Code(code) => self.consents.codes.contains_key(&code),
            Consented::Mandate(mandate) => mandate < self.consents.mandates.len(),
        }
    }

    pub(crate) fn consent(&self, ask: &Ask, at: i64) -> Result<What, String> {
        let parties = match ask {
            Ask::Code { account, merchant, .. }
            | Ask::Approve { account, merchant, .. }
            | Ask::Mandate { account, merchant, .. } => Some((*account, *merchant)),
            _ => None,
        };
        if let Some((account, merchant)) = parties {
            self.account(account).ok_or("account_not_found")?;
            MERCHANTS.get(merchant).ok_or("merchant_not_found")?;
        }
        match ask {
            Ask::Code { code, .. } => match self.consents.codes.get(code).is_some_and(|code| code.holds(at)) {
                true => refused("code_taken"),
                false => Ok(What::CodeIssued(at + CODE_MICROS)),
            },
            Ask::Approve { holds_s, .. } => match (1..=APPROVAL_MICROS_MAX).contains(&(holds_s * 1_000_000)) {
                true => Ok(What::OrderApproved),
                false => refused("consent_expiry_invalid"),
            },
            Ask::Mandate { holds_s, .. } if *holds_s <= 0 => refused("consent_expiry_invalid"),
            Ask::Mandate { .. } => Ok(What::MandateGranted),
            Ask::Revoke { mandate, wallet } => {
                let found = self.consents.mandates.get(*mandate);
                let wallet_of = |mandate: &Mandate| self.accounts[mandate.account].wallet;
                match found.is_some_and(|mandate| wallet_of(mandate) == *wallet && !mandate.revoked) {
                    true => Ok(What::MandateRevoked),
                    false => refused("mandate_not_found"),
                }
            }
            other => unreachable!("{other:?} is no consent"),
        }
    }

    pub(crate) fn apply_consent(&mut self, ask: &Ask, what: &What, lsn: u64, at: i64) {
        if let What::Declined(reason, _) = what {
            if matches!(reason, DeclineReason::ConsentNotFound | DeclineReason::ConsentMismatch) {
                self.apply_guess(ask, at);
            }
            return;
        }
        match *ask {
            Ask::Code { code, account, merchant, units } => {
                let (max, expires_at) = (i128::from(units), at + CODE_MICROS);
                self.consents.codes.insert(code, Once { account, merchant, max, expires_at, used: false });
            }
            Ask::Approve { order, account, merchant, units, holds_s } => {
                let (max, expires_at) = (i128::from(units), at + holds_s * 1_000_000);
                let approval = Once { account, merchant, max, expires_at, used: false };
                self.consents.approvals.insert((merchant, order, account), approval);
            }
            Ask::Mandate { account, merchant, units, period_units, period_ms, holds_s } => {
                self.consents.mandates.push(Mandate {
                    number: lsn,
                    account,
                    merchant,
                    max: units.into(),
                    period_max: period_units.into(),
                    period_ms,
                    granted_at: at,
                    expires_at: at + holds_s * 1_000_000,
                    revoked: false,
                    used: (0, 0),
                });
            }
            Ask::Revoke { mandate, .. } => self.consents.mandates[mandate].revoked = true,
            _ => {}
        }
    }

    fn apply_guess(&mut self, ask: &Ask, at: i64) {
        match ask {
            Ask::Pay(pay) => {
                if let Consented::Code(code) = self.consent_to(pay) {
                    self.consents.guessed(self.subject(pay).merchant, code, at);
                }
            }
            Ask::Increase { payment, further: Some(code), .. } => {
                let merchant = self.payment(*payment).expect("it was found").merchant;
                self.consents.guessed(merchant, *code, at);
            }
            _ => {}
        }
    }

    /// A payment was approved, or grew, by a consent.
    pub(crate) fn consent_used(
        &mut self,
        consent: Consented,
        order: u8,
        parties: (usize, usize),
        debit: i128,
        at: i64,
    ) {
        self.consents.used(consent, order, parties, debit, at);
    }

    pub(crate) fn consent_released(&mut self, used: Option<(usize, i64, i128)>, debit: i128) {
        if let Some(used) = used {
            self.consents.released(used, debit);
        }
    }
}
