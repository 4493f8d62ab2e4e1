//! What one network's lines are like. Every limit has its name and unit here.

use std::{fmt, time::Duration};

use iso8583::{
    Spec,
    field::{AcceptorName, InstitutionId, TerminalId},
};

use super::{BackOff, Tls};

/// The most lines to one network.
pub const LINES_MAX: u8 = 16;
/// The most requests without an answer on one line.
const WINDOW_MAX: u16 = 4_096;
/// Of the place in DE 43, in characters: what is left is for the merchant's name.
const PLACE_CHARS_MAX: usize = 15;

/// One network's lines.
#[derive(Clone, Debug)]
pub struct LineSettings {
    /// Where the network listens; each line tries them in order, from the first again after the last.
    pub hosts: Vec<Host>,
    /// Lines that are kept up, 1 to [`LINES_MAX`].
    pub lines: u8,
    /// How messages are written.
    pub encoding: Encoding,
    /// The longest message that is taken, in bytes; a longer one is garbage.
    pub message_bytes_max: u16,
    /// Who accepts the cards.
    pub acceptor: Acceptor,
    /// Requests and advices without an answer on one line.
    pub window: u16,
    /// Advices without an answer on all lines.
    pub advices_in_flight_max: u16,
    /// Waits of a line between two rounds through its hosts.
    pub reconnect: BackOff,
    /// Waits between two sendings of an advice, beside [`TimeOuts::advice_answer_ms`].
    pub repeat: BackOff,
    /// Waits before the switch is told again what it could not hear.
    pub tell: BackOff,
    /// How long what may take.
    pub time_outs: TimeOuts,
    /// Speaks TLS; `None` where the network's line is secured below.
    pub tls: Option<Tls>,
}

/// Where a network listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name, or its address as text. With TLS its certificate must be for it.
    pub name: String,
    /// Its TCP port.
    pub port: u16,
}

/// As `name:port`; an address of IPv6 in brackets.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, port } = self;
        if name.contains(':') { write!(f, "[{name}]:{port}") } else { write!(f, "{name}:{port}") }
    }
}

/// Who accepts the cards, in the network's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptor {
    /// DE 32.
    pub acquirer: InstitutionId,
    /// DE 41.
    pub terminal: TerminalId,
    /// DE 18, four digits.
    pub category: String,
    /// The end of DE 43: city and country, as the network wants them.
    pub place: String,
}

/// How messages are written: one of the published specs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// [`Spec::ASCII`].
    Ascii,
    /// [`Spec::EBCDIC`].
    Ebcdic,
    /// [`Spec::BCD`].
    Bcd,
}

impl Encoding {
    /// The spec.
    #[must_use]
    pub fn spec(self) -> &'static Spec {
        match self {
            Self::Ascii => &Spec::ASCII,
            Self::Ebcdic => &Spec::EBCDIC,
            Self::Bcd => &Spec::BCD,
        }
    }
}

/// How long what may take, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOuts {
    /// To connect, name look-up and TLS included.
    pub connect_ms: u32,
    /// Until a sign-on is answered.
    pub sign_on_ms: u32,
    /// Without a message from the network, until an echo test.
    pub idle_ms: u32,
    /// Until an echo test is answered.
    pub echo_ms: u32,
    /// Until a message is written: a line whose network reads nothing is closed.
    pub write_ms: u32,
    /// A request waits so long for a place in a window, then it was not sent.
    pub window_wait_ms: u32,
    /// A request with less time than this left for its answer is not sent: its reversal could overtake it on another line.
    /// So it is not shorter than [`Self::write_ms`].
    pub answer_ms_min: u32,
    /// After the end of its time a request is remembered so long, to know a late answer.
    pub forget_ms: u32,
    /// Until an advice without an answer is as good as not taken.
    pub advice_answer_ms: u32,
    /// For signing off and handing over what was answered, at the end.
    pub drain_ms: u32,
}

