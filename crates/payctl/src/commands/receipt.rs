//! `payctl receipt`: signed statements of what was decided.

mod check;
mod public_key;
mod statement;

use std::fs;
use std::path::PathBuf;

use ::journal::StoredRecord;
use clap::{Args, Subcommand};
use domain::Lsn;
use serde_json::json;
use wire::v1::{ListKeysResponse, ReceiptBody, ReceiptServiceGetRequest, ReceiptServiceGetResponse};

use self::check::{InvalidReceipt, NotInJournal};
use self::public_key::{PublicKeys, listed_keys, public_keys_argument};
use crate::commands::{AsMerchant, journal};
use crate::context::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{Align, BAD, FAINT, Fields, GOOD, STRONG, Table, paint, wrapped};

/// The longest receipt file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Fetch a signed receipt, or check one
///
/// A receipt is the switch's statement of one outcome, signed with Ed25519. Whoever has the switch's public key can check
/// it without asking the switch.
#[derive(Debug, Subcommand)]
pub(crate) enum Receipt {
    Get(Get),
    Verify(Verify),
    Keys(Keys),
}

/// Fetch the receipt of a payment
///
/// Asks as the merchant; with a wallet operator's key as that. The same outcome gives the same bytes
/// as long as the same key signs.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The id the switch gave the payment
    #[arg(value_name = "ID")]
    payment_id: String,
    /// Of what the record at this position did [default: the payment's last]
    #[arg(long, value_name = "LSN", default_value_t = 0, hide_default_value = true)]
    lsn: u64,
    /// Write the receipt into this file, for `receipt verify`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    by: AsMerchant,
}

/// Check a receipt without asking the switch
///
/// Checks the signature, and that the statement is written in the one way a receipt is. With --data-dir also that the
/// journal there holds the record where the receipt says, behind the same hash chain. Exits 0 when all of it holds and 4
/// when not.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The receipt, as `receipt get` wrote it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The switch's public key as 64 hexadecimal digits, or a file with it, or with the JSON of `receipt keys --json`
    #[arg(long, value_name = "HEX|FILE", value_parser = public_keys_argument)]
    public_key: PublicKeys,
    /// The daemon's data directory, or the journal's own
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// List the public keys that receipts are signed with
///
/// The one in use comes first. Earlier ones follow, so that old receipts can still be checked.
#[derive(Debug, Args)]
pub(crate) struct Keys {}

impl Receipt {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        match self {
            Self::Get(get) => get.run(context).await,
            Self::Keys(keys) => keys.run(context).await,
            Self::Verify(verify) => verify.run(context.prints_json()),
        }
    }
}

impl Get {
    async fn run(self, context: &Context) -> Result<Exit, Error> {
        let client = context.merchant(&self.by.merchant)?;
        let request = ReceiptServiceGetRequest { payment_id: self.payment_id, lsn: self.lsn };
        let reply = client.receipt(request).await?;
        let keys = listed_keys(client.list_receipt_keys().await?).map_err(Error::Reply)?;
        let body = check::signed(&reply, &keys).map_err(|reason| Error::Reply(reason.to_string()))?;
        if let Some(path) = &self.out {
            let tried = || format!("write the receipt {}", path.display());
            let json = serde_json::to_string_pretty(&reply).expect("messages have JSON") + "\n";
            fs::write(path, json).map_err(|source| Error::Local { tried: tried(), source })?;
        }
        context.show(&reply, |reply| {
            let kept = match &self.out {
                Some(path) => format!("in {}", path.display()),
                None => "--out FILE keeps it for receipt verify".to_owned(),
            };
            let head = format!("{}  signed with key {}, which the switch lists", paint(GOOD, "receipt"), reply.key_id);
            format!("{head}\n{}\n{}", paint(FAINT, format!("  {kept}")), statement::text(&body))
        });
        Ok(Exit::Approved)
    }
}

impl Keys {
    async fn run(self, context: &Context) -> Result<Exit, Error> {
        let reply = context.wallet().list_receipt_keys().await?;
        context.show(&reply, keys_text);
        Ok(Exit::Approved)
    }
}

