//! What is done with hostile bytes, and what must hold then. Each is run by a target with bytes that libFuzzer makes, and
//! by a test with bytes that were kept.
//!
//! **What it must never know.** Who makes the bytes.

pub mod journal;
pub mod record;
pub mod requests;
pub mod snapshot;
pub mod text;
