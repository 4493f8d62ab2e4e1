//! The daemon as the operating system of this machine sees it: CPU time and memory, without a word from the daemon.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use client::Address;
use rustix::param::clock_ticks_per_second;
use serde::Serialize;

/// How often memory is looked at while a load runs.
const EVERY: Duration = Duration::from_millis(100);
/// The state of a listening socket in `/proc/net/tcp`.
const LISTENING: &str = "0A";

/// A process of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ServerProcess {
    pid: u32,
}

/// Resident memory over a run, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resident {
    /// When the load began.
    pub(super) begin: u64,
    /// The most that was seen, ten times a second.
    pub(super) peak: u64,
    /// When it ended.
    pub(super) end: u64,
}

impl ServerProcess {
    /// The process of this number, if there is one.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let process = Self { pid };
        process.cpu().map(|_| process)
    }

    /// The process that listens at this address, if it is one of this machine whose sockets may be looked at.
    pub(super) fn listening_at(address: &Address) -> Option<Self> {
        let address = address.authority().to_socket_addrs().ok()?.next()?;
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
        let inode = tables.iter().find_map(|table| listening_inode(table, address))?;
        let socket = format!("socket:[{inode}]");
        let mut processes = fs::read_dir("/proc").ok()?.flatten();
        processes.find_map(|process| {
            let pid = process.file_name().to_str()?.parse().ok()?;
            holds(&process.path(), &socket).then_some(Self { pid })
        })
    }

    /// CPU time of all its threads so far.
    pub(super) fn cpu(self) -> Option<Duration> {
        parse_stat(&fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?, clock_ticks_per_second())
    }

    fn resident_bytes(self) -> Option<u64> {
        parse_resident(&fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?)
    }
}

/// Whether a process has this socket open.
fn holds(process: &Path, socket: &str) -> bool {
    let Ok(files) = fs::read_dir(process.join("fd")) else { return false };
    files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|open| open.as_os_str() == socket))
}

/// The socket that listens at `address` or, if that is one only this machine has, at all of its port: the fields of
/// proc_net(5) are number, local address, remote address, state, three others, owner, timeout and inode.
fn listening_inode(table: &str, address: SocketAddr) -> Option<&str> {
    table.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        let local = fields.nth(1)?;
        let (ip, port) = local.split_once(':')?;
        let is_listening = fields.nth(1)? == LISTENING && u16::from_str_radix(port, 16).ok()? == address.port();
        let ip = parse_ip(ip)?;
        let is_meant = ip == address.ip() || (ip.is_unspecified() && address.ip().is_loopback());
        if is_listening && is_meant { fields.nth(5) } else { None }
    })
}

/// An address as the kernel writes it: words of four bytes in hexadecimal, each in the order of the machine.
fn parse_ip(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(hex.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    match hex.len() {
        8 => word(0).map(|bytes| Ipv4Addr::from(bytes).into()),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bytes: [u8; 16] = words.concat().try_into().ok()?;
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

/// Time in the program and in the kernel from a line of `/proc/PID/stat`, fields 14 and 15 of proc(5). The name in field 2 may
/// hold spaces and parentheses, so counting begins behind its last one.
fn parse_stat(line: &str, ticks_per_second: u64) -> Option<Duration> {
    let (_, fields) = line.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let program: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    let micros = program.checked_add(kernel)?.checked_mul(1_000_000)?.checked_div(ticks_per_second)?;
    Some(Duration::from_micros(micros))
}

/// Resident memory from `/proc/PID/status`, told there in KiB.
fn parse_resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Looks at the memory of a process until it is asked what it saw.
#[derive(Debug)]
pub(super) struct MemoryWatch {
    process: ServerProcess,
    begin: u64,
    peak: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl MemoryWatch {
    /// Begins to look; `None` when there is nothing to see.
    pub(super) fn start(process: ServerProcess) -> Option<Self> {
        let begin = process.resident_bytes()?;
        let (peak, stop) = (Arc::new(AtomicU64::new(begin)), Arc::<AtomicBool>::default());
        let (seen, stopped) = (Arc::clone(&peak), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                seen.fetch_max(process.resident_bytes().unwrap_or(0), Ordering::Relaxed);
                thread::park_timeout(EVERY);
            }
        });
        Some(Self { process, begin, peak, stop, thread })
    }

    /// What was seen.
    pub(super) fn finish(self) -> Resident {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        let end = self.process.resident_bytes().unwrap_or(0);
        Resident { begin: self.begin, peak: self.peak.load(Ordering::Relaxed).max(end), end }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn time_in_the_program_and_in_the_kernel_is_added() {
        let line = "42 (a (b) c) R 1 42 42 0 -1 4194304 1 0 0 0 250 50 0 0 20 0 1 0 100 0 0";
        assert_eq!(parse_stat(line, 100), Some(Duration::from_secs(3)));
        assert_eq!(parse_stat("nonsense", 100), None);
    }

    #[test]
    fn memory_is_told_in_kib() {
        assert_eq!(parse_resident("VmHWM:\t  9 kB\nVmRSS:\t  12 kB\n"), Some(12_288));
        assert_eq!(parse_resident("VmRSS:\t  12 MB\n"), None);
    }

    #[test]
    fn addresses_are_in_the_order_of_the_machine() {
        let little = |text: &str| if cfg!(target_endian = "little") { parse_ip(text) } else { None };
        assert_eq!(little("0100007F").map(|ip| ip.to_string()).as_deref().unwrap_or("127.0.0.1"), "127.0.0.1");
        assert!(parse_ip("00000000000000000000000000000000").is_some_and(|ip| ip.is_unspecified()));
        assert_eq!(parse_ip("0100"), None);
    }

    #[test]
    fn who_listens_is_found_and_nobody_else() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = |listener: &TcpListener| listener.local_addr().unwrap().to_string().parse::<Address>().unwrap();
        let found = ServerProcess::listening_at(&address(&listener));
        assert_eq!(found, ServerProcess::of(std::process::id()));
        let unspecified = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = unspecified.local_addr().unwrap().port();
        let here: Address = format!("127.0.0.1:{port}").parse().unwrap();
        assert!(ServerProcess::listening_at(&here).is_some());
        let elsewhere: Address = format!("192.0.2.1:{port}").parse().unwrap();
        assert_eq!(ServerProcess::listening_at(&elsewhere), None);
        let gone = address(&listener);
        drop(listener);
        assert_eq!(ServerProcess::listening_at(&gone), None);
    }

    #[test]
    fn memory_that_was_used_is_seen() {
        let this = ServerProcess::of(std::process::id()).unwrap();
        let watch = MemoryWatch::start(this).unwrap();
        let seen = watch.finish();
        assert!(seen.begin > 0 && seen.peak >= seen.begin.max(seen.end));
        assert_eq!(ServerProcess::of(u32::MAX), None);
    }
}
