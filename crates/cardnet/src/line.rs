//! One line: what comes in is taken in order, what goes out waits for no other line.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use iso8583::frame::{self, Deframer};
use iso8583::{Message, decode, encode, wipe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{sleep, timeout};

use crate::issuer::{Action, Session};
use crate::network::Shared;

/// What is read of a line at once.
const READ_BYTES: usize = 8 * 1024;
/// What is written to a line at once, in answers.
const WRITE_ANSWERS: usize = 64;

/// What the writing half is told.
enum Outgoing {
    /// Write this.
    Frame(Frame),
    /// Write this behind the next frame.
    BehindNext(Frame),
    /// Write all before it, then close.
    Close,
}

/// A message behind its length, or the beginning of one.
struct Frame {
    bytes: Vec<u8>,
    /// One for each answer that waits. Two that answer the same share it.
    permit: Option<Arc<OwnedSemaphorePermit>>,
}

impl Drop for Frame {
    fn drop(&mut self) {
        wipe(&mut self.bytes);
    }
}

/// Why a line is closed from this end.
#[derive(Debug, thiserror::Error)]
enum Closed {
    #[error("a frame cannot be cut: {0}")]
    Frame(#[from] frame::Error),
    #[error("a frame is no message: {0}")]
    Message(#[from] iso8583::DecodeError),
    #[error("an answer is no message: {0}")]
    Answer(#[from] iso8583::EncodeError),
    #[error("nothing came for too long")]
    Idle,
    #[error("the line failed: {0}")]
    Line(#[from] std::io::Error),
    #[error("an issuer closed it")]
    Issuer,
    #[error("the books cannot be written")]
    Books,
}

/// Answers one line until it ends.
pub(crate) async fn serve(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    // Answers are small, and somebody waits for each.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "cannot turn off the delay of small writes");
    }
    let limits = shared.settings.limits;
    let (read_half, write_half) = stream.into_split();
    // Room for two frames of each permit, as a duplicate has, and for the end.
    let room = limits.in_flight_max.saturating_mul(2).saturating_add(1);
    let (sender, receiver) = mpsc::channel(room);
    let mut reader = Reader {
        shared,
        session: Session::default(),
        sender: sender.clone(),
        permits: Arc::new(Semaphore::new(limits.in_flight_max)),
    };
    let reading = async {
        let ended = tokio::select! {
            ended = reader.read(read_half) => ended,
            () = sender.closed() => Ok(()),
        };
        if let Err(error) = ended {
            tracing::warn!(%peer, %error, "a line is closed");
        }
        // When the writing half is gone already, there is nothing left to close.
        let _ = sender.send(Outgoing::Close).await;
    };
    tokio::join!(reading, write(write_half, receiver, Duration::from_millis(limits.write_ms_max.into())));
}

struct Reader {
    shared: Arc<Shared>,
    session: Session,
    sender: mpsc::Sender<Outgoing>,
    permits: Arc<Semaphore>,
}

impl Reader {
    /// Takes what comes until the other end closes.
    async fn read(&mut self, mut read_half: OwnedReadHalf) -> Result<(), Closed> {
        let limits = self.shared.settings.limits;
        let idle = Duration::from_millis(limits.idle_ms_max.into());
        let mut deframer = Deframer::new(limits.frame_bytes_max);
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let count = timeout(idle, read_half.read(&mut buffer)).await.map_err(|_elapsed| Closed::Idle)??;
            let mut received = buffer.get(..count).unwrap_or_default();
            if received.is_empty() {
                return Ok(());
            }
            while let Some(bytes) = deframer.next(&mut received)? {
                let message = decode(self.shared.settings.spec, bytes)?;
                self.take(&message).await?;
            }
            wipe(&mut buffer);
        }
    }

    async fn take(&mut self, message: &Message) -> Result<(), Closed> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_closed| Closed::Issuer)?;
        let permit = Arc::new(permit);
        for action in self.shared.take(&mut self.session, message).ok_or(Closed::Books)? {
            match action {
                Action::Book(_) => {}
                Action::Answer(answer) => self.send(Outgoing::Frame(self.frame(&answer, &permit)?), 0).await,
                Action::AnswerAfter { delay_ms, answer } => {
                    self.send(Outgoing::Frame(self.frame(&answer, &permit)?), delay_ms).await;
                }
                Action::AnswerBehindNext(answer) => {
                    self.send(Outgoing::BehindNext(self.frame(&answer, &permit)?), 0).await;
                }
                Action::Bytes(bytes) => self.send(Outgoing::Frame(framed(&bytes, &permit)?), 0).await,
                Action::HalfAndClose(answer) => {
                    let mut frame = self.frame(&answer, &permit)?;
                    let half = frame.bytes.len() / 2;
                    wipe(frame.bytes.get_mut(half..).unwrap_or_default());
                    frame.bytes.truncate(half);
                    // Here and not beside the line, which is closed next.
                    sleep(Duration::from_millis(self.shared.settings.delay_ms.into())).await;
                    let _ = self.sender.send(Outgoing::Frame(frame)).await;
                    return Err(Closed::Issuer);
                }
                Action::Close => return Err(Closed::Issuer),
            }
        }
        Ok(())
    }

    fn frame(&self, answer: &Message, permit: &Arc<OwnedSemaphorePermit>) -> Result<Frame, Closed> {
        let mut bytes = encode(self.shared.settings.spec, answer)?;
        let frame = framed(&bytes, permit);
        wipe(&mut bytes);
        frame
    }

    /// Hands a frame to the writing half, once it has waited. A line that has ended wants none.
    async fn send(&self, outgoing: Outgoing, delay_ms: u32) {
        let delay_ms = self.shared.settings.delay_ms.saturating_add(delay_ms);
        if delay_ms == 0 {
            let _ = self.sender.send(outgoing).await;
            return;
        }
        let sender = self.sender.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = sleep(Duration::from_millis(delay_ms.into())) => {
                    let _ = sender.send(outgoing).await;
                }
                () = sender.closed() => {}
            }
        });
    }
}

fn framed(bytes: &[u8], permit: &Arc<OwnedSemaphorePermit>) -> Result<Frame, Closed> {
    let prefix = frame::prefix(bytes.len())?;
    Ok(Frame { bytes: [&prefix, bytes].concat(), permit: Some(Arc::clone(permit)) })
}

/// Writes what it is told until it is told to close, or the other end takes nothing for too long.
async fn write(mut write_half: OwnedWriteHalf, mut receiver: mpsc::Receiver<Outgoing>, write_max: Duration) {
    let mut waiting = Vec::with_capacity(WRITE_ANSWERS);
    let mut behind_next: Option<Frame> = None;
    while receiver.recv_many(&mut waiting, WRITE_ANSWERS).await > 0 {
        let (mut frames, mut closing) = (Vec::new(), false);
        for outgoing in waiting.drain(..) {
            match outgoing {
                Outgoing::Frame(frame) => frames.extend([Some(frame), behind_next.take()].into_iter().flatten()),
                // The one that waits goes behind this, else two of them would wait for each other. The one that waits now
                // may wait for ever, so it gives back its place.
                Outgoing::BehindNext(mut frame) => match behind_next.take() {
                    Some(before) => frames.extend([frame, before]),
                    None => {
                        frame.permit = None;
                        behind_next = Some(frame);
                    }
                },
                Outgoing::Close => closing = true,
            }
        }
        let mut bytes: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes.iter().copied()).collect();
        let written = timeout(write_max, write_half.write_all(&bytes)).await;
        wipe(&mut bytes);
        if closing || !matches!(written, Ok(Ok(()))) {
            break;
        }
    }
}
