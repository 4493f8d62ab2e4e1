//! The two ways of asking: as fast as answers come, or at fixed moments.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::{JoinSet, LocalSet};

use super::progress::Progress;
use super::tally::{Answer, Kind, Tally};
use crate::error::Error;

/// The shortest sleep of the pacer: at high rates several payments come due in one wake-up.
const PACER_SLEEP_MIN: Duration = Duration::from_micros(50);
/// The longest: a load that ended is noticed by then.
const PACER_SLEEP_MAX: Duration = Duration::from_millis(1);

/// Something that can be asked again and again.
pub(super) trait Call: 'static {
    /// What is counted, for the progress line.
    const NOUN: &'static str;

    /// Asks once and checks the answer. No two calls have the same number.
    fn call(&self, number: u64) -> impl Future<Output = Answer>;
}

/// A load that can be driven in both ways.
pub(super) trait Drive {
    /// What is counted.
    const NOUN: &'static str;

    /// Each caller asks again as soon as it has its answer. Returns how long it took until the last one.
    async fn closed_loop(&self, until: Until) -> Result<(Duration, Tally), Error>;

    /// Makes `due` calls at fixed moments, `rate` in each second. Latency counts from the moment a call should have been
    /// made. One that comes due while `in_flight_max` are under way is counted as unsent.
    async fn open_loop(&self, rate: NonZeroU32, in_flight_max: usize, due: u64) -> Result<(Duration, Tally), Error>;

    /// A closed loop whose answers do not count.
    async fn warm_up(&self, duration: Duration) -> Result<(), Error> {
        self.closed_loop(Until::Elapsed(duration)).await.map(drop)
    }
}

/// When a closed loop ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// When this much time has passed; what is under way then is waited for.
    Elapsed(Duration),
    /// When this many were sent.
    Sent(u64),
}

/// A load of one kind of call over several connections, all on the thread it runs on.
#[derive(Debug)]
pub(super) struct Load<C> {
    /// One for each connection.
    calls: Vec<Rc<C>>,
    /// Callers at once in a closed loop.
    in_flight: usize,
    next_number: Numbers,
}

/// The number of the next call; never the same again, so that no two payments share a key.
pub(super) type Numbers = Rc<Cell<u64>>;

/// One run's state, shared by the tasks of one thread.
#[derive(Debug)]
pub(super) struct Run {
    tally: RefCell<Tally>,
    lost: RefCell<Option<Error>>,
    next_number: Numbers,
    started: Instant,
    sent: Cell<u64>,
    until: Until,
}

impl Run {
    /// A run that begins now.
    pub(super) fn begin(until: Until, next_number: &Numbers) -> Rc<Self> {
        Rc::new(Self {
            tally: RefCell::new(Tally::new()),
            lost: RefCell::new(None),
            next_number: Rc::clone(next_number),
            started: Instant::now(),
            sent: Cell::new(0),
            until,
        })
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// The number of the next call, or `None` when the run is over.
    fn next(&self) -> Option<u64> {
        self.next_at(Instant::now())
    }

    /// The same at a moment that is known.
    pub(super) fn next_at(&self, now: Instant) -> Option<u64> {
        let over = match self.until {
            Until::Elapsed(duration) => now.saturating_duration_since(self.started) >= duration,
            Until::Sent(sent) => self.sent.get() >= sent,
        };
        if over || self.is_lost() {
            return None;
        }
        self.sent.set(self.sent.get() + 1);
        let number = self.next_number.get();
        self.next_number.set(number + 1);
        Some(number)
    }

    pub(super) fn record(&self, kind: Kind, latency: Duration, answer: Answer) {
        let lost = self.tally.borrow_mut().record(kind, latency, answer);
        if let Some(error) = lost {
            self.lose(error.into());
        }
    }

    /// A call came due while too many were under way.
    pub(super) fn unsent(&self) {
        self.tally.borrow_mut().unsent += 1;
    }

    /// There is no connection any more, or none that makes sense: the run ends.
    pub(super) fn lose(&self, error: Error) {
        self.lost.borrow_mut().get_or_insert(error);
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost.borrow().is_some()
    }

    /// How many calls got what they asked for so far.
    pub(super) fn counter(self: Rc<Self>) -> impl Fn() -> u64 + 'static {
        move || self.tally.borrow().done()
    }

    pub(super) fn finish(&self) -> Result<(Duration, Tally), Error> {
        let elapsed = self.started.elapsed();
        match self.lost.take() {
            Some(error) => Err(error),
            None => Ok((elapsed, self.tally.replace(Tally::new()).settled())),
        }
    }
}

