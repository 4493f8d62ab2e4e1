//! A segment: its name, and how it comes to be.

use domain::Lsn;
use planted::Bug;

use crate::Error;
use crate::disk::{Disk, File};
use crate::format::{BLOCK_BYTES, SEGMENT_BYTES_MIN, SEGMENT_HEADER_BYTES, SegmentHeader};

/// The segment being prepared. What it holds means nothing until it is renamed.
pub(crate) const NEXT_NAME: &str = "next.segment";

const NAME_SUFFIX: &str = ".segment";
const NAME_DIGITS: usize = 20;
const ZEROS_BYTES: usize = 256 * 1024;

/// The segment that batches are appended to.
#[derive(Debug)]
pub(crate) struct Segment<F> {
    pub(crate) file: F,
    pub(crate) name: String,
    pub(crate) header: SegmentHeader,
    /// Where the next batch goes.
    pub(crate) end: u64,
}

impl<F: File> Segment<F> {
    /// Turns the prepared file into the segment with this header. When this returns, the segment survives a power cut.
    pub(crate) fn install<D: Disk<File = F>>(disk: &D, file: F, header: SegmentHeader) -> Result<Self, Error> {
        let name = segment_name(header.first_lsn);
        file.write_all_at(&header.encode(), 0).map_err(Error::io("write", disk.path(NEXT_NAME)))?;
        // The header must be whole before the name makes it count.
        if !planted::is(Bug::NoHeaderSync) {
            file.sync().map_err(Error::io("sync", disk.path(NEXT_NAME)))?;
        }
        disk.rename(NEXT_NAME, &name).map_err(Error::io("rename to", disk.path(&name)))?;
        if !planted::is(Bug::NoDirectorySync) {
            disk.sync_directory().map_err(Error::io("sync", disk.path("")))?;
        }
        Ok(Self { file, name, header, end: SEGMENT_HEADER_BYTES as u64 })
    }

    pub(crate) fn has_room_for(&self, batch_bytes: usize) -> bool {
        self.end + batch_bytes as u64 <= self.header.segment_bytes
    }
}

/// A new segment is made only while so many of its size are free: a disk is refused before it is full, and whoever
/// shares it has time to look after it.
const FREE_SEGMENTS_MIN: u64 = 2;

/// Makes the file of a segment: zeros up to its full size, all of them durable, so that a commit changes no file length
/// and allocates no extent. Stops early, with a file of no use, once `stopped`. What fails halfway leaves no file behind
/// if that can be helped: it would only fill the disk.
pub(crate) fn prepare<D: Disk>(disk: &D, segment_bytes: u64, stopped: impl Fn() -> bool) -> Result<D::File, Error> {
    let names = disk.list().map_err(Error::io("list", disk.path("")))?;
    if names.iter().any(|name| name == NEXT_NAME) {
        disk.remove(NEXT_NAME).map_err(Error::io("remove", disk.path(NEXT_NAME)))?;
    }
    let needed_bytes = segment_bytes.saturating_mul(FREE_SEGMENTS_MIN);
    let free_bytes = disk.free_bytes().map_err(Error::io("look at the space on", disk.path("")))?;
    if free_bytes < needed_bytes {
        return Err(Error::NoSpace { path: disk.path(""), free_bytes, needed_bytes });
    }
    let file = disk.create(NEXT_NAME).map_err(Error::io("create", disk.path(NEXT_NAME)))?;
    let filled = fill(disk, &file, segment_bytes, stopped);
    if filled.is_err() {
        // The failure is told; whether this helps is seen at the next attempt.
        let _removed = disk.remove(NEXT_NAME);
    }
    filled.map(|()| file)
}

fn fill<D: Disk>(disk: &D, file: &D::File, segment_bytes: u64, stopped: impl Fn() -> bool) -> Result<(), Error> {
    write_zeros(file, 0..segment_bytes, stopped).map_err(Error::io("write", disk.path(NEXT_NAME)))?;
    file.sync().map_err(Error::io("sync", disk.path(NEXT_NAME)))?;
    disk.sync_directory().map_err(Error::io("sync", disk.path("")))
}

pub(crate) fn write_zeros<F: File>(
    file: &F,
    range: std::ops::Range<u64>,
    stopped: impl Fn() -> bool,
) -> std::io::Result<()> {
    let zeros = vec![0; ZEROS_BYTES];
    let mut offset = range.start;
    while offset < range.end && !stopped() {
        let count = usize::try_from(range.end - offset).unwrap_or(usize::MAX).min(ZEROS_BYTES);
        file.write_all_at(&zeros[..count], offset)?;
        offset += count as u64;
    }
    Ok(())
}

pub(crate) fn check_segment_bytes(segment_bytes: u64) -> Result<(), Error> {
    if segment_bytes < SEGMENT_BYTES_MIN || !segment_bytes.is_multiple_of(BLOCK_BYTES as u64) {
        return Err(Error::SegmentBytes { segment_bytes });
    }
    Ok(())
}

/// The first lsns of all segments on the disk, in order.
pub(crate) fn list_segments<D: Disk>(disk: &D) -> Result<Vec<Lsn>, Error> {
    let names = disk.list().map_err(Error::io("list", disk.path("")))?;
    let mut segments: Vec<Lsn> = names.iter().filter_map(|name| first_lsn(name)).collect();
    segments.sort_unstable();
    Ok(segments)
}

pub(crate) fn segment_name(first_lsn: Lsn) -> String {
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

    #[test]
    fn a_segment_is_named_after_its_first_lsn() {
        assert_eq!(segment_name(Lsn::new(42)), "00000000000000000042.segment");
        assert_eq!(first_lsn("00000000000000000042.segment"), Some(Lsn::new(42)));
    }

    #[test]
    fn other_names_are_no_segments() {
        for name in ["next.segment", "42.segment", "+0000000000000000042.segment", "99999999999999999999.segment", ""] {
            assert_eq!(first_lsn(name), None, "{name}");
        }
    }
}