impl TimeOuts {
    /// What suits a network that is not said to need others.
    pub const DEFAULT: Self = Self {
        connect_ms: 5_000,
        sign_on_ms: 10_000,
        idle_ms: 60_000,
        echo_ms: 10_000,
        write_ms: 2_000,
        window_wait_ms: 1_000,
        answer_ms_min: 2_000,
        forget_ms: 120_000,
        advice_answer_ms: 20_000,
        drain_ms: 5_000,
    };
}

impl LineSettings {
    /// Lines that are kept up where nothing else is said.
    pub const LINES: u8 = 2;
    /// Longest message in bytes, where nothing else is said.
    pub const MESSAGE_BYTES: u16 = 4_096;
    /// Requests without an answer on one line, where nothing else is said.
    pub const WINDOW: u16 = 64;
    /// Advices without an answer, where nothing else is said.
    pub const ADVICES_IN_FLIGHT: u16 = 16;
    /// Waits of a line between two rounds through its hosts, where nothing else is said.
    pub const RECONNECT: BackOff = BackOff { min_ms: 500, max_ms: 60_000 };
    /// Waits between two sendings of an advice, where nothing else is said.
    pub const REPEAT: BackOff = BackOff { min_ms: 5_000, max_ms: 600_000 };
    /// Waits before the switch is told again, where nothing else is said.
    pub const TELL: BackOff = BackOff { min_ms: 50, max_ms: 5_000 };
    /// DE 18 where nothing else is said: miscellaneous shops (ISO 18245).
    pub const CATEGORY: &'static str = "5999";

    /// Lines to these hosts, with everything else as it is where nothing else is said.
    #[must_use]
    pub fn new(hosts: Vec<Host>, encoding: Encoding, acceptor: Acceptor) -> Self {
        Self {
            hosts,
            lines: Self::LINES,
            encoding,
            message_bytes_max: Self::MESSAGE_BYTES,
            acceptor,
            window: Self::WINDOW,
            advices_in_flight_max: Self::ADVICES_IN_FLIGHT,
            reconnect: Self::RECONNECT,
            repeat: Self::REPEAT,
            tell: Self::TELL,
            time_outs: TimeOuts::DEFAULT,
            tls: None,
        }
    }

    /// Whether a line can have them.
    ///
    /// # Errors
    /// [`InvalidSettings`] names the first that none can have.
    pub fn check(&self) -> Result<(), InvalidSettings> {
        let wrong = |setting, expected| Err(InvalidSettings { setting, expected });
        if self.hosts.is_empty() || self.hosts.iter().any(|host| host.name.is_empty() || host.port == 0) {
            return wrong("hosts", "at least one, each with a name and a port");
        }
        if !(1..=LINES_MAX).contains(&self.lines) {
            return wrong("lines", "1 to 16");
        }
        if !(1..=WINDOW_MAX).contains(&self.window) {
            return wrong("window", "1 to 4096");
        }
        if self.advices_in_flight_max == 0 {
            return wrong("advices_in_flight_max", "at least 1");
        }
        if self.message_bytes_max < 512 {
            return wrong("message_bytes_max", "at least 512");
        }
        let category = self.acceptor.category.as_bytes();
        if category.len() != 4 || !category.iter().all(u8::is_ascii_digit) {
            return wrong("category", "four digits");
        }
        let place = &self.acceptor.place;
        if place.is_empty() || place.len() > PLACE_CHARS_MAX || AcceptorName::new(place).is_none() {
            return wrong("place", "1 to 15 printable ASCII characters");
        }
        self.check_waits()
    }

