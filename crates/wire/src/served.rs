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
/// Room in front of an encoded message, in bytes, for what is put around it: a correlation id and the keys and lengths of
/// the messages that hold it. What finds no room there is put in front all the same.
const FRONT_BYTES: usize = 32;
/// At most so many bytes are written around an outcome of a batch.
const FRAME_BYTES: usize = 16;
/// The longest key of a field with a length behind it, in bytes.
const KEY_BYTES_MAX: usize = 20;
/// Messages of a stream are handed on together once there are so many bytes of them.
const TOGETHER_BYTES: usize = 32 * 1_024;

/// A message that is encoded already. It can only be sent.
pub struct Encoded<M> {
    bytes: Vec<u8>,
    /// Where the message begins; what is before it is room.
    begin: usize,
    of: PhantomData<fn() -> M>,
}

impl<M> Encoded<M> {
    /// These bytes, which encode such a message.
    #[must_use]
    pub const fn of_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes, begin: 0, of: PhantomData }
    }

    /// What `write` appends, which encodes such a message; `bytes` is about how much.
    pub(crate) fn written(bytes: usize, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut room = Vec::with_capacity(FRONT_BYTES + bytes);
        room.resize(FRONT_BYTES, 0);
        write(&mut room);
        Self { bytes: room, begin: FRONT_BYTES, of: PhantomData }
    }

    fn message(&self) -> &[u8] {
        self.bytes.get(self.begin..).unwrap_or_default()
    }

    /// A message that has this one as field `number`, and nothing else.
    fn within<N>(mut self, number: u32) -> Encoded<N> {
        let length = self.message().len();
        self.put_before(|front| {
            encoding::encode_key(number, WireType::LengthDelimited, front);
            encoding::encode_varint(length as u64, front);
        });
        Encoded { bytes: self.bytes, begin: self.begin, of: PhantomData }
    }

    fn put_before(&mut self, write: impl FnOnce(&mut &mut [u8])) {
        let mut front = [0; KEY_BYTES_MAX];
        let mut left = &mut front[..];
        write(&mut left);
        let used = KEY_BYTES_MAX - left.len();
        let front = front.get(..used).unwrap_or_default();
        let begin = self.begin.saturating_sub(used);
        self.bytes.splice(begin..self.begin, front.iter().copied());
        self.begin = begin;
    }
}

impl<M: Message> From<&M> for Encoded<M> {
    fn from(message: &M) -> Self {
        Self::written(message.encoded_len(), |bytes| message.encode_raw(bytes))
    }
}

impl Encoded<v1::AuthorizeResponse> {
    /// The answer to one request to be paid.
    #[must_use]
    pub fn of_payment(payment: Encoded<v1::Payment>) -> Self {
        payment.within(1)
    }
}

impl Encoded<v1::PaymentOutcome> {
    /// The payment, and whether it was recorded earlier.
    #[must_use]
    pub fn of_payment(payment: Encoded<v1::Payment>, repeat: bool) -> Self {
        let mut outcome = payment.within(1);
        if repeat {
            encoding::bool::encode(3, &repeat, &mut outcome.bytes);
        }
        outcome
    }
}

impl Encoded<v1::PaymentStreamResponse> {
    /// The answer to one request of a stream.
    #[must_use]
    pub fn of_outcome(correlation_id: u64, outcome: Encoded<v1::PaymentOutcome>) -> Self {
        let mut answer = outcome.within(2);
        if correlation_id != 0 {
            answer.put_before(|front| encoding::uint64::encode(1, &correlation_id, front));
        }
        answer
    }
}

impl Encoded<v1::AuthorizeBatchResponse> {
    /// The answer to a batch.
    #[must_use]
    pub fn of_outcomes(outcomes: &[Encoded<v1::PaymentOutcome>]) -> Self {
        let mut bytes = Vec::with_capacity(outcomes.iter().map(|outcome| outcome.message().len() + FRAME_BYTES).sum());
        message::encode_repeated(1, outcomes, &mut bytes);
        Self::of_bytes(bytes)
    }
}

impl<M> fmt::Debug for Encoded<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoded").field("bytes", &self.message().len()).finish()
    }
}

impl<M> Message for Encoded<M> {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        buffer.put_slice(self.message());
    }

    fn encoded_len(&self) -> usize {
        self.message().len()
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
        self.bytes.truncate(self.begin);
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
        assert_eq!(encoded.encode_to_vec(), message.encode_to_vec());
        assert_eq!(encoded.encoded_len(), message.encoded_len());
    }

    #[test]
    fn what_is_put_around_a_payment_is_the_published_message() {
        for payment in
            [v1::Payment::default(), v1::Payment { payment_id: "0190".repeat(80), lsn: 7, ..v1::Payment::default() }]
        {
            // With room in front and without.
            for encoded in
                [|payment| Encoded::from(payment), |payment: &v1::Payment| Encoded::of_bytes(payment.encode_to_vec())]
            {
                same(
                    &Encoded::<v1::AuthorizeResponse>::of_payment(encoded(&payment)),
                    &v1::AuthorizeResponse { payment: Some(payment.clone()) },
                );
                for (repeat, correlation_id) in [(false, 0), (true, u64::MAX)] {
                    let outcome = Some(v1::payment_outcome::Outcome::Payment(payment.clone()));
                    let outcome = v1::PaymentOutcome { outcome, repeat };
                    let of_payment = || Encoded::<v1::PaymentOutcome>::of_payment(encoded(&payment), repeat);
                    same(&of_payment(), &outcome);
                    let answer = v1::PaymentStreamResponse { correlation_id, outcome: Some(outcome.clone()) };
                    same(&Encoded::of_outcome(correlation_id, of_payment()), &answer);
                    let again = Encoded::from(&outcome);
                    let batch = v1::AuthorizeBatchResponse { outcomes: vec![outcome.clone(), outcome] };
                    same(&Encoded::of_outcomes(&[of_payment(), again]), &batch);
                }
            }
        }
    }
}
