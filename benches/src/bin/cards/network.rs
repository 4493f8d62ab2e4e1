//! The card network, played in this process on a thread of its own, and its cards.

use std::{fmt, io, net::SocketAddr, sync::mpsc, thread};

use cardnet::{Limits, Network, Scripts, Settings};

use crate::Error;

/// Cards of each speed; each is bound to a person of its own, so that no person reaches a limit.
pub(crate) const CARDS: u32 = 64;
/// Half a kilobyte each: enough for a run of many rounds.
const MESSAGES_MAX: usize = 8_000_000;

/// How long the issuers of a card take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speed {
    /// Answered at once.
    AtOnce,
    /// Answered after [`SLOW_MS`].
    Slow,
}

/// What a slow card waits, in milliseconds.
const SLOW_MS: u32 = 20;

impl Speed {
    pub(crate) const ALL: [Self; 2] = [Self::AtOnce, Self::Slow];

    /// Its cards.
    pub(crate) fn cards(self) -> Vec<String> {
        let first = match self {
            Self::AtOnce => 0,
            Self::Slow => CARDS,
        };
        (first..first + CARDS).map(benches::test_card).collect()
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtOnce => f.write_str("0 ms"),
            Self::Slow => write!(f, "{SLOW_MS} ms"),
        }
    }
}

/// Plays it until the process ends, and returns where it listens. Its books are in memory: the disk is the daemon's.
pub(crate) fn play() -> Result<SocketAddr, Error> {
    let scripts: String = Speed::Slow.cards().iter().map(|card| format!("{card}=slow:{SLOW_MS}\n")).collect();
    let settings = Settings {
        scripts: Scripts::default().read(&scripts).expect("lines of cards and scripts"),
        limits: Limits { messages_max: MESSAGES_MAX, ..Limits::DEFAULT },
        ..Settings::default()
    };
    let (sender, listens) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| Error::Local { tried: "start the network's runtime", source })?;
    thread::spawn(move || {
        runtime.block_on(async move {
            match Network::bind(settings).await {
                Ok(network) => {
                    let address = network.addresses().first().copied();
                    sender.send(address.ok_or_else(no_address)).expect("the run waits for it");
                    if let Err(error) = network.run(std::future::pending()).await {
                        eprintln!("the network failed: {error}");
                    }
                }
                Err(error) => sender.send(Err(error.into())).expect("the run waits for it"),
            }
        });
    });
    listens.recv().expect("the network says where it listens")
}

fn no_address() -> Error {
    Error::Local { tried: "play a network", source: io::ErrorKind::AddrNotAvailable.into() }
}
