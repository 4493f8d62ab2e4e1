//! A card network that a test plays, on a thread and a port of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::mpsc,
    thread::{self, JoinHandle},
};

use cardnet::{Billing, Books, Network, Scripts, Settings, spec_named};
use money::Currency;
use tempfile::TempDir;
use tokio::{runtime, sync::oneshot};

/// How messages are written where nothing else is said.
const ENCODING: &str = "bcd";
/// What one yuan is billed in dollars, in the seven digits that a message has for a rate.
const RATE: &str = "CNY/USD=0.1503108";

/// A network that answers until it is dropped, with its books in a file.
pub(crate) struct Played {
    directory: TempDir,
    address: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Played {
    /// Plays the scripts of the test numbers, with these lines over them; each answer waits so long.
    pub(crate) fn start(scripts: &str, delay_ms: u32) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let scripts = Scripts::default().read(scripts).expect("scripts");
        let billing = Billing::default().with_rate(RATE).expect("a rate").with_others(Currency::USD);
        let spec = spec_named(ENCODING).expect("a published spec");
        let books_path = Some(books_path(directory.path()));
        let settings = Settings { scripts, billing, spec, books_path, delay_ms, ..Settings::default() };
        let (stop, stopped) = oneshot::channel();
        let (sender, listening) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let played = async {
                let network = Network::bind(settings).await.expect("a free port");
                sender.send(network.addresses()[0].to_string()).expect("the test waits for it");
                network.run(async { _ = stopped.await }).await
            };
            runtime.block_on(played).expect("the books are written");
        });
        let address = listening.recv().expect("the network listens");
        Self { directory, address, stop: Some(stop), thread: Some(thread) }
    }

    /// The books, as their file has them.
    pub(crate) fn books(&self) -> Books {
        read_books(&books_path(self.directory.path()))
    }

    /// The directory of the books.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The section of a daemon's configuration that reaches it.
    pub(crate) fn section(&self) -> String {
        section(&[&self.address], ENCODING)
    }

    /// The file of a daemon's configuration that reaches this network, by one line and with short waits between two sendings
    /// of an advice. `more` stands before it.
    pub(crate) fn configuration(&self, more: &str) -> PathBuf {
        let file = self.directory.path().join("payswitchd.toml");
        let text = format!("{more}\n{}", self.section());
        fs::write(&file, text).expect("the configuration is written");
        file
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        // When it has ended already, nobody waits to be told.
        let _ended = self.stop.take().map(|stop| stop.send(()));
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.expect("it was started").expect("the network does not panic");
        }
    }
}

/// The section of a daemon's configuration that reaches a network at these addresses.
pub(crate) fn section(addresses: &[&str], encoding: &str) -> String {
    format!(
        "[cards.network]\nhosts = {addresses:?}\nencoding = \"{encoding}\"\nacquirer = 47110815\n\
         terminal = \"SWITCH01\"\nplace = \"BEIJING      CN\"\nlines = 1\nreconnect_ms_min = 10\n\
         reconnect_ms_max = 100\nrepeat_ms_min = 10\nrepeat_ms_max = 100\nadvice_answer_ms = 1000\n"
    )
}

/// The books that a file has.
pub(crate) fn read_books(path: &Path) -> Books {
    Books::read(&fs::read_to_string(path).expect("there are books")).expect("the books are whole")
}

fn books_path(directory: &Path) -> PathBuf {
    directory.join("card-network.books")
}
