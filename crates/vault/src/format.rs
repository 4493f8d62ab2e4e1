//! The bytes of version 1, encoded and decoded; pure. `README.md` is the same in words. Little endian everywhere.

use domain::{CardFingerprint, CardToken, Scheme};
use ring::digest::{SHA256, digest};

use crate::sealing::{Binding, KEY_BYTES, Sealed, VaultKeys, first_16};
use crate::secret::Secret;
use crate::{Expiry, Pan};

/// The version of the format this program writes and reads.
pub(crate) const FORMAT_VERSION: u16 = 1;

/// Bytes of the header and of every record. A sector of a disk, 512 bytes or more, holds whole records only: none is torn
/// in two when the power goes.
pub(crate) const RECORD_BYTES: usize = 256;
/// The same, as a distance in the file.
pub(crate) const RECORD_STEP: u64 = 256;
/// The same, as the header tells it.
const RECORD_LENGTH: u16 = 256;
const CHECK_BYTES: usize = 16;
const CHECKED_BYTES: usize = RECORD_BYTES - CHECK_BYTES;
/// Number, its length, and expiry.
pub(crate) const CARD_BYTES: usize = 24;

const _: () = assert!(RECORD_STEP == RECORD_BYTES as u64 && RECORD_LENGTH as usize == RECORD_BYTES);
const _: () = assert!(512 % RECORD_BYTES == 0, "no record crosses from one sector to the next");

const MAGIC: [u8; 8] = *b"vaulted\n";
const CARD: u8 = 1;
const UNBOUND: u8 = 2;
const RENEWED: u8 = 3;
const REPLACED: u8 = 4;

/// What tells one vault from another: 16 random bytes, given when it is made.
pub(crate) type VaultId = [u8; 16];
/// A header or a record as it stands in the file.
pub(crate) type Block = [u8; RECORD_BYTES];

/// What a file begins with. It is written with the file, and never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) vault: VaultId,
    /// The number of the key that `secret` and the keys of all cards are sealed under.
    pub(crate) key_id: u32,
    pub(crate) secret: Sealed<KEY_BYTES>,
}

/// What the first bytes of a file turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FirstBlock {
    Known(Header),
    Newer(u16),
    Altered,
    NotAVault,
}

impl Header {
    pub(crate) fn encode(&self) -> Block {
        let mut fields = Fields::new();
        fields.put(&MAGIC);
        fields.put(&FORMAT_VERSION.to_le_bytes());
        fields.put(&RECORD_LENGTH.to_le_bytes());
        fields.put(&self.key_id.to_le_bytes());
        fields.put(&self.vault);
        fields.put_sealed(&self.secret);
        fields.closed(|checked| first_16(digest(&SHA256, checked).as_ref()))
    }

    /// Magic, version and checksum stand at the same place in every version, so that a later one is told from damage.
    pub(crate) fn decode(block: &Block) -> FirstBlock {
        let (checked, check) = split_check(block);
        let mut fields = checked;
        if take(&mut fields) != Some(MAGIC) {
            return FirstBlock::NotAVault;
        }
        if first_16(digest(&SHA256, checked).as_ref()) != check {
            return FirstBlock::Altered;
        }
        match take(&mut fields).map(u16::from_le_bytes) {
            Some(FORMAT_VERSION) => Self::decode_fields(fields).map_or(FirstBlock::Altered, FirstBlock::Known),
            Some(later) if later > FORMAT_VERSION => FirstBlock::Newer(later),
            Some(_) | None => FirstBlock::Altered,
        }
    }

    fn decode_fields(mut fields: &[u8]) -> Option<Self> {
        let length = take(&mut fields).map(u16::from_le_bytes);
        let key_id = u32::from_le_bytes(take(&mut fields)?);
        let vault = take(&mut fields)?;
        let secret = take_sealed(&mut fields)?;
        (length == Some(RECORD_LENGTH)).then_some(Self { vault, key_id, secret })
    }
}

/// What follows the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Card(CardRecord),
    /// The card bound to this token is to be destroyed; its record is at this offset.
    Unbound {
        token: CardToken,
        at: u64,
    },
    /// A card with another expiry than it was bound with; the record it takes the place of is at this offset.
    Renewed {
        card: CardRecord,
        at: u64,
    },
    /// Here was a card that was renewed since. It says so by itself: the record that renewed it may be replaced in turn.
    Replaced,
}

/// One bound card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CardRecord {
    pub(crate) binding: Binding,
    pub(crate) key: Sealed<KEY_BYTES>,
    pub(crate) card: Sealed<CARD_BYTES>,
}

/// What the bytes at a record's place turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Written(Record),
    /// The check, the last to be written, is zeros.
    Unwritten,
    Altered,
}

