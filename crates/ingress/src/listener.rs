//! Accepts connections within bounds. The transport has none of its own for a peer that connects and says nothing.

use std::{
    io,
    mem::MaybeUninit,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use metrics::{counter, gauge};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};
use tonic::transport::server::Connected;

use crate::{
    dealer::Place,
    metric_names::{CONNECTIONS, CONNECTIONS_CUT},
};

/// What every HTTP/2 client sends first: its preface (24 bytes) and the frame header of its SETTINGS (9 bytes)
/// (RFC 9113, section 3.4). After that the transport's keepalive finds out who is gone.
const FIRST_BYTES: usize = 33;

/// How long to wait after the operating system could not give us a connection, e.g. for want of file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// How long a connection that we end waits for its peer to end it too. Closing it over bytes that were not read resets it, and a
/// reset takes from the peer the answers it has not read yet (RFC 9112, section 9.6, says the same of HTTP/1.1).
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// So many bytes are taken in at a time meanwhile.
const UNREAD_BYTES: usize = 4 * 1024;

/// A listener that keeps at most so many connections open, and cuts those that stay silent at the start.
#[derive(Debug)]
pub struct GuardedListener {
    listener: TcpListener,
    connections: Arc<Semaphore>,
    bounds: StreamBounds,
}

/// How long a connection may take to begin, and to live.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamBounds {
    first_bytes_within: Duration,
    cut_after: Option<Duration>,
}

/// A connection that no runtime watches yet.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) stream: std::net::TcpStream,
    pub(crate) peer: SocketAddr,
    pub(crate) permit: OwnedSemaphorePermit,
}

impl GuardedListener {
    /// Guards `listener`: at most `connections_max` connections at a time, each of which must begin to speak HTTP/2
    /// within `first_bytes_ms_max` milliseconds.
    #[must_use]
    pub fn new(listener: TcpListener, connections_max: usize, first_bytes_ms_max: u64) -> Self {
        Self {
            listener,
            connections: Arc::new(Semaphore::new(connections_max)),
            bounds: StreamBounds { first_bytes_within: Duration::from_millis(first_bytes_ms_max), cut_after: None },
        }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the operating system cannot tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Cuts each connection at this age, whatever it does.
    #[must_use]
    pub fn cut_after(self, age: Duration) -> Self {
        let bounds = StreamBounds { cut_after: Some(age), ..self.bounds };
        Self { bounds, ..self }
    }

    pub(crate) const fn bounds(&self) -> StreamBounds {
        self.bounds
    }

    /// The next connection, for the runtime that asks. Further peers wait in the operating system's queue until one ends.
    pub async fn accept(&self) -> GuardedStream {
        let (stream, peer, permit) = self.next().await;
        GuardedStream::new(stream, peer, (permit, None), self.bounds)
    }

    /// The same for another runtime.
    pub(crate) async fn accept_bare(&self) -> Accepted {
        loop {
            let (stream, peer, permit) = self.next().await;
            match stream.into_std() {
                Ok(stream) => return Accepted { stream, peer, permit },
                Err(error) => tracing::warn!(%error, "cannot hand a connection on"),
            }
        }
    }

    async fn next(&self) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        let permit = Arc::clone(&self.connections).acquire_owned().await.expect("the semaphore is never closed");
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => return (stream, peer, permit),
                // A peer that went away, or no file descriptor left: neither is a reason to stop serving the others.
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }
}

/// A connection within the bounds of its listener.
#[derive(Debug)]
pub struct GuardedStream {
    stream: TcpStream,
    peer: SocketAddr,
    awaited: Option<Awaited>,
    too_old: Option<Pin<Box<Sleep>>>,
    /// There once our side has ended.
    closed_within: Option<Pin<Box<Sleep>>>,
    _held: Held,
}

/// What a connection holds while it is open.
type Held = (OwnedSemaphorePermit, Option<Place>);

/// The first bytes of a connection.
#[derive(Debug)]
struct Awaited {
    bytes: usize,
    too_late: Pin<Box<Sleep>>,
}

