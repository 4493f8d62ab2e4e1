//! Bytes to messages and back.

use alloc::vec::Vec;

use crate::element::Element;
use crate::error::{DecodeError, EncodeError, Expected, Place, Problem};
use crate::format::Format;
use crate::message::Message;
use crate::mti::Mti;
use crate::spec::Spec;
use crate::wiped::Wiped;

/// The longest message that is read or written, in bytes. Messages of cards are below 2 KiB.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// The bit of a bitmap that announces the other one.
const NEXT_BITMAP: u64 = 1 << 63;

/// Reads a message.
///
/// What is read is written again as the same bytes by the same spec, where they were canonical. Taken too are lower case
/// hexadecimal digits, a second bitmap without elements, and a `D` between the parts of a track in text.
///
/// # Errors
/// What was being read, where, and what should have stood there, when these are not the bytes of one whole message.
pub fn decode(spec: &Spec, bytes: &[u8]) -> Result<Message, DecodeError> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        let (place, offset) = (Place::Message, MESSAGE_BYTES_MAX);
        return Err(DecodeError { place, offset, expected: Expected::ShorterMessage });
    }
    let mut reader = Reader { bytes, offset: 0 };
    // Packed digits are twice as many as their bytes.
    let mut values = Wiped::with_capacity(bytes.len().saturating_mul(2));
    let mti = reader.fixed(spec.mti(), Place::Mti, &mut values)?;
    let mti = Mti::new(&mti).ok_or(DecodeError { place: Place::Mti, offset: 0, expected: Expected::Version0 })?;
    let first = u64::from_be_bytes(reader.fixed(spec.bitmap(), Place::Bitmap, &mut values)?);
    let offset = reader.offset;
    let second = match first & NEXT_BITMAP {
        0 => 0,
        _ => u64::from_be_bytes(reader.fixed(spec.bitmap(), Place::SecondBitmap, &mut values)?),
    };
    if second & NEXT_BITMAP != 0 {
        return Err(DecodeError { place: Place::SecondBitmap, offset, expected: Expected::NoThirdBitmap });
    }
    let carried = (u128::from(first) << 64) | u128::from(second);
    let count = usize::try_from(carried.count_ones()).unwrap_or_default();
    let mut message = Message::with_values(mti, count, values);
    for element in Element::all().filter(|element| carried & element.bit() != 0) {
        message.set_by(element, |values| reader.value(spec.format(element), Place::Element(element), values))?;
    }
    if reader.offset < bytes.len() {
        return Err(DecodeError { place: Place::Message, offset: reader.offset, expected: Expected::End });
    }
    Ok(message)
}

/// Writes a message.
///
/// The bytes may hold card data: [`wipe`](crate::wipe) them once they are sent.
///
/// # Errors
/// The element that the spec does not take as it is, and what it would take; or that all is over [`MESSAGE_BYTES_MAX`].
pub fn encode(spec: &Spec, message: &Message) -> Result<Vec<u8>, EncodeError> {
    let fields = || message.fields().map(|(element, value)| (element, value, spec.format(element)));
    let bitmap_bytes = spec.bitmap().bytes(8);
    let head = spec.mti().bytes(4).saturating_add(bitmap_bytes.saturating_mul(2));
    let length = fields().fold(head, |length, (_, value, format)| length.saturating_add(format.bytes(value.len())));
    // Whatever value is too long is named before the whole is called too long.
    let mut out = Wiped::with_capacity(length.min(MESSAGE_BYTES_MAX));
    let write = |format: &Format, place, value: &[u8], out: &mut Wiped| {
        format.write(value, out).map_err(|Problem { at, expected }| EncodeError { place, offset: at, expected })
    };
    let carried = message.fields().fold(0, |carried, (element, _)| carried | element.bit());
    let [first, second] = halves(carried);
    let announced = if second == 0 { first } else { first | NEXT_BITMAP };
    write(spec.mti(), Place::Mti, &message.mti().text(), &mut out)?;
    write(spec.bitmap(), Place::Bitmap, &announced.to_be_bytes(), &mut out)?;
    if second != 0 {
        write(spec.bitmap(), Place::SecondBitmap, &second.to_be_bytes(), &mut out)?;
    }
    for (element, value, format) in fields() {
        write(format, Place::Element(element), value, &mut out)?;
        if out.len() > MESSAGE_BYTES_MAX {
            return Err(EncodeError {
                place: Place::Message,
                offset: MESSAGE_BYTES_MAX,
                expected: Expected::ShorterMessage,
            });
        }
    }
    Ok(out.into_vec())
}

/// The bits of DE 1 to DE 64, and of DE 65 to DE 128.
fn halves(carried: u128) -> [u64; 2] {
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default();
    [half(carried >> 64), half(carried)]
}

impl Element {
    /// Its bit in both bitmaps together: DE 1 has the highest.
    const fn bit(self) -> u128 {
        #[expect(clippy::as_conversions, reason = "widens; `From` is not const")]
        let number = self.number() as u32;
        (1 << 127_u32) >> number.saturating_sub(1)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize, place: Place) -> Result<&'a [u8], DecodeError> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let Some((taken, _)) = rest.split_at_checked(count) else {
            let expected = Expected::MoreBytes(count.saturating_sub(rest.len()));
            return Err(DecodeError { place, offset: self.bytes.len(), expected });
        };
        self.offset = self.offset.saturating_add(count);
        Ok(taken)
    }

    /// Reads a value with its prefix.
    fn value(&mut self, format: &Format, place: Place, out: &mut Wiped) -> Result<(), DecodeError> {
        let start = self.offset;
        let error =
            |start: usize, Problem { at, expected }| DecodeError { place, offset: start.saturating_add(at), expected };
        let written = match format.prefix_bytes() {
            0 => format.written_maximum(),
            bytes => format.read_prefix(self.take(bytes, place)?).map_err(|problem| error(start, problem))?,
        };
        let (start, written) = (self.offset, usize::from(written));
        let value = self.take(format.value_bytes(written), place)?;
        format.read(written, value, out).map_err(|problem| error(start, problem))
    }

    /// Reads a value that is always as long, and leaves nothing of it in `scratch`.
    fn fixed<const N: usize>(
        &mut self,
        format: &Format,
        place: Place,
        scratch: &mut Wiped,
    ) -> Result<[u8; N], DecodeError> {
        self.value(format, place, scratch)?;
        let value = scratch.as_slice().first_chunk().copied().expect("a format of this length");
        scratch.truncate(0);
        Ok(value)
    }
}

#[cfg(test)]
mod tests;
