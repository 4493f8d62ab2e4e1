//! What an earlier message was known by.

use core::fmt;

use super::{
    ACQUIRER, Error, FORWARDER, InstitutionId, STAN, Stan, TRANSMISSION_TIME, TransmissionTime, Value, text::Parts,
};
use crate::message::Message;
use crate::mti::Mti;

/// What the message that is meant was known by (ISO 8583:1987 DE 90, `n42`): its type, DE 11, DE 7, DE 32 and DE 33. A
/// reversal names by it what it undoes.
///
/// What the sender does not know is zeros. Two are equal when they mean the same message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OriginalElements {
    /// Its type.
    pub mti: Mti,
    /// Its DE 11.
    pub stan: Stan,
    /// Its DE 7.
    pub transmitted_at: Option<TransmissionTime>,
    /// Its DE 32.
    pub acquirer: Option<InstitutionId>,
    /// Its DE 33.
    pub forwarder: Option<InstitutionId>,
}

const NO_TIME: &str = "0000000000";

impl OriginalElements {
    /// What this message is known by.
    ///
    /// # Errors
    /// [`Error::Missing`] without DE 11, [`Error::Malformed`] when one of the elements is of another shape.
    pub fn of(message: &Message) -> Result<Self, Error> {
        let known = |id: &InstitutionId| id.get() != 0;
        Ok(Self {
            mti: message.mti(),
            stan: message.require(STAN)?,
            transmitted_at: message.read(TRANSMISSION_TIME)?,
            acquirer: message.read(ACQUIRER)?.filter(known),
            forwarder: message.read(FORWARDER)?.filter(known),
        })
    }
}

impl Value for OriginalElements {
    const SHAPE: &'static str = "the 42 digits of an original message";

    fn parse(text: &[u8]) -> Option<Self> {
        let mut parts = Parts(text);
        let original = Self {
            mti: Mti::new(parts.take(4)?.try_into().ok()?)?,
            stan: Stan::parse(parts.take(6)?)?,
            transmitted_at: match parts.take(NO_TIME.len())? {
                none if none == NO_TIME.as_bytes() => None,
                text => Some(TransmissionTime::parse(text)?),
            },
            acquirer: InstitutionId::parse_filled(&mut parts)?,
            forwarder: InstitutionId::parse_filled(&mut parts)?,
        };
        parts.end(original)
    }

    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        write!(out, "{}", self.mti)?;
        self.stan.write(out)?;
        match &self.transmitted_at {
            Some(time) => time.write(out)?,
            None => out.write_str(NO_TIME)?,
        }
        InstitutionId::write_filled(self.acquirer, out)?;
        InstitutionId::write_filled(self.forwarder, out)
    }
}
