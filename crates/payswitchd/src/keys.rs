//! Secrets: where they come from and in which form they are kept.

use std::{
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::Arc,
};

use domain::{ApiKeyHash, DigestKey, Mode, Name};
use ingress::{ReceiptKeys, SigningKeys};
use wire::{
    digest::Digester,
    quote_token::{QuoteKey, QuoteTokens},
    receipts::ReceiptKey,
};

use crate::{
    config::{self, Config, ModeName},
    sandbox,
    start::{StartError, random_bytes},
};

/// No more is read of the file of a secret, which has 64 digits and a line feed.
const SECRET_BYTES_MAX: u64 = 1_024;

/// Everything that identifies callers, besides merchants, whose key hashes are in the journal.
pub(crate) struct Keys {
    pub(crate) digester: Arc<Digester>,
    pub(crate) digest_key: DigestKey,
    pub(crate) operator: ApiKeyHash,
    pub(crate) wallets: Vec<(Name, ApiKeyHash)>,
    pub(crate) signing: Arc<SigningKeys>,
}

impl Keys {
    /// The sandbox's known keys, or those the configuration names.
    pub(crate) fn load(config: &Config) -> Result<Self, StartError> {
        match config.mode {
            ModeName::Sandbox => Ok(sandbox::keys()),
            ModeName::Production => Self::production(config),
        }
    }

    /// Who is configured, each with a key of its own: one key for two parties would let one act as the other.
    pub(crate) fn parties(&self) -> Result<Vec<(String, ApiKeyHash)>, StartError> {
        let mut parties = vec![("operator".to_owned(), self.operator)];
        for (name, hash) in &self.wallets {
            let party = format!("wallet operator {name}");
            if let Some((other, _)) = parties.iter().find(|(_, known)| known == hash) {
                return Err(StartError::Config(format!("{party} and {other} have the same api_key_hash")));
            }
            parties.push((party, *hash));
        }
        Ok(parties)
    }

    fn production(config: &Config) -> Result<Self, StartError> {
        let (Some(digest_key), Some(operator)) = (&config.digest_key, &config.operator) else {
            return Err(StartError::Config(format!("{} needs digest_key and operator", Mode::Production.as_str())));
        };
        let digester = Arc::new(Digester::new(read_secret(&digest_key.file)?));
        let wallets = config.wallet_names()?.into_iter().map(|(name, hash)| {
            let key = format!("wallets.{name}.api_key_hash");
            Ok((name, ApiKeyHash(hex(hash).ok_or_else(|| not_hex(&key))?)))
        });
        let operator = hex(&operator.api_key_hash).ok_or_else(|| not_hex("operator.api_key_hash"))?;
        Ok(Self {
            digest_key: DigestKey { id: digest_key.id, check: digester.check() },
            operator: ApiKeyHash(operator),
            wallets: wallets.collect::<Result<_, StartError>>()?,
            signing: Arc::new(signing_keys(config)?),
            digester,
        })
    }
}

/// Makes a key, prints it and its hash.
pub(crate) fn print_new(digest_key_file: &Path) -> Result<(), StartError> {
    let digester = Digester::new(read_secret(digest_key_file)?);
    let key = format!("key_{}", to_hex(&random_bytes::<32>()?));
    println!("api key        {key}\napi_key_hash   {}", to_hex(&digester.api_key_hash(&key).0));
    Ok(())
}

/// Makes a secret for quotes, and prints it or writes it to a new file.
pub(crate) fn print_new_quote_key(out: Option<&Path>) -> Result<(), StartError> {
    keep_or_print("quote key", &random_bytes()?, out)
}

/// Makes a key for receipts; the public half is always printed.
pub(crate) fn print_new_receipt_key(out: Option<&Path>) -> Result<(), StartError> {
    let seed = random_bytes()?;
    keep_or_print("receipt key", &seed, out)?;
    println!("public key     {}", to_hex(&ReceiptKey::from_seed(0, &seed).public_key()));
    Ok(())
}

