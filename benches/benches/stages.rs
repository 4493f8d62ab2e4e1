//! What each step of a payment's path costs in time. Where that is noise, binary `instructions` counts.

use benches::{PAYMENTS, STAGES};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

fn stages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stages");
    group.throughput(Throughput::Elements(PAYMENTS));
    group.sample_size(20);
    for stage in STAGES {
        group.bench_function(stage.name, |bencher| {
            bencher.iter_batched(
                stage.prepare,
                |mut work| {
                    work();
                    work
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
