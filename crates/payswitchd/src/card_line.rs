//! The way to card networks: from the shard to the connector, and back.

use domain::CardMessage;
use shard::CardLine;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// What the shard says into. Bounded by the engine, which takes no payment by card while as many messages wait as may.
pub(crate) struct Line(UnboundedSender<CardMessage>);

pub(crate) fn channel() -> (Line, UnboundedReceiver<CardMessage>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Line(sender), receiver)
}

impl CardLine for Line {
    fn say(&mut self, message: &CardMessage) {
        // Without a connector nobody listens: the ledger still has it, and the next start says it.
        let _nobody = self.0.send(message.clone());
    }
}
