//! What the connector needs of the house.

use std::future::Future;

use domain::{AcknowledgeAdvice, AnswerCard, CardToken, Timestamp};
use vault::{Expiry, Pan};

/// Where answers go. They are said again until they are heard, so hearing one twice must do no harm.
pub trait Switch: Send + Sync + 'static {
    /// Hands over what an issuer answered, or that it was never asked. Returns once that is durable or refused for good.
    fn answer(&self, answer: AnswerCard) -> impl Future<Output = Result<Heard, Unheard>> + Send;

    /// Notes that the network has taken an advice. Returns once that is durable or refused for good.
    fn acknowledge(&self, advice: AcknowledgeAdvice) -> impl Future<Output = Result<Heard, Unheard>> + Send;
}

/// The switch has heard it: there is no need to say it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is recorded.
    Recorded,
    /// Nothing waits for it: it came too late, or was recorded before.
    NothingOpen,
}

/// The switch cannot hear now: it is overloaded, or its disk is full. Say it again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the switch cannot take it now")]
pub struct Unheard;

/// Where card numbers are.
pub trait Numbers: Send + Sync + 'static {
    /// The number behind a token, or `None` once the card was unbound, or while it cannot be read: then a request is not
    /// sent, and an advice goes without. It is asked for each message that is written, from an async task: it must be quick.
    fn reveal(&self, token: CardToken) -> Option<(Pan, Expiry)>;
}

/// What time it is, by the clock that also stamps records. It may go back no further than answers may come late.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Timestamp;
}
