//! `payctl journal replay`: a ledger as it stood at a moment.

use std::path::PathBuf;

use clap::Args;
use domain::{AccountId, Lsn};
use jiff::Timestamp;
use money::Money;
use projections::TrialLine;
use serde_json::{Value, json};
use wire::v1::TrialBalanceLine;

use super::line::{moment, price_text};
use super::print;
use super::reading::{Ledger, Needs, Then, read};
use crate::commands::status::{is_balanced, trial_balance};
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{Align, Fields, GOOD, HEADING, Table, paint};
use crate::words;

/// Show the ledger as it stood at a record or a moment
///
/// Makes every record so up to that point, and shows what readers would have seen: the trial balance, accounts, rates in
/// force, open positions. Without a point it is the ledger as it stands. Reads files only.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The daemon's data directory, or the journal's own
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The last record to make so
    #[arg(long, value_name = "LSN", conflicts_with = "to_time")]
    to_lsn: Option<u64>,
    /// Make all records so that were stamped up to this moment, e.g. 2026-11-26T10:00:00Z
    #[arg(long, value_name = "TIME")]
    to_time: Option<Timestamp>,
    /// Also show these accounts of wallet holders and merchants, as `dump` writes them, e.g. wallet:demo-wallet/hk-alice
    #[arg(long = "account", value_name = "ACCOUNT")]
    accounts: Vec<String>,
}

impl Replay {
    pub(super) fn run(&self, as_json: bool) -> Result<Exit, Error> {
        let mut ledger = Ledger::new();
        let until = self.to_time.map(words::moment_of);
        read(&self.directory, Needs::Beginning, |record, _| {
            if self.to_lsn.is_some_and(|last| record.lsn.get() > last) || until.is_some_and(|until| record.at > until) {
                return Ok(Then::Stop);
            }
            ledger.apply(record);
            Ok(Then::Next)
        })?;
        let applied = ledger.engine.applied_lsn();
        if let Some(last) = self.to_lsn.filter(|last| *last > applied.get()) {
            return Err(Error::Usage(format!("the journal ends at lsn {applied}, before {last}")));
        }
        if applied == Lsn::ZERO {
            return Err(Error::Usage("no record was made by then".to_owned()));
        }
        let accounts = self.accounts.iter().map(|name| found(&ledger, name)).collect::<Result<Vec<_>, _>>()?;
        let lines: Vec<TrialBalanceLine> = ledger.boards().trial_balance().iter().map(trial_line).collect();
        print(&if as_json {
            format!("{:#}\n", json(&ledger, &accounts, &lines))
        } else {
            text(&ledger, &accounts, &lines)
        })?;
        Ok(if is_balanced(&lines) { Exit::Approved } else { Exit::Damaged })
    }
}

/// An account by its name; house accounts are lines of the trial balance.
fn found(ledger: &Ledger, name: &str) -> Result<(String, AccountId), Error> {
    let account = ledger.names.find(name).filter(|account| ledger.boards().account(*account).is_some());
    let account = account.ok_or_else(|| Error::Usage(format!("there was no account {name}")))?;
    Ok((name.to_owned(), account))
}

fn trial_line(line: &TrialLine) -> TrialBalanceLine {
    TrialBalanceLine {
        account_kind: line.kind.as_str().to_owned(),
        accounts: line.accounts,
        balance: words::money_message(line.balance),
    }
}

fn text(ledger: &Ledger, accounts: &[(String, AccountId)], lines: &[TrialBalanceLine]) -> String {
    let (engine, boards) = (&ledger.engine, ledger.boards());
    let mut fields = Fields::default();
    fields.line("lsn", engine.applied_lsn());
    fields.line("time", moment(engine.applied_at()).replace('T', " "));
    let counts = [boards.payments_captured(), boards.payments_held(), boards.payments_declined()].map(words::count);
    fields.line("payments", format!("{} captured, {} held, {} declined", counts[0], counts[1], counts[2]));
    fields.line("state", engine.digest());
    let mut text = format!("{}\n{fields}\n{}\n", paint(GOOD, "as it stood"), paint(HEADING, "trial balance"));
    text += &trial_balance(lines);
    if !accounts.is_empty() {
        let mut table = Table::new([
            ("account", Align::Left),
            ("state", Align::Left),
            ("posted", Align::Right),
            ("held", Align::Right),
        ]);
        for (name, account) in accounts {
            let Some(summary) = boards.account(*account) else { continue };
            let state = format!("{:?}", summary.state).to_lowercase();
            let amount = |money: Money| money.grouped().to_string();
            table.row([name.clone(), state, amount(summary.posted_balance), amount(summary.held_balance)]);
        }
        text += &format!("\n{}\n{table}", paint(HEADING, "accounts"));
    }
    if !ledger.rates.is_empty() {
        let mut table = Table::new([
            ("pair", Align::Left),
            ("rate", Align::Right),
            ("of, UTC", Align::Left),
            ("lsn", Align::Right),
        ]);
        for (pair, (lsn, tick)) in &ledger.rates {
            let as_of = words::long_time(Some(tick.as_of.micros().div_euclid(1_000_000)));
            table.row([pair.clone(), price_text(tick.price), as_of, lsn.to_string()]);
        }
        text += &format!("\n{}\n{table}", paint(HEADING, "last rates"));
    }
    let positions: Vec<_> = engine.exposures().collect();
    if !positions.is_empty() {
        let mut table = Table::new([("open position", Align::Right), ("holds would add", Align::Right)]);
        for (_, open, held) in positions {
            table.row([open.grouped().to_string(), held.grouped().to_string()]);
        }
        text += &format!("\n{table}");
    }
    text
}

fn json(ledger: &Ledger, accounts: &[(String, AccountId)], lines: &[TrialBalanceLine]) -> Value {
    let (engine, boards) = (&ledger.engine, ledger.boards());
    let account = |(name, account): &(String, AccountId)| {
        let summary = boards.account(*account)?;
        Some(json!({
            "account": name,
            "state": format!("{:?}", summary.state).to_lowercase(),
            "postedBalance": summary.posted_balance.to_string(),
            "heldBalance": summary.held_balance.to_string(),
        }))
    };
    let rates = ledger.rates.iter().map(|(pair, (lsn, tick))| {
        json!({ "pair": pair, "rate": price_text(tick.price), "asOf": moment(tick.as_of), "lsn": lsn.get() })
    });
    let positions = engine
        .exposures()
        .map(|(_, open, held)| json!({ "open": open.to_string(), "holdsWouldAdd": held.to_string() }));
    json!({
        "lsn": engine.applied_lsn().get(),
        "time": moment(engine.applied_at()),
        "stateDigest": engine.digest().to_string(),
        "paymentsCaptured": boards.payments_captured(),
        "paymentsHeld": boards.payments_held(),
        "paymentsDeclined": boards.payments_declined(),
        "trialBalance": lines,
        "accounts": accounts.iter().filter_map(account).collect::<Vec<_>>(),
        "rates": rates.collect::<Vec<_>>(),
        "positions": positions.collect::<Vec<_>>(),
    })
}
