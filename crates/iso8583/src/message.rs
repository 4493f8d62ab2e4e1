//! A message, whatever its encoding on a link.

use alloc::vec::Vec;
use core::str;

use crate::element::Element;
use crate::mti::Mti;
use crate::wiped::Wiped;

/// A message: its type, and values by element, in order.
///
/// A value is the same whatever spec it was read by: digits and text are ASCII, a track has `=` between its parts, binary
/// elements are bytes. Which values an element takes is asked when the message is encoded, for that depends on the spec.
///
/// The memory of values is overwritten before it is given back, as far as safe code can ([`wipe`](crate::wipe)). `Debug`
/// and `Display` show no card data.
#[derive(Clone)]
pub struct Message {
    mti: Mti,
    /// Ordered by element.
    fields: Vec<Field>,
    values: Wiped,
}

/// Where in `values` an element's value stands.
#[derive(Clone, Copy)]
struct Field {
    element: Element,
    start: usize,
    length: usize,
}

impl Message {
    /// A message without elements.
    #[must_use]
    pub fn new(mti: Mti) -> Self {
        Self { mti, fields: Vec::new(), values: Wiped::default() }
    }

    pub(crate) fn with_values(mti: Mti, fields: usize, values: Wiped) -> Self {
        Self { mti, fields: Vec::with_capacity(fields), values }
    }

    /// Its type.
    #[must_use]
    pub const fn mti(&self) -> Mti {
        self.mti
    }

    /// The value of an element, or `None` when the message does not carry it.
    #[must_use]
    pub fn get(&self, element: Element) -> Option<&[u8]> {
        let place = self.place(element).ok()?;
        self.fields.get(place).map(|field| self.value(field))
    }

    /// The value of an element as text, or `None` when the message does not carry it or it is not ASCII.
    #[must_use]
    pub fn text(&self, element: Element) -> Option<&str> {
        self.get(element).filter(|value| value.is_ascii()).and_then(|value| str::from_utf8(value).ok())
    }

    /// Carries this value under the element, instead of what it carried before.
    pub fn set(&mut self, element: Element, value: &[u8]) {
        self.set_by(element, |values| values.extend(value));
    }

    /// Takes out an element. Nothing happens when the message does not carry it.
    pub fn remove(&mut self, element: Element) {
        let Ok(place) = self.place(element) else { return };
        let removed = self.fields.remove(place);
        self.values.cut(removed.start, removed.length);
        for field in &mut self.fields {
            if field.start > removed.start {
                field.start = field.start.saturating_sub(removed.length);
            }
        }
    }

    /// The elements it carries, in order, with their values.
    pub fn fields(&self) -> impl Iterator<Item = (Element, &[u8])> {
        self.fields.iter().map(|field| (field.element, self.value(field)))
    }

    /// Carries what is written under the element, instead of what it carried before.
    pub(crate) fn set_by<T>(&mut self, element: Element, write: impl FnOnce(&mut Wiped) -> T) -> T {
        self.remove(element);
        let start = self.values.len();
        let result = write(&mut self.values);
        let field = Field { element, start, length: self.values.len().saturating_sub(start) };
        let place = self.place(element).unwrap_or_else(|place| place);
        self.fields.insert(place, field);
        result
    }

    fn place(&self, element: Element) -> Result<usize, usize> {
        // A message is read and most often made in the order of its elements.
        if self.fields.last().is_none_or(|last| last.element < element) {
            return Err(self.fields.len());
        }
        self.fields.binary_search_by_key(&element, |field| field.element)
    }

    fn value(&self, field: &Field) -> &[u8] {
        let values = self.values.as_slice().get(field.start..);
        values.and_then(|values| values.get(..field.length)).expect("a field lies within the values")
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.mti == other.mti && self.fields().eq(other.fields())
    }
}

impl Eq for Message {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_in_order_however_they_were_set() {
        let mut message = Message::new(Mti::AUTHORIZATION_REQUEST);
        for (number, value) in [(41, &b"TERMINAL"[..]), (3, b"000000"), (11, b"000001"), (3, b"200000"), (90, b"")] {
            message.set(Element::of(number), value);
        }
        message.remove(Element::of(41));
        message.remove(Element::of(42));
        let fields: Vec<_> = message.fields().collect();
        assert_eq!(fields, [(Element::of(3), &b"200000"[..]), (Element::of(11), b"000001"), (Element::of(90), b"")]);
        assert_eq!(message.text(Element::of(11)), Some("000001"));
        assert_eq!(message.get(Element::of(41)), None);
    }

    #[test]
    fn messages_are_equal_by_what_they_carry() {
        let mut one = Message::new(Mti::NETWORK_REQUEST);
        one.set(Element::of(11), b"000001");
        one.set(Element::of(7), b"1126173000");
        let mut other = Message::new(Mti::NETWORK_REQUEST);
        other.set(Element::of(7), b"1126173000");
        other.set(Element::of(11), b"000001");
        assert_eq!(one, other);
        other.set(Element::of(11), b"000002");
        assert_ne!(one, other);
    }
}
