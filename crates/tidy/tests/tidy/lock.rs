//! Versions in `Cargo.lock`: floors below which a known hole lies, and crates of which there is one version only.

use crate::source::{Complaint, SourceFile, assert_none, project};

struct Floor {
    name: &'static str,
    version: (u64, u64, u64),
    because: &'static str,
}

const FLOORS: &[Floor] = &[
    Floor { name: "bytes", version: (1, 11, 1), because: "RUSTSEC-2026-0007" },
    Floor { name: "dashmap", version: (5, 1, 0), because: "RUSTSEC-2022-0002" },
    Floor { name: "h2", version: (0, 4, 16), because: "RUSTSEC-2026-0258" },
    Floor { name: "memmap2", version: (0, 9, 11), because: "RUSTSEC-2026-0186" },
    Floor { name: "prost", version: (0, 14, 0), because: "the version the generated code is made for" },
    Floor { name: "ring", version: (0, 17, 12), because: "RUSTSEC-2025-0009" },
    Floor { name: "rustls", version: (0, 23, 18), because: "RUSTSEC-2024-0399" },
    Floor { name: "rustls-webpki", version: (0, 103, 13), because: "RUSTSEC-2026-0049, 0098, 0099 and 0104" },
    Floor { name: "time", version: (0, 3, 47), because: "RUSTSEC-2026-0009" },
    Floor { name: "tokio", version: (1, 44, 2), because: "RUSTSEC-2025-0023" },
    Floor { name: "tokio-postgres", version: (0, 7, 18), because: "RUSTSEC-2026-0178" },
    Floor { name: "tonic", version: (0, 14, 3), because: "decompression bomb, and RUSTSEC-2024-0376" },
    Floor { name: "tracing-subscriber", version: (0, 3, 20), because: "RUSTSEC-2025-0055" },
];

/// Two versions of these do not fit together, or would each have a state of their own.
const SINGLE: &[&str] = &[
    "blake3",
    "bytes",
    "h2",
    "http",
    "hyper",
    "metrics",
    "prost",
    "prost-types",
    "rust_decimal",
    "rustls",
    "serde",
    "tokio",
    "tonic",
    "tracing",
    "tracing-subscriber",
];

fn check(lock: &SourceFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let packages = packages(&lock.text);
    for (place, name, version) in &packages {
        for floor in FLOORS.iter().filter(|floor| floor.name == name) {
            if numbers(version) < floor.version {
                let (major, minor, patch) = floor.version;
                let what = format!(
                    "{name} {version} is below {major}.{minor}.{patch} ({}); `cargo update -p {name}`",
                    floor.because
                );
                complaints.push(Complaint::at(lock, *place, what));
            }
        }
    }
    for single in SINGLE {
        let mut versions = packages.iter().filter(|(_, name, _)| name == single);
        versions.next();
        for (place, name, version) in versions {
            let what =
                format!("a second version of {name}, {version}: `cargo tree -i {name}@{version}` tells who wants it");
            complaints.push(Complaint::at(lock, *place, what));
        }
    }
    complaints
}

fn packages(lock: &str) -> Vec<(usize, String, String)> {
    let value = |line: &str, key: &str| Some(line.strip_prefix(key)?.trim_end_matches('"').to_owned());
    let mut packages = Vec::new();
    let mut name = None;
    let mut offset = 0;
    for line in lock.split_inclusive('\n') {
        if let Some(found) = value(line.trim_end(), "name = \"") {
            name = Some((offset, found));
        } else if let (Some(version), Some((place, name))) = (value(line.trim_end(), "version = \""), name.clone()) {
            packages.push((place, name, version));
        }
        offset += line.len();
    }
    packages
}

/// Major, minor and patch; what stands behind them does not matter for a floor.
fn numbers(version: &str) -> (u64, u64, u64) {
    let core = version.split(['-', '+']).next().unwrap_or(version);
    let mut numbers = core.split('.').map(|number| number.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}

#[test]
fn the_lock_is_above_every_floor_and_has_no_second_version_of_what_must_be_one() {
    let lock = project().iter().find(|file| file.path == "Cargo.lock").expect("Cargo.lock is kept");
    assert!(packages(&lock.text).iter().any(|(_, name, _)| name == "tidy"), "the lock is read");
    assert_none(&check(lock));
}

#[test]
fn every_floor_and_every_second_version_is_seen() {
    let lock = |entries: &[(&str, &str)]| {
        let entry =
            |(name, version): &(&str, &str)| format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\n");
        SourceFile::new("Cargo.lock", &format!("version = 4\n\n{}", entries.iter().map(entry).collect::<String>()))
    };
    for floor in FLOORS {
        let (major, minor, patch) = floor.version;
        assert_none(&check(&lock(&[(floor.name, &format!("{major}.{minor}.{patch}"))])));
        let below = match floor.version {
            (_, 0, 0) => format!("{}.9.9", major - 1),
            (_, _, 0) => format!("{major}.{}.9", minor - 1),
            _ => format!("{major}.{minor}.{}", patch - 1),
        };
        assert_eq!(check(&lock(&[(floor.name, &below)])).len(), 1, "{} {below}", floor.name);
    }
    for single in SINGLE {
        let complaints = check(&lock(&[(single, "99.0.0"), ("other", "1.0.0"), (single, "99.1.0")]));
        assert_eq!(complaints.len(), 1, "{single}");
        assert!(complaints[0].to_string().starts_with("Cargo.lock:12: a second version"), "{}", complaints[0]);
    }
}
