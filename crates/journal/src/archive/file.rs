//! Compressed bytes of one segment: written, checked, and turned back.

use std::io::{self, Read, Write};

use zstd::stream::{read::Decoder, write::Encoder};

use super::seal::{NEXT_ARCHIVE_NAME, Seal, archive_name};
use crate::disk::{Disk, File};
use crate::scan::Found;
use crate::segment::segment_name;
use crate::{Damage, Error};

/// How hard zstd tries: its own default. Records are small and half of their bytes are random, so more brings little.
const COMPRESSION_LEVEL: i32 = 3;

/// The most memory that turning a file back may take for what it refers to, as a power of two in bytes. What is compressed
/// at this level refers to 2 MiB.
const WINDOW_LOG_MAX: u32 = 23;

/// How much is read at a time, in bytes.
const CHUNK_BYTES: usize = 256 * 1024;

/// Takes in a segment, piece by piece, each with its offset.
pub(super) type Take<'a> = dyn FnMut(&[u8], u64) -> Result<(), Error> + 'a;

/// Compresses a segment that was checked under its name in the archive. When this returns, the file survives a power cut.
pub(super) fn compress<D: Disk, A: Disk>(disk: &D, archive_disk: &A, found: &Found) -> Result<Seal, Error> {
    let path = || archive_disk.path(NEXT_ARCHIVE_NAME);
    let names = archive_disk.list().map_err(Error::io("list", archive_disk.path("")))?;
    if names.iter().any(|name| name == NEXT_ARCHIVE_NAME) {
        archive_disk.remove(NEXT_ARCHIVE_NAME).map_err(Error::io("remove", path()))?;
    }
    let file = archive_disk.create(NEXT_ARCHIVE_NAME).map_err(Error::io("create", path()))?;
    let written = write(disk, &file, found, path).and_then(|seal| {
        file.sync().map_err(Error::io("sync", path()))?;
        Ok(seal)
    });
    if written.is_err() {
        // The failure is told; what is left only fills the disk.
        let _removed = archive_disk.remove(NEXT_ARCHIVE_NAME);
    }
    let seal = written?;
    let name = archive_name(seal.first_lsn);
    archive_disk.rename(NEXT_ARCHIVE_NAME, &name).map_err(Error::io("rename to", archive_disk.path(&name)))?;
    archive_disk.sync_directory().map_err(Error::io("sync", archive_disk.path("")))?;
    Ok(seal)
}

fn write<D: Disk>(
    disk: &D,
    file: &impl File,
    found: &Found,
    path: impl Fn() -> std::path::PathBuf,
) -> Result<Seal, Error> {
    let header = &found.tail.header;
    let name = segment_name(header.first_lsn);
    let source = disk.open_to_read(&name).map_err(Error::io("open", disk.path(&name)))?;
    let started = || {
        let frame = FrameWriter { file, offset: 0, hasher: blake3::Hasher::new() };
        let mut encoder = Encoder::new(frame, COMPRESSION_LEVEL)?;
        encoder.include_checksum(true)?;
        encoder.set_pledged_src_size(Some(header.segment_bytes))?;
        Ok(encoder)
    };
    let mut encoder = started().map_err(Error::io("compress into", path()))?;
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut offset = 0;
    while offset < header.segment_bytes {
        let bytes = chunk(&mut buffer, header.segment_bytes - offset);
        source.read_exact_at(bytes, offset).map_err(Error::io("read", disk.path(&name)))?;
        encoder.write_all(bytes).map_err(Error::io("write", path()))?;
        offset += bytes.len() as u64;
    }
    let frame = encoder.finish().map_err(Error::io("write", path()))?;
    let seal = Seal {
        journal_id: header.journal_id,
        number: header.number,
        first_lsn: header.first_lsn,
        last_lsn: found.last_lsn,
        segment_bytes: header.segment_bytes,
        frame_bytes: frame.offset,
        chain_before: header.chain,
        chain_behind: found.chain,
        digest: *frame.hasher.finalize().as_bytes(),
    };
    file.write_all_at(&seal.encode(), seal.frame_bytes).map_err(Error::io("write", path()))?;
    Ok(seal)
}

