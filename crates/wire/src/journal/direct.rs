//! Records of one payment, which are nearly all there are, to bytes and back without messages in between.
//!
//! What is written is what the messages would write, byte for byte. What is read are messages in the one form they are
//! written in: at anything else the reading gives up, and the messages decide what it is or what is wrong with it. The rules
//! of what a record can hold are those of the messages' path, called from both.

mod command;
mod event;
mod key;
mod quote;

use domain::{Lsn, Record, Timestamp};

use self::{command::Asked, event::Happened};
use super::{answers, is_keyed_rightly};
use crate::protobuf::{Canonical, Fields};

/// Most records are shorter, in bytes.
const RECORD_BYTES: usize = 512;

/// A record of one payment that can be written directly.
pub(super) struct Direct<'a> {
    record: &'a Record,
    asked: Asked<'a>,
    happened: Happened<'a>,
}

impl<'a> Direct<'a> {
    /// `None` when it is a record of something else.
    pub(super) fn of(record: &'a Record) -> Option<Self> {
        Some(Self { record, asked: Asked::of(&record.command)?, happened: Happened::of(&record.event)? })
    }

    /// Appends the bytes of the record, of which command and event belong together.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        let Self { record: Record { lsn, at, key, command: _, event: _ }, asked, happened } = self;
        out.reserve(RECORD_BYTES);
        let mut fields = Fields::of(out);
        fields.unsigned(1, lsn.get());
        fields.signed(2, at.micros());
        if let Some(key) = key {
            fields.message(3, |fields| key::write(fields, key));
        }
        fields.message(4, |fields| asked.write(fields));
        fields.message(5, |fields| happened.write(fields, asked));
    }
}

/// Reads a record of one payment; `None` when it is of something else, or its messages are not as they are written.
pub(super) fn decode(bytes: &[u8]) -> Option<Record> {
    let mut message = Canonical::of(bytes);
    let (lsn, at) = (Lsn::new(message.unsigned(1)?), Timestamp::from_micros(message.signed(2)?));
    let key = match message.message(3)? {
        Some(key) => Some(key::read(key)?),
        None => None,
    };
    let command = command::read(message.message(4)??)?;
    let event = event::read(message.message(5)??, &command)?;
    message.end()?;
    if !answers(&event, &command) || !is_keyed_rightly(key.as_ref(), &command) {
        return None;
    }
    Some(Record { lsn, at, key, command, event })
}
