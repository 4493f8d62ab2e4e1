//! `payctl cardnet`: a card network and its issuers, played.

use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use ::cardnet::{Billing, Network, Script, Scripts, Settings, spec_named};
use clap::{Args, ValueEnum};
use money::Currency;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::commands::currency_argument;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{FAINT, GOOD, paint};

/// Play a card network and the issuers behind it
///
/// For a daemon that has no contract with a scheme: speaks ISO 8583:1987 over TCP,
/// each message behind two bytes of length, and answers by the script of the card.
/// Public test numbers have scripts of their own. Goes on until Ctrl-C or SIGTERM
/// and exits 0. Only for numbers that are nobody's: they are seen in the list of
/// processes.
///
///   payctl cardnet --billing USD --rate CNY/USD=0.1503108 \
///     --script 4242424242424242=decline:51 --books cards.books
///
/// A script is approve, decline:CODE, partial:PERCENT, slow:MS, late:MS, silent,
/// duplicate, out-of-order, garbage, disconnect, wrong-amount, refuse-advices:N or
/// lose-advices:N.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Cardnet {
    /// Where it listens, as address:port; several times for several hosts of one network
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7460")]
    listen: Vec<SocketAddr>,
    /// How messages are written
    #[arg(long, value_enum, default_value_t = Encoding::Bcd)]
    encoding: Encoding,
    /// What becomes of the payments of a card, e.g. 4242424242424242=decline:05; may be given several times
    #[arg(long = "script", value_name = "NUMBER=SCRIPT")]
    scripts: Vec<String>,
    /// What becomes of those of every card that has no script
    #[arg(long, value_name = "SCRIPT", default_value = "approve", value_parser = script_argument)]
    others: Script,
    /// A rate, e.g. CNY/USD=0.1503108: what one yuan is billed in dollars; may be given several times
    #[arg(long = "rate", value_name = "ASKED/BILLED=RATE")]
    rates: Vec<String>,
    /// What cards are billed in, e.g. USD, or one card, e.g. 4242424242424242=USD [default: what is asked]
    #[arg(long, value_name = "CURRENCY")]
    billing: Vec<String>,
    /// File for the books: taken up at the start, a line is added for each change, without a card number
    #[arg(long, value_name = "FILE")]
    books: Option<PathBuf>,
    /// Milliseconds each answer waits, beyond what its script asks
    #[arg(long, value_name = "N", default_value_t = 0)]
    delay_ms: u32,
}

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Encoding {
    /// In ASCII.
    Ascii,
    /// In EBCDIC.
    Ebcdic,
    /// With packed digits.
    Bcd,
}

impl Encoding {
    /// The name of its spec.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Ebcdic => "ebcdic",
            Self::Bcd => "bcd",
        }
    }
}

fn script_argument(text: &str) -> Result<Script, String> {
    text.parse().map_err(|error: ::cardnet::ScriptError| error.to_string())
}

impl Cardnet {
    pub(crate) async fn run(self, as_json: bool) -> Result<Exit, Error> {
        let network = Network::bind(self.settings()?).await?;
        // Before anything is printed: whoever reads that it listens may send a signal.
        let stopped = stopped()?;
        print(&listening(network.addresses(), self.encoding, as_json))?;
        network.run(stopped).await?;
        let captured: Vec<String> =
            network.books().totals().values().map(|total| total.captured.grouped().to_string()).collect();
        let captured = if captured.is_empty() { "nothing".to_owned() } else { captured.join(", ") };
        anstream::eprintln!("{}", paint(FAINT, format!("stopped; captured by the books: {captured}")));
        Ok(Exit::Approved)
    }

    fn settings(&self) -> Result<Settings, Error> {
        let scripts = Scripts::default().with_others(self.others).read(&self.scripts.join("\n"));
        let scripts = scripts.map_err(|error| Error::Usage(format!("--script, {error}")))?;
        Ok(Settings {
            addresses: self.listen.clone(),
            spec: spec_named(self.encoding.as_str()).expect("each encoding has a spec"),
            scripts,
            billing: self.billing()?,
            books_path: self.books.clone(),
            delay_ms: self.delay_ms,
            ..Settings::default()
        })
    }

    fn billing(&self) -> Result<Billing, Error> {
        let mut billing = Billing::default();
        for rate in &self.rates {
            // What is wrong is not quoted, here and below: it may hold a card's number.
            billing = billing.with_rate(rate).map_err(|error| Error::Usage(format!("--rate: {error}")))?;
        }
        for billed in &self.billing {
            let wrong = |error: String| Error::Usage(format!("--billing: {error}"));
            billing = if billed.contains('=') {
                billing.with_card(billed).map_err(|error| wrong(error.to_string()))?
            } else {
                let currency: Currency = currency_argument(billed).map_err(wrong)?;
                billing.with_others(currency)
            };
        }
        Ok(billing)
    }
}

