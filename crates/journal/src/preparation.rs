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
    Done(Result<D::File, Error>),
}

impl<D: Disk> Prepared<D> {
    /// A failure to prepare is kept until the segment is needed; the owner then prepares once more.
    pub(crate) fn start(disk: &D, segment_bytes: u64, preparation: Preparation) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let work = match preparation {
            Preparation::Inline => Work::Done(prepare(disk, segment_bytes, || false)),
            Preparation::Background => {
                let (disk_there, stopped_there) = (disk.clone(), Arc::clone(&stopped));
                let zero = move || prepare(&disk_there, segment_bytes, || stopped_there.load(Ordering::Relaxed));
                match thread::Builder::new().name("journal-prepare".to_owned()).spawn(zero) {
                    Ok(thread) => Work::Running(thread),
                    Err(error) => Work::Done(Err(Error::io("start a thread to prepare", disk.path(NEXT_NAME))(error))),
                }
            }
        };
        Self { work: Some(work), stopped }
    }

    /// The prepared file; waits for it if need be. Can be taken once.
    pub(crate) fn take(&mut self) -> Result<D::File, Error> {
        match self.work.take().expect("a prepared segment is used once") {
            Work::Done(result) => result,
            Work::Running(thread) => thread.join().expect("preparing a segment does not panic"),
        }
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
