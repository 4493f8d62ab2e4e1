//! Tests that keep the house in shape; there is nothing to call here.
//!
//! What it is for: every rule of style or structure that a machine can check, and that neither the compiler nor clippy
//! checks, is a row of a table under `tests/tidy/`, with the reason and with what to do instead.
//!
//! What it must never know: what a payment is. It reads text and `cargo metadata`, and calls no other crate.
//!
//! Where to start: `tests/tidy/code.rs`, the largest table.

#![no_std]
