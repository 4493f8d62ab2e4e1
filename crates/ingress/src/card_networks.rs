//! How the lines to card networks stand: known to whoever keeps them, and told to the operator.

use std::fmt;

use wire::v1;

/// Lines to card networks, kept by somebody else.
pub trait CardNetworks: fmt::Debug + Send + Sync {
    /// How each network's lines stand now. It must be quick.
    fn standing(&self) -> Vec<CardNetwork>;
}

/// How one network's lines stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardNetwork {
    /// The hosts that its lines try, in that order, each as `name:port`.
    pub hosts: Vec<String>,
    /// Lines that are kept up.
    pub lines: usize,
    /// Lines that are signed on.
    pub lines_up: usize,
    /// Advices that it has not taken, and requests that wait for room on a line.
    pub messages_waiting: usize,
}

impl CardNetwork {
    pub(crate) fn into_message(self) -> v1::CardNetwork {
        let number = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
        v1::CardNetwork {
            hosts: self.hosts,
            lines: number(self.lines),
            lines_up: number(self.lines_up),
            messages_waiting: number(self.messages_waiting),
        }
    }
}
