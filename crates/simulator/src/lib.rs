//! The whole switch on one thread, from one seed, with an auditor that shares no code with it.
//!
//! **What it is for.** [`run`] takes a seed and lives through a story: clients pay, repeat themselves, misuse their keys
//! and vanish; rates move and go stale; writes and syncs fail; the power goes at any operation, also in the middle of a
//! recovery. Engine, shard, pipeline, projections, record encoding and file journal are the real ones; clock, disk and
//! callers are simulated. The auditor predicts every answer from its own small model and compares.
//!
//! **What it must never know.** Real time, threads, sockets, randomness other than the seed. The auditor must not use
//! the engine, nor any arithmetic of `money`.
//!
//! **Where to start reading.** [`run`] in `simulation.rs` for the story, `auditor/books.rs` for the model.

#![allow(clippy::wildcard_enum_match_arm, reason = "what the auditor has no opinion on is a finding, whatever it is")]

mod random;
mod simulation;

mod request;
mod workload;

mod clock;
mod door;
mod switch;

pub mod auditor;
pub mod proofs;

pub use random::Random;
pub use request::{
    Agreed, Ask, Band, Caller, Code, Digits, Funding, Id, MerchantRule, Mode, PairRule, Pay, PayerCode, Price, Purpose,
    RefundRate, Request, Rest, Rules, Sum, Tick, Tier,
};
pub use simulation::{Failure, STEPS_DEFAULT, Story, run, run_traced};
pub use switch::{FileOnMemory, OpenJournal};
