//! The vault: binds, reveals, unbinds, rotates.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use domain::{CardBin, CardFingerprint, CardToken, LastFour, Scheme};

use crate::format::{
    Block, CardRecord, FORMAT_VERSION, Header, RECORD_BYTES, RECORD_STEP, Record, Slot, decode_card, encode_card,
};
use crate::index::Index;
use crate::opening::{Blocks, Found};
use crate::place::VaultPlace;
use crate::sealing::{Binding, Part, SealingKey, VaultKeys, fill_random, random, secret_context};
use crate::{BindError, Error, Expiry, KeyEncryptionKey, Pan, scheme};

/// A card, or another expiry of one, is refused once the file has so many records, 4 GiB; at most as many that unbind cards may
/// follow. It bounds what one key-encryption key seals with random nonces far below the 2^32 that NIST SP 800-38D section 8.3
/// allows.
const RECORDS_MAX: u64 = 1 << 24;

/// Card numbers in one file, which no other process has open. Blocking; what changes it is on disk before it returns.
///
/// After a failed write it takes no more changes; reads go on. In memory is where the record of each token is, and no number.
pub struct Vault {
    place: VaultPlace,
    file: File,
    header: Header,
    /// The key-encryption key the file is sealed under.
    sealing: SealingKey,
    keys: VaultKeys,
    index: Index,
    /// Where the next record goes.
    end: u64,
    writes: Writes,
}

/// Whether the file is written again in this process.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writes {
    Allowed,
    /// One has begun and has not come to its end.
    Stopped,
}

/// What an opening found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Cards bound.
    pub cards: usize,
    /// Bytes taken off the end of the file: a record that was never whole, so that nobody was told of it.
    pub cut_bytes: u64,
}

/// What may be known of a bound card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Whose card it is.
    pub scheme: Scheme,
    /// The first 6 or 8 digits.
    pub bin: CardBin,
    /// The last four digits.
    pub last_four: LastFour,
    /// The same for the same number, in this vault.
    pub fingerprint: CardFingerprint,
}

impl Vault {
    /// Opens the vault in this file, or makes one there: readable by its owner alone, sealed under the first key.
    ///
    /// The directory must be there, and be the owner's alone. Beside the file, `.lock` is added to its name for the lock, and
    /// `.next` for the file of a rotation. A record that was never whole is cut off, and a destruction or renewal that was begun
    /// is brought to its end.
    ///
    /// # Errors
    /// When the file or its directory is open to others, is in use, or is no vault of this version; when the key it is sealed
    /// under is not among `keys` or is another than it was; when it is damaged; when the disk fails.
    pub fn open(path: &Path, keys: &[KeyEncryptionKey]) -> Result<(Self, Opened), Error> {
        if let Some(key) = keys.iter().find(|key| keys.iter().filter(|other| other.id() == key.id()).count() > 1) {
            return Err(Error::RepeatedKey { id: key.id() });
        }
        let place = VaultPlace::lock(path)?;
        let file = match place.open()? {
            Some(file) => file,
            None => create(&place, keys.first())?,
        };
        let mut blocks = Blocks::of(&place, &file)?;
        let header = blocks.header()?;
        let (id, path) = (header.key_id, path.to_owned());
        let Some(key) = keys.iter().find(|key| key.id() == id) else { return Err(Error::UnknownKey { path, id }) };
        let sealing = key.sealing();
        let secret = sealing.open(&header.secret, &secret_context(header.vault, id));
        let keys = VaultKeys::of(&secret.ok_or(Error::WrongKey { path, id })?);
        let Found { index, undestroyed, unreplaced, end, cut_bytes, .. } = blocks.records(&keys)?;
        let opened = Opened { cards: index.cards(), cut_bytes };
        let mut vault = Self { place, file, header, sealing, keys, index, end, writes: Writes::Allowed };
        vault.repair(&undestroyed, &unreplaced, cut_bytes)?;
        Ok((vault, opened))
    }

