//! Bytes that choose what is asked of an engine, step by step: the rules, who pays whom, what is captured, refunded and
//! repeated, and when. Every answer and balance is as the model says, which shares no code with the engine.
//!
//! Not a module of this library: model and steps are those of the engine's own property tests, which include this file, as
//! the target does.

use domain::Mode;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::{
    ask::{self, Ask, Step},
    rules,
    run::Run,
};

/// Each step is chosen by so many bytes of its own: one that is changed, left out or doubled leaves the others alone.
const STEP_BYTES: usize = 3;
/// So many steps take some milliseconds.
const STEPS_MAX: usize = 40;

/// What these bytes choose.
fn chosen<T: std::fmt::Debug>(strategy: &impl Strategy<Value = T>, bytes: &[u8]) -> T {
    let mut seed = [0; 32];
    seed[..bytes.len()].copy_from_slice(bytes);
    let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), chance);
    strategy.new_tree(&mut runner).expect("something can be chosen").current()
}

/// Asks what these bytes choose.
///
/// # Panics
/// When the engine and the model differ, or something is not sound.
pub fn run(bytes: &[u8]) {
    let mut chunks = bytes.chunks_exact(STEP_BYTES);
    let Some(first) = chunks.next() else { return };
    let mode = prop_oneof![Just(Mode::Sandbox), Just(Mode::Production)];
    let (mode, rules) = chosen(&(mode, proptest::option::of(rules::rules().boxed())), first);
    let mut run = Run::funded(mode);
    if let Some(rules) = rules {
        run.step(&Step { wait_us: 0, sweeps: true, key: None, ask: Ask::Policy(Box::new(rules)) });
    }
    let step = ask::step();
    for chunk in chunks.take(STEPS_MAX) {
        run.step(&chosen(&step, chunk));
    }
    run.end_all_holds();
    run.audit();
}
