//! The bytes of version 1, encoded and decoded; pure. `FORMAT.md` is the same in words. Little endian everywhere.

use std::fmt;

use domain::Lsn;

use crate::Damage;
use crate::port::{BATCH_BYTES_MAX, BATCH_RECORDS_MAX, LARGE_RECORD_BYTES_MAX, RECORD_BYTES_MAX};

/// The version of the format this program writes, and the newest it reads.
pub const FORMAT_VERSION: u16 = 1;

/// The smallest segment, in bytes; segments are a multiple of 4,096 bytes.
pub const SEGMENT_BYTES_MIN: u64 = 128 * 1024;

pub(crate) const BLOCK_BYTES: usize = 4096;
pub(crate) const SEGMENT_HEADER_BYTES: usize = BLOCK_BYTES;
pub(crate) const BATCH_HEADER_BYTES: usize = 48;
pub(crate) const RECORD_HEADER_BYTES: usize = 8;
pub(crate) const BATCH_END_BYTES: usize = 40;

/// A batch without records: it only carries the durable lsn.
pub(crate) const NOTE_BYTES: usize = BATCH_HEADER_BYTES + BATCH_END_BYTES;

const SEGMENT_MAGIC: [u8; 8] = *b"journal\n";
pub(crate) const BATCH_MAGIC: [u8; 4] = [0xB1, 0xBA, 0x7C, 0x48];
const BATCH_END_MAGIC: [u8; 4] = [0xB2, 0xE7, 0xD0, 0x9F];
const SEGMENT_CHECKSUM_AT: usize = SEGMENT_HEADER_BYTES - 4;

const _: () = {
    let record = RECORD_HEADER_BYTES + RECORD_BYTES_MAX;
    let largest = RECORD_HEADER_BYTES + LARGE_RECORD_BYTES_MAX;
    assert!(
        (SEGMENT_HEADER_BYTES + 2 * NOTE_BYTES + record) as u64 <= SEGMENT_BYTES_MIN,
        "a segment holds any usual record"
    );
    assert!(NOTE_BYTES + largest <= BATCH_BYTES_MAX, "a batch holds any record");
    assert!(BATCH_BYTES_MAX <= u32::MAX as usize, "the counts of a batch fit their fields");
    assert!(BATCH_RECORDS_MAX * RECORD_HEADER_BYTES <= BATCH_BYTES_MAX, "records are counted before bytes run out");
    assert!(BATCH_MAGIC[0] != 0, "a batch is found by skipping zeros");
};

/// The digest that binds each batch to all before it: BLAKE3(digest before it, header and records of the batch).
pub(crate) type Chain = [u8; 32];

/// The chain before the first batch.
pub(crate) const CHAIN_START: Chain = [0; 32];

/// Continues a chain over the header and the records of one batch.
pub(crate) fn continue_chain(before: &Chain, header_and_records: &[u8]) -> Chain {
    *blake3::Hasher::new().update(before).update(header_and_records).finalize().as_bytes()
}

/// What tells one journal from another: 16 random bytes, given when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalId([u8; 16]);

impl JournalId {
    /// The id with these bytes. They should be random: they are also what keeps a record that quotes a batch header
    /// from being taken for one.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes of the id.
    #[must_use]
    pub const fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// The part of the id that is repeated in every batch header.
    pub(crate) fn tag(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The first block of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) journal_id: JournalId,
    /// 0 for the first segment of the journal.
    pub(crate) number: u64,
    pub(crate) first_lsn: Lsn,
    pub(crate) durable_lsn: Lsn,
    pub(crate) segment_bytes: u64,
    /// The chain before the first batch of the segment.
    pub(crate) chain: Chain,
}

