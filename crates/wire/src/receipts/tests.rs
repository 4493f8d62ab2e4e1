use domain::{
    AccountId, AccountKind, Command, Decline, DeclineReason, Event, Evidence, Lsn, MerchantId, PaymentId, Timestamp,
    VoidPayment,
};
use money::Currency;

use super::*;

/// Seed, public key and signature of an empty text: RFC 8032, section 7.1, test 1.
const SEED: [u8; SEED_BYTES] = [
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5,
    0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
];
const PUBLIC_KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

fn key() -> ReceiptKey {
    ReceiptKey::from_seed(3, &SEED)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn record() -> Record {
    let command = VoidPayment { merchant: MerchantId(1), payment_id: PaymentId::from_bytes([0xcc; 16]) };
    // Which event it was is all that a receipt looks at itself.
    let event = Event::Declined(Decline { reason: DeclineReason::AccountFrozen, paid_by: None });
    let at = Timestamp::from_micros(1_700_000_000_500_000);
    Record { lsn: Lsn::new(10), at, key: None, command: Command::VoidPayment(command), event }
}

fn statement(record: &Record) -> Statement<'_> {
    Statement {
        mode: Mode::Sandbox,
        journal_id: [5; 16],
        chain: ChainMark { lsn: Lsn::new(12), digest: [6; 32] },
        record,
        record_digest: record_digest(b"the record"),
        payment: v1::Payment { payment_id: "p".to_owned(), ..v1::Payment::default() },
        refund: None,
        net_debit_amount: Some(Money::new(Currency::HKD, 11_911)),
    }
}

#[test]
fn a_key_is_the_one_of_the_rfc() {
    assert_eq!(hex(&key().public_key()), PUBLIC_KEY);
    assert_eq!(key().id(), 3);
}

#[test]
fn a_receipt_is_checked_with_the_public_key_alone() {
    let receipt = key().issue(statement(&record())).unwrap();
    assert_eq!((receipt.key_id, receipt.signature.len()), (3, SIGNATURE_BYTES));
    let body = read(&key().public_key(), &receipt.body, &receipt.signature).unwrap();
    assert_eq!((body.mode.as_str(), body.key_id, body.lsn, body.chain_lsn), ("sandbox", 3, 10, 12));
    assert_eq!((&body.chain_digest[..], &body.journal_id[..]), (&[6; 32][..], &[5; 16][..]));
    assert_eq!(body.record_digest, blake3::hash(b"the record").as_bytes());
    assert_eq!(body.kind(), v1::PaymentEventKind::Declined);
    assert_eq!(body.record_time, Some(replies::timestamp(record().at)));
    assert_eq!(body.net_debit_amount, Some(replies::money(Money::new(Currency::HKD, 11_911))));
    assert_eq!(key().issue(statement(&record())), Some(receipt), "one outcome has one receipt");
}

#[test]
fn a_receipt_with_a_single_bit_flipped_is_refused() {
    let public_key = key().public_key();
    let receipt = key().issue(statement(&record())).unwrap();
    let (body, signature) = (receipt.body.to_vec(), receipt.signature.to_vec());
    assert!(verify(&public_key, &body, &signature));
    for place in 0..body.len() * 8 {
        let mut flipped = body.clone();
        flipped[place / 8] ^= 1 << (place % 8);
        assert!(!verify(&public_key, &flipped, &signature), "bit {place}");
        assert_eq!(read(&public_key, &flipped, &signature), Err(Error::SignatureInvalid));
    }
    for place in 0..signature.len() * 8 {
        let mut flipped = signature.clone();
        flipped[place / 8] ^= 1 << (place % 8);
        assert!(!verify(&public_key, &body, &flipped), "bit {place} of the signature");
    }
    let other = ReceiptKey::from_seed(4, &[1; SEED_BYTES]);
    assert!(!verify(&other.public_key(), &body, &signature));
    for malformed in [&[][..], &[0; 31], &[0xff; 32]] {
        assert!(!verify(malformed, &body, &signature));
    }
}

/// Whoever signs something else by the same key signs no receipt by it.
#[test]
fn a_signature_of_the_bare_bytes_is_none_of_a_receipt() {
    let body = key().issue(statement(&record())).unwrap().body;
    let bare = key().pair.sign(&body);
    assert!(!verify(&key().public_key(), &body, bare.as_ref()));
}

#[test]
fn what_cannot_be_read_whole_is_not_shown() {
    let signed = |body: &[u8]| read(&key().public_key(), body, &key().sign(body));
    assert!(matches!(signed(&[0xff]), Err(Error::Malformed(_))));
    let receipt = key().issue(statement(&record())).unwrap();
    // Field 15, which this version does not know.
    assert_eq!(signed(&[&receipt.body[..], &[0x78, 1]].concat()), Err(Error::NotCanonical));
    // The mode once more: the last one counts, and hides the first.
    assert_eq!(signed(&[&receipt.body[..], b"\x0a\x01x"].concat()), Err(Error::NotCanonical));
}

#[test]
fn a_record_of_no_payment_has_no_receipt() {
    let account = AccountId { kind: AccountKind::Wallet, currency: Currency::HKD, index: 3 };
    let command = Command::CloseAccount(domain::OnAccount { account: Evidence::Present(account) });
    let other = Record { command, event: Event::AccountClosed, ..record() };
    assert_eq!(key().issue(statement(&other)), None);
}

#[test]
fn a_key_does_not_print_its_seed() {
    assert_eq!(format!("{:?}", key()), r#"ReceiptKey { id: 3, seed: "***" }"#);
}

/// Receipts outlive the daemon that signed them: a change here makes them unreadable.
#[test]
fn receipts_never_change() {
    let receipt = key().issue(statement(&record())).unwrap();
    assert_eq!(
        hex(&receipt.body),
        "0a0773616e64626f781003180a22200606060606060606060606060606060606060606060606060606060606060606280c\
         3220e8cae5f1217c2fec071f4c171bc043850e8cedbe0b161f2a7f8306a6a9895a39380342030a01705210050505050505\
         050505050505050505055a0c0880e2cfaa061080cab5ee0162080a03484b4410875d"
    );
    assert_eq!(
        hex(&receipt.signature),
        "e8250297417156b18748f34b85f03344bfef5e8fc6cf6085d71aac3d368f2fb3\
         83cdaf86795b7e3d093a1b76d817d9b0796b90c924d9714473eda2fc3642320e"
    );
}
