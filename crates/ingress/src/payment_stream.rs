//! Payments over one stream.
//!
//! The stream pulls: it reads a request when fewer are under way than may be and the caller has taken the answers before, so that
//! whoever does not read is not read from.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::time::{Instant, Sleep, sleep_until};
use tokio_stream::Stream;
use tonic::{Status, Streaming, metadata::MetadataMap};
use wire::{served::Encoded, v1};

use crate::{
    Switch, errors,
    many::{Many, Told},
};

/// The answers of one stream.
pub(crate) struct PaymentStream {
    switch: Switch,
    many: Many,
    /// `None` when no more are read.
    requests: Option<Streaming<v1::PaymentStreamRequest>>,
    /// What the stream ends with once all is told.
    end: Option<Status>,
    stops: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// The next deadline, as far as it was looked at.
    timer: Pin<Box<Sleep>>,
}

impl PaymentStream {
    pub(crate) fn new(switch: Switch, many: Many, requests: Streaming<v1::PaymentStreamRequest>) -> Self {
        let mut stopping = switch.stopping.clone();
        let stops = Box::pin(async move {
            // An error means that the sender is gone, and with it the daemon.
            let _stopped = stopping.wait_for(|stopping| *stopping).await;
        });
        let timer = Box::pin(sleep_until(Instant::now()));
        Self { switch, many, requests: Some(requests), end: None, stops, timer }
    }

    /// Reads what is there, as far as there is room. Ready with what is told at once.
    fn poll_requests(&mut self, context: &mut Context<'_>) -> Poll<Told> {
        while let Some(requests) = self.requests.as_mut().filter(|_| self.many.has_room()) {
            match ready!(Pin::new(requests).poll_next(context)) {
                Some(Ok(v1::PaymentStreamRequest { correlation_id, authorize })) => {
                    // Each has as long as a call of its own would.
                    let deadline = self.switch.deadline(&MetadataMap::new());
                    if let Some(told) = self.many.begin(correlation_id, authorize.unwrap_or_default(), deadline) {
                        return Poll::Ready(told);
                    }
                }
                Some(Err(status)) => self.read_no_more(Some(status)),
                None => self.read_no_more(None),
            }
        }
        Poll::Pending
    }

    fn read_no_more(&mut self, end: Option<Status>) {
        self.requests = None;
        self.end = end;
    }

    /// What nobody will wait for any longer.
    fn poll_deadlines(&mut self, context: &mut Context<'_>) -> Poll<Told> {
        while let Some(deadline) = self.many.next_deadline() {
            if let Some(told) = self.many.expired(Instant::now()) {
                return Poll::Ready(told);
            }
            if self.timer.deadline() != deadline {
                self.timer.as_mut().reset(deadline);
            }
            ready!(self.timer.as_mut().poll(context));
        }
        Poll::Pending
    }
}

impl Stream for PaymentStream {
    type Item = Result<Encoded<v1::PaymentStreamResponse>, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let stream = self.get_mut();
        if stream.requests.is_some() && stream.stops.as_mut().poll(context).is_ready() {
            stream.read_no_more(Some(errors::payment_stream_drained()));
        }
        let told = match stream.many.poll_told(context) {
            Poll::Ready(told) => Poll::Ready(told),
            Poll::Pending => match stream.poll_requests(context) {
                Poll::Ready(told) => Poll::Ready(told),
                Poll::Pending => stream.poll_deadlines(context),
            },
        };
        match told {
            Poll::Ready(Told { tag, outcome }) => Poll::Ready(Some(Ok(Encoded::of_outcome(tag, outcome)))),
            Poll::Pending if stream.requests.is_none() && stream.many.is_idle() => {
                Poll::Ready(stream.end.take().map(Err))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}
