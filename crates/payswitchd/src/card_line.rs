//! The way to the card network and back: from the shard to the connector's lines, and from there to the shard again. A sandbox
//! for which no network is configured plays one, in this process and over TCP all the same.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
};

use cardnet::{Billing, Network, Settings};
use connectors::card_iso8583::{self, Connector, Ended, Heard, LineCounts, Unheard};
use domain::{
    AcknowledgeAdvice, AnswerCard, CardMessage, CardRefusal, CardToken, Command, Refusal, Submission, Timestamp,
};
use engine::Engine;
use ingress::{CardNetwork, CardNetworks, CardNumbers, CardVault};
use shard::{CardLine, Clock as _, Handle, Mailbox, Refused, SystemClock};
use tokio::sync::{
    mpsc::{self, UnboundedReceiver, UnboundedSender},
    watch,
};
use vault::{Expiry, Pan};

use crate::{
    config::{Config, ModeName},
    sandbox, serve,
    start::StartError,
};

/// What the played network has approved, in the data directory.
const PLAYED_BOOKS: &str = "card-network.books";

/// What the shard says into. Bounded by the engine, which takes no payment by card while as many messages wait as may.
pub(crate) struct Line(UnboundedSender<CardMessage>);

/// What is to be said to card networks.
pub(crate) struct Said {
    /// What the ledger wanted said when it was opened.
    resumed: Vec<CardMessage>,
    /// What it wants said since.
    since: UnboundedReceiver<CardMessage>,
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

/// The connector, on a thread of its own.
pub(crate) struct CardThread {
    stop: watch::Sender<bool>,
    thread: JoinHandle<Ended>,
    network: Arc<Shown>,
}

impl CardThread {
    /// Begins to say what is to be said; `None` where no cards are taken.
    pub(crate) fn start(
        config: &Config,
        said: Said,
        numbers: &CardNumbers,
        clock: SystemClock,
        handle: impl FnOnce(&Arc<Mailbox>) -> Handle,
    ) -> Result<Option<Self>, StartError> {
        let configured = config.cards.as_ref().and_then(|cards| cards.network.as_ref());
        let waiting = said.resumed.len();
        let CardNumbers::Kept(vault) = numbers.clone() else { return Ok(not_said(waiting)) };
        let runtime = serve::new_runtime("the connector's runtime")?;
        let (settings, played) = match (configured, config.mode) {
            (Some(network), _) => (network.settings()?, None),
            (None, ModeName::Sandbox) => {
                let played = runtime.block_on(played(&config.data_dir))?;
                (sandbox::line_settings(played.addresses()), Some(played))
            }
            (None, ModeName::Production) => return Ok(not_said(waiting)),
        };
        let mailbox = Arc::new(Mailbox::default());
        let switch = ToShard(handle(&mailbox));
        let hosts = settings.hosts.iter().map(ToString::to_string).collect();
        let connector = Connector::new(settings, Arc::new(switch), Arc::new(InVault(vault)), Arc::new(Stamping(clock)))
            .map_err(|invalid| StartError::Config(format!("cards.network.{invalid}")))?;
        let network = Arc::new(Shown { hosts, lines: connector.line_counts() });
        let (stop, stopping) = watch::channel(false);
        let thread = serve::spawn("cards", move || {
            runtime.block_on(async move {
                tokio::spawn(async move { mailbox.deliver().await });
                if let Some(network) = played {
                    tokio::spawn(play(network));
                }
                connector.run(said.resumed, said.since, serve::stopped(stopping)).await
            })
        })?;
        Ok(Some(Self { stop, thread, network }))
    }

    /// The lines, for whoever shows how they stand.
    pub(crate) fn networks(&self) -> Arc<dyn CardNetworks> {
        Arc::<Shown>::clone(&self.network)
    }

    /// Signs off, and hands over what issuers have answered; within the connector's own limit.
    pub(crate) fn stop(self) -> Result<(), StartError> {
        self.stop.send_replace(true);
        match serve::join(self.thread)? {
            Ended::Drained => tracing::info!("signed off from the card network"),
            Ended::Cut => tracing::warn!("cut off from the card network: what is open is taken up at the next start"),
        }
        Ok(())
    }
}

/// Without vault or network there is no connector.
fn not_said(waiting: usize) -> Option<CardThread> {
    if waiting > 0 {
        tracing::error!(waiting, "messages to the card network wait, and no network is configured: they are not said");
    }
    None
}

/// The network that a sandbox plays, with its books in the data directory.
async fn played(data_dir: &Path) -> Result<Network, StartError> {
    let cannot = |source| StartError::Start { what: "the played card network", source };
    let billing = Billing::default().with_rate(sandbox::CARD_RATE).map_err(|error| cannot(error.into()))?;
    let settings = Settings {
        billing: billing.with_others(sandbox::currency(sandbox::CARD_BILLING)),
        books_path: Some(PathBuf::from(data_dir).join(PLAYED_BOOKS)),
        ..Settings::default()
    };
    Network::bind(settings).await.map_err(|error| cannot(error.into()))
}

async fn play(network: Network) {
    if let Err(error) = network.run(std::future::pending()).await {
        tracing::error!(error = shard::with_sources(&error), "the played card network failed");
    }
}

/// What is answered goes to the shard as a command.
struct ToShard(Handle);

impl ToShard {
    async fn tell(&self, command: Command) -> Result<Heard, Unheard> {
        match self.0.submit(Submission { key: None, command }, None).await {
            Ok(_committed) => Ok(Heard::Recorded),
            Err(Refused::Engine(Refusal::Card(CardRefusal::NoOpenRequest))) => Ok(Heard::NothingOpen),
            // It would be refused for ever, and the ledger goes on by itself: by a time-out.
            Err(refused @ (Refused::Engine(_) | Refused::Together { .. } | Refused::RecordTooLarge)) => {
                tracing::error!(%refused, "an answer of the card network cannot be recorded");
                Ok(Heard::NothingOpen)
            }
            Err(refused) => {
                tracing::warn!(%refused, "an answer of the card network waits to be recorded");
                Err(Unheard)
            }
        }
    }
}

impl card_iso8583::Switch for ToShard {
    async fn answer(&self, answer: AnswerCard) -> Result<Heard, Unheard> {
        self.tell(Command::AnswerCard(answer)).await
    }

    async fn acknowledge(&self, advice: AcknowledgeAdvice) -> Result<Heard, Unheard> {
        self.tell(Command::AcknowledgeAdvice(advice)).await
    }
}

/// Card numbers, as they are written into messages.
struct InVault(CardVault);

impl card_iso8583::Numbers for InVault {
    fn reveal(&self, token: CardToken) -> Option<(Pan, Expiry)> {
        match self.0.with(|vault| vault.reveal(token)) {
            Ok(card) => Some(card),
            Err(vault::Error::NoCard { .. }) => None,
            Err(error) => {
                tracing::error!(error = shard::with_sources(&error), "a card number cannot be read");
                None
            }
        }
    }
}

/// One network, as it is shown.
#[derive(Debug)]
struct Shown {
    hosts: Vec<String>,
    lines: Arc<LineCounts>,
}

impl CardNetworks for Shown {
    fn standing(&self) -> Vec<CardNetwork> {
        let Self { hosts, lines } = self;
        let (messages_waiting, lines_up) = (lines.messages_waiting(), lines.lines_up());
        vec![CardNetwork { hosts: hosts.clone(), lines: lines.lines(), lines_up, messages_waiting }]
    }
}

/// The clock that stamps records.
struct Stamping(SystemClock);

impl card_iso8583::Clock for Stamping {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}
