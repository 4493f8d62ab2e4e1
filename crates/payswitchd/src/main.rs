//! The payments switch daemon: all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    payswitchd::main()
}
