//! Generates the message types without a system `protoc`: protox compiles, prost and tonic generate, pbjson adds
//! proto3 JSON.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

const FILES: [&str; 15] = [
    "payswitch/v1/accounts.proto",
    "payswitch/v1/batches.proto",
    "payswitch/v1/consents.proto",
    "payswitch/v1/money.proto",
    "payswitch/v1/operations.proto",
    "payswitch/v1/payments.proto",
    "payswitch/v1/quotes.proto",
    "payswitch/v1/rates.proto",
    "payswitch/v1/receipts.proto",
    "payswitch/v1/sandbox.proto",
    "payswitch/journal/v1/consent.proto",
    "payswitch/journal/v1/policy.proto",
    "payswitch/journal/v1/record.proto",
    "payswitch/journal/v1/standing.proto",
    "payswitch/bench/v1/echo.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let descriptors = protox::compile(FILES, [&root])?;

    let out = PathBuf::from(env::var("OUT_DIR")?);
    let encoded = descriptors.encode_to_vec();
    fs::write(out.join("descriptors.bin"), &encoded)?;

    tonic_prost_build::configure()
        .extern_path(".google.protobuf", "::pbjson_types")
        .compile_well_known_types(true)
        .compile_fds(descriptors)?;
    pbjson_build::Builder::new().register_descriptors(&encoded)?.build(&[".payswitch"])?;
    Ok(())
}
