//! The shell: listeners, the books file, the clock.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::Timestamp;
use iso8583::Message;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use crate::books::{Books, ReadError, changes};
use crate::books_file::{BooksFile, BooksFileError};
use crate::issuer::{Action, Issuer, Session};
use crate::line;
use crate::settings::{Settings, SettingsError};

/// After an accept that failed, for want of file descriptors say, before the next.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// Why a network does not begin, or ends by itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its settings are not possible.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// It cannot listen.
    #[error("cannot listen at {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// Its books are not to be had, or can no longer be written. Nothing is answered then, for it would not be in the books.
    #[error(transparent)]
    Books(#[from] BooksFileError),
}

/// A network that listens, or will once it [runs](Self::run).
#[derive(Debug)]
pub struct Network {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    shared: Arc<Shared>,
}

/// What all lines share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    core: Mutex<Core>,
    connections: Arc<Semaphore>,
    books_failed: Notify,
}

/// The issuers, and what they have written down. One lock holds both, so that lines are in the order of the books.
#[derive(Debug)]
struct Core {
    issuer: Issuer,
    books_file: Option<BooksFile>,
    /// Whether a line could not be written. Then nothing is taken any more: what is in the file behind it is not known.
    stopped: bool,
    /// Why, for whoever runs the network.
    failure: Option<BooksFileError>,
}

impl Network {
    /// Takes up the books and listens. Nobody is answered before [`run`](Self::run).
    ///
    /// # Errors
    /// [`Error`] of whatever is not possible.
    ///
    /// # Panics
    /// Outside a runtime of tokio with I/O and time.
    pub async fn bind(settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        let core = Core::open(&settings)?;
        let (mut listeners, mut addresses) = (Vec::new(), Vec::new());
        for address in settings.addresses.iter().copied() {
            let failed = |source| Error::Listen { address, source };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            addresses.push(listener.local_addr().map_err(failed)?);
            listeners.push(listener);
        }
        let connections = Arc::new(Semaphore::new(settings.limits.connections_max));
        let shared = Shared { settings, core: Mutex::new(core), connections, books_failed: Notify::new() };
        Ok(Self { listeners, addresses, shared: Arc::new(shared) })
    }

    /// Where it listens, in the order of the settings, with the ports that were chosen.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The books as they are now.
    #[must_use]
    pub fn books(&self) -> Books {
        self.shared.core().issuer.books().clone()
    }

    /// Answers until `shutdown` is ready; then all lines are closed as they are.
    ///
    /// # Errors
    /// [`Error::Books`] when the books can no longer be written.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let mut lines = JoinSet::new();
        let accepting = async {
            loop {
                let accepted = self.accept().await;
                // What has ended is taken out, so that the set is no larger than the lines there are.
                while lines.try_join_next().is_some() {}
                match accepted {
                    Ok((stream, peer)) => self.begin(stream, peer, &mut lines),
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a line");
                        tokio::time::sleep(ACCEPT_AGAIN).await;
                    }
                }
            }
        };
        tokio::select! {
            () = shutdown => Ok(()),
            failure = self.shared.failure() => Err(Error::Books(failure)),
            never = accepting => never,
        }
    }

    /// The next line at any address.
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        std::future::poll_fn(|context| {
            let accepted = self.listeners.iter().map(|listener| listener.poll_accept(context));
            accepted.into_iter().find(Poll::is_ready).unwrap_or(Poll::Pending)
        })
        .await
    }

    fn begin(&self, stream: TcpStream, peer: SocketAddr, lines: &mut JoinSet<()>) {
        let Ok(permit) = Arc::clone(&self.shared.connections).try_acquire_owned() else {
            tracing::warn!(%peer, "too many lines: one more is closed");
            return;
        };
        let shared = Arc::clone(&self.shared);
        lines.spawn(async move {
            line::serve(stream, peer, shared).await;
            drop(permit);
        });
    }
}

impl Core {
    fn open(settings: &Settings) -> Result<Self, BooksFileError> {
        let Settings { scripts, billing, limits, .. } = settings;
        let mut issuer = Issuer::new(scripts.clone(), billing.clone(), limits.messages_max);
        let mut books_file = None;
        if let Some(path) = &settings.books_path {
            let (file, text) = BooksFile::open(path)?;
            let content = |source| BooksFileError::Content { path: path.clone(), source };
            for change in changes(&text) {
                let (line, change) = change.map_err(content)?;
                issuer.resume(&change).map_err(|refusal| content(ReadError { line, source: refusal.into() }))?;
            }
            books_file = Some(file);
        }
        Ok(Self { issuer, books_file, stopped: false, failure: None })
    }
}

impl Shared {
    /// Takes a message and writes to the books what it changes; returns what is to be sent, or `None` when the books cannot
    /// be written.
    pub(crate) fn take(&self, session: &mut Session, message: &Message) -> Option<Vec<Action>> {
        let mut core = self.core();
        if core.stopped {
            return None;
        }
        let actions = core.issuer.take(session, message, now());
        let Core { books_file, .. } = &mut *core;
        let written = actions.iter().try_for_each(|action| match (action, books_file.as_mut()) {
            (Action::Book(change), Some(file)) => file.add(change),
            _ => Ok(()),
        });
        if let Err(error) = written {
            core.stopped = true;
            core.failure = Some(error);
            self.books_failed.notify_one();
            return None;
        }
        Some(actions)
    }

    async fn failure(&self) -> BooksFileError {
        loop {
            self.books_failed.notified().await;
            if let Some(failure) = self.core().failure.take() {
                return failure;
            }
        }
    }

    /// A panic while the lock was held left nothing half done that matters: what is taken is booked at once.
    fn core(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use iso8583::field::{NETWORK_CODE, NetworkCode};
    use iso8583::{Element, Mti};

    use super::*;

    fn message(mti: Mti, fields: &[(u8, &str)]) -> Message {
        let mut message = Message::new(mti);
        fields.iter().for_each(|(number, value)| message.set(Element::of(*number), value.as_bytes()));
        message
    }

    #[tokio::test]
    async fn nothing_is_answered_that_is_not_in_the_books() {
        let directory = tempfile::tempdir().unwrap();
        let network = Network::bind(Settings::default()).await.unwrap();
        network.shared.core().books_file = Some(BooksFile::unwritable(&directory.path().join("books")));
        let mut session = Session::default();
        let mut sign_on = message(Mti::NETWORK_REQUEST, &[]);
        sign_on.write(NETWORK_CODE, &NetworkCode::SIGN_ON);
        assert!(network.shared.take(&mut session, &sign_on).is_some(), "it changes no book");
        let request = message(
            Mti::AUTHORIZATION_REQUEST,
            &[
                (2, "4242424242424242"),
                (4, "000000000100"),
                (7, "1126173000"),
                (11, "000001"),
                (37, "000000000001"),
                (49, "156"),
            ],
        );
        assert!(network.shared.take(&mut session, &request).is_none());
        assert!(network.shared.take(&mut session, &sign_on).is_none(), "nothing is taken any more");
        let ended = network.run(std::future::pending()).await;
        assert!(matches!(ended, Err(Error::Books(BooksFileError::File { what: "write", .. }))));
    }
}
