//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};

/// The payments switch daemon.
///
/// Without arguments it starts a sandbox: built-in configuration, data in ./payswitch-data, loopback only.
///
/// SIGTERM stops it once every answer is given. SIGHUP makes it take the keys for quotes and receipts from its
/// configuration anew; a sandbox, which has none, it stops.
///
/// Exit codes: 0 stopped cleanly, 1 stopped with work undone, 2 refused (configuration or arguments), 3 cannot use the
/// data directory or an address, 4 damaged data.
#[derive(Clone, Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    /// Configuration file (TOML). See config/README.md for every key; PAYSWITCHD__SECTION__KEY in the environment
    /// overrides it.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Where the journal is kept.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Address for merchants and wallet operators; port 0 takes a free one and prints it.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,

    /// Address for the switch's operator.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) admin_listen: Option<SocketAddr>,

    /// Address for metrics and health over HTTP.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics_listen: Option<SocketAddr>,

    /// Also serves an empty call, the floor that `payctl bench --compare echo` measures against.
    #[arg(long)]
    pub(crate) bench_echo: bool,

    /// Starts although the clock stands well before the last record: time goes on from there.
    #[arg(long)]
    pub(crate) accept_clock: bool,

    /// Destroys card numbers in the vault that the ledger never heard of: what a crash left of bindings. Be sure that it is
    /// the vault's own ledger, and not an older copy of it.
    #[arg(long)]
    pub(crate) destroy_unknown_cards: bool,

    #[command(subcommand)]
    pub(crate) task: Option<Task>,
}

#[derive(Clone, Debug, Subcommand)]
#[expect(clippy::enum_variant_names, reason = "each is the name of its subcommand")]
pub(crate) enum Task {
    /// Makes an API key for a wallet operator or the operator, and prints it with the hash that goes into the
    /// configuration. The key itself is kept nowhere.
    NewKey {
        /// The file with the digest key: 64 hexadecimal digits, readable by its owner only.
        #[arg(long, value_name = "FILE")]
        digest_key_file: PathBuf,
    },
    /// Makes a secret that quotes are signed with: 64 hexadecimal digits, for the file that section quotes names.
    NewQuoteKey {
        /// Writes it to this new file, readable by its owner only; without it the secret is printed.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Seals the card vault under another key, while no daemon uses it. Then name the new key in section cards, and destroy the
    /// old one.
    RotateVaultKey {
        /// The vault's file.
        #[arg(long, value_name = "FILE")]
        vault: PathBuf,
        /// Number of the key it is sealed under.
        #[arg(long, value_name = "NUMBER")]
        id: u32,
        /// The file with that key: 64 hexadecimal digits, readable by its owner only.
        #[arg(long, value_name = "FILE")]
        key_file: PathBuf,
        /// Number of the new key, which no other key of the vault ever had.
        #[arg(long, value_name = "NUMBER")]
        new_id: u32,
        /// The file with the new key.
        #[arg(long, value_name = "FILE")]
        new_key_file: PathBuf,
    },
    /// Makes a key that receipts are signed with: a secret of 64 hexadecimal digits, for the file that section receipts names,
    /// and the public key, for whoever checks receipts.
    NewReceiptKey {
        /// Writes the secret to this new file, readable by its owner only; without it the secret is printed.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}
