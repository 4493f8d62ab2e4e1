//! Generates the message types without a system `protoc`: protox compiles, prost and tonic generate, pbjson adds
//! proto3 JSON.

use std::{env, error::Error, fs, io, path::PathBuf};

use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet};

const FILES: [&str; 18] = [
    "payswitch/v1/accounts.proto",
    "payswitch/v1/batches.proto",
    "payswitch/v1/cards.proto",
    "payswitch/v1/consents.proto",
    "payswitch/v1/money.proto",
    "payswitch/v1/operations.proto",
    "payswitch/v1/payments.proto",
    "payswitch/v1/quotes.proto",
    "payswitch/v1/rates.proto",
    "payswitch/v1/receipts.proto",
    "payswitch/v1/sandbox.proto",
    "payswitch/journal/v1/cards.proto",
    "payswitch/journal/v1/consent.proto",
    "payswitch/journal/v1/policy.proto",
    "payswitch/journal/v1/quotes.proto",
    "payswitch/journal/v1/record.proto",
    "payswitch/journal/v1/standing.proto",
    "payswitch/bench/v1/echo.proto",
];

const PUBLISHED: &str = "payswitch.v1";

/// Answers that the servers get encoded.
const ENCODED: [&str; 3] = ["AuthorizeResponse", "PaymentStreamResponse", "AuthorizeBatchResponse"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let descriptors = protox::compile(FILES, [&root])?;

    let out = PathBuf::from(env::var("OUT_DIR")?);
    let encoded = descriptors.encode_to_vec();
    fs::write(out.join("descriptors.bin"), &encoded)?;

    let configured = || {
        tonic_prost_build::configure().extern_path(".google.protobuf", "::pbjson_types").compile_well_known_types(true)
    };
    // Messages; and the floor of the benches whole, as anybody would make it.
    configured().compile_fds(with_services(&descriptors, |file| file.package() != PUBLISHED))?;

    // Clients, and servers whose answers of payments come encoded.
    let published = with_services(&descriptors, |file| file.package() == PUBLISHED);
    let of_messages = || configured().extern_path(format!(".{PUBLISHED}"), "crate::v1");
    let clients = of_messages().build_server(false).out_dir(made(out.join("clients"))?);
    clients.compile_fds(published.clone())?;
    let servers = ENCODED.iter().fold(of_messages(), |configured, message| {
        let name = format!(".{PUBLISHED}.{message}");
        configured.extern_path(name, format!("crate::served::Encoded<crate::v1::{message}>"))
    });
    let servers = servers.build_client(false).codec_path("crate::served::Codec").out_dir(made(out.join("servers"))?);
    servers.compile_fds(published)?;

    pbjson_build::Builder::new().register_descriptors(&encoded)?.build(&[".payswitch"])?;
    Ok(())
}

/// The same files, of which only these have services.
fn with_services(descriptors: &FileDescriptorSet, has: impl Fn(&FileDescriptorProto) -> bool) -> FileDescriptorSet {
    let mut descriptors = descriptors.clone();
    descriptors.file.iter_mut().filter(|file| !has(file)).for_each(|file| file.service.clear());
    descriptors
}

fn made(directory: PathBuf) -> io::Result<PathBuf> {
    fs::create_dir_all(&directory)?;
    Ok(directory)
}
