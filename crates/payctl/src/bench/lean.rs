//! The load's own HTTP/2: as little as a caller of many equal calls needs, so that the load does not take the processor from
//! the daemon it measures.
//!
//! A caller is a place in a table, not a task. A call is a few hundred bytes after those of another, and one write sends
//! them all; one read brings many answers, and each answer is followed by that caller's next call. `connection` is all of
//! the protocol and has neither socket nor clock; `lane` drives one over a socket. Plain text only, as the daemon speaks it.

mod connection;
mod frame;
mod hpack;
mod huffman;
mod lane;

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::mem;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::{Duration, Instant};

use client::{Address, ApiKey};
use tokio::task::{JoinSet, LocalSet};

pub(super) use self::connection::Route;
use self::hpack::{Header, Keeping};
use self::lane::Lane;
use super::load::{Drive, Numbers, Pacer, Run, Until, moment};
use super::progress::Progress;
use super::tally::{Answer, Kind, Tally};
use crate::error::Error;

/// The daemon is told that a caller waits so long, as the SDK tells it.
const CALL_TIMEOUT: &str = "30S";

/// What the other side said that it must not, or that is not taken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// Against the rules of HTTP/2.
    #[error("it sent {0}")]
    Unexpected(&'static str),
    /// Headers that cannot be read.
    #[error("its headers hold {0}")]
    Header(&'static str),
    /// More than was agreed.
    #[error("it sent a frame of {0} bytes")]
    FrameTooLarge(usize),
    /// More than a reply may have.
    #[error("it sent a reply of more than {0} bytes")]
    ReplyTooLarge(usize),
    /// It ended the connection, and blames this side.
    #[error("the daemon cut the connection, HTTP/2 error {0}")]
    CutOff(u32),
}

/// A kind of load.
pub(super) trait Work: Debug + 'static {
    /// What is counted.
    const NOUN: &'static str;

    /// One call, as much of it as its answer is checked against.
    type Call: Debug;

    /// The headers its calls have.
    fn routes(&self) -> Vec<Route>;

    /// Call number `number`.
    fn call(&self, number: u64) -> Self::Call;

    /// Writes its message, and says which route it takes.
    fn write(&self, call: &Self::Call, message: &mut Vec<u8>) -> usize;

    /// As what it is counted.
    fn kind(call: &Self::Call) -> Kind;

    /// Checks the reply that came at this moment. A second call is one more that the same caller makes before its next.
    fn check(&self, call: &Self::Call, reply: &[u8], at: Instant) -> (Answer, Option<Self::Call>);
}

/// The headers of calls to a method of this path by the holder of this key, as the SDK sends them.
pub(super) fn route(address: &Address, path: &str, key: &ApiKey) -> Route {
    let header = |name, value: &str, keeping| Header { name, value: value.to_owned(), keeping };
    Route::new(vec![
        header(":method", "POST", Keeping::Kept),
        header(":scheme", "http", Keeping::Kept),
        header(":path", path, Keeping::Kept),
        header(":authority", address.authority(), Keeping::Kept),
        header("te", "trailers", Keeping::Kept),
        header("content-type", "application/grpc", Keeping::Kept),
        header("authorization", key.authorization(), Keeping::Never),
        header("grpc-timeout", CALL_TIMEOUT, Keeping::Kept),
        header("user-agent", concat!("payctl/", env!("CARGO_PKG_VERSION")), Keeping::Kept),
    ])
}

/// When calls are made.
#[derive(Debug)]
pub(super) enum Schedule {
    /// Each caller asks again as soon as it has its answer.
    Closed {
        /// Callers that have theirs.
        idle: usize,
        /// The run is over.
        is_over: bool,
    },
    /// At fixed moments.
    Open {
        rate: NonZeroU32,
        /// The next moment, of all moments of all lanes.
        tick: u64,
        /// Lanes.
        step: u64,
        due: u64,
        /// Of all lanes.
        under_way: Rc<Cell<usize>>,
        in_flight_max: usize,
    },
}

impl Schedule {
    /// The number of the call that is due now, and since when its caller waits.
    fn next(&mut self, run: &Run, now: Instant) -> Option<(u64, Instant)> {
        match self {
            Self::Closed { idle: 0, .. } => None,
            Self::Closed { idle, is_over } => {
                let number = run.next_at(now);
                *is_over = number.is_none();
                *idle -= usize::from(number.is_some());
                Some((number?, now))
            }
            Self::Open { rate, tick, step, due, under_way, in_flight_max } => loop {
                let intended = run.started() + moment(*tick, *rate);
                if *tick >= *due || intended > now {
                    return None;
                }
                let number = run.next_at(now)?;
                *tick += *step;
                if under_way.get() < *in_flight_max {
                    under_way.set(under_way.get() + 1);
                    return Some((number, intended));
                }
                run.unsent();
            },
        }
    }