fn keep_or_print(what: &str, secret: &[u8; 32], out: Option<&Path>) -> Result<(), StartError> {
    let Some(path) = out else {
        println!("{what:<15}{}", to_hex(secret));
        return Ok(());
    };
    // A key that is there already is never lost by a slip.
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| writeln!(file, "{}", to_hex(secret)).and_then(|()| file.sync_all()));
    written.map_err(|source| StartError::NewSecret { path: path.to_owned(), source })
}

/// What signs quotes and receipts outside a sandbox.
fn signing_keys(config: &Config) -> Result<SigningKeys, StartError> {
    let keys = SigningKeys { quotes: quote_tokens(config)?, receipts: receipt_keys(config)? };
    refuse_clash(&keys, &keys)?;
    Ok(keys)
}

/// Refuses keys that cannot stand beside these.
pub(crate) fn refuse_clash(keys: &SigningKeys, those: &SigningKeys) -> Result<(), StartError> {
    match keys.clash(those) {
        Some((section, clash)) => Err(StartError::Config(format!("{section}: {clash}"))),
        None => Ok(()),
    }
}

fn quote_tokens(config: &Config) -> Result<QuoteTokens, StartError> {
    let Some(config::QuoteKeys { id, file, older }) = &config.quotes else {
        return Err(StartError::Config(format!("{} needs quotes", Mode::Production.as_str())));
    };
    let key = |id: u32, file: &Path| Ok(QuoteKey::new(id, &read_secret(file)?));
    let older = older.iter().map(|older| key(older.id, &older.file)).collect::<Result<Vec<_>, StartError>>()?;
    QuoteTokens::new(key(*id, file)?, older).map_err(|repeated| StartError::Config(format!("quotes: {repeated}")))
}

fn receipt_keys(config: &Config) -> Result<ReceiptKeys, StartError> {
    let Some(config::ReceiptKeys { id, file, older }) = &config.receipts else {
        return Err(StartError::Config(format!("{} needs receipts", Mode::Production.as_str())));
    };
    let older = older.iter().enumerate().map(|(index, older)| {
        let key = format!("receipts.older[{index}].public_key");
        Ok((older.id, hex(&older.public_key).ok_or_else(|| not_hex(&key))?))
    });
    let current = ReceiptKey::from_seed(*id, &read_secret(file)?);
    Ok(ReceiptKeys::new(current, older.collect::<Result<Vec<_>, StartError>>()?))
}

/// A secret that others can read is no secret: such a file is refused. What is no plain file of its size is not read.
pub(crate) fn read_secret(path: &Path) -> Result<[u8; 32], StartError> {
    let cannot = |source| StartError::Secret { path: path.to_owned(), source };
    let refused = |why: &str| StartError::Config(format!("{} {why}", path.display()));
    // Looked at before it is opened, too: opening a pipe would wait for whoever writes to it.
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(refused("is no plain file"));
    }
    let file = File::open(path).map_err(cannot)?;
    let found = file.metadata().map_err(cannot)?;
    let mode = found.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(refused(&format!("is open to others (mode {:o}): chmod 600 it", mode & 0o777)));
    }
    let mut text = String::new();
    file.take(SECRET_BYTES_MAX).read_to_string(&mut text).map_err(cannot)?;
    hex(text.trim()).ok_or_else(|| not_hex(&path.display().to_string()))
}

fn not_hex(what: &str) -> StartError {
    StartError::Config(format!("{what}: not 64 hexadecimal digits"))
}

fn hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |index: usize| char::from(*pair.get(index)?).to_digit(16);
        *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
    }
    Some(bytes)
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a String cannot fail.
        let _always = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_goes_there_and_back() {
        let bytes = [0xa5; 32];
        assert_eq!(hex(&to_hex(&bytes)), Some(bytes));
        assert_eq!(hex("a5"), None);
        assert_eq!(hex(&"g".repeat(64)), None);
    }
}