    fn check_waits(&self) -> Result<(), InvalidSettings> {
        let wrong = |setting, expected| Err(InvalidSettings { setting, expected });
        let times = &self.time_outs;
        let (reconnect, repeat, tell) = (self.reconnect, self.repeat, self.tell);
        let waits = [
            ("reconnect_ms_min", reconnect.min_ms),
            ("repeat_ms_min", repeat.min_ms),
            ("tell_ms_min", tell.min_ms),
            ("connect_ms", times.connect_ms),
            ("sign_on_ms", times.sign_on_ms),
            ("idle_ms", times.idle_ms),
            ("echo_ms", times.echo_ms),
            ("write_ms", times.write_ms),
            ("advice_answer_ms", times.advice_answer_ms),
        ];
        if let Some((setting, _)) = waits.into_iter().find(|(_, wait_ms)| *wait_ms == 0) {
            return wrong(setting, "at least 1 ms");
        }
        for (setting, back_off, expected) in [
            ("reconnect_ms_max", reconnect, "not shorter than reconnect_ms_min"),
            ("repeat_ms_max", repeat, "not shorter than repeat_ms_min"),
            ("tell_ms_max", tell, "not shorter than tell_ms_min"),
        ] {
            if back_off.min_ms > back_off.max_ms {
                return wrong(setting, expected);
            }
        }
        if times.answer_ms_min < times.write_ms {
            return wrong(
                "answer_ms_min",
                "not shorter than a message may take to be written, which is 2000 in a daemon",
            );
        }
        Ok(())
    }
}

/// Settings that no line can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} must be {expected}")]
pub struct InvalidSettings {
    /// Which, by the name of its key in a daemon's configuration where it has one.
    pub setting: &'static str,
    /// What it must be.
    pub expected: &'static str,
}

pub(crate) fn millis(count: u32) -> Duration {
    Duration::from_millis(u64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_told_as_it_is_configured() {
        let told = |name: &str| Host { name: name.to_owned(), port: 7_000 }.to_string();
        assert_eq!(
            (told("network.example"), told("::1")),
            ("network.example:7000".to_owned(), "[::1]:7000".to_owned())
        );
    }

    #[test]
    fn what_no_line_can_have_is_refused() {
        let acceptor = Acceptor {
            acquirer: InstitutionId::new(47_110_815).unwrap(),
            terminal: TerminalId::new("SWITCH01").unwrap(),
            category: LineSettings::CATEGORY.to_owned(),
            place: "SHANGHAI     CN".to_owned(),
        };
        let host = Host { name: "network.example".to_owned(), port: 7_000 };
        let fine = LineSettings::new(vec![host], Encoding::Bcd, acceptor);
        assert_eq!(fine.check(), Ok(()));
        type Spoil = fn(&mut LineSettings);
        let table: [(&str, Spoil); 21] = [
            ("hosts", |settings| settings.hosts.clear()),
            ("hosts", |settings| settings.hosts.iter_mut().for_each(|host| host.port = 0)),
            ("lines", |settings| settings.lines = 0),
            ("lines", |settings| settings.lines = LINES_MAX + 1),
            ("window", |settings| settings.window = 0),
            ("advices_in_flight_max", |settings| settings.advices_in_flight_max = 0),
            ("message_bytes_max", |settings| settings.message_bytes_max = 100),
            ("category", |settings| settings.acceptor.category = "59a9".to_owned()),
            ("place", |settings| settings.acceptor.place = "Zürich CH".to_owned()),
            ("place", |settings| settings.acceptor.place = "SIXTEENLETTERSXX".to_owned()),
            ("reconnect_ms_min", |settings| settings.reconnect.min_ms = 0),
            ("reconnect_ms_max", |settings| settings.reconnect.max_ms = 0),
            ("repeat_ms_max", |settings| settings.repeat.min_ms = settings.repeat.max_ms + 1),
            ("tell_ms_max", |settings| settings.tell.max_ms = 0),
            ("connect_ms", |settings| settings.time_outs.connect_ms = 0),
            ("sign_on_ms", |settings| settings.time_outs.sign_on_ms = 0),
            ("idle_ms", |settings| settings.time_outs.idle_ms = 0),
            ("echo_ms", |settings| settings.time_outs.echo_ms = 0),
            ("write_ms", |settings| settings.time_outs.write_ms = 0),
            ("advice_answer_ms", |settings| settings.time_outs.advice_answer_ms = 0),
            ("answer_ms_min", |settings| settings.time_outs.answer_ms_min = 1_999),
        ];
        for (setting, spoil) in table {
            let mut settings = fine.clone();
            spoil(&mut settings);
            assert_eq!(settings.check().map_err(|error| error.setting), Err(setting));
        }
    }
}
