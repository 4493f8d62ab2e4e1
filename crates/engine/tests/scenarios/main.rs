//! Tables of commands and what the engine says to each. `UPDATE_EXPECT=1` writes what it says now into the tables.

#![allow(clippy::wildcard_enum_match_arm, reason = "a table shows what it has no word for by failing")]

mod answer;
mod ask;
mod cards;
mod desk;
mod pay;
mod random_cards;
mod table;

use std::{fs, path::PathBuf};

use domain::{DeclineReason, PaymentMove, PaymentState};

use crate::{desk::Desk, table::Table};

/// Runs the rows of a table in order and compares all of it, answers and alignment, with the file.
fn check(name: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(name);
    let expected = fs::read_to_string(&path).expect("the table is there");
    let mut desk = Desk::default();
    let mut table = Table::read(&expected);
    table.answer(|row| desk.run(row));
    desk.assert_replays();

    let actual = table.to_string();
    if std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
        fs::write(&path, actual).expect("the table can be written");
        return;
    }
    for (number, (expected, actual)) in (1..).zip(expected.lines().zip(actual.lines())) {
        assert_eq!(actual, expected, "{name}:{number}; UPDATE_EXPECT=1 rewrites the table");
    }
    assert_eq!(actual, expected, "{name}; UPDATE_EXPECT=1 rewrites the table");
}

fn text(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios").join(name);
    fs::read_to_string(path).expect("the table is there")
}

#[test]
fn first_payment() {
    check("first_payment.txt");
}

#[test]
fn cards() {
    check("cards.txt");
}

#[test]
fn what_issuers_answer() {
    check("card_answers.txt");
}

#[test]
fn consents_to_charges() {
    check("card_consents.txt");
}

#[test]
fn card_limits() {
    check("card_limits.txt");
}

#[test]
fn same_currency() {
    check("same_currency.txt");
}

#[test]
fn declines_in_order() {
    check("declines_in_order.txt");
}

#[test]
fn idempotency() {
    check("idempotency.txt");
}

#[test]
fn keys_end() {
    check("keys_end.txt");
}

#[test]
fn order_id() {
    check("order_id.txt");
}

#[test]
fn accounts() {
    check("accounts.txt");
}

#[test]
fn rates() {
    check("rates.txt");
}

#[test]
fn refusals() {
    check("refusals.txt");
}

#[test]
fn life_cycle() {
    check("life_cycle.txt");
}

#[test]
fn partial_amounts() {
    check("partial_amounts.txt");
}

#[test]
fn increases() {
    check("increases.txt");
}

#[test]
fn refunds() {
    check("refunds.txt");
}

#[test]
fn expiry() {
    check("expiry.txt");
}

#[test]
fn a_rail_has_rules_of_its_own() {
    check("rails.txt");
}

#[test]
fn consents() {
    check("consents.txt");
}

#[test]
fn quotes() {
    check("quotes.txt");
}

#[test]
fn three_currencies() {
    check("three_currencies.txt");
}

#[test]
fn volatility() {
    check("volatility.txt");
}

#[test]
fn exposure() {
    check("exposure.txt");
}

/// All tables in one text.
fn all_tables() -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let files = fs::read_dir(folder).expect("the tables are there").map(|file| file.expect("a file").path());
    let tables = files.filter(|path| path.extension().is_some_and(|extension| extension == "txt"));
    tables.map(|path| fs::read_to_string(path).expect("a table is text")).collect()
}

#[test]
fn every_decline_reason_has_a_row() {
    let tables = all_tables();
    for reason in DeclineReason::ALL {
        assert!(tables.contains(&format!("declined {}", reason.as_str())), "{}", reason.as_str());
    }
}

#[test]
fn every_refusal_has_a_row() {
    let tables = all_tables();
    for refusal in answer::REFUSALS {
        assert!(tables.contains(&format!("refused {refusal}")), "{refusal}");
    }
}

/// Each state meets each move: what is allowed is done somewhere in the tables, what is not is refused in
/// `life_cycle.txt`.
#[test]
fn every_state_meets_every_move() {
    let table = text("life_cycle.txt");
    let moves = [PaymentMove::Capture, PaymentMove::Void, PaymentMove::Increase, PaymentMove::Refund];
    for state in PaymentState::ALL.into_iter().filter(|state| *state != PaymentState::Declined) {
        for asked in moves.into_iter().filter(|asked| !state.allowed().contains(asked)) {
            let refused = format!("move_not_allowed: {} when {}", asked.as_str(), state.as_str());
            assert!(table.contains(&refused), "{refused}");
        }
    }
}

#[test]
fn together() {
    check("together.txt");
}
