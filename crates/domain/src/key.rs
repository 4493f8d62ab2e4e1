//! Idempotency: the caller's key, and what was asked under it.

use crate::TenantId;

/// Bytes of a [`Digest`].
pub const DIGEST_BYTES: usize = 16;
/// The most fields any request has.
pub const FIELDS_MAX: usize = 14;

/// A keyed digest of text a caller chose. The engine keys its tables by digests, so no caller can aim at a collision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; DIGEST_BYTES]);

/// A keyed hash of an API key; the key itself is never kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKeyHash(pub [u8; 32]);

/// The method a key was first used for. The numbers are stored; they never change meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `PaymentService.Authorize`
    Authorize = 1,
    /// `AccountService.Open`
    OpenAccount = 2,
    /// `AccountService.Close`
    CloseAccount = 3,
    /// `AccountService.Deposit`
    Deposit = 4,
    /// `AccountService.Withdraw`
    Withdraw = 5,
    /// `OperationsService.RegisterMerchant`
    RegisterMerchant = 6,
    /// `OperationsService.PublishRates`
    PublishRates = 7,
    /// `PaymentService.Capture`
    Capture = 8,
    /// `PaymentService.Void`
    Void = 9,
    /// `PaymentService.Refund`
    Refund = 10,
    /// `PaymentService.IncreaseAuthorization`
    IncreaseAuthorization = 11,
    /// `AccountService.Freeze`
    FreezeAccount = 12,
    /// `AccountService.Unfreeze`
    UnfreezeAccount = 13,
    /// `ConsentService.IssueCode`
    IssueCode = 14,
    /// `ConsentService.ApproveOrder`
    ApproveOrder = 15,
    /// `ConsentService.GrantMandate`
    GrantMandate = 16,
    /// `ConsentService.RevokeMandate`
    RevokeMandate = 17,
    /// `OperationsService.FundReserve`
    FundReserve = 18,
    /// `OperationsService.SquarePosition`
    SquarePosition = 19,
    /// `OperationsService.PayOut`
    PayOut = 20,
    /// `PersonService.Assert`
    AssertPerson = 21,
    /// `CardService.Bind`
    BindCard = 22,
    /// `CardService.Unbind`
    UnbindCard = 23,
    /// `OperationsService.SettleScheme`
    SettleScheme = 24,
}

impl Method {
    /// Every method.
    pub const ALL: [Self; 24] = [
        Self::Authorize,
        Self::OpenAccount,
        Self::CloseAccount,
        Self::Deposit,
        Self::Withdraw,
        Self::RegisterMerchant,
        Self::PublishRates,
        Self::Capture,
        Self::Void,
        Self::Refund,
        Self::IncreaseAuthorization,
        Self::FreezeAccount,
        Self::UnfreezeAccount,
        Self::IssueCode,
        Self::ApproveOrder,
        Self::GrantMandate,
        Self::RevokeMandate,
        Self::FundReserve,
        Self::SquarePosition,
        Self::PayOut,
        Self::AssertPerson,
        Self::BindCard,
        Self::UnbindCard,
        Self::SettleScheme,
    ];

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Authorize => 1,
            Self::OpenAccount => 2,
            Self::CloseAccount => 3,
            Self::Deposit => 4,
            Self::Withdraw => 5,
            Self::RegisterMerchant => 6,
            Self::PublishRates => 7,
            Self::Capture => 8,
            Self::Void => 9,
            Self::Refund => 10,
            Self::IncreaseAuthorization => 11,
            Self::FreezeAccount => 12,
            Self::UnfreezeAccount => 13,
            Self::IssueCode => 14,
            Self::ApproveOrder => 15,
            Self::GrantMandate => 16,
            Self::RevokeMandate => 17,
            Self::FundReserve => 18,
            Self::SquarePosition => 19,
            Self::PayOut => 20,
            Self::AssertPerson => 21,
            Self::BindCard => 22,
            Self::UnbindCard => 23,
            Self::SettleScheme => 24,
        }
    }

    /// The method with this stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.number() == number)
    }
}

/// What was asked, as digests: one of the whole request, which decides whether two requests are the same, and a short
/// one of each field, which names the first that differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Which method was called.
    pub method: Method,
    /// Digest of all fields.
    pub request: Digest,
    /// Digest of each field in the method's own order; unused places are zero.
    pub fields: [u32; FIELDS_MAX],
}

/// Where two requests under one key differ first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// They are of different methods; the first was of this one.
    Method(Method),
    /// In this field, counted from 0 in the method's own order.
    Field(usize),
    /// Somewhere: the short digests of all fields happen to agree.
    Unlocated,
    /// In nothing but their company: the payment was decided alone, or with others than now, or stands twice in one batch.
    Company,
}

impl Fingerprint {
    /// Where `later` first differs from this, the recorded request; `None` when it asks the same.
    #[must_use]
    pub fn difference(&self, later: &Self) -> Option<Difference> {
        if self.method != later.method {
            return Some(Difference::Method(self.method));
        }
        if self.request == later.request {
            return None;
        }
        let differs = |(ours, theirs): (&u32, &u32)| ours != theirs;
        match self.fields.iter().zip(&later.fields).position(differs) {
            Some(index) => Some(Difference::Field(index)),
            None => Some(Difference::Unlocated),
        }
    }
}

/// A caller's key for one request, in that caller's own space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Whose key it is.
    pub tenant: TenantId,
    /// Keyed digest of the key's text.
    pub digest: Digest,
    /// What was asked under it.
    pub fingerprint: Fingerprint,
}
