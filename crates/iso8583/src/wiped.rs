//! Bytes that are overwritten before their memory is given back.

use alloc::vec::Vec;
use core::{fmt, hint::black_box, mem};

/// Overwrites bytes with zeros: what a caller does with a frame that held card data, once it is done with it.
///
/// A best effort, not a promise. Without `unsafe` there is no volatile write; `black_box` keeps the compilers of today from
/// dropping the zeros as never read. What was copied to registers, to the stack or to swap is not reached.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    black_box(bytes);
}

/// Bytes that may be card data: whatever leaves the buffer is overwritten first, when it grows, shrinks or is dropped.
#[derive(Default)]
pub(crate) struct Wiped(Vec<u8>);

impl Wiped {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn push(&mut self, byte: u8) {
        self.make_room(1);
        self.0.push(byte);
    }

    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Takes out `length` bytes from `start` on; what follows moves up. Nothing happens when there are not so many.
    pub(crate) fn cut(&mut self, start: usize, length: usize) {
        let Some(end) = start.checked_add(length).filter(|end| *end <= self.len()) else { return };
        self.0.copy_within(end.., start);
        self.truncate(self.len().saturating_sub(length));
    }

    pub(crate) fn truncate(&mut self, length: usize) {
        if let Some(rest) = self.0.get_mut(length..) {
            wipe(rest);
        }
        self.0.truncate(length);
    }

    /// The bytes, which are the caller's to overwrite from now on.
    pub(crate) fn into_vec(mut self) -> Vec<u8> {
        mem::take(&mut self.0)
    }

    /// A `Vec` that grows leaves its old memory as it was, so it is not let grow by itself.
    fn make_room(&mut self, bytes: usize) {
        let needed = self.len().saturating_add(bytes);
        if needed <= self.0.capacity() {
            return;
        }
        let mut larger = Vec::with_capacity(needed.max(self.0.capacity().saturating_mul(2)));
        larger.extend_from_slice(&self.0);
        wipe(&mut self.0);
        self.0 = larger;
    }
}

impl Clone for Wiped {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl fmt::Write for Wiped {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.extend(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_added_and_cut_in_order() {
        let mut bytes = Wiped::default();
        bytes.extend(b"4242424242424242");
        bytes.push(b'!');
        bytes.cut(2, 12);
        assert_eq!(bytes.as_slice(), b"4242!");
        bytes.cut(4, 2);
        assert_eq!(bytes.as_slice(), b"4242!");
        bytes.truncate(3);
        assert_eq!(bytes.into_vec(), b"424");
    }

    #[test]
    fn what_is_wiped_is_zeros() {
        let mut bytes = b"4242".to_vec();
        wipe(bytes.get_mut(1..3).expect("two bytes"));
        assert_eq!(bytes, b"4\0\x002");
    }
}
