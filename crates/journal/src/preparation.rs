//! The next segment, made ahead of need.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use crate::Error;
use crate::disk::Disk;
use crate::segment::{NEXT_NAME, prepare};

/// Who fills the next segment with zeros while the current one is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preparation {
    /// A thread of its own, so that a commit rarely waits for it.
    #[default]
    Background,
    /// The caller, when it opens the journal or enters a segment: every run does the same in the same order.
    Inline,
}

/// A segment being prepared. Dropping it stops the work and waits for its thread.
#[derive(Debug)]
pub(crate) struct Prepared<D: Disk> {
    work: Option<Work<D>>,
    stopped: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Work<D: Disk> {
    Running(JoinHandle<Result<D::File, Error>>),
    Done(D::File),
    Failed(Arc<Error>),
}

/// How far a preparation has come.
#[derive(Debug)]
pub(crate) enum Standing {
    /// It is under way, and nothing speaks against it yet.
    Running,
    /// The file is there.
    Ready,
    /// It could not be made.
    Failed(Arc<Error>),
}

impl<D: Disk> Prepared<D> {
    /// A failure to prepare is kept until the segment is needed; the owner then prepares once more.
    pub(crate) fn start(disk: &D, segment_bytes: u64, preparation: Preparation) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let work = match preparation {
            Preparation::Inline => Work::of(prepare(disk, segment_bytes, || false)),
            Preparation::Background => {
                let (disk_there, stopped_there) = (disk.clone(), Arc::clone(&stopped));
                let zero = move || prepare(&disk_there, segment_bytes, || stopped_there.load(Ordering::Relaxed));
                match thread::Builder::new().name("journal-prepare".to_owned()).spawn(zero) {
                    Ok(thread) => Work::Running(thread),
                    Err(error) => {
                        let failed = Error::io("start a thread to prepare", disk.path(NEXT_NAME))(error);
                        Work::Failed(Arc::new(failed))
                    }
                }
            }
        };
        Self { work: Some(work), stopped }
    }

    /// How far it has come; never waits.
    pub(crate) fn standing(&mut self) -> Standing {
        self.work = self.work.take().map(|work| match work {
            Work::Running(thread) if thread.is_finished() => Work::joined(thread),
            work @ (Work::Running(_) | Work::Done(_) | Work::Failed(_)) => work,
        });
        match self.work.as_ref().expect("a prepared segment is used once") {
            Work::Running(_) => Standing::Running,
            Work::Done(_) => Standing::Ready,
            Work::Failed(reason) => Standing::Failed(Arc::clone(reason)),
        }
    }

    /// Waits until it stands one way or the other.
    pub(crate) fn wait(&mut self) {
        self.work = self.work.take().map(|work| match work {
            Work::Running(thread) => Work::joined(thread),
            work @ (Work::Done(_) | Work::Failed(_)) => work,
        });
    }

    /// The prepared file; waits for it if need be. Can be taken once.
    pub(crate) fn take(&mut self) -> Result<D::File, Arc<Error>> {
        match self.work.take().expect("a prepared segment is used once") {
            Work::Running(thread) => match Work::<D>::joined(thread) {
                Work::Done(file) => Ok(file),
                Work::Failed(reason) => Err(reason),
                Work::Running(_) => unreachable!("it has ended"),
            },
            Work::Done(file) => Ok(file),
            Work::Failed(reason) => Err(reason),
        }
    }
}

impl<D: Disk> Work<D> {
    fn of(result: Result<D::File, Error>) -> Self {
        match result {
            Ok(file) => Self::Done(file),
            Err(error) => Self::Failed(Arc::new(error)),
        }
    }

    fn joined(thread: JoinHandle<Result<D::File, Error>>) -> Self {
        Self::of(thread.join().expect("preparing a segment does not panic"))
    }
}

impl<D: Disk> Drop for Prepared<D> {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(Work::Running(thread)) = self.work.take() {
            // Nobody is left to hear of a failure: the next opening prepares afresh.
            drop(thread.join());
        }
    }
}