    /// Seals a number and its expiry under a token. Once this returns, it is durable. The same again is answered as before, and
    /// nothing is written. The same number with another expiry is kept with that: whatever fails, with the old or the new one.
    ///
    /// Whether the card has expired is not asked: there is no clock here.
    ///
    /// # Errors
    /// When the number is of no scheme that can be bound, or cannot be a number of its scheme; when the token stands for
    /// another number; when the vault is full; when the disk fails.
    pub fn bind(&mut self, token: CardToken, pan: &Pan, expiry: Expiry) -> Result<Bound, BindError> {
        let scheme = scheme::of(pan)?;
        let fingerprint = self.fingerprint(pan);
        let bound = Bound { scheme, bin: pan.bin(), last_four: pan.last_four(), fingerprint };
        let binding = Binding { token, scheme, fingerprint };
        match self.index.offset(token) {
            Some(at) => {
                let (bound_pan, bound_expiry) = self.reveal(token)?;
                if bound_pan != *pan {
                    return Err(BindError::TokenTaken { token });
                }
                if bound_expiry != expiry {
                    self.check_room()?;
                    let card = self.sealed(binding, pan, expiry)?;
                    self.renew(card, at)?;
                }
            }
            None => {
                self.check_room()?;
                let card = self.sealed(binding, pan, expiry)?;
                let offset = self.append(&Record::Card(card))?;
                assert!(self.index.add(token, offset), "the token was free");
            }
        }
        Ok(bound)
    }

    fn check_room(&self) -> Result<(), BindError> {
        if self.end < RECORDS_MAX * RECORD_STEP { Ok(()) } else { Err(BindError::Full) }
    }

    /// A card under a key of its own.
    fn sealed(&self, binding: Binding, pan: &Pan, expiry: Expiry) -> Result<CardRecord, Error> {
        let key = random()?;
        let context = |part| binding.context(part, self.header.vault);
        let card = SealingKey::new(&key).seal(encode_card(pan, expiry), &context(Part::Card))?;
        let key = self.sealing.seal(key, &context(Part::Key))?;
        Ok(CardRecord { binding, key, card })
    }

    /// Puts a card in the place of its record at `at`: the new is durable before anything of the old is overwritten.
    fn renew(&mut self, card: CardRecord, at: u64) -> Result<(), Error> {
        let token = card.binding.token;
        let offset = self.append(&Record::Renewed { card, at })?;
        self.index.remove(token);
        assert!(self.index.add(token, offset), "it was just removed");
        self.write_replaced(at)
    }

    fn write_replaced(&mut self, at: u64) -> Result<(), Error> {
        self.write(at, &Record::Replaced.encode(at, &self.keys))
    }

    /// What tells this number from others, in this vault and through all its rotations. The number need not be bound.
    #[must_use]
    pub fn fingerprint(&self, pan: &Pan) -> CardFingerprint {
        self.keys.fingerprint(pan)
    }

    /// Every card that is bound, first bound or renewed first.
    #[must_use]
    pub fn tokens(&self) -> Vec<CardToken> {
        self.index.in_file_order().into_iter().map(|(_, token)| token).collect()
    }

    /// The number and the expiry behind a token, for the card connector.
    ///
    /// # Errors
    /// When no card is bound to the token; when the stored bytes are not those that were written; when the disk fails.
    pub fn reveal(&self, token: CardToken) -> Result<(Pan, Expiry), Error> {
        let offset = self.index.offset(token).ok_or(Error::NoCard { token })?;
        let record = self.card_at(offset, token)?;
        let context = |part| record.binding.context(part, self.header.vault);
        let card = self.sealing.open(&record.key, &context(Part::Key)).and_then(|key| {
            let card = SealingKey::new(&key).open(&record.card, &context(Part::Card))?;
            decode_card(&card)
        });
        card.ok_or_else(|| self.place.damaged(offset, "the card does not open"))
    }

    /// Destroys the number behind a token: its sealed bytes and its key are overwritten in the file. Once this returns, they
    /// are gone from it. What a disk or a copy still holds of them is in the README.
    ///
    /// # Errors
    /// When no card is bound to the token; when the disk fails: then the next opening goes on with it, if it has begun.
    pub fn unbind(&mut self, token: CardToken) -> Result<(), Error> {
        let at = self.index.offset(token).ok_or(Error::NoCard { token })?;
        // First what is to be done, then the doing: else a crash in between would leave damage that nothing explains.
        self.append(&Record::Unbound { token, at })?;
        self.write(at, &[0; RECORD_BYTES])?;
        self.index.remove(token);
        Ok(())
    }

