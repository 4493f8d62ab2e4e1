use super::*;

const OFFSET: u64 = 512;

fn sealed<const N: usize>(byte: u8) -> Sealed<N> {
    Sealed { nonce: [byte; 12], bytes: [byte + 1; N], tag: [byte + 2; 16] }
}

fn header() -> Header {
    Header { vault: *b"0123456789abcdef", key_id: 7, secret: sealed(1) }
}

fn card_record() -> CardRecord {
    let binding = Binding {
        token: CardToken::from_bytes([0xaa; 16]),
        scheme: Scheme::Jcb,
        fingerprint: CardFingerprint([0xbb; 16]),
    };
    CardRecord { binding, key: sealed(1), card: sealed(4) }
}

fn card() -> Record {
    Record::Card(card_record())
}

fn renewed() -> Record {
    Record::Renewed { card: card_record(), at: 256 }
}

fn every_record() -> [Record; 4] {
    [card(), unbound(), renewed(), Record::Replaced]
}

fn unbound() -> Record {
    Record::Unbound { token: CardToken::from_bytes([0xaa; 16]), at: 256 }
}

fn keys() -> VaultKeys {
    VaultKeys::of(&Secret::zeros())
}

/// The header with other bytes at a place, and with the checksum of those.
fn header_with(place: usize, bytes: &[u8]) -> Block {
    let mut block = header().encode();
    block[place..place + bytes.len()].copy_from_slice(bytes);
    let check = first_16(digest(&SHA256, &block[..CHECKED_BYTES]).as_ref());
    block[CHECKED_BYTES..].copy_from_slice(&check);
    block
}

#[test]
fn a_header_comes_back() {
    assert_eq!(Header::decode(&header().encode()), FirstBlock::Known(header()));
}

#[test]
fn a_header_with_another_bit_is_none() {
    for bit in 0..RECORD_BYTES * 8 {
        let mut block = header().encode();
        block[bit / 8] ^= 1 << (bit % 8);
        let expected = if bit < 64 { FirstBlock::NotAVault } else { FirstBlock::Altered };
        assert_eq!(Header::decode(&block), expected, "{bit}");
    }
}

#[test]
fn a_later_version_is_told_from_damage() {
    assert_eq!(Header::decode(&header_with(8, &[2, 0])), FirstBlock::Newer(2));
    assert_eq!(Header::decode(&header_with(8, &[0, 0])), FirstBlock::Altered);
    assert_eq!(Header::decode(&header_with(10, &[0, 2])), FirstBlock::Altered);
}

#[test]
fn a_record_comes_back_at_its_offset_and_under_its_keys() {
    for record in every_record() {
        let block = record.encode(OFFSET, &keys());
        assert_eq!(Record::decode(&block, OFFSET, &keys()), Slot::Written(record));
        assert_eq!(Record::decode(&block, 256, &keys()), Slot::Altered);
        let mut other = Secret::zeros();
        other.bytes_mut().fill(1);
        assert_eq!(Record::decode(&block, OFFSET, &VaultKeys::of(&other)), Slot::Altered);
    }
}

#[test]
fn a_record_with_another_bit_is_none() {
    for record in every_record() {
        for bit in 0..RECORD_BYTES * 8 {
            let mut block = record.encode(OFFSET, &keys());
            block[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Record::decode(&block, OFFSET, &keys()), Slot::Altered, "{bit}");
        }
    }
}

#[test]
fn a_record_of_which_only_the_beginning_was_written_is_unwritten() {
    for written in 0..=CHECKED_BYTES {
        let mut block = card().encode(OFFSET, &keys());
        block[written..].fill(0);
        assert_eq!(Record::decode(&block, OFFSET, &keys()), Slot::Unwritten, "{written}");
    }
}

/// A later program may write them; this one must not guess.
#[test]
fn a_record_of_an_unknown_kind_or_scheme_is_none() {
    for (place, value) in [(0, 0), (0, 5), (1, 0), (1, 8)] {
        let mut block = card().encode(OFFSET, &keys());
        block[place] = value;
        let check = keys().check(OFFSET, &block[..CHECKED_BYTES]);
        block[CHECKED_BYTES..].copy_from_slice(&check);
        assert_eq!(Record::decode(&block, OFFSET, &keys()), Slot::Altered, "{place} {value}");
    }
}

#[test]
fn a_card_comes_back() {
    for digits in ["123456789012", "4242424242424242", "6205500000000000004"] {
        let (pan, expiry) = (Pan::parse(digits).unwrap(), Expiry::new(12, 99).unwrap());
        assert_eq!(decode_card(&encode_card(&pan, expiry)), Some((pan, expiry)));
    }
}

#[test]
fn what_is_no_card_is_none() {
    let pan = Pan::parse("4242424242424242").unwrap();
    for (place, value) in [(0, 11), (0, 17), (0, 20), (0, 255), (1, 0), (1, 13), (2, 100), (5, b'x'), (5, 0xff)] {
        let mut bytes = encode_card(&pan, Expiry::new(1, 30).unwrap());
        bytes.bytes_mut()[place] = value;
        assert_eq!(decode_card(&bytes), None, "{place} {value}");
    }
}

/// The format is a promise: these bytes never change for version 1.
#[test]
fn the_bytes_of_version_1_stand() {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (nonce, tag) = ("01".repeat(12), "03".repeat(16));
    let header = header().encode();
    let secret = format!("{nonce}{}{tag}", "02".repeat(32));
    let vault = hex(b"0123456789abcdef");
    assert_eq!(hex(&header[..96]), format!("7661756c7465640a0100000107000000{vault}{secret}00000000"));
    assert_eq!(hex(&header[240..]), "6bdf3e6954765f124499c93c4fa26a17");
    let card = card().encode(OFFSET, &keys());
    let sealed_card = format!("{}{}{}", "04".repeat(12), "05".repeat(24), "06".repeat(16));
    assert_eq!(
        hex(&card[..152]),
        format!("01060000{}{}{secret}{sealed_card}00000000", "aa".repeat(16), "bb".repeat(16))
    );
    assert_eq!(hex(&card[240..]), "01017dc263207e3dea6653793b614ec0");
    let unbound = unbound().encode(OFFSET, &keys());
    assert_eq!(hex(&unbound[..32]), format!("02000000{}000100000000000000000000", "aa".repeat(16)));
    assert_eq!(hex(&unbound[240..]), "0bd0e73047de6a9762359ea58bb23c54");
    let renewed = renewed().encode(OFFSET, &keys());
    assert_eq!(hex(&renewed[..8]), "03060000aaaaaaaa");
    assert_eq!((&renewed[4..148], hex(&renewed[148..160])), (&card[4..148], "000100000000000000000000".to_owned()));
    assert_eq!(hex(&renewed[240..]), "b2c91864f242745a6313906f54904e8f");
    let replaced = Record::Replaced.encode(OFFSET, &keys());
    assert_eq!(hex(&replaced[..240]), format!("04{}", "00".repeat(239)));
    assert_eq!(hex(&replaced[240..]), "77afde0d031727862c1cf9f13a82aa41");
}
