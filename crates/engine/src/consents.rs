//! What payers agreed to. A merchant's credential alone never moves a payer's money.

use alloc::collections::{BTreeMap, BTreeSet};

use domain::{
    AccountId, ApproveCardOrder, ApproveOrder, CardToken, Consent, DeclineReason, Digest, Evidence, GrantMandate,
    IssueCode, MandateId, MerchantId, Refusal, Standing, StandingApproval, StandingCardApproval, StandingCode,
    StandingGuesses, StandingMandate, Timestamp, WalletId,
};
use money::Money;

use crate::{
    authorize::exceeds,
    payments::MandateUse,
    rails::wallet::{minus, plus},
};

/// How long a one-time code can be used, in milliseconds.
pub const CODE_MS: i64 = 60_000;

/// How far ahead the approval of an order may end, in milliseconds.
pub const APPROVAL_MS_MAX: i64 = 24 * 60 * 60 * 1_000;

/// A merchant that presented so many codes that do not exist is refused until its window ends.
pub const GUESSES_MAX: u32 = 10;

/// How long wrong codes of a merchant are counted together, from the first on, in milliseconds.
pub const GUESS_WINDOW_MS: i64 = 60_000;

/// So many consents that have ended are forgotten with each record.
const FORGOTTEN_A_RECORD_MAX: usize = 8;

#[derive(Debug, Default)]
pub(crate) struct Consents {
    codes: BTreeMap<Digest, Grant>,
    approvals: BTreeMap<(MerchantId, Digest, AccountId), Approval>,
    card_approvals: BTreeMap<(MerchantId, Digest, CardToken), Approval>,
    pub(crate) mandates: BTreeMap<MandateId, Mandate>,
    guesses: BTreeMap<MerchantId, Guesses>,
    ends: BTreeSet<(Timestamp, Ending)>,
}

/// What is forgotten once it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    Code(Digest),
    Approval(MerchantId, Digest, AccountId),
    CardApproval(MerchantId, Digest, CardToken),
    Guesses(MerchantId),
}

/// A one-time code.
#[derive(Clone, Copy, Debug)]
struct Grant {
    account: AccountId,
    merchant: MerchantId,
    debit_amount_max: Money,
    expires_at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Approval {
    debit_amount_max: Money,
    expires_at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Mandate {
    pub(crate) account: AccountId,
    pub(crate) wallet: WalletId,
    merchant: MerchantId,
    payment_debit_max: Money,
    period_debit_max: Money,
    period_ms: i64,
    granted_at: Timestamp,
    expires_at: Timestamp,
    pub(crate) revoked: bool,
    /// The last period anything was debited in, and how much.
    period: i64,
    used: Money,
}

#[derive(Clone, Copy, Debug)]
struct Guesses {
    window_ends_at: Timestamp,
    wrong: u32,
}

/// What a consent allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreement {
    /// The most that may be debited; `None` where the payer was only named.
    pub(crate) debit_amount_max: Option<Money>,
    /// Of a mandate: what is left of its period, and which period that is.
    pub(crate) period: Option<(MandateId, i64, Money)>,
}

impl Agreement {
    /// Whether a payment that debits `amount` is agreed to.
    pub(crate) fn covers(&self, amount: Money) -> bool {
        let within = |max: Money| !exceeds(amount, max);
        self.debit_amount_max.is_none_or(within) && self.period.is_none_or(|(_, _, left)| within(left))
    }
}

impl Consents {
    /// What these payments of one merchant, each for an order and an account, say that they were agreed to by, and the codes
    /// that the merchant guessed.
    pub(crate) fn excerpt<'a>(
        &self,
        merchant: MerchantId,
        presented: impl Iterator<Item = (Digest, AccountId, &'a Consent)>,
    ) -> Self {
        let mut excerpt = Self::default();
        for (order, account, consent) in presented {
            match consent {
                // Payments that are decided together are not by card.
                Consent::PayerNamed | Consent::Card(_) | Consent::CardOrderApproved(_) => {}
                Consent::Code(code) => excerpt.codes.extend(self.codes.get(code).map(|grant| (*code, *grant))),
                Consent::OrderApproved => {
                    let key = (merchant, order, account);
                    excerpt.approvals.extend(self.approvals.get(&key).map(|approval| (key, *approval)));
                }
                Consent::Mandate(id) => excerpt.mandates.extend(self.mandates.get(id).map(|mandate| (*id, *mandate))),
            }
        }
        excerpt.guesses.extend(self.guesses.get(&merchant).map(|guesses| (merchant, *guesses)));
        excerpt
    }