/// What the first block of a segment turned out to be.
pub(crate) enum SegmentBlock {
    Known(SegmentHeader),
    Newer(u16),
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut block = [0; SEGMENT_HEADER_BYTES];
        block[0..8].copy_from_slice(&SEGMENT_MAGIC);
        block[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        block[16..32].copy_from_slice(&self.journal_id.0);
        block[32..40].copy_from_slice(&self.number.to_le_bytes());
        block[40..48].copy_from_slice(&self.first_lsn.get().to_le_bytes());
        block[48..56].copy_from_slice(&self.durable_lsn.get().to_le_bytes());
        block[56..64].copy_from_slice(&self.segment_bytes.to_le_bytes());
        block[64..96].copy_from_slice(&self.chain);
        let checksum = crc32c::crc32c(&block[..SEGMENT_CHECKSUM_AT]);
        block[SEGMENT_CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
        block
    }

    /// Magic, version and checksum stand at the same place in every version, so that a later one is told from damage.
    pub(crate) fn decode(block: &[u8; SEGMENT_HEADER_BYTES]) -> Result<SegmentBlock, Damage> {
        if block[0..8] != SEGMENT_MAGIC {
            return Err(Damage::SegmentMagic);
        }
        if u32_at(block, SEGMENT_CHECKSUM_AT) != crc32c::crc32c(&block[..SEGMENT_CHECKSUM_AT]) {
            return Err(Damage::SegmentChecksum);
        }
        let version = u16::from_le_bytes(array_at(block, 8));
        if version > FORMAT_VERSION {
            return Ok(SegmentBlock::Newer(version));
        }
        Ok(SegmentBlock::Known(Self {
            journal_id: JournalId(array_at(block, 16)),
            number: u64_at(block, 32),
            first_lsn: Lsn::new(u64_at(block, 40)),
            durable_lsn: Lsn::new(u64_at(block, 48)),
            segment_bytes: u64_at(block, 56),
            chain: array_at(block, 64),
        }))
    }
}

/// What stands before the records of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BatchHeader {
    pub(crate) tag: u64,
    /// 1 for the first batch of the journal.
    pub(crate) sequence: u64,
    pub(crate) first_lsn: Lsn,
    /// The lsn known to be durable when the batch was written; below `first_lsn`.
    pub(crate) durable_lsn: Lsn,
    pub(crate) record_count: u32,
    /// The length of the records with their headers.
    pub(crate) records_bytes: u32,
}

impl BatchHeader {
    pub(crate) fn encode(&self) -> [u8; BATCH_HEADER_BYTES] {
        let mut bytes = [0; BATCH_HEADER_BYTES];
        bytes[0..4].copy_from_slice(&BATCH_MAGIC);
        bytes[8..16].copy_from_slice(&self.tag.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first_lsn.get().to_le_bytes());
        bytes[32..40].copy_from_slice(&self.durable_lsn.get().to_le_bytes());
        bytes[40..44].copy_from_slice(&self.record_count.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.records_bytes.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[8..]);
        bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The header, or `None` when these bytes are none.
    pub(crate) fn decode(bytes: &[u8; BATCH_HEADER_BYTES]) -> Option<Self> {
        let genuine = bytes[0..4] == BATCH_MAGIC && u32_at(bytes, 4) == crc32c::crc32c(&bytes[8..]);
        genuine.then(|| Self {
            tag: u64_at(bytes, 8),
            sequence: u64_at(bytes, 16),
            first_lsn: Lsn::new(u64_at(bytes, 24)),
            durable_lsn: Lsn::new(u64_at(bytes, 32)),
            record_count: u32_at(bytes, 40),
            records_bytes: u32_at(bytes, 44),
        })
    }

    /// The length of the header and the records: what the chain is computed over.
    pub(crate) fn chained_bytes(&self) -> usize {
        BATCH_HEADER_BYTES + usize::try_from(self.records_bytes).expect("usize has at least 32 bits")
    }

    /// The length of the whole batch.
    pub(crate) fn batch_bytes(&self) -> usize {
        self.chained_bytes() + BATCH_END_BYTES
    }
}

/// What stands before the bytes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    length: u32,
    checksum: u32,
}

impl RecordHeader {
    /// # Panics
    /// When the record is over [`LARGE_RECORD_BYTES_MAX`].
    pub(crate) fn of(lsn: Lsn, record: &[u8]) -> Self {
        assert!(record.len() <= LARGE_RECORD_BYTES_MAX, "a record is within its limit");
        let length = u32::try_from(record.len()).expect("the limit fits 32 bits");
        Self { length, checksum: record_checksum(lsn, length, record) }
    }

    pub(crate) fn encode(self) -> [u8; RECORD_HEADER_BYTES] {
        let [a, b, c, d] = self.length.to_le_bytes();
        let [e, f, g, h] = self.checksum.to_le_bytes();
        [a, b, c, d, e, f, g, h]
    }
}

/// The first record in `rest`, which begins with a record header, and what follows it.
pub(crate) fn split_record(lsn: Lsn, rest: &[u8]) -> Result<(&[u8], &[u8]), Damage> {
    let Some((header, rest)) = rest.split_first_chunk::<RECORD_HEADER_BYTES>() else {
        return Err(Damage::RecordLength);
    };
    let bytes = record_bytes(header);
    if bytes > LARGE_RECORD_BYTES_MAX {
        return Err(Damage::RecordLength);
    }
    let (record, rest) = rest.split_at_checked(bytes).ok_or(Damage::RecordLength)?;
    let whole = u32_at(header, 4) == record_checksum(lsn, u32_at(header, 0), record);
    if !whole && !planted::is(planted::Bug::NoChecksums) {
        return Err(Damage::RecordChecksum);
    }
    Ok((record, rest))
}

