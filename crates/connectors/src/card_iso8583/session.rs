//! One connection of a line, from sign-on to sign-off.

use std::{collections::VecDeque, io, sync::Arc};

use domain::{CardMessage, Timestamp};
use iso8583::{
    Class, Function, Message, Mti, decode,
    field::{self, NetworkCode, ResponseCode, Stan},
    frame::Deframer,
    wipe,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf},
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use super::{
    Clock, LineSettings,
    messages::{Frame, network, network_response},
    settings::millis,
};

/// What a session reads at once, in bytes.
const READ_BYTES: usize = 4_096;
/// Frames that wait to be written: one of ours, and answers to a network that asks faster than it reads.
const FRAMES_MAX: usize = 64;

/// A connection, secured or not.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// What the connector wants written.
pub(crate) struct Outgoing {
    pub(crate) message: Box<CardMessage>,
    /// It is not begun at or after this moment.
    pub(crate) not_after: Option<Timestamp>,
    pub(crate) frame: Frame,
}

/// What a session tells of.
pub(crate) enum Report {
    /// Came in, and is not about the line.
    Received(Message),
    /// Was handed in, and not a byte of it was written.
    Unsent(Box<CardMessage>),
}

/// Where a session tells it.
pub(crate) trait Reports: Send {
    fn report(&self, report: Report) -> impl Future<Output = ()> + Send;
}

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    #[error("signed off")]
    SignedOff,
    #[error("the network signed off")]
    NetworkSignedOff,
    #[error("the network closed it")]
    Closed,
    #[error("the network says no to {0}")]
    Refused(&'static str),
    #[error("what was received is no message: {0}")]
    Garbage(Box<str>),
    #[error("{0} took too long")]
    Late(&'static str),
    #[error("the network reads too little")]
    Flooded,
    #[error("cannot connect, read or write: {0}")]
    Io(#[from] io::Error),
}

pub(crate) struct Session<C> {
    settings: Arc<LineSettings>,
    clock: Arc<C>,
    reader: ReadHalf<Box<dyn Wire>>,
    buffer: Box<[u8; READ_BYTES]>,
    deframer: Deframer,
    writer: Writer,
    last_heard: Instant,
    stan: Stan,
    asked: Option<Asked>,
}

/// A message of ours about the line that waits for its answer.
#[derive(Clone, Copy)]
struct Asked {
    stan: Stan,
    what: &'static str,
    until: Instant,
}

enum Step {
    /// Messages, and that what follows them is garbage.
    Received(Vec<Message>, Result<(), End>),
    /// `None` once nothing more will be handed in.
    HandedIn(Option<Outgoing>),
    Written,
    DeadlinePassed,
}

impl<C: Clock> Session<C> {
    pub(crate) fn new(settings: Arc<LineSettings>, clock: Arc<C>, wire: Box<dyn Wire>) -> Self {
        let (reader, half) = tokio::io::split(wire);
        let deframer = Deframer::new(settings.message_bytes_max);
        let writer = Writer { half, frames: VecDeque::new(), written: 0, since: Instant::now() };
        let stan = Stan::new(1).expect("one has six digits");
        let (buffer, last_heard) = (Box::new([0; READ_BYTES]), Instant::now());
        Self { settings, clock, reader, buffer, deframer, writer, last_heard, stan, asked: None }
    }

    /// Signs on. What else comes in meanwhile is told.
    pub(crate) async fn sign_on(&mut self, reports: &impl Reports) -> Result<(), End> {
        self.ask(NetworkCode::SIGN_ON, "a sign-on", self.settings.time_outs.sign_on_ms)?;
        self.until_answered(reports).await
    }

    /// Writes what is handed in, tells what comes in, and tests the line where it is silent, until one side is done with it.
    pub(crate) async fn serve(&mut self, handed_in: &mut mpsc::Receiver<Outgoing>, reports: &impl Reports) -> End {
        loop {
            let step = match self.step(Some(&mut *handed_in)).await {
                Ok(step) => step,
                Err(end) => return end,
            };
            let done = match step {
                Step::Received(messages, rest) => self.received(messages, reports).await.and(rest),
                Step::HandedIn(Some(outgoing)) => self.hand_in(outgoing, reports).await,
                Step::HandedIn(None) => return self.sign_off(reports).await.err().unwrap_or(End::SignedOff),
                Step::Written => Ok(()),
                Step::DeadlinePassed => self.deadline_passed(),
            };
            if let Err(end) = done {
                if matches!(end, End::NetworkSignedOff) {
                    self.write_out().await;
                }
                return end;
            }
        }
    }

    /// Writes what waits to be written, as far as there is time: the last word to a network that leaves.
    async fn write_out(&mut self) {
        let written = async {
            while !self.writer.frames.is_empty() {
                self.writer.write().await?;
            }
            self.writer.half.shutdown().await
        };
        let _left = timeout(millis(self.settings.time_outs.write_ms), written).await;
    }

    async fn sign_off(&mut self, reports: &impl Reports) -> Result<(), End> {
        self.ask(NetworkCode::SIGN_OFF, "a sign-off", self.settings.time_outs.sign_on_ms)?;
        self.until_answered(reports).await?;
        Ok(self.writer.half.shutdown().await?)
    }

    async fn until_answered(&mut self, reports: &impl Reports) -> Result<(), End> {
        while self.asked.is_some() {
            match self.step(None).await? {
                Step::Received(messages, rest) => self.received(messages, reports).await.and(rest)?,
                Step::HandedIn(_) | Step::Written => {}
                Step::DeadlinePassed => self.deadline_passed()?,
            }
        }
        Ok(())
    }

    /// The next thing that happens. Nothing is lost where another is waited for afterwards.
    async fn step(&mut self, handed_in: Option<&mut mpsc::Receiver<Outgoing>>) -> Result<Step, End> {
        let (deadline, is_idle) = (self.deadline(), self.writer.frames.is_empty());
        let handed_in = async {
            match handed_in {
                Some(handed_in) if is_idle => handed_in.recv().await,
                Some(_) | None => std::future::pending().await,
            }
        };
        tokio::select! {
            read = self.reader.read(self.buffer.as_mut_slice()) => {
                let length = read?;
                if length == 0 {
                    return Err(End::Closed);
                }
                self.last_heard = Instant::now();
                let (messages, rest) = self.cut(length);
                Ok(Step::Received(messages, rest))
            }
            written = self.writer.write(), if !is_idle => {
                written?;
                Ok(Step::Written)
            }
            outgoing = handed_in => Ok(Step::HandedIn(outgoing)),
            () = sleep_until(deadline) => Ok(Step::DeadlinePassed),
        }
    }

    /// The messages that what was read completes.
    fn cut(&mut self, length: usize) -> (Vec<Message>, Result<(), End>) {
        let mut messages = Vec::new();
        let mut rest = self.buffer.get(..length).unwrap_or_default();
        let spec = self.settings.encoding.spec();
        let result = loop {
            match self.deframer.next(&mut rest) {
                Ok(None) => break Ok(()),
                Ok(Some(bytes)) => match decode(spec, bytes) {
                    Ok(message) => messages.push(message),
                    Err(error) => break Err(End::Garbage(error.to_string().into())),
                },
                Err(error) => break Err(End::Garbage(error.to_string().into())),
            }
        };
        wipe(self.buffer.as_mut_slice());
        (messages, result)
    }

    async fn received(&mut self, messages: Vec<Message>, reports: &impl Reports) -> Result<(), End> {
        let mut result = Ok(());
        // What ends a line takes no answer with it that came along.
        for message in messages {
            let done = match (message.mti().class(), message.mti().function()) {
                (Class::NetworkManagement, Function::Request) => self.network_asks(&message),
                (Class::NetworkManagement, Function::Response) => self.network_answers(&message),
                _ => {
                    reports.report(Report::Received(message)).await;
                    Ok(())
                }
            };
            result = result.and(done);
        }
        result
    }

    fn network_asks(&mut self, request: &Message) -> Result<(), End> {
        let Some(response) = network_response(request) else { return Ok(()) };
        self.put(&response)?;
        match request.read(field::NETWORK_CODE) {
            Ok(Some(NetworkCode::SIGN_OFF)) => Err(End::NetworkSignedOff),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn network_answers(&mut self, response: &Message) -> Result<(), End> {
        let stan = response.read(field::STAN).ok().flatten();
        let Some(asked) = self.asked.take_if(|asked| Some(asked.stan) == stan) else { return Ok(()) };
        match response.read(field::RESPONSE_CODE) {
            Ok(Some(ResponseCode::APPROVED)) => Ok(()),
            Ok(_) | Err(_) => Err(End::Refused(asked.what)),
        }
    }

    /// Begins to write it, unless it is too late for that.
    async fn hand_in(&mut self, outgoing: Outgoing, reports: &impl Reports) -> Result<(), End> {
        let Outgoing { message, not_after, frame } = outgoing;
        if not_after.is_some_and(|not_after| not_after <= self.clock.now()) {
            reports.report(Report::Unsent(message)).await;
            return Ok(());
        }
        self.writer.put(frame)
    }

    fn ask(&mut self, code: NetworkCode, what: &'static str, answer_ms: u32) -> Result<(), End> {
        self.stan = self.stan.next();
        let until = Instant::now() + millis(answer_ms);
        self.asked = Some(Asked { stan: self.stan, what, until });
        self.put(&network(Mti::NETWORK_REQUEST, self.clock.now(), self.stan, code))
    }

    fn put(&mut self, message: &Message) -> Result<(), End> {
        let frame = Frame::new(self.settings.encoding.spec(), message).map_err(io::Error::other)?;
        self.writer.put(frame)
    }

    /// By when something must have happened, or must be done.
    fn deadline(&self) -> Instant {
        let written = (!self.writer.frames.is_empty()).then(|| self.write_by());
        let answered = self.asked.map_or_else(|| self.last_heard + self.idle(), |asked| asked.until);
        written.map_or(answered, |written| written.min(answered))
    }

    fn deadline_passed(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if !self.writer.frames.is_empty() && self.write_by() <= now {
            return Err(End::Late("writing a message"));
        }
        match self.asked {
            Some(asked) if asked.until <= now => Err(End::Late(asked.what)),
            None if self.last_heard + self.idle() <= now => {
                self.ask(NetworkCode::ECHO, "an echo test", self.settings.time_outs.echo_ms)
            }
            Some(_) | None => Ok(()),
        }
    }

    fn write_by(&self) -> Instant {
        self.writer.since + millis(self.settings.time_outs.write_ms)
    }

    fn idle(&self) -> std::time::Duration {
        millis(self.settings.time_outs.idle_ms)
    }
}

/// Frames on their way out.
struct Writer {
    half: WriteHalf<Box<dyn Wire>>,
    frames: VecDeque<Frame>,
    /// Of the first.
    written: usize,
    /// When the first became the first.
    since: Instant,
}

impl Writer {
    fn put(&mut self, frame: Frame) -> Result<(), End> {
        if self.frames.len() >= FRAMES_MAX {
            return Err(End::Flooded);
        }
        if self.frames.is_empty() {
            self.since = Instant::now();
        }
        self.frames.push_back(frame);
        Ok(())
    }

    /// Writes the first frame to its end. Where it is dropped before, another call goes on from there.
    async fn write(&mut self) -> io::Result<()> {
        while let Some(rest) = self.frames.front().map(|frame| frame.rest(self.written)) {
            if rest.is_empty() {
                self.half.flush().await?;
                self.frames.pop_front();
                (self.written, self.since) = (0, Instant::now());
                return Ok(());
            }
            match self.half.write(rest).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                length => self.written = self.written.saturating_add(length),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
