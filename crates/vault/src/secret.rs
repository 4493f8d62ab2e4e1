//! Bytes that do not stay in memory longer than they are needed.

use std::hint::black_box;

/// Bytes that are wiped when dropped, and that stay at one place until then: a move copies the pointer alone. [`wipe`] tells
/// what that is worth.
pub(crate) struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    pub(crate) fn zeros() -> Self {
        Self(Box::new([0; N]))
    }

    pub(crate) fn bytes(&self) -> &[u8; N] {
        &self.0
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }

    /// Whether both are the same, in a time that does not tell where they differ.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        let differing = self.0.iter().zip(other.0.iter()).fold(0, |differing, (a, b)| black_box(differing | (a ^ b)));
        differing == 0
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        wipe(&mut *self.0);
    }
}

/// Overwrites bytes with zeros.
///
/// What that is worth: without `unsafe` there is no write that the compiler must keep. It is asked to take the wiped bytes
/// for used, which today's compiler does, and no standard promises. Nothing is wiped when the process is killed, and what
/// the operating system wrote to swap or to a core file before stays there. It shortens the time in which a number can be
/// read from memory; it is no proof.
pub fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    black_box(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_are_equal_and_no_others() {
        let of = |bytes: [u8; 4]| {
            let mut secret = Secret::zeros();
            *secret.bytes_mut() = bytes;
            secret
        };
        assert!(of([1, 2, 3, 4]).equals(&of([1, 2, 3, 4])));
        for other in [[0, 2, 3, 4], [1, 2, 3, 5], [1, 130, 3, 4], [2, 1, 4, 3]] {
            assert!(!of([1, 2, 3, 4]).equals(&of(other)), "{other:?}");
        }
    }
}
