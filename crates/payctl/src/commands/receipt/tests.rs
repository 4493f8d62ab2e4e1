use ::journal::JournalId;
use domain::ChainMark;
use prost::Message;
use wire::receipts::{Error as Unreadable, ReceiptKey};
use wire::v1::{Money, Payment, PaymentEventKind, PaymentState};

use super::*;
use crate::render::plain;

const RECORD: &[u8] = b"the record's bytes";
const CHAIN: [u8; 32] = [9; 32];
const JOURNAL: [u8; 16] = *b"16 random bytes.";

fn signer() -> ReceiptKey {
    ReceiptKey::from_seed(3, &[7; 32])
}

fn keys() -> PublicKeys {
    PublicKeys::One(signer().public_key())
}

fn body() -> ReceiptBody {
    let hkd = |minor_units| Some(Money { currency_code: "HKD".into(), minor_units });
    let payment = Payment {
        payment_id: "0199a1b2-0000-7000-8000-000000000000".into(),
        merchant_id: "demo-cafe".into(),
        state: PaymentState::Captured.into(),
        debit_amount: hkd(11_911),
        lsn: 42,
        ..Payment::default()
    };
    ReceiptBody {
        mode: "sandbox".into(),
        key_id: 3,
        lsn: 42,
        chain_digest: CHAIN.to_vec(),
        chain_lsn: 44,
        record_digest: wire::receipts::record_digest(RECORD).to_vec(),
        kind: PaymentEventKind::Captured.into(),
        payment: Some(payment),
        refund: None,
        journal_id: JOURNAL.to_vec(),
        record_time: None,
        net_debit_amount: hkd(11_911),
    }
}

fn signed_bytes(body: Vec<u8>) -> ReceiptServiceGetResponse {
    let signature = signer().sign(&body).to_vec();
    ReceiptServiceGetResponse { body, signature, key_id: 3 }
}

fn receipt() -> ReceiptServiceGetResponse {
    signed_bytes(body().encode_to_vec())
}

fn stored() -> StoredRecord {
    StoredRecord {
        journal_id: JournalId::new(JOURNAL),
        lsn: Lsn::new(42),
        bytes: RECORD.to_vec(),
        chain: ChainMark { lsn: Lsn::new(44), digest: CHAIN },
    }
}

#[test]
fn a_receipt_holds_with_the_published_key_alone() {
    assert_eq!(check::signed(&receipt(), &keys()), Ok(body()));
    assert_eq!(check::stored(&body(), Some(&stored())), Ok(()));
}

#[test]
fn whatever_was_changed_shows() {
    let spoiled = |spoil: fn(&mut ReceiptServiceGetResponse)| {
        let mut receipt = receipt();
        spoil(&mut receipt);
        check::signed(&receipt, &keys()).unwrap_err()
    };
    let signature = InvalidReceipt::Unreadable(Unreadable::SignatureInvalid);
    assert_eq!(spoiled(|receipt| receipt.body = receipt.body.iter().map(|byte| byte ^ 1).collect()), signature);
    assert_eq!(spoiled(|receipt| receipt.signature = vec![0; 64]), signature);
    assert_eq!(spoiled(|receipt| receipt.signature.clear()), signature);
    let moved = spoiled(|receipt| receipt.key_id = 4);
    assert_eq!(moved, InvalidReceipt::KeyOfAnother { stated: 3, key_id: 4 });
    let other = PublicKeys::ByNumber(vec![(4, [0; 32])]);
    assert_eq!(check::signed(&receipt(), &other), Err(InvalidReceipt::KeyUnknown { key_id: 3 }));
    assert_eq!(check::signed(&receipt(), &PublicKeys::One([7; 32])), Err(signature));
}

