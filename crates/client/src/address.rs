//! Where a daemon listens.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use tonic::transport::{Endpoint, Uri};

/// The address of a daemon's listener, as `http://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    // Invariant: scheme http, a host and a port, and nothing after them.
    uri: Arc<Uri>,
}

impl Address {
    /// Host and port, as `host:port`.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }

    /// Whether what is sent there stays on this machine, as far as the name tells: a loopback address, or `localhost`.
    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.uri.host().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::from(Uri::clone(&self.uri))
    }
}

/// Reads `http://host:port` or `host:port`.
impl FromStr for Address {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = full.parse().map_err(|_| InvalidAddress::Malformed)?;
        if uri.scheme_str() != Some("http") {
            return Err(InvalidAddress::NotHttp);
        }
        let bare = uri.path() == "/" && uri.query().is_none();
        let named = uri.host().is_some_and(|host| !host.is_empty()) && !full.contains('@');
        if !bare || !named || uri.port_u16().is_none() {
            return Err(InvalidAddress::Malformed);
        }
        Ok(Self { uri: Arc::new(uri) })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.uri.to_string();
        f.write_str(text.trim_end_matches('/'))
    }
}

/// Why a text is not the address of a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// Something other than host and port.
    #[error("an address is host:port or http://host:port")]
    Malformed,
    /// Another scheme than http.
    #[error("only http:// is spoken here; put a proxy that ends TLS in front of a daemon that is far away")]
    NotHttp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_enough() {
        for text in ["127.0.0.1:7450", "http://127.0.0.1:7450", "http://127.0.0.1:7450/"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), "http://127.0.0.1:7450", "{text}");
        }
        assert_eq!("127.0.0.1:7450".parse::<Address>().unwrap().authority(), "127.0.0.1:7450");
        assert_eq!("[::1]:7450".parse::<Address>().unwrap().to_string(), "http://[::1]:7450");
    }

    #[test]
    fn only_loopback_stays_on_this_machine() {
        for (text, stays) in [
            ("127.0.0.1:7450", true),
            ("127.9.9.9:1", true),
            ("[::1]:7450", true),
            ("localhost:7450", true),
            ("http://LOCALHOST:7450", true),
            ("0.0.0.0:7450", false),
            ("10.0.0.1:7450", false),
            ("[2001:db8::1]:7450", false),
            ("localhost.example:7450", false),
            ("127.0.0.1.example:7450", false),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().is_loopback(), stays, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "localhost", ":7450", "http://h:1/path", "h:1?q", "a b:1", "h:99999", "user@h:1"] {
            assert_eq!(text.parse::<Address>(), Err(InvalidAddress::Malformed), "{text}");
        }
        assert_eq!("https://h:1".parse::<Address>(), Err(InvalidAddress::NotHttp));
    }
}
