//! The auditor can fail: a true story passes, the same story with one wrong unit does not.

use std::sync::Arc;

use domain::{
    AccountId, AccountKind, Command, Digest, DigestKey, Event, Evidence, InitializeSwitch, InstallPolicy, Lsn, Mode,
    MoveFunds, Name, OpenAccount, Policy, Posting, Record, RegisterWallet, Timestamp, WalletId,
};
use money::{Currency, Money, Ratio};
use shard::Committed;

use super::{Auditor, Finding, Found, Reply, Ticket, Turn, plain};
use crate::request::{Ask, Caller, Purpose, Request, Sum};

const ACCOUNT: AccountId = AccountId { kind: AccountKind::Wallet, currency: Currency::HKD, index: 0 };

/// A ledger with one account and a deposit of 500 asked for, of which `posted` is posted and `balance` recorded.
fn story(posted: i128, balance: i128) -> Vec<(Request, Record)> {
    let name = |text: &str| Name::new(text).unwrap();
    let ratio = |millionths| Ratio::from_millionths(millionths).unwrap();
    let hkd = |units| Money::new(Currency::HKD, units);
    let digest_key = DigestKey { id: 1, check: Digest([0; 16]) };
    let policy = Arc::new(Policy::basic(ratio(0), 1_000, ratio(1)));
    let posting = Posting::new(AccountId::house(AccountKind::Nostro, Currency::HKD), ACCOUNT, hkd(posted)).unwrap();
    let initialize = InitializeSwitch { mode: Mode::Production, digest_key };
    let open = OpenAccount { wallet: WalletId(0), name: name("ann"), currency: Currency::HKD };
    let funds = MoveFunds { account: Evidence::Present(ACCOUNT), amount: hkd(500) };
    let (switch, wallet) = (Caller::Switch, Caller::Wallet(0));
    let rows = [
        (switch, Ask::Begin(Purpose::Production), Command::InitializeSwitch(initialize), Event::SwitchInitialized),
        (
            switch,
            Ask::InstallPolicy(Box::default()),
            Command::InstallPolicy(InstallPolicy { policy }),
            Event::PolicyInstalled,
        ),
        (
            switch,
            Ask::RegisterWallet { name: "wallet-0".into() },
            Command::RegisterWallet(RegisterWallet { name: name("wallet-0") }),
            Event::WalletRegistered(WalletId(0)),
        ),
        (
            wallet,
            Ask::Open { account: "ann".into(), currency: "HKD" },
            Command::OpenAccount(open),
            Event::AccountOpened(ACCOUNT),
        ),
        (
            wallet,
            Ask::Deposit { account: "ann".into(), amount: Sum { units: 500, currency: "HKD" } },
            Command::Deposit(funds),
            Event::FundsMoved { posting, posted_balance: hkd(balance) },
        ),
    ];
    let record = |(number, (caller, ask, command, event))| {
        let key = (caller != Caller::Switch).then(|| format!("key-{number}"));
        let at = Timestamp::from_micros(i64::try_from(number).unwrap());
        (Request { caller, key, ask }, Record { lsn: Lsn::new(number), at, key: None, command, event })
    };
    (1..).zip(rows).map(record).collect()
}

fn audit(story: Vec<(Request, Record)>) -> Result<(), Finding> {
    let mut auditor = Auditor::default();
    for (request, record) in story {
        let record = Arc::new(record);
        let found: Found = plain::entry(&record).evidence;
        let committed = Committed { record: Arc::clone(&record), repeated: false };
        let reply = Reply::Told(Ok(committed));
        let ticket = Ticket { request, found, id: [0; 16], deadline: None, reply };
        auditor.turn(Turn {
            now: record.at.micros(),
            tickets: vec![ticket],
            durable: vec![record],
            failed: false,
            full: false,
        })?;
    }
    Ok(())
}

#[test]
fn a_true_story_passes() {
    assert_eq!(audit(story(500, 500)), Ok(()));
}

#[test]
fn a_wrong_posting_is_found() {
    let finding = audit(story(501, 501)).unwrap_err();
    assert!(finding.starts_with("record: expected") && finding.contains("501"), "{finding}");
}

#[test]
fn a_wrong_balance_is_found() {
    assert!(audit(story(500, 499)).is_err());
}

#[test]
fn a_gap_in_the_log_and_time_that_stands_still_are_found() {
    let mut gap = story(500, 500);
    gap[4].1.lsn = Lsn::new(6);
    assert!(audit(gap).is_err());
    let mut still = story(500, 500);
    still[4].1.at = still[3].1.at;
    assert!(audit(still).is_err());
}

#[test]
fn an_answer_without_a_durable_record_is_found() {
    let mut auditor = Auditor::default();
    let (request, record) = story(500, 500).swap_remove(0);
    let committed = Committed { record: Arc::new(record), repeated: false };
    let found = Found::default();
    let ticket = Ticket { request, found, id: [0; 16], deadline: None, reply: Reply::Told(Ok(committed)) };
    let finding = auditor.turn(Turn { now: 1, tickets: vec![ticket], durable: Vec::new(), failed: false, full: false });
    assert!(finding.unwrap_err().starts_with("nothing durable where"));
}
