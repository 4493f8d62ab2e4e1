//! What a conversion costs.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use money::{Currency, Money, Ratio, Rounding};

fn conversion(criterion: &mut Criterion) {
    let conversion = benches::conversion();
    let amount = Money::new(Currency::CNY, 123_456);
    let discount = Ratio::from_millionths(6_000).expect("a ratio");
    let mut group = criterion.benchmark_group("fx");
    group.bench_function("debit", |bencher| bencher.iter(|| conversion.debit(black_box(amount))));
    group.bench_function("mid", |bencher| bencher.iter(|| conversion.mid(black_box(amount))));
    group.bench_function("discount", |bencher| bencher.iter(|| discount.of(black_box(amount), Rounding::HalfUp)));
    group.finish();
}

criterion_group!(benches, conversion);
criterion_main!(benches);
