//! What deciding and applying a payment costs, without log and network.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use engine::Decision;

const PAYERS: u32 = 10_000;
const BATCH: u64 = 1_000;

fn payments(criterion: &mut Criterion) {
    let mut house = benches::House::new(PAYERS);
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(1));
    group.bench_function("decide", |bencher| {
        let payment = house.next_payment();
        let stamped = house.stamp(payment);
        bencher.iter(|| house.engine.decide(&stamped));
    });
    group.bench_function("decide_repeat", |bencher| {
        let payment = house.next_payment();
        house.decide_and_apply(payment.clone());
        let stamped = house.stamp(payment);
        bencher.iter(|| {
            let decision = house.engine.decide(&stamped);
            assert!(matches!(decision, Decision::Repeated(_)), "a repeat is answered from memory");
            decision
        });
    });
    group.finish();
}

fn streams(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(BATCH));
    group.sample_size(20);
    group.bench_function("decide_and_apply_1000", |bencher| {
        bencher.iter_batched(
            || {
                let mut house = benches::House::new(1_000);
                let payments: Vec<_> = (0..BATCH).map(|_| house.next_payment()).collect();
                (house, payments)
            },
            |(mut house, payments)| {
                for payment in payments {
                    house.decide_and_apply(payment);
                }
                house
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("whole_life_1000", |bencher| {
        bencher.iter_batched(
            || {
                let mut house = benches::House::new(1_000);
                let lives: Vec<_> = (0..BATCH).map(|_| house.next_cycle()).collect();
                (house, lives)
            },
            |(mut house, lives)| {
                for submission in lives.into_iter().flatten() {
                    house.decide_and_apply(submission);
                }
                house
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("fold_1000", |bencher| {
        let mut house = benches::House::new(1_000);
        let begun = house.records.len();
        for _ in 0..BATCH {
            let payment = house.next_payment();
            house.decide_and_apply(payment);
        }
        bencher.iter_batched(
            || benches::folded(&house.records[..begun]),
            |mut engine| {
                for record in &house.records[begun..] {
                    engine.apply(record);
                }
                engine
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, payments, streams);
criterion_main!(benches);
