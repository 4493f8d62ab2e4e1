//! What a record costs on its way to the disk and back, and how fast a ledger recovers.
//!
//! `TMPDIR` says which disk is measured.

use std::{fs, hint::black_box, os::unix::fs::FileExt};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use journal::Journal;
use shard::Recovery;

/// Payments in the ledger that recovers.
const RECOVERED_PAYMENTS: u64 = 300_000;
/// The same when `cargo test` runs every bench once, so that it cannot rot.
const RECOVERED_PAYMENTS_IN_TESTS: u64 = 300;
const GROUP_RECORDS: u64 = 64;

fn codec(criterion: &mut Criterion) {
    let mut house = benches::House::new(100);
    let payment = house.next_payment();
    let record = house.decide_and_apply(payment);
    let mut bytes = Vec::new();
    wire::journal::encode(&record, &mut bytes);
    println!("journal: one two-currency payment is {} bytes before framing", bytes.len());
    let life: Vec<usize> = house
        .next_cycle()
        .map(|submission| {
            let record = house.decide_and_apply(submission);
            let mut bytes = Vec::new();
            wire::journal::encode(&record, &mut bytes);
            bytes.len()
        })
        .to_vec();
    let sum: usize = life.iter().sum();
    println!("journal: held, captured in three parts and refunded in two it is {sum} bytes: {life:?}");

    let mut group = criterion.benchmark_group("codec");
    group.bench_function("encode", |bencher| {
        let mut out = Vec::with_capacity(1024);
        bencher.iter(|| {
            out.clear();
            wire::journal::encode(black_box(&record), &mut out);
        });
    });
    group.bench_function("decode", |bencher| bencher.iter(|| wire::journal::decode(black_box(&bytes))));
    group.finish();
}

fn commit(criterion: &mut Criterion) {
    let record = [7; 400];
    let mut group = criterion.benchmark_group("commit");
    group.sample_size(50);
    for records in [1, GROUP_RECORDS] {
        let directory = tempfile::tempdir().expect("a directory");
        let mut journal = benches::journal(directory.path(), &mut |_| Ok(()));
        group.throughput(Throughput::Elements(records));
        group.bench_function(format!("{records}_records_400_bytes"), |bencher| {
            bencher.iter(|| {
                for _ in 0..records {
                    let lsn = journal.last_lsn().next();
                    journal.append(lsn, &record).expect("appended");
                }
                benches::make_durable(&mut journal);
            });
        });
    }
    // The floor on the same disk in the same run: a bare write and fdatasync into a file that is there already.
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("bare");
    fs::write(&path, vec![0; 64 << 20]).expect("written");
    let file = fs::File::options().write(true).open(&path).expect("opened");
    file.sync_all().expect("synced");
    let mut offset = 0;
    group.throughput(Throughput::Elements(1));
    group.bench_function("floor_bare_write_and_fdatasync", |bencher| {
        bencher.iter(|| {
            file.write_all_at(&record, offset).expect("written");
            file.sync_data().expect("synced");
            offset = (offset + 512) % (64 << 20);
        });
    });
    group.finish();
}

fn recovery(criterion: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a directory");
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let payments = if measuring { RECOVERED_PAYMENTS } else { RECOVERED_PAYMENTS_IN_TESTS };
    let records = write_payments(directory.path(), payments);
    let mut group = criterion.benchmark_group("recovery");
    group.sample_size(10).throughput(Throughput::Elements(records));
    group.bench_function("open_decode_and_fold", |bencher| {
        bencher.iter(|| {
            let mut recovery = Recovery::default();
            let mut journal = benches::journal(directory.path(), &mut |record| {
                recovery.fold(record.lsn, record.bytes)?;
                Ok(())
            });
            journal.close().expect("closed");
            recovery.finish()
        });
    });
    group.finish();
}

/// Writes payments in groups and returns how many records there are.
fn write_payments(directory: &std::path::Path, payments: u64) -> u64 {
    let mut house = benches::House::new(10_000);
    let mut journal = benches::journal(directory, &mut |_| Ok(()));
    let mut bytes = Vec::new();
    let mut payment_bytes = 0_u64;
    let begun = house.records.len();
    for _ in 0..payments {
        let payment = house.next_payment();
        house.decide_and_apply(payment);
    }
    for (index, record) in house.records.iter().enumerate() {
        bytes.clear();
        wire::journal::encode(record, &mut bytes);
        payment_bytes += if index >= begun { bytes.len() as u64 } else { 0 };
        journal.append(record.lsn, &bytes).expect("appended");
        if record.lsn.get() % GROUP_RECORDS == 0 {
            benches::make_durable(&mut journal);
        }
    }
    benches::make_durable(&mut journal);
    journal.close().expect("closed");
    println!("recovery: {} bytes a payment before framing", payment_bytes / payments);
    house.records.len() as u64
}

criterion_group!(benches, codec, commit, recovery);
criterion_main!(benches);
