//! The open batch: built in one buffer that is written as it stands.

use domain::Lsn;

use crate::format::{
    BATCH_END_BYTES, BATCH_HEADER_BYTES, BatchHeader, Chain, RECORD_HEADER_BYTES, RecordHeader, continue_chain,
    encode_batch_end,
};
use crate::port::BATCH_RECORDS_MAX;

/// Records on their way to the disk. The buffer begins with room for the batch header and is reused.
#[derive(Debug)]
pub(crate) struct Batch {
    buffer: Vec<u8>,
    records: usize,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self { buffer: vec![0; BATCH_HEADER_BYTES], records: 0 }
    }

    pub(crate) fn records(&self) -> usize {
        self.records
    }

    /// The length of the batch when it is sealed.
    pub(crate) fn bytes(&self) -> usize {
        self.buffer.len() + BATCH_END_BYTES
    }

    pub(crate) fn has_room_for(&self, record: &[u8], batch_bytes_max: usize) -> bool {
        self.records < BATCH_RECORDS_MAX && self.bytes() + RECORD_HEADER_BYTES + record.len() <= batch_bytes_max
    }

    pub(crate) fn push(&mut self, lsn: Lsn, record: &[u8]) {
        self.buffer.extend_from_slice(&RecordHeader::of(lsn, record).encode());
        self.buffer.extend_from_slice(record);
        self.records += 1;
    }

    /// Fills in the header, of which the caller knows everything but the counts, and adds the end mark. Returns the
    /// bytes to write and the chain behind them.
    pub(crate) fn seal(&mut self, before: &Chain, mut header: BatchHeader) -> (&[u8], Chain) {
        header.record_count = u32::try_from(self.records).expect("BATCH_RECORDS_MAX fits 32 bits");
        let records_bytes = self.buffer.len() - BATCH_HEADER_BYTES;
        header.records_bytes = u32::try_from(records_bytes).expect("BATCH_BYTES_MAX fits 32 bits");
        self.buffer[..BATCH_HEADER_BYTES].copy_from_slice(&header.encode());
        let chain = continue_chain(before, &self.buffer);
        self.buffer.extend_from_slice(&encode_batch_end(&chain));
        (&self.buffer, chain)
    }

    pub(crate) fn clear(&mut self) {
        self.buffer.truncate(BATCH_HEADER_BYTES);
        self.records = 0;
    }
}
