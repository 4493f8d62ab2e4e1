//! The owner of one shard: decides what is due by time, takes what has arrived, stamps, decides, appends, applies, and
//! releases what is durable.
//!
//! One thread (or the simulator) drives [`Shard::step`]; nothing else holds a reference into the engine. Callers reach
//! it by a [`Handle`] and get their answer only once everything the answer may rest on is durable: also a repeat, also
//! a refusal.
//!
//! What the engine need not remember is in the index: a [`Past`] gives it back before a command that needs it. Snapshots
//! ([`Snapshotter`]) save a start from reading the whole journal ([`Beginning`]); `SNAPSHOT.md` describes their bytes.
//!
//! It must never know a socket, a message format of the API, or what a payment is; it must never answer before the
//! journal said durable, and never write again after the journal failed.
//!
//! Start reading at [`Shard::step`].

mod answer;
mod clock;
mod error_text;
mod handle;
mod inbox;
mod mailbox;
mod metric_names;
mod opening;
mod past;
mod recovery;
mod sequencer;
mod shard;
mod snapshots;
mod status;

pub use answer::{Answer, Committed, Refused};
pub use clock::{Clock, SystemClock};
pub use error_text::with_sources;
pub use handle::{Answering, Handle};
pub use inbox::{Inbox, Job};
pub use mailbox::Mailbox;
pub use metric_names::describe_metrics;
pub use opening::{Beginning, BeginningError, Folding, OtherHistory, RecordsMissing};
pub use past::{Past, PastError};
pub use recovery::{Recovery, RecoveryError};
pub use shard::{BATCH_JOBS_MAX, CardLine, DUE_COMMANDS_MAX, Observer, Progress, Shard};
pub use snapshots::{Made, Snapshot, SnapshotError, SnapshotFailed, Snapshots, Snapshotter};
pub use status::{ServingState, Status};
