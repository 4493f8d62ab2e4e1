//! Foreign cards: where their numbers are kept, and how their network is reached.

use std::path::PathBuf;

use connectors::card_iso8583::{Acceptor, BackOff, Encoding, Host, LineSettings, TimeOuts, Tls};
use iso8583::field::{InstitutionId, TerminalId};
use serde::{Deserialize, Serialize};

use crate::start::StartError;

/// Where card numbers are kept, and how their network is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cards {
    /// The vault's file; its directory is made, and is the daemon's alone.
    pub(crate) vault: Option<PathBuf>,
    /// What the vault is sealed under; the first seals a new one.
    #[serde(default)]
    pub(crate) vault_keys: Vec<VaultKey>,
    /// Where cards are asked for. A sandbox plays a network of its own unless there is one here.
    pub(crate) network: Option<CardNetwork>,
}

/// A key that seals card numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VaultKey {
    pub(crate) id: u32,
    pub(crate) file: PathBuf,
}

/// The lines to a card network. What is left out is as [`LineSettings`] has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CardNetwork {
    /// `name:port`, in the order in which each line tries them.
    pub(crate) hosts: Vec<String>,
    pub(crate) encoding: EncodingName,
    /// Our number at the network: DE 32.
    pub(crate) acquirer: u64,
    /// DE 41.
    pub(crate) terminal: String,
    /// City and country as the network wants them: the end of DE 43.
    pub(crate) place: String,
    /// DE 18.
    pub(crate) category: Option<String>,
    /// A PEM file with the roots that the network's certificate may be signed by; without it lines are plain text.
    pub(crate) tls_roots: Option<PathBuf>,
    pub(crate) lines: Option<u8>,
    pub(crate) window: Option<u16>,
    pub(crate) advices_in_flight_max: Option<u16>,
    pub(crate) reconnect_ms_min: Option<u32>,
    pub(crate) reconnect_ms_max: Option<u32>,
    pub(crate) repeat_ms_min: Option<u32>,
    pub(crate) repeat_ms_max: Option<u32>,
    pub(crate) connect_ms: Option<u32>,
    pub(crate) sign_on_ms: Option<u32>,
    pub(crate) idle_ms: Option<u32>,
    pub(crate) echo_ms: Option<u32>,
    pub(crate) window_wait_ms: Option<u32>,
    pub(crate) answer_ms_min: Option<u32>,
    pub(crate) advice_answer_ms: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EncodingName {
    Ascii,
    Ebcdic,
    Bcd,
}

impl From<EncodingName> for Encoding {
    fn from(name: EncodingName) -> Self {
        match name {
            EncodingName::Ascii => Self::Ascii,
            EncodingName::Ebcdic => Self::Ebcdic,
            EncodingName::Bcd => Self::Bcd,
        }
    }
}

impl CardNetwork {
    /// The lines that are asked for. Reads the root certificates.
    pub(crate) fn settings(&self) -> Result<LineSettings, StartError> {
        let wrong = |key: &str, why: &str| StartError::Config(format!("cards.network.{key}: {why}"));
        let hosts = self.hosts.iter().map(|host| parse_host(host)).collect::<Option<Vec<_>>>();
        let acceptor = Acceptor {
            acquirer: InstitutionId::new(self.acquirer).ok_or_else(|| wrong("acquirer", "at most eleven digits"))?,
            terminal: TerminalId::new(&self.terminal)
                .ok_or_else(|| wrong("terminal", "eight printable ASCII characters at most"))?,
            category: self.category.clone().unwrap_or_else(|| LineSettings::CATEGORY.to_owned()),
            place: self.place.clone(),
        };
        let hosts = hosts.ok_or_else(|| wrong("hosts", "each is a name, a colon and a port"))?;
        let fallback = LineSettings::new(hosts, self.encoding.into(), acceptor);
        let times = TimeOuts::DEFAULT;
        let settings = LineSettings {
            lines: self.lines.unwrap_or(fallback.lines),
            window: self.window.unwrap_or(fallback.window),
            advices_in_flight_max: self.advices_in_flight_max.unwrap_or(fallback.advices_in_flight_max),
            reconnect: back_off(fallback.reconnect, self.reconnect_ms_min, self.reconnect_ms_max),
            repeat: back_off(fallback.repeat, self.repeat_ms_min, self.repeat_ms_max),
            time_outs: TimeOuts {
                connect_ms: self.connect_ms.unwrap_or(times.connect_ms),
                sign_on_ms: self.sign_on_ms.unwrap_or(times.sign_on_ms),
                idle_ms: self.idle_ms.unwrap_or(times.idle_ms),
                echo_ms: self.echo_ms.unwrap_or(times.echo_ms),
                window_wait_ms: self.window_wait_ms.unwrap_or(times.window_wait_ms),
                answer_ms_min: self.answer_ms_min.unwrap_or(times.answer_ms_min),
                advice_answer_ms: self.advice_answer_ms.unwrap_or(times.advice_answer_ms),
                ..times
            },
            tls: match &self.tls_roots {
                Some(roots) => {
                    Some(Tls::with_roots_of(roots).map_err(|why| wrong("tls_roots", &shard::with_sources(&why)))?)
                }
                None => None,
            },
            ..fallback
        };
        settings.check().map_err(|invalid| wrong(invalid.setting, &format!("must be {}", invalid.expected)))?;
        Ok(settings)
    }
}

