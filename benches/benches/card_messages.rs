//! What it costs to write and to read a message of a card network.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use iso8583::{Spec, decode, encode, wipe};

fn codec(criterion: &mut Criterion) {
    let request = benches::card_request(&benches::test_card(1), 1);
    let approval = benches::card_approval(&request);
    let mut group = criterion.benchmark_group("card_messages");
    group.throughput(Throughput::Elements(1));
    for (encoding, spec) in [("ascii", Spec::ASCII), ("ebcdic", Spec::EBCDIC), ("bcd", Spec::BCD)] {
        for (name, message) in [("0100", &request), ("0110", &approval)] {
            let bytes = encode(&spec, message).expect("the spec takes it");
            println!("card_messages: {name} in {encoding} is {} bytes", bytes.len());
            // What was encoded is wiped once it is sent.
            group.bench_function(format!("encode_{name}_{encoding}"), |bencher| {
                bencher.iter(|| {
                    let mut bytes = encode(&spec, black_box(message)).expect("the spec takes it");
                    wipe(&mut bytes);
                });
            });
            group.bench_function(format!("decode_{name}_{encoding}"), |bencher| {
                bencher.iter(|| decode(&spec, black_box(&bytes)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
