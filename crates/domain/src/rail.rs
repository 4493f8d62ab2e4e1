//! The ways funds come from a payer.

/// The way funds come from the payer. The numbers are stored; they never change meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rail {
    /// From a wallet account.
    Wallet,
    /// From a card of an issuer abroad.
    ForeignCard,
}

impl Rail {
    /// Every rail.
    pub const ALL: [Self; 2] = [Self::Wallet, Self::ForeignCard];

    /// The stored number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Wallet => 1,
            Self::ForeignCard => 2,
        }
    }

    /// As configured: `wallet`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wallet => "wallet",
            Self::ForeignCard => "foreign_card",
        }
    }
}
