//! New ids.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::{CardToken, MandateId, PaymentId, QuoteId, RefundId, Timestamp};

/// The shard that owns a payment is the last byte of its id; there is one shard.
const SHARD: u8 = 0;

/// Makes UUIDs of version 7 (RFC 9562, section 5.7): the time in milliseconds, then bits of this process, then a
/// counter. They need to be unique and not to be secret, since what is another's is not found; so one random number a
/// process will do, and no system call is made for each.
#[derive(Debug)]
pub struct Ids {
    process: [u8; 4],
    made: AtomicU64,
}

impl Ids {
    /// Ids of a process that drew these random bytes at its start.
    #[must_use]
    pub const fn new(process: [u8; 4]) -> Self {
        Self { process, made: AtomicU64::new(0) }
    }

    /// An id that no other payment has.
    pub(crate) fn payment(&self, now: Timestamp) -> PaymentId {
        PaymentId::from_bytes(self.next(now))
    }

    /// An id that no other refund has.
    pub(crate) fn refund(&self, now: Timestamp) -> RefundId {
        RefundId::from_bytes(self.next(now))
    }

    /// An id that no other quote has.
    pub(crate) fn quote(&self, now: Timestamp) -> QuoteId {
        QuoteId::from_bytes(self.next(now))
    }

    /// An id that no other mandate has.
    pub(crate) fn mandate(&self, now: Timestamp) -> MandateId {
        MandateId::from_bytes(self.next(now))
    }

    /// A token that no other card has.
    pub(crate) fn card(&self, now: Timestamp) -> CardToken {
        CardToken::from_bytes(self.next(now))
    }

    fn next(&self, now: Timestamp) -> [u8; 16] {
        let [p0, p1, p2, p3] = self.process;
        let [.., c0, c1, c2, c3, c4] = self.made.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let millis = u64::try_from(now.micros() / 1000).unwrap_or(0);
        // Version and variant take their six bits from the process's bytes.
        let bytes = [p0, p1, p2, p3, c0, c1, c2, c3, c4, SHARD];
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_version_7_end_with_the_shard_and_differ() {
        let ids = Ids::new([0xff; 4]);
        let now = Timestamp::from_micros(1_795_000_000_000_000);
        let of_each =
            |_| [ids.payment(now).bytes(), ids.refund(now).bytes(), ids.quote(now).bytes(), ids.mandate(now).bytes()];
        let made: HashSet<_> = (0..250).flat_map(of_each).collect();
        assert_eq!(made.len(), 1000);
        for id in made {
            let uuid = uuid::Uuid::from_bytes(id);
            assert_eq!((uuid.get_version_num(), uuid.get_variant()), (7, uuid::Variant::RFC4122));
            assert_eq!(id.last(), Some(&SHARD));
        }
    }
}
