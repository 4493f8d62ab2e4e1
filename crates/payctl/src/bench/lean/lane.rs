//! One connection of a load: a socket, the calls on it, and those that wait for room.

use std::collections::VecDeque;
use std::future::{self, poll_fn};
use std::io::{self, ErrorKind};
use std::mem;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use client::{Address, Error as CallError};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Sleep, sleep, timeout};

use super::connection::{Connection, Done, Outcome, message};
use super::{Fault, Schedule, Work};
use crate::bench::load::Run;
use crate::bench::tally::Answer;
use crate::error::Error;

/// How long a connection may take to come about and tell its settings.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How long a connection with calls under way, or that wait for room, may be silent before it counts as broken.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// How often a call that was left undone is asked again under its key.
const ATTEMPTS_MAX: u32 = 3;
/// Connections made one after the other without an answer on any.
const CONNECTIONS_IN_VAIN_MAX: u32 = 5;
/// Bytes read at once.
const READ_BYTES: usize = 256 * 1024;
/// Bytes that may wait to be written before no more calls begin.
const UNWRITTEN_BYTES_MAX: usize = 1024 * 1024;

/// A call, and since when its caller waits.
#[derive(Debug)]
struct Asked<C> {
    call: C,
    since: Instant,
    attempts: u32,
}

/// A connection and what it carries.
#[derive(Debug)]
pub(super) struct Lane<W: Work> {
    work: Rc<W>,
    address: Address,
    socket: TcpStream,
    connection: Connection<Asked<W::Call>>,
    streams_max: usize,
    /// Calls for which there was no room yet.
    waiting: VecDeque<Asked<W::Call>>,
    read: Vec<u8>,
    done: Vec<Done<Asked<W::Call>>>,
    message: Vec<u8>,
    in_vain: u32,
    /// When the last answer came, or the first call after there was none.
    heard: Instant,
}

impl<W: Work> Lane<W> {
    /// Connects, and waits for the other side's settings.
    pub(super) async fn connect(work: Rc<W>, address: Address, streams_max: usize) -> Result<Self, Error> {
        let connection = Connection::new(work.routes(), streams_max);
        let (socket, connection) = open(&address, connection).await?;
        Ok(Self {
            work,
            address,
            socket,
            connection,
            streams_max,
            waiting: VecDeque::new(),
            read: vec![0; READ_BYTES],
            done: Vec::new(),
            message: Vec::new(),
            in_vain: 0,
            heard: Instant::now(),
        })
    }

    /// Calls as the schedule says until it is over and all is answered.
    pub(super) async fn drive(
        &mut self,
        run: &Run,
        schedule: &mut Schedule,
        wake: Option<&Notify>,
    ) -> Result<(), Error> {
        let mut now = Instant::now();
        let mut silence = pin!(sleep(SILENCE_MAX));
        loop {
            if self.connection.open() == 0 && self.waiting.is_empty() {
                self.heard = now;
            }
            while let Some((number, since)) = schedule.next(run, now) {
                self.waiting.push_back(Asked { call: self.work.call(number), since, attempts: 0 });
            }
            self.begin_waiting();
            if self.connection.open() == 0 {
                match self.waiting.is_empty() {
                    true if schedule.is_over(run) => return Ok(()),
                    false if self.connection.is_going_away() => {
                        self.connect_again().await?;
                        continue;
                    }
                    true | false => {}
                }
            }
            let end = tokio::select! {
                biased;
                end = exchange(&mut self.socket, &mut self.connection, &mut self.read, &mut self.done) => end,
                () = woken(wake) => Ok(()),
                () = &mut silence => self.silence(silence.as_mut()),
            };
            now = Instant::now();
            self.answer(run, schedule, now);
            match end {
                Ok(()) => {}
                Err(Broken::Fault(fault)) => return Err(does_not_speak(&self.address, &fault)),
                Err(Broken::Ended(why)) => self.take_up_again(run, schedule, &why).await?,
            }
        }
    }