    /// What a merchant's consent allows it at `at`, for an account and an order.
    pub(crate) fn agreement(
        &self,
        at: Timestamp,
        merchant: MerchantId,
        order: Digest,
        account: AccountId,
        consent: &Consent,
    ) -> Result<Agreement, DeclineReason> {
        let once = |debit_amount_max| Agreement { debit_amount_max: Some(debit_amount_max), period: None };
        match consent {
            Consent::PayerNamed | Consent::Card(_) => Ok(Agreement { debit_amount_max: None, period: None }),
            Consent::CardOrderApproved(token) => {
                let approval = self.card_approvals.get(&(merchant, order, *token));
                let approval = approval.filter(|approval| at < approval.expires_at);
                approval.map(|approval| once(approval.debit_amount_max)).ok_or(DeclineReason::ConsentNotFound)
            }
            Consent::Code(code) => {
                let grant = self.codes.get(code).filter(|grant| at < grant.expires_at);
                let grant = grant.ok_or(DeclineReason::ConsentNotFound)?;
                match grant.merchant == merchant && grant.account == account {
                    true => Ok(once(grant.debit_amount_max)),
                    false => Err(DeclineReason::ConsentMismatch),
                }
            }
            Consent::OrderApproved => {
                let approval = self.approvals.get(&(merchant, order, account));
                let approval = approval.filter(|approval| at < approval.expires_at);
                approval.map(|approval| once(approval.debit_amount_max)).ok_or(DeclineReason::ConsentNotFound)
            }
            Consent::Mandate(id) => {
                let mandate = self.mandates.get(id).filter(|mandate| !mandate.revoked && at < mandate.expires_at);
                let mandate = mandate.ok_or(DeclineReason::ConsentNotFound)?;
                if mandate.merchant != merchant || mandate.account != account {
                    return Err(DeclineReason::ConsentMismatch);
                }
                let period = mandate.period_at(at);
                Ok(Agreement {
                    debit_amount_max: Some(mandate.payment_debit_max),
                    period: Some((*id, period, mandate.left_in(period))),
                })
            }
        }
    }

