//! The long-lived lines to a card network, in messages of ISO 8583:1987.
//!
//! [`Connector::run`] takes messages that the ledger intends, writes them, and hands back what is answered through the
//! ports [`Switch`], [`Numbers`] and [`Clock`]. What it rests on is pure and stands in files of its own: the requests that
//! wait for an answer, the advices and when each is due, the slots of the lines, and what stands in which message.

mod port;
mod settings;
mod tls;

mod back_off;
mod calendar;
mod messages;

mod advices;
mod answers;
mod requests;
mod slots;

mod connector;
mod line;
mod line_counts;
mod session;
mod telling;

pub use back_off::BackOff;
use calendar::transmission_time;
pub use connector::{Connector, Ended};
pub use line_counts::LineCounts;
pub use port::{Clock, Heard, Numbers, Switch, Unheard};
pub use settings::{Acceptor, Encoding, Host, InvalidSettings, LINES_MAX, LineSettings, TimeOuts};
pub use tls::{Tls, TlsError};
