//! The services as a server has them: answers of payments are encoded where they are made, once, and move as bytes.
//!
//! A payment's message is above a kilobyte in memory, in some forty pieces; on its way through the layers of a server it
//! would be copied several times, and each pending call would keep room for one.

use std::{fmt, marker::PhantomData};

use prost::{
    DecodeError, Message,
    bytes::{Buf, BufMut},
    encoding::{self, DecodeContext, WireType, message, skip_field},
};
use tonic::codec::{self, BufferSettings};
use tonic_prost::{ProstDecoder, ProstEncoder};

use crate::v1;

#[allow(missing_docs, missing_debug_implementations, unreachable_pub, clippy::all, clippy::pedantic)]
mod generated {
    tonic::include_proto!("servers/payswitch.v1");
}

pub use generated::*;

/// What is set aside for a message before its size is known, in bytes: most fit, and the allocator has such blocks at hand.
const BUFFER_BYTES: usize = 1_000;
/// At most so many bytes are written around a payment or an outcome.
const FRAME_BYTES: usize = 16;
/// Messages of a stream are handed on together once there are so many bytes of them.
const TOGETHER_BYTES: usize = 32 * 1_024;

/// A message that is encoded already. It can only be sent.
pub struct Encoded<M> {
    bytes: Vec<u8>,
    of: PhantomData<fn() -> M>,
}

impl<M: Message> Encoded<M> {
    /// These bytes, which encode such a message.
    #[must_use]
    pub const fn of_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes, of: PhantomData }
    }
}

impl<M: Message> From<&M> for Encoded<M> {
    fn from(message: &M) -> Self {
        Self::of_bytes(message.encode_to_vec())
    }
}

impl Encoded<v1::AuthorizeResponse> {
    /// The answer to one request to be paid.
    #[must_use]
    pub fn of_payment(payment: &Encoded<v1::Payment>) -> Self {
        let mut bytes = Vec::with_capacity(payment.bytes.len() + FRAME_BYTES);
        message::encode(1, payment, &mut bytes);
        Self::of_bytes(bytes)
    }
}

impl Encoded<v1::PaymentOutcome> {
    /// The payment, and whether it was recorded earlier.
    #[must_use]
    pub fn of_payment(payment: &Encoded<v1::Payment>, repeat: bool) -> Self {
        let mut bytes = Vec::with_capacity(payment.bytes.len() + FRAME_BYTES);
        message::encode(1, payment, &mut bytes);
        if repeat {
            encoding::bool::encode(3, &repeat, &mut bytes);
        }
        Self::of_bytes(bytes)
    }
}

impl Encoded<v1::PaymentStreamResponse> {
    /// The answer to one request of a stream.
    #[must_use]
    pub fn of_outcome(correlation_id: u64, outcome: &Encoded<v1::PaymentOutcome>) -> Self {
        let mut bytes = Vec::with_capacity(outcome.bytes.len() + FRAME_BYTES);
        if correlation_id != 0 {
            encoding::uint64::encode(1, &correlation_id, &mut bytes);
        }
        message::encode(2, outcome, &mut bytes);
        Self::of_bytes(bytes)
    }
}

impl Encoded<v1::AuthorizeBatchResponse> {
    /// The answer to a batch.
    #[must_use]
    pub fn of_outcomes(outcomes: &[Encoded<v1::PaymentOutcome>]) -> Self {
        let mut bytes = Vec::with_capacity(outcomes.iter().map(|outcome| outcome.bytes.len() + FRAME_BYTES).sum());
        message::encode_repeated(1, outcomes, &mut bytes);
        Self::of_bytes(bytes)
    }
}

impl<M> fmt::Debug for Encoded<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoded").field("bytes", &self.bytes.len()).finish()
    }
}

impl<M> Message for Encoded<M> {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        buffer.put_slice(&self.bytes);
    }

    fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    /// Passes over what is read: nothing reads one of these.
    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        skip_field(wire_type, tag, buffer, context)
    }

    fn clear(&mut self) {
        self.bytes.clear();
    }
}

/// How messages of these services are read and written.
#[derive(Debug)]
pub struct Codec<T, U>(PhantomData<fn() -> (T, U)>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> codec::Codec for Codec<T, U>
where
    T: Message + 'static,
    U: Message + Default + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = ProstDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(buffers())
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::new(buffers())
    }
}

fn buffers() -> BufferSettings {
    BufferSettings::new(BUFFER_BYTES, TOGETHER_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same<M: Message + Default + PartialEq>(encoded: &Encoded<M>, message: &M) {
        assert_eq!(encoded.bytes, message.encode_to_vec());
        assert_eq!(encoded.encode_to_vec(), encoded.bytes);
    }

    #[test]
    fn what_is_put_around_a_payment_is_the_published_message() {
        for payment in
            [v1::Payment::default(), v1::Payment { payment_id: "0190".repeat(80), lsn: 7, ..v1::Payment::default() }]
        {
            let encoded = Encoded::from(&payment);
            same(
                &Encoded::<v1::AuthorizeResponse>::of_payment(&encoded),
                &v1::AuthorizeResponse { payment: Some(payment.clone()) },
            );
            for (repeat, correlation_id) in [(false, 0), (true, u64::MAX)] {
                let outcome = Some(v1::payment_outcome::Outcome::Payment(payment.clone()));
                let outcome = v1::PaymentOutcome { outcome, repeat };
                let encoded = Encoded::<v1::PaymentOutcome>::of_payment(&encoded, repeat);
                same(&encoded, &outcome);
                let answer = v1::PaymentStreamResponse { correlation_id, outcome: Some(outcome.clone()) };
                same(&Encoded::of_outcome(correlation_id, &encoded), &answer);
                let again = Encoded::from(&outcome);
                let batch = v1::AuthorizeBatchResponse { outcomes: vec![outcome.clone(), outcome] };
                same(&Encoded::of_outcomes(&[encoded, again]), &batch);
            }
        }
    }
}
