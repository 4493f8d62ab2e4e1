//! The bytes of a file, of which zeros that nobody changed take no memory.

const PAGE_BYTES: usize = 4096;

/// Bytes of some length.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    length: usize,
    /// A page that is not there is zero. Behind the length, all is zero.
    pages: Vec<Option<Box<[u8; PAGE_BYTES]>>>,
}

impl Pages {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut pages = Self::default();
        pages.write(bytes, 0);
        pages
    }

    pub(super) const fn length(&self) -> usize {
        self.length
    }

    /// Cuts bytes off, or adds zeros.
    pub(super) fn set_length(&mut self, length: usize) {
        self.pages.resize(length.div_ceil(PAGE_BYTES), None);
        if length < self.length
            && let Some(Some(page)) = self.pages.get_mut(length / PAGE_BYTES)
        {
            page[length % PAGE_BYTES..].fill(0);
        }
        self.length = length;
    }

    /// Writes these bytes; there are more then, if they end behind the end.
    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        self.set_length(self.length.max(offset + bytes.len()));
        let (mut rest, mut at) = (bytes, offset);
        while !rest.is_empty() {
            let (start, room) = (at % PAGE_BYTES, PAGE_BYTES - at % PAGE_BYTES);
            let (part, behind) = rest.split_at(rest.len().min(room));
            let page = &mut self.pages[at / PAGE_BYTES];
            if page.is_some() || part.iter().any(|byte| *byte != 0) {
                page.get_or_insert_with(|| Box::new([0; PAGE_BYTES]))[start..start + part.len()].copy_from_slice(part);
            }
            (rest, at) = (behind, at + part.len());
        }
    }

    /// Fills the buffer, or says `None` when there are fewer bytes.
    pub(super) fn read(&self, buffer: &mut [u8], offset: usize) -> Option<()> {
        if offset.checked_add(buffer.len())? > self.length {
            return None;
        }
        let (mut rest, mut at) = (buffer, offset);
        while !rest.is_empty() {
            let (start, room) = (at % PAGE_BYTES, PAGE_BYTES - at % PAGE_BYTES);
            let length = rest.len().min(room);
            let (part, behind) = rest.split_at_mut(length);
            match &self.pages[at / PAGE_BYTES] {
                Some(page) => part.copy_from_slice(&page[start..start + length]),
                None => part.fill(0),
            }
            (rest, at) = (behind, at + length);
        }
        Some(())
    }

    /// Makes these bytes, as far as there are so many in both, as they are there.
    pub(super) fn copy(&mut self, from: &Self, bytes: std::ops::Range<usize>) {
        let end = bytes.end.min(self.length).min(from.length);
        let start = bytes.start.min(end);
        let mut part = vec![0; end - start];
        from.read(&mut part, start).expect("there are so many");
        self.write(&part, start);
    }

    /// Turns over one bit; `false` if there is no such bit.
    pub(super) fn flip(&mut self, bit: usize) -> bool {
        let mut byte = [0];
        let found = self.read(&mut byte, bit / 8).is_some();
        if found {
            self.write(&[byte[0] ^ (1 << (bit % 8))], bit / 8);
        }
        found
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.length];
        self.read(&mut bytes, 0).expect("there are so many");
        bytes
    }
}
