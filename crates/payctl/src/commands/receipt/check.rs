//! Whether a receipt is what the switch signed, and whether a journal bears it out.

use ::journal::StoredRecord;
use wire::receipts;
use wire::v1::{ReceiptBody, ReceiptServiceGetResponse};

use super::public_key::PublicKeys;

/// Why a receipt proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidReceipt {
    /// The public key at hand is of another number.
    #[error("it is signed with key {key_id}, which is not among the keys given")]
    KeyUnknown {
        /// The number in the receipt.
        key_id: u32,
    },
    /// The key did not sign it, or it is not written as receipts are.
    #[error(transparent)]
    Unreadable(#[from] receipts::Error),
    /// Statement and envelope name two keys.
    #[error("its statement names key {stated}, the signature key {key_id}")]
    KeyOfAnother {
        /// The number in the statement.
        stated: u32,
        /// The number beside the signature.
        key_id: u32,
    },
}

/// Why a journal does not bear a receipt out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotInJournal {
    /// The receipt speaks of another journal.
    #[error("it is another journal than the receipt names")]
    OtherJournal,
    /// The journal ends before.
    #[error("it ends before the record")]
    EndsBefore,
    /// Another record stands there.
    #[error("it holds another record at that position")]
    OtherRecord,
    /// What stands before the record, or how it was written, differs.
    #[error("it holds the record behind another hash chain")]
    OtherChain,
}

/// The statement of a receipt that one of these keys signed.
pub(super) fn signed(receipt: &ReceiptServiceGetResponse, keys: &PublicKeys) -> Result<ReceiptBody, InvalidReceipt> {
    let key = keys.by_id(receipt.key_id).ok_or(InvalidReceipt::KeyUnknown { key_id: receipt.key_id })?;
    let body = receipts::read(&key, &receipt.body, &receipt.signature)?;
    if body.key_id != receipt.key_id {
        return Err(InvalidReceipt::KeyOfAnother { stated: body.key_id, key_id: receipt.key_id });
    }
    Ok(body)
}

/// Whether the journal holds the record the receipt speaks of, where and behind what it says.
pub(super) fn stored(body: &ReceiptBody, stored: Option<&StoredRecord>) -> Result<(), NotInJournal> {
    let stored = stored.ok_or(NotInJournal::EndsBefore)?;
    if body.journal_id != stored.journal_id.bytes() {
        return Err(NotInJournal::OtherJournal);
    }
    if body.record_digest != receipts::record_digest(&stored.bytes) {
        return Err(NotInJournal::OtherRecord);
    }
    if body.chain_lsn != stored.chain.lsn.get() || body.chain_digest != stored.chain.digest {
        return Err(NotInJournal::OtherChain);
    }
    Ok(())
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
