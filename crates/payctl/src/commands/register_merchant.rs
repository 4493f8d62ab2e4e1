//! `payctl register-merchant`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use money::{Currency, Ratio};
use wire::v1::RegisterMerchantRequest;

use crate::commands::{Key, currency_argument, name_argument};
use crate::context::{Context, read_key};
use crate::error::Error;
use crate::exit::Exit;
use crate::render::{FAINT, Fields, GOOD, STRONG, paint};

/// Bits of randomness in an API key, in bytes.
const KEY_RANDOM_BYTES: usize = 32;

/// Register a merchant and make its API key
///
/// For the switch's operator. The key is made here from 256 random bits; the switch keeps only a keyed hash of it, so
/// it is shown once, or written to --key-out, and cannot be had again.
#[derive(Debug, Args)]
pub(crate) struct RegisterMerchant {
    /// The new merchant: a-z, 0-9 and hyphen
    #[arg(value_name = "NAME", value_parser = name_argument)]
    merchant_id: String,
    /// What the merchant asks in and is paid in, ISO 4217
    #[arg(long, value_parser = currency_argument)]
    currency: Currency,
    /// The fee taken from each payment as a ratio: 0.006 is 0.6 %
    #[arg(long, value_name = "RATIO", value_parser = Ratio::parse)]
    discount: Ratio,
    /// File for the API key, readable by its owner only, instead of showing it. One that exists holds the key to register:
    /// so the same command with the same --idempotency-key repeats the same request
    #[arg(long, value_name = "FILE")]
    key_out: Option<PathBuf>,
    #[command(flatten)]
    key: Key,
}

impl RegisterMerchant {
    pub(crate) async fn run(self, context: &Context) -> Result<Exit, Error> {
        let kept = self.key_out.as_deref().filter(|path| path.exists());
        let api_key = match kept {
            Some(path) => read_key_text(path)?,
            None => new_api_key()?,
        };
        // The file comes first: a merchant whose key was lost could never call.
        if let Some(path) = self.key_out.as_deref().filter(|_| kept.is_none()) {
            write_key(path, &api_key).map_err(|source| Error::Local {
                tried: format!("write the new key file {}", path.display()),
                source,
            })?;
        }
        let request = RegisterMerchantRequest {
            idempotency_key: self.key.or_new(),
            merchant_id: self.merchant_id.clone(),
            settlement_currency_code: self.currency.code().to_owned(),
            merchant_discount: self.discount.to_string(),
            api_key: api_key.clone(),
        };
        let idempotency_key = request.idempotency_key.clone();
        let reply = match context.operator().register_merchant(request).await {
            Ok(reply) => reply,
            Err(error) => {
                let made = self.key_out.as_deref().filter(|_| kept.is_none());
                if let Some(path) = made.filter(|_| !error.outcome_is_unknown()) {
                    // Nothing was registered, so the key opens nothing; a file that stays behind would mislead.
                    let _ = fs::remove_file(path);
                }
                let file = self.key_out.as_ref().map_or_else(
                    || format!("FILE   (with this line in it: {api_key})"),
                    |path| path.display().to_string(),
                );
                let repeat = Some(format!("--idempotency-key {idempotency_key} --key-out {file}"));
                return Err(Error::Call { error, repeat });
            }
        };
        context.show(&reply, |reply| {
            let mut fields = Fields::default();
            fields.line("paid in", self.currency);
            fields.line("discount", self.discount.percent());
            match &self.key_out {
                Some(path) => fields.line("API key", format!("in {}", path.display())),
                None => fields.line("API key", paint(STRONG, &api_key)),
            }
            if self.key_out.is_none() {
                fields.line("", paint(FAINT, "keep it now: it is not shown again"));
            }
            fields.line("lsn", format!("{}, durable", reply.lsn));
            format!("{}  merchant {}\n{fields}", paint(GOOD, "registered"), reply.merchant_id)
        });
        if context.prints_json() && self.key_out.is_none() {
            // The reply does not hold the key, and standard output holds the reply alone.
            anstream::eprintln!("API key (shown once): {api_key}");
        }
        Ok(Exit::Approved)
    }
}

/// A key of 256 random bits with a prefix that tells a secret scanner what it is.
fn new_api_key() -> Result<String, Error> {
    let mut random = [0_u8; KEY_RANDOM_BYTES];
    getrandom::fill(&mut random)
        .map_err(|error| Error::Local { tried: "get random bits".to_owned(), source: io::Error::other(error) })?;
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("payswitch_merchant_{digits}"))
}

/// The key in a file that an earlier try left.
fn read_key_text(path: &Path) -> Result<String, Error> {
    read_key(path)?;
    let tried = format!("read the key file {}", path.display());
    let text = fs::read_to_string(path).map_err(|source| Error::Local { tried, source })?;
    Ok(text.trim().to_owned())
}

/// Writes the key into a new file that only its owner can read, and makes it durable.
fn write_key(path: &Path, api_key: &str) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{api_key}")?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_key_has_256_random_bits_and_is_a_key() {
        let (one, other) = (new_api_key().unwrap(), new_api_key().unwrap());
        assert_ne!(one, other);
        let digits = one.strip_prefix("payswitch_merchant_").unwrap();
        assert_eq!(digits.len(), KEY_RANDOM_BYTES * 2);
        assert!(one.parse::<client::ApiKey>().is_ok());
    }

    #[test]
    fn a_key_file_is_its_owner_s_and_never_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cafe.key");
        write_key(&path, "secret").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(write_key(&path, "other").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "secret\n");
    }
}