    /// Looks whether the silence has lasted too long, and when to look next.
    fn silence(&self, mut silence: Pin<&mut Sleep>) -> Result<(), Broken> {
        let quiet = self.heard.elapsed();
        if quiet >= SILENCE_MAX && self.connection.open() + self.waiting.len() > 0 {
            return Err(Broken::Ended(format!("no answer within {SILENCE_MAX:?}")));
        }
        silence
            .as_mut()
            .reset(tokio::time::Instant::now() + SILENCE_MAX.saturating_sub(quiet).max(Duration::from_secs(1)));
        Ok(())
    }

    /// Takes in what came while nothing was under way, and connects again if that was the end.
    pub(super) async fn catch_up(&mut self) -> Result<(), Error> {
        loop {
            let news = exchange(&mut self.socket, &mut self.connection, &mut self.read, &mut self.done);
            match timeout(Duration::ZERO, news).await {
                Ok(Ok(())) if !self.connection.is_going_away() => {}
                Ok(Err(Broken::Fault(fault))) => return Err(does_not_speak(&self.address, &fault)),
                Ok(Ok(()) | Err(Broken::Ended(_))) => return self.connect_again().await,
                Err(_nothing_came) => return Ok(()),
            }
        }
    }

    fn begin_waiting(&mut self) {
        while self.connection.has_room() && self.connection.out().len() < UNWRITTEN_BYTES_MAX {
            let Some(asked) = self.waiting.pop_front() else { return };
            self.message.clear();
            let route = self.work.write(&asked.call, &mut self.message);
            self.connection.begin(route, &self.message, asked);
        }
    }

    /// Deals with the calls that ended by this moment: each caller then asks again.
    fn answer(&mut self, run: &Run, schedule: &mut Schedule, now: Instant) {
        if self.done.is_empty() {
            return;
        }
        self.in_vain = 0;
        self.heard = now;
        let mut done = mem::take(&mut self.done);
        for Done { call: asked, outcome } in done.drain(..) {
            let answer = match outcome {
                Outcome::Replied(reply) => {
                    let (answer, repeat) = self.work.check(&asked.call, message(&reply), now);
                    self.connection.reuse(reply);
                    self.count(run, schedule, &asked, answer, now);
                    if let Some(call) = repeat {
                        schedule.repeats();
                        self.waiting.push_back(Asked { call, since: now, attempts: 0 });
                    }
                    continue;
                }
                Outcome::Untouched if asked.attempts < ATTEMPTS_MAX => {
                    self.waiting.push_back(Asked { attempts: asked.attempts + 1, ..asked });
                    continue;
                }
                Outcome::Untouched => Answer::Unanswered("the daemon takes up no calls".to_owned()),
                Outcome::Failed(trailers) => {
                    CallError::from_trailers(&self.address, &trailers.status, &trailers.message, &trailers.details)
                        .into()
                }
                Outcome::Reset(code) => Answer::Unanswered(format!("the daemon cut a call off, HTTP/2 error {code}")),
                Outcome::Malformed(what) => Answer::Wrong(what.to_owned()),
            };
            self.count(run, schedule, &asked, answer, now);
        }
        self.done = done;
    }

    fn count(&self, run: &Run, schedule: &mut Schedule, asked: &Asked<W::Call>, answer: Answer, now: Instant) {
        run.record(W::kind(&asked.call), now.saturating_duration_since(asked.since), answer);
        schedule.answered();
    }

    /// After the end of the connection. What it left undone is asked again under the same keys if the daemon had said
    /// that it would end; else nobody knows why, and it counts as unanswered.
    async fn take_up_again(&mut self, run: &Run, schedule: &mut Schedule, why: &str) -> Result<(), Error> {
        let was_going_away = self.connection.is_going_away();
        let (undone, connected) = self.reconnect().await;
        let now = Instant::now();
        for asked in undone {
            if was_going_away && asked.attempts < ATTEMPTS_MAX {
                self.waiting.push_back(Asked { attempts: asked.attempts + 1, ..asked });
            } else {
                self.count(run, schedule, &asked, Answer::Unanswered(why.to_owned()), now);
            }
        }
        connected
    }

    async fn connect_again(&mut self) -> Result<(), Error> {
        let (undone, connected) = self.reconnect().await;
        assert!(undone.is_empty(), "a connection with calls under way is not given up");
        connected
    }

