//! The bytes of a snapshot.

use std::{io, path::PathBuf};

use domain::{ChainMark, Lsn};
use engine::Engine;
use journal::disk::File;
use wire::journal::standing;

use super::{Snapshot, SnapshotError};

/// The version of the format.
pub(super) const VERSION: u16 = 1;

const MAGIC: [u8; 8] = *b"standing";
const HEADER_BYTES: usize = 72;
/// Behind the last part: a length of zero, how many parts there are, and the digest of all before it.
const END_BYTES: usize = 4 + 8 + DIGEST_BYTES;
const DIGEST_BYTES: usize = 32;
/// The largest part: rules fill a record of the journal at most, and the terms of keys stand beside them.
const PART_BYTES_MAX: usize = 256 * 1024;
/// How much is written or read at a time.
const CHUNK_BYTES: usize = 1024 * 1024;

/// Writes what stands, and says how many bytes that took.
pub(super) fn write<F: File>(file: &F, engine: &Engine, mark: ChainMark, journal_id: [u8; 16]) -> io::Result<u64> {
    let mut writer = Writer { file, offset: 0, hasher: blake3::Hasher::new(), chunk: Vec::with_capacity(CHUNK_BYTES) };
    writer.put(&header(mark, journal_id))?;
    let (mut part, mut parts) = (Vec::new(), 0_u64);
    for standing in engine.standing() {
        part.clear();
        standing::encode(&standing, &mut part);
        let length = u32::try_from(part.len()).expect("a part is far below 4 GiB");
        writer.put(&length.to_le_bytes())?;
        writer.put(&part)?;
        parts = parts.saturating_add(1);
    }
    writer.put(&0_u32.to_le_bytes())?;
    writer.put(&parts.to_le_bytes())?;
    writer.flush()?;
    let digest = writer.hasher.finalize();
    file.write_all_at(digest.as_bytes(), writer.offset)?;
    Ok(writer.offset.saturating_add(DIGEST_BYTES as u64))
}

fn header(mark: ChainMark, journal_id: [u8; 16]) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    let fields: [&[u8]; 5] =
        [&MAGIC, &u64::from(VERSION).to_le_bytes(), &journal_id, &mark.lsn.get().to_le_bytes(), &mark.digest];
    let mut rest = &mut header[..];
    for field in fields {
        let (place, behind) = rest.split_at_mut(field.len());
        place.copy_from_slice(field);
        rest = behind;
    }
    header
}

struct Writer<'a, F> {
    file: &'a F,
    offset: u64,
    hasher: blake3::Hasher,
    chunk: Vec<u8>,
}

impl<F: File> Writer<'_, F> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() < CHUNK_BYTES { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.chunk, self.offset)?;
        self.hasher.update(&self.chunk);
        self.offset = self.offset.saturating_add(self.chunk.len() as u64);
        self.chunk.clear();
        Ok(())
    }
}

/// Reads all of it. What it holds counts only if the digest is right, which is looked at last.
pub(super) fn read<F: File>(file: &F, path: PathBuf, journal_id: [u8; 16]) -> Result<Snapshot, SnapshotError> {
    let damaged = |what: &str| SnapshotError::Damaged { path: path.clone(), what: what.to_owned() };
    let io = |source: io::Error| match source.kind() == io::ErrorKind::UnexpectedEof {
        true => damaged("it ends too early"),
        false => SnapshotError::Io { tried: "read", path: path.clone(), source },
    };
    let length = file.length().map_err(io)?;
    if length < (HEADER_BYTES + END_BYTES) as u64 {
        return Err(damaged("it is too short"));
    }
    let mut reader = Reader { file, offset: 0, length, hasher: blake3::Hasher::new(), chunk: Vec::new(), taken: 0 };
    let header: [u8; HEADER_BYTES] = reader.take_array().map_err(io)?;
    let (mark, version, of) = read_header(&header).ok_or_else(|| damaged("it does not begin like a snapshot"))?;
    if version > VERSION {
        return Err(SnapshotError::NewerFormat { path: path.clone(), version });
    }
    if of != journal_id {
        return Err(SnapshotError::OtherJournal { path: path.clone() });
    }
    let mut engine = Engine::default();
    let mut parts = 0_u64;
    loop {
        let length = u32::from_le_bytes(reader.take_array().map_err(io)?);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length == 0 {
            break;
        }
        if length > PART_BYTES_MAX {
            return Err(damaged("a part is longer than any is"));
        }
        let part = standing::decode(reader.take(length).map_err(io)?).map_err(|why| damaged(&why.to_string()))?;
        engine.stand(part).map_err(|why| damaged(why.what))?;
        parts = parts.saturating_add(1);
    }
    if u64::from_le_bytes(reader.take_array().map_err(io)?) != parts {
        return Err(damaged("it has fewer parts than it says, or more"));
    }
    let digest = reader.hasher.finalize();
    let told: [u8; DIGEST_BYTES] = reader.take_array().map_err(io)?;
    if told != *digest.as_bytes() || reader.is_behind() {
        return Err(damaged("its digest is another"));
    }
    engine.check_standing().map_err(|why| damaged(why.what))?;
    if engine.applied_lsn() != mark.lsn {
        return Err(damaged("what stands in it is of another position"));
    }
    Ok(Snapshot { mark, engine })
}

fn read_header(header: &[u8; HEADER_BYTES]) -> Option<(ChainMark, u16, [u8; 16])> {
    let (magic, rest) = header.split_first_chunk::<8>()?;
    let (version, rest) = rest.split_first_chunk::<8>()?;
    let (journal_id, rest) = rest.split_first_chunk::<16>()?;
    let (lsn, rest) = rest.split_first_chunk::<8>()?;
    let digest = rest.first_chunk::<32>()?;
    if *magic != MAGIC {
        return None;
    }
    let version = u16::try_from(u64::from_le_bytes(*version)).ok()?;
    let mark = ChainMark { lsn: Lsn::new(u64::from_le_bytes(*lsn)), digest: *digest };
    Some((mark, version, *journal_id))
}

struct Reader<'a, F> {
    file: &'a F,
    offset: u64,
    length: u64,
    hasher: blake3::Hasher,
    chunk: Vec<u8>,
    taken: usize,
}

impl<F: File> Reader<'_, F> {
    fn take(&mut self, count: usize) -> io::Result<&[u8]> {
        if self.chunk.len().saturating_sub(self.taken) < count {
            self.fill(count)?;
        }
        let bytes = self.chunk.get(self.taken..self.taken.saturating_add(count));
        let bytes = bytes.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.hasher.update(bytes);
        self.taken = self.taken.saturating_add(count);
        Ok(bytes)
    }

    fn take_array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| io::ErrorKind::UnexpectedEof.into())
    }

    fn fill(&mut self, count: usize) -> io::Result<()> {
        self.chunk.drain(..self.taken);
        self.taken = 0;
        let rest = usize::try_from(self.length.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let old = self.chunk.len();
        let wanted = CHUNK_BYTES.max(count).saturating_sub(old).min(rest);
        self.chunk.resize(old.saturating_add(wanted), 0);
        let place = self.chunk.get_mut(old..).unwrap_or_default();
        self.file.read_exact_at(place, self.offset)?;
        self.offset = self.offset.saturating_add(wanted as u64);
        Ok(())
    }

    /// Whether all of the file was taken.
    fn is_behind(&self) -> bool {
        self.taken != self.chunk.len() || self.offset != self.length
    }
}