/// Ready once this process is asked to end.
fn stopped() -> Result<impl Future<Output = ()>, Error> {
    let wait_for = |kind| signal(kind).map_err(|source| Error::Local { tried: "wait for signals".to_owned(), source });
    let [mut interrupt, mut terminate] = [wait_for(SignalKind::interrupt())?, wait_for(SignalKind::terminate())?];
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn listening(addresses: &[SocketAddr], encoding: Encoding, as_json: bool) -> String {
    if as_json {
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        return format!("{}\n", json!({ "addresses": addresses, "encoding": encoding.as_str() }));
    }
    let line = |address: &SocketAddr| {
        format!("{}  card network at {address}, ISO 8583 in {}\n", paint(GOOD, "listening"), encoding.as_str())
    };
    addresses.iter().map(line).collect()
}

fn print(text: &str) -> Result<(), Error> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => Err(cannot_write(source)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn cannot_write(source: io::Error) -> Error {
    Error::Local { tried: "write to standard output".to_owned(), source }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::render::plain;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        cardnet: Cardnet,
    }

    fn settings(arguments: &str) -> Result<Settings, Error> {
        Line::try_parse_from(format!("x {arguments}").split_whitespace()).unwrap().cardnet.settings()
    }

    #[test]
    fn what_is_given_is_what_the_network_is_told() {
        let none = settings("").unwrap();
        assert_eq!(none.addresses, ["127.0.0.1:7460".parse().unwrap()]);
        assert_eq!((none.delay_ms, none.books_path), (0, None));
        let given = settings(
            "--listen 127.0.0.1:1 --listen [::1]:2 --encoding ascii --script 4242424242424242=silent --delay-ms 5 \
             --others decline:05 --rate CNY/USD=0.1503108 --billing USD --billing 4111111111111111=EUR --books b",
        );
        let given = given.unwrap();
        assert_eq!((given.addresses.len(), given.delay_ms), (2, 5));
        assert_eq!(given.books_path, Some(PathBuf::from("b")));
        assert!(std::ptr::eq(given.spec, spec_named("ascii").unwrap()));
        let script = |number: &str| given.scripts.of(::cardnet::CardNumber::parse(number.as_bytes()).unwrap());
        assert_eq!(script("4242424242424242"), Script::Silent);
        assert_eq!(script("4111111111111111"), Script::Approve);
        assert_eq!(Ok(script("4000000000000077")), "decline:05".parse());
    }

    #[test]
    fn what_cannot_be_is_refused_without_the_number() {
        for wrong in [
            "--script 4242424242424242",
            "--script 4242424242424242=loud",
            "--script 42424242424242x2=silent",
            "--billing 4242424242424242=XYZ",
            "--billing XYZ",
            "--rate CNY/USD",
            "--rate 4242424242424242=USD",
            "--rate CNY/CNY=1",
        ] {
            let error = settings(wrong).unwrap_err();
            assert_eq!(error.exit(), Exit::Refused, "{wrong}");
            assert!(!error.to_string().contains("424242"), "{error}");
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_address_in_use_and_books_of_something_else_are_told_apart() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = format!("--listen {}", taken.local_addr().unwrap());
        let error = Error::from(Network::bind(settings(&listen).unwrap()).await.unwrap_err());
        assert_eq!(error.exit(), Exit::Refused);
        let directory = tempfile::tempdir().unwrap();
        let books = directory.path().join("books");
        std::fs::write(&books, "no books\n").unwrap();
        let mut other = settings("--listen 127.0.0.1:0").unwrap();
        other.books_path = Some(books);
        let error = Error::from(Network::bind(other).await.unwrap_err());
        assert_eq!(error.exit(), Exit::Damaged);
    }

    #[test]
    fn it_says_where_it_listens() {
        let addresses = ["127.0.0.1:7460".parse().unwrap(), "[::1]:7460".parse().unwrap()];
        let expected = "\
listening  card network at 127.0.0.1:7460, ISO 8583 in bcd
listening  card network at [::1]:7460, ISO 8583 in bcd
";
        assert_eq!(plain(listening(&addresses, Encoding::Bcd, false)), expected);
        let json = listening(&addresses, Encoding::Ascii, true);
        assert_eq!(json, "{\"addresses\":[\"127.0.0.1:7460\",\"[::1]:7460\"],\"encoding\":\"ascii\"}\n");
    }
}
