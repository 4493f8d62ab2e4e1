//! The pages for machines that watch the daemon.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use super::{Daemon, frames::silent};

/// Where metrics and probes are served.
pub(crate) fn metrics_address(daemon: &Daemon) -> &str {
    daemon.metrics.trim_start_matches("http://").trim_end_matches("/metrics")
}

/// A connection on which a page is asked for.
pub(crate) fn ask(daemon: &Daemon, path: &str) -> TcpStream {
    let address = metrics_address(daemon);
    let mut stream = silent(address);
    // What never comes should fail the test rather than hang it.
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket can be waited for");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("the request is sent");
    stream
}

/// Status line and body.
pub(crate) fn get(daemon: &Daemon, path: &str) -> (String, String) {
    answer(ask(daemon, path))
}

pub(crate) fn answer(mut stream: TcpStream) -> (String, String) {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the answer is text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("head and body");
    (head.lines().next().expect("a status line").to_owned(), body.to_owned())
}
