//! Tables of commands and what the engine says to each. `UPDATE_EXPECT=1` writes what it says now into the tables.

mod answer;
mod ask;
mod desk;
mod table;

use std::{fs, path::PathBuf};

use domain::DeclineReason;

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
fn every_decline_reason_has_a_row() {
    let table = text("declines_in_order.txt");
    for reason in DeclineReason::ALL {
        assert!(table.contains(&format!("declined {}", reason.as_str())), "{}", reason.as_str());
    }
}

#[test]
fn every_refusal_has_a_row() {
    let tables: String = ["accounts.txt", "idempotency.txt", "rates.txt", "refusals.txt"].map(text).concat();
    for refusal in answer::REFUSALS {
        assert!(tables.contains(&format!("refused {refusal}")), "{refusal}");
    }
}
