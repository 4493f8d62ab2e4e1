//! A played network that outlives every daemon, behind a line that a test can listen to and hold up.

use std::{
    collections::BTreeMap,
    future::pending,
    path::PathBuf,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use cardnet::{Billing, Books, Network, Scripts, Settings};
use iso8583::{
    Class, Element, Message, Mti, Spec, decode,
    frame::{self, Deframer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    time::timeout,
};

/// What has not happened by then will not, even on a machine that is very busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const FRAME_BYTES_MAX: u16 = 4_096;
static BCD: Spec = Spec::BCD;

/// What becomes of requests, advices and their answers on their way. What is about the line itself always passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Open,
    /// Nothing reaches the network.
    HeldToNetwork,
    /// What was held is lost, with the lines it was on.
    LostToNetwork,
    /// Nothing comes back from the network.
    HeldFromNetwork,
}

/// What came by, whether or not it was held then.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard {
    /// Requests and advices.
    pub(crate) asked: u64,
    /// Their answers.
    pub(crate) answered: u64,
    /// How often each request was written, by its DE 11 and 37.
    pub(crate) requests: BTreeMap<[String; 2], u32>,
    /// Lines that one side still has open.
    pub(crate) lines: u32,
}

/// The network and the way to it.
pub(crate) struct Relay {
    network: Arc<Network>,
    pub(crate) port: u16,
    way: watch::Sender<Way>,
    heard: watch::Receiver<Heard>,
}

impl Relay {
    /// On a thread of its own, so that it goes on while a test waits for a daemon.
    pub(crate) fn start(scripts: Scripts, books_path: PathBuf) -> Self {
        let (way, on_the_way) = watch::channel(Way::Open);
        let (hears, heard) = watch::channel(Heard::default());
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let billing = Billing::default().with_rate("CNY/USD=0.1503108").expect("a rate");
                let settings = Settings { scripts, billing, books_path: Some(books_path), ..Settings::default() };
                let network = Arc::new(Network::bind(settings).await.expect("a network"));
                let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("some port is free");
                let port = listener.local_addr().expect("it listens").port();
                sender.send((Arc::clone(&network), port)).expect("the test waits for it");
                let ends = Ends { way: on_the_way, hears };
                tokio::select! {
                    ended = network.run(pending()) => panic!("the network ended: {ended:?}"),
                    () = ends.clone().accept(&network, listener) => {}
                    () = ends.over() => {}
                }
            });
        });
        let (network, port) = receiver.recv().expect("the network begins");
        Self { network, port, way, heard }
    }

    pub(crate) fn books(&self) -> Books {
        self.network.books()
    }

    pub(crate) fn heard(&self) -> Heard {
        self.heard.borrow().clone()
    }

    pub(crate) fn set(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// Until this was heard.
    pub(crate) async fn until(&self, what: &str, is_so: impl FnMut(&Heard) -> bool) {
        let mut heard = self.heard.clone();
        let waited = timeout(PATIENCE, heard.wait_for(is_so)).await;
        drop(
            waited
                .unwrap_or_else(|_late| panic!("the line does not hear {what}"))
                .expect("the network outlives the test"),
        );
    }

    /// Until the network has taken all that was on its way when the daemon ended.
    pub(crate) async fn emptied(&self) {
        self.until("that the lines of a dead daemon end", |heard| heard.lines == 0).await;
    }
}

/// What each line knows.
#[derive(Clone)]
struct Ends {
    way: watch::Receiver<Way>,
    hears: watch::Sender<Heard>,
}

impl Ends {
    /// Until nobody asks any more.
    async fn over(mut self) {
        while self.way.changed().await.is_ok() {}
    }

    async fn accept(self, network: &Network, listener: TcpListener) {
        let address = network.addresses().first().copied().expect("it listens");
        loop {
            let (switch, _) = listener.accept().await.expect("lines are accepted");
            let network = TcpStream::connect(address).await.expect("the network accepts lines");
            for stream in [&switch, &network] {
                stream.set_nodelay(true).expect("a socket without delay");
            }
            let ends = self.clone();
            tokio::spawn(async move {
                ends.hears.send_modify(|heard| heard.lines += 1);
                let (from_switch, to_switch) = switch.into_split();
                let (from_network, to_network) = network.into_split();
                tokio::join!(
                    ends.clone().carry_there(from_switch, to_network),
                    ends.clone().carry_back(from_network, to_switch)
                );
                ends.hears.send_modify(|heard| heard.lines -= 1);
            });
        }
    }

    async fn carry_there(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let (mut deframer, mut buffer) = (Deframer::new(FRAME_BYTES_MAX), vec![0; usize::from(FRAME_BYTES_MAX)]);
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let mut rest = &buffer[..length];
            while let Some(bytes) = deframer.next(&mut rest).expect("a switch writes frames") {
                let message = decode(&BCD, bytes).expect("a switch writes messages");
                if message.mti().class() != Class::NetworkManagement {
                    self.hears.send_modify(|heard| heard.asked(&message));
                    let way = self.way.wait_for(|way| *way != Way::HeldToNetwork).await.map(|way| *way);
                    if !way.is_ok_and(|way| way != Way::LostToNetwork) {
                        return;
                    }
                }
                let prefix = frame::prefix(bytes.len()).expect("it had one");
                if to.write_all(&[&prefix, bytes].concat()).await.is_err() {
                    return;
                }
            }
        }
    }

    /// What a network says may be no message at all.
    async fn carry_back(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let (mut deframer, mut buffer) = (Deframer::new(FRAME_BYTES_MAX), vec![0; usize::from(FRAME_BYTES_MAX)]);
        let mut is_heard = true;
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let (mut rest, mut answers) = (&buffer[..length], 0);
            while let Ok(Some(bytes)) = deframer.next(&mut rest) {
                let is_answer = |message: Message| message.mti().class() != Class::NetworkManagement;
                answers += u64::from(decode(&BCD, bytes).is_ok_and(is_answer));
            }
            if answers > 0 {
                self.hears.send_modify(|heard| heard.answered += answers);
                let _over = self.way.wait_for(|way| *way != Way::HeldFromNetwork).await;
            }
            // Where nobody listens any more, the network is heard to its end all the same.
            is_heard = is_heard && to.write_all(&buffer[..length]).await.is_ok();
        }
    }
}

impl Heard {
    fn asked(&mut self, message: &Message) {
        self.asked += 1;
        if message.mti() == Mti::AUTHORIZATION_REQUEST {
            let trace = [11, 37].map(|number| message.text(Element::of(number)).unwrap_or_default().to_owned());
            *self.requests.entry(trace).or_default() += 1;
        }
    }
}
