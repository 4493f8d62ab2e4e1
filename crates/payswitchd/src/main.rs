//! The payments switch daemon: all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    payswitchd::main()
}

/// A record is made on one thread, kept by a second and dropped by a third. What that costs, and what this one costs in memory,
/// is in `benches/PROFILE.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
