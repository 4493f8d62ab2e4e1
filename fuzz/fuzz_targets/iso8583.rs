#![no_main]
#![allow(unreachable_pub)]

#[path = "../src/iso8583.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(bytes));
