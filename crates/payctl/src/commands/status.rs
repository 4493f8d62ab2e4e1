//! `payctl status`.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use money::Money;
use wire::v1::{CardNetwork, StatusResponse, TrialBalanceLine};

use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{Align, BAD, FAINT, Fields, GOOD, HEADING, STRONG, Table, paint};
use crate::words;

/// Of a card network's hosts, so many characters are shown.
const HOSTS_CHARS_MAX: usize = 60;

/// Show how the switch stands, with its trial balance
///
/// For the switch's operator. Every currency must sum to zero; exits 4 when one does not.
#[derive(Debug, Args)]
pub(crate) struct Status {}

impl Status {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let reply = context.operator().status().await?;
        context.show(&reply, text);
        Ok(if is_balanced(&reply.trial_balance) { Exit::Approved } else { Exit::Damaged })
    }
}

fn text(status: &StatusResponse) -> String {
    let mut fields = Fields::default();
    let state = if status.state == "serving" { paint(GOOD, &status.state) } else { paint(BAD, &status.state) };
    let reason = if status.state_reason.is_empty() { String::new() } else { format!(": {}", status.state_reason) };
    fields.line("state", format!("{state}{reason}"));
    fields.line("mode", &status.mode);
    fields.line("since", words::time(status.start_time.as_ref().map(|time| time.seconds)));
    let positions = (status.last_lsn, status.durable_lsn, status.applied_lsn);
    fields.line("lsn", format!("{} decided, {} durable, {} applied", positions.0, positions.1, positions.2));
    let recovered = words::count(status.recovered_records);
    fields.line("recovered", format!("{recovered} records in {}", micros(status.recovery_us)));
    let [captured, held, declined] =
        [status.payments_captured, status.payments_held, status.payments_declined].map(words::count);
    fields.line("payments", format!("{captured} captured, {held} held, {declined} declined"));
    for network in &status.card_networks {
        fields.line("cards", lines(network));
        fields.line("", paint(FAINT, words::shortened(&network.hosts.join(", "), HOSTS_CHARS_MAX)));
    }
    let memory = status.process_resident_bytes / (1024 * 1024);
    fields.line("process", format!("{} of CPU, {memory} MiB", micros(status.process_cpu_us)));
    let title = paint(HEADING, "trial balance");
    format!("payswitch {}\n{fields}\n{title}\n{}", status.version, trial_balance(&status.trial_balance))
}

/// How the lines to a card network stand.
fn lines(network: &CardNetwork) -> String {
    let CardNetwork { lines, lines_up, messages_waiting, .. } = network;
    let colour = if lines_up == lines { GOOD } else { BAD };
    let up = paint(colour, format!("{lines_up} of {}", words::counted(u64::from(*lines), "line")));
    format!("{up} up, {} waiting", words::counted(u64::from(*messages_waiting), "message"))
}

fn micros(micros: u64) -> String {
    words::duration(Duration::from_micros(micros))
}

/// The trial balance: one line for each kind of account, the sum of each currency below it.
pub(crate) fn trial_balance(lines: &[TrialBalanceLine]) -> String {
    let mut table = Table::new([
        ("currency", Align::Left),
        ("accounts of kind", Align::Left),
        ("number", Align::Right),
        ("balance", Align::Right),
        ("", Align::Left),
    ]);
    for (currency, lines) in by_currency(lines) {
        for line in &lines {
            let balance = words::bare_amount(line.balance.as_ref());
            let number = words::count(line.accounts);
            table.row([currency.clone(), line.account_kind.clone(), number, balance, String::new()]);
        }
        let sum = sum(&lines);
        let balanced = sum.is_some_and(Money::is_zero);
        let verdict = if balanced { paint(GOOD, "balanced") } else { paint(BAD, "NOT BALANCED") };
        let shown = sum.and_then(words::money_message);
        let shown = words::bare_amount(shown.as_ref());
        table.row([currency, paint(STRONG, "sum"), String::new(), paint(STRONG, shown), verdict]);
    }
    let note = paint(FAINT, "  positive: owed by the switch; negative: owned by it");
    format!("{table}{note}\n")
}

