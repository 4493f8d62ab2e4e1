//! Secrets: where they come from and in which form they are kept.

use std::{fmt::Write, fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use domain::{ApiKeyHash, DigestKey, Mode, Name};
use wire::digest::Digester;

use crate::{
    config::{Config, ModeName},
    sandbox,
    start::{StartError, random_bytes},
};

/// Everything that identifies callers, besides merchants, whose key hashes are in the journal.
pub(crate) struct Keys {
    pub(crate) digester: Arc<Digester>,
    pub(crate) digest_key: DigestKey,
    pub(crate) operator: ApiKeyHash,
    pub(crate) wallets: Vec<(Name, ApiKeyHash)>,
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
        let digester = Arc::new(Digester::new(read_digest_key(&digest_key.file)?));
        let wallets = config.wallet_names()?.into_iter().map(|(name, hash)| {
            let key = format!("wallets.{name}.api_key_hash");
            Ok((name, ApiKeyHash(hex(hash).ok_or_else(|| not_hex(&key))?)))
        });
        let operator = hex(&operator.api_key_hash).ok_or_else(|| not_hex("operator.api_key_hash"))?;
        Ok(Self {
            digest_key: DigestKey { id: digest_key.id, check: digester.check() },
            operator: ApiKeyHash(operator),
            wallets: wallets.collect::<Result<_, StartError>>()?,
            digester,
        })
    }
}

/// Makes a key, prints it and its hash.
pub(crate) fn print_new(digest_key_file: &Path) -> Result<(), StartError> {
    let digester = Digester::new(read_digest_key(digest_key_file)?);
    let key = format!("key_{}", to_hex(&random_bytes::<32>()?));
    println!("api key        {key}\napi_key_hash   {}", to_hex(&digester.api_key_hash(&key).0));
    Ok(())
}

/// A secret that others can read is no secret: such a file is refused.
fn read_digest_key(path: &Path) -> Result<[u8; 32], StartError> {
    let cannot = |source| StartError::Secret { path: path.to_owned(), source };
    let mode = fs::metadata(path).map_err(cannot)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(StartError::Config(format!(
            "{} can be read by others (mode {:o}): chmod 600 it",
            path.display(),
            mode & 0o777
        )));
    }
    let text = fs::read_to_string(path).map_err(cannot)?;
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
