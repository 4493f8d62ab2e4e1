//! What stands behind the compressed bytes of an archived segment, and says what they are.

use domain::Lsn;

use crate::disk::{Disk, File};
use crate::format::{Chain, JournalId, array_at, u32_at, u64_at};
use crate::{Damage, Error};

/// The version of the seal this program writes, and the newest it reads.
const ARCHIVE_VERSION: u16 = 1;

/// The segment being archived. What it holds means nothing until it is renamed.
pub(super) const NEXT_ARCHIVE_NAME: &str = "next.segment.zst";

const NAME_SUFFIX: &str = ".segment.zst";
const NAME_DIGITS: usize = 20;

pub(super) const SEAL_BYTES: usize = 192;
const CHECKSUM_AT: usize = SEAL_BYTES - 4;

/// To zstd the seal is a skippable frame: its magic, and the length of what it should skip.
const SKIPPABLE_MAGIC: u32 = 0x184D_2A50;
const SKIPPED_BYTES: u32 = 184;

const SEAL_MAGIC: [u8; 8] = *b"archive\n";

const _: () = assert!(SKIPPED_BYTES as usize + 8 == SEAL_BYTES, "the seal is one skippable frame");

/// What an archived segment is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    pub(super) journal_id: JournalId,
    pub(super) number: u64,
    pub(super) first_lsn: Lsn,
    pub(super) last_lsn: Lsn,
    /// The length of the segment.
    pub(super) segment_bytes: u64,
    /// The length of the compressed bytes.
    pub(super) frame_bytes: u64,
    /// The chain before the first batch.
    pub(super) chain_before: Chain,
    /// The chain behind the last batch, which may be a note.
    pub(super) chain_behind: Chain,
    /// BLAKE3 of the compressed bytes.
    pub(super) digest: [u8; 32],
}

impl Seal {
    /// The length of the file.
    pub(super) fn file_bytes(&self) -> u64 {
        self.frame_bytes.saturating_add(SEAL_BYTES as u64)
    }

