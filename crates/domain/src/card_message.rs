//! What is said to card networks, and by which numbers they know it.

use alloc::{format, string::String};

use money::Money;

use crate::{ApprovalCode, CardToken, Lsn, MerchantId, Name, PaymentId, RefundId, Scheme, Timestamp};

/// What is to be said to a card network. Its trace numbers follow from the record that intends it, so they are never those of
/// another message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardMessage {
    /// The record that intends it.
    pub lsn: Lsn,
    /// When that was stamped.
    pub at: Timestamp,
    /// Of which payment.
    pub payment_id: PaymentId,
    /// Which card.
    pub token: CardToken,
    /// Whose network.
    pub scheme: Scheme,
    /// Who is paid.
    pub merchant: MerchantId,
    /// What that merchant is called.
    pub merchant_name: Name,
    /// What it says.
    pub kind: CardMessageKind,
    /// How much is charged or given back, in the currency it is charged in.
    pub amount: Money,
}

/// The numbers by which a network tells a message from others, ISO 8583:1987 DE 11 and DE 37. They follow from the position
/// of the record that intends the message: no message ever has those of another within 999,999 records, and none those of
/// both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceNumbers {
    lsn: u64,
}

impl TraceNumbers {
    /// Those of the message that this record intends.
    #[must_use]
    pub const fn of(lsn: Lsn) -> Self {
        Self { lsn: lsn.get() }
    }

    /// DE 11, the system trace audit number: six digits, never all zero.
    #[must_use]
    pub fn stan(self) -> String {
        format!("{:06}", self.lsn % 999_999 + 1)
    }

    /// DE 37, the retrieval reference number: twelve digits.
    #[must_use]
    pub fn rrn(self) -> String {
        format!("{:012}", self.lsn % 1_000_000_000_000)
    }
}

/// What is said to a card network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardMessageKind {
    /// Asks for an approval. It is sent once, and never again.
    Authorization {
        /// From this moment on it is reversed.
        answer_by: Timestamp,
    },
    /// Tells of an approval that the switch gave in the issuer's stead.
    StandIn {
        /// The mark it gave.
        approval_code: ApprovalCode,
    },
    /// Tells what is captured.
    Capture {
        /// Of the approval.
        approval_code: ApprovalCode,
        /// The message that was approved.
        original: OriginalMessage,
    },
    /// Tells what is given back.
    Refund {
        /// Which refund.
        refund_id: RefundId,
        /// Of the approval.
        approval_code: ApprovalCode,
        /// The message that was approved.
        original: OriginalMessage,
    },
    /// Undoes a request or an approval.
    Reversal {
        /// The message that is undone.
        original: OriginalMessage,
    },
}

/// A message that a later one names, by what its trace numbers follow from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginalMessage {
    /// The record that intended it.
    pub lsn: Lsn,
    /// When that was stamped.
    pub at: Timestamp,
    /// Whether the switch stood in: then it was an advice.
    pub stood_in: bool,
}

impl CardMessage {
    /// Whether it is repeated until the network has taken it.
    #[must_use]
    pub const fn is_advice(&self) -> bool {
        !matches!(self.kind, CardMessageKind::Authorization { .. })
    }
}
