//! Looking past a damaged place.

use domain::Lsn;

use crate::Error;
use crate::disk::File;
use crate::format::{BATCH_HEADER_BYTES, BATCH_MAGIC, BatchHeader};
use crate::window::{Window, is_zero};

const STEP_BYTES: usize = 64 * 1024;
const STRIDE_BYTES: usize = 512;

/// What lies in a part of a segment that could not be read batch by batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Survey {
    /// The newest durable lsn in any valid batch header of this journal, at whatever byte it begins.
    pub(crate) durable_lsn: Lsn,
    /// Behind the last byte that is not zero; where the survey began when all are.
    pub(crate) end: u64,
}

pub(crate) fn survey<F: File>(window: &mut Window<'_, F>, from: u64, tag: u64) -> Result<Survey, Error> {
    let mut found = Survey { durable_lsn: Lsn::ZERO, end: from };
    let mut offset = from;
    while offset < window.length() {
        let rest = usize::try_from(window.length() - offset).unwrap_or(usize::MAX);
        let step = rest.min(STEP_BYTES);
        // A header that begins in this step may end in the next.
        let bytes = window.bytes(offset, rest.min(STEP_BYTES + BATCH_HEADER_BYTES - 1))?;
        for stride in (0..step).step_by(STRIDE_BYTES) {
            let stride = stride..step.min(stride + STRIDE_BYTES);
            if is_zero(&bytes[stride.clone()]) {
                continue;
            }
            let last = stride.clone().rfind(|at| bytes[*at] != 0).expect("the stride is not all zero");
            found.end = offset + (last as u64) + 1;
            let durable = stride.filter_map(|at| durable_lsn_at(&bytes[at..], tag)).max();
            found.durable_lsn = found.durable_lsn.max(durable.unwrap_or(Lsn::ZERO));
        }
        offset += step as u64;
    }
    Ok(found)
}

fn durable_lsn_at(bytes: &[u8], tag: u64) -> Option<Lsn> {
    // Most bytes begin no header: look at one before looking at four.
    if bytes[0] != BATCH_MAGIC[0] {
        return None;
    }
    let header = BatchHeader::decode(bytes.first_chunk()?)?;
    (header.tag == tag).then_some(header.durable_lsn)
}
