use domain::{AccountKind, Command, Event};
use proptest::prelude::*;

use super::*;

const HKD: Currency = Currency::HKD;

fn row(opened_at: i64) -> Row {
    let account = AccountId { kind: AccountKind::Wallet, currency: HKD, index: 0 };
    Row::new(account, Timestamp::from_micros(opened_at))
}

fn records(count: u64) -> Vec<Arc<Record>> {
    let record = |lsn| Record {
        lsn: Lsn::new(lsn),
        at: Timestamp::EPOCH,
        key: None,
        command: Command::ExpireHolds,
        event: Event::HoldsExpired(Vec::new()),
    };
    (1..=count).map(|lsn| Arc::new(record(lsn))).collect()
}

#[test]
fn a_count_is_itself_again_below_2_to_the_48th() {
    for number in [0, 1, 255, 256, u64::from(u32::MAX) + 1, (1 << 48) - 1] {
        assert_eq!(Count::new(number).map(Count::get), Some(number));
    }
    assert_eq!(Count::new(1 << 48), None);
}

#[test]
fn what_no_account_can_have_is_no_row() {
    let row = |posted, held, postings| {
        let account = AccountId { kind: AccountKind::Wallet, currency: HKD, index: 0 };
        let (posted_balance, held_balance) = (Money::new(HKD, posted), Money::new(HKD, held));
        let (state, opened_at) = (AccountState::Frozen, Timestamp::EPOCH);
        Row::of(&AccountRow { account, state, opened_at, posted_balance, held_balance, postings })
    };
    assert_eq!(row(5, 3, 7).map(|(row, held)| (row.posted, held, row.postings())), Some((5, 3, 7)));
    let most = i128::from(i64::MAX);
    assert!(row(most + 1, 0, 0).is_none() && row(0, most + 1, 0).is_none() && row(0, 0, 1 << 48).is_none());
}

#[test]
fn a_place_is_taken_once_in_whatever_order_a_block_is_filled() {
    let mut block = Block::default();
    for place in [200, 3, 255, 0, 100] {
        assert!(block.get(place, HKD).is_none());
        assert!(block.insert(place, row(place.into()), 0));
        assert!(!block.insert(place, row(7), 0));
        assert_eq!(block.get(place, HKD).unwrap().0.opened_at.micros(), place.into());
    }
    assert!(block.get(1, HKD).is_none());
    assert!(block.get(3, Currency::USD).is_none());
    assert_eq!(block.rows.capacity(), 256);
}

#[test]
fn a_block_of_idle_accounts_keeps_no_memory_for_their_use() {
    let mut block = Block::default();
    let record = &records(1)[0];
    for place in 0..=255 {
        block.insert(place, row(0), 0);
        block.change(place, HKD, |row, used| row.post(used, 5, record, 0));
    }
    for place in 0..=255 {
        block.forget(place, record.lsn);
    }
    assert!(block.uses.capacity() <= 4, "{}", block.uses.capacity());
    assert_eq!(block.get(9, HKD).map(|(row, _)| (row.posted, row.postings())), Some((5, 1)));
}

/// What is done to an account of a block.
#[derive(Clone, Copy, Debug)]
enum Step {
    Post(u8, i64),
    Hold(u8, i64),
    Forget(u8, u64),
}

/// What is posted, what is held, the postings, and up to where they were forgotten.
type Model = (i64, i64, Vec<(u64, i64)>, u64);

fn step() -> impl Strategy<Value = Step> {
    let place = || 0..4_u8;
    prop_oneof![
        (place(), -9..9_i64).prop_map(|(place, units)| Step::Post(place, units)),
        (place(), -2..2_i64).prop_map(|(place, units)| Step::Hold(place, units)),
        (place(), 0..64_u64).prop_map(|(place, up_to)| Step::Forget(place, up_to)),
    ]
}

proptest! {
    /// Whatever is in use and whatever is forgotten, an account has what was posted and held, and a page of its postings is
    /// the whole list but for what the index has.
    #[test]
    fn an_account_has_what_was_done_to_it(steps in proptest::collection::vec(step(), 0..64)) {
        let records = records(64);
        let mut block = Block::default();
        let mut model: [Model; 4] = Default::default();
        (0..4).for_each(|place| assert!(block.insert(place, row(0), 0)));
        for (record, step) in records.iter().zip(steps) {
            match step {
                Step::Post(place, units) => {
                    block.change(place, HKD, |row, used| row.post(used, units, record, 0));
                    let (posted, _, list, _) = &mut model[usize::from(place)];
                    *posted += units;
                    list.push((record.lsn.get(), *posted));
                }
                Step::Hold(place, units) => {
                    block.change(place, HKD, |_, used| used.hold(units));
                    model[usize::from(place)].1 += units;
                }
                Step::Forget(place, up_to) => {
                    block.forget(place, Lsn::new(up_to));
                    let forgotten = &mut model[usize::from(place)].3;
                    *forgotten = up_to.min(record.lsn.get()).max(*forgotten);
                }
            }
            for (place, (posted, held, list, forgotten)) in (0..4).zip(&model) {
                let (row, used) = block.get(place, HKD).unwrap();
                let summary = row.summary(used);
                prop_assert_eq!(summary.posted_balance.minor_units(), i128::from(*posted));
                prop_assert_eq!(summary.held_balance.minor_units(), i128::from(*held));
                let kept: Vec<_> = list.iter().filter(|(lsn, _)| lsn > forgotten).copied().collect();
                let (page, next) = part(row, used, 0, usize::MAX);
                let shown: Vec<_> = page.kept.iter().map(|view| (view.record.lsn.get(), view.posted)).collect();
                prop_assert_eq!((&shown, next), (&kept, None));
                prop_assert_eq!(page.in_index, 0..u64::try_from(list.len() - kept.len()).unwrap());
                prop_assert_eq!(used.is_some(), *held != 0 || !kept.is_empty());
            }
        }
    }
}
