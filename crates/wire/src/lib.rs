//! Bytes to domain types and back: the messages callers see and the records the journal keeps.
//!
//! **What it is for.** Requests are parsed here once, so that behind this crate no string or bare integer stands for a
//! thing that has a type; answers are put into published messages; records are encoded and decoded. Every conversion is
//! an exhaustive match: a new field of the domain fails to build here, where it needs a thought. Text a caller chose
//! becomes a keyed [`Digest`](domain::Digest) here before anything else keeps or compares it.
//!
//! **What it must never know.** Sockets, credentials and metadata, gRPC status codes, the clock, balances, whether a
//! request is a good idea. It never panics on what it is given to read.
//!
//! **Where to start reading.** [`requests`] for what comes in, [`replies`] for what goes out, [`journal`] for what
//! stays. [`digest`] and [`fingerprint`] say when two requests are the same; [`quote_token`] and [`receipts`] sign what
//! callers keep.

pub mod requests;

pub mod replies;

pub mod journal;

pub mod digest;
pub mod fingerprint;

pub mod quote_token;
pub mod receipts;

pub mod served;

mod excerpt;
mod protobuf;

pub use excerpt::without_card_numbers;

/// Generated from `proto/payswitch/v1`: the published messages and clients, with proto3 JSON. Servers are [`served`].
#[allow(missing_docs, missing_debug_implementations, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod v1 {
    tonic::include_proto!("payswitch.v1");
    tonic::include_proto!("clients/payswitch.v1");
    include!(concat!(env!("OUT_DIR"), "/payswitch.v1.serde.rs"));
}

/// Generated from `proto/payswitch/journal/v1`: the records as stored, with proto3 JSON for tools that show them.
#[allow(missing_docs, missing_debug_implementations, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod journal_v1 {
    tonic::include_proto!("payswitch.journal.v1");
    include!(concat!(env!("OUT_DIR"), "/payswitch.journal.v1.serde.rs"));
}

/// Generated from `proto/payswitch/bench/v1`: the call that does nothing, which payments are compared with.
#[allow(missing_docs, missing_debug_implementations, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod bench_v1 {
    tonic::include_proto!("payswitch.bench.v1");
    include!(concat!(env!("OUT_DIR"), "/payswitch.bench.v1.serde.rs"));
}

/// A `google.protobuf.FileDescriptorSet` of all the above, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