/// The length of the record behind this header.
pub(crate) fn record_bytes(header: &[u8; RECORD_HEADER_BYTES]) -> usize {
    usize::try_from(u32_at(header, 0)).expect("usize has at least 32 bits")
}

/// The position is part of the checksum: a record found in another place is not valid there.
fn record_checksum(lsn: Lsn, length: u32, record: &[u8]) -> u32 {
    let mut place = [0; 12];
    place[..8].copy_from_slice(&lsn.get().to_le_bytes());
    place[8..].copy_from_slice(&length.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&place), record)
}

/// What stands behind the records of a batch: the batch is whole.
pub(crate) fn encode_batch_end(chain: &Chain) -> [u8; BATCH_END_BYTES] {
    let mut bytes = [0; BATCH_END_BYTES];
    bytes[0..4].copy_from_slice(&BATCH_END_MAGIC);
    bytes[4..8].copy_from_slice(&crc32c::crc32c(chain).to_le_bytes());
    bytes[8..].copy_from_slice(chain);
    bytes
}

/// The chain in the end mark of a batch, or `None` when these bytes are none.
pub(crate) fn decode_batch_end(bytes: &[u8; BATCH_END_BYTES]) -> Option<Chain> {
    let chain: Chain = array_at(bytes, 8);
    let genuine = bytes[0..4] == BATCH_END_MAGIC && u32_at(bytes, 4) == crc32c::crc32c(&chain);
    genuine.then_some(chain)
}

pub(crate) fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("a slice of N bytes")
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment_header() -> SegmentHeader {
        SegmentHeader {
            journal_id: JournalId::new(*b"0123456789abcdef"),
            number: 3,
            first_lsn: Lsn::new(77),
            durable_lsn: Lsn::new(76),
            segment_bytes: SEGMENT_BYTES_MIN,
            chain: [9; 32],
        }
    }

    #[test]
    fn a_segment_header_comes_back() {
        let header = segment_header();
        let Ok(SegmentBlock::Known(decoded)) = SegmentHeader::decode(&header.encode()) else { panic!("not decoded") };
        assert_eq!(decoded, header);
    }

    #[test]
    fn a_later_version_is_told_from_an_altered_one() {
        let mut block = segment_header().encode();
        block[8] = 2;
        assert!(matches!(SegmentHeader::decode(&block), Err(Damage::SegmentChecksum)));
        let checksum = crc32c::crc32c(&block[..SEGMENT_CHECKSUM_AT]);
        block[SEGMENT_CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
        assert!(matches!(SegmentHeader::decode(&block), Ok(SegmentBlock::Newer(2))));
    }

    #[test]
    fn a_record_is_valid_only_at_its_lsn() {
        let mut bytes = RecordHeader::of(Lsn::new(5), b"pay").encode().to_vec();
        bytes.extend_from_slice(b"pay and more");
        assert_eq!(split_record(Lsn::new(5), &bytes), Ok((&b"pay"[..], &b" and more"[..])));
        assert_eq!(split_record(Lsn::new(6), &bytes), Err(Damage::RecordChecksum));
        assert_eq!(split_record(Lsn::new(5), &bytes[..10]), Err(Damage::RecordLength));
    }

    /// The format is a promise: these bytes never change for version 1.
    #[test]
    fn the_bytes_of_version_1_stand() {
        let header = BatchHeader {
            tag: segment_header().journal_id.tag(),
            sequence: 2,
            first_lsn: Lsn::new(3),
            durable_lsn: Lsn::new(1),
            record_count: 1,
            records_bytes: 11,
        };
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            hex(&header.encode()),
            "b1ba7c48aa8d72353031323334353637020000000000000003000000000000000100000000000000010000000b000000"
        );
        assert_eq!(hex(&RecordHeader::of(Lsn::new(3), b"pay").encode()), "03000000bc920f8f");
        assert_eq!(
            hex(&encode_batch_end(&[9; 32])),
            "b2e7d09f07978d6f0909090909090909090909090909090909090909090909090909090909090909"
        );
        assert_eq!(
            hex(&segment_header().encode()[..96]),
            "6a6f75726e616c0a01000000000000003031323334353637383961626364656603000000000000004d000000000000004c0000000000000000000200000000000909090909090909090909090909090909090909090909090909090909090909"
        );
        assert_eq!(hex(&segment_header().encode()[SEGMENT_CHECKSUM_AT..]), "492dcaf7");
    }
}