fn keys_text(reply: &ListKeysResponse) -> String {
    let mut table = Table::new([("key", Align::Right), ("Ed25519 public key", Align::Left), ("", Align::Left)]);
    for (index, key) in reply.keys.iter().enumerate() {
        let note = if index == 0 { paint(GOOD, "signs now") } else { String::new() };
        table.row([key.key_id.to_string(), check::hex(&key.public_key), note]);
    }
    table.to_string()
}

impl Verify {
    /// Asks nobody.
    pub(crate) fn run(&self, as_json: bool) -> Result<Exit, Error> {
        let receipt = self.read()?;
        let checked = check::signed(&receipt, &self.public_key);
        let found = match (&checked, &self.data_dir) {
            (Ok(body), Some(directory)) => Some(in_journal(body, directory)?),
            (Ok(_) | Err(_), _) => None,
        };
        if as_json {
            anstream::println!("{:#}", verdict_json(&checked, found.as_ref()));
        } else {
            anstream::print!("{}", verdict_text(&receipt, &checked, found.as_ref()));
        }
        let holds = checked.is_ok() && found.is_none_or(|found| found.is_ok());
        Ok(if holds { Exit::Approved } else { Exit::Damaged })
    }

    fn read(&self) -> Result<ReceiptServiceGetResponse, Error> {
        let path = self.file.display();
        let local = |source| Error::Local { tried: format!("read the receipt {path}"), source };
        if fs::metadata(&self.file).map_err(local)?.len() > FILE_BYTES_MAX {
            return Err(Error::Usage(format!("{path} is longer than a receipt can be")));
        }
        let text = fs::read_to_string(&self.file).map_err(local)?;
        serde_json::from_str(&text)
            .map_err(|reason| Error::Usage(format!("{path} is not a receipt as `receipt get` writes it: {reason}")))
    }
}

/// Whether the journal holds what the receipt says.
///
/// # Errors
/// When the journal cannot be read or is damaged.
fn in_journal(body: &ReceiptBody, directory: &std::path::Path) -> Result<Result<(), NotInJournal>, Error> {
    let stored: Option<StoredRecord> = ::journal::record_at(&journal::disk(directory), Lsn::new(body.lsn))?;
    Ok(check::stored(body, stored.as_ref()))
}

fn verdict_text(
    receipt: &ReceiptServiceGetResponse,
    checked: &Result<ReceiptBody, InvalidReceipt>,
    found: Option<&Result<(), NotInJournal>>,
) -> String {
    let body = match checked {
        // What an unknown hand may have written is not shown as a statement.
        Err(reason) => return format!("{}  receipt\n{}", paint(BAD, "INVALID"), wrapped(&reason.to_string(), 2)),
        Ok(body) => body,
    };
    let mut fields = Fields::default();
    fields.line("signature", format!("right, by key {}", receipt.key_id));
    match found {
        None => fields.line("journal", paint(FAINT, "not looked at; --data-dir checks it")),
        Some(Ok(())) => {
            fields.line("journal", format!("holds the record at lsn {}, behind the same hash chain", body.lsn));
            fields.line("amounts", paint(FAINT, "rest on the signature; not reckoned again"));
        }
        Some(Err(reason)) => fields.line("journal", paint(BAD, reason)),
    }
    let holds = found.is_none_or(Result::is_ok);
    let verdict = if holds { paint(GOOD, "valid") } else { paint(BAD, "NOT IN THIS JOURNAL") };
    format!("{verdict}  receipt\n{fields}{}\n{}", paint(STRONG, "statement"), statement::text(body))
}

fn verdict_json(
    checked: &Result<ReceiptBody, InvalidReceipt>,
    found: Option<&Result<(), NotInJournal>>,
) -> serde_json::Value {
    let body = checked.as_ref().ok().map(|body| serde_json::to_value(body).expect("messages have JSON"));
    let reason = match (checked, found) {
        (Err(reason), _) => Some(reason.to_string()),
        (Ok(_), Some(Err(reason))) => Some(reason.to_string()),
        (Ok(_), Some(Ok(())) | None) => None,
    };
    json!({
        "valid": reason.is_none(),
        "signature": checked.is_ok(),
        "journal": found.map(Result::is_ok),
        "reason": reason,
        "body": body,
    })
}

#[cfg(test)]
mod tests;