    /// A new connection in place of the old one, and the calls that were under way there.
    async fn reconnect(&mut self) -> (Vec<Asked<W::Call>>, Result<(), Error>) {
        let undone = self.connection.abandon();
        self.in_vain += 1;
        if self.in_vain > CONNECTIONS_IN_VAIN_MAX {
            let why = format!("{} ended {CONNECTIONS_IN_VAIN_MAX} connections without an answer on any", self.address);
            return (undone, Err(Error::Reply(why)));
        }
        let fresh = Connection::new(self.work.routes(), self.streams_max);
        let connected = open(&self.address, fresh).await.map(|(socket, connection)| {
            (self.socket, self.connection) = (socket, connection);
        });
        (undone, connected)
    }
}

/// When the pacer wakes this lane; a closed loop has none.
async fn woken(wake: Option<&Notify>) {
    match wake {
        Some(wake) => wake.notified().await,
        None => future::pending().await,
    }
}

/// Why a connection cannot be used any more.
#[derive(Debug)]
enum Broken {
    Ended(String),
    Fault(Fault),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Ended(format!("the connection broke: {error}"))
    }
}

/// Connects and exchanges settings.
async fn open<C>(address: &Address, mut connection: Connection<C>) -> Result<(TcpStream, Connection<C>), Error> {
    let opening = async {
        let mut socket =
            TcpStream::connect(address.authority()).await.map_err(|error| Broken::Ended(error.to_string()))?;
        socket.set_nodelay(true)?;
        let (mut read, mut done) = (vec![0; READ_BYTES], Vec::new());
        while !connection.is_settled() {
            exchange(&mut socket, &mut connection, &mut read, &mut done).await?;
        }
        Ok(socket)
    };
    let late = |_| Err(Broken::Ended(format!("nothing heard within {CONNECT_WAIT:?}")));
    match timeout(CONNECT_WAIT, opening).await.unwrap_or_else(late) {
        Ok(socket) => Ok((socket, connection)),
        Err(Broken::Fault(fault)) => Err(does_not_speak(address, &fault)),
        Err(Broken::Ended(why)) => Err(CallError::Unreachable { address: address.clone(), source: why.into() }.into()),
    }
}

fn does_not_speak(address: &Address, fault: &Fault) -> Error {
    Error::Reply(format!("{address} does not speak HTTP/2 as it must: {fault}"))
}

/// Writes what is to be written and reads what there is, once there is something.
async fn exchange<C>(
    socket: &mut TcpStream,
    connection: &mut Connection<C>,
    read: &mut [u8],
    done: &mut Vec<Done<C>>,
) -> Result<(), Broken> {
    let mut buffer = ReadBuf::new(read);
    poll_fn(|context| poll_exchange(socket, connection.out(), &mut buffer, context)).await?;
    if buffer.filled().is_empty() {
        return Err(Broken::Ended("the daemon ended the connection".to_owned()));
    }
    connection.receive(buffer.filled(), done).map_err(|fault| match fault {
        Fault::CutOff(_) => Broken::Ended(fault.to_string()),
        Fault::Unexpected(_) | Fault::Header(_) | Fault::FrameTooLarge(_) | Fault::ReplyTooLarge(_) => {
            Broken::Fault(fault)
        }
    })
}

/// Ready when something was read, or the end. A read that does not fill the buffer is known to have taken all there was, so
/// none follows it in vain.
fn poll_exchange(
    socket: &mut TcpStream,
    out: &mut Vec<u8>,
    buffer: &mut ReadBuf<'_>,
    context: &mut Context<'_>,
) -> Poll<Result<(), Broken>> {
    while !out.is_empty() {
        match socket.poll_write_ready(context)? {
            Poll::Ready(()) => write(socket, out)?,
            Poll::Pending => break,
        }
    }
    ready!(Pin::new(socket).poll_read(context, buffer))?;
    Poll::Ready(Ok(()))
}

/// Writes as much as the socket takes.
fn write(socket: &TcpStream, out: &mut Vec<u8>) -> Result<(), Broken> {
    let mut written = 0;
    let result = loop {
        let Some(rest) = out.get(written..).filter(|rest| !rest.is_empty()) else { break Ok(()) };
        match socket.try_write(rest) {
            Ok(bytes) => written += bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(()),
            Err(error) => break Err(error.into()),
        }
    };
    out.drain(..written);
    result
}