    pub(super) fn encode(&self) -> [u8; SEAL_BYTES] {
        let mut bytes = [0; SEAL_BYTES];
        bytes[0..4].copy_from_slice(&SKIPPABLE_MAGIC.to_le_bytes());
        bytes[4..8].copy_from_slice(&SKIPPED_BYTES.to_le_bytes());
        bytes[8..16].copy_from_slice(&SEAL_MAGIC);
        bytes[16..18].copy_from_slice(&ARCHIVE_VERSION.to_le_bytes());
        bytes[24..40].copy_from_slice(&self.journal_id.bytes());
        bytes[40..48].copy_from_slice(&self.number.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.first_lsn.get().to_le_bytes());
        bytes[56..64].copy_from_slice(&self.last_lsn.get().to_le_bytes());
        bytes[64..72].copy_from_slice(&self.segment_bytes.to_le_bytes());
        bytes[72..80].copy_from_slice(&self.frame_bytes.to_le_bytes());
        bytes[80..112].copy_from_slice(&self.chain_before);
        bytes[112..144].copy_from_slice(&self.chain_behind);
        bytes[144..176].copy_from_slice(&self.digest);
        let checksum = crc32c::crc32c(&bytes[..CHECKSUM_AT]);
        bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The seal, the version when it is a later one, or `None` when these bytes are none.
    fn decode(bytes: &[u8; SEAL_BYTES]) -> Option<Result<Self, u16>> {
        let magic = u32_at(bytes, 0) == SKIPPABLE_MAGIC && bytes[8..16] == SEAL_MAGIC;
        if !magic || u32_at(bytes, CHECKSUM_AT) != crc32c::crc32c(&bytes[..CHECKSUM_AT]) {
            return None;
        }
        let version = u16::from_le_bytes(array_at(bytes, 16));
        if version > ARCHIVE_VERSION {
            return Some(Err(version));
        }
        Some(Ok(Self {
            journal_id: JournalId::new(array_at(bytes, 24)),
            number: u64_at(bytes, 40),
            first_lsn: Lsn::new(u64_at(bytes, 48)),
            last_lsn: Lsn::new(u64_at(bytes, 56)),
            segment_bytes: u64_at(bytes, 64),
            frame_bytes: u64_at(bytes, 72),
            chain_before: array_at(bytes, 80),
            chain_behind: array_at(bytes, 112),
            digest: array_at(bytes, 144),
        }))
    }
}

/// Reads the seal of an archived segment, and checks it against the name and the length of the file.
pub(super) fn read_seal<A: Disk>(archive_disk: &A, first_lsn: Lsn) -> Result<Seal, Error> {
    let name = archive_name(first_lsn);
    let path = || archive_disk.path(&name);
    let file = archive_disk.open_to_read(&name).map_err(Error::io("open", path()))?;
    let length = file.length().map_err(Error::io("measure", path()))?;
    let offset = length.saturating_sub(SEAL_BYTES as u64);
    let damaged = |what| Error::Damaged { path: path(), offset, lsn: first_lsn, what };
    if length < SEAL_BYTES as u64 {
        return Err(damaged(Damage::ArchiveSeal));
    }
    let mut bytes = [0; SEAL_BYTES];
    file.read_exact_at(&mut bytes, offset).map_err(Error::io("read", path()))?;
    let seal = match Seal::decode(&bytes).ok_or_else(|| damaged(Damage::ArchiveSeal))? {
        Ok(seal) => seal,
        Err(found) => return Err(Error::NewerFormat { path: path(), found, supported: ARCHIVE_VERSION }),
    };
    if seal.first_lsn != first_lsn {
        return Err(damaged(Damage::SegmentName { found: seal.first_lsn }));
    }
    // A last lsn of 2^64 - 1 would have nothing behind it.
    if seal.frame_bytes != offset || seal.last_lsn < first_lsn || seal.last_lsn.get() == u64::MAX {
        return Err(damaged(Damage::ArchiveSeal));
    }
    Ok(seal)
}

/// The first lsns of all archived segments, in order.
pub(super) fn list_archived<A: Disk>(archive_disk: &A) -> Result<Vec<Lsn>, Error> {
    let names = archive_disk.list().map_err(Error::io("list", archive_disk.path("")))?;
    let mut archived: Vec<Lsn> = names.iter().filter_map(|name| first_lsn(name)).collect();
    archived.sort_unstable();
    Ok(archived)
}

pub(super) fn archive_name(first_lsn: Lsn) -> String {
    format!("{:0NAME_DIGITS$}{NAME_SUFFIX}", first_lsn.get())
}

fn first_lsn(name: &str) -> Option<Lsn> {
    let digits = name.strip_suffix(NAME_SUFFIX)?;
    let plain = digits.len() == NAME_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok().map(Lsn::new) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal() -> Seal {
        Seal {
            journal_id: JournalId::new(*b"0123456789abcdef"),
            number: 3,
            first_lsn: Lsn::new(77),
            last_lsn: Lsn::new(99),
            segment_bytes: 131_072,
            frame_bytes: 1234,
            chain_before: [7; 32],
            chain_behind: [8; 32],
            digest: [9; 32],
        }
    }

    #[test]
    fn a_seal_comes_back() {
        assert_eq!(Seal::decode(&seal().encode()), Some(Ok(seal())));
    }

    #[test]
    fn a_later_version_is_told_from_an_altered_one() {
        let mut bytes = seal().encode();
        bytes[16] = 2;
        assert_eq!(Seal::decode(&bytes), None);
        let checksum = crc32c::crc32c(&bytes[..CHECKSUM_AT]);
        bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(Seal::decode(&bytes), Some(Err(2)));
    }

    #[test]
    fn an_archived_segment_is_named_after_its_first_lsn() {
        assert_eq!(archive_name(Lsn::new(42)), "00000000000000000042.segment.zst");
        assert_eq!(first_lsn("00000000000000000042.segment.zst"), Some(Lsn::new(42)));
        for name in [NEXT_ARCHIVE_NAME, "42.segment.zst", "00000000000000000042.segment"] {
            assert_eq!(first_lsn(name), None, "{name}");
        }
    }

    /// The format is a promise: these bytes never change for version 1.
    #[test]
    fn the_bytes_of_version_1_stand() {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let bytes = seal().encode();
        assert_eq!(
            hex(&bytes[..80]),
            "502a4d18b8000000617263686976650a01000000000000003031323334353637383961626364656603000000000000004d\
             00000000000000630000000000000000000200000000\
             00d204000000000000"
        );
        assert_eq!(bytes[80..176], [[7; 32], [8; 32], [9; 32]].concat());
        assert_eq!(bytes[176..188], [0; 12]);
    }
}