/// Checks that the compressed bytes are those that were sealed.
pub(super) fn check_digest<A: Disk>(archive_disk: &A, seal: &Seal) -> Result<(), Error> {
    let name = archive_name(seal.first_lsn);
    let path = || archive_disk.path(&name);
    let file = archive_disk.open_to_read(&name).map_err(Error::io("open", path()))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut offset = 0;
    while offset < seal.frame_bytes {
        let bytes = chunk(&mut buffer, seal.frame_bytes - offset);
        file.read_exact_at(bytes, offset).map_err(Error::io("read", path()))?;
        hasher.update(bytes);
        offset += bytes.len() as u64;
    }
    if *hasher.finalize().as_bytes() == seal.digest {
        return Ok(());
    }
    Err(Error::Damaged { path: path(), offset: 0, lsn: seal.first_lsn, what: Damage::ArchiveDigest })
}

/// Checks that an archived segment turns back into the one in the journal, byte for byte.
pub(super) fn compare<A: Disk, D: Disk>(archive_disk: &A, seal: &Seal, disk: &D) -> Result<(), Error> {
    let name = segment_name(seal.first_lsn);
    let source = disk.open_to_read(&name).map_err(Error::io("open", disk.path(&name)))?;
    let mut buffer = vec![0; CHUNK_BYTES];
    decompress(archive_disk, seal, &mut |bytes, offset| {
        let there = chunk(&mut buffer, bytes.len() as u64);
        source.read_exact_at(there, offset).map_err(Error::io("read", disk.path(&name)))?;
        if there == bytes { Ok(()) } else { Err(content(archive_disk, seal, "other bytes".to_owned())) }
    })
}

/// Turns an archived segment back, whose digest was checked, and shows all of it to `take`.
pub(super) fn decompress<A: Disk>(archive_disk: &A, seal: &Seal, take: &mut Take<'_>) -> Result<(), Error> {
    let name = archive_name(seal.first_lsn);
    let path = || archive_disk.path(&name);
    let file = archive_disk.open_to_read(&name).map_err(Error::io("open", path()))?;
    let frame = FrameReader { file, offset: 0, end: seal.frame_bytes, failed: None };
    let mut decoder = Decoder::new(frame).map_err(Error::io("decompress", path()))?.single_frame();
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(Error::io("decompress", path()))?;
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut offset = 0;
    loop {
        let count = match decoder.read(&mut buffer) {
            Ok(count) => count,
            Err(error) => {
                let failed = decoder.get_mut().get_mut().failed.take();
                return Err(match failed {
                    Some(failed) => Error::io("read", path())(failed),
                    None => content(archive_disk, seal, error.to_string()),
                });
            }
        };
        let bytes = &buffer[..count];
        if count as u64 > seal.segment_bytes - offset {
            return Err(content(archive_disk, seal, format!("it has more than {} bytes", seal.segment_bytes)));
        }
        if count == 0 {
            break;
        }
        take(bytes, offset)?;
        offset += count as u64;
    }
    if offset == seal.segment_bytes {
        return Ok(());
    }
    Err(content(archive_disk, seal, format!("it has {offset} bytes instead of {}", seal.segment_bytes)))
}

fn content<A: Disk>(archive_disk: &A, seal: &Seal, reason: String) -> Error {
    let path = archive_disk.path(&archive_name(seal.first_lsn));
    Error::Damaged { path, offset: 0, lsn: seal.first_lsn, what: Damage::ArchiveContent { reason } }
}

/// As much of the buffer as is left to fill.
fn chunk(buffer: &mut [u8], left: u64) -> &mut [u8] {
    let count = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
    &mut buffer[..count]
}

/// Writes a file forward.
struct FrameWriter<'a, F> {
    file: &'a F,
    offset: u64,
    hasher: blake3::Hasher,
}

impl<F: File> Write for FrameWriter<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all_at(bytes, self.offset)?;
        self.hasher.update(bytes);
        self.offset += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads the compressed part of a file forward.
struct FrameReader<F> {
    file: F,
    offset: u64,
    end: u64,
    /// What the disk refused, which is no fault of the bytes.
    failed: Option<io::Error>,
}

impl<F: File> Read for FrameReader<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = chunk(buffer, self.end - self.offset);
        if let Err(error) = self.file.read_exact_at(bytes, self.offset) {
            let kind = error.kind();
            self.failed = Some(error);
            return Err(kind.into());
        }
        self.offset += bytes.len() as u64;
        Ok(bytes.len())
    }
}