    /// Refuses a merchant that has guessed too often.
    pub(crate) fn check_guesses(&self, at: Timestamp, merchant: MerchantId, consent: &Consent) -> Result<(), Refusal> {
        let Consent::Code(_) = consent else { return Ok(()) };
        let guesses = self.guesses.get(&merchant).filter(|guesses| at < guesses.window_ends_at);
        match guesses {
            Some(guesses) if guesses.wrong >= GUESSES_MAX => {
                Err(Refusal::TooManyGuesses { until: guesses.window_ends_at })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Counts a code that did not exist. One that does is no guess, whatever else was not agreed to.
    pub(crate) fn guessed(&mut self, at: Timestamp, merchant: MerchantId, consent: &Consent) {
        let Consent::Code(code) = consent else { return };
        if self.codes.get(code).is_some_and(|grant| at < grant.expires_at && grant.merchant == merchant) {
            return;
        }
        let fresh = Guesses { window_ends_at: at.plus_millis(GUESS_WINDOW_MS), wrong: 0 };
        let guesses = self.guesses.entry(merchant).or_insert(fresh);
        if guesses.window_ends_at <= at {
            self.ends.remove(&(guesses.window_ends_at, Ending::Guesses(merchant)));
            *guesses = fresh;
        }
        guesses.wrong = guesses.wrong.saturating_add(1);
        self.ends.insert((guesses.window_ends_at, Ending::Guesses(merchant)));
    }

    /// Notes that an approved payment, or an increase, used a consent for this debit.
    pub(crate) fn used(
        &mut self,
        at: Timestamp,
        merchant: MerchantId,
        order: Digest,
        account: AccountId,
        consent: &Consent,
        debit: Money,
    ) {
        match consent {
            // A card is charged once its issuer agrees.
            Consent::PayerNamed | Consent::Card(_) | Consent::CardOrderApproved(_) => {}
            Consent::Code(code) => {
                let grant = self.codes.remove(code).expect("a code is used once");
                self.ends.remove(&(grant.expires_at, Ending::Code(*code)));
            }
            Consent::OrderApproved => {
                let key = (merchant, order, account);
                let approval = self.approvals.remove(&key).expect("an approval is used once");
                self.ends.remove(&(approval.expires_at, Ending::Approval(merchant, order, account)));
            }
            Consent::Mandate(id) => {
                let mandate = self.mandates.get_mut(id).expect("a mandate is granted before it is used");
                mandate.debited(mandate.period_at(at), debit);
            }
        }
    }

    /// Notes that an order was charged to a card. While the issuer was asked the order was held, so nothing else used its
    /// approval; it may have ended.
    pub(crate) fn charged(&mut self, merchant: MerchantId, order: Digest, token: CardToken) {
        if let Some(approval) = self.card_approvals.remove(&(merchant, order, token)) {
            self.ends.remove(&(approval.expires_at, Ending::CardApproval(merchant, order, token)));
        }
    }

    /// Gives back to a mandate's period what a payment no longer holds, as far as it counted there. A period that is over
    /// stays as it is.
    pub(crate) fn released(&mut self, used: Option<MandateUse>, debit: Money) {
        let Some(MandateUse { id, period, counted }) = used else { return };
        let mandate = self.mandates.get_mut(&id).expect("a mandate is granted before it is used");
        if mandate.period == period {
            mandate.used = minus(mandate.used, debit.min(counted).expect("one currency"));
        }
    }

    pub(crate) fn check_code(&self, at: Timestamp, issue: &IssueCode) -> Result<Timestamp, Refusal> {
        match self.codes.get(&issue.code) {
            Some(grant) if at < grant.expires_at => Err(Refusal::CodeTaken),
            Some(_) | None => Ok(at.plus_millis(CODE_MS)),
        }
    }

    pub(crate) fn code_issued(
        &mut self,
        issue: &IssueCode,
        account: AccountId,
        merchant: MerchantId,
        expires_at: Timestamp,
    ) {
        let grant = Grant { account, merchant, debit_amount_max: issue.debit_amount_max, expires_at };
        if let Some(ended) = self.codes.insert(issue.code, grant) {
            self.ends.remove(&(ended.expires_at, Ending::Code(issue.code)));
        }
        self.ends.insert((expires_at, Ending::Code(issue.code)));
    }

    /// A later approval of the same order and account takes the place of the earlier.
    pub(crate) fn order_approved(&mut self, approve: &ApproveOrder, account: AccountId, merchant: MerchantId) {
        let ApproveOrder { merchant_order_digest: order, debit_amount_max, expires_at, .. } = *approve;
        let ending = Ending::Approval(merchant, order, account);
        let approval = Approval { debit_amount_max, expires_at };
        if let Some(earlier) = self.approvals.insert((merchant, order, account), approval) {
            self.ends.remove(&(earlier.expires_at, ending));
        }
        self.ends.insert((expires_at, ending));
    }

    /// A later approval of the same order and card takes the place of the earlier.
    pub(crate) fn card_order_approved(&mut self, approve: &ApproveCardOrder, merchant: MerchantId) {
        let ApproveCardOrder { token, merchant_order_digest: order, debit_amount_max, expires_at, .. } = *approve;
        let ending = Ending::CardApproval(merchant, order, token);
        let approval = Approval { debit_amount_max, expires_at };
        if let Some(earlier) = self.card_approvals.insert((merchant, order, token), approval) {
            self.ends.remove(&(earlier.expires_at, ending));
        }
        self.ends.insert((expires_at, ending));
    }

    pub(crate) fn mandate_granted(
        &mut self,
        at: Timestamp,
        grant: &GrantMandate,
        account: AccountId,
        wallet: WalletId,
        merchant: MerchantId,
    ) {
        let mandate = Mandate {
            account,
            wallet,
            merchant,
            payment_debit_max: grant.payment_debit_max,
            period_debit_max: grant.period_debit_max,
            period_ms: grant.period_ms,
            granted_at: at,
            expires_at: grant.expires_at,
            revoked: false,
            period: 0,
            used: Money::zero(account.currency),
        };
        let earlier = self.mandates.insert(grant.mandate_id, mandate);
        assert!(earlier.is_none(), "a mandate is granted once: {}", grant.mandate_id);
    }

    pub(crate) fn mandate_revoked(&mut self, mandate: MandateId) {
        self.mandates.get_mut(&mandate).expect("a mandate is granted before it is revoked").revoked = true;
    }

    /// Codes, approvals of accounts and of cards, mandates and guesses, each by rising key.
    pub(crate) fn standing(&self) -> impl Iterator<Item = Standing> + '_ {
        let codes = self.codes.iter().map(|(code, grant)| {
            let Grant { account, merchant, debit_amount_max, expires_at } = *grant;
            Standing::Code(StandingCode { code: *code, account, merchant, debit_amount_max, expires_at })
        });
        let approvals = self.approvals.iter().map(|((merchant, order, account), approval)| {
            let (merchant, order, account) = (*merchant, *order, *account);
            let Approval { debit_amount_max, expires_at } = *approval;
            Standing::Approval(StandingApproval { merchant, order, account, debit_amount_max, expires_at })
        });
        let card_approvals = self.card_approvals.iter().map(|((merchant, order, token), approval)| {
            let (merchant, order, token) = (*merchant, *order, *token);
            let Approval { debit_amount_max, expires_at } = *approval;
            Standing::CardApproval(StandingCardApproval { merchant, order, token, debit_amount_max, expires_at })
        });
        let mandates = self.mandates.iter().map(|(id, mandate)| Standing::Mandate(mandate.standing(*id)));
        let guesses = self.guesses.iter().map(|(merchant, guesses)| {
            let Guesses { window_ends_at, wrong } = *guesses;
            Standing::Guesses(StandingGuesses { merchant: *merchant, window_ends_at, wrong })
        });
        codes.chain(approvals).chain(card_approvals).chain(mandates).chain(guesses)
    }

    /// Takes in a code; whether it can be.
    pub(crate) fn stand_code(&mut self, code: &StandingCode) -> bool {
        let StandingCode { code, account, merchant, debit_amount_max, expires_at } = *code;
        self.ends.insert((expires_at, Ending::Code(code)));
        self.codes.insert(code, Grant { account, merchant, debit_amount_max, expires_at }).is_none()
    }

    /// Takes in an approval; whether it can be.
    pub(crate) fn stand_approval(&mut self, approval: &StandingApproval) -> bool {
        let StandingApproval { merchant, order, account, debit_amount_max, expires_at } = *approval;
        self.ends.insert((expires_at, Ending::Approval(merchant, order, account)));
        self.approvals.insert((merchant, order, account), Approval { debit_amount_max, expires_at }).is_none()
    }

    /// Takes in an approval of a charge to a card; whether it can be.
    pub(crate) fn stand_card_approval(&mut self, approval: &StandingCardApproval) -> bool {
        let StandingCardApproval { merchant, order, token, debit_amount_max, expires_at } = *approval;
        self.ends.insert((expires_at, Ending::CardApproval(merchant, order, token)));
        self.card_approvals.insert((merchant, order, token), Approval { debit_amount_max, expires_at }).is_none()
    }

    /// Takes in a mandate; whether it can be.
    pub(crate) fn stand_mandate(&mut self, mandate: &StandingMandate) -> bool {
        let StandingMandate { mandate_id, account, wallet, merchant, payment_debit_max, period_debit_max, .. } =
            *mandate;
        let StandingMandate { period_ms, granted_at, expires_at, revoked, period, used, .. } = *mandate;
        let mandate = Mandate {
            account,
            wallet,
            merchant,
            payment_debit_max,
            period_debit_max,
            period_ms,
            granted_at,
            expires_at,
            revoked,
            period,
            used,
        };
        self.mandates.insert(mandate_id, mandate).is_none()
    }

    /// Takes in the wrong codes of a merchant; whether they can be.
    pub(crate) fn stand_guesses(&mut self, guesses: &StandingGuesses) -> bool {
        let StandingGuesses { merchant, window_ends_at, wrong } = *guesses;
        self.ends.insert((window_ends_at, Ending::Guesses(merchant)));
        self.guesses.insert(merchant, Guesses { window_ends_at, wrong }).is_none()
    }

    /// Forgets some of what has ended, so that consents that are never used do not stay for ever. Mandates stay.
    pub(crate) fn forget_ended(&mut self, at: Timestamp) {
        for _ in 0..FORGOTTEN_A_RECORD_MAX {
            match self.ends.first() {
                Some((ends_at, _)) if *ends_at <= at => {}
                Some(_) | None => return,
            }
            match self.ends.pop_first() {
                Some((_, Ending::Code(code))) => {
                    self.codes.remove(&code);
                }
                Some((_, Ending::Approval(merchant, order, account))) => {
                    self.approvals.remove(&(merchant, order, account));
                }
                Some((_, Ending::CardApproval(merchant, order, token))) => {
                    self.card_approvals.remove(&(merchant, order, token));
                }
                Some((_, Ending::Guesses(merchant))) => {
                    self.guesses.remove(&merchant);
                }
                None => {}
            }
        }
    }
}

impl Mandate {
    fn standing(&self, mandate_id: MandateId) -> StandingMandate {
        let Self { account, wallet, merchant, payment_debit_max, period_debit_max, .. } = *self;
        let Self { period_ms, granted_at, expires_at, revoked, period, used, .. } = *self;
        StandingMandate {
            mandate_id,
            account,
            wallet,
            merchant,
            payment_debit_max,
            period_debit_max,
            period_ms,
            granted_at,
            expires_at,
            revoked,
            period,
            used,
        }
    }

    fn period_at(&self, at: Timestamp) -> i64 {
        at.millis_since(self.granted_at).div_euclid(self.period_ms.max(1))
    }

    fn left_in(&self, period: i64) -> Money {
        match period == self.period {
            true => minus(self.period_debit_max, self.used),
            false => self.period_debit_max,
        }
    }

    fn debited(&mut self, period: i64, debit: Money) {
        if period != self.period {
            (self.period, self.used) = (period, Money::zero(debit.currency()));
        }
        self.used = plus(self.used, debit);
    }
}

/// Whether the approval of an order may end then.
pub(crate) fn check_approval_ends(at: Timestamp, expires_at: Timestamp) -> Result<(), Refusal> {
    let in_time = expires_at > at && expires_at <= at.plus_millis(APPROVAL_MS_MAX);
    if in_time { Ok(()) } else { Err(Refusal::ConsentExpiryInvalid) }
}

/// What the stages found, or the refusal that says what they did not.
pub(crate) fn merchant_of(found: &Evidence<MerchantId>) -> Result<MerchantId, Refusal> {
    match found {
        Evidence::Present(merchant) => Ok(*merchant),
        Evidence::Unavailable(_) => Err(Refusal::MerchantNotFound),
    }
}

#[cfg(test)]
mod tests;