/// Whether every currency sums to zero.
pub(crate) fn is_balanced(lines: &[TrialBalanceLine]) -> bool {
    by_currency(lines).values().all(|lines| sum(lines).is_some_and(Money::is_zero))
}

fn by_currency(lines: &[TrialBalanceLine]) -> BTreeMap<String, Vec<&TrialBalanceLine>> {
    let mut currencies = BTreeMap::<String, Vec<&TrialBalanceLine>>::new();
    for line in lines {
        let currency = line.balance.as_ref().map(|money| money.currency_code.clone()).unwrap_or_default();
        currencies.entry(currency).or_default().push(line);
    }
    currencies
}

/// The sum of these lines; `None` when they cannot be summed up, which no trial balance should be.
fn sum(lines: &[&TrialBalanceLine]) -> Option<Money> {
    let balances = lines.iter().map(|line| line.balance.as_ref().and_then(words::read_money));
    balances.reduce(|sum, balance| sum?.checked_add(balance?).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::plain;

    fn line(account_kind: &str, accounts: u64, currency_code: &str, minor_units: i64) -> TrialBalanceLine {
        TrialBalanceLine {
            account_kind: account_kind.into(),
            accounts,
            balance: Some(wire::v1::Money { currency_code: currency_code.into(), minor_units }),
        }
    }

    #[test]
    fn each_currency_is_summed_alone() {
        let lines = [
            line("wallet", 2, "HKD", 1_038_089),
            line("wallet", 1, "CNY", 500_000),
            line("fx_position", 1, "HKD", 11_793),
            line("fx_markup", 1, "HKD", 118),
            line("nostro", 1, "HKD", -1_050_000),
            line("nostro", 1, "CNY", -499_999),
        ];
        let expected = "  currency  accounts of kind  number     balance
  CNY       wallet                 1    5,000.00
  CNY       nostro                 1   -4,999.99
  CNY       sum                             0.01  NOT BALANCED
  HKD       wallet                 2   10,380.89
  HKD       fx_position            1      117.93
  HKD       fx_markup              1        1.18
  HKD       nostro                 1  -10,500.00
  HKD       sum                             0.00  balanced
  positive: owed by the switch; negative: owned by it
";
        assert_eq!(plain(trial_balance(&lines)), expected);
        assert!(!is_balanced(&lines));
        assert!(is_balanced(&[]));
    }

    #[test]
    fn each_card_network_tells_its_lines_and_what_waits() {
        let network = |lines_up, messages_waiting| CardNetwork {
            hosts: vec!["network.example:7000".into()],
            lines: 2,
            lines_up,
            messages_waiting,
        };
        let status =
            StatusResponse { card_networks: vec![network(2, 0), network(1, 1_234)], ..StatusResponse::default() };
        let shown = plain(text(&status));
        assert!(
            shown.contains("  cards      2 of 2 lines up, 0 messages waiting\n             network.example:7000\n"),
            "{shown}"
        );
        assert!(shown.contains("  cards      1 of 2 lines up, 1,234 messages waiting\n"), "{shown}");
        assert!(!plain(text(&StatusResponse::default())).contains("cards"), "no network, no line");
    }

    #[test]
    fn the_status_fits_eighty_columns() {
        let network = CardNetwork { hosts: vec!["a".repeat(253)], lines: 16, lines_up: 16, messages_waiting: u32::MAX };
        let status = StatusResponse {
            card_networks: vec![network],
            mode: "sandbox".into(),
            version: "0.1.0".into(),
            last_lsn: 1_234_567_890,
            durable_lsn: 1_234_567_890,
            applied_lsn: 1_234_567_890,
            state: "serving".into(),
            ..StatusResponse::default()
        };
        for line in plain(text(&status)).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