    /// A caller has its answer.
    fn answered(&mut self) {
        match self {
            Self::Closed { idle, .. } => *idle += 1,
            Self::Open { under_way, .. } => under_way.set(under_way.get() - 1),
        }
    }

    /// A caller that had its answer asks once more.
    fn repeats(&mut self) {
        match self {
            Self::Closed { idle, .. } => *idle -= 1,
            Self::Open { under_way, .. } => under_way.set(under_way.get() + 1),
        }
    }

    /// Whether there is nothing more to ask.
    fn is_over(&self, run: &Run) -> bool {
        match self {
            Self::Closed { is_over, .. } => *is_over,
            Self::Open { tick, due, .. } => tick >= due || run.is_lost(),
        }
    }
}

/// A load over several connections, all on the thread it runs on.
#[derive(Debug)]
pub(super) struct LeanLoad<W: Work> {
    /// Away while they are driven.
    lanes: RefCell<Vec<Lane<W>>>,
    in_flight: usize,
    next_number: Numbers,
}

impl<W: Work> LeanLoad<W> {
    /// Makes so many connections for so many callers, or for an open loop with so many calls under way at most.
    pub(super) async fn connect(
        work: W,
        address: &Address,
        connections: usize,
        in_flight: usize,
        numbers: &Numbers,
    ) -> Result<Self, Error> {
        let work = Rc::new(work);
        let mut lanes = Vec::new();
        for _ in 0..connections {
            lanes.push(Lane::connect(Rc::clone(&work), address.clone(), in_flight).await?);
        }
        Ok(Self { lanes: RefCell::new(lanes), in_flight, next_number: Rc::clone(numbers) })
    }

    /// Drives all lanes, each by its schedule, until all is answered.
    async fn drive(
        &self,
        run: Rc<Run>,
        schedules: Vec<Schedule>,
        pacer: Option<Pacer>,
    ) -> Result<(Duration, Tally), Error> {
        let tasks = LocalSet::new();
        let progress = Progress::start(&tasks, W::NOUN, Rc::clone(&run).counter());
        let lanes = mem::take(&mut *self.lanes.borrow_mut());
        let lanes = tasks
            .run_until(async {
                let mut driven = JoinSet::new();
                for (at, (mut lane, mut schedule)) in lanes.into_iter().zip(schedules).enumerate() {
                    let run = Rc::clone(&run);
                    let wake = pacer.as_ref().map(|pacer| pacer.wake(at));
                    driven.spawn_local(async move {
                        if let Err(error) = lane.drive(&run, &mut schedule, wake.as_deref()).await {
                            run.lose(error);
                        }
                        lane
                    });
                }
                driven.join_all().await
            })
            .await;
        progress.stop();
        *self.lanes.borrow_mut() = lanes;
        run.finish()
    }

    fn connections(&self) -> usize {
        self.lanes.borrow().len()
    }

    /// What happened while nothing was asked: a connection may have ended.
    async fn catch_up(&self) -> Result<(), Error> {
        let mut lanes = mem::take(&mut *self.lanes.borrow_mut());
        let mut caught_up = Ok(());
        for lane in &mut lanes {
            caught_up = caught_up.and(lane.catch_up().await);
        }
        *self.lanes.borrow_mut() = lanes;
        caught_up
    }
}

impl<W: Work> Drive for LeanLoad<W> {
    const NOUN: &'static str = W::NOUN;

    async fn closed_loop(&self, until: Until) -> Result<(Duration, Tally), Error> {
        self.catch_up().await?;
        let lanes = self.connections();
        let callers = |lane| self.in_flight / lanes + usize::from(lane < self.in_flight % lanes);
        let schedules = (0..lanes).map(|lane| Schedule::Closed { idle: callers(lane), is_over: callers(lane) == 0 });
        let schedules = schedules.collect();
        self.drive(Run::begin(until, &self.next_number), schedules, None).await
    }

    async fn open_loop(&self, rate: NonZeroU32, in_flight_max: usize, due: u64) -> Result<(Duration, Tally), Error> {
        self.catch_up().await?;
        let (lanes, under_way) = (self.connections(), Rc::<Cell<usize>>::default());
        let step = lanes as u64;
        let schedule = |tick| Schedule::Open { rate, tick, step, due, under_way: Rc::clone(&under_way), in_flight_max };
        let schedules = (0..step).map(schedule).collect();
        let run = Run::begin(Until::Sent(due), &self.next_number);
        let pacer = Pacer::start(run.started(), rate, lanes);
        self.drive(run, schedules, Some(pacer)).await
    }
}

#[cfg(test)]
mod tests;
