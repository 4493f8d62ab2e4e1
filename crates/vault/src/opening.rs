//! What is found in the file of a vault: read once from the first record to the last, and judged. Nothing is changed here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Read};

use crate::Error;
use crate::format::{Block, FORMAT_VERSION, FirstBlock, Header, RECORD_BYTES, RECORD_STEP, Record, Slot};
use crate::index::Index;
use crate::place::VaultPlace;
use crate::sealing::VaultKeys;

/// The bytes of a file, from the header on, block by block.
pub(crate) struct Blocks<'a> {
    place: &'a VaultPlace,
    file: BufReader<&'a File>,
    /// Where the next block begins.
    offset: u64,
    file_bytes: u64,
}

impl<'a> Blocks<'a> {
    pub(crate) fn of(place: &'a VaultPlace, file: &'a File) -> Result<Self, Error> {
        let file_bytes = file.metadata().map_err(place.failed("look at"))?.len();
        Ok(Self { place, file: BufReader::new(file), offset: 0, file_bytes })
    }

    /// The next whole block and where it begins.
    fn next(&mut self) -> Result<Option<(u64, Block)>, Error> {
        if self.bytes_left() < RECORD_STEP {
            return Ok(None);
        }
        let (offset, mut block) = (self.offset, [0; RECORD_BYTES]);
        self.file.read_exact(&mut block).map_err(self.place.failed("read"))?;
        self.offset = self.offset.saturating_add(RECORD_STEP);
        Ok(Some((offset, block)))
    }

    fn bytes_left(&self) -> u64 {
        self.file_bytes.saturating_sub(self.offset)
    }

    pub(crate) fn header(&mut self) -> Result<Header, Error> {
        let path = || self.place.path().to_owned();
        let Some((offset, block)) = self.next()? else {
            return Err(self.place.damaged(0, "the header is not whole"));
        };
        match Header::decode(&block) {
            FirstBlock::Known(header) => Ok(header),
            FirstBlock::NotAVault => Err(Error::NotAVault { path: path() }),
            FirstBlock::Newer(found) => Err(Error::NewerFormat { path: path(), found, supported: FORMAT_VERSION }),
            FirstBlock::Altered => Err(self.place.damaged(offset, "the header does not match its checksum")),
        }
    }

    /// All records behind the header.
    ///
    /// A record is written when all before it are durable, so only the last can be torn: it is if the file ends in it, or if
    /// its last bytes were never written. Everything else that is no record was one, and is damage, unless a later record
    /// says that it was destroyed or replaced.
    pub(crate) fn records(mut self, keys: &VaultKeys) -> Result<Found, Error> {
        let mut found = Found::default();
        while let Some((offset, block)) = self.next()? {
            match Record::decode(&block, offset, keys) {
                Slot::Unwritten if self.bytes_left() == 0 => {
                    found.cut_bytes = RECORD_STEP;
                    break;
                }
                Slot::Unwritten | Slot::Altered => {
                    found.doubtful.insert(offset, Remains::of(&block));
                }
                Slot::Written(record) => found.take(offset, record).map_err(|what| self.place.damaged(offset, what))?,
            }
        }
        if let Some((offset, _)) = found.doubtful.first_key_value() {
            return Err(self.place.damaged(*offset, "the record does not match its check"));
        }
        found.cut_bytes = found.cut_bytes.saturating_add(self.bytes_left());
        found.end = self.file_bytes.saturating_sub(found.cut_bytes);
        Ok(found)
    }
}

/// What the records of a file come to.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) index: Index,
    /// Where cards are that were unbound, and whose bytes are still there, or some of them.
    pub(crate) undestroyed: Vec<u64>,
    /// Where cards were that are renewed, and whose bytes are still there, or some of them.
    pub(crate) unreplaced: Vec<u64>,
    /// Where the next record goes.
    pub(crate) end: u64,
    /// Bytes behind `end`: a record that was never whole.
    pub(crate) cut_bytes: u64,
    /// Where no record is, so far.
    doubtful: BTreeMap<u64, Remains>,
    /// Where cards were that are renewed.
    replaced: BTreeSet<u64>,
}

/// What is left where no record is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remains {
    Zeros,
    Bytes,
}

impl Remains {
    fn of(block: &Block) -> Self {
        if block.iter().all(|byte| *byte == 0) { Self::Zeros } else { Self::Bytes }
    }
}

impl Found {
    fn take(&mut self, offset: u64, record: Record) -> Result<(), &'static str> {
        match record {
            Record::Card(card) => {
                let added = self.index.add(card.binding.token, offset);
                added.then_some(()).ok_or("a second card is bound to one token")
            }
            Record::Unbound { token, at } if self.index.offset(token) == Some(at) => {
                self.index.remove(token);
                self.undestroyed.push(at);
                Ok(())
            }
            Record::Unbound { token: _, at } => match self.doubtful.remove(&at) {
                Some(Remains::Zeros) => Ok(()),
                Some(Remains::Bytes) => {
                    self.undestroyed.push(at);
                    Ok(())
                }
                None => Err("what was unbound is not where it was bound"),
            },
            Record::Renewed { card, at } => {
                let token = card.binding.token;
                if self.index.offset(token).is_some_and(|offset| offset != at) {
                    return Err("a second card is bound to one token");
                }
                if self.index.offset(token).is_some() || self.doubtful.remove(&at).is_some() {
                    self.index.remove(token);
                    self.unreplaced.push(at);
                } else if !self.replaced.contains(&at) {
                    return Err("what was renewed is not where it was bound");
                }
                assert!(self.index.add(token, offset), "its old record counts no more");
                Ok(())
            }
            Record::Replaced => {
                self.replaced.insert(offset);
                Ok(())
            }
        }
    }
}