impl Record {
    /// As it stands at this offset, and at no other.
    pub(crate) fn encode(&self, offset: u64, keys: &VaultKeys) -> Block {
        let mut fields = Fields::new();
        match self {
            Self::Card(card) => fields.put_card(CARD, card),
            Self::Renewed { card, at } => {
                fields.put_card(RENEWED, card);
                fields.put(&at.to_le_bytes());
            }
            Self::Replaced => fields.put(&[REPLACED, 0, 0, 0]),
            Self::Unbound { token, at } => {
                fields.put(&[UNBOUND, 0, 0, 0]);
                fields.put(&token.bytes());
                fields.put(&at.to_le_bytes());
            }
        }
        fields.closed(|checked| keys.check(offset, checked))
    }

    pub(crate) fn decode(block: &Block, offset: u64, keys: &VaultKeys) -> Slot {
        let (checked, check) = split_check(block);
        if keys.check(offset, checked) == check {
            return Self::decode_fields(checked).map_or(Slot::Altered, Slot::Written);
        }
        if check == [0; CHECK_BYTES] { Slot::Unwritten } else { Slot::Altered }
    }

    fn decode_fields(mut fields: &[u8]) -> Option<Self> {
        let [kind, scheme, _, _] = take(&mut fields)?;
        let token = CardToken::from_bytes(take(&mut fields)?);
        let at = |mut fields| take(&mut fields).map(u64::from_le_bytes);
        match kind {
            CARD => CardRecord::decode_fields(scheme, token, &mut fields).map(Self::Card),
            UNBOUND => Some(Self::Unbound { token, at: at(fields)? }),
            RENEWED => {
                let card = CardRecord::decode_fields(scheme, token, &mut fields)?;
                Some(Self::Renewed { card, at: at(fields)? })
            }
            REPLACED => Some(Self::Replaced),
            _ => None,
        }
    }
}

impl CardRecord {
    fn decode_fields(scheme: u8, token: CardToken, fields: &mut &[u8]) -> Option<Self> {
        let scheme = Scheme::from_number(scheme)?;
        let binding = Binding { token, scheme, fingerprint: CardFingerprint(take(fields)?) };
        Some(Self { binding, key: take_sealed(fields)?, card: take_sealed(fields)? })
    }
}

/// What of a card is sealed.
pub(crate) fn encode_card(pan: &Pan, expiry: Expiry) -> Secret<CARD_BYTES> {
    let mut bytes = Secret::<CARD_BYTES>::zeros();
    let digits = pan.digits().as_bytes();
    let [length, month, year, _, _, rest @ ..] = bytes.bytes_mut();
    *length = u8::try_from(digits.len()).expect("a number has at most 19 digits");
    (*month, *year) = (expiry.month(), expiry.year_of_century());
    rest.get_mut(..digits.len()).expect("there is room for 19 digits").copy_from_slice(digits);
    bytes
}

/// `None` when these are not the bytes of a card.
pub(crate) fn decode_card(bytes: &Secret<CARD_BYTES>) -> Option<(Pan, Expiry)> {
    let [length, month, year, _, _, rest @ ..] = bytes.bytes();
    let digits = rest.get(..usize::from(*length)).and_then(|digits| str::from_utf8(digits).ok())?;
    Some((Pan::parse(digits).ok()?, Expiry::new(*month, *year).ok()?))
}

/// Fields put one behind the other into a block; zeros behind the last, and the check at the end.
struct Fields(Vec<u8>);

impl Fields {
    fn new() -> Self {
        Self(Vec::with_capacity(RECORD_BYTES))
    }

    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn put_sealed<const N: usize>(&mut self, sealed: &Sealed<N>) {
        self.put(&sealed.nonce);
        self.put(&sealed.bytes);
        self.put(&sealed.tag);
    }

    fn put_card(&mut self, kind: u8, card: &CardRecord) {
        let Binding { token, scheme, fingerprint } = &card.binding;
        self.put(&[kind, scheme.number(), 0, 0]);
        self.put(&token.bytes());
        self.put(&fingerprint.0);
        self.put_sealed(&card.key);
        self.put_sealed(&card.card);
    }

    fn closed(mut self, check: impl FnOnce(&[u8]) -> [u8; CHECK_BYTES]) -> Block {
        assert!(self.0.len() <= CHECKED_BYTES, "every kind of record fits a block");
        self.0.resize(CHECKED_BYTES, 0);
        let check = check(&self.0);
        self.put(&check);
        self.0.try_into().expect("checked bytes and check are a block")
    }
}

fn split_check(block: &Block) -> (&[u8], [u8; CHECK_BYTES]) {
    let (checked, check) = block.split_last_chunk().expect("a block ends with its check");
    (checked, *check)
}

fn take<const N: usize>(fields: &mut &[u8]) -> Option<[u8; N]> {
    let (field, rest) = fields.split_first_chunk()?;
    *fields = rest;
    Some(*field)
}

fn take_sealed<const N: usize>(fields: &mut &[u8]) -> Option<Sealed<N>> {
    Some(Sealed { nonce: take(fields)?, bytes: take(fields)?, tag: take(fields)? })
}

#[cfg(test)]
mod tests;