#[test]
fn a_statement_has_one_spelling() {
    // Field 15, which no statement has; and the mode once more.
    for tail in [&[0x78, 1][..], &[0x0a, 1, b'x']] {
        let bytes = [body().encode_to_vec().as_slice(), tail].concat();
        let error = check::signed(&signed_bytes(bytes), &keys()).unwrap_err();
        assert_eq!(error, InvalidReceipt::Unreadable(Unreadable::NotCanonical), "{tail:?}");
    }
    let error = check::signed(&signed_bytes(vec![0xff]), &keys()).unwrap_err();
    assert!(matches!(error, InvalidReceipt::Unreadable(Unreadable::Malformed(_))), "{error:?}");
}

#[test]
fn a_journal_must_hold_the_record_where_it_was() {
    assert_eq!(check::stored(&body(), None), Err(NotInJournal::EndsBefore));
    let other_id = StoredRecord { journal_id: JournalId::new([0; 16]), ..stored() };
    assert_eq!(check::stored(&body(), Some(&other_id)), Err(NotInJournal::OtherJournal));
    let other_record = StoredRecord { bytes: b"another".to_vec(), ..stored() };
    assert_eq!(check::stored(&body(), Some(&other_record)), Err(NotInJournal::OtherRecord));
    for chain in [ChainMark { lsn: Lsn::new(43), digest: CHAIN }, ChainMark { lsn: Lsn::new(44), digest: [0; 32] }] {
        let other_chain = StoredRecord { chain, ..stored() };
        assert_eq!(check::stored(&body(), Some(&other_chain)), Err(NotInJournal::OtherChain));
    }
}

#[test]
fn a_verdict_shows_a_statement_only_when_it_was_signed() {
    let checked = check::signed(&receipt(), &keys());
    let shown = plain(verdict_text(&receipt(), &checked, Some(&Ok(()))));
    for expected in ["valid  receipt\n", "right, by key 3", "at lsn 42, behind the same hash chain", "HKD 119.11"] {
        assert!(shown.contains(expected), "{expected} is not in\n{shown}");
    }
    for line in shown.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let elsewhere = plain(verdict_text(&receipt(), &checked, Some(&Err(NotInJournal::OtherRecord))));
    assert!(elsewhere.starts_with("NOT IN THIS JOURNAL  receipt\n"), "{elsewhere}");
    let invalid = plain(verdict_text(&receipt(), &Err(Unreadable::SignatureInvalid.into()), None));
    assert!(invalid.starts_with("INVALID  receipt\n") && !invalid.contains("HKD"), "{invalid}");
}

#[test]
fn a_verdict_as_json_says_what_was_checked() {
    let checked = check::signed(&receipt(), &keys());
    let json = verdict_json(&checked, None);
    assert_eq!((&json["valid"], &json["journal"]), (&json!(true), &json!(null)));
    assert_eq!(json["body"]["netDebitAmount"]["minorUnits"], "11911");
    let json = verdict_json(&checked, Some(&Err(NotInJournal::OtherChain)));
    assert_eq!((&json["valid"], &json["signature"], &json["journal"]), (&json!(false), &json!(true), &json!(false)));
    let json = verdict_json(&Err(Unreadable::NotCanonical.into()), None);
    assert_eq!((&json["valid"], &json["body"]), (&json!(false), &json!(null)));
}

#[test]
fn the_exit_code_says_whether_a_file_is_a_valid_receipt() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("receipt.json");
    let verify = |public_key: PublicKeys| Verify { file: file.clone(), public_key, data_dir: None };
    fs::write(&file, serde_json::to_string_pretty(&receipt()).unwrap()).unwrap();
    assert_eq!(verify(keys()).run(true).unwrap(), Exit::Approved);
    assert_eq!(verify(PublicKeys::One([1; 32])).run(true).unwrap(), Exit::Damaged);
    fs::write(&file, "{}").unwrap();
    assert_eq!(verify(keys()).run(true).unwrap(), Exit::Damaged);
    fs::write(&file, "no JSON").unwrap();
    assert_eq!(verify(keys()).run(true).unwrap_err().exit(), Exit::Refused);
}