fn parse_host(text: &str) -> Option<Host> {
    let (name, port) = text.rsplit_once(':')?;
    // As a URL has it, an address of IPv6 stands in brackets.
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    Some(Host { name: name.to_owned(), port: port.parse().ok()? })
}

fn back_off(fallback: BackOff, min_ms: Option<u32>, max_ms: Option<u32>) -> BackOff {
    BackOff { min_ms: min_ms.unwrap_or(fallback.min_ms), max_ms: max_ms.unwrap_or(fallback.max_ms) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::config::Config;

    /// What no line can have, and what no key is, for each key.
    const BAD: [(&str, &[&str]); 21] = [
        ("hosts", &["[]", "[\"127.0.0.1\"]", "[\":1\"]", "\"127.0.0.1:1\""]),
        ("encoding", &["\"utf8\"", "1"]),
        ("acquirer", &["471108150000", "-1", "\"one\""]),
        ("terminal", &["\"SWITCH001\"", "1"]),
        ("place", &["\"\"", "\"SIXTEENLETTERSXX\"", "\"Zürich CH\"", "1"]),
        ("category", &["\"59a9\"", "5999"]),
        ("tls_roots", &["\"/nowhere/roots.pem\"", "1"]),
        ("lines", &["0", "17", "256", "\"two\""]),
        ("window", &["0", "4097", "65536"]),
        ("advices_in_flight_max", &["0", "65536"]),
        ("reconnect_ms_min", &["0", "60001", "true"]),
        ("reconnect_ms_max", &["0", "499", "true"]),
        ("repeat_ms_min", &["0", "600001", "true"]),
        ("repeat_ms_max", &["0", "4999", "true"]),
        ("connect_ms", &["0", "-1"]),
        ("sign_on_ms", &["0", "-1"]),
        ("idle_ms", &["0", "-1"]),
        ("echo_ms", &["0", "-1"]),
        ("window_wait_ms", &["-1"]),
        ("answer_ms_min", &["0", "1999", "true"]),
        ("advice_answer_ms", &["0", "-1"]),
    ];

    /// The keys of the section as the published file shows them, each with its value.
    fn shown() -> BTreeMap<&'static str, &'static str> {
        let published = include_str!("../../../../config/payswitchd.toml");
        let section = published.lines().skip_while(|line| !line.starts_with("# [cards.network]")).skip(1);
        let keys = section.map_while(|line| line.strip_prefix("# ")?.split_once(" = "));
        let value = |text: &'static str| text.split_once(" #").map_or(text, |(value, _)| value).trim_end();
        keys.map(|(key, text)| (key, value(text))).filter(|(key, _)| *key != "tls_roots").collect()
    }

    fn refused(keys: &BTreeMap<&str, &str>) -> Option<String> {
        let lines = keys.iter().map(|(key, value)| format!("{key} = {value}\n")).collect::<String>();
        let read = Config::of_file(&format!("[cards.network]\n{lines}"));
        read.err().map(|error| error.to_string())
    }

    #[test]
    fn what_is_wrong_with_a_network_is_told_under_the_name_that_the_file_has() {
        let shown = shown();
        assert_eq!(refused(&shown), None);
        for (key, values) in BAD {
            assert!(key == "tls_roots" || shown.contains_key(key), "{key}");
            for value in values {
                let mut spoiled = shown.clone();
                spoiled.insert(key, value);
                let error = refused(&spoiled).unwrap_or_else(|| panic!("{key} = {value} is taken"));
                let names_it = error.contains(&format!("cards.network.{key}: "))
                    || (error.contains("cards.network.") && error.contains(&format!("not shorter than {key}")));
                assert!(names_it, "{key} = {value}: {error}");
            }
        }
        let missed: Vec<_> = shown.keys().filter(|key| BAD.iter().all(|(name, _)| name != *key)).collect();
        assert!(missed.is_empty(), "{missed:?}");
    }
}
