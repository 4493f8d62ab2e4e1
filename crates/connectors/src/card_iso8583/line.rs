//! One line: connected again and again, to one host after the other.

use std::{io, sync::Arc};

use domain::CardMessage;
use iso8583::Message;
use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
    time::{sleep, timeout},
};

use super::{
    Clock, Host, LineSettings,
    session::{End, Outgoing, Report, Reports, Session, Wire},
    settings::millis,
};
use crate::metric_names::METRICS;

/// What a line tells the connector. Of one line, in the order it happened.
pub(crate) enum LineEvent {
    /// Signed on: what is handed in here is written.
    Up { line: usize, hand_in: mpsc::Sender<Outgoing> },
    /// No longer.
    Down { line: usize },
    /// Not a byte of this was written.
    Unsent(Box<CardMessage>),
    /// Came in, and is not about the line.
    Received(Message),
}

pub(crate) struct Line<C> {
    pub(crate) number: usize,
    pub(crate) settings: Arc<LineSettings>,
    pub(crate) clock: Arc<C>,
    pub(crate) events: Events,
    /// True once lines are to stay down.
    pub(crate) stop: watch::Receiver<bool>,
}

/// Where all lines tell what happens.
#[derive(Clone)]
pub(crate) struct Events(pub(crate) mpsc::Sender<LineEvent>);

impl Events {
    async fn tell(&self, event: LineEvent) {
        // Nobody hears it only where the connector is gone, and then nobody needs to.
        let _gone = self.0.send(event).await;
    }
}

impl Reports for Events {
    async fn report(&self, report: Report) {
        self.tell(match report {
            Report::Received(message) => LineEvent::Received(message),
            Report::Unsent(message) => LineEvent::Unsent(message),
        })
        .await;
    }
}

impl<C: Clock> Line<C> {
    /// Keeps the line up until it is to stay down. A session that is up ends when nothing more will be handed in.
    pub(crate) async fn run(self) {
        let mut stop = self.stop.clone();
        let mut rounds_failed = 0_u32;
        loop {
            rounds_failed = rounds_failed.saturating_add(1);
            for host in &self.settings.hosts {
                let opened = tokio::select! {
                    opened = self.open(host) => opened,
                    () = stopped(&mut stop) => return,
                };
                match opened {
                    Ok(session) => {
                        self.serve(session, host).await;
                        rounds_failed = 1;
                        break;
                    }
                    Err(end) => self.ended(host, &end),
                }
            }
            let seed = u64::try_from(self.number).unwrap_or_default();
            let wait = self.settings.reconnect.wait_ms(rounds_failed, seed);
            tokio::select! {
                () = sleep(millis(wait)) => {}
                () = stopped(&mut stop) => return,
            }
        }
    }

    /// A session that is signed on.
    async fn open(&self, host: &Host) -> Result<Box<Session<C>>, End> {
        let connect = timeout(millis(self.settings.time_outs.connect_ms), self.connect(host));
        let wire = connect.await.map_err(|_elapsed| End::Late("connecting"))??;
        let mut session = Box::new(Session::new(Arc::clone(&self.settings), Arc::clone(&self.clock), wire));
        session.sign_on(&self.events).await?;
        Ok(session)
    }

    async fn connect(&self, host: &Host) -> io::Result<Box<dyn Wire>> {
        let stream = TcpStream::connect((host.name.as_str(), host.port)).await?;
        // A message is one write, and the other side waits for it.
        stream.set_nodelay(true)?;
        Ok(match &self.settings.tls {
            Some(tls) => Box::new(tls.connect(&host.name, stream).await?),
            None => Box::new(stream),
        })
    }

    async fn serve(&self, mut session: Box<Session<C>>, host: &Host) {
        let (hand_in, mut handed_in) = mpsc::channel(usize::from(self.settings.window));
        self.events.tell(LineEvent::Up { line: self.number, hand_in }).await;
        tracing::info!(line = self.number, host = host.name, port = host.port, "a card line is signed on");
        let end = session.serve(&mut handed_in, &self.events).await;
        // Closed first, so that nothing is handed in where nobody looks any more.
        handed_in.close();
        self.events.tell(LineEvent::Down { line: self.number }).await;
        while let Some(Outgoing { message, .. }) = handed_in.recv().await {
            self.events.tell(LineEvent::Unsent(message)).await;
        }
        self.ended(host, &end);
    }

    fn ended(&self, host: &Host, end: &End) {
        match end {
            End::SignedOff => {
                tracing::info!(line = self.number, host = host.name, port = host.port, "a card line is signed off");
                return;
            }
            End::Garbage(_) => METRICS.closed_by_garbage.increment(1),
            End::NetworkSignedOff | End::Closed | End::Refused(_) | End::Late(_) | End::Flooded | End::Io(_) => {
                METRICS.closed_otherwise.increment(1)
            }
        }
        tracing::warn!(line = self.number, host = host.name, port = host.port, error = %end, "a card line ended");
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Whoever could say so is gone where this fails, which says it too.
    let _said = stop.wait_for(|stop| *stop).await;
}
