//! Deals the connections of one listening socket out to the runtimes that serve them.
//!
//! A connection stays where it was dealt to: everything of it happens on one thread, so that nothing is handed from one
//! processor to another.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    net::TcpStream,
    sync::{Notify, mpsc},
};
use tokio_stream::{Stream, StreamExt, wrappers::ReceiverStream};

use crate::listener::{Accepted, GuardedListener, GuardedStream, StreamBounds};

/// Connections that wait for one runtime to take them up.
const UNTAKEN_MAX: usize = 16;

/// Takes connections and deals them out.
#[derive(Debug)]
pub struct Dealer {
    listener: GuardedListener,
    runtimes: Vec<Runtime>,
    left: Arc<Notify>,
}

/// A runtime as the dealer sees it.
#[derive(Debug)]
struct Runtime {
    sender: mpsc::Sender<(Accepted, Place)>,
    open: Arc<AtomicUsize>,
}

/// A connection's place among those of its runtime.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Place {
    fn among(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The connections of one runtime.
#[derive(Debug)]
pub struct Dealt {
    receiver: mpsc::Receiver<(Accepted, Place)>,
    bounds: StreamBounds,
    takes: Takes,
}

/// There is somebody who takes connections; tells when there no longer is.
#[derive(Debug)]
struct Takes(Arc<Notify>);

impl Drop for Takes {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Dealer {
    /// Deals what `listener` accepts to so many runtimes, at least one.
    #[must_use]
    pub fn new(listener: GuardedListener, runtimes: usize) -> (Self, Vec<Dealt>) {
        let (bounds, left) = (listener.bounds(), Arc::new(Notify::new()));
        let one = |_| {
            let (sender, receiver) = mpsc::channel(UNTAKEN_MAX);
            let takes = Takes(Arc::clone(&left));
            (Runtime { sender, open: Arc::default() }, Dealt { receiver, bounds, takes })
        };
        let (runtimes, dealt) = (0..runtimes.max(1)).map(one).unzip();
        (Self { listener, runtimes, left }, dealt)
    }

    /// Deals each connection to the runtime that has the fewest. Ends when one of them takes no more, and closes the listening
    /// socket, as dropping it does.
    pub async fn deal(self) {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept_bare() => accepted,
                () = self.left.notified() => return,
            };
            let fewest = self.runtimes.iter().min_by_key(|runtime| runtime.open.load(Ordering::Relaxed));
            let Runtime { sender, open } = fewest.expect("there is at least one");
            if sender.send((accepted, Place::among(open))).await.is_err() {
                return;
            }
        }
    }
}

impl Dealt {
    /// The connections, as they come, on the runtime that asks.
    pub(crate) fn incoming(self) -> impl Stream<Item = io::Result<GuardedStream>> {
        let Self { receiver, bounds, takes } = self;
        ReceiverStream::new(receiver).filter_map(move |(accepted, place)| {
            // Held for as long as connections are taken.
            let Takes(_) = &takes;
            let Accepted { stream, peer, permit } = accepted;
            // A runtime that cannot watch one more socket loses this connection, and no other.
            let stream =
                TcpStream::from_std(stream).inspect_err(|error| tracing::warn!(%error, "cannot take a connection"));
            Some(Ok(GuardedStream::new(stream.ok()?, peer, (permit, Some(place)), bounds)))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::{io::AsyncReadExt, net::TcpListener};

    use super::*;

    const CONNECTIONS_MAX: usize = 64;
    const FIRST_BYTES_MS_MAX: u64 = 60_000;

    async fn three() -> (SocketAddr, Vec<Dealt>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (dealer, dealt) = Dealer::new(GuardedListener::new(listener, CONNECTIONS_MAX, FIRST_BYTES_MS_MAX), 3);
        tokio::spawn(dealer.deal());
        (address, dealt)
    }

    #[tokio::test]
    async fn each_connection_goes_to_the_runtime_with_the_fewest() {
        let (address, dealt) = three().await;
        let mut runtimes: Vec<_> = dealt.into_iter().map(|dealt| Box::pin(dealt.incoming())).collect();
        let mut callers = Vec::new();
        let mut taken = Vec::new();
        for _ in 0..2 {
            for runtime in &mut runtimes {
                callers.push(TcpStream::connect(address).await.expect("it listens"));
                taken.push(runtime.next().await.expect("it is dealt").expect("it is there"));
            }
        }
        // The second runtime loses both of its connections; the next two are for it.
        drop((taken.remove(4), taken.remove(1)));
        for _ in 0..2 {
            callers.push(TcpStream::connect(address).await.expect("it listens"));
            taken.push(runtimes[1].next().await.expect("it is dealt").expect("it is there"));
        }
    }

    #[tokio::test]
    async fn nothing_listens_once_a_runtime_takes_no_more() {
        let (address, mut dealt) = three().await;
        drop(dealt.remove(0));
        // A connection that came before that was noticed is closed.
        while let Ok(mut caller) = TcpStream::connect(address).await {
            let _closed = caller.read(&mut [0]).await;
        }
    }
}
