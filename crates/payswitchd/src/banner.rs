//! What a person who starts the daemon sees.

use std::{
    fmt::{self, Display},
    path::Path,
};

use domain::Mode;
use ingress::Started;

use crate::{sandbox, serve::Addresses};

/// Where and what the daemon serves.
pub(crate) struct Banner<'a> {
    pub(crate) started: &'a Started,
    pub(crate) addresses: &'a Addresses,
    pub(crate) data_dir: &'a Path,
}

impl Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { started, addresses, data_dir } = self;
        writeln!(f, "payswitchd {} · {} · data in {}", started.version, started.mode.as_str(), data_dir.display())?;
        writeln!(f, "recovered {} records in {} µs", started.recovered_records, started.recovery_us)?;
        writeln!(f)?;
        writeln!(f, "  merchants and wallets  http://{}", addresses.merchants)?;
        writeln!(f, "  operators              http://{}", addresses.operators)?;
        writeln!(f, "  metrics                http://{}/metrics", addresses.metrics)?;
        if started.mode == Mode::Sandbox {
            self.sandbox(f)?;
        }
        writeln!(f)?;
        writeln!(f, "ready")
    }
}

impl Banner<'_> {
    fn sandbox(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        writeln!(f, "This is a sandbox: its money is made up, its keys are known to everybody and work nowhere else,")?;
        writeln!(f, "and its rates are the ECB's of 2026-10-30, re-stamped so that they are never stale.")?;
        writeln!(
            f,
            "A payer's name alone counts as the payer's consent here, and here only: elsewhere a payment needs a"
        )?;
        writeln!(
            f,
            "code, an approved order or a mandate from the payer's wallet. The clock can be advanced, a rate pinned,"
        )?;
        writeln!(f, "a call made to fail (SandboxService, on the operators' listener).")?;
        writeln!(f)?;
        for (merchant, currency, discount, key) in sandbox::MERCHANTS {
            let percent = money::Ratio::from_millionths(discount).map(|ratio| ratio.percent().to_string());
            let percent = percent.unwrap_or_default();
            writeln!(f, "  merchant  {merchant:<11} {currency}  discount {percent:<7} key {key}")?;
        }
        writeln!(f, "  wallet    {:<32} key {}", sandbox::WALLET, sandbox::WALLET_KEY)?;
        for (account, currency, minor_units) in sandbox::ACCOUNTS {
            let balance = money::Money::new(currency, i128::from(minor_units)).grouped().to_string();
            writeln!(f, "    account {account:<11} opened with {balance}")?;
        }
        writeln!(f, "  operator  {:<32} key {}", "", sandbox::OPERATOR_KEY)?;
        writeln!(f)?;
        writeln!(f, "Pay, in another terminal:")?;
        let server = match self.addresses.are_default {
            true => String::new(),
            false => format!(" --server {} --admin {}", self.addresses.merchants, self.addresses.operators),
        };
        writeln!(
            f,
            "  cargo run --release --bin payctl --{server} pay --payer hk-alice --merchant demo-cafe --amount \"CNY 100.00\""
        )
    }
}