    /// Seals the vault under another key: a new file, in which the keys of all cards are sealed again, takes the place of the
    /// old. Fingerprints stay. The new file opens under the new key alone; when that has been seen to work, the old key is to
    /// be destroyed, and what copies of the old file hold is lost with it.
    ///
    /// # Errors
    /// When the key, or its number, is that of the present one; when a record is damaged; when the disk fails. Whatever fails,
    /// the file in place is the whole old one or the whole new one.
    pub fn rotate(&mut self, new: KeyEncryptionKey) -> Result<(), Error> {
        self.check_writes()?;
        let sealing = new.sealing();
        let old_context = secret_context(self.header.vault, self.header.key_id);
        if new.id() == self.header.key_id || sealing.open(&self.header.secret, &old_context).is_some() {
            return Err(Error::NotNewKey { id: new.id() });
        }
        let secret = self.sealing.open(&self.header.secret, &old_context).expect("the vault was opened with this key");
        let (vault, key_id) = (self.header.vault, new.id());
        let header = Header { vault, key_id, secret: sealing.seal(secret, &secret_context(vault, key_id))? };
        let (mut index, mut end) = (Index::default(), RECORD_STEP);
        self.writes = Writes::Stopped;
        let file = self.place.replace(|file| {
            let mut file = BufWriter::new(file);
            let mut write = |block: &Block| file.write_all(block).map_err(self.place.failed("rotate"));
            write(&header.encode())?;
            for (offset, token) in self.index.in_file_order() {
                let record = self.resealed(offset, token, &sealing)?;
                assert!(index.add(token, end), "a token has one card");
                write(&Record::Card(record).encode(end, &self.keys))?;
                end = end.saturating_add(RECORD_STEP);
            }
            file.flush().map_err(self.place.failed("rotate"))
        })?;
        (self.file, self.header, self.sealing, self.index, self.end) = (file, header, sealing, index, end);
        self.writes = Writes::Allowed;
        Ok(())
    }

    /// The card there, its key sealed under another key; the card itself stays sealed.
    fn resealed(&self, offset: u64, token: CardToken, sealing: &SealingKey) -> Result<CardRecord, Error> {
        let record = self.card_at(offset, token)?;
        let context = record.binding.context(Part::Key, self.header.vault);
        let key = self.sealing.open(&record.key, &context);
        let key = key.ok_or_else(|| self.place.damaged(offset, "the key of the card does not open"))?;
        Ok(CardRecord { key: sealing.seal(key, &context)?, ..record })
    }

    fn card_at(&self, offset: u64, token: CardToken) -> Result<CardRecord, Error> {
        let mut block = [0; RECORD_BYTES];
        self.file.read_exact_at(&mut block, offset).map_err(self.place.failed("read"))?;
        match Record::decode(&block, offset, &self.keys) {
            Slot::Written(Record::Card(card) | Record::Renewed { card, .. }) if card.binding.token == token => Ok(card),
            Slot::Written(_) | Slot::Unwritten | Slot::Altered => {
                Err(self.place.damaged(offset, "the record is not the one that was there"))
            }
        }
    }

    /// Where the record stands now, durably.
    fn append(&mut self, record: &Record) -> Result<u64, Error> {
        let offset = self.end;
        self.write(offset, &record.encode(offset, &self.keys))?;
        self.end = offset.saturating_add(RECORD_STEP);
        Ok(offset)
    }

    fn write(&mut self, offset: u64, block: &Block) -> Result<(), Error> {
        self.check_writes()?;
        self.writes = Writes::Stopped;
        self.file.write_all_at(block, offset).map_err(self.place.failed("write"))?;
        self.file.sync_all().map_err(self.place.failed("sync"))?;
        self.writes = Writes::Allowed;
        Ok(())
    }

    fn check_writes(&self) -> Result<(), Error> {
        match self.writes {
            Writes::Allowed => Ok(()),
            Writes::Stopped => Err(Error::Stopped { path: self.place.path().to_owned() }),
        }
    }

    /// Destroys what was unbound or renewed, and cuts off what was never whole. Nothing is written where there is nothing to
    /// mend.
    fn repair(&mut self, undestroyed: &[u64], unreplaced: &[u64], cut_bytes: u64) -> Result<(), Error> {
        for offset in unreplaced {
            self.write_replaced(*offset)?;
        }
        for offset in undestroyed {
            self.write(*offset, &[0; RECORD_BYTES])?;
        }
        if cut_bytes > 0 {
            self.file.set_len(self.end).map_err(self.place.failed("cut"))?;
            self.file.sync_all().map_err(self.place.failed("sync"))?;
        }
        Ok(())
    }
}

/// Makes an empty vault.
fn create(place: &VaultPlace, key: Option<&KeyEncryptionKey>) -> Result<File, Error> {
    let key = key.ok_or_else(|| Error::NoKey { path: place.path().to_owned() })?;
    let mut vault = [0; 16];
    fill_random(&mut vault)?;
    let secret = key.sealing().seal(random()?, &secret_context(vault, key.id()))?;
    let header = Header { vault, key_id: key.id(), secret };
    place.replace(|file| file.write_all_at(&header.encode(), 0).map_err(place.failed("write")))
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Vault");
        shown.field("path", &self.place.path()).field("format_version", &FORMAT_VERSION);
        shown.field("key_id", &self.header.key_id).field("cards", &self.index.cards()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
