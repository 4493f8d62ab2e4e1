#![no_main]
#![allow(dead_code, unreachable_pub, clippy::wildcard_enum_match_arm)]

#[path = "../../crates/engine/tests/properties/ask.rs"]
mod ask;
#[path = "../../crates/engine/tests/properties/command.rs"]
mod command;
#[path = "../../crates/engine/tests/properties/consents.rs"]
mod consents;
#[path = "../../crates/engine/tests/properties/exact.rs"]
mod exact;
#[path = "../../crates/engine/tests/properties/forgetful.rs"]
mod forgetful;
#[path = "../../crates/engine/tests/properties/life.rs"]
mod life;
#[path = "../../crates/engine/tests/properties/model.rs"]
mod model;
#[path = "../src/operations.rs"]
mod operations;
#[path = "../../crates/engine/tests/properties/outcome.rs"]
mod outcome;
#[path = "../../crates/engine/tests/properties/payment.rs"]
mod payment;
#[path = "../../crates/engine/tests/properties/quotes.rs"]
mod quotes;
#[path = "../../crates/engine/tests/properties/rules.rs"]
mod rules;
#[path = "../../crates/engine/tests/properties/run.rs"]
mod run;
#[path = "../../crates/engine/tests/properties/tape.rs"]
mod tape;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| operations::run(bytes));
