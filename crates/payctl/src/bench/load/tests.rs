use client::Error as CallError;
use tokio::sync::Semaphore;

use super::*;

/// Answers when the gate lets it through.
struct Gated {
    gate: Rc<Semaphore>,
}

impl Call for Gated {
    const NOUN: &'static str = "answers";

    async fn call(&self, _: u64) -> Answer {
        self.gate.acquire().await.expect("the gate is never closed").forget();
        Answer::Right
    }
}

/// Two connections and a gate that lets this many calls through.
fn gated(permits: usize, in_flight: usize) -> (Rc<Semaphore>, Load<Gated>) {
    let gate = Rc::new(Semaphore::new(permits));
    let calls = [(); 2].map(|()| Gated { gate: Rc::clone(&gate) });
    (gate, Load::new(calls.into(), in_flight, &Numbers::default()))
}

/// Loses its connection with the third call.
struct Breaking;

impl Call for Breaking {
    const NOUN: &'static str = "answers";

    async fn call(&self, number: u64) -> Answer {
        if number < 2 {
            return Answer::Right;
        }
        let address = "127.0.0.1:1".parse().unwrap();
        Answer::Lost(CallError::Unreachable { address, source: "gone".into() })
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_closed_loop_sends_exactly_as_many_as_asked() {
    let (_, load) = gated(105, 7);
    let (_, tally) = load.closed_loop(Until::Sent(100)).await.unwrap();
    assert_eq!((tally.done(), tally.latency_us.len()), (100, 100));
    let (_, tally) = load.closed_loop(Until::Sent(5)).await.unwrap();
    assert_eq!(tally.done(), 5);
    assert_eq!(load.next_number.get(), 105, "no number is used twice");
}

#[tokio::test(flavor = "current_thread")]
async fn an_open_loop_counts_what_it_could_not_send() {
    let (gate, load) = gated(0, 1);
    let rate = NonZeroU32::new(10_000).unwrap();
    let open_after_the_last_tick = async {
        while load.next_number.get() < 50 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(3);
    };
    let (run, ()) = tokio::join!(load.open_loop(rate, 3, 50), open_after_the_last_tick);
    let (_, tally) = run.unwrap();
    assert_eq!((tally.done(), tally.unsent), (3, 47));
    // Tick 49 is due 4.9 ms after the start, and the third call 0.2 ms after it.
    assert!(tally.latency_us.min() >= 4_700, "{}", tally.latency_us.min());
}

#[tokio::test(flavor = "current_thread")]
async fn a_lost_connection_ends_the_run() {
    let load = Load::new(vec![Breaking], 1, &Numbers::default());
    assert!(load.closed_loop(Until::Elapsed(Duration::from_secs(60))).await.is_err());
}

#[test]
fn moments_are_evenly_spread_and_do_not_drift() {
    let rate = NonZeroU32::new(3).unwrap();
    let nanos: Vec<u128> = (0..5).map(|tick| moment(tick, rate).as_nanos()).collect();
    assert_eq!(nanos, [0, 333_333_333, 666_666_666, 1_000_000_000, 1_333_333_333]);
    assert_eq!(moment(3 * 86_400, rate), Duration::from_secs(86_400));
}
