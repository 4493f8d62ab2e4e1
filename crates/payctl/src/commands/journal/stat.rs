//! `payctl journal stat`: what a journal is made of.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ::journal::Report;
use clap::Args;
use domain::{Lsn, Record, Timestamp};
use serde_json::json;

use super::line::{kind, moment};
use super::print;
use super::reading::{Needs, Then, read};
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{Align, Fields, GOOD, Table, paint};
use crate::words;

/// Show what a journal is made of: kinds of records, batches, time
///
/// Checks what `verify` checks, and exits as it does.
#[derive(Debug, Args)]
pub(crate) struct Stat {
    /// The daemon's data directory, or the journal's own
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

#[derive(Debug, Default)]
struct Kind {
    records: u64,
    bytes: u64,
    largest: u64,
}

#[derive(Debug, Default)]
struct Counts {
    kinds: BTreeMap<&'static str, Kind>,
    /// Records of each batch with records, smallest first once all are counted.
    batches: Vec<u32>,
    /// Of the batch that is being counted.
    open: u32,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Stat {
    pub(super) fn run(&self, as_json: bool) -> Result<Exit, Error> {
        let mut counts = Counts::default();
        let report = read(&self.directory, Needs::Nothing, |record, found| {
            counts.count(record, found.bytes.len() as u64, found.lsn == found.chain.lsn);
            Ok(Then::Next)
        })?;
        counts.batches.sort_unstable();
        let report = report.ok_or_else(|| Error::Reply("the reading ended early".to_owned()))?;
        print(&if as_json { format!("{:#}\n", counts.json(&report)) } else { counts.text(&report) })?;
        Ok(Exit::Approved)
    }
}

impl Counts {
    fn count(&mut self, record: &Record, bytes: u64, ends_batch: bool) {
        let kind = self.kinds.entry(kind(record)).or_default();
        kind.records += 1;
        kind.bytes += bytes;
        kind.largest = kind.largest.max(bytes);
        self.first = self.first.or(Some(record.at));
        self.last = Some(record.at);
        self.open += 1;
        if ends_batch {
            self.batches.push(std::mem::take(&mut self.open));
        }
    }

    fn bytes(&self) -> u64 {
        self.kinds.values().map(|kind| kind.bytes).sum()
    }

    /// The batch below which this share of them is, in records.
    fn batch(&self, percent: usize) -> u32 {
        let index = (self.batches.len() * percent / 100).min(self.batches.len().saturating_sub(1));
        self.batches.get(index).copied().unwrap_or(0)
    }

    fn text(&self, report: &Report) -> String {
        let mut fields = Fields::default();
        fields.line("journal", report.journal_id);
        let time = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| moment(at).replace('T', " "));
        fields.line("from", time(self.first));
        fields.line("to", time(self.last));
        if let Some(begins) = super::begins_later(report) {
            fields.line("begins", begins);
        }
        let (records, batches) = (words::counted(report.records, "record"), self.batches.len() as u64);
        fields.line("records", format!("{records} in {} batches", words::count(batches)));
        let [median, high, most] = [50, 99, 100].map(|percent| words::count(self.batch(percent).into()));
        fields.line("a batch", format!("{median} records in the middle, {high} at 99 %, {most} at most"));
        let framed = words::counted(report.bytes, "byte");
        fields.line("size", format!("{framed} in {}", words::counted(report.segments, "segment")));
        let own = self.bytes();
        let frame = report.bytes.saturating_sub(own);
        fields.line("of that", format!("{} of records, {} of frames", words::count(own), words::count(frame)));
        format!("{}\n{fields}\n{}", paint(GOOD, "whole"), self.table())
    }

    fn table(&self) -> Table {
        let mut table = Table::new([
            ("kind", Align::Left),
            ("records", Align::Right),
            ("bytes", Align::Right),
            ("share", Align::Right),
            ("mean", Align::Right),
            ("largest", Align::Right),
        ]);
        let all = self.bytes().max(1);
        for (name, kind) in &self.kinds {
            table.row([
                (*name).to_owned(),
                words::count(kind.records),
                words::count(kind.bytes),
                format!("{} %", kind.bytes * 100 / all),
                words::count(kind.bytes / kind.records.max(1)),
                words::count(kind.largest),
            ]);
        }
        table
    }

    fn json(&self, report: &Report) -> serde_json::Value {
        let kinds: serde_json::Map<_, _> = self
            .kinds
            .iter()
            .map(|(name, kind)| {
                let kind = json!({ "records": kind.records, "bytes": kind.bytes, "largestBytes": kind.largest });
                ((*name).to_owned(), kind)
            })
            .collect();
        json!({
            "journalId": report.journal_id.to_string(),
            "records": report.records,
            "firstLsn": report.first_lsn.map(Lsn::get),
            "segments": report.segments,
            "bytes": report.bytes,
            "recordBytes": self.bytes(),
            "batches": self.batches.len(),
            "batchRecords": { "p50": self.batch(50), "p99": self.batch(99), "max": self.batch(100) },
            "from": self.first.map(moment),
            "to": self.last.map(moment),
            "kinds": kinds,
        })
    }
}
