//! Faults of the real kernel under real daemons: system calls that fail, clocks that jump, memory and file descriptors
//! that run out.

mod clocks;
mod core_dumps;
mod descriptors;
mod memory;
mod payers;
mod system_calls;

#[path = "../support/mod.rs"]
mod support;