impl GuardedStream {
    pub(crate) fn new(stream: TcpStream, peer: SocketAddr, held: Held, bounds: StreamBounds) -> Self {
        let StreamBounds { first_bytes_within, cut_after } = bounds;
        // Answers are small and waited for; a connection that cannot be told so still works.
        let _unset = stream.set_nodelay(true);
        gauge!(CONNECTIONS).increment(1.0);
        let awaited = Awaited { bytes: FIRST_BYTES, too_late: Box::pin(sleep(first_bytes_within)) };
        let too_old = cut_after.map(|age| Box::pin(sleep(age)));
        Self { stream, peer, awaited: Some(awaited), too_old, closed_within: None, _held: held }
    }

    /// Who is at the other end.
    #[must_use]
    pub const fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Looked at whenever the connection has nothing to read, which a connection that is kept open must come to.
    fn is_too_old(&mut self, context: &mut Context<'_>) -> bool {
        self.too_old.as_mut().is_some_and(|too_old| too_old.as_mut().poll(context).is_ready())
    }
}

impl Drop for GuardedStream {
    fn drop(&mut self) {
        gauge!(CONNECTIONS).decrement(1.0);
    }
}

impl AsyncRead for GuardedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_pending() && self.is_too_old(context) {
            counter!(CONNECTIONS_CUT).increment(1);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the connection is too old")));
        }
        let Some(awaited) = &mut self.awaited else { return read };

        awaited.bytes = awaited.bytes.saturating_sub(buffer.filled().len().saturating_sub(before));
        if awaited.bytes == 0 {
            self.awaited = None;
        } else if read.is_pending() && awaited.too_late.as_mut().poll(context).is_ready() {
            counter!(CONNECTIONS_CUT).increment(1);
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer did not begin to speak HTTP/2")));
        }
        read
    }
}

impl AsyncWrite for GuardedStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    /// No: the transport then gathers answers of less than a kilobyte, as nearly all are, and writes many at a time. To a
    /// stream that takes several pieces it writes each answer of more than 256 bytes alone, which is a system call for
    /// each.
    fn is_write_vectored(&self) -> bool {
        false
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Ends our side, then takes in what still comes until the peer ends its own.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, closed_within, .. } = self.get_mut();
        let too_late = match closed_within {
            Some(too_late) => too_late,
            None => {
                ready!(Pin::new(&mut *stream).poll_shutdown(context))?;
                closed_within.insert(Box::pin(sleep(CLOSE_WITHIN)))
            }
        };
        // Before anything is read: a timer is not looked at behind as many reads as fill the task's turn.
        if too_late.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut unread = [MaybeUninit::uninit(); UNREAD_BYTES];
        loop {
            let mut unread = ReadBuf::uninit(&mut unread);
            let read = ready!(Pin::new(&mut *stream).poll_read(context, &mut unread));
            // A peer that has reset the connection has ended it too.
            if read.is_err() || unread.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl Connected for GuardedStream {
    /// Handed to every call, and no call asks where it comes from: who calls is known from the credential alone.
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn connection() -> (GuardedStream, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        let peer = TcpStream::connect(address).await.expect("it is accepted");
        (GuardedListener::new(listener, 1, 5_000).accept().await, peer)
    }

    #[tokio::test]
    async fn a_peer_that_still_sends_reads_all_it_was_told() {
        let (mut stream, mut peer) = connection().await;
        let peer_has_ended = Cell::new(false);
        let told = [7; 3 * UNREAD_BYTES];
        peer.write_all(&[1; 3 * UNREAD_BYTES]).await.expect("it is taken");
        let close = async {
            stream.write_all(&told).await.expect("it is taken");
            stream.shutdown().await.expect("it closes");
            assert!(peer_has_ended.get());
        };
        let read = async {
            let mut read = Vec::new();
            peer.read_to_end(&mut read).await.expect("no reset");
            peer.write_all(&[1; 3 * UNREAD_BYTES]).await.expect("no reset");
            peer_has_ended.set(true);
            drop(peer);
            read
        };
        let ((), read) = tokio::join!(close, read);
        assert_eq!(read, told);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_end_is_not_waited_for_longer() {
        let (mut stream, _peer) = connection().await;
        let begun = tokio::time::Instant::now();
        stream.shutdown().await.expect("it closes");
        assert_eq!(begun.elapsed().as_millis(), CLOSE_WITHIN.as_millis());
    }
}
