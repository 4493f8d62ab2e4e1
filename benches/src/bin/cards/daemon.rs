//! A daemon on a ledger of its own, with lines to the played network.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use client::Address;
use tempfile::TempDir;

use crate::Error;

/// Lines to the network.
pub(crate) const LINES: u8 = 4;
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// A minute.
const LOOKS_MAX: u32 = 12_000;

/// A running daemon. Dropping it kills it.
pub(crate) struct Daemon {
    child: Child,
    /// Held open: the daemon may still print.
    _stdout: BufReader<ChildStdout>,
    pub(crate) merchants: Address,
    pub(crate) operators: Address,
    metrics: String,
    _data_dir: TempDir,
}

impl Daemon {
    /// Starts the daemon that was built beside this program, and waits until all its lines are up.
    pub(crate) async fn start(network: SocketAddr) -> Result<Self, Error> {
        let local = |tried| move |source| Error::Local { tried, source };
        let data_dir = tempfile::tempdir().map_err(local("make a directory"))?;
        let program = env::current_exe().map_err(local("find this program"))?.with_file_name("payswitchd");
        let mut command = Command::new(program);
        command.arg("--data-dir").arg(data_dir.path());
        for flag in ["--listen", "--admin-listen", "--metrics-listen"] {
            command.args([flag, "127.0.0.1:0"]);
        }
        let cards = |key: &str| format!("PAYSWITCHD__CARDS__NETWORK__{key}");
        command.envs([
            (cards("HOSTS"), format!("[\"{network}\"]")),
            (cards("LINES"), LINES.to_string()),
            (cards("ENCODING"), "bcd".to_owned()),
            (cards("ACQUIRER"), "47110815".to_owned()),
            (cards("TERMINAL"), "SANDBOX1".to_owned()),
            (cards("PLACE"), "BEIJING CN".to_owned()),
        ]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(local("start payswitchd: cargo build --release builds it"))?;
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut banner = String::new();
        while !banner.ends_with("\nready\n") {
            if stdout.read_line(&mut banner).map_err(local("read what the daemon prints"))? == 0 {
                return Err(Error::NotReady);
            }
        }
        let address = |label: &str| {
            let line = banner.lines().find(|line| line.trim_start().starts_with(label)).expect("the banner tells");
            line.split_whitespace().last().expect("an address").to_owned()
        };
        let parse = |text: String| text.parse::<Address>().expect("the banner tells addresses");
        let daemon = Self {
            child,
            _stdout: stdout,
            merchants: parse(address("merchants and wallets")),
            operators: parse(address("operators  ")),
            metrics: address("metrics"),
            _data_dir: data_dir,
        };
        daemon.wait_for("payswitch_card_lines_up", u64::from(LINES)).await?;
        Ok(daemon)
    }

    /// Waits until the network has taken every advice.
    pub(crate) async fn wait_until_all_is_told(&self) -> Result<(), Error> {
        self.wait_for("payswitch_card_advices_waiting", 0).await
    }

    async fn wait_for(&self, metric: &'static str, wanted: u64) -> Result<(), Error> {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        for _ in 0..LOOKS_MAX {
            if self.metric(metric)? == wanted {
                return Ok(());
            }
            looks.tick().await;
        }
        Err(Error::Late(metric))
    }

    fn metric(&self, name: &'static str) -> Result<u64, Error> {
        let local = |source| Error::Local { tried: "read the daemon's metrics", source };
        let url = self.metrics.strip_prefix("http://").unwrap_or(&self.metrics);
        let (host, path) = url.split_once('/').unwrap_or((url, "metrics"));
        let mut stream = TcpStream::connect(host).map_err(local)?;
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).map_err(local)?;
        let mut page = String::new();
        stream.read_to_string(&mut page).map_err(local)?;
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.ok_or(Error::NoMetric(name))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Already gone is what we want.
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}
