//! The way to card networks: from the shard to the connector, and back.

use domain::CardMessage;
use engine::Engine;
use shard::CardLine;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// What the shard says into. Bounded by the engine, which takes no payment by card while as many messages wait as may.
pub(crate) struct Line(UnboundedSender<CardMessage>);

/// What is to be said to card networks.
pub(crate) struct Said {
    /// What the ledger wanted said when it was opened.
    pub(crate) resumed: Vec<CardMessage>,
    /// What it wants said since.
    pub(crate) since: UnboundedReceiver<CardMessage>,
}

/// The line of a shard with this engine, and what comes out of it.
pub(crate) fn from(engine: &Engine) -> (Line, Said) {
    let (sender, since) = mpsc::unbounded_channel();
    (Line(sender), Said { resumed: engine.card_messages().cloned().collect(), since })
}

impl CardLine for Line {
    fn say(&mut self, message: &CardMessage) {
        // Without a connector nobody listens: the ledger still has it, and the next start says it.
        let _nobody = self.0.send(message.clone());
    }
}