impl<C: Call> Load<C> {
    /// A load over these connections.
    pub(super) fn new(calls: Vec<C>, in_flight: usize, numbers: &Numbers) -> Self {
        assert!(!calls.is_empty(), "a load has a connection");
        Self { calls: calls.into_iter().map(Rc::new).collect(), in_flight, next_number: Rc::clone(numbers) }
    }
}

impl<C: Call> Drive for Load<C> {
    const NOUN: &'static str = C::NOUN;

    async fn closed_loop(&self, until: Until) -> Result<(Duration, Tally), Error> {
        let run = Run::begin(until, &self.next_number);
        let tasks = LocalSet::new();
        let progress = Progress::start(&tasks, C::NOUN, run.clone().counter());
        tasks
            .run_until(async {
                let mut callers = JoinSet::new();
                for call in self.calls.iter().cycle().take(self.in_flight) {
                    let (call, run) = (Rc::clone(call), Rc::clone(&run));
                    callers.spawn_local(async move {
                        while let Some(number) = run.next() {
                            let sent = Instant::now();
                            let answer = call.call(number).await;
                            run.record(Kind::Main, sent.elapsed(), answer);
                        }
                    });
                }
                callers.join_all().await;
            })
            .await;
        progress.stop();
        run.finish()
    }

    async fn open_loop(&self, rate: NonZeroU32, in_flight_max: usize, due: u64) -> Result<(Duration, Tally), Error> {
        let run = Run::begin(Until::Sent(due), &self.next_number);
        let pacer = Pacer::start(run.started, rate, 1);
        let wake = pacer.wake(0);
        let tasks = LocalSet::new();
        let progress = Progress::start(&tasks, C::NOUN, run.clone().counter());
        tasks
            .run_until(async {
                let mut under_way = JoinSet::new();
                let mut calls = self.calls.iter().cycle();
                for tick in 0..due {
                    let intended = run.started + moment(tick, rate);
                    while Instant::now() < intended {
                        wake.notified().await;
                    }
                    while under_way.try_join_next().is_some() {}
                    let Some(number) = run.next() else { break };
                    if under_way.len() >= in_flight_max {
                        run.unsent();
                        continue;
                    }
                    let call = Rc::clone(calls.next().expect("a cycle has no end"));
                    let run = Rc::clone(&run);
                    under_way.spawn_local(async move {
                        let answer = call.call(number).await;
                        run.record(Kind::Main, intended.elapsed(), answer);
                    });
                }
                under_way.join_all().await;
            })
            .await;
        progress.stop();
        run.finish()
    }
}

/// When tick number `tick` is due, from the start.
pub(super) fn moment(tick: u64, rate: NonZeroU32) -> Duration {
    let rate = u64::from(rate.get());
    let nanos = (tick % rate) * 1_000_000_000 / rate;
    Duration::from_secs(tick / rate) + Duration::from_nanos(nanos)
}

/// Wakes the load at a finer grain than the runtime's timer, whose tick is a millisecond.
pub(super) struct Pacer {
    wakes: Vec<Arc<Notify>>,
    stop: Arc<AtomicBool>,
}

impl Pacer {
    /// Wakes so many waiters in turn, from `started` on, each as soon as what it waits for is due.
    pub(super) fn start(started: Instant, rate: NonZeroU32, waiters: usize) -> Self {
        let pacer = Self { wakes: (0..waiters).map(|_| Arc::default()).collect(), stop: Arc::default() };
        let (wakes, stop) = (pacer.wakes.clone(), Arc::clone(&pacer.stop));
        thread::spawn(move || {
            let mut in_turn = wakes.iter().cycle();
            let mut tick = 0;
            while !stop.load(Ordering::Relaxed) {
                let due = started + moment(tick, rate);
                match due.checked_duration_since(Instant::now()).filter(|wait| !wait.is_zero()) {
                    Some(wait) => thread::sleep(wait.clamp(PACER_SLEEP_MIN, PACER_SLEEP_MAX)),
                    None => {
                        in_turn.next().inspect(|wake| wake.notify_one());
                        tick += 1;
                    }
                }
            }
        });
        pacer
    }

    /// What wakes this waiter.
    pub(super) fn wake(&self, waiter: usize) -> Arc<Notify> {
        self.wakes.get(waiter).cloned().unwrap_or_default()
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
