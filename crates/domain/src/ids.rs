//! Who and what: payments, parties, accounts.

use core::fmt;

use money::Currency;

/// Characters of a UUID in hyphenated form.
pub const UUID_CHARS: usize = 36;

/// Sixteen bytes that name one thing of a kind, written as a UUID in lower-case hyphenated form.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The one with these bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The sixteen bytes.
            #[must_use]
            pub const fn bytes(self) -> [u8; 16] {
                self.0
            }

            /// How it is written, in ASCII: for whoever writes many. Everybody else uses [`Display`](fmt::Display).
            #[must_use]
            pub fn written(self) -> [u8; UUID_CHARS] {
                written_uuid(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_uuid(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_uuid(&self.0, f)
            }
        }
    };
}

uuid_id! {
    /// One payment. A UUID version 7 made by the ingress; its last byte is the number of the shard that owns the payment.
    PaymentId
}

uuid_id! {
    /// One refund of a payment. Made as payment ids are.
    RefundId
}

uuid_id! {
    /// One quote. Made as payment ids are; a quote is nowhere kept before a payment has used it.
    QuoteId
}

uuid_id! {
    /// One standing mandate. Made as payment ids are.
    MandateId
}

uuid_id! {
    /// One bound card; stands for its number everywhere but in the vault. A UUID version 7 made by the ingress.
    CardToken
}

fn write_uuid(bytes: &[u8; 16], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.pad(core::str::from_utf8(&written_uuid(*bytes)).expect("digits and hyphens are text"))
}

fn written_uuid(bytes: [u8; 16]) -> [u8; UUID_CHARS] {
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; UUID_CHARS];
    for (byte, place) in bytes.into_iter().zip(PLACES) {
        text[place] = DIGITS[usize::from(byte >> 4)];
        text[place + 1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

/// A merchant's number, given by the engine at registration, from 0 without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MerchantId(pub u32);

/// A wallet operator's number, given by the engine at registration, from 0 without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WalletId(pub u32);

/// A party with a credential of its own. Part of every key that a caller chooses, so that two parties never meet in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TenantId {
    /// The switch's operator.
    Operator,
    /// A wallet operator.
    Wallet(WalletId),
    /// A merchant.
    Merchant(MerchantId),
    /// The switch itself, e.g. a sandbox that seeds its accounts.
    Switch,
}

/// What an account is for. The numbers are stored; they never change meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountKind {
    /// A wallet holder's money, owed by the switch.
    Wallet = 1,
    /// What the switch owes a merchant.
    MerchantPayable = 2,
    /// The switch's open position in a currency; either sign.
    FxPosition = 3,
    /// Margin earned on conversions.
    FxMarkup = 4,
    /// Merchant discount earned.
    FeeIncome = 5,
    /// The switch's money at its bank; an asset, so its balance is negative.
    Nostro = 6,
    /// What conversions won or lost: squared positions, refunds at another rate than the payment's; either sign.
    FxResult = 7,
    /// Money a merchant keeps with the switch for refunds larger than what it is owed.
    MerchantReserve = 8,
}

impl AccountKind {
    /// Every kind, in the order reports use.
    pub const ALL: [Self; 8] = [
        Self::Wallet,
        Self::MerchantPayable,
        Self::FxPosition,
        Self::FxMarkup,
        Self::FeeIncome,
        Self::Nostro,
        Self::FxResult,
        Self::MerchantReserve,
    ];

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Wallet => 1,
            Self::MerchantPayable => 2,
            Self::FxPosition => 3,
            Self::FxMarkup => 4,
            Self::FeeIncome => 5,
            Self::Nostro => 6,
            Self::FxResult => 7,
            Self::MerchantReserve => 8,
        }
    }

    /// The kind with this stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// As written in labels: `wallet`, `fx_position` …
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wallet => "wallet",
            Self::MerchantPayable => "merchant_payable",
            Self::FxPosition => "fx_position",
            Self::FxMarkup => "fx_markup",
            Self::FeeIncome => "fee_income",
            Self::Nostro => "nostro",
            Self::FxResult => "fx_result",
            Self::MerchantReserve => "merchant_reserve",
        }
    }

    /// Whether the balance may go below zero. Balances are credits less debits.
    #[must_use]
    pub const fn may_be_negative(self) -> bool {
        match self {
            Self::FxPosition | Self::Nostro | Self::FxResult => true,
            Self::Wallet | Self::MerchantPayable | Self::FxMarkup | Self::FeeIncome | Self::MerchantReserve => false,
        }
    }
}

/// A ledger account in one currency. The id says what the account is, so a posting can be checked without a lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId {
    /// What it is for.
    pub kind: AccountKind,
    /// The one currency it holds.
    pub currency: Currency,
    /// Which of its kind: number of the wallet account or merchant; 0 for house accounts, one per kind and currency.
    pub index: u32,
}

impl AccountId {
    /// The house account of this kind and currency.
    #[must_use]
    pub const fn house(kind: AccountKind, currency: Currency) -> Self {
        Self { kind, currency, index: 0 }
    }

    /// What the switch owes this merchant in this currency.
    #[must_use]
    pub const fn merchant_payable(merchant: MerchantId, currency: Currency) -> Self {
        Self { kind: AccountKind::MerchantPayable, currency, index: merchant.0 }
    }

    /// What this merchant keeps with the switch for refunds, in this currency.
    #[must_use]
    pub const fn merchant_reserve(merchant: MerchantId, currency: Currency) -> Self {
        Self { kind: AccountKind::MerchantReserve, currency, index: merchant.0 }
    }

    /// As one number: kind, ISO 4217 number and index, most significant first.
    #[must_use]
    pub fn packed(self) -> u64 {
        (u64::from(self.kind.number()) << 48) | (u64::from(self.currency.numeric()) << 32) | u64::from(self.index)
    }

    /// The account packed into this number, if it is one.
    #[must_use]
    pub fn from_packed(packed: u64) -> Option<Self> {
        let kind = AccountKind::from_number(u8::try_from(packed >> 48).ok()?)?;
        let currency = Currency::from_numeric(u16::try_from((packed >> 32) & 0xffff).ok()?)?;
        let index = u32::try_from(packed & 0xffff_ffff).ok()?;
        Some(Self { kind, currency, index })
    }
}

/// From the currency a merchant asks in to the currency a payer is debited in. The reverse is another pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CurrencyPair {
    /// What the merchant asks in.
    pub presentment: Currency,
    /// What the payer is debited in.
    pub debit: Currency,
}

/// As rates are read aloud: `HKD per CNY`.
impl fmt::Display for CurrencyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} per {}", self.debit.code(), self.presentment.code())
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_payment_id_is_written_as_a_uuid() {
        let id = PaymentId::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
        assert_eq!(id.to_string(), "00010203-0405-0607-0809-0a0b0c0d0eff");
        assert_eq!(id.written(), *b"00010203-0405-0607-0809-0a0b0c0d0eff");
    }

    #[test]
    fn a_packed_account_is_itself_again() {
        for kind in AccountKind::ALL {
            for currency in Currency::all() {
                let account = AccountId { kind, currency, index: u32::MAX - 7 };
                assert_eq!(AccountId::from_packed(account.packed()), Some(account));
            }
        }
        assert_eq!(AccountId::from_packed(0), None);
        assert_eq!(AccountId::from_packed(u64::MAX), None);
    }
}
